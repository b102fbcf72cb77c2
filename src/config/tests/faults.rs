//! Every fault with its exact text.
use super::{load, sources};
use crate::config::Config;

const GOOD: &str = "0123456789abcdef0123456789abcdef";

/// The errors of an environment, which must have some.
fn errors(env: &[(&str, &str)]) -> Vec<String> {
    load(env).map(|_| ()).unwrap_err().0
}

fn warnings(env: &[(&str, &str)]) -> Vec<String> {
    let mut all = vec![("JWT_SECRET", GOOD), ("SESSION_SECRET", GOOD)];
    all.extend(env);
    load(&all).unwrap().warnings
}

#[test]
fn one_setting_one_message() {
    let table: &[(&str, &str, &str)] = &[
        (
            "JWT_EXPIRATION",
            "0",
            "JWT_EXPIRATION must be a positive duration (got 0s)",
        ),
        (
            "JWT_EXPIRATION",
            "-1h",
            "JWT_EXPIRATION must be a positive duration (got -1h0m0s)",
        ),
        (
            "JWT_EXPIRATION",
            "30",
            "JWT_EXPIRATION: \"30\" is not a duration: a number lacks its unit (examples: 30s, 5m, 1h30m)",
        ),
        (
            "JWT_EXPIRATION",
            "10m",
            "JWT_EXPIRATION_JITTER must be less than JWT_EXPIRATION (30m0s >= 10m0s)",
        ),
        (
            "JWT_EXPIRATION",
            "25h",
            "token profile \"standard\" access TTL 25h0m0s exceeds JWT_EXPIRATION_MAX 24h0m0s",
        ),
        (
            "JWT_EXPIRATION_JITTER",
            "-1s",
            "JWT_EXPIRATION_JITTER must be non-negative (got -1s)",
        ),
        (
            "EXTRA_CLAIMS_MAX_RAW_SIZE",
            "-1",
            "EXTRA_CLAIMS_MAX_RAW_SIZE must be non-negative (got -1)",
        ),
        (
            "EXTRA_CLAIMS_MAX_KEYS",
            "-2",
            "EXTRA_CLAIMS_MAX_KEYS must be non-negative (got -2)",
        ),
        (
            "EXTRA_CLAIMS_MAX_VAL_SIZE",
            "-3",
            "EXTRA_CLAIMS_MAX_VAL_SIZE must be non-negative (got -3)",
        ),
        (
            "JWT_DOMAIN",
            "-x",
            "invalid JWT_DOMAIN value: \"-x\" (must be 1–64 characters of letters, digits, underscore, dot, or hyphen, starting and ending with a letter or digit)",
        ),
        (
            "JWT_PRIVATE_CLAIM_PREFIX",
            "abcdefghijklmnop",
            "JWT_PRIVATE_CLAIM_PREFIX must be at most 15 characters (got 16: \"abcdefghijklmnop\")",
        ),
        (
            "JWT_PRIVATE_CLAIM_PREFIX",
            "x_",
            "JWT_PRIVATE_CLAIM_PREFIX must not end with an underscore (one is added before the name): \"x_\"",
        ),
        (
            "JWT_PRIVATE_CLAIM_PREFIX",
            "1x",
            "JWT_PRIVATE_CLAIM_PREFIX must match ^[a-zA-Z][a-zA-Z0-9_]*$ (got \"1x\")",
        ),
        (
            "JWT_SECRET",
            "short",
            "JWT_SECRET must be at least 32 bytes for HS256 (got 5 bytes)",
        ),
        (
            "JWT_SIGNING_ALGORITHM",
            "hs256",
            "invalid JWT_SIGNING_ALGORITHM value: \"hs256\" (must be \"HS256\", \"RS256\", or \"ES256\")",
        ),
        (
            "JWT_SIGNING_ALGORITHM",
            "RS256",
            "JWT_PRIVATE_KEY_PATH or JWT_PRIVATE_KEY_PEM is required when JWT_SIGNING_ALGORITHM=RS256 (or JWT_PRIVATE_KEY_DIR, or JWT_KEY_SOURCE=database)",
        ),
        (
            "JWT_SIGNING_ALGORITHM",
            "ES256",
            "JWT_PRIVATE_KEY_PATH or JWT_PRIVATE_KEY_PEM is required when JWT_SIGNING_ALGORITHM=ES256 (or JWT_PRIVATE_KEY_DIR, or JWT_KEY_SOURCE=database)",
        ),
        (
            "TLS_CERT_FILE",
            "c.pem",
            "TLS_CERT_FILE and TLS_KEY_FILE must both be set or both be empty",
        ),
        (
            "TLS_KEY_FILE",
            "k.pem",
            "TLS_CERT_FILE and TLS_KEY_FILE must both be set or both be empty",
        ),
        (
            "RATE_LIMIT_STORE",
            "disk",
            "invalid RATE_LIMIT_STORE value: \"disk\" (must be \"memory\" or \"redis\")",
        ),
        (
            "METRICS_CACHE_TYPE",
            "x",
            "invalid METRICS_CACHE_TYPE value: \"x\" (must be \"memory\", \"redis\", or \"redis-aside\")",
        ),
        (
            "USER_CACHE_TYPE",
            "x",
            "invalid USER_CACHE_TYPE value: \"x\" (must be \"memory\", \"redis\", or \"redis-aside\")",
        ),
        (
            "USER_CACHE_TTL",
            "0",
            "USER_CACHE_TTL must be a positive duration (got 0s)",
        ),
        (
            "CLIENT_COUNT_CACHE_TYPE",
            "x",
            "invalid CLIENT_COUNT_CACHE_TYPE value: \"x\" (must be \"memory\", \"redis\", or \"redis-aside\")",
        ),
        (
            "CLIENT_COUNT_CACHE_TTL",
            "0s",
            "CLIENT_COUNT_CACHE_TTL must be a positive duration (got 0s)",
        ),
        (
            "CLIENT_CACHE_TYPE",
            "x",
            "invalid CLIENT_CACHE_TYPE value: \"x\" (must be \"memory\", \"redis\", or \"redis-aside\")",
        ),
        (
            "CLIENT_CACHE_TTL",
            "-5m",
            "CLIENT_CACHE_TTL must be a positive duration (got -5m0s)",
        ),
        (
            "SESSION_REMEMBER_ME_MAX_AGE",
            "0",
            "SESSION_REMEMBER_ME_MAX_AGE must be a positive value when SESSION_REMEMBER_ME_ENABLED=true (got 0)",
        ),
        (
            "SESSION_REMEMBER_ME_MAX_AGE",
            "2592001",
            "SESSION_REMEMBER_ME_MAX_AGE exceeds 30-day gorilla/sessions limit (got 2592001, max 2592000)",
        ),
        (
            "SESSION_MAX_AGE",
            "-1",
            "SESSION_MAX_AGE must be non-negative (got -1)",
        ),
        (
            "SESSION_SECRET",
            "short",
            "SESSION_SECRET must be at least 32 bytes (got 5 bytes)",
        ),
        (
            "JWT_ADDITIONAL_ALGORITHMS",
            "PS256",
            "invalid JWT_ADDITIONAL_ALGORITHMS value: \"PS256\" (must be \"RS256\" or \"ES256\")",
        ),
        (
            "JWT_ADDITIONAL_ALGORITHMS",
            "HS256",
            "JWT_ADDITIONAL_ALGORITHMS must not name HS256: nobody but this server could verify its tokens (for tokens of a former secret, set JWT_SECRET_PREVIOUS)",
        ),
        (
            "ID_TOKEN_SIGNING_ALGORITHM",
            "RS256",
            "ID_TOKEN_SIGNING_ALGORITHM=RS256 needs RS256 in JWT_ADDITIONAL_ALGORITHMS, with a key for it",
        ),
        (
            "ID_TOKEN_SIGNING_ALGORITHM",
            "none",
            "invalid ID_TOKEN_SIGNING_ALGORITHM value: \"none\" (must be \"HS256\", \"RS256\", or \"ES256\")",
        ),
        (
            "JWT_KEY_SOURCE",
            "vault",
            "invalid JWT_KEY_SOURCE value: \"vault\" (must be \"file\" or \"database\")",
        ),
        (
            "JWT_KEY_SOURCE",
            "database",
            "ENCRYPTION_KEY is required when JWT_KEY_SOURCE=database: it seals the private keys",
        ),
        (
            "JWT_KEY_PUBLISH_BEFORE_USE",
            "-1s",
            "JWT_KEY_PUBLISH_BEFORE_USE must be non-negative (got -1s)",
        ),
        (
            "JWT_SECRET_PREVIOUS",
            "short",
            "JWT_SECRET_PREVIOUS must be at least 32 bytes (got 5 bytes)",
        ),
        (
            "JWT_EXPIRATION_MAX",
            "0",
            "JWT_EXPIRATION_MAX must be a positive duration (got 0s)",
        ),
        (
            "JWT_EXPIRATION_MAX",
            "23h",
            "token profile \"long\" access TTL 24h0m0s exceeds JWT_EXPIRATION_MAX 23h0m0s",
        ),
        (
            "REFRESH_TOKEN_EXPIRATION_MAX",
            "0",
            "REFRESH_TOKEN_EXPIRATION_MAX must be a positive duration (got 0s)",
        ),
        (
            "TOKEN_PROFILE_SHORT_ACCESS_TTL",
            "0",
            "token profile \"short\" access TTL must be a positive duration (got 0s)",
        ),
        (
            "TOKEN_PROFILE_LONG_REFRESH_TTL",
            "-1s",
            "token profile \"long\" refresh TTL must be a positive duration (got -1s)",
        ),
        (
            "TOKEN_PROFILE_LONG_REFRESH_TTL",
            "2161h",
            "token profile \"long\" refresh TTL 2161h0m0s exceeds REFRESH_TOKEN_EXPIRATION_MAX 2160h0m0s",
        ),
        (
            "CLIENT_CREDENTIALS_TOKEN_EXPIRATION",
            "0",
            "CLIENT_CREDENTIALS_TOKEN_EXPIRATION must be a positive duration (got 0s)",
        ),
        (
            "AUTH_CODE_EXPIRATION",
            "0",
            "AUTH_CODE_EXPIRATION must be a positive duration (got 0s)",
        ),
        (
            "AUTH_MODE",
            "ldap",
            "invalid AUTH_MODE: ldap (must be: local, http_api)",
        ),
        (
            "HTTP_API_AUTH_MODE",
            "x",
            "invalid HTTP_API_AUTH_MODE value: \"x\" (must be \"none\", \"simple\", \"hmac\", or \"github\")",
        ),
        (
            "PASSWORD_HASH",
            "md5",
            "invalid PASSWORD_HASH value: \"md5\" (must be \"bcrypt\" or \"argon2id\")",
        ),
        (
            "PASSWORD_MIN_LENGTH",
            "7",
            "PASSWORD_MIN_LENGTH is out of range (got 7, the least is 8)",
        ),
        (
            "DATABASE_DRIVER",
            "mysql",
            "DATABASE_DRIVER: unsupported database driver: mysql (must be sqlite or postgres)",
        ),
        (
            "DATABASE_DRIVER",
            "postgres",
            "DATABASE_DSN is required when DATABASE_DRIVER=postgres",
        ),
        (
            "REDIS_DB",
            "-1",
            "REDIS_DB is out of range (got -1, the least is 0)",
        ),
        (
            "CORS_ENABLED",
            "true",
            "CORS_ALLOWED_ORIGINS: conflict settings: all origins disabled (it is empty while CORS_ENABLED=true)",
        ),
        (
            "BASE_URL",
            "example.com",
            "BASE_URL must be an absolute http or https URL: it does not begin with http:// or https://",
        ),
        (
            "SERVER_ADDR",
            "8080",
            "SERVER_ADDR: listen tcp: address 8080: missing port in address",
        ),
        (
            "METRICS_ADDR",
            "x",
            "METRICS_ADDR: listen tcp: address x: missing port in address",
        ),
        (
            "TRUSTED_PROXIES",
            "proxy",
            "TRUSTED_PROXIES: \"proxy\" is not an IP network such as 10.0.0.0/8",
        ),
        (
            "DEVICE_ALLOWED_NETWORKS",
            "1.2.3.4/40",
            "DEVICE_ALLOWED_NETWORKS: \"1.2.3.4/40\" is not an IP network such as 10.0.0.0/8",
        ),
        (
            "DEVICE_POLLING_INTERVAL",
            "500ms",
            "DEVICE_POLLING_INTERVAL must be a whole number of seconds, which is what RFC 8628 sends",
        ),
        (
            "DB_INIT_TIMEOUT",
            "0",
            "DB_INIT_TIMEOUT must be a positive duration (got 0s)",
        ),
        (
            "DB_CLOSE_TIMEOUT",
            "-1s",
            "DB_CLOSE_TIMEOUT must be non-negative (got -1s)",
        ),
        (
            "LOG_LEVEL",
            "loud",
            "invalid LOG_LEVEL value: \"loud\" (must be \"error\", \"warn\", \"info\", \"debug\", or \"trace\")",
        ),
        (
            "LOG_FORMAT",
            "xml",
            "invalid LOG_FORMAT value: \"xml\" (must be \"text\" or \"json\")",
        ),
        (
            "INTROSPECT_POLICY",
            "none",
            "invalid INTROSPECT_POLICY value: \"none\" (must be \"any\" or \"audience\")",
        ),
        (
            "ENCRYPTION_KEY",
            "c2hvcnQ=",
            "ENCRYPTION_KEY must be 32 bytes as base64, base64url or 64 hexadecimal digits (openssl rand -base64 32)",
        ),
    ];
    for (name, value, message) in table {
        assert_eq!(errors(&[(name, value)]), [*message], "{name}={value}");
    }
}

