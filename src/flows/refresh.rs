//! Refreshing (RFC 6749 §6): fixed mode, rotation mode, and what a replay brings about (RFC 9700 §4.14.2).
use super::{
    FlowError, Ground,
    client_auth::{ClientAuth, ClientCredentials},
    issue::{self, Holder, Minted, Order, TokenResponse, TokenRules},
    narrowing, refused,
};
use crate::{
    actors::key_holder::KeyHolder,
    domain::{
        audit::{Actor, AuditEvent, EventType, Origin, ResourceType, Severity},
        claims::ExtraClaims,
        client::Client,
        digest::sha256_hex,
        eligibility::{self, ClientStanding, Grant, Owner, Refusal},
        ids::ClientId,
        oauth_error::{ErrorCode, OauthError},
        resource,
        scope::ScopeSet,
        secret::Secret,
        time::Timestamp,
        token::{Family, RefreshVerdict, Token, is_retry, judge_refresh},
        trace::{Check, Trail},
        user::User,
    },
    jose::{Expected, KeySet},
    store::{
        retry::RetryRotation,
        tokens::{
            RefreshFixed, Refreshed, RevokeFamily, RotateRefreshToken, presented::RefreshToken,
        },
    },
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
    trail: &mut Trail,
) -> Result<TokenResponse, FlowError> {
    if !deps.rules.refresh_tokens {
        return Err(ErrorCode::UnsupportedGrantType
            .because("refresh tokens are switched off")
            .failing(Check::Feature)
            .into());
    }
    trail.pass(Check::Feature);
    let client = deps
        .auth
        .identify(
            &request.credentials,
            request.address,
            &request.origin,
            trail,
        )
        .await?;
    deps.rules.check_extra(&client, &request.extra)?;
    match attempt(deps, request, &client.client_id, trail).await? {
        Attempt::Answered(response) => Ok(*response),
        // Somebody used it in the same moment. Within the grace that is a retry, judged anew on what is there now.
        Attempt::Raced(..) if !deps.rules.retry_grace.is_zero() => {
            match attempt(deps, request, &client.client_id, trail).await? {
                Attempt::Answered(response) => Ok(*response),
                Attempt::Raced(token, name) => {
                    Err(replayed(deps, &token, name, &request.origin).await)
                }
            }
        }
        Attempt::Raced(token, name) => Err(replayed(deps, &token, name, &request.origin).await),
    }
}

enum Attempt {
    Answered(Box<TokenResponse>),
    /// The token was spent between the look and the transaction. With the name of its person.
    Raced(Box<Token>, String),
}

async fn attempt(
    deps: &RefreshDeps,
    request: &RefreshRequest,
    asking: &ClientId,
    trail: &mut Trail,
) -> Result<Attempt, FlowError> {
    let hash = sha256_hex(request.refresh_token.expose().as_bytes());
    let found = deps.ground.store.refresh_token(&hash).await?;
    let RefreshToken {
        token,
        family,
        client,
        person,
    } = found.ok_or_else(invalid)?;
    let now = deps.ground.now();
    let verdict = judge_refresh(&token, asking, deps.rules.rotation, now, trail);
    let retry = match verdict {
        RefreshVerdict::Usable => false,
        RefreshVerdict::Invalid => return Err(invalid().into()),
        RefreshVerdict::ForeignClient => {
            return Err(ErrorCode::InvalidClient
                .because("the refresh token belongs to another client")
                .failing(Check::Holder)
                .noting(format!("it was given to {}", token.client_id))
                .into());
        }
        RefreshVerdict::Revoked if !deps.ground.store.was_replaced(&token.id).await? => {
            trail.pass(Check::Reuse);
            return Err(invalid().noting("it was ended on purpose").into());
        }
        RefreshVerdict::Revoked if is_retry(&token, deps.rules.retry_grace, now) => {
            trail.pass_all(&[Check::Reuse, Check::Credential]);
            true
        }
        RefreshVerdict::Revoked => {
            let name = person.map(|user| user.username).unwrap_or_default();
            return Err(replayed(deps, &token, name, &request.origin).await);
        }
    };
    // Its row as it is now: who asks was found in what this process remembers.
    let client = &client.ok_or_else(|| refused(Refusal::Client))?;
    let audience = proven(&deps.keys.current(), request.refresh_token.expose(), now)?;
    trail.pass(Check::Signature);
    let scopes = narrowing::scopes(request.scope.as_deref(), &token.scopes, client)?;
    trail.pass(Check::Scope);
    resource::check_subset(&request.resource, &client.allowed_resources)?;
    // What the operator set as the audience of all tokens, now or when the grant began, is nobody's to lose.
    let allowed: [&[String]; 3] = [&client.allowed_resources, &deps.rules.audience, &audience];
    let resource = narrowing::resources(&request.resource, &token.resource, &allowed)?;
    trail.pass(Check::Resource);
    let family = family.unwrap_or_else(|| first_seen(&token, &deps.rules));
    let held = Held {
        token: &token,
        person,
        family,
        retry,
        now,
    };
    exchange(deps, request, client, held, (&scopes, &resource), trail).await
}

