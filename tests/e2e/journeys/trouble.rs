//! What goes wrong: old forms, sessions that end, impatience, other windows, and other sites.
use super::{PASSWORD, Stage};

/// Out, and not in again by the way back.
pub async fn signing_out(stage: &Stage) {
    let p = &stage.person;
    stage.sign_in_newcomer("olga", "user").await;
    p.visit("/logout").await;
    p.heading("Sign out?").await;
    p.press("Stay signed in").await;
    p.press("Profile and password").await;
    p.heading("Profile").await;
    p.press("Sign out").await;
    p.says("You are signed out.").await;
    p.client.back().await.unwrap();
    p.heading("Sign in").await;
    p.is_silent_on("olga@example.com").await;
}

/// A form of a session that is over, sent in another one of the same person.
pub async fn a_form_that_is_too_old(stage: &Stage) {
    let p = &stage.person;
    stage.sign_in_newcomer("otto", "user").await;
    p.press("Profile and password").await;
    let first = p.client.window().await.unwrap();
    let second = p.client.new_window(true).await.unwrap().handle;
    p.client.switch_to_window(second).await.unwrap();
    p.sign_in("otto").await;
    p.client.close_window().await.unwrap();
    p.client.switch_to_window(first).await.unwrap();
    p.fill("Full name", "Otto the First").await;
    p.press("Save the name").await;
    p.says("This form is out of date").await;
    let named = "SELECT count(*) FROM users WHERE username = 'otto' AND full_name = ''";
    assert_eq!(stage.server.count(named).await, 1, "nothing was changed");
    // Back, as the page says: the form is drawn anew and works.
    p.client.back().await.unwrap();
    p.client.refresh().await.unwrap();
    p.fill("Full name", "Otto the First").await;
    p.press("Save the name").await;
    p.says("The name was saved.").await;
}

/// The session ends while somebody types. They come back to the form; script has kept what they typed.
pub async fn a_session_that_ends(stage: &Stage) {
    let p = &stage.person;
    stage.sign_in_newcomer("sven", "user").await;
    p.press("My apps").await;
    p.press_here("New app").await;
    p.fill("Name", "Long story").await;
    p.fill("Description", "It took an hour\nto write this.")
        .await;
    p.tick("Authorization code with PKCE").await;
    let mut other = stage.elsewhere("sven").await;
    other.confirm("/account/browsers/end-others", &[]).await;
    p.press("Create").await;
    p.says("so nothing was saved").await;
    p.give_credentials("sven", PASSWORD).await;
    p.heading("New client").await;
    assert_eq!(p.path().await, "/apps/new");
    if p.has_script {
        p.says("What you typed is back. It was not sent yet.").await;
        assert_eq!(p.value("Name").await, "Long story");
        assert_eq!(
            p.value("Description").await,
            "It took an hour\nto write this."
        );
        p.press("Create").await;
        p.says("The authorization code grant needs at least one.")
            .await;
        p.fill("Redirect URIs", "https://story.example/cb").await;
    } else {
        p.fill("Name", "Long story").await;
    }
    p.press("Create").await;
    p.says("The app was created. It waits for approval.").await;
    // Kept for nobody any longer.
    p.press("My apps").await;
    p.press_here("New app").await;
    assert_eq!(p.value("Name").await, "");
    p.is_silent_on("What you typed is back").await;
    // A link, too, leads on after the sign-in.
    let mut other = stage.elsewhere("sven").await;
    other.confirm("/account/browsers/end-others", &[]).await;
    p.press("Account").await;
    p.heading("Sign in").await;
    p.give_credentials("sven", PASSWORD).await;
    p.heading("Connected apps and devices").await;
}

/// The session ends on a form that was refused before, so it stands at the address that it was sent to.
pub async fn a_session_that_ends_on_a_refused_form(stage: &Stage) {
    let p = &stage.person;
    stage.sign_in_newcomer("selma", "admin").await;
    let ends = async || {
        let mut other = stage.elsewhere("selma").await;
        other.confirm("/account/browsers/end-others", &[]).await;
    };
    p.press("Clients").await;
    p.press_here("New client").await;
    p.fill("Name", "Saga").await;
    p.tick("Authorization code with PKCE").await;
    p.press("Create").await;
    p.says("The authorization code grant needs at least one.")
        .await;
    p.fill("Redirect URIs", "https://saga.example/cb").await;
    ends().await;
    p.press("Create").await;
    p.says("so nothing was saved").await;
    p.give_credentials("selma", PASSWORD).await;
    p.heading("New client").await;
    assert_eq!(p.path().await, "/admin/clients/new");
    if p.has_script {
        p.says("What you typed is back. It was not sent yet.").await;
        assert_eq!(p.value("Redirect URIs").await, "https://saga.example/cb");
    } else {
        p.fill("Redirect URIs", "https://saga.example/cb").await;
    }
    p.fill("Name", "Saga").await;
    p.press("Create").await;
    p.says("The client was created.").await;
    // The same when something is changed.
    let page = p.path().await;
    p.press_here("Edit").await;
    p.fill("Redirect URIs", "nowhere").await;
    p.press("Save").await;
    p.says("nowhere: is not an absolute URI").await;
    p.fill("Redirect URIs", "https://elsewhere.example/cb")
        .await;
    ends().await;
    p.press("Save").await;
    p.give_credentials("selma", PASSWORD).await;
    p.heading("Saga").await;
    assert_eq!(p.path().await, format!("{page}/edit"));
    if p.has_script {
        assert_eq!(
            p.value("Redirect URIs").await,
            "https://elsewhere.example/cb"
        );
    }
    // Passwords are for nobody to keep.
    p.press("Users").await;
    p.press_here("New user").await;
    p.fill("Username", "nobody yet").await;
    p.fill("Email", "nobody@example.com").await;
    p.press("Create").await;
    p.is_at("Username").await;
    p.fill("Username", "nobody").await;
    p.fill("Password", "a secret of somebody").await;
    ends().await;
    p.press("Create").await;
    p.give_credentials("selma", PASSWORD).await;
    p.heading("New user").await;
    if p.has_script {
        assert_eq!(p.value("Username").await, "nobody");
        assert_eq!(p.value("Email").await, "nobody@example.com");
    }
    assert_eq!(p.value("Password").await, "");
}

