//! How long tokens live: base values, the three profiles, jitter (guide: Token Lifetime Profiles).
use super::client::Client;
use std::time::Duration;

/// Lifetimes of one profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Profile {
    /// Access tokens.
    pub access: Duration,
    /// Refresh tokens.
    pub refresh: Duration,
}

/// What the operator set.
#[derive(Clone, Debug)]
pub struct Lifetimes {
    /// `JWT_EXPIRATION` and `REFRESH_TOKEN_EXPIRATION`.
    pub base: Profile,
    /// `JWT_EXPIRATION_JITTER`.
    pub jitter: Duration,
    /// Profile `short`.
    pub short: Profile,
    /// Profile `standard`.
    pub standard: Profile,
    /// Profile `long`.
    pub long: Profile,
    /// `CLIENT_CREDENTIALS_TOKEN_EXPIRATION`.
    pub client_credentials: Duration,
    /// `JWT_EXPIRATION_MAX`: no machine token of a client with a lifetime of its own lives longer.
    pub access_cap: Duration,
    /// `REFRESH_TOKEN_ABSOLUTE_LIFETIME`: no family is refreshed beyond it.
    pub family: Option<Duration>,
    /// `DEVICE_REFRESH_TOKEN_EXPIRATION`: cap for refresh tokens of the device grant.
    pub device_refresh: Option<Duration>,
}

impl Lifetimes {
    /// The profile of a client; a name that nobody knows counts as `standard`.
    pub fn profile(&self, client: &Client) -> Profile {
        match client.token_profile.trim() {
            "short" => self.short,
            "long" => self.long,
            _ => self.standard,
        }
    }

    /// Life of an access token. Jitter is added only where the base value applies, so that a fleet that signed in
    /// together does not refresh together. `spread` is random in `0..=u32::MAX`.
    pub fn access(&self, client: &Client, spread: u32) -> Duration {
        let profile = self.profile(client);
        let is_standard = !matches!(client.token_profile.trim(), "short" | "long");
        if is_standard && profile.access == self.base.access {
            // Below the jitter, never equal to it: JWT_EXPIRATION_JITTER is an open end.
            let share = f64::from(spread) / (f64::from(u32::MAX) + 1.0);
            profile.access + self.jitter.mul_f64(share)
        } else {
            profile.access
        }
    }

    /// The longest that any token can live under `caps`: for so long the public half of its key is kept. Jitter comes on
    /// top of the base value, which may be as high as its cap.
    pub fn longest(&self, caps: Profile) -> Duration {
        caps.access
            .max(caps.refresh)
            .max(self.client_credentials)
            .max(self.base.access + self.jitter)
    }

    /// Life of an access token that a client gets for itself: the client's own, capped, or that of all machines.
    /// Profiles and jitter do not apply.
    pub fn machine(&self, client: &Client) -> Duration {
        client
            .machine_token_ttl
            .map_or(self.client_credentials, |own| own.min(self.access_cap))
    }
}

#[cfg(test)]
mod tests;
