//! What is sent compressed, what never is, and how much a first visit costs.
use crate::{
    account::add_person,
    app, audit,
    support::{Engine, Http, Server},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// As browsers ask.
const BROWSER: [(&str, &str); 1] = [("accept-encoding", "gzip, deflate, br, zstd")];
/// Bytes of a page with all that it loads.
const FIRST_VISIT: usize = 60 * 1024;

/// Files that a page loads.
fn files(page: &str) -> Vec<String> {
    page.split('"')
        .filter(|text| text.starts_with("/static/") || *text == "/favicon.ico")
        .map(str::to_owned)
        .collect()
}

async fn style_sheet(http: &mut Http) -> String {
    let page = http.get("/login", &[]).await.body;
    let mut files = files(&page).into_iter();
    files.find(|path| path.ends_with(".css")).unwrap()
}

/// The head of an answer without its body.
async fn head(server: &Server, path: &str, accept: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", server.port))
        .await
        .unwrap();
    let request = format!(
        "HEAD {path} HTTP/1.1\r\nhost: test\r\naccept-encoding: {accept}\r\nconnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert_eq!(body, "");
    head.to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_come_in_the_coding_that_is_liked_best() {
    let server = Server::start(Engine::Sqlite, &[]).await;
    let mut http = server.http().await;
    let css = style_sheet(&mut http).await;
    let plain = http.get(&css, &[]).await;
    let length = |answer: &crate::http::Answer| -> usize {
        answer.header("content-length").unwrap().parse().unwrap()
    };
    for (accept, coding) in [
        ("gzip, deflate, br", Some("br")),
        ("gzip, deflate", Some("gzip")),
        ("br;q=0.2, gzip;q=0.7", Some("gzip")),
        ("identity;q=0, *", Some("br")),
        ("deflate", None),
        ("identity, gzip;q=0.5", None),
    ] {
        let asked = [("accept-encoding", accept)];
        let answer = http.get(&css, &asked).await;
        assert_eq!(answer.status, 200, "{accept}");
        assert_eq!(
            answer.header("content-encoding").as_deref(),
            coding,
            "{accept}"
        );
        assert_eq!(answer.header("vary").unwrap(), "Accept-Encoding");
        let caching = answer.header("cache-control").unwrap();
        assert!(caching.contains("immutable"), "{caching}");
        let ratio = length(&plain) / length(&answer);
        assert!(coding.is_none() || ratio >= 3, "{accept}: {ratio}");
        let told = head(&server, &css, accept).await;
        assert!(
            told.contains(&format!("content-length: {}", length(&answer))),
            "{told}"
        );
        let tag = answer.header("etag").unwrap();
        let known = http.get(&css, &[asked[0], ("if-none-match", &tag)]).await;
        assert_eq!(
            (known.status, known.header("vary").as_deref()),
            (304, Some("Accept-Encoding"))
        );
        // Another coding is another representation.
        let other = [(
            "accept-encoding",
            if coding == Some("br") { "gzip" } else { "br" },
        )];
        let other = http.get(&css, &[other[0], ("if-none-match", &tag)]).await;
        assert_eq!(other.status, 200, "{accept}");
        // Parts are not served: all of it is.
        let part = http.get(&css, &[asked[0], ("range", "bytes=0-9")]).await;
        assert_eq!((part.status, length(&part)), (200, length(&answer)));
    }
    for accept in ["identity;q=0", "*;q=0", "gzip;q=0, br;q=0, identity;q=0"] {
        let refused = http.get(&css, &[("accept-encoding", accept)]).await;
        assert_eq!(refused.status, 406, "{accept}");
        assert_eq!(refused.header("vary").unwrap(), "Accept-Encoding");
    }
    for path in [
        "/docs/en/tokens",
        "/openapi.json",
        "/.well-known/openid-configuration",
    ] {
        let answer = http.get(path, &BROWSER).await;
        assert_eq!(
            answer.header("content-encoding").as_deref(),
            Some("gzip"),
            "{path}"
        );
        assert!(
            answer.head.to_lowercase().contains("vary: accept-encoding"),
            "{path}"
        );
    }
}

/// An answer's length must not tell what else is in it (BREACH).
#[tokio::test(flavor = "multi_thread")]
async fn nothing_with_a_secret_is_compressed() {
    let server = Server::start(Engine::Sqlite, &[]).await;
    let mut http = server.http().await;
    let login = http.get("/login?redirect=%2Fdevice", &BROWSER).await;
    assert_eq!(login.header("content-encoding"), None);
    http.sign_in().await;
    for path in [
        "/account/sessions",
        "/admin/users?search=csrf_token",
        "/docs/en/tokens",
        "/oauth/authorize?client_id=x",
        "/admin/audit/api",
    ] {
        let answer = http.get(path, &BROWSER).await;
        assert_eq!(answer.header("content-encoding"), None, "{path}");
    }
    let code = server.approved_codes(1).await.remove(0);
    let form = [
        ("grant_type", crate::support::DEVICE_GRANT),
        ("client_id", server.client_id.as_str()),
        ("device_code", code.as_str()),
    ];
    let tokens = http.post_with("/oauth/token", &BROWSER, &form).await;
    assert_eq!(
        (tokens.status, tokens.header("content-encoding")),
        (200, None)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_visit_is_light() {
    let server = Server::start(
        Engine::Sqlite,
        &[("ENABLE_SWAGGER", "true"), ("AUDIT_LOG_RETENTION", "0")],
    )
    .await;
    let mut http = server.http().await;
    http.sign_in().await;
    audit::fill(&server, 30).await;
    for number in 0..25 {
        add_person(&server, &format!("person-with-a-name-{number}"), "user").await;
        let client = format!("client-{number}");
        app::register(&server, &client, "confidential", &[app::CALLBACK]).await;
    }
    let own =
        "UPDATE oauth_applications SET user_id = (SELECT id FROM users WHERE username = 'admin')";
    server.sql(own, "").await;
    let mut tool = server.http().await;
    for _ in 0..25 {
        let code = server.approved_codes_of(&mut tool, "admin").await;
        assert_eq!(tool.poll(&server.client_id, &code).await.status, 200);
    }
    let mut loaded = std::collections::BTreeMap::new();
    for path in [
        "/login",
        "/logout",
        "/device",
        "/account/sessions",
        "/account/browsers",
        "/account/authorizations",
        "/account/profile",
        "/apps",
        "/apps/new",
        "/admin",
        "/admin/clients",
        "/admin/clients/new",
        "/admin/users",
        "/admin/users/new",
        "/admin/tokens",
        "/admin/keys",
        "/admin/audit",
        "/admin/explain",
        "/docs/components",
        "/docs/en/device-flow",
        "/docs/zh-TW/operations",
        "/swagger/index.html",
        "/nothing",
    ] {
        let mut visitor = server.http().await;
        let asks = if path.starts_with("/docs/") && !path.ends_with("components")
            || path.starts_with("/swagger")
        {
            &mut visitor
        } else {
            &mut http
        };
        let page = asks.get(path, &BROWSER).await;
        assert!(
            page.status == 200 || path == "/login" || path == "/nothing",
            "{path}: {page:?}"
        );
        let length = |answer: &crate::http::Answer| -> usize {
            answer.head.len()
                + answer
                    .header("content-length")
                    .unwrap()
                    .parse::<usize>()
                    .unwrap()
        };
        let mut sum = length(&page);
        let plain = asks.get(path, &[]).await;
        for file in files(&plain.body) {
            let sent = match loaded.get(&file) {
                Some(sent) => *sent,
                None => length(&visitor.get(&file, &BROWSER).await),
            };
            loaded.insert(file, sent);
            sum += sent;
        }
        assert!(sum < FIRST_VISIT, "{path} costs {sum} bytes");
    }
    assert!(loaded.len() >= 4, "{loaded:?}");
}
