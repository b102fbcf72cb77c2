//! Password hashes (bcrypt of the former server, Argon2id) and the rules for new passwords.
//! Pure computation: the functions here burn tens of milliseconds of CPU and must be called on
//! a bounded pool of blocking threads. Salts are parameters; no user and no database here.
mod argon2id;
mod blocklist;
mod policy;

pub use policy::{MAX_PASSWORD_BYTES, MIN_LENGTH_FLOOR, PasswordPolicy, PolicyViolation};

use std::fmt;
use std::str::FromStr;

use argon2::{ARGON2ID_IDENT, Params, PasswordHash};
use bcrypt::HashParts;

/// Random bytes that a new hash needs.
pub const SALT_BYTES: usize = 16;
/// bcrypt uses no more of a password than this many bytes.
pub const BCRYPT_MAX_BYTES: usize = 72;

const BCRYPT_COST: u32 = 10;
/// Far beyond any sensible cost (4 s of CPU); a stored hash above it is taken for damaged.
const BCRYPT_COST_LIMIT: u32 = 16;
/// OWASP's first choice for Argon2id: 19 MiB, two passes, one lane.
const ARGON2_MEMORY_KIB: u32 = 19 * 1024;
const ARGON2_PASSES: u32 = 2;
const ARGON2_LANES: u32 = 1;
/// What a stored Argon2id hash may ask for at most: 256 MiB, 16 passes, 16 lanes.
const ARGON2_MEMORY_LIMIT_KIB: u32 = 256 * 1024;
const ARGON2_WORK_LIMIT: u32 = 16;
const ARGON2_MIN_OUTPUT_BYTES: usize = 16;

/// Well-formed hashes of nothing: salt and digest are random bytes, so no password is known
/// that verifies. Checking one costs what checking a user's hash costs.
const DUMMY_BCRYPT: &str = "$2a$10$M/HKyl9QRpOToB86gPuFVOtYWPxlaodYtWgDkouvfDtEJI3D593Wu";
const DUMMY_ARGON2ID: &str = "$argon2id$v=19$m=19456,t=2,p=1$CoMwvTh6wpMjuhjkwUepDg$lvSHkae7zDCGwBq9JpyRk72Gm8bp+yQHuiPd+QykcjY";

/// How new passwords are hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HashAlgorithm {
    /// Cost 10, `$2a$`, at most 72 bytes: the one form that the former server can check.
    Bcrypt,
    /// RFC 9106 with OWASP's parameters.
    Argon2id,
}

impl fmt::Display for HashAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bcrypt => "bcrypt",
            Self::Argon2id => "argon2id",
        })
    }
}

impl FromStr for HashAlgorithm {
    type Err = PasswordError;

    /// Exactly `bcrypt` or `argon2id`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "bcrypt" => Ok(Self::Bcrypt),
            "argon2id" => Ok(Self::Argon2id),
            _ => Err(PasswordError::UnknownAlgorithm),
        }
    }
}

/// Why a password was neither accepted nor rejected. None of these means "wrong password".
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// Users of other login providers have an empty hash.
    #[error("no password is set")]
    NotSet,
    #[error("stored password hash is damaged or asks for absurd work")]
    DamagedHash,
    #[error("stored password hash is neither bcrypt ($2a$, $2b$, $2y$) nor Argon2id")]
    UnknownAlgorithm,
    #[error("password is longer than the {0} bytes that can be hashed")]
    TooLong(usize),
    #[error("password hashing failed")]
    HashingFailed,
}

/// Whether the password is the one that was hashed. Costs the same for a right, a wrong and an
/// overlong password.
///
/// A password beyond 72 bytes never matches a bcrypt hash, though its first 72 bytes may:
/// whoever set the hash could not have set that password.
///
/// # Errors
/// When the stored text is not a usable hash; never because the password is wrong.
pub fn verify(stored: &str, password: &[u8]) -> Result<bool, PasswordError> {
    match stored_algorithm(stored)? {
        HashAlgorithm::Bcrypt => {
            bcrypt_cost(stored)?;
            let matches =
                bcrypt::verify(password, stored).map_err(|_| PasswordError::DamagedHash)?;
            Ok(matches && password.len() <= BCRYPT_MAX_BYTES)
        }
        HashAlgorithm::Argon2id => {
            let hash = parse_argon2id(stored)?;
            let bounded = password.get(..MAX_PASSWORD_BYTES).unwrap_or(password);
            let matches = argon2id::verify(&hash, bounded)?;
            Ok(matches && password.len() <= MAX_PASSWORD_BYTES)
        }
    }
}

