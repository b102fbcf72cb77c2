//! `GET /admin/explain`: why a request was refused.
//!
//! Never here: which checks there are.

use serde::Serialize;

use super::{Alert, Badge, Fact, Shell, View, When, Words};

/// A form for a reference; what is behind it, or the latest refusals.
#[derive(Debug, Clone, Serialize)]
pub struct ExplainPage {
    pub shell: Shell,
    /// What was typed.
    pub typed: String,
    /// Why nothing was found.
    pub alert: Option<Alert>,
    pub found: Option<Explained>,
    /// Shown while nothing is looked up.
    pub latest: Vec<RefusalLine>,
}

/// One refusal in full.
#[derive(Debug, Clone, Serialize)]
pub struct Explained {
    pub reference: String,
    pub facts: Vec<Fact>,
    pub steps: Vec<CheckLine>,
}

/// One check with its outcome.
#[derive(Debug, Clone, Serialize)]
pub struct CheckLine {
    pub name: String,
    pub question: Words,
    pub outcome: Badge,
}

/// One refusal in the list.
#[derive(Debug, Clone, Serialize)]
pub struct RefusalLine {
    pub reference: String,
    pub client: Words,
    pub question: Words,
    pub operation: String,
    pub error: String,
    pub times: i64,
    pub when: When,
}

impl View for ExplainPage {
    const TEMPLATE: &'static str = "admin/explain";
    const TITLE: &'static str = "explain.title";
}
