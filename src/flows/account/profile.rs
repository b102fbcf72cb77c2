//! A person's name and linked logins.
//!
//! Their address is not theirs to change: providers that vouch for an address find a person by it, so whoever could
//! claim one could be signed in as its owner later.
use super::{AccountDeps, Oneself};
use crate::{
    domain::{account::MAX_FULL_NAME, registration::is_hidden},
    flows::{FlowError, deeds},
    store::{
        connections::{LinkedLogin, UnlinkOwnLogin, Unlinked},
        users::owned::RenameOneself,
    },
};

/// Why a name stays.
#[derive(Debug)]
pub enum ProfileError {
    /// Longer than so many characters.
    TooLong(usize),
    /// Control characters, or such that turn the direction of the text.
    HiddenCharacter,
    /// It comes from elsewhere at every sign-in.
    NotLocal,
    /// Something else.
    Flow(FlowError),
}

impl<E: Into<FlowError>> From<E> for ProfileError {
    fn from(error: E) -> Self {
        Self::Flow(error.into())
    }
}

/// Gives oneself another full name; the empty one is none.
///
/// # Errors
/// [`ProfileError`].
pub async fn rename(
    deps: &AccountDeps,
    oneself: &Oneself,
    full_name: &str,
) -> Result<(), ProfileError> {
    let full_name = full_name.trim();
    if full_name.chars().count() > MAX_FULL_NAME {
        return Err(ProfileError::TooLong(MAX_FULL_NAME));
    }
    if full_name.chars().any(is_hidden) {
        return Err(ProfileError::HiddenCharacter);
    }
    let ground = deps.ground();
    let at = ground.now();
    let user = &oneself.user;
    let event = oneself.did(deeds::updated(user, (&user.email, full_name, user.role)));
    let unit = RenameOneself {
        user_id: oneself.user.id.clone(),
        full_name: full_name.to_owned(),
        at,
        audit: ground.rows(at, vec![event])?,
    };
    if ground.commit(unit).await? {
        Ok(())
    } else {
        Err(ProfileError::NotLocal)
    }
}

/// One's linked logins.
///
/// # Errors
/// As the store.
pub async fn linked_logins(
    deps: &AccountDeps,
    oneself: &Oneself,
) -> Result<Vec<LinkedLogin>, FlowError> {
    Ok(deps.ground().store.linked_logins(&oneself.user.id).await?)
}

/// Takes one of one's linked logins away, unless it is the only way in.
///
/// # Errors
/// As the store.
pub async fn unlink(
    deps: &AccountDeps,
    oneself: &Oneself,
    id: &str,
) -> Result<Unlinked, FlowError> {
    let linked = linked_logins(deps, oneself).await?;
    let Some(login) = linked.into_iter().find(|login| login.id == id) else {
        return Ok(Unlinked::Unknown);
    };
    let ground = deps.ground();
    let at = ground.now();
    let event = oneself.did(deeds::unlinked(&oneself.user, &login));
    let unit = UnlinkOwnLogin {
        user_id: oneself.user.id.clone(),
        audit: ground.rows(at, vec![event])?,
        id: login.id,
        at,
    };
    ground.commit(unit).await
}
