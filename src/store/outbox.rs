//! `invalidations`: what was changed and may be remembered elsewhere. Written in the same transaction as the change,
//! read by every process.
use super::{
    Store, StoreError, Tx,
    sql::{Sql, Value},
};
use crate::domain::time::Timestamp;

/// Something that may be remembered and has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalidation {
    /// Grows with every change; two that commit at the same time may become visible out of order.
    pub id: i64,
    /// `client`, `user`, `token` or `family`.
    pub kind: String,
    /// Which.
    pub key: String,
}

/// Tells everybody who may remember it, with the change itself.
pub(super) async fn note(
    tx: &mut Tx<'_>,
    kind: &'static str,
    key: &str,
    at: Timestamp,
) -> Result<(), StoreError> {
    tx.insert_note(vec![
        Value::Text(kind.to_owned()),
        Value::Text(key.to_owned()),
        Value::Time(at),
    ]);
    Ok(())
}

impl Store {
    /// Changes with a greater id, oldest first, at most a thousand.
    ///
    /// # Errors
    /// As the database.
    pub async fn invalidations_after(&self, id: i64) -> Result<Vec<Invalidation>, StoreError> {
        let find = Sql::new(
            "SELECT id, kind, key FROM invalidations WHERE id > $1 ORDER BY id LIMIT 1000",
        )
        .int(id);
        self.read_all(find)
            .await?
            .iter()
            .map(|row| {
                Ok(Invalidation {
                    id: row.int("id")?,
                    kind: row.text("kind")?,
                    key: row.text("key")?,
                })
            })
            .collect()
    }

    /// The greatest id there is.
    ///
    /// # Errors
    /// As the database.
    pub async fn last_invalidation(&self) -> Result<i64, StoreError> {
        let find = Sql::new("SELECT max(id) AS last FROM invalidations");
        self.read_one(find)
            .await?
            .map_or(Ok(0), |row| row.int("last"))
    }
}
