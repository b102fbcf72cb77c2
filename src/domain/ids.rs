//! Identifiers that cross rooms, so that a client id can never be passed where a user id is meant.
use super::time::Timestamp;
use std::{fmt, hash, marker::PhantomData};

/// Text that identifies one thing of kind `K`. Compared byte for byte.
pub struct Id<K> {
    text: Box<str>,
    kind: PhantomData<fn() -> K>,
}

/// `users.id`, a UUID.
pub type UserId = Id<crate::domain::user::User>;
/// `oauth_applications.client_id`, a UUID for clients made here.
pub type ClientId = Id<crate::domain::client::Client>;
/// `access_tokens.id`, a UUID.
pub type TokenId = Id<crate::domain::token::Token>;
/// `token_families.id`: the id of the refresh token that began the family.
pub type FamilyId = Id<crate::domain::token::Family>;

impl<K> Id<K> {
    /// Wraps the text as it is.
    pub fn new(text: impl Into<Box<str>>) -> Self {
        Self {
            text: text.into(),
            kind: PhantomData,
        }
    }

    /// The text, for SQL, JSON and logs.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The same text as an identifier of another kind (a family is named after its first refresh token).
    pub fn recast<L>(&self) -> Id<L> {
        Id::new(self.text.clone())
    }
}

impl<K> Clone for Id<K> {
    fn clone(&self) -> Self {
        Self::new(self.text.clone())
    }
}
impl<K> PartialEq for Id<K> {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}
impl<K> Eq for Id<K> {}
impl<K> hash::Hash for Id<K> {
    fn hash<H: hash::Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}
impl<K> fmt::Display for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
impl<K> fmt::Debug for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Sixteen random bytes as a lower-case UUID of version 4 (RFC 9562 §5.4).
pub fn uuid_v4(random: [u8; 16]) -> String {
    uuid::Builder::from_random_bytes(random)
        .into_uuid()
        .hyphenated()
        .to_string()
}

/// A lower-case UUID of version 7 (RFC 9562 §5.7): made at `unix_ms`, otherwise random. Rows whose ids follow time lie
/// side by side in an index, where random ids would touch a page each.
fn uuid_v7(unix_ms: u64, random: [u8; 10]) -> String {
    uuid::Builder::from_unix_timestamp_millis(unix_ms, &random)
        .into_uuid()
        .hyphenated()
        .to_string()
}

/// The id of a row that is made now.
pub fn row_id(at: Timestamp, random: [u8; 10]) -> String {
    let unix_ms = at.unix_timestamp_nanos() / 1_000_000;
    uuid_v7(u64::try_from(unix_ms).unwrap_or(0), random)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_version_7_follow_time() {
        // RFC 9562 appendix A.6.
        let random = [0x0c, 0xc3, 0x18, 0xc4, 0xdc, 0x0c, 0x0c, 0x07, 0x39, 0x8f];
        let id = uuid_v7(0x017F_22E2_79B0, random);
        assert_eq!(id, "017f22e2-79b0-7cc3-98c4-dc0c0c07398f");
        assert!(uuid_v7(1, [255; 10]) < uuid_v7(2, [0; 10]));
    }
}
