use super::dotenv::Dotenv;
use super::jwt::{Algorithm, PrivateKey};
use super::sources::Sources;
use super::{Config, ConfigErrors, Loaded};
use crate::domain::secret::Secret;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

mod faults;
mod names;

/// Sources with an environment and the text of a `.env` file.
fn sources(env: &[(&str, &str)], dotenv: &str) -> Sources {
    let pairs = env.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
    Sources {
        environment: pairs.collect::<BTreeMap<_, _>>(),
        undecodable: BTreeSet::new(),
        dotenv: Dotenv::parse(dotenv),
        credentials: None,
        read_file: Box::new(|_| Err(std::io::ErrorKind::NotFound.into())),
    }
}

fn load(env: &[(&str, &str)]) -> Result<Loaded, ConfigErrors> {
    Config::load(&sources(env, ""))
}

fn config(env: &[(&str, &str)]) -> Config {
    load(env).unwrap().config
}

#[test]
fn the_guides_sample_loads_and_changes_no_default() {
    let guide = Config::load(&sources(
        &[],
        include_str!("../../tests/fixtures/guide.env"),
    ))
    .unwrap();
    let published = guide
        .warnings
        .iter()
        .filter(|w| w.contains("published default"));
    assert_eq!(published.count(), 2);
    assert_eq!(guide.warnings.len(), 2, "{:?}", guide.warnings);
    let (guide, default) = (guide.config, config(&[]));
    assert_eq!(
        format!("{:?}", guide.server),
        format!("{:?}", default.server)
    );
    assert_eq!(
        format!("{:?}", guide.lifetimes),
        format!("{:?}", default.lifetimes)
    );
    assert_eq!(
        format!("{:?}", guide.timeouts),
        format!("{:?}", default.timeouts)
    );
    assert_eq!(format!("{:?}", guide.audit), format!("{:?}", default.audit));
    assert_eq!(format!("{:?}", guide.oauth), format!("{:?}", default.oauth));
    assert_eq!(guide.database.dsn.expose(), "oauth.db");
    assert_eq!(guide.upstream.github.client_id, "your_github_client_id");
    assert_eq!(guide.upstream.microsoft.client_id, "");
}

#[test]
fn values_reach_their_fields() {
    let c = config(&[
        ("SERVER_ADDR", "127.0.0.1:9"),
        ("BASE_URL", "https://auth.example.com//"),
        ("ENVIRONMENT", "production"),
        ("JWT_SECRET", "0123456789abcdef0123456789abcdef"),
        ("SESSION_SECRET", "fedcba9876543210fedcba9876543210"),
        ("TRUSTED_PROXIES", "10.0.0.0/8, ::1"),
        ("JWT_AUDIENCE", "a,b"),
        ("JWT_DOMAIN", " corp.example "),
        ("JWT_PRIVATE_CLAIM_PREFIX", "acme"),
        ("DATABASE_PATH", "/data/oauth.db"),
        ("SESSION_IDLE_TIMEOUT", "0"),
        ("SESSION_MAX_AGE", "0"),
        ("AUDIT_LOG_RETENTION", "0"),
        ("AUDIT_LOG_BUFFER_SIZE", "-1"),
        ("LOGIN_RATE_LIMIT", "-1"),
        ("USER_CACHE_SIZE_PER_CONN", "64"),
        ("DB_MAX_OPEN_CONNS", "5"),
        ("DEVICE_REQUIRE_RECENT_LOGIN", "15m"),
        ("DEFAULT_ADMIN_PASSWORD", "  secret  "),
        ("HTTP_API_MAX_RETRIES", "-1"),
        ("HTTP_API_RETRY_DELAY", "0"),
    ]);
    assert_eq!(
        (c.server.addr.host.as_deref(), c.server.addr.port),
        (Some("127.0.0.1"), 9)
    );
    assert_eq!(c.server.base_url, "https://auth.example.com");
    assert!(c.server.production);
    let proxies: Vec<_> = c
        .server
        .trusted_proxies
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(proxies, ["10.0.0.0/8", "::1/128"]);
    assert_eq!(c.claims.audience, ["a", "b"]);
    assert_eq!(c.claims.domain.as_deref(), Some("corp.example"));
    assert_eq!(c.claims.rules.prefix, "acme");
    assert_eq!(c.database.dsn.expose(), "/data/oauth.db");
    assert_eq!((c.database.max_open, c.database.max_idle), (5, 5));
    assert_eq!((c.session.idle_timeout, c.session.max_age), (None, None));
    assert_eq!((c.audit.retention, c.audit.buffer_size), (None, 1000));
    assert_eq!(c.limits.login, 0);
    assert_eq!(c.caches.user.size, 64 * 1024 * 1024);
    assert_eq!(c.device.recent_login, Some(Duration::from_secs(900)));
    let admin = c.login.default_admin_password.unwrap();
    assert_eq!(admin.expose(), "secret");
    assert_eq!(c.login.http_api.max_retries, 2);
    assert_eq!(c.login.http_api.retry_delay, Duration::from_millis(100));
}

