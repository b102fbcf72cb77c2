//! Which edits need approval again: those that give a client more than somebody approved, and those that change what a
//! person reads before they agree. Who could rename an approved client could ask in the name of a bank (RFC 7592 §5). A
//! narrower client or a new secret needs nothing. The rule is the same for My apps and for RFC 7592.
use super::Registration;
use crate::domain::client::{AuthMethod, Client, ClientStatus, ClientType};

/// What an edit adds, or shows to people in place of what was approved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Widened {
    /// Another name.
    Name,
    /// Other words about itself, or another address (`client_uri`). None at all is no claim.
    Description,
    /// Another redirection endpoint.
    RedirectUris,
    /// Another place to go to after logout.
    PostLogoutRedirectUris,
    /// Another scope.
    Scopes,
    /// Another resource.
    Resources,
    /// Another grant.
    Grants,
    /// Another value of the project claim.
    Project,
    /// Another value of the service account claim.
    ServiceAccount,
    /// It need not authenticate any more, or with less.
    Authentication,
    /// Its tokens live longer.
    Lifetime,
}

impl Widened {
    /// A name that does not change: for the trail and for the words of a page.
    pub fn name(self) -> &'static str {
        match self {
            Self::Name => "client_name",
            Self::Description => "description",
            Self::RedirectUris => "redirect_uris",
            Self::PostLogoutRedirectUris => "post_logout_redirect_uris",
            Self::Scopes => "scopes",
            Self::Resources => "allowed_resources",
            Self::Grants => "grant_types",
            Self::Project => "project",
            Self::ServiceAccount => "service_account",
            Self::Authentication => "client_type",
            Self::Lifetime => "token_profile",
        }
    }
}

/// All for which an edit of a client as it is now needs approval; nothing when nobody has to look at it again. A client
/// that is not active has no approval to lose.
pub fn needs_approval(now: &Client, then: &Registration) -> Vec<Widened> {
    if now.status != ClientStatus::Active {
        return Vec::new();
    }
    let adds = |new: &[String], old: &[String]| new.iter().any(|value| !old.contains(value));
    let claims = |new: &str, old: &str| !new.is_empty() && new != old;
    let grants = (then.device_flow && !now.device_flow)
        || (then.auth_code_flow && !now.auth_code_flow)
        || (then.client_credentials_flow && !now.client_credentials_flow);
    let weaker = (now.client_type == ClientType::Confidential
        && then.client_type == ClientType::Public)
        || (now.auth_method == Some(AuthMethod::PrivateKeyJwt)
            && then.auth_method != now.auth_method);
    let longer = rank(then.token_profile) > rank(&now.token_profile)
        || (then.machine_token_ttl != now.machine_token_ttl
            && then.machine_token_ttl > now.machine_token_ttl);
    let post_logout = adds(
        &then.post_logout_redirect_uris,
        &now.post_logout_redirect_uris,
    );
    let claims_more = !then.description.is_empty() && then.description != now.description;
    [
        (then.name != now.name, Widened::Name),
        (claims_more, Widened::Description),
        (grants, Widened::Grants),
        (
            adds(&then.redirect_uris, &now.redirect_uris),
            Widened::RedirectUris,
        ),
        (post_logout, Widened::PostLogoutRedirectUris),
        (!then.scopes.is_subset(&now.scopes), Widened::Scopes),
        (
            adds(&then.allowed_resources, &now.allowed_resources),
            Widened::Resources,
        ),
        (claims(&then.project, &now.project), Widened::Project),
        (
            claims(&then.service_account, &now.service_account),
            Widened::ServiceAccount,
        ),
        (weaker, Widened::Authentication),
        (longer, Widened::Lifetime),
    ]
    .into_iter()
    .filter_map(|(does, what)| does.then_some(what))
    .collect()
}

fn rank(profile: &str) -> u8 {
    match profile.trim() {
        "short" => 0,
        "long" => 2,
        _ => 1,
    }
}
