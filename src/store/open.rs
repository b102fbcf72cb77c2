//! Connecting: SQLite with one writer and many readers, Postgres with a pool.
use super::{
    Engine, StoreError, dsn,
    pool::{ACQUIRE, Limits, Pool},
    sql,
};
use sqlx::{
    Connection as _, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use std::{path::Path, time::Duration};
use tokio::sync::Mutex;
use tracing::{
    log::LevelFilter,
    subscriber::{NoSubscriber, with_default},
};

/// Statements slower than this are told at `warn`.
const SLOW: Duration = Duration::from_millis(200);
/// Prepared statements that a connection keeps.
pub(super) const STATEMENTS: usize = 256;

/// Which engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Driver {
    /// One file.
    Sqlite,
    /// A server.
    Postgres,
}

/// `DB_LOG_LEVEL`. Values are never logged, only texts with `$1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatementLog {
    /// Nothing: failures are told by the requests that they fail.
    Silent,
    /// Statements that failed.
    Error,
    /// Those, and slow ones.
    Warn,
    /// Every statement.
    Info,
}

/// What the operator set about the database.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `DATABASE_DRIVER`.
    pub driver: Driver,
    /// `DATABASE_DSN`, or what stands in for it.
    pub dsn: String,
    /// `DB_MAX_OPEN_CONNS`.
    pub max_open: u32,
    /// `DB_MAX_IDLE_CONNS`: kept open when nobody needs them, by whoever calls [`super::Store::close_spare`]. Postgres.
    pub max_idle: u32,
    /// `DB_CONN_MAX_LIFETIME`.
    pub max_lifetime: Option<Duration>,
    /// `DB_CONN_MAX_IDLE_TIME`.
    pub max_idle_time: Option<Duration>,
    /// `DB_LOG_LEVEL`.
    pub log: StatementLog,
    /// Whether a SQLite file that is not there is made.
    pub create: bool,
}

impl Settings {
    /// The defaults of the guide for a database.
    pub fn new(driver: Driver, dsn: impl Into<String>) -> Self {
        Self {
            driver,
            dsn: dsn.into(),
            max_open: 25,
            max_idle: 10,
            max_lifetime: Some(Duration::from_secs(300)),
            max_idle_time: Some(Duration::from_secs(600)),
            log: StatementLog::Warn,
            create: true,
        }
    }
}

impl Settings {
    /// Whether the connection string can be read. Nothing is opened, and nothing is logged: opening does.
    ///
    /// # Errors
    /// A sentence that names what is wrong and never shows a value.
    pub fn check(&self) -> Result<(), String> {
        match self.driver {
            Driver::Sqlite => Ok(()),
            Driver::Postgres => {
                with_default(NoSubscriber::new(), || dsn::postgres(&self.dsn)).map(drop)
            }
        }
    }
}

pub(super) async fn open(settings: &Settings) -> Result<Engine, StoreError> {
    sql::tell_failures(settings.log != StatementLog::Silent);
    match settings.driver {
        Driver::Sqlite => open_sqlite(settings).await,
        Driver::Postgres => open_postgres(settings).await,
    }
}

fn logged<O: sqlx::ConnectOptions>(options: O, log: StatementLog) -> O {
    match log {
        StatementLog::Silent | StatementLog::Error => options.disable_statement_logging(),
        StatementLog::Warn => options
            .log_statements(LevelFilter::Trace)
            .log_slow_statements(LevelFilter::Warn, SLOW),
        StatementLog::Info => options
            .log_statements(LevelFilter::Info)
            .log_slow_statements(LevelFilter::Warn, SLOW),
    }
}

async fn open_sqlite(settings: &Settings) -> Result<Engine, StoreError> {
    let file = dsn::sqlite(&settings.dsn);
    let options = SqliteConnectOptions::new()
        .filename(&file.path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(file.busy_timeout)
        .foreign_keys(false)
        .pragma("cache_size", "-8000")
        .pragma("journal_size_limit", "67108864")
        // Pages that change with every commit are folded into the file once in a while, not all the time.
        .pragma("wal_autocheckpoint", "4000")
        .statement_cache_capacity(STATEMENTS);
    let options = logged(options, settings.log);
    if settings.create {
        guard_new_file(Path::new(&file.path));
    } else if !Path::new(&file.path).exists() {
        let why = format!("there is no database file {}", file.path);
        return Err(StoreError::Unavailable(why));
    }
    let writer = SqliteConnection::connect_with(&options).await;
    let writer = writer.map_err(|error| {
        StoreError::Unavailable(format!(
            "unable to open database file {}: {error}",
            file.path
        ))
    })?;
    let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    let readers = SqlitePoolOptions::new()
        .max_connections(u32::try_from(cores.clamp(2, 8)).unwrap_or(2))
        .min_connections(1)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
        .acquire_timeout(ACQUIRE)
        .connect_with(options.clone().read_only(true))
        .await?;
    Ok(Engine::Lite {
        writer: Mutex::new(Some(writer)),
        readers,
        options: Box::new(options),
    })
}

/// The file holds password hashes: a new one is for its owner only.
fn guard_new_file(path: &Path) {
    use std::os::unix::fs::OpenOptionsExt as _;
    // An existing file keeps its mode; any other failure is told by the connect that follows.
    let _ = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path);
}

pub(super) async fn connect(
    options: &SqliteConnectOptions,
) -> Result<SqliteConnection, StoreError> {
    Ok(SqliteConnection::connect_with(options).await?)
}

async fn open_postgres(settings: &Settings) -> Result<Engine, StoreError> {
    let options = dsn::postgres(&settings.dsn).map_err(StoreError::Unavailable)?;
    let options = logged(options, settings.log);
    let limits = Limits {
        max_open: settings.max_open.max(1),
        max_idle: settings.max_idle.max(1),
        max_lifetime: settings.max_lifetime,
        max_idle_time: settings.max_idle_time,
    };
    Ok(Engine::Pg(Pool::open(options, &limits).await?))
}
