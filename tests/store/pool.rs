//! Connections to PostgreSQL: as many as are needed, and no more than may idle when they are not.
use crate::world::*;
use authgate::store::{Settings, sessions::RecordLoginFailure};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use std::time::Instant;

const NAME: &str = "pool";

async fn count(watcher: &mut PgConnection, condition: &str) -> i64 {
    let query = format!(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
         AND application_name = '{NAME}' {condition}"
    );
    sqlx::query_scalar(AssertSqlSafe(query))
        .fetch_one(watcher)
        .await
        .unwrap()
}

async fn pause(began: Instant) {
    assert!(began.elapsed().as_secs() < 60, "never");
    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
}

/// Whoever hangs up in the middle of a statement leaves a connection behind that is used again when the statement ends,
/// and makes way for another one when it does not.
#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_somebody_gave_up_on_is_not_lost() {
    let dsn = fresh_database().await;
    let session = "lock_timeout=0&statement_timeout=0";
    let settings = Settings {
        max_open: 1,
        ..Settings::new(
            Driver::Postgres,
            format!("{dsn}?application_name={NAME}&{session}"),
        )
    };
    let store = Store::open(&settings).await.unwrap();
    store.prepare().await.unwrap();
    let mut watcher = PgConnection::connect(&dsn).await.unwrap();
    let began = Instant::now();
    for ends in [true, false] {
        let before = pid(&mut watcher).await;
        let mut holder = PgConnection::connect(&dsn).await.unwrap();
        let lock = "BEGIN; LOCK TABLE oauth_connections IN ACCESS EXCLUSIVE MODE";
        sqlx::raw_sql(lock).execute(&mut holder).await.unwrap();
        let asker = tokio::spawn({
            let store = store.clone();
            async move { store.linked_logins(&UserId::new("zoe")).await.map(drop) }
        });
        while count(&mut watcher, "AND wait_event_type = 'Lock'").await < 1 {
            pause(began).await;
        }
        asker.abort();
        assert!(asker.await.unwrap_err().is_cancelled());
        if ends {
            sqlx::raw_sql("COMMIT").execute(&mut holder).await.unwrap();
        }
        while store.ping().await.is_err() {
            pause(began).await;
        }
        assert_eq!(pid(&mut watcher).await == before, ends);
    }
    store.close().await.unwrap();
}

/// What is said neither in the connection string nor for the database is ours; nothing of it holds for the schema.
#[tokio::test(flavor = "multi_thread")]
async fn time_outs_of_a_session_are_ours_unless_somebody_set_them() {
    let dsn = fresh_database().await;
    let name = dsn.rsplit('/').next().unwrap();
    let mut other = PgConnection::connect(&dsn).await.unwrap();
    let settings = |session| Settings::new(Driver::Postgres, format!("{dsn}{session}"));
    let store = Store::open(&settings("")).await.unwrap();
    store.prepare().await.unwrap();
    store.close().await.unwrap();
    let setup = format!(
        "ALTER DATABASE {name} SET idle_in_transaction_session_timeout = '7s'; \
         CREATE TABLE told (timeouts text); \
         CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
         INSERT INTO told SELECT string_agg(current_setting(name), ' ' ORDER BY name DESC) FROM pg_settings \
         WHERE name IN ('statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout'); \
         RETURN NULL; END $$; \
         CREATE TRIGGER tell AFTER INSERT ON login_failures FOR EACH ROW EXECUTE FUNCTION tell()"
    );
    let setup = sqlx::raw_sql(AssertSqlSafe(setup));
    setup.execute(&mut other).await.unwrap();
    for (session, account) in [
        ("", "a"),
        (
            "?statement_timeout=0&options=-c%20deadlock_timeout%3D2s",
            "b",
        ),
        ("?options=-clock_timeout%3D1s", "c"),
    ] {
        let store = Store::open(&settings(session)).await.unwrap();
        let failure = RecordLoginFailure {
            account: account.to_owned(),
            at: at(0),
            audit: Vec::new(),
        };
        assert_eq!(store.commit(failure).await, Ok(1));
        store.close().await.unwrap();
    }
    let told: Vec<String> = sqlx::query_scalar("SELECT timeouts FROM told")
        .fetch_all(&mut other)
        .await
        .unwrap();
    assert_eq!(told, ["4s 3s 7s", "0 3s 7s", "4s 1s 7s"]);
}

/// They do not hold for the schema: another server may be at it, and its tables may be large.
#[tokio::test(flavor = "multi_thread")]
async fn no_time_out_of_a_session_ends_the_preparation_of_the_schema() {
    let dsn = fresh_database().await;
    let session = "lock_timeout=50ms&statement_timeout=50ms";
    let settings = Settings::new(
        Driver::Postgres,
        format!("{dsn}?application_name={NAME}&{session}"),
    );
    let store = Store::open(&settings).await.unwrap();
    let mut watcher = PgConnection::connect(&dsn).await.unwrap();
    // What a server holds that is at it.
    let lock = format!("SELECT pg_advisory_lock({})", 0x4175_7468_4761_7465_i64);
    let lock = sqlx::raw_sql(AssertSqlSafe(lock));
    lock.execute(&mut watcher).await.unwrap();
    let prepared = tokio::spawn(async move { store.prepare().await });
    let began = Instant::now();
    while count(&mut watcher, "AND wait_event = 'advisory'").await < 1 {
        assert!(!prepared.is_finished(), "{:?}", prepared.await);
        pause(began).await;
    }
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    let unlock = sqlx::raw_sql("SELECT pg_advisory_unlock_all()");
    unlock.execute(&mut watcher).await.unwrap();
    prepared.await.unwrap().unwrap();
}

/// The connection that the pool has.
async fn pid(watcher: &mut PgConnection) -> i32 {
    sqlx::query_scalar(AssertSqlSafe(format!(
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database() \
         AND application_name = '{NAME}' ORDER BY backend_start DESC LIMIT 1"
    )))
    .fetch_one(watcher)
    .await
    .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_nobody_needs_are_closed_down_to_db_max_idle_conns() {
    let dsn = fresh_database().await;
    let settings = Settings {
        max_open: 8,
        max_idle: 2,
        ..Settings::new(Driver::Postgres, format!("{dsn}?application_name={NAME}"))
    };
    let store = Store::open(&settings).await.unwrap();
    store.prepare().await.unwrap();
    let mut watcher = PgConnection::connect(&dsn).await.unwrap();

    let mut holder = PgConnection::connect(&dsn).await.unwrap();
    let mut held = holder.begin().await.unwrap();
    let lock = "LOCK TABLE users IN ACCESS EXCLUSIVE MODE";
    sqlx::raw_sql(lock).execute(&mut *held).await.unwrap();
    let readers: Vec<_> = (0..8)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { store.user(&UserId::new("zoe")).await })
        })
        .collect();
    let began = Instant::now();
    while count(&mut watcher, "AND wait_event_type = 'Lock'").await < 8 {
        pause(began).await;
        // Whoever is at work keeps a connection.
        store.close_spare();
    }
    held.commit().await.unwrap();
    for reader in readers {
        assert!(reader.await.unwrap().unwrap().is_none());
    }

    while count(&mut watcher, "").await > 2 {
        pause(began).await;
        store.close_spare();
    }
    for _ in 0..10 {
        pause(began).await;
        store.close_spare();
    }
    assert_eq!(count(&mut watcher, "").await, 2);
    store.ping().await.unwrap();
    store.close().await.unwrap();
}
