//! Secrets that pages show: once, to who made them, in whichever process the next request ends up. And forms that arrive
//! twice.
use super::{
    account::{add_person, signed_in},
    clicks::secret_on,
    http::field,
    support::{Answer, Engine, Http, PASSWORD, Server},
};
use std::{collections::BTreeSet, sync::Arc};
use tokio::sync::Barrier;

const BOTH: [Engine; 2] = [Engine::Sqlite, Engine::Postgres];
const COOKIE: &str = "authgate_secret=";
const CLIENT: [(&str, &str); 3] = [
    ("client_name", "Robot"),
    ("client_type", "confidential"),
    ("enable_device_flow", "true"),
];
const USER: [(&str, &str); 3] = [
    ("username", "newcomer"),
    ("email", "newcomer@corp.example"),
    ("role", "user"),
];

/// The server, and on PostgreSQL a second one on the same database.
async fn pods(engine: Engine) -> Vec<Server> {
    let mut pods = vec![Server::start(engine, &[]).await];
    if engine == Engine::Postgres {
        pods.push(pods[0].beside().await);
    }
    pods
}

fn location(answer: &Answer) -> String {
    answer
        .header("location")
        .unwrap_or_else(|| panic!("{answer:?}"))
}

/// The cookie that carries a secret, as the browser would send it.
fn secret_cookie(http: &Http) -> Option<String> {
    let all = http.cookie.as_deref().unwrap_or_default();
    all.split("; ")
        .find(|pair| pair.starts_with(COOKIE))
        .map(str::to_owned)
}

