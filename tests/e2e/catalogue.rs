//! What the trail says of each deed: type, severity, who, about what, and which details. Whoever searches the trail or
//! feeds it to an alarm goes by these words, so that none comes, goes or is renamed unseen.
use crate::{
    account::{add_person, person, send},
    app::{API, Ask, SECRET, code, exchange, press, register},
    machine::basic,
    support::{Engine, Http, Server, field, until},
};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// Type, severity, `kind:name` of who did it (`!` before it when it did not come off), about what, details: one line each.
fn expected() -> String {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/fixtures/audit_events.txt"
    );
    std::fs::read_to_string(path).unwrap()
}

async fn told(server: &Server) -> BTreeSet<String> {
    let query = "SELECT event_type || ' ' || severity || ' ' || CASE WHEN success THEN '' ELSE '!' END || \
                 coalesce(actor_kind, '') || ':' || coalesce(actor_username, '') || ' ' || coalesce(resource_type, '') \
                 || '|' || coalesce(CAST(details AS text), '') FROM audit_logs";
    let rows = server.texts(query).await;
    rows.iter()
        .map(|row| {
            let (head, details) = row.split_once('|').unwrap();
            let details: Map<String, Value> = match details {
                "" => Map::new(),
                text => serde_json::from_str(text).unwrap(),
            };
            let names: BTreeSet<&str> = details.keys().map(String::as_str).collect();
            let names: Vec<&str> = names.into_iter().collect();
            format!("{head}: {}", names.join(" "))
        })
        .collect()
}

/// The first link of a page that begins and ends like this.
async fn link(http: &mut Http, page: &str, from: &str, to: &str) -> String {
    let body = http.get(page, &[]).await.body;
    body.split(['"', '?'])
        .find(|text| text.starts_with(from) && text.ends_with(to))
        .unwrap_or_else(|| panic!("no {from}…{to} on {page}: {body}"))
        .to_owned()
}

/// People sign in, and fail to.
async fn sign_ins(server: &Server) -> (Http, Http) {
    add_person(server, "zoe", "user").await;
    for name in ["admin", "nobody"] {
        let mut http = server.http().await;
        assert_eq!(http.sign_in_as(name, "wrong").await.status, 401);
    }
    let admin = person(server, "admin").await;
    let mut zoe = person(server, "zoe").await;
    send(&mut zoe, "/device", "/logout", &[]).await;
    (admin, person(server, "zoe").await)
}

/// What is refused before anything is looked at.
async fn door(server: &Server, zoe: &mut Http) {
    assert_eq!(zoe.get("/admin/users/1", &[]).await.status, 403);
    assert_eq!(zoe.get("/admin/audit/api", &[]).await.status, 403);
    let form = [("csrf_token", "of another session")];
    assert_eq!(zoe.post("/account/password", &form).await.status, 403);
    // A stranger leaves no row.
    let mut stranger = server.http().await;
    assert_eq!(stranger.post("/login", &form).await.status, 403);
    let cookie = zoe.cookie.clone();
    let elsewhere = [("user-agent", "somebody else's")];
    let moved = zoe.get("/account/profile", &elsewhere).await;
    assert_eq!(moved.status, 302);
    zoe.cookie = cookie;
}

