//! The key that signs: a shared secret, or a private key out of PEM. A key that loads here has
//! signed and verified a probe, so that a damaged one ends the start and not the first login.
//! Private bytes that pass through are wiped; they are never printed and never returned.
use std::fmt;
use std::sync::Arc;

use biscuit::jws::{Compact, Header, RegisteredHeader, Secret};
use p256::elliptic_curve::sec1::ToSec1Point as _;
use ring::hmac;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RsaKeyPair};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::public_key::signature_algorithm;
use super::{Algorithm, JoseError, KeyError, MediaType, PublicKey, der, pem, rsa_key};

/// The shortest HS256 secret, in bytes (RFC 7518 §3.2).
pub const MIN_SECRET_BYTES: usize = 32;
/// The smallest RSA modulus, in bits (RFC 7518 §3.3).
pub const MIN_RSA_BITS: usize = 2048;
const P256_SCALAR_BYTES: usize = 32;
const PROBE: &[u8] = b"{}";

/// Signs with one algorithm and one key.
pub struct SigningKey {
    material: Material,
}

enum Material {
    Shared(hmac::Key),
    Pair { private: Secret, public: PublicKey },
}

/// Header members after `alg`, in alphabetical order, which biscuit's own order is not.
#[derive(Serialize, Deserialize)]
struct KidAndTyp {
    kid: String,
    typ: String,
}

impl SigningKey {
    /// HS256 with a shared secret, used as raw bytes.
    ///
    /// # Errors
    /// [`KeyError::SecretTooShort`] below 32 bytes.
    pub fn from_secret(secret: &[u8]) -> Result<Self, KeyError> {
        if secret.len() < MIN_SECRET_BYTES {
            return Err(KeyError::SecretTooShort(secret.len()));
        }
        let material = Material::Shared(hmac::Key::new(hmac::HMAC_SHA256, secret));
        Ok(Self { material })
    }

    /// RS256 or ES256 with the first RSA or EC key among the PEM blocks. `key_id` becomes the
    /// `kid`; without it (or with an empty one) the kid is the base64url SHA-256 of the SPKI.
    ///
    /// # Errors
    /// Says what is wrong with the key, in words for the operator.
    pub fn from_pem(
        algorithm: Algorithm,
        text: &str,
        key_id: Option<&str>,
    ) -> Result<Self, KeyError> {
        if algorithm == Algorithm::Hs256 {
            return Err(KeyError::SecretExpected);
        }
        let key = Self::from_any_pem(text, key_id).map_err(|error| match error {
            // RS256 was asked for, so the curve of an EC key is not what is wrong.
            KeyError::NotP256 if algorithm == Algorithm::Rs256 => KeyError::WrongKeyType {
                algorithm,
                found: "an EC",
            },
            other => other,
        })?;
        match (algorithm, key.algorithm()) {
            (Algorithm::Es256, Algorithm::Rs256) => Err(KeyError::WrongKeyType {
                algorithm,
                found: "an RSA",
            }),
            (Algorithm::Rs256, Algorithm::Es256) => Err(KeyError::WrongKeyType {
                algorithm,
                found: "an EC",
            }),
            _ => Ok(key),
        }
    }

    /// As [`Self::from_pem`], with the algorithm of whatever key is found: RS256 for RSA, ES256 for P-256.
    ///
    /// # Errors
    /// As [`Self::from_pem`].
    pub fn from_any_pem(text: &str, key_id: Option<&str>) -> Result<Self, KeyError> {
        let blocks = pem::blocks(text);
        if blocks.is_empty() {
            return Err(KeyError::NoPemBlock);
        }
        let found = blocks.iter().find_map(|block| der::private_key(block));
        let kid = key_id.filter(|id| !id.is_empty()).map(str::to_owned);
        let key = match found.ok_or(KeyError::NoSupportedKey)? {
            der::PrivateKey::Rsa(pkcs1) => Self::rsa(kid, pkcs1)?,
            der::PrivateKey::P256 { scalar, point } => Self::p256(kid, scalar, point)?,
            der::PrivateKey::OtherCurve => return Err(KeyError::NotP256),
        };
        key.probe()?;
        Ok(key)
    }

    /// A fresh key as PEM (PKCS#8): on P-256 for ES256, of 2048 bits for RS256.
    ///
    /// # Errors
    /// [`KeyError::NoEntropy`]; [`KeyError::SecretExpected`] for HS256, which has no key pair.
    pub fn generate(algorithm: Algorithm) -> Result<Zeroizing<String>, KeyError> {
        match algorithm {
            Algorithm::Hs256 => Err(KeyError::SecretExpected),
            Algorithm::Rs256 => Ok(pem::write_private_key(&rsa_key::generate()?)),
            Algorithm::Es256 => {
                let document = EcdsaKeyPair::generate_pkcs8(
                    &ECDSA_P256_SHA256_FIXED_SIGNING,
                    &SystemRandom::new(),
                )
                .map_err(|_| KeyError::NoEntropy)?;
                Ok(pem::write_private_key(document.as_ref()))
            }
        }
    }

