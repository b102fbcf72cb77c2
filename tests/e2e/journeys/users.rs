//! Administration of people.
use super::Stage;

const OWN_PASSWORD: &str = "a password of my very own";

/// Somebody is made, signs in, is renamed, promoted, switched off and on, given another password, and deleted.
pub async fn a_user(stage: &Stage) {
    let p = &stage.person;
    stage.sign_in_newcomer("ulla", "admin").await;
    p.press("Users").await;
    p.press_here("New user").await;
    p.fill("Username", "ned flanders!").await;
    p.fill("Email", "nowhere").await;
    p.press("Create").await;
    p.says("Not an address such as name@example.com.").await;
    p.says("beginning with a letter or digit.").await;
    p.is_at("Username").await;
    assert_eq!(p.value("Username").await, "ned flanders!");
    p.fill("Username", "ned").await;
    p.fill("Email", "ulla@example.com").await;
    p.press("Create").await;
    p.says("Somebody has it already.").await;
    p.is_at("Email").await;
    p.fill("Email", "ned@example.com").await;
    p.fill("Full name", "Ned").await;
    p.press("Create").await;
    p.heading("User created").await;
    let first = p.secret().await;
    p.copies(&first[..4]).await;
    p.press("Go to the user").await;
    p.heading("ned").await;
    p.says("Must choose a password at the next sign-in").await;
    let page = p.path().await;

    // The one who got it can do nothing before it is replaced.
    p.sign_in_with("ned", &first).await;
    p.says("An administrator gave you this password.").await;
    p.press("My apps").await;
    p.says("An administrator gave you this password.").await;
    p.fill("Current password", &first).await;
    p.fill("New password", OWN_PASSWORD).await;
    p.fill("New password again", OWN_PASSWORD).await;
    p.press("Change the password").await;
    p.says("The password was changed").await;
    p.press("My apps").await;
    p.says("No apps yet").await;
    // Pages of administrators are not for him.
    p.visit("/admin/users").await;
    p.says("Only for administrators").await;

    p.sign_in("ulla").await;
    p.press("Users").await;
    p.fill("Beginning of a username, an address or a name", "NED")
        .await;
    p.press("Search").await;
    p.has_rows(1).await;
    p.press("ned").await;
    assert_eq!(p.path().await, page);
    p.press_here("Edit").await;
    p.fill("Full name", "Ned Flanders").await;
    p.choose("Role", "Administrator").await;
    p.press("Save").await;
    p.says("The changes were saved.").await;
    p.says("Administrator").await;
    p.says("Ned Flanders").await;
    p.press_here("Edit").await;
    p.choose("Role", "User").await;
    p.press("Save").await;
    p.says("The changes were saved.").await;

    let (access, _) = stage.connect_device("ned").await;
    signed_out(stage).await;
    assert_eq!(stage.tokeninfo(&access).await, 200, "apps go on");
    p.press_here("Switch off").await;
    p.heading("Switch this person off?").await;
    p.press_here("Switch off").await;
    p.says("Switched off. Sessions and tokens have ended.")
        .await;
    assert_eq!(stage.tokeninfo(&access).await, 401);
    p.press("Users").await;
    p.filter("Status", "Switched off").await;
    p.press("ned").await;
    p.press_here("Switch on").await;
    p.says("Switched on again.").await;

    p.press("Reset password").await;
    p.heading("Reset the password?").await;
    p.press_here("Reset").await;
    p.heading("Password reset").await;
    assert_ne!(p.secret().await, first);
    p.press("Go to the user").await;
    p.says("Must choose a password at the next sign-in").await;

    connected(stage, &page).await;
    p.press("Delete").await;
    p.heading("Delete this person?").await;
    p.says("It cannot be taken back.").await;
    p.press_here("Delete").await;
    p.says("The user was deleted.").await;
    p.visit(&page).await;
    p.says("There is nothing here").await;
}

/// Two lost browsers are signed out: one, then whatever is left.
async fn signed_out(stage: &Stage) {
    let p = &stage.person;
    let mut lost = Vec::new();
    for _ in 0..3 {
        let mut browser = stage.server.http().await;
        let signed_in = browser.sign_in_as("ned", OWN_PASSWORD).await;
        assert_eq!(signed_in.status, 302);
        lost.push(browser);
    }
    let page = p.path().await;
    p.press_counter("Browsers signed in").await;
    p.heading("Where this person is signed in").await;
    // The one in which he changed his password, too.
    p.has_rows(4).await;
    p.press_at("Unknown program", "Sign out").await;
    p.heading("Sign this browser out?").await;
    p.press("Cancel").await;
    p.has_rows(4).await;
    p.press_at("Unknown program", "Sign out").await;
    p.press_here("Sign out").await;
    p.says("Signed out. Browsers: 1.").await;
    p.has_rows(3).await;
    p.press("Sign out everywhere").await;
    p.heading("Sign this person out everywhere?").await;
    p.says("Browsers that are signed out: 3.").await;
    p.press_here("Sign out everywhere").await;
    p.says("No browser is signed in").await;
    for browser in &mut lost {
        assert_eq!(browser.get("/account/profile", &[]).await.status, 302);
    }
    p.press("ned").await;
    assert_eq!(p.path().await, page);
}

