//! Argon2id in memory that is used again.
//!
//! Each hash fills some twenty megabytes. Memory that is asked for and given back each time stays with the thread that
//! asked, and hashes run on many threads in turn: all of those together came to hold hundreds of megabytes.
use super::PasswordError;
use argon2::{
    ARGON2ID_IDENT, Algorithm, Argon2, Block, Params, PasswordHash, Version,
    password_hash::phc::{Output, ParamsString, Salt},
};
use std::sync::{Mutex, PoisonError};

/// What no hash is using now: as many as ever ran at the same time, which the pool of passwords bounds.
static IDLE: Mutex<Vec<Memory>> = Mutex::new(Vec::new());
/// Beyond so many they are given back.
const MOST_IDLE: usize = 64;

type Memory = Vec<Block>;

/// The PHC string of a new hash.
pub(super) fn hash(params: Params, password: &[u8], salt: &[u8]) -> Result<String, PasswordError> {
    let failed = |_| PasswordError::HashingFailed;
    let version = Version::default();
    let hash = PasswordHash {
        algorithm: ARGON2ID_IDENT,
        version: Some(version.into()),
        params: ParamsString::try_from(&params).map_err(|_| PasswordError::HashingFailed)?,
        salt: Some(Salt::new(salt).map_err(failed)?),
        hash: Some(output((params, version), password, salt)?),
    };
    Ok(hash.to_string())
}

/// Whether the password is the one that was hashed.
pub(super) fn verify(stored: &PasswordHash, password: &[u8]) -> Result<bool, PasswordError> {
    let damaged = PasswordError::DamagedHash;
    let params = Params::try_from(stored).map_err(|_| damaged)?;
    let version = stored.version.map(Version::try_from).transpose();
    let version = version.map_err(|_| damaged)?.unwrap_or_default();
    let (Some(salt), Some(expected)) = (&stored.salt, &stored.hash) else {
        return Err(damaged);
    };
    let made = output((params, version), password, salt).map_err(|_| damaged)?;
    // Compares in constant time.
    Ok(made == *expected)
}

fn output(
    (params, version): (Params, Version),
    password: &[u8],
    salt: &[u8],
) -> Result<Output, PasswordError> {
    let mut out = vec![0; params.output_len().unwrap_or(Params::DEFAULT_OUTPUT_LEN)];
    let mut memory = taken(params.block_count());
    let argon2 = Argon2::new(Algorithm::Argon2id, version, params);
    let made = argon2.hash_password_into_with_memory(password, salt, &mut out, &mut memory);
    give_back(memory);
    made.map_err(|_| PasswordError::HashingFailed)?;
    Output::new(&out).map_err(|_| PasswordError::HashingFailed)
}

/// Memory of exactly so many blocks. What is in it does not matter: each block is written before it is read.
fn taken(blocks: usize) -> Memory {
    let mut idle = IDLE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(at) = idle.iter().position(|memory| memory.len() == blocks) {
        return idle.swap_remove(at);
    }
    drop(idle);
    vec![Block::default(); blocks]
}

/// Only what new hashes need is kept.
fn give_back(memory: Memory) {
    let mut idle = IDLE.lock().unwrap_or_else(PoisonError::into_inner);
    if memory.len() == super::ARGON2_MEMORY_KIB as usize && idle.len() < MOST_IDLE {
        idle.push(memory);
    }
}
