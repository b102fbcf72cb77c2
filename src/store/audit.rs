//! `audit_logs`: rows are inserted and, after their retention, deleted; never changed.
use super::{
    Store, StoreError, Tx, Unit,
    sql::{Row, Sql, Value},
};
use crate::domain::audit::{AuditRecord, AuditRow};
use futures_util::{FutureExt as _, future::BoxFuture};

mod counts;
mod read;
#[cfg(test)]
mod tests;

/// The columns that [`record`] reads.
const RECORD: &str = "id, event_time, event_type, severity, actor_user_id, actor_kind, actor_username, actor_ip, \
     resource_type, resource_id, resource_name, action, details, success, error_message, user_agent, request_path, \
     request_method, created_at";

fn record(row: &Row) -> Result<AuditRecord, StoreError> {
    Ok(AuditRecord {
        id: row.text("id")?,
        at: row.time("event_time")?,
        event_type: row.text("event_type")?,
        severity: row.text("severity")?,
        actor_user_id: row.text("actor_user_id")?,
        actor_kind: row.text("actor_kind")?,
        actor_username: row.text("actor_username")?,
        actor_ip: row.text("actor_ip")?,
        resource_type: row.text("resource_type")?,
        resource_id: row.text("resource_id")?,
        resource_name: row.text("resource_name")?,
        action: row.text("action")?,
        details: row.json("details")?,
        success: row.flag("success")?,
        error_message: row.text("error_message")?,
        user_agent: row.text("user_agent")?,
        request_path: row.text("request_path")?,
        request_method: row.text("request_method")?,
        created_at: row.time("created_at")?,
    })
}

impl Store {
    /// How many rows the trail has.
    ///
    /// # Errors
    /// As the database.
    pub async fn audit_count(&self) -> Result<i64, StoreError> {
        let count = Sql::new("SELECT count(*) AS rows FROM audit_logs");
        self.read_one(count)
            .await?
            .map_or(Ok(0), |row| row.int("rows"))
    }
}

#[cfg(test)]
impl Store {
    pub async fn audit_ids(&self) -> Result<Vec<String>, StoreError> {
        let all = self.read_all(Sql::new("SELECT id FROM audit_logs")).await?;
        all.iter().map(|row| row.text("id")).collect()
    }

    pub async fn audit_details(&self) -> Result<Vec<String>, StoreError> {
        let all = self
            .read_all(Sql::new("SELECT details FROM audit_logs"))
            .await?;
        all.iter()
            .map(|row| Ok(String::from_utf8(row.bytes("details")?).unwrap()))
            .collect()
    }
}

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

/// Writes rows of which nobody knows whether an earlier try wrote them: those whose ids are on record stay as they are.
pub struct RecordCounted {
    /// The rows.
    pub rows: Vec<AuditRow>,
}

impl Unit for RecordCounted {
    type Answer = ();

    fn run<'c>(&'c self, tx: &'c mut Tx<'_>) -> BoxFuture<'c, Result<(), StoreError>> {
        async move {
            tx.insert_audit_once(&self.rows);
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
