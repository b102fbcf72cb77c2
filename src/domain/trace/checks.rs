//! Names of the checks, and what each operation asks. Names are stored and shown, so they never change.

/// One question that a request is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Check {
    /// The request can be read and holds what it must.
    Request,
    /// `grant_type` is one of this server's.
    GrantType,
    /// `extra_claims` may be given, and are well formed.
    ExtraClaims,
    /// Every `resource` is an absolute URI.
    ResourceSyntax,
    /// The operator has this grant switched on.
    Feature,
    /// The client exists and is active.
    Client,
    /// The client proved who it is.
    ClientAuthentication,
    /// The client may use this grant.
    Grant,
    /// The grant is open to this network.
    Network,
    /// `redirect_uri` is one that the client registered.
    RedirectUri,
    /// `response_type` and `response_mode` are this server's.
    ResponseType,
    /// What was asked for is supported.
    Parameters,
    /// A `code_challenge` came where one is needed, made by S256.
    CodeChallenge,
    /// The scope is open to the client and not wider than granted.
    Scope,
    /// The client may use the resource, and it was granted.
    Resource,
    /// The code or token is known, not used up and not revoked.
    Credential,
    /// The code or token was given to this client.
    Holder,
    /// It was not used before.
    Reuse,
    /// It has not expired.
    Expiry,
    /// Its signature is by a key that counts.
    Signature,
    /// `redirect_uri` is the one that the code was asked with.
    SameRedirectUri,
    /// `code_verifier` fits the challenge.
    CodeVerifier,
    /// The device did not ask too soon.
    Pace,
    /// The person is signed in, as the request wants it.
    Login,
    /// The person agreed.
    Approval,
    /// The person may still sign in.
    User,
    /// The consent was not withdrawn.
    Consent,
    /// The server could do it.
    Server,
}

impl Check {
    /// Every check.
    pub const ALL: [Self; 28] = [
        Self::Request,
        Self::GrantType,
        Self::ExtraClaims,
        Self::ResourceSyntax,
        Self::Feature,
        Self::Client,
        Self::ClientAuthentication,
        Self::Grant,
        Self::Network,
        Self::RedirectUri,
        Self::ResponseType,
        Self::Parameters,
        Self::CodeChallenge,
        Self::Scope,
        Self::Resource,
        Self::Credential,
        Self::Holder,
        Self::Reuse,
        Self::Expiry,
        Self::Signature,
        Self::SameRedirectUri,
        Self::CodeVerifier,
        Self::Pace,
        Self::Login,
        Self::Approval,
        Self::User,
        Self::Consent,
        Self::Server,
    ];

    /// The stored name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::GrantType => "grant_type",
            Self::ExtraClaims => "extra_claims",
            Self::ResourceSyntax => "resource_syntax",
            Self::Feature => "feature",
            Self::Client => "client",
            Self::ClientAuthentication => "client_authentication",
            Self::Grant => "grant",
            Self::Network => "network",
            Self::RedirectUri => "redirect_uri",
            Self::ResponseType => "response_type",
            Self::Parameters => "parameters",
            Self::CodeChallenge => "code_challenge",
            Self::Scope => "scope",
            Self::Resource => "resource",
            Self::Credential => "credential",
            Self::Holder => "holder",
            Self::Reuse => "reuse",
            Self::Expiry => "expiry",
            Self::Signature => "signature",
            Self::SameRedirectUri => "same_redirect_uri",
            Self::CodeVerifier => "code_verifier",
            Self::Pace => "pace",
            Self::Login => "login",
            Self::Approval => "approval",
            Self::User => "user",
            Self::Consent => "consent",
            Self::Server => "server",
        }
    }

    /// The question, for an operator.
    pub fn question(self) -> &'static str {
        match self {
            Self::Request => "The request can be read and holds what it must",
            Self::GrantType => "grant_type is one of this server's",
            Self::ExtraClaims => "extra_claims may be given and are well formed",
            Self::ResourceSyntax => "Every resource is an absolute http or https URI",
            Self::Feature => "The operator has this grant switched on",
            Self::Client => "The client exists and is active",
            Self::ClientAuthentication => "The client proved who it is",
            Self::Grant => "The client may use this grant",
            Self::Network => "The grant is open to this network",
            Self::RedirectUri => "redirect_uri is registered for the client",
            Self::ResponseType => "response_type and response_mode are this server's",
            Self::Parameters => "What was asked for is supported",
            Self::CodeChallenge => "A code challenge came where one is needed, made by S256",
            Self::Scope => "The scope is open to the client and not wider than granted",
            Self::Resource => "The client may use the resource, and it was granted",
            Self::Credential => "The code or token is known, not used up and not revoked",
            Self::Holder => "The code or token was given to this client",
            Self::Reuse => "The code or token was not used before",
            Self::Expiry => "The code or token has not expired",
            Self::Signature => "The token is signed by a key that counts",
            Self::SameRedirectUri => "redirect_uri is the one that the code was asked with",
            Self::CodeVerifier => "code_verifier fits the code challenge",
            Self::Pace => "The device did not ask too soon",
            Self::Login => "The person is signed in as the request wants it",
            Self::Approval => "The person agreed",
            Self::User => "The person may still sign in",
            Self::Consent => "The consent was not withdrawn",
            Self::Server => "The server could do it",
        }
    }

    /// The check of this stored name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|check| check.as_str() == name)
    }
}

