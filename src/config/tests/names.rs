//! Which names are read: neither fewer nor more than the documentation lists.
use super::{Config, sources};
use crate::config::reader::Reader;
use crate::config::{unavailable, unknown};
use std::collections::BTreeSet;

/// The 146 names that the Go server reads.
const SHARED: &str = "\
    AUDIT_LOG_BUFFER_SIZE AUDIT_LOG_CLEANUP_INTERVAL AUDIT_LOG_RETENTION AUDIT_SHUTDOWN_TIMEOUT \
    AUTH_CODE_EXPIRATION AUTH_MODE BASE_URL CACHE_CLOSE_TIMEOUT CACHE_INIT_TIMEOUT \
    CLIENT_CACHE_CLIENT_TTL CLIENT_CACHE_SIZE_PER_CONN CLIENT_CACHE_TTL CLIENT_CACHE_TYPE \
    CLIENT_COUNT_CACHE_CLIENT_TTL CLIENT_COUNT_CACHE_SIZE_PER_CONN CLIENT_COUNT_CACHE_TTL \
    CLIENT_COUNT_CACHE_TYPE CLIENT_CREDENTIALS_TOKEN_EXPIRATION CONSENT_REMEMBER CORS_ALLOWED_HEADERS \
    CORS_ALLOWED_METHODS CORS_ALLOWED_ORIGINS CORS_ENABLED CORS_MAX_AGE DATABASE_DRIVER DATABASE_DSN \
    DATABASE_PATH DB_CLOSE_TIMEOUT DB_CONN_MAX_IDLE_TIME DB_CONN_MAX_LIFETIME DB_INIT_TIMEOUT \
    DB_LOG_LEVEL DB_MAX_IDLE_CONNS DB_MAX_OPEN_CONNS DEFAULT_ADMIN_PASSWORD DEVICE_CODE_RATE_LIMIT \
    DEVICE_VERIFY_RATE_LIMIT DYNAMIC_CLIENT_REGISTRATION_RATE_LIMIT DYNAMIC_CLIENT_REGISTRATION_TOKEN \
    ENABLE_AUDIT_LOGGING ENABLE_DYNAMIC_CLIENT_REGISTRATION ENABLE_EXPIRED_TOKEN_CLEANUP \
    ENABLE_RATE_LIMIT ENABLE_REFRESH_TOKENS ENABLE_SWAGGER ENABLE_TOKEN_ROTATION ENVIRONMENT \
    EXPIRED_TOKEN_CLEANUP_INTERVAL EXTRA_CLAIMS_ENABLED EXTRA_CLAIMS_MAX_KEYS EXTRA_CLAIMS_MAX_RAW_SIZE \
    EXTRA_CLAIMS_MAX_VAL_SIZE GITEA_CLIENT_ID GITEA_CLIENT_SECRET GITEA_OAUTH_ENABLED GITEA_REDIRECT_URL \
    GITEA_SCOPES GITEA_URL GITHUB_CLIENT_ID GITHUB_CLIENT_SECRET GITHUB_OAUTH_ENABLED \
    GITHUB_REDIRECT_URL GITHUB_SCOPES GITLAB_CLIENT_ID GITLAB_CLIENT_SECRET GITLAB_OAUTH_ENABLED \
    GITLAB_REDIRECT_URL GITLAB_SCOPES GITLAB_URL HTTP_API_AUTH_HEADER HTTP_API_AUTH_MODE \
    HTTP_API_AUTH_SECRET HTTP_API_INSECURE_SKIP_VERIFY HTTP_API_MAX_RETRIES HTTP_API_MAX_RETRY_DELAY \
    HTTP_API_RETRY_DELAY HTTP_API_TIMEOUT HTTP_API_URL INTROSPECT_RATE_LIMIT JWT_AUDIENCE JWT_DOMAIN \
    JWT_EXPIRATION JWT_EXPIRATION_JITTER JWT_EXPIRATION_MAX JWT_KEY_ID JWT_PRIVATE_CLAIM_PREFIX \
    JWT_PRIVATE_KEY_PATH JWT_PRIVATE_KEY_PEM JWT_SECRET JWT_SIGNING_ALGORITHM LOGIN_RATE_LIMIT \
    METRICS_CACHE_CLIENT_TTL METRICS_CACHE_SIZE_PER_CONN METRICS_CACHE_TYPE METRICS_ENABLED \
    METRICS_GAUGE_UPDATE_ENABLED METRICS_GAUGE_UPDATE_INTERVAL METRICS_TOKEN MICROSOFT_CLIENT_ID \
    MICROSOFT_CLIENT_SECRET MICROSOFT_OAUTH_ENABLED MICROSOFT_REDIRECT_URL MICROSOFT_SCOPES \
    MICROSOFT_TENANT_ID OAUTH_AUTO_REGISTER OAUTH_INSECURE_SKIP_VERIFY OAUTH_TIMEOUT PKCE_REQUIRED \
    RATE_LIMIT_CLEANUP_INTERVAL RATE_LIMIT_STORE REDIS_ADDR REDIS_CLOSE_TIMEOUT REDIS_CONN_TIMEOUT \
    REDIS_DB REDIS_PASSWORD REFRESH_TOKEN_EXPIRATION REFRESH_TOKEN_EXPIRATION_MAX SERVER_ADDR \
    SERVER_SHUTDOWN_TIMEOUT SESSION_FINGERPRINT SESSION_FINGERPRINT_IP SESSION_IDLE_TIMEOUT \
    SESSION_MAX_AGE SESSION_REMEMBER_ME_ENABLED SESSION_REMEMBER_ME_MAX_AGE SESSION_SECRET \
    STATIC_CACHE_MAX_AGE STRICT_REDIRECT_URIS TLS_CERT_FILE TLS_KEY_FILE TOKEN_CACHE_CLIENT_TTL \
    TOKEN_CACHE_ENABLED TOKEN_CACHE_SIZE_PER_CONN TOKEN_CACHE_TTL TOKEN_CACHE_TYPE \
    TOKEN_PROFILE_LONG_ACCESS_TTL TOKEN_PROFILE_LONG_REFRESH_TTL TOKEN_PROFILE_SHORT_ACCESS_TTL \
    TOKEN_PROFILE_SHORT_REFRESH_TTL TOKEN_PROFILE_STANDARD_ACCESS_TTL TOKEN_PROFILE_STANDARD_REFRESH_TTL \
    TOKEN_RATE_LIMIT USER_CACHE_CLIENT_TTL USER_CACHE_SIZE_PER_CONN USER_CACHE_TTL USER_CACHE_TYPE";

