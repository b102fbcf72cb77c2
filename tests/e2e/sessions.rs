//! How long a browser stays signed in.
use crate::support::{Answer, Engine, Server};

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
async fn pass(server: &Server, minutes: u32) {
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
