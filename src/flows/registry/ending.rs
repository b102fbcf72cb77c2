//! Ending clients and what they were given.
use super::{Capacity, Editor, RegistryDeps, RegistryError, done, events, find};
use crate::{
    domain::ids::ClientId,
    flows::FlowError,
    store::clients::ending::{DeleteClient, EndTokensPiece, RejectClient, RevokeAll, RevokedAll},
};

/// The most pieces of one request: half a million tokens and more. What is left then is told.
const MOST_PIECES: u32 = 200;

/// What was ended.
pub type Ended = RevokedAll;

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
    let reason: String = reason.trim().chars().take(500).collect();
    let event = events::rejected(&client, &reason)
        .by(editor.actor())
        .from(&editor.origin);
    let unit = RejectClient {
        client_id: client_id.clone(),
        reason,
        at,
        audit: deps.ground.rows(at, vec![event])?,
    };
    done(deps.ground.commit(unit).await?, RegistryError::WrongState)?;
    pieces(deps, client_id).await.map(|_| ())
}

/// Deletes a client: it is gone at once, and so is every token that is looked up with it; then its rows are ended.
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
    done(deps.ground.commit(unit).await?, RegistryError::WrongState)?;
    pieces(deps, client_id).await.map(|_| ())
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
    let before = pieces(deps, client_id).await?;
    let at = deps.ground.now();
    let event = events::tokens_revoked(&client)
        .by(editor.actor())
        .from(&editor.origin);
    let unit = RevokeAll {
        client_id: client_id.clone(),
        before,
        at,
        audit: deps.ground.rows(at, vec![event])?,
    };
    deps.ground
        .commit(unit)
        .await?
        .ok_or(RegistryError::Unknown)
}

async fn pieces(deps: &RegistryDeps, client_id: &ClientId) -> Result<u64, RegistryError> {
    end_tokens(deps, client_id)
        .await
        .map_err(RegistryError::Flow)
}

/// Ends tokens piece by piece, so that others' commits come in between. Tells how many.
///
/// # Errors
/// [`FlowError::Unavailable`] when there are more than one request may end.
pub async fn end_tokens(deps: &RegistryDeps, client_id: &ClientId) -> Result<u64, FlowError> {
    let mut tokens = 0;
    for _ in 0..MOST_PIECES {
        let piece = EndTokensPiece {
            client_id: client_id.clone(),
            at: deps.ground.now(),
        };
        let ended = deps.ground.commit(piece).await?;
        tokens += ended.tokens;
        if !ended.more {
            return Ok(tokens);
        }
    }
    Err(FlowError::Unavailable(
        "the client has more tokens than one request may end; repeat it".to_owned(),
    ))
}
