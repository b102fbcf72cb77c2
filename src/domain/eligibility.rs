//! The one question that every grant asks before it issues: may this person and this client still get a token?
use super::{client::Client, time::Timestamp, token::Family, trace::Check};

/// Which switch of the client a grant needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grant {
    /// RFC 8628.
    DeviceCode,
    /// RFC 6749 §4.1.
    AuthorizationCode,
    /// RFC 6749 §6, of a family whose beginning is not on record: the client must still be allowed one of the grants that
    /// lead to a refresh token.
    RefreshToken,
    /// RFC 6749 §4.4.
    ClientCredentials,
}

impl Grant {
    /// What a refresh goes on with: a switch that is taken from a client takes it from what it led to.
    pub fn continued(family: &Family) -> Self {
        match family.grant {
            "device_code" => Self::DeviceCode,
            "authorization_code" => Self::AuthorizationCode,
            _ => Self::RefreshToken,
        }
    }
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

impl Refusal {
    /// What was asked about a person's grant and met before this failed; everything when nothing did.
    pub fn passed_before(refusal: Option<Self>) -> &'static [Check] {
        match refusal {
            Some(Self::Client) => &[],
            Some(Self::Grant) => &[Check::Client],
            Some(Self::User) => &[Check::Client, Check::Grant],
            Some(Self::Consent) => &[Check::Client, Check::Grant, Check::User],
            None => &[Check::Client, Check::Grant, Check::User, Check::Consent],
        }
    }
}

/// How a client stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientStanding {
    /// Active, as opposed to pending or switched off.
    pub is_active: bool,
    /// RFC 6749 §2.1.
    pub is_confidential: bool,
    /// Device grant allowed.
    pub device_flow: bool,
    /// Code grant allowed.
    pub auth_code_flow: bool,
    /// Client credentials grant allowed.
    pub client_credentials_flow: bool,
}

impl From<&Client> for ClientStanding {
    fn from(client: &Client) -> Self {
        Self {
            is_active: client.is_active(),
            is_confidential: client.is_confidential(),
            device_flow: client.device_flow,
            auth_code_flow: client.auth_code_flow,
            client_credentials_flow: client.client_credentials_flow,
        }
    }
}

/// For whom tokens are issued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// For the client itself.
    Client,
    /// For a person.
    Person {
        /// Exists and is not switched off.
        is_active: bool,
        /// Whether the consent still holds; `None` when none is on record, as for tokens of the Go server's refreshes.
        consent: Option<bool>,
    },
}

/// Judges. `client` is `None` when there is no such client.
///
/// # Errors
/// The first [`Refusal`] that applies.
pub fn check(grant: Grant, client: Option<ClientStanding>, owner: Owner) -> Result<(), Refusal> {
    let client = client
        .filter(|client| client.is_active)
        .ok_or(Refusal::Client)?;
    let allowed = match grant {
        Grant::DeviceCode => client.device_flow,
        Grant::AuthorizationCode => client.auth_code_flow,
        Grant::RefreshToken => client.device_flow || client.auth_code_flow,
        Grant::ClientCredentials => client.client_credentials_flow && client.is_confidential,
    };
    if !allowed {
        return Err(Refusal::Grant);
    }
    match owner {
        Owner::Client => Ok(()),
        Owner::Person {
            is_active: false, ..
        } => Err(Refusal::User),
        Owner::Person {
            consent: Some(false),
            ..
        } => Err(Refusal::Consent),
        Owner::Person { .. } => Ok(()),
    }
}

/// Whether what was given at a time still counts: everything of a client or a person may have ended up to a moment.
pub fn outlives(given: Timestamp, mark: Option<Timestamp>) -> bool {
    mark.is_none_or(|mark| mark < given)
}

#[cfg(test)]
mod tests;
