//! The public half of a signing key: what is stored, published and verified with.
//! No private material ever passes through this file.
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use biscuit::Empty;
use biscuit::jwa;
use biscuit::jwk::{
    AlgorithmParameters, CommonParameters, EllipticCurve, EllipticCurveKeyParameters, JWK,
    PublicKeyUse, RSAKeyParameters,
};
use biscuit::jws::{Compact, Secret};
use num_bigint::BigUint;
use serde_json::{Map, Value};

use super::{Algorithm, JoseError, KeyError, MIN_RSA_BITS, der};

/// The members that are published, in the order of the former server. Nothing else gets out.
const PUBLISHED: [&str; 9] = ["kty", "use", "kid", "alg", "n", "e", "crv", "x", "y"];
const UNCOMPRESSED: u8 = 0x04;
const P256_POINT_BYTES: usize = 65;

/// A key that verifies RS256 or ES256 signatures.
#[derive(Clone)]
pub struct PublicKey {
    kid: String,
    algorithm: Algorithm,
    spki: Vec<u8>,
    /// The PKCS#1 key or the uncompressed point: what ring verifies with.
    verifier: Secret,
    not_after: Option<i64>,
}

impl PublicKey {
    /// Reads a stored SubjectPublicKeyInfo (RFC 5280 §4.1.2.7) in DER.
    ///
    /// # Errors
    /// [`KeyError::BadPublicKey`] when it is not a key of that algorithm or not canonical DER,
    /// [`KeyError::RsaTooSmall`] below 2048 bits.
    pub fn from_spki(kid: String, algorithm: Algorithm, der: &[u8]) -> Result<Self, KeyError> {
        let bits = der::spki_key_bits(der).ok_or(KeyError::BadPublicKey)?;
        let key = match algorithm {
            Algorithm::Hs256 => return Err(KeyError::BadPublicKey),
            Algorithm::Rs256 => Self::rsa(Some(kid), bits)?,
            Algorithm::Es256 => Self::p256(Some(kid), bits)?,
        };
        if key.spki == der {
            Ok(key)
        } else {
            Err(KeyError::BadPublicKey)
        }
    }

    /// From a PKCS#1 public key. Without a kid, it gets the digest of its SPKI.
    pub(super) fn rsa(kid: Option<String>, pkcs1: &[u8]) -> Result<Self, KeyError> {
        let (modulus, exponent) = der::rsa_public_key(pkcs1).ok_or(KeyError::BadPublicKey)?;
        let bits = der::bits(modulus);
        if bits < MIN_RSA_BITS {
            return Err(KeyError::RsaTooSmall(bits));
        }
        let canonical = der::write_rsa_public_key(modulus, exponent);
        let spki = der::rsa_spki(&canonical);
        Ok(Self::new(kid, Algorithm::Rs256, spki, canonical))
    }

    /// From an uncompressed point, which must lie on the curve.
    pub(super) fn p256(kid: Option<String>, point: &[u8]) -> Result<Self, KeyError> {
        let on_curve = point.len() == P256_POINT_BYTES
            && point.first() == Some(&UNCOMPRESSED)
            && p256::PublicKey::from_sec1_bytes(point).is_ok();
        if !on_curve {
            return Err(KeyError::BadPublicKey);
        }
        let spki = der::p256_spki(point);
        Ok(Self::new(kid, Algorithm::Es256, spki, point.to_vec()))
    }

    fn new(kid: Option<String>, algorithm: Algorithm, spki: Vec<u8>, verifier: Vec<u8>) -> Self {
        Self {
            kid: kid.unwrap_or_else(|| digest(&spki)),
            algorithm,
            verifier: Secret::PublicKey(verifier),
            not_after: None,
            spki,
        }
    }

    pub(super) fn named_by_digest(&self) -> Self {
        Self {
            kid: digest(&self.spki),
            ..self.clone()
        }
    }

    /// Sets the second (since 1970) from which no live token can carry this key's signature.
    #[must_use]
    pub fn with_not_after(mut self, not_after: i64) -> Self {
        self.not_after = Some(not_after);
        self
    }

