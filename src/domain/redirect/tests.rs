use super::*;
use proptest::prelude::*;

#[test]
fn login_next_table() {
    for good in [
        "/",
        "/device?user_code=ABCD-2345",
        "/account/sessions",
        "/a//b",
    ] {
        assert_eq!(after_login(good), Some(good));
    }
    for bad in [
        "",
        "//evil.example",
        "/\\evil.example",
        "\\evil.example",
        "https://evil.example",
        "evil",
        "/a\r\nb",
        "/\t/evil",
        "javascript:alert(1)",
        "/a\\..\\b",
        "http://localhost:8080/device",
    ] {
        assert_eq!(after_login(bad), None, "{bad}");
    }
}

/// AZ-01: whatever is done to a registered address, it does not count any more.
#[test]
fn redirect_mutations_never_match() {
    let registered = ["https://app.example/cb".to_owned()];
    assert!(is_registered(&registered, "https://app.example/cb", true));
    for asked in MUTATIONS {
        assert!(!is_registered(&registered, asked, true), "{asked}");
        assert!(!is_registered(&registered, asked, false), "{asked}");
    }
}

pub const MUTATIONS: &[&str] = &[
    "",
    " https://app.example/cb",
    "https://app.example/cb ",
    "HTTPS://app.example/cb",
    "https://APP.example/cb",
    "https://app.example/CB",
    "https://app.example/cb/",
    "https://app.example//cb",
    "https://app.example/./cb",
    "https://app.example/x/../cb",
    "https://app.example/..;/cb",
    "https://app.example/%63b",
    "https://app.example/cb%2e",
    "https://app.example/cb%00",
    "https://app.example/cb%20",
    "https://app.example/cb;x",
    "https://app.example/cb?",
    "https://app.example/cb?x=1",
    "https://app.example/cb#",
    "https://app.example/cb#f",
    "https://app.example:443/cb",
    "https://app.example:8443/cb",
    "https://app.example.:443/cb",
    "https://app.example./cb",
    "https://user@app.example/cb",
    "https://user:pass@app.example/cb",
    "https://app.example@evil.example/cb",
    "https://evil.example/app.example/cb",
    "https://evil.example?https://app.example/cb",
    "https://evil.example#https://app.example/cb",
    "https://app.example.evil.example/cb",
    "https://evilapp.example/cb",
    "https://sub.app.example/cb",
    "http://app.example/cb",
    "//app.example/cb",
    "/cb",
    "app.example/cb",
    "https:app.example/cb",
    "https:/app.example/cb",
    "https:///app.example/cb",
    "https:\\\\app.example\\cb",
    "https://app.example\\cb",
    "https://app.example\\@evil.example/cb",
    "https://app.example/cb\\",
    "https://app.example/cb\r\nLocation: https://evil.example",
    "https://app.example/cb\n",
    "https://app.example/cb\t",
    "https://app.example/cb\u{0}",
    "https://app.example/cb\u{200b}",
    "https://\u{430}pp.example/cb",
    "https://xn--pp-6kc.example/cb",
    "https://app.example/c\u{62}\u{301}",
    "https://app。example/cb",
    "https://app.example／cb",
    "javascript:alert(1)",
    "javascript://app.example/cb",
    "data:text/html,x",
    "https://*/cb",
    "https://app.example/*",
    "https://app.example",
    "https://app.exampl/cb",
];

/// AZ-03.
#[test]
fn loopback_port_only() {
    let registered = [
        "http://127.0.0.1/cb".to_owned(),
        "http://[::1]:9000/cb?k=v".to_owned(),
        "http://localhost:8888/cb".to_owned(),
    ];
    for good in [
        "http://127.0.0.1/cb",
        "http://127.0.0.1:80/cb",
        "http://127.0.0.1:54321/cb",
        "http://[::1]:1/cb?k=v",
        "http://[::1]/cb?k=v",
        "http://localhost:8888/cb",
    ] {
        assert!(is_registered(&registered, good, true), "{good}");
    }
    for bad in [
        "http://127.0.0.1:54321/cb/",
        "http://127.0.0.1:54321/cb?x=1",
        "http://127.0.0.1:54321/other",
        "http://127.0.0.1:/cb",
        "http://127.0.0.1:0/cb",
        "http://127.0.0.1:65536/cb",
        "http://127.0.0.1:8o/cb",
        "http://127.0.0.1:80@evil.example/cb",
        "http://127.0.0.1.evil.example/cb",
        "http://user@127.0.0.1/cb",
        "http://127.0.0.2:1/cb",
        "http://127.1:1/cb",
        "https://127.0.0.1:1/cb",
        "http://[::1]:1/cb",
        "http://[::1]:1/cb?k=w",
        "http://[0:0:0:0:0:0:0:1]:1/cb?k=v",
        "http://localhost:8889/cb",
        "http://localhost/cb",
    ] {
        assert!(!is_registered(&registered, bad, true), "{bad}");
    }
    assert!(!is_registered(
        &registered,
        "http://127.0.0.1:54321/cb",
        false
    ));
}

