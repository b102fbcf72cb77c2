//! A new password for somebody who has lost theirs. It must be replaced at the first use, and what the old one opened
//! ends: sessions, tokens of every grant, codes.
use super::{
    PeopleDeps, PeopleError, WithPassword, check, commit, drawn, events, find, hashed, is_local,
};
use crate::{
    domain::{
        audit::{Actor, Origin},
        secret::Secret,
        user::User,
    },
    flows::{login::account_key, registry::Editor},
    store::users::ending::ResetPassword,
};

/// Who gives it.
enum Giver<'a> {
    /// An administrator, who must still be one.
    Administrator(&'a Editor),
    /// Whoever has the machine and its settings: the way back when no administrator can sign in.
    Operator,
}

/// Gives a person a password that is drawn and shown once.
///
/// # Errors
/// [`PeopleError::NotLocal`], [`PeopleError::Unknown`], [`PeopleError::NotAdmin`].
pub async fn reset_password(
    deps: &PeopleDeps,
    editor: &Editor,
    id: &str,
) -> Result<WithPassword, PeopleError> {
    let user = find(deps, id).await?;
    let password = drawn(deps)?;
    give(deps, &Giver::Administrator(editor), user, password).await
}

/// Gives the person of this name the password that the operator chose, or one that is drawn.
///
/// # Errors
/// [`PeopleError::NotLocal`], [`PeopleError::Unknown`], [`PeopleError::Password`].
pub async fn reset_by_operator(
    deps: &PeopleDeps,
    username: &str,
    chosen: Option<Secret>,
) -> Result<WithPassword, PeopleError> {
    let found = deps.ground.store.user_by_username(username).await?;
    let user = found.ok_or(PeopleError::Unknown)?;
    let password = match chosen {
        Some(chosen) => {
            check(deps, &chosen, [&user.username, &user.email])?;
            chosen
        }
        None => drawn(deps)?,
    };
    give(deps, &Giver::Operator, user, password).await
}

async fn give(
    deps: &PeopleDeps,
    giver: &Giver<'_>,
    user: User,
    password: Secret,
) -> Result<WithPassword, PeopleError> {
    if !is_local(&user) {
        return Err(PeopleError::NotLocal);
    }
    let (actor, name, origin) = match giver {
        Giver::Administrator(editor) => (
            Some(editor.user.id.clone()),
            editor.actor(),
            editor.origin.clone(),
        ),
        Giver::Operator => {
            let name = Actor::Claimed("command line".to_owned());
            (None, name, Origin::default())
        }
    };
    let hash = hashed(&deps.ground, deps.algorithm, &password).await?;
    let at = deps.ground.now();
    let event = events::password_reset(&user, name, &origin);
    let unit = ResetPassword {
        user_id: user.id.clone(),
        actor,
        hash,
        account: account_key(&user.username),
        at,
        audit: deps.ground.rows(at, vec![event])?,
    };
    commit(deps, unit, PeopleError::NotLocal).await?;
    Ok(WithPassword { user, password })
}
