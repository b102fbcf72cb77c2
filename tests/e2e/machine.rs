//! What clients do without a person: prove who they are, get tokens for themselves, look at tokens and revoke them.
use crate::{
    http::Answer,
    support::{DEVICE_GRANT, Engine, Http, Server, until},
};
use base64::{Engine as _, engine::general_purpose};
use serde_json::{Value, json};

pub const SECRET: &str = "ago_ very+secret%:/";
pub const API: &str = "https://api.example/v1";

/// A client in the database of the server.
pub struct Machine<'a> {
    pub id: &'a str,
    pub kind: &'a str,
    pub flow: bool,
    pub more: &'a [(&'a str, &'a str)],
}

impl Machine<'_> {
    pub async fn register(&self, server: &Server) {
        let hash = bcrypt::hash(SECRET, 4).unwrap();
        let (mut names, mut values) = (String::new(), String::new());
        for (name, value) in self.more {
            names += &format!(", {name}");
            values += &format!(", {value}");
        }
        let statement = |yes: &str, no: &str, json: fn(&str) -> String| {
            format!(
                "INSERT INTO oauth_applications (client_id, client_secret, client_name, description, user_id, scopes, \
                 grant_types, redirect_uris, allowed_resources, client_type, enable_device_flow, \
                 enable_auth_code_flow, enable_client_credentials_flow, status, created_at, updated_at{names}) VALUES \
                 ('{}', '{hash}', 'Machine', '', '', 'openid read write', 'client_credentials', {}, {}, '{}', {yes}, \
                 {yes}, {}, 'active', '2026-01-01 00:00:00+00:00', '2026-01-01 00:00:00+00:00'{values})",
                self.id,
                json("[]"),
                json(&format!("[\"{API}\"]")),
                self.kind,
                if self.flow { yes } else { no },
            )
        };
        let lite = statement("1", "0", |text| format!("CAST('{text}' AS BLOB)"));
        let pg = statement("true", "false", |text| format!("'{text}'"));
        server.sql(&lite, &pg).await;
    }
}

pub async fn machines(server: &Server) {
    for (id, kind, flow, more) in [
        ("machine", "confidential", true, &[][..]),
        (
            "brief",
            "confidential",
            true,
            &[("machine_token_ttl", "90")],
        ),
        (
            "endless",
            "confidential",
            true,
            &[("machine_token_ttl", "9999999")],
        ),
        ("closed", "confidential", false, &[]),
        ("public", "public", true, &[]),
        ("asleep", "confidential", true, &[]),
    ] {
        Machine {
            id,
            kind,
            flow,
            more,
        }
        .register(server)
        .await;
    }
    let sleep = "UPDATE oauth_applications SET status = 'inactive' WHERE client_id = 'asleep'";
    server.sql(sleep, sleep).await;
}

/// RFC 6749 §2.3.1: both halves form-encoded.
pub fn basic(id: &str, secret: &str) -> String {
    let half =
        |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let both = format!("{}:{}", half(id), half(secret));
    format!("Basic {}", general_purpose::STANDARD.encode(both))
}

