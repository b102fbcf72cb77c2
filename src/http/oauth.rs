//! `/oauth/*` and `/.well-known/*`: translates forms to flows and answers to JSON.
use super::{
    form::{Form, FormError},
    request::Request,
    respond::{self, Response},
};
use crate::{
    domain::{audit::Origin, oauth_error::ErrorCode},
    flows::FlowError,
};
use serde_json::json;

pub mod device;
pub mod discovery;
pub mod introspect;
pub mod machines;
pub mod people;
pub mod refusals;
pub mod register;
pub mod revoke;
pub mod token;
pub mod tokeninfo;
pub mod userinfo;

/// Fields that may come more than once (RFC 8707 §2).
const REPEATABLE: &[&str] = &["resource"];

/// Whence the request comes, for the audit trail.
pub fn origin(request: &Request) -> Origin {
    Origin {
        ip: request.client_address().to_string(),
        user_agent: request.header("user-agent").unwrap_or_default().to_owned(),
        path: request.path().to_owned(),
        method: request.method().as_str().to_owned(),
    }
}

/// The error answer (RFC 6749 §5.2). `realm` names the challenge of a 401. Endpoints whose refusals are traced answer
/// through [`refusals::Refusals`] instead.
pub fn refuse(error: &FlowError, realm: &'static str) -> Response {
    match error {
        FlowError::Protocol(_) => {}
        FlowError::Unavailable(why) => tracing::warn!(why, "a request could not be served"),
        FlowError::Internal(why) => tracing::error!(why, "a request failed"),
    }
    error_answer(error, realm, None)
}

/// The error as JSON, with the page that tells about it if there is one.
fn error_answer(error: &FlowError, realm: &'static str, error_uri: Option<&str>) -> Response {
    let told = error.told();
    let mut body = json!({"error": told.code.as_str(), "error_description": told.description});
    if let (Some(uri), Some(members)) = (error_uri, body.as_object_mut()) {
        members.insert("error_uri".to_owned(), uri.into());
    }
    let response = respond::no_store(respond::json(told.code.status(), &body));
    match told.code {
        ErrorCode::InvalidClient => {
            respond::challenge(response, &format!("Basic realm=\"{realm}\""))
        }
        ErrorCode::TemporarilyUnavailable => respond::retry_after(response, 5),
        ErrorCode::TooManyFailures => respond::retry_after(response, 60),
        _ => response,
    }
}

/// What must not stand in a URL, where it would be logged (RFC 6750 §5.3, RFC 6749 §2.3.1).
const SECRETS: [&str; 9] = [
    "access_token",
    "client_assertion",
    "client_secret",
    "code",
    "code_verifier",
    "device_code",
    "password",
    "refresh_token",
    "token",
];

/// Refuses a secret in the query, so that nobody gets used to it.
fn check_query(request: &Request) -> Result<(), FormError> {
    let query = request.query_pairs()?;
    let mut names = query.iter().map(|(name, _)| name.as_str());
    if names.any(|name| SECRETS.contains(&name)) {
        return Err(FormError::InQuery);
    }
    Ok(())
}

/// The form of a request that a client makes.
async fn form(request: &mut Request, repeatable: &[&str]) -> Result<Form, FormError> {
    check_query(request)?;
    request.form(repeatable).await
}

/// A body that cannot be read, as an OAuth error. Only a body that is too large keeps its own status.
fn unreadable(error: &FormError) -> Response {
    let body = json!({"error": "invalid_request", "error_description": error.to_string()});
    respond::no_store(respond::json(error.status(), &body))
}

fn missing(what: &'static str) -> FlowError {
    ErrorCode::InvalidRequest
        .because(format!("{what} is required"))
        .into()
}
