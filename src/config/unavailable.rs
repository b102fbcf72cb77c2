//! Switches whose feature this version does not have. They refuse the start by name: silence would promise what
//! nobody keeps. This table is the only place to change when a feature arrives.
use super::reader::{Reader, truth};

/// When a value asks for the feature.
enum Asks {
    /// By being true.
    On,
    /// By being one of these.
    Any(&'static [&'static str]),
}

const REDIS: Asks = Asks::Any(&["redis", "redis-aside"]);

const SWITCHES: &[(&str, Asks)] = &[
    ("AUTH_MODE", Asks::Any(&["http_api"])),
    ("GITHUB_OAUTH_ENABLED", Asks::On),
    ("GITEA_OAUTH_ENABLED", Asks::On),
    ("GITLAB_OAUTH_ENABLED", Asks::On),
    ("MICROSOFT_OAUTH_ENABLED", Asks::On),
    ("RATE_LIMIT_STORE", Asks::Any(&["redis"])),
    ("USER_CACHE_TYPE", REDIS),
    ("CLIENT_CACHE_TYPE", REDIS),
    ("CLIENT_COUNT_CACHE_TYPE", REDIS),
    ("TOKEN_CACHE_TYPE", REDIS),
    ("METRICS_CACHE_TYPE", REDIS),
    ("TOKEN_CACHE_ENABLED", Asks::On),
    ("METRICS_ENABLED", Asks::On),
];

/// Refuses each switch that asks for an absent feature.
pub(super) fn check(r: &mut Reader<'_>) {
    for (name, asks) in SWITCHES {
        let Some(text) = r.raw(name) else {
            continue;
        };
        let wanted = match asks {
            Asks::On => truth(text) == Some(true),
            Asks::Any(values) => values.contains(&text),
        };
        if wanted {
            r.error(
                name,
                format_args!(
                    "{name}={text} asks for a feature that this version does not have yet"
                ),
            );
        }
    }
}
