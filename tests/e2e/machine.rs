//! What clients do without a person: prove who they are, get tokens for themselves, look at tokens and revoke them.
use crate::{
    http::Answer,
    support::{Engine, Http, Server},
};
use base64::{Engine as _, engine::general_purpose};
use serde_json::Value;

const SECRET: &str = "ago_ very+secret%:/";
const API: &str = "https://api.example/v1";

/// A client in the database of the server.
struct Machine<'a> {
    id: &'a str,
    kind: &'a str,
    flow: bool,
    more: &'a [(&'a str, &'a str)],
}

impl Machine<'_> {
    async fn register(&self, server: &Server) {
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

async fn machines(server: &Server) {
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
fn basic(id: &str, secret: &str) -> String {
    let half =
        |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let both = format!("{}:{}", half(id), half(secret));
    format!("Basic {}", general_purpose::STANDARD.encode(both))
}

fn claims(jwt: &str) -> Value {
    let payload = jwt.split('.').nth(1).unwrap();
    serde_json::from_slice(&general_purpose::URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

async fn token(http: &mut Http, id: &str, more: &[(&str, &str)]) -> Answer {
    let mut form = vec![
        ("grant_type", "client_credentials"),
        ("client_id", id),
        ("client_secret", SECRET),
    ];
    form.extend_from_slice(more);
    http.post("/oauth/token", &form).await
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
