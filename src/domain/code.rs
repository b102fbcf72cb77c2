//! The authorization code (RFC 6749 §4.1): what it is bound to, and what a token request with it deserves.
use super::{
    ids::{ClientId, FamilyId, UserId},
    pkce::{self, VerifierError},
    scope::ScopeSet,
    time::Timestamp,
    trace::{Check, Trail},
};

/// Bytes of entropy in a code; it is written as 64 hexadecimal characters.
pub const CODE_BYTES: usize = 32;
/// So many failed attempts of its own client burn a code (RFC 6819 §4.4.1).
pub const MAX_FAILURES: u32 = 5;

/// A row of `authorization_codes`.
#[derive(Clone, Debug)]
pub struct AuthorizationCode {
    /// `authorization_codes.id`; 0 before it is stored.
    pub row_id: i64,
    /// Names the code in the audit trail.
    pub uuid: String,
    /// SHA-256 hex of the code.
    pub hash: String,
    /// First eight characters of the code.
    pub prefix: String,
    /// `oauth_applications.id`.
    pub application_id: i64,
    /// To whom it was given.
    pub client_id: ClientId,
    /// Who allowed it.
    pub user_id: UserId,
    /// Where it was sent.
    pub redirect_uri: String,
    /// What was allowed.
    pub scopes: ScopeSet,
    /// `S256` challenge, empty for none.
    pub code_challenge: String,
    /// For the ID token, empty for none.
    pub nonce: String,
    /// RFC 8707 targets that were allowed.
    pub resource: Vec<String>,
    /// Dead from here on.
    pub expires_at: Timestamp,
    /// When it was redeemed.
    pub used_at: Option<Timestamp>,
    /// When the person allowed it.
    pub created_at: Timestamp,
    /// When the person had signed in; unknown for codes of the Go server.
    pub auth_time: Option<Timestamp>,
    /// The family that it led to.
    pub issued_family: Option<FamilyId>,
}

/// What a token request shows beside the code.
pub struct Shown<'a> {
    /// The client that proved who it is.
    pub client_id: &'a ClientId,
    /// Whether it has no secret, so that only a verifier proves that the code reached whoever asked for it.
    pub is_public: bool,
    /// `redirect_uri`.
    pub redirect_uri: &'a str,
    /// `code_verifier`.
    pub verifier: Option<&'a str>,
}

/// What a token request deserves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeVerdict {
    /// Go on.
    Usable,
    /// Not this client's code. It is not touched: a stranger must not be able to burn it.
    Foreign,
    /// The right client, another address: counts as a failed attempt.
    Redirect,
    /// The right client, a wrong verifier: counts as a failed attempt.
    Verifier(VerifierError),
    /// Everything fits and it was used before: what it led to must die (RFC 6749 §4.1.2).
    Replayed,
    /// Too late.
    Expired,
}

impl CodeVerdict {
    /// Which check failed, for traces.
    pub fn check(self) -> Check {
        match self {
            Self::Usable => Check::Credential,
            Self::Foreign => Check::Holder,
            Self::Redirect => Check::SameRedirectUri,
            Self::Verifier(_) => Check::CodeVerifier,
            Self::Replayed => Check::Reuse,
            Self::Expired => Check::Expiry,
        }
    }
}

/// Judges, binding by binding: each alone is enough to refuse.
pub fn judge(
    code: &AuthorizationCode,
    shown: &Shown<'_>,
    now: Timestamp,
    trail: &mut Trail,
) -> CodeVerdict {
    if code.client_id != *shown.client_id {
        return CodeVerdict::Foreign;
    }
    trail.pass(Check::Holder);
    if code.redirect_uri != shown.redirect_uri {
        return CodeVerdict::Redirect;
    }
    trail.pass(Check::SameRedirectUri);
    // The Go server let public clients ask without a challenge and refused them here.
    if shown.is_public && code.code_challenge.is_empty() {
        return CodeVerdict::Verifier(VerifierError::Missing);
    }
    if let Err(error) = pkce::verify(&code.code_challenge, shown.verifier) {
        return CodeVerdict::Verifier(error);
    }
    trail.pass(Check::CodeVerifier);
    if code.used_at.is_some() {
        return CodeVerdict::Replayed;
    }
    trail.pass(Check::Reuse);
    if code.expires_at <= now {
        return CodeVerdict::Expired;
    }
    trail.pass(Check::Expiry);
    CodeVerdict::Usable
}

/// Whether a text can be a code at all, before anybody looks it up.
pub fn is_code(text: &str) -> bool {
    text.len() == CODE_BYTES * 2 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests;
