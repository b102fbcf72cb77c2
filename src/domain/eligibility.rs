//! The one question that every grant asks before it issues: may this person and this client still get a token?
use super::{client::Client, consent::Consent, user::User};

/// Which switch of the client a grant needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grant {
    /// RFC 8628.
    DeviceCode,
    /// RFC 6749 §4.1.
    AuthorizationCode,
    /// RFC 6749 §6: whatever began it has been judged when it began, the client must still be allowed one of them.
    RefreshToken,
    /// RFC 6749 §4.4.
    ClientCredentials,
}

/// Why nothing is issued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The client is gone or not active.
    Client,
    /// The client may not use this grant.
    Grant,
    /// The person is gone or switched off.
    User,
    /// The consent was withdrawn.
    Consent,
}

/// Judges. `user` is `None` when no such person exists; grants without a person pass [`Owner::Client`].
///
/// # Errors
/// The first [`Refusal`] that applies.
pub fn check(grant: Grant, client: Option<&Client>, owner: Owner<'_>) -> Result<(), Refusal> {
    let client = client.filter(|c| c.is_active()).ok_or(Refusal::Client)?;
    let allowed = match grant {
        Grant::DeviceCode => client.device_flow,
        Grant::AuthorizationCode => client.auth_code_flow,
        Grant::RefreshToken => client.device_flow || client.auth_code_flow,
        Grant::ClientCredentials => client.client_credentials_flow && client.is_confidential(),
    };
    if !allowed {
        return Err(Refusal::Grant);
    }
    match owner {
        Owner::Client => Ok(()),
        Owner::Person { user, consent } => {
            if !user.is_some_and(|u| u.is_active) {
                return Err(Refusal::User);
            }
            // Tokens of the Go server's refreshes have no consent to look at; one that exists must be live.
            if consent.is_some_and(|c| !c.is_active) {
                return Err(Refusal::Consent);
            }
            Ok(())
        }
    }
}

/// For whom tokens are issued.
#[derive(Clone, Copy, Debug)]
pub enum Owner<'a> {
    /// For the client itself.
    Client,
    /// For a person, with the consent if one is on record.
    Person {
        /// `None` when the person no longer exists.
        user: Option<&'a User>,
        /// `None` when there never was one.
        consent: Option<&'a Consent>,
    },
}

#[cfg(test)]
mod tests;
