//! What ends a client or everything that it was given: rejection, revoking all, deletion.
//!
//! The client's row is changed first: an issuance that is under way holds it, so it either comes before and what it issued
//! is found, or comes after and is judged anew.
use super::{Changed, end_management, told};
use crate::{
    domain::{audit::AuditRow, ids::ClientId, time::Timestamp},
    store::{
        StoreError, Tx, Unit,
        endings::{All, Ended, end_all},
        sql::{Sql, Value},
    },
};
use futures_util::{FutureExt as _, future::BoxFuture};

/// Ends everything that a client was given: consents, codes in flight, and tokens. The client stays.
pub struct RevokeAll {
    /// Whose.
    pub client_id: ClientId,
    /// Now.
    pub at: Timestamp,
    /// Rows of the trail; each gets the detail `revoked_count`.
    pub audit: Vec<AuditRow>,
}

impl Unit for RevokeAll {
    /// `None`: there is no such client.
    type Answer = Option<Ended>;

    fn run<'c>(&'c self, tx: &'c mut Tx<'_>) -> BoxFuture<'c, Result<Self::Answer, StoreError>> {
        async move {
            let first =
                Sql::new("UPDATE oauth_applications SET updated_at = $2 WHERE client_id = $1")
                    .text(self.client_id.as_str())
                    .time(self.at);
            if tx.run(first).await? == 0 {
                return Ok(None);
            }
            let ended = end_all(tx, All::OfClient(&self.client_id), self.at).await?;
            tx.insert_audit(&ended.told(&self.audit));
            Ok(Some(ended))
        }
        .boxed()
    }
}

/// Rejects a client, or switches it off for good: it and everything that it was given ends.
pub struct RejectClient {
    /// Which.
    pub client_id: ClientId,
    /// Told to its owner; empty for none.
    pub reason: String,
    /// Now.
    pub at: Timestamp,
    /// Rows of the trail.
    pub audit: Vec<AuditRow>,
}

impl Unit for RejectClient {
    type Answer = Changed;

    fn run<'c>(&'c self, tx: &'c mut Tx<'_>) -> BoxFuture<'c, Result<Changed, StoreError>> {
        async move {
            let update = Sql::new(
                "UPDATE oauth_applications SET status = 'inactive', status_reason = $2, approved_as = NULL, \
                 row_version = coalesce(row_version, 0) + 1, updated_at = $3 WHERE client_id = $1 AND status = 'pending'",
            )
            .text(self.client_id.as_str())
            .bind(Value::MaybeText(Some(self.reason.clone()).filter(|reason| !reason.is_empty())))
            .time(self.at);
            let changed = tx.run(update).await? == 1;
            if changed {
                end_all(tx, All::OfClient(&self.client_id), self.at).await?;
            }
            told(tx, changed, &self.client_id, self.at, &self.audit).await
        }
        .boxed()
    }
}

/// Deletes a client; everything that it was given ends.
pub struct DeleteClient {
    /// Which.
    pub client_id: ClientId,
    /// Whose it must be; `None` for anybody's.
    pub owner: Option<String>,
    /// Whether one that is in use may go.
    pub even_active: bool,
    /// Now.
    pub at: Timestamp,
    /// Rows of the trail.
    pub audit: Vec<AuditRow>,
}

impl Unit for DeleteClient {
    type Answer = Changed;

    fn run<'c>(&'c self, tx: &'c mut Tx<'_>) -> BoxFuture<'c, Result<Changed, StoreError>> {
        async move {
            let delete = Sql::new(
                "DELETE FROM oauth_applications WHERE client_id = $1 AND user_id = coalesce($2, user_id) \
                 AND ($3 OR status <> 'active')",
            )
            .text(self.client_id.as_str())
            .bind(Value::MaybeText(self.owner.clone()))
            .bind(Value::Flag(self.even_active));
            let deleted = tx.run(delete).await? == 1;
            if deleted {
                end_all(tx, All::OfClient(&self.client_id), self.at).await?;
                end_management(tx, &self.client_id).await?;
            }
            told(tx, deleted, &self.client_id, self.at, &self.audit).await
        }
        .boxed()
    }
}
