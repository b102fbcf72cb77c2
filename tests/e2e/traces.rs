//! Whoever is refused gets a reference; whoever runs the server learns by it which check failed, and nothing else does.
use crate::{
    app::{Ask, CALLBACK, code, exchange, location, parameter, register},
    support::{Answer, DEVICE_GRANT, Engine, Server, field},
};
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
            began.elapsed() < Duration::from_secs(120),
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
    of_tokens_at_hand(&server).await;

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

/// Whoever may not look at a token or take it away is told so in the same way.
async fn of_tokens_at_hand(server: &Server) {
    let mut http = server.http().await;
    let public = [("client_id", server.client_id.as_str()), ("token", "t")];
    let looked = http.post("/oauth/introspect", &public).await;
    let removed = http
        .post("/oauth/revoke", &[("client_id", "nobody"), ("token", "t")])
        .await;
    let unreadable = http
        .post("/oauth/revoke", &[("token", "t"), ("token", "t")])
        .await;
    for (answer, error, told) in [
        (looked, "invalid_client", "introspect refused with"),
        (removed, "invalid_client", "nobody (not known here)"),
        (unreadable, "invalid_request", "FAILED       request"),
    ] {
        assert_eq!(answer.error(), error);
        let text = explained(server, &reference(&answer)).await;
        assert!(text.contains(told) && text.contains(error), "{text}");
    }
    // What is found to be worth nothing is no refusal.
    let unknown = [("client_id", server.client_id.as_str()), ("token", "t")];
    assert_eq!(http.post("/oauth/revoke", &unknown).await.status, 200);
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
    // An address that nobody registered is told on a page, never there; so is what never came to be judged.
    let mut person = server.http().await;
    person.sign_in().await;
    let csrf = field(&person.get("/device", &[]).await.body, "csrf_token");
    let form = |csrf_token| {
        [
            ("client_id", server.client_id.as_str()),
            ("csrf_token", csrf_token),
            ("action", "approve"),
            ("sealed", "made up"),
        ]
    };
    let many = "&resource=x".repeat(101);
    for (page, status, check) in [
        (
            http.get(&path("https%3A%2F%2Fevil.example", ""), &[]).await,
            400,
            "redirect_uri",
        ),
        (
            http.get(&path("x", "&scope=%ff"), &[]).await,
            400,
            "request",
        ),
        (http.get(&path("x", &many), &[]).await, 400, "request"),
        (
            http.post("/oauth/authorize", &[("state", "1"), ("state", "2")])
                .await,
            400,
            "request",
        ),
        (
            person.post("/oauth/authorize", &form("wrong")).await,
            403,
            "approval",
        ),
        (
            person.post("/oauth/authorize", &form(&csrf)).await,
            403,
            "approval",
        ),
    ] {
        assert_eq!((page.status, page.header("location")), (status, None));
        let shown = page
            .body
            .split("<code>")
            .nth(1)
            .and_then(|rest| rest.split('<').next());
        let told = explained(server, shown.unwrap_or_else(|| panic!("{page:?}"))).await;
        assert!(told.contains(&format!("FAILED       {check}")), "{told}");
    }
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

/// The checks that ran, in order; the last one failed.
fn ran(text: &str) -> String {
    let steps = text.lines().filter_map(|line| {
        let line = line.trim_start();
        let rest = line
            .strip_prefix("passed")
            .or_else(|| line.strip_prefix("FAILED"))?;
        rest.split_whitespace().next()
    });
    steps.collect::<Vec<_>>().join(" ")
}

/// For each flow, refusals at its beginning, in its midst and at its end: what the trace tells is what was asked.
async fn traces_tell_what_ran(engine: Engine) {
    let env = [
        ("ENABLE_TOKEN_ROTATION", "true"),
        ("DEVICE_ALLOWED_NETWORKS", "127.0.0.0/8"),
    ];
    let server = Server::start(engine, &env).await;
    register(&server, "public", "public", &[CALLBACK]).await;
    let (mut http, mut person) = (server.http().await, server.http().await);
    person.sign_in().await;
    let entered = "request grant_type extra_claims resource_syntax";

    // Device code.
    let at = "/oauth/device/code";
    for (form, expected) in [
        (&[("scope", "email")][..], "request"),
        (
            &[("client_id", "public"), ("resource", "nonsense")],
            "request resource_syntax",
        ),
        (&[("client_id", "nobody")], "request resource_syntax client"),
        (
            &[("client_id", "public"), ("scope", "admin")],
            "request resource_syntax client client_authentication feature grant network resource scope",
        ),
    ] {
        let answer = http.post(at, form).await;
        let told = explained(&server, &reference(&answer)).await;
        assert_eq!(ran(&told), expected, "{told}");
    }

    // Polling.
    let started = http.post(at, &[("client_id", "public")]).await;
    let device_code = started.text("device_code");
    person.decide(&started.text("user_code"), "deny").await;
    let poll = |code: &str, resource: &str| {
        vec![
            ("grant_type".to_owned(), DEVICE_GRANT.to_owned()),
            ("client_id".to_owned(), "public".to_owned()),
            ("device_code".to_owned(), code.to_owned()),
            ("resource".to_owned(), resource.to_owned()),
        ]
    };
    let identified = format!("{entered} client client_authentication");
    // Code, refresh and client credentials beside it.
    let fresh = code(&mut person, &Ask::of("public")).await;
    let code_form = |more: &[(&str, &str)]| {
        let mut form = vec![
            ("grant_type".to_owned(), "authorization_code".to_owned()),
            ("client_id".to_owned(), "public".to_owned()),
            ("code".to_owned(), fresh.clone()),
            ("redirect_uri".to_owned(), CALLBACK.to_owned()),
        ];
        for (name, value) in more {
            form.retain(|(known, _)| known != name);
            form.push(((*name).to_owned(), (*value).to_owned()));
        }
        form
    };
    let bound = format!("{identified} credential holder same_redirect_uri");
    let tokens = {
        let other = code(&mut person, &Ask::of("public")).await;
        exchange(&mut http, "public", &other, &[]).await
    };
    let refresh_token = tokens.text("refresh_token");
    let refresh_form = |token: &str, scope: &str| {
        vec![
            ("grant_type".to_owned(), "refresh_token".to_owned()),
            ("client_id".to_owned(), "public".to_owned()),
            ("refresh_token".to_owned(), token.to_owned()),
            ("scope".to_owned(), scope.to_owned()),
        ]
    };
    let refreshing = format!("{entered} feature client client_authentication");
    let polling = &refreshing;
    let machine = |id: &str| {
        vec![
            ("grant_type".to_owned(), "client_credentials".to_owned()),
            ("client_id".to_owned(), id.to_owned()),
        ]
    };
    let cases = [
        (poll("x", ""), format!("{polling} credential")),
        (
            poll(&device_code, ""),
            format!("{polling} credential expiry approval"),
        ),
        (poll("x", "nonsense"), entered.to_owned()),
        (
            code_form(&[("code", "x")]),
            format!("{identified} credential"),
        ),
        (
            code_form(&[("redirect_uri", "https://evil.example/cb")]),
            bound.clone(),
        ),
        (
            code_form(&[("code_verifier", &"w".repeat(43))]),
            format!("{bound} code_verifier"),
        ),
        (refresh_form("x", ""), format!("{refreshing} credential")),
        (
            refresh_form(&refresh_token, "admin"),
            format!("{refreshing} holder reuse credential signature scope"),
        ),
        (machine("public"), format!("{entered} client")),
        (
            vec![("grant_type".to_owned(), "password".to_owned())],
            "request grant_type".to_owned(),
        ),
    ];
    for (form, expected) in cases {
        let form: Vec<(&str, &str)> = form
            .iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| (&**name, &**value))
            .collect();
        let answer = http.post("/oauth/token", &form).await;
        let told = explained(&server, &reference(&answer)).await;
        assert_eq!(ran(&told), expected, "{form:?} {told}");
    }
    // Used, and then used again.
    assert_eq!(http.refresh("public", &refresh_token).await.status, 200);
    let replay = http.refresh("public", &refresh_token).await;
    let told = explained(&server, &reference(&replay)).await;
    assert_eq!(ran(&told), format!("{refreshing} holder reuse"), "{told}");

    // The authorization endpoint, told to the client.
    let known = "request client grant redirect_uri";
    for (name, value, expected) in [
        ("response_type", "token", format!("{known} response_type")),
        ("request", "x", format!("{known} response_type parameters")),
        (
            "scope",
            "admin",
            format!("{known} response_type parameters scope"),
        ),
        (
            "resource",
            "https://api.example",
            format!(
                "{known} response_type parameters scope code_challenge resource_syntax resource"
            ),
        ),
        (
            "prompt",
            "none",
            format!(
                "{known} response_type parameters scope code_challenge resource_syntax resource login"
            ),
        ),
    ] {
        let answer = http
            .get(&Ask::of("public").with(name, value).path(), &[])
            .await;
        let uri = parameter(&location(&answer), "error_uri").unwrap();
        let told = explained(&server, uri.rsplit('/').next().unwrap()).await;
        assert_eq!(ran(&told), expected, "{told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn traces_tell_what_ran_on_sqlite() {
    traces_tell_what_ran(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn traces_tell_what_ran_on_postgres() {
    traces_tell_what_ran(Engine::Postgres).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_are_explained_on_sqlite() {
    refusals_are_explained(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_are_explained_on_postgres() {
    refusals_are_explained(Engine::Postgres).await;
}
