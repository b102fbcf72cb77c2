//! Keys that others publish: a login provider's key set, a client's registered keys (RFC 7517).
//! Reading is lenient, because a set may hold kinds of keys that are none of our business;
//! verifying is as strict as for our own. Fetching a set is another room's work.
use biscuit::Empty;
use biscuit::jwa;
use biscuit::jwk::{AlgorithmParameters, EllipticCurve, JWK, PublicKeyUse};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::claims::seconds;
use super::compact::{self, Trusted};
use super::public_key::signature_algorithm;
use super::{JoseError, PublicKey, der};

/// The longest foreign token that is read, in bytes; providers put lists of groups into them.
pub const MAX_FOREIGN_TOKEN_BYTES: usize = 32 * 1024;
/// How far a foreign clock may be off, in seconds.
pub const FOREIGN_LEEWAY: i64 = 30;
/// More keys than this are not looked at: each may cost a verification.
const MAX_KEYS: usize = 32;

/// Verifies tokens of one foreign issuer with RS256 or ES256.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForeignKeys {
    keys: Vec<PublicKey>,
}

/// RFC 7517 §5; each key is read by itself so that a strange one spoils nothing.
#[derive(Deserialize)]
struct ForeignSet {
    keys: Vec<Value>,
}

/// What a foreign token must say.
#[derive(Clone, Copy, Debug)]
pub struct ForeignExpected<'a> {
    /// Compared byte for byte (OpenID Connect Core §3.1.3.7).
    pub issuer: &'a str,
    /// Has to be `aud` or among its values.
    pub audience: &'a str,
    /// For ID tokens, the client id: `azp` has to be it, and may be absent only if there is one
    /// audience. `None` for client assertions, which know no `azp`.
    pub authorized_party: Option<&'a str>,
    /// Now, in seconds since 1970.
    pub now: i64,
}

impl ForeignKeys {
    /// Reads a JSON Web Key Set. Keys for encryption, of other kinds or algorithms, of weak
    /// sizes, and all after the 32nd are left out.
    ///
    /// # Errors
    /// [`JoseError::Malformed`] if it is no key set, [`JoseError::NoKey`] if nothing is left.
    pub fn from_jwks(json: &[u8]) -> Result<Self, JoseError> {
        let set: ForeignSet = serde_json::from_slice(json).map_err(|_| JoseError::Malformed)?;
        let keys: Vec<PublicKey> = set
            .keys
            .into_iter()
            .take(MAX_KEYS)
            .filter_map(|key| public_key(serde_json::from_value(key).ok()?))
            .collect();
        if keys.is_empty() {
            return Err(JoseError::NoKey);
        }
        Ok(Self { keys })
    }

    /// Whether a key has this id; if not, it is time to fetch the set again.
    pub fn knows(&self, kid: &str) -> bool {
        self.keys.iter().any(|key| key.kid() == kid)
    }

    /// The claims of a token that one of these keys signed, not yet judged.
    ///
    /// # Errors
    /// Says why the token is no good.
    pub fn verify(&self, token: &str) -> Result<Map<String, Value>, JoseError> {
        let trusted = Trusted {
            proven: None,
            secrets: &[],
            public: &self.keys,
        };
        compact::verify(trusted, token, MAX_FOREIGN_TOKEN_BYTES)
    }
}

/// Whom a token claims to be about, while nothing about it is known: good for finding the key that it must be verified with,
/// and for nothing else.
pub fn claimed_subject(token: &str) -> Option<String> {
    let payload = token.split('.').nth(1)?;
    let claims = compact::claims(payload).ok()?;
    Some(claims.get("sub")?.as_str()?.to_owned())
}

/// Judges an ID token of a login provider or a client assertion (RFC 7523 §3): `iss`, `aud`,
/// `iat` and `exp` must be there. Half a minute of leeway. Nonce and subject are the caller's.
///
/// # Errors
/// The first rule that is broken.
pub fn verify_foreign_claims(
    claims: &Map<String, Value>,
    expected: &ForeignExpected,
) -> Result<(), JoseError> {
    let text = |name| claims.get(name).and_then(Value::as_str);
    let issuer = text("iss").ok_or(JoseError::MissingClaim("iss"))?;
    let issued = seconds(claims, "iat")?.ok_or(JoseError::MissingClaim("iat"))?;
    let expiry = seconds(claims, "exp")?.ok_or(JoseError::MissingClaim("exp"))?;
    if expiry.saturating_add(FOREIGN_LEEWAY) <= expected.now {
        return Err(JoseError::Expired);
    }
    let start = seconds(claims, "nbf")?.unwrap_or(issued).max(issued);
    if start > expected.now.saturating_add(FOREIGN_LEEWAY) {
        return Err(JoseError::NotYetValid);
    }
    if issuer != expected.issuer {
        return Err(JoseError::WrongIssuer);
    }
    let several = match claims.get("aud") {
        Some(Value::String(one)) if one == expected.audience => false,
        Some(Value::Array(list)) if list.iter().any(|one| one == expected.audience) => {
            list.len() > 1
        }
        Some(Value::String(_) | Value::Array(_)) => return Err(JoseError::WrongAudience),
        _ => return Err(JoseError::MissingClaim("aud")),
    };
    match (expected.authorized_party, claims.get("azp")) {
        (Some(expected), Some(found)) if found != expected => Err(JoseError::WrongAudience),
        (Some(_), None) if several => Err(JoseError::MissingClaim("azp")),
        _ => Ok(()),
    }
}

/// A key of a kind, use and algorithm that we verify; private members are not looked at.
fn public_key(jwk: JWK<Empty>) -> Option<PublicKey> {
    let common = jwk.common;
    if !matches!(common.public_key_use, None | Some(PublicKeyUse::Signature)) {
        return None;
    }
    let key = match jwk.algorithm {
        AlgorithmParameters::RSA(rsa) => {
            let modulus = rsa.n.to_bytes_be();
            let exponent = rsa.e.to_bytes_be();
            let pkcs1 = der::write_rsa_public_key(&modulus, &exponent);
            PublicKey::rsa(common.key_id, &pkcs1).ok()?
        }
        AlgorithmParameters::EllipticCurve(ec) if ec.curve == EllipticCurve::P256 => {
            let point = [&[4], ec.x.as_slice(), ec.y.as_slice()].concat();
            PublicKey::p256(common.key_id, &point).ok()?
        }
        _ => return None,
    };
    let ours = jwa::Algorithm::Signature(signature_algorithm(key.algorithm()));
    let fits = common.algorithm.is_none_or(|named| named == ours);
    fits.then_some(key)
}

#[cfg(test)]
mod tests;