#[test]
fn settings_that_fail_together() {
    let pair = |cache: &'static str, message: &str| {
        let (kind, ttl) = (format!("{cache}_TYPE"), format!("{cache}_CLIENT_TTL"));
        let told = errors(&[(&kind, "redis-aside"), (&ttl, "0")]);
        assert_eq!(told.first().map(String::as_str), Some(message));
    };
    pair(
        "USER_CACHE",
        "USER_CACHE_CLIENT_TTL must be a positive duration when USER_CACHE_TYPE=\"redis-aside\" (got 0s)",
    );
    pair(
        "CLIENT_CACHE",
        "CLIENT_CACHE_CLIENT_TTL must be a positive duration when CLIENT_CACHE_TYPE=\"redis-aside\" (got 0s)",
    );
    let token = errors(&[("TOKEN_CACHE_ENABLED", "true"), ("TOKEN_CACHE_TTL", "0")]);
    assert_eq!(
        token.first().map(String::as_str),
        Some("TOKEN_CACHE_TTL must be a positive duration when TOKEN_CACHE_ENABLED=true (got 0s)")
    );
    assert_eq!(
        errors(&[
            ("CORS_ENABLED", "1"),
            ("CORS_ALLOWED_ORIGINS", "https://a.example,b.example")
        ]),
        [
            "CORS_ALLOWED_ORIGINS: bad origin: origins must contain '*' or include http://,https:// (got \"b.example\")"
        ]
    );
    let typed = errors(&[("ACCESS_TOKEN_TYPE", "at+jwt"), ("JWT_AUDIENCE", " , ")]);
    assert_eq!(
        typed.first().map(String::as_str),
        Some(
            "ACCESS_TOKEN_TYPE=at+jwt needs JWT_AUDIENCE: such a token must name an audience, also when nobody asks for one (RFC 9068 §3)"
        )
    );
    let api = errors(&[("AUTH_MODE", "http_api")]);
    assert_eq!(
        api,
        [
            "HTTP_API_URL is required when AUTH_MODE=http_api",
            "AUTH_MODE=http_api asks for a feature that this version does not have yet"
        ]
    );
    let api = errors(&[
        ("AUTH_MODE", "http_api"),
        ("HTTP_API_URL", "ftp://x"),
        ("HTTP_API_AUTH_MODE", "simple"),
    ]);
    assert_eq!(
        api,
        [
            "HTTP_API_URL must be an absolute http or https URL: it does not begin with http:// or https://",
            "HTTP_API_AUTH_MODE needs HTTP_API_AUTH_SECRET",
            "AUTH_MODE=http_api asks for a feature that this version does not have yet"
        ]
    );
    // Nobody is refused by a limit that nobody keeps.
    let off = [("ENABLE_RATE_LIMIT", "false"), ("LOGIN_RATE_LIMIT", "0")];
    assert_eq!(warnings(&off), [""; 0]);
}

