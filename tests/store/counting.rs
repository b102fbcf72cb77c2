//! The audit writer on both engines: what is counted is neither lost nor written twice, whatever the database does.
use crate::world::*;
use authgate::{
    actors::{
        Branch, Intensity, Spec, Tree, Vitals,
        audit_writer::{AuditWriter, NoRoom, Settings},
    },
    domain::audit::{AuditEvent, EventType, Origin},
    host::{HostClock, HostEntropy},
    store::audit::{RecordAudit, RecordCounted},
};
use sqlx::Connection as _;
use std::{collections::BTreeMap, sync::Arc, time::Duration as Time};
use time::macros::datetime;

fn hit(ip: &str) -> AuditEvent {
    AuditEvent::new(EventType::RateLimitExceeded, "x").from(&Origin {
        ip: ip.to_owned(),
        path: "/login".to_owned(),
        ..Origin::default()
    })
}

fn vitals(path: &'static str) -> Arc<Vitals> {
    let intensity = Intensity {
        limit: 3,
        window: Time::from_secs(60),
    };
    Vitals::new(path, intensity, Arc::new(Timestamp::now_utc))
}

fn writer(store: &Store, vitals: &Arc<Vitals>, capacity: usize) -> (AuditWriter, Spec) {
    let settings = Settings {
        enabled: true,
        capacity,
        clock: Arc::new(HostClock),
        entropy: Arc::new(HostEntropy::default()),
    };
    AuditWriter::new(vitals, settings, store.clone())
}

async fn grown(spec: Spec) -> Tree {
    let root = Branch::new(&vitals("root"), &(Arc::new(|| 0.5) as _));
    Tree::start(root.child(spec)).await.unwrap()
}

/// How often which address was noted.
async fn noted(world: &World) -> BTreeMap<String, u64> {
    let rows = world
        .texts("SELECT actor_ip || ' ' || CAST(details AS text) FROM audit_logs")
        .await;
    let mut noted = BTreeMap::new();
    for row in rows {
        let (ip, details) = row.split_once(' ').unwrap();
        let details: serde_json::Value = serde_json::from_str(details).unwrap();
        *noted.entry(ip.to_owned()).or_default() += details["count"].as_u64().unwrap();
    }
    noted
}

/// A store whose units wait for somebody who lets nobody write.
async fn standing_still(world: &World) -> (Store, Box<dyn std::any::Any>) {
    match world.driver {
        Driver::Sqlite => {
            let path = world.dsn.split('?').next().unwrap();
            let mut other = sqlx::SqliteConnection::connect(path).await.unwrap();
            sqlx::raw_sql("BEGIN IMMEDIATE")
                .execute(&mut other)
                .await
                .unwrap();
            (world.store.clone(), Box::new(other))
        }
        Driver::Postgres => {
            let name = world.dsn.rsplit('/').next().unwrap();
            world
                .sql(&format!("ALTER DATABASE {name} SET lock_timeout = '200ms'"))
                .await;
            let settings = authgate::store::Settings::new(Driver::Postgres, &world.dsn);
            let store = Store::open(&settings).await.unwrap();
            let mut other = sqlx::PgConnection::connect(&world.dsn).await.unwrap();
            sqlx::raw_sql("BEGIN; LOCK TABLE audit_logs IN EXCLUSIVE MODE")
                .execute(&mut other)
                .await
                .unwrap();
            (store, Box::new(other))
        }
    }
}

