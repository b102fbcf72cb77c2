//! What is remembered in front of the database, and the Redis that caches and limits may share.
use super::duration::Span;
use super::{reader::Reader, server::ListenAddr};
use crate::domain::secret::Secret;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

/// All caches.
#[derive(Clone, Debug)]
pub struct Caches {
    /// `METRICS_CACHE_…`; its life is `METRICS_GAUGE_UPDATE_INTERVAL`.
    pub metrics: Cache,
    /// `USER_CACHE_…`, default 5m: judged and unused, because people are read for each request.
    pub user: Cache,
    /// `CLIENT_COUNT_CACHE_…`, default 1h.
    pub client_count: Cache,
    /// `CLIENT_CACHE_…`, default 5m.
    pub client: Cache,
    /// `TOKEN_CACHE_ENABLED`, default off.
    pub token_enabled: bool,
    /// `TOKEN_CACHE_…`, default 10h.
    pub token: Cache,
}

/// One cache.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cache {
    /// `…_TYPE`, default `memory`.
    pub backend: Backend,
    /// `…_TTL`: how long an entry counts.
    pub ttl: Duration,
    /// `…_CLIENT_TTL`: how long the local tier of `redis-aside` keeps an entry.
    pub client_ttl: Duration,
    /// `…_SIZE_PER_CONN`: bytes of the local tier; set in MB, default 32; 128 for zero or less.
    pub size: u64,
}

/// Where a cache keeps its entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// `memory`: in this process.
    Memory,
    /// `redis`: shared.
    Redis,
    /// `redis-aside`: shared, with a local tier.
    RedisAside,
}

/// The Redis server.
#[derive(Clone, Debug)]
pub struct Redis {
    /// `REDIS_ADDR`, `host:port`, default `localhost:6379`.
    pub addr: String,
    /// `REDIS_PASSWORD`.
    pub password: Option<Secret>,
    /// `REDIS_DB`, default 0.
    pub database: u8,
}

impl Redis {
    pub(super) fn read(r: &mut Reader<'_>) -> Self {
        let addr = r.text("REDIS_ADDR", "localhost:6379");
        if let Err(why) = addr.parse::<ListenAddr>() {
            r.warn(
                "REDIS_ADDR",
                format_args!("REDIS_ADDR must be host:port: {why}"),
            );
        }
        Self {
            addr,
            password: r.secret("REDIS_PASSWORD"),
            database: r.at_least("REDIS_DB", 0, 0),
        }
    }
}

impl Caches {
    /// `gauge_interval` is the life of the metrics cache.
    pub(super) fn read(r: &mut Reader<'_>, gauge_interval: Duration) -> Self {
        let metrics = Shape::new("METRICS_CACHE", 30 * SECOND);
        let user = Shape::new("USER_CACHE", 30 * SECOND);
        let count = Shape::new("CLIENT_COUNT_CACHE", 10 * MINUTE);
        let client = Shape::new("CLIENT_CACHE", 30 * SECOND);
        let metrics = metrics.read(r, |_| gauge_interval);
        let user = user.read(r, user_ttl);
        let client_count = count.read(r, |r| r.positive("CLIENT_COUNT_CACHE_TTL", HOUR));
        let client = client.read(r, |r| r.positive("CLIENT_CACHE_TTL", 5 * MINUTE));
        let token_enabled = r.boolean("TOKEN_CACHE_ENABLED", false);
        let token = Shape {
            counts: token_enabled,
            ..Shape::new("TOKEN_CACHE", HOUR)
        };
        Self {
            metrics,
            user,
            client_count,
            client,
            token_enabled,
            token: token.read(r, |r| token_ttl(r, token_enabled)),
        }
    }
}

/// What the caches differ in.
struct Shape {
    prefix: &'static str,
    client_ttl: Duration,
    /// Whether a fault counts: those of a cache that is off do not end the start.
    counts: bool,
}

impl Shape {
    fn new(prefix: &'static str, client_ttl: Duration) -> Self {
        Self {
            prefix,
            client_ttl,
            counts: true,
        }
    }

    fn read(&self, r: &mut Reader<'_>, ttl: impl FnOnce(&mut Reader<'_>) -> Duration) -> Cache {
        let backend = self.backend(r);
        Cache {
            backend,
            ttl: ttl(r),
            client_ttl: self.client_ttl(r, backend),
            size: megabytes(r, &format!("{}_SIZE_PER_CONN", self.prefix)),
        }
    }

    fn backend(&self, r: &mut Reader<'_>) -> Backend {
        let name = format!("{}_TYPE", self.prefix);
        match r.raw(&name) {
            None | Some("memory") => Backend::Memory,
            Some("redis") => Backend::Redis,
            Some("redis-aside") => Backend::RedisAside,
            Some(text) => {
                let message = format!(
                    "invalid {name} value: {text:?} (must be \"memory\", \"redis\", or \"redis-aside\")"
                );
                if self.counts {
                    r.error(&name, message);
                } else {
                    r.warn(&name, message);
                }
                Backend::Memory
            }
        }
    }

    fn client_ttl(&self, r: &mut Reader<'_>, backend: Backend) -> Duration {
        let prefix = self.prefix;
        let name = format!("{prefix}_CLIENT_TTL");
        let span = r.span(&name, self.client_ttl);
        span.positive().unwrap_or_else(|| {
            if self.counts && backend == Backend::RedisAside {
                r.error(
                    &name,
                    format_args!(
                        "{name} must be a positive duration when {prefix}_TYPE=\"redis-aside\" (got {span})"
                    ),
                );
            }
            self.client_ttl
        })
    }
}

/// Nobody is remembered: who is switched off is not served for another five minutes.
fn user_ttl(r: &mut Reader<'_>) -> Duration {
    const NAME: &str = "USER_CACHE_TTL";
    let errors = r.error_count();
    let ttl = r.positive(NAME, 5 * MINUTE);
    if r.raw(NAME).is_some() && r.error_count() == errors {
        r.warn(
            NAME,
            format_args!("{NAME} has no effect: people are read from the database for each request, so changes count at once"),
        );
    }
    ttl
}

fn token_ttl(r: &mut Reader<'_>, enabled: bool) -> Duration {
    const NAME: &str = "TOKEN_CACHE_TTL";
    let span: Span = r.span(NAME, 10 * HOUR);
    span.positive().unwrap_or_else(|| {
        if enabled {
            r.error(
                NAME,
                format_args!(
                    "{NAME} must be a positive duration when TOKEN_CACHE_ENABLED=true (got {span})"
                ),
            );
        }
        10 * HOUR
    })
}

fn megabytes(r: &mut Reader<'_>, name: &str) -> u64 {
    let number = u64::try_from(r.integer(name, 32)).unwrap_or(0);
    let megabytes = if number == 0 { 128 } else { number };
    megabytes.saturating_mul(1 << 20)
}
