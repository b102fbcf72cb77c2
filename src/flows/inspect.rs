//! Looking at the token that a bearer shows: tokeninfo, userinfo. A token counts when its signature *and* its row say so; an outage never means "no".
use super::{FlowError, Ground};
use crate::{
    actors::key_holder::KeyHolder,
    domain::{digest::sha256_hex, scope::ScopeSet, time::Timestamp, token::Subject, user::User},
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
    /// For whom it speaks.
    pub subject: Subject,
}

impl LiveToken {
    /// `user` or `client`.
    pub fn subject_type(&self) -> &'static str {
        match self.subject {
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
    let Some(claims) = said(deps, jwt, now) else {
        return Ok(None);
    };
    let hash = sha256_hex(jwt.as_bytes());
    let known = deps.ground.store.known_token(&hash).await?;
    Ok(known
        .filter(|known| counts(known, now))
        .map(|known| LiveToken {
            claims,
            subject: known.token.subject,
        }))
}

/// The person for whom the bearer's access token speaks, and its scopes, if it counts and speaks for one.
///
/// # Errors
/// As [`bearer`].
pub async fn bearer_person(
    deps: &InspectDeps,
    jwt: &str,
) -> Result<Option<(User, ScopeSet)>, FlowError> {
    let now = deps.ground.now();
    if said(deps, jwt, now).is_none() {
        return Ok(None);
    }
    let hash = sha256_hex(jwt.as_bytes());
    let spoken = deps.ground.store.spoken_token(&hash).await?;
    Ok(spoken
        .filter(|spoken| counts(&spoken.known, now))
        .and_then(|spoken| Some((spoken.person?, spoken.known.token.scopes))))
}

/// What an access token says, if one of our keys signed it and its time is not over.
fn said(deps: &InspectDeps, jwt: &str, now: Timestamp) -> Option<Map<String, Value>> {
    let claims = deps.keys.current().verify(jwt).ok()?;
    let expected = Expected {
        issuer: None,
        token_type: "access",
        now: now.unix_timestamp(),
    };
    verify_claims(&claims, &expected).ok()?;
    Some(claims)
}

fn counts(known: &Known, now: Timestamp) -> bool {
    known.holder_stands && known.token.is_live_access(now)
}
