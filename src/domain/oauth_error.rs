//! Error answers of OAuth endpoints (RFC 6749 §4.1.2.1, §5.2, RFC 8628 §3.5, RFC 8707 §2, RFC 6750 §3.1; OpenID Connect
//! Core 1.0 §3.1.2.6).
use super::trace::Check;
use std::borrow::Cow;

/// What a client is told, and what the operator may know besides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OauthError {
    /// The registered code.
    pub code: ErrorCode,
    /// A sentence for a developer. Nothing internal ever goes in here.
    pub description: Cow<'static, str>,
    /// For the decision trace only: what was asked and what would have been allowed. Never a secret.
    pub note: Option<String>,
    check: Option<Check>,
}

impl OauthError {
    /// Names the check that failed, where the code alone does not tell it.
    #[must_use]
    pub fn failing(mut self, check: Check) -> Self {
        self.check = Some(check);
        self
    }

    /// Adds words for the operator. They reach the trace and the log, never the client.
    #[must_use]
    pub fn noting(mut self, note: impl Into<String>) -> Self {
        self.note = Some(note.into());
        self
    }

    /// The check that failed.
    pub fn check(&self) -> Check {
        self.check.unwrap_or(self.code.usual_check())
    }
}

/// Registered error codes, with the HTTP status they travel on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorCode {
    /// Malformed request.
    InvalidRequest,
    /// Client authentication failed, 401.
    InvalidClient,
    /// The client is unknown or not active, where nothing was to be authenticated: 400.
    UnknownClient,
    /// The grant is wrong, used, expired or foreign.
    InvalidGrant,
    /// The client may not use this grant.
    UnauthorizedClient,
    /// No such grant type.
    UnsupportedGrantType,
    /// Nothing is left of the scope, or it is wider than granted.
    InvalidScope,
    /// RFC 8707.
    InvalidTarget,
    /// RFC 8628: nobody has decided yet.
    AuthorizationPending,
    /// RFC 8628: poll less often.
    SlowDown,
    /// RFC 8628: the person said no.
    AccessDenied,
    /// RFC 8628: too late.
    ExpiredToken,
    /// Only `code` is served.
    UnsupportedResponseType,
    /// OpenID Connect: nobody is signed in as the request wants it, and nothing may be shown.
    LoginRequired,
    /// OpenID Connect: the person must be asked, and nothing may be shown.
    ConsentRequired,
    /// OpenID Connect: `request`.
    RequestNotSupported,
    /// OpenID Connect: `request_uri`.
    RequestUriNotSupported,
    /// OpenID Connect: `registration`.
    RegistrationNotSupported,
    /// RFC 7009: this token cannot be revoked here.
    UnsupportedTokenType,
    /// Somebody failed to be this client too often, 429.
    TooManyFailures,
    /// The server cannot do it now, 503.
    TemporarilyUnavailable,
    /// The server failed, 500.
    ServerError,
}

impl ErrorCode {
    /// The text in `error`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidClient | Self::UnknownClient => "invalid_client",
            Self::InvalidGrant => "invalid_grant",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::InvalidScope => "invalid_scope",
            Self::InvalidTarget => "invalid_target",
            Self::AuthorizationPending => "authorization_pending",
            Self::SlowDown => "slow_down",
            Self::AccessDenied => "access_denied",
            Self::ExpiredToken => "expired_token",
            Self::UnsupportedResponseType => "unsupported_response_type",
            Self::LoginRequired => "login_required",
            Self::ConsentRequired => "consent_required",
            Self::RequestNotSupported => "request_not_supported",
            Self::RequestUriNotSupported => "request_uri_not_supported",
            Self::RegistrationNotSupported => "registration_not_supported",
            Self::UnsupportedTokenType => "unsupported_token_type",
            Self::TooManyFailures => "rate_limit_exceeded",
            Self::TemporarilyUnavailable => "temporarily_unavailable",
            Self::ServerError => "server_error",
        }
    }

    /// The HTTP status.
    pub fn status(self) -> u16 {
        match self {
            Self::InvalidClient => 401,
            Self::TooManyFailures => 429,
            Self::TemporarilyUnavailable => 503,
            Self::ServerError => 500,
            Self::InvalidRequest
            | Self::UnknownClient
            | Self::InvalidGrant
            | Self::UnauthorizedClient
            | Self::UnsupportedGrantType
            | Self::InvalidScope
            | Self::InvalidTarget
            | Self::AuthorizationPending
            | Self::SlowDown
            | Self::AccessDenied
            | Self::ExpiredToken
            | Self::UnsupportedResponseType
            | Self::LoginRequired
            | Self::ConsentRequired
            | Self::RequestNotSupported
            | Self::RequestUriNotSupported
            | Self::RegistrationNotSupported
            | Self::UnsupportedTokenType => 400,
        }
    }

    /// This code with a sentence.
    pub fn because(self, description: impl Into<Cow<'static, str>>) -> OauthError {
        OauthError {
            code: self,
            description: description.into(),
            note: None,
            check: None,
        }
    }

    /// What usually failed when this code is the answer.
    fn usual_check(self) -> Check {
        match self {
            Self::InvalidRequest => Check::Request,
            Self::InvalidClient | Self::TooManyFailures => Check::ClientAuthentication,
            Self::UnknownClient => Check::Client,
            Self::InvalidGrant | Self::UnsupportedTokenType => Check::Credential,
            Self::UnauthorizedClient => Check::Grant,
            Self::UnsupportedGrantType => Check::GrantType,
            Self::InvalidScope => Check::Scope,
            Self::InvalidTarget => Check::Resource,
            Self::AuthorizationPending | Self::AccessDenied => Check::Approval,
            Self::SlowDown => Check::Pace,
            Self::ExpiredToken => Check::Expiry,
            Self::UnsupportedResponseType => Check::ResponseType,
            Self::LoginRequired => Check::Login,
            Self::ConsentRequired => Check::Approval,
            Self::RequestNotSupported
            | Self::RequestUriNotSupported
            | Self::RegistrationNotSupported => Check::Parameters,
            Self::TemporarilyUnavailable | Self::ServerError => Check::Server,
        }
    }

    /// Whether it only tells a device to come again: nothing was refused.
    pub fn is_a_wait(self) -> bool {
        matches!(self, Self::AuthorizationPending | Self::SlowDown)
    }
}
