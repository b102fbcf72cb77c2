//! Signing in with a password, staying signed in, signing out.
use super::{FlowError, Ground, noticed};
use crate::{
    actors::{audit_writer::AuditWriter, password_hasher::PasswordHasher},
    domain::{
        audit::{Actor, AuditEvent, EventType, Origin, ResourceType, Severity},
        digest::{hex, sha256_hex},
        secret::Secret,
        session::{Session, SessionEnd},
        time::{Timestamp, random},
        user::User,
    },
    passwords::{HashAlgorithm, MAX_PASSWORD_BYTES, needs_rehash},
    store::sessions::{EndSession, RecordLoginFailure, StartSession, TouchSession},
};
use std::{net::IpAddr, sync::Arc, time::Duration};

/// What the operator set about sessions.
#[derive(Clone, Debug)]
pub struct LoginRules {
    /// `SESSION_IDLE_TIMEOUT`, `None` when switched off.
    pub idle: Option<Duration>,
    /// From the sign-in on, no activity prolongs a session beyond it, unless the person asked to be remembered.
    pub longest: Duration,
    /// `SESSION_REMEMBER_ME_MAX_AGE`, `None` when switched off.
    pub remember_me: Option<Duration>,
    /// `SESSION_FINGERPRINT`.
    pub fingerprint: bool,
    /// `SESSION_FINGERPRINT_IP`.
    pub fingerprint_ip: bool,
    /// How passwords are to be stored; a row that differs is renewed at the next login.
    pub algorithm: HashAlgorithm,
    /// `LOGIN_MAX_FAILURES`: so many wrong passwords in a row lock an account; 0 for never.
    pub max_failures: u32,
}

/// What signing in needs.
#[derive(Clone)]
pub struct LoginDeps {
    /// Common ground.
    pub ground: Ground,
    /// Compares passwords.
    pub hasher: PasswordHasher,
    /// The operator's rules.
    pub rules: Arc<LoginRules>,
    /// Counts what is refused at the door.
    pub audit: AuditWriter,
}

/// A password login.
pub struct LoginRequest {
    /// As typed.
    pub username: String,
    /// As typed.
    pub password: Secret,
    /// "Stay signed in".
    pub remember_me: bool,
    /// Whence.
    pub address: IpAddr,
    /// Whence, for the trail and the session.
    pub origin: Origin,
    /// The session this browser had, which ends.
    pub previous: Option<String>,
}

/// A session that began.
pub struct SignedIn {
    /// What the cookie carries.
    pub session_id: Secret,
    /// Its row.
    pub session: Session,
    /// Who.
    pub user: User,
}

/// How long the session lives on that a person had in the same browser before they signed in again: other tabs still
/// send it.
const FADING: Duration = Duration::from_secs(300);
/// The longest name that is looked up, in bytes.
const MAX_USERNAME: usize = 255;

/// Signs a person in. Unknown people, wrong passwords, disabled and locked accounts cost the same and look the same:
/// `None`.
///
/// # Errors
/// [`FlowError::Unavailable`] when the password cannot be compared now, or nothing can be written.
pub async fn sign_in(
    deps: &LoginDeps,
    request: &LoginRequest,
) -> Result<Option<SignedIn>, FlowError> {
    if let Attempt::Answered(answer) = attempt(deps, request).await? {
        return Ok(answer.map(|signed_in| *signed_in));
    }
    match attempt(deps, request).await? {
        Attempt::Answered(answer) => Ok(answer.map(|signed_in| *signed_in)),
        Attempt::Overtaken => Err(FlowError::Unavailable(
            "the person was changed again while their password was compared".to_owned(),
        )),
    }
}

/// Whether so many passwords were wrong in a row that none is looked at any more.
pub(super) async fn is_locked(deps: &LoginDeps, account: &str) -> Result<bool, FlowError> {
    let most = deps.rules.max_failures;
    Ok(most > 0 && deps.ground.store.login_failures(account).await?.count >= most)
}

enum Attempt {
    Answered(Option<Box<SignedIn>>),
    /// The password was right for a person who was changed while it was compared: it is judged anew.
    Overtaken,
}

