//! The keys that sign tokens. Must not live here: opening or parsing key files.
use super::published;
use super::reader::Reader;
use super::server::Server;
use crate::domain::secret::Secret;
use std::path::PathBuf;
use std::time::Duration;

/// What the documentation shows; refused where it matters.
const PUBLISHED_SECRET: &str = "your-256-bit-secret-change-in-production";

/// The least length of an HS256 key in bytes (RFC 7518 §3.2).
const LEAST_SECRET: usize = 32;

/// How long resource servers may keep a copy of the key set: the `max-age` that it is served with.
const KEY_SET_MAX_AGE: Duration = Duration::from_secs(3600);
/// That, and five minutes for clocks that disagree and processes that look late.
const PUBLISH_BEFORE_USE: Duration = Duration::from_secs(3900);

/// How tokens are signed.
#[derive(Clone, Debug)]
pub struct Jwt {
    /// `JWT_SIGNING_ALGORITHM`: of all tokens for which nothing else is said.
    pub algorithm: Algorithm,
    /// `JWT_ADDITIONAL_ALGORITHMS`: signed with where a client or `ID_TOKEN_SIGNING_ALGORITHM` asks for it.
    pub additional: Vec<Algorithm>,
    /// `ID_TOKEN_SIGNING_ALGORITHM`: of ID tokens whose client registered none.
    pub id_token: Algorithm,
    /// Access tokens are signed with HS256, which no client can verify, and nothing is said about ID tokens: these get an
    /// RSA key of their own, that the server makes and keeps.
    pub own_id_token_key: bool,
    /// `JWT_SECRET`, at least 32 bytes where HS256 signs.
    pub secret: Secret,
    /// `JWT_SECRET_PREVIOUS`: its HS256 tokens verify still.
    pub former_secret: Option<Secret>,
    /// `JWT_PRIVATE_KEY_PEM` or `JWT_PRIVATE_KEY_PATH`.
    pub key: Option<PrivateKey>,
    /// `JWT_PRIVATE_KEY_DIR`: every `*.pem` and `*.key` in it.
    pub directory: Option<PathBuf>,
    /// `JWT_KEY_SOURCE=database`: keys are made when they are needed and kept sealed in the database.
    pub generated: bool,
    /// `JWT_KEY_ID`: the `kid` of the key above; absent, it is derived from the public key. HS256 sends none.
    pub key_id: Option<String>,
    /// `JWT_KEY_PUBLISH_BEFORE_USE`: how long a new key is published before it signs.
    pub publish_before_use: Duration,
}

/// A signature algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// HMAC with `JWT_SECRET`.
    Hs256,
    /// RSA.
    Rs256,
    /// ECDSA on P-256.
    Es256,
}

impl Algorithm {
    /// Its registered name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hs256 => "HS256",
            Self::Rs256 => "RS256",
            Self::Es256 => "ES256",
        }
    }
}

/// The names that a setting takes.
const NAMES: [(&str, Algorithm); 3] = [
    ("HS256", Algorithm::Hs256),
    ("RS256", Algorithm::Rs256),
    ("ES256", Algorithm::Es256),
];

/// A private key in PEM.
#[derive(Clone, Debug)]
pub enum PrivateKey {
    /// `JWT_PRIVATE_KEY_PEM`: the text itself; it wins over the path.
    Inline(Secret),
    /// `JWT_PRIVATE_KEY_PATH`.
    File(PathBuf),
}

impl Jwt {
    pub(super) fn read(r: &mut Reader<'_>, server: &Server) -> Self {
        let errors = r.error_count();
        let algorithm = r.choice("JWT_SIGNING_ALGORITHM", &NAMES, Algorithm::Hs256, |text| {
            format!(
                "invalid JWT_SIGNING_ALGORITHM value: {text:?} (must be \"HS256\", \"RS256\", or \"ES256\")"
            )
        });
        let is_known = r.error_count() == errors;
        let secret = r.secret("JWT_SECRET");
        let secret = secret.unwrap_or_else(|| Secret::new(PUBLISHED_SECRET));
        let key = private_key(r);
        let directory = r.path("JWT_PRIVATE_KEY_DIR");
        let generated = r.choice(
            "JWT_KEY_SOURCE",
            &[("file", false), ("database", true)],
            false,
            |text| {
                format!("invalid JWT_KEY_SOURCE value: {text:?} (must be \"file\" or \"database\")")
            },
        );
        let additional = additional(r, algorithm);
        let chosen = id_token(r, algorithm, &additional);
        let own_id_token_key = is_known && chosen == IdToken::Own;
        let jwt = Self {
            algorithm,
            id_token: match chosen {
                IdToken::Own => Algorithm::Rs256,
                IdToken::By(algorithm) => algorithm,
            },
            own_id_token_key,
            additional,
            secret,
            former_secret: former_secret(r),
            key,
            directory,
            generated,
            key_id: r.optional("JWT_KEY_ID"),
            publish_before_use: r.duration("JWT_KEY_PUBLISH_BEFORE_USE", PUBLISH_BEFORE_USE),
        };
        if is_known {
            jwt.check(r, server);
        }
        jwt
    }

