//! Reads how a client says who it is (RFC 6749 §2.3.1, RFC 7523 §2.2): the Basic header, the body, or an assertion in it. Whether it is true is not asked here.
use super::{form::Form, request::Request};
use crate::{
    domain::{
        assertion::ASSERTION_TYPE,
        ids::ClientId,
        oauth_error::{ErrorCode, OauthError},
        secret::{Secret, same},
        trace::Check,
    },
    flows::client_auth::ClientCredentials,
    jose::claimed_subject,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use percent_encoding::percent_decode_str;

/// The credentials of the request, `None` when it names no client.
///
/// A body may repeat the `client_id` of the header, because clients exist that send both; any difference is refused.
///
/// # Errors
/// `invalid_request` when header and body differ, `invalid_client` for a Basic header that cannot be read.
pub fn read(request: &Request, form: &Form) -> Result<Option<ClientCredentials>, OauthError> {
    let body_id = form.get("client_id").filter(|id| !id.is_empty());
    let body_secret = form
        .get("client_secret")
        .filter(|secret| !secret.is_empty());
    let header = basic(request)?;
    if let Some(assertion) = assertion(form)? {
        return if header.is_none() && body_secret.is_none() {
            asserted(assertion, body_id).map(Some)
        } else {
            let two = "the client authenticates in two ways at once";
            Err(ErrorCode::InvalidRequest
                .because(two)
                .failing(Check::Request))
        };
    }
    let Some((id, secret)) = header else {
        return Ok(body_id.map(|id| ClientCredentials {
            secret: body_secret.map(Secret::new),
            ..ClientCredentials::unproven(ClientId::new(id))
        }));
    };
    let other_id = body_id.is_some_and(|body| body != id);
    let other_secret = body_secret.is_some_and(|body| !same(body.as_bytes(), secret.as_bytes()));
    if other_id || other_secret {
        return Err(ErrorCode::InvalidRequest.because("the client is named twice, and differently"));
    }
    Ok(Some(ClientCredentials {
        is_doubled: body_secret.is_some(),
        in_header: true,
        secret: Some(Secret::new(secret)).filter(|s| !s.expose().is_empty()),
        ..ClientCredentials::unproven(ClientId::new(id))
    }))
}

/// `client_assertion`, of the one type there is (RFC 7521 §4.2).
fn assertion(form: &Form) -> Result<Option<&str>, OauthError> {
    let sent = |name| form.get(name).filter(|value| !value.is_empty());
    match (sent("client_assertion_type"), sent("client_assertion")) {
        (None, None) => Ok(None),
        (Some(ASSERTION_TYPE), Some(assertion)) => Ok(Some(assertion)),
        (Some(_), Some(_)) => Err(unreadable("the client assertion is of an unknown type")),
        (Some(_), None) | (None, Some(_)) => Err(ErrorCode::InvalidRequest
            .because("client_assertion and client_assertion_type belong together")
            .failing(Check::Request)),
    }
}

/// The client that an assertion speaks of; a `client_id` in the body may say the same.
fn asserted(assertion: &str, body_id: Option<&str>) -> Result<ClientCredentials, OauthError> {
    let subject = claimed_subject(assertion)
        .filter(|subject| !subject.is_empty() && !subject.contains('\0'))
        .ok_or_else(|| unreadable("the client assertion cannot be read"))?;
    if body_id.is_some_and(|id| id != subject) {
        return Err(ErrorCode::InvalidRequest.because("the client is named twice, and differently"));
    }
    Ok(ClientCredentials {
        assertion: Some(Secret::new(assertion)),
        ..ClientCredentials::unproven(ClientId::new(subject))
    })
}

fn unreadable(why: &'static str) -> OauthError {
    // Nobody has been looked up yet, so nothing is said about the client.
    ErrorCode::InvalidClient
        .because(why)
        .failing(Check::Request)
}

fn basic(request: &Request) -> Result<Option<(String, String)>, OauthError> {
    let Some(header) = request.header("authorization") else {
        return Ok(None);
    };
    let Some((scheme, encoded)) = header.split_once(' ') else {
        return Ok(None);
    };
    if !scheme.eq_ignore_ascii_case("basic") {
        return Ok(None);
    }
    let unreadable = || unreadable("the Basic header cannot be read");
    let plain = STANDARD
        .decode(encoded.trim())
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok());
    let plain = plain.ok_or_else(unreadable)?;
    let (id, secret) = plain.split_once(':').ok_or_else(unreadable)?;
    match (form_decoded(id), form_decoded(secret)) {
        (Some(id), Some(secret)) if !id.is_empty() => Ok(Some((id, secret))),
        _ => Err(unreadable()),
    }
}

/// RFC 6749 §2.3.1 has both halves form-encoded.
fn form_decoded(text: &str) -> Option<String> {
    let spaced = text.replace('+', " ");
    percent_decode_str(&spaced)
        .decode_utf8()
        .ok()
        .map(|text| text.into_owned())
}

#[cfg(test)]
mod tests;
