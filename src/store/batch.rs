//! Committing units: each in a transaction of its own on Postgres, all that wait in one on SQLite.
//!
//! SQLite pays one fsync for a whole batch. The batch is run as one transaction without savepoints; when anything in it
//! fails the whole is rolled back and every unit is run again in a transaction of its own, so that a failure is paid for
//! by a slower batch and never by a neighbour. No answer, refusals included, leaves before its commit has returned.
use super::{
    Concern, StoreError, Unit,
    open::connect,
    outbox::{Listener, Note},
    pool::Pool,
    tx::{Connection, Tx},
};
use crate::faults;
use futures_util::{FutureExt as _, future::BoxFuture};
use sqlx::{Connection as _, SqliteConnection, sqlite::SqliteConnectOptions};
use std::panic::AssertUnwindSafe;
use tokio::sync::{Mutex, oneshot};

/// Where units wait for the write connection.
pub trait UnitSink: Send + Sync {
    /// Puts a unit there, waiting for room. A unit that is dropped answers its caller with an error.
    fn submit(&self, unit: QueuedUnit) -> BoxFuture<'static, ()>;
}

/// A unit with somebody who waits for its answer.
pub struct QueuedUnit(Box<dyn Waiting>);

trait Waiting: Send + Sync {
    fn concern(&self) -> Concern;
    fn run<'c>(&'c mut self, tx: &'c mut Tx<'_>) -> BoxFuture<'c, Result<(), StoreError>>;
    fn answer(self: Box<Self>, outcome: Result<(), StoreError>);
}

type Reply<U> = oneshot::Sender<Result<<U as Unit>::Answer, StoreError>>;

struct Waiter<U: Unit> {
    unit: U,
    answer: Option<U::Answer>,
    reply: std::sync::Mutex<Option<Reply<U>>>,
}

impl<U: Unit> Waiting for Waiter<U>
where
    U::Answer: Sync,
{
    fn concern(&self) -> Concern {
        self.unit.concern()
    }

    fn run<'c>(&'c mut self, tx: &'c mut Tx<'_>) -> BoxFuture<'c, Result<(), StoreError>> {
        async move {
            self.answer = None;
            let ran = AssertUnwindSafe(self.unit.run(tx)).catch_unwind().await;
            let answer =
                ran.unwrap_or_else(|_| Err(StoreError::Bug("a unit of work panicked".to_owned())))?;
            self.answer = Some(answer);
            Ok(())
        }
        .boxed()
    }

    fn answer(self: Box<Self>, outcome: Result<(), StoreError>) {
        let reply = self
            .reply
            .into_inner()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let answer = match (outcome, self.answer) {
            (Ok(()), Some(answer)) => Ok(answer),
            (Ok(()), None) => Err(StoreError::Bug("a unit of work gave no answer".to_owned())),
            (Err(error), _) => Err(error),
        };
        if let Some(reply) = reply {
            // Nobody may be waiting any more; the commit stands all the same.
            let _ = reply.send(answer);
        }
    }
}

impl QueuedUnit {
    pub(super) fn new<U: Unit>(unit: U) -> (Self, oneshot::Receiver<Result<U::Answer, StoreError>>)
    where
        U::Answer: Sync,
    {
        let (reply, answer) = oneshot::channel();
        let reply = std::sync::Mutex::new(Some(reply));
        (
            Self(Box::new(Waiter {
                unit,
                answer: None,
                reply,
            })),
            answer,
        )
    }
}

pub(super) async fn commit_on_postgres<U: Unit>(
    pool: &Pool,
    listener: &Listener,
    unit: &U,
) -> Result<U::Answer, StoreError> {
    let mut connection = pool.acquire().await?;
    let mut transaction = connection.begin().await?;
    let mut tx = Tx::new(Connection::Pg(&mut transaction));
    faults::strike("store.begun");
    let answer = unit.run(&mut tx).await?;
    faults::strike("store.ran");
    tx.settle().await?;
    let noted = tx.noted;
    faults::strike("store.settled");
    let _telling = listener.after_commit(noted);
    // Whether a commit that fails has happened is not known: the caller must not be told either way.
    transaction
        .commit()
        .await
        .map_err(|error| StoreError::Unavailable(error.to_string()))?;
    faults::strike("store.committed");
    Ok(answer)
}

