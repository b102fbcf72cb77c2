//! Browser sessions. Must not live here: how a cookie is sealed.
use super::published;
use super::reader::Reader;
use super::server::Server;
use crate::domain::secret::Secret;
use std::time::Duration;

const PUBLISHED_SECRET: &str = "session-secret-change-in-production";
const LEAST_SECRET: usize = 32;
const LONGEST_REMEMBER_ME: i64 = 2_592_000;

/// How long a browser stays signed in, and what binds it.
#[derive(Clone, Debug)]
pub struct Session {
    /// `SESSION_SECRET`, at least 32 bytes.
    pub secret: Secret,
    /// `SESSION_MAX_AGE` in seconds, default 3600; 0 makes the cookie end with the browser.
    pub max_age: Option<Duration>,
    /// `SESSION_IDLE_TIMEOUT` in seconds, default 1800; zero or less switches the check off.
    pub idle_timeout: Option<Duration>,
    /// `SESSION_ABSOLUTE_TIMEOUT`, default 24h: no activity prolongs a session beyond it, unless the user chose to
    /// be remembered. Zero or less switches it off.
    pub absolute_timeout: Option<Duration>,
    /// `SESSION_FINGERPRINT`, default on: a session belongs to one User-Agent.
    pub fingerprint: bool,
    /// `SESSION_FINGERPRINT_IP`, default off: and to one address.
    pub fingerprint_ip: bool,
    /// `SESSION_REMEMBER_ME_MAX_AGE` in seconds, default 30 days and no more; none when
    /// `SESSION_REMEMBER_ME_ENABLED` is off.
    pub remember_me: Option<Duration>,
}

/// Longer than anybody waits, for what has no end.
const UNBOUNDED: Duration = Duration::from_secs(10 * 365 * 86_400);

impl Session {
    /// How long a session lasts whatever its person does, unless they asked to be remembered. Without an idle limit nothing
    /// slides: then `SESSION_MAX_AGE` counts from the sign-in.
    pub fn longest(&self) -> Duration {
        let absolute = self.absolute_timeout.unwrap_or(UNBOUNDED);
        let fixed = self.max_age.filter(|_| self.idle_timeout.is_none());
        fixed.map_or(absolute, |age| age.min(absolute))
    }

    pub(super) fn read(r: &mut Reader<'_>, server: &Server) -> Self {
        let remember_me = remember_me(r);
        Self {
            secret: secret(r, server),
            max_age: max_age(r),
            idle_timeout: seconds(r.integer("SESSION_IDLE_TIMEOUT", 1800)),
            absolute_timeout: r
                .optional_duration("SESSION_ABSOLUTE_TIMEOUT", Duration::from_secs(86_400)),
            fingerprint: r.boolean("SESSION_FINGERPRINT", true),
            fingerprint_ip: r.boolean("SESSION_FINGERPRINT_IP", false),
            remember_me,
        }
    }
}

/// Seconds above zero.
fn seconds(number: i64) -> Option<Duration> {
    let seconds = u64::try_from(number).ok().filter(|seconds| *seconds > 0)?;
    Some(Duration::from_secs(seconds))
}

fn secret(r: &mut Reader<'_>, server: &Server) -> Secret {
    let secret = r.secret("SESSION_SECRET");
    let secret = secret.unwrap_or_else(|| Secret::new(PUBLISHED_SECRET));
    let length = secret.expose().len();
    if secret.expose() == PUBLISHED_SECRET {
        published::check(r, "SESSION_SECRET", server);
    } else if length < LEAST_SECRET {
        r.error(
            "SESSION_SECRET",
            format_args!("SESSION_SECRET must be at least 32 bytes (got {length} bytes)"),
        );
    }
    secret
}

/// A negative age would delete the cookie at once: nobody could sign in.
fn max_age(r: &mut Reader<'_>) -> Option<Duration> {
    const NAME: &str = "SESSION_MAX_AGE";
    let number = r.integer(NAME, 3600);
    if number < 0 {
        r.error(
            NAME,
            format_args!("{NAME} must be non-negative (got {number})"),
        );
    }
    seconds(number)
}

fn remember_me(r: &mut Reader<'_>) -> Option<Duration> {
    const NAME: &str = "SESSION_REMEMBER_ME_MAX_AGE";
    let enabled = r.boolean("SESSION_REMEMBER_ME_ENABLED", true);
    let number = r.integer(NAME, LONGEST_REMEMBER_ME);
    if !enabled {
        return None;
    }
    if number <= 0 {
        r.error(
            NAME,
            format_args!(
                "{NAME} must be a positive value when SESSION_REMEMBER_ME_ENABLED=true (got {number})"
            ),
        );
    } else if number > LONGEST_REMEMBER_ME {
        r.error(
            NAME,
            format_args!(
                "{NAME} exceeds 30-day gorilla/sessions limit (got {number}, max 2592000)"
            ),
        );
    }
    seconds(number)
}
