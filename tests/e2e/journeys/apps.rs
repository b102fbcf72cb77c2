//! Clients that people register for themselves.
use super::Stage;
use crate::support::field;

/// An app is registered, approved, changed within what was approved and beyond it, given another secret, and deleted.
pub async fn an_app(stage: &Stage) {
    let p = &stage.person;
    stage.sign_in_newcomer("anna", "user").await;
    p.press("My apps").await;
    p.says("No apps yet").await;
    p.press_here("New app").await;
    p.says("An administrator has to approve it before it gets tokens.")
        .await;
    // The grant needs an address, which is told where it is missing; nothing that was typed is lost.
    p.fill("Name", "Anna’s <i>notebook</i>").await;
    p.fill("Description", "Notes of everybody").await;
    p.choose("Type", "Confidential").await;
    p.tick("Authorization code with PKCE").await;
    p.tick("Know which account is yours").await;
    p.press("Create").await;
    p.says("Nothing was saved yet. Please look at the marked fields.")
        .await;
    p.says("The authorization code grant needs at least one.")
        .await;
    p.is_at("Redirect URIs").await;
    assert_eq!(p.value("Name").await, "Anna’s <i>notebook</i>");
    assert_eq!(p.value("Description").await, "Notes of everybody");
    p.fill("Redirect URIs", "notes.example/cb").await;
    p.press("Create").await;
    p.says("notes.example/cb: is not an absolute URI").await;
    p.fill("Redirect URIs", "https://notes.example/cb").await;
    p.press("Create").await;
    p.heading("Client created").await;
    p.says("It is shown only this once.").await;
    let secret = p.secret().await;
    assert!(secret.starts_with("ago_") && secret.len() == 56, "{secret}");
    p.copies("ago_").await;
    p.press("Go to the client").await;
    p.is_silent_on(&secret).await;
    p.says("It waits for approval and gets no tokens until then.")
        .await;
    approved_by_somebody(stage).await;
    p.press("My apps").await;
    p.says("Active").await;
    p.press("Anna’s <i>notebook</i>").await;
    // To ask for less needs nobody's approval.
    p.press_here("Edit").await;
    p.says("This app is approved. Whatever you add needs approval again")
        .await;
    p.tick("Know which account is yours").await;
    p.press("Save").await;
    p.says("The changes were saved.").await;
    p.says("An app in use cannot be deleted.").await;
    // A secret beside the old one.
    p.press("New secret").await;
    p.heading("Replace the secret?").await;
    p.choose("The old secret counts", "One more hour").await;
    p.press("New secret").await;
    p.says("The old secret counts until").await;
    assert_ne!(p.secret().await, secret);
    p.press("Go to the client").await;
    p.says("Old secret valid until").await;
    // What adds to it does, and so does another name.
    p.press_here("Edit").await;
    p.fill("Name", "Notebook").await;
    p.fill(
        "Redirect URIs",
        "https://notes.example/cb\nhttps://other.example/cb",
    )
    .await;
    p.press("Save").await;
    p.says("What you changed needs approval").await;
    p.says("It was approved, was changed, and waits for approval again.")
        .await;
    p.says("Changed since it was approved").await;
    p.says("Before: Anna’s <i>notebook</i>").await;
    // An app that is not in use is deleted, after a question.
    p.press("Delete").await;
    p.heading("Delete this client?").await;
    p.press("Cancel").await;
    p.heading("Notebook").await;
    p.press("Delete").await;
    p.press_here("Delete").await;
    p.says("The app was deleted.").await;
    p.says("No apps yet").await;
}

/// An administrator elsewhere agrees to the app whose page is open.
pub async fn approved_by_somebody(stage: &Stage) {
    let path = stage.person.path().await;
    let approve = path.replace("/apps/", "/admin/clients/") + "/approve";
    let mut admin = stage.elsewhere("admin").await;
    let version = field(&admin.get(&approve, &[]).await.body, "version");
    let answer = admin.confirm(&approve, &[("version", &version)]).await;
    assert!(
        answer
            .header("location")
            .unwrap()
            .ends_with("?success=approved")
    );
}
