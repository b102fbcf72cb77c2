//! Reads how a client says who it is (RFC 6749 §2.3.1): the Basic header or the body. Whether it is true is not asked here.
use super::{form::Form, request::Request};
use crate::{
    domain::{
        ids::ClientId,
        oauth_error::{ErrorCode, OauthError},
        secret::{Secret, same},
    },
    flows::client_auth::ClientCredentials,
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
    let Some((id, secret)) = basic(request)? else {
        return Ok(body_id.map(|id| ClientCredentials {
            client_id: ClientId::new(id),
            secret: body_secret.map(Secret::new),
            is_doubled: false,
        }));
    };
    let other_id = body_id.is_some_and(|body| body != id);
    let other_secret = body_secret.is_some_and(|body| !same(body.as_bytes(), secret.as_bytes()));
    if other_id || other_secret {
        return Err(ErrorCode::InvalidRequest.because("the client is named twice, and differently"));
    }
    Ok(Some(ClientCredentials {
        client_id: ClientId::new(id),
        is_doubled: body_secret.is_some(),
        secret: Some(Secret::new(secret)).filter(|s| !s.expose().is_empty()),
    }))
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
    let unreadable = || ErrorCode::InvalidClient.because("the Basic header cannot be read");
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
