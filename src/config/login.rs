//! How people prove who they are with a password: here or at an HTTP API.
use super::{reader::Reader, server::fault_of_location};
use crate::domain::secret::Secret;
use std::time::Duration;

/// Sign-in with a password.
#[derive(Clone, Debug)]
pub struct Login {
    /// `AUTH_MODE`, default `local`.
    pub mode: AuthMode,
    /// `HTTP_API_…`.
    pub http_api: HttpApi,
    /// `DEFAULT_ADMIN_PASSWORD`, trimmed: the password of the administrator that the first start creates. Absent,
    /// one is drawn.
    pub default_admin_password: Option<Secret>,
    /// `PASSWORD_HASH`; absent, the kind that the database already holds.
    pub password_hash: Option<PasswordHash>,
    /// `PASSWORD_MIN_LENGTH` in characters, default 15, at least 8 (NIST SP 800-63B).
    pub password_min_length: usize,
    /// `PASSWORD_BLOCKLIST`, default on: widely known passwords are refused.
    pub password_blocklist: bool,
    /// `LOGIN_MAX_FAILURES`, default 100, at least 1: failures in a row before an account is locked.
    pub max_failures: u32,
}

/// Who judges a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthMode {
    /// `local`: this server.
    Local,
    /// `http_api`: the service at `HTTP_API_URL`.
    HttpApi,
}

/// How new passwords are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasswordHash {
    /// `bcrypt`.
    Bcrypt,
    /// `argon2id`.
    Argon2id,
}

/// The service that judges passwords in place of this server.
#[derive(Clone, Debug)]
pub struct HttpApi {
    /// `HTTP_API_URL`, required with `AUTH_MODE=http_api`.
    pub url: Option<String>,
    /// `HTTP_API_TIMEOUT`, default 10s: bounds the whole login call, retries included.
    pub timeout: Duration,
    /// `HTTP_API_INSECURE_SKIP_VERIFY`, default off.
    pub insecure_skip_verify: bool,
    /// `HTTP_API_AUTH_MODE`, default `none`.
    pub auth: HttpApiAuth,
    /// `HTTP_API_AUTH_SECRET`.
    pub auth_secret: Option<Secret>,
    /// `HTTP_API_AUTH_HEADER`, default `X-API-Secret`: the header of the mode `simple`.
    pub auth_header: String,
    /// `HTTP_API_MAX_RETRIES` after the first attempt, default 3; 0 for none, 2 for a negative number.
    pub max_retries: u32,
    /// `HTTP_API_RETRY_DELAY`, default 1s; 100ms for zero or less.
    pub retry_delay: Duration,
    /// `HTTP_API_MAX_RETRY_DELAY`, default 10s; 1s for zero or less.
    pub max_retry_delay: Duration,
}

/// How this server proves itself to the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HttpApiAuth {
    /// `none`: not at all.
    None,
    /// `simple`: the secret in a header.
    Simple,
    /// `hmac`: a signature over the request.
    Hmac,
    /// `github`: a signature in the form of GitHub's webhooks.
    Github,
}

impl Login {
    pub(super) fn read(r: &mut Reader<'_>) -> Self {
        let mode = r.choice(
            "AUTH_MODE",
            &[("local", AuthMode::Local), ("http_api", AuthMode::HttpApi)],
            AuthMode::Local,
            |text| format!("invalid AUTH_MODE: {text} (must be: local, http_api)"),
        );
        let http_api = HttpApi::read(r, mode);
        let admin = r.secret("DEFAULT_ADMIN_PASSWORD");
        let admin = admin.map(|secret| Secret::new(secret.expose().trim()));
        Self {
            mode,
            http_api,
            default_admin_password: admin.filter(|secret| !secret.expose().is_empty()),
            password_hash: r.choice(
                "PASSWORD_HASH",
                &[
                    ("bcrypt", Some(PasswordHash::Bcrypt)),
                    ("argon2id", Some(PasswordHash::Argon2id)),
                ],
                None,
                |text| {
                    format!(
                        "invalid PASSWORD_HASH value: {text:?} (must be \"bcrypt\" or \"argon2id\")"
                    )
                },
            ),
            password_min_length: r.at_least("PASSWORD_MIN_LENGTH", 15, 8),
            password_blocklist: r.boolean("PASSWORD_BLOCKLIST", true),
            max_failures: r.at_least("LOGIN_MAX_FAILURES", 100, 1),
        }
    }
}