pub fn claims(jwt: &str) -> Value {
    let payload = jwt.split('.').nth(1).unwrap();
    serde_json::from_slice(&general_purpose::URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

pub async fn token(http: &mut Http, id: &str, more: &[(&str, &str)]) -> Answer {
    let mut form = vec![
        ("grant_type", "client_credentials"),
        ("client_id", id),
        ("client_secret", SECRET),
    ];
    form.extend_from_slice(more);
    http.post("/oauth/token", &form).await
}

/// A fleet that starts at once shows one secret many times before it was ever verified: one slow compare serves them all.
#[tokio::test(flavor = "multi_thread")]
async fn a_burst_of_first_calls_is_served() {
    let server = Server::start(Engine::Sqlite, &[]).await;
    machines(&server).await;
    let hash = bcrypt::hash(SECRET, 10).unwrap();
    let slow = format!(
        "UPDATE oauth_applications SET client_secret = '{hash}' WHERE client_id = 'machine'"
    );
    server.sql(&slow, &slow).await;
    let mut calls = Vec::new();
    for _ in 0..100 {
        let mut http = server.http().await;
        calls.push(tokio::spawn(async move {
            token(&mut http, "machine", &[]).await.status
        }));
    }
    for call in calls {
        assert_eq!(call.await.unwrap(), 200);
    }
}

async fn whole_grant(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    machines(&server).await;
    let mut http = server.http().await;
    let answer = http
        .post_with(
            "/oauth/token",
            &[("authorization", &basic("machine", SECRET))],
            &[("grant_type", "client_credentials")],
        )
        .await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.header("cache-control").as_deref(), Some("no-store"));
    assert_eq!(answer.header("pragma").as_deref(), Some("no-cache"));
    let json = answer.json();
    assert_eq!(json["scope"], "openid read write");
    assert!((3598..=3600).contains(&json["expires_in"].as_i64().unwrap()));
    assert!(json.get("refresh_token").is_none() && json.get("id_token").is_none());
    let said = claims(&answer.text("access_token"));
    assert_eq!(said["sub"], "client:machine");
    assert_eq!(said["user_id"], "client:machine");
    assert_eq!((said.get("aud"), said.get("extra_uid")), (None, None));
    let info = http
        .get(
            "/oauth/tokeninfo",
            &[(
                "authorization",
                &format!("Bearer {}", answer.text("access_token")),
            )],
        )
        .await;
    assert_eq!(info.text("subject_type"), "client");

    let narrowed = token(
        &mut http,
        "machine",
        &[("scope", "write"), ("resource", API)],
    )
    .await;
    assert_eq!(narrowed.text("scope"), "write");
    assert_eq!(claims(&narrowed.text("access_token"))["aud"], API);
    let added = token(
        &mut http,
        "machine",
        &[("extra_claims", r#"{"team":1.50}"#)],
    )
    .await;
    assert_eq!(claims(&added.text("access_token"))["team"], 1.5);
    for (id, life) in [("brief", 90), ("endless", 86_400)] {
        let said = claims(&token(&mut http, id, &[]).await.text("access_token"));
        assert_eq!(
            said["exp"].as_i64().unwrap() - said["iat"].as_i64().unwrap(),
            life
        );
    }
    for (id, more, status, error) in [
        ("machine", ("scope", "read admin"), 400, "invalid_scope"),
        ("machine", ("scope", "openid"), 400, "invalid_scope"),
        ("machine", ("scope", " "), 400, "invalid_scope"),
        (
            "machine",
            ("resource", "https://other.example"),
            400,
            "invalid_target",
        ),
        (
            "machine",
            ("resource", "https://api.example/#x"),
            400,
            "invalid_target",
        ),
        ("machine", ("extra_claims", "{"), 400, "invalid_request"),
        (
            "machine",
            ("extra_claims", r#"{"a":{"b":1,"b":2}}"#),
            400,
            "invalid_request",
        ),
        (
            "machine",
            ("extra_claims", r#"{"a":[[[[[[[[1]]]]]]]]}"#),
            400,
            "invalid_request",
        ),
        (
            "machine",
            ("extra_claims", r#"{"SUB":"root"}"#),
            400,
            "invalid_request",
        ),
        ("closed", ("scope", ""), 400, "unauthorized_client"),
        ("public", ("scope", ""), 401, "invalid_client"),
        ("asleep", ("scope", ""), 401, "invalid_client"),
        ("nobody", ("scope", ""), 401, "invalid_client"),
    ] {
        let answer = token(&mut http, id, &[more]).await;
        assert_eq!(
            (answer.status, answer.error()),
            (status, error.to_owned()),
            "{id} {more:?}"
        );
    }
    rows(&server).await;
}

async fn rows(server: &Server) {
    let events = "SELECT count(*) FROM audit_logs WHERE event_type = 'CLIENT_CREDENTIALS_TOKEN_ISSUED' \
                  AND actor_kind = 'client' AND actor_user_id IN ('machine', 'brief', 'endless')";
    assert_eq!(server.count(events).await, 5);
    let written = "SELECT count(*) FROM access_tokens WHERE token_category = 'access' AND status = 'active' \
                   AND token_type = 'Bearer' AND user_id = 'client:machine' AND parent_token_id = '' \
                   AND token_family_id = '' AND authorization_id IS NULL AND last_used_at IS NULL";
    assert_eq!(server.count(written).await, 3);
    assert_eq!(server.count("SELECT count(*) FROM token_families").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_gets_tokens_for_itself_on_sqlite() {
    whole_grant(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_gets_tokens_for_itself_on_postgres() {
    whole_grant(Engine::Postgres).await;
}

pub async fn introspect(http: &mut Http, id: &str, token: &str) -> Answer {
    let header = basic(id, SECRET);
    http.post_with(
        "/oauth/introspect",
        &[("authorization", &header)],
        &[("token", token), ("token_type_hint", "refresh_token")],
    )
    .await
}

/// An access and a refresh token of a person.
async fn persons_tokens(server: &Server) -> (String, String) {
    let code = server.approved_codes(1).await.remove(0);
    let tokens = server.http().await.poll(&server.client_id, &code).await;
    (tokens.text("access_token"), tokens.text("refresh_token"))
}

async fn introspection(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    machines(&server).await;
    let mut http = server.http().await;
    let own = token(
        &mut http,
        "machine",
        &[("scope", "read"), ("resource", API)],
    )
    .await
    .text("access_token");
    let answer = introspect(&mut http, "machine", &own).await;
    assert_eq!(answer.header("cache-control").as_deref(), Some("no-store"));
    let (json, said) = (answer.json(), claims(&own));
    let expected = json!({
        "active": true, "aud": API, "client_id": "machine", "exp": said["exp"], "iat": said["iat"],
        "iss": format!("http://127.0.0.1:{}", server.port), "jti": said["jti"], "scope": "read",
        "sub": "client:machine", "token_type": "Bearer",
    });
    assert_eq!(json, expected);

    let (access, refresh) = persons_tokens(&server).await;
    let json = introspect(&mut http, "brief", &access).await.json();
    assert_eq!(json["active"], true);
    assert_eq!(json["username"], "admin");
    assert_eq!(json["client_id"], server.client_id);
    assert_eq!(json["jti"], claims(&access)["jti"]);
    let answer = introspect(&mut http, "brief", &refresh).await;
    assert_eq!(answer.body, "{\"active\":false}", "no API may take one");
    inactive_is_bare(&server, &mut http, &access).await;
    who_may_not_ask(&mut http, &own).await;
    let events = "SELECT count(*) FROM audit_logs WHERE event_type = 'TOKEN_INTROSPECTED' AND actor_kind = 'client' \
                  AND actor_user_id IN ('machine', 'brief')";
    until("they are in the trail", async || {
        server.count(events).await >= 2
    })
    .await;
}

async fn inactive_is_bare(server: &Server, http: &mut Http, access: &str) {
    let past = "UPDATE access_tokens SET expires_at = '2020-01-01 00:00:00+00:00' WHERE user_id = 'client:brief'";
    let expired = token(http, "brief", &[]).await.text("access_token");
    server.sql(past, past).await;
    let disabled = token(http, "endless", &[]).await.text("access_token");
    let off = "UPDATE access_tokens SET status = 'disabled' WHERE user_id = 'client:endless'";
    server.sql(off, off).await;
    let forged = format!("{access}x");
    let revoked = token(http, "machine", &[]).await.text("access_token");
    let form = [
        ("token", revoked.as_str()),
        ("client_id", "machine"),
        ("client_secret", SECRET),
    ];
    assert_eq!(http.post("/oauth/revoke", &form).await.status, 200);
    for token in [&expired, &disabled, &revoked, &forged, "nope", "\u{2603}"] {
        let answer = introspect(http, "machine", token).await;
        assert_eq!(
            (answer.status, answer.body.as_str()),
            (200, "{\"active\":false}")
        );
    }
    let (lite, pg) = (
        "UPDATE users SET is_active = 0",
        "UPDATE users SET is_active = false",
    );
    server.sql(lite, pg).await;
    let answer = introspect(http, "machine", access).await;
    assert_eq!(
        answer.body, "{\"active\":false}",
        "its person is switched off"
    );
}

async fn who_may_not_ask(http: &mut Http, token: &str) {
    for (credentials, status, error) in [
        (&[][..], 401, "invalid_client"),
        (&[("client_id", "machine")], 401, "invalid_client"),
        (
            &[("client_id", "machine"), ("client_secret", "wrong")],
            401,
            "invalid_client",
        ),
        (
            &[("client_id", "public"), ("client_secret", SECRET)],
            401,
            "invalid_client",
        ),
        (
            &[("client_id", "asleep"), ("client_secret", SECRET)],
            401,
            "invalid_client",
        ),
        (
            &[("client_id", "nobody"), ("client_secret", SECRET)],
            401,
            "invalid_client",
        ),
    ] {
        let mut form = credentials.to_vec();
        form.push(("token", token));
        let answer = http.post("/oauth/introspect", &form).await;
        assert_eq!(
            (answer.status, answer.error()),
            (status, error.to_owned()),
            "{credentials:?}"
        );
        let challenge = answer.header("www-authenticate");
        assert_eq!(challenge.as_deref(), Some("Basic realm=\"authgate\""));
    }
    let form = [("client_id", "machine"), ("client_secret", SECRET)];
    let answer = http.post("/oauth/introspect", &form).await;
    assert_eq!(
        (answer.status, answer.error()),
        (400, "invalid_request".to_owned())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_looks_at_tokens_on_sqlite() {
    introspection(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_looks_at_tokens_on_postgres() {
    introspection(Engine::Postgres).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn introspect_audience() {
    let pairs = format!("brief={API}");
    let env = [
        ("INTROSPECT_POLICY", "audience"),
        ("INTROSPECT_AUDIENCES", pairs.as_str()),
    ];
    let server = Server::start(Engine::Sqlite, &env).await;
    machines(&server).await;
    let mut http = server.http().await;
    let token = token(&mut http, "machine", &[("resource", API)])
        .await
        .text("access_token");
    for (caller, active) in [("machine", true), ("brief", true), ("endless", false)] {
        let answer = introspect(&mut http, caller, &token).await;
        assert_eq!(answer.json()["active"], active, "{caller}");
    }
}

/// IR-05 and IR-06: the owner revokes, nobody else; a refresh token takes its access tokens along.
async fn revocation(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    machines(&server).await;
    let mut http = server.http().await;
    let own = token(&mut http, "machine", &[]).await.text("access_token");
    let (access, refresh) = persons_tokens(&server).await;
    let id = server.client_id.clone();
    let brief = basic("brief", SECRET);
    let owner = basic("machine", SECRET);
    let wrong = basic("machine", "wrong");
    for (header, token, status, error) in [
        (Some(&brief), &own, 400, "unauthorized_client"),
        (Some(&brief), &access, 400, "unauthorized_client"),
        (Some(&wrong), &own, 401, "invalid_client"),
        (None, &own, 401, "invalid_client"),
    ] {
        let headers: Vec<_> = header
            .iter()
            .map(|h| ("authorization", h.as_str()))
            .collect();
        let answer = http
            .post_with("/oauth/revoke", &headers, &[("token", token)])
            .await;
        assert_eq!((answer.status, answer.error()), (status, error.to_owned()));
    }
    assert_eq!(
        introspect(&mut http, "machine", &own).await.json()["active"],
        true
    );
    for token in [own.as_str(), own.as_str(), "unknown"] {
        let form = [("token", token), ("token_type_hint", "nonsense")];
        let answer = http
            .post_with("/oauth/revoke", &[("authorization", &owner)], &form)
            .await;
        assert_eq!((answer.status, answer.body.as_str()), (200, ""));
        assert_eq!(answer.header("cache-control").as_deref(), Some("no-store"));
        assert_eq!(answer.header("content-type"), None);
    }
    let form = [
        ("token", refresh.as_str()),
        ("client_id", &id),
        ("token_type_hint", "access_token"),
    ];
    assert_eq!(http.post("/oauth/revoke", &form).await.status, 200);
    for token in [&own, &access, &refresh] {
        let answer = introspect(&mut http, "machine", token).await;
        assert_eq!(answer.body, "{\"active\":false}");
    }
    let answer = http
        .post_with("/oauth/revoke", &[("authorization", &owner)], &[])
        .await;
    assert_eq!(
        (answer.status, answer.error()),
        (400, "invalid_request".to_owned())
    );
    let events = "SELECT count(*) FROM audit_logs WHERE event_type = 'TOKEN_REVOKED'";
    assert_eq!(server.count(events).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn revoke_owner_and_cascade_on_sqlite() {
    revocation(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn revoke_owner_and_cascade_on_postgres() {
    revocation(Engine::Postgres).await;
}

/// IR-03: an outage is neither "revoked" nor "inactive".
#[tokio::test(flavor = "multi_thread")]
async fn revoke_tells_the_truth() {
    let server = Server::start(Engine::Postgres, &[]).await;
    machines(&server).await;
    let mut http = server.http().await;
    let own = token(&mut http, "machine", &[]).await.text("access_token");
    assert_eq!(
        introspect(&mut http, "machine", &own).await.json()["active"],
        true
    );
    server.outage(true).await;
    let header = basic("machine", SECRET);
    for path in ["/oauth/revoke", "/oauth/introspect"] {
        let answer = http
            .post_with(path, &[("authorization", &header)], &[("token", &own)])
            .await;
        assert_eq!(answer.status, 503, "{path}: {answer:?}");
        assert_eq!(answer.header("retry-after").as_deref(), Some("5"));
        assert_eq!(answer.error(), "temporarily_unavailable");
    }
    server.outage(false).await;
    assert_eq!(
        introspect(&mut http, "machine", &own).await.json()["active"],
        true
    );
    let answer = http
        .post_with(
            "/oauth/revoke",
            &[("authorization", &header)],
            &[("token", &own)],
        )
        .await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(
        introspect(&mut http, "machine", &own).await.json()["active"],
        false
    );
}

/// `extra_claims` of a public client, on the device and the refresh grant; `typ` of access tokens.
#[tokio::test(flavor = "multi_thread")]
async fn public_clients_add_claims_only_where_they_may() {
    let server = Server::start(Engine::Sqlite, &[]).await;
    let code = server.approved_codes(1).await.remove(0);
    let mut http = server.http().await;
    let claims_of = |form: Vec<(&'static str, String)>| {
        let mut form = form;
        form.push(("extra_claims", r#"{"team":"blue"}"#.to_owned()));
        form
    };
    let poll = claims_of(vec![
        ("grant_type", DEVICE_GRANT.to_owned()),
        ("client_id", server.client_id.clone()),
        ("device_code", code.clone()),
    ]);
    let refused = post(&mut http, &poll).await;
    assert_eq!(refused.error(), "invalid_request");
    let refresh = http
        .poll(&server.client_id, &code)
        .await
        .text("refresh_token");
    let again = claims_of(vec![
        ("grant_type", "refresh_token".to_owned()),
        ("client_id", server.client_id.clone()),
        ("refresh_token", refresh),
    ]);
    assert_eq!(post(&mut http, &again).await.error(), "invalid_request");

    let env = [
        ("EXTRA_CLAIMS_PUBLIC_CLIENTS", "true"),
        ("ACCESS_TOKEN_TYPE", "at+jwt"),
        // Without it the server does not start: RFC 9068 §2.2.
        ("JWT_AUDIENCE", API),
    ];
    let server = Server::start(Engine::Sqlite, &env).await;
    let code = server.approved_codes(1).await.remove(0);
    let mut http = server.http().await;
    let poll = claims_of(vec![
        ("grant_type", DEVICE_GRANT.to_owned()),
        ("client_id", server.client_id.clone()),
        ("device_code", code),
    ]);
    let tokens = post(&mut http, &poll).await;
    for (name, typ) in [("access_token", "at+jwt"), ("refresh_token", "JWT")] {
        let token = tokens.text(name);
        assert_eq!(claims(&token)["team"], "blue");
        let head = general_purpose::URL_SAFE_NO_PAD
            .decode(token.split('.').next().unwrap())
            .unwrap();
        let head: Value = serde_json::from_slice(&head).unwrap();
        assert_eq!(head["typ"], typ);
        assert_eq!(claims(&token)["aud"], API);
    }
    assert_eq!(http.tokeninfo(&tokens.text("access_token")).await, 200);
    let again = http
        .refresh(&server.client_id, &tokens.text("refresh_token"))
        .await;
    assert_eq!(claims(&again.text("access_token")).get("team"), None);
}

async fn post(http: &mut Http, form: &[(&str, String)]) -> Answer {
    let form: Vec<(&str, &str)> = form.iter().map(|(k, v)| (*k, v.as_str())).collect();
    http.post("/oauth/token", &form).await
}

/// TK-05 for resources (RFC 8707): each request narrows what was granted, none widens it, and the grant itself stays.
#[tokio::test(flavor = "multi_thread")]
async fn resource_lattice() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let server = Server::start(engine, &[("ENABLE_TOKEN_ROTATION", "true")]).await;
        let list = "'[\"https://a.example\",\"https://b.example\",\"https://c.example\"]'";
        let allow =
            |list: &str| format!("UPDATE oauth_applications SET allowed_resources = {list}");
        let (lite, pg) = (allow(&format!("CAST({list} AS BLOB)")), allow(list));
        server.sql(&lite, &pg).await;
        let mut http = server.http().await;
        let id = server.client_id.clone();
        let start = [
            ("client_id", id.as_str()),
            ("resource", "https://a.example"),
            ("resource", "https://b.example"),
        ];
        let code = http
            .post("/oauth/device/code", &start)
            .await
            .text("device_code");
        server.approve_all().await;
        let mut held = ("device_code", code, DEVICE_GRANT);
        for (asked, audience) in [
            (&["https://c.example"][..], None),
            (&["https://a.example", "https://c.example"], None),
            (&["https://a.example"], Some(json!("https://a.example"))),
            (&["https://c.example"], None),
            (&["https://b.example"], Some(json!("https://b.example"))),
            (&[], Some(json!(["https://a.example", "https://b.example"]))),
        ] {
            let mut form = vec![
                ("grant_type", held.2),
                ("client_id", id.as_str()),
                (held.0, held.1.as_str()),
            ];
            form.extend(asked.iter().map(|resource| ("resource", *resource)));
            let answer = http.post("/oauth/token", &form).await;
            match audience {
                None => assert_eq!(answer.error(), "invalid_target", "{asked:?}"),
                Some(audience) => {
                    assert_eq!(claims(&answer.text("access_token"))["aud"], audience);
                    let refresh = answer.text("refresh_token");
                    assert_eq!(claims(&refresh).get("aud"), None);
                    held = ("refresh_token", refresh, "refresh_token");
                }
            }
        }
    }
}
