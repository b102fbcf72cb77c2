//! What is wrong with a draft, field by field.
use super::uri::UriFault;
use std::time::Duration;

/// A field of a draft, in the order of the form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Field {
    /// `client_name`.
    Name,
    /// `description`.
    Description,
    /// The three flags.
    Grants,
    /// `redirect_uris`.
    RedirectUris,
    /// `post_logout_redirect_uris`.
    PostLogoutRedirectUris,
    /// `scopes`.
    Scopes,
    /// `allowed_resources`.
    AllowedResources,
    /// `token_profile`.
    TokenProfile,
    /// `machine_token_ttl`.
    MachineTokenTtl,
    /// `project`.
    Project,
    /// `service_account`.
    ServiceAccount,
    /// `token_endpoint_auth_method`.
    AuthMethod,
    /// `jwks`.
    Jwks,
    /// `id_token_signed_response_alg`.
    IdTokenAlg,
    /// `status`.
    Status,
    /// Further metadata.
    Metadata,
}

impl Field {
    /// The name in forms and in RFC 7591 documents.
    pub fn name(self) -> &'static str {
        match self {
            Self::Name => "client_name",
            Self::Description => "description",
            Self::Grants => "grant_types",
            Self::RedirectUris => "redirect_uris",
            Self::PostLogoutRedirectUris => "post_logout_redirect_uris",
            Self::Scopes => "scopes",
            Self::AllowedResources => "allowed_resources",
            Self::TokenProfile => "token_profile",
            Self::MachineTokenTtl => "machine_token_ttl",
            Self::Project => "project",
            Self::ServiceAccount => "service_account",
            Self::AuthMethod => "token_endpoint_auth_method",
            Self::Jwks => "jwks",
            Self::IdTokenAlg => "id_token_signed_response_alg",
            Self::Status => "status",
            Self::Metadata => "metadata",
        }
    }
}

/// What is wrong, in words for whoever filled the form in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    #[error("is required")]
    Required,
    #[error("must not be longer than {0} characters")]
    TooLong(usize),
    #[error("must not have more than {0} entries")]
    TooMany(usize),
    #[error("must not hold control characters or characters that change the direction of the text")]
    HiddenCharacter,
    #[error("needs at least one grant type")]
    NoGrant,
    #[error("must not include client credentials for a public client")]
    MachineGrantOfPublicClient,
    #[error("must have at least one entry for the authorization code grant")]
    NoRedirectUri,
    #[error("{0}")]
    Uri(UriFault),
    #[error("holds a character that a scope may not hold")]
    BadScope,
    #[error("may only hold openid, email, profile and offline_access")]
    ScopeNotForSelfService,
    #[error(
        "must be absolute http or https URIs with a host and without a fragment, at most 1024 bytes each"
    )]
    BadResource,
    #[error("must be short, standard or long")]
    UnknownProfile,
    #[error("must be a length of time such as 30m or 1h30m")]
    BadDuration,
    #[error("must be between {} and {}", super::duration_text(*.0), super::duration_text(*.1))]
    TtlOutside(Duration, Duration),
    #[error(
        "must be 1 to 64 letters, digits, dots, dashes or underscores, with a letter or digit at both ends"
    )]
    BadProject,
    #[error(
        "must be 1 to 255 letters, digits, dots, dashes, underscores or @, beginning with a letter or digit"
    )]
    BadServiceAccount,
    #[error("is not a method that this server knows")]
    UnknownAuthMethod,
    #[error("does not fit the client type")]
    AuthMethodOfOtherType,
    #[error("is required for private_key_jwt")]
    NoKeys,
    #[error("must be a JWK set: an object with a list \"keys\"")]
    BadKeys,
    #[error("must hold public keys only; what was sent is compromised and must be replaced")]
    PrivateKey,
    #[error("is not an algorithm that this server signs with")]
    UnknownAlgorithm,
    #[error("must be active, inactive or pending")]
    UnknownStatus,
}

/// One fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Where.
    pub field: Field,
    /// What.
    pub problem: Problem,
    /// Which of several entries; empty for the field as a whole.
    pub entry: String,
}

impl Fault {
    /// About a whole field.
    pub fn new(field: Field, problem: Problem) -> Self {
        Self {
            field,
            problem,
            entry: String::new(),
        }
    }

    /// About one entry of a list.
    pub fn about(field: Field, problem: Problem, entry: &str) -> Self {
        Self {
            field,
            problem,
            entry: entry.chars().take(200).collect(),
        }
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = self.field.name();
        if self.entry.is_empty() {
            write!(f, "{name} {}", self.problem)
        } else {
            write!(f, "{name}: {:?} {}", self.entry, self.problem)
        }
    }
}
