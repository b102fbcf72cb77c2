//! The device authorization grant (RFC 8628). Its refresh cap stands with the other lifetimes.
use super::reader::Reader;
use super::server::networks;
use ipnet::IpNet;
use std::time::Duration;

/// The device grant.
#[derive(Clone, Debug)]
pub struct Device {
    /// `DEVICE_FLOW_ENABLED`, default on.
    pub enabled: bool,
    /// `DEVICE_CODE_EXPIRATION`, default 30m.
    pub code_expiration: Duration,
    /// `DEVICE_POLLING_INTERVAL`, default 5s, at least 1s: `interval` of RFC 8628 §3.2.
    pub polling_interval: Duration,
    /// `DEVICE_REQUIRE_RECENT_LOGIN`, default 0: approval needs a sign-in no older than this. Zero or less does not
    /// ask.
    pub recent_login: Option<Duration>,
    /// `DEVICE_MAX_CODE_MISSES`, default 5, at least 1: wrong user codes before a session must wait.
    pub max_code_misses: u32,
    /// `DEVICE_ALLOWED_NETWORKS`: where device requests may come from; empty is anywhere.
    pub allowed_networks: Vec<IpNet>,
}

impl Device {
    pub(super) fn read(r: &mut Reader<'_>) -> Self {
        const INTERVAL: &str = "DEVICE_POLLING_INTERVAL";
        let polling_interval = r.positive(INTERVAL, Duration::from_secs(5));
        if polling_interval.subsec_nanos() > 0 {
            r.error(
                INTERVAL,
                format_args!(
                    "{INTERVAL} must be a whole number of seconds, which is what RFC 8628 sends"
                ),
            );
        }
        Self {
            enabled: r.boolean("DEVICE_FLOW_ENABLED", true),
            code_expiration: r.positive("DEVICE_CODE_EXPIRATION", Duration::from_secs(1800)),
            polling_interval,
            recent_login: r.optional_duration("DEVICE_REQUIRE_RECENT_LOGIN", Duration::ZERO),
            max_code_misses: r.at_least("DEVICE_MAX_CODE_MISSES", 5, 1),
            allowed_networks: networks(r, "DEVICE_ALLOWED_NETWORKS"),
        }
    }
}
