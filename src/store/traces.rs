//! `decision_traces`: why requests were refused. Bounded by number here and by age in `sweep`.
use super::{
    Store, StoreError, Tx, Unit,
    sql::{Row, Sql, Value, placeholders},
};
use crate::domain::{
    time::Timestamp,
    trace::{ErrorRef, Trace},
};
use futures_util::{FutureExt as _, future::BoxFuture};

/// The most rows; the oldest make room.
pub const MOST: i64 = 10_000;
/// Rows in one statement.
pub const PIECE: usize = 32;

/// A row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceRow {
    /// What the client was given.
    pub reference: ErrorRef,
    /// Who asked, as far as it said so.
    pub client_id: String,
    /// [`Operation::as_str`](crate::domain::trace::Operation::as_str).
    pub operation: String,
    /// [`Check::as_str`](crate::domain::trace::Check::as_str).
    pub check: String,
    /// The error code.
    pub error: String,
    /// The checks.
    pub trace: Trace,
    /// How often; on the way in, how often since it was last written.
    pub times: i64,
    /// First.
    pub first_at: Timestamp,
    /// Last.
    pub last_at: Timestamp,
}

impl Store {
    /// The trace behind a reference.
    ///
    /// # Errors
    /// As the database.
    pub async fn trace(&self, reference: &ErrorRef) -> Result<Option<TraceRow>, StoreError> {
        let find = Sql::built(format!("SELECT {TRACE} FROM decision_traces WHERE id = $1"))
            .text(reference.as_str());
        Ok(self
            .read_one(find)
            .await?
            .as_ref()
            .map(read)
            .transpose()?
            .flatten())
    }

    /// The latest traces.
    ///
    /// # Errors
    /// As the database.
    pub async fn latest_traces(&self, most: i64) -> Result<Vec<TraceRow>, StoreError> {
        let find = Sql::built(format!(
            "SELECT {TRACE} FROM decision_traces ORDER BY created_at DESC LIMIT $1"
        ))
        .int(most);
        let rows = self.read_all(find).await?;
        Ok(rows
            .iter()
            .map(read)
            .collect::<Result<Vec<_>, _>>()?
            .into_iter()
            .flatten()
            .collect())
    }
}

/// The columns that [`read`] reads.
const TRACE: &str =
    "id, subject, operation, failed_check, error, trace, times, created_at, last_seen_at";

/// `None` for a row whose id is no reference.
fn read(row: &Row) -> Result<Option<TraceRow>, StoreError> {
    let Some(reference) = ErrorRef::parse(&row.text("id")?) else {
        return Ok(None);
    };
    let first_at = row.time("created_at")?;
    let trace = serde_json::from_str(&row.text("trace")?)
        .map_err(|error| StoreError::Bug(format!("a decision trace cannot be read: {error}")))?;
    Ok(Some(TraceRow {
        reference,
        client_id: row.text("subject")?,
        operation: row.text("operation")?,
        check: row.text("failed_check")?,
        error: row.text("error")?,
        trace,
        times: row.maybe_int("times")?.unwrap_or(1),
        first_at,
        last_at: row.maybe_time("last_seen_at")?.unwrap_or(first_at),
    }))
}

/// Writes traces: new ones, and more of those that are there. At most [`PIECE`] at a time.
pub struct RecordTraces {
    /// The rows, each reference once.
    pub rows: Vec<TraceRow>,
}

impl Unit for RecordTraces {
    type Answer = ();

    fn run<'c>(&'c self, tx: &'c mut Tx<'_>) -> BoxFuture<'c, Result<(), StoreError>> {
        async move {
            let mut values = Vec::with_capacity(self.rows.len() * 9);
            for row in &self.rows {
                values.extend(values_of(row)?);
            }
            let record = format!(
                "INSERT INTO decision_traces (id, subject, operation, failed_check, error, trace, times, created_at, \
                 last_seen_at) VALUES {} ON CONFLICT (id) DO UPDATE SET times = decision_traces.times + excluded.times, \
                 last_seen_at = excluded.last_seen_at, trace = excluded.trace",
                placeholders(self.rows.len(), 9)
            );
            tx.run(Sql::built(record).values(values)).await?;
            let oldest = Sql::new(
                "DELETE FROM decision_traces WHERE id IN \
                 (SELECT id FROM decision_traces ORDER BY created_at DESC LIMIT $1 OFFSET $2)",
            )
            .int(1000)
            .int(MOST);
            tx.run(oldest).await.map(|_| ())
        }
        .boxed()
    }
}

fn values_of(row: &TraceRow) -> Result<Vec<Value>, StoreError> {
    let text = |value: &str| Value::Text(value.to_owned());
    let trace =
        serde_json::to_string(&row.trace).map_err(|error| StoreError::Bug(error.to_string()))?;
    Ok(vec![
        text(row.reference.as_str()),
        text(&row.client_id),
        text(&row.operation),
        text(&row.check),
        text(&row.error),
        Value::Text(trace),
        Value::Int(row.times),
        Value::Time(row.first_at),
        Value::Time(row.last_at),
    ])
}
