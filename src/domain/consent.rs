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
