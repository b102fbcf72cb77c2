//! Reads what the operator set. No other room sees an environment variable.
//!
//! One file for each group of settings; [`Config::load`] reads them all, collects every fault and hands out plain
//! types. Must not live here: opening what a setting points to, secret files excepted.
use crate::domain::lifetimes::{Lifetimes, Profile};
use reader::Reader;
use sources::Sources;
use std::fmt;

pub mod audit;
pub mod caches;
pub mod claims;
pub mod cors;
pub mod database;
pub mod device;
pub mod dotenv;
pub mod duration;
pub mod encryption;
pub mod jwt;
mod lifetimes;
pub mod limits;
pub mod login;
pub mod metrics;
pub mod oauth;
mod published;
pub mod reader;
pub mod server;
pub mod session;
pub mod sources;
pub mod timeouts;
pub mod tls;
mod unavailable;
mod unknown;
pub mod upstream;

/// Everything that the operator decides, read once at the start.
#[derive(Clone, Debug)]
pub struct Config {
    /// Listener and identity.
    pub server: server::Server,
    /// The server's own TLS; none serves plain HTTP.
    pub tls: Option<tls::Tls>,
    /// Lifetimes of tokens.
    pub lifetimes: Lifetimes,
    /// `JWT_EXPIRATION_MAX` (24h) and `REFRESH_TOKEN_EXPIRATION_MAX` (2160h), which no profile exceeds.
    pub lifetime_caps: Profile,
    /// Claims that the operator decides.
    pub claims: claims::Claims,
    /// The keys that sign tokens.
    pub jwt: jwt::Jwt,
    /// `ENCRYPTION_KEY`: seals private keys in the database; none is derived from another secret.
    pub encryption_key: Option<encryption::EncryptionKey>,
    /// Browser sessions.
    pub session: session::Session,
    /// The database.
    pub database: database::Database,
    /// Sign-in with a password.
    pub login: login::Login,
    /// Sign-in by way of others.
    pub upstream: upstream::Upstream,
    /// Switches of the protocol.
    pub oauth: oauth::Oauth,
    /// The device grant.
    pub device: device::Device,
    /// Rate limits.
    pub limits: limits::RateLimits,
    /// Caches.
    pub caches: caches::Caches,
    /// Redis.
    pub redis: caches::Redis,
    /// The audit trail.
    pub audit: audit::Audit,
    /// Sweeping of what has expired.
    pub upkeep: audit::Upkeep,
    /// Metrics.
    pub metrics: metrics::Metrics,
    /// The log.
    pub log: metrics::Log,
    /// Cross-origin reading.
    pub cors: cors::Cors,
    /// Start and shutdown.
    pub timeouts: timeouts::Timeouts,
}

/// A configuration, sound or not: a setting that is at fault counts as not set.
#[derive(Clone, Debug)]
pub struct Judged {
    /// The settings.
    pub config: Config,
    /// Every fault, in the order in which they are checked, each naming its variable, and its line if it comes from the
    /// `.env` file.
    pub errors: Vec<String>,
    /// Sentences for the log, none of which shows a secret.
    pub warnings: Vec<String>,
}

/// A sound configuration and what the operator should hear about it.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The settings.
    pub config: Config,
    /// Sentences for the log, none of which shows a secret.
    pub warnings: Vec<String>,
}

/// Every fault of a configuration, in the order in which they are checked; at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigErrors(pub Vec<String>);

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("\n"))
    }
}

impl std::error::Error for ConfigErrors {}

impl Config {
    /// Reads and judges all settings.
    pub fn judge(sources: &Sources) -> Judged {
        let mut reader = Reader::new(sources);
        let config = Self::read(&mut reader);
        unavailable::check(&mut reader);
        let strict = reader.boolean("CONFIG_STRICT", false);
        unknown::check(&mut reader, strict);
        let (errors, warnings) = reader.finish();
        Judged {
            config,
            errors,
            warnings,
        }
    }

    /// Reads all settings, which must be sound.
    ///
    /// # Errors
    /// All faults at once, as [`Judged::errors`].
    pub fn load(sources: &Sources) -> Result<Loaded, ConfigErrors> {
        let Judged {
            config,
            errors,
            warnings,
        } = Self::judge(sources);
        if errors.is_empty() {
            Ok(Loaded { config, warnings })
        } else {
            Err(ConfigErrors(errors))
        }
    }

    /// The order of the reading is the order in which operators know the faults.
    fn read(r: &mut Reader<'_>) -> Self {
        let server = server::Server::read(r);
        let base = lifetimes::Base::read(r);
        let claim_limits = claims::limits(r);
        base.check(r);
        let claims = claims::read(r, claim_limits);
        let jwt = jwt::Jwt::read(r, &server);
        let tls = tls::read(r, &server);
        let limits = limits::RateLimits::read(r);
        let metrics = metrics::Metrics::read(r);
        let caches = caches::Caches::read(r, metrics.gauge_interval);
        let session = session::Session::read(r, &server);
        let (lifetimes, lifetime_caps) = lifetimes::read(r, base);
        let encryption_key = encryption::read(r);
        jwt.check_sealing(r, encryption_key.is_some());
        Self {
            server,
            tls,
            lifetimes,
            lifetime_caps,
            claims,
            jwt,
            session,
            limits,
            caches,
            metrics,
            login: login::Login::read(r),
            cors: cors::Cors::read(r),
            encryption_key,
            database: database::Database::read(r),
            upstream: upstream::Upstream::read(r),
            oauth: oauth::Oauth::read(r),
            device: device::Device::read(r),
            redis: caches::Redis::read(r),
            audit: audit::Audit::read(r),
            upkeep: audit::Upkeep::read(r),
            log: metrics::Log::read(r),
            timeouts: timeouts::Timeouts::read(r),
        }
    }
}

#[cfg(test)]
mod tests;
