//! What people do with what is theirs.
use super::{PASSWORD, Stage, add_person};
use crate::sessions::pass;

const NEW_PASSWORD: &str = "four random words in a row";
const THIRD_PASSWORD: &str = "and yet another row of words";

/// Apps and devices are found, and signed out: one, then all.
pub async fn sign_ins(stage: &Stage) {
    let p = &stage.person;
    stage.sign_in_newcomer("silas", "user").await;
    p.says("No app or device is connected").await;
    let mut refresh = Vec::new();
    for _ in 0..11 {
        refresh.push(stage.connect_device("silas").await.1);
    }
    p.press("Account").await;
    p.says("11 sign-ins.").await;
    p.says("AuthGate CLI").await;
    p.press("Older").await;
    p.says("Newer").await;
    // The last is the first that signed in. Whoever hesitates has changed nothing.
    let oldest = async |status: u16| {
        let mut tool = stage.server.http().await;
        let answer = tool.refresh(&stage.server.client_id, &refresh[0]).await;
        assert_eq!(answer.status, status, "{answer:?}");
    };
    p.press_at("Unknown program", "Sign out").await;
    p.heading("Sign this app out?").await;
    p.says("2 tokens end at once.").await;
    p.press("Cancel").await;
    p.says("11 sign-ins.").await;
    assert!(p.address().await.contains("after="));
    oldest(200).await;
    p.press_at("Unknown program", "Sign out").await;
    p.says("3 tokens end at once.").await;
    p.press_here("Sign out").await;
    p.says("Signed out. The app holds nothing in your name on that device.")
        .await;
    p.says("10 sign-ins.").await;
    oldest(400).await;
    p.press("Account").await;
    // Search finds, and says when it does not.
    p.fill("App, scope, device or address", "AUTHGATE").await;
    p.press("Search").await;
    p.says("AuthGate CLI").await;
    p.fill("App, scope, device or address", "nothing like that")
        .await;
    p.press("Search").await;
    p.says("Nothing matches").await;
    p.press_here("Clear").await;
    p.says("AuthGate CLI").await;
    // All of it.
    p.press("Sign all out").await;
    p.heading("Sign all apps and devices out?").await;
    p.says("Your browsers stay signed in.").await;
    p.press_here("Sign all out").await;
    p.says("All apps and devices are signed out.").await;
    p.says("No app or device is connected").await;
}

/// Tokens are filtered, turned over, switched off and on, and ended.
pub async fn tokens(stage: &Stage) {
    let p = &stage.person;
    stage.sign_in_newcomer("tara", "user").await;
    let (access, _) = stage.connect_device("tara").await;
    p.press("Account").await;
    // Behind what is signed in.
    p.press("2 tokens that have not ended").await;
    p.press_at("Access token", "Switch off").await;
    p.says("The token was switched off.").await;
    assert_eq!(stage.tokeninfo(&access).await, 401);
    p.press_at("Access token", "Switch on").await;
    p.says("The token was switched on.").await;
    p.filter("Show", "All tokens").await;
    p.has_rows(2).await;
    p.filter("Kind", "Access token").await;
    p.has_rows(1).await;
    // Off and on; the filter stays.
    p.press("Switch off").await;
    p.says("The token was switched off.").await;
    p.has_rows(1).await;
    assert_eq!(stage.tokeninfo(&access).await, 401);
    p.press("Switch on").await;
    p.says("The token was switched on.").await;
    assert!(p.address().await.contains("category=access"));
    assert_eq!(stage.tokeninfo(&access).await, 200);
    // Whoever hesitates has changed nothing.
    p.press_at("Access token", "Revoke").await;
    p.heading("Revoke this token?").await;
    p.press("Cancel").await;
    p.has_rows(1).await;
    assert!(p.address().await.contains("category=access"));
    assert_eq!(stage.tokeninfo(&access).await, 200);
    p.press_at("Access token", "Revoke").await;
    p.heading("Revoke this token?").await;
    p.says("When the app has a refresh token, it can get another one")
        .await;
    p.press_here("Revoke").await;
    p.says("Revoked. It opens nothing any more.").await;
    assert_eq!(stage.tokeninfo(&access).await, 401);
    p.filter("Kind", "All").await;
    p.filter("State", "Revoked").await;
    p.has_rows(1).await;
    // Search finds, and says when it does not.
    p.filter("State", "All").await;
    p.fill("App, scope or sign-in", "nothing like that").await;
    p.press("Search").await;
    p.says("Nothing matches").await;
    assert_eq!(p.value("App, scope or sign-in").await, "nothing like that");
    p.press_here("Clear").await;
    p.says("AuthGate CLI").await;
    // Pages.
    for _ in 0..5 {
        stage.connect_device("tara").await;
    }
    p.press("Account").await;
    p.says("6 sign-ins.").await;
    p.filter("Show", "All tokens").await;
    p.choose("Rows", "10").await;
    p.press("Search").await;
    p.says("Older").await;
    p.has_rows(10).await;
    p.press("Older").await;
    p.says("Newer").await;
    p.has_rows(2).await;
    p.press("Newer").await;
    p.says("Older").await;
    p.has_rows(10).await;
    p.filter("State", "Switched off").await;
    p.says("Nothing matches").await;
    p.filter("Show", "Sign-ins").await;
    p.says("6 sign-ins.").await;
}

