//! The audit trail, as administrators see it.
//!
//! Never here: which records there are, and what a filter means.

use serde::Serialize;

use super::{
    Alert, Badge, Choice, Fact, Pager, Shell, View, When, Words,
    words::{as_local_href, as_tame, as_tame_option},
};

/// A page of the trail, newest first.
#[derive(Debug, Clone, Serialize)]
pub struct AuditPage {
    pub shell: Shell,
    /// A filter that was not understood.
    pub alert: Option<Alert>,
    /// The same records as a file.
    #[serde(serialize_with = "as_local_href")]
    pub export: String,
    /// How many records it will have.
    pub export_count: Words,
    /// The list of exports, where each has its end.
    #[serde(serialize_with = "as_local_href")]
    pub exports: String,
    pub search: String,
    pub is_search_wrong: bool,
    /// Filters with a choice.
    pub selects: Vec<Select>,
    /// Filters that are typed.
    pub inputs: Vec<Input>,
    pub sizes: Vec<Choice>,
    /// Something is filtered.
    pub is_narrowed: bool,
    /// One of the filters that are folded away is in use.
    pub is_open: bool,
    pub rows: Vec<AuditLine>,
    /// Said when a page was given up before it was full.
    pub looked: Option<Words>,
    pub pager: Pager,
}

impl View for AuditPage {
    const TEMPLATE: &'static str = "admin/audit";
    const TITLE: &'static str = "audit.title";
}

/// A filter with a choice.
#[derive(Debug, Clone, Serialize)]
pub struct Select {
    pub name: &'static str,
    pub label: Words,
    pub choices: Vec<Choice>,
}

/// A filter that is typed.
#[derive(Debug, Clone, Serialize)]
pub struct Input {
    pub name: &'static str,
    pub label: Words,
    /// The field's `type`.
    pub kind: &'static str,
    pub value: String,
    /// Whether it takes seconds.
    pub step: bool,
    /// It was not understood.
    pub is_wrong: bool,
}

/// Leads to the records that share a value.
#[derive(Debug, Clone, Serialize)]
pub struct Like {
    pub label: Words,
    pub href: Option<String>,
}

/// One record.
#[derive(Debug, Clone, Serialize)]
pub struct AuditLine {
    pub when: When,
    pub event: Words,
    /// Anything but the ordinary.
    pub severity: Option<Badge>,
    #[serde(serialize_with = "as_tame")]
    pub action: String,
    pub actor: Like,
    pub resource: Option<Like>,
    /// The kind of the resource.
    pub kind: Option<Words>,
    pub ip: Option<Like>,
    pub outcome: Badge,
    #[serde(serialize_with = "as_tame_option")]
    pub reason: Option<String>,
    /// What else is known.
    pub facts: Vec<Fact>,
    /// The details, as JSON.
    pub recorded: Option<String>,
}
