//! Which edits need approval again: those that give a client more than somebody approved, and those that change what a
//! person reads before they agree. Who could rename an approved client could ask in the name of a bank (RFC 7592 §5). A
//! narrower client or a new secret needs nothing. The rule is the same for My apps and for RFC 7592.
use super::{Reach, Registration};
use crate::domain::client::{Client, ClientStatus};

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
    if now.status == ClientStatus::Active {
        Reach::from(then).beyond(&Reach::from(now))
    } else {
        Vec::new()
    }
}
