//! The device's side of the device grant (RFC 8628 §3.4, §3.5): poll, and redeem once.
use super::{
    FlowError, Ground,
    client_auth::{ClientAuth, ClientCredentials},
    first_issue::{self, Granted},
    issue::{Telling, TokenResponse, TokenRules},
    refused,
};
use crate::{
    actors::{
        device_code_poller::{DeviceCodePoller, Polled},
        key_holder::KeyHolder,
    },
    domain::{
        audit::Origin,
        claims::ExtraClaims,
        device::{DEVICE_CODE_BYTES, DeviceCode, DeviceState},
        digest::sha256_hex,
        eligibility::Grant,
        ids::ClientId,
        oauth_error::{ErrorCode, OauthError},
        secret::Secret,
        trace::{Check, Trail},
    },
    jose::KeySet,
    store::{devices::RedeemDeviceCode, issued::Redemption},
};
use std::{net::IpAddr, sync::Arc};

/// What polling needs.
#[derive(Clone)]
pub struct PollDeps {
    /// Common ground.
    pub ground: Ground,
    /// Who may ask.
    pub auth: ClientAuth,
    /// Knows the pace of every device and reads states in batches.
    pub poller: DeviceCodePoller,
    /// Signs.
    pub keys: KeyHolder<KeySet>,
    /// The operator's rules.
    pub rules: Arc<TokenRules>,
    /// `DEVICE_FLOW_ENABLED`: switched off, what was approved already is not handed out either.
    pub enabled: bool,
}

/// `grant_type=urn:ietf:params:oauth:grant-type:device_code`.
pub struct PollRequest {
    /// Who asks.
    pub credentials: ClientCredentials,
    /// `device_code`.
    pub device_code: Secret,
    /// `resource` values, syntax checked.
    pub resource: Vec<String>,
    /// Caller claims, checked.
    pub extra: ExtraClaims,
    /// Whence.
    pub address: IpAddr,
    /// Whence, for the trail.
    pub origin: Origin,
}

/// Polls once; redeems when the person has approved.
///
/// # Errors
/// As RFC 8628 §3.5: `authorization_pending`, `slow_down`, `access_denied`, `expired_token`; `invalid_grant` for a code
/// that is unknown, foreign or redeemed.
pub async fn poll(
    deps: &PollDeps,
    request: &PollRequest,
    trail: &mut Trail,
) -> Result<TokenResponse, FlowError> {
    if !deps.enabled {
        return Err(ErrorCode::UnauthorizedClient
            .because("the device grant is switched off")
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
    let code = look(deps, request, &client.client_id, trail).await?;
    redeem(deps, request, &code, trail).await
}

/// The approved code, or the error that tells its state.
async fn look(
    deps: &PollDeps,
    request: &PollRequest,
    client_id: &ClientId,
    trail: &mut Trail,
) -> Result<DeviceCode, FlowError> {
    let text = request.device_code.expose();
    if !is_device_code(text) {
        return Err(unknown().into());
    }
    let (code, slow_down) = match deps
        .poller
        .poll(sha256_hex(text.as_bytes()), client_id.clone())
        .await?
    {
        Polled::Found { code, slow_down } => (*code, slow_down),
        Polled::Unknown => (
            legacy(deps, text, client_id).await?.ok_or_else(unknown)?,
            false,
        ),
    };
    trail.pass(Check::Credential);
    let state = code.state(deps.ground.now());
    if state != DeviceState::Expired {
        trail.pass(Check::Expiry);
    }
    match state {
        DeviceState::Approved => {
            trail.pass(Check::Approval);
            Ok(code)
        }
        DeviceState::Denied => Err(ErrorCode::AccessDenied
            .because("the user refused the request")
            .into()),
        DeviceState::Expired => Err(ErrorCode::ExpiredToken
            .because("the device code has expired")
            .into()),
        DeviceState::Pending if slow_down => Err(ErrorCode::SlowDown
            .because("poll less often: five seconds more between polls")
            .into()),
        DeviceState::Pending => Err(ErrorCode::AuthorizationPending
            .because("the user has not decided yet")
            .into()),
    }
}

fn is_device_code(text: &str) -> bool {
    text.len() == DEVICE_CODE_BYTES * 2
        && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

/// A code that the Go server handed out before this server took its place: found by suffix, proven by its slow hash.
async fn legacy(
    deps: &PollDeps,
    text: &str,
    client_id: &ClientId,
) -> Result<Option<DeviceCode>, FlowError> {
    let suffix = text.get(text.len().saturating_sub(8)..).unwrap_or_default();
    let rows = deps.ground.store.salted_device_codes(suffix).await?;
    let mut mine = rows.into_iter().filter(|code| code.client_id == *client_id);
    Ok(mine.find(|code| code.is_hash_of(text)))
}

async fn redeem(
    deps: &PollDeps,
    request: &PollRequest,
    code: &DeviceCode,
    trail: &mut Trail,
) -> Result<TokenResponse, FlowError> {
    let now = deps.ground.now();
    let user_id = code.approved_by.clone().ok_or_else(unknown)?;
    let granted = Granted {
        grant: Grant::DeviceCode,
        name: "device_code",
        client_id: &code.client_id,
        user_id: &user_id,
        scopes: &code.scopes,
        resource: &code.resource,
        auth_time: code.auth_time,
        nonce: "",
        asked_resource: &request.resource,
        extra: &request.extra,
        refresh_cap: deps.rules.lifetimes.device_refresh,
        telling: TELLING,
        event: None,
        origin: &request.origin,
    };
    let keys = deps.keys.current();
    let store = &deps.ground.store;
    let facts = &store
        .issuance_facts(granted.client_id, granted.user_id)
        .await?;
    let granted = (granted, facts);
    let first = first_issue::prepare(&deps.ground, &keys, &deps.rules, granted, now, trail).await?;
    let unit = RedeemDeviceCode {
        row_id: code.row_id,
        client_id: code.client_id.clone(),
        user_id,
        now,
        issued: first.issued,
        audit: first.audit,
    };
    match deps.ground.commit(unit).await? {
        Redemption::Done => Ok(first.minted.response(now)),
        Redemption::Gone => Err(unknown().into()),
        Redemption::Refused(refusal) => Err(refused(refusal).into()),
    }
}

const TELLING: Telling = Telling {
    access: "Access token issued for a device code",
    refresh: "Refresh token issued for a device code",
    id: "ID token issued for a device code",
};

fn unknown() -> OauthError {
    ErrorCode::InvalidGrant.because("the device code is unknown or was used already")
}
