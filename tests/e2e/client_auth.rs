//! How clients prove who they are: by secrets, by secrets that overlap, by assertions that they sign.
use crate::{
    http::Answer,
    machine::{API, Machine, SECRET, basic, introspect, machines, token},
    support::{DEVICE_GRANT, Engine, Http, Server},
};
use authgate::jose::{Algorithm, KeySet, MediaType, SigningKey};
use base64::{Engine as _, engine::general_purpose};
use serde_json::{Value, json};
use std::time::{SystemTime, UNIX_EPOCH};

pub const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// A key of a client.
pub fn key(algorithm: Algorithm, file: &str) -> KeySet {
    let path = format!("{}/tests/fixtures/keys/{file}", env!("CARGO_MANIFEST_DIR"));
    let pem = std::fs::read_to_string(path).unwrap();
    let key = SigningKey::from_pem(algorithm, &pem, None).unwrap();
    KeySet::new(key, Vec::new(), 0).unwrap()
}

pub fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs()
}

fn assertion(keys: &KeySet, audience: &str, jti: &str) -> String {
    let claims = json!({
        "iss": "signer", "sub": "signer", "aud": audience, "exp": now() + 60, "iat": now(), "jti": jti,
    });
    signed(keys, &claims)
}

pub fn signed(keys: &KeySet, claims: &Value) -> String {
    keys.sign_json(MediaType::Jwt, claims.to_string().as_bytes())
        .unwrap()
}

async fn assert_by(http: &mut Http, path: &str, assertion: &str, more: &[(&str, &str)]) -> Answer {
    let mut form = vec![
        ("client_assertion_type", JWT_BEARER),
        ("client_assertion", assertion),
    ];
    form.extend_from_slice(more);
    http.post(path, &form).await
}

async fn signer(server: &Server, keys: &[&KeySet]) {
    let all: Vec<Value> = keys
        .iter()
        .flat_map(|set| {
            let set: Value = serde_json::from_slice(set.jwks()).unwrap();
            set["keys"].as_array().unwrap().clone()
        })
        .collect();
    let jwks = format!("'{}'", json!({"keys": all}));
    Machine {
        id: "signer",
        kind: "confidential",
        flow: true,
        more: &[
            ("token_endpoint_auth_method", "'private_key_jwt'"),
            ("jwks", &jwks),
        ],
    }
    .register(server)
    .await;
}

const GRANT: (&str, &str) = ("grant_type", "client_credentials");

