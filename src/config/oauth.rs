//! Switches of the protocol: codes, consent, refresh, registration, introspection.
use super::duration::Span;
use super::reader::Reader;
use crate::domain::{ids::ClientId, secret::Secret};
use std::time::Duration;

/// How the protocol is spoken.
#[derive(Clone, Debug)]
pub struct Oauth {
    /// `AUTH_CODE_EXPIRATION`, default 10m.
    pub auth_code_expiration: Duration,
    /// `PKCE_REQUIRED`, default off: of confidential clients too; public ones always need S256.
    pub pkce_required: bool,
    /// `STRICT_REDIRECT_URIS`, default off: only https and loopback may be registered.
    pub strict_redirect_uris: bool,
    /// `USER_APPS_MAX`, default 25; 0 for no bound: how many clients one person may register.
    pub apps_per_user: Option<u32>,
    /// `CONSENT_REMEMBER`, default on.
    pub consent_remember: bool,
    /// `ENABLE_REFRESH_TOKENS`, default on: off hides them from the answer of the authorization code grant.
    pub refresh_tokens: bool,
    /// `ENABLE_TOKEN_ROTATION`, default off: each refresh token works once, and its reuse ends the family.
    pub token_rotation: bool,
    /// `REFRESH_RETRY_GRACE`, default 0: how long a rotation may be repeated while its successor is unused. At most 5m.
    pub refresh_retry_grace: Duration,
    /// `USERINFO_REQUIRE_OPENID`, default off: userinfo answers only tokens with the scope `openid`.
    pub userinfo_require_openid: bool,
    /// `ENABLE_DYNAMIC_CLIENT_REGISTRATION`, default off (RFC 7591).
    pub registration: bool,
    /// `DYNAMIC_CLIENT_REGISTRATION_TOKEN`: the bearer token that registration needs.
    pub registration_token: Option<Secret>,
    /// `DYNAMIC_CLIENT_REGISTRATION_MAX_PENDING`, default 1000; 0 for no bound: how many may wait for approval.
    pub registrations_waiting: Option<u32>,
    /// `LEGACY_CLIENT_AUTH`, default off: accepts the looser client authentication of earlier versions.
    pub legacy_client_auth: bool,
    /// `STRICT_CLIENT_AUTH_METHODS`, default off: a client authenticates by its registered method and no other.
    pub strict_client_auth_methods: bool,
    /// `INTROSPECT_POLICY`, default `any`.
    pub introspect_policy: IntrospectPolicy,
    /// `INTROSPECT_AUDIENCES`, `client_id=audience` pairs: by what other names tokens are meant for a client.
    pub introspect_audiences: Vec<(ClientId, String)>,
}

/// Which tokens a client may introspect (RFC 7662 §4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IntrospectPolicy {
    /// `any`: all of this server.
    Any,
    /// `audience`: its own, and those that name it as an audience.
    Audience,
}

impl Oauth {
    pub(super) fn read(r: &mut Reader<'_>) -> Self {
        let policies = [
            ("any", IntrospectPolicy::Any),
            ("audience", IntrospectPolicy::Audience),
        ];
        let oauth = Self {
            auth_code_expiration: r.positive("AUTH_CODE_EXPIRATION", Duration::from_secs(600)),
            pkce_required: r.boolean("PKCE_REQUIRED", false),
            strict_redirect_uris: r.boolean("STRICT_REDIRECT_URIS", false),
            apps_per_user: Some(r.at_least("USER_APPS_MAX", 25, 0)).filter(|most| *most > 0),
            consent_remember: r.boolean("CONSENT_REMEMBER", true),
            refresh_tokens: r.boolean("ENABLE_REFRESH_TOKENS", true),
            token_rotation: r.boolean("ENABLE_TOKEN_ROTATION", false),
            refresh_retry_grace: retry_grace(r),
            userinfo_require_openid: r.boolean("USERINFO_REQUIRE_OPENID", false),
            registration: r.boolean("ENABLE_DYNAMIC_CLIENT_REGISTRATION", false),
            registration_token: r.secret("DYNAMIC_CLIENT_REGISTRATION_TOKEN"),
            registrations_waiting: Some(r.at_least(
                "DYNAMIC_CLIENT_REGISTRATION_MAX_PENDING",
                1000,
                0,
            ))
            .filter(|most| *most > 0),
            legacy_client_auth: r.boolean("LEGACY_CLIENT_AUTH", false),
            strict_client_auth_methods: r.boolean("STRICT_CLIENT_AUTH_METHODS", false),
            introspect_policy: r.choice("INTROSPECT_POLICY", &policies, IntrospectPolicy::Any, |text| {
                format!("invalid INTROSPECT_POLICY value: {text:?} (must be \"any\" or \"audience\")")
            }),
            introspect_audiences: audiences(r),
        };
        if oauth.legacy_client_auth {
            r.warn(
                "LEGACY_CLIENT_AUTH",
                "LEGACY_CLIENT_AUTH accepts client authentication that the standards no longer allow",
            );
        }
        oauth
    }
}

fn audiences(r: &mut Reader<'_>) -> Vec<(ClientId, String)> {
    const NAME: &str = "INTROSPECT_AUDIENCES";
    let mut pairs = Vec::new();
    for text in r.list(NAME, &[]) {
        match text.split_once('=') {
            Some((client, audience))
                if !client.trim().is_empty() && !audience.trim().is_empty() =>
            {
                pairs.push((ClientId::new(client.trim()), audience.trim().to_owned()));
            }
            _ => r.error(
                NAME,
                format_args!(
                    "{NAME} must be pairs client_id=audience, separated by commas (got {text:?})"
                ),
            ),
        }
    }
    pairs
}

/// A lost answer is asked for again within seconds; a longer window would only serve whoever stole the token.
fn retry_grace(r: &mut Reader<'_>) -> Duration {
    const MOST: Duration = Duration::from_secs(300);
    let grace = r.duration("REFRESH_RETRY_GRACE", Duration::ZERO);
    if grace > MOST {
        let (grace, most) = (Span::from(grace), Span::from(MOST));
        r.error(
            "REFRESH_RETRY_GRACE",
            format_args!("REFRESH_RETRY_GRACE must not exceed {most} (got {grace})"),
        );
    }
    grace
}
