//! Single tokens in the hands of administrators: off, on again, and gone for good.
use super::{FlowError, deeds, registry::Editor};
use crate::{
    domain::{
        audit::AuditEvent,
        ids::UserId,
        time::Timestamp,
        token::{Family, Token, TokenCategory},
    },
    flows::Ground,
    store::tokens::switching::{EndToken, SwitchToken},
};

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// For good.
    Revoke,
    /// For a while.
    Disable,
    /// Again.
    Enable,
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Done.
    Done,
    /// Its state does not allow it.
    WrongState,
    /// There is no such token.
    Unknown,
}

/// Does it.
///
/// # Errors
/// As the store.
pub async fn act(
    ground: &Ground,
    editor: &Editor,
    (id, deed): (&str, Deed),
) -> Result<Outcome, FlowError> {
    let Some(line) = ground.store.token_line(id).await? else {
        return Ok(Outcome::Unknown);
    };
    let at = ground.now();
    let event = editor.did(deeds::token(&line.token, deed));
    let by = Power {
        person: &editor.user.id,
        over: true,
    };
    carry_out(ground, (&line.token, deed), by, event, at).await
}

/// With whose power a token is treated.
pub(super) struct Power<'a> {
    /// Who.
    pub person: &'a UserId,
    /// Whether over the head of the token's person.
    pub over: bool,
}

/// Carries a deed out on a token, by the administrator or by the token's own person.
pub(super) async fn carry_out(
    ground: &Ground,
    (token, deed): (&Token, Deed),
    by: Power<'_>,
    event: AuditEvent,
    at: Timestamp,
) -> Result<Outcome, FlowError> {
    let audit = ground.rows(at, vec![event])?;
    let token_id = token.id.clone();
    let done = match deed {
        Deed::Revoke => {
            let family = (token.category == TokenCategory::Refresh).then(|| Family::adopted(token));
            let unit = EndToken {
                token_id,
                family,
                at,
                audit,
            };
            ground.commit(unit).await?
        }
        Deed::Disable | Deed::Enable => {
            let unit = SwitchToken {
                token_id,
                on: deed == Deed::Enable,
                by: by.person.clone(),
                over: by.over,
                at,
                audit,
            };
            ground.commit(unit).await?
        }
    };
    Ok(if done {
        Outcome::Done
    } else {
        Outcome::WrongState
    })
}