    fn rsa(kid: Option<String>, pkcs1: &[u8]) -> Result<Self, KeyError> {
        let bits = der::rsa_modulus(pkcs1).map_or(0, der::bits);
        if bits < MIN_RSA_BITS {
            return Err(KeyError::RsaTooSmall(bits));
        }
        let pair = RsaKeyPair::from_der(pkcs1).map_err(|rejected| KeyError::RsaRefused {
            bits,
            reason: rejected.to_string(),
        })?;
        let public = PublicKey::rsa(kid, pair.public_key().as_ref())?;
        let private = Secret::RsaKeyPair(Arc::new(pair));
        Ok(Self {
            material: Material::Pair { private, public },
        })
    }

    /// The public point is computed; one that came with the key has to be the same.
    fn p256(kid: Option<String>, scalar: &[u8], named: Option<&[u8]>) -> Result<Self, KeyError> {
        let inconsistent = |_| KeyError::EcInconsistent;
        let missing = P256_SCALAR_BYTES.checked_sub(scalar.len());
        let mut full = Zeroizing::new(vec![0; missing.ok_or(KeyError::EcInconsistent)?]);
        // Room for all of it first: growing would leave a copy of the scalar behind.
        full.reserve_exact(scalar.len());
        full.extend_from_slice(scalar);
        let secret = p256::SecretKey::from_slice(&full).map_err(|_| KeyError::EcInconsistent)?;
        let point = secret.public_key().to_sec1_point(false);
        let short = secret.public_key().to_sec1_point(true);
        if named.is_some_and(|named| named != point.as_bytes() && named != short.as_bytes()) {
            return Err(KeyError::EcInconsistent);
        }
        let pair = EcdsaKeyPair::from_private_key_and_public_key(
            &ECDSA_P256_SHA256_FIXED_SIGNING,
            &full,
            point.as_bytes(),
            &SystemRandom::new(),
        )
        .map_err(inconsistent)?;
        let public = PublicKey::p256(kid, point.as_bytes())?;
        let private = Secret::EcdsaKeyPair(Arc::new(pair));
        Ok(Self {
            material: Material::Pair { private, public },
        })
    }

    /// ring checks much but not all of a private key; a signature that verifies is the proof.
    fn probe(&self) -> Result<(), KeyError> {
        let Some(public) = self.public_key() else {
            return Ok(());
        };
        let verified = self
            .sign_asymmetric(MediaType::Jwt, PROBE)
            .and_then(|token| public.verify(&token));
        match verified {
            Ok(_) => Ok(()),
            Err(_) if public.algorithm() == Algorithm::Rs256 => Err(KeyError::RsaInconsistent),
            Err(_) => Err(KeyError::EcInconsistent),
        }
    }

    /// The one algorithm it signs with.
    pub fn algorithm(&self) -> Algorithm {
        self.public_key()
            .map_or(Algorithm::Hs256, PublicKey::algorithm)
    }

    /// The half that may be stored and published. HS256 has none.
    pub fn public_key(&self) -> Option<&PublicKey> {
        match &self.material {
            Material::Shared(_) => None,
            Material::Pair { public, .. } => Some(public),
        }
    }

    /// The same key under the kid that is derived from it.
    #[must_use]
    pub fn named_by_digest(&self) -> Self {
        let material = match &self.material {
            Material::Shared(key) => Material::Shared(key.clone()),
            Material::Pair { private, public } => Material::Pair {
                private: private.clone(),
                public: public.named_by_digest(),
            },
        };
        Self { material }
    }

    /// The prepared secret of HS256.
    pub(super) fn hmac(&self) -> Option<&hmac::Key> {
        match &self.material {
            Material::Shared(key) => Some(key),
            Material::Pair { .. } => None,
        }
    }

    /// A compact token by RS256 or ES256.
    pub(super) fn sign_asymmetric(
        &self,
        typ: MediaType,
        payload: &[u8],
    ) -> Result<String, JoseError> {
        let Material::Pair { private, public } = &self.material else {
            return Err(JoseError::SigningFailed);
        };
        let header = Header {
            registered: RegisteredHeader {
                algorithm: signature_algorithm(public.algorithm()),
                media_type: None,
                ..RegisteredHeader::default()
            },
            private: KidAndTyp {
                kid: public.kid().to_owned(),
                typ: typ.as_str().to_owned(),
            },
        };
        let signed = Compact::new_decoded(header, payload.to_vec())
            .encode(private)
            .map_err(|_| JoseError::SigningFailed)?;
        match signed {
            Compact::Encoded(token) => Ok(token.encode()),
            Compact::Decoded { .. } => Err(JoseError::SigningFailed),
        }
    }
}

impl fmt::Debug for SigningKey {
    /// Never the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey")
            .field("algorithm", &self.algorithm())
            .field("kid", &self.public_key().map(PublicKey::kid))
            .finish_non_exhaustive()
    }
}