/// Hashes a new password. The salt must be fresh random bytes.
///
/// # Errors
/// [`PasswordError::TooLong`] beyond 72 bytes for bcrypt or 1024 for Argon2id: nothing is ever
/// cut off in silence. [`PasswordError::HashingFailed`] when memory runs out.
pub fn hash(
    algorithm: HashAlgorithm,
    password: &[u8],
    salt: [u8; SALT_BYTES],
) -> Result<String, PasswordError> {
    let limit = max_bytes(algorithm);
    if password.len() > limit {
        return Err(PasswordError::TooLong(limit));
    }
    match algorithm {
        // The function that refuses to truncate also refuses exactly 72 bytes, which Go accepts.
        HashAlgorithm::Bcrypt => bcrypt::hash_with_salt(password, BCRYPT_COST, salt)
            .map(|parts| parts.format_for_version(bcrypt::Version::TwoA))
            .map_err(|_| PasswordError::HashingFailed),
        HashAlgorithm::Argon2id => {
            let params = Params::new(ARGON2_MEMORY_KIB, ARGON2_PASSES, ARGON2_LANES, None)
                .map_err(|_| PasswordError::HashingFailed)?;
            argon2id::hash(params, password, &salt)
        }
    }
}

/// Whether a hash that just verified should be made anew: another algorithm than the configured
/// one, or cheaper than new hashes are. False for text that is no hash.
pub fn needs_rehash(stored: &str, algorithm: HashAlgorithm) -> bool {
    match stored_algorithm(stored) {
        Err(_) => false,
        Ok(found) if found != algorithm => true,
        Ok(HashAlgorithm::Bcrypt) => bcrypt_cost(stored).is_ok_and(|cost| cost < BCRYPT_COST),
        Ok(HashAlgorithm::Argon2id) => parse_argon2id(stored)
            .and_then(|hash| Params::try_from(&hash).map_err(|_| PasswordError::DamagedHash))
            .is_ok_and(|params| {
                params.m_cost() < ARGON2_MEMORY_KIB || params.t_cost() < ARGON2_PASSES
            }),
    }
}

/// The hash to verify against when there is no such user, so that the answer takes as long.
pub fn dummy(algorithm: HashAlgorithm) -> &'static str {
    match algorithm {
        HashAlgorithm::Bcrypt => DUMMY_BCRYPT,
        HashAlgorithm::Argon2id => DUMMY_ARGON2ID,
    }
}

/// The longest password, in bytes, that can be hashed whole.
pub(crate) fn max_bytes(algorithm: HashAlgorithm) -> usize {
    match algorithm {
        HashAlgorithm::Bcrypt => BCRYPT_MAX_BYTES,
        HashAlgorithm::Argon2id => MAX_PASSWORD_BYTES,
    }
}

/// Reads the prefix. `$2x$` marks hashes of a faulty implementation and is not accepted.
fn stored_algorithm(stored: &str) -> Result<HashAlgorithm, PasswordError> {
    let starts = |prefix| stored.starts_with(prefix);
    if stored.is_empty() {
        Err(PasswordError::NotSet)
    } else if ["$2a$", "$2b$", "$2y$"].into_iter().any(starts) {
        Ok(HashAlgorithm::Bcrypt)
    } else if starts("$argon2id$") {
        Ok(HashAlgorithm::Argon2id)
    } else {
        Err(PasswordError::UnknownAlgorithm)
    }
}

fn bcrypt_cost(stored: &str) -> Result<u32, PasswordError> {
    HashParts::from_str(stored)
        .map(|parts| parts.get_cost())
        .ok()
        .filter(|cost| *cost <= BCRYPT_COST_LIMIT)
        .ok_or(PasswordError::DamagedHash)
}

/// Reads a PHC string and refuses one that nobody sane wrote: no digest, or unbounded work.
fn parse_argon2id(stored: &str) -> Result<PasswordHash, PasswordError> {
    let hash = PasswordHash::new(stored).map_err(|_| PasswordError::DamagedHash)?;
    let params = Params::try_from(&hash).map_err(|_| PasswordError::DamagedHash)?;
    let digest_bytes = hash.hash.as_ref().map_or(0, |digest| digest.len());
    let usable = hash.algorithm == ARGON2ID_IDENT
        && hash.salt.is_some()
        && digest_bytes >= ARGON2_MIN_OUTPUT_BYTES
        && params.m_cost() <= ARGON2_MEMORY_LIMIT_KIB
        && params.t_cost() <= ARGON2_WORK_LIMIT
        && params.p_cost() <= ARGON2_WORK_LIMIT;
    usable.then_some(hash).ok_or(PasswordError::DamagedHash)
}

#[cfg(test)]
mod tests;
