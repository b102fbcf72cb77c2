//! What people change about themselves.
use super::super::{StoreError, Tx, Unit, sql::Sql};
use crate::domain::{audit::AuditRow, ids::UserId, time::Timestamp};
use futures_util::{FutureExt as _, future::BoxFuture};

/// Gives a person another full name. Tells whether they are there.
pub struct RenameOneself {
    /// Who.
    pub user_id: UserId,
    /// What they want to be called.
    pub full_name: String,
    /// Now.
    pub at: Timestamp,
    /// Rows of the trail.
    pub audit: Vec<AuditRow>,
}

impl Unit for RenameOneself {
    type Answer = bool;

    fn run<'c>(&'c self, tx: &'c mut Tx<'_>) -> BoxFuture<'c, Result<bool, StoreError>> {
        async move {
            let rename = Sql::new(
                "UPDATE users SET full_name = $2, updated_at = $3 WHERE id = $1 \
                 AND coalesce(auth_source, 'local') IN ('local', '')",
            )
            .text(self.user_id.as_str())
            .text(self.full_name.as_str())
            .time(self.at);
            if tx.run(rename).await? == 0 {
                return Ok(false);
            }
            tx.insert_audit(&self.audit);
            Ok(true)
        }
        .boxed()
    }
}