/// Follows a form that made a secret, by all ways that must not work and then by the one that does. `person` sent the form
/// to one process; the page is read from `elsewhere`.
async fn shown_once(
    person: &mut Http,
    elsewhere: &Server,
    stranger: &mut Http,
    made: &Answer,
) -> String {
    assert_eq!(made.status, 303, "{made:?}");
    assert_eq!(made.body, "");
    assert_eq!(made.header("cache-control").unwrap(), "no-store");
    let page = location(made);
    let told = page.rsplit_once('/').unwrap().0;
    let lines: Vec<&str> = made.headers("set-cookie").collect();
    let line = lines.iter().find(|line| line.starts_with(COOKIE)).unwrap();
    for part in [
        "; HttpOnly",
        "; SameSite=Strict",
        "; Max-Age=120",
        &format!("; Path={page}"),
    ] {
        assert!(line.contains(part), "{part} is not in {line}");
    }
    assert!(line.len() < 4_000, "{line}");
    let carried = secret_cookie(person).unwrap();

    // Somebody else who got hold of the cookie sees nothing, nor does another page of the same session.
    let own = stranger.cookie.clone();
    stranger.cookie = Some(format!("{}; {carried}", own.clone().unwrap()));
    let theirs = stranger.get(&page, &[]).await;
    assert!(theirs.status == 302 || theirs.status == 403, "{theirs:?}");
    stranger.cookie = own;
    let bare = person.cookie.clone();
    for wrong in [
        format!("{}A", &carried[..carried.len() - 1]),
        format!("{}B", &carried[..carried.len() - 1]),
        COOKIE.to_owned(),
    ] {
        if wrong == carried {
            continue;
        }
        person.cookie = Some(bare.clone().unwrap().replace(&carried, &wrong));
        let nothing = person.get(&page, &[]).await;
        assert_eq!(nothing.status, 302, "{wrong}: {nothing:?}");
    }
    person.cookie = bare;
    let mut other_pod = elsewhere.http().await;
    other_pod.cookie = person.cookie.clone();
    let shown = other_pod.get(&page, &[]).await;
    assert_eq!(shown.status, 200, "{shown:?}");
    assert_eq!(shown.header("cache-control").unwrap(), "no-store");
    let secret = secret_on(&shown);
    for place in [&page, &made.head, &carried] {
        assert!(!place.contains(&secret), "{place}");
    }
    let taken = format!("{COOKIE}; HttpOnly; SameSite=Strict; ");
    assert!(
        shown
            .headers("set-cookie")
            .any(|line| line.starts_with(&taken)
                && line.contains("Max-Age=0")
                && line.contains(&format!("Path={page}"))),
        "{shown:?}"
    );
    assert_eq!(secret_cookie(&other_pod), None);

    // A reload leads to the page of what it belongs to, which says why.
    person.cookie = other_pod.cookie.clone();
    let again = person.get(&page, &[]).await;
    assert_eq!(again.status, 302, "{again:?}");
    let to = location(&again);
    assert!(to.starts_with(&format!("{told}?warning=")), "{to}");
    let told = person.get(&to, &[]).await;
    assert!(
        told.body.contains("shown once and is stored nowhere"),
        "{}",
        told.body
    );
    assert!(!told.body.contains(&secret));
    secret
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_secret_is_shown_once_and_a_reload_sends_nothing() {
    for engine in BOTH {
        let pods = pods(engine).await;
        let (here, there) = (&pods[0], pods.last().unwrap());
        for name in ["anna", "berta"] {
            add_person(here, name, "admin").await;
        }
        let (mut anna, _) = signed_in(here, "anna", PASSWORD).await;
        let (mut berta, _) = signed_in(here, "berta", PASSWORD).await;
        let mut secrets = Vec::new();
        for base in ["/admin/clients", "/apps"] {
            let made = anna.submit(&format!("{base}/new"), base, &CLIENT).await;
            secrets.push(shown_once(&mut anna, there, &mut berta, &made).await);
            let page = location(&made);
            let client = page.trim_end_matches("/secret");
            let path = format!("{client}/regenerate-secret");
            let form = anna.get(&path, &[]).await;
            let seen = field(&form.body, "version");
            let replaced = anna
                .confirm(&path, &[("overlap", "3600"), ("version", &seen)])
                .await;
            secrets.push(shown_once(&mut anna, there, &mut berta, &replaced).await);
            // Values that nobody offered put nothing in its place.
            let stored = "SELECT client_secret FROM oauth_applications ORDER BY client_id";
            let before = here.texts(stored).await;
            let fault = format!("{client}?error=no_such_overlap");
            let stale = format!("{page}?error=secret_stale");
            for (overlap, version, told) in [
                ("99999", seen.as_str(), &fault),
                ("<b>0</b>", "", &fault),
                ("0", "one", &stale),
                ("0", "99999999999999999999", &stale),
            ] {
                let form = [("overlap", overlap), ("version", version)];
                let refused = anna.confirm(&path, &form).await;
                assert_eq!(location(&refused), *told, "{form:?}");
            }
            assert_eq!(here.texts(stored).await, before);
            // The same form again puts nothing in the place of the secret that still counts.
            let again = anna
                .confirm(&path, &[("overlap", "3600"), ("version", &seen)])
                .await;
            assert_eq!(location(&again), format!("{page}?error=secret_stale"));
            let told = anna.get(&location(&again), &[]).await;
            let told = anna.get(&location(&told), &[]).await;
            assert!(
                told.body.contains("This time nothing was done"),
                "{}",
                told.body
            );
        }
        let made = anna.submit("/admin/users/new", "/admin/users", &USER).await;
        secrets.push(shown_once(&mut anna, there, &mut berta, &made).await);
        let page = location(&made);
        let path = page.replace("/password", "/reset-password");
        let reset = anna.confirm(&path, &[]).await;
        secrets.push(shown_once(&mut anna, there, &mut berta, &reset).await);
        let different: BTreeSet<&String> = secrets.iter().collect();
        assert_eq!(different.len(), 6);
        for pod in &pods {
            let log = pod.log();
            assert!(secrets.iter().all(|secret| !log.contains(secret)));
        }
        for (event, n) in [
            ("CLIENT_CREATED", 2),
            ("CLIENT_SECRET_REGENERATED", 2),
            ("USER_CREATED", 1),
            ("USER_PASSWORD_RESET", 1),
        ] {
            let rows = format!(
                "SELECT count(*) FROM audit_logs WHERE event_type = '{event}' AND actor_username = 'anna'"
            );
            assert_eq!(here.count(&rows).await, n, "{event}");
        }
        // One's own sessions end with one's password; a page that needs none shows it. Sent again it is a stranger's form.
        let path = "/admin/users/id-of-anna/reset-password";
        let question = anna.get(path, &[]).await;
        assert!(question.body.contains("It is your own"), "{question:?}");
        let csrf = field(&question.body, "csrf_token");
        let own = anna.post(path, &[("csrf_token", &csrf)]).await;
        assert_eq!(location(&own), "/login/password");
        let fresh = shown_once(&mut anna, there, &mut berta, &own).await;
        assert_eq!(anna.get("/admin", &[]).await.status, 302);
        let again = anna.post(path, &[("csrf_token", &csrf)]).await;
        assert!(location(&again).starts_with("/login?"), "{again:?}");
        let (_, signed) = signed_in(there, "anna", &fresh).await;
        assert_eq!(signed.status, 302, "{signed:?}");
    }
}

/// Sends the same form from eight connections at once; the places that the answers lead to.
async fn at_once(pods: &[Server], cookie: &str, path: &str, form: &[(&str, &str)]) -> Vec<Answer> {
    const AT_ONCE: usize = 8;
    let barrier = Arc::new(Barrier::new(AT_ONCE));
    let mut racers = Vec::new();
    for pod in pods.iter().cycle().take(AT_ONCE) {
        let (mut http, barrier) = (pod.http().await, Arc::clone(&barrier));
        http.cookie = Some(cookie.to_owned());
        let path = path.to_owned();
        let form: Vec<(String, String)> = form
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        racers.push(tokio::spawn(async move {
            barrier.wait().await;
            let form: Vec<(&str, &str)> = form
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str()))
                .collect();
            http.post(&path, &form).await
        }));
    }
    let mut answers = Vec::new();
    for racer in racers {
        answers.push(racer.await.unwrap());
    }
    answers
}