/// Where one is signed in: one browser is ended, then all others.
pub async fn browsers(stage: &Stage) {
    let p = &stage.person;
    stage.sign_in_newcomer("bruno", "user").await;
    let mut lost = stage.elsewhere("bruno").await;
    p.press("Browsers").await;
    p.heading("Where you are signed in").await;
    p.says("Chrome on Linux").await;
    p.says("This browser").await;
    p.has_rows(2).await;
    p.press_at("Unknown program", "Sign out").await;
    p.heading("Sign this browser out?").await;
    p.press_here("Sign out").await;
    p.says("The browser was signed out.").await;
    p.has_rows(1).await;
    assert_eq!(lost.get("/account/profile", &[]).await.status, 302);
    let mut more = [
        stage.elsewhere("bruno").await,
        stage.elsewhere("bruno").await,
    ];
    p.press("Browsers").await;
    p.press("Sign out everywhere else").await;
    p.heading("Sign out everywhere else?").await;
    p.press_here("Sign out everywhere else").await;
    p.says("Signed out elsewhere. Browsers: 2.").await;
    for http in &mut more {
        assert_eq!(http.get("/account/profile", &[]).await.status, 302);
    }
    p.press("Browsers").await;
    p.heading("Where you are signed in").await;
    p.is_silent_on("Sign out everywhere else").await;
}

/// A device is allowed, a wrong code before that, and what it was allowed is taken back.
pub async fn authorizations(stage: &Stage) {
    let p = &stage.person;
    stage.sign_in_newcomer("oscar", "user").await;
    p.press("Authorized apps").await;
    p.says("You have allowed nothing yet").await;
    p.press_here("Connect a device").await;
    p.fill("Code", "BCDF-GHJK").await;
    p.press("Continue").await;
    p.says("We do not know this code. Compare it with your device and try again.")
        .await;
    p.is_at("Code").await;
    let (code, typed) = stage.ask_by_device().await;
    p.fill("Code", &typed.to_lowercase().replace('-', "")).await;
    p.press("Continue").await;
    p.heading("Does your device show this code?").await;
    p.says(&typed).await;
    p.press("Approve").await;
    p.heading("Approved").await;
    let mut tool = stage.server.http().await;
    let token = tool
        .poll(&stage.server.client_id, &code)
        .await
        .text("access_token");
    p.press("Go to your account").await;
    p.press("Authorized apps").await;
    p.press_at("AuthGate CLI", "Take back").await;
    p.heading("Take this permission back?").await;
    p.says("All tokens that it holds in your name end at once, on every device.")
        .await;
    p.press_here("Take back").await;
    p.says("Revoked. It opens nothing any more.").await;
    p.says("You have allowed nothing yet").await;
    assert_eq!(stage.tokeninfo(&token).await, 401);
    // Another one is refused.
    let (code, typed) = stage.ask_by_device().await;
    p.visit(&format!("/device?user_code={typed}")).await;
    assert_eq!(p.value("Code").await, typed);
    p.press("Continue").await;
    p.press("Deny").await;
    p.heading("Denied").await;
    let refused = tool.poll(&stage.server.client_id, &code).await;
    assert_eq!(refused.error(), "access_denied");
}

/// Another name, at once in the bar.
pub async fn profile(stage: &Stage) {
    let p = &stage.person;
    stage.sign_in_newcomer("petra", "user").await;
    p.press("Profile and password").await;
    p.fill("Full name", "Petra <b>Pan</b> & Söhne").await;
    p.press("Save the name").await;
    p.says("The name was saved.").await;
    p.says("Signed in as Petra <b>Pan</b> & Söhne").await;
    assert_eq!(p.value("Full name").await, "Petra <b>Pan</b> & Söhne");
    // None at all is fine too.
    p.fill("Full name", "").await;
    p.press("Save the name").await;
    p.says("The name was saved.").await;
    p.says("Signed in as petra").await;
}

