//! Rules of the threat model that belong to no single endpoint. Which test stands for which rule is told in
//! docs/security-tests.md.
use super::account::{add_person, signed_in};
use crate::{
    app::{self, Ask, CALLBACK, SECRET},
    http::{Http, field},
    support::{Answer, DEVICE_GRANT, Engine, PASSWORD, Server},
};

const BOTH: [Engine; 2] = [Engine::Sqlite, Engine::Postgres];
const EVIL: &str = "evil.example";

/// TK-06 and DV-12: what an administrator resets takes every grant of the person along, those of devices too.
#[tokio::test(flavor = "multi_thread")]
async fn reset_kills_device_tokens() {
    for engine in BOTH {
        let server = Server::start(engine, &[]).await;
        app::register(&server, "public", "public", &[CALLBACK]).await;
        add_person(&server, "zoe", "user").await;
        let (mut admin, mut tool) = (server.http().await, server.http().await);
        admin.sign_in().await;
        let (mut zoe, _) = signed_in(&server, "zoe", PASSWORD).await;
        let ready = app::code(&mut zoe, &Ask::of("public")).await;
        let first = app::code(&mut zoe, &Ask::of("public")).await;
        let tokens = app::exchange(&mut tool, "public", &first, &[]).await;
        let device = server.approved_codes_of(&mut tool, "zoe").await;
        let held = tool.poll(&server.client_id, &device).await;
        let waiting = server.approved_codes_of(&mut tool, "zoe").await;
        let path = "/admin/users/id-of-zoe/reset-password";
        assert_eq!(admin.confirm(path, &[]).await.status, 303);
        for (what, late) in [
            (
                "code",
                app::exchange(&mut tool, "public", &ready, &[]).await,
            ),
            (
                "refresh",
                tool.refresh("public", &tokens.text("refresh_token")).await,
            ),
            (
                "refresh of a device",
                tool.refresh(&server.client_id, &held.text("refresh_token"))
                    .await,
            ),
            ("device", tool.poll(&server.client_id, &waiting).await),
        ] {
            assert_eq!(late.error(), "invalid_grant", "{what} on {engine:?}");
        }
        for issued in [&tokens, &held] {
            assert_eq!(tool.tokeninfo(&issued.text("access_token")).await, 401);
        }
    }
}

/// DV-12: what a device holds ends sooner, however often it is refreshed; what a browser brought does not.
#[tokio::test(flavor = "multi_thread")]
async fn refresh_tokens_of_devices_have_a_cap_of_their_own() {
    for engine in BOTH {
        for rotation in ["true", "false"] {
            let env = [
                ("DEVICE_REFRESH_TOKEN_EXPIRATION", "2h"),
                ("ENABLE_TOKEN_ROTATION", rotation),
            ];
            let server = Server::start(engine, &env).await;
            app::register(&server, "public", "public", &[CALLBACK]).await;
            let (mut tool, mut person) = (server.http().await, server.http().await);
            person.sign_in().await;
            let life = |answer: &Answer| {
                let claims = app::payload(&answer.text("refresh_token"));
                claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap()
            };
            let device = server.approved_codes(1).await.remove(0);
            let held = tool.poll(&server.client_id, &device).await;
            assert_eq!(life(&held), 2 * 3600, "{engine:?}");
            if rotation == "true" {
                let refresh = held.text("refresh_token");
                let next = tool.refresh(&server.client_id, &refresh).await;
                assert!(life(&next) <= 2 * 3600, "{engine:?}");
            }
            let code = app::code(&mut person, &Ask::of("public")).await;
            let browser = app::exchange(&mut tool, "public", &code, &[]).await;
            assert!(life(&browser) > 24 * 3600, "{engine:?}");
            let kept = "SELECT count(*) FROM access_tokens t, access_tokens d WHERE t.token_category = 'refresh' AND \
                        d.token_category = 'refresh' AND t.client_id = 'public' AND d.client_id <> 'public' \
                        AND d.expires_at < t.expires_at";
            assert!(server.count(kept).await > 0, "the rows say so, too");
        }
    }
}

async fn device(server: &Server) -> (String, String) {
    let mut http = server.http().await;
    let form = [("client_id", server.client_id.as_str())];
    let answer = http.post("/oauth/device/code", &form).await;
    (answer.text("device_code"), answer.text("user_code"))
}

