//! Introspection (RFC 7662): what a token is worth, told to a client that has proven who it is.
//!
//! A token counts when its row, its signature and those it depends on say so. Whatever does not count is told apart by
//! nobody; an outage never means "inactive".
use super::{
    FlowError, Ground,
    client_auth::{ClientAuth, ClientCredentials},
};
use crate::{
    actors::{audit_writer::AuditWriter, key_holder::KeyHolder},
    domain::{
        audit::{Actor, AuditEvent, EventType, Origin, ResourceType},
        client::Client,
        digest::sha256_hex,
        introspection::{self, Policy},
        oauth_error::ErrorCode,
        secret::Secret,
        token::Token,
        trace::Trail,
    },
    jose::{Expected, KeySet, verify_claims},
    store::tokens::presented::Known,
};
use serde_json::{Map, Value};
use std::{net::IpAddr, sync::Arc};

/// What introspecting needs.
#[derive(Clone)]
pub struct IntrospectDeps {
    /// Common ground.
    pub ground: Ground,
    /// Who may ask.
    pub auth: ClientAuth,
    /// Verifies.
    pub keys: KeyHolder<KeySet>,
    /// Counts who looked at what.
    pub audit: AuditWriter,
    /// `INTROSPECT_POLICY`.
    pub policy: Arc<Policy>,
}

/// `POST /oauth/introspect`.
pub struct IntrospectRequest {
    /// Who asks; without credentials nobody does.
    pub credentials: Option<ClientCredentials>,
    /// `token`, `None` when it was not sent or was empty.
    pub token: Option<Secret>,
    /// Whence.
    pub address: IpAddr,
    /// Whence, for the trail.
    pub origin: Origin,
}

/// A token that counts.
pub struct Active {
    /// Its row.
    pub token: Token,
    /// The person's name.
    pub username: Option<String>,
    /// What it says itself.
    pub claims: Map<String, Value>,
}

/// Looks at a token. `None` for everything that does not count or is none of the caller's business.
///
/// # Errors
/// `invalid_client` for a caller who fails to authenticate, `invalid_request` without a token,
/// [`FlowError::Unavailable`] when the database cannot say, or the trail has no room for who looked.
pub async fn introspect(
    deps: &IntrospectDeps,
    request: &IntrospectRequest,
    trail: &mut Trail,
) -> Result<Option<Active>, FlowError> {
    let caller = deps
        .auth
        .authenticate(
            request.credentials.as_ref(),
            request.address,
            &request.origin,
            trail,
        )
        .await?;
    let token = request
        .token
        .as_ref()
        .ok_or_else(|| ErrorCode::InvalidRequest.because("token is required"))?;
    let hash = sha256_hex(token.expose().as_bytes());
    let Some(known) = deps.ground.store.known_token(&hash).await? else {
        return Ok(None);
    };
    let looked_at = looked_at(&caller, &known.token, &request.origin);
    let active = judge(deps, &caller, known, token);
    let looked_at = looked_at.with("active", active.is_some());
    deps.audit.note(looked_at).await?;
    Ok(active)
}

fn judge(deps: &IntrospectDeps, caller: &Client, known: Known, jwt: &Secret) -> Option<Active> {
    let now = deps.ground.now();
    if !known.holder_stands
        || !known.token.is_live(now)
        || !introspection::may_see(&deps.policy, &caller.client_id, &known.token)
    {
        return None;
    }
    let claims = deps.keys.current().verify(jwt.expose()).ok()?;
    let expected = Expected {
        issuer: None,
        token_type: known.token.category.as_str(),
        now: now.unix_timestamp(),
    };
    verify_claims(&claims, &expected).ok()?;
    Some(Active {
        token: known.token,
        username: known.username,
        claims,
    })
}

fn looked_at(caller: &Client, token: &Token, origin: &Origin) -> AuditEvent {
    AuditEvent::new(EventType::TokenIntrospected, "A client looked at a token")
        .by(Actor::Client(caller.client_id.clone()))
        .on(ResourceType::Token, token.id.as_str(), "")
        .with("caller_client_id", caller.client_id.as_str())
        .with("token_client_id", token.client_id.as_str())
        .with("token_user_id", token.subject.to_string())
        .with("token_category", token.category.as_str())
        .from(origin)
}
