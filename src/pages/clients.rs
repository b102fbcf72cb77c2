//! Views of clients: the administrator's, and those of people who register their own.
//!
//! Never here: who may see or change what.
use serde::Serialize;

use super::words::{as_local_href, as_tame};
use super::{
    Alert, Badge, Choice, Fact, Filter, FormInput, FormSelect, Pager, ScopeLine, Secret, Shell,
    View, When, Words,
};

/// A client in a list.
#[derive(Debug, Clone, Serialize)]
pub struct ClientRow {
    #[serde(serialize_with = "as_tame")]
    pub name: String,
    #[serde(serialize_with = "as_tame")]
    pub description: String,
    pub client_id: String,
    #[serde(serialize_with = "as_local_href")]
    pub href: String,
    /// Public or confidential, and the grants.
    pub kind: Words,
    pub grants: Vec<Words>,
    pub status: Badge,
    pub created: When,
    /// Who owns it.
    pub owner: Words,
    pub is_pending: bool,
}

/// `GET /admin/clients` and `GET /apps`.
#[derive(Debug, Clone, Serialize)]
pub struct ClientsPage {
    pub shell: Shell,
    pub is_admin: bool,
    /// `/admin/clients` or `/apps`.
    #[serde(serialize_with = "as_local_href")]
    pub base: String,
    pub filter: Filter,
    pub is_narrowed: bool,
    /// What the search did not look at.
    pub cut: Option<Alert>,
    pub rows: Vec<ClientRow>,
    pub pager: Pager,
}

impl View for ClientsPage {
    const TEMPLATE: &'static str = "clients/list";
    const TITLE: &'static str = "clients.title";
}

/// `GET /apps`: the same list, of one's own.
#[derive(Debug, Clone, Serialize)]
#[serde(transparent)]
pub struct AppsPage(pub ClientsPage);

impl View for AppsPage {
    const TEMPLATE: &'static str = "clients/list";
    const TITLE: &'static str = "apps.title";
}

/// A scope that people may ask for themselves.
#[derive(Debug, Clone, Serialize)]
pub struct ScopeChoice {
    pub name: String,
    pub words: Option<Words>,
    pub is_chosen: bool,
}

/// Making and changing a client: `…/new`, `…/{id}/edit`, and the same again with faults.
#[derive(Debug, Clone, Serialize)]
pub struct ClientFormPage {
    pub shell: Shell,
    pub is_admin: bool,
    pub is_new: bool,
    /// It is approved: adding to it takes the approval away.
    pub is_approved: bool,
    /// Faults, or that somebody else changed it.
    pub message: Option<Alert>,
    #[serde(serialize_with = "as_local_href")]
    pub action: String,
    #[serde(serialize_with = "as_local_href")]
    pub cancel: String,
    #[serde(serialize_with = "as_tame")]
    pub heading: String,
    /// Sent back, so that nobody's change is overwritten unseen; empty for a new client.
    pub version: String,
    /// Sent back, so that the form makes one client however often it arrives; empty for an edit.
    pub submission: String,
    pub name: FormInput,
    pub description: FormInput,
    pub client_type: FormSelect,
    pub device_flow: bool,
    pub auth_code_flow: bool,
    pub client_credentials_flow: bool,
    pub grant_errors: Vec<Words>,
    pub redirect_uris: FormInput,
    pub post_logout_redirect_uris: FormInput,
    /// Administrators type scopes, others choose.
    pub scopes: FormInput,
    pub scope_choices: Vec<ScopeChoice>,
    pub allowed_resources: FormInput,
    pub token_profile: FormSelect,
    pub machine_token_ttl: FormInput,
    pub project: FormInput,
    pub service_account: FormInput,
    pub auth_method: FormSelect,
    pub jwks: FormInput,
    pub id_token_alg: FormSelect,
    pub status: FormSelect,
}

impl View for ClientFormPage {
    const TEMPLATE: &'static str = "clients/form";
    const TITLE: &'static str = "client_form.title";

    fn title(&self) -> Option<&str> {
        Some(self.heading.as_str()).filter(|heading| !heading.is_empty())
    }
}

/// All that is known about a client; drawn by `partials/client`.
#[derive(Debug, Clone, Serialize)]
pub struct AboutClient {
    pub client_id: String,
    pub description: String,
    /// What is new since somebody approved it; `None` when nobody did, or it does not wait.
    pub changes: Option<Vec<ClientChange>>,
    pub facts: Vec<Fact>,
    pub grants: Vec<Words>,
    pub scopes: Vec<ScopeLine>,
    pub redirect_uris: Vec<String>,
    pub post_logout_redirect_uris: Vec<String>,
    pub resources: Vec<String>,
    /// What a program said about itself when it registered. Nobody checked it: it is text, and leads nowhere.
    pub said: Vec<Fact>,
    pub created: When,
    pub updated: When,
    /// The secret before this one counts until then.
    pub previous_secret_until: Option<When>,
}