/// DV-10: each way in which a code does not count has its error.
#[tokio::test(flavor = "multi_thread")]
async fn device_error_table() {
    for engine in BOTH {
        let server = Server::start(engine, &[]).await;
        app::register(&server, "public", "public", &[CALLBACK]).await;
        let (mut http, mut person) = (server.http().await, server.http().await);
        person.sign_in().await;
        let id = server.client_id.as_str();
        assert_eq!(
            http.poll(id, &"0".repeat(40)).await.error(),
            "invalid_grant"
        );
        let (pending, _) = device(&server).await;
        assert_eq!(
            http.poll(id, &pending).await.error(),
            "authorization_pending"
        );
        assert_eq!(http.poll("public", &pending).await.error(), "invalid_grant");
        let (denied, typed) = device(&server).await;
        assert_eq!(person.decide(&typed, "deny").await.status, 200);
        assert_eq!(http.poll(id, &denied).await.error(), "access_denied");
        let (redeemed, typed) = device(&server).await;
        assert_eq!(person.decide(&typed, "approve").await.status, 200);
        assert_eq!(http.poll(id, &redeemed).await.status, 200);
        assert_eq!(http.poll(id, &redeemed).await.error(), "invalid_grant");
        let (late, typed) = device(&server).await;
        server
            .sql(
                "UPDATE device_codes SET expires_at = '2026-01-01 00:00:00+00:00'",
                "UPDATE device_codes SET expires_at = '2026-01-01'",
            )
            .await;
        assert_eq!(http.poll(id, &late).await.error(), "expired_token");
        assert_eq!(person.decide(&typed, "approve").await.status, 400);
    }
}

