//! Every route, asked by everybody. The list comes from the server itself, which tells its routes in the log.
use super::account::{add_person, signed_in};
use crate::{
    app::{self, Ask},
    support::{Answer, Engine, Http, PASSWORD, Server, field},
};

pub struct Listed {
    pub method: String,
    pub pattern: String,
    /// With a plausible id in the place of every parameter.
    path: String,
    access: String,
}

impl Listed {
    /// Whether a path is one of this route.
    pub fn is_at(&self, path: &str) -> bool {
        let path = path.split('?').next().unwrap_or_default();
        let (asked, mine) = (path.split('/'), self.pattern.split('/'));
        asked.clone().count() == mine.clone().count()
            && asked
                .zip(mine)
                .all(|(a, b)| a == b || (b.starts_with('{') && !a.is_empty()))
    }
}

/// The routes as the server tells them.
pub fn routes(server: &Server) -> Vec<Listed> {
    let word = |line: &str, name: &str| {
        let (_, rest) = line.split_once(&format!("{name}="))?;
        let word = rest.split_whitespace().next()?;
        Some(word.trim_matches('"').to_owned())
    };
    let log = server.log();
    let lines = log.lines().filter(|line| line.contains("authgate::routes"));
    lines
        .map(|line| {
            let pattern = word(line, "path").expect("a path");
            let path: Vec<&str> = pattern
                .split('/')
                .map(|part| {
                    if part.starts_with('{') {
                        "5700669a-49d1-4d80-85e5-000000000000"
                    } else {
                        part
                    }
                })
                .collect();
            Listed {
                path: path.join("/"),
                pattern: pattern.clone(),
                method: word(line, "method").expect("a method"),
                access: word(line, "access").expect("an access"),
            }
        })
        .collect()
}

const HTML: [(&str, &str); 1] = [("accept", "text/html")];

async fn ask(http: &mut Http, route: &Listed, form: &[(&str, &str)]) -> (u16, String) {
    let answer = match route.method.as_str() {
        "GET" => http.get(&route.path, &HTML).await,
        _ => http.post_with(&route.path, &HTML, form).await,
    };
    let location = answer.header("location").unwrap_or_default();
    assert_may_redirect(route, &answer);
    (answer.status, location)
}

/// AZ-08: no form goes to another place with what was typed into it.
fn assert_may_redirect(route: &Listed, answer: &Answer) {
    let at = format!("{} {}: {}", route.method, route.path, answer.status);
    assert!(!matches!(answer.status, 307 | 308), "{at}");
    if route.method == "POST" && (300..400).contains(&answer.status) {
        assert!(matches!(answer.status, 302 | 303), "{at}");
    }
}

async fn person(server: &Server, name: &str) -> Http {
    signed_in(server, name, PASSWORD).await.0
}

/// For whom what stands at this path has to be, whatever the server says.
fn meant_for(route: &Listed) -> Option<&'static str> {
    let is_under = |place: &str| {
        let below = route.pattern.strip_prefix(place);
        below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    if is_under("/admin") {
        return Some("Admin");
    }
    let is_of_a_person = ["/account", "/apps", "/device"].into_iter().any(is_under);
    (is_of_a_person && route.method == "POST").then_some("Person")
}

#[tokio::test(flavor = "multi_thread")]
async fn route_table_authz() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let server = Server::start(engine, &[("LOG_LEVEL", "debug")]).await;
        add_person(&server, "zoe", "user").await;
        let guarded: Vec<Listed> = routes(&server)
            .into_iter()
            .filter(|route| route.access != "Public")
            .collect();
        let count = |access: &str| guarded.iter().filter(|r| r.access == access).count();
        assert!(count("Person") > 15, "{}", count("Person"));
        assert!(count("Admin") > 30, "{}", count("Admin"));
        let is_open =
            |route: &&Listed| route.access != "Admin" && route.pattern.starts_with("/admin");
        let open: Vec<String> = routes(&server)
            .iter()
            .filter(is_open)
            .map(|route| route.pattern.clone())
            .collect();
        assert_eq!(open, Vec::<String>::new(), "open to everybody");
        for route in routes(&server) {
            if let Some(meant) = meant_for(&route) {
                assert_eq!(route.access, meant, "{} {}", route.method, route.pattern);
            }
        }
        let sessions = "SELECT count(*) FROM sessions WHERE revoked_at IS NULL";
        let zoe = person(&server, "zoe").await.cookie;
        let admin = person(&server, "admin").await.cookie;
        let page = anew(&server, &zoe).await.get("/account/profile", &[]).await;
        let csrf = field(&page.body, "csrf_token");
        for route in &guarded {
            let (mut zoe, mut admin) = (anew(&server, &zoe).await, anew(&server, &admin).await);
            let at = format!("{} {} for {}", route.method, route.path, route.access);
            // Nobody is sent to sign in, whatever they say.
            let mut nobody = server.http().await;
            let (status, location) = ask(&mut nobody, route, &[("csrf_token", "x")]).await;
            assert_eq!(status, 302, "{at}");
            assert!(location.starts_with("/login?redirect="), "{at}: {location}");
            // Forms of other sites, and administrators' pages for others.
            let (status, _) = ask(&mut zoe, route, &[]).await;
            if route.access == "Admin" || route.method == "POST" {
                assert_eq!(status, 403, "{at}");
            } else {
                assert!(status < 500 && status != 401, "{at}: {status}");
            }
            // A form of their own opens an administrator's action as little.
            if route.access == "Admin" && route.method == "POST" {
                let (status, _) = ask(&mut zoe, route, &[("csrf_token", &csrf)]).await;
                assert_eq!(status, 403, "{at}: by somebody who is no administrator");
            }
            let (status, location) = ask(&mut admin, route, &[]).await;
            assert!(!location.starts_with("/login"), "{at}: {location}");
            if route.method == "POST" {
                assert_eq!(status, 403, "{at}: a form without its token");
            } else {
                assert!(status < 500, "{at}: {status}");
            }
        }
        assert_eq!(server.count(sessions).await, 2, "nothing was changed");
    }
}