#[test]
fn what_is_off_is_not_judged() {
    assert!(load(&[("TOKEN_CACHE_TYPE", "x"), ("TOKEN_CACHE_TTL", "0")]).is_ok());
    assert!(load(&[("CORS_ALLOWED_ORIGINS", "x")]).is_ok());
    let off = ("SESSION_REMEMBER_ME_ENABLED", "false");
    let loaded = load(&[off, ("SESSION_REMEMBER_ME_MAX_AGE", "0")]).unwrap();
    assert_eq!(loaded.config.session.remember_me, None);
    assert!(
        load(&[
            ("JWT_SIGNING_ALGORITHM", "RS256"),
            ("JWT_SECRET", "x"),
            ("JWT_PRIVATE_KEY_PATH", "k")
        ])
        .is_ok()
    );
}

#[test]
fn all_faults_are_told_at_once_in_their_order() {
    let told = errors(&[
        ("AUTH_MODE", "ldap"),
        ("JWT_EXPIRATION_MAX", "0"),
        ("SESSION_REMEMBER_ME_MAX_AGE", "0"),
        ("CLIENT_CACHE_TTL", "0"),
        ("CLIENT_COUNT_CACHE_TTL", "0"),
        ("USER_CACHE_TTL", "0"),
        ("METRICS_CACHE_TYPE", "x"),
        ("RATE_LIMIT_STORE", "x"),
        ("TLS_KEY_FILE", "x"),
        ("JWT_SECRET", "x"),
        ("JWT_PRIVATE_CLAIM_PREFIX", "_"),
        ("JWT_DOMAIN", "-"),
        ("EXTRA_CLAIMS_MAX_KEYS", "-1"),
        ("JWT_EXPIRATION_JITTER", "11h"),
        ("CORS_ENABLED", "true"),
    ]);
    let starts = [
        "EXTRA_CLAIMS_MAX_KEYS",
        "JWT_EXPIRATION_JITTER must be less",
        "invalid JWT_DOMAIN",
        "JWT_PRIVATE_CLAIM_PREFIX",
        "JWT_SECRET",
        "TLS_CERT_FILE",
        "invalid RATE_LIMIT_STORE",
        "invalid METRICS_CACHE_TYPE",
        "USER_CACHE_TTL",
        "CLIENT_COUNT_CACHE_TTL",
        "CLIENT_CACHE_TTL",
        "SESSION_REMEMBER_ME_MAX_AGE",
        "JWT_EXPIRATION_MAX",
        "invalid AUTH_MODE",
        "CORS_ALLOWED_ORIGINS",
    ];
    assert_eq!(told.len(), starts.len(), "{told:#?}");
    for (message, start) in told.iter().zip(starts) {
        assert!(message.starts_with(start), "{message} / {start}");
    }
}

