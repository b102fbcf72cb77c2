//! Proof Key for Code Exchange (RFC 7636): the challenge that a request brings, and the verifier that redeems it.
//!
//! Only `S256` exists here (RFC 9700 §2.1.1): a `plain` challenge proves nothing to whoever can read the request.
use super::{digest, secret};

/// A challenge is the base64url of a SHA-256, without padding.
const CHALLENGE_LENGTH: usize = 43;

/// Why a request's challenge is refused (`invalid_request`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChallengeError {
    /// Nothing came, and something must.
    #[error("code_challenge is required")]
    Missing,
    /// A challenge without a method, which means `plain`, or another method than `S256`.
    #[error("code_challenge_method must be S256")]
    Method,
    /// A method without a challenge.
    #[error("code_challenge_method came without code_challenge")]
    Alone,
    /// Not 43 characters of base64url.
    #[error("code_challenge must be the base64url of a SHA-256, 43 characters")]
    Shape,
}

/// Judges `code_challenge` and `code_challenge_method` of a request. Empty means that there is none.
///
/// # Errors
/// [`ChallengeError`].
pub fn challenge(challenge: &str, method: &str, required: bool) -> Result<(), ChallengeError> {
    match (challenge, method) {
        ("", "") if required => Err(ChallengeError::Missing),
        ("", "") => Ok(()),
        ("", "S256") => Err(ChallengeError::Alone),
        (_, method) if method != "S256" => Err(ChallengeError::Method),
        (challenge, _) if is_challenge(challenge) => Ok(()),
        _ => Err(ChallengeError::Shape),
    }
}

fn is_challenge(text: &str) -> bool {
    text.len() == CHALLENGE_LENGTH
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

/// Why a code is not redeemed (`invalid_grant`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerifierError {
    /// The code was asked for with a challenge and no verifier came.
    #[error("code_verifier is required")]
    Missing,
    /// A verifier came for a code that was asked for without a challenge: somebody took it out of the request
    /// (RFC 9700 §4.8.2).
    #[error("the code was requested without code_challenge")]
    Unexpected,
    /// Not 43 to 128 unreserved characters.
    #[error("code_verifier must be 43 to 128 unreserved characters")]
    Shape,
    /// Not what the challenge was made from.
    #[error("code_verifier does not match")]
    Mismatch,
}

/// Compares the verifier with the challenge of the code, whatever kind of client it is (PK-02).
///
/// # Errors
/// [`VerifierError`].
pub fn verify(challenge: &str, verifier: Option<&str>) -> Result<(), VerifierError> {
    match (challenge, verifier) {
        ("", None) => Ok(()),
        ("", Some(_)) => Err(VerifierError::Unexpected),
        (_, None) => Err(VerifierError::Missing),
        (_, Some(verifier)) if !is_verifier(verifier) => Err(VerifierError::Shape),
        (challenge, Some(verifier)) => {
            let made = digest::sha256_base64url(verifier.as_bytes());
            if secret::same(made.as_bytes(), challenge.as_bytes()) {
                Ok(())
            } else {
                Err(VerifierError::Mismatch)
            }
        }
    }
}

fn is_verifier(text: &str) -> bool {
    (43..=128).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~'))
}

#[cfg(test)]
mod tests;
