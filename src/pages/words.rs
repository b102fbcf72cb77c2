//! The sentences that depend on a value: messages, waiting times, scopes; and how untrusted text is tamed
//! before a template sees it.
//!
//! Never here: markup, and words that a template can say by itself.

use serde::{Serialize, Serializer};

/// Longest foreign text that a page repeats (characters): more could push the buttons out of sight.
const FOREIGN_TEXT: usize = 160;

/// One message on top of a card; drawn by `partials/alert`.
#[derive(Serialize)]
pub(super) struct Alert {
    tone: &'static str,
    /// ARIA role: `alert` interrupts a screen reader, `status` waits.
    role: &'static str,
    words: String,
    /// What was typed is at fault: the fields are marked as invalid.
    about_fields: bool,
}

impl Alert {
    pub(super) fn error(words: impl Into<String>) -> Self {
        Self::new("error", "alert", words)
    }

    pub(super) fn warning(words: impl Into<String>) -> Self {
        Self::new("warning", "alert", words)
    }

    pub(super) fn info(words: impl Into<String>) -> Self {
        Self::new("info", "status", words)
    }

    pub(super) fn success(words: impl Into<String>) -> Self {
        Self::new("success", "status", words)
    }

    pub(super) fn about_fields(self) -> Self {
        Self {
            about_fields: true,
            ..self
        }
    }

    fn new(tone: &'static str, role: &'static str, words: impl Into<String>) -> Self {
        Self {
            tone,
            role,
            words: words.into(),
            about_fields: false,
        }
    }
}

/// What a scope allows, in a person's words. A scope that we do not know speaks for itself.
#[must_use]
pub fn scope_words(scope: &str) -> &str {
    match scope {
        "openid" => "Know which account is yours",
        "profile" => "See your name and username",
        "email" => "See your email address",
        "offline_access" => "Stay signed in while you are away",
        "read" => "Read data on your behalf",
        "write" => "Create and change data on your behalf",
        "admin" => "Use administrator functions on your behalf",
        other => other,
    }
}

/// A waiting time in the largest fitting unit, rounded up: coming back after it is never too early.
pub(super) fn wait_words(seconds: u64) -> String {
    let (amount, unit) = match seconds {
        0..=90 => (seconds.max(1), "second"),
        91..=5_400 => (seconds.div_ceil(60), "minute"),
        _ => (seconds.div_ceil(3_600), "hour"),
    };
    let plural = if amount == 1 { "" } else { "s" };
    format!("{amount} {unit}{plural}")
}

pub(super) fn as_wait<S: Serializer>(seconds: &u64, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&wait_words(*seconds))
}

/// Text that a stranger chose: control characters become blanks, and what is too long is cut.
pub(super) fn tame(text: &str) -> String {
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

#[cfg(test)]
mod tests;
