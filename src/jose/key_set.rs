//! An immutable snapshot of all keys that count now: one that signs, any number that only
//! verify. The owner of the keys builds a new one when something changes; everyone else shares
//! it and needs no lock. It knows no file and no clock.
use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use bytes::Bytes;
use serde::Serialize;
use serde_json::{Map, Value};

use super::compact::{self, MAX_TOKEN_BYTES, MediaType, Trusted};
use super::{JoseError, KeyError, PublicKey, SigningKey};

/// Signs, verifies and publishes.
#[derive(Debug)]
pub struct KeySet {
    active: Arc<SigningKey>,
    /// The public half of the active key first, then the verification-only keys.
    public: Vec<PublicKey>,
    jwks: Bytes,
    etag: String,
}

/// RFC 7517 §5.
#[derive(Serialize)]
struct JwkSet {
    keys: Vec<Map<String, Value>>,
}

impl KeySet {
    /// `verifying` are the keys whose tokens still live, and keys announced before their time.
    /// Those whose `not_after` is not after `now` (seconds since 1970) are left out, and so is a
    /// second entry of the active key.
    ///
    /// # Errors
    /// [`KeyError::Unpublishable`] when a key cannot be written as a JSON Web Key.
    pub fn new(
        active: impl Into<Arc<SigningKey>>,
        verifying: Vec<PublicKey>,
        now: i64,
    ) -> Result<Self, KeyError> {
        let active = active.into();
        let mut public: Vec<PublicKey> = active.public_key().cloned().into_iter().collect();
        for key in verifying {
            let ended = key.not_after().is_some_and(|end| end <= now);
            let twin = |other: &PublicKey| other.kid() == key.kid() && other.spki() == key.spki();
            if !ended && !public.iter().any(twin) {
                public.push(key);
            }
        }
        let keys = public
            .iter()
            .map(PublicKey::jwk)
            .collect::<Result<_, _>>()?;
        let json = serde_json::to_vec(&JwkSet { keys }).map_err(|_| KeyError::Unpublishable)?;
        let digest = ring::digest::digest(&ring::digest::SHA256, &json);
        Ok(Self {
            active,
            public,
            etag: format!("\"{}\"", BASE64URL.encode(digest)),
            jwks: Bytes::from(json),
        })
    }

    /// The key that signs; shared, so that the next snapshot can have it too.
    pub fn active(&self) -> &Arc<SigningKey> {
        &self.active
    }

    /// All public keys, the active one first. Store these: their tokens must outlive the key.
    pub fn public_keys(&self) -> &[PublicKey] {
        &self.public
    }

    /// The next second at which a verification-only key ends and a new snapshot is due.
    pub fn next_end(&self) -> Option<i64> {
        self.public.iter().filter_map(PublicKey::not_after).min()
    }

    /// The body of `/.well-known/jwks.json`. With HS256 alone, `{"keys":[]}`.
    pub fn jwks(&self) -> &Bytes {
        &self.jwks
    }

    /// The strong entity tag of [`Self::jwks`], quotes included (RFC 9110 §8.8.3).
    pub fn jwks_etag(&self) -> &str {
        &self.etag
    }

    /// Signs a set of claims as `typ: JWT`; the payload's keys come out in alphabetical order.
    ///
    /// # Errors
    /// [`JoseError::TooLarge`] above 8 KB, [`JoseError::SigningFailed`].
    pub fn sign(&self, claims: &Map<String, Value>) -> Result<String, JoseError> {
        // biscuit turns on serde_json/preserve_order, so a Map is not sorted by itself.
        let sorted: BTreeMap<&String, &Value> = claims.iter().collect();
        let payload = serde_json::to_vec(&sorted).map_err(|_| JoseError::SigningFailed)?;
        self.sign_json(MediaType::Jwt, &payload)
    }

    /// Signs a payload that is JSON already, byte for byte. The caller answers for its being one
    /// object without repeated members; [`Self::verify`] refuses everything else.
    ///
    /// # Errors
    /// As [`Self::sign`].
    pub fn sign_json(&self, typ: MediaType, payload: &[u8]) -> Result<String, JoseError> {
        compact::sign(&self.active, typ, payload)
    }

    /// The claims of a token that one of these keys signed. They say nothing until
    /// [`super::verify_claims`] has judged them.
    ///
    /// # Errors
    /// Says why the token is no good. A client hears only that it is not.
    pub fn verify(&self, token: &str) -> Result<Map<String, Value>, JoseError> {
        let trusted = Trusted {
            hmac: self.active.hmac(),
            public: &self.public,
        };
        compact::verify(trusted, token, MAX_TOKEN_BYTES)
    }
}
