//! The key that signs tokens. Must not live here: opening or parsing key files.
use super::published;
use super::reader::Reader;
use super::server::Server;
use crate::domain::secret::Secret;
use std::path::PathBuf;

/// What the documentation shows; refused where it matters.
const PUBLISHED_SECRET: &str = "your-256-bit-secret-change-in-production";

/// The least length of an HS256 key in bytes (RFC 7518 §3.2).
const LEAST_SECRET: usize = 32;

/// How tokens are signed.
#[derive(Clone, Debug)]
pub struct Jwt {
    /// `JWT_SIGNING_ALGORITHM` with the key that belongs to it.
    pub key: KeySource,
    /// `JWT_KEY_ID`: the `kid` header; absent, it is derived from the public key. HS256 sends none.
    pub key_id: Option<String>,
}

/// The algorithm and where its key is.
#[derive(Clone, Debug)]
pub enum KeySource {
    /// `HS256` with `JWT_SECRET`, at least 32 bytes.
    Hs256(Secret),
    /// `RS256`.
    Rs256(PrivateKey),
    /// `ES256`.
    Es256(PrivateKey),
}

/// A private key in PEM.
#[derive(Clone, Debug)]
pub enum PrivateKey {
    /// `JWT_PRIVATE_KEY_PEM`: the text itself; it wins over the path.
    Inline(Secret),
    /// `JWT_PRIVATE_KEY_PATH`.
    File(PathBuf),
}

#[derive(Clone, Copy)]
enum Algorithm {
    Hs256,
    Rs256,
    Es256,
}

impl Jwt {
    pub(super) fn read(r: &mut Reader<'_>, server: &Server) -> Self {
        let errors = r.error_count();
        let algorithm = r.choice(
            "JWT_SIGNING_ALGORITHM",
            &[
                ("HS256", Algorithm::Hs256),
                ("RS256", Algorithm::Rs256),
                ("ES256", Algorithm::Es256),
            ],
            Algorithm::Hs256,
            |text| {
                format!(
                    "invalid JWT_SIGNING_ALGORITHM value: {text:?} (must be \"HS256\", \"RS256\", or \"ES256\")"
                )
            },
        );
        let is_known = r.error_count() == errors;
        let secret = r.secret("JWT_SECRET");
        let secret = secret.unwrap_or_else(|| Secret::new(PUBLISHED_SECRET));
        let private = private_key(r);
        let key = match (algorithm, private) {
            (Algorithm::Hs256, private) => {
                if private.is_some() {
                    r.warn(
                        "JWT_SIGNING_ALGORITHM",
                        "the private key has no effect while JWT_SIGNING_ALGORITHM is HS256",
                    );
                }
                if is_known {
                    check_secret(r, &secret, server);
                }
                KeySource::Hs256(secret)
            }
            (Algorithm::Rs256, Some(key)) => KeySource::Rs256(key),
            (Algorithm::Es256, Some(key)) => KeySource::Es256(key),
            (Algorithm::Rs256, None) => missing_key(r, "RS256", secret),
            (Algorithm::Es256, None) => missing_key(r, "ES256", secret),
        };
        Self {
            key,
            key_id: r.optional("JWT_KEY_ID"),
        }
    }
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

/// Tells the fault; the key that it returns never leaves a failed reading.
fn missing_key(r: &mut Reader<'_>, algorithm: &str, secret: Secret) -> KeySource {
    r.error(
        "JWT_SIGNING_ALGORITHM",
        format_args!(
            "JWT_PRIVATE_KEY_PATH or JWT_PRIVATE_KEY_PEM is required when JWT_SIGNING_ALGORITHM={algorithm}"
        ),
    );
    KeySource::Hs256(secret)
}
