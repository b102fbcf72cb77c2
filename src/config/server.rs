//! Where the server listens, what it is called and who stands before it.
//!
//! Must not live here: TLS files ([`super::tls`]) and shutdown times ([`super::timeouts`]).
use super::reader::Reader;
use ipnet::IpNet;
use std::net::IpAddr;
use std::str::FromStr;
use std::time::Duration;
use url::Url;

const DEFAULT_BASE_URL: &str = "http://localhost:8080";

/// Listener and identity of the server.
#[derive(Clone, Debug)]
pub struct Server {
    /// `SERVER_ADDR`, default `:8080`.
    pub addr: ListenAddr,
    /// `BASE_URL` without slashes at its end, default `http://localhost:8080`: the issuer and the origin of every
    /// link that is given out.
    pub base_url: String,
    /// `ENVIRONMENT`: `production`, `true` or `1`.
    pub production: bool,
    /// `ENABLE_SWAGGER`, default off.
    pub swagger: bool,
    /// `STATIC_CACHE_MAX_AGE`, default 24h: how long browsers keep static files. Zero or less sends no header.
    pub static_cache_max_age: Option<Duration>,
    /// `TRUSTED_PROXIES`: networks whose forwarding headers are believed; addresses count as networks of one.
    pub trusted_proxies: Vec<IpNet>,
    /// `MAX_CONNECTIONS`, default 10000: connections open at a time, at least 1.
    pub max_connections: usize,
}

impl Server {
    pub(super) fn read(r: &mut Reader<'_>) -> Self {
        let addr = listen_addr(r, "SERVER_ADDR").unwrap_or(ListenAddr {
            host: None,
            port: 8080,
        });
        let server = Self {
            addr,
            base_url: base_url(r),
            production: production(r),
            swagger: r.boolean("ENABLE_SWAGGER", false),
            static_cache_max_age: r
                .optional_duration("STATIC_CACHE_MAX_AGE", Duration::from_secs(86_400)),
            trusted_proxies: networks(r, "TRUSTED_PROXIES"),
            max_connections: r.at_least("MAX_CONNECTIONS", 10_000, 1),
        };
        if server.production && !server.is_https() {
            r.warn(
                "BASE_URL",
                "BASE_URL is not https in production: browsers and devices send their tokens in clear",
            );
        }
        server
    }

    /// Whether clients reach the server by https, be it its own or a proxy's.
    pub fn is_https(&self) -> bool {
        self.base_url.starts_with("https://")
    }

    /// Whether published default secrets would be a hole: in production and wherever https is promised.
    pub fn is_exposed(&self) -> bool {
        self.production || self.is_https()
    }
}

/// Exactly `production`, `true` or `1`; a text that may have been meant so is told.
fn production(r: &mut Reader<'_>) -> bool {
    const NAME: &str = "ENVIRONMENT";
    match r.raw(NAME) {
        Some("production" | "true" | "1") => true,
        None | Some("development" | "false" | "0") => false,
        Some(text) => {
            r.warn(
                NAME,
                format_args!("{NAME}={text} counts as development; write production to go live"),
            );
            false
        }
    }
}

/// An absolute http or https URL with a host and nothing after its path. Its spelling is kept, because live tokens
/// carry it as their issuer.
fn base_url(r: &mut Reader<'_>) -> String {
    let text = r.text("BASE_URL", DEFAULT_BASE_URL);
    let text = text.trim().trim_end_matches('/');
    match fault_of_base_url(text) {
        None => text.to_owned(),
        Some(why) => {
            r.error(
                "BASE_URL",
                format_args!("BASE_URL must be an absolute http or https URL: {why}"),
            );
            DEFAULT_BASE_URL.to_owned()
        }
    }
}

fn fault_of_base_url(text: &str) -> Option<&'static str> {
    fault_of_location(text).or_else(|| match Url::parse(text) {
        Ok(url) if url.query().is_some() || url.fragment().is_some() => {
            Some("it has a query or a fragment")
        }
        Ok(url) if !url.username().is_empty() || url.password().is_some() => {
            Some("it has a user name or a password")
        }
        Ok(_) | Err(_) => None,
    })
}

/// Why a text is no absolute http or https URL; `None` when it is one.
pub(super) fn fault_of_location(text: &str) -> Option<&'static str> {
    let rest = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"));
    let Some(rest) = rest else {
        return Some("it does not begin with http:// or https://");
    };
    if rest.starts_with(['/', '\\', ':']) || rest.is_empty() {
        return Some("it has no host");
    }
    Url::parse(text)
        .is_err()
        .then_some("its host or port is malformed")
}

/// Where to listen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListenAddr {
    /// An address or a name; none listens on every address of both families.
    pub host: Option<String>,
    /// The TCP port; 0 lets the system choose.
    pub port: u16,
}

impl FromStr for ListenAddr {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (host, port) = text.rsplit_once(':').ok_or("missing port in address")?;
        let host = match host.strip_prefix('[') {
            Some(inner) => inner.strip_suffix(']').ok_or("missing ']' in address")?,
            None if host.contains(':') => return Err("too many colons in address"),
            None => host,
        };
        if host.contains(['[', ']', '/', ' ']) {
            return Err("invalid host in address");
        }
        let port = port.parse().map_err(|_| "invalid port in address")?;
        let host = (!host.is_empty()).then(|| host.to_owned());
        Ok(Self { host, port })
    }
}

/// A `host:port`, if it is set.
pub(super) fn listen_addr(r: &mut Reader<'_>, name: &str) -> Option<ListenAddr> {
    let text = r.raw(name)?;
    match text.parse() {
        Ok(addr) => Some(addr),
        Err(why) => {
            r.error(
                name,
                format_args!("{name}: listen tcp: address {text}: {why}"),
            );
            None
        }
    }
}

/// A list of networks; an address alone is a network of one.
pub(super) fn networks(r: &mut Reader<'_>, name: &str) -> Vec<IpNet> {
    let parsed = r.parsed_list::<Network>(name, "an IP network such as 10.0.0.0/8");
    parsed.into_iter().map(|network| network.0).collect()
}

struct Network(IpNet);

impl FromStr for Network {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        text.parse()
            .or_else(|_| text.parse::<IpAddr>().map(IpNet::from))
            .map(Self)
            .map_err(drop)
    }
}

#[cfg(test)]
mod tests;
