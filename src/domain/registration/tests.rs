use super::*;
use crate::domain::client::{ClientStatus, doubles};

fn rules() -> Rules {
    Rules {
        strict_redirect_uris: false,
        self_service: false,
        kept_scopes: ScopeSet::default(),
        max_machine_ttl: Duration::from_secs(86_400),
        id_token_algs: vec!["RS256".to_owned()],
    }
}

fn draft() -> Draft {
    Draft {
        name: "Build agent".to_owned(),
        client_type: "confidential".to_owned(),
        auth_code_flow: true,
        redirect_uris: vec!["https://app.example/cb".to_owned()],
        scopes: "openid email".to_owned(),
        ..Draft::default()
    }
}

fn faults(draft: &Draft, rules: &Rules) -> Vec<(Field, Problem)> {
    match judge(draft, rules) {
        Ok(_) => vec![],
        Err(faults) => faults.into_iter().map(|f| (f.field, f.problem)).collect(),
    }
}

#[test]
fn register_uri_table() {
    use ClientType::{Confidential, Public};
    let long = format!("https://a.example/{}", "x".repeat(2040));
    let table: &[(&str, ClientType, bool, Option<UriFault>)] = &[
        ("https://app.example/cb", Confidential, true, None),
        ("https://app.example", Confidential, true, None),
        (
            "https://app.example:8443/cb?tenant=1&x=a,b",
            Confidential,
            true,
            None,
        ),
        ("http://localhost:8888/callback", Public, true, None),
        ("http://127.0.0.1/cb", Public, true, None),
        ("http://127.8.9.1:1/cb", Public, true, None),
        ("http://[::1]:9/cb", Public, true, None),
        ("http://intranet/cb", Confidential, false, None),
        ("com.example.app:/cb", Public, false, None),
        ("com.example.app://cb", Public, false, None),
        (
            "http://intranet/cb",
            Confidential,
            true,
            Some(UriFault::PlainHttp),
        ),
        (
            "http://localhost.evil.example/cb",
            Public,
            true,
            Some(UriFault::PlainHttp),
        ),
        (
            "http://127.0.0.1.evil.example/cb",
            Public,
            true,
            Some(UriFault::PlainHttp),
        ),
        (
            "com.example.app:/cb",
            Confidential,
            false,
            Some(UriFault::PrivateScheme),
        ),
        (
            "com.example.app:/cb",
            Public,
            true,
            Some(UriFault::PrivateScheme),
        ),
        ("myapp:/cb", Public, false, Some(UriFault::UndottedScheme)),
        ("javascript:alert(1)", Public, false, Some(UriFault::Scheme)),
        ("JavaScript:alert(1)", Public, false, Some(UriFault::Scheme)),
        ("data:text/html,x", Public, false, Some(UriFault::Scheme)),
        ("vbscript:x", Public, false, Some(UriFault::Scheme)),
        ("file:///etc/passwd", Public, false, Some(UriFault::Scheme)),
        ("https.evil.app:/x", Public, false, Some(UriFault::Scheme)),
        (
            "urn:ietf:wg:oauth:2.0:oob",
            Public,
            false,
            Some(UriFault::Scheme),
        ),
        (
            "https://app.example/cb#f",
            Confidential,
            false,
            Some(UriFault::Fragment),
        ),
        (
            "https://app.example/cb#",
            Confidential,
            false,
            Some(UriFault::Fragment),
        ),
        (
            "https://user@app.example/cb",
            Confidential,
            false,
            Some(UriFault::Userinfo),
        ),
        (
            "https://@app.example/cb",
            Confidential,
            false,
            Some(UriFault::Userinfo),
        ),
        (
            "https://good.example:x@app.example/cb",
            Confidential,
            false,
            Some(UriFault::Userinfo),
        ),
        (
            "com.example.app://u@cb",
            Public,
            false,
            Some(UriFault::Userinfo),
        ),
        (
            "https://*.example/cb",
            Confidential,
            false,
            Some(UriFault::Wildcard),
        ),
        (
            "https://app.example/*",
            Confidential,
            false,
            Some(UriFault::Wildcard),
        ),
        (
            "https://app.example/a/../b",
            Confidential,
            false,
            Some(UriFault::DotSegment),
        ),
        (
            "https://app.example/a/%2e%2E/b",
            Confidential,
            false,
            Some(UriFault::DotSegment),
        ),
        (
            "https://app.example/a/..;/b",
            Confidential,
            false,
            Some(UriFault::DotSegment),
        ),
        (
            "https://app.example/a%2f..%2fb",
            Confidential,
            false,
            Some(UriFault::DotSegment),
        ),
        (
            "https://app.example\\@evil.example/",
            Confidential,
            false,
            Some(UriFault::BadCharacter),
        ),
        (
            "https://app.example/a b",
            Confidential,
            false,
            Some(UriFault::BadCharacter),
        ),
        (
            "https://app.example/\r\nx",
            Confidential,
            false,
            Some(UriFault::BadCharacter),
        ),
        (
            "https://\u{e4}pp.example/",
            Confidential,
            false,
            Some(UriFault::BadCharacter),
        ),
        (
            "https://app.example/<script>",
            Confidential,
            false,
            Some(UriFault::BadCharacter),
        ),
        (
            "https:app.example/cb",
            Confidential,
            false,
            Some(UriFault::NoHost),
        ),
        ("https:///cb", Confidential, false, Some(UriFault::NoHost)),
        (
            "https://?x",
            Confidential,
            false,
            Some(UriFault::NotAbsolute),
        ),
        (
            "app.example/cb",
            Confidential,
            false,
            Some(UriFault::NotAbsolute),
        ),
        ("/cb", Confidential, false, Some(UriFault::NotAbsolute)),
        (
            "https://app.example/cb?code=1",
            Confidential,
            false,
            Some(UriFault::ResponseParameter),
        ),
        (
            "https://app.example/cb?x=1&st%61te=1",
            Confidential,
            false,
            Some(UriFault::ResponseParameter),
        ),
        (
            "https://app.example/cb?iss=x",
            Confidential,
            false,
            Some(UriFault::ResponseParameter),
        ),
        (
            "https://app.example/cb?error=x",
            Confidential,
            false,
            Some(UriFault::ResponseParameter),
        ),
        (
            "https://app.example/cb?id_token=x",
            Confidential,
            false,
            Some(UriFault::ResponseParameter),
        ),
        (&long, Confidential, false, Some(UriFault::TooLong)),
    ];
    for (uri, client_type, strict, wanted) in table {
        assert_eq!(
            check_redirect_uri(uri, *client_type, *strict).err(),
            *wanted,
            "{uri}"
        );
    }
}