    fn check(&self, r: &mut Reader<'_>, server: &Server) {
        let mut in_use = std::iter::once(&self.algorithm).chain(&self.additional);
        let has_pairs = in_use.any(|algorithm| *algorithm != Algorithm::Hs256);
        if self.algorithm == Algorithm::Hs256 {
            check_secret(r, &self.secret, server);
        } else if self.key.is_none() && self.directory.is_none() && !self.generated {
            r.error(
                "JWT_SIGNING_ALGORITHM",
                format_args!(
                    "JWT_PRIVATE_KEY_PATH or JWT_PRIVATE_KEY_PEM is required when JWT_SIGNING_ALGORITHM={} \
                     (or JWT_PRIVATE_KEY_DIR, or JWT_KEY_SOURCE=database)",
                    self.algorithm.as_str()
                ),
            );
        }
        if !has_pairs && (self.key.is_some() || self.directory.is_some() || self.generated) {
            r.warn(
                "JWT_SIGNING_ALGORITHM",
                "the private key has no effect while JWT_SIGNING_ALGORITHM is HS256",
            );
        }
        if has_pairs && self.publish_before_use < KEY_SET_MAX_AGE {
            r.warn(
                "JWT_KEY_PUBLISH_BEFORE_USE",
                "JWT_KEY_PUBLISH_BEFORE_USE is shorter than the hour for which resource servers may keep the key set: \
                 they may meet a key that they do not know",
            );
        }
    }

    /// Keys in the database are sealed, and the key that seals them is not one that is changed for other reasons.
    pub(super) fn check_sealing(&self, r: &mut Reader<'_>, has_encryption_key: bool) {
        if self.generated && !has_encryption_key {
            r.error(
                "JWT_KEY_SOURCE",
                "ENCRYPTION_KEY is required when JWT_KEY_SOURCE=database: it seals the private keys",
            );
        }
    }
}

fn additional(r: &mut Reader<'_>, default: Algorithm) -> Vec<Algorithm> {
    const NAME: &str = "JWT_ADDITIONAL_ALGORITHMS";
    let mut additional = Vec::new();
    for entry in r.list(NAME, &[]) {
        match NAMES.iter().find(|(name, _)| *name == entry) {
            Some((_, Algorithm::Hs256)) => r.error(
                NAME,
                "JWT_ADDITIONAL_ALGORITHMS must not name HS256: nobody but this server could verify its tokens \
                 (for tokens of a former secret, set JWT_SECRET_PREVIOUS)",
            ),
            Some((_, algorithm)) => {
                if *algorithm != default && !additional.contains(algorithm) {
                    additional.push(*algorithm);
                }
            }
            None => r.error(
                NAME,
                format_args!(
                    "invalid JWT_ADDITIONAL_ALGORITHMS value: {entry:?} (must be \"RS256\" or \"ES256\")"
                ),
            ),
        }
    }
    additional
}

/// What signs ID tokens whose client registered nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum IdToken {
    /// An algorithm in use.
    By(Algorithm),
    /// RS256, with a key for this alone.
    Own,
}

fn id_token(r: &mut Reader<'_>, default: Algorithm, additional: &[Algorithm]) -> IdToken {
    const NAME: &str = "ID_TOKEN_SIGNING_ALGORITHM";
    let is_set = r.optional(NAME).is_some();
    match (default, additional.first()) {
        // OpenID Connect Core 1.0 §15.1 wants RS256 of every provider.
        (Algorithm::Hs256, None) if !is_set => return IdToken::Own,
        (Algorithm::Hs256, Some(first)) if !is_set => return IdToken::By(*first),
        (Algorithm::Hs256 | Algorithm::Rs256 | Algorithm::Es256, _) => {}
    }
    let errors = r.error_count();
    let chosen = r.choice(NAME, &NAMES, default, |text| {
        format!(
            "invalid ID_TOKEN_SIGNING_ALGORITHM value: {text:?} (must be \"HS256\", \"RS256\", or \"ES256\")"
        )
    });
    if chosen == Algorithm::Hs256 && is_set {
        r.warn(
            NAME,
            "ID_TOKEN_SIGNING_ALGORITHM=HS256: ID tokens are signed with the secret of this server, so that no client \
             can verify them",
        );
    }
    if errors == r.error_count() && chosen != default && !additional.contains(&chosen) {
        let name = chosen.as_str();
        r.error(
            NAME,
            format_args!(
                "ID_TOKEN_SIGNING_ALGORITHM={name} needs {name} in JWT_ADDITIONAL_ALGORITHMS, with a key for it"
            ),
        );
    }
    IdToken::By(chosen)
}

fn former_secret(r: &mut Reader<'_>) -> Option<Secret> {
    let secret = r.secret("JWT_SECRET_PREVIOUS")?;
    let length = secret.expose().len();
    if length < LEAST_SECRET {
        r.error(
            "JWT_SECRET_PREVIOUS",
            format_args!("JWT_SECRET_PREVIOUS must be at least 32 bytes (got {length} bytes)"),
        );
    }
    if secret.expose() == PUBLISHED_SECRET {
        r.error(
            "JWT_SECRET_PREVIOUS",
            "JWT_SECRET_PREVIOUS is the secret that the documentation shows: everybody could forge tokens with it",
        );
    }
    Some(secret)
}

fn private_key(r: &mut Reader<'_>) -> Option<PrivateKey> {
    let path = r.path("JWT_PRIVATE_KEY_PATH");
    let inline = r.secret("JWT_PRIVATE_KEY_PEM");
    if inline.is_some() && path.is_some() {
        r.warn(
            "JWT_PRIVATE_KEY_PATH",
            "JWT_PRIVATE_KEY_PATH has no effect while JWT_PRIVATE_KEY_PEM is set",
        );
    }
    inline
        .map(PrivateKey::Inline)
        .or(path.map(PrivateKey::File))
}

fn check_secret(r: &mut Reader<'_>, secret: &Secret, server: &Server) {
    let length = secret.expose().len();
    if length < LEAST_SECRET {
        r.error(
            "JWT_SECRET",
            format_args!("JWT_SECRET must be at least 32 bytes for HS256 (got {length} bytes)"),
        );
    } else if secret.expose() == PUBLISHED_SECRET {
        published::check(r, "JWT_SECRET", server);
    }
}
