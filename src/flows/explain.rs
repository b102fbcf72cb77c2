//! What is behind a reference that a client was given: for the command line and the administrators' page.
use crate::{
    domain::{
        ids::ClientId,
        time::Timestamp,
        trace::{Check, ErrorRef, Outcome},
    },
    flows::{FlowError, Ground},
    store::StoreError,
};
use std::fmt;

pub use crate::store::traces::TraceRow;

/// Why nothing is explained.
#[derive(Debug, thiserror::Error)]
pub enum ExplainError {
    /// Not a reference at all.
    #[error("this is no reference: it has twelve letters and digits, as in 7K2M-9QWX-4T0B")]
    Malformed,
    /// No such trace, or no longer.
    #[error(
        "there is no trace with this reference: traces are kept for 24 hours, at most 10,000 of them"
    )]
    Unknown,
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// One check with its outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExplainedStep {
    /// Its stored name.
    pub name: String,
    /// The question, in words.
    pub question: &'static str,
    /// What became of it.
    pub outcome: Outcome,
}

/// A refusal, explained.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// What the client was given.
    pub reference: ErrorRef,
    /// Who asked, as far as it said so.
    pub client_id: String,
    /// Its name, if there is such a client.
    pub client_name: Option<String>,
    /// What was asked for.
    pub operation: String,
    /// The error code.
    pub error: String,
    /// What the client was told.
    pub description: String,
    /// What only the operator is told.
    pub note: String,
    /// The checks in order.
    pub steps: Vec<ExplainedStep>,
    /// How often.
    pub times: i64,
    /// First.
    pub first_at: Timestamp,
    /// Last.
    pub last_at: Timestamp,
}

/// Explains what a person typed.
///
/// # Errors
/// [`ExplainError`].
pub async fn explain(ground: &Ground, typed: &str) -> Result<Explanation, ExplainError> {
    let store = &ground.store;
    let reference = ErrorRef::parse(typed.trim()).ok_or(ExplainError::Malformed)?;
    let row = store
        .trace(&reference)
        .await?
        .ok_or(ExplainError::Unknown)?;
    let client = if row.client_id.is_empty() {
        None
    } else {
        store.client(&ClientId::new(row.client_id.as_str())).await?
    };
    Ok(told(row, client.map(|client| client.name)))
}

/// The latest refusals.
///
/// # Errors
/// [`FlowError::Unavailable`] when the database cannot say.
pub async fn latest(ground: &Ground, most: i64) -> Result<Vec<TraceRow>, FlowError> {
    Ok(ground.store.latest_traces(most).await?)
}

fn told(row: TraceRow, client_name: Option<String>) -> Explanation {
    let steps = row.trace.steps.into_iter().map(|step| ExplainedStep {
        question: Check::named(&step.check)
            .map_or("A check of another version of this server", Check::question),
        name: step.check,
        outcome: step.outcome,
    });
    Explanation {
        steps: steps.collect(),
        reference: row.reference,
        client_id: row.client_id,
        client_name,
        operation: row.operation,
        error: row.error,
        description: row.trace.description,
        note: row.trace.note,
        times: row.times,
        first_at: row.first_at,
        last_at: row.last_at,
    }
}

/// As the command line prints it.
impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let client = match (&self.client_name, self.client_id.as_str()) {
            (_, "") => "not named".to_owned(),
            (Some(name), id) => format!("{id} ({name})"),
            (None, id) => format!("{id} (not known here)"),
        };
        writeln!(
            f,
            "{}  {} refused with {}",
            self.reference, self.operation, self.error
        )?;
        writeln!(f, "  client   {client}")?;
        writeln!(f, "  told     {}", self.description)?;
        if !self.note.is_empty() {
            writeln!(f, "  note     {}", self.note)?;
        }
        let (first, last) = (moment(self.first_at), moment(self.last_at));
        match self.times {
            1 => writeln!(f, "  when     {first}")?,
            times => writeln!(f, "  when     {first}, {times} times until {last}")?,
        }
        for step in &self.steps {
            let mark = match step.outcome {
                Outcome::Passed => "passed     ",
                Outcome::Failed => "FAILED     ",
                Outcome::NotReached => "not reached",
            };
            writeln!(f, "  {mark}  {:<22} {}", step.name, step.question)?;
        }
        Ok(())
    }
}

/// UTC, to the second.
pub fn moment(at: Timestamp) -> String {
    let format =
        time::macros::format_description!("[year]-[month]-[day] [hour]:[minute]:[second]Z");
    at.to_offset(time::UtcOffset::UTC)
        .format(format)
        .unwrap_or_default()
}
