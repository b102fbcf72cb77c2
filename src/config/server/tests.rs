use super::{ListenAddr, fault_of_base_url};

#[test]
fn listen_addresses() {
    let addr = |host: Option<&str>, port| {
        Ok(ListenAddr {
            host: host.map(str::to_owned),
            port,
        })
    };
    for (text, expected) in [
        (":8080", addr(None, 8080)),
        ("0.0.0.0:80", addr(Some("0.0.0.0"), 80)),
        ("[::1]:0", addr(Some("::1"), 0)),
        ("localhost:8443", addr(Some("localhost"), 8443)),
        ("8080", Err("missing port in address")),
        ("::1:8080", Err("too many colons in address")),
        ("[::1:8080", Err("missing ']' in address")),
        ("http://x:80", Err("too many colons in address")),
        ("a b:80", Err("invalid host in address")),
        (":", Err("invalid port in address")),
        (":65536", Err("invalid port in address")),
        (":http", Err("invalid port in address")),
    ] {
        assert_eq!(text.parse(), expected, "{text:?}");
    }
}

#[test]
fn base_urls() {
    for (text, fault) in [
        ("http://localhost:8080", None),
        ("https://auth.example.com", None),
        ("https://example.com/auth", None),
        ("https://[::1]:8443", None),
        (
            "auth.example.com",
            Some("it does not begin with http:// or https://"),
        ),
        (
            "ftp://example.com",
            Some("it does not begin with http:// or https://"),
        ),
        (
            "http:example.com",
            Some("it does not begin with http:// or https://"),
        ),
        (
            "HTTPS://example.com",
            Some("it does not begin with http:// or https://"),
        ),
        ("https://", Some("it has no host")),
        ("https:///x", Some("it has no host")),
        ("https://:8080", Some("it has no host")),
        ("https://x:99999", Some("its host or port is malformed")),
        ("https://x?a=b", Some("it has a query or a fragment")),
        ("https://x#a", Some("it has a query or a fragment")),
        ("https://me:pw@x", Some("it has a user name or a password")),
    ] {
        assert_eq!(fault_of_base_url(text), fault, "{text:?}");
    }
}
