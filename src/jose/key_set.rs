//! An immutable snapshot of all keys that count now: for each algorithm in use one that signs, and any number that only
//! verify. The owner of the keys builds a new one when something changes; everyone else shares
//! it and needs no lock. It knows no file and no clock.
use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use serde::Serialize;
use serde_json::{Map, Value};

use super::compact::{self, MAX_TOKEN_BYTES, MediaType, Trusted};
use super::proven::Proven;
use super::{Algorithm, JoseError, KeyError, PublicKey, SigningKey};

/// Signs, verifies and publishes.
#[derive(Debug)]
pub struct KeySet {
    /// The key that signs unless somebody asks for another algorithm.
    active: Arc<SigningKey>,
    /// The keys that sign when their algorithm is asked for.
    additional: Vec<Arc<SigningKey>>,
    id_token: Algorithm,
    /// Secrets of HS256, the one that signs first.
    secrets: Vec<Arc<SigningKey>>,
    /// The public halves of the keys that sign first, then the verification-only keys.
    public: Vec<PublicKey>,
    proven: Proven,
    changes_at: Option<i64>,
    jwks: Bytes,
    /// With the keys that are apart, where there are such.
    id_token_jwks: Option<Bytes>,
}

/// What a set is made of.
#[derive(Debug)]
pub struct Roster {
    /// The key that signs.
    pub active: Arc<SigningKey>,
    /// Keys of other algorithms that sign on demand; one for each algorithm counts, the first.
    pub additional: Vec<Arc<SigningKey>>,
    /// The algorithm of ID tokens whose client asked for none. One that no key has is the active key's.
    pub id_token: Algorithm,
    /// Secrets whose HS256 tokens still live.
    pub former_secrets: Vec<Arc<SigningKey>>,
    /// Keys whose tokens still live, and keys announced before their time.
    pub verifying: Vec<PublicKey>,
    /// Kids of keys that sign ID tokens only and are left out of [`KeySet::jwks`].
    pub apart: Vec<String>,
    /// The second (since 1970) at which another key may sign.
    pub changes_at: Option<i64>,
}

impl From<Arc<SigningKey>> for Roster {
    /// One key alone.
    fn from(active: Arc<SigningKey>) -> Self {
        Self {
            id_token: active.algorithm(),
            active,
            additional: Vec::new(),
            former_secrets: Vec::new(),
            verifying: Vec::new(),
            apart: Vec::new(),
            changes_at: None,
        }
    }
}

/// RFC 7517 §5.
#[derive(Serialize)]
struct JwkSet {
    keys: Vec<Map<String, Value>>,
}

fn json<'a>(keys: impl Iterator<Item = &'a PublicKey>) -> Result<Bytes, KeyError> {
    let keys = keys.map(PublicKey::jwk).collect::<Result<_, _>>()?;
    serde_json::to_vec(&JwkSet { keys })
        .map(Bytes::from)
        .map_err(|_| KeyError::Unpublishable)
}

impl KeySet {
    /// A set with one key that signs. `verifying` are the keys whose tokens still live, and keys announced before
    /// their time.
    ///
    /// # Errors
    /// As [`KeySet::of`].
    pub fn new(
        active: impl Into<Arc<SigningKey>>,
        verifying: Vec<PublicKey>,
        now: i64,
    ) -> Result<Self, KeyError> {
        let roster = Roster {
            verifying,
            ..Roster::from(active.into())
        };
        Self::of(roster, now)
    }

    /// A set with a key for each algorithm in use. Of the verifying keys those whose `not_after` is not after `now`
    /// (seconds since 1970) are left out, and so is a second entry of one that signs.
    ///
    /// # Errors
    /// [`KeyError::Unpublishable`] when a key cannot be written as a JSON Web Key.
    pub fn of(roster: Roster, now: i64) -> Result<Self, KeyError> {
        let active = roster.active;
        let mut additional: Vec<Arc<SigningKey>> = Vec::new();
        for key in roster.additional {
            let known = |other: &Arc<SigningKey>| other.algorithm() == key.algorithm();
            if !known(&active) && !additional.iter().any(known) {
                additional.push(key);
            }
        }
        let signing = || std::iter::once(&active).chain(&additional);
        let mut public: Vec<PublicKey> = signing()
            .filter_map(|key| key.public_key().cloned())
            .collect();
        for key in roster.verifying {
            let ended = key.not_after().is_some_and(|end| end <= now);
            let twin = |other: &PublicKey| other.kid() == key.kid() && other.spki() == key.spki();
            if !ended && !public.iter().any(twin) {
                public.push(key);
            }
        }
        let secrets = signing()
            .chain(&roster.former_secrets)
            .filter(|key| key.hmac().is_some())
            .cloned()
            .collect();
        let id_token = signing()
            .map(|key| key.algorithm())
            .find(|algorithm| *algorithm == roster.id_token)
            .unwrap_or(active.algorithm());
        let ends = public.iter().filter_map(PublicKey::not_after);
        let is_apart = |key: &&PublicKey| roster.apart.iter().any(|kid| kid == key.kid());
        let json = json(public.iter().filter(|key| !is_apart(key)))?;
        let id_token_jwks = if roster.apart.is_empty() {
            None
        } else {
            Some(self::json(public.iter())?)
        };
        Ok(Self {
            active,
            additional,
            id_token,
            secrets,
            proven: Proven::default(),
            changes_at: ends.chain(roster.changes_at).min(),
            public,
            jwks: json,
            id_token_jwks,
        })
    }

