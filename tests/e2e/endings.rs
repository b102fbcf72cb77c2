//! Everything of a client or a person ends, however much it is: at once for whoever shows a token, by and by for the rows.
use super::support::{Engine, Http, Server};
use std::time::{Duration, Instant};

const BOTH: [Engine; 2] = [Engine::Sqlite, Engine::Postgres];

/// So many more tokens like the one of this client that was made last.
pub async fn multiply(server: &Server, client_id: &str, many: u32) {
    let text = format!(
        "INSERT INTO access_tokens (id, token_hash, token_type, token_category, status, user_id, client_id, scopes, expires_at, \
         created_at, parent_token_id, token_family_id, resource) \
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {many}) \
         SELECT 'many-' || n.i, 'many-' || n.i, t.token_type, t.token_category, \
         CASE WHEN n.i % 3 = 0 THEN 'disabled' ELSE 'active' END, t.user_id, t.client_id, t.scopes, t.expires_at, \
         t.created_at, '', '', t.resource \
         FROM n, (SELECT * FROM access_tokens WHERE client_id = '{client_id}' ORDER BY id DESC LIMIT 1) t"
    );
    server.sql(&text, &text).await;
}

/// So many other people who consented to this client, and device codes that it asked for.
async fn surround(server: &Server, client_id: &str, many: u32) {
    let consents = format!(
        "INSERT INTO user_authorizations (uuid, user_id, application_id, client_id, scopes, granted_at, is_active) \
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {many}) \
         SELECT 'many-' || n.i, 'many-' || n.i, t.application_id, t.client_id, t.scopes, t.granted_at, true \
         FROM n, (SELECT * FROM user_authorizations WHERE client_id = '{client_id}') t"
    );
    server.sql(&consents, &consents).await;
    let devices = format!(
        "INSERT INTO device_codes (device_code_hash, device_code_salt, device_code_id, user_code, client_id, scopes, \
         expires_at, \"interval\", user_id, authorized, created_at) \
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {many}) \
         SELECT 'many-' || n.i, '', 'many', 'many-' || n.i, t.client_id, t.scopes, t.expires_at, 5, '', false, t.created_at \
         FROM n, (SELECT * FROM access_tokens WHERE client_id = '{client_id}' ORDER BY id DESC LIMIT 1) t"
    );
    server.sql(&devices, &devices).await;
}

