//! People register clients of their own: approval, what takes it away again, and whose clients they are.
use super::{
    account::{add_person, person as signed_in},
    clicks::secret_on,
    support::{Engine, Http, Server, field},
};

const BOTH: [Engine; 2] = [Engine::Sqlite, Engine::Postgres];

const APP: [(&str, &str); 9] = [
    ("client_name", "Notebook"),
    ("description", "Notes\nfor me"),
    ("client_type", "confidential"),
    ("enable_device_flow", "true"),
    ("enable_auth_code_flow", "true"),
    ("redirect_uris", "https://notes.example/cb"),
    ("scopes", "openid email"),
    ("project", "notes"),
    ("service_account", ""),
];

/// The form with some fields as they are given.
fn with<'a>(changes: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut form: Vec<(&str, &str)> = APP.to_vec();
    for (name, value) in changes {
        form.retain(|(known, _)| known != name);
        form.push((name, value));
    }
    form
}

async fn admin(server: &Server) -> Http {
    let mut http = server.http().await;
    http.sign_in().await;
    http
}

/// A person who has their own password already.
async fn person(server: &Server, admin: &mut Http, name: &str) -> Http {
    let (_, password) = admin.make_user(name, "user").await;
    server
        .sql(
            "UPDATE users SET must_change_password = 0",
            "UPDATE users SET must_change_password = false",
        )
        .await;
    let mut http = server.http().await;
    assert_eq!(http.sign_in_as(name, &password).await.status, 302);
    http
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_waits_is_approved_and_waits_again_for_what_is_added() {
    for engine in BOTH {
        let server = Server::start(engine, &[]).await;
        let mut admin = admin(&server).await;
        let mut alice = person(&server, &mut admin, "alice").await;
        let (id, secret) = alice.make_client("/apps", &APP).await;
        assert_eq!(secret.len(), 56);
        let start = |http: &mut Http| {
            let form = [("client_id", id.as_str()), ("client_secret", &secret)]
                .map(|(a, b)| (a.to_owned(), b.to_owned()));
            let _ = http;
            form
        };
        let form = start(&mut alice);
        let form: Vec<(&str, &str)> = form.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
        let mut device = server.http().await;
        assert_eq!(device.post("/oauth/device/code", &form).await.status, 401);

        // That one waits is told around every page, guides among them.
        let guide = admin.get("/docs/en/device-flow", &[]).await.body;
        assert!(guide.contains("badge warning"), "{guide}");
        let approve = format!("/admin/clients/{id}/approve");
        let version = admin.get(&approve, &[]).await;
        let version = super::support::field(&version.body, "version");
        let answer = admin.confirm(&approve, &[("version", &version)]).await;
        assert_eq!(
            answer.header("location").unwrap(),
            format!("/admin/clients/{id}?success=approved")
        );
        assert_eq!(device.post("/oauth/device/code", &form).await.status, 200);
        // Approved once is approved: the second time there is nothing to approve.
        let again = admin
            .submit(&format!("/admin/clients/{id}"), &approve, &[])
            .await;
        assert_eq!(
            again.header("location").unwrap(),
            format!("/admin/clients/{id}?warning=not_pending")
        );

        let (app, edit) = (format!("/apps/{id}"), format!("/apps/{id}/edit"));
        let narrower = with(&[("scopes", "openid")]);
        let answer = alice.submit(&edit, &app, &narrower).await;
        assert_eq!(
            answer.header("location").unwrap(),
            format!("{app}?success=updated")
        );
        assert_eq!(server.count("SELECT count(*) FROM oauth_applications WHERE status = 'active' AND scopes = 'openid' AND client_name = 'Notebook'").await, 1);
        assert_eq!(device.post("/oauth/device/code", &form).await.status, 200);
        for (name, wider) in [
            ("client_name", "Your Bank"),
            ("description", "Written by your bank"),
            ("redirect_uris", "https://evil.example/cb"),
            ("scopes", "openid profile"),
            ("project", "payroll"),
            ("service_account", "root@corp"),
            ("enable_client_credentials_flow", "true"),
        ] {
            server
                .sql(
                    &format!("UPDATE oauth_applications SET status = 'active', scopes = 'openid email' WHERE client_id = '{id}'"),
                    &format!("UPDATE oauth_applications SET status = 'active', scopes = 'openid email' WHERE client_id = '{id}'"),
                )
                .await;
            let answer = alice.submit(&edit, &app, &with(&[(name, wider)])).await;
            assert_eq!(
                answer.header("location").unwrap(),
                format!("{app}?warning=needs_approval"),
                "{name}"
            );
            let waits = format!(
                "SELECT count(*) FROM oauth_applications WHERE client_id = '{id}' AND status = 'pending'"
            );
            assert_eq!(server.count(&waits).await, 1, "{name}");
            assert_eq!(alice.submit(&edit, &app, &APP).await.status, 302);
        }
        // The trail tells what was said before, and what is said now.
        let told = "SELECT count(*) FROM audit_logs WHERE event_type = 'CLIENT_UPDATED' \
                    AND CAST(details AS TEXT) LIKE '%\"description\":\"Written by your bank\"%' \
                    AND CAST(details AS TEXT) LIKE '%\"previous_description\":%'";
        assert_eq!(server.count(told).await, 1);
    }
}

/// Whoever approves sees who asks and for what, and of an app that was approved before what is new; nobody is asked what
/// cannot be done.
#[tokio::test(flavor = "multi_thread")]
async fn the_approver_sees_what_an_approved_app_added() {
    for engine in BOTH {
        let server = Server::start(engine, &[]).await;
        let mut admin = admin(&server).await;
        let mut alice = person(&server, &mut admin, "alice").await;
        let described = with(&[("description", "Keeps notes")]);
        let (id, _) = alice.make_client("/apps", &described).await;
        let client = format!("/admin/clients/{id}");
        let (approve, reject) = (format!("{client}/approve"), format!("{client}/reject"));
        let (app, edit) = (format!("/apps/{id}"), format!("/apps/{id}/edit"));
        let first = admin.get(&approve, &[]).await;
        assert!(first.body.contains("<bdi>alice</bdi>") && first.body.contains("Keeps notes"));
        assert!(first.body.contains("Device code") && first.body.contains("Tokens in use"));
        assert!(!first.body.contains("Changed since it was approved"));
        admin.confirm(&approve, &[]).await;
        for question in [&approve, &reject] {
            let refused = admin.get(question, &[]).await;
            let to = refused.header("location").unwrap();
            assert_eq!(to, format!("{client}?warning=not_pending"), "{engine:?}");
        }
        let refused = alice.get(&format!("{app}/delete"), &[]).await;
        let to = refused.header("location").unwrap();
        assert_eq!(to, format!("{app}?error=active"), "{engine:?}");

        // Two edits, one after the other: both are told, with what stood there.
        let evil = ("redirect_uris", "https://evil.example/cb");
        alice.submit(&edit, &app, &with(&[evil])).await;
        let more = with(&[evil, ("project", "payroll"), ("description", "Keeps notes")]);
        alice.submit(&edit, &app, &more).await;
        for path in [&approve, &client, &app] {
            let reader = if path == &app { &mut alice } else { &mut admin };
            let page = reader.get(path, &[]).await.body;
            let told = page.split("Changed since it was approved").nth(1);
            let told = told.unwrap().split("</section>").next().unwrap();
            assert!(
                told.contains("<code>https://evil.example/cb</code>"),
                "{told}"
            );
            assert!(told.contains("<code>payroll</code>"), "{told}");
            assert!(told.contains("Before: <bdi>notes</bdi>"), "{told}");
            assert!(!told.contains("Scopes"), "{told}");
        }
        for list in ["/admin", "/admin/clients"] {
            let page = admin.get(list, &[]).await.body;
            assert!(page.contains("Changed"), "{list} on {engine:?}");
        }
        // Rejecting names what ends, and forgets what was approved; so does approving.
        let asked = admin.get(&reject, &[]).await.body;
        assert!(asked.contains("All its tokens end: 0 are in use now."));
        let kept = format!(
            "SELECT count(*) FROM oauth_applications WHERE client_id = '{id}' AND approved_as IS NOT NULL"
        );
        assert_eq!(server.count(&kept).await, 1);
        admin.confirm(&approve, &[]).await;
        assert_eq!(server.count(&kept).await, 0);
        alice
            .submit(&edit, &app, &with(&[("project", "red")]))
            .await;
        assert_eq!(server.count(&kept).await, 1);
        admin.confirm(&reject, &[]).await;
        assert_eq!(server.count(&kept).await, 0);
    }
}

/// An app that an administrator switches on by hand is approved by that.
#[tokio::test(flavor = "multi_thread")]
async fn switching_an_app_on_approves_it() {
    for engine in BOTH {
        let server = Server::start(engine, &[]).await;
        let mut admin = admin(&server).await;
        let mut alice = person(&server, &mut admin, "alice").await;
        let (id, _) = alice.make_client("/apps", &APP).await;
        let client = format!("/admin/clients/{id}");
        admin.confirm(&format!("{client}/approve"), &[]).await;
        let (app, edit) = (format!("/apps/{id}"), format!("/apps/{id}/edit"));
        alice
            .submit(&edit, &app, &with(&[("project", "red")]))
            .await;
        let kept = format!(
            "SELECT count(*) FROM oauth_applications WHERE client_id = '{id}' AND approved_as IS NOT NULL"
        );
        assert_eq!(server.count(&kept).await, 1);
        let on = with(&[("project", "red"), ("status", "active")]);
        let changed = admin.submit(&format!("{client}/edit"), &client, &on).await;
        assert_eq!(
            changed.header("location").unwrap(),
            format!("{client}?success=updated")
        );
        assert_eq!(server.count(&kept).await, 0, "{engine:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_is_its_owners_alone() {
    let server = Server::start(Engine::Sqlite, &[("USER_APPS_MAX", "2")]).await;
    let mut admin = admin(&server).await;
    let mut alice = person(&server, &mut admin, "alice").await;
    let mut bob = person(&server, &mut admin, "bob").await;
    let (id, _) = alice.make_client("/apps", &APP).await;
    let base = format!("/apps/{id}");
    for path in ["", "/edit", "/delete", "/regenerate-secret"] {
        assert_eq!(
            bob.get(&format!("{base}{path}"), &[]).await.status,
            403,
            "{path}"
        );
        assert_eq!(
            bob.get(&format!("/apps/unknown{path}"), &[]).await.status,
            404,
            "{path}"
        );
    }
    // Whether the input is good or bad, it is none of Bob's business.
    for form in [with(&[]), with(&[("client_name", "")])] {
        assert_eq!(bob.submit("/apps", &base, &form).await.status, 403);
    }
    for path in ["delete", "regenerate-secret"] {
        assert_eq!(
            bob.submit("/apps", &format!("{base}/{path}"), &[])
                .await
                .status,
            403
        );
        assert_eq!(
            bob.submit("/apps", &format!("/apps/unknown/{path}"), &[])
                .await
                .status,
            404
        );
    }
    assert!(!bob.get("/apps", &[]).await.body.contains("Notebook"));
    // Scopes, lifetimes and resources are not theirs to give, nor is a third app.
    let refused = alice
        .submit("/apps/new", "/apps", &with(&[("scopes", "openid admin")]))
        .await;
    assert_eq!(refused.status, 400);
    assert!(
        refused.body.contains("value=\"Notebook\""),
        "{}",
        refused.body
    );
    let greedy = with(&[
        ("token_profile", "long"),
        ("machine_token_ttl", "20h"),
        ("allowed_resources", "https://api.example"),
    ]);
    let (second, _) = alice.make_client("/apps", &greedy).await;
    let plain = format!(
        "SELECT count(*) FROM oauth_applications WHERE client_id = '{second}' AND token_profile = 'standard' AND machine_token_ttl IS NULL"
    );
    assert_eq!(server.count(&plain).await, 1);
    assert_eq!(alice.submit("/apps/new", "/apps", &APP).await.status, 400);
    assert_eq!(
        server
            .count("SELECT count(*) FROM oauth_applications")
            .await,
        3
    );
    // Rejected with a reason that the owner reads; then it may go.
    let reject = format!("/admin/clients/{second}/reject");
    let answer = admin
        .confirm(&reject, &[("reason", "Not your <project>")])
        .await;
    assert_eq!(
        answer.header("location").unwrap(),
        format!("/admin/clients/{second}?success=rejected")
    );
    let page = alice.get(&format!("/apps/{second}"), &[]).await.body;
    assert!(page.contains("Not your &lt;project&gt;"), "{page}");
    let delete = format!("/apps/{second}/delete");
    let asked = alice.get(&delete, &[]).await.body;
    for said in [
        "All its tokens end: 0 are in use now.",
        "All consents end: 0 people gave one.",
    ] {
        assert!(asked.contains(said), "{said}: {asked}");
    }
    let gone = alice.confirm(&delete, &[]).await;
    assert_eq!(gone.header("location").unwrap(), "/apps?success=deleted");
    // One in use stays.
    admin
        .submit(
            "/admin/clients",
            &format!("/admin/clients/{id}/approve"),
            &[],
        )
        .await;
    let delete = format!("{base}/delete");
    let refused = alice.get(&delete, &[]).await;
    let reason = format!("{base}?error=active");
    assert_eq!(refused.header("location"), Some(reason));
    assert_eq!(alice.submit(&base, &delete, &[]).await.status, 400);
    assert_eq!(
        server
            .count("SELECT count(*) FROM oauth_applications")
            .await,
        2
    );
    let fresh = alice
        .confirm(
            &format!("{base}/regenerate-secret"),
            &[("overlap", "86400")],
        )
        .await;
    let shown = secret_on(&alice.shown(&fresh).await);
    assert_eq!(shown.len(), "ago_".len() + 52);
}

/// Somebody leaves a team, and an administrator gives their app to somebody else.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_is_given_to_another_owner() {
    for engine in BOTH {
        let server = Server::start(engine, &[]).await;
        for name in ["zoe", "otto", "gone"] {
            add_person(&server, name, "user").await;
        }
        let off = "UPDATE users SET is_active = (1 = 0) WHERE username = 'gone'";
        server.sql(off, off).await;
        let mut admin = signed_in(&server, "admin").await;
        let (mut zoe, mut otto) = (
            signed_in(&server, "zoe").await,
            signed_in(&server, "otto").await,
        );
        let id = server.client_id.clone();
        let (client, app) = (format!("/admin/clients/{id}"), format!("/apps/{id}"));
        let page = format!("{client}/owner");
        let shown = admin.get(&client, &[]).await.body;
        assert!(shown.contains(&format!("href=\"{page}\"")), "{shown}");
        let old = field(&admin.get(&page, &[]).await.body, "version");
        let to = |name| [("owner", name), ("version", old.as_str())];
        let given = admin.submit(&page, &page, &to(" ZOE ")).await;
        let done = Some(format!("{client}?success=given"));
        assert_eq!(given.header("location"), done);
        assert_eq!(zoe.get(&app, &[]).await.status, 200);
        assert_eq!(otto.get(&app, &[]).await.status, 403);
        // Told at the field, and nothing changed.
        for (name, why) in [
            ("nobody called so", "Nobody has this username."),
            ("", "Nobody has this username."),
            ("gone", "This user is switched off."),
            ("zoe", "The client belongs to this user."),
        ] {
            let refused = admin.submit(&page, &page, &[("owner", name)]).await;
            assert_eq!(refused.status, 400, "{name}: {refused:?}");
            assert!(refused.body.contains(why), "{name}: {refused:?}");
        }
        let stale = admin.submit(&page, &page, &to("otto")).await;
        assert_eq!(
            stale.header("location"),
            Some(format!("{client}?error=stale"))
        );
        assert_eq!(zoe.get(&app, &[]).await.status, 200);
        // Nobody else may.
        assert_eq!(zoe.get(&page, &[]).await.status, 403);
        assert_eq!(
            zoe.submit("/apps", &page, &[("owner", "otto")])
                .await
                .status,
            403
        );
        let given = admin.submit(&page, &page, &[("owner", "otto")]).await;
        assert_eq!(given.header("location"), done);
        assert_eq!(otto.get(&app, &[]).await.status, 200);
        assert_eq!(zoe.get(&app, &[]).await.status, 403);
        let told = "SELECT CAST(details AS text) FROM audit_logs WHERE event_type = 'CLIENT_UPDATED' \
                    AND severity = 'WARNING' AND actor_username = 'admin'";
        let told = server.texts(told).await.join("\n").replace(' ', "");
        for said in [
            "\"owner\":\"zoe\"",
            "\"owner\":\"otto\"",
            "\"previous_owner\":\"zoe\"",
            "\"previous_owner_id\":\"id-of-zoe\"",
        ] {
            assert!(told.contains(said), "{said}: {told}");
        }
    }
}
