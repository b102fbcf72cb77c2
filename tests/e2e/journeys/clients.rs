//! Administration of clients.
use super::{Stage, apps::approved_by_somebody};
use crate::{
    app::{self, Ask, CALLBACK},
    support::Answer,
};

async fn machine_token(stage: &Stage, id: &str, secret: &str) -> Answer {
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", id),
        ("client_secret", secret),
    ];
    let mut http = stage.server.http().await;
    http.post("/oauth/token", &form).await
}

/// A client is made with a lifetime of its own, found, changed, given another secret, stripped of its tokens and deleted.
pub async fn a_client(stage: &Stage) {
    let p = &stage.person;
    stage.sign_in_newcomer("carla", "admin").await;
    p.press("Clients").await;
    p.press_here("New client").await;
    p.fill("Name", "Robot").await;
    p.choose("Type", "Public").await;
    p.tick("Device code").await;
    p.tick("Client credentials").await;
    p.fill("Lifetime of machine tokens", "soon").await;
    p.press("Create").await;
    // All faults at once, each at its field.
    p.says("A public client cannot use client credentials.")
        .await;
    p.says("Write a length of time such as 30m or 1h30m.").await;
    assert_eq!(p.value("Lifetime of machine tokens").await, "soon");
    p.choose("Type", "Confidential").await;
    p.fill("Scopes", "read write").await;
    p.fill("Allowed resources", "https://api.example").await;
    p.choose("Token lifetime", "Short").await;
    p.fill("Lifetime of machine tokens", "10m").await;
    p.fill("Project", "robots").await;
    p.press("Create").await;
    p.heading("Client created").await;
    let secret = p.secret().await;
    let id = p.text().await;
    let id = id.lines().find(|line| line.len() == 36).unwrap().to_owned();
    let token = machine_token(stage, &id, &secret).await;
    assert_eq!(token.json()["expires_in"], 600);
    let token = token.text("access_token");
    p.press("Go to the client").await;
    p.heading("Robot").await;
    p.says("Short: access").await;
    p.says("https://api.example").await;
    assert_eq!(p.title().await, "Robot - AuthGate");
    // Enter in a field saves; it does not do the first thing that stands on the page.
    p.press_here("Edit").await;
    assert_eq!(p.value("Allowed resources").await, "https://api.example");
    p.fill("Name", "Walking robot").await;
    p.choose("Token lifetime", "Long").await;
    p.enter("Name").await;
    p.says("The changes were saved.").await;
    p.heading("Walking robot").await;
    p.says("Long: access").await;
    // Found by the beginning of its name; the filter survives the search.
    p.press("Clients").await;
    p.filter("Status", "Active").await;
    p.fill("Beginning of a name, or a whole client ID", "walk")
        .await;
    p.press("Search").await;
    p.has_rows(1).await;
    assert!(p.address().await.contains("status=active"));
    p.filter("Status", "Inactive").await;
    p.says("Nothing matches").await;
    p.press("Show all").await;
    p.press("Walking robot").await;
    p.press("Consents").await;
    p.says("Nobody has consented").await;
    p.press("Walking robot").await;
    p.press("New secret").await;
    p.choose("The old secret counts", "Not any more").await;
    p.press("New secret").await;
    p.heading("New secret").await;
    let fresh = p.secret().await;
    assert_eq!(machine_token(stage, &id, &secret).await.status, 401);
    assert_eq!(machine_token(stage, &id, &fresh).await.status, 200);
    p.press("Go to the client").await;
    p.press("Revoke all tokens").await;
    p.heading("Revoke everything this client was given?").await;
    p.says("All its tokens end: 2 are in use now.").await;
    p.press_here("Revoke all tokens").await;
    p.says("Everything the client was given has ended: 2 tokens.")
        .await;
    assert_eq!(stage.tokeninfo(&token).await, 401);
    p.press("Delete").await;
    p.heading("Delete this client?").await;
    p.says("It cannot be brought back; its ID is never used again.")
        .await;
    p.press_here("Delete").await;
    p.says("The client was deleted, and its tokens have ended.")
        .await;
    p.visit(&format!("/admin/clients/{id}")).await;
    p.says("There is nothing here").await;
    p.press("Go to your account").await;
    p.heading("Connected apps and devices").await;
}

/// One app is approved, another one rejected with a reason that its owner reads.
pub async fn approvals(stage: &Stage) {
    let p = &stage.person;
    stage.sign_in_newcomer("oda", "user").await;
    for name in ["Good app", "Bad app"] {
        p.press("My apps").await;
        p.press_here("New app").await;
        p.fill("Name", name).await;
        p.press("Create").await;
        p.says("The app was created. It waits for approval.").await;
    }
    stage.sign_in_newcomer("aldo", "admin").await;
    p.press("Dashboard").await;
    p.press_at("Good app", "Approve").await;
    p.heading("Approve this client?").await;
    p.press_here("Approve").await;
    p.says("The client was approved.").await;
    p.heading("Good app").await;
    p.press("Clients").await;
    p.filter("Status", "Waiting for approval").await;
    p.press_at("Bad app", "Reject").await;
    p.heading("Reject this client?").await;
    p.fill("Reason", "It asks for <too much>").await;
    p.press_here("Reject").await;
    p.says("The client was rejected.").await;
    p.says("It was rejected: It asks for <too much>").await;
    // The same request cannot be answered twice.
    p.is_silent_on("Your decision").await;
    p.sign_in("oda").await;
    p.press("My apps").await;
    p.press("Bad app").await;
    p.says("It was rejected: It asks for <too much>").await;
    p.press("Delete").await;
    p.press_here("Delete").await;
    p.says("The app was deleted.").await;
    p.says("Good app").await;
    p.is_silent_on("Bad app").await;
}

