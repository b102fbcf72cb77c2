//! What is told as theft, and what is not: a token or code that came twice, never one that somebody ended on purpose.
use crate::{
    app::{self, Ask, code, exchange},
    support::{Engine, Http, Server},
};

const ALARMS: &str = "SELECT count(*) FROM audit_logs WHERE event_type = 'SUSPICIOUS_ACTIVITY' AND severity = 'CRITICAL'";
const ALIVE: &str = "SELECT count(*) FROM access_tokens WHERE status = 'active'";

async fn stage(engine: Engine) -> (Server, Http, Http) {
    app::stage(engine, &[("ENABLE_TOKEN_ROTATION", "true")]).await
}

/// A refresh token that was never used, and a code.
async fn in_flight(tool: &mut Http, person: &mut Http) -> (String, String) {
    let first = code(person, &Ask::of("public")).await;
    let tokens = exchange(tool, "public", &first, &[]).await;
    let waiting = code(person, &Ask::of("public")).await;
    (tokens.text("refresh_token"), waiting)
}

/// The path on a page that leads to this end.
async fn link(person: &mut Http, page: &str) -> String {
    let body = person.get(page, &[]).await.body;
    body.split(['"', '?'])
        .find(|text| text.starts_with("/account/") && text.ends_with("/revoke"))
        .unwrap_or_else(|| panic!("nothing to revoke on {page}: {body}"))
        .to_owned()
}

async fn ended_on_purpose(engine: Engine) {
    let (server, mut tool, mut person) = stage(engine).await;
    for page in [
        "/account/authorizations",
        "/account/sessions?category=refresh",
        "/account/sessions/revoke-all",
        "/admin/clients/public/revoke-all",
        "reset",
    ] {
        let (refresh, waiting) = in_flight(&mut tool, &mut person).await;
        match page {
            "reset" => {
                let (status, _, complaint) = server.cli(&["reset-password", "admin"]).await;
                assert_eq!(status, 0, "{complaint}");
            }
            page if page.ends_with("revoke-all") => {
                assert!(person.confirm(page, &[]).await.status < 400, "{page}");
            }
            page => {
                let end = link(&mut person, page).await;
                assert_eq!(person.confirm(&end, &[]).await.status, 302, "{end}");
            }
        }
        // Apps try again.
        for _ in 0..2 {
            let late = tool.refresh("public", &refresh).await;
            assert_eq!(late.error(), "invalid_grant", "{page}");
        }
        // Whoever ends one token leaves codes alone.
        let late = exchange(&mut tool, "public", &waiting, &[]).await;
        let survives = page.contains("category");
        assert_eq!(late.status == 200, survives, "{page}: {late:?}");
        assert_eq!(server.count(ALARMS).await, 0, "{page} on {engine:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_ended_on_purpose_is_no_theft_on_sqlite() {
    ended_on_purpose(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_ended_on_purpose_is_no_theft_on_postgres() {
    ended_on_purpose(Engine::Postgres).await;
}

async fn theft(engine: Engine) {
    let (server, mut tool, mut person) = stage(engine).await;
    // A burnt code is a warning of its own, and no theft when its client comes with it.
    let (refresh, burnt) = in_flight(&mut tool, &mut person).await;
    let guess = [(
        "code_verifier",
        "wrong-wrong-wrong-wrong-wrong-wrong-wrong-wrong",
    )];
    for _ in 0..5 {
        exchange(&mut tool, "public", &burnt, &guess).await;
    }
    let late = exchange(&mut tool, "public", &burnt, &[]).await;
    assert_eq!(
        (late.error().as_str(), server.count(ALARMS).await),
        ("invalid_grant", 0)
    );
    let warned = "SELECT count(*) FROM audit_logs WHERE event_type = 'SUSPICIOUS_ACTIVITY' AND severity = 'WARNING'";
    assert_eq!(server.count(warned).await, 1);

    let next = tool.refresh("public", &refresh).await;
    assert_eq!(next.status, 200, "{next:?}");
    for times in 1..3 {
        let late = tool.refresh("public", &refresh).await;
        assert_eq!(
            (late.error().as_str(), server.count(ALARMS).await),
            ("invalid_grant", times)
        );
        assert_eq!(server.count(ALIVE).await, 0);
    }
    // The successor was not used: it ended with its family.
    let late = tool.refresh("public", &next.text("refresh_token")).await;
    assert_eq!(
        (late.error().as_str(), server.count(ALARMS).await),
        ("invalid_grant", 2)
    );

    // Rotated as the Go server does it: without a family on record and without a time.
    let (refresh, _) = in_flight(&mut tool, &mut person).await;
    tool.refresh("public", &refresh).await;
    server
        .sql("DELETE FROM token_families", "DELETE FROM token_families")
        .await;
    let timeless = "UPDATE access_tokens SET last_used_at = NULL";
    server.sql(timeless, timeless).await;
    let late = tool.refresh("public", &refresh).await;
    assert_eq!(
        (late.error().as_str(), server.count(ALARMS).await),
        ("invalid_grant", 3)
    );
    assert_eq!(server.count(ALIVE).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_twice_is_theft_on_sqlite() {
    theft(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_twice_is_theft_on_postgres() {
    theft(Engine::Postgres).await;
}
