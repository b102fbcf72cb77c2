//! Truth. The only room that speaks SQL: SQLite in one file, or Postgres.
//!
//! What may happen once is one guarded statement inside a [`Unit`]; units are committed by [`Store::commit`], on SQLite
//! many at a time. One SQL text serves both engines; differences are confined to `sql`, `schema` and `tx`.
use futures_util::future::BoxFuture;
use sqlx::SqlitePool;
use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicI64, AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};
use tokio::{
    sync::{Mutex, Semaphore},
    time::timeout,
};

pub mod assertions;
pub mod audit;
mod batch;
pub mod clients;
mod clock;
pub mod codes;
pub mod connections;
pub mod consents;
pub mod counters;
pub mod devices;
mod dsn;
pub mod endings;
mod foreseen;
pub mod issued;
mod keyed;
pub mod keys;
mod listing;
mod lookup;
pub mod machine;
mod open;
pub mod outbox;
mod pool;
pub mod registration;
pub mod retry;
mod rows;
mod schema;
pub mod seed;
pub mod sessions;
mod sql;
pub mod standing;
pub mod sweep;
mod timestamp;
pub mod tokens;
pub mod traces;
mod tx;
pub mod users;

pub use batch::{QueuedUnit, UnitSink};
pub use foreseen::Concern;
pub use listing::searched::SEARCH_CAP;
pub use open::{Driver, Settings, StatementLog};
pub use schema::Adoption;
pub use tx::Tx;

/// The longest that a reading from Postgres may take.
const READ: Duration = Duration::from_secs(5);
/// Commits that may wait for each connection to Postgres.
const LINE: u32 = 32;
/// How long the next one waits for room in that line before it is told to come again: longer would be in vain, and
/// whoever is turned away at once comes back at once.
const ROOM: Duration = Duration::from_millis(500);
/// The longest that a transaction on Postgres may take; beyond it nobody knows whether it was committed.
const COMMIT: Duration = Duration::from_secs(8);

/// Why the store gives nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// A unique value is taken.
    #[error("a unique value is taken already")]
    Conflict,
    /// The database cannot be reached, is full, or was too slow. Nothing was changed, or it is not known whether.
    #[error("the database is not available: {0}")]
    Unavailable(String),
    /// A fault of ours.
    #[error("the database refused a statement: {0}")]
    Bug(String),
}

/// A change that happens as a whole or not at all.
///
/// A unit may be run more than once before it is committed, so it owns its inputs and keeps nothing. It must look before
/// it writes: one that answers with a refusal has written nothing. At most 50 bounded statements.
pub trait Unit: Send + Sync + 'static {
    /// What it tells.
    type Answer: Send + Sync + 'static;

    /// The rows that it is judged by. A batch reads those of all its units together; what is not named here a unit
    /// reads for itself.
    fn concern(&self) -> Concern {
        Concern::default()
    }

    /// Runs it inside a transaction.
    fn run<'c>(&'c self, tx: &'c mut Tx<'_>) -> BoxFuture<'c, Result<Self::Answer, StoreError>>;
}

/// The database.
#[derive(Clone)]
pub struct Store(Arc<Inner>);

struct Inner {
    engine: Engine,
    sink: OnceLock<Arc<dyn UnitSink>>,
    listener: outbox::Listener,
    lookups: keyed::Lookups,
    /// How far the clock of the database is ahead of ours.
    ahead_ms: AtomicI64,
    /// Room for commits on Postgres, under way and in line.
    line: Semaphore,
    opened: Instant,
    /// When the last commit came back, in milliseconds after `opened`; 0 before the first.
    committed_ms: AtomicU64,
    /// When the first commit after it could not be made, likewise; 0 while they succeed.
    refused_ms: AtomicU64,
}

enum Engine {
    Lite {
        /// The one connection that writes.
        writer: Mutex<Option<sqlx::SqliteConnection>>,
        readers: SqlitePool,
        options: Box<sqlx::sqlite::SqliteConnectOptions>,
    },
    Pg(pool::Pool),
}

