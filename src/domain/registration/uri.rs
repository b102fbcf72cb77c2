//! Which redirection endpoints may be registered (RFC 6749 §3.1.2, RFC 8252 §7, RFC 9700 §4.1): one table for the
//! administrator's form, people's own apps and dynamic registration.
//!
//! What is accepted is stored byte for byte, and later compared byte for byte; nothing is normalised here.
use crate::domain::client::ClientType;
use std::net::Ipv4Addr;
use url::{Host, Url};

/// The most bytes of one URI.
pub const MAX_URI_BYTES: usize = 2048;
/// The most URIs of one client.
pub const MAX_URIS: usize = 50;
/// Parameters of the authorization response, which a registered query must not shadow.
const RESPONSE_PARAMETERS: [&str; 8] = [
    "code",
    "state",
    "iss",
    "error",
    "error_description",
    "error_uri",
    "id_token",
    "access_token",
];

/// Why a URI may not be registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UriFault {
    /// Longer than [`MAX_URI_BYTES`].
    #[error("is longer than 2048 bytes")]
    TooLong,
    /// Blanks, control characters, backslashes or characters outside ASCII.
    #[error("holds a character that a URI may not hold")]
    BadCharacter,
    /// Not absolute, or no URI at all.
    #[error("is not an absolute URI")]
    NotAbsolute,
    /// RFC 6749 §3.1.2.
    #[error("has a fragment")]
    Fragment,
    /// `user@host`.
    #[error("names a user before the host")]
    Userinfo,
    /// `*`.
    #[error("has a wildcard; every URI must be registered in full")]
    Wildcard,
    /// `.` or `..` as a part of the path, plain or escaped.
    #[error("has a path that points upwards")]
    DotSegment,
    /// No host where there must be one.
    #[error("has no host")]
    NoHost,
    /// Plain http to another machine, with `STRICT_REDIRECT_URIS`.
    #[error("is plain http to another machine; use https")]
    PlainHttp,
    /// A scheme that browsers give a meaning, or one that is nobody's own.
    #[error("has a scheme that is not allowed")]
    Scheme,
    /// RFC 8252 §7.1 asks for a domain name of the developer, backwards.
    #[error("has a scheme of its own without a dot; use a reversed domain name")]
    UndottedScheme,
    /// A scheme of its own, and a client that keeps a secret or a server that is strict.
    #[error(
        "has a scheme of its own, which only public clients may use, and only without STRICT_REDIRECT_URIS"
    )]
    PrivateScheme,
    /// See [`RESPONSE_PARAMETERS`].
    #[error("has a query parameter that the answer itself will carry")]
    ResponseParameter,
}

/// Judges one redirection endpoint.
///
/// # Errors
/// The first rule that it breaks.
pub fn check(uri: &str, client_type: ClientType, strict: bool) -> Result<(), UriFault> {
    if uri.len() > MAX_URI_BYTES {
        return Err(UriFault::TooLong);
    }
    if !uri
        .bytes()
        .all(|b| b.is_ascii_graphic() && !b"\\\"<>^`{|}".contains(&b))
    {
        return Err(UriFault::BadCharacter);
    }
    if uri.contains('#') {
        return Err(UriFault::Fragment);
    }
    if uri.contains('*') {
        return Err(UriFault::Wildcard);
    }
    let url = Url::parse(uri).map_err(|_| UriFault::NotAbsolute)?;
    if has_dot_segment(uri) {
        return Err(UriFault::DotSegment);
    }
    if url
        .query_pairs()
        .any(|(name, _)| RESPONSE_PARAMETERS.contains(&name.as_ref()))
    {
        return Err(UriFault::ResponseParameter);
    }
    match url.scheme() {
        "https" => has_plain_host(&url, uri),
        "http" => {
            has_plain_host(&url, uri)?;
            if strict && !is_loopback(&url) {
                return Err(UriFault::PlainHttp);
            }
            Ok(())
        }
        scheme => private_scheme(scheme, &url, client_type, strict),
    }
}

/// `scheme://host…`, spelled out: parsers forgive `https:/host` and `https:host`, readers of the list would not.
fn has_plain_host(url: &Url, uri: &str) -> Result<(), UriFault> {
    let rest = uri
        .split_once("://")
        .map(|(_, rest)| rest)
        .ok_or(UriFault::NoHost)?;
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    if authority.contains('@') {
        return Err(UriFault::Userinfo);
    }
    let has_host = url.host_str().is_some_and(|host| !host.is_empty());
    if authority.is_empty() || !has_host {
        return Err(UriFault::NoHost);
    }
    Ok(())
}

/// RFC 8252 §7.1: a public client on a device may own a scheme. Whoever installs another program can claim it too, so
/// consent is always asked anew for it.
fn private_scheme(
    scheme: &str,
    url: &Url,
    client_type: ClientType,
    strict: bool,
) -> Result<(), UriFault> {
    let known = [
        "javascript",
        "data",
        "vbscript",
        "file",
        "blob",
        "about",
        "ftp",
        "ws",
        "wss",
        "mailto",
        "tel",
        "filesystem",
        "view-source",
        "intent",
        "chrome",
        "urn",
    ];
    if known.contains(&scheme) || scheme.starts_with("http") {
        return Err(UriFault::Scheme);
    }
    if !scheme.contains('.') {
        return Err(UriFault::UndottedScheme);
    }
    if client_type == ClientType::Confidential || strict {
        return Err(UriFault::PrivateScheme);
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(UriFault::Userinfo);
    }
    Ok(())
}

/// Whether the host can only be the person's own machine.
fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => Ipv4Addr::is_loopback(&address),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

fn has_dot_segment(uri: &str) -> bool {
    let path = uri.split('?').next().unwrap_or_default();
    let lower = path
        .to_ascii_lowercase()
        .replace("%2e", ".")
        .replace("%2f", "/")
        .replace("%5c", "/");
    lower
        .split('/')
        .map(|segment| segment.split(';').next().unwrap_or_default())
        .any(|segment| segment == "." || segment == "..")
}
