//! What administrators look at and turn: counters, tokens of everybody, keys, refusals.
use super::{Stage, clients};
use crate::endings::multiply;

/// The dashboard leads to what it counts.
pub async fn dashboard(stage: &Stage) {
    let p = &stage.person;
    stage.sign_in_newcomer("dora", "admin").await;
    p.press("Dashboard").await;
    p.heading("Dashboard").await;
    p.says("Actors of this process").await;
    p.says("root/audit/audit_writer").await;
    for (counter, heading) in [
        ("Users", "Users"),
        ("Clients", "Clients"),
        ("Access tokens in use", "Tokens"),
        ("Waiting for approval", "Clients"),
    ] {
        p.press("Dashboard").await;
        p.press_counter(counter).await;
        p.heading(heading).await;
    }
    p.press("Dashboard").await;
    p.press("Signing keys").await;
    p.heading("Signing keys").await;
}

/// Tokens of everybody: filters stay while one is switched off, on, and ended.
pub async fn tokens(stage: &Stage) {
    let p = &stage.person;
    stage.sign_in_newcomer("theo", "admin").await;
    let (access, refresh) = stage.connect_device("theo").await;
    p.press("Tokens").await;
    p.filter("Type", "Access").await;
    p.fill(
        "Beginning of a username, an address or a client name, or a whole ID",
        "theo",
    )
    .await;
    p.press("Search").await;
    p.has_rows(1).await;
    p.press("Switch off").await;
    p.says("The token was switched off.").await;
    p.has_rows(1).await;
    assert_eq!(stage.tokeninfo(&access).await, 401);
    p.press("Switch on").await;
    p.says("The token was switched on again.").await;
    assert_eq!(stage.tokeninfo(&access).await, 200);
    p.filter("Type", "Refresh").await;
    p.press_at("theo", "Revoke").await;
    p.heading("Revoke this token?").await;
    p.says("It ends for good, with every token that it led to.")
        .await;
    p.press_here("Revoke").await;
    p.says("The token was revoked.").await;
    assert!(p.address().await.contains("category=refresh"));
    assert_eq!(stage.tokeninfo(&access).await, 401);
    let mut tool = stage.server.http().await;
    assert_eq!(
        tool.refresh(&stage.server.client_id, &refresh).await.status,
        400
    );
}

/// The next key is made, and put to use at once.
pub async fn keys(stage: &Stage) {
    let p = &stage.person;
    stage.sign_in_newcomer("kay", "admin").await;
    p.press("Dashboard").await;
    p.press("Signing keys").await;
    p.has_rows(1).await;
    p.press("Make the next key").await;
    p.heading("Rotate the signing key?").await;
    p.press_here("Make the next key").await;
    p.says("The next key is published.").await;
    p.has_rows(2).await;
    p.press("Use the next key now").await;
    p.says("refuse its tokens until they do").await;
    p.press_here("Use the next key now").await;
    p.says("The next key signs from now on.").await;
    p.says("Previous").await;
}

/// Why a tool was refused.
pub async fn refusals(stage: &Stage) {
    let p = &stage.person;
    stage.sign_in_newcomer("rita", "admin").await;
    let mut tool = stage.server.http().await;
    let refused = tool.refresh(&stage.server.client_id, "no such token").await;
    let uri = refused.text("error_uri");
    let reference = uri.rsplit('/').next().unwrap();
    p.visit(&format!("/oauth/error/{reference}")).await;
    p.says(reference).await;
    p.press("Refusals").await;
    p.fill("Reference", "nonsense").await;
    p.press("Explain").await;
    p.is_at("Reference").await;
    p.fill("Reference", reference).await;
    p.press("Explain").await;
    p.says("The code or token is known, not used up and not revoked")
        .await;
    p.press("Refusals").await;
    p.press(reference).await;
    p.says("The code or token is known, not used up and not revoked")
        .await;
}

/// Everything of a client ends at once, and how far its rows are is there to be seen until they are done.
pub async fn work(stage: &Stage) {
    let p = &stage.person;
    let token = clients::token_of(stage, "bulk", "Bulk").await;
    multiply(&stage.server, "bulk", 20_000).await;
    stage.sign_in_newcomer("willa", "admin").await;
    clients::find(stage, "bulk", "Bulk").await;
    p.press("Revoke all tokens").await;
    p.heading("Revoke everything this client was given?").await;
    p.press_here("Revoke all tokens").await;
    p.heading("Work under way").await;
    assert_eq!(stage.tokeninfo(&token).await, 401, "at once");
    p.says("Bulk").await;
    // The page goes on by itself where there is script and the work is not done already.
    let goes_on = p.text().await.contains("Keep looking");
    if goes_on {
        p.press("Keep looking").await;
    }
    let left =
        "SELECT count(*) FROM access_tokens WHERE client_id = 'bulk' AND status <> 'revoked'";
    stage.settles(left, 0).await;
    let open = "SELECT count(*) FROM token_endings WHERE finished_at IS NULL";
    stage.settles(open, 0).await;
    if !(goes_on && p.has_script) {
        p.visit("/admin/work").await;
    }
    p.says("Done").await;
    p.is_silent_on("Under way").await;
    p.press("Bulk").await;
    p.heading("Bulk").await;
}
