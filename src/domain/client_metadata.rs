//! Client metadata as JSON (RFC 7591 §2, OpenID Connect Registration 1.0 §2): from what a program sends to a draft, and
//! from a client to what it is told.
//!
//! Addresses in it (logos, key sets) are kept as text and never fetched. What is not known here is passed over, as the RFC
//! wants it, and the answer tells what was registered.
use super::{
    client::{AuthMethod, Client, ClientType},
    registration::{Draft, Fault, Field, Problem},
};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// `grant_type` of the device grant; registrations may also use its short form.
const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";
/// Members that are kept and given back, besides those that the draft has fields for.
const URIS: [&str; 5] = [
    "client_uri",
    "logo_uri",
    "tos_uri",
    "policy_uri",
    "initiate_login_uri",
];
const TEXTS: [&str; 2] = ["software_id", "software_version"];
/// Members that may come in several languages, `name#tag` (RFC 7591 §2.2).
const TRANSLATED: [&str; 5] = [
    "client_name",
    "client_uri",
    "logo_uri",
    "tos_uri",
    "policy_uri",
];
const MAX_TEXT: usize = 2048;
const MAX_CONTACTS: usize = 10;
/// Under this name it is remembered that a refresh token was asked for: no column says so.
const ASKED_GRANTS: &str = "grant_types";

/// Why metadata is refused (RFC 7591 §3.2.2). The text is for the developer of the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MetadataFault {
    /// `invalid_redirect_uri`.
    RedirectUri(String),
    /// `invalid_client_metadata`.
    Metadata(String),
}

/// The faults of a judged draft, as one.
impl From<Vec<Fault>> for MetadataFault {
    fn from(faults: Vec<Fault>) -> Self {
        let texts: Vec<String> = faults.iter().take(5).map(ToString::to_string).collect();
        let text = texts.join("; ");
        let is_redirect = |fault: &Fault| {
            fault.field == Field::RedirectUris && matches!(fault.problem, Problem::Uri(_))
        };
        if faults.iter().any(is_redirect) {
            Self::RedirectUri(text)
        } else {
            Self::Metadata(text)
        }
    }
}

/// What the metadata asks for.
///
/// # Errors
/// The first member that cannot be read or is not offered. The draft is judged elsewhere.
pub fn draft(asked: &Map<String, Value>) -> Result<Draft, MetadataFault> {
    let asked = Members(asked);
    let method = asked.text("token_endpoint_auth_method")?;
    let method = method.unwrap_or(AuthMethod::ClientSecretBasic.as_str());
    let public = method == AuthMethod::None.as_str();
    let grants = grants(&asked)?;
    let has = |name: &str| grants.iter().any(|grant| grant == name);
    let client_uri = asked.text("client_uri")?.unwrap_or_default();
    Ok(Draft {
        name: asked.text("client_name")?.unwrap_or_default().to_owned(),
        description: client_uri.to_owned(),
        client_type: if public { "public" } else { "confidential" }.to_owned(),
        device_flow: has(DEVICE_CODE),
        auth_code_flow: has("authorization_code"),
        client_credentials_flow: has("client_credentials"),
        redirect_uris: asked.list("redirect_uris")?,
        post_logout_redirect_uris: asked.list("post_logout_redirect_uris")?,
        scopes: asked.text("scope")?.unwrap_or_default().to_owned(),
        machine_token_ttl: machine_ttl(&asked)?,
        auth_method: method.to_owned(),
        jwks: jwks(&asked, method)?,
        id_token_alg: asked
            .text("id_token_signed_response_alg")?
            .unwrap_or_default()
            .to_owned(),
        metadata: kept(&asked, &grants)?,
        ..Draft::default()
    })
}