pub(super) async fn commit_on_sqlite(
    (writer, options): (&Mutex<Option<SqliteConnection>>, &SqliteConnectOptions),
    listener: &Listener,
    mut units: Vec<QueuedUnit>,
) {
    let mut slot = writer.lock().await;
    let mut connection = match slot.take() {
        Some(connection) => connection,
        None => match connect(options).await {
            Ok(connection) => connection,
            Err(error) => return answer_all(units, &Err(error)),
        },
    };
    let mut shut = None;
    match transact(&mut connection, listener, &mut units).await {
        Ok(()) => answer_all(units, &Ok(())),
        Err(Failed::ToBegin(error)) => shut = Some((units, error)),
        Err(Failed::Within(error)) if units.len() == 1 => answer_all(units, &Err(error)),
        Err(Failed::Within(_)) => {
            let mut units = units.into_iter();
            while let Some(unit) = units.next() {
                let mut alone = vec![unit];
                match transact(&mut connection, listener, &mut alone).await {
                    Ok(()) => answer_all(alone, &Ok(())),
                    Err(Failed::Within(error)) => answer_all(alone, &Err(error)),
                    Err(Failed::ToBegin(error)) => {
                        shut = Some((alone.into_iter().chain(units.by_ref()).collect(), error));
                    }
                }
            }
        }
    }
    let Some((units, error)) = shut else {
        *slot = Some(connection);
        return;
    };
    // Whoever holds the file was waited for once, which is enough for all. Any other reason lies in the connection: a thread
    // that is gone, a transaction that is open. The next batch opens another.
    if is_busy(&error) {
        *slot = Some(connection);
    }
    answer_all(units, &Err(error.into()));
}

/// How far a transaction came that did not happen.
enum Failed {
    /// Nothing was run.
    ToBegin(sqlx::Error),
    /// One of its units failed, or the commit.
    Within(StoreError),
}

/// Whether another program holds the file: `SQLITE_BUSY` and its kinds.
fn is_busy(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code());
    code.and_then(|code| code.parse::<u32>().ok())
        .is_some_and(|code| code & 0xff == 5)
}

/// All units in one transaction. After a failure nothing of it is left, whatever the database did to it by itself.
async fn transact(
    connection: &mut SqliteConnection,
    listener: &Listener,
    units: &mut [QueuedUnit],
) -> Result<(), Failed> {
    sqlx::query("BEGIN IMMEDIATE")
        .execute(&mut *connection)
        .await
        .map_err(Failed::ToBegin)?;
    faults::strike("store.begun");
    let ran = run_all(connection, units).await;
    faults::strike("store.settled");
    let outcome = match ran {
        Ok(noted) => {
            let _telling = listener.after_commit(noted);
            let committed = sqlx::query("COMMIT").execute(&mut *connection).await;
            committed.map(|_| ()).map_err(StoreError::from)
        }
        Err(error) => Err(error),
    };
    if outcome.is_err() {
        // A full disk ends the transaction by itself; then there is nothing to roll back, and the error says so.
        let _ = sqlx::query("ROLLBACK").execute(&mut *connection).await;
    }
    faults::strike("store.committed");
    outcome.map_err(Failed::Within)
}

async fn run_all(
    connection: &mut SqliteConnection,
    units: &mut [QueuedUnit],
) -> Result<Vec<Note>, StoreError> {
    let mut tx = Tx::new(Connection::Lite(connection));
    if units.len() > 1 {
        let concerns = units.iter().map(|unit| unit.0.concern()).collect();
        tx.foresee(concerns).await?;
    }
    for unit in units {
        unit.0.run(&mut tx).await?;
    }
    faults::strike("store.ran");
    tx.settle().await?;
    Ok(tx.noted)
}

fn answer_all(units: Vec<QueuedUnit>, outcome: &Result<(), StoreError>) {
    for unit in units {
        unit.0.answer(outcome.clone());
    }
}

#[cfg(test)]
mod tests;