/// Apps and devices of a person, and what is stolen from them.
async fn grants(server: &Server, tool: &mut Http, zoe: &mut Http) -> String {
    register(server, "public", "public", &[crate::app::CALLBACK]).await;
    let ask = Ask::of("public").with("resource", API);
    let page = zoe.get(&ask.path(), &[]).await;
    press(zoe, &page, "deny").await;
    let first = code(zoe, &ask).await;
    let wrong = [(
        "code_verifier",
        "wrong-wrong-wrong-wrong-wrong-wrong-wrong-wrong",
    )];
    for _ in 0..5 {
        exchange(tool, "public", &first, &wrong).await;
    }
    let first = code(zoe, &ask).await;
    let tokens = exchange(tool, "public", &first, &[]).await;
    exchange(tool, "public", &first, &[]).await;
    assert_eq!(tokens.status, 200, "{tokens:?}");
    let second = code(zoe, &ask).await;
    let held = exchange(tool, "public", &second, &[])
        .await
        .text("refresh_token");
    for _ in 0..2 {
        tool.refresh("public", &held).await;
    }
    for choice in ["approve", "deny"] {
        let form = [
            ("client_id", "public"),
            ("scope", "openid"),
            ("resource", API),
        ];
        let started = tool.post("/oauth/device/code", &form).await;
        zoe.decide(&started.text("user_code"), choice).await;
        tool.poll("public", &started.text("device_code")).await;
    }
    code(zoe, &ask).await;
    let fresh = code(zoe, &ask).await;
    let tokens = exchange(tool, "public", &fresh, &[]).await;
    tokens.text("access_token")
}

/// Clients for themselves.
async fn machines(server: &Server, tool: &mut Http, of_zoe: &str) {
    register(server, "secret", "confidential", &[]).await;
    let (right, wrong) = (basic("secret", SECRET), basic("secret", "wrong"));
    let grant = [("grant_type", "client_credentials")];
    let own = tool
        .post_with("/oauth/token", &[("authorization", &right)], &grant)
        .await
        .text("access_token");
    tool.post_with("/oauth/token", &[("authorization", &wrong)], &grant)
        .await;
    for path in ["/oauth/introspect", "/oauth/revoke"] {
        for token in [of_zoe, &own] {
            let header = [("authorization", right.as_str())];
            let answer = tool.post_with(path, &header, &[("token", token)]).await;
            assert!(answer.status < 401, "{path}: {answer:?}");
        }
    }
    let made =
        json!({ "redirect_uris": ["https://tool.example/cb"], "client_name": "Tool" }).to_string();
    let request = format!(
        "POST /oauth/register HTTP/1.1\r\nhost: test\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{made}",
        made.len()
    );
    let answer = tool.try_send(request.as_bytes()).await.unwrap();
    assert_eq!(answer.status, 201, "{answer:?}");
}

/// A person with what is theirs.
async fn own(server: &Server, tool: &mut Http, zoe: &mut Http) {
    person(server, "zoe").await;
    let held = "/account/sessions";
    let single = "/account/sessions?category=access";
    let off = link(zoe, single, "/account/sessions/", "/disable").await;
    assert_eq!(send(zoe, held, &off, &[]).await.status, 302);
    let on = off.replace("/disable", "/enable");
    assert_eq!(send(zoe, held, &on, &[]).await.status, 302);
    let end = on.replace("/enable", "/revoke");
    assert_eq!(zoe.confirm(&end, &[]).await.status, 302);
    let fresh = code(zoe, &Ask::of("public")).await;
    exchange(tool, "public", &fresh, &[]).await;
    let end = link(zoe, held, "/account/sign-ins/", "/end").await;
    assert_eq!(zoe.confirm(&end, &[]).await.status, 302);
    assert!(
        zoe.confirm("/account/sessions/revoke-all", &[])
            .await
            .status
            < 400
    );
    let list = "/account/authorizations";
    let end = link(zoe, list, "/account/authorizations/", "/revoke").await;
    assert_eq!(zoe.confirm(&end, &[]).await.status, 302);
    let name = [("full_name", "Zoe Z.")];
    send(zoe, "/account/profile", "/account/profile", &name).await;
    assert!(
        zoe.confirm("/account/browsers/end-others", &[])
            .await
            .status
            < 400
    );
}

const APP: [(&str, &str); 6] = [
    ("client_name", "Notebook"),
    ("client_type", "confidential"),
    ("enable_auth_code_flow", "true"),
    ("redirect_uris", "https://notes.example/cb"),
    ("scopes", "openid email"),
    ("token_profile", "standard"),
];