/// Names that only this server has.
const OWN: &str = "\
    ACCESS_TOKEN_TYPE CONFIG_STRICT DEVICE_ALLOWED_NETWORKS DEVICE_CODE_EXPIRATION DEVICE_FLOW_ENABLED \
    DEVICE_MAX_CODE_MISSES DEVICE_POLLING_INTERVAL DEVICE_REFRESH_TOKEN_EXPIRATION \
    DEVICE_REQUIRE_RECENT_LOGIN DYNAMIC_CLIENT_REGISTRATION_MAX_PENDING ENCRYPTION_KEY EXTRA_CLAIMS_PUBLIC_CLIENTS ID_TOKEN_SIGNING_ALGORITHM \
    INTROSPECT_AUDIENCES INTROSPECT_POLICY JWT_ADDITIONAL_ALGORITHMS JWT_KEY_PUBLISH_BEFORE_USE JWT_KEY_SOURCE \
    JWT_PRIVATE_KEY_DIR JWT_SECRET_PREVIOUS LEGACY_CLIENT_AUTH LOGIN_MAX_FAILURES \
    LOG_FORMAT LOG_LEVEL MAX_CONNECTIONS METRICS_ADDR PASSWORD_BLOCKLIST PASSWORD_HASH \
    PASSWORD_MIN_LENGTH REFRESH_RETRY_GRACE REFRESH_TOKEN_ABSOLUTE_LIFETIME SESSION_ABSOLUTE_TIMEOUT SHUTDOWN_DELAY STRICT_CLIENT_AUTH_METHODS \
    TRUSTED_PROXIES USERINFO_REQUIRE_OPENID USER_APPS_MAX";

/// Names that may also be given as a file, by `_FILE`.
const SECRETS: &str = "\
    DATABASE_DSN DEFAULT_ADMIN_PASSWORD DYNAMIC_CLIENT_REGISTRATION_TOKEN ENCRYPTION_KEY \
    GITEA_CLIENT_SECRET GITHUB_CLIENT_SECRET GITLAB_CLIENT_SECRET HTTP_API_AUTH_SECRET \
    JWT_PRIVATE_KEY_PEM JWT_SECRET JWT_SECRET_PREVIOUS METRICS_TOKEN MICROSOFT_CLIENT_SECRET REDIS_PASSWORD SESSION_SECRET";

#[test]
fn every_documented_name_is_read_and_no_other() {
    let expected: BTreeSet<String> = SHARED
        .split_whitespace()
        .chain(OWN.split_whitespace())
        .map(str::to_owned)
        .chain(
            SECRETS
                .split_whitespace()
                .map(|name| format!("{name}_FILE")),
        )
        .collect();
    assert_eq!(SHARED.split_whitespace().count(), 146);
    let sources = sources(&[], "");
    let mut reader = Reader::new(&sources);
    Config::read(&mut reader);
    unavailable::check(&mut reader);
    reader.boolean("CONFIG_STRICT", false);
    unknown::check(&mut reader, true);
    assert_eq!(reader.names(), &expected);
}

#[test]
fn every_name_has_an_effect_or_an_error() {
    let default = format!("{:?}", Config::load(&sources(&[], "")));
    for name in SHARED.split_whitespace().chain(OWN.split_whitespace()) {
        let changed = format!("{:?}", Config::load(&sources(&[(name, "\u{7f}?")], "")));
        // What `Debug` hides has a test of its own beside this one.
        let is_hidden = name == "DATABASE_PATH" || SECRETS.split_whitespace().any(|s| s == name);
        assert!(is_hidden || changed != default, "{name}");
    }
}

#[test]
fn the_fault_that_is_shown_is_the_one_that_is_told() {
    let dotenv = format!("{}JWT_EXPIRATION=10d", "\n".repeat(6));
    let faults = Config::load(&sources(&[], &dotenv)).unwrap_err();
    let told = format!("\nInvalid configuration: {faults}\n");
    assert!(
        include_str!("../../../docs/configuration.md").contains(&told),
        "{told}"
    );
}

#[test]
fn every_name_is_documented() {
    let document = include_str!("../../../docs/configuration.md");
    let told: BTreeSet<&str> = document
        .split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
        .collect();
    for name in SHARED.split_whitespace().chain(OWN.split_whitespace()) {
        assert!(
            told.contains(name),
            "{name} is not in docs/configuration.md"
        );
    }
    for line in document.lines().filter(|line| line.contains('🔑')) {
        let names = line.split('|').nth(1).unwrap_or_default();
        for name in names
            .split('`')
            .filter(|name| name.contains('_') && *name != "NAME_FILE")
        {
            let is_secret = SECRETS.split_whitespace().any(|secret| secret == name);
            assert!(is_secret, "{name} cannot be given as a file");
        }
    }
}
