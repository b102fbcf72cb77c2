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
        let enabled = r.boolean("ENABLE_RATE_LIMIT", true);
        let mut per_minute = |name, default| per_minute(r, name, default, enabled);
        let login = per_minute("LOGIN_RATE_LIMIT", 5);
        let device_code = per_minute("DEVICE_CODE_RATE_LIMIT", 10);
        let token = per_minute("TOKEN_RATE_LIMIT", 20);
        let device_verify = per_minute("DEVICE_VERIFY_RATE_LIMIT", 10);
        let registration = per_minute("DYNAMIC_CLIENT_REGISTRATION_RATE_LIMIT", 5);
        let introspect = per_minute("INTROSPECT_RATE_LIMIT", 20);
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
            enabled,
            cleanup_interval: r.positive("RATE_LIMIT_CLEANUP_INTERVAL", Duration::from_secs(300)),
            login,
            device_code,
            token,
            device_verify,
            registration,
            introspect,
        }
    }
}

fn per_minute(r: &mut Reader<'_>, name: &str, default: i64, enabled: bool) -> u32 {
    let number = r.integer(name, default);
    if enabled && number <= 0 {
        r.warn(
            name,
            format_args!("{name}={number} refuses every request that it counts"),
        );
    }
    u32::try_from(number.max(0)).unwrap_or(u32::MAX)
}
