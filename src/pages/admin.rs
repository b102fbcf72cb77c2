//! Views of the rest of administration: the dashboard, tokens, signing keys.
//!
//! Never here: where the figures come from.
use serde::Serialize;

use super::words::{as_local_href, as_tame};
use super::{Alert, Badge, Filter, Pager, Shell, View, When, Words};

/// A figure of the dashboard.
#[derive(Debug, Clone, Serialize)]
pub struct Counter {
    pub figure: Words,
    pub name: Words,
    pub note: Words,
    #[serde(serialize_with = "as_local_href")]
    pub href: String,
}

/// Something that happened.
#[derive(Debug, Clone, Serialize)]
pub struct ActivityRow {
    pub at: When,
    pub event: Words,
    #[serde(serialize_with = "as_tame")]
    pub who: String,
    #[serde(serialize_with = "as_tame")]
    pub what: String,
    pub outcome: Badge,
}

/// A client that waits for approval.
#[derive(Debug, Clone, Serialize)]
pub struct WaitingRow {
    #[serde(serialize_with = "as_tame")]
    pub name: String,
    #[serde(serialize_with = "as_tame")]
    pub owner: String,
    #[serde(serialize_with = "as_local_href")]
    pub href: String,
    pub since: When,
    /// It was approved once, and changed after that.
    pub is_again: bool,
}

/// An actor of this process.
#[derive(Debug, Clone, Serialize)]
pub struct ActorRow {
    /// Its place in the tree.
    pub path: String,
    pub state: Badge,
    pub restarts: u64,
    /// Waiting, of how many; empty without a queue.
    pub queue: String,
    pub handled: u64,
}

/// `GET /admin`.
#[derive(Debug, Clone, Serialize)]
pub struct DashboardPage {
    pub shell: Shell,
    /// Of the build that answers.
    pub version: String,
    pub counters: Vec<Counter>,
    /// When they were counted.
    pub counted: When,
    /// What works around something, and what fails.
    pub troubles: Vec<Alert>,
    pub waiting: Vec<WaitingRow>,
    pub activity: Vec<ActivityRow>,
    pub actors: Vec<ActorRow>,
}

impl View for DashboardPage {
    const TEMPLATE: &'static str = "admin/dashboard";
    const TITLE: &'static str = "dashboard.title";
}

/// A token in the list.
#[derive(Debug, Clone, Serialize)]
pub struct AnyTokenRow {
    pub id: String,
    #[serde(serialize_with = "as_tame")]
    pub user: String,
    /// Empty for machines and for people who are gone.
    pub user_href: String,
    #[serde(serialize_with = "as_tame")]
    pub client: String,
    #[serde(serialize_with = "as_local_href")]
    pub client_href: String,
    pub category: Words,
    pub status: Badge,
    pub scopes: Vec<String>,
    pub created: When,
    pub expires: When,
    pub is_active: bool,
    pub is_disabled: bool,
    pub can_end: bool,
}

/// `GET /admin/tokens`.
#[derive(Debug, Clone, Serialize)]
pub struct AllTokensPage {
    pub shell: Shell,
    pub filter: Filter,
    pub is_narrowed: bool,
    /// Whom the search did not look at.
    pub cut: Option<Alert>,
    /// The search stopped before the end.
    pub goes_on: bool,
    pub rows: Vec<AnyTokenRow>,
    pub pager: Pager,
    /// Search and filters, which a form carries along.
    pub back: String,
}

impl View for AllTokensPage {
    const TEMPLATE: &'static str = "admin/tokens";
    const TITLE: &'static str = "tokens.title";
}

/// Tokens that are written off by and by.
#[derive(Debug, Clone, Serialize)]
pub struct WorkRow {
    /// A client or a person.
    pub kind: Words,
    pub id: String,
    #[serde(serialize_with = "as_tame")]
    pub name: String,
    /// Empty for who is gone.
    pub href: String,
    pub since: When,
    pub marked: Words,
    pub ended: u64,
    /// 0 until it is counted.
    pub total: u64,
    pub state: Badge,
}

/// `GET /admin/work`: long work, and how far it is.
#[derive(Debug, Clone, Serialize)]
pub struct WorkPage {
    pub shell: Shell,
    pub rows: Vec<WorkRow>,
    pub goes_on: bool,
    /// The reader asked for the page to be looked at again by itself.
    pub followed: bool,
}

impl View for WorkPage {
    const TEMPLATE: &'static str = "admin/work";
    const TITLE: &'static str = "work.title";
}

/// A signing key.
#[derive(Debug, Clone, Serialize)]
pub struct KeyRow {
    pub kid: String,
    pub algorithm: String,
    pub state: Badge,
    pub source: Words,
    pub published: When,
    pub activates: When,
    pub ends: When,
}

/// `GET /admin/keys`.
#[derive(Debug, Clone, Serialize)]
pub struct KeysPage {
    pub shell: Shell,
    pub rows: Vec<KeyRow>,
    pub message: Option<Alert>,
    /// Keys are made here.
    pub can_rotate: bool,
    /// Another key is published and waits.
    pub has_next: bool,
}

impl View for KeysPage {
    const TEMPLATE: &'static str = "admin/keys";
    const TITLE: &'static str = "system.keys_title";
}
