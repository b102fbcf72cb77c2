//! OAuth clients (RFC 6749 §2) as they are registered.
use super::{
    digest::sha256_hex, ids::ClientId, registration::Reach, scope::ScopeSet, time::Timestamp,
};
use serde_json::{Map, Value};
use std::time::Duration;

/// The hashes of one client secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretHashes {
    /// bcrypt, which the Go server reads.
    pub slow: String,
    /// SHA-256 in hexadecimal: enough for 256 random bits, which nobody can try out.
    pub fast: String,
}

impl SecretHashes {
    /// What binds the fast hash to the slow one. The Go server replaces the slow one alone; then the fast one counts no more.
    pub fn binding(&self) -> String {
        binding(&self.slow)
    }
}

/// See [`SecretHashes::binding`].
pub fn binding(slow: &str) -> String {
    sha256_hex(slow.as_bytes())
}

/// A row of `oauth_applications`.
#[derive(Clone, Debug)]
pub struct Client {
    /// `oauth_applications.id`, what consents refer to.
    pub application_id: i64,
    /// The public identifier.
    pub client_id: ClientId,
    /// bcrypt of the client secret; public clients have one too, and it authenticates nothing.
    pub secret_hash: String,
    /// SHA-256 of the same secret, where this server made it: only while bcrypt is of that secret still.
    pub fast_secret_hash: Option<String>,
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
    /// Life of its machine tokens; `None` leaves it to the server.
    pub machine_token_ttl: Option<Duration>,
    /// How it must authenticate; `None`: any way that its type allows.
    pub auth_method: Option<AuthMethod>,
    /// Its public keys as a JWK set, for `private_key_jwt`.
    pub jwks: Option<String>,
    /// `id_token_signed_response_alg`; `None` leaves it to the server.
    pub id_token_alg: Option<String>,
    /// The secret that it had before, while that still counts.
    pub previous_secret: Option<PreviousSecret>,
    /// Further metadata of its registration (RFC 7591 §2).
    pub metadata: Map<String, Value>,
    /// Why it was rejected, in the words of who did it; empty for no reason.
    pub status_reason: String,
    /// What was approved, while it waits because it was changed after that.
    pub approved: Option<Box<Reach>>,
    /// User id of who made it; empty for dynamic registration.
    pub created_by: String,
    /// Grows with every change, so that two who edit at the same time do not overwrite each other.
    pub version: i64,
    /// When it was registered.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// A secret that was replaced and counts for a while yet.
#[derive(Clone, Debug)]
pub struct PreviousSecret {
    /// bcrypt.
    pub hash: String,
    /// From then on it authenticates nothing.
    pub until: Timestamp,
}

/// How a client authenticates at the token endpoint (RFC 7591 §2, OpenID Connect Core §9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthMethod {
    /// Not at all.
    None,
    /// By a secret in the `Authorization` header.
    ClientSecretBasic,
    /// By a secret in the body.
    ClientSecretPost,
    /// By a JWT that it signs (RFC 7523 §2.2).
    PrivateKeyJwt,
}

impl AuthMethod {
    /// Reads the registered name.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "none" => Some(Self::None),
            "client_secret_basic" => Some(Self::ClientSecretBasic),
            "client_secret_post" => Some(Self::ClientSecretPost),
            "private_key_jwt" => Some(Self::PrivateKeyJwt),
            _ => None,
        }
    }

    /// The registered name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::ClientSecretBasic => "client_secret_basic",
            Self::ClientSecretPost => "client_secret_post",
            Self::PrivateKeyJwt => "private_key_jwt",
        }
    }
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

    /// Whether it has a secret to show.
    pub fn needs_secret(&self) -> bool {
        self.is_confidential() && self.auth_method != Some(AuthMethod::PrivateKeyJwt)
    }

    /// How many public keys it registered.
    pub fn public_keys(&self) -> usize {
        let set: Option<Value> = self
            .jwks
            .as_deref()
            .and_then(|set| serde_json::from_str(set).ok());
        let keys = set.as_ref().and_then(|set| set.get("keys")?.as_array());
        keys.map_or(0, Vec::len)
    }

    /// Whether it must authenticate (RFC 6749 §3.2.1).
    pub fn is_confidential(&self) -> bool {
        self.client_type == ClientType::Confidential
    }
}

#[cfg(test)]
pub mod doubles {
    //! A client to change as a test needs it.
    use super::*;

    pub fn client() -> Client {
        Client {
            application_id: 1,
            client_id: ClientId::new("c"),
            secret_hash: String::new(),
            fast_secret_hash: None,
            name: String::new(),
            description: String::new(),
            owner: String::new(),
            scopes: ScopeSet::default(),
            redirect_uris: vec![],
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
            auth_method: None,
            jwks: None,
            id_token_alg: None,
            post_logout_redirect_uris: vec![],
            previous_secret: None,
            metadata: Map::new(),
            status_reason: String::new(),
            approved: None,
            created_by: String::new(),
            version: 0,
            created_at: Timestamp::UNIX_EPOCH,
            updated_at: Timestamp::UNIX_EPOCH,
        }
    }
}
