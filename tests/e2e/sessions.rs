//! How long a browser stays signed in.
use crate::support::{Answer, Engine, Http, PASSWORD, Server, field};

const BOTH: [Engine; 2] = [Engine::Sqlite, Engine::Postgres];

/// `Max-Age` of the session's cookie.
fn max_age(answer: &Answer) -> Option<i64> {
    let mut cookies = answer.headers("set-cookie");
    let cookie = cookies.find(|cookie| cookie.starts_with("oauth_session="))?;
    let age = cookie
        .split("; ")
        .find_map(|part| part.strip_prefix("Max-Age="))?;
    Some(age.parse().unwrap())
}

/// Lets so many minutes pass for every session.
pub async fn pass(server: &Server, minutes: u32) {
    let columns = ["auth_time", "last_seen_at", "expires_at"];
    let sqlite = columns.map(|column| {
        format!(
            "{column} = strftime('%Y-%m-%d %H:%M:%f', {column}, '-{minutes} minutes') || '+00:00'"
        )
    });
    let postgres =
        columns.map(|column| format!("{column} = {column} - interval '{minutes} minutes'"));
    let update = |columns: [String; 3]| format!("UPDATE sessions SET {}", columns.join(", "));
    server.sql(&update(sqlite), &update(postgres)).await;
}

/// `SESSION_IDLE_TIMEOUT=0`: no idle limit and nothing that slides. The session ends `SESSION_MAX_AGE` after the sign-in, in
/// the browser and on the server.
#[tokio::test(flavor = "multi_thread")]
async fn without_an_idle_limit_a_session_ends_as_long_after_the_sign_in_as_its_cookie() {
    for engine in BOTH {
        let server = Server::start(engine, &[("SESSION_IDLE_TIMEOUT", "0")]).await;
        let mut person = server.http().await;
        person.sign_in().await;
        let copied = person.cookie.clone();
        pass(&server, 59).await;
        let page = person.get("/account/profile", &[]).await;
        assert_eq!(page.status, 200, "{engine:?}");
        let left = max_age(&page).expect("an end");
        assert!((1..=60).contains(&left), "{engine:?}: {left}");
        pass(&server, 2).await;
        for cookie in [copied, person.cookie.clone()] {
            person.cookie = cookie;
            let page = person.get("/account/profile", &[]).await;
            assert_eq!(page.status, 302, "{engine:?}");
            assert!(page.header("location").unwrap().starts_with("/login"));
        }
    }
}

/// With an idle limit each page begins the cookie's life anew, up to `SESSION_ABSOLUTE_TIMEOUT`, which no cookie outlives.
#[tokio::test(flavor = "multi_thread")]
async fn with_an_idle_limit_a_session_slides_to_its_absolute_end() {
    let server = Server::start(Engine::Sqlite, &[("SESSION_ABSOLUTE_TIMEOUT", "80m")]).await;
    let mut person = server.http().await;
    person.sign_in().await;
    pass(&server, 15).await;
    let page = person.get("/account/profile", &[]).await;
    assert_eq!(max_age(&page), Some(3600));
    pass(&server, 15).await;
    let page = person.get("/account/profile", &[]).await;
    let left = max_age(&page).expect("an end");
    assert!((2000..=3000).contains(&left), "{left}");
    pass(&server, 25).await;
    assert_eq!(person.get("/account/profile", &[]).await.status, 200);
    pass(&server, 26).await;
    let page = person.get("/account/profile", &[]).await;
    assert_eq!(page.status, 302);
    let location = page.header("location").unwrap();
    assert!(!location.contains("session_timeout"), "{location}");
}

/// The moment that a person was seen last is not written at each request; a short idle limit must not suffer from that.
#[tokio::test(flavor = "multi_thread")]
async fn who_is_at_work_is_not_idle() {
    let server = Server::start(Engine::Sqlite, &[("SESSION_IDLE_TIMEOUT", "90")]).await;
    let mut person = server.http().await;
    person.sign_in().await;
    for _ in 0..4 {
        server
            .sql(
                "UPDATE sessions SET last_seen_at = strftime('%Y-%m-%d %H:%M:%f', last_seen_at, '-50 seconds') || '+00:00'",
                "",
            )
            .await;
        assert_eq!(person.get("/account/profile", &[]).await.status, 200);
    }
}

