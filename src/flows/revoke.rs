//! Revocation (RFC 7009): a refresh token takes its whole family with it, an access token goes alone.
use super::{
    FlowError, Ground,
    client_auth::{ClientAuth, ClientCredentials},
};
use crate::{
    domain::{
        audit::{Actor, AuditEvent, EventType, Origin, ResourceType},
        digest::sha256_hex,
        oauth_error::ErrorCode,
        secret::Secret,
        time::Timestamp,
        token::{Family, Token, TokenCategory},
        trace::{Check, Trail},
    },
    store::tokens::{RevokeAccessToken, RevokeRefreshToken, presented::Known},
};
use std::net::IpAddr;

/// What revoking needs.
#[derive(Clone)]
pub struct RevokeDeps {
    /// Common ground.
    pub ground: Ground,
    /// Who may ask.
    pub auth: ClientAuth,
}

/// `POST /oauth/revoke`.
pub struct RevokeRequest {
    /// Who asks. A public client may stay unnamed: that it holds the token is all the proof there is.
    pub credentials: Option<ClientCredentials>,
    /// `token`.
    pub token: Secret,
    /// Whence.
    pub address: IpAddr,
    /// Whence, for the trail.
    pub origin: Origin,
}

/// Revokes the token if it is known and the caller's. Unknown tokens are fine (RFC 7009 §2.2).
///
/// # Errors
/// `invalid_client` when the client fails to authenticate, `unauthorized_client` for somebody else's token,
/// [`FlowError::Unavailable`] when it could not be made sure that the token is dead.
pub async fn revoke(
    deps: &RevokeDeps,
    request: &RevokeRequest,
    trail: &mut Trail,
) -> Result<(), FlowError> {
    let caller = match &request.credentials {
        Some(credentials) => Some(
            deps.auth
                .identify(credentials, request.address, &request.origin, trail)
                .await?,
        ),
        None => None,
    };
    let hash = sha256_hex(request.token.expose().as_bytes());
    let Some(Known { token, .. }) = deps.ground.store.known_token(&hash).await? else {
        return Ok(());
    };
    match &caller {
        Some(client) if client.client_id != token.client_id => {
            return Err(ErrorCode::UnauthorizedClient
                .because("the token belongs to another client")
                .failing(Check::Holder)
                .into());
        }
        Some(_) => {}
        None => owner_may_stay_unnamed(deps, &token).await?,
    }
    remove(deps, &token, &request.origin, deps.ground.now()).await
}

async fn owner_may_stay_unnamed(deps: &RevokeDeps, token: &Token) -> Result<(), FlowError> {
    let owner = deps.auth.clients.find(&token.client_id).await?;
    if owner.is_some_and(|client| client.is_confidential()) && !deps.auth.legacy {
        return Err(ErrorCode::InvalidClient
            .because("client authentication is required")
            .into());
    }
    Ok(())
}

async fn remove(
    deps: &RevokeDeps,
    token: &Token,
    origin: &Origin,
    at: Timestamp,
) -> Result<(), FlowError> {
    let event = AuditEvent::new(EventType::TokenRevoked, "Token revoked by its client")
        .by(Actor::Client(token.client_id.clone()))
        .on(ResourceType::Token, token.id.as_str(), "")
        .with("token_category", token.category.as_str())
        .with("client_id", token.client_id.as_str())
        .with("token_user_id", token.subject.to_string())
        .from(origin);
    let audit = deps.ground.rows(at, vec![event])?;
    let token_id = token.id.clone();
    match token.category {
        TokenCategory::Access => {
            deps.ground
                .commit(RevokeAccessToken { token_id, audit })
                .await?
        }
        TokenCategory::Refresh => {
            let family = Family::adopted(token);
            deps.ground
                .commit(RevokeRefreshToken {
                    family,
                    token_id,
                    at,
                    audit,
                })
                .await?
        }
    };
    Ok(())
}