    /// The key that signs; shared, so that the next snapshot can have it too.
    pub fn active(&self) -> &Arc<SigningKey> {
        &self.active
    }

    /// All keys that sign, the default one first.
    pub fn signing(&self) -> impl Iterator<Item = &Arc<SigningKey>> {
        std::iter::once(&self.active).chain(&self.additional)
    }

    /// The algorithms that can be asked for, the default one first.
    pub fn algorithms(&self) -> Vec<Algorithm> {
        self.signing().map(|key| key.algorithm()).collect()
    }

    /// The algorithms of ID tokens, the one that is used when a client asks for none first: what metadata announces
    /// as `id_token_signing_alg_values_supported`. HS256, which no client can verify, is there only when it was chosen.
    pub fn id_token_algorithms(&self) -> Vec<Algorithm> {
        let mut all = self.algorithms();
        all.retain(|algorithm| *algorithm != Algorithm::Hs256 || self.id_token == *algorithm);
        all.sort_by_key(|algorithm| *algorithm != self.id_token);
        all
    }

    /// The algorithm of an ID token for a client that registered this `id_token_signed_response_alg`. One that is no
    /// longer in use gives the default, which the client can find in the metadata.
    pub fn id_token_algorithm(&self, registered: Option<Algorithm>) -> Algorithm {
        registered
            .filter(|wanted| self.id_token_algorithms().contains(wanted))
            .unwrap_or(self.id_token)
    }

    /// Whether a token takes long to sign: RSA takes twenty times as long as all the rest of a request.
    pub fn signs_slowly(&self, with_id_token: bool) -> bool {
        let is_slow = |key: &Arc<SigningKey>| key.algorithm() == Algorithm::Rs256;
        is_slow(&self.active) || (with_id_token && self.additional.iter().any(is_slow))
    }

    /// All public keys, those that sign first. Store these: their tokens must outlive the key.
    pub fn public_keys(&self) -> &[PublicKey] {
        &self.public
    }

    /// The second (since 1970) at which another key may sign, or one that only verifies ends: a new set is due.
    pub fn changes_at(&self) -> Option<i64> {
        self.changes_at
    }

    /// The body of `/.well-known/jwks.json`. While access tokens are signed with HS256 alone, `{"keys":[]}`.
    pub fn jwks(&self) -> &Bytes {
        &self.jwks
    }

    /// The body of `/oauth/jwks`: all of that, and the keys that sign ID tokens only.
    pub fn id_token_jwks(&self) -> &Bytes {
        self.id_token_jwks.as_ref().unwrap_or(&self.jwks)
    }

    /// Whether ID tokens verify with keys that [`Self::jwks`] leaves out.
    pub fn signs_id_tokens_apart(&self) -> bool {
        self.id_token_jwks.is_some()
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

    /// As [`Self::sign_json`], with the key of one algorithm: for ID tokens, that of [`Self::id_token_algorithm`].
    ///
    /// # Errors
    /// [`JoseError::NoKey`] when no key signs with it, and as [`Self::sign`].
    pub fn sign_json_with(
        &self,
        algorithm: Algorithm,
        typ: MediaType,
        payload: &[u8],
    ) -> Result<String, JoseError> {
        let mut signing = self.signing();
        let key = signing.find(|key| key.algorithm() == algorithm);
        compact::sign(key.ok_or(JoseError::NoKey)?, typ, payload)
    }

    /// The claims of a token that one of these keys signed. They say nothing until
    /// [`super::verify_claims`] has judged them.
    ///
    /// # Errors
    /// Says why the token is no good. A client hears only that it is not.
    pub fn verify(&self, token: &str) -> Result<Map<String, Value>, JoseError> {
        let trusted = Trusted {
            secrets: &self.secrets,
            public: &self.public,
            proven: Some(&self.proven),
        };
        compact::verify(trusted, token, MAX_TOKEN_BYTES)
    }
}
