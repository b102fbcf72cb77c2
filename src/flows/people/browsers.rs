//! Where a person is signed in, in the hands of administrators: what helps when a laptop is lost, and leaves apps, devices
//! and the password alone.
use super::{PeopleDeps, PeopleError, done, events, find};
use crate::{
    domain::{
        paging::{Leaf, Slice},
        session::Session,
        user::User,
    },
    flows::{FlowError, account::is_session_name, registry::Editor},
    store::{sessions::owned::Living, users::ending::EndSessionsOf},
};

/// Which sessions of a person.
#[derive(Clone, Copy, Debug)]
pub enum Browsers<'a> {
    /// The one of this name.
    Named(&'a str),
    /// All of them.
    All,
}

fn living<'a>(deps: &PeopleDeps, user: &'a User) -> Living<'a> {
    Living {
        user_id: &user.id,
        now: deps.ground.now(),
        idle: deps.idle,
    }
}

/// A page of a person's sessions that count, the last used first.
///
/// # Errors
/// As the store.
pub async fn browsers(
    deps: &PeopleDeps,
    user: &User,
    slice: &Slice,
) -> Result<Leaf<Session>, FlowError> {
    let store = &deps.ground.store;
    Ok(store.sessions_page(&living(deps, user), slice).await?)
}

/// A person's session of this name.
///
/// # Errors
/// As the store.
pub async fn browser(
    deps: &PeopleDeps,
    user: &User,
    name: &str,
) -> Result<Option<Session>, FlowError> {
    if !is_session_name(name) {
        return Ok(None);
    }
    let store = &deps.ground.store;
    Ok(store.session_named(&living(deps, user), name).await?)
}

/// How many sessions of a person count besides the one of the hash `kept`.
///
/// # Errors
/// As the store.
pub async fn other_browsers(deps: &PeopleDeps, user: &User, kept: &str) -> Result<u64, FlowError> {
    let store = &deps.ground.store;
    Ok(store.sessions_besides(&living(deps, user), kept).await?)
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
