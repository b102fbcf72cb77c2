//! Client secrets: drawn here, shown once, stored as bcrypt so that the Go server can read them on the way back, and beside
//! it as SHA-256, so that the first request of a client after a start pays for no bcrypt.
use super::{FlowError, Ground};
use crate::{
    domain::{client::SecretHashes, digest::sha256_hex, secret::Secret, time::random},
    passwords::{self, HashAlgorithm},
};

/// 256 random bits behind a prefix that secret scanners know, and the hashes to store.
///
/// # Errors
/// [`FlowError::Unavailable`] without entropy.
pub async fn new_client_secret(ground: &Ground) -> Result<(Secret, SecretHashes), FlowError> {
    let secret = Secret::new(format!("ago_{}", base32(&random::<32>(&*ground.entropy)?)));
    let hashes = SecretHashes {
        slow: hashed(ground, HashAlgorithm::Bcrypt, &secret).await?,
        fast: sha256_hex(secret.expose().as_bytes()),
    };
    Ok((secret, hashes))
}

/// A hash when its turn has come: it takes tens of milliseconds of a core, and strangers who register clients cause it.
pub(super) async fn hashed(
    ground: &Ground,
    algorithm: HashAlgorithm,
    password: &Secret,
) -> Result<String, FlowError> {
    let salt: [u8; 16] = random(&*ground.entropy)?;
    let hash = || passwords::hash(algorithm, password.expose().as_bytes(), salt);
    let made = ground.hashing.take(hash).await;
    made.map_err(|error| FlowError::Internal(error.to_string()))
}

/// RFC 4648 §6 in lower case, without padding.
fn base32(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let mut out = String::with_capacity(bytes.len() * 8 / 5 + 1);
    let (mut buffer, mut bits) = (0u32, 0u32);
    let mut push = |five: u32| {
        if let Some(letter) = ALPHABET.get((five & 31) as usize) {
            out.push(char::from(*letter));
        }
    };
    for byte in bytes {
        buffer = (buffer << 8) | u32::from(*byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            push(buffer >> bits);
        }
        buffer &= (1 << bits) - 1;
    }
    if bits > 0 {
        push(buffer << (5 - bits));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::base32;

    #[test]
    fn base32_vectors() {
        for (plain, encoded) in [
            ("", ""),
            ("f", "my"),
            ("fo", "mzxq"),
            ("foo", "mzxw6"),
            ("foob", "mzxw6yq"),
            ("foobar", "mzxw6ytboi"),
        ] {
            assert_eq!(base32(plain.as_bytes()), encoded);
        }
        assert_eq!(base32(&[255; 32]).len(), 52);
    }
}
