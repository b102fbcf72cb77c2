//! Tokens in the hands of the person they speak for.
use super::{AccountDeps, Oneself, events};
use crate::{
    domain::paging::{Leaf, Slice},
    flows::{
        FlowError, deeds,
        single_tokens::{Power, carry_out},
    },
    store::{
        endings::{Ended, Ending, Holder},
        tokens::owned::{EndOwnTokens, OwnToken, OwnTokenQuery},
    },
};

pub use crate::flows::single_tokens::{Deed, Outcome};

/// One's tokens, as the list shows them.
pub struct Own {
    /// A page of them.
    pub leaf: Leaf<OwnToken>,
    /// All of them ended, and their rows are following.
    pub ending: Option<Ending>,
}

/// A page of one's tokens.
///
/// # Errors
/// As the store.
pub async fn tokens(
    deps: &AccountDeps,
    oneself: &Oneself,
    (query, slice): (&OwnTokenQuery, &Slice),
) -> Result<Own, FlowError> {
    let store = &deps.ground().store;
    let id = &oneself.user.id;
    let (leaf, ending) = tokio::join!(
        store.own_tokens(id, query, slice),
        store.ending(Holder::Person, id.as_str())
    );
    Ok(Own {
        leaf: leaf?,
        ending: ending?,
    })
}

/// One of one's tokens.
///
/// # Errors
/// As the store.
pub async fn token(
    deps: &AccountDeps,
    oneself: &Oneself,
    id: &str,
) -> Result<Option<OwnToken>, FlowError> {
    Ok(deps.ground().store.own_token(&oneself.user.id, id).await?)
}

/// Revokes one of one's tokens, or switches it off or on. What an administrator switched off stays off.
///
/// # Errors
/// As the store.
pub async fn treat(
    deps: &AccountDeps,
    oneself: &Oneself,
    (id, deed): (&str, Deed),
) -> Result<Outcome, FlowError> {
    let Some(own) = token(deps, oneself, id).await? else {
        return Ok(Outcome::Unknown);
    };
    let (token, ground) = (own.token, deps.ground());
    let event = oneself.did(deeds::token(&token, deed));
    let by = Power {
        person: &oneself.user.id,
        over: false,
    };
    carry_out(ground, (&token, deed), by, event, ground.now()).await
}

/// Signs all of one's apps and devices out.
///
/// # Errors
/// As the store.
pub async fn end_all(deps: &AccountDeps, oneself: &Oneself) -> Result<Ended, FlowError> {
    let ground = deps.ground();
    let at = ground.now();
    let unit = EndOwnTokens {
        user_id: oneself.user.id.clone(),
        at,
        audit: ground.rows(at, vec![events::all_tokens(oneself)])?,
    };
    ground.commit(unit).await
}