#[test]
fn refuses_default_secret() {
    for exposed in [
        ("ENVIRONMENT", "production"),
        ("BASE_URL", "https://x.example"),
    ] {
        let told = errors(&[exposed]);
        let why = "is the published default, which everybody knows: it is refused in production and with an https BASE_URL; set one of your own (authgate generate-secrets)";
        assert_eq!(
            told,
            [format!("JWT_SECRET {why}"), format!("SESSION_SECRET {why}")]
        );
        assert!(load(&[exposed, ("JWT_SECRET", GOOD), ("SESSION_SECRET", GOOD)]).is_ok());
    }
    let told = load(&[]).unwrap().warnings;
    assert_eq!(told.len(), 2);
    assert!(told.iter().all(|w| w.contains("published default")));
}

#[test]
fn features_that_are_not_built_refuse_the_start_by_name() {
    for (name, value) in [
        ("GITHUB_OAUTH_ENABLED", "true"),
        ("GITEA_OAUTH_ENABLED", "1"),
        ("GITLAB_OAUTH_ENABLED", "yes"),
        ("MICROSOFT_OAUTH_ENABLED", "true"),
        ("RATE_LIMIT_STORE", "redis"),
        ("USER_CACHE_TYPE", "redis"),
        ("CLIENT_CACHE_TYPE", "redis-aside"),
        ("CLIENT_COUNT_CACHE_TYPE", "redis"),
        ("TOKEN_CACHE_TYPE", "redis"),
        ("METRICS_CACHE_TYPE", "redis-aside"),
        ("TOKEN_CACHE_ENABLED", "true"),
        ("METRICS_ENABLED", "true"),
    ] {
        let expected =
            format!("{name}={value} asks for a feature that this version does not have yet");
        assert_eq!(errors(&[(name, value)]), [expected]);
    }
}