impl HttpApi {
    fn read(r: &mut Reader<'_>, mode: AuthMode) -> Self {
        let url = r.optional("HTTP_API_URL");
        if mode == AuthMode::HttpApi && url.is_none() {
            r.error(
                "HTTP_API_URL",
                "HTTP_API_URL is required when AUTH_MODE=http_api",
            );
        }
        let retries = r.integer("HTTP_API_MAX_RETRIES", 3);
        let delay = r.optional_duration("HTTP_API_RETRY_DELAY", Duration::from_secs(1));
        let max_delay = r.optional_duration("HTTP_API_MAX_RETRY_DELAY", Duration::from_secs(10));
        let api = Self {
            url,
            timeout: r.positive("HTTP_API_TIMEOUT", Duration::from_secs(10)),
            insecure_skip_verify: r.boolean("HTTP_API_INSECURE_SKIP_VERIFY", false),
            auth: http_api_auth(r),
            auth_secret: r.secret("HTTP_API_AUTH_SECRET"),
            auth_header: r.text("HTTP_API_AUTH_HEADER", "X-API-Secret"),
            max_retries: u32::try_from(retries).unwrap_or(2),
            retry_delay: delay.unwrap_or(Duration::from_millis(100)),
            max_retry_delay: max_delay.unwrap_or(Duration::from_secs(1)),
        };
        api.judge(r, mode);
        api
    }

    /// What cannot work. While nobody uses the service it is only told.
    fn judge(&self, r: &mut Reader<'_>, mode: AuthMode) {
        let mut tell = |name: &str, message: String| match mode {
            AuthMode::HttpApi => r.error(name, message),
            AuthMode::Local => r.warn(name, message),
        };
        let why = self.url.as_deref().and_then(fault_of_location);
        if let Some(why) = why {
            let message = format!("HTTP_API_URL must be an absolute http or https URL: {why}");
            tell("HTTP_API_URL", message);
        }
        if self.auth != HttpApiAuth::None && self.auth_secret.is_none() {
            let message = "HTTP_API_AUTH_MODE needs HTTP_API_AUTH_SECRET".to_owned();
            tell("HTTP_API_AUTH_MODE", message);
        }
        if self.waits() >= self.timeout {
            let retries = self.max_retries;
            r.warn(
                "HTTP_API_TIMEOUT",
                format_args!("HTTP_API_TIMEOUT is over before {retries} retries can be made: their delays alone take longer"),
            );
        }
    }

    /// The delays before all retries together: each is twice the one before.
    fn waits(&self) -> Duration {
        let (mut all, mut next) = (Duration::ZERO, self.retry_delay);
        for _ in 0..self.max_retries.min(10_000) {
            all += next.min(self.max_retry_delay);
            if all >= self.timeout {
                break;
            }
            next = next.saturating_mul(2);
        }
        all
    }
}

fn http_api_auth(r: &mut Reader<'_>) -> HttpApiAuth {
    r.choice(
        "HTTP_API_AUTH_MODE",
        &[
            ("none", HttpApiAuth::None),
            ("simple", HttpApiAuth::Simple),
            ("hmac", HttpApiAuth::Hmac),
            ("github", HttpApiAuth::Github),
        ],
        HttpApiAuth::None,
        |text| {
            format!(
                "invalid HTTP_API_AUTH_MODE value: {text:?} (must be \"none\", \"simple\", \"hmac\", or \"github\")"
            )
        },
    )
}