/// Somebody chooses other colours and another language while they type. Script keeps what they typed.
pub async fn a_switch_in_the_middle_of_a_form(stage: &Stage) {
    let p = &stage.person;
    stage.sign_in_newcomer("sara", "admin").await;
    p.press("Users").await;
    p.press_here("New user").await;
    p.fill("Username", "half a").await;
    p.fill("Email", "half@example.com").await;
    p.fill("Password", "a secret of somebody").await;
    if p.has_script {
        p.press_here("Show").await;
    }
    p.choose("Role", "Administrator").await;
    p.press_below("Dark").await;
    p.heading("New user").await;
    if p.has_script {
        assert_eq!(p.value("Username").await, "half a");
        assert_eq!(p.value("Email").await, "half@example.com");
        assert_eq!(p.value("Role").await, "admin");
    } else {
        p.fill("Username", "half a").await;
        p.fill("Email", "half@example.com").await;
    }
    assert_eq!(
        p.value("Password").await,
        "",
        "shown or not, it is not kept"
    );
    // Refused, it stands at another address than that of its page.
    p.press("Create").await;
    p.is_at("Username").await;
    p.fill("Full name", "Half A Person").await;
    p.press_below("繁體中文").await;
    p.heading("新增使用者").await;
    assert_eq!(p.path().await, "/admin/users/new");
    if p.has_script {
        assert_eq!(p.value("使用者名稱").await, "half a");
        assert_eq!(p.value("姓名").await, "Half A Person");
    }
    p.press_below("English").await;
    p.heading("New user").await;
    if p.has_script {
        assert_eq!(p.value("Full name").await, "Half A Person");
    }
    p.press_below("System").await;
    // Kept for nobody any longer, and never for another page.
    p.press("Users").await;
    p.press_here("New user").await;
    assert_eq!(p.value("Username").await, "");
}

/// After a form there is a page of its own: the way back and a reload send nothing again.
pub async fn back_after_a_form(stage: &Stage) {
    let p = &stage.person;
    stage.sign_in_newcomer("bea", "user").await;
    let (_, _) = stage.connect_device("bea").await;
    p.press("Account").await;
    p.press("2 tokens that have not ended").await;
    p.press_at("Access token", "Revoke").await;
    p.press_here("Revoke").await;
    p.says("Revoked. It opens nothing any more.").await;
    p.client.refresh().await.unwrap();
    p.has_rows(2).await;
    // The question is still in the history: it is answered by what is true now.
    p.client.back().await.unwrap();
    p.says("The token was revoked before.").await;
    p.client.forward().await.unwrap();
    let revoked = "SELECT count(*) FROM audit_logs WHERE event_type = 'TOKEN_REVOKED' AND actor_username = 'bea'";
    stage.settles(revoked, 1).await;
}

/// Two clicks are one.
pub async fn a_double_click(stage: &Stage) {
    let p = &stage.person;
    stage.sign_in_newcomer("dirk", "admin").await;
    p.press("Profile and password").await;
    p.fill("Full name", "Dirk").await;
    p.press_twice("Save the name").await;
    p.says("Signed in as Dirk").await;
    p.press("Clients").await;
    p.press_here("New client").await;
    p.fill("Name", "Only one").await;
    p.choose("Type", "Confidential").await;
    p.press_twice("Create").await;
    // Without script the browser may have thrown the first answer away, and the secret with it.
    p.heading_of(&["Client created", "Only one"]).await;
    let made = "SELECT count(*) FROM oauth_applications WHERE client_name = 'Only one'";
    assert_eq!(stage.server.count(made).await, 1);
    p.press("Users").await;
    p.press_here("New user").await;
    p.fill("Username", "only-one").await;
    p.fill("Email", "only-one@example.com").await;
    p.press_twice("Create").await;
    p.heading_of(&["User created", "only-one"]).await;
}