async fn assertions(engine: Engine) {
    let server = Server::start(engine, &[("LEGACY_CLIENT_AUTH", "true")]).await;
    let es256 = key(Algorithm::Es256, "p256.pkcs8.pem");
    let rs256 = key(Algorithm::Rs256, "rsa2048.pkcs8.pem");
    machines(&server).await;
    signer(&server, &[&es256, &rs256]).await;
    let mut http = server.http().await;
    let base = format!("http://127.0.0.1:{}", server.port);
    let endpoint = |path: &str| format!("{base}{path}");

    let first = assertion(&es256, &base, "1");
    let answer = assert_by(&mut http, "/oauth/token", &first, &[GRANT]).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let token = answer.text("access_token");
    // TK-10: once, whoever repeats it.
    for _ in 0..2 {
        let again = assert_by(&mut http, "/oauth/token", &first, &[GRANT]).await;
        assert_eq!(
            (again.status, again.error()),
            (401, "invalid_client".to_owned())
        );
    }
    let form = [GRANT, ("client_id", "signer")];
    let by_rsa = assertion(&rs256, &endpoint("/oauth/token"), "2");
    assert_eq!(
        assert_by(&mut http, "/oauth/token", &by_rsa, &form)
            .await
            .status,
        200
    );

    // Every endpoint that a client talks to.
    let at = |path: &str, jti: &str| assertion(&es256, &endpoint(path), jti);
    let seen = at("/oauth/introspect", "3");
    let answer = assert_by(&mut http, "/oauth/introspect", &seen, &[("token", &token)]).await;
    assert_eq!(answer.json()["active"], true, "{answer:?}");
    let started = assert_by(
        &mut http,
        "/oauth/device/code",
        &at("/oauth/device/code", "4"),
        &[],
    )
    .await;
    let code = started.text("device_code");
    let poll = [("grant_type", DEVICE_GRANT), ("device_code", code.as_str())];
    let pending = assert_by(&mut http, "/oauth/token", &at("/oauth/token", "5"), &poll).await;
    assert_eq!(pending.error(), "authorization_pending");
    server.approve_all().await;
    let tokens = assert_by(&mut http, "/oauth/token", &at("/oauth/token", "6"), &poll).await;
    let refresh = tokens.text("refresh_token");
    let form = [
        ("grant_type", "refresh_token"),
        ("refresh_token", refresh.as_str()),
    ];
    let answer = assert_by(&mut http, "/oauth/token", &at("/oauth/token", "7"), &form).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    // The old way to come without proof is not for a client that signs.
    assert_eq!(
        http.refresh("signer", &refresh).await.error(),
        "invalid_client"
    );
    let revoked = at("/oauth/revoke", "8");
    let answer = assert_by(&mut http, "/oauth/revoke", &revoked, &[("token", &refresh)]).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    bad_assertions(&mut http, &base, &es256).await;
    assert_eq!(
        server
            .count("SELECT count(*) FROM client_assertion_jtis")
            .await,
        8
    );
}

