//! Texts that try to be more than texts, on the pages of those whom they are meant for.
use super::{Stage, add_person};
use crate::app::{self, Ask, CALLBACK};

/// Names that try to be more than names, as a database may hold them.
const HOSTILE: [&str; 4] = [
    r#""><script>alert(1)</script>"#,
    r"<img src=x onerror=alert(2)>",
    r"{{csrf_token}}<svg/onload=alert(3)>",
    r"</title></textarea><iframe srcdoc='<script>alert(4)</script>'></iframe>",
];

/// They are shown as they are, on every page that lists names; nothing runs, and the policy of the pages is not even tried.
pub async fn names(stage: &Stage) {
    let p = &stage.person;
    stage.sign_in_newcomer("hanna", "admin").await;
    for (number, text) in HOSTILE.iter().enumerate() {
        let name = format!("victim{number}");
        add_person(&stage.server, &name, "user").await;
        stage.connect_device(&name).await;
        stage.elsewhere(&name).await;
        let text = text.replace('\'', "''");
        for update in [
            format!(
                "UPDATE users SET full_name = '{text}', username = 'v{number}{text}' WHERE username = '{name}'"
            ),
            format!(
                "UPDATE sessions SET user_agent = '{text}', ip = '1' WHERE user_id = 'id-of-{name}'"
            ),
            format!("UPDATE access_tokens SET scopes = '{text}' WHERE user_id = 'id-of-{name}'"),
            format!(
                "UPDATE audit_logs SET user_agent = '{text}', resource_name = '{text}', action = '{text}', error_message = '{text}' WHERE actor_user_id = 'id-of-{name}'"
            ),
            format!(
                "INSERT INTO oauth_applications (client_id, client_secret, client_name, description, user_id, scopes, status, created_at, updated_at, project) \
                 SELECT 'hostile-{number}', 'x', '{text}', '{text}', 'id-of-{name}', '{text}', 'pending', created_at, created_at, substr('{text}', 1, 64) FROM users WHERE id = 'id-of-{name}'"
            ),
        ] {
            stage.server.sql(&update, &update).await;
        }
    }
    let mut pages = vec![
        "/admin/users",
        "/admin/tokens",
        "/admin/audit?page_size=100",
    ];
    pages.extend(["/admin", "/admin/clients", "/admin/clients?status=pending"]);
    let mut pages: Vec<String> = pages.into_iter().map(str::to_owned).collect();
    for number in 0..HOSTILE.len() {
        for end in [
            "",
            "/edit",
            "/approve",
            "/reject",
            "/delete",
            "/authorizations",
        ] {
            pages.push(format!("/admin/clients/hostile-{number}{end}"));
        }
        for end in [
            "",
            "/edit",
            "/delete",
            "/disable",
            "/connections",
            "/authorizations",
        ] {
            pages.push(format!("/admin/users/id-of-victim{number}{end}"));
        }
    }
    for page in &pages {
        p.visit(page).await;
        let text = p.text().await;
        assert!(
            HOSTILE.iter().any(|name| text.contains(name)),
            "{page}: {text}"
        );
        assert!(p.scripts_of_others().await.is_empty(), "{page}");
    }
    for text in HOSTILE {
        for page in [
            "/admin/users?search=",
            "/admin/audit?search=",
            "/login?redirect=/",
            "/device?user_code=",
            "/admin/explain?ref=",
        ] {
            let text: String = url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
            p.visit(&format!("{page}{text}")).await;
            assert!(p.scripts_of_others().await.is_empty(), "{page}");
        }
    }
}

/// What an attacker may call their app, describe it as, and ask for. Each would leave a mark.
const APPS: [(&str, &str); 3] = [
    (
        r#""><script>window.pwned=1</script>"#,
        "<script>window.pwned=2</script>",
    ),
    (
        r"<img src=x onerror=window.pwned=3>",
        "</code><svg/onload=window.pwned=4>",
    ),
    (
        r"{{shell.csrf_token}}</title><svg onload='window.pwned=5'>",
        "javascript:window.pwned=6",
    ),
];

/// The text stands on the page as it is, and nothing ran.
async fn is_harmless(stage: &Stage, texts: &[&str]) {
    let p = &stage.person;
    let shown = p.text().await;
    let page = p.address().await;
    for text in texts {
        assert!(shown.contains(text), "{text} is not on {page}:\n{shown}");
    }
    assert!(p.scripts_of_others().await.is_empty(), "{page}");
    let untouched = "return window.pwned === undefined && !document.querySelector('svg[onload], a[href^=javascript]')";
    let untouched = p.client.execute(untouched, vec![]).await.unwrap();
    assert_eq!(untouched, true, "{page}");
    // A dialog would keep the browser from answering this.
    assert!(p.client.get_alert_text().await.is_err(), "{page}");
}

/// Somebody is asked by an attacker's apps, lets them in, and looks at what they have.
pub async fn apps(stage: &Stage) {
    let p = &stage.person;
    stage.sign_in_newcomer("viola", "user").await;
    stage.elsewhere("viola").await;
    let agent = "UPDATE sessions SET user_agent = '<img src=x onerror=window.pwned=7>' \
                 WHERE user_id = 'id-of-viola' AND user_agent NOT LIKE '%Chrome%'";
    stage.server.sql(agent, agent).await;
    for (number, (name, scope)) in APPS.into_iter().enumerate() {
        let id = format!("attacker-{number}");
        app::register(&stage.server, &id, "public", &[CALLBACK]).await;
        let text = name.replace('\'', "''");
        let named = format!(
            "UPDATE oauth_applications SET client_name = '{text}', description = '{text}', scopes = 'email {scope}' WHERE client_id = '{id}'"
        );
        stage.server.sql(&named, &named).await;
        let asked = format!("email {scope}");
        // Asked for consent.
        let ask = Ask::of(&id).with("scope", &asked);
        p.visit(&ask.path()).await;
        p.heading("Allow access to your account?").await;
        is_harmless(stage, &[name, scope]).await;
        // Asked by a device.
        let mut tool = stage.server.http().await;
        let form = [("client_id", id.as_str()), ("scope", asked.as_str())];
        let codes = tool.post("/oauth/device/code", &form).await;
        p.visit("/device").await;
        p.fill("Code", &codes.text("user_code")).await;
        p.press("Continue").await;
        p.heading("Does your device show this code?").await;
        is_harmless(stage, &[name]).await;
        p.press("Approve").await;
        p.heading("Approved").await;
        is_harmless(stage, &[]).await;
        let token = tool.poll(&id, &codes.text("device_code")).await;
        assert_eq!(token.status, 200, "{token:?}");
    }
    let names = APPS.map(|(name, _)| name);
    for page in ["/account/sessions", "/account/authorizations"] {
        p.visit(page).await;
        is_harmless(stage, &names).await;
    }
    p.press("Take back").await;
    p.heading("Take this permission back?").await;
    is_harmless(stage, &[]).await;
    p.visit("/account/browsers").await;
    is_harmless(stage, &[]).await;
}