#[test]
fn a_good_draft_is_kept_as_it_is() {
    let made = judge(&draft(), &rules()).unwrap();
    assert_eq!(made.name, "Build agent");
    assert_eq!(made.client_type, ClientType::Confidential);
    assert_eq!(made.grant_types(), "authorization_code");
    assert_eq!(made.token_profile, "standard");
    assert_eq!(made.scopes.to_string(), "openid email");
    assert!(made.needs_secret());
}

#[test]
fn all_faults_are_told_at_once_in_the_order_of_the_form() {
    let bad = Draft {
        name: "  ".to_owned(),
        client_type: "public".to_owned(),
        client_credentials_flow: true,
        auth_code_flow: true,
        redirect_uris: vec!["https://a/#x".to_owned(), "ftp://b".to_owned()],
        scopes: "a\"b".to_owned(),
        allowed_resources: vec!["urn:x".to_owned()],
        token_profile: "eternal".to_owned(),
        machine_token_ttl: "3x".to_owned(),
        project: "-x".to_owned(),
        service_account: "@x".to_owned(),
        auth_method: "client_secret_basic".to_owned(),
        jwks: "{}".to_owned(),
        id_token_alg: "none".to_owned(),
        ..Draft::default()
    };
    let found = faults(&bad, &rules());
    assert_eq!(
        found,
        [
            (Field::Name, Problem::Required),
            (Field::Grants, Problem::MachineGrantOfPublicClient),
            (Field::RedirectUris, Problem::Uri(UriFault::Fragment)),
            (Field::RedirectUris, Problem::Uri(UriFault::Scheme)),
            (Field::Scopes, Problem::BadScope),
            (Field::AllowedResources, Problem::BadResource),
            (Field::TokenProfile, Problem::UnknownProfile),
            (Field::MachineTokenTtl, Problem::BadDuration),
            (Field::Project, Problem::BadProject),
            (Field::ServiceAccount, Problem::BadServiceAccount),
            (Field::AuthMethod, Problem::AuthMethodOfOtherType),
            (Field::Jwks, Problem::BadKeys),
            (Field::IdTokenAlg, Problem::UnknownAlgorithm),
        ]
    );
}