/// SS-12: a form with nothing but its token is refused or does what it says, and never makes the server fail.
#[tokio::test(flavor = "multi_thread")]
async fn empty_post_everywhere() {
    let server = Server::start(Engine::Sqlite, &[("LOG_LEVEL", "debug")]).await;
    let posts = routes(&server)
        .into_iter()
        .filter(|route| route.method == "POST" && route.access != "Public");
    for route in posts {
        // A fresh session for each: some of the forms end it.
        let mut admin = person(&server, "admin").await;
        let page = admin.get("/account/profile", &[]).await.body;
        let csrf = field(&page, "csrf_token");
        let huge = "x".repeat(100_000);
        for form in [
            vec![("csrf_token", csrf.as_str())],
            vec![
                ("csrf_token", csrf.as_str()),
                ("back", "\r\n//evil"),
                ("page", "'\"<\u{0}"),
            ],
            vec![("csrf_token", csrf.as_str()), ("full_name", &huge)],
        ] {
            let (status, _) = ask(&mut admin, &route, &form).await;
            assert!(status < 500, "POST {}: {status}", route.path);
        }
    }
}

/// The cookies of nobody and of the administrator.
async fn guests(server: &Server) -> [Option<String>; 2] {
    let mut admin = server.http().await;
    admin.sign_in().await;
    [None, admin.cookie.clone()]
}

/// On a connection of its own: some answers are streams.
async fn anew(server: &Server, guest: &Option<String>) -> Http {
    let mut http = server.http().await;
    http.cookie.clone_from(guest);
    http
}

/// AZ-08 for every route there is, in both spellings of its path.
#[tokio::test(flavor = "multi_thread")]
async fn no_307() {
    let server = Server::start(Engine::Sqlite, &[("LOG_LEVEL", "debug")]).await;
    let guests = guests(&server).await;
    for mut route in routes(&server) {
        for path in [route.path.clone(), format!("{}/", route.path)] {
            route.path = path;
            for guest in &guests {
                let mut http = anew(&server, guest).await;
                let (status, _) = ask(&mut http, &route, &[("a", "b")]).await;
                assert!(status < 500, "{} {}: {status}", route.method, route.path);
            }
        }
    }
}

/// AZ-10 and SS-14: every page forbids frames, foreign scripts and keeping, and tells no other site where one was.
#[tokio::test(flavor = "multi_thread")]
async fn browser_pages_headers() {
    let server = Server::start(Engine::Sqlite, &[("LOG_LEVEL", "debug")]).await;
    let (guests, mut pages) = (guests(&server).await, 0);
    for route in routes(&server).iter().filter(|route| route.method == "GET") {
        for guest in &guests {
            let answer = anew(&server, guest).await.get(&route.path, &HTML).await;
            let header = |name: &str| answer.header(name).unwrap_or_default();
            if !header("content-type").starts_with("text/html") {
                continue;
            }
            pages += 1;
            let is_personal = route.access != "Public" || answer.body.contains("csrf_token");
            guarded(&route.path, &answer, is_personal);
        }
    }
    assert!(pages > 30, "{pages}");

    // The pages on which something is given away, as they are when there is something to give.
    app::register(&server, "public", "public", &[app::CALLBACK]).await;
    let mut person = anew(&server, &guests[1]).await;
    let consent = person.get(&Ask::of("public").path(), &HTML).await;
    assert!(consent.body.contains("name=\"sealed\""), "{consent:?}");
    let started = [("client_id", "public")];
    let started = person.post("/oauth/device/code", &started).await;
    let typed = [("user_code", started.text("user_code"))];
    let typed = typed.each_ref().map(|(name, code)| (*name, code.as_str()));
    let found = person.submit("/device", "/device/verify", &typed).await;
    let confirm = person.get(&found.header("location").unwrap(), &HTML).await;
    assert!(confirm.body.contains("name=\"confirmed\""), "{confirm:?}");
    let sign_in = server.http().await.get("/login", &HTML).await;
    let device = person.get("/device", &HTML).await;
    for (path, page) in [
        ("consent", &consent),
        ("confirm", &confirm),
        ("login", &sign_in),
        ("device", &device),
    ] {
        assert_eq!(page.status, 200, "{path}: {page:?}");
        guarded(path, page, true);
        assert!(!field(&page.body, "csrf_token").is_empty(), "{path}");
    }
}

fn guarded(path: &str, answer: &Answer, is_personal: bool) {
    let header = |name: &str| answer.header(name).unwrap_or_default();
    let policy = header("content-security-policy");
    let at = format!("{path}: {}", answer.head);
    assert!(policy.contains("frame-ancestors 'none'"), "{at}");
    assert!(policy.contains("script-src 'self'"), "{at}");
    assert!(!policy.contains("unsafe"), "{at}");
    assert_eq!(header("x-frame-options"), "DENY", "{at}");
    assert_eq!(header("x-content-type-options"), "nosniff", "{at}");
    let referrer = header("referrer-policy");
    assert!(matches!(&*referrer, "no-referrer" | "same-origin"), "{at}");
    assert!(
        !is_personal || header("cache-control").contains("no-store"),
        "{at}"
    );
}
