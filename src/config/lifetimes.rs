//! How long tokens live: the base values, the three profiles and the caps over them.
use super::duration::Span;
use super::reader::Reader;
use crate::domain::lifetimes::{Lifetimes, Profile};
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(86_400);

/// `JWT_EXPIRATION` (10h) and `JWT_EXPIRATION_JITTER` (30m).
#[derive(Clone, Copy)]
pub(super) struct Base {
    access: Duration,
    jitter: Duration,
}

impl Base {
    pub(super) fn read(r: &mut Reader<'_>) -> Self {
        Self {
            access: r.positive("JWT_EXPIRATION", 10 * HOUR),
            jitter: r.duration("JWT_EXPIRATION_JITTER", HOUR / 2),
        }
    }

    /// Jitter lengthens a lifetime and must not double it.
    pub(super) fn check(self, r: &mut Reader<'_>) {
        if self.jitter >= self.access {
            let (jitter, access) = (Span::from(self.jitter), Span::from(self.access));
            r.error(
                "JWT_EXPIRATION",
                format_args!(
                    "JWT_EXPIRATION_JITTER must be less than JWT_EXPIRATION ({jitter} >= {access})"
                ),
            );
        }
    }

    /// The cap is for profiles; jitter comes on top of it, as in the guide.
    fn tell_beyond(self, r: &mut Reader<'_>, cap: Duration) {
        let longest = self.access + self.jitter;
        if self.access <= cap && longest > cap {
            let (longest, cap) = (Span::from(longest), Span::from(cap));
            r.warn(
                "JWT_EXPIRATION",
                format_args!(
                    "access tokens live for up to {longest}: JWT_EXPIRATION_JITTER comes on top of JWT_EXPIRATION and of \
                     JWT_EXPIRATION_MAX ({cap})"
                ),
            );
        }
    }
}

/// The lifetimes, and the caps `JWT_EXPIRATION_MAX` (24h) and `REFRESH_TOKEN_EXPIRATION_MAX` (2160h).
pub(super) fn read(r: &mut Reader<'_>, base: Base) -> (Lifetimes, Profile) {
    let refresh = r.positive("REFRESH_TOKEN_EXPIRATION", 30 * DAY);
    let client_credentials = r.positive("CLIENT_CREDENTIALS_TOKEN_EXPIRATION", HOUR);
    let caps = of(
        r.positive("JWT_EXPIRATION_MAX", DAY),
        r.positive("REFRESH_TOKEN_EXPIRATION_MAX", 90 * DAY),
    );
    let base_profile = of(base.access, refresh);
    let lifetimes = Lifetimes {
        base: base_profile,
        jitter: base.jitter,
        short: profile(r, "short", of(HOUR / 4, DAY), caps),
        standard: profile(r, "standard", base_profile, caps),
        long: profile(r, "long", of(DAY, 90 * DAY), caps),
        client_credentials,
        access_cap: caps.access,
        family: r.optional_duration("REFRESH_TOKEN_ABSOLUTE_LIFETIME", Duration::ZERO),
        device_refresh: r.optional_duration("DEVICE_REFRESH_TOKEN_EXPIRATION", Duration::ZERO),
    };
    if lifetimes.standard.access == base.access {
        base.tell_beyond(r, caps.access);
    }
    (lifetimes, caps)
}

fn of(access: Duration, refresh: Duration) -> Profile {
    Profile { access, refresh }
}

/// One profile: both lifetimes above zero and within their caps.
fn profile(r: &mut Reader<'_>, name: &str, default: Profile, caps: Profile) -> Profile {
    let prefix = format!("TOKEN_PROFILE_{}", name.to_ascii_uppercase());
    let access_name = format!("{prefix}_ACCESS_TTL");
    let refresh_name = format!("{prefix}_REFRESH_TTL");
    let access = Lifetime {
        span: r.span(&access_name, default.access),
        name: access_name,
        told: format!("token profile {name:?} access TTL"),
    };
    let refresh = Lifetime {
        span: r.span(&refresh_name, default.refresh),
        name: refresh_name,
        told: format!("token profile {name:?} refresh TTL"),
    };
    let profile = of(
        access.positive(r, default.access),
        refresh.positive(r, default.refresh),
    );
    access.within(r, "JWT_EXPIRATION_MAX", caps.access);
    refresh.within(r, "REFRESH_TOKEN_EXPIRATION_MAX", caps.refresh);
    profile
}

/// One lifetime of a profile while it is judged.
struct Lifetime {
    name: String,
    told: String,
    span: Span,
}

impl Lifetime {
    fn positive(&self, r: &mut Reader<'_>, default: Duration) -> Duration {
        self.span.positive().unwrap_or_else(|| {
            let (told, span) = (&self.told, self.span);
            r.error(
                &self.name,
                format_args!("{told} must be a positive duration (got {span})"),
            );
            default
        })
    }

    fn within(&self, r: &mut Reader<'_>, cap_name: &str, cap: Duration) {
        let (told, span, bound) = (&self.told, self.span, Span::from(cap));
        if span.positive().is_some_and(|length| length > cap) {
            r.error(
                &self.name,
                format_args!("{told} {span} exceeds {cap_name} {bound}"),
            );
        }
    }
}
