//! Decision traces: which checks a refused request met, in order, and the one that it failed.
//!
//! A flow records each check in the request's [`Trail`] as it passes. Nothing is guessed: [`Operation::checks`] only names what
//! there is to ask, for those that were not reached. Secrets have no way in: a trace holds names of checks, what the client
//! was told anyway, and a note that a flow wrote for the operator.
use super::oauth_error::{ErrorCode, OauthError};
use serde::{Deserialize, Serialize};
use std::fmt;

mod checks;
mod trail;
pub use checks::{Check, Operation};
pub use trail::Trail;

/// The most characters of a note, and of what a client said about itself.
const NOTE: usize = 300;

/// A refusal, before it has a reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// What was asked for.
    pub operation: Operation,
    /// Who asked, as far as it said so; empty for nobody.
    pub client_id: String,
    /// The check that failed.
    pub check: Check,
    /// The error code.
    pub error: ErrorCode,
    /// What the client was told.
    pub description: String,
    /// What only the operator is told; empty for nothing.
    pub note: String,
    /// The checks that it passed before.
    pub trail: Trail,
}

impl Decision {
    /// The refusal of one request that had come so far.
    pub fn new(operation: Operation, client_id: &str, error: &OauthError, trail: Trail) -> Self {
        Self {
            trail,
            operation,
            client_id: tame(client_id, 64),
            check: error.check(),
            error: error.code,
            description: error.description.clone().into_owned(),
            note: tame(error.note.as_deref().unwrap_or_default(), NOTE),
        }
    }

    /// Whether the client is only what somebody typed: the check that it exists was not passed.
    pub fn is_by_a_stranger(&self) -> bool {
        self.check == Check::Client || !self.trail.has_passed(Check::Client)
    }

    /// What is stored.
    pub fn trace(&self) -> Trace {
        // A check that is asked of the form and again of the client may pass first and fail then.
        let passed = || self.trail.passed().filter(|check| *check != self.check);
        let not_reached = self
            .operation
            .checks()
            .iter()
            .copied()
            .filter(|check| *check != self.check && !self.trail.has_passed(*check));
        let steps = passed()
            .map(|check| Step::of(check, Outcome::Passed))
            .chain([Step::of(self.check, Outcome::Failed)])
            .chain(not_reached.map(|check| Step::of(check, Outcome::NotReached)))
            .collect();
        Trace {
            steps,
            description: self.description.clone(),
            note: self.note.clone(),
        }
    }
}

/// Printable and short.
fn tame(text: &str, most: usize) -> String {
    text.chars()
        .filter(|c| !c.is_control())
        .take(most)
        .collect()
}

/// What became of one check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Met.
    Passed,
    /// Not met: the request ended here.
    Failed,
    /// Never asked.
    NotReached,
}

/// One check with its outcome.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// [`Check::as_str`]; text, because another version of this server may have written it.
    pub check: String,
    /// What became of it.
    pub outcome: Outcome,
}

impl Step {
    fn of(check: Check, outcome: Outcome) -> Self {
        Self {
            check: check.as_str().to_owned(),
            outcome,
        }
    }
}

/// A trace as it is stored.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trace {
    /// Checks in order.
    pub steps: Vec<Step>,
    /// What the client was told.
    #[serde(default)]
    pub description: String,
    /// What only the operator is told.
    #[serde(default)]
    pub note: String,
}

/// The opaque reference that a client is given and an operator looks up: twelve characters that can be read out.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ErrorRef(String);

/// Base 32 without I, L, O and U.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const LENGTH: usize = 12;

impl ErrorRef {
    /// A reference of 60 random bits.
    pub fn draw(bytes: &[u8; LENGTH]) -> Self {
        Self(
            bytes
                .iter()
                .filter_map(|byte| ALPHABET.get(usize::from(byte & 31)))
                .map(|byte| char::from(*byte))
                .collect(),
        )
    }

    /// Reads what a person typed: any case, with or without hyphens.
    pub fn parse(typed: &str) -> Option<Self> {
        let text: String = typed
            .chars()
            .filter(|c| !matches!(c, '-' | ' '))
            .map(|c| match c.to_ascii_uppercase() {
                'O' => '0',
                'I' | 'L' => '1',
                other => other,
            })
            .take(LENGTH + 1)
            .collect();
        let known = |c: char| u8::try_from(c).is_ok_and(|byte| ALPHABET.contains(&byte));
        (text.chars().count() == LENGTH && text.chars().all(known)).then_some(Self(text))
    }

    /// As it is stored.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ErrorRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, c) in self.0.chars().enumerate() {
            if n > 0 && n % 4 == 0 {
                f.write_str("-")?;
            }
            write!(f, "{c}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
