//! The rules of each field. A fault is put on the list, and the rest is judged all the same.
use super::{
    Draft, Fault, Field, MAX_ALLOWED_RESOURCES, MAX_DESCRIPTION, MAX_JWKS, MAX_SCOPES, MAX_URIS,
    MIN_MACHINE_TTL, Problem, Rules, SELF_SERVICE_SCOPES, lists, uri,
};
use crate::domain::{
    client::{AuthMethod, ClientType},
    resource,
    scope::ScopeSet,
};
use serde_json::Value;
use std::time::Duration;

/// Whatever is not called public keeps a secret, as it always was.
pub fn client_type(text: &str) -> ClientType {
    match text.trim() {
        "public" => ClientType::Public,
        _ => ClientType::Confidential,
    }
}

pub fn line(text: &str, field: Field, max: usize, faults: &mut Vec<Fault>) -> String {
    if text.chars().count() > max {
        faults.push(Fault::new(field, Problem::TooLong(max)));
    } else if text.chars().any(is_hidden) {
        faults.push(Fault::new(field, Problem::HiddenCharacter));
    }
    text.to_owned()
}

pub fn paragraph(text: &str, faults: &mut Vec<Fault>) -> String {
    if text.chars().count() > MAX_DESCRIPTION {
        faults.push(Fault::new(
            Field::Description,
            Problem::TooLong(MAX_DESCRIPTION),
        ));
    } else if text
        .chars()
        .any(|c| is_hidden(c) && !matches!(c, '\n' | '\r' | '\t'))
    {
        faults.push(Fault::new(Field::Description, Problem::HiddenCharacter));
    }
    text.to_owned()
}

/// Control characters, and those that turn the direction of a text: with them a name reads as another one.
pub fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

pub fn grants(draft: &Draft, client_type: ClientType, faults: &mut Vec<Fault>) {
    if !draft.device_flow && !draft.auth_code_flow && !draft.client_credentials_flow {
        faults.push(Fault::new(Field::Grants, Problem::NoGrant));
    }
    // RFC 6749 §4.4: only confidential clients.
    if draft.client_credentials_flow && client_type == ClientType::Public {
        faults.push(Fault::new(
            Field::Grants,
            Problem::MachineGrantOfPublicClient,
        ));
    }
}

pub fn uris(
    given: &[String],
    field: Field,
    (client_type, rules): (ClientType, &Rules),
    faults: &mut Vec<Fault>,
) -> Vec<String> {
    let Some(list) = each_once(given, MAX_URIS) else {
        faults.push(Fault::new(field, Problem::TooMany(MAX_URIS)));
        return Vec::new();
    };
    for uri in &list {
        if let Err(fault) = uri::check(uri, client_type, rules.strict_redirect_uris) {
            faults.push(Fault::about(field, Problem::Uri(fault), uri));
        }
    }
    list
}

/// Each value once, in order; `None` when there are more than so many. More than that are not looked at: anybody who
/// registers something may send many.
fn each_once(given: &[String], most: usize) -> Option<Vec<String>> {
    let mut list: Vec<String> = Vec::new();
    for value in given.iter().map(|value| value.trim()) {
        if value.is_empty() || list.iter().any(|known| known == value) {
            continue;
        }
        if list.len() == most {
            return None;
        }
        list.push(value.to_owned());
    }
    Some(list)
}

pub fn scopes(text: &str, rules: &Rules, faults: &mut Vec<Fault>) -> ScopeSet {
    if text.len() > MAX_SCOPES {
        faults.push(Fault::new(Field::Scopes, Problem::TooLong(MAX_SCOPES)));
        return ScopeSet::default();
    }
    let Ok(set) = ScopeSet::parse(text) else {
        faults.push(Fault::new(Field::Scopes, Problem::BadScope));
        return ScopeSet::default();
    };
    if rules.self_service {
        let allowed =
            |scope: &str| SELF_SERVICE_SCOPES.contains(&scope) || rules.kept_scopes.contains(scope);
        for scope in set.iter().filter(|scope| !allowed(scope)) {
            faults.push(Fault::about(
                Field::Scopes,
                Problem::ScopeNotForSelfService,
                scope,
            ));
        }
    }
    set
}

pub fn resources(given: &[String], faults: &mut Vec<Fault>) -> Vec<String> {
    let Some(list) = each_once(given, MAX_ALLOWED_RESOURCES) else {
        faults.push(Fault::new(
            Field::AllowedResources,
            Problem::TooMany(MAX_ALLOWED_RESOURCES),
        ));
        return Vec::new();
    };
    for value in &list {
        let one = std::slice::from_ref(value);
        if resource::check_syntax(one).is_err() || value.chars().any(|c| is_hidden(c) || c == ' ') {
            faults.push(Fault::about(
                Field::AllowedResources,
                Problem::BadResource,
                value,
            ));
        }
    }
    list
}

