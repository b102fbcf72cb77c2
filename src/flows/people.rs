//! What administrators do to people. Nobody does it to themselves, and somebody is always left to administer.
use super::{FlowError, Ground, client_secret::hashed, deeds, registry::Editor};
use crate::{
    domain::{
        account::{AccountDraft, AccountFault, AccountField, judge_edit, judge_new},
        ids::UserId,
        secret::Secret,
        submission::Submission,
        time::random,
        user::User,
    },
    passwords::{HashAlgorithm, PasswordPolicy},
    store::{
        StoreError, Unit,
        connections::{LinkedLogin, UnlinkLogin},
        users::{
            changing::{EnableUser, InsertUser, UpdateUser, UserChanged},
            ending::{DeleteUser, DisableUser},
        },
    },
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use std::{sync::Arc, time::Duration};

mod browsers;
mod events;
mod reset;
pub use crate::passwords::PolicyViolation;
pub use browsers::{Browsers, browser, browsers, end_browsers, other_browsers};
pub use reset::{reset_by_operator, reset_password};

/// What it needs.
#[derive(Clone)]
pub struct PeopleDeps {
    /// Common ground.
    pub ground: Ground,
    /// How they are hashed.
    pub algorithm: HashAlgorithm,
    /// What a password must be.
    pub policy: Arc<PasswordPolicy>,
    /// `SESSION_IDLE_TIMEOUT`, `None` when switched off.
    pub idle: Option<Duration>,
}

/// Why nothing was done.
#[derive(Debug)]
pub enum PeopleError {
    /// Faults of a form.
    Faults(Vec<(AccountField, AccountFault)>),
    /// The password is not good enough.
    Password(PolicyViolation),
    /// Nobody does it to themselves.
    Oneself,
    /// Nobody would be left to administer.
    LastAdmin,
    /// There is no such person.
    Unknown,
    /// They are in that state already.
    AlreadySo,
    /// They changed since they were looked at.
    Stale,
    /// Their password lives elsewhere.
    NotLocal,
    /// Who asked is no administrator any more.
    NotAdmin,
    /// The same form made this person before.
    Already(UserId),
    /// Something else.
    Flow(FlowError),
}

impl<E: Into<FlowError>> From<E> for PeopleError {
    fn from(error: E) -> Self {
        Self::Flow(error.into())
    }
}

/// A person with a password that is shown once.
pub struct WithPassword {
    /// Who.
    pub user: User,
    /// What they sign in with, once.
    pub password: Secret,
}

/// The person of this id.
///
/// # Errors
/// [`PeopleError::Unknown`].
pub async fn find(deps: &PeopleDeps, id: &str) -> Result<User, PeopleError> {
    let found = deps.ground.store.user(&UserId::new(id)).await?;
    found.ok_or(PeopleError::Unknown)
}

/// Makes a person; one for each submission. The password is the one that was typed, or one that is drawn; either must be replaced at first use.
///
/// # Errors
/// [`PeopleError::Faults`], [`PeopleError::Password`], [`PeopleError::Already`].
pub async fn create(
    deps: &PeopleDeps,
    editor: &Editor,
    (draft, password, submission): (&AccountDraft, &Secret, Option<Submission>),
) -> Result<WithPassword, PeopleError> {
    let account = judge_new(draft).map_err(PeopleError::Faults)?;
    let password = if password.expose().is_empty() {
        drawn(deps)?
    } else {
        check(deps, password, [&account.username, &account.email])?;
        password.clone()
    };
    let now = deps.ground.now();
    let user = User {
        id: UserId::new(deps.ground.id_of(submission)?),
        username: account.username,
        email: account.email,
        password_hash: hashed(&deps.ground, deps.algorithm, &password).await?,
        role: account.role,
        full_name: account.full_name,
        avatar_url: String::new(),
        is_active: true,
        email_verified: false,
        auth_source: "local".to_owned(),
        must_change_password: true,
        created_at: now,
        updated_at: now,
    };
    let audit = deps
        .ground
        .rows(now, vec![events::created(&user, editor)])?;
    let unit = || InsertUser {
        user: user.clone(),
        actor: editor.user.id.clone(),
        audit: audit.clone(),
    };
    // Two who choose the same name at once: the second time the unit sees it.
    let outcome = match deps.ground.try_commit(unit()).await {
        Err(StoreError::Conflict) => deps.ground.try_commit(unit()).await?,
        outcome => outcome?,
    };
    if outcome == UserChanged::Already {
        return Err(PeopleError::Already(user.id));
    }
    done(outcome, PeopleError::Stale)?;
    Ok(WithPassword { user, password })
}

/// Whether a password that somebody chose for a person of these names is good enough.
fn check(deps: &PeopleDeps, password: &Secret, names: [&String; 2]) -> Result<(), PeopleError> {
    let policy = (*deps.policy).clone();
    let policy = policy.with_context(names.map(String::as_str));
    policy
        .check(password.expose())
        .map_err(PeopleError::Password)
}

/// 120 random bits in twenty characters: more than any rule for passwords asks for.
fn drawn(deps: &PeopleDeps) -> Result<Secret, FlowError> {
    Ok(Secret::new(
        URL_SAFE_NO_PAD.encode(random::<15>(&*deps.ground.entropy)?),
    ))
}

fn done(outcome: UserChanged, stale: PeopleError) -> Result<(), PeopleError> {
    let taken = |field| Err(PeopleError::Faults(vec![(field, AccountFault::Taken)]));
    match outcome {
        UserChanged::Done => Ok(()),
        UserChanged::Stale | UserChanged::Already => Err(stale),
        UserChanged::Gone => Err(PeopleError::Unknown),
        UserChanged::LastAdmin => Err(PeopleError::LastAdmin),
        UserChanged::NotAdmin => Err(PeopleError::NotAdmin),
        UserChanged::EmailTaken => taken(AccountField::Email),
        UserChanged::UsernameTaken => taken(AccountField::Username),
    }
}

/// Changes address, full name and role. `version` is [`version`] of the person as the form showed them.
///
/// # Errors
/// [`PeopleError::Faults`], [`PeopleError::Stale`], [`PeopleError::Unknown`].
pub async fn update(
    deps: &PeopleDeps,
    editor: &Editor,
    id: &str,
    (draft, seen): (&AccountDraft, Option<&str>),
) -> Result<(), PeopleError> {
    let user = find(deps, id).await?;
    let account = judge_edit(draft, user.role).map_err(PeopleError::Faults)?;
    if user.id == editor.user.id && account.role != user.role {
        return Err(PeopleError::Faults(vec![(
            AccountField::Role,
            AccountFault::OwnRole,
        )]));
    }
    if seen.is_some_and(|seen| seen != version(&user)) {
        return Err(PeopleError::Stale);
    }
    let at = deps.ground.now();
    let audit = deps
        .ground
        .rows(at, events::updated(&user, &account, editor))?;
    let unit = || UpdateUser {
        seen: user.clone(),
        account: account.clone(),
        actor: editor.user.id.clone(),
        at,
        audit: audit.clone(),
    };
    let outcome = match deps.ground.try_commit(unit()).await {
        Err(StoreError::Conflict) => deps.ground.try_commit(unit()).await?,
        outcome => outcome?,
    };
    match done(outcome, PeopleError::Stale) {
        Err(PeopleError::LastAdmin) => Err(PeopleError::Faults(vec![(
            AccountField::Role,
            AccountFault::LastAdmin,
        )])),
        outcome => outcome,
    }
}

/// What a form was filled in with, so that it is not sent over somebody else's change.
pub fn version(user: &User) -> String {
    let text = [&user.email, &user.full_name, user.role.as_str()].join("\u{1f}");
    let digest = crate::domain::digest::sha256_base64url(text.as_bytes());
    digest.chars().take(22).collect()
}

/// Switches a person off, with everything that was given in their name.
///
/// # Errors
/// [`PeopleError::Oneself`], [`PeopleError::LastAdmin`], [`PeopleError::AlreadySo`], [`PeopleError::Unknown`].
pub async fn disable(deps: &PeopleDeps, editor: &Editor, id: &str) -> Result<(), PeopleError> {
    let user = somebody_else(deps, editor, id).await?;
    let at = deps.ground.now();
    let unit = DisableUser {
        user_id: user.id.clone(),
        actor: editor.user.id.clone(),
        at,
        audit: deps
            .ground
            .rows(at, vec![events::disabled(&user, editor)])?,
    };
    commit(deps, unit, PeopleError::AlreadySo).await
}

/// Switches a person on again.
///
/// # Errors
/// As [`disable`].
pub async fn enable(deps: &PeopleDeps, editor: &Editor, id: &str) -> Result<(), PeopleError> {
    let user = somebody_else(deps, editor, id).await?;
    let at = deps.ground.now();
    let unit = EnableUser {
        user_id: user.id.clone(),
        actor: editor.user.id.clone(),
        at,
        audit: deps.ground.rows(at, vec![events::enabled(&user, editor)])?,
    };
    commit(deps, unit, PeopleError::AlreadySo).await
}

/// Deletes a person; their clients go to who deletes them.
///
/// # Errors
/// [`PeopleError::Oneself`], [`PeopleError::LastAdmin`], [`PeopleError::Unknown`].
pub async fn delete(deps: &PeopleDeps, editor: &Editor, id: &str) -> Result<User, PeopleError> {
    let user = somebody_else(deps, editor, id).await?;
    let at = deps.ground.now();
    let unit = DeleteUser {
        user_id: user.id.clone(),
        actor: editor.user.id.clone(),
        at,
        audit: deps.ground.rows(at, vec![events::deleted(&user, editor)])?,
    };
    commit(deps, unit, PeopleError::Stale).await?;
    Ok(user)
}

/// Whether the password lives here.
pub fn is_local(user: &User) -> bool {
    matches!(user.auth_source.as_str(), "" | "local")
}

async fn somebody_else(deps: &PeopleDeps, editor: &Editor, id: &str) -> Result<User, PeopleError> {
    let user = find(deps, id).await?;
    if user.id == editor.user.id {
        return Err(PeopleError::Oneself);
    }
    Ok(user)
}

async fn commit<U>(deps: &PeopleDeps, unit: U, stale: PeopleError) -> Result<(), PeopleError>
where
    U: Unit<Answer = UserChanged>,
{
    done(deps.ground.commit(unit).await?, stale)
}

/// The logins that are linked to a person, and whether a password would be left without them.
///
/// # Errors
/// [`PeopleError::Unknown`].
pub async fn connections(
    deps: &PeopleDeps,
    id: &str,
) -> Result<(User, Vec<LinkedLogin>), PeopleError> {
    let user = find(deps, id).await?;
    let linked = deps.ground.store.linked_logins(&user.id).await?;
    Ok((user, linked))
}

/// Takes a linked login away.
///
/// # Errors
/// [`PeopleError::Unknown`] when the person has no such login.
pub async fn unlink(
    deps: &PeopleDeps,
    editor: &Editor,
    (id, connection): (&str, &str),
) -> Result<(), PeopleError> {
    let (user, linked) = connections(deps, id).await?;
    let login = linked
        .into_iter()
        .find(|login| login.id == connection)
        .ok_or(PeopleError::Unknown)?;
    let at = deps.ground.now();
    let event = editor.did(deeds::unlinked(&user, &login));
    let unit = UnlinkLogin {
        user_id: user.id.clone(),
        id: login.id.clone(),
        audit: deps.ground.rows(at, vec![event])?,
    };
    if deps.ground.commit(unit).await? {
        Ok(())
    } else {
        Err(PeopleError::Unknown)
    }
}