    /// The key id that its tokens carry.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The one algorithm it verifies.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// SubjectPublicKeyInfo in DER, to be stored.
    pub fn spki(&self) -> &[u8] {
        &self.spki
    }

    /// Seconds since 1970, if its end is known.
    pub fn not_after(&self) -> Option<i64> {
        self.not_after
    }

    #[cfg(test)]
    pub(super) fn verifier(&self) -> &Secret {
        &self.verifier
    }

    /// Whether this key signed the compact token.
    pub(super) fn verify(&self, token: &str) -> Result<(), JoseError> {
        let encoded = Compact::<Vec<u8>, Empty>::new_encoded(token);
        let algorithm = signature_algorithm(self.algorithm);
        match encoded.decode(&self.verifier, algorithm) {
            Ok(Compact::Decoded { .. }) => Ok(()),
            Ok(Compact::Encoded(_)) | Err(_) => Err(JoseError::BadSignature),
        }
    }

    /// The JSON Web Key (RFC 7517 §4) as it is published.
    pub(super) fn jwk(&self) -> Result<Map<String, Value>, KeyError> {
        let jwk = JWK {
            common: CommonParameters {
                public_key_use: Some(PublicKeyUse::Signature),
                algorithm: Some(jwa::Algorithm::Signature(signature_algorithm(
                    self.algorithm,
                ))),
                key_id: Some(self.kid.clone()),
                ..CommonParameters::default()
            },
            algorithm: self.parameters().ok_or(KeyError::Unpublishable)?,
            additional: Empty {},
        };
        let Ok(Value::Object(mut members)) = serde_json::to_value(jwk) else {
            return Err(KeyError::Unpublishable);
        };

        Ok(PUBLISHED
            .into_iter()
            .filter_map(|name| members.remove(name).map(|value| (name.to_owned(), value)))
            .collect())
    }

    fn parameters(&self) -> Option<AlgorithmParameters> {
        let Secret::PublicKey(bytes) = &self.verifier else {
            return None;
        };
        match self.algorithm {
            Algorithm::Hs256 => None,
            Algorithm::Rs256 => {
                let (modulus, exponent) = der::rsa_public_key(bytes)?;
                Some(AlgorithmParameters::RSA(RSAKeyParameters {
                    n: BigUint::from_bytes_be(modulus),
                    e: BigUint::from_bytes_be(exponent),
                    ..RSAKeyParameters::default()
                }))
            }
            Algorithm::Es256 => {
                let (x, y) = bytes.strip_prefix(&[UNCOMPRESSED])?.split_at_checked(32)?;
                let parameters = EllipticCurveKeyParameters {
                    key_type: biscuit::jwk::EllipticCurveKeyType::default(),
                    curve: EllipticCurve::P256,
                    x: x.to_vec(),
                    y: y.to_vec(),
                    d: None,
                };
                Some(AlgorithmParameters::EllipticCurve(parameters))
            }
        }
    }
}

/// The kid of a key that was given none.
fn digest(spki: &[u8]) -> String {
    BASE64URL.encode(ring::digest::digest(&ring::digest::SHA256, spki))
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        (&self.kid, &self.spki, self.not_after) == (&other.kid, &other.spki, other.not_after)
    }
}

impl Eq for PublicKey {}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PublicKey")
            .field("kid", &self.kid)
            .field("algorithm", &self.algorithm)
            .field("not_after", &self.not_after)
            .finish_non_exhaustive()
    }
}

/// biscuit's name of the algorithm.
pub(super) fn signature_algorithm(algorithm: Algorithm) -> jwa::SignatureAlgorithm {
    match algorithm {
        Algorithm::Hs256 => jwa::SignatureAlgorithm::HS256,
        Algorithm::Rs256 => jwa::SignatureAlgorithm::RS256,
        Algorithm::Es256 => jwa::SignatureAlgorithm::ES256,
    }
}
