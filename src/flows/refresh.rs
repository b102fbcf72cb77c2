//! Refreshing (RFC 6749 §6): fixed mode, rotation mode, and what a replay brings about (RFC 9700 §4.14.2).
use super::{
    FlowError, Ground,
    client_auth::{ClientAuth, ClientCredentials},
    device::{invalid_target, person},
    issue::{self, Holder, Minted, Order, TokenResponse, TokenRules},
    refused,
};
use crate::{
    actors::key_holder::KeyHolder,
    domain::{
        audit::{Actor, AuditEvent, EventType, Origin, ResourceType, Severity},
        claims::ExtraClaims,
        digest::sha256_hex,
        eligibility::{self, ClientStanding, Grant, Refusal},
        oauth_error::{ErrorCode, OauthError},
        resource,
        scope::ScopeSet,
        secret::Secret,
        time::Timestamp,
        token::{Family, RefreshVerdict, Token, judge_refresh},
        trace::Check,
        user::User,
    },
    jose::{Expected, KeySet},
    store::tokens::{RefreshFixed, Refreshed, RevokeFamily, RotateRefreshToken},
};
use std::{net::IpAddr, sync::Arc, time::Duration};

/// What refreshing needs.
#[derive(Clone)]
pub struct RefreshDeps {
    /// Common ground.
    pub ground: Ground,
    /// Who may ask.
    pub auth: ClientAuth,
    /// Signs and verifies.
    pub keys: KeyHolder<KeySet>,
    /// The operator's rules.
    pub rules: Arc<TokenRules>,
}

/// `grant_type=refresh_token`.
pub struct RefreshRequest {
    /// Who asks.
    pub credentials: ClientCredentials,
    /// `refresh_token`.
    pub refresh_token: Secret,
    /// `scope`, `None` when it was not sent or was empty.
    pub scope: Option<String>,
    /// `resource` values, syntax checked.
    pub resource: Vec<String>,
    /// Caller claims, checked.
    pub extra: ExtraClaims,
    /// Whence.
    pub address: IpAddr,
    /// Whence, for the trail.
    pub origin: Origin,
}

/// `last_used_at` of a fixed refresh token is written at most this often.
const TOUCH_EVERY: Duration = Duration::from_secs(60);

/// Gets a new access token, in rotation mode with a new refresh token.
///
/// # Errors
/// As RFC 6749 §5.2: `invalid_grant`, `invalid_client`, `invalid_scope`; `invalid_target` of RFC 8707.
pub async fn refresh(
    deps: &RefreshDeps,
    request: &RefreshRequest,
) -> Result<TokenResponse, FlowError> {
    if !deps.rules.refresh_tokens {
        return Err(ErrorCode::UnsupportedGrantType
            .because("refresh tokens are switched off")
            .failing(Check::Feature)
            .into());
    }
    let client = deps
        .auth
        .identify(&request.credentials, request.address, &request.origin)
        .await?;
    deps.rules.check_extra(&client, &request.extra)?;
    let hash = sha256_hex(request.refresh_token.expose().as_bytes());
    let token = deps
        .ground
        .store
        .token_by_hash(&hash)
        .await?
        .ok_or_else(invalid)?;
    let now = deps.ground.now();
    match judge_refresh(&token, &client.client_id, deps.rules.rotation, now) {
        RefreshVerdict::Usable => {}
        RefreshVerdict::Invalid => return Err(invalid().into()),
        RefreshVerdict::ForeignClient => {
            return Err(ErrorCode::InvalidClient
                .because("the refresh token belongs to another client")
                .failing(Check::Holder)
                .noting(format!("it was given to {}", token.client_id))
                .into());
        }
        RefreshVerdict::Reused => return Err(replayed(deps, &token, now, &request.origin).await),
    }
    proven(&deps.keys.current(), request.refresh_token.expose(), now)?;
    let scopes = narrowed_scopes(request.scope.as_deref(), &token.scopes)?;
    resource::check_subset(&request.resource, &token.resource).map_err(invalid_target)?;
    resource::check_subset(&request.resource, &client.allowed_resources).map_err(invalid_target)?;
    exchange(deps, request, &token, &scopes, now).await
}

/// The row says that the token is ours and live; the signature must say so too, with a key that still counts.
fn proven(keys: &KeySet, jwt: &str, now: Timestamp) -> Result<(), OauthError> {
    let unproven = || invalid().failing(Check::Signature);
    let claims = keys.verify(jwt).map_err(|_| unproven())?;
    let expected = Expected {
        issuer: None,
        token_type: "refresh",
        now: now.unix_timestamp(),
    };
    crate::jose::verify_claims(&claims, &expected).map_err(|_| unproven())
}

fn narrowed_scopes(asked: Option<&str>, granted: &ScopeSet) -> Result<ScopeSet, OauthError> {
    let Some(asked) = asked else {
        return Ok(granted.clone());
    };
    let asked = ScopeSet::stored(asked);
    if asked.is_empty() || !asked.is_subset(granted) {
        return Err(ErrorCode::InvalidScope
            .because("the scope is wider than what was granted")
            .noting(format!("granted was: {granted}")));
    }
    Ok(asked)
}

