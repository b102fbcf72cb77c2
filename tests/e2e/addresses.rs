//! Every address that a browser may keep can be read: after a form, instead of one, and where nothing is.
use crate::{
    account::{add_person, signed_in},
    support::{Answer, Engine, Http, PASSWORD, Server, field},
    ways::{action, address, place},
};

const BOTH: [Engine; 2] = [Engine::Sqlite, Engine::Postgres];
const BROWSER: (&str, &str) = ("accept", "text/html,application/xhtml+xml,*/*;q=0.8");
const PLAIN: &str = "404 page not found";

/// A code of a device whose client has this name.
async fn ask(server: &Server) -> (String, String) {
    let mut tool = server.http().await;
    let form = [("client_id", server.client_id.as_str())];
    let started = tool.post("/oauth/device/code", &form).await;
    (started.text("device_code"), started.text("user_code"))
}

/// Answers the question about a code; what the server says to the form itself.
async fn answer(http: &mut Http, typed: &str, choice: &str) -> Answer {
    let here = format!("/device?user_code={typed}");
    let csrf = field(&http.get(&here, &[BROWSER]).await.body, "csrf_token");
    let form = [("csrf_token", csrf.as_str()), ("user_code", typed)];
    let found = http.post("/device/verify", &form).await;
    assert_eq!((found.status, found.body.as_str()), (303, ""));
    let page = place(&found);
    let bare = typed.replace('-', "");
    assert!(!page.contains(typed) && !page.contains(&bare), "{page}");
    let question = http.get(&page, &[BROWSER]).await;
    assert_eq!(question.status, 200, "{question:?}");
    let to = action(&question, "confirmed");
    assert_eq!(to, page.replace("/device?", "/device/verify?"));
    assert_eq!(address(&question), page);
    let csrf = field(&question.body, "csrf_token");
    let form = [
        ("csrf_token", csrf.as_str()),
        ("user_code", typed),
        ("confirmed", "true"),
        ("action", choice),
    ];
    http.post(&to, &form).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_decides_nothing_about_a_device_again() {
    for engine in BOTH {
        let server = Server::start(engine, &[]).await;
        let name = "UPDATE oauth_applications SET client_name = 'Denied <b>Tool</b>'";
        server.sql(name, name).await;
        add_person(&server, "zoe", "user").await;
        let (mut zoe, _) = signed_in(&server, "zoe", PASSWORD).await;
        let (mut admin, _) = signed_in(&server, "admin", PASSWORD).await;
        for (choice, said) in [("approve", "carries on there"), ("deny", "got no access")] {
            let (code, typed) = ask(&server).await;
            let done = answer(&mut zoe, &typed, choice).await;
            assert_eq!((done.status, done.body.as_str()), (303, ""));
            let page = place(&done);
            let rows = "SELECT count(*) FROM audit_logs";
            let before = server.count(rows).await;
            for _ in 0..2 {
                let told = zoe.get(&page, &[BROWSER]).await;
                assert_eq!(told.status, 200, "{told:?}");
                assert!(told.body.contains(said), "{said}: {told:?}");
                assert!(told.body.contains("Denied &lt;b&gt;Tool&lt;/b&gt;"));
                // The language may be chosen there as well.
                assert_eq!(address(&told), page);
            }
            assert_eq!(server.count(rows).await, before);
            // It says nothing to anybody else, and nothing that somebody made up.
            assert_eq!(place(&admin.get(&page, &[BROWSER]).await), "/device");
            for made_up in ["?sealed=AAAA", "?sealed=approved", "", "?outcome=approved"] {
                let path = format!("/device/done{made_up}");
                assert_eq!(place(&zoe.get(&path, &[BROWSER]).await), "/device");
            }
            let mut tool = server.http().await;
            let polled = tool.poll(&server.client_id, &code).await;
            assert_eq!(polled.status, if choice == "approve" { 200 } else { 400 });
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_address_of_a_form_leads_a_browser_to_its_page() {
    let server = Server::start(Engine::Sqlite, &[]).await;
    let (mut admin, _) = signed_in(&server, "admin", PASSWORD).await;
    add_person(&server, "zoe", "user").await;
    for (form, page) in [
        ("/device/verify", "/device"),
        (
            "/device/verify?user_code=WDJB-MJHT",
            "/device?user_code=WDJB-MJHT",
        ),
        ("/account/password", "/account/profile"),
        (
            "/account/password?redirect=%2Fdevice",
            "/account/profile?redirect=%2Fdevice",
        ),
        ("/admin/users/id-of-zoe/enable", "/admin/users/id-of-zoe"),
        ("/account/sessions/some-token/disable", "/account/sessions"),
        ("/language", "/"),
        ("/theme", "/"),
    ] {
        let read = admin.get(form, &[BROWSER]).await;
        assert_eq!(place(&read), page, "{form}");
        let next = admin.get(page, &[BROWSER]).await;
        assert!(matches!(next.status, 200 | 302), "{page}: {next:?}");
    }
    // The refusal of a form is a page with a way to it in another language.
    let form = [("full_name", "a\u{202e}b")];
    let refused = admin
        .submit("/account/profile", "/account/profile", &form)
        .await;
    assert_eq!(
        (refused.status, address(&refused)),
        (400, "/account/profile".to_owned())
    );
    let page = admin.get("/apps/new", &[]).await;
    let csrf = field(&page.body, "csrf_token");
    let form = [("csrf_token", csrf.as_str()), ("client_name", "")];
    for referer in ["http://test/apps/new", "http://test/apps"] {
        let headers = [("referer", referer)];
        let refused = admin.post_with("/apps", &headers, &form).await;
        assert_eq!(
            (refused.status, address(&refused)),
            (400, "/apps/new".to_owned())
        );
    }
}

/// A page for people; for programs the text that they know (contract of the Go server).
#[tokio::test(flavor = "multi_thread")]
async fn where_nothing_is_people_get_a_page_and_programs_their_text() {
    let server = Server::start(Engine::Sqlite, &[]).await;
    let (mut person, _) = signed_in(&server, "admin", PASSWORD).await;
    let mut stranger = server.http().await;
    for path in [
        "/nowhere",
        "/nowhere/at/all?x=%22%3Cb%3E",
        "/oauth/token",
        "/oauth/device/code",
        "/oauth/nothing",
        "/admin/nothing",
        "/.well-known/nothing",
        "/metrics",
    ] {
        for http in [&mut person, &mut stranger] {
            for accept in ["*/*", "application/json", "text/plain"] {
                let answer = http.get(path, &[("accept", accept)]).await;
                assert_eq!((answer.status, answer.body.as_str()), (404, PLAIN));
                let kind = answer.header("content-type").unwrap();
                assert_eq!(kind, "text/plain; charset=utf-8");
            }
            assert_eq!(http.get(path, &[]).await.body, PLAIN, "{path}");
        }
        for (http, way) in [
            (&mut person, "/account/sessions"),
            (&mut stranger, "/login"),
        ] {
            let chinese = ("accept-language", "zh-TW");
            let answer = http.get(path, &[BROWSER, chinese]).await;
            assert_eq!(answer.status, 404, "{path}: {answer:?}");
            assert!(answer.body.contains("這裡沒有內容"), "{answer:?}");
            assert!(answer.body.contains(&format!("href=\"{way}\"")));
            assert_eq!(answer.header("cache-control").unwrap(), "no-store");
        }
    }
    // A method that nobody serves, and a form to nowhere.
    let lost = person.post_with("/nowhere", &[BROWSER], &[]).await;
    assert!(lost.status == 404 && lost.body.contains("There is nothing here"));
    for path in ["/nowhere", "/health", "/account/browsers"] {
        let lost = person.post(path, &[]).await;
        assert_eq!((lost.status, lost.body.as_str()), (404, PLAIN), "{path}");
    }
}

/// The question about a code is read as often as somebody likes, counts as no guess, and only for whoever typed the code.
#[tokio::test(flavor = "multi_thread")]
async fn the_question_about_a_device_is_read_again() {
    for engine in BOTH {
        let env = [
            ("DEVICE_MAX_CODE_MISSES", "1"),
            ("ENABLE_RATE_LIMIT", "true"),
            ("DEVICE_VERIFY_RATE_LIMIT", "3"),
        ];
        let server = Server::start(engine, &env).await;
        add_person(&server, "zoe", "user").await;
        let (mut zoe, _) = signed_in(&server, "zoe", PASSWORD).await;
        let (mut admin, _) = signed_in(&server, "admin", PASSWORD).await;
        let (_, typed) = ask(&server).await;
        let csrf = field(&zoe.get("/device", &[BROWSER]).await.body, "csrf_token");
        let form = [("csrf_token", csrf.as_str()), ("user_code", typed.as_str())];
        let page = place(&zoe.post("/device/verify", &form).await);
        for _ in 0..5 {
            let question = zoe.get(&page, &[BROWSER]).await;
            assert_eq!(question.status, 200, "{question:?}");
            assert!(question.body.contains("name=\"confirmed\""), "{question:?}");
        }
        // The same person in another session is asked too; anybody else, or what is made up, finds the empty form.
        let (mut again, _) = signed_in(&server, "zoe", PASSWORD).await;
        let asked = again.get(&page, &[BROWSER]).await;
        assert!(asked.body.contains("name=\"confirmed\""), "{asked:?}");
        let form_alone = |answer: &Answer| {
            assert_eq!(answer.status, 200, "{answer:?}");
            assert!(!answer.body.contains("name=\"confirmed\"") && !answer.body.contains(&typed));
        };
        form_alone(&admin.get(&page, &[BROWSER]).await);
        form_alone(&zoe.get("/device?sealed=AAAA", &[BROWSER]).await);
        // A code that is gone by then is no wrong one.
        let gone = "DELETE FROM device_codes";
        server.sql(gone, gone).await;
        for _ in 0..3 {
            let told = zoe.get(&page, &[BROWSER]).await;
            assert_eq!(told.status, 400, "{told:?}");
            assert!(told.body.contains("name=\"user_code\""), "{told:?}");
        }
        let missed = "SELECT count(*) FROM sessions WHERE code_misses > 0";
        assert_eq!(server.count(missed).await, 0);
        assert_eq!(server.count("SELECT count(*) FROM login_failures").await, 0);
    }
}
