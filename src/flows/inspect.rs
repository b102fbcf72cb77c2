//! Looking at tokens: tokeninfo. A token counts when its signature *and* its row say so; an outage never means "no".
use super::{FlowError, Ground};
use crate::{
    actors::key_holder::KeyHolder,
    domain::{digest::sha256_hex, token::Subject},
    jose::{Expected, KeySet, verify_claims},
    store::tokens::presented::Known,
};
use serde_json::{Map, Value};

/// What inspecting needs.
#[derive(Clone)]
pub struct InspectDeps {
    /// Common ground.
    pub ground: Ground,
    /// Verifies.
    pub keys: KeyHolder<KeySet>,
}

/// An access token that counts.
pub struct LiveToken {
    /// What it says.
    pub claims: Map<String, Value>,
    /// Its row, and the person it speaks for.
    pub known: Known,
}

impl LiveToken {
    /// `user` or `client`.
    pub fn subject_type(&self) -> &'static str {
        match self.known.token.subject {
            Subject::User(_) => "user",
            Subject::Client(_) => "client",
        }
    }
}

/// The bearer's access token, if it counts. `None` for anything else, without telling why.
///
/// # Errors
/// [`FlowError::Unavailable`] when the database cannot say.
pub async fn bearer(deps: &InspectDeps, jwt: &str) -> Result<Option<LiveToken>, FlowError> {
    let now = deps.ground.now();
    let Ok(claims) = deps.keys.current().verify(jwt) else {
        return Ok(None);
    };
    let expected = Expected {
        issuer: None,
        token_type: "access",
        now: now.unix_timestamp(),
    };
    if verify_claims(&claims, &expected).is_err() {
        return Ok(None);
    }
    let known = deps
        .ground
        .store
        .known_token(&sha256_hex(jwt.as_bytes()))
        .await?;
    Ok(known
        .filter(|known| known.holder_stands && known.token.is_live_access(now))
        .map(|known| LiveToken { claims, known }))
}