/// The grants that are asked for, by their full names.
fn grants(asked: &Members<'_>) -> Result<Vec<String>, MetadataFault> {
    let mut grants = asked.list("grant_types")?;
    if grants.is_empty() {
        grants.push("authorization_code".to_owned());
    }
    for grant in &mut grants {
        match grant.as_str() {
            "device_code" => DEVICE_CODE.clone_into(grant),
            DEVICE_CODE | "authorization_code" | "refresh_token" | "client_credentials" => {}
            other => {
                let shown: String = other.chars().take(100).collect();
                return Err(fault(format!("grant_types: {shown:?} is not offered")));
            }
        }
    }
    Ok(grants)
}

fn machine_ttl(asked: &Members<'_>) -> Result<String, MetadataFault> {
    match asked.get("machine_token_ttl") {
        None => Ok(String::new()),
        Some(value) => value
            .as_u64()
            .map(|seconds| format!("{seconds}s"))
            .ok_or_else(|| fault("machine_token_ttl must be a number of seconds")),
    }
}

/// Keys come with the registration: this server fetches none.
fn jwks(asked: &Members<'_>, method: &str) -> Result<String, MetadataFault> {
    match (asked.get("jwks"), asked.get("jwks_uri")) {
        (Some(_), Some(_)) => Err(fault("jwks and jwks_uri must not both be given")),
        (Some(set), None) => Ok(set.to_string()),
        (None, Some(_)) if method == AuthMethod::PrivateKeyJwt.as_str() => Err(fault(
            "jwks_uri is not fetched here; send the keys themselves as jwks",
        )),
        (None, _) => Ok(String::new()),
    }
}

fn kept(asked: &Members<'_>, grants: &[String]) -> Result<Map<String, Value>, MetadataFault> {
    let mut kept = Map::new();
    for name in URIS {
        if let Some(uri) = asked.text(name)? {
            check_uri(name, uri)?;
            kept.insert(name.to_owned(), uri.into());
        }
    }
    for name in TEXTS {
        if let Some(text) = asked.text(name)? {
            kept.insert(name.to_owned(), text.into());
        }
    }
    match asked.text("application_type")? {
        None => {}
        Some(kind @ ("web" | "native")) => {
            kept.insert("application_type".to_owned(), kind.into());
        }
        Some(_) => return Err(fault("application_type must be web or native")),
    }
    let contacts = asked.list("contacts")?;
    if contacts.len() > MAX_CONTACTS {
        return Err(fault("contacts must not have more than 10 entries"));
    }
    if !contacts.is_empty() {
        kept.insert("contacts".to_owned(), contacts.into());
    }
    for name in asked.0.keys() {
        let base = name.split_once('#').map(|(base, _)| base);
        if base.is_some_and(|base| TRANSLATED.contains(&base)) && name.len() <= 64 {
            let text = asked.text(name)?.unwrap_or_default();
            if base != Some("client_name") {
                check_uri(name, text)?;
            }
            kept.insert(name.clone(), text.into());
        }
    }
    if grants.iter().any(|grant| grant == "refresh_token") {
        kept.insert(ASKED_GRANTS.to_owned(), json!(grants));
    }
    Ok(kept)
}

fn check_uri(name: &str, uri: &str) -> Result<(), MetadataFault> {
    let is_web = url::Url::parse(uri).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
    if is_web && !uri.chars().any(|c| c.is_control() || c.is_whitespace()) {
        Ok(())
    } else {
        Err(fault(format!("{name} must be an http or https URL")))
    }
}

/// The members of a request, by type. `null` is as good as absent.
struct Members<'a>(&'a Map<String, Value>);

impl<'a> Members<'a> {
    fn get(&self, name: &str) -> Option<&'a Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    fn text(&self, name: &str) -> Result<Option<&'a str>, MetadataFault> {
        let Some(value) = self.get(name) else {
            return Ok(None);
        };
        let text = value
            .as_str()
            .ok_or_else(|| fault(format!("{name} must be a string")))?;
        check_text(name, text)?;
        Ok(Some(text))
    }

