//! What people do with what is theirs, by form and by hand.
use crate::support::{Answer, Engine, Http, PASSWORD, Server, field};

const BOTH: [Engine; 2] = [Engine::Sqlite, Engine::Postgres];
const NEW_PASSWORD: &str = "four random words in a row";

/// Another person with the administrator's password.
pub async fn add_person(server: &Server, name: &str, role: &str) {
    let insert = format!(
        "INSERT INTO users (id, username, email, password_hash, role, full_name, avatar_url, is_active, email_verified, \
         external_id, auth_source, created_at, updated_at) SELECT 'id-of-{name}', '{name}', '{name}@example.com', \
         password_hash, '{role}', '', '', is_active, email_verified, '', 'local', created_at, updated_at FROM users WHERE username = 'admin'"
    );
    server.sql(&insert, &insert).await;
}

pub async fn signed_in(server: &Server, name: &str, password: &str) -> (Http, Answer) {
    let mut http = server.http().await;
    let page = http.get("/login", &[]).await;
    let csrf = field(&page.body, "csrf_token");
    let form = [
        ("username", name),
        ("password", password),
        ("csrf_token", &csrf),
    ];
    let answer = http.post("/login", &form).await;
    (http, answer)
}

pub async fn person(server: &Server, name: &str) -> Http {
    let (http, answer) = signed_in(server, name, PASSWORD).await;
    assert_eq!(answer.status, 302, "{answer:?}");
    http
}

/// Posts a form with the token of the page at `from`.
pub async fn send(http: &mut Http, from: &str, path: &str, form: &[(&str, &str)]) -> Answer {
    let page = http.get(from, &[]).await;
    assert_eq!(page.status, 200, "{from}: {page:?}");
    let csrf = field(&page.body, "csrf_token");
    let mut form = form.to_vec();
    form.push(("csrf_token", &csrf));
    http.post(path, &form).await
}

pub fn location(answer: &Answer) -> String {
    assert_eq!(answer.status, 302, "{answer:?}");
    answer.header("location").unwrap()
}

