//! What a client may no longer have is in none of its next tokens, whoever granted it; what is given back comes back.
use crate::{
    app::{API, Ask, CALLBACK, code, exchange, payload, stage},
    support::{Answer, DEVICE_GRANT, Engine, Http, field},
};

const BOTH: [Engine; 2] = [Engine::Sqlite, Engine::Postgres];

/// An administrator edits what the client may have.
async fn may_have(admin: &mut Http, scopes: &str, resources: &str) {
    edit(admin, scopes, resources, "standard").await;
}

async fn edit(admin: &mut Http, scopes: &str, resources: &str, profile: &str) {
    let (page, edit) = ("/admin/clients/public", "/admin/clients/public/edit");
    let version = field(&admin.get(edit, &[]).await.body, "version");
    let form = [
        ("client_name", "The App"),
        ("client_type", "public"),
        ("enable_device_flow", "true"),
        ("enable_auth_code_flow", "true"),
        ("scopes", scopes),
        ("redirect_uris", CALLBACK),
        ("allowed_resources", resources),
        ("token_profile", profile),
        ("status", "active"),
        ("version", version.as_str()),
    ];
    let saved = admin.submit(edit, page, &form).await;
    assert_eq!(saved.status, 302, "{saved:?}");
}

async fn refresh(tool: &mut Http, held: &mut String, more: &[(&str, &str)]) -> Answer {
    let mut form = vec![
        ("grant_type", "refresh_token"),
        ("client_id", "public"),
        ("refresh_token", held.as_str()),
    ];
    form.extend_from_slice(more);
    let answer = tool.post("/oauth/token", &form).await;
    if answer.status == 200 {
        *held = answer.text("refresh_token");
    }
    answer
}

/// The scope of an answer, which is also that of its access token.
fn scope(answer: &Answer) -> String {
    assert_eq!(answer.status, 200, "{answer:?}");
    let said = payload(&answer.text("access_token"));
    assert_eq!(said["scope"], answer.text("scope"));
    answer.text("scope")
}

async fn refreshes(engine: Engine) {
    let (_server, mut tool, mut admin) = stage(engine, &[("ENABLE_TOKEN_ROTATION", "true")]).await;
    let ask = Ask::of("public")
        .with("scope", "openid email read")
        .with("resource", API);
    let fresh = code(&mut admin, &ask).await;
    let first = exchange(&mut tool, "public", &fresh, &[]).await;
    assert_eq!(scope(&first), "openid email read");
    let mut held = first.text("refresh_token");
    // RFC 6749 §6: what a request narrows, it narrows for itself.
    let narrow = refresh(&mut tool, &mut held, &[("scope", "email")]).await;
    assert_eq!(scope(&narrow), "email");
    assert_eq!(payload(&held)["scope"], "openid email read");
    assert_eq!(
        scope(&refresh(&mut tool, &mut held, &[]).await),
        "openid email read"
    );

    may_have(&mut admin, "openid email", API).await;
    let left = refresh(&mut tool, &mut held, &[]).await;
    assert_eq!(scope(&left), "openid email");
    assert_eq!(payload(&left.text("access_token"))["aud"], API);
    for wide in ["read", "email read"] {
        let refused = refresh(&mut tool, &mut held, &[("scope", wide)]).await;
        assert_eq!(refused.error(), "invalid_scope", "{wide}");
    }
    may_have(&mut admin, "openid email", "https://other.example").await;
    let refused = refresh(&mut tool, &mut held, &[]).await;
    assert_eq!(
        refused.error(),
        "invalid_target",
        "not a token for any audience"
    );
    let refused = refresh(
        &mut tool,
        &mut held,
        &[("resource", "https://other.example")],
    )
    .await;
    assert_eq!(refused.error(), "invalid_target");
    // Through any number of rotations nothing is lost that is given back.
    let both = format!("{API}\nhttps://other.example");
    may_have(&mut admin, "openid email read profile", &both).await;
    let whole = refresh(&mut tool, &mut held, &[]).await;
    assert_eq!(scope(&whole), "openid email read");
    assert_eq!(payload(&whole.text("access_token"))["aud"], API);
}

/// For how many seconds a token was made.
fn life(jwt: &str) -> i64 {
    let said = payload(jwt);
    said["exp"].as_i64().unwrap() - said["iat"].as_i64().unwrap()
}

