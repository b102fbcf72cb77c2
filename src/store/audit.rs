//! `audit_logs`: rows are inserted and, after their retention, deleted; never changed.
use super::{StoreError, Tx, Unit, sql::Value};
use crate::domain::audit::AuditRow;
use futures_util::{FutureExt as _, future::BoxFuture};

/// Writes rows that belong to no other change.
pub struct RecordAudit {
    /// The rows.
    pub rows: Vec<AuditRow>,
}

impl Unit for RecordAudit {
    type Answer = ();

    fn run<'c>(&'c self, tx: &'c mut Tx<'_>) -> BoxFuture<'c, Result<(), StoreError>> {
        async move {
            tx.insert_audit(&self.rows);
            Ok(())
        }
        .boxed()
    }
}

pub(super) fn audit_values(row: &AuditRow) -> Vec<Value> {
    let text = |value: &str| Value::Text(value.to_owned());
    vec![
        text(&row.id),
        text(row.event_type),
        Value::Time(row.at),
        text(row.severity),
        text(&row.actor_user_id),
        text(&row.actor_username),
        text(&row.actor_ip),
        text(row.resource_type),
        text(&row.resource_id),
        text(&row.resource_name),
        text(row.action),
        Value::Json(row.details.clone()),
        Value::Flag(row.success),
        text(&row.error_message),
        text(&row.user_agent),
        text(&row.request_path),
        text(&row.request_method),
        Value::Time(row.at),
        Value::MaybeText(row.actor_kind.map(str::to_owned)),
    ]
}
