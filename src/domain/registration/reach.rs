//! What an approval covers: how far a client may reach, and what people read about it before they agree. It is kept when an
//! approval is lost, so that whoever is asked again sees what has come since.
use super::{Registration, Widened, duration_text};
use crate::domain::client::{AuthMethod, Client};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What is compared, as text. What is missing in an old record is empty: then all of it counts as new.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Reach {
    name: String,
    description: String,
    /// Names of the grants.
    grants: Vec<String>,
    redirect_uris: Vec<String>,
    post_logout_redirect_uris: Vec<String>,
    scopes: Vec<String>,
    resources: Vec<String>,
    project: String,
    service_account: String,
    client_type: String,
    auth_method: String,
    token_profile: String,
    /// Seconds; `None` leaves it to the server.
    machine_token_ttl: Option<u64>,
}

/// One thing that was not so when somebody approved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addition {
    /// What.
    pub what: Widened,
    /// Of a list: the values that came; else what it is now.
    pub now: Vec<String>,
    /// What it was, where there is one value; `None` for lists.
    pub before: Option<String>,
}

impl Reach {
    /// What reaches further than `before` did, and what people read now in place of what was read then.
    pub(super) fn beyond(&self, before: &Self) -> Vec<Widened> {
        let more = |new: &[String], old: &[String]| !added(new, old).is_empty();
        let claims = |new: &str, old: &str| !new.is_empty() && new != old;
        let keys = AuthMethod::PrivateKeyJwt.as_str();
        let weaker = (before.client_type == "confidential" && self.client_type == "public")
            || (before.auth_method == keys && self.auth_method != keys);
        let longer = rank(&self.token_profile) > rank(&before.token_profile)
            || self.machine_token_ttl > before.machine_token_ttl;
        [
            (self.name != before.name, Widened::Name),
            (
                claims(&self.description, &before.description),
                Widened::Description,
            ),
            (more(&self.grants, &before.grants), Widened::Grants),
            (
                more(&self.redirect_uris, &before.redirect_uris),
                Widened::RedirectUris,
            ),
            (
                more(
                    &self.post_logout_redirect_uris,
                    &before.post_logout_redirect_uris,
                ),
                Widened::PostLogoutRedirectUris,
            ),
            (more(&self.scopes, &before.scopes), Widened::Scopes),
            (more(&self.resources, &before.resources), Widened::Resources),
            (claims(&self.project, &before.project), Widened::Project),
            (
                claims(&self.service_account, &before.service_account),
                Widened::ServiceAccount,
            ),
            (weaker, Widened::Authentication),
            (longer, Widened::Lifetime),
        ]
        .into_iter()
        .filter_map(|(does, what)| does.then_some(what))
        .collect()
    }

    /// The same with the values, for whoever decides.
    pub fn additions(&self, before: &Self) -> Vec<Addition> {
        let list = |new: &[String], old: &[String]| (added(new, old), None);
        let text = |new: &str, old: &str| (vec![new.to_owned()], Some(old.to_owned()));
        let values = |what: Widened| match what {
            Widened::Name => text(&self.name, &before.name),
            Widened::Description => text(&self.description, &before.description),
            Widened::Grants => list(&self.grants, &before.grants),
            Widened::RedirectUris => list(&self.redirect_uris, &before.redirect_uris),
            Widened::PostLogoutRedirectUris => list(
                &self.post_logout_redirect_uris,
                &before.post_logout_redirect_uris,
            ),
            Widened::Scopes => list(&self.scopes, &before.scopes),
            Widened::Resources => list(&self.resources, &before.resources),
            Widened::Project => text(&self.project, &before.project),
            Widened::ServiceAccount => text(&self.service_account, &before.service_account),
            Widened::Authentication => text(&self.authentication(), &before.authentication()),
            Widened::Lifetime => text(&self.lifetime(), &before.lifetime()),
        };
        let addition = |what| {
            let (now, before) = values(what);
            Addition { what, now, before }
        };
        self.beyond(before).into_iter().map(addition).collect()
    }

    fn authentication(&self) -> String {
        let Self {
            client_type,
            auth_method,
            ..
        } = self;
        [client_type.as_str(), auth_method]
            .join(" ")
            .trim()
            .to_owned()
    }

    fn lifetime(&self) -> String {
        let machine = self.machine_token_ttl.map(Duration::from_secs);
        let machine = machine.map(duration_text).unwrap_or_default();
        [self.token_profile.as_str(), &machine]
            .join(" ")
            .trim()
            .to_owned()
    }
}

fn added(new: &[String], old: &[String]) -> Vec<String> {
    let is_new = |value: &&String| !old.contains(value);
    new.iter().filter(is_new).cloned().collect()
}

fn rank(profile: &str) -> u8 {
    match profile.trim() {
        "short" => 0,
        "long" => 2,
        _ => 1,
    }
}

/// The names of the grants that are on.
fn grants([device, code, credentials]: [bool; 3]) -> Vec<String> {
    [
        (device, "device_code"),
        (code, "authorization_code"),
        (credentials, "client_credentials"),
    ]
    .into_iter()
    .filter(|(is_on, _)| *is_on)
    .map(|(_, name)| name.to_owned())
    .collect()
}

fn method(method: Option<AuthMethod>) -> String {
    method
        .map(AuthMethod::as_str)
        .unwrap_or_default()
        .to_owned()
}

impl From<&Client> for Reach {
    fn from(client: &Client) -> Self {
        Self {
            name: client.name.clone(),
            description: client.description.clone(),
            grants: grants([
                client.device_flow,
                client.auth_code_flow,
                client.client_credentials_flow,
            ]),
            redirect_uris: client.redirect_uris.clone(),
            post_logout_redirect_uris: client.post_logout_redirect_uris.clone(),
            scopes: client.scopes.iter().map(str::to_owned).collect(),
            resources: client.allowed_resources.clone(),
            project: client.project.clone(),
            service_account: client.service_account.clone(),
            client_type: client.client_type.as_str().to_owned(),
            auth_method: method(client.auth_method),
            token_profile: client.token_profile.trim().to_owned(),
            machine_token_ttl: client.machine_token_ttl.map(|ttl| ttl.as_secs()),
        }
    }
}

impl From<&Registration> for Reach {
    fn from(made: &Registration) -> Self {
        Self {
            name: made.name.clone(),
            description: made.description.clone(),
            grants: grants([
                made.device_flow,
                made.auth_code_flow,
                made.client_credentials_flow,
            ]),
            redirect_uris: made.redirect_uris.clone(),
            post_logout_redirect_uris: made.post_logout_redirect_uris.clone(),
            scopes: made.scopes.iter().map(str::to_owned).collect(),
            resources: made.allowed_resources.clone(),
            project: made.project.clone(),
            service_account: made.service_account.clone(),
            client_type: made.client_type.as_str().to_owned(),
            auth_method: method(made.auth_method),
            token_profile: made.token_profile.to_owned(),
            machine_token_ttl: made.machine_token_ttl.map(|ttl| ttl.as_secs()),
        }
    }
}
