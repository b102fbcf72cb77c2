//! Sealed text for cookies and for columns that must be read back: AES-256-GCM, bound to the
//! place it was sealed for. Each message has its own key, derived by HKDF (RFC 5869) from the
//! secret and 32 random bytes, so no number of messages wears a nonce out.
//! Layout before base64url: version, key id (4 bytes), salt (32), ciphertext, tag (16).
//! Entropy is a parameter; nothing here knows a cookie or a table.
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hkdf;

const VERSION: u8 = 1;
const KEY_ID_BYTES: usize = 4;
const TAG_BYTES: usize = 16;
/// Random bytes that each message needs.
pub const SALT_BYTES: usize = 32;
/// The shortest secret, in bytes.
pub const MIN_SECRET_BYTES: usize = 16;
const HEADER_BYTES: usize = 1 + KEY_ID_BYTES + SALT_BYTES;
/// Sets this use of HKDF apart from every other use of the same secret.
const EXTRACT_SALT: &[u8] = b"authgate sealed text, version 1";

/// Why text was not sealed or not opened. Say no more than "not acceptable" to a browser.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    #[error("secret is shorter than {MIN_SECRET_BYTES} bytes")]
    SecretTooShort,
    #[error("not sealed text of this version")]
    Malformed,
    #[error("sealed with a key that is not in use")]
    UnknownKey,
    #[error("changed, or sealed for another place")]
    NotAuthentic,
    #[error("too long to seal")]
    TooLong,
}

/// One secret, prepared for one purpose.
pub struct SealKey {
    purpose: &'static str,
    id: [u8; KEY_ID_BYTES],
    root: hkdf::Prk,
}

impl SealKey {
    /// Two purposes of one secret open nothing of each other.
    ///
    /// # Errors
    /// [`SealError::SecretTooShort`] below 16 bytes.
    pub fn from_secret(purpose: &'static str, secret: &[u8]) -> Result<Self, SealError> {
        if secret.len() < MIN_SECRET_BYTES {
            return Err(SealError::SecretTooShort);
        }
        let root = hkdf::Salt::new(hkdf::HKDF_SHA256, EXTRACT_SALT).extract(secret);
        let mut id = [0; KEY_ID_BYTES];
        root.expand(&[b"key id\0", purpose.as_bytes()], KeyId)
            .and_then(|okm| okm.fill(&mut id))
            .map_err(|_| SealError::SecretTooShort)?;
        Ok(Self { purpose, id, root })
    }

    /// The key of the one message that has this salt.
    fn message_key(&self, salt: &[u8]) -> Option<LessSafeKey> {
        let info = [
            b"message\0".as_slice(),
            self.purpose.as_bytes(),
            b"\0",
            salt,
        ];
        let okm = self.root.expand(&info, &AES_256_GCM).ok()?;
        Some(LessSafeKey::new(UnboundKey::from(okm)))
    }
}

impl fmt::Debug for SealKey {
    /// Never the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealKey")
            .field("purpose", &self.purpose)
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// The length of a key id, for HKDF.
struct KeyId;

impl hkdf::KeyType for KeyId {
    fn len(&self) -> usize {
        KEY_ID_BYTES
    }
}

/// Seals with the current key and opens with it or with the ones before it.
#[derive(Debug)]
pub struct SealingRing {
    current: SealKey,
    previous: Vec<SealKey>,
}

impl SealingRing {
    /// `previous` may be empty; all keys should be for the same purpose.
    pub fn new(current: SealKey, previous: Vec<SealKey>) -> Self {
        Self { current, previous }
    }

    /// Seals for the place that `aad` names: a cookie's name, or table, row and column.
    /// `salt` must be fresh random bytes. The text is base64url without padding.
    ///
    /// # Errors
    /// [`SealError::TooLong`] beyond 64 GiB.
    pub fn seal(
        &self,
        aad: &[u8],
        plaintext: &[u8],
        salt: [u8; SALT_BYTES],
    ) -> Result<String, SealError> {
        let key = self.current.message_key(&salt).ok_or(SealError::TooLong)?;
        let mut out = Vec::with_capacity(HEADER_BYTES + plaintext.len() + TAG_BYTES);
        out.push(VERSION);
        out.extend_from_slice(&self.current.id);
        out.extend_from_slice(&salt);
        out.extend_from_slice(plaintext);
        let (_, body) = out
            .split_at_mut_checked(HEADER_BYTES)
            .ok_or(SealError::TooLong)?;
        let tag = key
            .seal_in_place_separate_tag(zero_nonce(), Aad::from(aad), body)
            .map_err(|_| SealError::TooLong)?;
        out.extend_from_slice(tag.as_ref());
        Ok(BASE64URL.encode(out))
    }

    /// Opens what was sealed for this place. The comparison takes the same time wherever the
    /// text was changed.
    ///
    /// # Errors
    /// [`SealError::Malformed`], [`SealError::UnknownKey`], [`SealError::NotAuthentic`].
    pub fn open(&self, aad: &[u8], sealed: &str) -> Result<Vec<u8>, SealError> {
        let mut bytes = BASE64URL.decode(sealed).map_err(|_| SealError::Malformed)?;
        let (header, body) = bytes
            .split_at_mut_checked(HEADER_BYTES)
            .ok_or(SealError::Malformed)?;
        let (id, salt) = match header.split_first() {
            Some((&VERSION, rest)) => rest.split_at(KEY_ID_BYTES),
            _ => return Err(SealError::Malformed),
        };
        let mut refusal = SealError::UnknownKey;
        // Ids are short, so two keys may share one; the tag tells which it was.
        for key in self.keys().filter(|key| key.id == id) {
            let mut copy = body.to_vec();
            let opened = key.message_key(salt).and_then(|message_key| {
                message_key
                    .open_in_place(zero_nonce(), Aad::from(aad), &mut copy)
                    .map(|plaintext| plaintext.len())
                    .ok()
            });
            if let Some(length) = opened {
                copy.truncate(length);
                return Ok(copy);
            }
            refusal = SealError::NotAuthentic;
        }
        Err(refusal)
    }

    /// Whether text that opens should be sealed again, because an older key sealed it.
    pub fn is_outdated(&self, sealed: &str) -> bool {
        let prefix = BASE64URL.decode(sealed.get(..8).unwrap_or_default());
        // Eight characters are six bytes: version, key id and one byte of salt.
        !prefix.is_ok_and(|bytes| bytes.get(1..=KEY_ID_BYTES) == Some(&self.current.id))
    }

    fn keys(&self) -> impl Iterator<Item = &SealKey> {
        std::iter::once(&self.current).chain(&self.previous)
    }
}

/// Sound because a message key seals exactly one message.
fn zero_nonce() -> Nonce {
    Nonce::assume_unique_for_key([0; NONCE_LEN])
}

#[cfg(test)]
mod tests;
