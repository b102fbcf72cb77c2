//! Identifiers that cross rooms, so that a client id can never be passed where a user id is meant.
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