/// What somebody is connected with is seen and taken away.
async fn connected(stage: &Stage, page: &str) {
    let p = &stage.person;
    let link = "INSERT INTO oauth_connections (id, user_id, provider, provider_user_id, provider_username, provider_email, created_at, updated_at) \
                SELECT 'of-ned', id, 'github', 'ned', 'ned-there', 'ned@example.com', created_at, created_at FROM users WHERE username = 'ned'";
    stage.server.sql(link, link).await;
    p.visit(page).await;
    p.press_counter("Linked logins").await;
    p.press_at("ned-there", "Unlink").await;
    p.heading("Unlink this login?").await;
    p.press_here("Unlink").await;
    p.says("The login was unlinked.").await;
    p.says("No linked logins").await;
    p.press("ned").await;
    let id = page.trim_start_matches("/admin/users/");
    let consent = |yes: &str| {
        format!(
            "INSERT INTO user_authorizations (uuid, user_id, application_id, client_id, scopes, granted_at, is_active, created_at, updated_at) \
             SELECT 'c0000000-0000-4000-8000-00000000000a', '{id}', a.id, a.client_id, 'email', u.created_at, {yes}, u.created_at, u.created_at \
             FROM oauth_applications a, users u WHERE u.id = '{id}' AND a.client_id = '{}'",
            stage.server.client_id
        )
    };
    stage.server.sql(&consent("1"), &consent("true")).await;
    p.visit(page).await;
    p.press_counter("Authorized apps").await;
    p.press_at("AuthGate CLI", "Revoke").await;
    p.heading("Revoke this consent?").await;
    p.press_here("Revoke").await;
    p.says("The consent was revoked.").await;
    p.says("No authorized apps").await;
    p.press("ned").await;
}

/// Nobody ends themselves, and somebody is left to administer.
pub async fn oneself(stage: &Stage) {
    let p = &stage.person;
    stage.sign_in_newcomer("adele", "admin").await;
    p.press("Users").await;
    p.fill("Beginning of a username, an address or a name", "adele")
        .await;
    p.press("Search").await;
    p.press("adele").await;
    p.says("Nobody switches themselves off or deletes themselves.")
        .await;
    p.is_silent_on("Delete").await;
    p.press_here("Edit").await;
    p.says("Nobody changes their own role.").await;
    let page = p.path().await;
    for wish in ["disable", "delete"] {
        p.visit(&page.replace("edit", wish)).await;
        p.says("Nobody does that to themselves.").await;
    }
}

/// An administrator resets their own password: signed out everywhere, they are shown the new one, once, and sign in with it.
pub async fn an_own_reset(stage: &Stage) {
    let p = &stage.person;
    stage.sign_in_newcomer("rosa", "admin").await;
    let mut other = stage.elsewhere("rosa").await;
    p.press("Users").await;
    p.fill("Beginning of a username, an address or a name", "rosa")
        .await;
    p.press("Search").await;
    p.press("rosa").await;
    p.press("Reset password").await;
    p.heading("Reset the password?").await;
    p.says("It is your own, so this browser is signed out as well.")
        .await;
    p.press_here("Reset").await;
    p.heading("Password reset").await;
    assert_eq!(p.path().await, "/login/password");
    p.says("You are signed out everywhere.").await;
    p.is_silent_on("Signed in as").await;
    let drawn = p.secret().await;
    assert_eq!(other.get("/account/profile", &[]).await.status, 302);
    p.client.refresh().await.unwrap();
    p.says("The new password was shown once and is stored nowhere in clear.")
        .await;
    p.is_silent_on(&drawn).await;
    p.give_credentials("rosa", crate::support::PASSWORD).await;
    p.says("That username and password do not match an active account.")
        .await;
    p.give_credentials("rosa", &drawn).await;
    p.says("An administrator gave you this password.").await;
    p.fill("Current password", &drawn).await;
    p.fill("New password", OWN_PASSWORD).await;
    p.fill("New password again", OWN_PASSWORD).await;
    p.press("Change the password").await;
    p.says("The password was changed").await;
    p.press("Dashboard").await;
    p.heading("Dashboard").await;
}
