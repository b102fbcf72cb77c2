//! Digests of high-entropy secrets, as they are stored.
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::{digest, pbkdf2};
use std::num::NonZeroU32;

/// Lower-case hexadecimal SHA-256, 64 characters: what stands in `token_hash` and `code_hash`.
pub fn sha256_hex(text: &[u8]) -> String {
    hex(digest::digest(&digest::SHA256, text).as_ref())
}

/// SHA-256 as base64url without padding, 43 characters (PKCE `S256`, RFC 7636 §4.2).
pub fn sha256_base64url(text: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, text))
}

/// The left half of the SHA-256 as base64url (OpenID Connect Core 1.0 §3.1.3.6: all our algorithms end in 256).
pub fn half_sha256_base64url(text: &[u8]) -> String {
    let whole = digest::digest(&digest::SHA256, text);
    URL_SAFE_NO_PAD.encode(whole.as_ref().get(..16).unwrap_or_default())
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes
        .iter()
        .flat_map(|b| [b >> 4, b & 15])
        .filter_map(|nibble| DIGITS.get(usize::from(nibble)).copied())
        .map(char::from)
        .collect()
}

/// PBKDF2-HMAC-SHA256 of a device code as the Go server stored it: 10 000 rounds, 50 bytes, hexadecimal. The salt is
/// taken as ASCII. Costs about 5 ms.
pub fn slow_device_code_hash(code: &[u8], salt: &[u8]) -> String {
    const ROUNDS: NonZeroU32 = NonZeroU32::new(10_000).unwrap();
    let mut out = [0; 50];
    pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, ROUNDS, salt, code, &mut out);
    hex(&out)
}
