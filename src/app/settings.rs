//! Settings as the rooms want them, from settings as the operator gave them.
use crate::{
    actors::lifecycle::Budgets,
    config::{
        Config,
        claims::AccessTokenType,
        database::{Driver, StatementLog},
        login::PasswordHash,
        server::ListenAddr,
    },
    http::{
        cors::CorsRules,
        tls::{Certificate, TlsError, TlsFiles},
    },
    jose::MediaType,
    passwords::HashAlgorithm,
    store::{self, Store, StoreError},
};
use std::sync::Arc;

pub fn store(config: &Config) -> store::Settings {
    let db = &config.database;
    store::Settings {
        driver: match db.driver {
            Driver::Sqlite => store::Driver::Sqlite,
            Driver::Postgres => store::Driver::Postgres,
        },
        dsn: db.dsn.expose().to_owned(),
        max_open: db.max_open,
        max_idle: db.max_idle,
        max_lifetime: db.max_lifetime,
        max_idle_time: db.max_idle_time,
        log: match db.log_level {
            StatementLog::Silent => store::StatementLog::Silent,
            StatementLog::Error => store::StatementLog::Error,
            StatementLog::Warn => store::StatementLog::Warn,
            StatementLog::Info => store::StatementLog::Info,
        },
        create: true,
    }
}

/// How long each step of the shutdown may take.
pub fn budgets(config: &Config) -> Budgets {
    let t = &config.timeouts;
    Budgets {
        delay: t.shutdown_delay,
        http: t.server_shutdown,
        work: Budgets::WORK,
        audit: t.audit_shutdown,
        caches: t.cache_close,
        redis: t.redis_close,
        database: t.db_close,
    }
}

/// The Go server reads bcrypt only, so a database that it could read keeps it until the operator says otherwise.
///
/// # Errors
/// As the database.
pub async fn password_algorithm(
    config: &Config,
    store: &Store,
) -> Result<HashAlgorithm, StoreError> {
    Ok(match config.login.password_hash {
        Some(PasswordHash::Bcrypt) => HashAlgorithm::Bcrypt,
        Some(PasswordHash::Argon2id) => HashAlgorithm::Argon2id,
        None if store.suits_the_go_server().await? => HashAlgorithm::Bcrypt,
        None => HashAlgorithm::Argon2id,
    })
}

/// The certificate, checked, for whoever loads it again.
pub fn certificate(config: &Config) -> Result<Option<Arc<Certificate>>, TlsError> {
    let Some(files) = &config.tls else {
        return Ok(None);
    };
    let files = TlsFiles {
        certificate: files.certificate.clone(),
        key: files.key.clone(),
    };
    Certificate::load(files).map(Some)
}

pub fn address(addr: &ListenAddr) -> String {
    match &addr.host {
        None => format!(":{}", addr.port),
        Some(host) if host.contains(':') => format!("[{host}]:{}", addr.port),
        Some(host) => format!("{host}:{}", addr.port),
    }
}

pub fn cors(config: &Config) -> Option<CorsRules> {
    let cors = &config.cors;
    cors.enabled.then(|| CorsRules {
        origins: cors.origins.clone(),
        methods: cors.methods.join(","),
        headers: cors.headers.join(","),
        max_age: cors.max_age.map(|age| age.as_secs()).filter(|age| *age > 0),
    })
}

pub fn access_type(config: &Config) -> MediaType {
    match config.claims.access_token_type {
        AccessTokenType::Jwt => MediaType::Jwt,
        AccessTokenType::AtJwt => MediaType::AccessToken,
    }
}
