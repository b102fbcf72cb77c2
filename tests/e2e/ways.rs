//! Where a person was going survives what comes in between: a sign-in, a password that must be changed, a limit.
use crate::{
    account::add_person,
    app::{self, Ask, CALLBACK, unescaped},
    clicks::between,
    support::{Answer, Engine, Http, PASSWORD, Server, field},
};
use url::form_urlencoded::byte_serialize;

const BOTH: [Engine; 2] = [Engine::Sqlite, Engine::Postgres];
const NEW_PASSWORD: &str = "four random words in a row";
const THIRD_PASSWORD: &str = "and yet another row of words";
const BROWSER: (&str, &str) = ("accept", "text/html");

fn encoded(text: &str) -> String {
    byte_serialize(text.as_bytes()).collect()
}

/// Where the answer leads on this server.
pub fn place(answer: &Answer) -> String {
    let is_redirect = matches!(answer.status, 302 | 303);
    assert!(is_redirect, "{answer:?}");
    answer.header("location").unwrap()
}

/// Where the form with this field is sent.
pub fn action(page: &Answer, field: &str) -> String {
    let named = format!("name=\"{field}\"");
    let form = page.body.split("<form").find(|form| form.contains(&named));
    let form = form.unwrap_or_else(|| panic!("no {field} in {}", page.body));
    unescaped(&between(form, "action=\"", "\""))
}

/// The address that a page gives to the switch of the language.
pub fn address(page: &Answer) -> String {
    unescaped(&field(&page.body, "back"))
}

/// Sends the form with this field, as a browser on the page at `here` does. What is typed comes after what is hidden.
async fn send(
    http: &mut Http,
    (here, page): (&str, &Answer),
    marker: &str,
    typed: &[(&str, &str)],
) -> Answer {
    let to = action(page, marker);
    let csrf = field(&page.body, "csrf_token");
    let mut form = vec![("csrf_token", csrf.as_str())];
    let redirect = page.body.contains("name=\"redirect\"");
    let redirect = redirect.then(|| unescaped(&field(&page.body, "redirect")));
    form.extend(redirect.as_deref().map(|redirect| ("redirect", redirect)));
    form.extend_from_slice(typed);
    let referer = format!("http://test{here}");
    http.post_with(&to, &[BROWSER, ("referer", &referer)], &form)
        .await
}

/// Signs in on the page at `here`.
async fn sign_in(http: &mut Http, here: &str, name: &str, password: &str) -> Answer {
    let page = http.get(here, &[BROWSER]).await;
    assert_eq!(page.status, 200, "{page:?}");
    let typed = [("username", name), ("password", password)];
    send(http, (here, &page), "password", &typed).await
}

fn change<'a>(current: &'a str, new: &'a str) -> [(&'a str, &'a str); 3] {
    [
        ("current_password", current),
        ("new_password", new),
        ("repeat_password", new),
    ]
}

/// From an address to the sign-in page, and on to the page that asks for a password of one's own.
async fn first_sign_in(http: &mut Http, wanted: &str, (name, password): (&str, &str)) -> String {
    let login = place(&http.get(wanted, &[BROWSER]).await);
    assert!(login.starts_with("/login?redirect="), "{login}");
    let back = place(&sign_in(http, &login, name, password).await);
    let detour = place(&http.get(&back, &[BROWSER]).await);
    assert_eq!(
        detour,
        format!("/account/profile?redirect={}", encoded(&back))
    );
    detour
}