/// Clients, by their owner and by an administrator.
async fn clients(admin: &mut Http, zoe: &mut Http) {
    for base in ["/apps", "/admin/clients"] {
        for verdict in ["approve", "reject"] {
            let http = if base == "/apps" {
                &mut *zoe
            } else {
                &mut *admin
            };
            let (id, _) = http.make_client(base, &APP).await;
            let page = format!("{base}/{id}");
            let version = field(
                &http.get(&format!("{page}/edit"), &[]).await.body,
                "version",
            );
            let mut form = APP.to_vec();
            form[0] = ("client_name", "Notes");
            form[5] = ("token_profile", "long");
            form.extend([("status", "active"), ("version", version.as_str())]);
            let edited = http.submit(&format!("{page}/edit"), &page, &form).await;
            assert_eq!(edited.status, 302, "{edited:?}");
            let more = [("overlap", "86400")];
            http.confirm(&format!("{page}/regenerate-secret"), &more)
                .await;
            if base == "/apps" {
                let judged = format!("/admin/clients/{id}/{verdict}");
                let answer = admin.confirm(&judged, &[("reason", "No.")]).await;
                assert_eq!(answer.status, 302, "{answer:?}");
                let owner = format!("/admin/clients/{id}/owner");
                let given = admin.submit(&owner, &owner, &[("owner", "admin")]).await;
                assert_eq!(given.status, 302, "{given:?}");
            } else {
                admin.confirm(&format!("{page}/revoke-all"), &[]).await;
            }
            // What is in use its owner cannot delete.
            let (http, page) = match (base, verdict) {
                ("/apps", "reject") => {
                    let owner = format!("/admin/clients/{id}/owner");
                    admin.submit(&owner, &owner, &[("owner", "zoe")]).await;
                    (&mut *zoe, page)
                }
                _ => (&mut *admin, format!("/admin/clients/{id}")),
            };
            let gone = http.confirm(&format!("{page}/delete"), &[]).await;
            assert_eq!(gone.status, 302, "{gone:?}");
        }
    }
}

/// People, by an administrator.
async fn people(server: &Server, tool: &mut Http, admin: &mut Http, zoe: &mut Http) {
    let fresh = code(zoe, &Ask::of("public")).await;
    exchange(tool, "public", &fresh, &[]).await;
    let list = "/admin/users/id-of-zoe/authorizations";
    let end = link(admin, list, list, "/revoke").await;
    assert_eq!(admin.confirm(&end, &[]).await.status, 302);
    let own = "SELECT id FROM access_tokens WHERE status = 'active' AND token_category = 'access'";
    let of_admin = server.approved_codes_of(tool, "admin").await;
    tool.poll(&server.client_id, &of_admin).await;
    let token = server.texts(own).await.remove(0);
    for deed in ["disable", "enable"] {
        let path = format!("/admin/tokens/{token}/{deed}");
        admin.submit("/admin/tokens", &path, &[]).await;
    }
    admin
        .confirm(&format!("/admin/tokens/{token}/revoke"), &[])
        .await;
    let linked = "INSERT INTO oauth_connections (id, user_id, provider, provider_user_id, provider_username, provider_email, \
                  created_at, updated_at) SELECT 'one', 'id-of-zoe', 'github', 'one', 'zoe', 'zoe@example.com', created_at, \
                  created_at FROM users WHERE username = 'zoe'";
    server.sql(linked, linked).await;
    let unlink = "/admin/users/id-of-zoe/connections/one/delete";
    assert_eq!(admin.confirm(unlink, &[]).await.status, 302);
    person(server, "zoe").await;
    let browsers = "/admin/users/id-of-zoe/browsers";
    let end = link(admin, browsers, browsers, "/end").await;
    admin.confirm(&end, &[]).await;
    admin.confirm(&format!("{browsers}/end-all"), &[]).await;
    let (id, _) = admin.make_user("alice", "user").await;
    let page = format!("/admin/users/{id}");
    let edit = format!("{page}/edit");
    let version = field(&admin.get(&edit, &[]).await.body, "version");
    let form = [
        ("email", "alice@new.example"),
        ("full_name", "Alice"),
        ("role", "admin"),
        ("version", &version),
    ];
    assert_eq!(admin.submit(&edit, &page, &form).await.status, 302);
    let reset = admin.confirm(&format!("{page}/reset-password"), &[]).await;
    let password = crate::clicks::secret_on(&admin.shown(&reset).await);
    let mut alice = server.http().await;
    alice.sign_in_as("alice", &password).await;
    let change = [
        ("current_password", password.as_str()),
        ("new_password", "four random words in a row"),
        ("repeat_password", "four random words in a row"),
    ];
    send(&mut alice, "/account/profile", "/account/password", &change).await;
    assert_eq!(
        admin.confirm(&format!("{page}/disable"), &[]).await.status,
        302
    );
    admin.submit(&page, &format!("{page}/enable"), &[]).await;
    assert_eq!(
        admin.confirm(&format!("{page}/delete"), &[]).await.status,
        302
    );
    server.cli(&["reset-password", "zoe"]).await;
}