const PROFILE: &str = "/account/profile";

/// Why the person is sent to the sign-in page, and that the page says so; empty for no reason. None when they are let in.
async fn sent_away(person: &mut Http, headers: &[(&str, &str)]) -> Option<String> {
    let page = person.get(PROFILE, headers).await;
    if page.status == 200 {
        return None;
    }
    assert_eq!(page.status, 302, "{page:?}");
    let to = page.header("location").unwrap();
    let (way, why) = to.split_once("&error=").unwrap_or((&to, ""));
    assert_eq!(way, "/login?redirect=%2Faccount%2Fprofile");
    let login = person.get(&to, headers).await;
    for (code, words) in [
        ("session_timeout", "nothing happened for a while"),
        ("session_invalid", "Your browser or network changed"),
    ] {
        assert_eq!(login.body.contains(words), code == why, "{why}: {login:?}");
    }
    Some(why.to_owned())
}

/// Signs the administrator in, with a box ticked and these headers.
async fn sign_in(server: &Server, ticked: bool, headers: &[(&str, &str)]) -> (Http, Answer) {
    let mut person = server.http().await;
    let page = person.get("/login", headers).await;
    let csrf = field(&page.body, "csrf_token");
    let mut form = vec![
        ("username", "admin"),
        ("password", PASSWORD),
        ("csrf_token", &csrf),
    ];
    if ticked {
        form.push(("remember_me", "1"));
    }
    let done = person.post_with("/login", headers, &form).await;
    assert_eq!(done.status, 302, "{done:?}");
    (person, done)
}

/// `SESSION_IDLE_TIMEOUT`, by default half an hour: who comes later is told that they were away, and their cookie is worth
/// nothing.
#[tokio::test(flavor = "multi_thread")]
async fn who_was_away_is_told_so() {
    for engine in BOTH {
        let server = Server::start(engine, &[]).await;
        let (mut person, _) = sign_in(&server, false, &[]).await;
        pass(&server, 29).await;
        assert_eq!(sent_away(&mut person, &[]).await, None, "{engine:?}");
        pass(&server, 31).await;
        let copied = person.cookie.clone();
        let told = sent_away(&mut person, &[]).await;
        assert_eq!(told.as_deref(), Some("session_timeout"), "{engine:?}");
        person.cookie = copied;
        let told = sent_away(&mut person, &[]).await;
        assert_eq!(told.as_deref(), Some("session_timeout"), "{engine:?}");
    }
}

/// A cookie in another browser, or with `SESSION_FINGERPRINT_IP` at another address, is nobody's; without
/// `SESSION_FINGERPRINT` it goes everywhere.
#[tokio::test(flavor = "multi_thread")]
async fn a_session_belongs_to_the_browser_in_which_it_began() {
    const OWN: [(&str, &str); 2] = [("user-agent", "One/1"), ("x-forwarded-for", "192.0.2.1")];
    const BROWSER: [(&str, &str); 2] = [("user-agent", "Two/1"), ("x-forwarded-for", "192.0.2.1")];
    const ADDRESS: [(&str, &str); 2] = [("user-agent", "One/1"), ("x-forwarded-for", "192.0.2.2")];
    for (fingerprint, with_address, browser, address) in [
        ("true", "false", Some("session_invalid"), None),
        (
            "true",
            "true",
            Some("session_invalid"),
            Some("session_invalid"),
        ),
        ("false", "true", None, None),
    ] {
        let env = [
            ("SESSION_FINGERPRINT", fingerprint),
            ("SESSION_FINGERPRINT_IP", with_address),
            ("TRUSTED_PROXIES", "127.0.0.1"),
        ];
        let server = Server::start(Engine::Sqlite, &env).await;
        let (mut person, _) = sign_in(&server, false, &OWN).await;
        let own = person.cookie.clone();
        for (headers, expected) in [(BROWSER, browser), (ADDRESS, address), (OWN, None)] {
            person.cookie = own.clone();
            let told = sent_away(&mut person, &headers).await;
            assert_eq!(told.as_deref(), expected, "{env:?} {headers:?}");
        }
    }
}

