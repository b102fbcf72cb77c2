//! Who is really asking: the peer, or whom a trusted proxy names. Nobody else's word counts.
use ipnet::IpNet;
use std::net::{IpAddr, SocketAddr};

/// The client's address. `X-Forwarded-For` is read from the right for as long as the hop that wrote the entry is
/// trusted; an entry that cannot be read ends the walk at the peer. `X-Real-IP` counts only where there is no list.
pub fn client_address(
    peer: SocketAddr,
    forwarded_for: Option<&str>,
    real_ip: Option<&str>,
    trusted: &[IpNet],
) -> IpAddr {
    let peer = plain(peer.ip());
    let is_trusted = |address: &IpAddr| trusted.iter().any(|net| net.contains(address));
    if !is_trusted(&peer) {
        return peer;
    }
    let Some(list) = forwarded_for else {
        return real_ip.and_then(read).unwrap_or(peer);
    };
    let mut nearest = peer;
    for entry in list.rsplit(',') {
        let Some(address) = read(entry) else {
            return peer;
        };
        nearest = address;
        if !is_trusted(&address) {
            break;
        }
    }
    nearest
}

/// An address, with or without a port.
fn read(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    let parsed = bare.parse::<IpAddr>().ok();
    parsed
        .or_else(|| text.parse::<SocketAddr>().ok().map(|a| a.ip()))
        .map(plain)
}

/// IPv4 in IPv6 clothes is IPv4, so that a rule or a limit cannot be dodged by the other spelling.
fn plain(address: IpAddr) -> IpAddr {
    address.to_canonical()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_trusted_hops_are_believed() {
        let trusted: Vec<IpNet> = vec!["10.0.0.0/8".parse().unwrap()];
        let seen = |peer: &str, list: Option<&str>, real: Option<&str>| {
            client_address(peer.parse().unwrap(), list, real, &trusted).to_string()
        };
        for (peer, list, real, expected) in [
            (
                "198.51.100.1:1",
                Some("203.0.113.9"),
                Some("203.0.113.8"),
                "198.51.100.1",
            ),
            ("10.0.0.1:1", Some("203.0.113.9"), None, "203.0.113.9"),
            (
                "10.0.0.1:1",
                Some("1.1.1.1, 203.0.113.9, 10.0.0.2"),
                None,
                "203.0.113.9",
            ),
            ("10.0.0.1:1", Some("10.0.0.3, 10.0.0.2"), None, "10.0.0.3"),
            ("10.0.0.1:1", Some("203.0.113.9, junk"), None, "10.0.0.1"),
            ("10.0.0.1:1", None, Some("203.0.113.8"), "203.0.113.8"),
            ("10.0.0.1:1", None, None, "10.0.0.1"),
            ("10.0.0.1:1", Some("[2001:db8::1]:443"), None, "2001:db8::1"),
            (
                "[::ffff:10.0.0.1]:1",
                Some("::ffff:203.0.113.9"),
                None,
                "203.0.113.9",
            ),
        ] {
            assert_eq!(seen(peer, list, real), expected, "{peer} {list:?} {real:?}");
        }
    }
}