/// A newcomer, as an administrator makes one; the password that was drawn.
async fn newcomer(server: &Server, name: &str) -> String {
    let mut admin = server.http().await;
    admin.sign_in().await;
    admin.make_user(name, "user").await.1
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_sign_in_of_a_newcomer_leads_on_to_the_app() {
    for engine in BOTH {
        let server = Server::start(engine, &[]).await;
        app::register(&server, "public", "public", &[CALLBACK]).await;
        // One app minds when the person signed in, the other does not.
        for (name, ask) in [
            ("alice", Ask::of("public")),
            ("berta", Ask::of("public").with("prompt", "login")),
        ] {
            let drawn = newcomer(&server, name).await;
            let mut http = server.http().await;
            let here = first_sign_in(&mut http, &ask.path(), (name, &drawn)).await;
            let page = http.get(&here, &[BROWSER]).await;
            let policy = page.header("content-security-policy").unwrap();
            assert!(
                policy.contains("form-action 'self' https://app.example;"),
                "{policy}"
            );
            // Refused twice, in another language, with another name: the way is kept.
            let wrong = change("not the one", NEW_PASSWORD);
            let refused = send(&mut http, (&here, &page), "new_password", &wrong).await;
            assert_eq!((refused.status, address(&refused)), (400, here.clone()));
            let here_now = action(&page, "new_password");
            let again = send(&mut http, (&here_now, &refused), "new_password", &wrong).await;
            assert_eq!(again.status, 400);
            assert_eq!(place(&http.get(&address(&again), &[]).await), here);
            let named = [("full_name", "A Newcomer")];
            let renamed = send(&mut http, (&here, &page), "full_name", &named).await;
            assert_eq!(place(&renamed), format!("{here}&success=renamed"));
            let page = http.get(&place(&renamed), &[BROWSER]).await;
            let right = change(&drawn, NEW_PASSWORD);
            let changed = send(&mut http, (&here, &page), "new_password", &right).await;
            let onward = place(&changed);
            assert!(onward.starts_with(&ask.path()), "{onward}");
            let question = http.get(&onward, &[BROWSER]).await;
            let answer = app::press(&mut http, &question, "approve").await;
            let code = app::parameter(&app::location(&answer), "code").unwrap();
            let tokens = app::exchange(&mut http, "public", &code, &[]).await;
            assert_eq!(tokens.status, 200, "{tokens:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_sign_in_of_a_newcomer_leads_on_to_the_device() {
    for engine in BOTH {
        let server = Server::start(engine, &[]).await;
        let mut tool = server.http().await;
        let started = tool
            .post("/oauth/device/code", &[("client_id", &server.client_id)])
            .await;
        let typed = started.text("user_code");
        let wanted = format!("/device?user_code={typed}");
        let drawn = newcomer(&server, "alice").await;
        let mut alice = server.http().await;
        let here = first_sign_in(&mut alice, &wanted, ("alice", &drawn)).await;
        let page = alice.get(&here, &[BROWSER]).await;
        let right = change(&drawn, NEW_PASSWORD);
        let changed = send(&mut alice, (&here, &page), "new_password", &right).await;
        let told = place(&changed);
        assert_eq!(told, format!("{wanted}&success=password"));
        let told = alice.get(&told, &[BROWSER]).await;
        assert!(told.body.contains("The password was changed") && told.body.contains(&typed));
        assert_eq!(alice.decide(&typed, "approve").await.status, 200);
        let code = started.text("device_code");
        assert_eq!(tool.poll(&server.client_id, &code).await.status, 200);
        // Whoever was going nowhere reads that it was changed; so does everybody who does it unasked.
        let drawn = newcomer(&server, "berta").await;
        let mut berta = server.http().await;
        let start = place(&sign_in(&mut berta, "/login", "berta", &drawn).await);
        let here = place(&berta.get(&start, &[BROWSER]).await);
        assert_eq!(here, "/account/profile");
        for (here, from, to) in [
            (here.as_str(), drawn.as_str(), NEW_PASSWORD),
            (
                "/account/profile?redirect=%2Flogout",
                NEW_PASSWORD,
                THIRD_PASSWORD,
            ),
        ] {
            let page = berta.get(here, &[BROWSER]).await;
            assert_eq!(action(&page, "new_password"), "/account/password");
            let typed = change(from, to);
            let changed = send(&mut berta, (here, &page), "new_password", &typed).await;
            assert_eq!(place(&changed), "/account/profile?success=password");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_that_meets_a_password_to_be_changed_leads_back_to_its_page() {
    for engine in BOTH {
        let server = Server::start(engine, &[]).await;
        app::register(&server, "public", "public", &[CALLBACK]).await;
        add_person(&server, "zoe", "user").await;
        let mut zoe = server.http().await;
        sign_in(&mut zoe, "/login", "zoe", PASSWORD).await;
        let question = zoe.get(&Ask::of("public").path(), &[BROWSER]).await;
        server
            .sql(
                "UPDATE users SET must_change_password = 1 WHERE username = 'zoe'",
                "UPDATE users SET must_change_password = true WHERE username = 'zoe'",
            )
            .await;
        let referer = ("referer", "http://test/apps/new");
        let detour = place(&zoe.post_with("/apps", &[referer], &[]).await);
        assert_eq!(detour, "/account/profile?redirect=%2Fapps%2Fnew");
        let detour = place(&app::press(&mut zoe, &question, "approve").await);
        let page = zoe.get(&detour, &[BROWSER]).await;
        let right = change(PASSWORD, NEW_PASSWORD);
        let changed = send(&mut zoe, (&detour, &page), "new_password", &right).await;
        let question = zoe.get(&place(&changed), &[BROWSER]).await;
        let answer = app::press(&mut zoe, &question, "approve").await;
        assert!(app::parameter(&app::location(&answer), "code").is_some());
    }
}

/// No address makes a change of password lead away from this server.
#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_password_leads_to_no_other_site() {
    let server = Server::start(Engine::Sqlite, &[]).await;
    add_person(&server, "zoe", "user").await;
    let must = "UPDATE users SET must_change_password = 1 WHERE username = 'zoe'";
    let (mut from, mut to, mut other) = (PASSWORD, NEW_PASSWORD, THIRD_PASSWORD);
    for evil in [
        "//evil.example",
        "/\\evil.example",
        "https://evil.example/",
        "/\tevil.example",
        "/a\r\nset-cookie: a=b",
        "javascript:alert(1)",
        "evil.example",
    ] {
        server.sql(must, must).await;
        let mut zoe = server.http().await;
        sign_in(&mut zoe, "/login", "zoe", from).await;
        let here = format!("/account/profile?redirect={}", encoded(evil));
        let page = zoe.get(&here, &[BROWSER]).await;
        assert_eq!(action(&page, "new_password"), "/account/password", "{evil}");
        let csrf = field(&page.body, "csrf_token");
        let mut form = change(from, to).to_vec();
        form.extend([("csrf_token", csrf.as_str()), ("redirect", evil)]);
        let by_hand = format!("/account/password?redirect={}", encoded(evil));
        let changed = zoe.post(&by_hand, &form).await;
        assert_eq!(place(&changed), "/account/profile?success=password");
        (from, to, other) = (to, other, to);
    }
}

/// The way out of the page of a limit.
fn way_back(limited: &Answer) -> String {
    assert_eq!(limited.status, 429, "{limited:?}");
    let link = between(
        &limited.body,
        "<a class=\"button quiet wide\" href=\"",
        "\"",
    );
    unescaped(&link)
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_asks_too_often_finds_the_way_back() {
    let env = [
        ("ENABLE_RATE_LIMIT", "true"),
        ("LOGIN_RATE_LIMIT", "2"),
        ("DEVICE_VERIFY_RATE_LIMIT", "1"),
    ];
    let server = Server::start(Engine::Sqlite, &env).await;
    let mut http = server.http().await;
    let started = http
        .post("/oauth/device/code", &[("client_id", &server.client_id)])
        .await;
    let typed = started.text("user_code");
    sign_in(&mut http, "/login", "admin", PASSWORD).await;
    let here = format!("/device?user_code={typed}");
    let page = http.get(&here, &[BROWSER]).await;
    let code = [("user_code", typed.as_str())];
    let found = send(&mut http, (&here, &page), "user_code", &code).await;
    let asked = place(&found);
    let question = http.get(&asked, &[BROWSER]).await;
    assert_eq!(question.status, 200, "{question:?}");
    let yes = [("user_code", typed.as_str()), ("confirmed", "true")];
    let limited = send(&mut http, (&asked, &question), "confirmed", &yes).await;
    assert_eq!(way_back(&limited), asked);
    // By the address that the form was sent to as well.
    let there = action(&question, "confirmed");
    assert_eq!(place(&http.get(&there, &[BROWSER]).await), asked);

    let mut other = server.http().await;
    let login = format!("/login?redirect={}", encoded(&here));
    let refused = sign_in(&mut other, &login, "admin", "wrong").await;
    assert_eq!((refused.status, address(&refused)), (401, login.clone()));
    let typed = [("username", "admin"), ("password", "wrong")];
    let there = action(&refused, "password");
    let limited = send(&mut other, (&there, &refused), "password", &typed).await;
    assert_eq!(way_back(&limited), login);
    for referer in ["http://evil.example/login", "rubbish"] {
        let headers = [BROWSER, ("referer", referer)];
        let limited = other.post_with(&there, &headers, &typed).await;
        assert_eq!(way_back(&limited), login);
    }
    // Programs read what they always did.
    let limited = other.post(&there, &typed).await;
    assert_eq!(
        (limited.status, limited.error().as_str()),
        (429, "rate_limit_exceeded")
    );
}

/// A refused code, and the sign-in that helps.
async fn sent_to_sign_in(http: &mut Http, typed: &str) -> String {
    let refused = http.decide(typed, "approve").await;
    assert_eq!(refused.status, 400, "{refused:?}");
    let link = between(
        &refused.body,
        "<a class=\"button primary wide\" href=\"",
        "\"",
    );
    let link = unescaped(&link);
    let back = encoded(&format!("/device?user_code={typed}"));
    assert_eq!(link, format!("/login?redirect={back}&prompt=login"));
    link
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_that_no_longer_does_leads_to_another_and_back_to_the_code() {
    for engine in BOTH {
        for env in [
            ("DEVICE_REQUIRE_RECENT_LOGIN", "5m"),
            ("DEVICE_MAX_CODE_MISSES", "1"),
        ] {
            let server = Server::start(engine, &[env]).await;
            let mut tool = server.http().await;
            let started = tool
                .post("/oauth/device/code", &[("client_id", &server.client_id)])
                .await;
            let typed = started.text("user_code");
            let mut http = server.http().await;
            sign_in(&mut http, "/login", "admin", PASSWORD).await;
            if env.0 == "DEVICE_REQUIRE_RECENT_LOGIN" {
                server
                    .sql(
                        "UPDATE sessions SET auth_time = '2026-01-01 00:00:00+00:00'",
                        "UPDATE sessions SET auth_time = '2026-01-01'",
                    )
                    .await;
            } else {
                assert_eq!(http.decide("BBBB-2222", "approve").await.status, 400);
            }
            let login = sent_to_sign_in(&mut http, &typed).await;
            // A wrong password changes nothing about that.
            let refused = sign_in(&mut http, &login, "admin", "wrong").await;
            assert_eq!((refused.status, address(&refused)), (401, login.clone()));
            let back = place(&sign_in(&mut http, &login, "admin", PASSWORD).await);
            assert_eq!(back, format!("/device?user_code={typed}"));
            assert_eq!(http.decide(&typed, "approve").await.status, 200);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_account_may_answer_the_device() {
    for engine in BOTH {
        let server = Server::start(engine, &[]).await;
        add_person(&server, "zoe", "user").await;
        let mut tool = server.http().await;
        let started = tool
            .post("/oauth/device/code", &[("client_id", &server.client_id)])
            .await;
        let typed = started.text("user_code");
        let mut http = server.http().await;
        sign_in(&mut http, "/login", "admin", PASSWORD).await;
        // Typed by hand, in a way of one's own.
        let page = http.get("/device", &[BROWSER]).await;
        let by_hand = typed.to_lowercase().replace('-', " ");
        let code = [("user_code", by_hand.as_str())];
        let found = send(&mut http, ("/device", &page), "user_code", &code).await;
        let question = http.get(&place(&found), &[BROWSER]).await;
        let here = format!("/device?user_code={typed}");
        assert_eq!(question.status, 200, "{question:?}");
        let link = between(&question.body, "<p class=\"note\"><a href=\"", "\"");
        let login = unescaped(&link);
        let back = place(&sign_in(&mut http, &login, "zoe", PASSWORD).await);
        assert_eq!(back, here);
        assert_eq!(http.decide(&typed, "approve").await.status, 200);
        let code = started.text("device_code");
        let polled = tool.poll(&server.client_id, &code).await;
        let access = polled.text("access_token");
        let whose = "SELECT count(*) FROM access_tokens WHERE user_id = 'id-of-zoe' AND token_category = 'access'";
        assert_eq!(
            (tool.tokeninfo(&access).await, server.count(whose).await),
            (200, 1)
        );
    }
}

/// Whoever is signed in keeps the navigation, and an administrator the count of clients that wait, wherever they end up.
#[tokio::test(flavor = "multi_thread")]
async fn navigation_and_badge_are_on_pages_of_refusal() {
    for engine in BOTH {
        let env = [
            ("ENABLE_RATE_LIMIT", "true"),
            ("DEVICE_VERIFY_RATE_LIMIT", "2"),
        ];
        let server = Server::start(engine, &env).await;
        let waits = "UPDATE oauth_applications SET status = 'pending'";
        server.sql(waits, waits).await;
        add_person(&server, "zoe", "user").await;
        for (name, is_admin) in [("admin", true), ("zoe", false)] {
            let mut http = server.http().await;
            sign_in(&mut http, "/login", name, PASSWORD).await;
            let csrf = field(&http.get("/device", &[BROWSER]).await.body, "csrf_token");
            let signed = [("csrf_token", csrf.as_str())];
            let old = [("csrf_token", "of another session")];
            let forms: [(&str, &Form, u16); 7] = [
                ("/nowhere/at/all", &signed, 404),
                ("/logout", &old, 403),
                ("/account/password", &old, 403),
                ("/admin/users", &signed, if is_admin { 400 } else { 403 }),
                ("/apps", &signed, 400),
                ("/device/verify", &signed, if is_admin { 400 } else { 429 }),
                ("/device/verify", &signed, if is_admin { 400 } else { 429 }),
            ];
            for (path, form, status) in forms {
                let refused = http.post_with(path, &[BROWSER], form).await;
                assert_eq!(refused.status, status, "{path}: {refused:?}");
                framed(path, &refused, is_admin);
            }
            let limited = http.post_with("/device/verify", &[BROWSER], &signed).await;
            assert_eq!(limited.status, 429);
            framed("limit", &limited, is_admin);
            for path in ["/nowhere", "/oauth/error/rubbish", "/device/nowhere"] {
                let read = http.get(path, &[BROWSER]).await;
                assert_eq!(read.status, 404, "{path}");
                framed(path, &read, is_admin);
            }
        }
        let stranger = server.http().await.get("/nowhere", &[BROWSER]).await;
        assert_eq!(stranger.status, 404);
        assert!(!stranger.body.contains("<nav") && !stranger.body.contains("csrf_token"));
    }
}

/// What a form sends.
type Form<'f> = [(&'f str, &'f str)];

fn framed(what: &str, page: &Answer, is_admin: bool) {
    assert!(page.body.contains("href=\"/apps\""), "{what}: {page:?}");
    let badge = page.body.contains("badge warning\" title=");
    assert_eq!(badge, is_admin, "{what}: {page:?}");
    let control = page.header("cache-control").unwrap_or_default();
    assert!(control.contains("no-store"), "{what}: {page:?}");
}
