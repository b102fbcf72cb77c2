use super::*;
use crate::domain::{
    client::{ClientStatus, ClientType},
    ids::ClientId,
};
use proptest::prelude::*;

const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix_timestamp(seconds).unwrap()
}

fn client(client_type: ClientType) -> Client {
    Client {
        client_type,
        status: ClientStatus::Active,
        auth_code_flow: true,
        scopes: ScopeSet::stored("email profile"),
        redirect_uris: vec!["https://app.example/cb".into()],
        allowed_resources: vec!["https://api.example".into()],
        ..crate::domain::client::doubles::client()
    }
}

fn params(more: &[(&str, &str)]) -> Params {
    let mut pairs = vec![
        ("client_id", "c"),
        ("redirect_uri", "https://app.example/cb"),
        ("response_type", "code"),
        ("scope", "openid email"),
        ("state", "s"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    for (name, value) in more {
        pairs.retain(|(known, _)| known != name);
        pairs.push((name, value));
    }
    let pairs: Vec<_> = pairs
        .into_iter()
        .map(|(n, v)| (n.to_owned(), v.to_owned()))
        .collect();
    Params::read(&pairs)
}

fn judged(client: &Client, more: &[(&str, &str)]) -> Result<Request, OauthError> {
    let params = params(more);
    let callback = at_home(&params, Some(client), &mut Trail::default())?;
    told(&params, client, &callback, false, &mut Trail::default())
}

fn failed(client: &Client, more: &[(&str, &str)]) -> (Check, &'static str) {
    let refusal = judged(client, more).unwrap_err();
    (refusal.check(), refusal.code.as_str())
}

#[test]
fn a_good_request_passes() {
    let request = judged(
        &client(ClientType::Public),
        &[("scope", "openid email admin"), ("max_age", "60")],
    )
    .unwrap();
    assert_eq!(request.scopes.to_string(), "openid email");
    assert_eq!(request.max_age, Some(Duration::from_secs(60)));
    let nothing = judged(&client(ClientType::Public), &[("scope", "")]).unwrap();
    assert_eq!(nothing.scopes.to_string(), "email profile");
}

#[test]
fn each_check_refuses_by_its_name() {
    let public = client(ClientType::Public);
    let resources = [("resource", "https://other.example")];
    for (more, check, code) in [
        (
            &[("redirect_uri", "https://app.example/x")][..],
            Check::RedirectUri,
            "invalid_request",
        ),
        (
            &[("redirect_uri", "")],
            Check::RedirectUri,
            "invalid_request",
        ),
        (
            &[("response_type", "token")],
            Check::ResponseType,
            "unsupported_response_type",
        ),
        (
            &[("response_type", "code id_token")],
            Check::ResponseType,
            "unsupported_response_type",
        ),
        (
            &[("response_type", "")],
            Check::ResponseType,
            "invalid_request",
        ),
        (
            &[("response_mode", "fragment")],
            Check::ResponseType,
            "invalid_request",
        ),
        (
            &[("request", "e30.e30.")],
            Check::Parameters,
            "request_not_supported",
        ),
        (
            &[("request_uri", "https://a")],
            Check::Parameters,
            "request_uri_not_supported",
        ),
        (
            &[("registration", "{}")],
            Check::Parameters,
            "registration_not_supported",
        ),
        (&[("scope", "admin")], Check::Scope, "invalid_scope"),
        (&[("scope", "em\"ail")], Check::Scope, "invalid_scope"),
        (
            &[("code_challenge_method", "plain")],
            Check::CodeChallenge,
            "invalid_request",
        ),
        (&resources, Check::Resource, "invalid_target"),
        (
            &[("prompt", "none login")],
            Check::Parameters,
            "invalid_request",
        ),
        (&[("max_age", "-1")], Check::Parameters, "invalid_request"),
        (&[("max_age", "soon")], Check::Parameters, "invalid_request"),
    ] {
        assert_eq!(failed(&public, more), (check, code), "{more:?}");
    }
}

/// PK-04, and PKCE_REQUIRED.
#[test]
fn public_needs_challenge() {
    let none = [("code_challenge", ""), ("code_challenge_method", "")];
    assert_eq!(
        failed(&client(ClientType::Public), &none),
        (Check::CodeChallenge, "invalid_request")
    );
    let confidential = client(ClientType::Confidential);
    assert!(judged(&confidential, &none).is_ok());
    let (params, callback) = (
        params(&none),
        at_home(&params(&none), Some(&confidential), &mut Trail::default()).unwrap(),
    );
    assert!(
        told(
            &params,
            &confidential,
            &callback,
            true,
            &mut Trail::default()
        )
        .is_err()
    );
}

#[test]
fn what_has_no_address_stays_home() {
    let good = client(ClientType::Public);
    assert_eq!(
        at_home(&params(&[]), None, &mut Trail::default())
            .unwrap_err()
            .check(),
        Check::Client
    );
    let pending = Client {
        status: ClientStatus::Pending,
        ..good.clone()
    };
    assert_eq!(
        at_home(&params(&[]), Some(&pending), &mut Trail::default())
            .unwrap_err()
            .check(),
        Check::Client
    );
    let other = Client {
        auth_code_flow: false,
        ..good.clone()
    };
    assert_eq!(
        at_home(&params(&[]), Some(&other), &mut Trail::default())
            .unwrap_err()
            .check(),
        Check::Grant
    );
    let long = "s".repeat(MAX_STATE + 1);
    assert_eq!(
        at_home(
            &params(&[("state", &long)]),
            Some(&good),
            &mut Trail::default()
        )
        .unwrap_err()
        .check(),
        Check::Request
    );
}

/// AZ-05.
#[test]
fn dup_params_rejected() {
    let good = client(ClientType::Public);
    let twice = |name: &str| {
        let mut params = params(&[]);
        params.repeated.push(name.to_owned());
        let callback = at_home(&params, Some(&good), &mut Trail::default())?;
        told(&params, &good, &callback, false, &mut Trail::default())
    };
    for (name, check) in [
        ("client_id", Check::Request),
        ("redirect_uri", Check::Request),
        ("state", Check::Request),
        ("scope", Check::Parameters),
        ("nonce", Check::Parameters),
    ] {
        assert_eq!(twice(name).unwrap_err().check(), check, "{name}");
    }
    let read = |pairs: &[(&str, &str)]| {
        let pairs: Vec<_> = pairs
            .iter()
            .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
            .collect();
        Params::read(&pairs)
    };
    for name in ["scope", "claims", "ui_locales", "nobody_knows_it"] {
        assert_eq!(read(&[(name, "a"), (name, "a")]).repeated, [name]);
    }
    let two = read(&[("resource", "https://a"), ("resource", "https://b")]);
    assert!(two.repeated.is_empty() && two.resource.len() == 2);
}

#[test]
fn the_answer_carries_iss_and_the_state_as_it_came() {
    let callback = Callback {
        redirect_uri: "https://app.example/cb".into(),
        state: "a&b c".into(),
    };
    assert_eq!(
        callback.success("x", "https://id.example"),
        "https://app.example/cb?code=x&iss=https%3A%2F%2Fid.example&state=a%26b+c"
    );
    let error = ErrorCode::AccessDenied.because("no");
    assert_eq!(
        callback.failure(&error, "https://id.example"),
        "https://app.example/cb?error=access_denied&error_description=no&iss=https%3A%2F%2Fid.example&state=a%26b+c"
    );
}

proptest! {
    /// AZ-09.
    #[test]
    fn state_round_trip(state in "\\PC{1,700}") {
        let callback = Callback { redirect_uri: "https://app.example/cb?k=v".into(), state: state.clone() };
        let answer = url::Url::parse(&callback.success("x", "https://id.example")).unwrap();
        let back: Vec<String> = answer.query_pairs().filter(|(name, _)| name == "state").map(|(_, v)| v.into_owned()).collect();
        prop_assert_eq!(back, vec![state]);
    }
}

fn asking(prompt: &str, max_age: &str) -> Request {
    judged(
        &client(ClientType::Public),
        &[("prompt", prompt), ("max_age", max_age)],
    )
    .unwrap()
}

#[test]
fn what_the_person_has_to_do() {
    let (alice, bob) = (UserId::new("alice"), UserId::new("bob"));
    let visitor = Visitor {
        user_id: &alice,
        auth_time: at(1000),
    };
    let here = Presence {
        visitor: Some(visitor),
        consented: true,
        ..Presence::default()
    };
    let nobody = Presence {
        visitor: None,
        ..here
    };
    let now = at(1100);
    let judge = |prompt, max_age, here: &Presence<'_>| {
        step(&asking(prompt, max_age), here, now, &mut Trail::default())
            .map_err(|r| r.code.as_str())
    };
    let anew = Ok(Step::SignIn { anew: true });
    assert_eq!(judge("", "", &here), Ok(Step::Approved));
    assert_eq!(judge("none", "", &here), Ok(Step::Approved));
    assert_eq!(judge("", "", &nobody), Ok(Step::SignIn { anew: false }));
    assert_eq!(judge("none", "", &nobody), Err("login_required"));
    assert_eq!(judge("login", "", &here), anew);
    assert_eq!(judge("consent", "", &here), Ok(Step::Ask));
    assert_eq!(judge("select_account", "", &here), Ok(Step::Ask));
    assert_eq!(judge("", "100", &here), Ok(Step::Approved));
    assert_eq!(judge("", "99", &here), anew);
    assert_eq!(judge("none", "99", &here), Err("login_required"));
    let asked = Presence {
        consented: false,
        ..here
    };
    assert_eq!(judge("", "", &asked), Ok(Step::Ask));
    assert_eq!(judge("none", "", &asked), Err("consent_required"));
    let hinted = Presence {
        hinted: Some(&bob),
        ..here
    };
    assert_eq!(judge("", "", &hinted), anew);
    assert_eq!(judge("none", "", &hinted), Err("login_required"));
    // A login since the request was sent to the sign-in page answers it; one before does not.
    let sent = |at| Presence {
        sent_to_login_at: Some(at),
        ..here
    };
    assert_eq!(judge("login", "", &sent(at(1000))), Ok(Step::Approved));
    assert_eq!(judge("login", "", &sent(at(1001))), anew);
    assert_eq!(judge("", "0", &sent(at(999))), Ok(Step::Approved));
    let wrong = Presence {
        hinted: Some(&bob),
        ..sent(at(999))
    };
    assert_eq!(judge("", "", &wrong), Err("login_required"));
}

/// AZ-11.
#[test]
fn remembered_consent_matrix() {
    let api = "https://api.example".to_owned();
    let consent = Consent {
        authorization_id: 1,
        uuid: "u".into(),
        user_id: UserId::new("alice"),
        client_id: ClientId::new("c"),
        scopes: ScopeSet::stored("openid email"),
        resource: vec![],
        granted_at: at(0),
        is_active: true,
    };
    let public = client(ClientType::Public);
    let confidential = client(ClientType::Confidential);
    let request = asking("", "");
    let to = |address: &str| Request {
        callback: Callback {
            redirect_uri: address.into(),
            state: String::new(),
        },
        ..request.clone()
    };
    assert!(is_remembered(&request, &public, Some(&consent)));
    assert!(!is_remembered(&request, &public, None));
    let withdrawn = Consent {
        is_active: false,
        ..consent.clone()
    };
    assert!(!is_remembered(&request, &public, Some(&withdrawn)));
    for (address, of_public) in [
        ("https://app.example/cb", true),
        ("http://127.0.0.1:9/cb", true),
        ("com.example.app:/cb", false),
    ] {
        assert_eq!(
            is_remembered(&to(address), &public, Some(&consent)),
            of_public
        );
        assert!(is_remembered(&to(address), &confidential, Some(&consent)));
    }
    let wider = Request {
        scopes: ScopeSet::stored("openid email profile"),
        ..request.clone()
    };
    let narrower = Request {
        scopes: ScopeSet::stored("email"),
        ..request.clone()
    };
    assert!(!is_remembered(&wider, &public, Some(&consent)));
    assert!(is_remembered(&narrower, &public, Some(&consent)));
    let with_resource = Request {
        resource: vec![api.clone()],
        ..request.clone()
    };
    let of_resource = Consent {
        resource: vec![api],
        ..consent.clone()
    };
    assert!(!is_remembered(&with_resource, &public, Some(&consent)));
    assert!(!is_remembered(&request, &public, Some(&of_resource)));
    assert!(is_remembered(&with_resource, &public, Some(&of_resource)));
}
