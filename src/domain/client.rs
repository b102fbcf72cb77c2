//! OAuth clients (RFC 6749 §2) as they are registered.
use super::{ids::ClientId, scope::ScopeSet, time::Timestamp};
use std::time::Duration;

/// A row of `oauth_applications`.
#[derive(Clone, Debug)]
pub struct Client {
    /// `oauth_applications.id`, what consents refer to.
    pub application_id: i64,
    /// The public identifier.
    pub client_id: ClientId,
    /// bcrypt of the client secret; public clients have one too, and it authenticates nothing.
    pub secret_hash: String,
    /// Shown to people.
    pub name: String,
    /// Shown to people.
    pub description: String,
    /// The owner's user id, empty for dynamic registration.
    pub owner: String,
    /// What the client may ask for.
    pub scopes: ScopeSet,
    /// Registered redirection endpoints.
    pub redirect_uris: Vec<String>,
    /// Where a person may be sent after signing out (OpenID Connect RP-Initiated Logout 1.0 §3).
    pub post_logout_redirect_uris: Vec<String>,
    /// RFC 8707 targets the client may name; empty refuses all.
    pub allowed_resources: Vec<String>,
    /// Public or confidential (RFC 6749 §2.1).
    pub client_type: ClientType,
    /// The flags, not `grant_types`, decide what a client may do.
    pub device_flow: bool,
    /// Authorization code grant.
    pub auth_code_flow: bool,
    /// Client credentials grant.
    pub client_credentials_flow: bool,
    /// Only an active client is served.
    pub status: ClientStatus,
    /// `short`, `standard` or `long`; unknown names count as standard.
    pub token_profile: String,
    /// Value of the `<prefix>_project` claim, empty for none.
    pub project: String,
    /// Value of the `<prefix>_service_account` claim, empty for none.
    pub service_account: String,
    /// The registered `id_token_signed_response_alg` (OpenID Connect Registration §2), absent for the server's choice.
    pub id_token_alg: Option<String>,
    /// Life of tokens that the client gets for itself; `None` for that of all machines.
    pub machine_token_ttl: Option<Duration>,
    /// When it was registered.
    pub created_at: Timestamp,
}

/// RFC 6749 §2.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientType {
    /// Cannot keep a secret.
    Public,
    /// Authenticates with a secret.
    Confidential,
}

/// Life of a registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientStatus {
    /// Registered, not approved yet.
    Pending,
    /// In use.
    Active,
    /// Switched off.
    Inactive,
}

impl ClientType {
    /// Reads the column; anything but `confidential` is public, as the column's default.
    pub fn stored(text: &str) -> Self {
        if text == "confidential" {
            Self::Confidential
        } else {
            Self::Public
        }
    }

    /// The column's text.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Confidential => "confidential",
        }
    }
}

impl ClientStatus {
    /// Reads the column; an unknown text counts as inactive, because an error never means allow.
    pub fn stored(text: &str) -> Self {
        match text {
            "active" => Self::Active,
            "pending" => Self::Pending,
            _ => Self::Inactive,
        }
    }

    /// The column's text.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Active => "active",
            Self::Inactive => "inactive",
        }
    }
}

impl Client {
    /// Whether it may be served at all.
    pub fn is_active(&self) -> bool {
        self.status == ClientStatus::Active
    }

    /// Whether it must authenticate (RFC 6749 §3.2.1).
    pub fn is_confidential(&self) -> bool {
        self.client_type == ClientType::Confidential
    }
}

#[cfg(test)]
pub mod doubles {
    //! A client for tests.
    use super::{Client, ClientStatus, ClientType};
    use crate::domain::{ids::ClientId, scope::ScopeSet, time::Timestamp};

    pub fn client() -> Client {
        Client {
            application_id: 1,
            client_id: ClientId::new("c"),
            secret_hash: String::new(),
            name: String::new(),
            description: String::new(),
            owner: String::new(),
            scopes: ScopeSet::default(),
            redirect_uris: vec![],
            post_logout_redirect_uris: vec![],
            allowed_resources: vec![],
            client_type: ClientType::Public,
            device_flow: true,
            auth_code_flow: true,
            client_credentials_flow: false,
            status: ClientStatus::Active,
            token_profile: String::new(),
            project: String::new(),
            service_account: String::new(),
            machine_token_ttl: None,
            id_token_alg: None,
            created_at: Timestamp::UNIX_EPOCH,
        }
    }
}