/// What a client asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// `/oauth/authorize`.
    Authorize,
    /// `/oauth/device/code`.
    DeviceCode,
    /// `/oauth/token` without a grant type that is known.
    Token,
    /// `/oauth/token`, device grant.
    DevicePoll,
    /// `/oauth/token`, code grant.
    CodeExchange,
    /// `/oauth/token`, refresh grant.
    Refresh,
    /// `/oauth/token`, client credentials grant.
    ClientCredentials,
    /// `/oauth/introspect`.
    Introspect,
    /// `/oauth/revoke`.
    Revoke,
}

impl Operation {
    /// Every operation.
    pub const ALL: [Self; 9] = [
        Self::Authorize,
        Self::DeviceCode,
        Self::Token,
        Self::DevicePoll,
        Self::CodeExchange,
        Self::Refresh,
        Self::ClientCredentials,
        Self::Introspect,
        Self::Revoke,
    ];

    /// The stored name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Authorize => "authorize",
            Self::DeviceCode => "device_code",
            Self::Token => "token",
            Self::DevicePoll => "token:device_code",
            Self::CodeExchange => "token:authorization_code",
            Self::Refresh => "token:refresh_token",
            Self::ClientCredentials => "token:client_credentials",
            Self::Introspect => "introspect",
            Self::Revoke => "revoke",
        }
    }

    /// What it may be asked, about in the order in which it happens. What was asked indeed stands in a
    /// [`Trail`](super::Trail).
    pub fn checks(self) -> &'static [Check] {
        use Check as C;
        match self {
            Self::Authorize => &[
                C::Request,
                C::Client,
                C::Grant,
                C::RedirectUri,
                C::ResponseType,
                C::Parameters,
                C::Scope,
                C::CodeChallenge,
                C::ResourceSyntax,
                C::Resource,
                C::Login,
                C::User,
                C::Approval,
                C::Server,
            ],
            Self::DeviceCode => &[
                C::Request,
                C::ResourceSyntax,
                C::Client,
                C::ClientAuthentication,
                C::Feature,
                C::Grant,
                C::Network,
                C::Resource,
                C::Scope,
                C::Server,
            ],
            Self::Token => &[C::Request, C::GrantType],
            Self::DevicePoll => &[
                C::Request,
                C::GrantType,
                C::ExtraClaims,
                C::ResourceSyntax,
                C::Feature,
                C::Client,
                C::ClientAuthentication,
                C::Credential,
                C::Expiry,
                C::Approval,
                C::Grant,
                C::User,
                C::Consent,
                C::Scope,
                C::Resource,
                C::Server,
            ],
            Self::CodeExchange => &[
                C::Request,
                C::GrantType,
                C::ExtraClaims,
                C::ResourceSyntax,
                C::Client,
                C::ClientAuthentication,
                C::Credential,
                C::Holder,
                C::SameRedirectUri,
                C::CodeVerifier,
                C::Reuse,
                C::Expiry,
                C::Grant,
                C::User,
                C::Consent,
                C::Scope,
                C::Resource,
                C::Server,
            ],
            Self::Refresh => &[
                C::Request,
                C::GrantType,
                C::ExtraClaims,
                C::ResourceSyntax,
                C::Feature,
                C::Client,
                C::ClientAuthentication,
                C::Holder,
                C::Reuse,
                C::Credential,
                C::Signature,
                C::Scope,
                C::Resource,
                C::Grant,
                C::User,
                C::Consent,
                C::Expiry,
                C::Server,
            ],
            Self::ClientCredentials => &[
                C::Request,
                C::GrantType,
                C::ExtraClaims,
                C::ResourceSyntax,
                C::Client,
                C::ClientAuthentication,
                C::Grant,
                C::Resource,
                C::Scope,
                C::Server,
            ],
            Self::Introspect => &[C::Request, C::Client, C::ClientAuthentication, C::Server],
            Self::Revoke => &[
                C::Request,
                C::Client,
                C::ClientAuthentication,
                C::Holder,
                C::Server,
            ],
        }
    }
}
