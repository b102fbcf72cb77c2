//! Ending clients and what they were given.
use super::{Capacity, Editor, RegistryDeps, RegistryError, done, events, find};
use crate::{
    domain::{ids::ClientId, registration::MAX_REASON},
    store::clients::ending::{DeleteClient, RejectClient, RevokeAll},
};

pub use crate::store::endings::Ended;

/// Rejects a client that waits for approval, with everything that it may still have from earlier.
///
/// # Errors
/// [`RegistryError::Unknown`]; [`RegistryError::WrongState`] when it does not wait.
pub async fn reject(
    deps: &RegistryDeps,
    editor: &Editor,
    client_id: &ClientId,
    reason: &str,
) -> Result<(), RegistryError> {
    let client = find(deps, client_id, (&editor.user.id, Capacity::Administrator)).await?;
    let at = deps.ground.now();
    let reason: String = reason.trim().chars().take(MAX_REASON).collect();
    let event = events::rejected(&client, &reason)
        .by(editor.actor())
        .from(&editor.origin);
    let unit = RejectClient {
        client_id: client_id.clone(),
        reason,
        at,
        audit: deps.ground.rows(at, vec![event])?,
    };
    done(deps.ground.commit(unit).await?, RegistryError::WrongState)
}

/// Deletes a client, and with it every token that it was given.
///
/// # Errors
/// [`RegistryError::Unknown`], [`RegistryError::Foreign`]; [`RegistryError::WrongState`] for an owner whose client is in
/// use.
pub async fn delete(
    deps: &RegistryDeps,
    editor: &Editor,
    client_id: &ClientId,
    capacity: Capacity,
) -> Result<(), RegistryError> {
    let client = find(deps, client_id, (&editor.user.id, capacity)).await?;
    let at = deps.ground.now();
    let event = events::deleted(&client, capacity)
        .by(editor.actor())
        .from(&editor.origin);
    let own = capacity == Capacity::Owner;
    let unit = DeleteClient {
        client_id: client_id.clone(),
        owner: own.then(|| editor.user.id.as_str().to_owned()),
        even_active: !own,
        at,
        audit: deps.ground.rows(at, vec![event])?,
    };
    done(deps.ground.commit(unit).await?, RegistryError::WrongState)
}

/// Revokes every token and consent of a client; the client stays.
///
/// # Errors
/// [`RegistryError::Unknown`].
pub async fn revoke_all(
    deps: &RegistryDeps,
    editor: &Editor,
    client_id: &ClientId,
) -> Result<Ended, RegistryError> {
    let client = find(deps, client_id, (&editor.user.id, Capacity::Administrator)).await?;
    let at = deps.ground.now();
    let event = events::tokens_revoked(&client)
        .by(editor.actor())
        .from(&editor.origin);
    let unit = RevokeAll {
        client_id: client_id.clone(),
        at,
        audit: deps.ground.rows(at, vec![event])?,
    };
    deps.ground
        .commit(unit)
        .await?
        .ok_or(RegistryError::Unknown)
}
