//! One function per use case, in five verbs: load, judge, prepare, commit, tell.
//!
//! Flows decide; they know neither HTTP nor SQL. Whatever may happen once is decided inside the store's unit of work;
//! what a flow judges before is only there to answer early and well.
use crate::{
    actors::{
        audit_writer::NoRoom, device_code_poller::PollError, password_hasher::HashError,
        task::Commits, turns::Turns,
    },
    domain::{
        audit::{AuditEvent, AuditRow},
        eligibility::Refusal,
        ids::{row_id, uuid_v4},
        oauth_error::{ErrorCode, OauthError},
        resource::ResourceError,
        submission::Submission,
        time::{Clock, Drift, Entropy, EntropyFailure, Timestamp, random},
        trace::{Check, Trail},
    },
    faults,
    store::{Store, StoreError, Unit},
};
use std::{borrow::Cow, sync::Arc};

pub mod account;
pub mod audit;
pub mod authorize;
pub mod browse;
pub mod client_auth;
pub mod client_secret;
pub mod clients;
pub mod code;
pub mod consents;
pub mod counting;
mod deeds;
pub mod device;
pub mod end_session;
pub mod explain;
pub mod first_issue;
pub mod id_token;
pub mod inspect;
pub mod introspect;
pub mod issue;
pub mod keys;
pub mod login;
pub mod machine;
mod narrowing;
pub mod noticed;
pub mod pending;
pub mod people;
pub mod polling;
pub mod refresh;
pub mod register;
pub mod registry;
pub mod revoke;
pub mod seed;
pub mod single_tokens;
pub mod userinfo;

/// Why a flow gives nothing.
#[derive(Debug)]
pub enum FlowError {
    /// What the client may know.
    Protocol(OauthError),
    /// Something that is needed is down or full: 503, and nothing was changed.
    Unavailable(String),
    /// A fault of ours: 500. The text goes to the log only.
    Internal(String),
}

impl FlowError {
    /// The answer that the client gets.
    pub fn told(&self) -> Cow<'_, OauthError> {
        match self {
            Self::Protocol(error) => Cow::Borrowed(error),
            Self::Unavailable(_) => Cow::Owned(
                ErrorCode::TemporarilyUnavailable
                    .because("the server cannot do this now, try again"),
            ),
            Self::Internal(_) => Cow::Owned(ErrorCode::ServerError.because("the server failed")),
        }
    }
}

impl From<OauthError> for FlowError {
    fn from(error: OauthError) -> Self {
        Self::Protocol(error)
    }
}

impl From<ResourceError> for FlowError {
    fn from(error: ResourceError) -> Self {
        Self::Protocol(error.into())
    }
}

impl From<StoreError> for FlowError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(why) => Self::Unavailable(why),
            StoreError::Conflict => Self::Internal("a unique value was taken".to_owned()),
            StoreError::Bug(why) => Self::Internal(why),
        }
    }
}

impl From<HashError> for FlowError {
    fn from(error: HashError) -> Self {
        match error {
            HashError::Busy | HashError::Stopping | HashError::Lost => {
                Self::Unavailable(error.to_string())
            }
            HashError::Failed(why) => Self::Internal(why),
        }
    }
}

impl From<PollError> for FlowError {
    fn from(error: PollError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

impl From<NoRoom> for FlowError {
    fn from(error: NoRoom) -> Self {
        Self::Unavailable(error.to_string())
    }
}

impl From<EntropyFailure> for FlowError {
    fn from(error: EntropyFailure) -> Self {
        Self::Unavailable(error.to_string())
    }
}

/// What every flow stands on.
#[derive(Clone)]
pub struct Ground {
    /// Truth.
    pub store: Store,
    /// Commits that a caller who hangs up cannot cut.
    pub commits: Commits,
    /// Signatures that take long.
    pub turns: Turns,
    /// Hashes of secrets that are made here, which take a hundred times as long.
    pub hashing: Turns,
    /// Whether `ENABLE_AUDIT_LOGGING` is on.
    pub audited: bool,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
}

impl Ground {
    /// Now.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Whether what is issued now would end when it says it does.
    ///
    /// # Errors
    /// [`FlowError::Unavailable`] while our clock and the database's are so far apart that other processes on it would
    /// judge the end differently.
    pub fn trust_clock(&self) -> Result<(), FlowError> {
        match Drift::of(self.store.clock_ahead()) {
            Drift::Close | Drift::Noticeable => Ok(()),
            Drift::Far => Err(FlowError::Unavailable(
                "the clocks of this machine and of the database are too far apart".to_owned(),
            )),
        }
    }

    /// Commits a unit in a task of its own, so that it is finished whatever becomes of the caller.
    ///
    /// # Errors
    /// As [`Store::commit`]; [`FlowError::Unavailable`] while stopping.
    pub async fn commit<U: Unit>(&self, unit: U) -> Result<U::Answer, FlowError> {
        Ok(self.try_commit(unit).await?)
    }

    /// As [`Ground::commit`], for callers who tell a conflict from other failures.
    ///
    /// # Errors
    /// As [`Store::commit`].
    pub async fn try_commit<U: Unit>(&self, unit: U) -> Result<U::Answer, StoreError> {
        let store = self.store.clone();
        let commit = async move {
            faults::hold("commit").await;
            store.commit(unit).await
        };
        if faults::unowned() {
            return commit.await;
        }
        self.commits.run(commit).await.unwrap_or_else(|_| {
            Err(StoreError::Unavailable(
                "the work ended without a result".to_owned(),
            ))
        })
    }

    /// Rows for events that belong into the same transaction as a change; none when the trail is switched off.
    ///
    /// # Errors
    /// [`EntropyFailure`], because a row needs an id.
    pub fn rows(
        &self,
        at: Timestamp,
        events: Vec<AuditEvent>,
    ) -> Result<Vec<AuditRow>, EntropyFailure> {
        if !self.audited {
            return Ok(Vec::new());
        }
        events
            .into_iter()
            .map(|event| Ok(event.into_row(row_id(at, random(&*self.entropy)?), at)))
            .collect()
    }

    /// A fresh UUID.
    ///
    /// # Errors
    /// [`EntropyFailure`].
    pub fn uuid(&self) -> Result<String, EntropyFailure> {
        Ok(uuid_v4(random(&*self.entropy)?))
    }

    /// The id of what a form makes: the submission's, or a fresh one.
    ///
    /// # Errors
    /// [`EntropyFailure`].
    pub fn id_of(&self, submission: Option<Submission>) -> Result<String, EntropyFailure> {
        submission.map_or_else(|| self.uuid(), |submission| Ok(submission.id()))
    }
}

/// Records what a grant was found to be, and tells why it is refused.
///
/// # Errors
/// As [`refused`].
pub fn found_eligible(verdict: Result<(), Refusal>, trail: &mut Trail) -> Result<(), OauthError> {
    trail.pass_all(Refusal::passed_before(verdict.err()));
    verdict.map_err(refused)
}

/// The answer to a request whose grant is refused (RFC 6749 §5.2).
pub fn refused(refusal: Refusal) -> OauthError {
    match refusal {
        Refusal::Client => ErrorCode::UnknownClient.because("the client is unknown or not active"),
        Refusal::Grant => {
            ErrorCode::UnauthorizedClient.because("the client may not use this grant")
        }
        Refusal::User => ErrorCode::InvalidGrant
            .because("the user can no longer be granted access")
            .failing(Check::User),
        Refusal::Consent => ErrorCode::InvalidGrant
            .because("the user withdrew the consent")
            .failing(Check::Consent),
    }
}
