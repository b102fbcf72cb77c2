//! The authorization code grant at the token endpoint (RFC 6749 §4.1.3): redeem once; a code that comes again ends what
//! it led to.
use super::{
    FlowError, Ground,
    client_auth::{ClientAuth, ClientCredentials},
    first_issue::{self, Granted},
    issue::{Telling, TokenResponse, TokenRules},
    refused,
};
use crate::{
    actors::key_holder::KeyHolder,
    domain::{
        audit::{Actor, AuditEvent, EventType, Origin, ResourceType, Severity},
        claims::ExtraClaims,
        client::Client,
        code::{AuthorizationCode, CodeVerdict, Shown, is_code, judge},
        digest::sha256_hex,
        eligibility::Grant,
        oauth_error::{ErrorCode, OauthError},
        secret::Secret,
        time::Timestamp,
        trace::{Check, Trail},
    },
    jose::KeySet,
    store::{
        audit::RecordAudit,
        codes::{CountCodeFailure, PresentedCode, RedeemCode},
        issued::Redemption,
        standing::IssuanceFacts,
        tokens::RevokeFamily,
    },
};
use std::{net::IpAddr, sync::Arc};

/// What redeeming needs.
#[derive(Clone)]
pub struct CodeDeps {
    /// Common ground.
    pub ground: Ground,
    /// Who may ask.
    pub auth: ClientAuth,
    /// Signs.
    pub keys: KeyHolder<KeySet>,
    /// The operator's rules.
    pub rules: Arc<TokenRules>,
}

/// `grant_type=authorization_code`.
pub struct CodeRequest {
    /// Who asks.
    pub credentials: ClientCredentials,
    /// `code`.
    pub code: Secret,
    /// `redirect_uri`.
    pub redirect_uri: String,
    /// `code_verifier`.
    pub verifier: Option<Secret>,
    /// `resource` values, syntax checked.
    pub resource: Vec<String>,
    /// Caller claims, checked.
    pub extra: ExtraClaims,
    /// Whence.
    pub address: IpAddr,
    /// Whence, for the trail.
    pub origin: Origin,
}

/// Redeems a code.
///
/// # Errors
/// `invalid_client` when the client fails to authenticate; `invalid_grant` for a code that is unknown, foreign, used,
/// expired, or comes with another address or verifier; `invalid_target` of RFC 8707.
pub async fn redeem(
    deps: &CodeDeps,
    request: &CodeRequest,
    trail: &mut Trail,
) -> Result<TokenResponse, FlowError> {
    let client = deps
        .auth
        .insist(
            &request.credentials,
            request.address,
            &request.origin,
            trail,
        )
        .await?;
    let presented = find(deps, request).await?.ok_or_else(invalid)?;
    let code = &presented.code;
    trail.pass(Check::Credential);
    let now = deps.ground.now();
    let verdict = judged(code, &client, request, now, trail);
    if verdict != CodeVerdict::Usable {
        return Err(refuse(deps, code, verdict, now, &request.origin).await);
    }
    exchange(deps, request, (presented, &client), now, trail).await
}

async fn find(deps: &CodeDeps, request: &CodeRequest) -> Result<Option<PresentedCode>, FlowError> {
    let text = request.code.expose();
    if !is_code(text) {
        return Ok(None);
    }
    let hash = sha256_hex(text.as_bytes());
    Ok(deps.ground.store.authorization_code(&hash).await?)
}

fn judged(
    code: &AuthorizationCode,
    client: &Client,
    request: &CodeRequest,
    now: Timestamp,
    trail: &mut Trail,
) -> CodeVerdict {
    let shown = Shown {
        client_id: &client.client_id,
        is_public: !client.is_confidential(),
        redirect_uri: &request.redirect_uri,
        verifier: request.verifier.as_ref().map(Secret::expose),
    };
    judge(code, &shown, now, trail)
}

/// What a verdict brings about beside the refusal.
async fn refuse(
    deps: &CodeDeps,
    code: &AuthorizationCode,
    verdict: CodeVerdict,
    now: Timestamp,
    origin: &Origin,
) -> FlowError {
    let done = match verdict {
        CodeVerdict::Usable | CodeVerdict::Foreign | CodeVerdict::Expired => Ok(()),
        CodeVerdict::Redirect | CodeVerdict::Verifier(_) => failed(deps, code, now, origin).await,
        CodeVerdict::Replayed => replayed(deps, code, now, origin).await,
    };
    match done {
        Ok(()) => invalid().failing(verdict.check()).into(),
        Err(error) => error,
    }
}

