//! A person's own password: changed with the current one only (SS-13), by the policy (PW-01, PW-02), and with an end to
//! all other sessions (SS-02).
use super::{AccountDeps, Oneself, events};
use crate::{
    domain::{
        digest::{hex, sha256_hex},
        secret::Secret,
        session::Session,
        time::random,
    },
    flows::{
        FlowError,
        login::{account_key, is_locked},
        people::is_local,
    },
    passwords::{MAX_PASSWORD_BYTES, PolicyViolation},
    store::{
        StoreError,
        sessions::{RecordLoginFailure, owned::ChangePassword},
    },
};
use std::net::IpAddr;

/// What was typed.
pub struct NewPassword {
    /// The one until now.
    pub current: Secret,
    /// The one from now on.
    pub new: Secret,
    /// The same again.
    pub repeated: Secret,
    /// Whether apps and devices are signed out as well.
    pub end_tokens: bool,
    /// Whence, for the hasher's queue.
    pub address: IpAddr,
}

/// Why it stays.
#[derive(Debug)]
pub enum PasswordError {
    /// The current one is wrong.
    WrongCurrent,
    /// Too many were wrong.
    Locked,
    /// The two new ones differ.
    Differ,
    /// The new one is the current one.
    Same,
    /// The new one is not good enough.
    Policy(PolicyViolation),
    /// It lives elsewhere.
    NotLocal,
    /// Somebody changed it in the meantime.
    Stale,
    /// Something else.
    Flow(FlowError),
}

impl<E: Into<FlowError>> From<E> for PasswordError {
    fn from(error: E) -> Self {
        Self::Flow(error.into())
    }
}

/// Changes it. Tells what the cookie carries from now on.
///
/// # Errors
/// [`PasswordError`].
pub async fn change_password(
    deps: &AccountDeps,
    oneself: &Oneself,
    typed: &NewPassword,
) -> Result<Secret, PasswordError> {
    let user = &oneself.user;
    if !is_local(user) || user.password_hash.is_empty() {
        return Err(PasswordError::NotLocal);
    }
    prove(deps, oneself, typed).await?;
    judge(deps, oneself, typed)?;
    let hasher = &deps.login.hasher;
    let new = hasher.hash(typed.address, typed.new.to_bytes()).await?;
    let (session_id, session) = renewed(deps, oneself)?;
    let ground = deps.ground();
    let at = ground.now();
    let unit = ChangePassword {
        user_id: user.id.clone(),
        old: user.password_hash.clone(),
        new,
        session,
        account: account_key(&user.username),
        end_tokens: typed.end_tokens,
        at,
        audit: ground.rows(
            at,
            vec![events::password_changed(oneself, typed.end_tokens)],
        )?,
    };
    if ground.commit(unit).await? {
        Ok(session_id)
    } else {
        Err(PasswordError::Stale)
    }
}

/// Compares the current password. Failures count as failures to sign in do, so that a session left open is no place to
/// guess a password.
async fn prove(
    deps: &AccountDeps,
    oneself: &Oneself,
    typed: &NewPassword,
) -> Result<(), PasswordError> {
    let (ground, user) = (deps.ground(), &oneself.user);
    let account = account_key(&user.username);
    if is_locked(&deps.login, &account).await? {
        return Err(PasswordError::Locked);
    }
    let stored = Some(user.password_hash.clone());
    let hasher = &deps.login.hasher;
    let matches = typed.current.expose().len() <= MAX_PASSWORD_BYTES
        && hasher
            .verify(typed.address, stored, typed.current.to_bytes())
            .await?;
    if matches {
        return Ok(());
    }
    let at = ground.now();
    let audit = ground.rows(at, vec![events::wrong_password(oneself)])?;
    ground
        .commit(RecordLoginFailure { account, at, audit })
        .await?;
    Err(PasswordError::WrongCurrent)
}

fn judge(deps: &AccountDeps, oneself: &Oneself, typed: &NewPassword) -> Result<(), PasswordError> {
    let (new, user) = (typed.new.expose(), &oneself.user);
    if new != typed.repeated.expose() {
        return Err(PasswordError::Differ);
    }
    if new == typed.current.expose() {
        return Err(PasswordError::Same);
    }
    let words = [&user.username, &user.email, &user.full_name].map(String::as_str);
    let policy = (*deps.policy).clone().with_context(words);
    policy.check(new).map_err(PasswordError::Policy)
}

/// The present session under a new name: who knew the old one gets nothing (SS-01).
fn renewed(deps: &AccountDeps, oneself: &Oneself) -> Result<(Secret, Session), StoreError> {
    let bytes = random::<32>(&*deps.ground().entropy)
        .map_err(|error| StoreError::Unavailable(error.to_string()))?;
    let session_id = hex(&bytes);
    let now = deps.ground().now();
    let session = Session {
        hash: sha256_hex(session_id.as_bytes()),
        // The person has just proved who they are.
        auth_time: now,
        last_seen_at: now,
        ..oneself.session.clone()
    };
    Ok((Secret::new(session_id), session))
}