/// All lead to one place, and one of them with the secret.
fn assert_one(answers: &[Answer]) {
    let places: BTreeSet<String> = answers.iter().map(location).collect();
    assert_eq!(places.len(), 1, "{places:?}");
    let with_secret = answers.iter().filter(|answer| answer.status == 303);
    assert_eq!(with_secret.count(), 1, "{answers:?}");
    assert!(answers.iter().all(|answer| answer.status < 400));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_that_arrives_twice_makes_one() {
    for engine in BOTH {
        let pods = pods(engine).await;
        let server = &pods[0];
        let mut admin = server.http().await;
        admin.sign_in().await;
        let cookie = admin.cookie.clone().unwrap();
        let clients = "SELECT count(*) FROM oauth_applications WHERE client_name = 'Robot'";
        let people = "SELECT count(*) FROM users WHERE username LIKE 'newcomer%'";
        for round in 1..=3 {
            for base in ["/admin/clients", "/apps"] {
                let page = admin.get(&format!("{base}/new"), &[]).await;
                let (csrf, submission) = (
                    field(&page.body, "csrf_token"),
                    field(&page.body, "submission"),
                );
                let mut form = CLIENT.to_vec();
                form.extend([
                    ("csrf_token", csrf.as_str()),
                    ("submission", submission.as_str()),
                ]);
                assert_one(&at_once(&pods, &cookie, base, &form).await);
            }
            assert_eq!(server.count(clients).await, 2 * round);
            let page = admin.get("/admin/users/new", &[]).await;
            let (csrf, submission) = (
                field(&page.body, "csrf_token"),
                field(&page.body, "submission"),
            );
            let (name, email) = (
                format!("newcomer{round}"),
                format!("newcomer{round}@corp.example"),
            );
            let form = [
                ("username", name.as_str()),
                ("email", email.as_str()),
                ("role", "user"),
                ("csrf_token", csrf.as_str()),
                ("submission", submission.as_str()),
            ];
            assert_one(&at_once(&pods, &cookie, "/admin/users", &form).await);
            assert_eq!(server.count(people).await, round);
        }
        let told = "SELECT count(*) FROM audit_logs WHERE event_type IN ('CLIENT_CREATED', 'USER_CREATED') AND actor_username = 'admin'";
        assert_eq!(server.count(told).await, 9);
    }
}

/// Another text makes another client; a form that carries no mark, as programs send it, makes one each time; and the last
/// place that somebody has is taken by the first of two.
#[tokio::test(flavor = "multi_thread")]
async fn only_the_same_form_is_the_same() {
    for engine in BOTH {
        let server = Server::start(engine, &[("USER_APPS_MAX", "3")]).await;
        add_person(&server, "zoe", "user").await;
        let (mut zoe, _) = signed_in(&server, "zoe", PASSWORD).await;
        let page = zoe.get("/apps/new", &[]).await;
        let csrf = field(&page.body, "csrf_token");
        let submission = field(&page.body, "submission");
        let marked = [
            ("csrf_token", csrf.as_str()),
            ("submission", submission.as_str()),
        ];
        let mut form = CLIENT.to_vec();
        form.extend(marked);
        let first = location(&zoe.post("/apps", &form).await);
        form[0].1 = "Another";
        assert_ne!(location(&zoe.post("/apps", &form).await), first);
        form[0].1 = "";
        let refused = zoe.post("/apps", &form).await;
        assert_eq!(refused.status, 400);
        assert_eq!(field(&refused.body, "submission"), submission);
        form[0].1 = "Third";
        let last = location(&zoe.post("/apps", &form).await);
        assert_eq!(location(&zoe.post("/apps", &form).await), last);
        form[0].1 = "Robot";
        assert_eq!(location(&zoe.post("/apps", &form).await), first);
        let owned = "SELECT count(*) FROM oauth_applications WHERE user_id = 'id-of-zoe'";
        assert_eq!(server.count(owned).await, 3);
        form[0].1 = "Fourth";
        assert_eq!(zoe.post("/apps", &form).await.status, 400);

        let mut admin = server.http().await;
        admin.sign_in().await;
        for _ in 0..2 {
            admin
                .submit("/admin/clients", "/admin/clients", &CLIENT)
                .await;
        }
        // Nobody reaches somebody else's client by their form.
        let mut theirs = CLIENT.to_vec();
        theirs.push(("submission", submission.as_str()));
        admin
            .submit("/admin/clients", "/admin/clients", &theirs)
            .await;
        let all = "SELECT count(*) FROM oauth_applications WHERE client_name = 'Robot' AND user_id <> 'id-of-zoe'";
        assert_eq!(server.count(all).await, 3);
    }
}
