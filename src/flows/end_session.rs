//! Signing out by way of a client (OpenID Connect RP-Initiated Logout 1.0).
use super::{FlowError, Ground, clients::Clients, id_token};
use crate::{
    actors::key_holder::KeyHolder,
    domain::{
        end_session::{EndParams, EndVerdict, HintState, judge},
        ids::{ClientId, UserId},
    },
    jose::KeySet,
};

/// What signing out by way of a client needs.
#[derive(Clone)]
pub struct EndSessionDeps {
    /// Common ground.
    pub ground: Ground,
    /// Whose addresses count.
    pub clients: Clients,
    /// Reads `id_token_hint`.
    pub keys: KeyHolder<KeySet>,
    /// `BASE_URL` without trailing slashes.
    pub issuer: String,
}

/// Judges a request, with the name of the client for the page that asks. Nothing is changed.
///
/// # Errors
/// [`FlowError::Unavailable`] when the database cannot say.
pub async fn consider(
    deps: &EndSessionDeps,
    params: &EndParams,
    visitor: Option<&UserId>,
) -> Result<(EndVerdict, Option<String>), FlowError> {
    let text = params.id_token_hint.as_str();
    let keys = deps.keys.current();
    let hint = match text {
        "" => None,
        text => id_token::hint(&keys, &deps.issuer, text),
    };
    let state = match &hint {
        Some(hint) => HintState::About(&hint.user_id),
        None if text.is_empty() => HintState::Absent,
        None => HintState::Invalid,
    };
    let hinted_client = hint.as_ref().map(|hint| hint.client_id.as_str());
    let named = Some(params.client_id.as_str())
        .filter(|id| !id.is_empty())
        .or(hinted_client);
    let client = match named {
        Some(id) => deps.clients.find(&ClientId::new(id)).await?,
        None => None,
    };
    let verdict = judge(params, client.as_deref(), state, hinted_client, visitor);
    Ok((verdict, client.map(|client| client.name.clone())))
}
