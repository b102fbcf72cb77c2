//! The life of a signing key: published first, then it signs, then it only verifies until its last token is over.
//!
//! A row in the database holds the moments, and every process judges by them, so all switch at the same moment. Pure:
//! no key material, no clock.
use super::time::Timestamp;
use std::time::Duration;

/// What is on record about a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRecord {
    /// Key id.
    pub kid: String,
    /// `RS256` or `ES256`.
    pub algorithm: String,
    /// SubjectPublicKeyInfo, DER.
    pub spki: Vec<u8>,
    /// Since when it has been published.
    pub published_at: Timestamp,
    /// From when on it may sign.
    pub activate_at: Timestamp,
    /// When somebody took it out of service.
    pub retired_at: Option<Timestamp>,
    /// When a process last told that it holds the private half.
    pub held_at: Timestamp,
    /// When the last token that it can have signed expires.
    pub not_after: Timestamp,
    /// The private half, sealed, of a key that lives in the database.
    pub sealed: Option<String>,
    /// It signs ID tokens only, because access tokens are signed with a secret.
    pub for_id_tokens: bool,
}

/// Where a key is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// Published, and not signing yet.
    Next,
    /// Signs.
    Active,
    /// Verifies what it signed before.
    Previous,
    /// Not published any more.
    Over,
}

impl KeyState {
    /// For people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Next => "next",
            Self::Active => "active",
            Self::Previous => "previous",
            Self::Over => "over",
        }
    }
}

/// A process tells that it holds a key at least this often.
pub const TOLD_EVERY: Duration = Duration::from_secs(600);
/// How long that counts: a process may be late, or restarting.
const TOLD_COUNTS: Duration = Duration::from_secs(1800);

impl KeyRecord {
    /// Whether its tokens may still be alive.
    pub fn is_published(&self, now: Timestamp) -> bool {
        now < self.not_after
    }

    /// Whether it may sign now.
    pub fn is_due(&self, now: Timestamp) -> bool {
        self.retired_at.is_none() && self.activate_at <= now && self.is_published(now)
    }

    /// Whether it waits for its time.
    pub fn is_next(&self, now: Timestamp) -> bool {
        self.retired_at.is_none() && now < self.activate_at && self.is_published(now)
    }

    /// Whether one can take the other's place.
    pub fn is_sibling(&self, other: &Self) -> bool {
        self.algorithm == other.algorithm && self.for_id_tokens == other.for_id_tokens
    }

    /// Whether some process is likely to have its private half: it is in the database, or was told of lately.
    pub fn is_at_hand(&self, now: Timestamp) -> bool {
        self.sealed.is_some() || now < self.held_at + TOLD_COUNTS
    }

    /// Whether a process that signs with it should move its end, or say that it is still there.
    pub fn should_be_told(&self, now: Timestamp, longest_life: Duration) -> bool {
        let late = self.held_at + TOLD_EVERY <= now;
        late || self.not_after < now + longest_life + TOLD_EVERY
    }
}

/// The end of a key that signs at `now`: no token of its next twenty minutes outlives it.
pub fn end_of_tokens(now: Timestamp, longest_life: Duration) -> Timestamp {
    now + longest_life + TOLD_EVERY * 2
}

/// When a key that is published now may sign, in whole seconds: not before everybody's copy of the key set has it.
pub fn first_use(now: Timestamp, publish_before_use: Duration) -> Timestamp {
    let at = now + publish_before_use;
    match at.nanosecond() {
        0 => at,
        nanos => at + Duration::from_nanos(u64::from(1_000_000_000 - nanos)),
    }
}

/// Of the keys of one algorithm that a process has at hand, the one that signs: the one that became due last. When none
/// is due, the next one, before its time, because there is no other.
pub fn signs<'a>(
    keys: impl Iterator<Item = &'a KeyRecord> + Clone,
    now: Timestamp,
) -> Option<&'a KeyRecord> {
    let due = keys.clone().filter(|key| key.is_due(now));
    let last = due.max_by(|a, b| (a.activate_at, &a.kid).cmp(&(b.activate_at, &b.kid)));
    last.or_else(|| {
        let next = keys.filter(|key| key.is_next(now));
        next.min_by(|a, b| (a.activate_at, &a.kid).cmp(&(b.activate_at, &b.kid)))
    })
}

/// Where each key is in its life, as the records tell.
pub fn states(records: &[KeyRecord], now: Timestamp) -> Vec<(&KeyRecord, KeyState)> {
    let state = |record: &KeyRecord| {
        if !record.is_published(now) {
            return KeyState::Over;
        }
        let siblings = records
            .iter()
            .filter(|other| other.is_sibling(record) && other.is_at_hand(now));
        match signs(siblings, now) {
            Some(active) if active.kid == record.kid => KeyState::Active,
            _ if record.is_next(now) => KeyState::Next,
            _ => KeyState::Previous,
        }
    };
    records
        .iter()
        .map(|record| (record, state(record)))
        .collect()
}

/// The next moment at which a key becomes due or is over.
pub fn next_change(records: &[KeyRecord], now: Timestamp) -> Option<Timestamp> {
    records
        .iter()
        .flat_map(|key| {
            let due = key.is_next(now).then_some(key.activate_at);
            [due, key.is_published(now).then_some(key.not_after)]
        })
        .flatten()
        .min()
}

#[cfg(test)]
mod tests;