/// The first link or form whose path ends like this.
pub fn link<'a>(page: &'a str, ending: &str) -> &'a str {
    page.split(['"', '?'])
        .find(|text| text.starts_with("/account/") && text.ends_with(ending))
        .unwrap_or_else(|| panic!("no link to …{ending} in {page}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_are_seen_switched_and_revoked_by_their_owner_alone() {
    for engine in BOTH {
        let server = Server::start(engine, &[]).await;
        add_person(&server, "zoe", "user").await;
        let mut tool = server.http().await;
        let code = server.approved_codes_of(&mut tool, "admin").await;
        let tokens = tool.poll(&server.client_id, &code).await;
        let (access, refresh) = (tokens.text("access_token"), tokens.text("refresh_token"));
        let (mut admin, mut zoe) = (person(&server, "admin").await, person(&server, "zoe").await);
        let list = "/account/sessions";
        let page = admin.get(list, &[]).await.body;
        for said in ["AuthGate CLI", "1 sign-in.", "2 tokens"] {
            assert!(page.contains(said), "{said}: {page}");
        }
        assert!(
            zoe.get(list, &[])
                .await
                .body
                .contains("No app or device is connected")
        );
        let only = admin
            .get("/account/sessions?category=access&search=authgate", &[])
            .await
            .body;
        assert!(!only.contains("Refresh token</span>"), "{only}");
        let (off, end) = (
            link(&only, "/disable").to_owned(),
            link(&only, "/revoke").to_owned(),
        );
        let on = off.replace("/disable", "/enable");
        // Somebody else's is not even there.
        for path in [&off, &on, &end] {
            assert_eq!(send(&mut zoe, list, path, &[]).await.status, 403);
        }
        assert_eq!(zoe.get(&end, &[]).await.status, 403);
        assert_eq!(tool.tokeninfo(&access).await, 200);
        // Off and on; the way back keeps the filter.
        let back = [("back", "category=access")];
        let answer = send(&mut admin, list, &off, &back).await;
        assert_eq!(
            location(&answer),
            "/account/sessions?category=access&success=disabled"
        );
        assert_eq!(tool.tokeninfo(&access).await, 401);
        let answer = send(&mut admin, list, &off, &[]).await;
        assert_eq!(
            location(&answer),
            "/account/sessions?warning=cannot_disable"
        );
        let answer = send(&mut admin, list, &on, &[("back", "//evil.example/?a=\"")]).await;
        assert_eq!(location(&answer), "/account/sessions?success=enabled");
        assert_eq!(tool.tokeninfo(&access).await, 200);
        // What somebody else switched off stays off.
        let theirs = "UPDATE access_tokens SET status = 'disabled', disabled_by = 'id-of-zoe' WHERE token_category = 'access'";
        server.sql(theirs, theirs).await;
        let answer = send(&mut admin, list, &on, &[]).await;
        assert_eq!(location(&answer), "/account/sessions?warning=cannot_enable");
        assert_eq!(tool.tokeninfo(&access).await, 401);
        // The refresh token takes its family with it, after a page that says so.
        let page = admin
            .get("/account/sessions?category=refresh", &[])
            .await
            .body;
        let end = link(&page, "/revoke").to_owned();
        let asked = admin.get(&end, &[]).await;
        assert_eq!(asked.status, 200);
        assert!(asked.body.contains("The app is signed out on this device"));
        let answer = send(&mut admin, &end, &end, &[]).await;
        assert_eq!(location(&answer), "/account/sessions?success=revoked");
        let told = admin.get(&location(&answer), &[]).await.body;
        assert!(
            told.contains("Revoked. It opens nothing any more."),
            "{told}"
        );
        assert_eq!(tool.refresh(&server.client_id, &refresh).await.status, 400);
        for (event, times) in [
            ("TOKEN_REVOKED", 1),
            ("TOKEN_DISABLED", 1),
            ("TOKEN_ENABLED", 1),
        ] {
            let count = format!("SELECT count(*) FROM audit_logs WHERE event_type = '{event}'");
            assert_eq!(server.count(&count).await, times, "{event}");
        }
        // All at once.
        let code = server.approved_codes_of(&mut tool, "admin").await;
        let tokens = tool.poll(&server.client_id, &code).await;
        let all = "/account/sessions/revoke-all";
        let answer = send(&mut admin, all, all, &[]).await;
        assert_eq!(
            location(&answer),
            "/account/sessions?success=revoked_all&n=2"
        );
        assert_eq!(tool.tokeninfo(&tokens.text("access_token")).await, 401);
        let refused = tool
            .refresh(&server.client_id, &tokens.text("refresh_token"))
            .await;
        assert_eq!(refused.status, 400);
        assert_eq!(
            admin.get(list, &[]).await.status,
            200,
            "the browser stays signed in"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn browsers_are_seen_and_ended() {
    for engine in BOTH {
        let server = Server::start(engine, &[]).await;
        let mut here = person(&server, "admin").await;
        let (mut one, mut two) = (
            person(&server, "admin").await,
            person(&server, "admin").await,
        );
        let list = "/account/browsers";
        let page = here.get(list, &[]).await.body;
        assert_eq!(page.matches("/end\"").count(), 2, "{page}");
        assert!(page.contains("This browser") && page.contains("127.0.0.1"));
        let end = link(&page, "/end").to_owned();
        assert!(
            here.get(&end, &[])
                .await
                .body
                .contains("Sign this browser out?")
        );
        let answer = send(&mut here, &end, &end, &[]).await;
        assert_eq!(location(&answer), "/account/browsers?success=browser_ended");
        let answer = send(&mut here, list, &end, &[]).await;
        assert_eq!(location(&answer), "/account/browsers?warning=browser_gone");
        let mut alive = 0;
        for http in [&mut one, &mut two] {
            alive += u16::from(http.get(list, &[]).await.status == 200);
        }
        assert_eq!(alive, 1);
        let others = "/account/browsers/end-others";
        let asked = here.get(others, &[]).await.body;
        assert!(asked.contains("1 other browser is signed out."), "{asked}");
        let answer = send(&mut here, others, others, &[]).await;
        assert_eq!(
            location(&answer),
            "/account/browsers?success=browsers_ended&n=1"
        );
        for http in [&mut one, &mut two] {
            assert_eq!(http.get(list, &[]).await.status, 302);
        }
        assert_eq!(here.get(list, &[]).await.status, 200);
        let nobody = here.get(others, &[]).await;
        assert_eq!(location(&nobody), "/account/browsers?warning=no_others");
        // A part of the name means nobody, and so does somebody else's.
        add_person(&server, "zoe", "user").await;
        let mut zoe = person(&server, "zoe").await;
        let page = zoe.get(list, &[]).await.body;
        assert_eq!(page.matches("/end\"").count(), 0);
        let name = server.texts("SELECT substr(id_hash, 1, 32) FROM sessions WHERE revoked_at IS NULL AND user_id <> 'id-of-zoe'").await;
        for name in [name[0].as_str(), &name[0][..8], "", "%"] {
            let answer = send(
                &mut zoe,
                list,
                &format!("/account/browsers/{name}/end"),
                &[],
            )
            .await;
            assert!(matches!(answer.status, 302 | 404), "{answer:?}");
        }
        assert_eq!(here.get(list, &[]).await.status, 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn password_change_needs_current() {
    for engine in BOTH {
        let server = Server::start(engine, &[]).await;
        let mut here = person(&server, "admin").await;
        let mut elsewhere = person(&server, "admin").await;
        let page = "/account/profile";
        let stolen = here.cookie.clone();
        for (current, new, repeated, why) in [
            (
                "wrong",
                NEW_PASSWORD,
                NEW_PASSWORD,
                "not your current password",
            ),
            ("", NEW_PASSWORD, NEW_PASSWORD, "not your current password"),
            (
                PASSWORD,
                NEW_PASSWORD,
                "another",
                "two new passwords differ",
            ),
            (
                PASSWORD,
                PASSWORD,
                PASSWORD,
                "the password you have already",
            ),
            (PASSWORD, "short", "short", "At least 15 characters"),
            (
                PASSWORD,
                "admin@localhost-1234",
                "admin@localhost-1234",
                "little more than a name",
            ),
            (PASSWORD, "", "", "At least 15 characters"),
        ] {
            let form = [
                ("current_password", current),
                ("new_password", new),
                ("repeat_password", repeated),
            ];
            let answer = send(&mut here, page, "/account/password", &form).await;
            assert_eq!(answer.status, 400, "{why}: {answer:?}");
            assert!(answer.body.contains(why), "{why}: {}", answer.body);
            assert!(!answer.body.contains(NEW_PASSWORD));
        }
        assert_eq!(elsewhere.get(page, &[]).await.status, 200);
        let form = [
            ("current_password", PASSWORD),
            ("new_password", NEW_PASSWORD),
            ("repeat_password", NEW_PASSWORD),
        ];
        let answer = send(&mut here, page, "/account/password", &form).await;
        assert_eq!(location(&answer), "/account/profile?success=password");
        assert_eq!(here.get(page, &[]).await.status, 200);
        assert_ne!(here.cookie, stolen);
        // Every other session ended, and so did the old name of this one.
        assert_eq!(elsewhere.get(page, &[]).await.status, 302);
        let mut copy = server.http().await;
        copy.cookie = stolen;
        assert_eq!(copy.get(page, &[]).await.status, 302);
        assert_eq!(signed_in(&server, "admin", PASSWORD).await.1.status, 401);
        assert_eq!(
            signed_in(&server, "admin", NEW_PASSWORD).await.1.status,
            302
        );
        for (event, times) in [("USER_PASSWORD_CHANGED", 1), ("AUTHENTICATION_FAILURE", 3)] {
            let count = format!("SELECT count(*) FROM audit_logs WHERE event_type = '{event}'");
            assert_eq!(server.count(&count).await, times, "{event}");
        }
    }
}

/// PW-06: what somebody else chose opens one page only.
#[tokio::test(flavor = "multi_thread")]
async fn a_password_of_somebody_else_must_be_changed_first() {
    let server = Server::start(Engine::Sqlite, &[]).await;
    add_person(&server, "zoe", "user").await;
    let must = "UPDATE users SET must_change_password = 1 WHERE username = 'zoe'";
    server.sql(must, must).await;
    let mut zoe = person(&server, "zoe").await;
    for (path, first) in [
        ("/account/sessions", "/account/profile"),
        (
            "/account/browsers",
            "/account/profile?redirect=%2Faccount%2Fbrowsers",
        ),
        ("/device", "/account/profile?redirect=%2Fdevice"),
    ] {
        assert_eq!(location(&zoe.get(path, &[]).await), first);
    }
    let page = zoe.get("/account/profile", &[]).await.body;
    assert!(page.contains("An administrator gave you this password."));
    let form = [
        ("current_password", PASSWORD),
        ("new_password", NEW_PASSWORD),
        ("repeat_password", NEW_PASSWORD),
        ("end_tokens", "1"),
    ];
    let answer = send(&mut zoe, "/account/profile", "/account/password", &form).await;
    assert_eq!(answer.status, 302);
    assert_eq!(zoe.get("/account/sessions", &[]).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn permissions_names_and_linked_logins_are_their_owners() {
    for engine in BOTH {
        let server = Server::start(engine, &[]).await;
        add_person(&server, "zoe", "user").await;
        let (mut admin, mut zoe) = (person(&server, "admin").await, person(&server, "zoe").await);
        // A permission, as the code grant writes it.
        let consent = |active: &str, blob: &str| {
            format!(
                "INSERT INTO user_authorizations (uuid, user_id, application_id, client_id, scopes, resource, granted_at, is_active, \
                 created_at, updated_at) SELECT 'c0ffee00-0000-4000-8000-000000000000', u.id, a.id, a.client_id, 'openid email', \
                 {blob}, u.created_at, {active}, u.created_at, u.created_at FROM users u, oauth_applications a WHERE u.username = 'zoe'"
            )
        };
        server
            .sql(
                &consent("1", "CAST('[]' AS BLOB)"),
                &consent("true", "'[]'"),
            )
            .await;
        let list = "/account/authorizations";
        let page = zoe.get(list, &[]).await.body;
        assert!(
            page.contains("AuthGate CLI") && page.contains("See your email address"),
            "{page}"
        );
        let end = link(&page, "/revoke").to_owned();
        let answer = send(&mut admin, list, &end, &[]).await;
        assert_eq!(location(&answer), "/account/authorizations?error=not_found");
        let answer = send(&mut zoe, &end, &end, &[]).await;
        assert_eq!(location(&answer), "/account/authorizations?success=revoked");
        assert!(
            zoe.get(list, &[])
                .await
                .body
                .contains("You have allowed nothing yet")
        );
        // A name: trimmed, visible, escaped.
        let profile = "/account/profile";
        let answer = send(&mut zoe, profile, profile, &[("full_name", " <b>Zoë</b> ")]).await;
        assert_eq!(location(&answer), "/account/profile?success=renamed");
        let page = zoe.get(profile, &[]).await.body;
        assert!(
            page.contains("&lt;b&gt;Zoë&lt;/b&gt;") && !page.contains("<b>Zo"),
            "{page}"
        );
        for bad in ["a\u{202e}b", &"x".repeat(256)] {
            let answer = send(&mut zoe, profile, profile, &[("full_name", bad)]).await;
            assert_eq!(answer.status, 400, "{bad}");
        }
        // Linked logins: the last way in stays.
        let link_one = |id: &str, provider: &str| {
            format!(
                "INSERT INTO oauth_connections (id, user_id, provider, provider_user_id, provider_username, provider_email, created_at, updated_at) \
                 SELECT '{id}', 'id-of-zoe', '{provider}', '{id}', 'zoe', 'zoe@example.com', created_at, created_at FROM users WHERE username = 'zoe'"
            )
        };
        for (id, provider) in [("one", "github"), ("two", "gitlab")] {
            let insert = link_one(id, provider);
            server.sql(&insert, &insert).await;
        }
        let without = "UPDATE users SET password_hash = '' WHERE username = 'zoe'";
        server.sql(without, without).await;
        let page = zoe.get(profile, &[]).await.body;
        assert!(page.contains("GitHub") && page.contains("GitLab"), "{page}");
        let unlink = |id: &str| format!("/account/connections/{id}/unlink");
        assert_eq!(
            send(&mut admin, profile, &unlink("one"), &[]).await.status,
            404
        );
        let answer = send(&mut zoe, &unlink("one"), &unlink("one"), &[]).await;
        assert_eq!(location(&answer), "/account/profile?success=unlinked");
        // The only way in stays, and nobody is asked about it.
        let stays = "/account/profile?warning=only_way_in";
        assert_eq!(location(&zoe.get(&unlink("two"), &[]).await), stays);
        let answer = send(&mut zoe, profile, &unlink("two"), &[]).await;
        assert_eq!(location(&answer), stays);
        assert_eq!(
            server.count("SELECT count(*) FROM oauth_connections").await,
            1
        );
    }
}

/// The colours that somebody chose are those of every page from then on, of those that are drawn once and filled in, of
/// guides and of refusals, too.
#[tokio::test(flavor = "multi_thread")]
async fn a_theme_is_chosen_at_the_foot_and_stays() {
    let server = Server::start(Engine::Sqlite, &[("ENABLE_SWAGGER", "true")]).await;
    let (mut http, mut other) = (server.http().await, server.http().await);
    let pages = [
        "/login",
        "/docs/en/tokens",
        "/swagger/index.html",
        "/oauth/authorize?client_id=nobody",
    ];
    for (theme, mark) in [
        ("dark", "<html lang=\"en\" data-theme=\"dark\">"),
        ("light", "<html lang=\"en\" data-theme=\"light\">"),
        ("system", "<html lang=\"en\">"),
    ] {
        let back = "/login?redirect=%2Fdevice";
        let chosen = http
            .post("/theme", &[("theme", theme), ("back", back)])
            .await;
        assert_eq!(
            (chosen.status, chosen.header("location").as_deref()),
            (303, Some(back))
        );
        let cookie = chosen.header("set-cookie").unwrap();
        assert!(cookie.starts_with(&format!("theme={theme};")), "{cookie}");
        for page in pages {
            let drawn = http.get(page, &[]).await;
            assert!(drawn.body.contains(mark), "{theme} on {page}");
            let pressed = format!("value=\"{theme}\" aria-pressed=\"true\"");
            assert!(drawn.body.contains(&pressed), "{theme} on {page}");
            let of_others = other.get(page, &[]).await;
            assert!(of_others.body.contains("<html lang=\"en\">"), "{page}");
        }
    }
    for guide in ["/docs/en/tokens", "/swagger/index.html"] {
        let vary = http.get(guide, &[]).await.header("vary").unwrap();
        assert!(vary.contains("Cookie"), "{guide}: {vary}");
    }
    let form = [("theme", "dark")];
    for foreign in [
        ("sec-fetch-site", "cross-site"),
        ("origin", "https://evil.example"),
    ] {
        assert_eq!(
            http.post_with("/theme", &[foreign], &form).await.status,
            403
        );
    }
    for nothing in [&[("theme", "neon")][..], &[]] {
        assert_eq!(http.post("/theme", nothing).await.status, 400);
    }
}

/// Why a request was refused is told in the reader's language, and beneath it what the protocol says.
#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_tells_its_reason_in_the_readers_language() {
    let server = Server::start(Engine::Sqlite, &[]).await;
    let mut http = server.http().await;
    let chinese = [("accept-language", "zh-TW")];
    let page = http
        .get("/oauth/authorize?client_id=nobody", &chinese)
        .await;
    assert_eq!(page.status, 400);
    assert!(
        page.body.contains("這裡不認得這個應用程式"),
        "{}",
        page.body
    );
    let small = "lang=\"en\">the client is unknown or not active<";
    assert!(page.body.contains(small), "{}", page.body);
    let page = http
        .get("/oauth/end_session?state=a&state=b", &chinese)
        .await;
    assert!(
        page.body.contains("要求中有部分內容重複出現"),
        "{}",
        page.body
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_language_is_chosen_by_header_or_switch_and_by_nobody_else() {
    let server = Server::start(Engine::Sqlite, &[]).await;
    let mut http = server.http().await;
    let chinese = [("accept-language", "zh-TW,zh;q=0.9,en;q=0.5")];
    let page = http.get("/login", &chinese).await.body;
    assert!(page.contains("<html lang=\"zh-Hant\">") && page.contains("使用者名稱"));
    let page = http.get("/login", &[]).await.body;
    assert!(page.contains("<html lang=\"en\">") && page.contains("繁體中文"));
    let from = |referer: &'static str| [("referer", referer), ("sec-fetch-site", "same-origin")];
    let form = [("lang", "zh-Hant")];
    for (referer, back) in [
        (
            "http://test/login?redirect=%2Fdevice",
            "/login?redirect=%2Fdevice",
        ),
        ("http://test/device/verify", "/device/verify"),
        ("http://evil.example/login", "/"),
        ("http://test//evil.example", "/"),
        ("rubbish", "/"),
    ] {
        let answer = http.post_with("/language", &from(referer), &form).await;
        assert_eq!(
            (answer.status, answer.header("location").unwrap()),
            (303, back.to_owned()),
            "{referer}"
        );
        assert!(
            answer
                .header("set-cookie")
                .unwrap()
                .starts_with("lang=zh-Hant;")
        );
    }
    // A page tells its own address, for browsers that send no Referer; what leaves this server is no address.
    let page = http.get("/login?redirect=%2Fdevice&x=%22", &[]).await.body;
    let page = crate::app::unescaped(&page);
    assert!(page.contains("name=\"back\" value=\"/login?redirect=%2Fdevice&x=%22\""));
    for (told, back) in [
        ("/login?redirect=%2Fdevice", "/login?redirect=%2Fdevice"),
        ("/docs/en/tokens", "/docs/zh-TW/tokens"),
        ("/device/verify", "/device/verify"),
        ("/nowhere/at/all", "/"),
        ("//evil.example/login", "/"),
        ("/\\evil.example/login", "/"),
        ("/login\r\nx: y", "/"),
        ("https://evil.example/login", "/"),
        ("", "/"),
    ] {
        let form = [("lang", "zh-Hant"), ("back", told)];
        let answer = http.post("/language", &form).await;
        assert_eq!(answer.header("location").as_deref(), Some(back), "{told}");
    }
    assert!(http.get("/login", &[]).await.body.contains("使用者名稱"));
    let foreign = [("sec-fetch-site", "cross-site")];
    assert_eq!(
        http.post_with("/language", &foreign, &form).await.status,
        403
    );
    let foreign = [("origin", "https://evil.example")];
    assert_eq!(
        http.post_with("/language", &foreign, &form).await.status,
        403
    );
    assert_eq!(
        http.post("/language", &[("lang", "klingon")]).await.status,
        400
    );
}
