//! Answers: JSON, HTML, redirects, files made while they are sent, and the headers that belong to them.
use super::body::Body;
use ::http::{HeaderName, HeaderValue, StatusCode, header};
use bytes::Bytes;
use serde::Serialize;

/// An answer.
pub type Response = ::http::Response<Body>;

pub(super) const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");
pub(super) const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");
const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
/// Pages may load their style sheet, their script and their pictures from here, send forms here, and nothing else.
const PAGE_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
);

/// A status and a body of a type.
pub(super) fn with_type(status: u16, content_type: HeaderValue, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() =
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, content_type);
    response
}

/// Compact JSON. `<`, `>`, `&` and the line separators are escaped, as clients have always seen it.
pub fn json(status: u16, body: &impl Serialize) -> Response {
    match serde_json::to_string(body) {
        Ok(text) => with_type(status, JSON, Bytes::from(escaped(text))),
        Err(error) => {
            tracing::error!(%error, "an answer could not be written as JSON");
            with_type(
                500,
                JSON,
                Bytes::from_static(b"{\"error\":\"server_error\"}"),
            )
        }
    }
}

/// JSON that is rendered already.
pub fn json_bytes(status: u16, body: Bytes) -> Response {
    with_type(status, JSON, body)
}

fn escaped(text: String) -> String {
    if !text.contains(['<', '>', '&', '\u{2028}', '\u{2029}']) {
        return text;
    }
    let mut out = String::with_capacity(text.len() + 32);
    for c in text.chars() {
        match c {
            '<' => out.push_str("\\u003c"),
            '>' => out.push_str("\\u003e"),
            '&' => out.push_str("\\u0026"),
            '\u{2028}' => out.push_str("\\u2028"),
            '\u{2029}' => out.push_str("\\u2029"),
            other => out.push(other),
        }
    }
    out
}

/// A page. It is never stored, never framed, and tells no other host where the person came from.
pub fn html(status: u16, body: String) -> Response {
    as_page(no_store(with_type(status, HTML, Bytes::from(body))))
}

/// Plain words in place of a page that could not be drawn.
pub fn not_drawn(error: &crate::pages::PageError) -> Response {
    tracing::error!(%error, "a page could not be drawn");
    text(500, "The page could not be shown.")
}

/// With what the browser is told about a page.
pub fn as_page(mut response: Response) -> Response {
    response
        .headers_mut()
        .insert(header::CONTENT_SECURITY_POLICY, PAGE_POLICY);
    response.headers_mut().insert(
        header::REFERRER_POLICY,
        HeaderValue::from_static("same-origin"),
    );
    response
}

/// A page whose form is answered by sending the browser to another site: its policy names that site too, because browsers
/// count the whole way of a form (CSP3 §4.2.2). `source` is one source expression.
pub fn form_leads_to(mut response: Response, source: &str) -> Response {
    let name = header::CONTENT_SECURITY_POLICY;
    let policy = response.headers().get(&name).and_then(|v| v.to_str().ok());
    let wider = policy.map(|policy| {
        policy.replace(
            "form-action 'self'",
            &format!("form-action 'self' {source}"),
        )
    });
    if let Some(wider) = wider.and_then(|wider| HeaderValue::from_str(&wider).ok()) {
        response.headers_mut().insert(name, wider);
    }
    response
}

/// Plain words.
pub fn text(status: u16, body: &'static str) -> Response {
    with_type(status, TEXT, Bytes::from_static(body.as_bytes()))
}

/// Where nothing is: what programs have always read there.
pub fn not_found() -> Response {
    text(404, "404 page not found")
}

/// Text of a given type, for machines.
pub fn text_of_type(status: u16, content_type: &'static str, body: String) -> Response {
    with_type(
        status,
        HeaderValue::from_static(content_type),
        Bytes::from(body),
    )
}

/// A body of a given type that is made while it is sent.
pub fn streamed(content_type: &'static str, body: Body) -> Response {
    with_type(200, HeaderValue::from_static(content_type), body)
}

/// Nothing but a status.
pub fn empty(status: u16) -> Response {
    let mut response = Response::new(Body::Whole(Bytes::new()));
    *response.status_mut() =
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response
}

/// 301, 302 or 303. A target that cannot stand in a header becomes the start page.
pub fn redirect(status: u16, target: &str) -> Response {
    let mut response = no_store(empty(status));
    let target = HeaderValue::from_str(target).unwrap_or(HeaderValue::from_static("/"));
    response.headers_mut().insert(header::LOCATION, target);
    response
}

/// Answers with tokens or about them (RFC 6749 §5.1).
pub fn no_store(mut response: Response) -> Response {
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, NO_STORE);
    response
        .headers_mut()
        .insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
    response
}

/// With `WWW-Authenticate`.
pub fn challenge(response: Response, value: &str) -> Response {
    put(response, header::WWW_AUTHENTICATE, value)
}

/// With `Retry-After` in seconds.
pub fn retry_after(response: Response, seconds: u64) -> Response {
    put(response, header::RETRY_AFTER, &seconds.to_string())
}

/// With `Set-Cookie`.
pub fn set_cookie(mut response: Response, value: &str) -> Response {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
    response
}

/// With a header; a value that cannot stand in one is left out.
pub fn put(mut response: Response, name: HeaderName, value: &str) -> Response {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
    response
}

/// With one more header that the answer depends on (RFC 9110 §12.5.5).
pub fn vary(response: Response, name: &str) -> Response {
    let known = response.headers().get(header::VARY);
    let known = known
        .and_then(|names| names.to_str().ok())
        .map(str::to_owned);
    match known {
        None => put(response, header::VARY, name),
        Some(names) if names.split(", ").any(|known| known == name) => response,
        Some(names) => put(response, header::VARY, &format!("{names}, {name}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_escaped_as_it_always_was() {
        let body = json(200, &serde_json::json!({"a": "<&>\u{2028}"}));
        assert_eq!(&body.body()[..], br#"{"a":"\u003c\u0026\u003e\u2028"}"#);
    }

    #[test]
    fn a_redirect_cannot_split_the_answer() {
        assert_eq!(
            redirect(302, "/a\r\nSet-Cookie: x").headers()[header::LOCATION],
            "/"
        );
    }
}