#[test]
fn cors_is_spelled_as_browsers_spell_it() {
    let c = config(&[
        ("CORS_ENABLED", "true"),
        (
            "CORS_ALLOWED_ORIGINS",
            "https://App.Example.com, https://app.example.com,HTTP://localhost:3000",
        ),
        ("CORS_ALLOWED_METHODS", "get,Put,GET"),
        ("CORS_MAX_AGE", "0"),
    ]);
    assert_eq!(
        c.cors.origins,
        ["https://app.example.com", "http://localhost:3000"]
    );
    assert_eq!(c.cors.methods, ["GET", "PUT"]);
    assert_eq!(c.cors.max_age, None);
}

#[test]
fn without_an_idle_limit_sessions_end_with_their_cookie() {
    let longest = |env: &[(&str, &str)]| config(env).session.longest().as_secs();
    assert_eq!(longest(&[]), 86_400);
    let fixed = ("SESSION_IDLE_TIMEOUT", "0");
    assert_eq!(longest(&[fixed]), 3600);
    assert_eq!(longest(&[fixed, ("SESSION_MAX_AGE", "172800")]), 86_400);
    assert_eq!(longest(&[fixed, ("SESSION_MAX_AGE", "0")]), 86_400);
    let off = ("SESSION_ABSOLUTE_TIMEOUT", "0");
    assert_eq!(longest(&[fixed, off]), 3600);
    assert_eq!(longest(&[off]), 315_360_000);
}

#[test]
fn derived_defaults_follow_their_base() {
    let c = config(&[
        ("JWT_EXPIRATION", "2h"),
        ("REFRESH_TOKEN_EXPIRATION", "48h"),
        ("METRICS_GAUGE_UPDATE_INTERVAL", "7m"),
    ]);
    assert_eq!(c.lifetimes.standard.access, Duration::from_secs(7200));
    assert_eq!(c.lifetimes.standard.refresh, Duration::from_secs(172_800));
    assert_eq!(c.lifetimes.base, c.lifetimes.standard);
    assert_eq!(c.caches.metrics.ttl, Duration::from_secs(420));
}

#[test]
fn an_encryption_key_in_each_form_is_the_same_key() {
    let forms = [
        "FBSrQOmvFWLXKqUXqZGyEVW5BgkzQCQh/+ABAgMEBQY=",
        "FBSrQOmvFWLXKqUXqZGyEVW5BgkzQCQh_-ABAgMEBQY",
        "1414ab40e9af1562d72aa517a991b21155b9060933402421ffe0010203040506",
    ];
    for form in forms {
        let key = config(&[("ENCRYPTION_KEY", form)]).encryption_key.unwrap();
        assert_eq!(crate::domain::digest::hex(key.expose()), forms[2]);
        assert_eq!(format!("{key:?}"), "EncryptionKey(..)");
    }
}

#[test]
fn no_secret_is_shown_by_debug_or_by_a_message() {
    let secret = "sesame-sesame-sesame-sesame-sesame";
    let names = [
        "JWT_SECRET",
        "SESSION_SECRET",
        "REDIS_PASSWORD",
        "DATABASE_DSN",
        "METRICS_TOKEN",
        "DEFAULT_ADMIN_PASSWORD",
        "HTTP_API_AUTH_SECRET",
        "GITHUB_CLIENT_SECRET",
        "DYNAMIC_CLIENT_REGISTRATION_TOKEN",
        "JWT_PRIVATE_KEY_PEM",
    ];
    let mut env: Vec<_> = names.iter().map(|name| (*name, secret)).collect();
    assert!(!format!("{:?}", load(&env)).contains("sesame"));
    env.push(("ENCRYPTION_KEY", secret));
    let told = format!("{:?}", load(&env));
    assert!(told.contains("ENCRYPTION_KEY must be 32 bytes") && !told.contains("sesame"));
}

