//! Administration as an administrator clicks it.
use super::{
    account::{add_person, person, send},
    app::fields,
    clicks::secret_on,
    support::{Engine, Http, Server},
};

const BOTH: [Engine; 2] = [Engine::Sqlite, Engine::Postgres];

async fn admin(server: &Server) -> Http {
    let mut http = server.http().await;
    http.sign_in().await;
    http
}

const MACHINE: [(&str, &str); 8] = [
    ("client_name", "Robot"),
    ("client_type", "confidential"),
    ("enable_client_credentials_flow", "true"),
    ("scopes", "read write"),
    (
        "allowed_resources",
        "https://api.example/a,b\nhttps://other.example",
    ),
    ("token_profile", "short"),
    ("machine_token_ttl", "10m"),
    ("project", "robots"),
];

async fn machine_token(http: &mut Http, id: &str, secret: &str) -> super::support::Answer {
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", id),
        ("client_secret", secret),
    ];
    http.post("/oauth/token", &form).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_is_made_changed_and_ended_with_its_tokens() {
    for engine in BOTH {
        let server = Server::start(engine, &[]).await;
        let mut admin = admin(&server).await;
        let mut robot = server.http().await;
        let (id, secret) = admin.make_client("/admin/clients", &MACHINE).await;
        let answer = machine_token(&mut robot, &id, &secret).await;
        assert_eq!(answer.json()["expires_in"], 600, "{answer:?}");
        let token = answer.text("access_token");
        assert_eq!(robot.tokeninfo(&token).await, 200);
        // Flags that are off are stored as off, and lists as BLOBs, as the Go server reads them.
        let stored = format!(
            "SELECT count(*) FROM oauth_applications WHERE client_id = '{id}' AND NOT enable_device_flow AND NOT enable_auth_code_flow \
             AND enable_client_credentials_flow AND status = 'active' AND grant_types = 'client_credentials'"
        );
        assert_eq!(server.count(&stored).await, 1);
        if engine == Engine::Sqlite {
            let kinds = format!(
                "SELECT typeof(redirect_uris) || typeof(allowed_resources) || typeof(post_logout_redirect_uris) FROM oauth_applications WHERE client_id = '{id}'"
            );
            assert_eq!(server.texts(&kinds).await, ["blobblobblob"]);
        }

        // Two administrators edit the same state: the second is told and overwrites nothing.
        let (page, edit) = (
            format!("/admin/clients/{id}"),
            format!("/admin/clients/{id}/edit"),
        );
        let shown = admin.get(&edit, &[]).await;
        assert!(
            shown
                .body
                .contains("https://api.example/a,b\nhttps://other.example"),
            "{}",
            shown.body
        );
        let version = super::support::field(&shown.body, "version");
        let mut form = MACHINE.to_vec();
        form.push(("version", &version));
        form.push(("status", "active"));
        form[5] = ("token_profile", "long");
        let saved = admin.submit(&edit, &page, &form).await;
        assert_eq!(
            saved.header("location").unwrap(),
            format!("{page}?success=updated")
        );
        form[0] = ("client_name", "Overwritten");
        let stale = admin.submit(&edit, &page, &form).await;
        assert_eq!(stale.status, 409);
        assert!(stale.body.contains("value=\"Overwritten\""));
        let names = format!("SELECT client_name FROM oauth_applications WHERE client_id = '{id}'");
        assert_eq!(server.texts(&names).await, ["Robot"]);
        let told = "SELECT count(*) FROM audit_logs WHERE event_type = 'CLIENT_UPDATED' AND severity = 'WARNING' \
                    AND CAST(details AS TEXT) LIKE '%\"previous_token_profile\":\"short\"%'";
        assert_eq!(server.count(told).await, 1);

        // A longer life of the tokens that no person watches is as loud; what changes no life is not.
        for (field, value) in [
            (6, ("machine_token_ttl", "20h")),
            (7, ("project", "androids")),
        ] {
            let shown = admin.get(&edit, &[]).await;
            let version = super::support::field(&shown.body, "version");
            let mut form = MACHINE.to_vec();
            form[5] = ("token_profile", "long");
            form[6] = ("machine_token_ttl", "20h");
            form[field] = value;
            form.extend([("version", version.as_str()), ("status", "active")]);
            assert_eq!(admin.submit(&edit, &page, &form).await.status, 302);
        }
        for (severity, previous) in [
            ("WARNING", "\"previous_machine_token_ttl\":600"),
            ("INFO", "\"previous_project\":\"robots\""),
        ] {
            let told = format!(
                "SELECT count(*) FROM audit_logs WHERE event_type = 'CLIENT_UPDATED' AND severity = '{severity}' \
                 AND CAST(details AS TEXT) LIKE '%{previous}%'"
            );
            assert_eq!(server.count(&told).await, 1, "{previous}");
        }

        // A new secret; the old one counts for a day yet, and goes when another one follows at once.
        let regenerate = format!("{page}/regenerate-secret");
        let fresh = admin.confirm(&regenerate, &[("overlap", "86400")]).await;
        let second = secret_on(&admin.shown(&fresh).await);
        assert_ne!(second, secret);
        assert_eq!(machine_token(&mut robot, &id, &second).await.status, 200);
        let kept = format!(
            "SELECT count(*) FROM oauth_applications WHERE client_id = '{id}' AND previous_secret IS NOT NULL"
        );
        assert_eq!(server.count(&kept).await, 1);
        let fresh = admin.confirm(&regenerate, &[]).await;
        let third = secret_on(&admin.shown(&fresh).await);
        assert_eq!(machine_token(&mut robot, &id, &second).await.status, 401);
        assert_eq!(machine_token(&mut robot, &id, &secret).await.status, 401);
        assert_eq!(server.count(&kept).await, 0);

        // Revoking all ends what is switched off as well; the client stays.
        let another = machine_token(&mut robot, &id, &third)
            .await
            .text("access_token");
        server.sql("UPDATE access_tokens SET status = 'disabled' WHERE id = (SELECT min(id) FROM access_tokens)",
            "UPDATE access_tokens SET status = 'disabled' WHERE id = (SELECT min(id) FROM access_tokens)").await;
        let ended = admin.confirm(&format!("{page}/revoke-all"), &[]).await;
        assert!(
            ended
                .header("location")
                .unwrap()
                .starts_with(&format!("{page}?success=tokens_revoked&n=3")),
            "{ended:?}"
        );
        assert_eq!(robot.tokeninfo(&token).await, 401);
        assert_eq!(robot.tokeninfo(&another).await, 401);
        assert_eq!(
            server
                .count("SELECT count(*) FROM access_tokens WHERE status <> 'revoked'")
                .await,
            0
        );
        let told = "SELECT count(*) FROM audit_logs WHERE event_type = 'CLIENT_TOKENS_REVOKED_ALL' AND severity = 'CRITICAL' \
                    AND CAST(details AS TEXT) LIKE '%\"revoked_count\":3%'";
        assert_eq!(server.count(told).await, 1);

        // Deleting takes new tokens with it.
        let last = machine_token(&mut robot, &id, &third)
            .await
            .text("access_token");
        let gone = admin.confirm(&format!("{page}/delete"), &[]).await;
        assert_eq!(
            gone.header("location").unwrap(),
            "/admin/clients?success=deleted"
        );
        assert_eq!(robot.tokeninfo(&last).await, 401);
        assert_eq!(
            server
                .count("SELECT count(*) FROM access_tokens WHERE status <> 'revoked'")
                .await,
            0
        );
        for path in [
            "",
            "/edit",
            "/authorizations",
            "/delete",
            "/approve",
            "/reject",
            "/revoke-all",
            "/regenerate-secret",
        ] {
            assert_eq!(
                admin.get(&format!("{page}{path}"), &[]).await.status,
                404,
                "{path}"
            );
        }
        for path in [
            "",
            "/delete",
            "/approve",
            "/reject",
            "/revoke-all",
            "/regenerate-secret",
        ] {
            assert_eq!(
                admin
                    .submit("/admin/clients", &format!("{page}{path}"), &[])
                    .await
                    .status,
                404,
                "{path}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_of_clients_is_searched_filtered_and_paged_by_key() {
    for engine in BOTH {
        let server = Server::start(engine, &[]).await;
        let insert = |rows: &str, at: &str, flag: &str| {
            format!(
                "INSERT INTO oauth_applications (client_id, client_secret, client_name, user_id, scopes, status, created_at, updated_at, \
                 enable_device_flow) SELECT 'c-' || n, 'x', CASE WHEN n % 5 = 0 THEN 'Zebra_' ELSE 'Ape' END || n, '', 'email', \
                 CASE WHEN n % 3 = 0 THEN 'pending' ELSE 'active' END, {at}, {at}, {flag} FROM {rows}"
            )
        };
        server.sql(
            &insert("(WITH RECURSIVE r (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 25) SELECT n FROM r)", "datetime('2026-01-01', n || ' minutes') || '+00:00'", "1"),
            &insert("generate_series(1, 25) AS n", "timestamptz '2026-01-01' + n * interval '1 minute'", "true"),
        ).await;
        let mut admin = admin(&server).await;
        let mut seen = Vec::new();
        let mut path = "/admin/clients".to_owned();
        for _ in 0..5 {
            let page = admin.get(&path, &[]).await.body;
            seen.extend(
                page.split("cell-note\"><code>")
                    .skip(1)
                    .map(|rest| rest.split('<').next().unwrap().to_owned()),
            );
            match page
                .split(" rel=\"next\"")
                .next()
                .filter(|head| head.len() < page.len())
            {
                Some(head) => {
                    path = head
                        .rsplit("href=\"")
                        .next()
                        .unwrap()
                        .trim_end_matches('"')
                        .replace("&amp;", "&")
                        .replace("&#x3D;", "=")
                }
                None => break,
            }
        }
        assert_eq!(seen.len(), 26);
        assert_eq!(seen[1], "c-25");
        assert_eq!(seen[25], "c-1");
        let found = admin
            .get("/admin/clients?search=zEB&page_size=50&status=pending", &[])
            .await
            .body;
        assert_eq!(found.matches("cell-main").count(), 1, "{found}");
        assert!(found.contains("Zebra_15"));
        // A wildcard is a letter like another.
        let none = admin.get("/admin/clients?search=%25", &[]).await;
        assert_eq!(none.status, 200);
        assert_eq!(none.body.matches("cell-main").count(), 0);
        // hostile_paging: whatever is asked for, there is an answer and no fault.
        for query in [
            "page_size=-1",
            "page_size=9999999999999999999",
            "after=1~'--",
            "after=x",
            "status=';--",
            "before=~&after=~",
            "search=%27%20OR%201%3D1",
            "search=%F0%9F%92%A9",
            "page=NaN",
        ] {
            assert_eq!(
                admin
                    .get(&format!("/admin/clients?{query}"), &[])
                    .await
                    .status,
                200,
                "{query}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn admin_reset_flow() {
    for engine in BOTH {
        let server = Server::start(engine, &[]).await;
        let mut admin = admin(&server).await;
        let (id, first) = admin.make_user("alice", "user").await;
        let must = "SELECT count(*) FROM users WHERE username = 'alice' AND must_change_password AND NOT email_verified";
        assert_eq!(server.count(must).await, 1);
        let mut alice = server.http().await;
        assert_eq!(alice.sign_in_as("alice", &first).await.status, 302);
        // A device that she let in, whose refresh token must end too.
        server.sql(
            "INSERT INTO access_tokens (id, token_hash, token_category, user_id, client_id, scopes, expires_at, created_at, token_family_id, resource) \
             SELECT 'r1', 'h1', 'refresh', id, 'c', 'email', '2099-01-01 00:00:00+00:00', created_at, 'r1', CAST('[]' AS BLOB) FROM users WHERE username = 'alice'",
            "INSERT INTO access_tokens (id, token_hash, token_category, user_id, client_id, scopes, expires_at, created_at, token_family_id, resource) \
             SELECT 'r1', 'h1', 'refresh', id, 'c', 'email', '2099-01-01', created_at, 'r1', '[]' FROM users WHERE username = 'alice'",
        ).await;
        let page = format!("/admin/users/{id}");
        let reset = admin.confirm(&format!("{page}/reset-password"), &[]).await;
        let second = secret_on(&admin.shown(&reset).await);
        assert_ne!(first, second);
        assert_eq!(
            alice.get("/apps", &[]).await.status,
            302,
            "her session has ended"
        );
        assert_eq!(
            server
                .count("SELECT count(*) FROM access_tokens WHERE id = 'r1' AND status = 'revoked'")
                .await,
            1
        );
        let mut again = server.http().await;
        assert_eq!(again.sign_in_as("alice", &first).await.status, 401);
        assert_eq!(again.sign_in_as("alice", &second).await.status, 302);
        assert_eq!(server.count(must).await, 1);
        let told = "SELECT count(*) FROM audit_logs WHERE event_type = 'USER_PASSWORD_RESET' AND severity = 'WARNING' AND actor_username = 'admin'";
        assert_eq!(server.count(told).await, 1);

        // Names, addresses and roles are judged, and a form is not sent over somebody else's change.
        for (username, email, password) in [
            ("Bob Smith!", "bob@corp.example", ""),
            ("bob", "notanemail", ""),
            ("bob", "bob@corp.example", "x"),
            ("ALICE", "bob@corp.example", ""),
            ("bob", "Alice@corp.example", ""),
        ] {
            let form = [
                ("username", username),
                ("email", email),
                ("password", password),
                ("role", "user"),
            ];
            let refused = admin
                .submit("/admin/users/new", "/admin/users", &form)
                .await;
            assert_eq!(refused.status, 400, "{username} {email}");
            assert!(refused.body.contains("field-error"));
        }
        let edit = format!("{page}/edit");
        let version = super::support::field(&admin.get(&edit, &[]).await.body, "version");
        let form = [
            ("email", "alice@new.example"),
            ("full_name", "Alice"),
            ("role", "admin"),
            ("version", &version),
        ];
        let saved = admin.submit(&edit, &page, &form).await;
        assert_eq!(
            saved.header("location").unwrap(),
            format!("{page}?success=updated")
        );
        assert_eq!(admin.submit(&edit, &page, &form).await.status, 409);
        assert_eq!(server.count("SELECT count(*) FROM audit_logs WHERE event_type = 'USER_ROLE_CHANGED' AND severity = 'WARNING'").await, 1);

        // Off, on, gone; oneself never.
        let off = admin.confirm(&format!("{page}/disable"), &[]).await;
        assert_eq!(
            off.header("location").unwrap(),
            format!("{page}?success=disabled")
        );
        assert_eq!(again.sign_in_as("alice", &second).await.status, 401);
        let asked = admin.get(&format!("{page}/disable"), &[]).await;
        assert_eq!(asked.status, 400);
        assert_eq!(
            admin
                .submit(&page, &format!("{page}/disable"), &[])
                .await
                .status,
            400
        );
        let on = admin.submit(&page, &format!("{page}/enable"), &[]).await;
        assert_eq!(
            on.header("location").unwrap(),
            format!("{page}?success=enabled")
        );
        let own = server
            .texts("SELECT id FROM users WHERE username = 'admin'")
            .await;
        let own = format!("/admin/users/{}", own[0]);
        for action in ["disable", "enable", "delete"] {
            assert_eq!(
                admin
                    .submit(&own, &format!("{own}/{action}"), &[])
                    .await
                    .status,
                400,
                "{action}"
            );
        }
        let demote = [
            ("email", "admin@localhost"),
            ("full_name", ""),
            ("role", "user"),
        ];
        assert_eq!(
            admin
                .submit(&format!("{own}/edit"), &own, &demote)
                .await
                .status,
            400
        );
        let gone = admin.confirm(&format!("{page}/delete"), &[]).await;
        assert_eq!(
            gone.header("location").unwrap(),
            "/admin/users?success=deleted"
        );
        for path in [
            "",
            "/edit",
            "/connections",
            "/authorizations",
            "/delete",
            "/disable",
            "/reset-password",
        ] {
            assert_eq!(
                admin.get(&format!("{page}{path}"), &[]).await.status,
                404,
                "{path}"
            );
        }
        assert_eq!(
            server
                .count("SELECT count(*) FROM users WHERE role = 'admin' AND is_active")
                .await,
            1
        );
    }
}

/// A laptop is lost: an administrator sees where somebody is signed in and signs them out there, and apps go on.
#[tokio::test(flavor = "multi_thread")]
async fn browsers_of_a_person_are_seen_and_ended() {
    for engine in BOTH {
        let server = Server::start(engine, &[]).await;
        let mut here = admin(&server).await;
        add_person(&server, "zoe", "user").await;
        let mut tool = server.http().await;
        let code = server.approved_codes_of(&mut tool, "zoe").await;
        let tokens = tool.poll(&server.client_id, &code).await;
        let mut browsers = Vec::new();
        for _ in 0..3 {
            browsers.push(person(&server, "zoe").await);
        }
        let list = "/admin/users/id-of-zoe/browsers";
        let user = here.get("/admin/users/id-of-zoe", &[]).await.body;
        assert!(user.contains(&format!("href=\"{list}\"")), "{user}");
        let page = here.get(list, &[]).await.body;
        assert_eq!(page.matches("/end\"").count(), 3, "{page}");
        assert!(page.contains("127.0.0.1") && !page.contains("This browser"));
        let end = page
            .split('"')
            .find(|text| text.starts_with(list) && text.ends_with("/end"))
            .unwrap()
            .to_owned();
        // Nobody but administrators, and nobody by a part of the name or under another person's.
        for path in [list, &end, &format!("{list}/end-all")] {
            assert_eq!(browsers[0].get(path, &[]).await.status, 403, "{path}");
        }
        assert_eq!(
            send(&mut browsers[0], "/account/profile", &end, &[])
                .await
                .status,
            403
        );
        let own = server
            .texts("SELECT id FROM users WHERE username = 'admin'")
            .await;
        let own = format!("/admin/users/{}/browsers", own[0]);
        let gone = |list: &str| Some(format!("{list}?warning=browser_gone"));
        let short = end.replace(list, "").get(..9).unwrap().to_owned();
        let short = format!("{list}{short}/end");
        let foreign = end.replace(list, &own);
        for (path, of) in [(&short, list), (&foreign, own.as_str())] {
            assert_eq!(
                here.get(path, &[]).await.header("location"),
                gone(of),
                "{path}"
            );
            let answer = here.submit(list, path, &[]).await;
            assert_eq!(answer.header("location"), gone(of), "{path}");
        }
        let nobody = "/admin/users/nobody/browsers";
        for path in ["", "/end-all", "/0/end"] {
            let path = format!("{nobody}{path}");
            assert_eq!(here.get(&path, &[]).await.status, 404, "{path}");
            let posted = here.submit(list, &path, &[]).await;
            assert_eq!(posted.status, 404, "{path}");
        }
        let left =
            "SELECT count(*) FROM sessions WHERE user_id = 'id-of-zoe' AND revoked_at IS NULL";
        assert_eq!(server.count(left).await, 3);
        // One, then all.
        let asked = here.get(&end, &[]).await.body;
        assert!(asked.contains("Sign this browser out?") && asked.contains("zoe"));
        let answer = here.submit(&end, &end, &[]).await;
        let done = |n: u32| Some(format!("{list}?success=browsers_ended&n={n}"));
        assert_eq!(answer.header("location"), done(1));
        assert_eq!(server.count(left).await, 2);
        assert_eq!(here.get(&end, &[]).await.header("location"), gone(list));
        let all = format!("{list}/end-all");
        let asked = here.get(&all, &[]).await.body;
        assert!(
            asked.contains("Browsers that are signed out: 2."),
            "{asked}"
        );
        let answer = here.submit(&all, &all, &[]).await;
        assert_eq!(answer.header("location"), done(2));
        for browser in &mut browsers {
            assert_eq!(browser.get("/account/profile", &[]).await.status, 302);
        }
        let page = here.get(list, &[]).await.body;
        assert!(page.contains("No browser is signed in"), "{page}");
        let none = Some(format!("{list}?warning=no_browsers"));
        assert_eq!(here.get(&all, &[]).await.header("location"), none);
        let answer = here.submit(list, &all, &[]).await;
        assert_eq!(answer.header("location"), none);
        assert_eq!(tool.tokeninfo(&tokens.text("access_token")).await, 200);
        // One's own: all but this one.
        let mut there = admin(&server).await;
        let page = here.get(&own, &[]).await.body;
        assert!(page.contains("This browser"), "{page}");
        assert_eq!(page.matches("/end\"").count(), 1, "{page}");
        here.confirm(&format!("{own}/end-all"), &[]).await;
        assert_eq!(there.get("/account/profile", &[]).await.status, 302);
        assert_eq!(here.get(&own, &[]).await.status, 200);
        let told = "SELECT count(*) FROM audit_logs WHERE event_type = 'SESSIONS_ENDED' AND severity = 'WARNING' \
                    AND actor_username = 'admin'";
        assert_eq!(server.count(told).await, 3);
        let whom = format!(
            "{told} AND resource_id = 'id-of-zoe' AND CAST(details AS TEXT) LIKE '%\"session_count\":2%'"
        );
        assert_eq!(server.count(&whom).await, 1);
    }
}

/// What takes the rights of an administrator away.
#[derive(Clone, Copy, Debug)]
enum Deed {
    Disable,
    Demote,
    Delete,
}

/// The only two administrators, both signed in, each ready to do it to the other.
async fn duel(
    server: &Server,
    deed: Deed,
    round: usize,
) -> [(Http, String, Vec<(String, String)>); 2] {
    let names = ["one", "two"].map(|name| format!("{name}-{deed:?}-{round}").to_lowercase());
    let alone = |yes: &str, no: &str| {
        format!(
            "UPDATE users SET is_active = {yes} WHERE username IN ('admin', '{}', '{}'); \
             UPDATE users SET is_active = {no} WHERE username NOT IN ('{}', '{}')",
            names[0], names[1], names[0], names[1]
        )
    };
    for name in &names {
        add_person(server, name, "admin").await;
    }
    server.sql(&alone("1", "0"), &alone("true", "false")).await;
    let ready = async |own: &str, other: &str| {
        let mut http = person(server, own).await;
        let at = format!("/admin/users/id-of-{other}");
        let page = http.get(&format!("{at}/edit"), &[]).await;
        let mut form = fields(&page.body, &at);
        form.push(("role".to_owned(), "user".to_owned()));
        let path = match deed {
            Deed::Disable => format!("{at}/disable"),
            Deed::Demote => at,
            Deed::Delete => format!("{at}/delete"),
        };
        (http, path, form)
    };
    [
        ready(&names[0], &names[1]).await,
        ready(&names[1], &names[0]).await,
    ]
}

/// Two administrators who take each other's rights away at the same moment: one of them is left, every time.
#[tokio::test(flavor = "multi_thread")]
async fn last_admin_race() {
    for engine in BOTH {
        let server = Server::start(engine, &[]).await;
        for deed in [Deed::Disable, Deed::Demote, Deed::Delete] {
            for round in 0..5 {
                let [one, two] = duel(&server, deed, round).await;
                let send = async |(mut http, path, form): (Http, String, Vec<(String, String)>)| {
                    let form: Vec<(&str, &str)> = form.iter().map(|(n, v)| (&**n, &**v)).collect();
                    http.post(&path, &form).await.status
                };
                let answers = tokio::join!(send(one), send(two));
                let left = "SELECT count(*) FROM users WHERE role = 'admin' AND is_active";
                let left = server.count(left).await;
                assert_eq!(left, 1, "{deed:?} {round} on {engine:?}: {answers:?}");
                assert!(answers.0 < 500 && answers.1 < 500, "{answers:?}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_are_found_switched_and_revoked() {
    for engine in BOTH {
        let server = Server::start(engine, &[]).await;
        let mut admin = admin(&server).await;
        let insert = |rows: &str, at: &str, end: &str, list: &str| {
            format!(
                "INSERT INTO access_tokens (id, token_hash, token_category, status, user_id, client_id, scopes, expires_at, created_at, token_family_id, resource) \
                 SELECT 't-' || n, 'h-' || n, CASE WHEN n % 4 = 0 THEN 'refresh' ELSE 'access' END, CASE WHEN n % 50 = 0 THEN 'disabled' ELSE 'active' END, \
                 u.id, c.client_id, 'email profile', {end}, {at}, 't-' || n, {list} FROM {rows}, users u, oauth_applications c"
            )
        };
        server.sql(
            &insert("(WITH RECURSIVE r (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 2500) SELECT n FROM r)", "datetime('2026-01-01', n || ' minutes') || '+00:00'", "'2099-01-01 00:00:00+00:00'", "CAST('[]' AS BLOB)"),
            &insert("generate_series(1, 2500) AS n", "timestamptz '2026-01-01' + n * interval '1 minute'", "timestamptz '2099-01-01'", "'[]'::json"),
        ).await;
        let rows = |body: &str| body.matches("<code title=").count();
        // Few, many, and a search that means the person, the client and the token.
        for (query, expected) in [
            ("page_size=50", 50),
            ("page_size=50&status=disabled", 50),
            ("page_size=100&status=disabled&category=refresh", 25),
            ("page_size=100&category=refresh", 100),
            ("page_size=20&status=revoked", 0),
            ("page_size=20&search=adm", 20),
            ("page_size=20&search=AuthGate", 20),
            ("page_size=20&search=t-77", 1),
            ("page_size=20&search=nobody", 0),
            ("page_size=20&search=admin&status=disabled", 20),
        ] {
            let page = admin.get(&format!("/admin/tokens?{query}"), &[]).await;
            assert_eq!(page.status, 200, "{query}");
            assert_eq!(rows(&page.body), expected, "{query}");
        }
        let list = "/admin/tokens?search=t-77&status=active";
        let path = |deed: &str| format!("/admin/tokens/t-77/{deed}?search=t-77&status=active");
        let said = |outcome: &str| format!("{list}&{outcome}");
        for (deed, outcome) in [
            ("enable", "warning=cannot_enable"),
            ("disable", "success=disabled"),
            ("disable", "warning=cannot_disable"),
            ("enable", "success=enabled"),
            ("revoke", "success=revoked"),
            ("enable", "warning=cannot_enable"),
            ("revoke", "warning=cannot_revoke"),
        ] {
            let answer = admin.submit("/admin/tokens", &path(deed), &[]).await;
            assert_eq!(answer.header("location").unwrap(), said(outcome), "{deed}");
        }
        // The row stays, for the trail; a refresh token takes its family with it.
        assert_eq!(
            server
                .count(
                    "SELECT count(*) FROM access_tokens WHERE id = 't-77' AND status = 'revoked'"
                )
                .await,
            1
        );
        admin.confirm("/admin/tokens/t-80/revoke", &[]).await;
        assert_eq!(server.count("SELECT count(*) FROM token_families WHERE id = 't-80' AND revoked_at IS NOT NULL").await, 1);
        assert_eq!(
            admin
                .submit("/admin/tokens", "/admin/tokens/none/revoke", &[])
                .await
                .status,
            404
        );
        let dashboard = admin.get("/admin", &[]).await;
        assert_eq!(dashboard.status, 200);
        assert!(
            dashboard.body.contains("root/audit/audit_writer"),
            "{}",
            dashboard.body
        );
        // Under HS256 there is a key for ID tokens, which is replaced here too.
        let page = admin.get("/admin/keys", &[]).await;
        assert!(
            page.body.contains("href=\"/admin/keys/rotate\""),
            "{page:?}"
        );
        let answer = admin
            .submit("/admin/keys/rotate", "/admin/keys/rotate", &[])
            .await;
        assert_eq!(
            answer.header("location").as_deref(),
            Some("/admin/keys?success=rotated")
        );
    }
}
