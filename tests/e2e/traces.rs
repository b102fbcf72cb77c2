//! Whoever is refused gets a reference; whoever runs the server learns by it which check failed, and nothing else does.
use crate::support::{Answer, DEVICE_GRANT, Engine, Server};
use std::time::{Duration, Instant};

fn reference(answer: &Answer) -> String {
    let uri = answer.text("error_uri");
    let (page, reference) = uri.rsplit_once('/').unwrap();
    assert!(page.ends_with("/oauth/error"), "{uri}");
    reference.to_owned()
}

/// What `authgate explain` prints beside the running server.
async fn explained(server: &Server, reference: &str) -> String {
    let began = Instant::now();
    loop {
        let output = server.tool().args(["explain", reference]).output().unwrap();
        if output.status.success() {
            return String::from_utf8(output.stdout).unwrap();
        }
        assert!(
            began.elapsed() < Duration::from_secs(20),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

async fn refusals_are_explained(engine: Engine) {
    let mut server = Server::start(engine, &[("ENABLE_TOKEN_ROTATION", "true")]).await;
    let id = server.client_id.clone();
    let mut http = server.http().await;
    let code = server.approved_codes(1).await.remove(0);
    let tokens = http.poll(&id, &code).await;
    let secret = tokens.text("refresh_token");

    let wide = [
        ("grant_type", "refresh_token"),
        ("client_id", id.as_str()),
        ("refresh_token", secret.as_str()),
        ("scope", "email admin"),
    ];
    let first = http.post("/oauth/token", &wide).await;
    assert_eq!(first.error(), "invalid_scope");
    let wide_reference = reference(&first);
    // The same again is the same reference; another check is another one.
    assert_eq!(
        reference(&http.post("/oauth/token", &wide).await),
        wide_reference
    );
    let unknown = http.refresh(&id, "not a token").await;
    assert_ne!(reference(&unknown), wide_reference);
    let stranger = http
        .post("/oauth/device/code", &[("client_id", "nobody")])
        .await;
    let grantless = http
        .post("/oauth/token", &[("grant_type", "password")])
        .await;

    let text = explained(&server, &wide_reference).await;
    assert!(
        text.contains("token:refresh_token refused with invalid_scope"),
        "{text}"
    );
    assert!(text.contains("2 times until"), "{text}");
    assert!(
        text.contains(&id) && text.contains("granted was: email profile"),
        "{text}"
    );
    assert!(!text.contains(&secret), "{text}");
    let outcome = |check: &str| {
        let line = text
            .lines()
            .find(|line| line.contains(&format!("  {check} ")))
            .unwrap();
        line.trim().split("  ").next().unwrap().to_owned()
    };
    for (check, expected) in [
        ("client_authentication", "passed"),
        ("signature", "passed"),
        ("scope", "FAILED"),
        ("consent", "not reached"),
    ] {
        assert_eq!(outcome(check), expected, "{text}");
    }
    assert!(
        explained(&server, &reference(&stranger))
            .await
            .contains("nobody (not known here)")
    );
    assert!(
        explained(&server, &reference(&grantless))
            .await
            .contains("FAILED       grant_type")
    );
    assert!(server.log().contains(&wide_reference), "{}", server.log());

    pages(&server, &wide_reference).await;
    authorizations(&server).await;

    // A wait is no refusal, and what is noted last is written before the server ends.
    let waiting = http.start_device(&id).await;
    let pending = http.poll(&id, &waiting).await.json();
    assert!(pending.get("error_uri").is_none(), "{pending}");
    let form = [
        ("grant_type", DEVICE_GRANT),
        ("client_id", id.as_str()),
        ("device_code", "x"),
    ];
    let last = reference(&http.post("/oauth/token", &form).await);
    server.signal("TERM");
    assert!(server.ended().await.success());
    assert!(
        explained(&server, &last)
            .await
            .contains("FAILED       credential")
    );

    for wrong in ["0000-0000-0000", "what"] {
        let output = server.tool().args(["explain", wrong]).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert!(output.stdout.is_empty() && !output.stderr.is_empty());
    }
}

/// At the authorization endpoint the client is told by the redirection, and the person by the page.
async fn authorizations(server: &Server) {
    let mut http = server.http().await;
    let path = |redirect_uri: &str, more: &str| {
        format!(
            "/oauth/authorize?response_type=code&client_id={}&redirect_uri={redirect_uri}&state=s{more}",
            server.client_id
        )
    };
    // A public client without a challenge.
    let answer = http
        .get(
            &path("http%3A%2F%2Flocalhost%3A8888%2Fcallback", "&scope=email"),
            &[],
        )
        .await;
    let location = answer.header("location").unwrap_or_default();
    let url = url::Url::parse(&location).unwrap_or_else(|_| panic!("{answer:?}"));
    let uri = url.query_pairs().find(|(name, _)| name == "error_uri");
    let (_, uri) = uri.unwrap_or_else(|| panic!("{location}"));
    let told = explained(server, uri.rsplit('/').next().unwrap()).await;
    assert!(told.contains("FAILED       code_challenge"), "{told}");
    assert!(told.contains("passed       redirect_uri"), "{told}");
    // An address that nobody registered is told on a page, never there.
    let page = http.get(&path("https%3A%2F%2Fevil.example", ""), &[]).await;
    assert_eq!((page.status, page.header("location")), (400, None));
    let shown = page
        .body
        .split("<code>")
        .nth(1)
        .and_then(|rest| rest.split('<').next());
    let told = explained(server, shown.unwrap_or_else(|| panic!("{page:?}"))).await;
    assert!(told.contains("FAILED       redirect_uri"), "{told}");
}

/// The link tells a stranger nothing but the reference; it leads an administrator to the explanation.
async fn pages(server: &Server, reference: &str) {
    let mut stranger = server.http().await;
    let path = format!("/oauth/error/{reference}");
    let page = stranger.get(&path, &[]).await;
    assert_eq!(page.status, 200);
    assert!(
        page.body.contains(reference) && !page.body.contains("scope"),
        "{page:?}"
    );
    let unknown = stranger.get("/oauth/error/0000-0000-0000", &[]).await;
    assert_eq!(unknown.status, 200);
    assert_eq!(stranger.get("/oauth/error/what", &[]).await.status, 404);
    assert_eq!(stranger.get("/admin/explain", &[]).await.status, 302);

    let mut admin = server.http().await;
    admin.sign_in().await;
    let link = admin.get(&path, &[]).await;
    let explained = link.header("location").unwrap();
    assert_eq!(explained, format!("/admin/explain?ref={reference}"));
    let page = admin.get(&explained, &[]).await;
    assert_eq!(page.status, 200);
    assert!(
        page.body.contains("granted was: email profile"),
        "{}",
        page.body
    );
    let list = admin.get("/admin/explain?ref=0000-0000-0000", &[]).await;
    assert!(
        list.body.contains(&format!("?ref={reference}")),
        "{}",
        list.body
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_are_explained_on_sqlite() {
    refusals_are_explained(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_are_explained_on_postgres() {
    refusals_are_explained(Engine::Postgres).await;
}
