//! Browser sessions: one row each, ended by logout, time, a disabled person or a password reset.
use super::{ids::UserId, time::Timestamp};
use std::time::Duration;

/// A row of `sessions`.
#[derive(Clone, Debug)]
pub struct Session {
    /// SHA-256 hex of the session id in the cookie.
    pub hash: String,
    /// Whose.
    pub user_id: UserId,
    /// Start, and the moment the person proved who they are.
    pub auth_time: Timestamp,
    /// Last request, written once a minute or so.
    pub last_seen_at: Timestamp,
    /// The row's end whatever happens.
    pub expires_at: Timestamp,
    /// Whether the person asked to stay signed in, which lifts the idle limit.
    pub remember_me: bool,
    /// SHA-256 hex of what the session is bound to; empty for nothing.
    pub fingerprint: String,
    /// Where it began.
    pub ip: String,
    /// What it began with.
    pub user_agent: String,
    /// Ended on purpose.
    pub revoked_at: Option<Timestamp>,
    /// Wrong user codes typed in it (RFC 8628 §5.1).
    pub code_misses: u32,
}

/// Why a session does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionEnd {
    /// Ended on purpose, or past its end: the person just signs in again.
    Over,
    /// Nothing happened for too long.
    Idle,
    /// Another browser or address than it began with.
    Moved,
}

/// How long `last_seen_at` may lag behind; with a short idle limit no longer than a tenth of that, so that nobody who is
/// at work is taken for idle.
pub const SEEN_EVERY: Duration = Duration::from_secs(60);

impl Session {
    /// Judges the session at `now`. `idle` of `None` switches the idle limit off; `fingerprint` is what this request shows.
    ///
    /// # Errors
    /// [`SessionEnd`].
    pub fn check(
        &self,
        now: Timestamp,
        idle: Option<Duration>,
        fingerprint: &str,
    ) -> Result<(), SessionEnd> {
        if self.revoked_at.is_some() || self.expires_at <= now {
            return Err(SessionEnd::Over);
        }
        if !self.remember_me && idle.is_some_and(|idle| now - self.last_seen_at > idle) {
            return Err(SessionEnd::Idle);
        }
        if !self.fingerprint.is_empty() && self.fingerprint != fingerprint {
            return Err(SessionEnd::Moved);
        }
        Ok(())
    }

    /// Whether it counts in the browser that it began in; `idle` as above.
    pub fn counts(&self, now: Timestamp, idle: Option<Duration>) -> bool {
        self.check(now, idle, &self.fingerprint).is_ok()
    }

    /// Whether it is time to write `last_seen_at` again; `idle` as above.
    pub fn is_stale(&self, now: Timestamp, idle: Option<Duration>) -> bool {
        let lag = idle.map_or(SEEN_EVERY, |idle| SEEN_EVERY.min(idle / 10));
        now - self.last_seen_at >= lag
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges() {
        let at = |n| Timestamp::from_unix_timestamp(n).unwrap();
        let session = Session {
            hash: "h".into(),
            user_id: UserId::new("u"),
            auth_time: at(0),
            last_seen_at: at(100),
            expires_at: at(1000),
            remember_me: false,
            fingerprint: "f".into(),
            ip: String::new(),
            user_agent: String::new(),
            revoked_at: None,
            code_misses: 0,
        };
        let idle = Some(Duration::from_secs(60));
        assert_eq!(session.check(at(160), idle, "f"), Ok(()));
        assert_eq!(session.check(at(161), idle, "f"), Err(SessionEnd::Idle));
        assert_eq!(session.check(at(999), None, "f"), Ok(()));
        assert_eq!(session.check(at(1000), None, "f"), Err(SessionEnd::Over));
        assert_eq!(session.check(at(160), idle, "g"), Err(SessionEnd::Moved));
        assert!(session.is_stale(at(106), idle) && !session.is_stale(at(105), idle));
        let hour = Some(Duration::from_secs(3600));
        for idle in [hour, None] {
            assert!(session.is_stale(at(160), idle) && !session.is_stale(at(159), idle));
        }
        let remembered = Session {
            remember_me: true,
            ..session.clone()
        };
        assert_eq!(remembered.check(at(999), idle, "f"), Ok(()));
        let ended = Session {
            revoked_at: Some(at(150)),
            ..session
        };
        assert_eq!(ended.check(at(151), idle, "f"), Err(SessionEnd::Over));
        assert!(remembered.counts(at(999), idle) && !ended.counts(at(151), idle));
    }
}