async fn attempt(deps: &LoginDeps, request: &LoginRequest) -> Result<Attempt, FlowError> {
    let found = match request.username.len() {
        0 => None,
        length if length > MAX_USERNAME => None,
        _ => deps.ground.store.user_meant_by(&request.username).await?,
    };
    // Under the name on record: what a database takes for the same letter is one account.
    let account = account_key(
        found
            .as_ref()
            .map_or(&*request.username, |user| &user.username),
    );
    let stored = found
        .as_ref()
        .map(|u| u.password_hash.clone())
        .filter(|hash| !hash.is_empty());
    let known = stored.is_some();
    let too_long = request.password.expose().len() > MAX_PASSWORD_BYTES;
    let password = if too_long {
        Secret::new("")
    } else {
        request.password.clone()
    };
    let matches = deps
        .hasher
        .verify(request.address, stored.clone(), password.to_bytes())
        .await?;
    let locked = is_locked(deps, &account).await?;
    let why = match &found {
        _ if locked => "Account is locked after too many failures",
        None => "Unknown user",
        Some(_) if !known || !matches || too_long => "Invalid credentials",
        Some(user) if !user.is_active => "Account is disabled",
        Some(user) => {
            let Some(signed_in) = begin(deps, request, user, account).await? else {
                return Ok(Attempt::Overtaken);
            };
            upgrade(deps, user, request, stored.as_deref()).await;
            return Ok(Attempt::Answered(Some(Box::new(signed_in))));
        }
    };
    fail(deps, request, found.as_ref(), account, why).await?;
    Ok(Attempt::Answered(None))
}

/// One counter for all spellings of a name, and no names of people in the table of failures.
pub(super) fn account_key(username: &str) -> String {
    sha256_hex(username.trim().to_lowercase().as_bytes())
}

async fn begin(
    deps: &LoginDeps,
    request: &LoginRequest,
    user: &User,
    account: String,
) -> Result<Option<SignedIn>, FlowError> {
    let now = deps.ground.now();
    let session_id = hex(&random::<32>(&*deps.ground.entropy)?);
    let remember = deps.rules.remember_me.filter(|_| request.remember_me);
    let session = Session {
        hash: sha256_hex(session_id.as_bytes()),
        user_id: user.id.clone(),
        auth_time: now,
        last_seen_at: now,
        expires_at: now + remember.unwrap_or(deps.rules.longest),
        remember_me: remember.is_some(),
        fingerprint: fingerprint(&deps.rules, &request.origin),
        ip: request.origin.ip.clone(),
        user_agent: request.origin.user_agent.chars().take(500).collect(),
        revoked_at: None,
        code_misses: 0,
    };
    let event = AuditEvent::new(EventType::AuthenticationSuccess, "User signed in")
        .by(user.into())
        .on(ResourceType::User, user.id.as_str(), user.username.as_str())
        .with("auth_source", user.auth_source.as_str())
        .with("provider", "local")
        .from(&request.origin);
    let audit = deps.ground.rows(now, vec![event])?;
    let unit = StartSession {
        session: session.clone(),
        password_hash: user.password_hash.clone(),
        previous: request.previous.clone(),
        fades_at: now + FADING,
        account,
        audit,
    };
    let began = deps.ground.commit(unit).await?;
    Ok(began.then(|| SignedIn {
        session_id: Secret::new(session_id),
        session,
        user: user.clone(),
    }))
}

/// Stores the password anew when the operator asks for a stronger hash than the row has. Failing costs nothing: the next
/// login tries again.
async fn upgrade(deps: &LoginDeps, user: &User, request: &LoginRequest, stored: Option<&str>) {
    let Some(old) = stored.filter(|old| needs_rehash(old, deps.rules.algorithm)) else {
        return;
    };
    let outcome = match deps
        .hasher
        .hash(request.address, request.password.to_bytes())
        .await
    {
        Ok(new) => {
            let unit = crate::store::users::ReplacePasswordHash {
                user_id: user.id.clone(),
                old: old.to_owned(),
                new,
                at: deps.ground.now(),
            };
            deps.ground.commit(unit).await.map(|_| ())
        }
        Err(error) => Err(error.into()),
    };
    if let Err(error) = outcome {
        tracing::warn!(user = %user.id, ?error, "the password hash was not renewed");
    }
}

