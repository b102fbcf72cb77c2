//! `client_assertion_jtis`: which client assertions were used (RFC 7523 §3, point 7).
use super::{StoreError, Tx, Unit, sql::Sql};
use crate::{
    domain::{digest::sha256_hex, ids::ClientId, time::Timestamp},
    faults,
};
use futures_util::{FutureExt as _, future::BoxFuture};

/// Uses an assertion. Tells whether it was the first to do so.
pub struct UseAssertion {
    /// Whose.
    pub client_id: ClientId,
    /// `jti`; each client has its own.
    pub jti: String,
    /// Until then it is remembered.
    pub until: Timestamp,
    /// Now.
    pub now: Timestamp,
}

impl Unit for UseAssertion {
    type Answer = bool;

    fn run<'c>(&'c self, tx: &'c mut Tx<'_>) -> BoxFuture<'c, Result<bool, StoreError>> {
        async move {
            // Length first, so that no two pairs make the same text.
            let id = self.client_id.as_str();
            let hash = sha256_hex(format!("{}:{id}:{}", id.len(), self.jti).as_bytes());
            // The guard: of all who try, one inserts the row, or finds one that is over.
            let insert = Sql::new(
                "INSERT INTO client_assertion_jtis (jti_hash, client_id, expires_at) VALUES ($1, $2, $3) \
                 ON CONFLICT (jti_hash) DO UPDATE SET expires_at = excluded.expires_at \
                 WHERE client_assertion_jtis.expires_at < $4",
            )
            .text(hash)
            .text(id)
            .time(self.until)
            .time(self.now);
            Ok(tx.run(insert).await? == 1 || faults::unguarded())
        }
        .boxed()
    }
}