impl Store {
    /// Connects. Creates the file of a SQLite database that does not exist; waits for a Postgres that is not there yet,
    /// for as long as the caller does.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] with what the driver says, never with the password.
    pub async fn open(settings: &Settings) -> Result<Self, StoreError> {
        let engine = open::open(settings).await?;
        let room = settings.max_open.max(1).saturating_mul(1 + LINE);
        let room = usize::try_from(room).unwrap_or(Semaphore::MAX_PERMITS);
        Ok(Self(Arc::new(Inner {
            engine,
            sink: OnceLock::new(),
            listener: outbox::Listener::default(),
            lookups: keyed::Lookups::default(),
            ahead_ms: AtomicI64::new(0),
            line: Semaphore::new(room.min(Semaphore::MAX_PERMITS)),
            opened: Instant::now(),
            committed_ms: AtomicU64::new(0),
            refused_ms: AtomicU64::new(0),
        })))
    }

    /// Makes the schema, or adopts the one that the Go server made. Safe to repeat; every start does.
    ///
    /// # Errors
    /// As the database.
    pub async fn prepare(&self) -> Result<Adoption, StoreError> {
        schema::prepare(&self.0.engine).await
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.read_one(sql::Sql::new("SELECT 1 AS one"))
            .await
            .map(|_| ())
    }

    /// For how long every commit has failed; `None` while they succeed, or nobody has tried.
    pub fn refuses_for(&self) -> Option<Duration> {
        match self.0.refused_ms.load(Relaxed) {
            0 => None,
            since => Some(Duration::from_millis(self.age_ms().saturating_sub(since))),
        }
    }

    /// Whether something was committed within this time: then the database answers, even if no connection is free to ask it.
    pub fn committed_within(&self, time: Duration) -> bool {
        let last = self.0.committed_ms.load(Relaxed);
        last > 0 && u128::from(self.age_ms().saturating_sub(last)) <= time.as_millis()
    }

    /// Milliseconds since it was opened, never 0.
    fn age_ms(&self) -> u64 {
        u64::try_from(self.0.opened.elapsed().as_millis()).map_or(u64::MAX, |age| age.max(1))
    }

    /// Closes idle connections beyond `DB_MAX_IDLE_CONNS` that nobody has needed since the last call. Postgres only.
    pub fn close_spare(&self) {
        if let Engine::Pg(pool) = &self.0.engine {
            pool.close_spare();
        }
    }

