//! What access and refresh tokens say (RFC 9068 §2.2 without `typ`): claim sets, reserved names, `extra_claims`.
//!
//! A payload is built as sorted JSON text, so that number literals of caller claims stay as they were sent.
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// Caller claims, checked: name and JSON text.
pub type ExtraClaims = BTreeMap<String, Box<RawValue>>;

/// Claims that no caller may set: registered ones, and ours without a prefix.
const RESERVED: &[&str] = &[
    "iss",
    "sub",
    "aud",
    "exp",
    "nbf",
    "iat",
    "jti",
    "type",
    "scope",
    "user_id",
    "client_id",
    "azp",
    "amr",
    "acr",
    "auth_time",
    "nonce",
    "at_hash",
    "domain",
    "project",
    "service_account",
    "uid",
];
const PREFIXED: &[&str] = &["domain", "project", "service_account", "uid"];

/// Limits of `extra_claims`; 0 lifts one.
#[derive(Clone, Debug)]
pub struct ExtraClaimRules {
    /// `EXTRA_CLAIMS_ENABLED`.
    pub enabled: bool,
    /// `EXTRA_CLAIMS_MAX_RAW_SIZE`, bytes of the whole parameter.
    pub max_raw_size: usize,
    /// `EXTRA_CLAIMS_MAX_KEYS`.
    pub max_keys: usize,
    /// `EXTRA_CLAIMS_MAX_VAL_SIZE`, bytes of one value as JSON.
    pub max_value_size: usize,
    /// `JWT_PRIVATE_CLAIM_PREFIX`.
    pub prefix: String,
}

/// Why `extra_claims` is refused (`invalid_request`).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExtraClaimsError {
    /// Switched off.
    #[error("extra_claims are switched off")]
    Disabled,
    /// Longer than allowed.
    #[error("extra_claims is larger than {0} bytes")]
    TooLarge(usize),
    /// Not a JSON object.
    #[error("extra_claims must be a JSON object")]
    NotAnObject,
    /// Too many members.
    #[error("extra_claims has more than {0} members")]
    TooManyKeys(usize),
    /// A name that is ours.
    #[error("extra_claims may not set {0:?}")]
    Reserved(String),
    /// A value too long.
    #[error("the value of {0:?} in extra_claims is too large")]
    ValueTooLarge(String),
}

impl ExtraClaimRules {
    /// Reads the request parameter. Empty text and `null` mean none.
    ///
    /// # Errors
    /// [`ExtraClaimsError`], in the order: switched off, size, shape, number of members, names, size of a value.
    pub fn parse(&self, text: Option<&str>) -> Result<ExtraClaims, ExtraClaimsError> {
        let Some(text) = text.filter(|t| !t.is_empty()) else {
            return Ok(ExtraClaims::new());
        };
        if !self.enabled {
            return Err(ExtraClaimsError::Disabled);
        }
        if self.max_raw_size > 0 && text.len() > self.max_raw_size {
            return Err(ExtraClaimsError::TooLarge(self.max_raw_size));
        }
        let claims: Option<ExtraClaims> =
            serde_json::from_str(text).map_err(|_| ExtraClaimsError::NotAnObject)?;
        let claims = claims.unwrap_or_default();
        if self.max_keys > 0 && claims.len() > self.max_keys {
            return Err(ExtraClaimsError::TooManyKeys(self.max_keys));
        }
        if let Some(name) = claims.keys().find(|name| self.is_reserved(name)) {
            return Err(ExtraClaimsError::Reserved(name.clone()));
        }
        let too_large =
            |value: &RawValue| self.max_value_size > 0 && value.get().len() > self.max_value_size;
        match claims.iter().find(|(_, value)| too_large(value)) {
            Some((name, _)) => Err(ExtraClaimsError::ValueTooLarge(name.clone())),
            None => Ok(claims),
        }
    }

    /// Whether a caller may not set the claim: registered names, ours in any case of letters, and the empty name.
    pub fn is_reserved(&self, name: &str) -> bool {
        let lower = folded(name.trim());
        let prefix = self.prefix.to_ascii_lowercase();
        lower.is_empty()
            || RESERVED.contains(&lower.as_str())
            || PREFIXED.iter().any(|claim| {
                lower
                    .strip_suffix(claim)
                    .and_then(|head| head.strip_suffix('_'))
                    .is_some_and(|head| head == prefix || head == "extra")
            })
    }
}

/// A name as readers that pass over case compare it. Go takes `ſub` (U+017F) for `sub`, Java takes `ıss` (U+0131) and
/// `İss` (U+0130) for `iss`, others take `iß`.
fn folded(name: &str) -> String {
    const DOT_ABOVE: char = '\u{307}';
    let mut lower = name.to_uppercase().to_lowercase();
    lower.retain(|letter| letter != DOT_ABOVE);
    lower
}

/// What one access or refresh token says.
#[derive(Clone, Debug)]
pub struct TokenClaims<'a> {
    /// Issuer, without a trailing slash.
    pub issuer: &'a str,
    /// `sub` and `user_id`.
    pub subject: &'a str,
    /// `client_id`.
    pub client_id: &'a str,
    /// `scope`.
    pub scope: &'a str,
    /// `access` or `refresh`.
    pub token_type: &'a str,
    /// `iat`, Unix seconds.
    pub issued_at: i64,
    /// `exp`, Unix seconds.
    pub expires_at: i64,
    /// `jti`.
    pub jti: &'a str,
    /// `aud`: left out when empty, a string when one, an array when more.
    pub audience: &'a [String],
    /// `JWT_PRIVATE_CLAIM_PREFIX`.
    pub prefix: &'a str,
    /// `<prefix>_domain`, empty for none.
    pub domain: &'a str,
    /// `<prefix>_uid`: the username, empty for none.
    pub uid: &'a str,
    /// `<prefix>_project`, empty for none.
    pub project: &'a str,
    /// `<prefix>_service_account`, empty for none.
    pub service_account: &'a str,
    /// Checked caller claims.
    pub extra: &'a ExtraClaims,
}

/// The payload as JSON text, names in alphabetical order. Ours win over the caller's.
pub fn payload(claims: &TokenClaims<'_>) -> Vec<u8> {
    let mut members: BTreeMap<String, String> = claims
        .extra
        .iter()
        .map(|(name, value)| (name.clone(), value.get().to_owned()))
        .collect();
    let mut put = |name: &str, json: String| {
        members.insert(name.to_owned(), json);
    };
    for (name, value) in [
        ("domain", claims.domain),
        ("uid", claims.uid),
        ("project", claims.project),
        ("service_account", claims.service_account),
    ] {
        if !value.is_empty() {
            put(&format!("{}_{name}", claims.prefix), quoted(value));
        }
    }
    for (name, value) in [
        ("iss", claims.issuer),
        ("sub", claims.subject),
        ("user_id", claims.subject),
        ("client_id", claims.client_id),
        ("scope", claims.scope),
        ("type", claims.token_type),
        ("jti", claims.jti),
    ] {
        put(name, quoted(value));
    }
    put("iat", claims.issued_at.to_string());
    put("exp", claims.expires_at.to_string());
    match claims.audience {
        [] => {}
        [one] => put("aud", quoted(one)),
        many => put("aud", serde_json::Value::from(many.to_vec()).to_string()),
    }
    let body: Vec<String> = members
        .iter()
        .map(|(name, json)| format!("{}:{json}", quoted(name)))
        .collect();
    format!("{{{}}}", body.join(",")).into_bytes()
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests;