/// `LEGACY_CLIENT_AUTH`: what clients of the Go server may go on doing, and what was refused there, too.
async fn the_old_way(engine: Engine) {
    let legacy = [("LEGACY_CLIENT_AUTH", "true")];
    for (env, may) in [(&legacy[..], true), (&[], false)] {
        let server = Server::start(engine, env).await;
        machines(&server).await;
        let mut http = server.http().await;
        let right = basic("machine", SECRET);
        let wrong = [("client_id", "machine"), ("client_secret", "wrong")];
        let proof = [("client_id", "machine"), ("client_secret", SECRET)];
        // A device's whole way without its secret.
        let started = http.post("/oauth/device/code", &proof).await;
        let code = started.text("device_code");
        server.approve_all().await;
        let poll = [("grant_type", DEVICE_GRANT), ("device_code", code.as_str())];
        let mut tokens = http.poll("machine", &code).await;
        assert_eq!(tokens.status == 200, may, "{tokens:?}");
        if !may {
            tokens = http
                .post("/oauth/token", &[&poll[..], &proof[..]].concat())
                .await;
        }
        let (access, refresh) = (tokens.text("access_token"), tokens.text("refresh_token"));
        let grant = [
            ("grant_type", "refresh_token"),
            ("refresh_token", refresh.as_str()),
        ];
        let refreshed = http.refresh("machine", &refresh).await;
        assert_eq!(refreshed.status == 200, may, "{refreshed:?}");
        // A secret that is shown is right, then as now.
        let refused = http
            .post("/oauth/token", &[&grant[..], &wrong[..]].concat())
            .await;
        assert_eq!(
            (refused.status, refused.error().as_str()),
            (401, "invalid_client")
        );
        // Twice the same proof.
        let doubled = http
            .post_with(
                "/oauth/token",
                &[("authorization", &right)],
                &[&grant[..], &proof[..]].concat(),
            )
            .await;
        assert_eq!(doubled.status == 200, may, "{doubled:?}");
        // What always insisted does so still.
        for form in [
            &[GRANT][..],
            &[
                ("grant_type", "authorization_code"),
                ("code", "x"),
                ("redirect_uri", "https://x.example"),
            ],
        ] {
            let bare = [form, &[("client_id", "machine")]].concat();
            let answer = http.post("/oauth/token", &bare).await;
            assert_eq!(answer.error(), "invalid_client", "{form:?}");
        }
        // Whoever has a secret may look, even one that proves nothing elsewhere.
        let looked = introspect(&mut http, "public", &access).await;
        assert_eq!(looked.status == 200, may, "{looked:?}");
        // Taking away: by name alone, and by nobody.
        let named = [("client_id", "machine"), ("token", access.as_str())];
        let revoked = http.post("/oauth/revoke", &named).await;
        assert_eq!(revoked.status == 200, may, "{revoked:?}");
        let revoked = http.post("/oauth/revoke", &[("token", &refresh)]).await;
        assert_eq!(revoked.status == 200, may, "{revoked:?}");
        let left = http.tokeninfo(&access).await;
        assert_eq!(left == 401, may, "what was refused stays");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_old_way_of_clients_is_a_switch_on_sqlite() {
    the_old_way(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_old_way_of_clients_is_a_switch_on_postgres() {
    the_old_way(Engine::Postgres).await;
}

async fn bad_assertions(http: &mut Http, base: &str, keys: &KeySet) {
    let stranger = key(Algorithm::Rs256, "rsa2048-second.pkcs8.pem");
    let good =
        json!({"iss": "signer", "sub": "signer", "aud": base, "exp": now() + 60, "jti": "b"});
    let with = |name: &str, value: Value| {
        let mut claims = good.clone();
        claims[name] = value;
        signed(keys, &claims)
    };
    for (what, assertion) in [
        ("another key", signed(&stranger, &good)),
        (
            "another audience",
            with("aud", "https://other.example".into()),
        ),
        ("another issuer", with("iss", "machine".into())),
        ("expired", with("exp", (now() - 60).into())),
        ("too long", with("exp", (now() + 7200).into())),
        ("no jti", with("jti", Value::Null)),
        ("a client that does not sign", with("sub", "machine".into())),
        ("nonsense", "nonsense".to_owned()),
    ] {
        let answer = assert_by(http, "/oauth/token", &assertion, &[GRANT]).await;
        assert_eq!(
            (answer.status, answer.error()),
            (401, "invalid_client".to_owned()),
            "{what}"
        );
    }
    let fresh = signed(keys, &good);
    let header = basic("signer", SECRET);
    let form = [
        GRANT,
        ("client_assertion_type", JWT_BEARER),
        ("client_assertion", &fresh),
    ];
    let two = http
        .post_with("/oauth/token", &[("authorization", &header)], &form)
        .await;
    assert_eq!(two.error(), "invalid_request");
    let mut named = form.to_vec();
    named.push(("client_id", "machine"));
    assert_eq!(
        http.post("/oauth/token", &named).await.error(),
        "invalid_request"
    );
    assert_eq!(
        http.post("/oauth/token", &form[..2]).await.error(),
        "invalid_request"
    );
    let odd = [
        GRANT,
        ("client_assertion_type", "urn:x"),
        ("client_assertion", &fresh),
    ];
    assert_eq!(
        http.post("/oauth/token", &odd).await.error(),
        "invalid_client"
    );
    assert_eq!(
        token(http, "signer", &[]).await.error(),
        "invalid_client",
        "a secret"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn assertion_single_use_on_sqlite() {
    assertions(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn assertion_single_use_on_postgres() {
    assertions(Engine::Postgres).await;
}

/// Eight show the same assertion at once, twenty times; how many were let in each time.
pub async fn assertion_race(server: &Server) -> Vec<usize> {
    let keys = key(Algorithm::Es256, "p256.pkcs8.pem");
    signer(server, &[&keys]).await;
    let base = format!("http://127.0.0.1:{}", server.port);
    let mut totals = Vec::new();
    for round in 0..20 {
        let assertion = assertion(&keys, &base, &format!("r{round}"));
        let mut racers = Vec::new();
        for _ in 0..8 {
            let (mut http, assertion) = (server.http().await, assertion.clone());
            racers.push(tokio::spawn(async move {
                assert_by(&mut http, "/oauth/token", &assertion, &[GRANT])
                    .await
                    .status
            }));
        }
        let mut came_off = 0;
        for racer in racers {
            let status = racer.await.unwrap();
            assert!(matches!(status, 200 | 401 | 429), "{status}");
            came_off += usize::from(status == 200);
        }
        totals.push(came_off);
    }
    totals
}

async fn one_is_let_in(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    assert_eq!(assertion_race(&server).await, [1; 20]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_assertion_races_against_itself_on_sqlite() {
    one_is_let_in(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_assertion_races_against_itself_on_postgres() {
    one_is_let_in(Engine::Postgres).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_overlap_while_they_are_replaced() {
    let server = Server::start(Engine::Sqlite, &[]).await;
    let current = bcrypt::hash("the new one", 4).unwrap();
    let previous = format!("'{}'", bcrypt::hash(SECRET, 4).unwrap());
    let of = format!(
        "'{}'",
        authgate::domain::digest::sha256_hex(current.as_bytes())
    );
    for (id, until) in [
        ("overlaps", "'2099-01-01 00:00:00+00:00'"),
        ("over", "'2020-01-01 00:00:00+00:00'"),
    ] {
        Machine {
            id,
            kind: "confidential",
            flow: true,
            more: &[
                ("previous_secret", &previous),
                ("previous_secret_of", &of),
                ("previous_secret_until", until),
            ],
        }
        .register(&server)
        .await;
    }
    let change = format!(
        "UPDATE oauth_applications SET client_secret = '{current}' WHERE client_id LIKE 'over%'"
    );
    server.sql(&change, &change).await;
    let mut http = server.http().await;
    for _ in 0..2 {
        for (id, secret, status) in [
            ("overlaps", "the new one", 200),
            ("overlaps", SECRET, 200),
            ("overlaps", "another", 401),
            ("over", "the new one", 200),
            ("over", SECRET, 401),
        ] {
            let form = [("token", "t"), ("client_id", id), ("client_secret", secret)];
            assert_eq!(
                http.post("/oauth/introspect", &form).await.status,
                status,
                "{id} {secret}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registered_method_may_be_the_only_one() {
    let server = Server::start(Engine::Sqlite, &[("STRICT_CLIENT_AUTH_METHODS", "true")]).await;
    for (id, method) in [
        ("by-header", "'client_secret_basic'"),
        ("by-body", "'client_secret_post'"),
    ] {
        Machine {
            id,
            kind: "confidential",
            flow: true,
            more: &[("token_endpoint_auth_method", method)],
        }
        .register(&server)
        .await;
    }
    let mut http = server.http().await;
    assert_eq!(introspect(&mut http, "by-header", "t").await.status, 200);
    assert_eq!(introspect(&mut http, "by-body", "t").await.status, 401);
    assert_eq!(token(&mut http, "by-body", &[]).await.status, 200);
    assert_eq!(token(&mut http, "by-header", &[]).await.status, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn client_auth_table() {
    let server = Server::start(Engine::Sqlite, &[]).await;
    machines(&server).await;
    let mut http = server.http().await;
    let (right, wrong) = (basic("machine", SECRET), basic("machine", "wrong"));
    let raw = format!(
        "Basic {}",
        general_purpose::STANDARD.encode(format!("machine:{SECRET}"))
    );
    let unknown = basic("nobody", SECRET);
    let body = |more: &[(&'static str, &'static str)]| {
        let mut form = vec![("grant_type", "client_credentials")];
        form.extend_from_slice(more);
        form
    };
    let secret = ("client_secret", SECRET);
    let (me, other) = (("client_id", "machine"), ("client_id", "brief"));
    for (header, form, status, error) in [
        (Some(right.as_str()), body(&[]), 200, ""),
        (Some(&right), body(&[me]), 200, ""),
        (None, body(&[me, secret]), 200, ""),
        (Some(&right), body(&[other]), 400, "invalid_request"),
        (Some(&right), body(&[me, secret]), 400, "invalid_request"),
        (
            Some(&right),
            body(&[me, ("client_secret", "wrong")]),
            400,
            "invalid_request",
        ),
        (Some(&wrong), body(&[]), 401, "invalid_client"),
        // Not form-encoded: the plus reads as a blank, the percent sign as nothing.
        (Some(&raw), body(&[]), 401, "invalid_client"),
        (Some(&unknown), body(&[]), 401, "invalid_client"),
        (Some("Basic !"), body(&[]), 401, "invalid_client"),
        (Some("Basic bm9jb2xvbg=="), body(&[]), 401, "invalid_client"),
        (Some("Bearer x"), body(&[]), 401, "invalid_client"),
        (None, body(&[me]), 401, "invalid_client"),
        (None, body(&[secret]), 401, "invalid_client"),
        (
            None,
            body(&[me, ("client_secret", "")]),
            401,
            "invalid_client",
        ),
    ] {
        let headers: Vec<_> = header.iter().map(|h| ("authorization", *h)).collect();
        let answer = http.post_with("/oauth/token", &headers, &form).await;
        assert_eq!(answer.status, status, "{header:?} {form:?} {answer:?}");
        if status != 200 {
            assert_eq!(answer.error(), error, "{header:?} {form:?}");
            assert_eq!(answer.header("www-authenticate").is_some(), status == 401);
            assert_eq!(answer.header("cache-control").as_deref(), Some("no-store"));
        }
    }
    throttled(&server, &mut http).await;
}

/// TK-09: after ten failures nothing is compared any more, except what was right before.
async fn throttled(server: &Server, http: &mut Http) {
    let wrong = [
        ("token", "t"),
        ("client_id", "brief"),
        ("client_secret", "wrong"),
    ];
    for _ in 0..10 {
        assert_eq!(http.post("/oauth/introspect", &wrong).await.status, 401);
    }
    let answer = http.post("/oauth/introspect", &wrong).await;
    assert_eq!(
        (answer.status, answer.error()),
        (429, "rate_limit_exceeded".to_owned())
    );
    assert_eq!(answer.header("retry-after").as_deref(), Some("60"));
    // "machine" was right a moment ago and failed three times: it goes on.
    assert_eq!(token(http, "machine", &[]).await.status, 200);
    let events = "SELECT count(*) FROM audit_logs WHERE event_type = 'CLIENT_AUTHENTICATION_FAILURE' \
                  AND actor_user_id = 'brief'";
    assert_eq!(server.count(events).await, 10);
}

const MACHINE: (&str, &str) = ("client_id", "machine");
const PROOF: (&str, &str) = ("client_secret", SECRET);

type Pairs = Vec<(&'static str, &'static str)>;

/// A request of each kind that has everything it needs, and what it is answered: nothing, or something else than that it
/// cannot be read.
fn whole_requests() -> Vec<(&'static str, Pairs, Option<&'static str>)> {
    let with = |more: &[(&'static str, &'static str)]| [&[MACHINE, PROOF], more].concat();
    let code = "0000000000000000000000000000000000000000";
    vec![
        ("/oauth/token", with(&[GRANT, ("scope", "read")]), None),
        (
            "/oauth/token",
            with(&[
                ("grant_type", "authorization_code"),
                ("code", "x"),
                ("redirect_uri", "https://a.example/"),
                ("code_verifier", "v"),
            ]),
            Some("invalid_grant"),
        ),
        (
            "/oauth/token",
            with(&[("grant_type", "refresh_token"), ("refresh_token", "x")]),
            Some("invalid_grant"),
        ),
        (
            "/oauth/token",
            with(&[("grant_type", DEVICE_GRANT), ("device_code", code)]),
            Some("invalid_grant"),
        ),
        ("/oauth/device/code", with(&[("scope", "read")]), None),
        (
            "/oauth/revoke",
            with(&[("token", "x"), ("token_type_hint", "access_token")]),
            None,
        ),
        (
            "/oauth/introspect",
            with(&[("token", "x"), ("token_type_hint", "access_token")]),
            None,
        ),
    ]
}

/// AZ-05: whatever is said twice makes a request that was right before one that cannot be read.
#[tokio::test(flavor = "multi_thread")]
async fn dup_params_rejected() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let server = Server::start(engine, &[]).await;
        machines(&server).await;
        let mut http = server.http().await;
        for (path, form, error) in whole_requests() {
            let answer = http.post(path, &form).await;
            match error {
                Some(error) => assert_eq!(answer.error(), error, "{path} {form:?}"),
                None => assert_eq!(answer.status, 200, "{path} {form:?}: {answer:?}"),
            }
            let unknown = ("nobody_knows_it", "a");
            for (name, value) in form.iter().copied().chain([unknown]) {
                // Also where both say the same, and where one says nothing.
                for second in [value, "b", ""] {
                    let mut twice = form.clone();
                    twice.retain(|(known, _)| *known != name);
                    twice.extend([(name, value), (name, second)]);
                    let answer = http.post(path, &twice).await;
                    assert_eq!(
                        (answer.status, answer.error()),
                        (400, "invalid_request".to_owned()),
                        "{path} {twice:?}"
                    );
                }
            }
        }
        // RFC 8707 §2: the one that may repeat.
        let two = [("resource", API), ("resource", API)];
        assert_eq!(token(&mut http, "machine", &two).await.status, 200);
        no_secrets_in_query(&mut http).await;
    }
}

/// TK-08: what belongs in the body is not read from the address, and a request that is right otherwise does not help.
async fn no_secrets_in_query(http: &mut Http) {
    for (path, form, _) in whole_requests() {
        for name in [
            "client_secret",
            "client_assertion",
            "token",
            "refresh_token",
            "code",
        ] {
            let answer = http.post(&format!("{path}?{name}=x"), &form).await;
            assert_eq!(
                (answer.status, answer.error()),
                (400, "invalid_request".to_owned()),
                "{path} {name}"
            );
        }
    }
    let answer = http
        .post("/oauth/token?grant_type=client_credentials", &[])
        .await;
    assert_eq!(answer.error(), "unsupported_grant_type");
}

/// TK-01, TK-03, TK-07: no grant and no endpoint serves a confidential client that proves nothing, all say so alike, and
/// nothing of it is stored on the way.
#[tokio::test(flavor = "multi_thread")]
async fn confidential_must_auth() {
    let server = Server::start(Engine::Sqlite, &[]).await;
    machines(&server).await;
    let mut http = server.http().await;
    let code = "0".repeat(40);
    let own = token(&mut http, "brief", &[]).await;
    assert_no_store(&own);
    let own = own.text("access_token");
    for (path, form) in [
        (
            "/oauth/token",
            vec![
                ("grant_type", "authorization_code"),
                ("code", "x"),
                ("redirect_uri", "https://a.example/"),
            ],
        ),
        (
            "/oauth/token",
            vec![("grant_type", "refresh_token"), ("refresh_token", "x")],
        ),
        (
            "/oauth/token",
            vec![("grant_type", DEVICE_GRANT), ("device_code", &code)],
        ),
        ("/oauth/token", vec![("grant_type", "client_credentials")]),
        ("/oauth/introspect", vec![("token", "x")]),
        ("/oauth/revoke", vec![("token", &own)]),
    ] {
        for proof in [None, Some("wrong")] {
            let mut form = form.clone();
            form.push(("client_id", "brief"));
            form.extend(proof.map(|secret| ("client_secret", secret)));
            let answer = http.post(path, &form).await;
            assert_eq!(
                (answer.status, answer.error()),
                (401, "invalid_client".to_owned()),
                "{path} {form:?}"
            );
            let challenge = answer.header("www-authenticate").unwrap();
            assert!(challenge.starts_with("Basic realm="), "{challenge}");
            assert_no_store(&answer);
        }
    }
    let looked = introspect(&mut http, "brief", &own).await;
    assert_eq!(looked.json()["active"], true, "nobody revoked it");
    assert_no_store(&looked);
    let bearer = format!("Bearer {own}");
    for path in ["/oauth/tokeninfo", "/oauth/userinfo"] {
        assert_no_store(&http.get(path, &[("authorization", &bearer)]).await);
        assert_no_store(&http.get(path, &[]).await);
    }
}

fn assert_no_store(answer: &Answer) {
    assert_eq!(
        answer.header("cache-control").as_deref(),
        Some("no-store"),
        "{answer:?}"
    );
    assert_eq!(answer.header("pragma").as_deref(), Some("no-cache"));
}

/// TK-04: what a client may do is asked when a grant is redeemed, not only when it began.
#[tokio::test(flavor = "multi_thread")]
async fn disable_flow_between_start_and_redeem() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let server = Server::start(engine, &[]).await;
        let mut codes = server.approved_codes(2).await;
        let mut http = server.http().await;
        let refresh = http
            .poll(&server.client_id, &codes.remove(0))
            .await
            .text("refresh_token");
        let only = |device: bool, code: bool| {
            format!(
                "UPDATE oauth_applications SET enable_device_flow = {device}, enable_auth_code_flow = {code}"
            )
        };
        let waiting = codes.remove(0);
        for code in [false, true] {
            let off = only(false, code);
            server.sql(&off, &off).await;
            let answer = http.poll(&server.client_id, &waiting).await;
            assert_eq!(answer.error(), "unauthorized_client");
            // What the device grant led to is not kept alive by the other grant.
            let answer = http.refresh(&server.client_id, &refresh).await;
            assert_eq!(answer.error(), "unauthorized_client", "code: {code}");
        }
        let on = only(true, false);
        server.sql(&on, &on).await;
        let answer = http.refresh(&server.client_id, &refresh).await;
        assert_eq!(answer.status, 200, "{answer:?}");
    }
}

/// IR-04, TK-10: what one pod was told every other knows, as soon as the answer is out.
#[tokio::test(flavor = "multi_thread")]
async fn pods_agree() {
    let server = Server::start(Engine::Postgres, &[]).await;
    let keys = key(Algorithm::Es256, "p256.pkcs8.pem");
    machines(&server).await;
    signer(&server, &[&keys]).await;
    let other = server.beside().await;
    let (mut here, mut there) = (server.http().await, other.http().await);
    let base = format!("http://127.0.0.1:{}", server.port);
    let header = basic("machine", SECRET);
    for round in 0..25 {
        let own = token(&mut here, "machine", &[]).await.text("access_token");
        let seen = introspect(&mut there, "brief", &own).await;
        assert_eq!(seen.json()["active"], true, "round {round}");
        let revoked = here
            .post_with(
                "/oauth/revoke",
                &[("authorization", &header)],
                &[("token", &own)],
            )
            .await;
        assert_eq!(revoked.status, 200);
        let seen = introspect(&mut there, "brief", &own).await;
        assert_eq!(seen.body, "{\"active\":false}", "round {round}");
        assert_eq!(there.tokeninfo(&own).await, 401, "round {round}");
        let once = assertion(&keys, &base, &format!("p{round}"));
        let first = assert_by(&mut here, "/oauth/token", &once, &[GRANT]).await;
        let again = assert_by(&mut there, "/oauth/token", &once, &[GRANT]).await;
        assert_eq!(first.status, 200, "round {round}: {first:?}");
        assert!(
            matches!(again.status, 401 | 429),
            "round {round}: {again:?}"
        );
    }
}
