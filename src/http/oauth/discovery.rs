//! Metadata documents (RFC 8414, OpenID Connect Discovery 1.0) and the JWK set (RFC 7517).
//!
//! Only what is served is announced. Documents are rendered once and sent as bytes.
use crate::jose::Algorithm;
use serde_json::{Map, Value, json};

/// What the documents say about this server.
#[derive(Clone, Debug)]
pub struct Metadata {
    /// `BASE_URL` without trailing slashes.
    pub issuer: String,
    /// How ID tokens are signed, the default first; those of the keys that there are.
    pub id_token_algorithms: Vec<Algorithm>,
    /// Whether dynamic registration is switched on.
    pub registration: bool,
}

const SCOPES: [&str; 6] = [
    "openid",
    "profile",
    "email",
    "offline_access",
    "read",
    "write",
];
const AUTH_METHODS: [&str; 3] = ["client_secret_basic", "client_secret_post", "none"];
const GRANTS: [&str; 4] = [
    "authorization_code",
    "urn:ietf:params:oauth:grant-type:device_code",
    "refresh_token",
    "client_credentials",
];
const PROMPTS: [&str; 4] = ["none", "login", "consent", "select_account"];
const CLAIMS: [&str; 15] = [
    "sub",
    "iss",
    "aud",
    "exp",
    "iat",
    "jti",
    "auth_time",
    "nonce",
    "at_hash",
    "name",
    "preferred_username",
    "email",
    "email_verified",
    "picture",
    "updated_at",
];

impl Metadata {
    fn url(&self, path: &str) -> Value {
        format!("{}{path}", self.issuer).into()
    }

    /// With HS256 there is no public key to publish.
    fn jwks_uri(&self) -> Option<Value> {
        let has_pair = |algorithm: &Algorithm| *algorithm != Algorithm::Hs256;
        let published = self.id_token_algorithms.iter().any(has_pair);
        published.then(|| self.url("/.well-known/jwks.json"))
    }

    /// `/.well-known/openid-configuration`.
    pub fn openid_configuration(&self) -> String {
        let mut doc = Document::default();
        doc.put("issuer", self.issuer.clone());
        doc.put("authorization_endpoint", self.url("/oauth/authorize"));
        doc.put("token_endpoint", self.url("/oauth/token"));
        doc.put("userinfo_endpoint", self.url("/oauth/userinfo"));
        doc.put("revocation_endpoint", self.url("/oauth/revoke"));
        doc.put_some("jwks_uri", self.jwks_uri());
        doc.put("response_types_supported", json!(["code"]));
        doc.put("subject_types_supported", json!(["public"]));
        doc.put(
            "id_token_signing_alg_values_supported",
            json!(
                self.id_token_algorithms
                    .iter()
                    .map(|algorithm| algorithm.as_str())
                    .collect::<Vec<_>>()
            ),
        );
        doc.put("scopes_supported", json!(SCOPES));
        doc.put("token_endpoint_auth_methods_supported", json!(AUTH_METHODS));
        doc.put("grant_types_supported", json!(GRANTS));
        doc.put("claims_supported", json!(CLAIMS));
        doc.put("code_challenge_methods_supported", json!(["S256"]));
        doc.put("end_session_endpoint", self.url("/oauth/end_session"));
        doc.put("response_modes_supported", json!(["query"]));
        doc.put("prompt_values_supported", json!(PROMPTS));
        // Their defaults are not all false (OpenID Connect Discovery 1.0 §3).
        doc.put("claims_parameter_supported", false);
        doc.put("request_parameter_supported", false);
        doc.put("request_uri_parameter_supported", false);
        doc.put("authorization_response_iss_parameter_supported", true);
        // RFC 8628 §4: what a device looks for.
        doc.put(
            "device_authorization_endpoint",
            self.url("/oauth/device/code"),
        );
        doc.text()
    }

    /// `/.well-known/oauth-authorization-server`.
    pub fn oauth_authorization_server(&self) -> String {
        let mut doc = Document::default();
        doc.put("issuer", self.issuer.clone());
        doc.put("authorization_endpoint", self.url("/oauth/authorize"));
        doc.put("token_endpoint", self.url("/oauth/token"));
        doc.put("introspection_endpoint", self.url("/oauth/introspect"));
        doc.put("revocation_endpoint", self.url("/oauth/revoke"));
        doc.put_some(
            "registration_endpoint",
            self.registration.then(|| self.url("/oauth/register")),
        );
        doc.put(
            "device_authorization_endpoint",
            self.url("/oauth/device/code"),
        );
        doc.put_some("jwks_uri", self.jwks_uri());
        doc.put("response_types_supported", json!(["code"]));
        doc.put("scopes_supported", json!(SCOPES));
        doc.put("token_endpoint_auth_methods_supported", json!(AUTH_METHODS));
        doc.put(
            "revocation_endpoint_auth_methods_supported",
            json!(AUTH_METHODS),
        );
        doc.put(
            "introspection_endpoint_auth_methods_supported",
            json!(["client_secret_basic", "client_secret_post"]),
        );
        doc.put("grant_types_supported", json!(GRANTS));
        doc.put("code_challenge_methods_supported", json!(["S256"]));
        doc.put("response_modes_supported", json!(["query"]));
        doc.put("authorization_response_iss_parameter_supported", true);
        doc.put("resource_indicators_supported", true);
        doc.put("resource_parameter_supported", true);
        doc.text()
    }
}

/// Members in the order they were put.
#[derive(Default)]
struct Document(Map<String, Value>);

impl Document {
    fn put(&mut self, name: &str, value: impl Into<Value>) {
        self.0.insert(name.to_owned(), value.into());
    }

    fn put_some(&mut self, name: &str, value: Option<Value>) {
        if let Some(value) = value {
            self.put(name, value);
        }
    }

    fn text(self) -> String {
        Value::Object(self.0).to_string()
    }
}
