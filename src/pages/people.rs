//! Views of people, for administrators.
//!
//! Never here: who may change whom.
use serde::Serialize;

use super::words::{as_local_href, as_tame};
use super::{
    Alert, Badge, BrowserRow, ConsentRow, Fact, Filter, FormInput, FormSelect, Pager, Secret,
    Shell, View, When, Words,
};

/// A person in a list.
#[derive(Debug, Clone, Serialize)]
pub struct UserRow {
    #[serde(serialize_with = "as_tame")]
    pub username: String,
    #[serde(serialize_with = "as_tame")]
    pub full_name: String,
    #[serde(serialize_with = "as_tame")]
    pub email: String,
    #[serde(serialize_with = "as_local_href")]
    pub href: String,
    pub role: Badge,
    pub status: Badge,
    pub source: Words,
    pub created: When,
}

/// `GET /admin/users`.
#[derive(Debug, Clone, Serialize)]
pub struct UsersPage {
    pub shell: Shell,
    pub filter: Filter,
    pub is_narrowed: bool,
    /// What the search did not look at.
    pub cut: Option<Alert>,
    pub rows: Vec<UserRow>,
    pub pager: Pager,
}

impl View for UsersPage {
    const TEMPLATE: &'static str = "users/list";
    const TITLE: &'static str = "users.title";
}

/// Making and changing a person.
#[derive(Debug, Clone, Serialize)]
pub struct UserFormPage {
    pub shell: Shell,
    pub is_new: bool,
    /// One's own role stays.
    pub is_oneself: bool,
    pub message: Option<Alert>,
    #[serde(serialize_with = "as_local_href")]
    pub action: String,
    #[serde(serialize_with = "as_local_href")]
    pub cancel: String,
    #[serde(serialize_with = "as_tame")]
    pub heading: String,
    /// Sent back, so that nobody's change is overwritten unseen.
    pub version: String,
    /// Sent back, so that the form makes one person however often it arrives; empty for an edit.
    pub submission: String,
    pub username: FormInput,
    pub email: FormInput,
    pub full_name: FormInput,
    pub role: FormSelect,
    /// Never filled in.
    pub password: FormInput,
}

impl View for UserFormPage {
    const TEMPLATE: &'static str = "users/form";
    const TITLE: &'static str = "users.form_title";

    fn title(&self) -> Option<&str> {
        Some(self.heading.as_str()).filter(|heading| !heading.is_empty())
    }
}

/// One person.
#[derive(Debug, Clone, Serialize)]
pub struct UserPage {
    pub shell: Shell,
    pub id: String,
    #[serde(serialize_with = "as_tame")]
    pub username: String,
    pub status: Badge,
    pub role: Badge,
    /// A refusal of what was tried.
    pub message: Option<Alert>,
    pub facts: Vec<Fact>,
    pub created: When,
    pub updated: When,
    pub holdings: Vec<Holding>,
    pub is_oneself: bool,
    pub is_active: bool,
    pub is_local: bool,
}

/// A figure with the page that lists what it counts.
#[derive(Debug, Clone, Serialize)]
pub struct Holding {
    pub figure: Words,
    pub name: Words,
    #[serde(serialize_with = "as_local_href")]
    pub href: String,
}

impl View for UserPage {
    const TEMPLATE: &'static str = "users/detail";
    const TITLE: &'static str = "users.one";

    fn title(&self) -> Option<&str> {
        Some(&self.username)
    }
}

/// A password that is shown this once.
#[derive(Debug, Clone, Serialize)]
pub struct UserPasswordPage {
    pub shell: Shell,
    pub is_new: bool,
    pub id: String,
    #[serde(serialize_with = "as_tame")]
    pub username: String,
    pub password: Secret,
}

impl View for UserPasswordPage {
    const TEMPLATE: &'static str = "users/password";
    const TITLE: &'static str = "users.password_title";
}

/// A login at another provider.
#[derive(Debug, Clone, Serialize)]
pub struct ConnectionRow {
    pub provider: String,
    #[serde(serialize_with = "as_tame")]
    pub username: String,
    #[serde(serialize_with = "as_tame")]
    pub email: String,
    pub used: Option<When>,
    pub linked: When,
    #[serde(serialize_with = "as_local_href")]
    pub unlink: String,
}

/// `GET /admin/users/{id}/connections`.
#[derive(Debug, Clone, Serialize)]
pub struct ConnectionsPage {
    pub shell: Shell,
    pub id: String,
    #[serde(serialize_with = "as_tame")]
    pub username: String,
    pub rows: Vec<ConnectionRow>,
}

impl View for ConnectionsPage {
    const TEMPLATE: &'static str = "users/connections";
    const TITLE: &'static str = "users.connections_title";
}

/// `GET /admin/users/{id}/browsers`.
#[derive(Debug, Clone, Serialize)]
pub struct UserBrowsersPage {
    pub shell: Shell,
    pub id: String,
    #[serde(serialize_with = "as_tame")]
    pub username: String,
    /// The present browser stays signed in.
    pub is_oneself: bool,
    pub rows: Vec<BrowserRow>,
    pub has_others: bool,
    pub pager: Pager,
}

impl View for UserBrowsersPage {
    const TEMPLATE: &'static str = "users/browsers";
    const TITLE: &'static str = "users.browsers_title";
}

/// `GET /admin/users/{id}/authorizations`.
#[derive(Debug, Clone, Serialize)]
pub struct UserAuthorizationsPage {
    pub shell: Shell,
    pub id: String,
    #[serde(serialize_with = "as_tame")]
    pub username: String,
    pub rows: Vec<ConsentRow>,
    pub pager: Pager,
}

impl View for UserAuthorizationsPage {
    const TEMPLATE: &'static str = "users/authorizations";
    const TITLE: &'static str = "users.authorizations_title";
}
