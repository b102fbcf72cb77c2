//! The person's side of the device grant: what is asked of them, and what they decide.
use super::{DeviceDeps, described};
use crate::{
    domain::{
        audit::{AuditEvent, EventType, Origin, ResourceType},
        client::Client,
        device::{DeviceCode, DeviceState, UserCode},
        digest::sha256_hex,
        eligibility::{self, Grant, Owner},
        guesses::Spent,
        ids::UserId,
        session::Session,
        time::{EntropyFailure, Timestamp},
        user::User,
    },
    flows::FlowError,
    store::{
        consents::NewConsent,
        devices::{
            ApproveDeviceCode, Decision, DenyDeviceCode,
            typed::{TypeUserCode, Typed},
        },
    },
};
use std::{sync::Arc, time::Duration};

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
    /// Too many wrong codes in all sessions of a day: the person must wait for the next.
    TooManyToday,
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
    may_look(deps, session, typed)?;
    let (now, rules) = (deps.ground.now(), &deps.rules);
    let unit = TypeUserCode {
        user_code: UserCode::typed(typed),
        user_id: session.user_id.clone(),
        session: session.hash.clone(),
        person: misses_of_person(&session.user_id, now),
        everyone: misses_of_everyone(now),
        max_misses: rules.max_misses,
        at: now,
    };
    let code = match deps.ground.commit(unit).await? {
        Typed::Found(code) => *code,
        Typed::Missed => return Err(PageError::Refused(CodeRefusal::Unknown)),
        Typed::Refused(Spent::Session) => {
            return Err(PageError::Refused(CodeRefusal::TooManyMisses));
        }
        Typed::Refused(Spent::Today) => return Err(PageError::Refused(CodeRefusal::TooManyToday)),
    };
    presented(deps, code).await
}

/// The same for a code that this person typed before and that was found then. Changes nothing.
///
/// # Errors
/// [`PageError`].
pub async fn present_again(
    deps: &DeviceDeps,
    session: &Session,
    known: &str,
) -> Result<Presented, PageError> {
    may_look(deps, session, known)?;
    let code = match UserCode::typed(known) {
        Some(code) => deps.ground.store.device_known(&code).await,
        None => Ok(None),
    };
    let code = code.map_err(FlowError::from)?;
    presented(deps, code.ok_or(PageError::Refused(CodeRefusal::Unknown))?).await
}

fn may_look(deps: &DeviceDeps, session: &Session, typed: &str) -> Result<(), PageError> {
    if typed.trim().is_empty() {
        return Err(PageError::Refused(CodeRefusal::Missing));
    }
    let age = deps.ground.now() - session.auth_time;
    if deps.rules.recent_login.is_some_and(|recent| age > recent) {
        return Err(PageError::Refused(CodeRefusal::LoginTooOld));
    }
    Ok(())
}

/// The code with its client, if there is still something to decide.
async fn presented(deps: &DeviceDeps, code: DeviceCode) -> Result<Presented, PageError> {
    let (now, rules) = (deps.ground.now(), &deps.rules);
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

/// Under which a person's wrong codes of one day (UTC) are counted.
fn misses_of_person(person: &UserId, now: Timestamp) -> String {
    let day = now.date();
    sha256_hex(format!("wrong user codes of {person} on {day}").as_bytes())
}

/// Under which all wrong codes of one hour (UTC) are counted.
fn misses_of_everyone(now: Timestamp) -> String {
    let (day, hour) = (now.date(), now.hour());
    sha256_hex(format!("wrong user codes on {day} at {hour}").as_bytes())
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

pub(in crate::flows) fn granted(consent: &NewConsent, user: &User, origin: &Origin) -> AuditEvent {
    let event = AuditEvent::new(
        EventType::UserAuthorizationGranted,
        "User consented to a client",
    )
    .by(user.into())
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
        .by(user.into())
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
