//! Metadata documents (RFC 8414, OpenID Connect Discovery 1.0).
//!
//! They are made from what is served and accepted, and both tell the same about the same thing. Rendered once for each set
//! of keys, and sent as bytes.
use crate::jose::{Algorithm, KeySet};
use serde_json::{Map, Value, json};

/// What the documents say about this server.
#[derive(Clone, Debug)]
pub struct Metadata {
    /// `BASE_URL` without trailing slashes.
    pub issuer: String,
    /// Whether dynamic registration is switched on.
    pub registration: bool,
    /// `DEVICE_FLOW_ENABLED`.
    pub device_flow: bool,
    /// `ENABLE_REFRESH_TOKENS`.
    pub refresh_tokens: bool,
}

const SCOPES: [&str; 6] = [
    "openid",
    "profile",
    "email",
    "offline_access",
    "read",
    "write",
];
/// How clients name themselves and prove it, at the token endpoint and where they revoke.
const AUTH_METHODS: [&str; 4] = [
    "client_secret_basic",
    "client_secret_post",
    "private_key_jwt",
    "none",
];
/// The same where nobody may ask without a proof.
const PROOF_METHODS: [&str; 3] = [
    "client_secret_basic",
    "client_secret_post",
    "private_key_jwt",
];
/// By what a client may sign its assertions.
const ASSERTION_ALGORITHMS: [&str; 2] = ["RS256", "ES256"];
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
    /// The path of the issuer, without the slash that begins it; `None` when it has none. RFC 8414 §3.1 has clients put
    /// it behind the well-known part.
    pub fn issuer_path(&self) -> Option<String> {
        let url = url::Url::parse(&self.issuer).ok()?;
        let path = url.path().trim_matches('/');
        (!path.is_empty()).then(|| path.to_owned())
    }

    /// `/.well-known/openid-configuration`.
    pub fn openid_configuration(&self, keys: &KeySet) -> String {
        let mut doc = Document::default();
        doc.put("issuer", self.issuer.clone());
        doc.put("authorization_endpoint", self.url("/oauth/authorize"));
        doc.put("token_endpoint", self.url("/oauth/token"));
        doc.put("userinfo_endpoint", self.url("/oauth/userinfo"));
        doc.put("revocation_endpoint", self.url("/oauth/revoke"));
        doc.put_some("jwks_uri", self.jwks_uri(keys));
        doc.put("response_types_supported", json!(["code"]));
        doc.put("subject_types_supported", json!(["public"]));
        doc.put(
            "id_token_signing_alg_values_supported",
            json!(names(&keys.id_token_algorithms())),
        );
        doc.put("scopes_supported", json!(SCOPES));
        doc.put("token_endpoint_auth_methods_supported", json!(AUTH_METHODS));
        doc.put("grant_types_supported", self.grants());
        doc.put("claims_supported", json!(CLAIMS));
        doc.put("code_challenge_methods_supported", json!(["S256"]));
        doc.put("claim_types_supported", json!(["normal"]));
        doc.put("end_session_endpoint", self.url("/oauth/end_session"));
        doc.put("prompt_values_supported", json!(PROMPTS));
        // Their defaults are not all false (OpenID Connect Discovery 1.0 §3).
        doc.put("claims_parameter_supported", false);
        doc.put("request_parameter_supported", false);
        doc.put("request_uri_parameter_supported", false);
        self.shared(&mut doc);
        doc.text()
    }

    /// `/.well-known/oauth-authorization-server`.
    pub fn oauth_authorization_server(&self, keys: &KeySet) -> String {
        let mut doc = Document::default();
        doc.put("issuer", self.issuer.clone());
        doc.put("authorization_endpoint", self.url("/oauth/authorize"));
        doc.put("token_endpoint", self.url("/oauth/token"));
        doc.put("introspection_endpoint", self.url("/oauth/introspect"));
        doc.put("revocation_endpoint", self.url("/oauth/revoke"));
        doc.put_some("registration_endpoint", self.registration_endpoint());
        doc.put_some("device_authorization_endpoint", self.device_endpoint());
        doc.put_some("jwks_uri", self.jwks_uri(keys));
        doc.put("response_types_supported", json!(["code"]));
        doc.put("scopes_supported", json!(SCOPES));
        doc.put("token_endpoint_auth_methods_supported", json!(AUTH_METHODS));
        doc.put(
            "revocation_endpoint_auth_methods_supported",
            json!(AUTH_METHODS),
        );
        doc.put(
            "introspection_endpoint_auth_methods_supported",
            json!(PROOF_METHODS),
        );
        doc.put("grant_types_supported", self.grants());
        doc.put("code_challenge_methods_supported", json!(["S256"]));
        self.shared(&mut doc);
        doc.text()
    }

    /// What both documents say beyond what each has always said.
    fn shared(&self, doc: &mut Document) {
        doc.put("introspection_endpoint", self.url("/oauth/introspect"));
        doc.put_some("registration_endpoint", self.registration_endpoint());
        doc.put_some("device_authorization_endpoint", self.device_endpoint());
        doc.put(
            "revocation_endpoint_auth_methods_supported",
            json!(AUTH_METHODS),
        );
        doc.put(
            "introspection_endpoint_auth_methods_supported",
            json!(PROOF_METHODS),
        );
        for endpoint in ["token", "revocation", "introspection"] {
            doc.put(
                &format!("{endpoint}_endpoint_auth_signing_alg_values_supported"),
                json!(ASSERTION_ALGORITHMS),
            );
        }
        doc.put("response_modes_supported", json!(["query"]));
        doc.put("authorization_response_iss_parameter_supported", true);
        doc.put("resource_indicators_supported", true);
        doc.put("resource_parameter_supported", true);
    }

    fn url(&self, path: &str) -> Value {
        format!("{}{path}", self.issuer).into()
    }

    /// Where the keys are; with HS256 alone there is no public key to publish.
    fn jwks_uri(&self, keys: &KeySet) -> Option<Value> {
        let has_public = keys
            .algorithms()
            .iter()
            .any(|algorithm| *algorithm != Algorithm::Hs256);
        let path = if keys.signs_id_tokens_apart() {
            "/oauth/jwks"
        } else {
            "/.well-known/jwks.json"
        };
        has_public.then(|| self.url(path))
    }

    fn registration_endpoint(&self) -> Option<Value> {
        self.registration.then(|| self.url("/oauth/register"))
    }

    fn device_endpoint(&self) -> Option<Value> {
        self.device_flow.then(|| self.url("/oauth/device/code"))
    }

    fn grants(&self) -> Value {
        let all = [
            (true, "authorization_code"),
            (
                self.device_flow,
                "urn:ietf:params:oauth:grant-type:device_code",
            ),
            (self.refresh_tokens, "refresh_token"),
            (true, "client_credentials"),
        ];
        let served = all.into_iter().filter_map(|(on, name)| on.then_some(name));
        served.collect()
    }
}

fn names(algorithms: &[Algorithm]) -> Vec<&'static str> {
    algorithms.iter().map(|one| one.as_str()).collect()
}

/// Members in the order they were put; a member that is put again stays where it was.
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

#[cfg(test)]
mod tests;
