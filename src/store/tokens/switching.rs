//! What administrators and owners do to single tokens: off, on again, and gone for good.
use crate::{
    domain::{
        audit::AuditRow,
        ids::{TokenId, UserId},
        time::Timestamp,
        token::{Family, TokenStatus},
    },
    store::{
        StoreError, Tx, Unit,
        sql::{Sql, Value},
    },
};
use futures_util::{FutureExt as _, future::BoxFuture};

/// Switches a token off, or on again. Tells whether it was in the other state, and could be brought into this one: an
/// expired token stays as it is, and one whose family has ended does not come back.
pub struct SwitchToken {
    /// Which.
    pub token_id: TokenId,
    /// True switches it on.
    pub on: bool,
    /// Who does it. A token that somebody else switched off is not theirs to switch on, unless `over` says so.
    pub by: UserId,
    /// Whether it counts who switched it off: administrators pass over that.
    pub over: bool,
    /// Now.
    pub at: Timestamp,
    /// Rows of the trail.
    pub audit: Vec<AuditRow>,
}

impl Unit for SwitchToken {
    type Answer = bool;

    fn run<'c>(&'c self, tx: &'c mut Tx<'_>) -> BoxFuture<'c, Result<bool, StoreError>> {
        async move {
            let switch = if self.on {
                Sql::new(
                    "UPDATE access_tokens SET status = 'active', disabled_by = NULL WHERE id = $1 AND status = 'disabled' \
                     AND expires_at > $2 AND (coalesce(disabled_by, $3) = $3 OR $4) \
                     AND NOT EXISTS (SELECT 1 FROM token_families f WHERE f.id = access_tokens.token_family_id \
                     AND f.revoked_at IS NOT NULL)",
                )
                .text(self.token_id.as_str())
                .time(self.at)
                .text(self.by.as_str())
                .bind(Value::Flag(self.over))
            } else {
                Sql::new("UPDATE access_tokens SET status = 'disabled', disabled_by = $2 WHERE id = $1 AND status = 'active'")
                    .text(self.token_id.as_str())
                    .text(self.by.as_str())
            };
            let switched = tx.run(switch).await? == 1;
            if switched {
                tx.insert_audit(&self.audit);
            }
            Ok(switched)
        }
        .boxed()
    }
}

/// Revokes a token for good and keeps its row, so that the trail and a replay can still be told. A refresh token takes
/// its family with it.
pub struct EndToken {
    /// Which.
    pub token_id: TokenId,
    /// Its family, when it is a refresh token.
    pub family: Option<Family>,
    /// Now.
    pub at: Timestamp,
    /// Rows of the trail.
    pub audit: Vec<AuditRow>,
}

impl Unit for EndToken {
    type Answer = bool;

    fn run<'c>(&'c self, tx: &'c mut Tx<'_>) -> BoxFuture<'c, Result<bool, StoreError>> {
        async move {
            let find = Sql::new("SELECT status FROM access_tokens WHERE id = $1")
                .text(self.token_id.as_str());
            let Some(row) = tx.one(find).await? else {
                return Ok(false);
            };
            if TokenStatus::stored(&row.text("status")?) == TokenStatus::Revoked {
                return Ok(false);
            }
            if let Some(family) = &self.family {
                super::revoke_family(tx, family, self.at).await?;
            }
            let revoke = Sql::new("UPDATE access_tokens SET status = 'revoked' WHERE id = $1");
            tx.run(revoke.text(self.token_id.as_str())).await?;
            tx.insert_audit(&self.audit);
            Ok(true)
        }
        .boxed()
    }
}