/// Another process has looked at the client a moment before it was edited, and remembers it for minutes.
async fn elsewhere() {
    let env = [
        ("ENABLE_TOKEN_ROTATION", "true"),
        ("JWT_EXPIRATION_JITTER", "0s"),
        ("CLIENT_CACHE_TTL", "10m"),
    ];
    let (server, mut tool, mut admin) = stage(Engine::Postgres, &env).await;
    let other = server.beside().await;
    let mut there = other.http().await;
    let ask = Ask::of("public").with("scope", "openid email read");
    let fresh = code(&mut admin, &ask).await;
    let first = exchange(&mut tool, "public", &fresh, &[]).await;
    let mut held = first.text("refresh_token");
    for (scopes, profile, seconds) in [
        ("openid email read", "standard", (36_000, 30 * 86_400)),
        ("openid email", "short", (900, 86_400)),
        ("openid read", "long", (86_400, 90 * 86_400)),
        ("openid email read", "standard", (36_000, 30 * 86_400)),
    ] {
        edit(&mut admin, scopes, "", profile).await;
        let answer = refresh(&mut there, &mut held, &[]).await;
        assert_eq!(scope(&answer), scopes);
        let lives = (life(&answer.text("access_token")), life(&held));
        assert_eq!(lives, seconds, "{profile}");
    }
}

/// Clients that may have less when they redeem than when they asked.
async fn redemptions(engine: Engine) {
    let (server, mut tool, mut admin) = stage(engine, &[]).await;
    let ask = Ask::of("public")
        .with("scope", "openid read")
        .with("resource", API);
    let (fresh, other) = (code(&mut admin, &ask).await, code(&mut admin, &ask).await);
    may_have(&mut admin, "openid", "").await;
    let refused = exchange(&mut tool, "public", &fresh, &[]).await;
    assert_eq!(refused.error(), "invalid_target");
    may_have(&mut admin, "openid", API).await;
    let tokens = exchange(&mut tool, "public", &fresh, &[]).await;
    assert_eq!(scope(&tokens), "openid");
    may_have(&mut admin, "openid read", API).await;
    let again = refresh(&mut tool, &mut tokens.text("refresh_token"), &[]).await;
    assert_eq!(scope(&again), "openid", "the grant began without it");
    assert_eq!(
        scope(&exchange(&mut tool, "public", &other, &[]).await),
        "openid read"
    );

    // the Go server granted a device whatever it asked for.
    for (granted, left) in [("admin openid  write", "openid"), ("admin", "")] {
        let device = tool.start_device("public").await;
        server.approve_all().await;
        let grant = format!("UPDATE device_codes SET scopes = '{granted}'");
        server.sql(&grant, &grant).await;
        let form = [
            ("grant_type", DEVICE_GRANT),
            ("client_id", "public"),
            ("device_code", device.as_str()),
        ];
        let polled = tool.post("/oauth/token", &form).await;
        if left.is_empty() {
            assert_eq!(polled.error(), "invalid_scope");
        } else {
            assert_eq!(scope(&polled), left);
        }
        // And what it issued for that goes on living.
        let grant = format!(
            "UPDATE access_tokens SET scopes = '{granted}' WHERE token_category = 'refresh'"
        );
        server.sql(&grant, &grant).await;
        let mut held = tokens.text("refresh_token");
        let refreshed = refresh(&mut tool, &mut held, &[]).await;
        if left.is_empty() {
            assert_eq!(refreshed.error(), "invalid_scope");
        } else {
            assert_eq!(scope(&refreshed), left);
        }
    }
}

/// The audience of all tokens is the operator's: sessions outlive that they change it.
async fn common_audience(engine: Engine) {
    let (mut server, mut tool, mut person) =
        stage(engine, &[("JWT_AUDIENCE", "https://old.example")]).await;
    let fresh = code(&mut person, &Ask::of("public")).await;
    let tokens = exchange(&mut tool, "public", &fresh, &[]).await;
    server.signal("TERM");
    server.ended().await;
    server.set("JWT_AUDIENCE", "https://new.example");
    server.launch().await;
    let mut tool = server.http().await;
    let again = refresh(&mut tool, &mut tokens.text("refresh_token"), &[]).await;
    assert_eq!(
        payload(&again.text("access_token"))["aud"],
        "https://old.example"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_gives_what_the_client_may_have_still() {
    for engine in BOTH {
        refreshes(engine).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_goes_by_the_client_as_it_is_not_as_it_is_remembered() {
    elsewhere().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redemption_gives_what_the_client_may_have_still() {
    for engine in BOTH {
        redemptions(engine).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_common_audience_ends_no_session() {
    for engine in BOTH {
        common_audience(engine).await;
    }
}
