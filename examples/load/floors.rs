//! The two floors: what warp alone can answer here, and what SQLite alone can commit here.
use crate::{
    CONNECTIONS, Outcome, ROWS_PER_COMMIT,
    generator::{self, Run},
    server::{Process, free_port, on_core_0},
};
use bytes::Bytes;
use sqlx::{
    Connection as _,
    sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous},
};
use std::{
    convert::Infallible,
    path::Path,
    time::{Duration, Instant},
};
use warp::Filter as _;

/// Serves a small body for ever: this program with `--floor-server PORT`.
pub fn serve(port: u16) -> Outcome<Infallible> {
    tokio::runtime::Runtime::new()?.block_on(async move {
        let route = warp::path!("floor").map(|| r#"{"status":"healthy","database":"connected"}"#);
        warp::serve(route).run(([127, 0, 0, 1], port)).await;
        Err("the floor server ended".into())
    })
}

/// Requests per second of a bare warp server.
pub async fn warp(seconds: f64) -> Outcome<Run> {
    let port = free_port()?;
    let program = std::env::current_exe()?;
    let mut command = on_core_0(program.to_str().ok_or("the program's path is not UTF-8")?);
    command.args(["--floor-server", &port.to_string()]);
    let process = Process::spawn(command, port)?;
    process.ready("/floor").await?;
    let request = Bytes::from_static(b"GET /floor HTTP/1.1\r\nhost: test\r\n\r\n");
    generator::run(
        &process,
        seconds,
        &[200],
        generator::repeat(vec![request; CONNECTIONS]),
    )
    .await
}

/// Rows per second of a bare loop that commits 32 token-sized rows at a time, WAL and synchronous=FULL.
pub async fn commits(room: &Path, seconds: f64) -> Outcome<Run> {
    let options = SqliteConnectOptions::new()
        .filename(room.join("floor.db"))
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full);
    let mut db = SqliteConnection::connect_with(&options).await?;
    sqlx::raw_sql(
        "DROP TABLE IF EXISTS rows; CREATE TABLE rows (id TEXT PRIMARY KEY, hash TEXT UNIQUE, \
         user_id TEXT, client_id TEXT, scopes TEXT, status TEXT, expires_at TEXT, created_at TEXT)",
    )
    .execute(&mut db)
    .await?;
    let deadline = Instant::now() + Duration::from_secs_f64(seconds);
    let began = Instant::now();
    let (mut rows, mut number, mut times) = (0usize, 0x9e37_79b9_7f4a_7c15_u128, Vec::new());
    while Instant::now() < deadline {
        let commit = Instant::now();
        let mut tx = db.begin().await?;
        for _ in 0..ROWS_PER_COMMIT {
            // Keys that fall anywhere in the index, as hashes do.
            number = number
                .wrapping_mul(0x2360_ed05_1fc6_5da4_4385_df64_9fcc_f645)
                .wrapping_add(1);
            let key = format!("{number:032x}");
            sqlx::query("INSERT INTO rows VALUES (?, ?, ?, ?, ?, 'active', ?, ?)")
                .bind(&key)
                .bind(format!("{key}{key}"))
                .bind(&key)
                .bind(&key)
                .bind("read write profile email")
                .bind("2026-01-01 00:00:00.000000000+00:00")
                .bind("2026-01-01 00:00:00.000000000+00:00")
                .execute(&mut *tx)
                .await?;
        }
        tx.commit().await?;
        rows += ROWS_PER_COMMIT;
        times.push(commit.elapsed().as_secs_f64() * 1e6);
    }
    let per_second = rows as f64 / began.elapsed().as_secs_f64();
    times.sort_by(f64::total_cmp);
    let at = |share: f64| times.get((times.len() as f64 * share) as usize).copied();
    db.close().await?;
    Ok(Run {
        per_second,
        p50_us: at(0.50).unwrap_or_default(),
        p99_us: at(0.99).unwrap_or_default(),
        cpu_us: f64::NAN,
        rss_mb: f64::NAN,
        bad: 0,
    })
}
