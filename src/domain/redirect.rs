//! Where a person may be sent: after signing in, and back to a client (RFC 9700 §2.1, RFC 8252 §7).
//!
//! Which redirection endpoints may be *registered* is another question, answered in `registration`.
use url::form_urlencoded;

/// The longest local path that is remembered over a login: a request with a `state` of 4 KB, encoded twice, fits.
const MAX_LOCAL: usize = 32 << 10;

/// The place to go after login: a path of this server, or nothing.
///
/// Only a path-absolute reference is taken: one slash, then neither a slash nor a backslash, and no control character
/// anywhere. A whole URL, even of this host, is not needed by any page of ours and is dropped.
pub fn after_login(asked: &str) -> Option<&str> {
    let mut chars = asked.chars();
    let safe = chars.next() == Some('/')
        && !matches!(chars.next(), Some('/' | '\\'))
        && !asked.chars().any(|c| c.is_control() || c == '\\');
    (safe && asked.len() <= MAX_LOCAL).then_some(asked)
}

/// Whether a request may use the redirection endpoint: byte for byte as registered. A public client on a loopback address
/// may come with any port (RFC 8252 §7.3); `localhost` is a name like any other.
pub fn is_registered(registered: &[String], asked: &str, is_public: bool) -> bool {
    is_usable(asked)
        && registered
            .iter()
            .any(|uri| uri == asked || (is_public && differs_in_port_only(uri, asked)))
}

/// Whether something may be sent there at all: a fragment or a control character could have slipped into an old row.
fn is_usable(uri: &str) -> bool {
    !uri.is_empty()
        && uri
            .chars()
            .all(|c| c != '#' && !c.is_control() && !c.is_whitespace())
}

fn differs_in_port_only(registered: &str, asked: &str) -> bool {
    match (loopback(registered), loopback(asked)) {
        (Some(registered), Some(asked)) => registered == asked,
        _ => false,
    }
}

/// Host and rest of a URI with a loopback address, the port left out. Nothing is normalised.
fn loopback(uri: &str) -> Option<(&str, &str)> {
    const HOSTS: [&str; 2] = ["http://127.0.0.1", "http://[::1]"];
    let host = HOSTS.into_iter().find(|host| uri.starts_with(host))?;
    let rest = uri.get(host.len()..)?;
    let after = match rest.strip_prefix(':') {
        Some(port) => {
            let digits = port.bytes().take_while(u8::is_ascii_digit).count();
            let number = port.get(..digits)?.parse::<u16>().ok()?;
            port.get(digits..).filter(|_| number > 0)?
        }
        None => rest,
    };
    (after.is_empty() || after.starts_with(['/', '?'])).then_some((host, after))
}

/// Whether a consent given before may count without asking again (RFC 6749 §10.2): of a public client only where the
/// address proves who gets the code. A private-use scheme can be claimed by any program of the device.
pub fn proves_its_owner(uri: &str) -> bool {
    uri.starts_with("https://")
        || loopback(uri).is_some()
        || uri
            .strip_prefix("http://localhost")
            .is_some_and(|rest| rest.is_empty() || rest.starts_with([':', '/', '?']))
}

/// The redirection endpoint with parameters added to its query, which stays as it is.
pub fn with_parameters(uri: &str, parameters: &[(&str, &str)]) -> String {
    let mut added = form_urlencoded::Serializer::new(String::new());
    added.extend_pairs(parameters);
    let added = added.finish();
    match uri.split_once('?') {
        Some((_, "")) => format!("{uri}{added}"),
        Some((_, query)) if query.ends_with('&') => format!("{uri}{added}"),
        Some(_) => format!("{uri}&{added}"),
        None => format!("{uri}?{added}"),
    }
}

/// What a page must name in its `form-action` so that a browser follows a form of ours to this address: the origin, or
/// the scheme alone where a policy cannot name the host (CSP3 §2.3.1 knows neither IPv6 nor private-use schemes).
pub fn policy_source(uri: &str) -> Option<String> {
    let (scheme, _) = uri.split_once(':')?;
    let named = !scheme.is_empty()
        && scheme
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'));
    if !named {
        return None;
    }
    let plain = |host: &str| {
        host.bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.'))
    };
    let parsed = url::Url::parse(uri).ok();
    let host = parsed.as_ref().and_then(|url| url.host_str());
    match (scheme, host) {
        ("http" | "https", Some(host)) if plain(host) => {
            let port = parsed
                .as_ref()
                .and_then(url::Url::port)
                .map_or_else(String::new, |port| format!(":{port}"));
            Some(format!("{scheme}://{host}{port}"))
        }
        _ => Some(format!("{scheme}:")),
    }
}

/// The host that a person reads on the consent page; the scheme for an app of the device.
pub fn told_host(uri: &str) -> String {
    match url::Url::parse(uri) {
        Ok(url) => match (url.host_str(), url.port()) {
            (Some(host), Some(port)) => format!("{host}:{port}"),
            (Some(host), None) if !host.is_empty() => host.to_owned(),
            _ => format!("{}:", url.scheme()),
        },
        Err(_) => uri.to_owned(),
    }
}

#[cfg(test)]
mod tests;
