//! Signing ID tokens, and reading one that comes back as a hint (OpenID Connect Core 1.0 §2, §3.1.2.1).
use super::{
    FlowError,
    issue::{Order, TokenRules},
};
use crate::{
    domain::{
        id_token::{self, IdTokenClaims},
        ids::{ClientId, UserId},
        secret::Secret,
        time::Timestamp,
        user::User,
    },
    jose::{KeySet, MediaType},
};
use serde_json::Value;

/// Signs the ID token that goes with an access token, by the algorithm that the client registered.
///
/// # Errors
/// [`FlowError::Internal`] when the key refuses to sign.
pub fn sign(
    keys: &KeySet,
    rules: &TokenRules,
    (order, user): (&Order<'_>, &User),
    (access_token, jti): (&Secret, &str),
    now: Timestamp,
) -> Result<Secret, FlowError> {
    let payload = id_token::payload(IdTokenClaims {
        issuer: &rules.issuer,
        subject: user.id.as_str(),
        client_id: order.client.client_id.as_str(),
        issued_at: now.unix_timestamp(),
        expires_at: (now + rules.lifetimes.base.access).unix_timestamp(),
        jti,
        auth_time: order.auth_time.map(Timestamp::unix_timestamp),
        nonce: order.nonce,
        access_token: access_token.expose(),
        person: id_token::person(user, order.scopes),
    });
    let registered = order.client.id_token_alg.as_deref();
    let algorithm = keys.id_token_algorithm(registered.and_then(|name| name.parse().ok()));
    keys.sign_json_with(algorithm, MediaType::Jwt, &payload)
        .map(Secret::new)
        .map_err(|error| FlowError::Internal(error.to_string()))
}

/// Whom and for whom an ID token of ours was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hint {
    /// The person.
    pub user_id: UserId,
    /// The client.
    pub client_id: ClientId,
}

/// Reads `id_token_hint`: signed by us, about a person, for one client. That it has expired does not matter; an access
/// token, which says what type it is, is no ID token.
pub fn hint(keys: &KeySet, issuer: &str, text: &str) -> Option<Hint> {
    let claims = keys.verify(text).ok()?;
    let word = |name: &str| claims.get(name).and_then(Value::as_str);
    let ours = word("iss")?.trim_end_matches('/') == issuer.trim_end_matches('/');
    if !ours || claims.contains_key("type") {
        return None;
    }
    Some(Hint {
        user_id: UserId::new(word("sub")?),
        client_id: ClientId::new(word("aud")?),
    })
}
