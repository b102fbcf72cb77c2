//! The key that seals private keys in the database, when the operator gives one.
use super::reader::Reader;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use std::fmt;
use zeroize::Zeroizing;

/// 32 bytes, wiped when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct EncryptionKey(Zeroizing<[u8; 32]>);

impl EncryptionKey {
    /// The key in clear.
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }

    /// From hexadecimal (64 digits), base64 or base64url (padding optional).
    fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let bytes = match text.len() {
            64 => unhex(text)?,
            _ => {
                let text = text.trim_end_matches('=');
                let standard = STANDARD_NO_PAD.decode(text);
                standard.or_else(|_| URL_SAFE_NO_PAD.decode(text)).ok()?
            }
        };
        let bytes = Zeroizing::new(bytes);
        let key = <[u8; 32]>::try_from(bytes.as_slice()).ok()?;
        Some(Self(Zeroizing::new(key)))
    }
}

impl fmt::Debug for EncryptionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EncryptionKey(..)")
    }
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u32>> = text.chars().map(|c| c.to_digit(16)).collect();
    let pairs = digits?;
    pairs
        .chunks_exact(2)
        .map(|pair| match pair {
            [high, low] => u8::try_from(high << 4 | low).ok(),
            _ => None,
        })
        .collect()
}

/// `ENCRYPTION_KEY`.
pub(super) fn read(r: &mut Reader<'_>) -> Option<EncryptionKey> {
    let text = r.secret("ENCRYPTION_KEY")?;
    let key = EncryptionKey::parse(text.expose());
    if key.is_none() {
        r.error(
            "ENCRYPTION_KEY",
            "ENCRYPTION_KEY must be 32 bytes as base64, base64url or 64 hexadecimal digits (openssl rand -base64 32)",
        );
    }
    key
}