#[test]
fn limits_hold() {
    let with = |change: fn(&mut Draft)| {
        let mut draft = draft();
        change(&mut draft);
        faults(&draft, &rules())
    };
    assert_eq!(with(|d| d.name = "x".repeat(255)), []);
    assert_eq!(
        with(|d| d.name = "x".repeat(256)),
        [(Field::Name, Problem::TooLong(255))]
    );
    assert_eq!(
        with(|d| d.name = "a\u{202e}b".to_owned()),
        [(Field::Name, Problem::HiddenCharacter)]
    );
    assert_eq!(with(|d| d.description = "two\nlines".to_owned()), []);
    assert_eq!(
        with(|d| d.redirect_uris = (0..51).map(|n| format!("https://a.example/{n}")).collect()),
        [(Field::RedirectUris, Problem::TooMany(50))]
    );
    let many = (0..200_000).map(|n| format!("l{n}"));
    let typed = many.collect::<Vec<_>>().join("\n");
    let began = std::time::Instant::now();
    let mut long = draft();
    long.redirect_uris = split_uris(&typed);
    long.scopes.clone_from(&typed);
    assert_eq!(
        faults(&long, &rules()),
        [
            (Field::RedirectUris, Problem::TooMany(50)),
            (Field::Scopes, Problem::TooLong(2000))
        ]
    );
    assert!(began.elapsed() < Duration::from_secs(5));
    assert_eq!(
        with(|d| d.redirect_uris.clear()),
        [(Field::RedirectUris, Problem::NoRedirectUri)]
    );
    assert_eq!(
        with(|d| d.auth_code_flow = false),
        [(Field::Grants, Problem::NoGrant)]
    );
    assert_eq!(with(|d| d.machine_token_ttl = "90m".to_owned()), []);
    let outside = Problem::TtlOutside(MIN_MACHINE_TTL, Duration::from_secs(86_400));
    assert_eq!(
        with(|d| d.machine_token_ttl = "59s".to_owned()),
        [(Field::MachineTokenTtl, outside)]
    );
    assert_eq!(
        with(|d| d.machine_token_ttl = "25h".to_owned()),
        [(Field::MachineTokenTtl, outside)]
    );
    assert_eq!(
        with(|d| d.auth_method = "private_key_jwt".to_owned()),
        [(Field::Jwks, Problem::NoKeys)]
    );
    assert_eq!(
        with(|d| d.jwks = r#"{"keys":[{"kty":"RSA","n":"x","e":"AQAB","d":"x"}]}"#.to_owned()),
        [(Field::Jwks, Problem::PrivateKey)]
    );
    assert_eq!(
        with(|d| d.jwks = r#"{"keys":[{"kty":"RSA","n":"x","e":"AQAB"}]}"#.to_owned()),
        []
    );
}

#[test]
fn people_register_four_scopes_and_keep_what_they_were_given() {
    let mut own = rules();
    own.self_service = true;
    let mut draft = draft();
    draft.scopes = "openid read".to_owned();
    assert_eq!(
        faults(&draft, &own),
        [(Field::Scopes, Problem::ScopeNotForSelfService)]
    );
    let mut given = doubles::client();
    given.scopes = ScopeSet::stored("read");
    own.keeps(&given);
    assert_eq!(faults(&draft, &own), []);
}

#[test]
fn widening_and_renaming_need_approval_and_narrowing_does_not() {
    let mut now = doubles::client();
    now.name = "App".to_owned();
    now.description = "What it does".to_owned();
    now.scopes = ScopeSet::stored("email profile");
    now.client_type = ClientType::Confidential;
    now.redirect_uris = vec![
        "https://a.example/1".to_owned(),
        "https://a.example/2".to_owned(),
    ];
    now.project = "blue".to_owned();
    let same = judge(&Draft::from(&now), &rules()).unwrap();
    assert_eq!(needs_approval(&now, &same), []);
    let edit = |change: fn(&mut Registration)| {
        let mut then = same.clone();
        change(&mut then);
        needs_approval(&now, &then)
    };
    // What a person reads before they agree.
    assert_eq!(edit(|r| r.name = "Your Bank".to_owned()), [Widened::Name]);
    assert_eq!(
        edit(|r| r.description = "https://bank.example/".to_owned()),
        [Widened::Description]
    );
    assert_eq!(edit(|r| r.description.clear()), []);
    assert_eq!(edit(|r| r.redirect_uris.truncate(1)), []);
    assert_eq!(edit(|r| r.scopes = ScopeSet::stored("email")), []);
    assert_eq!(edit(|r| r.device_flow = false), []);
    assert_eq!(edit(|r| r.project.clear()), []);
    assert_eq!(edit(|r| r.token_profile = "short"), []);
    assert_eq!(
        edit(|r| r.redirect_uris.push("https://b.example".to_owned())),
        [Widened::RedirectUris]
    );
    assert_eq!(
        edit(|r| r.scopes = ScopeSet::stored("email openid")),
        [Widened::Scopes]
    );
    assert_eq!(
        edit(|r| r.client_credentials_flow = true),
        [Widened::Grants]
    );
    assert_eq!(edit(|r| r.project = "red".to_owned()), [Widened::Project]);
    assert_eq!(
        edit(|r| r.service_account = "root@corp".to_owned()),
        [Widened::ServiceAccount]
    );
    assert_eq!(
        edit(|r| r.client_type = ClientType::Public),
        [Widened::Authentication]
    );
    assert_eq!(edit(|r| r.token_profile = "long"), [Widened::Lifetime]);
    assert_eq!(
        edit(|r| r.allowed_resources.push("https://x".to_owned())),
        [Widened::Resources]
    );
    let logout: fn(&mut Registration) = |r| {
        r.post_logout_redirect_uris
            .push("https://b.example".to_owned())
    };
    assert_eq!(edit(logout), [Widened::PostLogoutRedirectUris]);
    // There is no approval to lose.
    now.status = ClientStatus::Pending;
    let mut then = same;
    then.name = "Your Bank".to_owned();
    assert_eq!(needs_approval(&now, &then), []);
}

#[test]
fn whoever_is_asked_again_sees_what_came_since_the_approval() {
    let mut then = doubles::client();
    then.name = "App".to_owned();
    then.scopes = ScopeSet::stored("email");
    then.redirect_uris = vec!["https://a.example/1".to_owned()];
    let kept = serde_json::to_string(&Reach::from(&then)).unwrap();
    let before: Reach = serde_json::from_str(&kept).unwrap();
    let mut now = then.clone();
    assert_eq!(Reach::from(&now).additions(&before), []);
    now.redirect_uris = vec![
        "https://evil.example".to_owned(),
        "https://a.example/1".to_owned(),
    ];
    now.project = "payroll".to_owned();
    now.client_credentials_flow = true;
    let addition = |what, now: &str, before: Option<&str>| Addition {
        what,
        now: vec![now.to_owned()],
        before: before.map(str::to_owned),
    };
    assert_eq!(
        Reach::from(&now).additions(&before),
        [
            addition(Widened::Grants, "client_credentials", None),
            addition(Widened::RedirectUris, "https://evil.example", None),
            addition(Widened::Project, "payroll", Some("")),
        ]
    );
    // Of a record that says less, more is new.
    let less: Reach = serde_json::from_str("{}").unwrap();
    let all = Reach::from(&now).additions(&less);
    assert!(all.contains(&addition(Widened::Scopes, "email", None)));
}

#[test]
fn lists_are_read_as_people_type_them() {
    assert_eq!(
        split_uris("https://a/x?y=1,2\r\nhttps://b, https://c,com.d:/e\n\n , https://b"),
        ["https://a/x?y=1,2", "https://b", "https://c", "com.d:/e"]
    );
    assert_eq!(split_uris(" ,,\n"), Vec::<String>::new());
    assert_eq!(duration("1h30m"), Some(Duration::from_secs(5400)));
    assert_eq!(duration("90"), None);
    assert_eq!(duration(""), None);
    assert_eq!(duration("99999999999999999999h"), None);
    assert_eq!(duration_text(Duration::from_secs(5400)), "1h30m");
    assert_eq!(duration_text(Duration::from_secs(86_400)), "1d");
}