    fn list(&self, name: &str) -> Result<Vec<String>, MetadataFault> {
        let Some(value) = self.get(name) else {
            return Ok(Vec::new());
        };
        let must = || fault(format!("{name} must be a list of strings"));
        let values = value.as_array().ok_or_else(must)?;
        let mut list = Vec::with_capacity(values.len());
        for value in values {
            let text = value.as_str().ok_or_else(must)?;
            // The bound of a single redirect URI is the registry's own.
            if text.contains('\0') {
                return Err(must());
            }
            list.push(text.to_owned());
        }
        Ok(list)
    }
}

fn check_text(name: &str, text: &str) -> Result<(), MetadataFault> {
    if text.len() > MAX_TEXT {
        Err(fault(format!("{name} must not be longer than 2048 bytes")))
    } else if text.contains('\0') {
        Err(fault(format!("{name} must not hold a NUL")))
    } else {
        Ok(())
    }
}

fn fault(text: impl Into<String>) -> MetadataFault {
    MetadataFault::Metadata(text.into())
}

/// What a client is told about its registration, names in alphabetical order. Secrets are not in it.
pub fn of(client: &Client) -> Map<String, Value> {
    let mut all: BTreeMap<String, Value> = client
        .metadata
        .iter()
        .filter(|(name, _)| *name != ASKED_GRANTS)
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    let mut put = |name: &str, value: Value| {
        all.insert(name.to_owned(), value);
    };
    put("client_id", client.client_id.as_str().into());
    put(
        "client_id_issued_at",
        client.created_at.unix_timestamp().into(),
    );
    put("client_name", client.name.as_str().into());
    put("grant_types", granted(client).into());
    put("redirect_uris", client.redirect_uris.clone().into());
    let responses: &[&str] = if client.auth_code_flow {
        &["code"]
    } else {
        &[]
    };
    put("response_types", json!(responses));
    put("scope", client.scopes.to_string().into());
    let method = client.auth_method.unwrap_or(match client.client_type {
        ClientType::Public => AuthMethod::None,
        ClientType::Confidential => AuthMethod::ClientSecretBasic,
    });
    put("token_endpoint_auth_method", method.as_str().into());
    if let Some(jwks) = client.jwks.as_deref() {
        let set: Option<Value> = serde_json::from_str(jwks).ok();
        put("jwks", set.unwrap_or_default());
    }
    if !client.post_logout_redirect_uris.is_empty() {
        let uris = client.post_logout_redirect_uris.clone();
        put("post_logout_redirect_uris", uris.into());
    }
    if let Some(algorithm) = client.id_token_alg.as_deref() {
        put("id_token_signed_response_alg", algorithm.into());
    }
    if let Some(ttl) = client.machine_token_ttl {
        put("machine_token_ttl", ttl.as_secs().into());
    }
    all.into_iter().collect()
}

/// What a program said about itself that nothing here depends on, each as text, names in alphabetical order.
pub fn said(client: &Client) -> Vec<(String, String)> {
    let mut said: Vec<(String, String)> = client
        .metadata
        .iter()
        .filter(|(name, _)| *name != ASKED_GRANTS)
        .map(|(name, value)| (name.clone(), as_text(value)))
        .collect();
    said.sort();
    said
}

fn as_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(all) => all.iter().map(as_text).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

fn granted(client: &Client) -> Vec<&'static str> {
    let asked = client.metadata.get(ASKED_GRANTS).and_then(Value::as_array);
    let refresh = asked.is_some_and(|asked| asked.iter().any(|grant| grant == "refresh_token"));
    [
        (client.device_flow, DEVICE_CODE),
        (client.auth_code_flow, "authorization_code"),
        (client.client_credentials_flow, "client_credentials"),
        (refresh, "refresh_token"),
    ]
    .into_iter()
    .filter_map(|(has, name)| has.then_some(name))
    .collect()
}

#[cfg(test)]
mod tests;
