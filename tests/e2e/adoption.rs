//! A database that the Go server made is opened in place, and what it issued keeps working.
use crate::support::{DEVICE_GRANT, Engine, Server};
use serde_json::Value;
use std::path::Path;

fn facts() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/go-sqlite/facts.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

async fn adopted() -> (Server, Value) {
    let facts = facts();
    let env: Vec<(&str, &str)> = facts["env"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str().unwrap()))
        .collect();
    let mut server = Server::prepared(Engine::Sqlite, &env).await;
    let database = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/go-sqlite/oauth.db");
    std::fs::copy(database, server.directory.path().join("oauth.db")).unwrap();
    server.launch().await;
    server.client_id = facts["clients"]["cli"]["client_id"]
        .as_str()
        .unwrap()
        .to_owned();
    (server, facts)
}

#[tokio::test(flavor = "multi_thread")]
async fn live_tokens_of_the_go_server_keep_working() {
    let (server, facts) = adopted().await;
    let mut http = server.http().await;
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    for grant in [
        "device",
        "code_confidential",
        "code_public",
        "client_credentials",
        "client_credentials_resource",
    ] {
        assert_eq!(
            http.tokeninfo(&text(&facts["tokens"][grant]["access_token"]))
                .await,
            200,
            "{grant}"
        );
    }
    assert_eq!(
        http.tokeninfo(&text(&facts["tokens"]["revoked"]["access_token"]))
            .await,
        401
    );
    let refresh = text(&facts["tokens"]["device"]["refresh_token"]);
    let fresh = http.refresh(&server.client_id, &refresh).await;
    assert_eq!(http.tokeninfo(&fresh.text("access_token")).await, 200);
    assert_eq!(
        http.refresh(&server.client_id, &refresh).await.error(),
        "invalid_grant"
    );
    assert_eq!(
        http.tokeninfo(&text(&facts["tokens"]["device"]["access_token"]))
            .await,
        401
    );
    // JSON columns stay BLOBs: one row of text would make the Go server refuse its client.
    let typed = "SELECT count(*) FROM access_tokens WHERE typeof(resource) NOT IN ('blob', 'null')";
    assert_eq!(server.count(typed).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_in_flight_of_the_go_server_is_redeemed_once() {
    let (server, facts) = adopted().await;
    server
        .sql(
            "UPDATE device_codes SET expires_at = '2099-01-01 00:00:00+00:00'",
            "",
        )
        .await;
    let code = |name: &str| {
        facts["device_codes"][name]["device_code"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let mut http = server.http().await;
    assert_eq!(
        http.poll(&server.client_id, &code("pending")).await.error(),
        "authorization_pending"
    );
    let tokens = http.poll(&server.client_id, &code("approved")).await;
    assert_eq!(tokens.status, 200, "{tokens:?}");
    let form = [
        ("grant_type", DEVICE_GRANT),
        ("client_id", server.client_id.as_str()),
        ("device_code", &code("approved")),
    ];
    assert_eq!(
        http.post("/oauth/token", &form).await.error(),
        "invalid_grant"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_administrator_of_the_go_server_signs_in() {
    let (server, facts) = adopted().await;
    let mut http = server.http().await;
    let page = http.get("/login", &[]).await;
    let csrf = crate::support::field(&page.body, "csrf_token");
    let password = facts["admin"]["password"].as_str().unwrap();
    let form = [
        ("username", "admin"),
        ("password", password),
        ("csrf_token", &csrf),
    ];
    assert_eq!(http.post("/login", &form).await.status, 302);
    // The way back stays open: the hash is still one that the Go server reads.
    assert_eq!(
        server
            .count("SELECT count(*) FROM users WHERE password_hash LIKE '$2a$%'")
            .await,
        server.count("SELECT count(*) FROM users").await
    );
}