/// The box on the sign-in page: thirty days, which no pause ends. Where it is switched off there is none, and who sends it
/// all the same is not remembered.
#[tokio::test(flavor = "multi_thread")]
async fn who_asked_to_be_remembered_stays_signed_in() {
    const DAY: u32 = 24 * 60;
    let has_box = async |server: &Server| {
        let page = server.http().await.get("/login", &[]).await;
        page.body.contains("name=\"remember_me\"")
    };
    for engine in BOTH {
        let server = Server::start(engine, &[]).await;
        assert!(has_box(&server).await);
        let (mut person, done) = sign_in(&server, true, &[]).await;
        let age = max_age(&done).expect("an end");
        assert!((2_591_900..=2_592_000).contains(&age), "{engine:?}: {age}");
        for minutes in [31, 25 * 60, 28 * DAY] {
            pass(&server, minutes).await;
            assert_eq!(sent_away(&mut person, &[]).await, None, "{engine:?}");
        }
        pass(&server, DAY).await;
        let told = sent_away(&mut person, &[]).await;
        assert_eq!(told.as_deref(), Some(""), "{engine:?}");
    }
    let server = Server::start(Engine::Sqlite, &[("SESSION_REMEMBER_ME_MAX_AGE", "86400")]).await;
    let (_, done) = sign_in(&server, true, &[]).await;
    let age = max_age(&done).expect("an end");
    assert!((86_300..=86_400).contains(&age), "{age}");
    let server = Server::start(Engine::Sqlite, &[("SESSION_REMEMBER_ME_ENABLED", "false")]).await;
    assert!(!has_box(&server).await);
    let (mut person, done) = sign_in(&server, true, &[]).await;
    assert_eq!(max_age(&done), Some(3_600));
    pass(&server, 31).await;
    let told = sent_away(&mut person, &[]).await;
    assert_eq!(told.as_deref(), Some("session_timeout"));
}

/// Password hashes that the server has computed or compared.
async fn hashes(server: &Server) -> u64 {
    let report = server.http().await.get("/actors", &[]).await.json();
    let mut tree = report["tree"].as_array().unwrap().iter();
    let hasher = tree.find(|actor| actor["path"] == "root/password_hasher");
    hasher.unwrap()["detail"]["calls"].as_u64().unwrap()
}

/// Who is not let in costs one hash, whoever it is and why ever: the time tells nobody which names exist.
#[tokio::test(flavor = "multi_thread")]
async fn every_refused_sign_in_costs_one_hash() {
    for engine in BOTH {
        let server = Server::start(engine, &[("LOGIN_MAX_FAILURES", "3")]).await;
        let mut admin = server.http().await;
        admin.sign_in().await;
        for name in ["off", "locked", "elsewhere"] {
            admin.make_user(name, "user").await;
        }
        let rows = |no: &str| {
            format!(
                "UPDATE users SET is_active = {no} WHERE username = 'off'; \
                 UPDATE users SET password_hash = '', auth_source = 'oauth' WHERE username = 'elsewhere'"
            )
        };
        server.sql(&rows("0"), &rows("false")).await;
        let mut stranger = server.http().await;
        for _ in 0..3 {
            let answer = stranger.sign_in_as("locked", "wrong").await;
            assert_eq!(answer.status, 401);
        }
        let endless = "n".repeat(300);
        for (name, password) in [
            ("admin", "wrong"),
            ("admin", ""),
            ("admin", &*"p".repeat(5_000)),
            ("nobody", "wrong"),
            ("", "wrong"),
            (&*endless, "wrong"),
            ("off", "wrong"),
            ("locked", "wrong"),
            ("elsewhere", "wrong"),
            ("elsewhere", ""),
        ] {
            let before = hashes(&server).await;
            let answer = stranger.sign_in_as(name, password).await;
            assert_eq!(answer.status, 401, "{engine:?} {name}: {answer:?}");
            assert_eq!(hashes(&server).await - before, 1, "{engine:?} {name:.20}");
        }
    }
}
