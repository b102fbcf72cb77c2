//! Requests that are nearly right, thousands of them: whatever is changed, nothing panics and nothing is a 5xx.
use crate::{
    go::{Adopted, text},
    support::Engine,
};
use percent_encoding::{NON_ALPHANUMERIC, percent_encode};
use proptest::{
    prelude::*,
    strategy::ValueTree as _,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};

const NAMES: &[&str] = &[
    "grant_type",
    "client_id",
    "client_secret",
    "code",
    "code_verifier",
    "redirect_uri",
    "scope",
    "state",
    "nonce",
    "resource",
    "device_code",
    "refresh_token",
    "token",
    "token_type_hint",
    "extra_claims",
    "response_type",
    "code_challenge",
    "code_challenge_method",
    "prompt",
    "max_age",
    "id_token_hint",
    "client_assertion",
    "client_assertion_type",
    "response_mode",
    "access_token",
];

fn values(go: &Adopted) -> Vec<String> {
    let (id, secret) = go.client("confidential");
    let access = go.token("device", "access_token");
    let mut cut = access.clone();
    cut.truncate(access.len() - 3);
    let known = [
        "authorization_code",
        "refresh_token",
        "client_credentials",
        "urn:ietf:params:oauth:grant-type:device_code",
        "code",
        "S256",
        "none",
        "openid email",
        "https://api.example.com",
        "http://127.0.0.1:9/cb",
        "{\"a\":[1]}",
        "",
        "-1",
        "99999999999999999999",
        "\u{0}",
        "\u{202e}\u{1f600}",
        "%",
        "' OR 1=1 --",
        "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "eyJhbGciOiJub25lIn0.e30.",
        "..",
        "eyJhbGciOiJIUzI1NiIsImNyaXQiOlsieCJdfQ.W10.AAAA",
    ];
    let mut all: Vec<String> = known.iter().map(|value| (*value).to_owned()).collect();
    all.extend([id, secret, access, cut, go.token("device", "refresh_token")]);
    all.push(text(&go.facts["unredeemed_code"]["code"]));
    all.push("x".repeat(5000));
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_nearly_right_never_makes_the_server_fail() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let go = Adopted::start(engine, &[("ENABLE_DYNAMIC_CLIENT_REGISTRATION", "true")]).await;
        let field = (
            prop::sample::select(NAMES),
            prop::sample::select(values(&go)),
        );
        let strategy = (
            prop::sample::select(vec![
                "/oauth/token",
                "/oauth/token",
                "/oauth/device/code",
                "/oauth/introspect",
                "/oauth/revoke",
                "/oauth/authorize",
                "/oauth/userinfo",
                "/oauth/register",
                "/oauth/end_session",
                "/oauth/register/",
                "/oauth/error/",
            ]),
            prop::collection::vec(field, 0..8),
            prop::sample::select(vec![
                "",
                "Basic Og==",
                "Basic %%%",
                "Bearer x.y.z",
                "Bearer",
                "Basic YTpi",
            ]),
            any::<bool>(),
        );
        let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
        let mut runner = TestRunner::new_with_rng(Config::default(), rng);
        for _ in 0..1500 {
            let (path, fields, authorization, in_query) =
                strategy.new_tree(&mut runner).unwrap().current();
            let form = url::form_urlencoded::Serializer::new(String::new())
                .extend_pairs(&fields)
                .finish();
            // Some paths go on with a value.
            let path = match fields.first() {
                Some((_, value)) if path.ends_with('/') => {
                    let named = percent_encode(value.as_bytes(), NON_ALPHANUMERIC);
                    format!("{path}{named}")
                }
                _ => path.to_owned(),
            };
            let (line, body) = if in_query {
                (format!("GET {path}?{form}"), String::new())
            } else {
                (format!("POST {path}"), form)
            };
            let mut request = format!(
                "{line} HTTP/1.1\r\nhost: test\r\ncontent-length: {}\r\n",
                body.len()
            );
            request += "content-type: application/x-www-form-urlencoded\r\n";
            if !authorization.is_empty() {
                request += &format!("authorization: {authorization}\r\n");
            }
            request += &format!("\r\n{body}");
            let answer = go
                .server
                .http()
                .await
                .try_send(request.as_bytes())
                .await
                .unwrap();
            assert!(
                answer.status < 500,
                "{request}\n{answer:?}\n{}",
                go.server.log()
            );
        }
        assert!(!go.server.log().contains("panicked"), "{}", go.server.log());
    }
}
