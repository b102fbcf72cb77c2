//! A person's consent to a client: one row of `user_authorizations` per person and application.
use super::{
    ids::{ClientId, UserId},
    scope::ScopeSet,
    time::Timestamp,
};

/// What a person allowed a client.
#[derive(Clone, Debug)]
pub struct Consent {
    /// `user_authorizations.id`, what tokens refer to.
    pub authorization_id: i64,
    /// Public identifier; a new one at every consent.
    pub uuid: String,
    /// Who consented.
    pub user_id: UserId,
    /// To whom.
    pub client_id: ClientId,
    /// Scopes of the last consent.
    pub scopes: ScopeSet,
    /// Resources of the last consent.
    pub resource: Vec<String>,
    /// When.
    pub granted_at: Timestamp,
    /// False once revoked.
    pub is_active: bool,
}

/// What an issuance is judged by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConsentStanding {
    /// `user_authorizations.id`, what tokens refer to.
    pub authorization_id: i64,
    /// False once revoked.
    pub is_active: bool,
}

impl From<&Consent> for ConsentStanding {
    fn from(consent: &Consent) -> Self {
        Self {
            authorization_id: consent.authorization_id,
            is_active: consent.is_active,
        }
    }
}

/// A consent as the person who gave it sees it.
#[derive(Clone, Debug)]
pub struct ConsentOfPerson {
    /// The consent.
    pub consent: Consent,
    /// Whose app; empty when the client is gone.
    pub client_name: String,
}

/// A consent as the owner of the client sees it.
#[derive(Clone, Debug)]
pub struct ConsentOfClient {
    /// The consent.
    pub consent: Consent,
    /// Who gave it; empty when the person is gone.
    pub username: String,
    /// Who gave it; empty when the person is gone.
    pub email: String,
}
