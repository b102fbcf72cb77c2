//! OpenID Connect: ID tokens on every grant, how a person is treated, userinfo, and signing out by way of a client.
use crate::{
    app::{Ask, code, exchange, fields, location, parameter, payload, press, stage, told},
    http::Answer,
    support::{Engine, Http, PASSWORD, Server},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::digest::{SHA256, digest};
use serde_json::Value;

const ENGINES: [Engine; 2] = [Engine::Sqlite, Engine::Postgres];

pub async fn userinfo(tool: &mut Http, token: &str) -> Answer {
    let bearer = format!("Bearer {token}");
    tool.get("/oauth/userinfo", &[("authorization", &bearer)])
        .await
}

/// Follows to the sign-in page, signs in there, and says where that leads.
pub async fn sign_in_again(person: &mut Http, answer: &Answer) -> String {
    let path = answer.header("location").unwrap();
    assert!(path.starts_with("/login?redirect="), "{path}");
    let page = person.get(&path, &[]).await;
    assert_eq!(page.status, 200, "{page:?}");
    let mut form = fields(&page.body, "/login");
    for (name, value) in [("username", "admin"), ("password", PASSWORD)] {
        form.retain(|(known, _)| known != name);
        form.push((name.to_owned(), value.to_owned()));
    }
    form.retain(|(name, _)| name != "remember_me");
    let form: Vec<(&str, &str)> = form.iter().map(|(n, v)| (&**n, &**v)).collect();
    let answer = person.post("/login", &form).await;
    assert_eq!(answer.status, 302, "{answer:?}");
    answer.header("location").unwrap()
}

async fn seconds_of(server: &Server, column: &str) -> i64 {
    let query = match server.engine {
        Engine::Sqlite => {
            format!("SELECT CAST(strftime('%s', max({column})) AS INTEGER) FROM sessions")
        }
        Engine::Postgres => {
            format!("SELECT floor(extract(epoch FROM max({column})))::bigint FROM sessions")
        }
    };
    server.count(&query).await
}

async fn id_tokens(engine: Engine) {
    let (server, mut tool, mut person) = stage(engine, &[]).await;
    let issuer = format!("http://127.0.0.1:{}", server.port);
    let ask = Ask::of("public").with("scope", "openid profile email");
    let fresh = code(&mut person, &ask).await;
    let tokens = exchange(&mut tool, "public", &fresh, &[]).await;
    let first = payload(&tokens.text("id_token"));
    let auth_time = seconds_of(&server, "auth_time").await;
    for (name, value) in [
        ("iss", Value::from(issuer.as_str())),
        ("aud", "public".into()),
        ("nonce", "n-1".into()),
        ("auth_time", auth_time.into()),
        ("preferred_username", "admin".into()),
        ("name", "Administrator".into()),
        ("email", "admin@localhost".into()),
        ("email_verified", false.into()),
    ] {
        assert_eq!(first[name], value, "{name}");
    }
    assert!(first["exp"].as_i64() > first["iat"].as_i64());
    // OpenID Connect Core §3.1.3.6: the left half of the hash of the token as it was sent.
    let whole = digest(&SHA256, tokens.text("access_token").as_bytes());
    let half = URL_SAFE_NO_PAD.encode(&whole.as_ref()[..16]);
    assert_eq!(first["at_hash"], half.as_str());
    assert!(first.get("type").is_none());
    // Refreshed: the same person and login, no nonce; not without openid.
    let refresh = tokens.text("refresh_token");
    let again = payload(&tool.refresh("public", &refresh).await.text("id_token"));
    for name in ["iss", "sub", "aud", "auth_time"] {
        assert_eq!(again[name], first[name], "{name}");
    }
    assert!(again.get("nonce").is_none() && again["at_hash"] != first["at_hash"]);
    let form = [
        ("grant_type", "refresh_token"),
        ("client_id", "public"),
        ("refresh_token", &refresh),
        ("scope", "email"),
    ];
    let narrow = tool.post("/oauth/token", &form).await;
    assert!(narrow.json().get("id_token").is_none(), "{narrow:?}");
    // The device grant.
    let form = [("client_id", "public"), ("scope", "openid")];
    let started = tool.post("/oauth/device/code", &form).await;
    let done = person.decide(&started.text("user_code"), "approve").await;
    assert_eq!(done.status, 200);
    let polled = tool.poll("public", &started.text("device_code")).await;
    let device = payload(&polled.text("id_token"));
    assert_eq!(device["sub"], first["sub"]);
    assert_eq!(device["auth_time"], auth_time);
    // Userinfo: header, form, never twice, never in the URL, never for nobody.
    let access = tokens.text("access_token");
    let told = userinfo(&mut tool, &access).await;
    assert_eq!(told.header("cache-control").as_deref(), Some("no-store"));
    let told = told.json();
    for name in [
        "sub",
        "iss",
        "email",
        "email_verified",
        "preferred_username",
        "name",
    ] {
        assert_eq!(told[name], first[name], "{name}");
    }
    let posted = tool
        .post("/oauth/userinfo", &[("access_token", &access)])
        .await;
    assert_eq!(posted.json(), told);
    let bearer = format!("Bearer {access}");
    let header = [("authorization", bearer.as_str())];
    let twice = tool
        .post_with("/oauth/userinfo", &header, &[("access_token", &access)])
        .await;
    assert_eq!(
        (twice.status, twice.error()),
        (400, "invalid_request".into())
    );
    let url = format!("/oauth/userinfo?access_token={access}");
    assert_eq!(tool.get(&url, &header).await.status, 400);
    let none = tool.get("/oauth/userinfo", &[]).await;
    assert_eq!(none.status, 401);
    assert_eq!(
        none.header("www-authenticate").as_deref(),
        Some("Bearer realm=\"authgate\"")
    );
    assert_eq!(
        userinfo(&mut tool, &narrow.text("access_token"))
            .await
            .status,
        200
    );
    server
        .sql(
            "UPDATE users SET is_active = 0",
            "UPDATE users SET is_active = false",
        )
        .await;
    let gone = userinfo(&mut tool, &access).await;
    assert_eq!((gone.status, gone.error()), (401, "invalid_token".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn id_tokens_and_userinfo_on_sqlite() {
    id_tokens(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn id_tokens_and_userinfo_on_postgres() {
    id_tokens(Engine::Postgres).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn userinfo_may_need_openid() {
    let env = [("USERINFO_REQUIRE_OPENID", "true")];
    let (_server, mut tool, mut person) = stage(Engine::Sqlite, &env).await;
    for (scope, status) in [("email", 403), ("openid", 200)] {
        let fresh = code(&mut person, &Ask::of("public").with("scope", scope)).await;
        let tokens = exchange(&mut tool, "public", &fresh, &[]).await;
        let answer = userinfo(&mut tool, &tokens.text("access_token")).await;
        assert_eq!(answer.status, status);
    }
}

/// `prompt`, `max_age`, `id_token_hint`, `login_hint`: a fresh sign-in is really one, returns to the request, and happens once.
#[tokio::test(flavor = "multi_thread")]
async fn a_fresh_sign_in_is_a_fresh_sign_in() {
    for engine in ENGINES {
        let (server, mut tool, mut person) = stage(engine, &[]).await;
        let ask = Ask::of("public");
        let fresh = code(&mut person, &ask).await;
        let tokens = exchange(&mut tool, "public", &fresh, &[]).await;
        let hint = tokens.text("id_token");
        let mut stranger = server.http().await;
        let silent = ask.clone().with("prompt", "none");
        assert_eq!(
            told(&stranger.get(&silent.path(), &[]).await),
            "login_required"
        );
        let answer = person.get(&silent.path(), &[]).await;
        assert!(parameter(&location(&answer), "code").is_some());
        let wider = silent.clone().with("scope", "openid email profile");
        assert_eq!(
            told(&person.get(&wider.path(), &[]).await),
            "consent_required"
        );
        for mind in [
            ask.clone().with("prompt", "login"),
            ask.clone().with("max_age", "0"),
        ] {
            let before = seconds_of(&server, "auth_time").await;
            // `max_age=0` is met within the second of the sign-in.
            tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
            let sent = person.get(&mind.path(), &[]).await;
            let path = sent.header("location").unwrap();
            assert!(path.contains("&prompt=login"), "{path}");
            // Without signing in, nothing is different: the mark alone is worth nothing.
            let marked = url::form_urlencoded::parse(path.split_once('?').unwrap().1.as_bytes())
                .find(|(name, _)| name == "redirect")
                .unwrap()
                .1
                .into_owned();
            let skipped = person.get(&marked, &[]).await;
            assert!(skipped.header("location").unwrap().starts_with("/login?"));
            let back = sign_in_again(&mut person, &sent).await;
            assert_eq!(back, marked);
            let answer = person.get(&back, &[]).await;
            let fresh =
                parameter(&location(&answer), "code").unwrap_or_else(|| panic!("{answer:?}"));
            let tokens = exchange(&mut tool, "public", &fresh, &[]).await;
            let now = payload(&tokens.text("id_token"))["auth_time"]
                .as_i64()
                .unwrap();
            assert!(now > before, "{now} {before}");
            // The mark belongs to its request.
            let (_, mark) = back.split_once("&reauth=").unwrap();
            let other = format!("{}&reauth={mark}", mind.clone().with("nonce", "n-2").path());
            let answer = person.get(&other, &[]).await;
            assert!(answer.header("location").unwrap().starts_with("/login?"));
        }
        // Nobody was signed in: one sign-in is enough.
        let mind = ask
            .clone()
            .with("prompt", "login")
            .with("login_hint", "ada");
        let sent = stranger.get(&mind.path(), &[]).await;
        let page = stranger.get(&sent.header("location").unwrap(), &[]).await;
        assert!(page.body.contains("value=\"ada\""));
        let back = sign_in_again(&mut stranger, &sent).await;
        let answer = stranger.get(&back, &[]).await;
        assert!(
            parameter(&location(&answer), "code").is_some(),
            "{answer:?}"
        );
        for asked in [
            ask.clone().with("prompt", "consent"),
            ask.clone().with("prompt", "select_account"),
        ] {
            let page = person.get(&asked.path(), &[]).await;
            let answer = press(&mut person, &page, "approve").await;
            assert!(parameter(&location(&answer), "code").is_some());
        }
        let mine = ask
            .clone()
            .with("prompt", "none")
            .with("id_token_hint", &hint);
        let answer = person.get(&mine.path(), &[]).await;
        assert!(parameter(&location(&answer), "code").is_some());
        // Somebody else than the hint names: signing in as the same person again does not help.
        let other = "UPDATE sessions SET user_id = 'other'; INSERT INTO users (id, username, email, password_hash, role, \
                     is_active, created_at, updated_at) SELECT 'other', 'other', 'o@x', password_hash, role, \
                     is_active, created_at, updated_at FROM users";
        server.sql(other, other).await;
        assert_eq!(told(&person.get(&mine.path(), &[]).await), "login_required");
        let sent = person
            .get(&ask.clone().with("id_token_hint", &hint).path(), &[])
            .await;
        assert!(sent.header("location").unwrap().contains("&prompt=login"));
        let bad = ask
            .clone()
            .with("id_token_hint", &tokens.text("access_token"));
        assert_eq!(told(&person.get(&bad.path(), &[]).await), "invalid_request");
        let tolerated = ask
            .clone()
            .with("display", "popup")
            .with("ui_locales", "de zh-Hant")
            .with("acr_values", "2")
            .with("claims", "{\"id_token\":{}}")
            .with("prompt", "create");
        assert_eq!(person.get(&tolerated.path(), &[]).await.status, 200);
    }
}

/// RP-initiated logout.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_signs_its_user_out() {
    const BYE: &str = "https://app.example/bye";
    let (server, mut tool, mut person) = stage(Engine::Sqlite, &[]).await;
    let fresh = code(&mut person, &Ask::of("public")).await;
    let hint = exchange(&mut tool, "public", &fresh, &[])
        .await
        .text("id_token");
    let path = |pairs: &[(&str, &str)]| {
        let query = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(pairs)
            .finish();
        format!("/oauth/end_session?{query}")
    };
    let refused = [
        vec![
            ("id_token_hint", hint.as_str()),
            ("post_logout_redirect_uri", "https://evil.example"),
        ],
        vec![("post_logout_redirect_uri", BYE)],
        vec![("id_token_hint", &hint), ("client_id", "other")],
        vec![("id_token_hint", &hint), ("id_token_hint", &hint)],
        vec![
            ("id_token_hint", &hint),
            ("ui_locales", "de"),
            ("ui_locales", "en"),
        ],
    ];
    for pairs in &refused {
        let answer = person.get(&path(pairs), &[]).await;
        assert_eq!((answer.status, answer.header("location")), (400, None));
    }
    // A hint that was changed proves nothing: the person is asked, and sent nowhere.
    let forged = format!("{}x", hint);
    let pairs = [
        ("id_token_hint", forged.as_str()),
        ("post_logout_redirect_uri", BYE),
    ];
    let page = person.get(&path(&pairs), &[]).await;
    assert_eq!(page.status, 200);
    assert!(
        !page
            .header("content-security-policy")
            .unwrap()
            .contains("app.example")
    );
    // Without a hint the person is asked, and then sent back.
    let pairs = [
        ("client_id", "public"),
        ("post_logout_redirect_uri", BYE),
        ("state", "s 1"),
    ];
    let page = person.get(&path(&pairs), &[]).await;
    assert_eq!(page.status, 200, "{page:?}");
    assert!(page.body.contains("The App"));
    let form = fields(&page.body, "/oauth/end_session");
    let form: Vec<(&str, &str)> = form.iter().map(|(n, v)| (&**n, &**v)).collect();
    let answer = person.post("/oauth/end_session", &form).await;
    assert_eq!(
        answer.header("location").as_deref(),
        Some("https://app.example/bye?state=s+1")
    );
    assert_eq!(person.get("/account/sessions", &[]).await.status, 302);
    // With the hint at once; also when it comes as a form.
    person.sign_in().await;
    let pairs = [
        ("id_token_hint", hint.as_str()),
        ("post_logout_redirect_uri", BYE),
    ];
    let answer = person.post("/oauth/end_session", &pairs).await;
    assert_eq!(answer.status, 303);
    let answer = person.get(&answer.header("location").unwrap(), &[]).await;
    assert_eq!(answer.header("location").as_deref(), Some(BYE));
    assert_eq!(person.get("/account/sessions", &[]).await.status, 302);
    // Nobody is there any more.
    let answer = person.get(&path(&pairs), &[]).await;
    assert_eq!(answer.header("location").as_deref(), Some(BYE));
    let answer = person.get("/oauth/end_session", &[]).await;
    assert_eq!(
        answer.header("location").as_deref(),
        Some("/login?signed_out=1")
    );
    let query = "SELECT count(*) FROM audit_logs WHERE event_type = 'LOGOUT'";
    assert_eq!(server.count(query).await, 2);
    let discovery = tool.get("/.well-known/openid-configuration", &[]).await;
    assert!(
        discovery
            .text("end_session_endpoint")
            .ends_with("/oauth/end_session")
    );
}

/// RT-05: a successor that made way for another is worth nothing, within the grace too: who shows it holds a copy. The family
/// dies, rather than have two branches; and so it does at a replay outside the grace.
async fn superseded(server: &Server, tool: &mut Http, person: &mut Http) {
    let alive =
        "SELECT count(*) FROM access_tokens WHERE token_category = 'refresh' AND status = 'active'";
    for outside in [false, true] {
        let fresh = code(person, &Ask::of("public")).await;
        let first = exchange(tool, "public", &fresh, &[]).await;
        let first = first.text("refresh_token");
        let lost = tool.refresh("public", &first).await;
        if outside {
            let long_ago = "UPDATE access_tokens SET last_used_at = '2026-01-01 00:00:00+00:00' WHERE last_used_at IS NOT NULL";
            server.sql(long_ago, long_ago).await;
            let late = tool.refresh("public", &first).await;
            assert_eq!(late.error(), "invalid_grant");
        } else {
            let again = tool.refresh("public", &first).await;
            assert_eq!((again.status, server.count(alive).await), (200, 1));
            let branch = tool.refresh("public", &lost.text("refresh_token")).await;
            assert_eq!(branch.error(), "invalid_grant");
            let access = again.text("access_token");
            assert_eq!(tool.tokeninfo(&access).await, 401);
        }
        assert_eq!(tool.tokeninfo(&lost.text("access_token")).await, 401);
        assert_eq!(server.count(alive).await, 0);
    }
}

async fn lifetimes(engine: Engine) {
    let env = [
        ("ENABLE_TOKEN_ROTATION", "true"),
        ("REFRESH_TOKEN_ABSOLUTE_LIFETIME", "24h"),
        ("REFRESH_RETRY_GRACE", "30s"),
    ];
    let (server, mut tool, mut person) = stage(engine, &env).await;
    let start = |person| async {
        let mut person: Http = person;
        let fresh = code(&mut person, &Ask::of("public")).await;
        (person, fresh)
    };
    // RT-07: two rotations in one second are no replay.
    let (back, fresh) = start(person).await;
    person = back;
    let first = exchange(&mut tool, "public", &fresh, &[]).await;
    let mut refresh = first.text("refresh_token");
    for _ in 0..3 {
        refresh = tool.refresh("public", &refresh).await.text("refresh_token");
    }
    // RT-05: a lost answer is given again; the one that was lost does not count any more.
    let (lost, again) = (
        tool.refresh("public", &refresh).await,
        tool.refresh("public", &refresh).await,
    );
    assert_eq!((lost.status, again.status), (200, 200));
    assert_eq!(tool.tokeninfo(&lost.text("access_token")).await, 401);
    assert_eq!(tool.tokeninfo(&again.text("access_token")).await, 200);
    let alive =
        "SELECT count(*) FROM access_tokens WHERE token_category = 'refresh' AND status = 'active'";
    assert_eq!(server.count(alive).await, 1);
    // Once the successor was used, the old one is a replay whenever it comes.
    let next = tool.refresh("public", &again.text("refresh_token")).await;
    assert_eq!(next.status, 200);
    let replay = tool.refresh("public", &refresh).await;
    assert_eq!(replay.error(), "invalid_grant");
    assert_eq!(tool.tokeninfo(&next.text("access_token")).await, 401);
    assert_eq!(server.count(alive).await, 0);
    superseded(&server, &mut tool, &mut person).await;
    // RT-04: no token outlives its family, and the family ends, however fresh its last token is.
    let (_person, fresh) = start(person).await;
    let last = exchange(&mut tool, "public", &fresh, &[]).await;
    let last = tool.refresh("public", &last.text("refresh_token")).await;
    assert_eq!(last.status, 200, "{last:?}");
    let end = payload(&last.text("refresh_token"));
    assert!(end["exp"].as_i64().unwrap() - end["iat"].as_i64().unwrap() <= 24 * 3600);
    server
        .sql(
            "UPDATE token_families SET absolute_end = strftime('%Y-%m-%d %H:%M:%f+00:00', 'now', '+90 seconds')",
            "UPDATE token_families SET absolute_end = now() + interval '90 seconds'",
        )
        .await;
    let last = tool.refresh("public", &last.text("refresh_token")).await;
    for token in ["refresh_token", "access_token"] {
        let end = payload(&last.text(token));
        let life = end["exp"].as_i64().unwrap() - end["iat"].as_i64().unwrap();
        assert!((60..=90).contains(&life), "{token}: {end}");
    }
    assert!(
        last.json()["expires_in"].as_i64().unwrap() <= 90,
        "{last:?}"
    );
    server
        .sql(
            "UPDATE token_families SET absolute_end = '2026-01-01 00:00:00+00:00'",
            "UPDATE token_families SET absolute_end = '2026-01-01'",
        )
        .await;
    let late = tool.refresh("public", &last.text("refresh_token")).await;
    assert_eq!(late.error(), "invalid_grant");
}

#[tokio::test(flavor = "multi_thread")]
async fn family_absolute_expiry_and_grace_on_sqlite() {
    lifetimes(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn family_absolute_expiry_and_grace_on_postgres() {
    lifetimes(Engine::Postgres).await;
}