    /// Closes every connection; SQLite's log is folded into the file.
    ///
    /// # Errors
    /// As the database.
    pub async fn close(&self) -> Result<(), StoreError> {
        match &self.0.engine {
            Engine::Lite {
                writer, readers, ..
            } => {
                readers.close().await;
                if let Some(mut connection) = writer.lock().await.take() {
                    sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)")
                        .execute(&mut connection)
                        .await?;
                    sqlx::Connection::close(connection).await?;
                }
            }
            Engine::Pg(pool) => pool.close().await,
        }
        Ok(())
    }

    /// Which engine it is.
    pub fn driver(&self) -> Driver {
        match &self.0.engine {
            Engine::Lite { .. } => Driver::Sqlite,
            Engine::Pg(_) => Driver::Postgres,
        }
    }

    /// From now on units wait where `sink` puts them, until somebody calls [`Store::commit_batch`]. SQLite only; to be
    /// called once.
    pub fn submit_through(&self, sink: Arc<dyn UnitSink>) {
        let _ = self.0.sink.set(sink);
    }

    /// Runs a unit and commits it. The answer comes after the commit is durable.
    ///
    /// # Errors
    /// What the unit says; [`StoreError::Unavailable`] when the commit failed or its outcome is unknown.
    pub async fn commit<U: Unit>(&self, unit: U) -> Result<U::Answer, StoreError> {
        let done = match &self.0.engine {
            Engine::Pg(pool) => match timeout(ROOM, self.0.line.acquire()).await {
                Ok(_place) => {
                    let commit = batch::commit_on_postgres(pool, &self.0.listener, &unit);
                    in_time(COMMIT, commit).await
                }
                Err(_) => crowded("too many wait for a connection"),
            },
            Engine::Lite { .. } => self.commit_in_line(unit).await,
        };
        self.remember(&done);
        done
    }

    async fn commit_in_line<U: Unit>(&self, unit: U) -> Result<U::Answer, StoreError> {
        let (queued, answer) = QueuedUnit::new(unit);
        match self.0.sink.get() {
            Some(sink) => {
                if timeout(ROOM, sink.submit(queued)).await.is_err() {
                    return crowded("too many wait for the connection that writes");
                }
            }
            None => self.commit_batch(vec![queued]).await,
        }
        answer
            .await
            .unwrap_or_else(|_| Err(StoreError::Unavailable("the writer stopped".to_owned())))
    }

    fn remember<A>(&self, done: &Result<A, StoreError>) {
        match done {
            Ok(_) => {
                self.0.committed_ms.store(self.age_ms(), Relaxed);
                self.0.refused_ms.store(0, Relaxed);
            }
            Err(StoreError::Unavailable(_)) => {
                let now = self.age_ms();
                // The first since the last that succeeded stays.
                let _ = self.0.refused_ms.compare_exchange(0, now, Relaxed, Relaxed);
            }
            Err(StoreError::Conflict | StoreError::Bug(_)) => {}
        }
    }

    /// Runs all units in one transaction of the write connection, commits once, then answers each. A unit that fails
    /// takes nobody with it. SQLite only.
    pub async fn commit_batch(&self, units: Vec<QueuedUnit>) {
        if let Engine::Lite {
            writer, options, ..
        } = &self.0.engine
        {
            let listener = &self.0.listener;
            batch::commit_on_sqlite((writer, options), listener, units).await;
        }
    }

    async fn read_one(&self, statement: sql::Sql) -> Result<Option<sql::Row>, StoreError> {
        match &self.0.engine {
            Engine::Lite { readers, .. } => statement.one_on_sqlite(readers).await,
            Engine::Pg(pool) => {
                let read = async { statement.one_on_postgres(&mut *pool.acquire().await?).await };
                in_time(READ, read).await
            }
        }
    }

    async fn read_all(&self, statement: sql::Sql) -> Result<Vec<sql::Row>, StoreError> {
        match &self.0.engine {
            Engine::Lite { readers, .. } => statement.all_on_sqlite(readers).await,
            Engine::Pg(pool) => {
                let read = async { statement.all_on_postgres(&mut *pool.acquire().await?).await };
                in_time(READ, read).await
            }
        }
    }
}

fn crowded<A>(why: &str) -> Result<A, StoreError> {
    Err(StoreError::Unavailable(why.to_owned()))
}

/// Waits no longer than `limit` for a server behind a network, which can fall silent without a word.
async fn in_time<T>(
    limit: Duration,
    work: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, StoreError> {
    match timeout(limit, work).await {
        Ok(outcome) => outcome,
        Err(_) => Err(StoreError::Unavailable(format!(
            "no answer within {} s",
            limit.as_secs()
        ))),
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Database(database) if database.is_unique_violation() => Self::Conflict,
            sqlx::Error::Database(database) if is_ours(&**database) => {
                Self::Bug(database.message().to_owned())
            }
            sqlx::Error::Database(database) => Self::Unavailable(database.message().to_owned()),
            sqlx::Error::ColumnNotFound(_)
            | sqlx::Error::ColumnDecode { .. }
            | sqlx::Error::Decode(_) => Self::Bug(error.to_string()),
            _ => Self::Unavailable(error.to_string()),
        }
    }
}

/// Whether the database says that the statement is wrong, rather than that it cannot run it now.
fn is_ours(error: &dyn sqlx::error::DatabaseError) -> bool {
    let Some(code) = error.code() else {
        return false;
    };
    match code.len() {
        // SQLSTATE: data exceptions, integrity violations, syntax and access rule violations.
        5 => matches!(code.get(..2), Some("22" | "23" | "42")),
        // SQLite: SQLITE_ERROR, SQLITE_CONSTRAINT and SQLITE_MISMATCH.
        _ => matches!(code.parse::<u32>().map(|code| code & 0xff), Ok(1 | 19 | 20)),
    }
}
