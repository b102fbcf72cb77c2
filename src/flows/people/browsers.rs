//! Where a person is signed in, in the hands of administrators: what helps when a laptop is lost, and leaves apps, devices
//! and the password alone.
use super::{PeopleDeps, PeopleError, done, events, find};
use crate::{
    domain::{session::Session, user::User},
    flows::{account::is_session_name, registry::Editor},
    store::users::ending::EndSessionsOf,
};

/// Which sessions of a person.
#[derive(Clone, Copy, Debug)]
pub enum Browsers<'a> {
    /// The one of this name.
    Named(&'a str),
    /// All of them.
    All,
}

/// A person and their sessions that count, the last used first.
///
/// # Errors
/// [`PeopleError::Unknown`].
pub async fn browsers(deps: &PeopleDeps, id: &str) -> Result<(User, Vec<Session>), PeopleError> {
    let user = find(deps, id).await?;
    let now = deps.ground.now();
    let found = deps.ground.store.own_sessions(&user.id, now).await?;
    let counts = |session: &Session| session.counts(now, deps.idle);
    Ok((user, found.into_iter().filter(counts).collect()))
}

/// Signs a person out in one browser or in all; the session of the hash `kept` stays, in which an administrator asks for
/// the end of their own. Tells how many ended.
///
/// # Errors
/// [`PeopleError::Unknown`], [`PeopleError::NotAdmin`].
pub async fn end_browsers(
    deps: &PeopleDeps,
    editor: &Editor,
    (id, which): (&str, Browsers<'_>),
    kept: &str,
) -> Result<u64, PeopleError> {
    let user = find(deps, id).await?;
    let name = match which {
        Browsers::Named(name) if !is_session_name(name) => return Ok(0),
        Browsers::Named(name) => Some(name),
        Browsers::All => None,
    };
    let at = deps.ground.now();
    let event = events::signed_out(&user, name, editor);
    let unit = EndSessionsOf {
        user_id: user.id.clone(),
        actor: editor.user.id.clone(),
        name: name.map(str::to_owned),
        kept: kept.to_owned(),
        at,
        audit: deps.ground.rows(at, vec![event])?,
    };
    match deps.ground.commit(unit).await? {
        Ok(ended) => Ok(ended),
        Err(refused) => done(refused, PeopleError::Stale).map(|()| 0),
    }
}
