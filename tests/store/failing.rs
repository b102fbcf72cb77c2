//! Units that fail, panic, or cannot get their turn.
use crate::world::*;
use authgate::store::{
    QueuedUnit, Settings, Tx, Unit, UnitSink, audit::RecordAudit, devices::InsertDeviceCode,
    sessions::RecordLoginFailure,
};
use futures_util::{FutureExt as _, future::BoxFuture};
use sqlx::Connection as _;
use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU32, Ordering::Relaxed},
};

/// A unit that writes and then fails, and tells how often it was run.
struct Fails {
    inner: InsertDeviceCode,
    with: Option<StoreError>,
    runs: Arc<AtomicU32>,
}

impl Unit for Fails {
    type Answer = ();

    fn run<'c>(&'c self, tx: &'c mut Tx<'_>) -> BoxFuture<'c, Result<(), StoreError>> {
        async move {
            self.runs.fetch_add(1, Relaxed);
            self.inner.run(tx).await?;
            match &self.with {
                Some(error) => Err(error.clone()),
                None => panic!("a fault of ours"),
            }
        }
        .boxed()
    }
}

/// Holds units until they are committed together.
#[derive(Default)]
struct Held(Mutex<Vec<QueuedUnit>>);

impl UnitSink for Held {
    fn submit(&self, unit: QueuedUnit) -> BoxFuture<'static, ()> {
        self.0.lock().unwrap().push(unit);
        async {}.boxed()
    }
}

/// A unit that fails, or panics, leaves nothing and takes nobody with it; who shared a transaction with it is run again.
#[tokio::test]
async fn a_unit_that_fails_takes_nobody_with_it() {
    on_both(async |world| {
        let held = Arc::new(Held::default());
        let is_batched = world.driver == Driver::Sqlite;
        if is_batched {
            world.store.submit_through(Arc::<Held>::clone(&held));
        }
        let runs = Arc::new(AtomicU32::new(0));
        let fails = |name: &str, with| Fails {
            inner: insert(&device(name, at(600))),
            with,
            runs: Arc::clone(&runs),
        };
        let committing = async {
            if is_batched {
                while held.0.lock().unwrap().len() < 5 {
                    tokio::task::yield_now().await;
                }
                let units = std::mem::take(&mut *held.0.lock().unwrap());
                world.store.commit_batch(units).await;
            }
        };
        let unavailable = StoreError::Unavailable("later".to_owned());
        let twin = device("good", at(600));
        let (one, conflict, down, two, again, ()) = tokio::join!(
            world.store.commit(insert(&twin)),
            world.store.commit(fails("bad", Some(StoreError::Conflict))),
            world.store.commit(fails("down", Some(unavailable.clone()))),
            world.store.commit(insert(&device("other", at(600)))),
            world.store.commit(RecordAudit {
                rows: vec![row("a", at(0)), row("a", at(0))]
            }),
            committing,
        );
        assert_eq!((one, two), (Ok(()), Ok(())));
        assert_eq!(
            (conflict, down),
            (Err(StoreError::Conflict), Err(unavailable))
        );
        assert_eq!(again, Err(StoreError::Conflict));
        assert_eq!(world.count("SELECT count(*) FROM device_codes").await, 2);
        assert_eq!(world.count("SELECT count(*) FROM audit_logs").await, 2);
        // In a batch with others each ran a second time, alone.
        assert!(runs.load(Relaxed) >= 2, "{runs:?}");
        if is_batched {
            let panicking = fails("panic", None);
            let (answer, ()) = tokio::join!(world.store.commit(panicking), async {
                while held.0.lock().unwrap().is_empty() {
                    tokio::task::yield_now().await;
                }
                let units = std::mem::take(&mut *held.0.lock().unwrap());
                world.store.commit_batch(units).await;
            });
            assert!(matches!(answer, Err(StoreError::Bug(_))), "{answer:?}");
            assert_eq!(world.count("SELECT count(*) FROM device_codes").await, 2);
        }
    })
    .await;
}

/// Somebody else holds what a unit needs: it is told, nothing is left half done, and the next one comes off.
#[tokio::test]
async fn a_unit_that_cannot_get_its_turn_is_told() {
    on_both(async |world| {
        let failure = || RecordLoginFailure {
            account: "zoe".to_owned(),
            at: at(0),
            audit: vec![row("failed", at(0))],
        };
        let told = match world.driver {
            Driver::Sqlite => {
                let path = world.dsn.split('?').next().unwrap();
                let mut other = sqlx::SqliteConnection::connect(path).await.unwrap();
                sqlx::raw_sql("BEGIN IMMEDIATE")
                    .execute(&mut other)
                    .await
                    .unwrap();
                let told = world.store.commit(failure()).await;
                // Once it is closed nobody holds the file.
                other.close().await.unwrap();
                told
            }
            Driver::Postgres => {
                // A deadlock in small: the other side never lets go, and the server ends our wait.
                let name = world.dsn.rsplit('/').next().unwrap();
                world
                    .sql(&format!("ALTER DATABASE {name} SET lock_timeout = '200ms'"))
                    .await;
                let store = Store::open(&Settings::new(Driver::Postgres, &world.dsn))
                    .await
                    .unwrap();
                let mut other = sqlx::PgConnection::connect(&world.dsn).await.unwrap();
                sqlx::raw_sql("BEGIN; LOCK TABLE login_failures")
                    .execute(&mut other)
                    .await
                    .unwrap();
                let told = store.commit(failure()).await;
                sqlx::raw_sql("ROLLBACK").execute(&mut other).await.unwrap();
                told
            }
        };
        assert!(matches!(told, Err(StoreError::Unavailable(_))), "{told:?}");
        assert_eq!(world.count("SELECT count(*) FROM audit_logs").await, 0);
        assert_eq!(world.store.commit(failure()).await, Ok(1));
        assert_eq!(world.count("SELECT count(*) FROM audit_logs").await, 1);
    })
    .await;
}
