//! What everybody may read.
use super::Stage;
use fantoccini::Locator;

/// From guide to guide, signed in or not.
pub async fn guides(stage: &Stage) {
    let p = &stage.person;
    p.client.delete_all_cookies().await.unwrap();
    p.visit("/docs").await;
    p.heading("Getting started").await;
    assert_eq!(p.title().await, "Getting started - AuthGate");
    let mut seen = vec![p.address().await];
    while let Some(next) = p.href_of("next").await {
        p.visit(&next).await;
        seen.push(p.address().await);
        assert!(seen.len() < 30, "{seen:?}");
    }
    assert!(seen.len() >= 8, "{seen:?}");
    p.press("Sign in").await;
    p.give_credentials("admin", crate::support::PASSWORD).await;
    p.press("Guides").await;
    p.heading("Getting started").await;
    p.says("Signed in as").await;
}

/// All of it in another language, and back.
pub async fn language(stage: &Stage) {
    let p = &stage.person;
    p.client.delete_all_cookies().await.unwrap();
    p.visit("/login").await;
    p.press_below("繁體中文").await;
    p.heading("登入").await;
    p.press_below("English").await;
    p.heading("Sign in").await;
    p.press_below("繁體中文").await;
    p.fill("使用者名稱", "admin").await;
    p.fill("密碼", crate::support::PASSWORD).await;
    p.press("登入").await;
    for path in [
        "/account/browsers",
        "/account/authorizations",
        "/account/profile",
        "/apps",
        "/admin",
        "/admin/clients",
        "/admin/users",
        "/admin/tokens",
        "/admin/audit",
        "/docs",
    ] {
        p.visit(path).await;
        assert_eq!(p.language().await, "zh-Hant", "{path}");
    }
    p.press_below("English").await;
    p.heading("Getting started").await;
}

/// Dark or light for whoever wants it otherwise than the system, and a password that is looked at before it is sent.
pub async fn look(stage: &Stage) {
    let p = &stage.person;
    p.client.delete_all_cookies().await.unwrap();
    p.visit("/login?redirect=%2Fapps").await;
    for (name, root) in [
        ("Dark", "html[data-theme=dark]"),
        ("Light", "html[data-theme=light]"),
        ("System", "html:not([data-theme])"),
        ("Dark", "html[data-theme=dark]"),
    ] {
        p.press_below(name).await;
        let wait = p.client.wait();
        wait.for_element(Locator::Css(root)).await.unwrap();
        assert_eq!(p.address().await, "/login?redirect=%2Fapps");
    }
    p.fill("Username", "admin").await;
    p.fill("Password", crate::support::PASSWORD).await;
    let show = Locator::Css("button[data-reveal=password]");
    let show = p.client.find(show).await.unwrap();
    assert_eq!(show.is_displayed().await.unwrap(), p.has_script);
    if p.has_script {
        let field = p.client.find(Locator::Id("password")).await.unwrap();
        for (kind, is_pressed) in [("text", "true"), ("password", "false"), ("text", "true")] {
            show.click().await.unwrap();
            assert_eq!(field.attr("type").await.unwrap().as_deref(), Some(kind));
            let pressed = show.attr("aria-pressed").await.unwrap();
            assert_eq!(pressed.as_deref(), Some(is_pressed));
        }
    }
    p.press_here("Sign in").await;
    p.heading("My apps").await;
    let root = Locator::Css("html[data-theme=dark]");
    assert!(p.client.find(root).await.is_ok(), "{}", p.text().await);
    p.press_below("System").await;
}

/// The reference of endpoints.
pub async fn reference(stage: &Stage) {
    let p = &stage.person;
    p.visit("/swagger/index.html").await;
    p.heading("API reference").await;
    p.says("/oauth/token").await;
    p.press("OpenAPI document").await;
    p.says("\"openapi\"").await;
}