#[test]
fn an_address_that_anybody_can_claim_proves_nothing() {
    for (uri, proves) in [
        ("https://app.example/cb", true),
        ("http://127.0.0.1:9/cb", true),
        ("http://[::1]/cb", true),
        ("http://localhost:8888/callback", true),
        ("http://localhost.evil.example/cb", false),
        ("com.example.app:/cb", false),
        ("http://app.example/cb", false),
    ] {
        assert_eq!(proves_its_owner(uri), proves, "{uri}");
    }
}

#[test]
fn parameters_are_added_and_nothing_is_changed() {
    let added = |uri| with_parameters(uri, &[("code", "a b"), ("state", "x&y")]);
    assert_eq!(
        added("https://a.example/cb"),
        "https://a.example/cb?code=a+b&state=x%26y"
    );
    assert_eq!(
        added("https://a.example/cb?b=%20&a=1"),
        "https://a.example/cb?b=%20&a=1&code=a+b&state=x%26y"
    );
    assert_eq!(
        added("com.example:/cb?"),
        "com.example:/cb?code=a+b&state=x%26y"
    );
}

#[test]
fn a_policy_names_the_origin_and_cannot_be_broken_out_of() {
    for (uri, source) in [
        ("https://app.example/cb?x", Some("https://app.example")),
        ("http://127.0.0.1:9001/cb", Some("http://127.0.0.1:9001")),
        ("http://[::1]:9001/cb", Some("http:")),
        ("com.example.app:/cb", Some("com.example.app:")),
        ("https://a;script-src/cb", Some("https:")),
        ("a b:/cb", None),
        ("x;y:/cb", None),
    ] {
        assert_eq!(policy_source(uri).as_deref(), source, "{uri}");
    }
}

proptest! {
    /// Only what is registered counts, whatever is sent; and what counts never gets another host by parameters that are added.
    #[test]
    fn any_address_is_judged_and_only_a_registered_one_counts(asked in "\\PC{0,80}", public in any::<bool>()) {
        let registered = ["https://app.example/cb".to_owned()];
        prop_assert_eq!(is_registered(&registered, &asked, public), asked == registered[0]);
        let _ = (proves_its_owner(&asked), policy_source(&asked), told_host(&asked));
    }

    #[test]
    fn a_loopback_address_changes_by_its_port_alone(port in 1_u16.., path in "[a-z/]{0,12}", extra in "[@:\\\\#?a-z.]{0,6}") {
        let registered = [format!("http://127.0.0.1/{path}")];
        let other_port = format!("http://127.0.0.1:{port}/{path}");
        prop_assert!(is_registered(&registered, &other_port, true));
        prop_assert!(!is_registered(&registered, &other_port, false));
        let changed = format!("{other_port}{extra}");
        prop_assert_eq!(is_registered(&registered, &changed, true), extra.is_empty());
    }

    #[test]
    fn parameters_never_move_an_answer(path in "[a-z/]{0,12}", query in "[a-z=&]{0,12}", state in "\\PC{0,60}") {
        let uri = if query.is_empty() { format!("https://app.example/{path}") } else { format!("https://app.example/{path}?{query}") };
        let before = url::Url::parse(&uri).unwrap();
        let after = url::Url::parse(&with_parameters(&uri, &[("state", &state)])).unwrap();
        prop_assert_eq!((before.origin(), before.path()), (after.origin(), after.path()));
        let state_back = after.query_pairs().filter(|(name, _)| name == "state").last().map(|(_, value)| value.into_owned());
        prop_assert_eq!(state_back, Some(state));
    }
}