pub fn profile(text: &str, faults: &mut Vec<Fault>) -> &'static str {
    match text.trim() {
        "" | "standard" => "standard",
        "short" => "short",
        "long" => "long",
        other => {
            faults.push(Fault::about(
                Field::TokenProfile,
                Problem::UnknownProfile,
                other,
            ));
            "standard"
        }
    }
}

pub fn machine_ttl(text: &str, rules: &Rules, faults: &mut Vec<Fault>) -> Option<Duration> {
    if text.trim().is_empty() {
        return None;
    }
    match lists::duration(text) {
        Some(length) if (MIN_MACHINE_TTL..=rules.max_machine_ttl).contains(&length) => Some(length),
        Some(_) => {
            let problem = Problem::TtlOutside(MIN_MACHINE_TTL, rules.max_machine_ttl);
            faults.push(Fault::new(Field::MachineTokenTtl, problem));
            None
        }
        None => {
            faults.push(Fault::new(Field::MachineTokenTtl, Problem::BadDuration));
            None
        }
    }
}

/// Empty, or 1–64 of letters, digits, `_`, `.` and `-`, with a letter or digit at both ends.
pub fn project(text: &str, faults: &mut Vec<Fault>) -> String {
    let inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    let ends = |c: char| c.is_ascii_alphanumeric();
    let good = text.len() <= 64
        && text.chars().all(inner)
        && text.starts_with(ends)
        && text.ends_with(ends);
    if !text.is_empty() && !good {
        faults.push(Fault::new(Field::Project, Problem::BadProject));
    }
    text.to_owned()
}

/// Empty, or 1–255 of letters, digits, `_`, `.`, `@` and `-`, beginning with a letter or digit.
pub fn service_account(text: &str, faults: &mut Vec<Fault>) -> String {
    let inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-' | '@');
    let good = text.len() <= 255
        && text.chars().all(inner)
        && text.starts_with(|c: char| c.is_ascii_alphanumeric());
    if !text.is_empty() && !good {
        faults.push(Fault::new(
            Field::ServiceAccount,
            Problem::BadServiceAccount,
        ));
    }
    text.to_owned()
}

pub fn auth_method(
    draft: &Draft,
    client_type: ClientType,
    faults: &mut Vec<Fault>,
) -> Option<AuthMethod> {
    let text = draft.auth_method.trim();
    if text.is_empty() {
        return None;
    }
    let Some(method) = AuthMethod::parse(text) else {
        faults.push(Fault::about(
            Field::AuthMethod,
            Problem::UnknownAuthMethod,
            text,
        ));
        return None;
    };
    let fits = match method {
        AuthMethod::None => client_type == ClientType::Public,
        AuthMethod::ClientSecretBasic
        | AuthMethod::ClientSecretPost
        | AuthMethod::PrivateKeyJwt => client_type == ClientType::Confidential,
    };
    if !fits {
        faults.push(Fault::new(
            Field::AuthMethod,
            Problem::AuthMethodOfOtherType,
        ));
    }
    if method == AuthMethod::PrivateKeyJwt && draft.jwks.trim().is_empty() {
        faults.push(Fault::new(Field::Jwks, Problem::NoKeys));
    }
    Some(method)
}

/// The shape only: an object with a list of public keys. Whether the keys are good is for whoever verifies with them.
pub fn jwks(text: &str, faults: &mut Vec<Fault>) -> Option<String> {
    if text.is_empty() {
        return None;
    }
    if text.len() > MAX_JWKS {
        faults.push(Fault::new(Field::Jwks, Problem::TooLong(MAX_JWKS)));
        return None;
    }
    let private = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];
    let set: Option<Value> = serde_json::from_str(text).ok();
    let keys = set
        .as_ref()
        .and_then(|set| set.get("keys"))
        .and_then(Value::as_array);
    match keys {
        Some(keys)
            if !keys.is_empty()
                && keys
                    .iter()
                    .all(|key| key.get("kty").is_some_and(Value::is_string)) =>
        {
            if keys
                .iter()
                .any(|key| private.iter().any(|name| key.get(name).is_some()))
            {
                faults.push(Fault::new(Field::Jwks, Problem::PrivateKey));
            }
            Some(text.to_owned())
        }
        _ => {
            faults.push(Fault::new(Field::Jwks, Problem::BadKeys));
            None
        }
    }
}

pub fn id_token_alg(text: &str, rules: &Rules, faults: &mut Vec<Fault>) -> Option<String> {
    if text.is_empty() {
        return None;
    }
    if !rules.id_token_algs.iter().any(|known| known == text) {
        faults.push(Fault::about(
            Field::IdTokenAlg,
            Problem::UnknownAlgorithm,
            text,
        ));
    }
    Some(text.to_owned())
}
