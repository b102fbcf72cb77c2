//! Where a person is signed in.
use super::{AccountDeps, Oneself, events};
use crate::{
    domain::session::Session,
    flows::FlowError,
    store::sessions::owned::{EndOwnSessions, NAME},
};

/// One's sessions that still count, the last used first.
///
/// # Errors
/// As the store.
pub async fn browsers(deps: &AccountDeps, oneself: &Oneself) -> Result<Vec<Session>, FlowError> {
    let now = deps.ground().now();
    let idle = deps.login.rules.idle;
    let found = deps
        .ground()
        .store
        .own_sessions(&oneself.user.id, now)
        .await?;
    Ok(found
        .into_iter()
        .filter(|session| session.counts(now, idle))
        .collect())
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
