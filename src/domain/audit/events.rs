//! Names of events, severities and resources: stored, exported and searched, so they never change.

/// How bad an event is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// As expected.
    Info,
    /// Worth a look.
    Warning,
    /// Something failed.
    Error,
    /// Somebody should act.
    Critical,
}

impl Severity {
    /// The stored text.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Info => "INFO",
            Self::Warning => "WARNING",
            Self::Error => "ERROR",
            Self::Critical => "CRITICAL",
        }
    }
}

/// What an event is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResourceType {
    /// A person.
    User,
    /// An OAuth client.
    Client,
    /// An access or refresh token.
    Token,
    /// A device code.
    DeviceCode,
    /// A consent or an authorization code.
    Authorization,
    /// A key that signs tokens.
    SigningKey,
}

impl ResourceType {
    /// The stored text.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "USER",
            Self::Client => "CLIENT",
            Self::Token => "TOKEN",
            Self::DeviceCode => "DEVICE_CODE",
            Self::Authorization => "AUTHORIZATION",
            Self::SigningKey => "SIGNING_KEY",
        }
    }
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EventType {
    /// Somebody signed in.
    AuthenticationSuccess,
    /// Somebody failed to.
    AuthenticationFailure,
    /// Somebody signed out.
    Logout,
    /// A device asked for a code.
    DeviceCodeGenerated,
    /// A person approved it.
    DeviceCodeAuthorized,
    /// A person refused it.
    DeviceCodeDenied,
    /// A new access token.
    AccessTokenIssued,
    /// A new refresh token.
    RefreshTokenIssued,
    /// An ID token beside an access token.
    IdTokenIssued,
    /// An access token that a client got for itself.
    ClientCredentialsTokenIssued,
    /// A client looked at a token.
    TokenIntrospected,
    /// An access token by refresh.
    TokenRefreshed,
    /// A token or a family was revoked.
    TokenRevoked,
    /// A replay, or something like it.
    SuspiciousActivity,
    /// A person consented.
    UserAuthorizationGranted,
    /// A code was sent to a client.
    AuthorizationCodeGenerated,
    /// A client redeemed it.
    AuthorizationCodeExchanged,
    /// A person refused a client.
    AuthorizationCodeDenied,
    /// Too many requests.
    RateLimitExceeded,
    /// A client failed to authenticate.
    ClientAuthenticationFailure,
    /// The first administrator was made.
    UserCreated,
    /// The first client was made.
    ClientCreated,
    /// A client was changed.
    ClientUpdated,
    /// A client registered itself.
    ClientRegistered,
    /// A client was deleted.
    ClientDeleted,
    /// A client has another secret.
    ClientSecretRegenerated,
    /// A client was approved.
    ClientApproved,
    /// A client was rejected.
    ClientRejected,
    /// All tokens of a client were revoked.
    ClientTokensRevokedAll,
    /// A person's profile was changed.
    UserUpdated,
    /// A person was deleted.
    UserDeleted,
    /// A person was switched off.
    UserDisabled,
    /// A person was switched on again.
    UserEnabled,
    /// A person has another role.
    UserRoleChanged,
    /// A person was given another password.
    UserPasswordReset,
    /// A consent was withdrawn.
    UserAuthorizationRevoked,
    /// A linked login was removed.
    OauthConnectionDeleted,
    /// A token was switched off.
    TokenDisabled,
    /// A token was switched on again.
    TokenEnabled,
    /// Somebody read the trail.
    AuditLogViewed,
    /// Somebody took the trail away as a file.
    AuditLogExported,
    /// A key is published from now on.
    SigningKeyAdded,
    /// A published key signs before its time, because somebody said so.
    SigningKeyActivated,
    /// A key was taken out of service.
    SigningKeyRetired,
    /// A person changed their own password.
    UserPasswordChanged,
    /// Sessions in browsers were ended, by their person elsewhere or by an administrator.
    SessionsEnded,
    /// A session came from another browser or address than it began with.
    SessionRefused,
    /// A form came without the token of its session.
    FormRefused,
    /// A person asked for what administrators alone may see or do.
    AccessRefused,
    /// Records past their retention were deleted.
    AuditLogPruned,
}

