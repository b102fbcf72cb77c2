//! The compact serialisation (RFC 7515 §3.1): header, payload and signature between two dots.
//! HS256 goes straight to ring with a key that is prepared once, because it is on the path of
//! every request; RS256 and ES256 go through biscuit. No claim is judged here.
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use ring::hmac;
use serde_json::{Map, Value};

use super::{Algorithm, JoseError, PublicKey, SigningKey, json, proven::Proven};

/// The longest of our own tokens that is made or read, in bytes.
pub const MAX_TOKEN_BYTES: usize = 8 * 1024;

/// `{"alg":"HS256","typ":"JWT"}`
const HS256_JWT: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9";
/// `{"alg":"HS256","typ":"at+jwt"}`
const HS256_AT_JWT: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6ImF0K2p3dCJ9";
/// 32 bytes in base64url without padding.
const HMAC_CHARS: usize = 43;

/// The `typ` header member.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MediaType {
    /// `JWT`, which every token of the former server carries.
    #[default]
    Jwt,
    /// `at+jwt` (RFC 9068 §2.1).
    AccessToken,
}

impl MediaType {
    /// The header value.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Jwt => "JWT",
            Self::AccessToken => "at+jwt",
        }
    }
}

/// Signs payload bytes as they are.
pub fn sign(key: &SigningKey, typ: MediaType, payload: &[u8]) -> Result<String, JoseError> {
    // Base64 adds a third; refusing early keeps the arithmetic below from mattering.
    if payload.len() > MAX_TOKEN_BYTES {
        return Err(JoseError::TooLarge);
    }
    let token = match key.hmac() {
        Some(hmac_key) => sign_hs256(hmac_key, typ, payload),
        None => key.sign_asymmetric(typ, payload)?,
    };
    if token.len() > MAX_TOKEN_BYTES {
        return Err(JoseError::TooLarge);
    }
    Ok(token)
}

fn sign_hs256(key: &hmac::Key, typ: MediaType, payload: &[u8]) -> String {
    let header = match typ {
        MediaType::Jwt => HS256_JWT,
        MediaType::AccessToken => HS256_AT_JWT,
    };
    let room = header.len() + payload.len().div_ceil(3) * 4 + HMAC_CHARS + 2;
    let mut token = String::with_capacity(room);
    token.push_str(header);
    token.push('.');
    BASE64URL.encode_string(payload, &mut token);
    let tag = hmac::sign(key, token.as_bytes());
    token.push('.');
    BASE64URL.encode_string(tag, &mut token);
    token
}

/// The keys that may have signed a token.
#[derive(Clone, Copy)]
pub struct Trusted<'a> {
    /// Secrets of HS256, the most likely one first; their tokens carry no `kid`.
    pub secrets: &'a [Arc<SigningKey>],
    /// Public keys, the most likely one first.
    pub public: &'a [PublicKey],
    /// Signatures of these keys that were good before.
    pub proven: Option<&'a Proven>,
}

/// Returns the payload of a token that one of the trusted keys signed.
pub fn verify(
    trusted: Trusted,
    token: &str,
    max_bytes: usize,
) -> Result<Map<String, Value>, JoseError> {
    if token.len() > max_bytes {
        return Err(JoseError::TooLarge);
    }
    let (input, signature) = token.rsplit_once('.').ok_or(JoseError::Malformed)?;
    let (header, payload) = input.split_once('.').ok_or(JoseError::Malformed)?;
    let header = Header::read(header)?;
    if header.algorithm == Algorithm::Hs256 {
        verify_hs256(trusted.secrets, input, signature)?;
        return json::object(&decode(payload)?);
    }
    let check = || verify_asymmetric(trusted.public, &header, token);
    match trusted.proven {
        Some(proven) => proven.or_check(token, check)?,
        None => check()?,
    }
    json::object(&decode(payload)?)
}

fn verify_hs256(
    secrets: &[Arc<SigningKey>],
    input: &str,
    signature: &str,
) -> Result<(), JoseError> {
    let mut refusal = JoseError::NoKey;
    for key in secrets.iter().filter_map(|secret| secret.hmac()) {
        let tag = decode(signature).map_err(|_| JoseError::BadSignature)?;
        if hmac::verify(key, input.as_bytes(), &tag).is_ok() {
            return Ok(());
        }
        refusal = JoseError::BadSignature;
    }
    Err(refusal)
}

/// A key with the token's `kid` is the only candidate. When no key has it, every key of the
/// algorithm is: tokens of a former installation may carry any `kid`.
fn verify_asymmetric(keys: &[PublicKey], header: &Header, token: &str) -> Result<(), JoseError> {
    let kid = header.kid.as_deref();
    let known = kid.filter(|kid| keys.iter().any(|key| key.kid() == *kid));
    let mut refusal = JoseError::NoKey;
    for key in keys {
        let named = known.is_none_or(|kid| key.kid() == kid);
        if !named || key.algorithm() != header.algorithm {
            continue;
        }
        match key.verify(token) {
            Ok(()) => return Ok(()),
            Err(error) => refusal = error,
        }
    }
    Err(refusal)
}

/// What a token claims about its own signature. `jku`, `jwk`, `x5u` and `x5c` are never looked at.
struct Header {
    algorithm: Algorithm,
    kid: Option<String>,
}

impl Header {
    fn read(segment: &str) -> Result<Self, JoseError> {
        if segment == HS256_JWT || segment == HS256_AT_JWT {
            return Ok(Self {
                algorithm: Algorithm::Hs256,
                kid: None,
            });
        }
        let mut members = json::object(&decode(segment)?)?;
        // No extension is understood here, so any list of them must be refused (RFC 7515 §4.1.11).
        if members.contains_key("crit") {
            return Err(JoseError::CriticalHeader);
        }
        let algorithm = match members.get("alg") {
            Some(Value::String(name)) => name.parse().map_err(|_| JoseError::NoKey)?,
            _ => return Err(JoseError::Malformed),
        };
        let kid = match members.remove("kid") {
            None => None,
            Some(Value::String(kid)) => Some(kid),
            Some(_) => return Err(JoseError::Malformed),
        };
        Ok(Self { algorithm, kid })
    }
}

/// The claims in a payload, unverified.
pub(super) fn claims(payload: &str) -> Result<Map<String, Value>, JoseError> {
    json::object(&decode(payload)?)
}

/// Strict: no padding, no other alphabet, no loose bits in the last character.
fn decode(segment: &str) -> Result<Vec<u8>, JoseError> {
    BASE64URL.decode(segment).map_err(|_| JoseError::Malformed)
}
