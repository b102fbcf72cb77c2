//! Where a person is signed in.
use super::{AccountDeps, Oneself, events};
use crate::{
    domain::{
        paging::{Leaf, Slice},
        session::Session,
    },
    flows::FlowError,
    store::sessions::owned::{EndOwnSessions, Living, NAME},
};

fn living<'a>(deps: &AccountDeps, oneself: &'a Oneself) -> Living<'a> {
    Living {
        user_id: &oneself.user.id,
        now: deps.ground().now(),
        idle: deps.login.rules.idle,
    }
}

/// A page of one's sessions that still count, the last used first.
///
/// # Errors
/// As the store.
pub async fn browsers(
    deps: &AccountDeps,
    oneself: &Oneself,
    slice: &Slice,
) -> Result<Leaf<Session>, FlowError> {
    let store = &deps.ground().store;
    Ok(store.sessions_page(&living(deps, oneself), slice).await?)
}

/// One's session of this name.
///
/// # Errors
/// As the store.
pub async fn browser(
    deps: &AccountDeps,
    oneself: &Oneself,
    name: &str,
) -> Result<Option<Session>, FlowError> {
    if !is_name(name) {
        return Ok(None);
    }
    let store = &deps.ground().store;
    Ok(store.session_named(&living(deps, oneself), name).await?)
}

/// How many browsers one is signed in with besides this one.
///
/// # Errors
/// As the store.
pub async fn other_browsers(deps: &AccountDeps, oneself: &Oneself) -> Result<u64, FlowError> {
    let (store, kept) = (&deps.ground().store, &oneself.session.hash);
    Ok(store.sessions_besides(&living(deps, oneself), kept).await?)
}

/// Ends the session of this name, which is not the present one. Tells whether there was one.
///
/// # Errors
/// As the store.
pub async fn end_browser(
    deps: &AccountDeps,
    oneself: &Oneself,
    name: &str,
) -> Result<bool, FlowError> {
    Ok(is_name(name) && end(deps, oneself, Some(name)).await? > 0)
}

/// Whether a text names one session. Anything shorter could mean more than one.
pub fn is_name(name: &str) -> bool {
    name.len() == NAME && name.bytes().all(|b| b.is_ascii_hexdigit())
}

/// Ends all sessions but the present one. Tells how many.
///
/// # Errors
/// As the store.
pub async fn end_other_browsers(deps: &AccountDeps, oneself: &Oneself) -> Result<u64, FlowError> {
    end(deps, oneself, None).await
}

async fn end(deps: &AccountDeps, oneself: &Oneself, name: Option<&str>) -> Result<u64, FlowError> {
    let ground = deps.ground();
    let at = ground.now();
    let unit = EndOwnSessions {
        user_id: oneself.user.id.clone(),
        name: name.map(str::to_owned),
        kept: oneself.session.hash.clone(),
        at,
        audit: ground.rows(at, vec![events::browsers(oneself, name)])?,
    };
    ground.commit(unit).await
}