/// A client by this name, to which the first administrator consented: the access token that it got.
pub async fn token_of(stage: &Stage, id: &str, name: &str) -> String {
    app::register(&stage.server, id, "public", &[CALLBACK]).await;
    let named = |no: &str| {
        format!(
            "UPDATE oauth_applications SET client_name = '{name}', enable_client_credentials_flow = {no} \
             WHERE client_id = '{id}'"
        )
    };
    stage.server.sql(&named("0"), &named("false")).await;
    let code = app::code(&mut stage.elsewhere("admin").await, &Ask::of(id)).await;
    let mut tool = stage.server.http().await;
    let tokens = app::exchange(&mut tool, id, &code, &[]).await;
    tokens.text("access_token")
}

/// Goes to the page of a client by way of the list.
pub async fn find(stage: &Stage, id: &str, name: &str) {
    let p = &stage.person;
    p.press("Clients").await;
    p.fill("Beginning of a name, or a whole client ID", id)
        .await;
    p.press("Search").await;
    p.has_rows(1).await;
    p.press(name).await;
    p.heading(name).await;
}

/// Who consented to a client is listed there, and their consent is taken away.
pub async fn consents(stage: &Stage) {
    let p = &stage.person;
    let token = token_of(stage, "kept", "Keeper").await;
    stage.sign_in_newcomer("carlo", "admin").await;
    find(stage, "kept", "Keeper").await;
    p.press("Consents").await;
    p.heading("People who consented").await;
    let page = p.path().await;
    p.has_rows(1).await;
    p.says("openid email").await;
    p.press_at("admin", "Revoke").await;
    p.heading("Revoke this consent?").await;
    p.press("Cancel").await;
    assert_eq!(stage.tokeninfo(&token).await, 200);
    p.visit(&page).await;
    p.press_at("admin", "Revoke").await;
    p.says("The app’s tokens for this person end, and it must ask again.")
        .await;
    p.press_here("Revoke").await;
    p.says("The consent was revoked.").await;
    assert_eq!(stage.tokeninfo(&token).await, 401);
    p.visit(&page).await;
    p.says("Nobody has consented").await;
}

/// The form switches a client off: it gets nothing and what it has is refused, until the form switches it on again.
pub async fn off_and_on(stage: &Stage) {
    let p = &stage.person;
    let token = token_of(stage, "sleeper", "Sleeper").await;
    stage.sign_in_newcomer("stella", "admin").await;
    find(stage, "sleeper", "Sleeper").await;
    p.press_here("Edit").await;
    p.choose("Status", "Inactive").await;
    p.press("Save").await;
    p.says("The changes were saved.").await;
    p.says("It is switched off: it gets no tokens, and those it has are refused here.")
        .await;
    assert_eq!(stage.tokeninfo(&token).await, 401);
    p.press("Clients").await;
    p.filter("Status", "Inactive").await;
    p.press("Sleeper").await;
    p.press_here("Edit").await;
    p.choose("Status", "Active").await;
    p.press("Save").await;
    p.says("The changes were saved.").await;
    p.is_silent_on("It is switched off").await;
    assert_eq!(stage.tokeninfo(&token).await, 200);
}

/// What an owner added to an approved app is seen by the administrator who approves it.
pub async fn widened(stage: &Stage) {
    let p = &stage.person;
    stage.sign_in_newcomer("wim", "user").await;
    p.press("My apps").await;
    p.press_here("New app").await;
    p.fill("Name", "Growing").await;
    p.tick("Authorization code with PKCE").await;
    p.fill("Redirect URIs", "https://first.example/cb").await;
    p.press("Create").await;
    p.says("The app was created. It waits for approval.").await;
    approved_by_somebody(stage).await;
    p.press("My apps").await;
    p.press("Growing").await;
    p.press_here("Edit").await;
    p.fill(
        "Redirect URIs",
        "https://first.example/cb\nhttps://second.example/cb",
    )
    .await;
    p.press("Save").await;
    p.says("What you changed needs approval").await;
    stage.sign_in_newcomer("wanja", "admin").await;
    p.press("Dashboard").await;
    p.press_at("Growing", "Approve").await;
    p.heading("Approve this client?").await;
    p.says("Changed since it was approved").await;
    p.says("It was approved without what is listed here").await;
    p.says("https://second.example/cb").await;
    p.press_here("Approve").await;
    p.says("The client was approved.").await;
    p.is_silent_on("Changed since it was approved").await;
    p.sign_in("wim").await;
    p.press("My apps").await;
    p.press("Growing").await;
    p.says("Active").await;
    p.is_silent_on("waits for approval").await;
}