/// Keys, and those who look at the trail.
async fn operators(server: &Server, admin: &mut Http) {
    admin.confirm("/admin/keys/rotate", &[]).await;
    server.cli(&["keys", "rotate", "--now"]).await;
    let keys = server
        .texts("SELECT kid FROM signing_keys WHERE algorithm = 'ES256' ORDER BY activate_at")
        .await;
    server.cli(&["keys", "retire", &keys[0], "--now"]).await;
    for path in ["", "/api", "/api/stats", "/export"] {
        let path = format!("/admin/audit{path}");
        assert_eq!(admin.get(&path, &[]).await.status, 200, "{path}");
    }
}

async fn course(engine: Engine) {
    let env = [
        ("ENABLE_TOKEN_ROTATION", "true"),
        ("ENABLE_DYNAMIC_CLIENT_REGISTRATION", "true"),
        ("ENABLE_RATE_LIMIT", "true"),
        ("LOGIN_RATE_LIMIT", "1000"),
        ("TOKEN_RATE_LIMIT", "1000"),
        ("DEVICE_CODE_RATE_LIMIT", "20"),
        ("DEVICE_VERIFY_RATE_LIMIT", "1000"),
        ("JWT_SIGNING_ALGORITHM", "ES256"),
        ("JWT_KEY_SOURCE", "database"),
        (
            "ENCRYPTION_KEY",
            "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
        ),
    ];
    let server = Server::start(engine, &env).await;
    let mut tool = server.http().await;
    let (mut admin, mut zoe) = sign_ins(&server).await;
    door(&server, &mut zoe).await;
    let of_zoe = grants(&server, &mut tool, &mut zoe).await;
    machines(&server, &mut tool, &of_zoe).await;
    own(&server, &mut tool, &mut zoe).await;
    clients(&mut admin, &mut zoe).await;
    people(&server, &mut tool, &mut admin, &mut zoe).await;
    operators(&server, &mut admin).await;
    // The minute may change between.
    let mut asked = 0;
    while tool.post("/oauth/device/code", &[]).await.status != 429 {
        asked += 1;
        assert!(asked < 100, "there is no limit");
    }
    until("what is counted is written", async || {
        let counted = "SELECT count(DISTINCT event_type) FROM audit_logs WHERE event_type IN \
                       ('RATE_LIMIT_EXCEEDED', 'TOKEN_INTROSPECTED', 'ACCESS_REFUSED', 'FORM_REFUSED', 'SESSION_REFUSED')";
        server.count(counted).await == 5
    })
    .await;
    let told = told(&server).await;
    let lines: Vec<&str> = told.iter().map(String::as_str).collect();
    let lines = lines.join("\n");
    assert_eq!(lines, expected().trim_end(), "on {engine:?}:\n{lines}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_deed_is_told_in_the_same_words_on_sqlite() {
    course(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_deed_is_told_in_the_same_words_on_postgres() {
    course(Engine::Postgres).await;
}
