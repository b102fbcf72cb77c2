//! The device authorization grant (RFC 8628): its start. What the person does follows in [`decision`], the device's side
//! in [`polling`](super::polling).
use super::{
    FlowError, Ground,
    client_auth::{ClientAuth, ClientCredentials},
    refused,
};
use crate::{
    domain::{
        audit::{AuditEvent, EventType, Origin, ResourceType},
        client::Client,
        device::{self, DeviceCode, UserCode},
        digest::{hex, sha256_hex},
        eligibility::{self, Grant, Owner},
        oauth_error::ErrorCode,
        resource,
        scope::ScopeSet,
        secret::Secret,
        time::{Timestamp, random},
        trace::{Check, Trail},
    },
    store::{StoreError, devices::InsertDeviceCode},
};
use ipnet::IpNet;
use std::{net::IpAddr, sync::Arc, time::Duration};

pub(super) mod decision;
pub use decision::{Choice, CodeRefusal, PageError, Presented, decide, present, present_again};

/// What the operator set about the device grant.
#[derive(Clone, Debug)]
pub struct DeviceRules {
    /// `BASE_URL` without trailing slashes.
    pub base_url: String,
    /// `DEVICE_CODE_EXPIRATION`.
    pub life: Duration,
    /// `DEVICE_POLLING_INTERVAL`, whole seconds.
    pub interval: u32,
    /// `DEVICE_FLOW_ENABLED`: the switch for all clients at once.
    pub enabled: bool,
    /// `DEVICE_ALLOWED_NETWORKS`: from where a device may start; empty for everywhere.
    pub networks: Vec<IpNet>,
    /// `DEVICE_REQUIRE_RECENT_LOGIN`: how fresh the person's login must be to decide.
    pub recent_login: Option<Duration>,
    /// `DEVICE_MAX_CODE_MISSES`: wrong codes in one session before the person must sign in again; 0 for no limit.
    pub max_misses: u32,
}

/// What the device grant needs.
#[derive(Clone)]
pub struct DeviceDeps {
    /// Common ground.
    pub ground: Ground,
    /// Who may ask.
    pub auth: ClientAuth,
    /// The operator's rules.
    pub rules: Arc<DeviceRules>,
}

/// `POST /oauth/device/code`.
pub struct StartRequest {
    /// Who asks.
    pub credentials: ClientCredentials,
    /// `scope`, `None` when it was not sent or was empty.
    pub scope: Option<String>,
    /// `resource` values.
    pub resource: Vec<String>,
    /// Whence.
    pub address: IpAddr,
    /// Whence, for the trail and the person who decides.
    pub origin: Origin,
}

/// RFC 8628 §3.2.
pub struct Started {
    /// For the device only.
    pub device_code: Secret,
    /// For the person.
    pub user_code: UserCode,
    /// Where to type it.
    pub verification_uri: String,
    /// Seconds.
    pub expires_in: u64,
    /// Seconds between polls.
    pub interval: u32,
}

/// How often a user code is drawn anew when it is taken: with a million codes out, five clashes in a row happen once in
/// 10^29 requests.
const DRAWS: usize = 5;

