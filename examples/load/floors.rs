//! The floors: what warp alone can answer here, what SQLite alone can commit here, and what SQLite alone can commit of the
//! rows that an issuance leaves behind, with all their indexes.
use crate::{
    CONNECTIONS, Outcome, ROWS_PER_COMMIT,
    generator::{self, Run},
    server::{Process, free_port, on_core_0},
};
use bytes::Bytes;
use sqlx::{
    AssertSqlSafe, Connection as _,
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
    let mut db = connect(&room.join("floor.db")).await?;
    sqlx::raw_sql(
        "DROP TABLE IF EXISTS rows; CREATE TABLE rows (id TEXT PRIMARY KEY, hash TEXT UNIQUE, \
         user_id TEXT, client_id TEXT, scopes TEXT, status TEXT, expires_at TEXT, created_at TEXT)",
    )
    .execute(&mut db)
    .await?;
    let (mut keys, mut laps) = (Keys::default(), Laps::new(seconds));
    while laps.go_on() {
        let mut tx = db.begin().await?;
        for _ in 0..ROWS_PER_COMMIT {
            let key = keys.next();
            sqlx::query("INSERT INTO rows VALUES (?, ?, ?, ?, ?, 'active', ?, ?)")
                .bind(&key)
                .bind(format!("{key}{key}"))
                .bind(&key)
                .bind(&key)
                .bind("read write profile email")
                .bind(NOW)
                .bind(NOW)
                .execute(&mut *tx)
                .await?;
        }
        tx.commit().await?;
        laps.lap();
    }
    db.close().await?;
    Ok(laps.run())
}

/// Issuances per second of a bare loop that writes what one leaves behind, a token and a row of the audit trail, into a
/// copy of the server's database: 32 a commit, all rows of a table in one statement.
pub async fn issuances(made_by_server: &Path, room: &Path, seconds: f64) -> Outcome<Run> {
    let file = room.join("schema.db");
    std::fs::copy(made_by_server, &file)?;
    let mut db = connect(&file).await?;
    let many =
        |head: &str, row: &str| format!("{head} VALUES {}", vec![row; ROWS_PER_COMMIT].join(","));
    let tokens = many(
        "INSERT INTO access_tokens (id, token_hash, user_id, client_id, scopes, expires_at, created_at, parent_token_id)",
        "(?, ?, 'client:machine', 'machine', 'read write', ?, ?, '')",
    );
    let audit = many(
        "INSERT INTO audit_logs (id, event_type, event_time, severity, actor_user_id, actor_username, actor_ip, \
         resource_type, resource_id, resource_name, action, details, success, error_message, user_agent, request_path, \
         request_method, created_at, actor_kind)",
        "(?, 'CLIENT_CREDENTIALS_TOKEN_ISSUED', ?, 'INFO', 'machine', '', '127.0.0.1', 'TOKEN', ?, '', \
         'Access token issued', CAST('{\"client_id\":\"machine\",\"scopes\":\"read write\"}' AS BLOB), 1, '', '', \
         '/oauth/token', 'POST', ?, 'client')",
    );
    let (mut keys, mut laps, mut number) = (Keys::default(), Laps::new(seconds), 0u64);
    while laps.go_on() {
        let mut rows = Vec::new();
        for _ in 0..ROWS_PER_COMMIT {
            number += 1;
            // Ids follow time, hashes fall anywhere.
            let id = format!("{number:08x}-0000-7000-8000-000000000000");
            let at = format!("2026-01-01 00:00:00.{number:09}+00:00");
            let (key, other) = (keys.next(), keys.next());
            rows.push((id, format!("{key}{other}"), at));
        }
        let mut tx = db.begin().await?;
        let mut insert = sqlx::query(AssertSqlSafe(tokens.clone()));
        for (id, hash, at) in &rows {
            insert = insert.bind(id).bind(hash).bind(at).bind(at);
        }
        insert.execute(&mut *tx).await?;
        let mut insert = sqlx::query(AssertSqlSafe(audit.clone()));
        for (id, _, at) in &rows {
            insert = insert.bind(id).bind(at).bind(id).bind(at);
        }
        insert.execute(&mut *tx).await?;
        tx.commit().await?;
        laps.lap();
    }
    db.close().await?;
    Ok(laps.run())
}

const NOW: &str = "2026-01-01 00:00:00.000000000+00:00";

async fn connect(file: &Path) -> Outcome<SqliteConnection> {
    let options = SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full);
    Ok(SqliteConnection::connect_with(&options).await?)
}

/// Keys that fall anywhere in an index, as hashes do.
struct Keys(u128);

impl Default for Keys {
    fn default() -> Self {
        Self(0x9e37_79b9_7f4a_7c15)
    }
}

impl Keys {
    fn next(&mut self) -> String {
        self.0 = self
            .0
            .wrapping_mul(0x2360_ed05_1fc6_5da4_4385_df64_9fcc_f645)
            .wrapping_add(1);
        format!("{:032x}", self.0)
    }
}

/// How long each commit took.
struct Laps {
    began: Instant,
    last: Instant,
    length: Duration,
    times: Vec<f64>,
}

impl Laps {
    fn new(seconds: f64) -> Self {
        let now = Instant::now();
        Self {
            began: now,
            last: now,
            length: Duration::from_secs_f64(seconds),
            times: Vec::new(),
        }
    }

    fn go_on(&self) -> bool {
        self.began.elapsed() < self.length
    }

    fn lap(&mut self) {
        let now = Instant::now();
        self.times.push((now - self.last).as_secs_f64() * 1e6);
        self.last = now;
    }

    fn run(mut self) -> Run {
        let rows = self.times.len() * ROWS_PER_COMMIT;
        let per_second = rows as f64 / self.began.elapsed().as_secs_f64();
        self.times.sort_by(f64::total_cmp);
        let at = |share: f64| {
            let place = (self.times.len() as f64 * share) as usize;
            self.times.get(place).copied().unwrap_or_default()
        };
        Run {
            per_second,
            p50_us: at(0.50),
            p99_us: at(0.99),
            cpu_us: f64::NAN,
            rss_mb: f64::NAN,
            bad: 0,
        }
    }
}