/// The row says that the token is ours and live; the signature must say so too, with a key that still counts. Tells its
/// `aud`: `JWT_AUDIENCE` as it was then.
fn proven(keys: &KeySet, jwt: &str, now: Timestamp) -> Result<Vec<String>, OauthError> {
    let unproven = || invalid().failing(Check::Signature);
    let claims = keys.verify(jwt).map_err(|_| unproven())?;
    let expected = Expected {
        issuer: None,
        token_type: "refresh",
        now: now.unix_timestamp(),
    };
    crate::jose::verify_claims(&claims, &expected).map_err(|_| unproven())?;
    Ok(crate::jose::audience(&claims))
}

/// The refresh token that came, as the database has it.
struct Held<'a> {
    token: &'a Token,
    person: Option<User>,
    family: Family,
    /// It was spent a moment ago, and its holder may not have heard the answer.
    retry: bool,
    /// When it was looked at.
    now: Timestamp,
}

/// Client and consent are judged inside the transaction, on their rows.
async fn exchange(
    deps: &RefreshDeps,
    request: &RefreshRequest,
    client: &Client,
    held: Held<'_>,
    (scopes, resource): (&ScopeSet, &[String]),
    trail: &mut Trail,
) -> Result<Attempt, FlowError> {
    let Held {
        token,
        person,
        family,
        retry,
        now,
    } = held;
    token.subject.user().ok_or_else(invalid)?;
    let owner = Owner::Person {
        is_active: person.as_ref().is_some_and(|user| user.is_active),
        consent: None,
    };
    let standing = Some(ClientStanding::from(client));
    let verdict = eligibility::check(Grant::continued(&family), standing, owner);
    // The consent is asked about in the transaction.
    let until = verdict.err().unwrap_or(Refusal::Consent);
    trail.pass_all(Refusal::passed_before(Some(until)));
    verdict.map_err(refused)?;
    let user = &person.ok_or_else(|| refused(Refusal::User))?;
    if family.absolute_end.is_some_and(|end| end <= now) {
        return Err(invalid()
            .failing(Check::Expiry)
            .noting("the family has reached its absolute end")
            .into());
    }
    trail.pass(Check::Expiry);
    let of_a_device = family.grant == "device_code";
    let order = Order {
        client,
        holder: Holder::Person(user),
        scopes,
        granted_scopes: &token.scopes,
        resource,
        granted_resource: &token.resource,
        extra: &request.extra,
        authorization_id: token.authorization_id,
        parent: Some(&token.id),
        family: Some(&family.id),
        absolute_end: family.absolute_end,
        refresh_cap: deps.rules.lifetimes.device_refresh.filter(|_| of_a_device),
        with_refresh: deps.rules.rotation,
        auth_time: family.auth_time,
        // OpenID Connect Core 1.0 §12.2: a nonce belongs to the request that brought it.
        nonce: "",
    };
    let minted =
        issue::prepare(&deps.ground, &deps.keys.current(), &deps.rules, &order, now).await?;
    let mut events = vec![refreshed(&minted, token, user, &request.origin)];
    events.extend(issue::id_token_event(
        &minted,
        user,
        "ID token issued for a refresh",
        &request.origin,
    ));
    let audit = deps.ground.rows(now, events)?;
    let outcome = match minted.rows() {
        (access, Some(refresh)) if retry => {
            let unit = RetryRotation {
                old_id: token.id.clone(),
                since: now - deps.rules.retry_grace,
                family,
                access,
                refresh,
                audit,
            };
            deps.ground.commit(unit).await?
        }
        rows => commit(deps, token, rows, family, audit, now).await?,
    };
    tell(request, (token, user), minted, outcome)
}

async fn commit(
    deps: &RefreshDeps,
    token: &Token,
    (access, refresh): (Token, Option<Token>),
    family: Family,
    audit: Vec<crate::domain::audit::AuditRow>,
    now: Timestamp,
) -> Result<Refreshed, FlowError> {
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

fn tell(
    request: &RefreshRequest,
    (token, user): (&Token, &User),
    minted: Minted,
    outcome: Refreshed,
) -> Result<Attempt, FlowError> {
    let now = minted.access.created_at;
    match outcome {
        Refreshed::Done => {
            let mut response = minted.response(now);
            if response.refresh_token.is_none() {
                response.refresh_token = Some(request.refresh_token.clone());
            }
            Ok(Attempt::Answered(Box::new(response)))
        }
        Refreshed::AlreadyUsed => {
            let token = Box::new(token.clone());
            Ok(Attempt::Raced(token, user.username.clone()))
        }
        Refreshed::Invalid | Refreshed::FamilyRevoked => Err(invalid().into()),
        Refreshed::Refused(refusal) => Err(refused(refusal).into()),
    }
}

/// A used refresh token came again: somebody else has a copy. The whole family dies.
async fn replayed(
    deps: &RefreshDeps,
    token: &Token,
    username: String,
    origin: &Origin,
) -> FlowError {
    let now = deps.ground.now();
    let family = Family::adopted(token);
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
            username,
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

/// The family of a token that the Go server made, at its first refresh here: it ends as if this server had known it from the start.
fn first_seen(token: &Token, rules: &TokenRules) -> Family {
    Family {
        absolute_end: rules.lifetimes.family.map(|life| token.created_at + life),
        ..Family::adopted(token)
    }
}

fn refreshed(minted: &Minted, token: &Token, user: &User, origin: &Origin) -> AuditEvent {
    let event = AuditEvent::new(EventType::TokenRefreshed, "Access token refreshed")
        .by(user.into())
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
