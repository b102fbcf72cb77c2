//! The views of `/account`: sign-ins and their tokens, browsers, authorized apps, profile.
//!
//! Never here: where the values come from, and what the forms' answers mean.

use serde::Serialize;

use super::words::{as_local_href, as_tame};
use super::{Alert, Badge, Fact, Filter, Pager, ScopeLine, Shell, View, When, Words};

/// `GET /account/sessions`: the apps and devices that are signed in in the person's name.
#[derive(Debug, Clone, Serialize)]
pub struct SignInsPage {
    pub shell: Shell,
    /// How many there are.
    pub count: Words,
    /// There is something that "sign all out" would end.
    pub has_any: bool,
    pub filter: Filter,
    pub apps: Vec<AppGroup>,
    pub pager: Pager,
}

impl View for SignInsPage {
    const TEMPLATE: &'static str = "account/sign_ins";
    const TITLE: &'static str = "account.tokens.title";
}

/// An app with the devices on which it is signed in.
#[derive(Debug, Clone, Serialize)]
pub struct AppGroup {
    /// Which on the page, so that what ends one of its sign-ins can name it.
    pub n: usize,
    /// Empty when the client is gone.
    #[serde(serialize_with = "as_tame")]
    pub client_name: String,
    pub client_id: String,
    pub sign_ins: Vec<SignInRow>,
}

/// An app on one device.
#[derive(Debug, Clone, Serialize)]
pub struct SignInRow {
    /// Which on the page, so that what ends it can name it.
    pub n: usize,
    /// The program that redeemed the grant.
    pub agent: Words,
    /// Empty when nobody wrote it down.
    pub ip: String,
    /// How it was connected.
    pub grant: Words,
    pub began: When,
    pub renewed: When,
    pub ends: When,
    /// When none of its tokens counts now.
    pub badge: Option<Badge>,
    /// Its confirm page.
    #[serde(serialize_with = "as_local_href")]
    pub end: String,
    /// How many tokens it has.
    pub held: Words,
    /// The list of them.
    #[serde(serialize_with = "as_local_href")]
    pub tokens: String,
}

/// `GET /account/sessions` with a filter: one's tokens, those that are over too.
#[derive(Debug, Clone, Serialize)]
pub struct TokensPage {
    pub shell: Shell,
    /// All of them ended, and the list follows.
    pub ending: Option<Alert>,
    pub filter: Filter,
    /// The search stopped before the end.
    pub goes_on: bool,
    pub tokens: Vec<TokenRow>,
    pub pager: Pager,
}

impl View for TokensPage {
    const TEMPLATE: &'static str = "account/tokens";
    const TITLE: &'static str = "account.tokens.title";
}

/// A token.
#[derive(Debug, Clone, Serialize)]
pub struct TokenRow {
    /// Names it on the page, so that what is done to it can tell which.
    pub row: String,
    pub category: Words,
    pub badge: Badge,
    /// Whose it is, where no heading says so; empty when the client is gone.
    #[serde(serialize_with = "as_tame")]
    pub client_name: String,
    /// The program that it came to, when somebody wrote it down.
    pub agent: Option<Words>,
    pub scopes: Vec<String>,
    pub created: When,
    pub expires: When,
    pub used: Option<When>,
    /// Somebody writes it down: of refresh tokens, not of access tokens.
    pub is_use_noted: bool,
    /// Its confirm page; `None` when it is over already.
    pub revoke: Option<String>,
    /// Switches it off, or on again.
    pub switch: Option<Switch>,
    /// Why it cannot be switched.
    pub note: Option<Words>,
}

/// A form of one button.
#[derive(Debug, Clone, Serialize)]
pub struct Switch {
    #[serde(serialize_with = "as_local_href")]
    pub action: String,
    pub label: Words,
    /// The query of the list, to come back to.
    pub back: String,
}

/// `GET /account/browsers`: where the person is signed in.
#[derive(Debug, Clone, Serialize)]
pub struct BrowsersPage {
    pub shell: Shell,
    pub rows: Vec<BrowserRow>,
    pub has_others: bool,
    pub pager: Pager,
}

impl View for BrowsersPage {
    const TEMPLATE: &'static str = "account/browsers";
    const TITLE: &'static str = "account.browsers.title";
}

/// One browser.
#[derive(Debug, Clone, Serialize)]
pub struct BrowserRow {
    pub agent: Words,
    pub ip: String,
    pub since: When,
    pub last_seen: When,
    pub is_current: bool,
    pub is_remembered: bool,
    /// Its confirm page; `None` for the present one.
    pub end: Option<String>,
}

/// `GET /account/authorizations`: what the person allowed.
#[derive(Debug, Clone, Serialize)]
pub struct AuthorizationsPage {
    pub shell: Shell,
    pub rows: Vec<AuthorizationRow>,
    pub pager: Pager,
}

impl View for AuthorizationsPage {
    const TEMPLATE: &'static str = "account/authorizations";
    const TITLE: &'static str = "account.authorizations.title";
}

/// One consent.
#[derive(Debug, Clone, Serialize)]
pub struct AuthorizationRow {
    #[serde(serialize_with = "as_tame")]
    pub client_name: String,
    pub client_id: String,
    pub scopes: Vec<ScopeLine>,
    pub resources: Vec<String>,
    pub granted: When,
    #[serde(serialize_with = "as_local_href")]
    pub revoke: String,
}

/// `GET /account/profile`, and its forms when they were refused.
#[derive(Debug, Clone, Serialize)]
pub struct ProfilePage {
    pub shell: Shell,
    pub facts: Vec<Fact>,
    /// The query that goes with both forms: where the person is going once the password is changed. Mostly empty.
    pub onward: String,
    /// `None` when the name comes from elsewhere.
    pub name: Option<NameForm>,
    /// `None` when the password lives elsewhere or there is none.
    pub password: Option<PasswordForm>,
    pub linked: Vec<LinkedRow>,
}

impl View for ProfilePage {
    const TEMPLATE: &'static str = "account/profile";
    const TITLE: &'static str = "account.profile.title";
}

/// `POST /account/profile`: sends `full_name`.
#[derive(Debug, Clone, Serialize)]
pub struct NameForm {
    pub full_name: String,
    pub error: Option<Words>,
}

/// `POST /account/password`: sends `current_password`, `new_password`, `repeat_password` and, when ticked, `end_tokens=1`.
#[derive(Debug, Clone, Serialize)]
pub struct PasswordForm {
    /// For password managers.
    pub username: String,
    /// What is asked for, said before anything goes wrong.
    pub rule: Words,
    /// It must be changed before anything else.
    pub must_change: bool,
    pub message: Option<Alert>,
    pub current_error: Option<Words>,
    pub new_error: Option<Words>,
    pub repeat_error: Option<Words>,
}

/// A login elsewhere that leads here.
#[derive(Debug, Clone, Serialize)]
pub struct LinkedRow {
    /// `GitHub`, …
    pub provider: String,
    #[serde(serialize_with = "as_tame")]
    pub username: String,
    #[serde(serialize_with = "as_tame")]
    pub email: String,
    pub since: When,
    pub last_used: Option<When>,
    #[serde(serialize_with = "as_local_href")]
    pub unlink: String,
}
