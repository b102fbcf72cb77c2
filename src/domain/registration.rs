//! One draft of a client, judged by one set of rules, whoever registers it: an administrator, a person for themselves, or
//! a client by dynamic registration (RFC 7591 §2).
//!
//! All faults are told at once, each with the field that it belongs to. Here live also the rules about which edits give
//! an approved client more than was approved.
use super::{
    client::{AuthMethod, Client, ClientType},
    scope::ScopeSet,
};
use serde_json::{Map, Value};
use std::time::Duration;

mod checks;
mod draft;
mod fault;
mod lists;
mod reach;
mod uri;
mod widening;

pub use checks::is_hidden;
pub use draft::Draft;
pub use fault::{Fault, Field, Problem};
pub use lists::{duration, duration_text, split_uris};
pub use reach::{Addition, Reach};
pub use uri::{MAX_URI_BYTES, MAX_URIS, UriFault, check as check_redirect_uri};
pub use widening::{Widened, needs_approval};

/// The most characters of a name; the trail's column takes as many.
pub const MAX_NAME: usize = 255;
/// The most characters of a description.
pub const MAX_DESCRIPTION: usize = 2000;
/// Characters of the reason for which a client is rejected.
pub const MAX_REASON: usize = 500;
/// The most bytes of all scopes together.
pub const MAX_SCOPES: usize = 2000;
/// The most resources of one client.
pub const MAX_ALLOWED_RESOURCES: usize = 100;
/// The most bytes of an inline key set.
pub const MAX_JWKS: usize = 16 * 1024;
/// The most bytes of all further metadata together.
pub const MAX_METADATA: usize = 16 * 1024;
/// Machine tokens live at least so long: shorter ones would be over before they are used.
pub const MIN_MACHINE_TTL: Duration = Duration::from_secs(60);

/// What people and programs may register for themselves.
pub const SELF_SERVICE_SCOPES: [&str; 4] = ["openid", "email", "profile", "offline_access"];

/// What the operator and the way of registering allow.
#[derive(Clone, Debug)]
pub struct Rules {
    /// `STRICT_REDIRECT_URIS`.
    pub strict_redirect_uris: bool,
    /// Whether only [`SELF_SERVICE_SCOPES`] may be asked for.
    pub self_service: bool,
    /// Scopes that it has already and may keep.
    pub kept_scopes: ScopeSet,
    /// `JWT_EXPIRATION_MAX`: no machine token lives longer.
    pub max_machine_ttl: Duration,
    /// Algorithms that ID tokens can be signed with here.
    pub id_token_algs: Vec<String>,
}

impl Rules {
    /// An owner may leave in place what an administrator gave: its scopes are allowed from now on.
    pub fn keeps(&mut self, now: &Client) {
        self.kept_scopes = now.scopes.clone();
    }
}

/// A client as it may be stored: everything checked, defaults put in.
#[derive(Clone, Debug, PartialEq)]
pub struct Registration {
    /// Trimmed.
    pub name: String,
    /// Trimmed.
    pub description: String,
    /// Public or confidential.
    pub client_type: ClientType,
    /// Device grant.
    pub device_flow: bool,
    /// Authorization code grant.
    pub auth_code_flow: bool,
    /// Client credentials grant.
    pub client_credentials_flow: bool,
    /// Each once.
    pub redirect_uris: Vec<String>,
    /// Each once.
    pub post_logout_redirect_uris: Vec<String>,
    /// Each once.
    pub scopes: ScopeSet,
    /// Each once.
    pub allowed_resources: Vec<String>,
    /// `short`, `standard` or `long`.
    pub token_profile: &'static str,
    /// `None` leaves it to the server.
    pub machine_token_ttl: Option<Duration>,
    /// Empty for none.
    pub project: String,
    /// Empty for none.
    pub service_account: String,
    /// `None`: whatever the type allows.
    pub auth_method: Option<AuthMethod>,
    /// A JWK set of public keys.
    pub jwks: Option<String>,
    /// `None` leaves it to the server.
    pub id_token_alg: Option<String>,
    /// Further metadata.
    pub metadata: Map<String, Value>,
}

impl Registration {
    /// The column's text: for people to read; the flags decide.
    pub fn grant_types(&self) -> String {
        let mut names = Vec::with_capacity(3);
        if self.device_flow {
            names.push("device_code");
        }
        if self.auth_code_flow {
            names.push("authorization_code");
        }
        if self.client_credentials_flow {
            names.push("client_credentials");
        }
        names.join(" ")
    }

    /// Whether it has a secret to show.
    pub fn needs_secret(&self) -> bool {
        self.client_type == ClientType::Confidential
            && self.auth_method != Some(AuthMethod::PrivateKeyJwt)
    }
}

/// Judges a draft.
///
/// # Errors
/// Every fault, in the order of the form.
pub fn judge(draft: &Draft, rules: &Rules) -> Result<Registration, Vec<Fault>> {
    let mut faults = Vec::new();
    let client_type = checks::client_type(&draft.client_type);
    let name = checks::line(draft.name.trim(), Field::Name, MAX_NAME, &mut faults);
    if name.is_empty() && !faults.iter().any(|fault| fault.field == Field::Name) {
        faults.push(Fault::new(Field::Name, Problem::Required));
    }
    let description = checks::paragraph(draft.description.trim(), &mut faults);
    checks::grants(draft, client_type, &mut faults);
    let registration = Registration {
        name,
        description,
        client_type,
        device_flow: draft.device_flow,
        auth_code_flow: draft.auth_code_flow,
        client_credentials_flow: draft.client_credentials_flow,
        redirect_uris: checks::uris(
            &draft.redirect_uris,
            Field::RedirectUris,
            (client_type, rules),
            &mut faults,
        ),
        post_logout_redirect_uris: checks::uris(
            &draft.post_logout_redirect_uris,
            Field::PostLogoutRedirectUris,
            (client_type, rules),
            &mut faults,
        ),
        scopes: checks::scopes(&draft.scopes, rules, &mut faults),
        allowed_resources: checks::resources(&draft.allowed_resources, &mut faults),
        token_profile: checks::profile(&draft.token_profile, &mut faults),
        machine_token_ttl: checks::machine_ttl(&draft.machine_token_ttl, rules, &mut faults),
        project: checks::project(draft.project.trim(), &mut faults),
        service_account: checks::service_account(draft.service_account.trim(), &mut faults),
        auth_method: checks::auth_method(draft, client_type, &mut faults),
        jwks: checks::jwks(draft.jwks.trim(), &mut faults),
        id_token_alg: checks::id_token_alg(draft.id_token_alg.trim(), rules, &mut faults),
        metadata: draft.metadata.clone(),
    };
    if registration.auth_code_flow && draft.redirect_uris.iter().all(|uri| uri.trim().is_empty()) {
        faults.push(Fault::new(Field::RedirectUris, Problem::NoRedirectUri));
    }
    if Value::Object(draft.metadata.clone()).to_string().len() > MAX_METADATA {
        faults.push(Fault::new(Field::Metadata, Problem::TooLong(MAX_METADATA)));
    }
    if faults.is_empty() {
        Ok(registration)
    } else {
        faults.sort_by_key(|fault| fault.field);
        Err(faults)
    }
}

#[cfg(test)]
mod tests;
