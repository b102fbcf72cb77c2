//! The device grant from end to end, on both engines.
use crate::support::{DEVICE_GRANT, Engine, Server};

async fn started(server: &Server) -> (String, String) {
    let mut http = server.http().await;
    let form = [
        ("client_id", server.client_id.as_str()),
        ("scope", "email profile admin"),
    ];
    let answer = http.post("/oauth/device/code", &form).await;
    assert_eq!(answer.header("cache-control").as_deref(), Some("no-store"));
    let json = answer.json();
    assert_eq!(
        (json["expires_in"].as_i64(), json["interval"].as_i64()),
        (Some(1800), Some(5))
    );
    let (device, user) = (answer.text("device_code"), answer.text("user_code"));
    assert_eq!(
        answer.text("verification_uri"),
        format!("http://127.0.0.1:{}/device", server.port)
    );
    assert!(
        answer
            .text("verification_uri_complete")
            .ends_with(&format!("/device?user_code={user}"))
    );
    assert_eq!(device.len(), 40);
    (device, user)
}

async fn whole_flow(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let id = server.client_id.as_str();
    let (mut tool, mut person) = (server.http().await, server.http().await);
    let (device_code, user_code) = started(&server).await;
    assert_eq!(
        tool.poll(id, &device_code).await.error(),
        "authorization_pending"
    );
    let mut told = String::new();
    for _ in 0..10 {
        told = tool.poll(id, &device_code).await.error();
        // On a machine that stands still, five seconds may have passed.
        if told != "authorization_pending" {
            break;
        }
    }
    assert_eq!(told, "slow_down");
    person.sign_in().await;
    assert_eq!(person.decide("ABCD-2345", "approve").await.status, 400);
    let done = person.decide(&user_code.to_lowercase(), "approve").await;
    assert_eq!(done.status, 200, "{done:?}");
    assert_eq!(person.decide(&user_code, "approve").await.status, 400);
    assert_eq!(
        tool.poll("00000000-0000-4000-8000-000000000000", &device_code)
            .await
            .error(),
        "invalid_client"
    );
    let tokens = tool.poll(id, &device_code).await;
    assert_eq!(tokens.status, 200, "{tokens:?}");
    assert_eq!(tokens.text("scope"), "email profile");
    assert_eq!(tokens.text("token_type"), "Bearer");
    assert_eq!(tool.poll(id, &device_code).await.error(), "invalid_grant");
    let (access, refresh) = (tokens.text("access_token"), tokens.text("refresh_token"));
    assert_eq!(tool.tokeninfo(&access).await, 200);
    assert_eq!(tool.tokeninfo(&refresh).await, 401);
    let again = tool.refresh(id, &refresh).await;
    assert_eq!(again.text("refresh_token"), refresh);
    let form = [
        ("grant_type", "refresh_token"),
        ("client_id", id),
        ("refresh_token", &refresh),
        ("scope", "email"),
    ];
    assert_eq!(
        tool.post("/oauth/token", &form).await.text("scope"),
        "email"
    );
    let form = [
        ("grant_type", "refresh_token"),
        ("client_id", id),
        ("refresh_token", &refresh),
        ("scope", "openid"),
    ];
    assert_eq!(
        tool.post("/oauth/token", &form).await.error(),
        "invalid_scope"
    );
    assert_eq!(
        tool.post("/oauth/revoke", &[("token", refresh.as_str())])
            .await
            .status,
        200
    );
    for token in [&access, &again.text("access_token")] {
        assert_eq!(tool.tokeninfo(token).await, 401);
    }
    assert_eq!(tool.refresh(id, &refresh).await.error(), "invalid_grant");
    audited(&server).await;
}