/// A client that tries addresses or verifiers is guessing, or somebody does in its name.
async fn failed(
    deps: &CodeDeps,
    code: &AuthorizationCode,
    at: Timestamp,
    origin: &Origin,
) -> Result<(), FlowError> {
    let event = suspicion(
        "Authorization code burnt after too many failed attempts",
        code,
    )
    .at(Severity::Warning)
    .failed("too many failed attempts")
    .from(origin);
    let audit = deps.ground.rows(at, vec![event])?;
    let burnt = deps
        .ground
        .commit(CountCodeFailure {
            row_id: code.row_id,
            audit,
        })
        .await?;
    if burnt {
        tracing::warn!(code = %code.uuid, client = %code.client_id, "a code was burnt");
    }
    Ok(())
}

/// A used code came again with everything that belongs to it: two hold it. What it led to dies (RFC 6749 §4.1.2).
async fn replayed(
    deps: &CodeDeps,
    code: &AuthorizationCode,
    at: Timestamp,
    origin: &Origin,
) -> Result<(), FlowError> {
    let mut event = suspicion("Authorization code used twice", code)
        .at(Severity::Critical)
        .failed("authorization code reuse")
        .from(origin);
    let family = match &code.issued_family {
        Some(id) => deps.ground.store.family(id).await?,
        None => None,
    };
    if let Some(family) = &family {
        event = event.with("family_id", family.id.as_str());
    }
    let audit = deps.ground.rows(at, vec![event])?;
    match family {
        Some(family) => {
            let tokens_revoked = deps
                .ground
                .commit(RevokeFamily { family, at, audit })
                .await?;
            tracing::warn!(code = %code.uuid, client = %code.client_id, tokens_revoked, "a code was used twice");
        }
        // Redeemed by the Go server, which kept no families.
        None if !audit.is_empty() => deps.ground.commit(RecordAudit { rows: audit }).await?,
        None => {}
    }
    Ok(())
}

fn suspicion(words: &'static str, code: &AuthorizationCode) -> AuditEvent {
    AuditEvent::new(EventType::SuspiciousActivity, words)
        .by(Actor::Client(code.client_id.clone()))
        .on(ResourceType::Authorization, code.uuid.as_str(), "")
        .with("client_id", code.client_id.as_str())
        .with("user_id", code.user_id.as_str())
}

async fn exchange(
    deps: &CodeDeps,
    request: &CodeRequest,
    (presented, client): (PresentedCode, &Client),
    now: Timestamp,
    trail: &mut Trail,
) -> Result<TokenResponse, FlowError> {
    let code = &presented.code;
    let facts = IssuanceFacts {
        client: deps.ground.store.client(&code.client_id).await?,
        user: presented.user,
        consent: presented.consent,
    };
    let event = AuditEvent::new(
        EventType::AuthorizationCodeExchanged,
        "Client redeemed an authorization code",
    )
    .on(ResourceType::Authorization, code.uuid.as_str(), "")
    .with("client_id", code.client_id.as_str())
    .from(&request.origin);
    let granted = Granted {
        grant: Grant::AuthorizationCode,
        name: "authorization_code",
        client_id: &code.client_id,
        user_id: &code.user_id,
        scopes: &code.scopes,
        resource: &code.resource,
        auth_time: code.auth_time,
        nonce: &code.nonce,
        asked_resource: &request.resource,
        extra: &request.extra,
        refresh_cap: None,
        telling: TELLING,
        event: Some(event),
        origin: &request.origin,
    };
    let keys = deps.keys.current();
    let granted = (granted, &facts);
    let first = first_issue::prepare(&deps.ground, &keys, &deps.rules, granted, now, trail).await?;
    let unit = RedeemCode {
        row_id: code.row_id,
        client_id: code.client_id.clone(),
        user_id: code.user_id.clone(),
        now,
        issued: first.issued,
        audit: first.audit,
    };
    match deps.ground.commit(unit).await? {
        Redemption::Done => Ok(first.minted.response(now)),
        Redemption::Gone => Err(lost(deps, request, client, trail).await),
        Redemption::Refused(refusal) => Err(refused(refusal).into()),
    }
}

/// Somebody was faster with the same code, which makes this a replay like any other.
async fn lost(
    deps: &CodeDeps,
    request: &CodeRequest,
    client: &Client,
    trail: &mut Trail,
) -> FlowError {
    let now = deps.ground.now();
    match find(deps, request).await {
        Ok(Some(PresentedCode { code, .. })) => {
            let verdict = judged(&code, client, request, now, trail);
            refuse(deps, &code, verdict, now, &request.origin).await
        }
        Ok(None) => invalid().into(),
        Err(error) => error,
    }
}

const TELLING: Telling = Telling {
    access: "Access token issued for an authorization code",
    refresh: "Refresh token issued for an authorization code",
    id: "ID token issued for an authorization code",
};

fn invalid() -> OauthError {
    ErrorCode::InvalidGrant.because("the authorization code is invalid, expired or was used")
}
