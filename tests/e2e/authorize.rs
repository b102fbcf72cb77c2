//! The authorization code grant: requests, consent, codes, and what may be done with them. Tests are named after the rules.
use crate::{
    app::{
        API, Ask, CALLBACK, SECRET, VERIFIER, challenge, code, exchange, fields, location,
        parameter, press, register, told,
    },
    support::{Answer, Engine, Http, Server},
};

const ENGINES: [Engine; 2] = [Engine::Sqlite, Engine::Postgres];

/// A server with two clients, a tool and a person who is signed in.
async fn stage(engine: Engine, env: &[(&str, &str)]) -> (Server, Http, Http) {
    let server = Server::start(engine, env).await;
    register(
        &server,
        "public",
        "public",
        &[
            CALLBACK,
            "http://127.0.0.1/cb",
            "com.example.app:/cb",
            "https://app.example/q?k=v",
        ],
    )
    .await;
    register(&server, "secret", "confidential", &[CALLBACK]).await;
    let (tool, mut person) = (server.http().await, server.http().await);
    person.sign_in().await;
    (server, tool, person)
}

async fn whole_flow(engine: Engine) {
    let (server, mut tool, mut person) = stage(engine, &[]).await;
    let ask = Ask::of("public").with("resource", API);
    let mut stranger = server.http().await;
    let answer = stranger.get(&ask.path(), &[]).await;
    assert_eq!(answer.status, 302);
    let back = answer.header("location").unwrap();
    assert!(
        back.starts_with("/login?redirect=%2Foauth%2Fauthorize%3Fclient_id%3Dpublic"),
        "{back}"
    );
    let page = person.get(&ask.path(), &[]).await;
    assert_eq!(page.status, 200, "{page:?}");
    for said in ["The App", "Unverified app", API, "app.example"] {
        assert!(page.body.contains(said), "{said}");
    }
    let denied = press(&mut person, &page, "deny").await;
    assert_eq!(told(&denied), "access_denied");
    let page = person.get(&ask.path(), &[]).await;
    let approved = press(&mut person, &page, "approve").await;
    assert_eq!(approved.status, 302, "{approved:?}");
    assert_eq!(
        approved.header("cache-control").as_deref(),
        Some("no-store")
    );
    let code = parameter(&location(&approved), "code").unwrap();
    assert_eq!(code.len(), 64);
    let tokens = exchange(&mut tool, "public", &code, &[]).await;
    assert_eq!(tokens.status, 200, "{tokens:?}");
    assert_eq!(tokens.text("scope"), "openid email");
    assert_eq!(tool.tokeninfo(&tokens.text("access_token")).await, 200);
    let again = tool.refresh("public", &tokens.text("refresh_token")).await;
    assert_eq!(again.status, 200, "{again:?}");
    // Remembered: the same again is not asked, more is.
    let silent = person.get(&ask.path(), &[]).await;
    assert_eq!(silent.status, 302);
    assert!(parameter(&location(&silent), "code").is_some());
    let more = ask.clone().with("scope", "openid email profile");
    assert_eq!(person.get(&more.path(), &[]).await.status, 200);
    let other = ask.clone().without("resource");
    assert_eq!(person.get(&other.path(), &[]).await.status, 200);
    for (event, many) in [
        ("AUTHORIZATION_CODE_DENIED", 1),
        ("USER_AUTHORIZATION_GRANTED", 1),
        ("AUTHORIZATION_CODE_GENERATED", 2),
        ("AUTHORIZATION_CODE_EXCHANGED", 1),
        ("ID_TOKEN_ISSUED", 2),
    ] {
        let query = format!("SELECT count(*) FROM audit_logs WHERE event_type = '{event}'");
        assert_eq!(server.count(&query).await, many, "{event}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_signs_its_user_in_on_sqlite() {
    whole_flow(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_signs_its_user_in_on_postgres() {
    whole_flow(Engine::Postgres).await;
}

/// AZ-01 and AZ-02: whatever else is right or wrong, nobody is sent to an address that is not the client's.
#[tokio::test(flavor = "multi_thread")]
async fn bad_redirect_errors_stay_home() {
    let (_server, _, mut person) = stage(Engine::Sqlite, &[]).await;
    let ask = Ask::of("public");
    for address in [
        "https://app.example/cb/",
        "https://APP.example/cb",
        "https://app.example:443/cb",
        "https://user@app.example/cb",
        "https://app.example/cb%2e",
        "https://app.example/cb#f",
        "https://app.example/cb?x=1",
        "https://app.example\\@evil.example/cb",
        "https://evil.example/cb",
        "//app.example/cb",
        "javascript:alert(1)",
        "http://127.0.0.1:9/other",
        "http://localhost:9/cb",
        "https://app.example/cb\r\nLocation: https://evil.example",
        "",
    ] {
        for (name, value) in [
            ("state", "s"),
            ("prompt", "none"),
            ("scope", "root"),
            ("response_type", "token"),
        ] {
            let asked = ask.clone().with("redirect_uri", address).with(name, value);
            let answer = person.get(&asked.path(), &[]).await;
            assert_eq!(answer.status, 400, "{address} {name}={value}");
            assert_eq!(answer.header("location"), None);
        }
    }
    for asked in [
        ask.clone().with("client_id", "nobody"),
        ask.clone().without("client_id"),
        ask.clone().and("redirect_uri", "https://evil.example"),
        ask.clone().and("state", "two"),
        ask.clone().and("client_id", "public"),
        ask.with("state", &"s".repeat(4097)),
    ] {
        let answer = person.get(&asked.path(), &[]).await;
        assert_eq!((answer.status, answer.header("location")), (400, None));
    }
}

/// AZ-05, AZ-06, AZ-07, AZ-08, PK-01 and PK-04: what is told to the client, and how.
#[tokio::test(flavor = "multi_thread")]
async fn authz_response_has_iss() {
    let (server, _, mut person) = stage(Engine::Sqlite, &[]).await;
    let issuer = format!("http://127.0.0.1:{}", server.port);
    let ask = Ask::of("public");
    for (asked, error) in [
        (
            ask.clone().with("response_type", "token"),
            "unsupported_response_type",
        ),
        (
            ask.clone().with("response_type", "code id_token"),
            "unsupported_response_type",
        ),
        (
            ask.clone().with("response_mode", "fragment"),
            "invalid_request",
        ),
        (ask.clone().and("scope", "email"), "invalid_request"),
        (ask.clone().and("response_type", "code"), "invalid_request"),
        (ask.clone().and("nonce", "n-1"), "invalid_request"),
        (
            ask.clone().and("code_challenge", &challenge()),
            "invalid_request",
        ),
        (
            ask.clone().and("code_challenge_method", "S256"),
            "invalid_request",
        ),
        (
            ask.clone().and("prompt", "login").and("prompt", "none"),
            "invalid_request",
        ),
        (ask.clone().with("scope", "root"), "invalid_scope"),
        (
            ask.clone().with("code_challenge_method", "plain"),
            "invalid_request",
        ),
        (
            ask.clone().without("code_challenge_method"),
            "invalid_request",
        ),
        (ask.clone().without("code_challenge"), "invalid_request"),
        (
            ask.clone()
                .without("code_challenge")
                .without("code_challenge_method"),
            "invalid_request",
        ),
        (
            ask.clone().with("resource", "https://other.example"),
            "invalid_target",
        ),
        (ask.clone().with("resource", "api"), "invalid_target"),
        (
            ask.clone().with("request", "e30.e30."),
            "request_not_supported",
        ),
        (
            ask.clone().with("request_uri", "https://app.example/r"),
            "request_uri_not_supported",
        ),
        (
            ask.clone().with("registration", "{}"),
            "registration_not_supported",
        ),
    ] {
        let answer = person.get(&asked.path(), &[]).await;
        assert_eq!(answer.status, 302, "{answer:?}");
        let url = location(&answer);
        assert_eq!(parameter(&url, "error").as_deref(), Some(error), "{url}");
        assert_eq!(parameter(&url, "iss").as_ref(), Some(&issuer));
        assert_eq!(parameter(&url, "state").as_deref(), Some("st 1&"));
        assert!(parameter(&url, "error_uri").is_some(), "{url}");
        assert!(url.as_str().starts_with(CALLBACK));
    }
    // AZ-09: the state comes back as it went, up to its cap; a query that was registered stays.
    let state = "\u{e4}\u{4e2d}&=+%20 ".repeat(200);
    let long = ask
        .clone()
        .with("state", &state)
        .with("redirect_uri", "https://app.example/q?k=v");
    let page = person.get(&long.path(), &[]).await;
    let url = location(&press(&mut person, &page, "approve").await);
    assert_eq!(parameter(&url, "state"), Some(state));
    assert_eq!(parameter(&url, "iss"), Some(issuer));
    assert!(url.as_str().starts_with("https://app.example/q?k=v&code="));
    // A request may come as a form; it goes on as a GET.
    let answer = person.post("/oauth/authorize", &ask.pairs()).await;
    assert_eq!(answer.status, 303);
    assert_eq!(answer.header("location"), Some(ask.path()));
}

/// AZ-03 and AZ-11: a native app on a loopback port is remembered; one with a scheme of its own is asked every time.
#[tokio::test(flavor = "multi_thread")]
async fn native_apps() {
    let (_server, mut tool, mut person) = stage(Engine::Sqlite, &[]).await;
    let address = "http://127.0.0.1:43210/cb";
    let ask = Ask::of("public").with("redirect_uri", address);
    let page = person.get(&ask.path(), &[]).await;
    let policy = page.header("content-security-policy").unwrap();
    assert!(
        policy.contains("form-action 'self' http://127.0.0.1:43210;"),
        "{policy}"
    );
    let answer = press(&mut person, &page, "approve").await;
    let code = parameter(&location(&answer), "code").unwrap();
    // The code belongs to the port that it was asked with.
    let other = [("redirect_uri", "http://127.0.0.1:43211/cb")];
    let refused = exchange(&mut tool, "public", &code, &other).await;
    assert_eq!(refused.error(), "invalid_grant");
    let same = [("redirect_uri", address)];
    assert_eq!(
        exchange(&mut tool, "public", &code, &same).await.status,
        200
    );
    assert_eq!(person.get(&ask.path(), &[]).await.status, 302);
    let private = ask.with("redirect_uri", "com.example.app:/cb");
    for _ in 0..2 {
        let page = person.get(&private.path(), &[]).await;
        let policy = page.header("content-security-policy").unwrap();
        assert!(policy.contains("form-action 'self' com.example.app:;"));
        let url = location(&press(&mut person, &page, "approve").await);
        assert_eq!(url.scheme(), "com.example.app");
    }
}

/// AZ-14: what the person saw is what is granted, whatever the form says afterwards.
#[tokio::test(flavor = "multi_thread")]
async fn tampered_consent_form() {
    let (server, mut tool, mut person) = stage(Engine::Sqlite, &[]).await;
    let page = person.get(&Ask::of("public").path(), &[]).await;
    let good = fields(&page.body, "/oauth/authorize");
    let with = |changes: &[(&str, &str)]| {
        let mut form = good.clone();
        form.push(("action".into(), "approve".into()));
        for (name, value) in changes {
            form.retain(|(known, _)| known != name);
            form.push(((*name).into(), (*value).into()));
        }
        form
    };
    async fn send(person: &mut Http, form: &[(String, String)]) -> crate::http::Answer {
        let form: Vec<(&str, &str)> = form.iter().map(|(n, v)| (&**n, &**v)).collect();
        person.post("/oauth/authorize", &form).await
    }
    let tampered = with(&[
        ("scope", "openid email profile read"),
        ("redirect_uri", "com.example.app:/cb"),
        ("resource", API),
        ("state", "other"),
        ("client_id", "secret"),
        ("code_challenge", ""),
    ]);
    let url = location(&send(&mut person, &tampered).await);
    assert!(url.as_str().starts_with(CALLBACK));
    assert_eq!(parameter(&url, "state").as_deref(), Some("st 1&"));
    let code = parameter(&url, "code").unwrap();
    let tokens = exchange(&mut tool, "public", &code, &[]).await;
    assert_eq!(tokens.text("scope"), "openid email");
    for form in [
        with(&[("sealed", "")]),
        with(&[("sealed", "AAAA")]),
        with(&[("csrf_token", "wrong")]),
    ] {
        let answer = send(&mut person, &form).await;
        assert_eq!(answer.status, 403, "{answer:?}");
    }
    // A form of one session counts in no other.
    let mut other = server.http().await;
    other.sign_in().await;
    let page = other.get(&Ask::of("secret").path(), &[]).await;
    let token = fields(&page.body, "/oauth/authorize")
        .into_iter()
        .find(|(name, _)| name == "csrf_token")
        .unwrap()
        .1;
    let answer = send(&mut other, &with(&[("csrf_token", &token)])).await;
    assert_eq!(answer.status, 403);
}

async fn bindings(engine: Engine) {
    let (server, mut tool, mut person) = stage(engine, &[]).await;
    let with_secret = [("client_secret", SECRET)];
    let ask = Ask::of("secret");
    // CD-03 and PK-02: each binding alone refuses, of a confidential client too, and none of it uses the code up.
    let fresh = code(&mut person, &ask).await;
    for (more, error) in [
        (&[("client_secret", "wrong")][..], "invalid_client"),
        (&[], "invalid_client"),
        (
            &[
                ("client_secret", SECRET),
                ("redirect_uri", "https://app.example/other"),
            ],
            "invalid_grant",
        ),
        (
            &[("client_secret", SECRET), ("code_verifier", "")],
            "invalid_grant",
        ),
        (
            &[
                ("client_secret", SECRET),
                ("code_verifier", &"w".repeat(48)),
            ],
            "invalid_grant",
        ),
        (
            &[("client_secret", SECRET), ("resource", API)],
            "invalid_target",
        ),
    ] {
        let answer = exchange(&mut tool, "secret", &fresh, more).await;
        assert_eq!(answer.error(), error, "{more:?}");
        let is_client = error == "invalid_client";
        assert_eq!(answer.status, if is_client { 401 } else { 400 });
    }
    let foreign = exchange(&mut tool, "public", &fresh, &[]).await;
    assert_eq!(foreign.error(), "invalid_grant");
    let good = exchange(&mut tool, "secret", &fresh, &with_secret).await;
    assert_eq!(good.status, 200, "{good:?}");
    // PK-03: a verifier for a code without a challenge.
    let bare = ask
        .clone()
        .without("code_challenge")
        .without("code_challenge_method");
    let plain = code(&mut person, &bare).await;
    let downgraded = exchange(&mut tool, "secret", &plain, &with_secret).await;
    assert_eq!(downgraded.error(), "invalid_grant");
    let without = [("client_secret", SECRET), ("code_verifier", "")];
    assert_eq!(
        exchange(&mut tool, "secret", &plain, &without).await.status,
        200
    );
    // CD-02: a second valid use ends what the first one led to; one that proves nothing ends nothing.
    let access = good.text("access_token");
    let guess = [
        ("client_secret", SECRET),
        ("code_verifier", &"w".repeat(48)),
    ];
    exchange(&mut tool, "secret", &fresh, &guess).await;
    assert_eq!(tool.tokeninfo(&access).await, 200);
    let replay = exchange(&mut tool, "secret", &fresh, &with_secret).await;
    assert_eq!(replay.error(), "invalid_grant");
    assert_eq!(tool.tokeninfo(&access).await, 401);
    let form = [
        ("grant_type", "refresh_token"),
        ("client_id", "secret"),
        ("client_secret", SECRET),
        ("refresh_token", &good.text("refresh_token")),
    ];
    let refreshed = tool.post("/oauth/token", &form).await;
    assert_eq!(refreshed.error(), "invalid_grant");
    let query = "SELECT count(*) FROM audit_logs WHERE event_type = 'SUSPICIOUS_ACTIVITY' AND severity = 'CRITICAL'";
    assert_eq!(server.count(query).await, 1);
    // CD-06: strangers do not use a code up, five failures of its own client do.
    let burnt = code(&mut person, &ask).await;
    for _ in 0..6 {
        exchange(&mut tool, "public", &burnt, &[]).await;
        exchange(&mut tool, "secret", &burnt, &[]).await;
    }
    for _ in 0..4 {
        exchange(&mut tool, "secret", &burnt, &guess).await;
    }
    let other = code(&mut person, &ask).await;
    exchange(&mut tool, "secret", &burnt, &guess).await;
    let late = exchange(&mut tool, "secret", &burnt, &with_secret).await;
    assert_eq!(late.error(), "invalid_grant");
    assert_eq!(
        exchange(&mut tool, "secret", &other, &with_secret)
            .await
            .status,
        200
    );
    // CD-04.
    let old = code(&mut person, &ask).await;
    server
        .sql(
            "UPDATE authorization_codes SET expires_at = '2026-01-01 00:00:00+00:00' WHERE used_at IS NULL",
            "UPDATE authorization_codes SET expires_at = '2026-01-01' WHERE used_at IS NULL",
        )
        .await;
    let late = exchange(&mut tool, "secret", &old, &with_secret).await;
    assert_eq!(late.error(), "invalid_grant");
}

#[tokio::test(flavor = "multi_thread")]
async fn code_binding_matrix_on_sqlite() {
    bindings(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn code_binding_matrix_on_postgres() {
    bindings(Engine::Postgres).await;
}

/// CD-05 and RT-06: no artefact is taken for another.
#[tokio::test(flavor = "multi_thread")]
async fn artefact_types_do_not_cross() {
    for engine in ENGINES {
        no_artefact_crosses(engine).await;
    }
}

async fn no_artefact_crosses(engine: Engine) {
    let (server, mut tool, mut person) = stage(engine, &[]).await;
    register(&server, "api", "confidential", &[CALLBACK]).await;
    let fresh = code(&mut person, &Ask::of("public")).await;
    let spare = code(&mut person, &Ask::of("public")).await;
    let tokens = exchange(&mut tool, "public", &fresh, &[]).await;
    let device = tool.start_device(&server.client_id).await;
    let (access, refresh, id) = (
        tokens.text("access_token"),
        tokens.text("refresh_token"),
        tokens.text("id_token"),
    );
    for wrong in [&spare, &refresh, &id, &device] {
        assert_eq!(tool.tokeninfo(wrong).await, 401);
        let bearer = format!("Bearer {wrong}");
        let answer = tool
            .get("/oauth/userinfo", &[("authorization", &bearer)])
            .await;
        assert_eq!(answer.status, 401);
        // An API that was sent it asks.
        let seen = introspected(&mut tool, "api", wrong).await;
        assert_eq!(seen.body, "{\"active\":false}");
    }
    let seen = introspected(&mut tool, "api", &access).await.json();
    assert_eq!(
        (seen["active"] == true, &seen["token_type"]),
        (true, &"Bearer".into())
    );
    // A client that serves others with tokens of its own can tell them apart, too.
    let own = code(&mut person, &Ask::of("secret")).await;
    let with = [("client_secret", SECRET), ("code_verifier", VERIFIER)];
    let own = exchange(&mut tool, "secret", &own, &with).await;
    for (name, kind) in [("access_token", Some("Bearer")), ("refresh_token", None)] {
        let seen = introspected(&mut tool, "secret", &own.text(name)).await;
        assert_eq!(seen.json()["active"], true, "{name}: {seen:?}");
        assert_eq!(
            seen.json().get("token_type").and_then(|it| it.as_str()),
            kind
        );
    }
    for wrong in [&spare, &access, &id, &device] {
        assert_eq!(tool.refresh("public", wrong).await.error(), "invalid_grant");
    }
    for wrong in [&access, &refresh, &id, &device] {
        let answer = exchange(&mut tool, "public", wrong, &[]).await;
        assert_eq!(answer.error(), "invalid_grant");
    }
    for wrong in [&spare, &access, &refresh, &id] {
        assert_eq!(
            tool.poll(&server.client_id, wrong).await.error(),
            "invalid_grant"
        );
    }
}

async fn introspected(http: &mut Http, id: &str, token: &str) -> Answer {
    let form = [
        ("token", token),
        ("client_id", id),
        ("client_secret", SECRET),
    ];
    http.post("/oauth/introspect", &form).await
}

/// TK-06: three grants against everything that may have happened in between.
#[tokio::test(flavor = "multi_thread")]
async fn redeem_after_disable() {
    for engine in ENGINES {
        let (server, mut tool, mut person) = stage(engine, &[]).await;
        for (off, on, error) in [
            (
                "UPDATE users SET is_active = false",
                "UPDATE users SET is_active = true",
                "invalid_grant",
            ),
            (
                "UPDATE users SET id = 'gone-' || id",
                "UPDATE users SET id = substr(id, 6)",
                "invalid_grant",
            ),
            (
                "UPDATE user_authorizations SET is_active = false",
                "UPDATE user_authorizations SET is_active = true",
                "invalid_grant",
            ),
            (
                "UPDATE oauth_applications SET status = 'inactive'",
                "UPDATE oauth_applications SET status = 'active'",
                "invalid_client",
            ),
            (
                "UPDATE oauth_applications SET enable_auth_code_flow = false, enable_device_flow = false",
                "UPDATE oauth_applications SET enable_auth_code_flow = true, enable_device_flow = true",
                "unauthorized_client",
            ),
        ] {
            let ready = code(&mut person, &Ask::of("public")).await;
            let first = code(&mut person, &Ask::of("public")).await;
            let tokens = exchange(&mut tool, "public", &first, &[]).await;
            let device = tool.start_device("public").await;
            server.approve_all().await;
            server.sql(off, off).await;
            let answers = [
                exchange(&mut tool, "public", &ready, &[]).await,
                tool.refresh("public", &tokens.text("refresh_token")).await,
                tool.poll("public", &device).await,
            ];
            server.sql(on, on).await;
            for (grant, answer) in ["code", "refresh", "device"].iter().zip(&answers) {
                assert_eq!(answer.error(), error, "{grant} after {off} on {engine:?}");
            }
        }
    }
}

/// `ENABLE_REFRESH_TOKENS` is every grant's: none gives one, none is taken, not even from before, and none is announced.
#[tokio::test(flavor = "multi_thread")]
async fn without_refresh_tokens_no_grant_gives_or_takes_one() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let (mut server, mut tool, mut person) = stage(engine, &[]).await;
        let earlier = code(&mut person, &Ask::of("public")).await;
        let earlier = exchange(&mut tool, "public", &earlier, &[]).await;
        server.signal("TERM");
        assert!(server.ended().await.success());
        server.set("ENABLE_REFRESH_TOKENS", "false");
        server.launch().await;
        let mut tool = server.http().await;
        let fresh = code(&mut person_at(&server).await, &Ask::of("public")).await;
        let device = tool.start_device("public").await;
        server.approve_all().await;
        for answer in [
            exchange(&mut tool, "public", &fresh, &[]).await,
            tool.poll("public", &device).await,
        ] {
            assert_eq!(answer.status, 200, "{answer:?}");
            assert!(answer.json().get("refresh_token").is_none(), "{answer:?}");
        }
        let late = tool.refresh("public", &earlier.text("refresh_token")).await;
        assert_eq!(late.error(), "unsupported_grant_type");
        let metadata = tool.get("/.well-known/openid-configuration", &[]).await;
        let grants = metadata.json()["grant_types_supported"].to_string();
        assert!(!grants.contains("refresh_token"), "{grants}");
    }
}

async fn person_at(server: &Server) -> Http {
    let mut person = server.http().await;
    person.sign_in().await;
    person
}

/// `ENABLE_REFRESH_TOKENS`, `PKCE_REQUIRED` and `CONSENT_REMEMBER`.
#[tokio::test(flavor = "multi_thread")]
async fn the_switches_of_the_code_grant() {
    let env = [
        ("ENABLE_REFRESH_TOKENS", "false"),
        ("PKCE_REQUIRED", "true"),
        ("CONSENT_REMEMBER", "false"),
    ];
    let (_server, mut tool, mut person) = stage(Engine::Sqlite, &env).await;
    let ask = Ask::of("secret");
    let fresh = code(&mut person, &ask).await;
    let with = [("client_secret", SECRET), ("code_verifier", VERIFIER)];
    let tokens = exchange(&mut tool, "secret", &fresh, &with).await;
    assert_eq!(tokens.status, 200, "{tokens:?}");
    assert!(tokens.json().get("refresh_token").is_none());
    assert_eq!(person.get(&ask.path(), &[]).await.status, 200);
    let silent = ask.clone().with("prompt", "none");
    assert_eq!(
        told(&person.get(&silent.path(), &[]).await),
        "consent_required"
    );
    let bare = ask
        .without("code_challenge")
        .without("code_challenge_method");
    assert_eq!(
        told(&person.get(&bare.path(), &[]).await),
        "invalid_request"
    );
}
