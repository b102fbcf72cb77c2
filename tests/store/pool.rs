//! Connections to PostgreSQL: as many as are needed, and no more than may idle when they are not.
use crate::world::*;
use authgate::store::Settings;
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
