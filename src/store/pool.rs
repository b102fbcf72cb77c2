//! Connections to Postgres: waited for at the start, handed out afterwards, and closed when there are more than are needed.
//! Must not live here: what is said on them.
use super::{StoreError, in_time};
use sqlx::{
    AssertSqlSafe, Connection as _, PgConnection, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use std::{
    sync::atomic::{AtomicU32, Ordering::Relaxed},
    time::Duration,
};
use tokio::time::timeout;
use tokio_retry::{RetryIf, strategy::ExponentialBackoff};

mod lent;
pub(super) use lent::Lent;

/// How long a caller waits for a connection before it is told 503.
pub(super) const ACQUIRE: Duration = Duration::from_secs(3);
/// How often a caller who waits for a login looks whether a connection came back meanwhile.
const LOOK: Duration = Duration::from_millis(250);
/// How long the pool tries to open its first connection: whoever starts the server has less patience (`DB_INIT_TIMEOUT`).
const OPENING: Duration = Duration::from_secs(86_400);
/// Between two attempts to reach a server that is not there yet; the pause doubles.
const FIRST_PAUSE_MS: u64 = 50;
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// What a server answers that is starting, and one that has as many connections as it may.
const COMES_UP: [&str; 2] = ["57P03", "53300"];

/// What ends on the server by itself, a little before we give up on it: so a lock that nobody lets go of costs no connection,
/// and locks of a process that stands still in a transaction are let go of.
const TIMEOUTS: [(&str, &str); 3] = [
    ("lock_timeout", "3s"),
    ("statement_timeout", "4s"),
    ("idle_in_transaction_session_timeout", "10s"),
];

/// How many connections there may be, and for how long.
pub(super) struct Limits {
    pub max_open: u32,
    pub max_idle: u32,
    pub max_lifetime: Option<Duration>,
    pub max_idle_time: Option<Duration>,
}

pub(super) struct Pool {
    connections: PgPool,
    max_idle: u32,
    /// The fewest that were idle at a time since the last look: so many nobody needed.
    spare: AtomicU32,
}

impl Pool {
    /// Connects, and waits for a server that is not there yet for as long as the caller does.
    pub async fn open(options: PgConnectOptions, limits: &Limits) -> Result<Self, StoreError> {
        until_reachable(&options).await?;
        let timeouts = timeouts(&options);
        // No `min_connections`: with it every connection that comes back costs the pool one more task, and whoever asks
        // each second whether the database answers keeps one open anyway.
        let connections = PgPoolOptions::new()
            .max_connections(limits.max_open)
            .after_connect(move |connection, _| {
                let timeouts = AssertSqlSafe(timeouts.clone());
                Box::pin(async move {
                    sqlx::raw_sql(timeouts).execute(connection).await?;
                    Ok(())
                })
            })
            .max_lifetime(limits.max_lifetime)
            .idle_timeout(limits.max_idle_time)
            .acquire_timeout(OPENING)
            .connect_with(options)
            .await?;
        Ok(Self {
            connections,
            max_idle: limits.max_idle,
            spare: AtomicU32::new(0),
        })
    }

    /// A connection, in [`ACQUIRE`] or not at all.
    pub async fn acquire(&self) -> Result<Lent, StoreError> {
        let logs_in = self.idle() == 0;
        let mut acquiring = std::pin::pin!(self.connections.acquire());
        let acquired = in_time(ACQUIRE, async {
            loop {
                if let Ok(acquired) = timeout(LOOK, &mut acquiring).await {
                    return Ok(acquired?);
                }
                // Where a login takes longer than anybody waits, what is open still serves.
                if logs_in && let Some(came_back) = self.connections.try_acquire() {
                    return Ok(came_back);
                }
            }
        })
        .await;
        self.spare.fetch_min(self.idle(), Relaxed);
        acquired.map(Lent::new)
    }

    /// Closes the idle connections beyond `DB_MAX_IDLE_CONNS` that nobody has needed since the last call. Closed as soon as
    /// they are given back, a busy server would open them again all the time.
    pub fn close_spare(&self) {
        let spare = self.spare.swap(self.idle(), Relaxed).min(self.idle());
        for _ in self.max_idle..spare {
            if let Some(mut connection) = self.connections.try_acquire() {
                connection.close_on_drop();
            }
        }
    }

    /// A place for one connection of its own, for somebody who keeps it. It does not count among `DB_MAX_OPEN_CONNS`.
    pub fn beside(&self) -> PgPool {
        let options = self.connections.connect_options();
        PgPoolOptions::new()
            .max_connections(1)
            .max_lifetime(None)
            .idle_timeout(None)
            .acquire_timeout(ACQUIRE)
            .connect_lazy_with(options.as_ref().clone())
    }

    /// The pool's own figure passes below zero for moments.
    fn idle(&self) -> u32 {
        let idle = u32::try_from(self.connections.num_idle()).unwrap_or(u32::MAX);
        idle.min(self.connections.size())
    }

    pub async fn close(&self) {
        self.connections.close().await;
    }
}

/// Sets those time-outs that nobody set, neither in the connection string nor for the role, the database or the server. As
/// parameters of the connection they would win over those, and PgBouncer would refuse them.
fn timeouts(options: &PgConnectOptions) -> String {
    let said = options.get_options().unwrap_or_default();
    let ours: String = TIMEOUTS
        .iter()
        .filter(|(name, _)| !names(said, name))
        .map(|(name, value)| format!(", ('{name}', '{value}')"))
        .collect();
    // The first row names none.
    format!(
        "SELECT set_config(name, value, false) FROM (VALUES ('', ''){ours}) AS ours (name, value) \
         WHERE current_setting(name, true) = '0'"
    )
}

/// Whether options of a connection (`-c name=value`, `-cname=value`, `--name=value`) set this.
fn names(options: &str, name: &str) -> bool {
    options
        .split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .any(|word| word == name || word.strip_prefix('c') == Some(name))
}

/// Returns when the server lets us in. The pool by itself would ask again in silence, and seldom.
async fn until_reachable(options: &PgConnectOptions) -> Result<(), StoreError> {
    // Half of the first pause, doubled for each attempt.
    let pauses = ExponentialBackoff::from_millis(2)
        .factor(FIRST_PAUSE_MS / 2)
        .max_delay(LONGEST_PAUSE);
    let mut told = String::new();
    let tries_again = |error: &sqlx::Error| {
        let comes_up = may_come_up(error, options);
        let error = error.to_string();
        if comes_up && told != error {
            tracing::warn!(error, "the database cannot be reached yet; trying again");
            told = error;
        }
        comes_up
    };
    let connection =
        RetryIf::start(pauses, || PgConnection::connect_with(options), tries_again).await?;
    let _ = connection.close().await;
    Ok(())
}

/// Whether the server may be reached later without anybody's doing: there is no way to it yet, or it is starting.
fn may_come_up(error: &sqlx::Error, options: &PgConnectOptions) -> bool {
    match error {
        // A socket may still be made; a certificate that is not there is a fault of the configuration.
        sqlx::Error::Io(error) => {
            error.kind() != std::io::ErrorKind::NotFound || options.get_socket().is_some()
        }
        sqlx::Error::Database(error) => error
            .code()
            .is_some_and(|code| COMES_UP.contains(&code.as_ref())),
        _ => false,
    }
}
