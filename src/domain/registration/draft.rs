//! What somebody asks a client to be, before it is judged.
use super::duration_text;
use crate::domain::client::Client;
use serde_json::{Map, Value};

/// What somebody asks a client to be, as it came in.
#[derive(Clone, Debug, Default)]
pub struct Draft {
    /// `client_name`.
    pub name: String,
    /// `description`.
    pub description: String,
    /// `client_type`: `public`; anything else is confidential.
    pub client_type: String,
    /// `enable_device_flow`.
    pub device_flow: bool,
    /// `enable_auth_code_flow`.
    pub auth_code_flow: bool,
    /// `enable_client_credentials_flow`.
    pub client_credentials_flow: bool,
    /// `redirect_uris`.
    pub redirect_uris: Vec<String>,
    /// `post_logout_redirect_uris` (RP-Initiated Logout 1.0 §3.1).
    pub post_logout_redirect_uris: Vec<String>,
    /// `scopes`, separated by blanks.
    pub scopes: String,
    /// `allowed_resources` (RFC 8707).
    pub allowed_resources: Vec<String>,
    /// `token_profile`; empty is `standard`.
    pub token_profile: String,
    /// `machine_token_ttl`; empty leaves it to the server.
    pub machine_token_ttl: String,
    /// `project`.
    pub project: String,
    /// `service_account`.
    pub service_account: String,
    /// `token_endpoint_auth_method`; empty leaves the choice to the client.
    pub auth_method: String,
    /// `jwks`: a JWK set as text; empty for none.
    pub jwks: String,
    /// `id_token_signed_response_alg`; empty leaves it to the server.
    pub id_token_alg: String,
    /// Further metadata of RFC 7591 §2, kept and given back as it came.
    pub metadata: Map<String, Value>,
}

/// A draft that says what the client is now, for a form that is filled in.
impl From<&Client> for Draft {
    fn from(client: &Client) -> Self {
        Self {
            name: client.name.clone(),
            description: client.description.clone(),
            client_type: client.client_type.as_str().to_owned(),
            device_flow: client.device_flow,
            auth_code_flow: client.auth_code_flow,
            client_credentials_flow: client.client_credentials_flow,
            redirect_uris: client.redirect_uris.clone(),
            post_logout_redirect_uris: client.post_logout_redirect_uris.clone(),
            scopes: client.scopes.to_string(),
            allowed_resources: client.allowed_resources.clone(),
            token_profile: client.token_profile.clone(),
            machine_token_ttl: client
                .machine_token_ttl
                .map(duration_text)
                .unwrap_or_default(),
            project: client.project.clone(),
            service_account: client.service_account.clone(),
            auth_method: client
                .auth_method
                .map(|m| m.as_str().to_owned())
                .unwrap_or_default(),
            jwks: client.jwks.clone().unwrap_or_default(),
            id_token_alg: client.id_token_alg.clone().unwrap_or_default(),
            metadata: client.metadata.clone(),
        }
    }
}
