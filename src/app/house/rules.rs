//! What the operator set, as the flows want it.
use crate::{
    app::settings,
    config::Config,
    flows::{device::DeviceRules, issue::TokenRules},
    http::{limits::Limiter, routes::Limits},
    passwords::{HashAlgorithm, PasswordPolicy},
};
use std::sync::Arc;

pub fn token_rules(config: &Config) -> TokenRules {
    TokenRules {
        issuer: config.server.base_url.clone(),
        audience: config.claims.audience.clone(),
        prefix: config.claims.rules.prefix.clone(),
        domain: config.claims.domain.clone().unwrap_or_default(),
        lifetimes: config.lifetimes.clone(),
        refresh_tokens: config.oauth.refresh_tokens,
        rotation: config.oauth.token_rotation,
        retry_grace: config.oauth.refresh_retry_grace,
        access_type: settings::access_type(config),
        public_extra_claims: config.claims.public_clients,
    }
}

pub fn device_rules(config: &Config) -> DeviceRules {
    let device = &config.device;
    DeviceRules {
        base_url: config.server.base_url.clone(),
        life: device.code_expiration,
        interval: u32::try_from(device.polling_interval.as_secs())
            .unwrap_or(5)
            .max(1),
        enabled: device.enabled,
        networks: device.allowed_networks.clone(),
        recent_login: device.recent_login,
        max_misses: device.max_code_misses,
    }
}

/// Every limit, unless limits are switched off.
pub fn limits(config: &Config) -> Limits {
    let limits = &config.limits;
    let limiter = |per_minute| {
        let limiter = || Arc::new(Limiter::new(i64::from(per_minute)));
        limits.enabled.then(limiter)
    };
    Limits {
        login: limiter(limits.login),
        device_code: limiter(limits.device_code),
        token: limiter(limits.token),
        device_verify: limiter(limits.device_verify),
        introspect: limiter(limits.introspect),
        registration: limiter(limits.registration),
        management: limiter(limits.registration),
    }
}

/// What a new password must be: the names of the product and of this host say nothing.
pub fn password_policy(config: &Config, algorithm: HashAlgorithm) -> PasswordPolicy {
    let host = url::Url::parse(&config.server.base_url)
        .ok()
        .and_then(|url| url.host_str().map(str::to_owned))
        .unwrap_or_default();
    let login = &config.login;
    PasswordPolicy::new(
        login.password_min_length,
        login.password_blocklist,
        algorithm,
    )
    .with_context(["authgate", host.as_str()])
}