/// Starts a device authorization.
///
/// # Errors
/// As RFC 8628 §3.2 and RFC 8707 §2.
pub async fn start(
    deps: &DeviceDeps,
    request: &StartRequest,
    trail: &mut Trail,
) -> Result<Started, FlowError> {
    resource::check_syntax(&request.resource)?;
    trail.pass(Check::ResourceSyntax);
    // The code that is handed out is redeemed with the secret, so the name is enough here, as it always was.
    let client = deps
        .auth
        .named(
            &request.credentials,
            request.address,
            &request.origin,
            trail,
        )
        .await?;
    may_start(&deps.rules, &client, request.address, trail)?;
    resource::check_subset(&request.resource, &client.allowed_resources)?;
    trail.pass(Check::Resource);
    let scopes = granted_scopes(request.scope.as_deref(), &client)?;
    trail.pass(Check::Scope);
    deps.ground.trust_clock()?;
    let now = deps.ground.now();
    let device_code = hex(&random::<{ device::DEVICE_CODE_BYTES }>(
        &*deps.ground.entropy,
    )?);
    for _ in 0..DRAWS {
        let code = draw(deps, request, &client, &scopes, &device_code, now)?;
        let user_code = code.user_code.clone();
        let audit = deps
            .ground
            .rows(now, vec![generated(&code, &request.origin)])?;
        match deps
            .ground
            .try_commit(InsertDeviceCode { code, audit })
            .await
        {
            Ok(()) => {
                return Ok(Started {
                    device_code: Secret::new(device_code),
                    user_code,
                    verification_uri: format!("{}/device", deps.rules.base_url),
                    expires_in: deps.rules.life.as_secs(),
                    interval: deps.rules.interval,
                });
            }
            Err(StoreError::Conflict) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(FlowError::Unavailable(
        "no free user code was found".to_owned(),
    ))
}

fn may_start(
    rules: &DeviceRules,
    client: &Client,
    address: IpAddr,
    trail: &mut Trail,
) -> Result<(), FlowError> {
    if !rules.enabled {
        return Err(ErrorCode::UnauthorizedClient
            .because("the device grant is switched off")
            .failing(Check::Feature)
            .into());
    }
    trail.pass(Check::Feature);
    eligibility::check(Grant::DeviceCode, Some(client.into()), Owner::Client).map_err(refused)?;
    trail.pass(Check::Grant);
    if !rules.networks.is_empty() && !rules.networks.iter().any(|net| net.contains(&address)) {
        return Err(ErrorCode::UnauthorizedClient
            .because("the device grant is not open to this network")
            .failing(Check::Network)
            .noting(format!("asked from {address}"))
            .into());
    }
    trail.pass(Check::Network);
    Ok(())
}

/// What a device gets of what it asked for. A device that asks for nothing gets `email profile` as far as the client may,
/// or all that the client registered when it may neither.
fn granted_scopes(asked: Option<&str>, client: &Client) -> Result<ScopeSet, FlowError> {
    let refuse = |words: &'static str| {
        let note = format!("the client may have: {}", client.scopes);
        FlowError::from(ErrorCode::InvalidScope.because(words).noting(note))
    };
    let granted = match asked {
        Some(asked) => {
            let asked = ScopeSet::parse(asked).map_err(|_| {
                refuse("scope is too long or contains a character that is not allowed")
            })?;
            asked.narrowed_to(&client.scopes)
        }
        None => {
            let usual = ScopeSet::stored("email profile").narrowed_to(&client.scopes);
            if usual.is_empty() {
                client.scopes.clone()
            } else {
                usual
            }
        }
    };
    if granted.is_empty() {
        Err(refuse(
            "none of the requested scopes is open to this client",
        ))
    } else {
        Ok(granted)
    }
}

fn draw(
    deps: &DeviceDeps,
    request: &StartRequest,
    client: &Client,
    scopes: &ScopeSet,
    device_code: &str,
    now: Timestamp,
) -> Result<DeviceCode, FlowError> {
    let user_code = UserCode::draw(&random::<32>(&*deps.ground.entropy)?)
        .ok_or_else(|| FlowError::Unavailable("the random bytes made no user code".to_owned()))?;
    let text = |value: &String| Some(value.clone()).filter(|v| !v.is_empty());
    Ok(DeviceCode {
        row_id: 0,
        hash: sha256_hex(device_code.as_bytes()),
        salt: String::new(),
        suffix: device_code
            .get(device_code.len().saturating_sub(8)..)
            .unwrap_or_default()
            .to_owned(),
        user_code,
        client_id: client.client_id.clone(),
        scopes: scopes.clone(),
        resource: request.resource.clone(),
        expires_at: now + deps.rules.life,
        interval: deps.rules.interval,
        approved_by: None,
        approved_at: None,
        denied_at: None,
        auth_time: None,
        created_at: now,
        requester_ip: text(&request.origin.ip),
        requester_user_agent: text(&request.origin.user_agent),
    })
}

fn generated(code: &DeviceCode, origin: &Origin) -> AuditEvent {
    let event = AuditEvent::new(EventType::DeviceCodeGenerated, "Device asked for a code");
    described(event, code).from(origin)
}

fn described(event: AuditEvent, code: &DeviceCode) -> AuditEvent {
    let event = event
        .on(ResourceType::DeviceCode, code.suffix.as_str(), "")
        .with("client_id", code.client_id.as_str())
        .with("scopes", code.scopes.to_string())
        .with("user_code", code.user_code.as_str());
    if code.resource.is_empty() {
        event
    } else {
        event.with("resource", code.resource.clone())
    }
}
