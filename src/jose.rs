//! Keys and JSON Web Tokens: loading keys, signing, verifying, publishing the key set.
//!
//! The algorithm always comes from the key, never from the token (RFC 8725 §3.1), and `none`
//! cannot be expressed. Private key material lives in this room only; nothing here reads a file,
//! a clock, the environment or a database, and no claim is judged before its signature.
mod claims;
mod compact;
mod der;
mod foreign_keys;
mod json;
mod key_set;
mod pem;
mod proven;
mod public_key;
mod rsa_key;
mod signing_key;

pub use claims::{Expected, audience, verify_claims};
pub use compact::{MAX_TOKEN_BYTES, MediaType};
pub use foreign_keys::{ForeignKeys, MAX_FOREIGN_TOKEN_BYTES, claimed_subject};
pub use json::MAX_DEPTH;
pub use key_set::{KeySet, Roster};
pub use public_key::PublicKey;
pub use signing_key::{MIN_RSA_BITS, MIN_SECRET_BYTES, SigningKey};

use std::fmt;
use std::str::FromStr;

/// The signature algorithms of RFC 7518 §3.1 that this server can use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// HMAC with SHA-256 and a shared secret.
    Hs256,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// ECDSA on P-256 with SHA-256.
    Es256,
}

impl Algorithm {
    /// The name registered for the `alg` header member.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hs256 => "HS256",
            Self::Rs256 => "RS256",
            Self::Es256 => "ES256",
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text is not exactly `HS256`, `RS256` or `ES256`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not one of HS256, RS256, ES256")]
pub struct UnknownAlgorithm;

impl FromStr for Algorithm {
    type Err = UnknownAlgorithm;

    /// Case counts: `hs256` and `none` are refused alike.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "HS256" => Ok(Self::Hs256),
            "RS256" => Ok(Self::Rs256),
            "ES256" => Ok(Self::Es256),
            _ => Err(UnknownAlgorithm),
        }
    }
}

/// Why a key cannot be used. The texts are for the operator; none holds key material.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    #[error("JWT_SECRET must be at least 32 bytes for HS256 (got {0} bytes)")]
    SecretTooShort(usize),
    #[error("no PEM block found in key data")]
    NoPemBlock,
    #[error("no supported private key found in key data")]
    NoSupportedKey,
    #[error("RSA key must be at least 2048 bits (got {0} bits)")]
    RsaTooSmall(usize),
    #[error("EC key must use curve P-256 for ES256")]
    NotP256,
    #[error("{algorithm} cannot sign with {found} key")]
    WrongKeyType {
        algorithm: Algorithm,
        found: &'static str,
    },
    #[error("HS256 signs with JWT_SECRET, not with a private key")]
    SecretExpected,
    #[error("EC key is damaged, or its public key does not belong to its private key")]
    EcInconsistent,
    #[error("RSA key is damaged: its numbers do not belong together")]
    RsaInconsistent,
    /// ring signs with 2048 to 4096 bits in steps of 512 and public exponents from 65537 up.
    #[error(
        "RSA key of {bits} bits cannot be used: {reason} \
         (usable: 2048 to 4096 bits in steps of 512, public exponent 65537 or larger)"
    )]
    RsaRefused { bits: usize, reason: String },
    #[error("public key is not an RSA or P-256 SubjectPublicKeyInfo of its algorithm")]
    BadPublicKey,
    #[error("public key cannot be written as a JSON Web Key")]
    Unpublishable,
    #[error("the operating system gave no random bytes for a key")]
    NoEntropy,
}

/// Why a token was not made or not accepted. A caller tells its client only that it is invalid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JoseError {
    #[error("token is too long")]
    TooLarge,
    #[error("token is not a compact JWS of JSON objects")]
    Malformed,
    #[error("JSON nests deeper than {MAX_DEPTH} levels")]
    TooDeep,
    #[error("JSON object repeats a member")]
    DuplicateMember,
    #[error("token demands a header extension (crit)")]
    CriticalHeader,
    #[error("no key for the token's algorithm")]
    NoKey,
    #[error("signature does not verify")]
    BadSignature,
    #[error("claim {0} is missing or of the wrong type")]
    MissingClaim(&'static str),
    #[error("token has expired")]
    Expired,
    #[error("token is not valid yet")]
    NotYetValid,
    #[error("token is of another issuer")]
    WrongIssuer,
    #[error("token is of another type")]
    WrongType,
    #[error("signing failed")]
    SigningFailed,
}

/// Whether a payload that is signed here can be read here: one JSON object, no member twice, no more than [`MAX_DEPTH`]
/// levels.
pub fn is_readable(payload: &[u8]) -> bool {
    json::object(payload).is_ok()
}

#[cfg(test)]
mod tests;
