//! A client gets another owner: somebody leaves a team, or a program that registered itself finds whoever looks after it.
use super::{Capacity, Editor, RegistryDeps, RegistryError, done, events, find};
use crate::{
    domain::ids::{ClientId, UserId},
    store::clients::GiveClient,
};

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Given {
    /// It has another owner.
    Done,
    /// Nobody is called so.
    Nobody,
    /// Whoever is called so is switched off.
    Disabled,
    /// It is theirs.
    Already,
}

/// Gives a client to the person whose name an administrator types. What it may do and what it was given stays.
///
/// # Errors
/// [`RegistryError::Unknown`]; [`RegistryError::Stale`] when it is not any more as it was looked at.
pub async fn give(
    deps: &RegistryDeps,
    editor: &Editor,
    client_id: &ClientId,
    (typed, version): (&str, Option<i64>),
) -> Result<Given, RegistryError> {
    let client = find(deps, client_id, (&editor.user.id, Capacity::Administrator)).await?;
    let store = &deps.ground.store;
    let Some(owner) = store.user_meant_by(typed).await? else {
        return Ok(Given::Nobody);
    };
    if !owner.is_active {
        return Ok(Given::Disabled);
    }
    if client.owner == owner.id.as_str() {
        return Ok(Given::Already);
    }
    if version.is_some_and(|seen| seen != client.version) {
        return Err(RegistryError::Stale);
    }
    let previous = store.user(&UserId::new(client.owner.as_str())).await?;
    let event = editor.did(events::given(&client, &owner, previous.as_ref()));
    let at = deps.ground.now();
    let unit = GiveClient {
        client_id: client_id.clone(),
        version: client.version,
        owner: owner.id,
        at,
        audit: deps.ground.rows(at, vec![event])?,
    };
    done(deps.ground.commit(unit).await?, RegistryError::Stale)?;
    Ok(Given::Done)
}
