//! Client assertions (RFC 7523 §3, OpenID Connect Core 1.0 §9): what a JWT must say that a client signed to prove who it
//! is. Its signature is checked elsewhere, and that it is used once is the database's business.
use super::{ids::ClientId, time::numeric_date};
use serde_json::{Map, Value};

/// `client_assertion_type` (RFC 7523 §2.2).
pub const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// How far the client's clock may be off, seconds.
pub const LEEWAY: i64 = 30;
/// An assertion counts no longer than this, seconds: its `jti` must be remembered for as long.
pub const LONGEST_LIFE: i64 = 3600;
/// The most bytes of a `jti`.
const MAX_JTI: usize = 255;

/// Why an assertion proves nothing. For the operator; the client hears only that it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AssertionFault {
    /// RFC 7523 §3, points 1 and 2.
    #[error("iss and sub of the client assertion are not both the client_id")]
    NotTheClient,
    /// Point 3.
    #[error("aud of the client assertion names neither this server nor this endpoint")]
    WrongAudience,
    /// Point 4.
    #[error("the client assertion has no exp, or one that is no time")]
    NoExpiry,
    /// Point 4.
    #[error("the client assertion has expired")]
    Expired,
    /// Our bound.
    #[error("exp of the client assertion lies more than an hour ahead")]
    TooLong,
    /// Points 5 and 6.
    #[error("nbf or iat of the client assertion lies in the future")]
    NotYetValid,
    /// OpenID Connect Core §9.
    #[error("the client assertion has no usable jti")]
    NoId,
}

/// An assertion that may be used, once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OneUse {
    /// `jti`.
    pub jti: String,
    /// Unix seconds; until then it must be remembered that it was used.
    pub remember_until: i64,
}

/// Judges the claims of an assertion whose signature is good. `audiences` are the names of this server at this endpoint.
///
/// # Errors
/// The first rule that is broken.
pub fn judge(
    claims: &Map<String, Value>,
    client_id: &ClientId,
    audiences: &[String],
    now: i64,
) -> Result<OneUse, AssertionFault> {
    let is_client = |name| claims.get(name).and_then(Value::as_str) == Some(client_id.as_str());
    if !is_client("iss") || !is_client("sub") {
        return Err(AssertionFault::NotTheClient);
    }
    let is_ours = |value: &Value| {
        value
            .as_str()
            .is_some_and(|name| audiences.iter().any(|ours| ours == name))
    };
    let addressed = match claims.get("aud") {
        Some(Value::Array(list)) => list.iter().any(is_ours),
        Some(one) => is_ours(one),
        None => false,
    };
    if !addressed {
        return Err(AssertionFault::WrongAudience);
    }
    let expiry = seconds(claims, "exp").ok_or(AssertionFault::NoExpiry)?;
    if expiry.saturating_add(LEEWAY) <= now {
        return Err(AssertionFault::Expired);
    }
    if expiry > now.saturating_add(LONGEST_LIFE + LEEWAY) {
        return Err(AssertionFault::TooLong);
    }
    for name in ["nbf", "iat"] {
        let begins = match claims.get(name) {
            None => continue,
            Some(_) => seconds(claims, name).ok_or(AssertionFault::NotYetValid)?,
        };
        if begins > now.saturating_add(LEEWAY) {
            return Err(AssertionFault::NotYetValid);
        }
    }
    let jti = claims.get("jti").and_then(Value::as_str);
    let jti = jti
        .filter(|jti| !jti.is_empty() && jti.len() <= MAX_JTI)
        .ok_or(AssertionFault::NoId)?;
    Ok(OneUse {
        jti: jti.to_owned(),
        remember_until: expiry.saturating_add(LEEWAY + 1),
    })
}

fn seconds(claims: &Map<String, Value>, name: &str) -> Option<i64> {
    claims.get(name).and_then(numeric_date)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const NOW: i64 = 1_800_000_000;

    fn judged(change: impl FnOnce(&mut Map<String, Value>)) -> Result<OneUse, AssertionFault> {
        let claims = json!({
            "iss": "c", "sub": "c", "aud": "https://as.example/oauth/token", "exp": NOW + 60, "iat": NOW, "jti": "j",
        });
        let mut claims = claims.as_object().unwrap().clone();
        change(&mut claims);
        let audiences = [
            "https://as.example".to_owned(),
            "https://as.example/oauth/token".to_owned(),
        ];
        judge(&claims, &ClientId::new("c"), &audiences, NOW)
    }

    fn with(name: &str, value: Value) -> Result<OneUse, AssertionFault> {
        judged(|claims| {
            claims.insert(name.to_owned(), value);
        })
    }

    fn without(name: &str) -> Result<OneUse, AssertionFault> {
        judged(|claims| {
            claims.remove(name);
        })
    }

    #[test]
    fn an_assertion_says_who_for_whom_and_how_long() {
        use AssertionFault::*;
        assert_eq!(judged(|_| ()).unwrap().remember_until, NOW + 91);
        for (name, value, fault) in [
            ("iss", json!("d"), NotTheClient),
            ("sub", json!("d"), NotTheClient),
            ("sub", json!(["c"]), NotTheClient),
            ("aud", json!("https://as.example/"), WrongAudience),
            ("aud", json!([]), WrongAudience),
            ("aud", json!([["https://as.example"]]), WrongAudience),
            ("exp", json!(NOW - 30), Expired),
            ("exp", json!("soon"), NoExpiry),
            ("exp", json!(NOW + 3631), TooLong),
            ("exp", json!(1e300), NoExpiry),
            ("iat", json!(NOW + 31), NotYetValid),
            ("nbf", json!(NOW + 31), NotYetValid),
            ("nbf", json!("now"), NotYetValid),
            ("jti", json!(""), NoId),
            ("jti", json!(7), NoId),
            ("jti", json!("j".repeat(256)), NoId),
        ] {
            assert_eq!(with(name, value.clone()), Err(fault), "{name} {value}");
        }
        for (name, value) in [
            ("aud", json!("https://as.example")),
            (
                "aud",
                json!(["https://other.example", "https://as.example"]),
            ),
            ("exp", json!(NOW - 29)),
            ("exp", json!(NOW + 3630)),
            ("exp", json!(NOW as f64 + 10.5)),
            ("nbf", json!(NOW + 30)),
        ] {
            assert!(with(name, value.clone()).is_ok(), "{name} {value}");
        }
        assert!(without("iat").is_ok());
        for (name, fault) in [
            ("iss", NotTheClient),
            ("aud", WrongAudience),
            ("exp", NoExpiry),
            ("jti", NoId),
        ] {
            assert_eq!(without(name), Err(fault), "{name}");
        }
    }
}