/// Whoever brings something new waits while the database stands still, and everything is there when it goes on.
#[tokio::test(flavor = "multi_thread")]
async fn a_full_buffer_makes_callers_wait_and_loses_nothing() {
    on_both(async |world| {
        let (store, other) = standing_still(world).await;
        let vitals = vitals("root/audit_writer");
        let (writer, spec) = writer(&store, &vitals, 3);
        let tree = grown(spec).await;
        for ip in ["a", "b", "a", "c"] {
            writer.note(hit(ip)).await.unwrap();
        }
        assert_eq!((vitals.depth(), vitals.capacity()), (3, 3));
        let waiting: Vec<_> = ["d", "e"]
            .map(|ip| {
                let writer = writer.clone();
                tokio::spawn(async move {
                    // However slow the machine is: who was refused told nothing, and comes again.
                    while writer.note(hit(ip)).await == Err(NoRoom::Full) {}
                })
            })
            .into();
        let detail = |name| vitals.detail().unwrap()[name].as_u64().unwrap();
        until("two wait", async || detail("callers") == 2).await;
        // Refusals wait for nobody.
        for ip in ["f", "g"] {
            writer.count(hit(ip));
        }
        until("writing failed again and again", async || {
            detail("failures") > 2
        })
        .await;
        assert_eq!(vitals.depth(), 3);
        assert!(waiting.iter().all(|caller| !caller.is_finished()));
        assert_eq!(noted(world).await, BTreeMap::new());

        drop(other);
        for caller in waiting {
            caller.await.unwrap();
        }
        tree.stop("audit_writer").await;
        let all = [("", 2), ("a", 2), ("b", 1), ("c", 1), ("d", 1), ("e", 1)];
        let all = all.map(|(ip, count)| (ip.to_owned(), count));
        assert_eq!(noted(world).await, BTreeMap::from(all));
        assert_eq!((vitals.depth(), vitals.high_water()), (0, 3));
        assert_eq!(vitals.detail().unwrap()["dead_letters"], 0);
        tree.end().await;
        store.close().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn rows_that_are_written_again_are_there_once() {
    on_both(async |world| {
        let write = |ids: &[&str]| RecordCounted {
            rows: ids.iter().map(|id| row(id, at(0))).collect(),
        };
        assert_eq!(world.store.commit(write(&["a", "b"])).await, Ok(()));
        assert_eq!(world.store.commit(write(&["b", "a", "c"])).await, Ok(()));
        let ids = world.texts("SELECT id FROM audit_logs ORDER BY id").await;
        let expected = ["a", "b", "c"].map(|id| row(id, at(0)).id);
        assert_eq!(ids, expected);
    })
    .await;
}

#[tokio::test]
async fn one_bad_row_takes_nobody_with_it() {
    on_both(async |world| {
        world
            .sql(match world.driver {
                Driver::Sqlite => {
                    "CREATE TRIGGER refuse BEFORE INSERT ON audit_logs WHEN NEW.actor_ip = '66' \
                     BEGIN SELECT RAISE(ABORT, 'not this one'); END"
                }
                Driver::Postgres => "ALTER TABLE audit_logs ADD CHECK (actor_ip <> '66')",
            })
            .await;
        let vitals = vitals("root/audit_writer");
        let (writer, spec) = writer(&world.store, &vitals, 1000);
        let tree = grown(spec).await;
        for n in 0..300 {
            writer.note(hit(&n.to_string())).await.unwrap();
        }
        tree.stop("audit_writer").await;
        let noted = noted(world).await;
        assert_eq!((noted.len(), noted.get("66")), (299, None));
        let detail = vitals.detail().unwrap();
        assert_eq!(
            (&detail["rows"], &detail["dead_letters"]),
            (&299.into(), &1.into())
        );
        assert_eq!(vitals.depth(), 0);
        tree.end().await;
    })
    .await;
}

/// How many events there were is told by what is kept of hours, of the hour that runs, and of the minutes since: an event
/// that comes late is missed until its hour is over, and none is told twice.
#[tokio::test]
async fn hours_are_counted_as_they_go() {
    on_both(async |world| {
        let store = &world.store;
        // On the hour, every ten minutes for five hours.
        let minute = |n: i64| datetime!(2026-11-20 08:00 UTC) + Duration::minutes(n);
        for n in 0..30 {
            let rows = vec![row(&n.to_string(), minute(10 * n))];
            assert_eq!(store.commit(RecordAudit { rows }).await, Ok(()));
        }
        let total = async || store.audit_stats(None, None).await.unwrap().total;
        // Nothing is kept before the first hour is.
        store.count_recent_audit(minute(65)).await.unwrap();
        let kept = "SELECT count(*) FROM audit_hours";
        assert_eq!((total().await, world.count(kept).await), (30, 0));
        while store.count_audit_hours(minute(135)).await.unwrap() {}
        assert_eq!((total().await, world.count(kept).await), (30, 2));
        for (now, hours) in [(155, 3), (155, 3), (175, 3), (195, 4)] {
            store.count_recent_audit(minute(now)).await.unwrap();
            assert_eq!(
                (total().await, world.count(kept).await),
                (30, hours),
                "{now}"
            );
        }
        // Of the hour that runs a part is asked for: that is counted anew.
        let part = store.audit_stats(Some(minute(60)), Some(minute(185)));
        assert_eq!(part.await.unwrap().total, 13);
        let rows = vec![row("late", minute(150))];
        assert_eq!(store.commit(RecordAudit { rows }).await, Ok(()));
        assert_eq!(total().await, 30);
        while store.count_audit_hours(minute(195)).await.unwrap() {}
        assert_eq!((total().await, world.count(kept).await), (31, 4));
        store.count_recent_audit(minute(290)).await.unwrap();
        assert_eq!((total().await, world.count(kept).await), (31, 5));
        while store.count_audit_hours(minute(600)).await.unwrap() {}
        assert_eq!((total().await, world.count(kept).await), (31, 5));
    })
    .await;
}
