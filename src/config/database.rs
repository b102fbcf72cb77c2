//! Where the data lives. Must not live here: opening it, or the syntax of a DSN.
use super::reader::Reader;
use crate::domain::secret::Secret;
use std::time::Duration;

/// The database and its pool.
#[derive(Clone, Debug)]
pub struct Database {
    /// `DATABASE_DRIVER`, default `sqlite`.
    pub driver: Driver,
    /// `DATABASE_DSN`; for SQLite else `DATABASE_PATH`, else `oauth.db`. It may hold a password.
    pub dsn: Secret,
    /// `DB_MAX_OPEN_CONNS`, default 25, which also stands in for zero or less.
    pub max_open: u32,
    /// `DB_MAX_IDLE_CONNS`, default 10, which also stands in for zero or less; never more than `max_open`.
    pub max_idle: u32,
    /// `DB_CONN_MAX_LIFETIME`, default 5m; zero or less lets connections live.
    pub max_lifetime: Option<Duration>,
    /// `DB_CONN_MAX_IDLE_TIME`, default 10m; zero or less lets connections idle.
    pub max_idle_time: Option<Duration>,
    /// `DB_LOG_LEVEL`, default `warn`.
    pub log_level: StatementLog,
}

/// The kind of database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Driver {
    /// One file.
    Sqlite,
    /// A PostgreSQL server.
    Postgres,
}

/// Which statements are logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatementLog {
    /// `silent`: none.
    Silent,
    /// `error`: failed ones.
    Error,
    /// `warn`: failed and slow ones.
    Warn,
    /// `info`: all.
    Info,
}

impl Database {
    pub(super) fn read(r: &mut Reader<'_>) -> Self {
        let driver = r.choice(
            "DATABASE_DRIVER",
            &[("sqlite", Driver::Sqlite), ("postgres", Driver::Postgres)],
            Driver::Sqlite,
            |text| {
                format!("DATABASE_DRIVER: unsupported database driver: {text} (must be sqlite or postgres)")
            },
        );
        let max_open = connections(r, "DB_MAX_OPEN_CONNS", 25);
        Self {
            driver,
            dsn: dsn(r, driver),
            max_open,
            max_idle: connections(r, "DB_MAX_IDLE_CONNS", 10).min(max_open),
            max_lifetime: r.optional_duration("DB_CONN_MAX_LIFETIME", Duration::from_secs(300)),
            max_idle_time: r.optional_duration("DB_CONN_MAX_IDLE_TIME", Duration::from_secs(600)),
            log_level: log_level(r),
        }
    }
}

fn dsn(r: &mut Reader<'_>, driver: Driver) -> Secret {
    let dsn = r.secret("DATABASE_DSN");
    let path = r.text("DATABASE_PATH", "oauth.db");
    if dsn.is_none() && driver == Driver::Postgres {
        r.error(
            "DATABASE_DSN",
            "DATABASE_DSN is required when DATABASE_DRIVER=postgres",
        );
    }
    dsn.unwrap_or_else(|| match driver {
        Driver::Sqlite => Secret::new(path),
        Driver::Postgres => Secret::new(""),
    })
}

fn connections(r: &mut Reader<'_>, name: &str, default: u32) -> u32 {
    let number = r.integer(name, default.into());
    u32::try_from(number)
        .ok()
        .filter(|count| *count > 0)
        .unwrap_or(default)
}

fn log_level(r: &mut Reader<'_>) -> StatementLog {
    const NAME: &str = "DB_LOG_LEVEL";
    let text = r.text(NAME, "warn");
    match text.to_ascii_lowercase().as_str() {
        "silent" => StatementLog::Silent,
        "error" => StatementLog::Error,
        "warn" => StatementLog::Warn,
        "info" => StatementLog::Info,
        _ => {
            r.warn(
                NAME,
                format_args!("{NAME}: {text:?} is none of silent, error, warn, info; warn is used"),
            );
            StatementLog::Warn
        }
    }
}
