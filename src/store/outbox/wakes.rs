//! What tells a process that the outbox may have grown: `NOTIFY` on Postgres, `PRAGMA data_version` on SQLite. Whoever is
//! woken still looks; whoever is not woken must look from time to time.
use crate::store::{Engine, READ, Store, StoreError, in_time, open::connect, sql::Sql};
use sqlx::{SqliteConnection, postgres::PgListener};
use std::time::Duration;
use tokio::time::{sleep, timeout};

/// The channel of Postgres. Transactions that note something announce it when they commit.
pub(in crate::store) const ANNOUNCE: &str = "NOTIFY authgate_invalidations";
const CHANNEL: &str = "authgate_invalidations";
/// After so long a silence Postgres is asked whether it is still there: a connection can be lost without a word.
const SILENCE: Duration = Duration::from_secs(30);
/// From one question to SQLite to the next. The question reads one number of the shared index, and no row.
const EVERY: Duration = Duration::from_millis(100);

/// A connection that nobody else uses, on which changes are waited for.
pub struct Wakes(Source);

enum Source {
    Pg(Box<PgListener>),
    Lite {
        connection: SqliteConnection,
        version: i64,
    },
}

impl Store {
    /// Waits for changes from now on.
    ///
    /// # Errors
    /// As the database, which may have no further connection to give.
    pub async fn wakes(&self) -> Result<Wakes, StoreError> {
        let source = match &self.0.engine {
            Engine::Pg(pool) => {
                let listening = async {
                    let mut listener = PgListener::connect_with(&pool.beside()).await?;
                    listener.listen(CHANNEL).await?;
                    Ok(listener)
                };
                Source::Pg(Box::new(in_time(READ, listening).await?))
            }
            Engine::Lite { options, .. } => {
                let mut connection = connect(&options.clone().read_only(true)).await?;
                let version = data_version(&mut connection).await?;
                Source::Lite {
                    connection,
                    version,
                }
            }
        };
        Ok(Wakes(source))
    }
}

impl Wakes {
    /// Returns when something was committed that may have been noted in the outbox: by anybody, this process included. On
    /// SQLite every commit counts.
    ///
    /// # Errors
    /// When this connection can wait no longer. Changes may have been missed.
    pub async fn next(&mut self) -> Result<(), StoreError> {
        match &mut self.0 {
            Source::Pg(listener) => announced(listener).await,
            Source::Lite {
                connection,
                version,
            } => loop {
                sleep(EVERY).await;
                let now = data_version(connection).await?;
                if std::mem::replace(version, now) != now {
                    return Ok(());
                }
            },
        }
    }
}

async fn announced(listener: &mut PgListener) -> Result<(), StoreError> {
    loop {
        match timeout(SILENCE, listener.try_recv()).await {
            Ok(Ok(Some(_))) => break,
            Ok(Ok(None)) => return Err(StoreError::Unavailable("the connection ended".to_owned())),
            Ok(Err(error)) => return Err(error.into()),
            Err(_) => {
                let ping = Sql::new("SELECT 1 AS one");
                in_time(READ, ping.one_on_postgres(&mut *listener)).await?;
            }
        }
    }
    // Many at once are one reason to look.
    while listener.next_buffered().is_some() {}
    Ok(())
}

/// A number that changes when another connection, of this process or another, has committed.
async fn data_version(connection: &mut SqliteConnection) -> Result<i64, StoreError> {
    let asked = Sql::new("PRAGMA data_version");
    let row = asked.one_on_sqlite(connection).await?;
    row.map_or(Ok(0), |row| row.int("data_version"))
}