#[test]
fn unknown_names_are_hinted_at_and_refused_when_strict() {
    let file = "JWT_SECRT=x\nPOSTGRES_IMAGE=16\n";
    let good = [("JWT_SECRET", GOOD), ("SESSION_SECRET", GOOD)];
    let messages = [
        "JWT_SECRT is not a setting of AuthGate; did you mean JWT_SECRET? (.env:1)",
        "POSTGRES_IMAGE is not a setting of AuthGate (.env:2)",
    ];
    assert_eq!(
        Config::load(&sources(&good, file)).unwrap().warnings,
        messages
    );
    let strict = format!("{file}CONFIG_STRICT=true\n");
    let told = Config::load(&sources(&good, &strict))
        .map(|_| ())
        .unwrap_err();
    assert_eq!(told.0, messages);
    assert_eq!(told.to_string(), messages.join("\n"));
}

#[test]
fn the_environment_is_searched_for_slips_only() {
    assert_eq!(
        warnings(&[("PATH", "/bin"), ("HOME", "/"), ("BASEURL", "x")]),
        ["BASEURL in the environment is not a setting of AuthGate; did you mean BASE_URL?"]
    );
}

#[test]
fn what_is_legal_and_odd_is_told() {
    for (env, start) in [
        (
            [("ENVIRONMENT", "prod"), ("A", "")],
            "ENVIRONMENT=prod counts as development",
        ),
        (
            [("ENVIRONMENT", "production"), ("A", "")],
            "BASE_URL is not https in production",
        ),
        (
            [("LEGACY_CLIENT_AUTH", "on"), ("A", "")],
            "LEGACY_CLIENT_AUTH accepts",
        ),
        (
            [("DB_LOG_LEVEL", "loud"), ("A", "")],
            "DB_LOG_LEVEL: \"loud\" is none of",
        ),
        (
            [("LOGIN_RATE_LIMIT", "0"), ("A", "")],
            "LOGIN_RATE_LIMIT=0 refuses every request",
        ),
        (
            [("INTROSPECT_RATE_LIMIT", "-1"), ("A", "")],
            "INTROSPECT_RATE_LIMIT=-1 refuses every request",
        ),
        (
            [("HTTP_API_AUTH_MODE", "hmac"), ("A", "")],
            "HTTP_API_AUTH_MODE needs HTTP_API_AUTH_SECRET",
        ),
        (
            [("HTTP_API_URL", "foo"), ("A", "")],
            "HTTP_API_URL must be an absolute http or https URL: it does not begin with",
        ),
        (
            [("HTTP_API_TIMEOUT", "1s"), ("A", "")],
            "HTTP_API_TIMEOUT is over before 3 retries can be made",
        ),
        (
            [("HTTP_API_MAX_RETRIES", "99"), ("HTTP_API_TIMEOUT", "15m")],
            "HTTP_API_TIMEOUT is over before 99 retries can be made",
        ),
        (
            [("REDIS_ADDR", "nonsense"), ("A", "")],
            "REDIS_ADDR must be host:port: missing port",
        ),
        (
            [("GITEA_URL", "x"), ("A", "")],
            "GITEA_URL is no absolute http or https URL: it does not begin with",
        ),
        (
            [("GITLAB_URL", "https://:1"), ("A", "")],
            "GITLAB_URL is no absolute http or https URL: it has no host",
        ),
        (
            [("USER_CACHE_TTL", "15m"), ("A", "")],
            "USER_CACHE_TTL has no effect: people are read from the database",
        ),
        (
            [("JWT_EXPIRATION", "24h"), ("A", "")],
            "access tokens live for up to 24h30m0s: JWT_EXPIRATION_JITTER comes on top",
        ),
        (
            [("TLS_CERT_FILE", "c"), ("TLS_KEY_FILE", "k")],
            "BASE_URL is not https although",
        ),
        (
            [("JWT_PRIVATE_KEY_PATH", "k"), ("A", "")],
            "the private key has no effect while",
        ),
        (
            [("TOKEN_CACHE_TYPE", "x"), ("A", "")],
            "invalid TOKEN_CACHE_TYPE value",
        ),
        (
            [("CORS_ENABLED", "on"), ("CORS_ALLOWED_ORIGINS", "*")],
            "CORS_ALLOWED_ORIGINS=* lets",
        ),
        (
            [
                ("CORS_ENABLED", "on"),
                ("CORS_ALLOWED_ORIGINS", "https://*.x"),
            ],
            "CORS_ALLOWED_ORIGINS: \"https://*.x\" never matches",
        ),
        (
            [
                ("CORS_ENABLED", "on"),
                ("CORS_ALLOWED_ORIGINS", "https://x/"),
            ],
            "CORS_ALLOWED_ORIGINS: \"https://x/\" never matches",
        ),
    ] {
        let told = warnings(&env);
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told.iter().all(|w| w.starts_with(start)), "{told:?}");
    }
    let es256 = ("JWT_SIGNING_ALGORITHM", "ES256");
    assert_eq!(
        warnings(&[
            es256,
            ("JWT_PRIVATE_KEY_PATH", "k"),
            ("JWT_PRIVATE_KEY_PEM", "p")
        ]),
        ["JWT_PRIVATE_KEY_PATH has no effect while JWT_PRIVATE_KEY_PEM is set"]
    );
}

#[test]
fn a_broken_file_is_an_error_beside_the_others() {
    let told = Config::load(&sources(&[], "bad-key=1\nJWT_EXPIRATION=0\n"))
        .map(|_| ())
        .unwrap_err();
    assert_eq!(
        told.0,
        [
            ".env:1: a name is made of letters, digits, _ and ., and not of '-'",
            "JWT_EXPIRATION must be a positive duration (got 0s) (.env:2)",
        ]
    );
}
