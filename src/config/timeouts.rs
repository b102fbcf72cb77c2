//! How long the steps of start and shutdown may take.
use super::reader::Reader;
use std::time::Duration;

const FIVE: Duration = Duration::from_secs(5);

/// Times of start and shutdown. Those of the start are above zero; zero at shutdown means not to wait.
#[derive(Clone, Debug)]
pub struct Timeouts {
    /// `DB_INIT_TIMEOUT`, default 30s: connecting and migrating.
    pub db_init: Duration,
    /// `REDIS_CONN_TIMEOUT`, default 5s.
    pub redis_conn: Duration,
    /// `CACHE_INIT_TIMEOUT`, default 5s.
    pub cache_init: Duration,
    /// `SHUTDOWN_DELAY`, default 0: between the signal and the closing of the listener, for load balancers.
    pub shutdown_delay: Duration,
    /// `SERVER_SHUTDOWN_TIMEOUT`, default 5s: for requests in flight.
    pub server_shutdown: Duration,
    /// `AUDIT_SHUTDOWN_TIMEOUT`, default 10s: for events not yet written.
    pub audit_shutdown: Duration,
    /// `REDIS_CLOSE_TIMEOUT`, default 5s.
    pub redis_close: Duration,
    /// `CACHE_CLOSE_TIMEOUT`, default 5s.
    pub cache_close: Duration,
    /// `DB_CLOSE_TIMEOUT`, default 5s.
    pub db_close: Duration,
}

impl Timeouts {
    pub(super) fn read(r: &mut Reader<'_>) -> Self {
        Self {
            db_init: r.positive("DB_INIT_TIMEOUT", Duration::from_secs(30)),
            redis_conn: r.positive("REDIS_CONN_TIMEOUT", FIVE),
            cache_init: r.positive("CACHE_INIT_TIMEOUT", FIVE),
            shutdown_delay: r.duration("SHUTDOWN_DELAY", Duration::ZERO),
            server_shutdown: r.duration("SERVER_SHUTDOWN_TIMEOUT", FIVE),
            audit_shutdown: r.duration("AUDIT_SHUTDOWN_TIMEOUT", Duration::from_secs(10)),
            redis_close: r.duration("REDIS_CLOSE_TIMEOUT", FIVE),
            cache_close: r.duration("CACHE_CLOSE_TIMEOUT", FIVE),
            db_close: r.duration("DB_CLOSE_TIMEOUT", FIVE),
        }
    }
}