async fn audited(server: &Server) {
    for (event, many) in [
        ("DEVICE_CODE_GENERATED", 1),
        ("DEVICE_CODE_AUTHORIZED", 1),
        ("USER_AUTHORIZATION_GRANTED", 1),
        ("ACCESS_TOKEN_ISSUED", 1),
        ("REFRESH_TOKEN_ISSUED", 1),
        ("TOKEN_REFRESHED", 2),
        ("TOKEN_REVOKED", 1),
        ("AUTHENTICATION_SUCCESS", 1),
    ] {
        let query = format!("SELECT count(*) FROM audit_logs WHERE event_type = '{event}'");
        assert_eq!(server.count(&query).await, many, "{event}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tool_signs_its_user_in_on_sqlite() {
    whole_flow(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tool_signs_its_user_in_on_postgres() {
    whole_flow(Engine::Postgres).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_may_refuse() {
    let server = Server::start(Engine::Sqlite, &[]).await;
    let (mut tool, mut person) = (server.http().await, server.http().await);
    let (device_code, user_code) = started(&server).await;
    person.sign_in().await;
    assert_eq!(person.decide(&user_code, "deny").await.status, 200);
    assert_eq!(
        tool.poll(&server.client_id, &device_code).await.error(),
        "access_denied"
    );
    assert_eq!(person.decide(&user_code, "approve").await.status, 400);
}

async fn replay(engine: Engine) {
    let server = Server::start(engine, &[("ENABLE_TOKEN_ROTATION", "true")]).await;
    let id = server.client_id.as_str();
    let mut tool = server.http().await;
    let code = server.approved_codes(1).await.remove(0);
    let first = tool.poll(id, &code).await;
    let second = tool.refresh(id, &first.text("refresh_token")).await;
    assert_ne!(second.text("refresh_token"), first.text("refresh_token"));
    assert_eq!(tool.tokeninfo(&first.text("access_token")).await, 200);
    // A stranger who holds the old token ends nothing.
    let stranger = tool
        .refresh(
            "00000000-0000-4000-8000-000000000000",
            &first.text("refresh_token"),
        )
        .await;
    assert_eq!(stranger.error(), "invalid_client");
    assert_eq!(tool.tokeninfo(&second.text("access_token")).await, 200);
    assert_eq!(
        tool.refresh(id, &first.text("refresh_token")).await.error(),
        "invalid_grant"
    );
    assert_eq!(tool.tokeninfo(&second.text("access_token")).await, 401);
    assert_eq!(
        tool.refresh(id, &second.text("refresh_token"))
            .await
            .error(),
        "invalid_grant"
    );
    let query = "SELECT count(*) FROM audit_logs WHERE event_type = 'SUSPICIOUS_ACTIVITY' AND severity = 'CRITICAL'";
    assert!(server.count(query).await >= 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replayed_refresh_token_ends_its_family_on_sqlite() {
    replay(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replayed_refresh_token_ends_its_family_on_postgres() {
    replay(Engine::Postgres).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_switched_off_gets_nothing() {
    for (off, error) in [
        ("UPDATE users SET is_active = false", "invalid_grant"),
        (
            "UPDATE oauth_applications SET enable_device_flow = false",
            "unauthorized_client",
        ),
        (
            "UPDATE oauth_applications SET status = 'inactive'",
            "invalid_client",
        ),
    ] {
        for engine in [Engine::Sqlite, Engine::Postgres] {
            let server = Server::start(engine, &[]).await;
            let mut tool = server.http().await;
            let code = server.approved_codes(1).await.remove(0);
            server.sql(off, off).await;
            let form = [
                ("grant_type", DEVICE_GRANT),
                ("client_id", server.client_id.as_str()),
                ("device_code", &code),
            ];
            assert_eq!(
                tool.post("/oauth/token", &form).await.error(),
                error,
                "{off} on {engine:?}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copied_cookie_is_worth_nothing_after_logout() {
    let server = Server::start(Engine::Sqlite, &[]).await;
    let mut person = server.http().await;
    person.sign_in().await;
    let copied = person.cookie.clone();
    let page = person.get("/logout", &[]).await;
    let csrf = crate::support::field(&page.body, "csrf_token");
    assert_eq!(
        person
            .post("/logout", &[("csrf_token", "wrong")])
            .await
            .status,
        403
    );
    assert_eq!(person.get("/account/sessions", &[]).await.status, 200);
    assert_eq!(
        person
            .post("/logout", &[("csrf_token", &csrf)])
            .await
            .status,
        302
    );
    person.cookie = copied;
    let answer = person.get("/account/sessions", &[]).await;
    assert_eq!(answer.status, 302);
    assert_eq!(
        answer.header("location").unwrap(),
        "/login?redirect=%2Faccount%2Fsessions"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_in_again_lets_the_session_of_other_tabs_fade() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let server = Server::start(engine, &[]).await;
        let mut person = server.http().await;
        person.sign_in().await;
        let first = person.cookie.clone();
        let form = [
            ("username", "admin"),
            ("password", crate::support::PASSWORD),
        ];
        assert_eq!(person.post("/login", &form).await.status, 302);
        assert_ne!(person.cookie, first);
        person.cookie = first;
        assert_eq!(person.get("/account/sessions", &[]).await.status, 200);
        let lasting = "SELECT count(*) FROM sessions WHERE expires_at > (SELECT min(expires_at) FROM sessions)";
        assert_eq!(server.count(lasting).await, 1);
    }
}
