//! How often one address may ask. A limit of zero or less refuses every request.
use super::reader::Reader;
use std::time::Duration;

/// Requests for each address and minute.
#[derive(Clone, Debug)]
pub struct RateLimits {
    /// `ENABLE_RATE_LIMIT`, default on.
    pub enabled: bool,
    /// `RATE_LIMIT_STORE`, default `memory`.
    pub store: LimitStore,
    /// `RATE_LIMIT_CLEANUP_INTERVAL`, default 5m: how often idle counters are dropped.
    pub cleanup_interval: Duration,
    /// `LOGIN_RATE_LIMIT`, default 5.
    pub login: u32,
    /// `DEVICE_CODE_RATE_LIMIT`, default 10.
    pub device_code: u32,
    /// `TOKEN_RATE_LIMIT`, default 20.
    pub token: u32,
    /// `DEVICE_VERIFY_RATE_LIMIT`, default 10.
    pub device_verify: u32,
    /// `DYNAMIC_CLIENT_REGISTRATION_RATE_LIMIT`, default 5.
    pub registration: u32,
    /// `INTROSPECT_RATE_LIMIT`, default 20.
    pub introspect: u32,
}

/// Where the counters are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitStore {
    /// `memory`: in this process.
    Memory,
    /// `redis`: shared by all processes.
    Redis,
}

impl RateLimits {
    pub(super) fn read(r: &mut Reader<'_>) -> Self {
        Self {
            store: r.choice(
                "RATE_LIMIT_STORE",
                &[("memory", LimitStore::Memory), ("redis", LimitStore::Redis)],
                LimitStore::Memory,
                |text| {
                    format!(
                        "invalid RATE_LIMIT_STORE value: {text:?} (must be \"memory\" or \"redis\")"
                    )
                },
            ),
            enabled: r.boolean("ENABLE_RATE_LIMIT", true),
            cleanup_interval: r.positive("RATE_LIMIT_CLEANUP_INTERVAL", Duration::from_secs(300)),
            login: per_minute(r, "LOGIN_RATE_LIMIT", 5),
            device_code: per_minute(r, "DEVICE_CODE_RATE_LIMIT", 10),
            token: per_minute(r, "TOKEN_RATE_LIMIT", 20),
            device_verify: per_minute(r, "DEVICE_VERIFY_RATE_LIMIT", 10),
            registration: per_minute(r, "DYNAMIC_CLIENT_REGISTRATION_RATE_LIMIT", 5),
            introspect: per_minute(r, "INTROSPECT_RATE_LIMIT", 20),
        }
    }
}

fn per_minute(r: &mut Reader<'_>, name: &str, default: i64) -> u32 {
    let number = r.integer(name, default).max(0);
    u32::try_from(number).unwrap_or(u32::MAX)
}
