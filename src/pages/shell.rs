//! What every signed-in page has around it: navigation, who is there, and the message of what was just done.
//!
//! Never here: the content of a page.

use serde::Serialize;

use super::Alert;

/// Which entry of the navigation a page belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// Tokens, browsers, authorized apps, profile.
    Account,
    /// A person's own clients.
    Apps,
    /// Guides.
    Docs,
    /// Administration: counters.
    Dashboard,
    /// Administration.
    Clients,
    /// Administration.
    Users,
    /// Administration.
    Tokens,
    /// Administration.
    Audit,
    /// Administration: the actor tree, keys, traces.
    System,
    /// None of them.
    Elsewhere,
}

impl Place {
    /// The area of the language files that has its messages.
    #[must_use]
    pub fn area(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Apps => "apps",
            Self::Docs => "docs",
            Self::Dashboard => "dashboard",
            Self::Clients => "clients",
            Self::Users => "users",
            Self::Tokens => "tokens",
            Self::Audit => "audit",
            Self::System => "system",
            Self::Elsewhere => "flash",
        }
    }
}

/// The frame of a signed-in page; drawn by `layouts/app`.
#[derive(Debug, Clone, Serialize)]
pub struct Shell {
    /// What the person is called: the full name, else the username.
    pub name: String,
    pub csrf_token: String,
    pub is_admin: bool,
    pub here: Place,
    /// Clients that wait for approval, for administrators; 0 shows nothing.
    pub pending: u64,
    /// What was just done.
    pub flash: Option<Alert>,
}
