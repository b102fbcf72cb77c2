//! Judges the claims of a token whose signature is already known to be good (RFC 7519 §4.1).
//! Pure: the clock is a parameter. A claim that is missing never passes for a good one.
use serde_json::{Map, Value};

use super::JoseError;
use crate::domain::time::numeric_date;

/// What one of our own tokens must say.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// The issuer; trailing slashes count neither here nor in the token. `None` takes any, for tokens whose row in
    /// the database proves where they come from: an operator may have moved to another `BASE_URL`.
    pub issuer: Option<&'a str>,
    /// The value of `type`: `access` or `refresh`. They never stand in for one another.
    pub token_type: &'a str,
    /// Now, in seconds since 1970.
    pub now: i64,
}

/// Accepts a token that carries `iss`, `iat` and `exp`, whose `exp` lies ahead, whose `nbf`
/// (if any) does not, and whose issuer and type are the expected ones. No leeway.
///
/// # Errors
/// The first rule that is broken, in the order above.
pub fn verify_claims(claims: &Map<String, Value>, expected: &Expected) -> Result<(), JoseError> {
    let issuer = claims
        .get("iss")
        .and_then(Value::as_str)
        .ok_or(JoseError::MissingClaim("iss"))?;
    seconds(claims, "iat")?.ok_or(JoseError::MissingClaim("iat"))?;
    let expiry = seconds(claims, "exp")?.ok_or(JoseError::MissingClaim("exp"))?;
    if expiry <= expected.now {
        return Err(JoseError::Expired);
    }
    if seconds(claims, "nbf")?.is_some_and(|not_before| not_before > expected.now) {
        return Err(JoseError::NotYetValid);
    }
    let same = |expected: &str| issuer.trim_end_matches('/') == expected.trim_end_matches('/');
    if !expected.issuer.is_none_or(same) {
        return Err(JoseError::WrongIssuer);
    }
    match claims.get("type").and_then(Value::as_str) {
        Some(found) if found == expected.token_type => Ok(()),
        _ => Err(JoseError::WrongType),
    }
}

/// `aud`, which is one text or several (RFC 7519 §4.1.3); none when it is missing.
pub fn audience(claims: &Map<String, Value>) -> Vec<String> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    match claims.get("aud") {
        Some(Value::Array(several)) => several.iter().filter_map(text).collect(),
        one => one.and_then(text).into_iter().collect(),
    }
}

fn seconds(claims: &Map<String, Value>, name: &'static str) -> Result<Option<i64>, JoseError> {
    let read = |value| numeric_date(value).ok_or(JoseError::MissingClaim(name));
    claims.get(name).map(read).transpose()
}