async fn exchange(
    deps: &RefreshDeps,
    request: &RefreshRequest,
    token: &Token,
    scopes: &ScopeSet,
    now: Timestamp,
) -> Result<TokenResponse, FlowError> {
    let user_id = token.subject.user().ok_or_else(invalid)?;
    let facts = deps
        .ground
        .store
        .issuance_facts(&token.client_id, user_id)
        .await?;
    // A consent given anew after a withdrawal does not bring back tokens of the old one: those rows were revoked.
    let standing = facts.client.as_ref().map(ClientStanding::from);
    eligibility::check(Grant::RefreshToken, standing, facts.owner()).map_err(refused)?;
    let (Some(client), Some(user)) = (&facts.client, &facts.user) else {
        return Err(refused(Refusal::Client).into());
    };
    let root = token.family_root();
    let known = deps.ground.store.family(&root).await?;
    let absolute_end = known.as_ref().and_then(|(family, _)| family.absolute_end);
    if absolute_end.is_some_and(|end| end <= now) {
        return Err(invalid()
            .failing(Check::Expiry)
            .noting("the family has reached its absolute end")
            .into());
    }
    let order = Order {
        client,
        holder: Holder::Person(user),
        scopes,
        granted_scopes: &token.scopes,
        granted_resource: &token.resource,
        asked_resource: &request.resource,
        extra: &request.extra,
        authorization_id: token.authorization_id,
        parent: Some(&token.id),
        family: Some(&root),
        absolute_end,
        refresh_cap: None,
        with_refresh: deps.rules.rotation,
    };
    let minted = issue::prepare(&deps.ground, &deps.keys.current(), &deps.rules, &order, now)?;
    let family = known.map_or_else(|| adopted(token, now), |(family, _)| family);
    let audit = deps
        .ground
        .rows(now, vec![refreshed(&minted, token, user, &request.origin)])?;
    let outcome = commit(deps, token, &minted, family, audit, now).await?;
    tell(deps, request, token, minted, outcome).await
}

async fn commit(
    deps: &RefreshDeps,
    token: &Token,
    minted: &Minted,
    family: Family,
    audit: Vec<crate::domain::audit::AuditRow>,
    now: Timestamp,
) -> Result<Refreshed, FlowError> {
    let (access, refresh) = minted.rows();
    match refresh {
        Some(refresh) => {
            let unit = RotateRefreshToken {
                old_id: token.id.clone(),
                now,
                family,
                access,
                refresh,
                audit,
            };
            deps.ground.commit(unit).await
        }
        None => {
            let touch = token
                .last_used_at
                .is_none_or(|last| now - last >= TOUCH_EVERY);
            deps.ground
                .commit(RefreshFixed {
                    refresh_id: token.id.clone(),
                    now,
                    family,
                    access,
                    touch,
                    audit,
                })
                .await
        }
    }
}

async fn tell(
    deps: &RefreshDeps,
    request: &RefreshRequest,
    token: &Token,
    minted: Minted,
    outcome: Refreshed,
) -> Result<TokenResponse, FlowError> {
    let now = minted.access.created_at;
    match outcome {
        Refreshed::Done => {
            let mut response = minted.response(now);
            if response.refresh_token.is_none() {
                response.refresh_token = Some(request.refresh_token.clone());
            }
            Ok(response)
        }
        // Lost a race against itself: in rotation mode that is a replay like any other.
        Refreshed::AlreadyUsed => Err(replayed(deps, token, now, &request.origin).await),
        Refreshed::Invalid | Refreshed::FamilyRevoked => Err(invalid().into()),
        Refreshed::Refused(refusal) => Err(refused(refusal).into()),
    }
}

/// A used refresh token came again: somebody else has a copy. The whole family dies.
async fn replayed(deps: &RefreshDeps, token: &Token, now: Timestamp, origin: &Origin) -> FlowError {
    let family = adopted(token, now);
    let event = AuditEvent::new(
        EventType::SuspiciousActivity,
        "Refresh token used twice, family revoked",
    )
    .at(Severity::Critical)
    .by(token
        .subject
        .user()
        .map_or(Actor::Anonymous, |id| Actor::User {
            id: id.clone(),
            username: String::new(),
        }))
    .on(ResourceType::Token, token.id.as_str(), "")
    .with("family_id", family.id.as_str())
    .with("reused_token_id", token.id.as_str())
    .with("client_id", token.client_id.as_str())
    .failed("refresh token reuse")
    .from(origin);
    let audit = match deps.ground.rows(now, vec![event]) {
        Ok(rows) => rows,
        Err(error) => return error.into(),
    };
    match deps
        .ground
        .commit(RevokeFamily {
            family,
            at: now,
            audit,
        })
        .await
    {
        Ok(tokens_revoked) => {
            tracing::warn!(token = %token.id, client = %token.client_id, tokens_revoked, "refresh token used twice");
            invalid()
                .failing(Check::Reuse)
                .noting("a used token came again: its family was revoked")
                .into()
        }
        Err(error) => error,
    }
}

/// The family of a token whose family row is not on record: the Go server keeps none.
pub(super) fn adopted(token: &Token, now: Timestamp) -> Family {
    Family {
        id: token.family_root(),
        subject: token.subject.clone(),
        client_id: token.client_id.clone(),
        authorization_id: token.authorization_id,
        grant: "refresh_token",
        auth_time: None,
        scopes: token.scopes.clone(),
        created_at: now,
        absolute_end: None,
    }
}

fn refreshed(minted: &Minted, token: &Token, user: &User, origin: &Origin) -> AuditEvent {
    let event = AuditEvent::new(EventType::TokenRefreshed, "Access token refreshed")
        .by(person(user))
        .on(ResourceType::Token, minted.access.id.as_str(), "")
        .with("client_id", token.client_id.as_str())
        .with("scopes", minted.access.scopes.to_string())
        .with("token_provider", "local")
        .with("rotation_enabled", minted.refresh.is_some())
        .with("new_access_token_id", minted.access.id.as_str())
        .from(origin);
    match &minted.refresh {
        Some((refresh, _)) => event
            .with("new_refresh_token_id", refresh.id.as_str())
            .with("old_refresh_token_id", token.id.as_str()),
        None => event,
    }
}

fn invalid() -> OauthError {
    ErrorCode::InvalidGrant.because("the refresh token is invalid, expired or revoked")
}