#[test]
fn every_secret_reaches_its_field() {
    type Field = fn(&Config) -> Option<&Secret>;
    let table: &[(&str, Field)] = &[
        ("DATABASE_DSN", |c| Some(&c.database.dsn)),
        ("DATABASE_PATH", |c| Some(&c.database.dsn)),
        ("DEFAULT_ADMIN_PASSWORD", |c| {
            c.login.default_admin_password.as_ref()
        }),
        ("DYNAMIC_CLIENT_REGISTRATION_TOKEN", |c| {
            c.oauth.registration_token.as_ref()
        }),
        ("GITEA_CLIENT_SECRET", |c| {
            c.upstream.gitea.client_secret.as_ref()
        }),
        ("GITHUB_CLIENT_SECRET", |c| {
            c.upstream.github.client_secret.as_ref()
        }),
        ("GITLAB_CLIENT_SECRET", |c| {
            c.upstream.gitlab.client_secret.as_ref()
        }),
        ("MICROSOFT_CLIENT_SECRET", |c| {
            c.upstream.microsoft.client_secret.as_ref()
        }),
        ("HTTP_API_AUTH_SECRET", |c| {
            c.login.http_api.auth_secret.as_ref()
        }),
        ("METRICS_TOKEN", |c| c.metrics.token.as_ref()),
        ("REDIS_PASSWORD", |c| c.redis.password.as_ref()),
        ("SESSION_SECRET", |c| Some(&c.session.secret)),
        ("JWT_SECRET", |c| Some(&c.jwt.secret)),
        ("JWT_SECRET_PREVIOUS", |c| c.jwt.former_secret.as_ref()),
    ];
    let secret = "sesame-sesame-sesame-sesame-sesame";
    for (name, field) in table {
        let config = config(&[(name, secret)]);
        assert_eq!(field(&config).map(Secret::expose), Some(secret), "{name}");
    }
}

#[test]
fn the_private_key_in_the_text_wins_over_the_path() {
    let path = ("JWT_PRIVATE_KEY_PATH", "/k.pem");
    let es256 = config(&[
        ("JWT_SIGNING_ALGORITHM", "ES256"),
        path,
        ("JWT_PRIVATE_KEY_PEM", "pem"),
    ]);
    let Some(PrivateKey::Inline(pem)) = es256.jwt.key else {
        panic!("not the text");
    };
    assert_eq!(es256.jwt.algorithm, Algorithm::Es256);
    assert_eq!(pem.expose(), "pem");
    let rs256 = config(&[("JWT_SIGNING_ALGORITHM", "RS256"), path]);
    let Some(PrivateKey::File(file)) = rs256.jwt.key else {
        panic!("not the path");
    };
    assert_eq!(file.to_str(), Some("/k.pem"));
}

#[test]
fn algorithms_side_by_side_are_read() {
    let jwt = config(&[
        ("JWT_SIGNING_ALGORITHM", "ES256"),
        ("JWT_KEY_SOURCE", "database"),
        ("ENCRYPTION_KEY", &"ab".repeat(32)),
        ("JWT_PRIVATE_KEY_DIR", "/keys"),
        ("JWT_ADDITIONAL_ALGORITHMS", "RS256, ES256,RS256"),
        ("ID_TOKEN_SIGNING_ALGORITHM", "RS256"),
        ("JWT_KEY_PUBLISH_BEFORE_USE", "2h"),
    ])
    .jwt;
    assert_eq!(
        (jwt.algorithm, jwt.additional.as_slice(), jwt.id_token),
        (
            Algorithm::Es256,
            [Algorithm::Rs256].as_slice(),
            Algorithm::Rs256
        )
    );
    assert!(jwt.generated && jwt.key.is_none());
    assert_eq!(jwt.directory.unwrap().to_str(), Some("/keys"));
    assert_eq!(jwt.publish_before_use.as_secs(), 7200);
    let jwt = config(&[]).jwt;
    assert_eq!(
        (jwt.algorithm, jwt.id_token, jwt.own_id_token_key),
        (Algorithm::Hs256, Algorithm::Rs256, true),
    );
    assert!(jwt.additional.is_empty());
    assert_eq!(jwt.publish_before_use.as_secs(), 3900);
    // Who has a key besides the secret signs ID tokens with that; who says HS256 gets it.
    for (name, value, id_token) in [
        ("JWT_ADDITIONAL_ALGORITHMS", "ES256", Algorithm::Es256),
        ("ID_TOKEN_SIGNING_ALGORITHM", "HS256", Algorithm::Hs256),
        ("JWT_SIGNING_ALGORITHM", "ES256", Algorithm::Es256),
    ] {
        let jwt = config(&[(name, value), ("JWT_PRIVATE_KEY_PATH", "/k.pem")]).jwt;
        assert_eq!((jwt.id_token, jwt.own_id_token_key), (id_token, false));
    }
}
