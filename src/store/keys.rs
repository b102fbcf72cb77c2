//! `signing_keys`: the public halves of keys that ever signed, so that a new key does not end live tokens.
use super::{
    Store, StoreError, Tx, Unit,
    sql::{Sql, Value},
};
use crate::domain::time::Timestamp;
use futures_util::{FutureExt as _, future::BoxFuture};

/// A public key on record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredKey {
    /// Key id.
    pub kid: String,
    /// `RS256` or `ES256`.
    pub algorithm: String,
    /// SubjectPublicKeyInfo, DER.
    pub spki: Vec<u8>,
    /// When the last token that it can have signed expires.
    pub not_after: Timestamp,
}

impl Store {
    /// Keys whose tokens may still be alive.
    ///
    /// # Errors
    /// As the database.
    pub async fn public_keys(&self, now: Timestamp) -> Result<Vec<StoredKey>, StoreError> {
        let find = Sql::new(
            "SELECT * FROM signing_keys WHERE not_after > $1 ORDER BY last_active_at DESC LIMIT 50",
        );
        self.read_all(find.time(now))
            .await?
            .iter()
            .map(|row| {
                Ok(StoredKey {
                    kid: row.text("kid")?,
                    algorithm: row.text("algorithm")?,
                    spki: row.bytes("spki")?,
                    not_after: row.time("not_after")?,
                })
            })
            .collect()
    }
}

/// Puts a key that signs on record, or moves its end further out.
pub struct RememberKey {
    /// The key.
    pub key: StoredKey,
    /// Now.
    pub at: Timestamp,
}

impl Unit for RememberKey {
    type Answer = ();

    fn run<'c>(&'c self, tx: &'c mut Tx<'_>) -> BoxFuture<'c, Result<(), StoreError>> {
        async move {
            let upsert = Sql::new(
                "INSERT INTO signing_keys (kid, algorithm, spki, first_seen_at, last_active_at, not_after) \
                 VALUES ($1, $2, $3, $4, $4, $5) ON CONFLICT (kid) DO UPDATE SET algorithm = excluded.algorithm, \
                 spki = excluded.spki, last_active_at = excluded.last_active_at, not_after = excluded.not_after",
            )
            .text(self.key.kid.as_str())
            .text(self.key.algorithm.as_str())
            .bind(Value::Bytes(self.key.spki.clone()))
            .time(self.at)
            .time(self.key.not_after);
            tx.run(upsert).await.map(|_| ())
        }
        .boxed()
    }
}
