//! The device authorization grant (RFC 8628): codes, states, and how fast a device may poll.
use super::{
    digest,
    ids::{ClientId, UserId},
    scope::ScopeSet,
    secret,
    time::Timestamp,
};
use std::{fmt, time::Duration};

/// Letters and digits of a user code: no I, L, O, 0 or 1, which people mix up (RFC 8628 §6.1).
pub const USER_CODE_ALPHABET: &[u8; 31] = b"ABCDEFGHJKMNPQRSTUVWXYZ23456789";
/// Characters of a user code without its hyphen: 31^8 codes, 39.6 bits.
pub const USER_CODE_LENGTH: usize = 8;
/// Bytes of entropy in a device code (RFC 8628 §5.2 asks for enough that nobody can guess).
pub const DEVICE_CODE_BYTES: usize = 20;
/// How much too early a poll may come without being told to slow down.
pub const POLL_TOLERANCE: Duration = Duration::from_secs(1);
/// What `slow_down` adds to the interval (RFC 8628 §3.5).
pub const SLOW_DOWN_STEP: Duration = Duration::from_secs(5);
/// The interval never grows beyond it.
pub const MAX_INTERVAL: Duration = Duration::from_secs(60);

/// A row of `device_codes`.
#[derive(Clone, Debug)]
pub struct DeviceCode {
    /// `device_codes.id`.
    pub row_id: i64,
    /// SHA-256 hex of the code; PBKDF2 hex on rows that the Go server made.
    pub hash: String,
    /// Empty on our rows; the PBKDF2 salt, taken as ASCII, on rows that the Go server made.
    pub salt: String,
    /// Last eight characters of the code: names it in the audit trail.
    pub suffix: String,
    /// What the person types.
    pub user_code: UserCode,
    /// Who asked.
    pub client_id: ClientId,
    /// What it asked for, narrowed already.
    pub scopes: ScopeSet,
    /// RFC 8707 targets it asked for.
    pub resource: Vec<String>,
    /// The code is dead from here on.
    pub expires_at: Timestamp,
    /// Polling interval in seconds, grown by slow_down.
    pub interval: u32,
    /// Approved by this person.
    pub approved_by: Option<UserId>,
    /// When it was approved.
    pub approved_at: Option<Timestamp>,
    /// When it was denied.
    pub denied_at: Option<Timestamp>,
    /// When the approving person had signed in.
    pub auth_time: Option<Timestamp>,
    /// When the device asked.
    pub created_at: Timestamp,
    /// Address of the device, as far as known.
    pub requester_ip: Option<String>,
    /// User agent of the device, as far as known.
    pub requester_user_agent: Option<String>,
}

/// Where a code stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceState {
    /// Nobody has decided.
    Pending,
    /// Approved and not yet redeemed.
    Approved,
    /// The person said no.
    Denied,
    /// Too late.
    Expired,
}

impl DeviceCode {
    /// Where it stands at `now`. A denial outlives expiry only until the row is swept; expiry wins over an approval.
    pub fn state(&self, now: Timestamp) -> DeviceState {
        if self.expires_at <= now {
            DeviceState::Expired
        } else if self.denied_at.is_some() {
            DeviceState::Denied
        } else if self.approved_by.is_some() {
            DeviceState::Approved
        } else {
            DeviceState::Pending
        }
    }

    /// Whether this row stands for the device code, by the kind of hash the row has.
    pub fn is_hash_of(&self, device_code: &str) -> bool {
        let code = device_code.as_bytes();
        let hash = if self.salt.is_empty() {
            digest::sha256_hex(code)
        } else {
            digest::slow_device_code_hash(code, self.salt.as_bytes())
        };
        secret::same(hash.as_bytes(), self.hash.as_bytes())
    }
}

/// A user code without its hyphen.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct UserCode(String);

impl UserCode {
    /// Reads what a person typed: blanks and hyphens do not count, case does not count. `None` when it cannot be a code.
    pub fn typed(text: &str) -> Option<Self> {
        let code: String = text
            .chars()
            .filter(|c| !c.is_whitespace() && *c != '-')
            .map(|c| c.to_ascii_uppercase())
            .take(USER_CODE_LENGTH + 1)
            .collect();
        let fits =
            code.len() == USER_CODE_LENGTH && code.bytes().all(|b| USER_CODE_ALPHABET.contains(&b));
        fits.then_some(Self(code))
    }

    /// Reads the column as it is.
    pub fn stored(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The column's text, without the hyphen.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Draws a code from random bytes without favouring a letter: bytes of 248 and above are passed over
    /// (248 = 8 × 31). `None` when too few bytes remain; 32 bytes fail once in about 10^26 draws.
    pub fn draw(random: &[u8]) -> Option<Self> {
        let code: String = random
            .iter()
            .filter(|byte| **byte < 248)
            .filter_map(|byte| USER_CODE_ALPHABET.get(usize::from(byte % 31)).copied())
            .map(char::from)
            .take(USER_CODE_LENGTH)
            .collect();
        (code.len() == USER_CODE_LENGTH).then_some(Self(code))
    }
}

impl fmt::Display for UserCode {
    /// With its hyphen, as people read it: `XXXX-XXXX`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.split_at_checked(USER_CODE_LENGTH / 2) {
            Some((first, second)) => write!(f, "{first}-{second}"),
            None => f.write_str(&self.0),
        }
    }
}

/// What a poll of a pending code is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PollPace {
    /// Whether the answer is `slow_down` in the place of `authorization_pending`.
    pub slow_down: bool,
    /// The interval from now on.
    pub interval: Duration,
}

/// The pace rule of RFC 8628 §3.5: too early means `slow_down` and five seconds more, up to a minute.
pub fn pace(since_last: Option<Duration>, interval: Duration) -> PollPace {
    let early = since_last.is_some_and(|since| since + POLL_TOLERANCE < interval);
    if early {
        PollPace {
            slow_down: true,
            interval: (interval + SLOW_DOWN_STEP).min(MAX_INTERVAL.max(interval)),
        }
    } else {
        PollPace {
            slow_down: false,
            interval,
        }
    }
}

#[cfg(test)]
mod tests;
