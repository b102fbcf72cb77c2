//! The device authorization grant (RFC 8628), the person's side and the start; [`polling`](super::polling) has the
//! device's side.
use super::{
    FlowError, Ground,
    client_auth::{ClientAuth, ClientCredentials},
    refused,
};
use crate::{
    domain::{
        audit::{Actor, AuditEvent, EventType, Origin, ResourceType},
        client::Client,
        device::{self, DeviceCode, DeviceState, UserCode},
        digest::{hex, sha256_hex},
        eligibility::{self, Grant, Owner},
        oauth_error::ErrorCode,
        resource,
        scope::ScopeSet,
        secret::Secret,
        session::Session,
        time::{EntropyFailure, Timestamp, random},
        user::User,
    },
    store::{
        StoreError,
        consents::NewConsent,
        devices::{ApproveDeviceCode, Decision, DenyDeviceCode, InsertDeviceCode},
        sessions::CountCodeMiss,
    },
};
use ipnet::IpNet;
use std::{net::IpAddr, sync::Arc, time::Duration};

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
pub async fn start(deps: &DeviceDeps, request: &StartRequest) -> Result<Started, FlowError> {
    resource::check_syntax(&request.resource).map_err(invalid_target)?;
    // The code that is handed out is redeemed with the secret, so the name is enough here, as it always was.
    let client = deps
        .auth
        .named(&request.credentials, request.address, &request.origin)
        .await?;
    may_start(&deps.rules, &client, request.address)?;
    resource::check_subset(&request.resource, &client.allowed_resources).map_err(invalid_target)?;
    let scopes = granted_scopes(request.scope.as_deref(), &client)?;
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

fn may_start(rules: &DeviceRules, client: &Client, address: IpAddr) -> Result<(), FlowError> {
    if !rules.enabled {
        return Err(ErrorCode::UnauthorizedClient
            .because("the device grant is switched off")
            .into());
    }
    eligibility::check(Grant::DeviceCode, Some(client.into()), Owner::Client).map_err(refused)?;
    if !rules.networks.is_empty() && !rules.networks.iter().any(|net| net.contains(&address)) {
        return Err(ErrorCode::UnauthorizedClient
            .because("the device grant is not open to this network")
            .into());
    }
    Ok(())
}

/// What a device gets of what it asked for. A device that asks for nothing gets `email profile` as far as the client may,
/// or all that the client registered when it may neither.
fn granted_scopes(asked: Option<&str>, client: &Client) -> Result<ScopeSet, FlowError> {
    let refuse = |words: &'static str| FlowError::from(ErrorCode::InvalidScope.because(words));
    let granted = match asked {
        Some(asked) => {
            let asked = ScopeSet::parse(asked)
                .map_err(|_| refuse("scope contains a character that is not allowed"))?;
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

/// The code as a person who was asked to approve it sees it.
#[derive(Debug)]
pub struct Presented {
    /// The code.
    pub code: DeviceCode,
    /// Who asks.
    pub client: Arc<Client>,
    /// Since when it waits.
    pub age: Duration,
}

/// Why a code cannot be decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeRefusal {
    /// Nothing was typed.
    Missing,
    /// No such code, or not a code at all.
    Unknown,
    /// Too late.
    Expired,
    /// Somebody decided already.
    Decided,
    /// The client is gone or switched off.
    Client,
    /// Too many wrong codes: the person must sign in again.
    TooManyMisses,
    /// The login is too long ago: the person must sign in again.
    LoginTooOld,
    /// The person may not approve.
    Person,
}

/// Why a step of the device page ends without a decision.
#[derive(Debug)]
pub enum PageError {
    /// Told on the page.
    Refused(CodeRefusal),
    /// Not the person's fault.
    Flow(FlowError),
}

impl From<FlowError> for PageError {
    fn from(error: FlowError) -> Self {
        Self::Flow(error)
    }
}

impl From<EntropyFailure> for PageError {
    fn from(error: EntropyFailure) -> Self {
        Self::Flow(error.into())
    }
}

/// Finds the code that a person typed and judges whether this person may decide on it now. Changes nothing but the count
/// of misses.
///
/// # Errors
/// [`PageError`].
pub async fn present(
    deps: &DeviceDeps,
    session: &Session,
    typed: &str,
) -> Result<Presented, PageError> {
    if typed.trim().is_empty() {
        return Err(PageError::Refused(CodeRefusal::Missing));
    }
    let now = deps.ground.now();
    let rules = &deps.rules;
    if rules.max_misses > 0 && session.code_misses >= rules.max_misses {
        return Err(PageError::Refused(CodeRefusal::TooManyMisses));
    }
    if rules
        .recent_login
        .is_some_and(|recent| now - session.auth_time > recent)
    {
        return Err(PageError::Refused(CodeRefusal::LoginTooOld));
    }
    let found = match UserCode::typed(typed) {
        Some(user_code) => deps
            .ground
            .store
            .device_code_by_user_code(&user_code)
            .await
            .map_err(FlowError::from)?,
        None => None,
    };
    let Some(code) = found else {
        deps.ground
            .commit(CountCodeMiss {
                hash: session.hash.clone(),
                at: now,
            })
            .await?;
        return Err(PageError::Refused(CodeRefusal::Unknown));
    };
    match code.state(now) {
        DeviceState::Pending => {}
        DeviceState::Approved | DeviceState::Denied => {
            return Err(PageError::Refused(CodeRefusal::Decided));
        }
        DeviceState::Expired => return Err(PageError::Refused(CodeRefusal::Expired)),
    }
    let client = deps
        .auth
        .clients
        .find(&code.client_id)
        .await
        .map_err(FlowError::from)?;
    let client = client
        .filter(|c| {
            rules.enabled
                && eligibility::check(Grant::DeviceCode, Some((&**c).into()), Owner::Client).is_ok()
        })
        .ok_or(PageError::Refused(CodeRefusal::Client))?;
    let age = Duration::try_from(now - code.created_at).unwrap_or_default();
    Ok(Presented { code, client, age })
}

/// What the person chose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// Let the device in.
    Approve,
    /// Keep it out.
    Deny,
}

/// Decides on a code that was presented. Of several decisions on one code exactly one counts.
///
/// # Errors
/// [`PageError`].
pub async fn decide(
    deps: &DeviceDeps,
    (session, user): (&Session, &User),
    presented: &Presented,
    choice: Choice,
    origin: &Origin,
) -> Result<(), PageError> {
    let now = deps.ground.now();
    let decision = match choice {
        Choice::Approve => {
            let consent = consent(deps, user, presented, now)?;
            let events = vec![
                granted(&consent, user, origin),
                decided(presented, user, choice, origin),
            ];
            let unit = ApproveDeviceCode {
                row_id: presented.code.row_id,
                user_id: user.id.clone(),
                auth_time: session.auth_time,
                now,
                audit: deps.ground.rows(now, events)?,
                consent,
            };
            deps.ground.commit(unit).await?
        }
        Choice::Deny => {
            let audit = deps
                .ground
                .rows(now, vec![decided(presented, user, choice, origin)])?;
            deps.ground
                .commit(DenyDeviceCode {
                    row_id: presented.code.row_id,
                    now,
                    audit,
                })
                .await?
        }
    };
    match decision {
        Decision::Done { .. } => Ok(()),
        Decision::AlreadyDecided => Err(PageError::Refused(CodeRefusal::Decided)),
        Decision::Expired => Err(PageError::Refused(CodeRefusal::Expired)),
        Decision::Refused(refusal) => Err(PageError::Refused(match refusal {
            eligibility::Refusal::Client | eligibility::Refusal::Grant => CodeRefusal::Client,
            eligibility::Refusal::User | eligibility::Refusal::Consent => CodeRefusal::Person,
        })),
    }
}

fn consent(
    deps: &DeviceDeps,
    user: &User,
    presented: &Presented,
    now: Timestamp,
) -> Result<NewConsent, FlowError> {
    Ok(NewConsent {
        uuid: deps.ground.uuid()?,
        user_id: user.id.clone(),
        application_id: presented.client.application_id,
        client_id: presented.client.client_id.clone(),
        scopes: presented.code.scopes.clone(),
        resource: presented.code.resource.clone(),
        granted_at: now,
    })
}

pub(super) fn invalid_target(error: resource::ResourceError) -> FlowError {
    ErrorCode::InvalidTarget.because(error.to_string()).into()
}

fn generated(code: &DeviceCode, origin: &Origin) -> AuditEvent {
    let event = AuditEvent::new(EventType::DeviceCodeGenerated, "Device asked for a code");
    described(event, code).from(origin)
}

fn granted(consent: &NewConsent, user: &User, origin: &Origin) -> AuditEvent {
    let event = AuditEvent::new(
        EventType::UserAuthorizationGranted,
        "User consented to a client",
    )
    .by(person(user))
    .on(ResourceType::Authorization, consent.uuid.as_str(), "")
    .with("client_id", consent.client_id.as_str())
    .with("scopes", consent.scopes.to_string())
    .from(origin);
    if consent.resource.is_empty() {
        event
    } else {
        event.with("resource", consent.resource.clone())
    }
}

fn decided(presented: &Presented, user: &User, choice: Choice, origin: &Origin) -> AuditEvent {
    let (kind, words) = match choice {
        Choice::Approve => (EventType::DeviceCodeAuthorized, "User approved a device"),
        Choice::Deny => (EventType::DeviceCodeDenied, "User refused a device"),
    };
    let code = &presented.code;
    let mut event = described(AuditEvent::new(kind, words), code)
        .by(person(user))
        .from(origin);
    // One row tells both ends, so that a device far away from the person who let it in can be found.
    if let Some(ip) = &code.requester_ip {
        event = event.with("requester_ip", ip.as_str());
    }
    if let Some(agent) = &code.requester_user_agent {
        event = event.with("requester_user_agent", agent.as_str());
    }
    event
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

pub(super) fn person(user: &User) -> Actor {
    Actor::User {
        id: user.id.clone(),
        username: user.username.clone(),
    }
}
