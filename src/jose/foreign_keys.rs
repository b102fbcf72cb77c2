//! Keys that others publish: those that a client registered (RFC 7517). Reading is lenient, because a set may hold kinds of
//! keys that are none of our business; verifying is as strict as for our own. What a token says is judged elsewhere:
//! client assertions in `domain::assertion`.
use biscuit::Empty;
use biscuit::jwa;
use biscuit::jwk::{AlgorithmParameters, EllipticCurve, JWK, PublicKeyUse};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::compact::{self, Trusted};
use super::public_key::signature_algorithm;
use super::{JoseError, PublicKey, der};

/// The longest foreign token that is read, in bytes; providers put lists of groups into them.
pub const MAX_FOREIGN_TOKEN_BYTES: usize = 32 * 1024;
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
