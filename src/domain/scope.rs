//! Scopes (RFC 6749 §3.3): parse, compare, narrow.
use std::{collections::HashSet, fmt};

/// The most bytes of a request's scopes. Who asks for more asks for nothing that anybody has.
const MAX_TEXT: usize = 4096;

/// Scope tokens in the order they were given, each once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScopeSet(Vec<String>);

/// A character that RFC 6749 §3.3 does not allow in a scope token, or far too many of them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("scope is too long or contains a character that is not allowed")]
pub struct InvalidScope;

impl ScopeSet {
    /// Reads what a client sent. Blanks in any number separate tokens.
    ///
    /// # Errors
    /// [`InvalidScope`] for anything outside `%x21 / %x23-5B / %x5D-7E`, and for more than 4,096 bytes.
    pub fn parse(text: &str) -> Result<Self, InvalidScope> {
        if text.len() > MAX_TEXT {
            return Err(InvalidScope);
        }
        let set = Self::stored(text);
        if set.0.iter().all(|s| s.bytes().all(is_scope_char)) {
            Ok(set)
        } else {
            Err(InvalidScope)
        }
    }

    /// Reads a stored column, which is taken as it is.
    pub fn stored(text: &str) -> Self {
        if text.len() > MAX_TEXT {
            // To look through the list for each of them would take a square of time.
            let mut seen = HashSet::new();
            let fresh = text.split_whitespace().filter(|scope| seen.insert(*scope));
            return Self(fresh.map(str::to_owned).collect());
        }
        let mut set = Self::default();
        for scope in text.split_whitespace() {
            if !set.contains(scope) {
                set.0.push(scope.to_owned());
            }
        }
        set
    }

    /// Whether the token is in the set.
    pub fn contains(&self, scope: &str) -> bool {
        self.0.iter().any(|s| s == scope)
    }

    /// Whether nothing is in the set.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether every scope of `self` is in `other`.
    pub fn is_subset(&self, other: &Self) -> bool {
        self.0.iter().all(|s| other.contains(s))
    }

    /// What of `self` the client may have: its own scopes, and `openid` and `offline_access`, which every client may ask for.
    #[must_use]
    pub fn narrowed_to(&self, registered: &Self) -> Self {
        Self(
            self.0
                .iter()
                .filter(|s| {
                    registered.contains(s) || matches!(s.as_str(), "openid" | "offline_access")
                })
                .cloned()
                .collect(),
        )
    }

    /// The scopes in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

fn is_scope_char(byte: u8) -> bool {
    matches!(byte, 0x21 | 0x23..=0x5B | 0x5D..=0x7E)
}

impl fmt::Display for ScopeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(" "))
    }
}

#[cfg(test)]
mod tests;