/// Waits until the rows have followed, and tells how many that were.
async fn followed(server: &Server) -> i64 {
    let began = Instant::now();
    let open = "SELECT count(*) FROM token_endings WHERE finished_at IS NULL";
    while server.count(open).await > 0 {
        assert!(
            began.elapsed() < Duration::from_secs(60),
            "{}",
            server.log()
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    server
        .count("SELECT CAST(sum(ended) AS bigint) FROM token_endings")
        .await
}

/// Tokens of a device that somebody approved: access and refresh.
async fn signed_in(device: &mut Http, person: &mut Http, client_id: &str) -> (String, String) {
    let code = device
        .post("/oauth/device/code", &[("client_id", client_id)])
        .await;
    person.decide(&code.text("user_code"), "approve").await;
    let tokens = device.poll(client_id, &code.text("device_code")).await;
    (tokens.text("access_token"), tokens.text("refresh_token"))
}

#[tokio::test(flavor = "multi_thread")]
async fn all_tokens_of_a_client_end_at_once_and_their_rows_follow_across_a_crash() {
    for engine in BOTH {
        let mut server = Server::start(engine, &[]).await;
        let id = server.client_id.clone();
        let (mut admin, mut device) = (server.http().await, server.http().await);
        admin.sign_in().await;
        let (access, refresh) = signed_in(&mut device, &mut admin, &id).await;
        multiply(&server, &id, 30_000).await;
        surround(&server, &id, 20_000).await;

        let done = admin
            .confirm(&format!("/admin/clients/{id}/revoke-all"), &[])
            .await;
        assert_eq!(done.header("location").as_deref(), Some("/admin/work"));
        server.signal("KILL");
        server.ended().await;
        let left = "SELECT count(*) FROM access_tokens WHERE status <> 'revoked'";
        assert!(server.count(left).await > 20_000, "the crash came too late");
        let consents = "SELECT count(*) FROM user_authorizations WHERE is_active";
        assert!(
            server.count(consents).await > 10_000,
            "the crash came too late"
        );

        // A process without the worker's help: the mark alone decides.
        server.launch().await;
        let mut device = server.http().await;
        assert_eq!(device.tokeninfo(&access).await, 401);
        assert_eq!(device.refresh(&id, &refresh).await.error(), "invalid_grant");
        let mut admin = server.http().await;
        admin.sign_in().await;
        let work = admin.get("/admin/work", &[]).await;
        assert!(
            work.body.contains("<progress") || work.body.contains("so far"),
            "{}",
            work.body
        );
        // What is issued afterwards counts, while the rows of before are being marked and when they are.
        let (after, again) = signed_in(&mut device, &mut admin, &id).await;
        assert_eq!(device.tokeninfo(&after).await, 200);

        assert!(followed(&server).await >= 30_002);
        // Connections that were idle meanwhile may be gone.
        let (mut device, mut admin) = (server.http().await, server.http().await);
        admin.sign_in().await;
        let live = "SELECT count(*) FROM access_tokens WHERE status <> 'revoked'";
        assert_eq!(server.count(live).await, 2);
        let others = "SELECT CAST(sum(others) AS bigint) FROM token_endings";
        assert!(server.count(others).await >= 40_000);
        assert_eq!(server.count(consents).await, 1);
        assert_eq!(server.count("SELECT count(*) FROM device_codes").await, 0);
        assert_eq!(device.tokeninfo(&after).await, 200);
        assert_eq!(device.refresh(&id, &again).await.status, 200);
        assert_eq!(device.tokeninfo(&access).await, 401);
        let work = admin.get("/admin/work", &[]).await;
        assert!(work.body.contains("Done") && !work.body.contains("data-again"));
        let told = "SELECT count(*) FROM audit_logs WHERE event_type = 'CLIENT_TOKENS_REVOKED_ALL' \
                    AND CAST(details AS TEXT) LIKE '%\"revoked_count\":3000%'";
        assert_eq!(server.count(told).await, 1, "the last row of the trail");
        let begun = "SELECT count(*) FROM audit_logs WHERE event_type = 'CLIENT_TOKENS_REVOKED_ALL' AND severity = 'CRITICAL' \
                     AND CAST(details AS TEXT) LIKE '%\"goes_on\":1%'";
        assert_eq!(server.count(begun).await, 1, "the first row of the trail");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn all_tokens_of_a_person_end_at_once_and_their_rows_follow() {
    for engine in BOTH {
        let server = Server::start(engine, &[]).await;
        let id = server.client_id.clone();
        let (mut person, mut device) = (server.http().await, server.http().await);
        person.sign_in().await;
        let (access, refresh) = signed_in(&mut device, &mut person, &id).await;
        multiply(&server, &id, 5_000).await;
        let done = person.confirm("/account/sessions/revoke-all", &[]).await;
        assert_eq!(
            done.header("location").as_deref(),
            Some("/account/sessions?success=ending_all")
        );
        assert_eq!(device.tokeninfo(&access).await, 401);
        assert_eq!(device.refresh(&id, &refresh).await.error(), "invalid_grant");
        let (after, _) = signed_in(&mut device, &mut person, &id).await;
        assert_eq!(device.tokeninfo(&after).await, 200);
        assert_eq!(followed(&server).await, 5_002);
        let live = "SELECT count(*) FROM access_tokens WHERE status <> 'revoked'";
        assert_eq!(server.count(live).await, 2);
        assert_eq!(device.tokeninfo(&after).await, 200);
    }
}

/// The clock of the server that issues is behind that of the server where somebody ended everything.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_issued_after_the_mark_is_later_than_it_whatever_the_clock_says() {
    for engine in BOTH {
        let server = Server::start(engine, &[]).await;
        let id = server.client_id.clone();
        let (mut person, mut device) = (server.http().await, server.http().await);
        person.sign_in().await;
        let (old, _) = signed_in(&mut device, &mut person, &id).await;
        let lite = "UPDATE oauth_applications SET tokens_end_at = strftime('%Y-%m-%d %H:%M:%f+00:00', 'now', '+20 seconds')";
        let postgres =
            "UPDATE oauth_applications SET tokens_end_at = now() + interval '20 seconds'";
        server.sql(lite, postgres).await;
        assert_eq!(device.tokeninfo(&old).await, 401);
        let (access, refresh) = signed_in(&mut device, &mut person, &id).await;
        assert_eq!(device.tokeninfo(&access).await, 200);
        let refreshed = device.refresh(&id, &refresh).await;
        assert_eq!(device.tokeninfo(&refreshed.text("access_token")).await, 200);
    }
}
