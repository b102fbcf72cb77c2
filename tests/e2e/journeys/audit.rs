//! The trail, as an administrator reads it.
use super::Stage;

/// Filters survive the way back and forth; records tell their details; the file has what the page has.
pub async fn the_trail(stage: &Stage) {
    let p = &stage.person;
    stage.sign_in_newcomer("trude", "admin").await;
    for _ in 0..23 {
        let wrong = stage.server.http().await.sign_in_as("trude", "wrong").await;
        assert_eq!(wrong.status, 401);
    }
    p.press("Audit").await;
    p.says("Signed in").await;
    p.choose("Event", "Sign-in failed").await;
    p.fill("Part of an action, a name or an actor", "trude")
        .await;
    p.press_here("Search").await;
    p.has_rows(20).await;
    p.press("Older").await;
    p.says("Newer").await;
    assert!(p.rows().await >= 3);
    assert_eq!(
        p.value("Part of an action, a name or an actor").await,
        "trude"
    );
    assert!(p.address().await.contains("AUTHENTICATION_FAILURE"));
    p.press("Newer").await;
    p.says("Older").await;
    p.has_rows(20).await;
    // One record in full.
    p.press_at("Sign-in failed", "Details").await;
    p.says("POST /login").await;
    // From its address to all of the same address.
    p.press_at("Sign-in failed", "127.0.0.1").await;
    assert!(p.address().await.contains("actor_ip=127.0.0.1"));
    // A period without anything.
    p.visit("/admin/audit?start_time=2001-01-01T00:00:00Z&end_time=2001-01-02T00:00:00Z")
        .await;
    p.says("Nothing matches these filters.").await;
    p.press_here("Clear").await;
    p.says("Signed in").await;
    // The file and the document for programs are links that keep the filters.
    p.visit("/admin/audit?event_type=AUTHENTICATION_FAILURE&search=trude")
        .await;
    let href = p.href("Export as CSV").await;
    assert!(href.contains("event_type=AUTHENTICATION_FAILURE"), "{href}");
    let mut http = stage.elsewhere("trude").await;
    let list = http
        .get(
            "/admin/audit/api?event_type=AUTHENTICATION_FAILURE&search=trude",
            &[],
        )
        .await;
    assert!(list.json()["pagination"]["Total"].as_i64().unwrap() >= 23);
    // That it was read is on record too.
    p.press("Audit").await;
    p.says("Audit trail read").await;
}