/// Another password ends other browsers; faults are told at their fields.
pub async fn password(stage: &Stage) {
    let p = &stage.person;
    stage.sign_in_newcomer("wanda", "user").await;
    let mut other = stage.elsewhere("wanda").await;
    let (access, _) = stage.connect_device("wanda").await;
    p.press("Profile and password").await;
    let change = async |current: &str, new: &str, again: &str| {
        p.fill("Current password", current).await;
        p.fill("New password", new).await;
        p.fill("New password again", again).await;
        p.press("Change the password").await;
    };
    change("not it", NEW_PASSWORD, NEW_PASSWORD).await;
    p.says("That is not your current password.").await;
    p.is_at("Current password").await;
    assert_eq!(p.value("New password").await, "");
    change(PASSWORD, "short", "short").await;
    p.says("At least 15 characters.").await;
    p.is_at("New password").await;
    change(PASSWORD, NEW_PASSWORD, "something else entirely").await;
    p.says("The two new passwords differ.").await;
    p.is_at("New password again").await;
    assert_eq!(other.get("/account/profile", &[]).await.status, 200);
    change(PASSWORD, NEW_PASSWORD, NEW_PASSWORD).await;
    p.says("The password was changed, and other browsers were signed out.")
        .await;
    assert_eq!(other.get("/account/profile", &[]).await.status, 302);
    assert_eq!(
        stage.tokeninfo(&access).await,
        200,
        "devices stay connected"
    );
    // With everything that devices hold.
    p.tick("Sign all apps and devices out as well").await;
    change(NEW_PASSWORD, THIRD_PASSWORD, THIRD_PASSWORD).await;
    p.says("The password was changed, and other browsers were signed out.")
        .await;
    assert_eq!(stage.tokeninfo(&access).await, 401);
    p.sign_in_with("wanda", NEW_PASSWORD).await;
    p.says("That username and password do not match an active account.")
        .await;
    assert_eq!(p.value("Username").await, "wanda");
    p.is_at("Password").await;
    p.fill("Password", THIRD_PASSWORD).await;
    p.press("Sign in").await;
    p.heading("Connected apps and devices").await;
}

/// Logins of other providers are unlinked, but for the last way in.
pub async fn linked_logins(stage: &Stage) {
    let p = &stage.person;
    stage.sign_in_newcomer("linus", "user").await;
    p.press("Profile and password").await;
    p.says("No login of another provider leads to this account.")
        .await;
    for provider in ["github", "gitlab"] {
        let insert = format!(
            "INSERT INTO oauth_connections (id, user_id, provider, provider_user_id, provider_username, provider_email, created_at, updated_at) \
             SELECT 'at-{provider}', id, '{provider}', 'linus', 'linus-{provider}', 'linus@example.com', created_at, created_at FROM users WHERE username = 'linus'"
        );
        stage.server.sql(&insert, &insert).await;
    }
    p.press("Profile and password").await;
    p.press_at("linus-github", "Unlink").await;
    p.heading("Unlink this login?").await;
    p.press_here("Unlink").await;
    p.says("The login was unlinked.").await;
    p.is_silent_on("linus-github").await;
    let without = "UPDATE users SET password_hash = '' WHERE username = 'linus'";
    stage.server.sql(without, without).await;
    p.press("Profile and password").await;
    p.says("You sign in elsewhere, so there is no password to change here.")
        .await;
    p.press_at("linus-gitlab", "Unlink").await;
    p.press_here("Unlink").await;
    p.says("It is your only way to sign in, so it stays.").await;
    p.says("linus-gitlab").await;
}

/// Whoever ticks the box stays signed in over any pause; for everybody else a pause ends the session, and the page says so.
pub async fn remembered(stage: &Stage) {
    let p = &stage.person;
    add_person(&stage.server, "remo", "user").await;
    for is_remembered in [true, false] {
        p.forgets_everything().await;
        p.visit("/login").await;
        if is_remembered {
            p.tick("Remember me for 30 days").await;
        }
        p.give_credentials("remo", PASSWORD).await;
        p.press("Browsers").await;
        p.heading("Where you are signed in").await;
        if is_remembered {
            p.says("Remembered").await;
        } else {
            p.is_silent_on("Remembered").await;
        }
        pass(&stage.server, 31).await;
        p.press("Profile and password").await;
        if !is_remembered {
            p.says("You were signed out because nothing happened for a while.")
                .await;
            p.give_credentials("remo", PASSWORD).await;
        }
        p.heading("Profile").await;
        p.press("Sign out").await;
        p.says("You are signed out.").await;
    }
}