/// DV-08: who polls too early waits longer, also when it turns to another server.
#[tokio::test(flavor = "multi_thread")]
async fn slow_down_grows() {
    let env = [("DEVICE_POLLING_INTERVAL", "40s")];
    let server = Server::start(Engine::Postgres, &env).await;
    let other = server.beside().await;
    let (mut here, mut there) = (server.http().await, other.http().await);
    let (code, _) = device(&server).await;
    let id = server.client_id.as_str();
    for (http, grown) in [(&mut here, 45), (&mut there, 50)] {
        assert_eq!(http.poll(id, &code).await.error(), "authorization_pending");
        assert_eq!(http.poll(id, &code).await.error(), "slow_down");
        let began = std::time::Instant::now();
        while server.count("SELECT \"interval\" FROM device_codes").await != grown {
            assert!(began.elapsed().as_secs() < 120, "the interval is not kept");
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }
}

/// DV-01: a session that guesses is asked to sign in again, on any server; then it may go on.
#[tokio::test(flavor = "multi_thread")]
async fn user_code_guess_budget() {
    for engine in BOTH {
        let server = Server::start(engine, &[("DEVICE_MAX_CODE_MISSES", "3")]).await;
        let (code, typed) = device(&server).await;
        let (mut http, mut person) = (server.http().await, server.http().await);
        person.sign_in().await;
        for guess in ["BBBB-2222", "CCCC-3333", "DDDD-4444"] {
            assert_eq!(person.decide(guess, "approve").await.status, 400);
        }
        let refused = person.decide(&typed, "approve").await;
        assert!((400..500).contains(&refused.status), "{refused:?}");
        let polled = http.poll(&server.client_id, &code).await;
        assert_eq!(polled.error(), "authorization_pending");
        let mut again = server.http().await;
        again.sign_in().await;
        // Signing in again gives no endless guesses: four times as many a day are all.
        for _ in 0..3 {
            let mut again = server.http().await;
            again.sign_in().await;
            for guess in ["BBBB-2222", "CCCC-3333", "DDDD-4444"] {
                assert_eq!(again.decide(guess, "approve").await.status, 400);
            }
        }
        again = server.http().await;
        again.sign_in().await;
        let refused = again.decide(&typed, "approve").await;
        assert_eq!(refused.status, 400);
        assert!(refused.body.contains("Try again tomorrow"), "{refused:?}");
        // The next day counts for itself.
        let yesterday = "UPDATE login_failures SET account = 'of yesterday ' || account";
        server.sql(yesterday, yesterday).await;
        assert_eq!(again.decide(&typed, "approve").await.status, 200);
    }
}

/// DV-01: of guesses that come at once no more are looked at than of those that come one after the other.
#[tokio::test(flavor = "multi_thread")]
async fn guesses_side_by_side_share_a_budget() {
    for engine in BOTH {
        let server = Server::start(engine, &[("DEVICE_MAX_CODE_MISSES", "2")]).await;
        let mut people = Vec::new();
        // Four sessions of one person and eight guesses in each: eight are looked at in one day, two in each session.
        for _ in 0..4 {
            let mut person = server.http().await;
            person.sign_in().await;
            for _ in 0..8 {
                let mut other = server.http().await;
                other.cookie.clone_from(&person.cookie);
                people.push(tokio::spawn(async move {
                    other.decide("BBBB-2222", "approve").await.status
                }));
            }
        }
        for person in people {
            assert_eq!(person.await.unwrap(), 400);
        }
        let looked_at = "SELECT CAST(sum(code_misses) AS BIGINT) FROM sessions";
        assert_eq!(server.count(looked_at).await, 8);
        let most = "SELECT CAST(max(code_misses) AS BIGINT) FROM sessions";
        assert_eq!(server.count(most).await, 2);
    }
}

/// DV-06 and DV-07: an old sign-in decides nothing; the grant can be switched off, and kept to networks.
#[tokio::test(flavor = "multi_thread")]
async fn device_flow_policy() {
    let server = Server::start(Engine::Sqlite, &[("DEVICE_REQUIRE_RECENT_LOGIN", "5m")]).await;
    let (_, typed) = device(&server).await;
    let mut person = server.http().await;
    person.sign_in().await;
    let old = "UPDATE sessions SET auth_time = '2026-01-01 00:00:00+00:00'";
    server.sql(old, old).await;
    let refused = person.decide(&typed, "approve").await;
    assert_ne!(refused.status, 200, "{refused:?}");
    let mut fresh = server.http().await;
    fresh.sign_in().await;
    assert_eq!(fresh.decide(&typed, "approve").await.status, 200);
    for env in [
        ("DEVICE_FLOW_ENABLED", "false"),
        ("DEVICE_ALLOWED_NETWORKS", "192.0.2.0/24"),
    ] {
        let server = Server::start(Engine::Sqlite, &[env]).await;
        let form = [("client_id", server.client_id.as_str())];
        let refused = server.http().await.post("/oauth/device/code", &form).await;
        assert_eq!(refused.error(), "unauthorized_client", "{env:?}");
        let grants = server
            .http()
            .await
            .get("/.well-known/openid-configuration", &[])
            .await;
        assert_eq!(
            grants.body.contains(DEVICE_GRANT),
            env.0 != "DEVICE_FLOW_ENABLED"
        );
    }
    // What was approved before the grant was switched off is not handed out afterwards.
    let mut server = Server::start(Engine::Sqlite, &[]).await;
    let codes = server.approved_codes(1).await;
    server.signal("TERM");
    assert!(server.ended().await.success());
    server.set("DEVICE_FLOW_ENABLED", "false");
    server.launch().await;
    let mut http = server.http().await;
    let refused = http.poll(&server.client_id, &codes[0]).await;
    assert_eq!(refused.error(), "unauthorized_client");
}

/// DV-13: one audit row joins who asked and who allowed.
#[tokio::test(flavor = "multi_thread")]
async fn device_audit_join() {
    for engine in BOTH {
        let server = Server::start(engine, &[]).await;
        let mut tool = server.http().await;
        let agent = [("user-agent", "a-tool/1.0")];
        let form = [("client_id", server.client_id.as_str())];
        let started = tool.post_with("/oauth/device/code", &agent, &form).await;
        let mut person = server.http().await;
        person.sign_in().await;
        let typed = started.text("user_code");
        assert_eq!(person.decide(&typed, "approve").await.status, 200);
        let joined = "SELECT count(*) FROM audit_logs WHERE event_type = 'DEVICE_CODE_AUTHORIZED' AND actor_ip <> '' \
                      AND CAST(details AS TEXT) LIKE '%requester_ip%127.0.0.1%requester_user_agent%a-tool/1.0%'";
        assert_eq!(server.count(joined).await, 1);
    }
}

/// PW-04 and SS-06: after too many failures nobody gets in under that name, however it is spelled, not even with the
/// right password and without being told so; a reset lets the person in again.
#[tokio::test(flavor = "multi_thread")]
async fn aliases_share_budget() {
    for engine in BOTH {
        let server = Server::start(engine, &[("LOGIN_MAX_FAILURES", "3")]).await;
        add_person(&server, "zoe", "user").await;
        let attempt =
            async |name: &str, password: &str| server.http().await.sign_in_as(name, password).await;
        let wrong = attempt("zoe", "wrong").await;
        assert_eq!(wrong.status, 401);
        for name in ["ZOE", " zoe "] {
            assert_eq!(attempt(name, "wrong").await.status, 401, "{name}");
        }
        let locked = attempt("zoe", PASSWORD).await;
        assert_eq!(locked.status, 401);
        let told = |answer: &Answer| answer.body.contains("locked");
        assert_eq!(told(&locked), told(&wrong), "a lock is not told");
        let mut admin = server.http().await;
        admin.sign_in().await;
        let path = "/admin/users/id-of-zoe/reset-password";
        let reset = admin.confirm(path, &[]).await;
        let fresh = super::clicks::secret_on(&admin.shown(&reset).await);
        assert_eq!(attempt("zoe", &fresh).await.status, 302);
    }
}

/// A name is known in any case and with blanks around it, unless another person's differs by nothing else.
#[tokio::test(flavor = "multi_thread")]
async fn a_name_is_known_in_any_case() {
    for engine in BOTH {
        let server = Server::start(engine, &[]).await;
        add_person(&server, "zoe", "user").await;
        let attempt =
            async |name: &str| server.http().await.sign_in_as(name, PASSWORD).await.status;
        for name in ["zoe", "ZOE", " Zoe "] {
            assert_eq!(attempt(name).await, 302, "{name}");
        }
        let actors = "SELECT count(*) FROM sessions WHERE user_id = 'id-of-zoe'";
        assert_eq!(server.count(actors).await, 3);
        // The Go server lets both exist.
        add_person(&server, "Zoe", "user").await;
        for (name, status) in [("Zoe", 302), ("zoe", 302), ("ZOE", 401)] {
            assert_eq!(attempt(name).await, status, "{name}");
        }
        let other = "SELECT count(*) FROM sessions WHERE user_id = 'id-of-Zoe'";
        assert_eq!(server.count(other).await, 1);
    }
}

/// SS-07: who is not a proxy of ours does not choose its address.
#[tokio::test(flavor = "multi_thread")]
async fn xff_spoof_does_not_reset_limit() {
    let env = [
        ("ENABLE_RATE_LIMIT", "true"),
        ("DEVICE_CODE_RATE_LIMIT", "3"),
    ];
    let server = Server::start(Engine::Sqlite, &env).await;
    let form = [("client_id", server.client_id.as_str())];
    let mut statuses = Vec::new();
    for n in 0..5 {
        let address = format!("198.51.100.{n}");
        let headers = [
            ("x-forwarded-for", address.as_str()),
            ("x-real-ip", &address),
        ];
        let answer = server
            .http()
            .await
            .post_with("/oauth/device/code", &headers, &form)
            .await;
        statuses.push(answer.status);
    }
    assert_eq!(statuses, [200, 200, 200, 429, 429]);
}

/// The limits of the guide, and DV-01's for each address: with nothing set but that there are limits.
#[tokio::test(flavor = "multi_thread")]
async fn the_default_limits_are_those_of_the_guide() {
    let env = [
        ("ENABLE_RATE_LIMIT", "true"),
        ("ENABLE_DYNAMIC_CLIENT_REGISTRATION", "true"),
    ];
    let server = Server::start(Engine::Sqlite, &env).await;
    let mut http = server.http().await;
    for (path, limit) in [
        ("/login", 5),
        ("/oauth/device/code", 10),
        ("/oauth/token", 20),
        ("/device/verify", 10),
        ("/oauth/introspect", 20),
        ("/oauth/register", 5),
    ] {
        for n in 0..limit {
            let answer = http.post(path, &[("a", "b")]).await;
            assert_ne!(answer.status, 429, "{path} {n}");
        }
        let answer = http.post(path, &[("a", "b")]).await;
        assert_eq!(answer.status, 429, "{path}");
        let told = answer.header("x-ratelimit-limit");
        assert_eq!(told, Some(limit.to_string()), "{path}");
        assert!(answer.header("retry-after").is_some(), "{path}");
    }
}

/// In fixed mode, when a refresh token was used is written once a minute at most.
#[tokio::test(flavor = "multi_thread")]
async fn last_use_of_a_fixed_refresh_token_is_written_once_a_minute() {
    for engine in BOTH {
        let server = Server::start(engine, &[]).await;
        let mut tool = server.http().await;
        let code = server.approved_codes(1).await.remove(0);
        let tokens = tool.poll(&server.client_id, &code).await;
        let refresh = tokens.text("refresh_token");
        let used =
            "SELECT CAST(last_used_at AS text) FROM access_tokens WHERE token_category = 'refresh'";
        let mut seen = Vec::new();
        for hours in [0, 0, 1] {
            if hours > 0 {
                server
                    .sql(
                        "UPDATE access_tokens SET last_used_at = '2026-01-01 00:00:00+00:00'",
                        "UPDATE access_tokens SET last_used_at = '2026-01-01 00:00:00+00:00'",
                    )
                    .await;
            }
            let answer = tool.refresh(&server.client_id, &refresh).await;
            assert_eq!(answer.status, 200, "{answer:?}");
            seen.extend(server.texts(used).await);
        }
        assert_eq!(seen[0], seen[1], "{engine:?}");
        assert_ne!(seen[1], seen[2], "{engine:?}");
        assert!(!seen[2].starts_with("2026-01-01"), "{seen:?}");
    }
}

/// DV-03: an answer counts only after its question was shown, to this session and about this code.
#[tokio::test(flavor = "multi_thread")]
async fn device_never_approves_in_one_post() {
    for engine in BOTH {
        let server = Server::start(engine, &[]).await;
        let mut tool = server.http().await;
        let mut started = Vec::new();
        for _ in 0..2 {
            let form = [("client_id", server.client_id.as_str())];
            let answer = tool.post("/oauth/device/code", &form).await;
            started.push((answer.text("device_code"), answer.text("user_code")));
        }
        let [(device_code, typed), (_, other)] = &started[..] else {
            unreachable!()
        };
        let mut person = server.http().await;
        person.sign_in().await;
        let shown = async |http: &mut Http, code: &str| {
            let page = http.get("/device", &[]).await;
            let csrf = field(&page.body, "csrf_token");
            let form = [("user_code", code), ("csrf_token", &csrf)];
            let found = http.post("/device/verify", &form).await;
            let question = http.get(&found.header("location").unwrap(), &[]).await;
            (csrf, field(&question.body, "csrf_token"))
        };
        let mut stranger = server.http().await;
        stranger.sign_in().await;
        let (bare, of_other) = shown(&mut person, other).await;
        let (_, of_stranger) = shown(&mut stranger, typed).await;
        let forged = format!("{bare}.{}", of_other.split_once('.').unwrap().1);
        for token in [&bare, &of_other, &forged] {
            let answer = person.answer_device(typed, token, "approve").await;
            assert_eq!(answer.status, 303, "{answer:?}");
            let question = person.get(&answer.header("location").unwrap(), &[]).await;
            assert!(question.body.contains("name=\"confirmed\""), "{question:?}");
        }
        for token in ["", ".", "x", &of_stranger] {
            let answer = person.answer_device(typed, token, "approve").await;
            assert_eq!(answer.status, 403, "{answer:?}");
        }
        let poll = tool.poll(&server.client_id, device_code).await;
        assert_eq!(poll.error(), "authorization_pending", "{poll:?}");
        let (_, asked) = shown(&mut person, typed).await;
        let answer = person.answer_device(typed, &asked, "approve").await;
        assert_eq!(answer.status, 303, "{answer:?}");
        assert!(
            answer
                .header("location")
                .unwrap()
                .starts_with("/device/done?")
        );
    }
}

/// DV-11: what a device gets was settled when it asked for a code; what it asks for with its polls widens nothing.
#[tokio::test(flavor = "multi_thread")]
async fn device_scope_frozen() {
    for engine in BOTH {
        let server = Server::start(engine, &[]).await;
        let mut tool = server.http().await;
        let id = server.client_id.clone();
        let form = [("client_id", id.as_str()), ("scope", "email")];
        let started = tool.post("/oauth/device/code", &form).await;
        let device_code = started.text("device_code");
        server.approve_all().await;
        let mut poll = vec![
            ("grant_type", DEVICE_GRANT),
            ("client_id", id.as_str()),
            ("device_code", device_code.as_str()),
            ("scope", "email profile admin"),
        ];
        let narrow = poll.clone();
        poll.push(("resource", "https://api.example/v1"));
        let wide = tool.post("/oauth/token", &poll).await;
        assert_eq!(wide.error(), "invalid_target", "{wide:?}");
        let tokens = tool.post("/oauth/token", &narrow).await;
        assert_eq!(tokens.status, 200, "{tokens:?}");
        assert_eq!(tokens.text("scope"), "email");
        let said = app::payload(&tokens.text("access_token"));
        assert_eq!(said["scope"], "email");
    }
}

/// SS-08: what the server says of itself does not come from the request.
#[tokio::test(flavor = "multi_thread")]
async fn host_header_is_inert() {
    let server = Server::start(Engine::Sqlite, &[]).await;
    let mut http = server.http().await;
    for path in [
        "/",
        "/login",
        "/device",
        "/account/sessions",
        "/docs",
        "/oauth/authorize?client_id=x",
        "/.well-known/openid-configuration",
        "/.well-known/oauth-authorization-server",
        "/no/such/path/",
    ] {
        let request = format!(
            "GET {path} HTTP/1.1\r\nhost: {EVIL}\r\nx-forwarded-host: {EVIL}\r\nx-forwarded-proto: https\r\n\
             forwarded: host={EVIL};proto=https\r\naccept: text/html\r\n\r\n"
        );
        let answer = http.try_send(request.as_bytes()).await.unwrap();
        assert!(answer.status < 500, "{path}: {answer:?}");
        let said = format!("{}{}", answer.head, answer.body);
        assert!(!said.contains(EVIL), "{path}: {said}");
    }
}

/// SS-01 and SS-04: signing in begins a session of its own, in a cookie that stays with the browser and the server.
#[tokio::test(flavor = "multi_thread")]
async fn session_fixation() {
    for (base, is_secure) in [("http://127.0.0.1:1", false), ("https://sso.example", true)] {
        let server = Server::start(Engine::Sqlite, &[("BASE_URL", base)]).await;
        let mut person = server.http().await;
        person.get("/login", &[]).await;
        let before = person.cookie.clone();
        let answer = person.sign_in_as("admin", PASSWORD).await;
        assert_eq!(answer.status, 302, "{answer:?}");
        assert_ne!(person.cookie, before);
        let flags = answer.header("set-cookie").unwrap();
        for flag in ["HttpOnly", "SameSite=Lax", "Path=/"] {
            assert!(flags.contains(flag), "{flags}");
        }
        assert_eq!(flags.contains("Secure"), is_secure, "{flags}");
        person.cookie = before;
        assert_eq!(person.get("/account/sessions", &[]).await.status, 302);
    }
}

/// CR-01, CR-02 and CR-03: neither the database nor the log at its most talkative holds anything that lets somebody in,
/// and nobody writes lines of their own into the log.
#[tokio::test(flavor = "multi_thread")]
async fn db_dump_has_no_secret() {
    for engine in BOTH {
        nothing_is_given_away(engine).await;
    }
}

async fn nothing_is_given_away(engine: Engine) {
    let talkative = [("LOG_LEVEL", "trace"), ("DB_LOG_LEVEL", "info")];
    let server = Server::start(engine, &talkative).await;
    app::register(&server, "secret", "confidential", &[CALLBACK]).await;
    let (mut tool, mut person) = (server.http().await, server.http().await);
    person.sign_in().await;
    let with_secret = [("client_secret", SECRET)];
    let code = app::code(&mut person, &Ask::of("secret")).await;
    let tokens = app::exchange(&mut tool, "secret", &code, &with_secret).await;
    let (device, typed) = device(&server).await;
    assert_eq!(person.decide(&typed, "approve").await.status, 200);
    let polled = tool.poll(&server.client_id, &device).await;
    let again = tool
        .refresh(&server.client_id, &polled.text("refresh_token"))
        .await;
    let mut stranger = server.http().await;
    let injected = "x\r\nINFO \u{1b}[31mforged line";
    assert_eq!(
        stranger
            .sign_in_as(injected, "wrong canary password")
            .await
            .status,
        401
    );
    let mut secrets = vec![
        code,
        device,
        SECRET.to_owned(),
        PASSWORD.to_owned(),
        "wrong canary password".to_owned(),
        app::VERIFIER.to_owned(),
    ];
    for (answer, names) in [
        (&tokens, &["access_token", "refresh_token", "id_token"][..]),
        (&polled, &["access_token", "refresh_token"]),
        (&again, &["access_token"]),
    ] {
        secrets.extend(names.iter().map(|name| answer.text(name)));
    }
    let cookie = person.cookie.clone().unwrap();
    secrets.push(cookie.split_once('=').unwrap().1.to_owned());
    let mut places = vec![("the log", server.log().into_bytes())];
    let files: &[_] = match engine {
        Engine::Sqlite => &["oauth.db", "oauth.db-wal"],
        Engine::Postgres => &[],
    };
    for name in files {
        let path = server.directory.path().join(name);
        places.push((name, std::fs::read(path).unwrap_or_default()));
    }
    assert!(places[0].1.len() > 1000);
    assert!(files.is_empty() || places[1].1.len() + places[2].1.len() > 1000);
    for (place, bytes) in &places {
        let text = String::from_utf8_lossy(bytes);
        for secret in &secrets {
            assert!(
                secret.len() > 8 && !text.contains(secret.as_str()),
                "{place} holds {secret}"
            );
        }
    }
    let log = server.log();
    assert!(
        log.contains("INSERT INTO access_tokens"),
        "statements are logged"
    );
    assert!(!log.contains("\u{1b}[31mforged"), "{log}");
    assert!(!log.lines().any(|line| line.starts_with("INFO")), "{log}");
}

/// `DB_LOG_LEVEL`: a statement that fails is told by its text, and not what was to be written.
#[tokio::test(flavor = "multi_thread")]
async fn a_failed_statement_is_told_without_its_values() {
    for engine in BOTH {
        for (level, told) in [("silent", false), ("error", true), ("warn", true)] {
            let server = Server::start(engine, &[("DB_LOG_LEVEL", level)]).await;
            let gone = "ALTER TABLE login_failures RENAME TO elsewhere";
            server.sql(gone, gone).await;
            let answer = server
                .http()
                .await
                .sign_in_as("canary-name", "canary-word")
                .await;
            assert_eq!(answer.status, 500, "{answer:?}");
            let log = server.log();
            let line = log.lines().find(|line| line.contains("a statement failed"));
            assert_eq!(line.is_some(), told, "{level} on {engine:?}: {log}");
            let line = line.unwrap_or_default();
            assert!(
                !told || line.contains("login_failures") && line.contains("$1"),
                "{line}"
            );
            assert!(!log.contains("canary"), "{log}");
            assert!(!log.contains("INSERT INTO access_tokens"), "{log}");
        }
    }
}

/// RT-02: a replay on one server ends the family on every other, in the moment in which it is answered.
#[tokio::test(flavor = "multi_thread")]
async fn reuse_kills_family_both_pods() {
    const ROUNDS: usize = 15;
    let server = Server::start(Engine::Postgres, &[("ENABLE_TOKEN_ROTATION", "true")]).await;
    let other = server.beside().await;
    let (mut here, mut there) = (server.http().await, other.http().await);
    let id = server.client_id.as_str();
    for code in server.approved_codes(ROUNDS).await {
        let first = here.poll(id, &code).await;
        let second = here.refresh(id, &first.text("refresh_token")).await;
        assert_eq!(there.tokeninfo(&second.text("access_token")).await, 200);
        let replay = there.refresh(id, &first.text("refresh_token")).await;
        assert_eq!(replay.error(), "invalid_grant");
        for http in [&mut here, &mut there] {
            for issued in [&first, &second] {
                assert_eq!(http.tokeninfo(&issued.text("access_token")).await, 401);
            }
            let late = http.refresh(id, &second.text("refresh_token")).await;
            assert_eq!(late.error(), "invalid_grant");
        }
    }
    let told = "SELECT count(*) FROM audit_logs WHERE event_type = 'SUSPICIOUS_ACTIVITY' AND severity = 'CRITICAL'";
    assert!(server.count(told).await >= ROUNDS as i64);
}
