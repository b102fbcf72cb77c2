//! What the program says on a page: a phrase by its key, with values; and how untrusted text is tamed before a
//! template sees it.
//!
//! Never here: sentences (they live in `locales/`) and markup.

use std::{borrow::Cow, collections::BTreeMap};

use serde::{Serialize, Serializer};

use crate::domain::paging::Counted;

/// Longest foreign text that a page repeats (characters): more could push the buttons out of sight.
const FOREIGN_TEXT: usize = 160;

/// Words that the template shows by `{{say words}}` in the language of the page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Words {
    /// A name, an address: the same in every language.
    Plain(String),
    /// An entry of the language files.
    Phrase {
        /// `area.key`.
        say: Cow<'static, str>,
        /// What stands in its `{{slots}}`; each is escaped, and may itself be a phrase.
        with: BTreeMap<&'static str, Words>,
    },
}

impl Words {
    /// The phrase of a key.
    #[must_use]
    pub fn of(key: impl Into<Cow<'static, str>>) -> Self {
        Self::Phrase {
            say: key.into(),
            with: BTreeMap::new(),
        }
    }

    /// With a value for `{{name}}`.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<Self>) -> Self {
        if let Self::Phrase { with, .. } = &mut self {
            with.insert(name, value.into());
        }
        self
    }

    /// A number with its thousands apart.
    #[must_use]
    pub fn grouped(n: u64) -> Self {
        Self::from(grouped(n))
    }

    /// The phrase `key.one` or `key.other`, which says a number as `{{n}}`.
    #[must_use]
    pub fn count(key: &str, n: u64) -> Self {
        let form = if n == 1 { "one" } else { "other" };
        Self::of(format!("{key}.{form}")).with("n", grouped(n))
    }

    /// A number that was counted as far as it was worth counting.
    #[must_use]
    pub fn counted(counted: Counted) -> Self {
        if counted.is_all {
            Self::grouped(counted.count)
        } else {
            Self::of("parts.at_least").with("n", grouped(counted.count))
        }
    }

    /// A waiting time in the largest fitting unit, rounded up: coming back after it is never too early.
    #[must_use]
    pub fn wait(seconds: u64) -> Self {
        match seconds {
            0..=90 => Self::count("time.seconds", seconds.max(1)),
            91..=5_400 => Self::count("time.minutes", seconds.div_ceil(60)),
            _ => Self::count("time.hours", seconds.div_ceil(3_600)),
        }
    }
}

impl From<String> for Words {
    fn from(text: String) -> Self {
        Self::Plain(text)
    }
}

impl From<&str> for Words {
    fn from(text: &str) -> Self {
        Self::Plain(text.to_owned())
    }
}

impl From<u64> for Words {
    fn from(n: u64) -> Self {
        Self::Plain(grouped(n))
    }
}

/// Digits in groups of three.
fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// What a scope allows, in a person's words. A scope that we do not know speaks for itself: `None`.
#[must_use]
pub fn scope_words(scope: &str) -> Option<Words> {
    let key = match scope {
        "openid" => "scopes.openid",
        "profile" => "scopes.profile",
        "email" => "scopes.email",
        "offline_access" => "scopes.offline_access",
        "read" => "scopes.read",
        "write" => "scopes.write",
        "admin" => "scopes.admin",
        _ => return None,
    };
    Some(Words::of(key))
}

pub(super) fn as_wait<S: Serializer>(seconds: &u64, to: S) -> Result<S::Ok, S::Error> {
    Words::wait(*seconds).serialize(to)
}

/// Text that a stranger chose: control characters become blanks, and what is too long is cut.
#[must_use]
pub fn tame(text: &str) -> String {
    let mut kept: String = text
        .chars()
        .take(FOREIGN_TEXT)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    if text.chars().nth(FOREIGN_TEXT).is_some() {
        kept.push('…');
    }
    kept
}

pub(super) fn as_tame<S: Serializer>(text: &str, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&tame(text))
}

pub(super) fn as_tame_option<S: Serializer>(
    text: &Option<String>,
    to: S,
) -> Result<S::Ok, S::Error> {
    text.as_deref().map(tame).serialize(to)
}

/// A link that stays on this host. Anything else, a `javascript:` address say, leads to the start page.
pub(super) fn as_local_href<S: Serializer>(href: &str, to: S) -> Result<S::Ok, S::Error> {
    let is_local = href.starts_with('/')
        && !href.starts_with("//")
        && !href.contains(|c: char| c == '\\' || c.is_control());
    to.serialize_str(if is_local { href } else { "/" })
}

pub(super) fn as_local_href_option<S: Serializer>(
    href: &Option<String>,
    to: S,
) -> Result<S::Ok, S::Error> {
    match href {
        Some(href) => as_local_href(href, to),
        None => to.serialize_none(),
    }
}

#[cfg(test)]
mod tests;