impl EventType {
    /// The stored text.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AuthenticationSuccess => "AUTHENTICATION_SUCCESS",
            Self::AuthenticationFailure => "AUTHENTICATION_FAILURE",
            Self::Logout => "LOGOUT",
            Self::DeviceCodeGenerated => "DEVICE_CODE_GENERATED",
            Self::DeviceCodeAuthorized => "DEVICE_CODE_AUTHORIZED",
            Self::DeviceCodeDenied => "DEVICE_CODE_DENIED",
            Self::AccessTokenIssued => "ACCESS_TOKEN_ISSUED",
            Self::RefreshTokenIssued => "REFRESH_TOKEN_ISSUED",
            Self::IdTokenIssued => "ID_TOKEN_ISSUED",
            Self::ClientCredentialsTokenIssued => "CLIENT_CREDENTIALS_TOKEN_ISSUED",
            Self::TokenIntrospected => "TOKEN_INTROSPECTED",
            Self::TokenRefreshed => "TOKEN_REFRESHED",
            Self::TokenRevoked => "TOKEN_REVOKED",
            Self::SuspiciousActivity => "SUSPICIOUS_ACTIVITY",
            Self::UserAuthorizationGranted => "USER_AUTHORIZATION_GRANTED",
            Self::UserAuthorizationRevoked => "USER_AUTHORIZATION_REVOKED",
            Self::AuthorizationCodeGenerated => "AUTHORIZATION_CODE_GENERATED",
            Self::AuthorizationCodeExchanged => "AUTHORIZATION_CODE_EXCHANGED",
            Self::AuthorizationCodeDenied => "AUTHORIZATION_CODE_DENIED",
            Self::RateLimitExceeded => "RATE_LIMIT_EXCEEDED",
            Self::ClientAuthenticationFailure => "CLIENT_AUTHENTICATION_FAILURE",
            Self::UserCreated => "USER_CREATED",
            Self::ClientCreated => "CLIENT_CREATED",
            Self::TokenEnabled => "TOKEN_ENABLED",
            Self::TokenDisabled => "TOKEN_DISABLED",
            Self::OauthConnectionDeleted => "OAUTH_CONNECTION_DELETED",
            Self::UserPasswordReset => "USER_PASSWORD_RESET",
            Self::UserRoleChanged => "USER_ROLE_CHANGED",
            Self::UserEnabled => "USER_ENABLED",
            Self::UserDisabled => "USER_DISABLED",
            Self::UserDeleted => "USER_DELETED",
            Self::UserUpdated => "USER_UPDATED",
            Self::ClientTokensRevokedAll => "CLIENT_TOKENS_REVOKED_ALL",
            Self::ClientRejected => "CLIENT_REJECTED",
            Self::ClientApproved => "CLIENT_APPROVED",
            Self::ClientSecretRegenerated => "CLIENT_SECRET_REGENERATED",
            Self::ClientDeleted => "CLIENT_DELETED",
            Self::ClientRegistered => "CLIENT_REGISTERED",
            Self::ClientUpdated => "CLIENT_UPDATED",
            Self::AuditLogViewed => "AUDIT_LOG_VIEWED",
            Self::AuditLogExported => "AUDIT_LOG_EXPORTED",
            Self::SigningKeyAdded => "SIGNING_KEY_ADDED",
            Self::SigningKeyActivated => "SIGNING_KEY_ACTIVATED",
            Self::SigningKeyRetired => "SIGNING_KEY_RETIRED",
            Self::UserPasswordChanged => "USER_PASSWORD_CHANGED",
            Self::SessionsEnded => "SESSIONS_ENDED",
            Self::SessionRefused => "SESSION_REFUSED",
            Self::FormRefused => "FORM_REFUSED",
            Self::AccessRefused => "ACCESS_REFUSED",
            Self::AuditLogPruned => "AUDIT_LOG_PRUNED",
        }
    }
}
