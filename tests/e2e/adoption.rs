//! A database that the Go server made is opened in place, and what it issued keeps working, on both engines. What this
//! server writes beside it is what the Go server would have written, column by column.
use crate::{
    exchanges::agree,
    go::{self, Adopted, text},
    support::{Answer, DEVICE_GRANT, Engine, Http, Server},
};
use std::collections::{BTreeMap, BTreeSet};

async fn refresh(http: &mut Http, (id, secret): &(String, String), token: &str) -> Answer {
    let mut form = vec![
        ("grant_type", "refresh_token"),
        ("client_id", id.as_str()),
        ("refresh_token", token),
    ];
    if !secret.is_empty() {
        form.push(("client_secret", secret));
    }
    http.post("/oauth/token", &form).await
}

async fn live_tokens(engine: Engine) {
    let go = Adopted::start(engine, &[]).await;
    let mut http = go.server.http().await;
    for grant in [
        "device",
        "code_confidential",
        "code_public",
        "client_credentials",
        "client_credentials_resource",
    ] {
        let token = go.token(grant, "access_token");
        assert_eq!(http.tokeninfo(&token).await, 200, "{grant} on {engine:?}");
    }
    let revoked = go.token("revoked", "access_token");
    assert_eq!(http.tokeninfo(&revoked).await, 401);
    let cli = (go.client("cli").0, String::new());
    let public = (go.client("public").0, String::new());
    let confidential = go.client("confidential");
    // The Go server revoked that access token alone; the refresh token beside it lives.
    let beside = refresh(&mut http, &cli, &go.token("revoked", "refresh_token")).await;
    assert_eq!(beside.status, 200, "{beside:?}");
    // The Go server rotated this one already: it is a replay, and ends what the Go server issued for it.
    let used = refresh(
        &mut http,
        &confidential,
        &go.token("code_confidential", "refresh_token"),
    )
    .await;
    assert_eq!(used.error(), "invalid_grant");
    let dead = go.token("code_confidential", "access_token");
    assert_eq!(http.tokeninfo(&dead).await, 401);
    for (grant, client) in [("device", &cli), ("code_public", &public)] {
        let old = go.token(grant, "refresh_token");
        let fresh = refresh(&mut http, client, &old).await;
        assert_eq!(fresh.status, 200, "{grant} on {engine:?}: {fresh:?}");
        assert_eq!(http.tokeninfo(&fresh.text("access_token")).await, 200);
        let again = refresh(&mut http, client, &fresh.text("refresh_token")).await;
        assert_eq!(again.status, 200, "{again:?}");
        // A replay ends the family, with what the Go server issued in it.
        assert_eq!(
            refresh(&mut http, client, &old).await.error(),
            "invalid_grant"
        );
        for dead in [go.token(grant, "access_token"), again.text("access_token")] {
            assert_eq!(http.tokeninfo(&dead).await, 401, "{grant} on {engine:?}");
        }
    }
    // A bcrypt secret of the Go server; a wrong one is wrong.
    let machine = |secret: String| {
        let id = confidential.0.clone();
        [
            ("grant_type", "client_credentials".to_owned()),
            ("client_id", id),
            ("client_secret", secret),
        ]
    };
    for (secret, status) in [(confidential.1.clone(), 200), ("ago_wrong".to_owned(), 401)] {
        let form = machine(secret);
        let form: Vec<_> = form.iter().map(|(k, v)| (*k, v.as_str())).collect();
        assert_eq!(http.post("/oauth/token", &form).await.status, status);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn live_tokens_of_the_go_server_keep_working_on_sqlite() {
    live_tokens(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn live_tokens_of_the_go_server_keep_working_on_postgres() {
    live_tokens(Engine::Postgres).await;
}

async fn later(server: &Server, table: &str) {
    let lite = format!("UPDATE {table} SET expires_at = '2099-01-01 00:00:00+00:00'");
    server.sql(&lite, &lite).await;
}

async fn codes_in_flight(engine: Engine) {
    let go = Adopted::start(engine, &[]).await;
    later(&go.server, "device_codes").await;
    let code = |name: &str| text(&go.facts["device_codes"][name]["device_code"]);
    let mut http = go.server.http().await;
    let id = go.server.client_id.as_str();
    assert_eq!(
        http.poll(id, &code("pending")).await.error(),
        "authorization_pending"
    );
    let tokens = http.poll(id, &code("approved")).await;
    assert_eq!(tokens.status, 200, "{tokens:?}");
    let form = [
        ("grant_type", DEVICE_GRANT),
        ("client_id", id),
        ("device_code", &code("approved")),
    ];
    assert_eq!(
        http.post("/oauth/token", &form).await.error(),
        "invalid_grant"
    );
    // The pending one is approved here, by the code that the Go server showed.
    let mut person = go.server.http().await;
    go::sign_in(&mut person, &go.facts).await;
    let user_code = text(&go.facts["device_codes"]["pending"]["user_code"]);
    assert_eq!(person.decide(&user_code, "approve").await.status, 200);
    assert_eq!(http.poll(id, &code("pending")).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_in_flight_of_the_go_server_is_redeemed_once_on_sqlite() {
    codes_in_flight(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_in_flight_of_the_go_server_is_redeemed_once_on_postgres() {
    codes_in_flight(Engine::Postgres).await;
}

/// Columns that hold kinds of values of which the fixtures have none, and why the Go server reads them all the same.
const OTHERWISE: &[(&str, &str, &[&str])] = &[
    (
        "access_tokens.last_used_at",
        "the fixtures hold no refresh token that was used in fixed mode, which writes it",
        &["text", "timestamp with time zone"],
    ),
    (
        "audit_logs.details",
        "a NULL is a map without entries",
        &["null"],
    ),
    (
        "audit_logs.error_message",
        "the fixtures hold no failure",
        &["text"],
    ),
    (
        "audit_logs.actor_ip",
        "a key that the server makes at its start is nobody's request; an empty text is how the Go server says nothing",
        &["text, empty"],
    ),
    ("audit_logs.request_method", "as actor_ip", &["text, empty"]),
    ("audit_logs.request_path", "as actor_ip", &["text, empty"]),
    (
        "audit_logs.resource_id",
        "as actor_ip: a key has a name, which stands beside it",
        &["text, empty"],
    ),
    (
        "audit_logs.user_agent",
        "the requests of this test name no agent",
        &["text, empty"],
    ),
    (
        "oauth_applications.user_id",
        "a client that registered itself has no owner, there as here; the fixtures hold none",
        &["text, empty"],
    ),
    (
        "device_codes.device_code_salt",
        "a code made here has a plain hash: a device that waits at the way back starts again",
        &["text, empty"],
    ),
];

/// What a column holds: its storage class, and whether texts are empty.
async fn kinds(server: &Server) -> BTreeMap<String, BTreeSet<String>> {
    let mut found = BTreeMap::new();
    for table in [
        "users",
        "oauth_applications",
        "device_codes",
        "access_tokens",
        "audit_logs",
        "authorization_codes",
        "user_authorizations",
    ] {
        let columns = match server.engine {
            Engine::Sqlite => format!("SELECT name FROM pragma_table_info('{table}')"),
            Engine::Postgres => format!(
                "SELECT column_name::text FROM information_schema.columns WHERE table_schema = 'public' AND table_name = '{table}'"
            ),
        };
        for column in server.texts(&columns).await {
            let kind = match server.engine {
                Engine::Sqlite => format!(
                    "SELECT DISTINCT typeof(\"{column}\") || CASE WHEN CAST(\"{column}\" AS text) = '' THEN ', empty' ELSE '' END FROM {table}"
                ),
                Engine::Postgres => format!(
                    "SELECT DISTINCT pg_typeof(\"{column}\")::text || CASE WHEN \"{column}\" IS NULL THEN ', null' \
                     WHEN \"{column}\"::text = '' THEN ', empty' ELSE '' END FROM {table}"
                ),
            };
            let kinds = server.texts(&kind).await.into_iter().collect();
            found.insert(format!("{table}.{column}"), kinds);
        }
    }
    found
}

/// Every flow that writes into a table of the Go server.
async fn every_flow(go: &Adopted) -> Vec<String> {
    let id = go.server.client_id.clone();
    let (mut tool, mut person) = (go.server.http().await, go.server.http().await);
    go::sign_in(&mut person, &go.facts).await;
    let mut tokens = Vec::new();
    for decision in ["approve", "deny"] {
        let form = [("client_id", id.as_str()), ("scope", "email profile")];
        let started = tool.post("/oauth/device/code", &form).await;
        let pending = tool.post("/oauth/device/code", &form).await;
        assert_eq!(pending.status, 200);
        person.decide(&started.text("user_code"), decision).await;
        let answer = tool.poll(&id, &started.text("device_code")).await;
        if decision == "approve" {
            let rotated = tool.refresh(&id, &answer.text("refresh_token")).await;
            for answer in [&answer, &rotated] {
                tokens.push(answer.text("access_token"));
                tokens.push(answer.text("refresh_token"));
            }
        }
    }
    let (client, secret) = go.client("confidential");
    for resource in ["", "https://api.example.com"] {
        let mut form = vec![
            ("grant_type", "client_credentials"),
            ("client_id", client.as_str()),
            ("client_secret", secret.as_str()),
        ];
        if !resource.is_empty() {
            form.push(("resource", resource));
        }
        tokens.push(tool.post("/oauth/token", &form).await.text("access_token"));
    }
    let wrong = [
        ("grant_type", "client_credentials"),
        ("client_id", client.as_str()),
        ("client_secret", "wrong"),
    ];
    assert_eq!(tool.post("/oauth/token", &wrong).await.status, 401);
    for name in ["confidential", "public"] {
        let answer = by_code(go, name, &mut person).await;
        tokens.push(answer.text("access_token"));
        tokens.push(answer.text("refresh_token"));
    }
    let metadata =
        r#"{"client_name":"App","redirect_uris":["http://127.0.0.1:9/cb"],"scope":"openid"}"#;
    let register = format!(
        "POST /oauth/register HTTP/1.1\r\nhost: test\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{metadata}",
        metadata.len()
    );
    let registered = tool.try_send(register.as_bytes()).await.unwrap();
    assert_eq!(registered.status, 201, "{registered:?}");
    let revoked = tool
        .post("/oauth/revoke", &[("token", tokens[0].as_str())])
        .await;
    assert_eq!(revoked.status, 200);
    tokens
}

const CHALLENGE: &str = "w1TpKUdYE9hUAcNSeeSRFioHDxfUxuHho_JHAfZ_vDM";

/// Signs in with a code. `prompt=consent` asks although a consent of the Go server is there.
async fn by_code(go: &Adopted, client: &str, person: &mut Http) -> Answer {
    let (id, _) = go.client(client);
    let path = format!(
        "/oauth/authorize?response_type=code&client_id={id}&redirect_uri=http%3A%2F%2F127.0.0.1%3A9%2Fcb&prompt=consent\
         &scope=openid+email+profile&state=s&nonce=n&code_challenge={CHALLENGE}&code_challenge_method=S256"
    );
    let page = person.get(&path, &[]).await;
    assert_eq!(page.status, 200, "{page:?}");
    let back = agree(person, &page).await;
    redeem(go, client, &code_in(&back)).await
}

fn code_in(answer: &Answer) -> String {
    let location = answer.header("location").unwrap_or_default();
    let code = location
        .split("code=")
        .nth(1)
        .and_then(|rest| rest.split('&').next());
    code.unwrap_or_else(|| panic!("no code: {answer:?}"))
        .to_owned()
}

async fn redeem(go: &Adopted, client: &str, code: &str) -> Answer {
    let (id, secret) = go.client(client);
    let verifier = "v".repeat(64);
    let mut form = vec![
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", "http://127.0.0.1:9/cb"),
        ("client_id", &id),
        ("code_verifier", &verifier),
    ];
    if client == "confidential" {
        form.push(("client_secret", &secret));
    }
    go.server.http().await.post("/oauth/token", &form).await
}

/// A code that the Go server gave and nobody redeemed, and the consents that people gave there.
async fn codes_and_consents(engine: Engine) {
    let go = Adopted::start(engine, &[]).await;
    later(&go.server, "authorization_codes").await;
    let code = text(&go.facts["unredeemed_code"]["code"]);
    let tokens = redeem(&go, "confidential", &code).await;
    assert_eq!(tokens.status, 200, "{tokens:?}");
    let mut http = go.server.http().await;
    assert_eq!(http.tokeninfo(&tokens.text("access_token")).await, 200);
    // Its second use ends what the first one brought.
    assert_eq!(
        redeem(&go, "confidential", &code).await.error(),
        "invalid_grant"
    );
    assert_eq!(http.tokeninfo(&tokens.text("access_token")).await, 401);

    let mut person = go.server.http().await;
    go::sign_in(&mut person, &go.facts).await;
    for client in ["confidential", "public"] {
        let path = format!(
            "/oauth/authorize?response_type=code&client_id={}&redirect_uri=http%3A%2F%2F127.0.0.1%3A9%2Fcb&scope=openid\
             &state=s&code_challenge={CHALLENGE}&code_challenge_method=S256",
            go.client(client).0
        );
        let remembered = person.get(&path, &[]).await;
        assert_eq!(
            remembered.status, 302,
            "{client} on {engine:?}: {remembered:?}"
        );
        let tokens = redeem(&go, client, &code_in(&remembered)).await;
        assert_eq!(tokens.status, 200, "{client} on {engine:?}: {tokens:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn codes_and_consents_of_the_go_server_count_on_sqlite() {
    codes_and_consents(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn codes_and_consents_of_the_go_server_count_on_postgres() {
    codes_and_consents(Engine::Postgres).await;
}

async fn columns(engine: Engine) {
    // What the Go server wrote, read before ours has seen it.
    let untouched = Adopted::prepared(engine, &[]).await;
    let before = kinds(&untouched).await;
    let go = Adopted::start(engine, &[("ENABLE_DYNAMIC_CLIENT_REGISTRATION", "true")]).await;
    let tokens = every_flow(&go).await;
    let after = kinds(&go.server).await;
    let mut faults = Vec::new();
    for (column, known) in &before {
        let otherwise = OTHERWISE.iter().find(|(name, ..)| name == column);
        for kind in &after[column] {
            let meant = otherwise.is_some_and(|(_, _, kinds)| kinds.contains(&kind.as_str()));
            if !known.is_empty() && !known.contains(kind) && !meant {
                faults.push(format!(
                    "{column} holds {kind:?}, the Go server wrote {known:?}"
                ));
            }
        }
    }
    assert!(faults.is_empty(), "on {engine:?}:\n{}", faults.join("\n"));
    // Tokens are found by the hash that the Go server looks for. The first one was revoked.
    for token in tokens.iter().skip(1) {
        let hash = authgate::domain::digest::sha256_hex(token.as_bytes());
        let found = format!("SELECT count(*) FROM access_tokens WHERE token_hash = '{hash}'");
        assert_eq!(go.server.count(&found).await, 1, "{token} on {engine:?}");
    }
    if engine == Engine::Sqlite {
        times(&go.server).await;
    }
}

/// Times are written in Go's layout, without zeros at the end of the fraction, and in UTC.
async fn times(server: &Server) {
    for (table, column) in [
        ("users", "updated_at"),
        ("device_codes", "expires_at"),
        ("device_codes", "authorized_at"),
        ("device_codes", "created_at"),
        ("access_tokens", "expires_at"),
        ("access_tokens", "created_at"),
        ("access_tokens", "last_used_at"),
        ("audit_logs", "event_time"),
        ("audit_logs", "created_at"),
        ("authorization_codes", "expires_at"),
        ("authorization_codes", "used_at"),
        ("user_authorizations", "granted_at"),
        ("user_authorizations", "updated_at"),
    ] {
        let all = format!("SELECT CAST({column} AS text) FROM {table} WHERE {column} IS NOT NULL");
        for text in server.texts(&all).await {
            let (date, rest) = text
                .split_once(' ')
                .unwrap_or_else(|| panic!("{table}.{column}: {text}"));
            let time = rest
                .strip_suffix("+00:00")
                .unwrap_or_else(|| panic!("{table}.{column}: {text}"));
            assert!(
                date.len() == 10 && time.len() >= 8,
                "{table}.{column}: {text}"
            );
            if let Some((_, fraction)) = time.split_once('.') {
                assert!(
                    (1..=9).contains(&fraction.len()) && !fraction.ends_with('0'),
                    "{table}.{column}: {text}"
                );
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_written_is_what_the_go_server_would_have_written_on_sqlite() {
    columns(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_written_is_what_the_go_server_would_have_written_on_postgres() {
    columns(Engine::Postgres).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_administrator_of_the_go_server_signs_in() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let go = Adopted::start(engine, &[]).await;
        let mut http = go.server.http().await;
        go::sign_in(&mut http, &go.facts).await;
        // The way back stays open: the hash is still one that the Go server reads.
        let (bcrypt, all) = (
            "SELECT count(*) FROM users WHERE password_hash LIKE '$2a$%'",
            "SELECT count(*) FROM users",
        );
        assert_eq!(go.server.count(bcrypt).await, go.server.count(all).await);
    }
}

/// A database as the first build of this server left it: fewer tables and columns, some by another name.
async fn early_build(engine: Engine) {
    let env = [
        ("JWT_SIGNING_ALGORITHM", "RS256"),
        ("JWT_PRIVATE_KEY_PATH", "key.pem"),
    ];
    let mut server = Server::prepared(engine, &env).await;
    let key = include_str!("../fixtures/keys/rsa2048.pkcs8.pem");
    std::fs::write(server.directory.path().join("key.pem"), key).unwrap();
    if engine == Engine::Sqlite {
        std::fs::write(server.dsn(), "").unwrap();
    }
    let old_key = |bytes: &str| {
        format!(
            "INSERT INTO signing_keys (kid, algorithm, spki, first_seen_at, last_active_at, not_after) VALUES ('old', \
             'RS256', {bytes}, '2026-01-01 00:00:00+00:00', '2026-01-02 00:00:00+00:00', '2099-01-01 00:00:00+00:00')"
        )
    };
    let sqlite = [
        include_str!("../../migrations/sqlite/0001_adopted.sql"),
        include_str!("../fixtures/schema/early_own.sqlite.sql"),
        &old_key("x'00'"),
    ];
    let postgres = [
        include_str!("../../migrations/postgres/0001_adopted.sql"),
        include_str!("../fixtures/schema/early_own.postgres.sql"),
        &old_key("'\\x00'"),
    ];
    server.sql(&sqlite.concat(), &postgres.concat()).await;
    server.launch().await;
    server.read_client_id();
    let code = server.approved_codes(1).await.remove(0);
    let mut http = server.http().await;
    let tokens = http.poll(&server.client_id, &code).await;
    assert_eq!(tokens.status, 200, "{tokens:?}");
    let keys =
        "SELECT count(*) FROM signing_keys WHERE activate_at IS NOT NULL AND held_at IS NOT NULL";
    assert_eq!(server.count(keys).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_of_the_first_build_is_upgraded_on_sqlite() {
    early_build(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_of_the_first_build_is_upgraded_on_postgres() {
    early_build(Engine::Postgres).await;
}