async fn fail(
    deps: &LoginDeps,
    request: &LoginRequest,
    user: Option<&User>,
    account: String,
    why: &'static str,
) -> Result<(), FlowError> {
    let at = deps.ground.now();
    let mut event = AuditEvent::new(EventType::AuthenticationFailure, "User failed to sign in")
        .at(Severity::Warning)
        .with(
            "auth_source",
            user.map_or("local", |u| u.auth_source.as_str()),
        )
        .with("provider", "local")
        .failed(why)
        .from(&request.origin);
    event = match user {
        Some(user) => {
            event
                .by(user.into())
                .on(ResourceType::User, user.id.as_str(), user.username.as_str())
        }
        None => event.by(Actor::Claimed(request.username.clone())),
    };
    let audit = deps.ground.rows(at, vec![event])?;
    deps.ground
        .commit(RecordLoginFailure { account, at, audit })
        .await?;
    Ok(())
}

/// What a session is bound to, by `SESSION_FINGERPRINT` and `SESSION_FINGERPRINT_IP`; empty for nothing.
pub fn fingerprint(rules: &LoginRules, origin: &Origin) -> String {
    match (rules.fingerprint, rules.fingerprint_ip) {
        (false, _) => String::new(),
        (true, false) => sha256_hex(origin.user_agent.as_bytes()),
        (true, true) => sha256_hex(format!("{}|{}", origin.ip, origin.user_agent).as_bytes()),
    }
}

/// What a cookie's session id stands for.
pub enum Visit {
    /// Nobody.
    Nobody,
    /// Somebody whose session has ended, with the reason worth telling.
    Ended(SessionEnd),
    /// Somebody.
    Person(Box<(Session, User)>),
}

/// Finds who is signed in, and keeps the session from falling asleep.
///
/// # Errors
/// [`FlowError::Unavailable`] when the database cannot say: then nobody is signed out either.
pub async fn visit(
    deps: &LoginDeps,
    session_id: &str,
    origin: &Origin,
) -> Result<Visit, FlowError> {
    let hash = sha256_hex(session_id.as_bytes());
    let Some((session, user)) = deps.ground.store.session(&hash).await? else {
        return Ok(Visit::Nobody);
    };
    let now = deps.ground.now();
    if !user.is_active {
        return Ok(Visit::Ended(SessionEnd::Over));
    }
    if let Err(end) = session.check(now, deps.rules.idle, &fingerprint(&deps.rules, origin)) {
        if end == SessionEnd::Moved {
            noticed::moved(&deps.audit, (&session, &user), origin);
        }
        return Ok(Visit::Ended(end));
    }
    if session.is_stale(now, deps.rules.idle) {
        let touched = deps.ground.try_commit(TouchSession { hash, at: now }).await;
        if let Err(error) = touched {
            // It only falls asleep earlier, which is no reason to show nothing.
            tracing::debug!(%error, "a session could not be noted as in use");
        }
    }
    Ok(Visit::Person(Box::new((session, user))))
}

/// Ends the session on the server, so that a copied cookie is worth nothing.
///
/// # Errors
/// As the store.
pub async fn sign_out(
    deps: &LoginDeps,
    session: &Session,
    user: &User,
    origin: &Origin,
) -> Result<(), FlowError> {
    let at: Timestamp = deps.ground.now();
    let event = AuditEvent::new(EventType::Logout, "User signed out")
        .by(user.into())
        .on(ResourceType::User, user.id.as_str(), user.username.as_str())
        .from(origin);
    let audit = deps.ground.rows(at, vec![event])?;
    deps.ground
        .commit(EndSession {
            hash: session.hash.clone(),
            at,
            audit,
        })
        .await?;
    Ok(())
}