/// A secret is shown once: a reload and the way back lead to the client, which says so, and send nothing again.
pub async fn a_reload_of_a_secret(stage: &Stage) {
    let p = &stage.person;
    stage.sign_in_newcomer("ronja", "admin").await;
    p.press("Clients").await;
    p.press_here("New client").await;
    p.fill("Name", "Once").await;
    p.choose("Type", "Confidential").await;
    p.press("Create").await;
    p.heading("Client created").await;
    let secret = p.secret().await;
    assert!(!p.address().await.contains(&secret));
    p.client.refresh().await.unwrap();
    p.says("The secret was shown once and is stored nowhere in clear.")
        .await;
    p.heading("Once").await;
    p.is_silent_on(&secret).await;
    p.press("Users").await;
    p.client.back().await.unwrap();
    p.heading("Once").await;
    p.press("New secret").await;
    p.press("New secret").await;
    p.heading("New secret").await;
    let second = p.secret().await;
    assert_ne!(second, secret);
    p.press("Go to the client").await;
    p.client.back().await.unwrap();
    p.heading("Once").await;
    p.is_silent_on(&second).await;
    let made = "SELECT count(*) FROM oauth_applications WHERE client_name = 'Once'";
    assert_eq!(stage.server.count(made).await, 1);
    let replaced = "SELECT count(*) FROM audit_logs WHERE event_type = 'CLIENT_SECRET_REGENERATED' AND actor_username = 'ronja'";
    stage.settles(replaced, 1).await;
}

/// Two windows on one client: the later one overwrites nothing, and loses nothing.
pub async fn two_tabs(stage: &Stage) {
    let p = &stage.person;
    stage.sign_in_newcomer("toni", "admin").await;
    p.press("Clients").await;
    p.press_here("New client").await;
    p.fill("Name", "Shared").await;
    p.press("Create").await;
    p.says("The client was created.").await;
    let page = p.path().await;
    p.press_here("Edit").await;
    let first = p.client.window().await.unwrap();
    let second = p.client.new_window(true).await.unwrap().handle;
    p.client.switch_to_window(second).await.unwrap();
    p.visit(&format!("{page}/edit")).await;
    p.fill("Description", "From the second window").await;
    p.press("Save").await;
    p.says("The changes were saved.").await;
    p.client.close_window().await.unwrap();
    p.client.switch_to_window(first).await.unwrap();
    p.fill("Name", "Shared by all").await;
    p.press("Save").await;
    p.says("Somebody else changed it since you opened this form.")
        .await;
    assert_eq!(p.value("Name").await, "Shared by all");
    let kept = "SELECT count(*) FROM oauth_applications WHERE client_name = 'Shared' AND description = 'From the second window'";
    assert_eq!(stage.server.count(kept).await, 1);
    // Having been told, they may.
    p.press("Save").await;
    p.says("The changes were saved.").await;
    p.heading("Shared by all").await;
}

/// Other sites get nobody away from here, and their forms change nothing.
pub async fn other_sites(stage: &Stage) {
    let p = &stage.person;
    stage.sign_in_newcomer("mona", "user").await;
    for away in [
        "//evil.example/",
        "/%5Cevil.example",
        "https://evil.example/",
        "/%09/evil.example",
        "javascript:alert(1)",
    ] {
        p.client.delete_all_cookies().await.unwrap();
        p.visit(&format!("/login?redirect={away}")).await;
        p.give_credentials("mona", PASSWORD).await;
        p.heading("Connected apps and devices").await;
    }
    for (path, fields) in [
        ("account/profile", "full_name=Mallory"),
        ("account/sessions/revoke-all", "x=y"),
        ("logout", "x=y"),
    ] {
        let (name, value) = fields.split_once('=').unwrap();
        let page = format!(
            "data:text/html,<form method=post action='http://127.0.0.1:{}/{path}'><input name={name} value={value}><button>Win</button></form>",
            stage.server.port
        );
        p.client.goto(&page).await.unwrap();
        p.press("Win").await;
        p.says("Signed in as").await;
    }
    let same = "SELECT count(*) FROM users WHERE username = 'mona' AND full_name = ''";
    assert_eq!(stage.server.count(same).await, 1);
    p.visit("/account/profile").await;
    p.heading("Profile").await;
}

/// Who sends a form too often is told how long to wait, and finds the way back.
pub async fn a_limit(stage: &Stage) {
    let p = &stage.person;
    stage.sign_in_newcomer("lena", "user").await;
    p.visit("/device").await;
    p.fill("Code", "BCDF-GHJK").await;
    // Others behind the same address use up what is left of a minute that is not over soon.
    let mut other = stage.server.http().await;
    loop {
        let answer = other.post("/device/verify", &[]).await;
        let wait = answer.header("retry-after");
        let wait = wait.map_or(0, |wait| wait.parse::<u64>().unwrap());
        match answer.status {
            429 if wait > 15 => break,
            429 => tokio::time::sleep(std::time::Duration::from_secs(1)).await,
            _ => {}
        }
    }
    p.press("Continue").await;
    p.heading("Please wait a moment").await;
    p.says("Time to wait:").await;
    p.press("Back to where you were").await;
    p.heading("Connect a device").await;
}