/// What was not so when somebody approved it.
#[derive(Debug, Clone, Serialize)]
pub struct ClientChange {
    pub what: Words,
    /// The values that came, or the one that stands there now.
    pub now: Vec<Words>,
    /// What stood there.
    pub before: Option<Words>,
}

/// One client.
#[derive(Debug, Clone, Serialize)]
pub struct ClientPage {
    pub shell: Shell,
    pub is_admin: bool,
    #[serde(serialize_with = "as_local_href")]
    pub base: String,
    pub version: String,
    #[serde(serialize_with = "as_tame")]
    pub name: String,
    pub status: Badge,
    /// What its status means, and why.
    pub standing: Option<Alert>,
    pub about: AboutClient,
    pub has_secret: bool,
    pub is_pending: bool,
    /// Owners delete only what is not in use.
    pub can_delete: bool,
}

impl View for ClientPage {
    const TEMPLATE: &'static str = "clients/detail";
    const TITLE: &'static str = "clients.one";

    fn title(&self) -> Option<&str> {
        Some(&self.name)
    }
}

/// The secret of a client that was made, or another one. It is shown this once.
#[derive(Debug, Clone, Serialize)]
pub struct ClientSecretPage {
    pub shell: Shell,
    pub is_new: bool,
    pub is_pending: bool,
    #[serde(serialize_with = "as_local_href")]
    pub base: String,
    pub client_id: String,
    #[serde(serialize_with = "as_tame")]
    pub name: String,
    pub secret: Secret,
    pub previous_secret_until: Option<When>,
}

impl View for ClientSecretPage {
    const TEMPLATE: &'static str = "clients/secret";
    const TITLE: &'static str = "clients.secret_title";
}

/// Asks before a secret is replaced, and how long the old one counts.
#[derive(Debug, Clone, Serialize)]
pub struct RegeneratePage {
    pub shell: Shell,
    #[serde(serialize_with = "as_local_href")]
    pub base: String,
    pub client_id: String,
    /// Sent back, so that a second click does not replace what the first one made.
    pub version: String,
    #[serde(serialize_with = "as_tame")]
    pub name: String,
    pub overlaps: Vec<Choice>,
}

impl View for RegeneratePage {
    const TEMPLATE: &'static str = "clients/regenerate";
    const TITLE: &'static str = "clients.regenerate_title";
}

/// Asks before a client is approved, with all that there is to look at.
#[derive(Debug, Clone, Serialize)]
pub struct ApprovePage {
    pub shell: Shell,
    #[serde(serialize_with = "as_local_href")]
    pub base: String,
    /// What is approved is what was looked at.
    pub version: String,
    #[serde(serialize_with = "as_tame")]
    pub name: String,
    pub about: AboutClient,
}

impl View for ApprovePage {
    const TEMPLATE: &'static str = "clients/approve";
    const TITLE: &'static str = "clients.approve_title";
}

/// Asks before a client is rejected, and why.
#[derive(Debug, Clone, Serialize)]
pub struct RejectPage {
    pub shell: Shell,
    pub client_id: String,
    #[serde(serialize_with = "as_tame")]
    pub name: String,
    pub facts: Vec<Fact>,
    /// What ends, one sentence each.
    pub consequences: Vec<Words>,
    pub reason: FormInput,
}

impl View for RejectPage {
    const TEMPLATE: &'static str = "clients/reject";
    const TITLE: &'static str = "clients.reject_title";
}

/// Asks to whom a client shall belong.
#[derive(Debug, Clone, Serialize)]
pub struct ClientOwnerPage {
    pub shell: Shell,
    pub client_id: String,
    /// Of the client that is looked at.
    pub version: String,
    #[serde(serialize_with = "as_tame")]
    pub name: String,
    pub facts: Vec<Fact>,
    /// What that means, one sentence each.
    pub consequences: Vec<Words>,
    pub typed: FormInput,
}

impl View for ClientOwnerPage {
    const TEMPLATE: &'static str = "clients/owner";
    const TITLE: &'static str = "clients.owner_title";
}

/// Who consented to a client.
#[derive(Debug, Clone, Serialize)]
pub struct ClientAuthorizationsPage {
    pub shell: Shell,
    pub client_id: String,
    #[serde(serialize_with = "as_tame")]
    pub name: String,
    pub rows: Vec<ConsentRow>,
    pub pager: Pager,
}

impl View for ClientAuthorizationsPage {
    const TEMPLATE: &'static str = "clients/authorizations";
    const TITLE: &'static str = "clients.authorizations_title";
}

/// A consent: whose, to whom, for what.
#[derive(Debug, Clone, Serialize)]
pub struct ConsentRow {
    #[serde(serialize_with = "as_tame")]
    pub name: String,
    pub note: String,
    #[serde(serialize_with = "as_local_href")]
    pub href: String,
    pub scopes: Vec<String>,
    pub resources: Vec<String>,
    pub granted: When,
    /// Where it is withdrawn; empty where it cannot be.
    pub revoke: String,
}
