//! One connection to Postgres while somebody has it. Must not live here: what is said on it.
use sqlx::{PgConnection, Postgres, pool::PoolConnection};
use std::{
    ops::{Deref, DerefMut},
    time::Duration,
};
use tokio::{runtime::Handle, time::timeout};

/// How long a connection has to come to the end of what was begun on it.
const RETURN: Duration = Duration::from_secs(2);

/// A connection that goes back to its pool, or gives its place there to another one. Whoever had it may have given up in
/// the middle of a statement that waits for somebody's lock, or for a server that is gone without a word.
pub(in crate::store) struct Lent(PoolConnection<Postgres>);

impl Lent {
    pub fn new(connection: PoolConnection<Postgres>) -> Self {
        Self(connection)
    }
}

impl Deref for Lent {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.0
    }
}

impl DerefMut for Lent {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.0
    }
}

impl Drop for Lent {
    /// As sqlx does it, which waits for the end without an end.
    fn drop(&mut self) {
        let back = self.0.return_to_pool();
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(async move {
                if timeout(RETURN, back).await.is_err() {
                    tracing::debug!("a connection to the database did not come back and is closed");
                }
            });
        }
    }
}
