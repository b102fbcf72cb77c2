//! Every route, asked by everybody. The list comes from the server itself, which tells its routes in the log.
use super::account::{add_person, signed_in};
use crate::support::{Engine, Http, PASSWORD, Server, field};

struct Listed {
    method: String,
    path: String,
    access: String,
}

/// The routes, with a plausible id in the place of every parameter.
fn routes(server: &Server) -> Vec<Listed> {
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
                method: word(line, "method").expect("a method"),
                path: path.join("/"),
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
    (answer.status, location)
}

async fn person(server: &Server, name: &str) -> Http {
    signed_in(server, name, PASSWORD).await.0
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
        assert!(count("Admin") > 0, "{}", count("Admin"));
        let sessions = "SELECT count(*) FROM sessions WHERE revoked_at IS NULL";
        let mut zoe = person(&server, "zoe").await;
        let mut admin = person(&server, "admin").await;
        for route in &guarded {
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
