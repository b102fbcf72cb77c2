//! Repeating a rotation whose answer may have been lost (`REFRESH_RETRY_GRACE`).
//!
//! The successor that nobody used makes way for a new one in the same transaction, so that a family has one live refresh
//! token before and after.
use super::{
    StoreError, Tx, Unit,
    sql::Sql,
    tokens::{Refreshed, enter},
};
use crate::domain::{
    audit::AuditRow,
    ids::TokenId,
    time::Timestamp,
    token::{Family, Token},
};
use futures_util::{FutureExt as _, future::BoxFuture};

/// New tokens in the place of an unused successor. [`Refreshed::AlreadyUsed`] when the successor was used, or when the old
/// token was spent too long ago: that is a replay.
pub struct RetryRotation {
    /// The token that was spent.
    pub old_id: TokenId,
    /// It must have been spent no earlier.
    pub since: Timestamp,
    /// Its family.
    pub family: Family,
    /// The new access token.
    pub access: Token,
    /// The new refresh token.
    pub refresh: Token,
    /// Rows of the trail.
    pub audit: Vec<AuditRow>,
}

impl Unit for RetryRotation {
    type Answer = Refreshed;

    fn run<'c>(&'c self, tx: &'c mut Tx<'_>) -> BoxFuture<'c, Result<Refreshed, StoreError>> {
        async move {
            if let Some(refused) = enter(tx, &self.family).await? {
                return Ok(refused);
            }
            if !self.hold(tx).await? || !self.supersede(tx).await? {
                return Ok(Refreshed::AlreadyUsed);
            }
            tx.insert_family(&self.family);
            tx.insert_token(&self.access);
            tx.insert_token(&self.refresh);
            tx.insert_audit(&self.audit);
            Ok(Refreshed::Done)
        }
        .boxed()
    }
}

impl RetryRotation {
    /// Of those who retry at the same time one goes on and the next sees what it left.
    async fn hold(&self, tx: &mut Tx<'_>) -> Result<bool, StoreError> {
        let find = if tx.locks() {
            "SELECT id FROM access_tokens WHERE id = $1 AND status = 'revoked' AND last_used_at >= $2 FOR UPDATE"
        } else {
            "SELECT id FROM access_tokens WHERE id = $1 AND status = 'revoked' AND last_used_at >= $2"
        };
        let found = Sql::new(find).text(self.old_id.as_str()).time(self.since);
        Ok(tx.one(found).await?.is_some())
    }

    /// The guard: only an unused successor makes way, and the access token that was issued beside it goes with it.
    async fn supersede(&self, tx: &mut Tx<'_>) -> Result<bool, StoreError> {
        let successor = "UPDATE access_tokens SET status = 'revoked' \
                         WHERE parent_token_id = $1 AND token_category = 'refresh' AND status = 'active'";
        if tx
            .run(Sql::new(successor).text(self.old_id.as_str()))
            .await?
            == 0
        {
            return Ok(false);
        }
        let beside = "UPDATE access_tokens SET status = 'revoked' WHERE parent_token_id = $1 AND status = 'active'";
        tx.run(Sql::new(beside).text(self.old_id.as_str())).await?;
        Ok(true)
    }
}
