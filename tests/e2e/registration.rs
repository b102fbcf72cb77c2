//! Programs that register themselves (RFC 7591) and manage what they registered (RFC 7592).
use crate::{
    http::Answer,
    support::{Engine, Http, Server, until},
};
use serde_json::{Value, json};

const ON: (&str, &str) = ("ENABLE_DYNAMIC_CLIENT_REGISTRATION", "true");

async fn send(http: &mut Http, method: &str, path: &str, bearer: &str, body: &str) -> Answer {
    let authorization = match bearer {
        "" => String::new(),
        token => format!("authorization: Bearer {token}\r\n"),
    };
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: test\r\n{authorization}content-type: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    );
    http.try_send(request.as_bytes()).await.unwrap()
}

async fn register(http: &mut Http, body: &Value) -> Answer {
    send(http, "POST", "/oauth/register", "", &body.to_string()).await
}

async fn status_of(server: &Server, client_id: &str, status: &str) -> bool {
    let query = format!(
        "SELECT count(*) FROM oauth_applications WHERE client_id = '{client_id}' AND status = '{status}'"
    );
    server.count(&query).await == 1
}

async fn approve(server: &Server, client_id: &str) {
    let approve =
        format!("UPDATE oauth_applications SET status = 'active' WHERE client_id = '{client_id}'");
    server.sql(&approve, &approve).await;
}

/// What an MCP client sends, from its registration to its end.
async fn whole_life(engine: Engine) {
    let server = Server::start(engine, &[ON, ("CLIENT_CACHE_TTL", "1s")]).await;
    let mut http = server.http().await;
    let asked = json!({
        "client_name": " Tool ", "client_uri": "https://tool.example/", "logo_uri": "https://tool.example/logo.png",
        "redirect_uris": ["https://tool.example/cb?a=1"], "contacts": ["dev@tool.example"],
        "grant_types": ["authorization_code", "device_code", "refresh_token"], "response_types": ["code"],
        "scope": "openid email", "token_endpoint_auth_method": "client_secret_post", "software_statement": "ignored",
    });
    let made = register(&mut http, &asked).await;
    assert_eq!(made.status, 201, "{made:?}");
    assert_eq!(made.header("cache-control").as_deref(), Some("no-store"));
    let told = made.json();
    assert_eq!(told["client_name"], "Tool");
    assert_eq!(
        told["grant_types"],
        json!([
            "urn:ietf:params:oauth:grant-type:device_code",
            "authorization_code",
            "refresh_token"
        ])
    );
    assert_eq!(told["client_secret_expires_at"], 0);
    for name in [
        "client_uri",
        "logo_uri",
        "redirect_uris",
        "contacts",
        "response_types",
        "scope",
        "token_endpoint_auth_method",
    ] {
        assert_eq!(told[name], asked[name], "{name}");
    }
    assert_eq!(told.get("software_statement"), None);
    let (id, secret) = (made.text("client_id"), made.text("client_secret"));
    assert!(secret.starts_with("ago_") && secret.len() == 56);
    let token = made.text("registration_access_token");
    let path = format!("/oauth/register/{id}");
    assert_eq!(
        made.text("registration_client_uri"),
        format!("http://127.0.0.1:{}{path}", server.port)
    );

    // Whoever approves sees what it said of itself: as text, which leads nowhere and fetches nothing.
    let mut admin = server.http().await;
    admin.sign_in().await;
    let asked = admin
        .get(&format!("/admin/clients/{id}/approve"), &[])
        .await;
    for (name, value) in [
        ("contacts", "dev@tool.example"),
        ("logo_uri", "https://tool.example/logo.png"),
    ] {
        let fact = format!("<dt>{name}</dt><dd><bdi>{value}</bdi></dd>");
        assert!(asked.body.contains(&fact), "{name}");
    }
    assert!(asked.body.contains("Registered itself"));
    let outside = |attribute: &str| asked.body.contains(&format!("{attribute}=\"https://tool."));
    assert!(!outside("src") && !outside("href"));

    // Nothing before somebody approves.
    assert!(status_of(&server, &id, "pending").await);
    let start = [("client_id", id.as_str()), ("client_secret", &secret)];
    assert_eq!(
        http.post("/oauth/device/code", &start).await.error(),
        "invalid_client"
    );
    approve(&server, &id).await;
    // A change by hand tells nobody; the remembered row is over after CLIENT_CACHE_TTL.
    until("the approval is known", async || {
        http.post("/oauth/device/code", &start).await.status == 200
    })
    .await;

    let read = send(&mut http, "GET", &path, &token, "").await;
    assert_eq!(read.status, 200, "{read:?}");
    let mut same = told.clone();
    for secret in ["client_secret", "client_secret_expires_at"] {
        same.as_object_mut().unwrap().remove(secret);
    }
    assert_eq!(read.json(), same);
    replaced(&server, &mut http, &made).await;
    removed(&server, &mut http, &made).await;
}

/// A change counts on the pod that makes it when it is answered: nobody is judged by what was remembered before.
#[tokio::test(flavor = "multi_thread")]
async fn a_change_counts_at_once_where_it_is_made() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let server = Server::start(engine, &[ON, ("CLIENT_CACHE_TTL", "1h")]).await;
        let mut http = server.http().await;
        let mut asked = json!({
            "client_name": "Tool", "redirect_uris": ["https://tool.example/cb"],
            "grant_types": ["authorization_code", "device_code"], "scope": "openid email",
            "token_endpoint_auth_method": "client_secret_post",
        });
        let made = register(&mut http, &asked).await;
        assert_eq!(made.status, 201, "{made:?}");
        let (id, secret) = (made.text("client_id"), made.text("client_secret"));
        let path = format!("/oauth/register/{id}");
        let token = made.text("registration_access_token");
        approve(&server, &id).await;
        let start = [("client_id", id.as_str()), ("client_secret", &secret)];
        for round in 0..3 {
            // Now it is remembered.
            let before = http.post("/oauth/device/code", &start).await;
            assert_eq!(before.status, 200, "{round}: {before:?}");
            // What a change widens waits for approval, so the change after it narrows again.
            asked["client_id"] = json!(id);
            asked["redirect_uris"] = json!([format!("https://tool.example/{round}")]);
            let changed = send(&mut http, "PUT", &path, &token, &asked.to_string()).await;
            assert_eq!(changed.status, 200, "{changed:?}");
            let after = http.post("/oauth/device/code", &start).await;
            assert_eq!(after.error(), "invalid_client", "{round}: {after:?}");
            approve(&server, &id).await;
            let changed = send(&mut http, "PUT", &path, &token, &asked.to_string()).await;
            assert_eq!(changed.status, 200, "{changed:?}");
        }
    }
}

/// What is given to somebody is theirs alone: whoever registered it manages it no longer.
#[tokio::test(flavor = "multi_thread")]
async fn what_changes_hands_is_managed_by_its_owner_alone() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let server = Server::start(engine, &[ON]).await;
        let mut http = server.http().await;
        let asked = json!({
            "client_name": "Tool", "redirect_uris": ["https://tool.example/cb"], "scope": "email",
        });
        let made = register(&mut http, &asked).await;
        let (id, token) = (
            made.text("client_id"),
            made.text("registration_access_token"),
        );
        let path = format!("/oauth/register/{id}");
        assert_eq!(send(&mut http, "GET", &path, &token, "").await.status, 200);
        let mut admin = server.http().await;
        admin.sign_in().await;
        let page = format!("/admin/clients/{id}/owner");
        let given = admin.submit(&page, &page, &[("owner", "admin")]).await;
        let done = Some(format!("/admin/clients/{id}?success=given"));
        assert_eq!(given.header("location"), done, "{given:?}");
        for method in ["GET", "PUT", "DELETE"] {
            let refused = send(&mut http, method, &path, &token, &asked.to_string()).await;
            assert_eq!(refused.status, 401, "{method}: {refused:?}");
        }
        let there = format!("SELECT count(*) FROM oauth_applications WHERE client_id = '{id}'");
        assert_eq!(server.count(&there).await, 1);
    }
}

async fn replaced(server: &Server, http: &mut Http, made: &Answer) {
    let (id, token) = (
        made.text("client_id"),
        made.text("registration_access_token"),
    );
    let path = format!("/oauth/register/{id}");
    let narrower = json!({
        "client_id": id, "client_secret": made.text("client_secret"), "client_name": "Tool",
        "redirect_uris": ["https://tool.example/cb?a=1"], "grant_types": ["authorization_code"], "scope": "email",
    });
    let answer = send(http, "PUT", &path, &token, &narrower.to_string()).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let told = answer.json();
    assert_eq!(
        (&told["client_name"], &told["scope"]),
        (&json!("Tool"), &json!("email"))
    );
    assert_eq!(told["grant_types"], json!(["authorization_code"]));
    assert_eq!(told.get("logo_uri"), None, "what is not sent is gone");
    assert!(
        status_of(server, &id, "active").await,
        "narrower needs no approval"
    );
    for (name, value) in [
        ("client_id", json!("another")),
        ("client_secret", json!("another")),
        ("client_secret", Value::Null),
        ("registration_access_token", json!(token)),
        ("client_id_issued_at", json!(1)),
        ("client_name", json!("")),
    ] {
        let mut body = narrower.clone();
        body[name] = value;
        let answer = send(http, "PUT", &path, &token, &body.to_string()).await;
        assert_eq!(
            (answer.status, answer.error()),
            (400, "invalid_client_metadata".to_owned()),
            "{name}"
        );
    }
    for (name, value) in [
        ("redirect_uris", json!(["https://elsewhere.example/cb"])),
        ("client_name", json!("Your Bank")),
        ("client_uri", json!("https://bank.example/")),
        ("token_endpoint_auth_method", json!("none")),
    ] {
        send(http, "PUT", &path, &token, &narrower.to_string()).await;
        approve(server, &id).await;
        let mut wider = narrower.clone();
        wider[name] = value;
        let answer = send(http, "PUT", &path, &token, &wider.to_string()).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert!(
            status_of(server, &id, "pending").await,
            "{name} needs approval again"
        );
    }
}

async fn removed(server: &Server, http: &mut Http, made: &Answer) {
    let (id, token) = (
        made.text("client_id"),
        made.text("registration_access_token"),
    );
    let path = format!("/oauth/register/{id}");
    let other = register(
        http,
        &json!({"client_name": "B", "grant_types": ["device_code"]}),
    )
    .await;
    for (path, bearer) in [
        (path.as_str(), ""),
        (&path, "wrong"),
        (&path, &other.text("registration_access_token")),
        ("/oauth/register/nobody", &token),
    ] {
        for method in ["GET", "PUT", "DELETE"] {
            let answer = send(http, method, path, bearer, "{}").await;
            assert_eq!(
                (answer.status, answer.error()),
                (401, "invalid_token".to_owned())
            );
            assert!(
                answer
                    .header("www-authenticate")
                    .unwrap()
                    .starts_with("Bearer ")
            );
        }
    }
    let answer = send(http, "DELETE", &path, &token, "").await;
    assert_eq!((answer.status, answer.body.as_str()), (204, ""));
    assert_eq!(send(http, "GET", &path, &token, "").await.status, 401);
    assert!(!status_of(server, &id, "pending").await);
    for (event, many) in [
        // The first start made one too.
        ("CLIENT_CREATED' AND actor_user_id = '", 3),
        ("CLIENT_REGISTERED", 2),
        ("CLIENT_UPDATED' AND actor_kind = 'client", 9),
        ("CLIENT_DELETED' AND actor_kind = 'client", 1),
    ] {
        let query = format!("SELECT count(*) FROM audit_logs WHERE event_type = '{event}'");
        assert_eq!(server.count(&query).await, many, "{event}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_registers_itself_on_sqlite() {
    whole_life(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_registers_itself_on_postgres() {
    whole_life(Engine::Postgres).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dcr_policy() {
    let server = Server::start(Engine::Sqlite, &[]).await;
    let mut http = server.http().await;
    for (method, path) in [
        ("POST", "/oauth/register"),
        ("GET", "/oauth/register/x"),
        ("PUT", "/oauth/register/x"),
        ("DELETE", "/oauth/register/x"),
    ] {
        let answer = send(&mut http, method, path, "", "{").await;
        assert_eq!(
            (answer.status, answer.error()),
            (403, "registration_not_supported".to_owned())
        );
    }
    let env = [ON, ("DYNAMIC_CLIENT_REGISTRATION_TOKEN", "let me in")];
    let server = Server::start(Engine::Sqlite, &env).await;
    let mut http = server.http().await;
    let good = json!({"client_name": "A", "grant_types": ["device_code"]}).to_string();
    for (bearer, body, status, error) in [
        ("", good.as_str(), 401, "invalid_token"),
        ("let me", &good, 401, "invalid_token"),
        ("let me in", "{", 400, "invalid_client_metadata"),
        ("let me in", "[]", 400, "invalid_client_metadata"),
        ("let me in", "{}", 400, "invalid_client_metadata"),
    ] {
        let answer = send(&mut http, "POST", "/oauth/register", bearer, body).await;
        assert_eq!((answer.status, answer.error()), (status, error.to_owned()));
        assert_eq!(answer.header("www-authenticate").is_some(), status == 401);
    }
    let answer = send(&mut http, "POST", "/oauth/register", "let me in", &good).await;
    assert_eq!(answer.status, 201, "{answer:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn registered_metadata_is_judged() {
    let server = Server::start(Engine::Sqlite, &[ON]).await;
    let mut http = server.http().await;
    let app = json!({"client_name": "App", "redirect_uris": ["http://127.0.0.1:9/cb"]});
    let with = |name: &str, value: Value| {
        let mut body = app.clone();
        body[name] = value;
        body
    };
    for (name, value, error) in [
        (
            "redirect_uris",
            json!(["javascript:alert(1)"]),
            "invalid_redirect_uri",
        ),
        (
            "redirect_uris",
            json!(["https://a.example/#f"]),
            "invalid_redirect_uri",
        ),
        (
            "redirect_uris",
            json!(["https://a.example/#"]),
            "invalid_redirect_uri",
        ),
        (
            "redirect_uris",
            json!(["https://*.example/cb"]),
            "invalid_redirect_uri",
        ),
        (
            "redirect_uris",
            json!(["https://u@a.example/"]),
            "invalid_redirect_uri",
        ),
        ("redirect_uris", json!([]), "invalid_client_metadata"),
        ("client_name", json!("  "), "invalid_client_metadata"),
        (
            "client_name",
            json!("a".repeat(256)),
            "invalid_client_metadata",
        ),
        (
            "client_name",
            json!("safe\u{202e}live"),
            "invalid_client_metadata",
        ),
        (
            "grant_types",
            json!(["password"]),
            "invalid_client_metadata",
        ),
        (
            "grant_types",
            json!(["refresh_token"]),
            "invalid_client_metadata",
        ),
        ("scope", json!("email admin"), "invalid_client_metadata"),
        (
            "token_endpoint_auth_method",
            json!("tls_client_auth"),
            "invalid_client_metadata",
        ),
        (
            "token_endpoint_auth_method",
            json!("private_key_jwt"),
            "invalid_client_metadata",
        ),
        (
            "jwks",
            json!({"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}),
            "invalid_client_metadata",
        ),
        (
            "jwks",
            json!({"keys": [{"kty": "EC"}]}),
            "invalid_client_metadata",
        ),
        (
            "id_token_signed_response_alg",
            json!("none"),
            "invalid_client_metadata",
        ),
        ("machine_token_ttl", json!(1), "invalid_client_metadata"),
    ] {
        let answer = register(&mut http, &with(name, value.clone())).await;
        assert_eq!(
            (answer.status, answer.error()),
            (400, error.to_owned()),
            "{name} {value}"
        );
    }
    let public = register(
        &mut http,
        &with("token_endpoint_auth_method", json!("none")),
    )
    .await;
    assert_eq!(public.status, 201, "{public:?}");
    let told = public.json();
    assert_eq!(
        (
            told.get("client_secret"),
            told.get("client_secret_expires_at")
        ),
        (None, None)
    );
    assert_eq!(
        (&told["scope"], &told["grant_types"]),
        (&json!("email profile"), &json!(["authorization_code"]))
    );
    let flags = "SELECT count(*) FROM oauth_applications WHERE client_name = 'App' AND client_type = 'public' AND \
                 enable_device_flow = 0 AND enable_auth_code_flow = 1 AND user_id = '' AND token_profile = 'standard' \
                 AND typeof(redirect_uris) = 'blob' AND CAST(allowed_resources AS text) = '[]'";
    assert_eq!(server.count(flags).await, 1);
    let machine = json!({"client_name": "M", "grant_types": ["client_credentials"], "machine_token_ttl": 120});
    let answer = register(&mut http, &machine).await;
    assert_eq!(
        (answer.status, &answer.json()["machine_token_ttl"]),
        (201, &json!(120))
    );
    assert_eq!(answer.json()["redirect_uris"], json!([]));
    let large = "x".repeat(70_000);
    assert_eq!(
        send(&mut http, "POST", "/oauth/register", "", &large)
            .await
            .status,
        413
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn registration_is_limited() {
    let env = [
        ON,
        ("ENABLE_RATE_LIMIT", "true"),
        ("DYNAMIC_CLIENT_REGISTRATION_RATE_LIMIT", "2"),
    ];
    let server = Server::start(Engine::Sqlite, &env).await;
    let mut http = server.http().await;
    for status in [400, 400, 429] {
        let answer = send(&mut http, "POST", "/oauth/register", "", "{}").await;
        assert_eq!(answer.status, status);
        assert_eq!(answer.header("x-ratelimit-limit").as_deref(), Some("2"));
    }
}

/// CR-07: nothing that a program sends makes this server call anybody.
#[tokio::test(flavor = "multi_thread")]
async fn no_outbound_from_metadata() {
    let server = Server::start(Engine::Sqlite, &[ON]).await;
    let trap = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let there = format!("http://{}", trap.local_addr().unwrap());
    let mut http = server.http().await;
    let asked = json!({
        "client_name": "App", "redirect_uris": [format!("{there}/cb")], "client_uri": there, "logo_uri": there,
        "tos_uri": there, "policy_uri": there, "jwks_uri": there, "sector_identifier_uri": there,
        "initiate_login_uri": there, "request_uris": [there], "software_statement": there,
    });
    assert_eq!(register(&mut http, &asked).await.status, 201);
    let mut signing = asked.clone();
    signing["token_endpoint_auth_method"] = json!("private_key_jwt");
    assert_eq!(
        register(&mut http, &signing).await.error(),
        "invalid_client_metadata"
    );
    let call = tokio::time::timeout(std::time::Duration::from_millis(500), trap.accept()).await;
    assert!(call.is_err(), "somebody called");
}

/// CR-06: origins byte for byte, on the endpoints for programs only. The operator may spell them in any case.
#[tokio::test(flavor = "multi_thread")]
async fn cors_matrix() {
    let env = [
        ("CORS_ENABLED", "true"),
        ("CORS_ALLOWED_ORIGINS", "https://App.Example"),
        ("CORS_ALLOWED_METHODS", "get,post,put,Delete"),
        ("CORS_MAX_AGE", "0"),
        ON,
    ];
    let server = Server::start(Engine::Sqlite, &env).await;
    let mut http = server.http().await;
    let good = "https://app.example";
    for origin in [
        "https://app.example.evil.example",
        "https://evil-app.example",
        "http://app.example",
        "https://app.example:444",
        "https://APP.example",
        "null",
    ] {
        let answer = http
            .get("/.well-known/jwks.json", &[("origin", origin)])
            .await;
        assert_eq!(
            (answer.status, answer.header("access-control-allow-origin")),
            (403, None),
            "{origin}"
        );
    }
    for (method, path) in [
        ("POST", "/oauth/token"),
        ("POST", "/oauth/introspect"),
        ("POST", "/oauth/revoke"),
        ("POST", "/oauth/device/code"),
        ("POST", "/oauth/register"),
        ("PUT", "/oauth/register/x"),
        ("DELETE", "/oauth/register/x"),
        ("GET", "/oauth/userinfo"),
        ("GET", "/oauth/tokeninfo"),
        ("GET", "/.well-known/openid-configuration"),
    ] {
        let request = format!(
            "OPTIONS {path} HTTP/1.1\r\nhost: test\r\norigin: {good}\r\naccess-control-request-method: {method}\r\n\r\n"
        );
        let answer = http.try_send(request.as_bytes()).await.unwrap();
        assert_eq!(answer.status, 204, "{path}");
        assert_eq!(
            answer.header("access-control-allow-origin").as_deref(),
            Some(good)
        );
        assert!(
            answer
                .header("access-control-allow-methods")
                .unwrap()
                .contains(method)
        );
        assert_eq!(answer.header("access-control-max-age"), None);
    }
    for path in ["/login", "/health", "/oauth/authorize", "/device"] {
        let answer = http.get(path, &[("origin", good)]).await;
        assert_eq!(answer.header("access-control-allow-origin"), None, "{path}");
    }
    let env = [("CORS_ENABLED", "true"), ("CORS_ALLOWED_ORIGINS", "*")];
    let server = Server::start(Engine::Sqlite, &env).await;
    let answer = server
        .http()
        .await
        .get("/.well-known/jwks.json", &[("origin", good)])
        .await;
    assert_eq!(
        answer.header("access-control-allow-origin").as_deref(),
        Some("*")
    );
    assert_eq!(answer.header("access-control-allow-credentials"), None);
}

/// What metadata announces is served: every endpoint, and every way to authenticate at each (see `client_auth`).
#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_announced_is_served() {
    let mut server = Server::prepared(Engine::Sqlite, &[ON]).await;
    let base = format!("http://127.0.0.1:{}", server.port);
    server.set("BASE_URL", &format!("{base}/auth"));
    server.launch().await;
    let mut http = server.http().await;
    for path in [
        "/.well-known/openid-configuration",
        "/.well-known/oauth-authorization-server",
    ] {
        let document = http.get(path, &[]).await;
        assert_eq!(
            document.header("cache-control").as_deref(),
            Some("public, max-age=3600")
        );
        // RFC 8414 section 3.1: the issuer's path stands behind the well-known part.
        let inserted = http.get(&format!("{path}/auth"), &[]).await;
        assert_eq!((inserted.status, &inserted.body), (200, &document.body));
        assert_eq!(http.get(&format!("{path}/other"), &[]).await.status, 404);
        for (name, value) in document.json().as_object().unwrap() {
            let Some(endpoint) = value
                .as_str()
                .filter(|_| name.ends_with("_endpoint") || name == "jwks_uri")
            else {
                continue;
            };
            let path = endpoint.strip_prefix(&format!("{base}/auth")).unwrap();
            let get = http.get(path, &[]).await.status;
            let post = http.post(path, &[]).await.status;
            assert!(get != 404 || post != 404, "{name} {path}");
        }
    }
}

/// Whoever floods the registration does not bury those whom an administrator should look at.
async fn registrations_that_wait_are_bounded(engine: Engine) {
    let env = [ON, ("DYNAMIC_CLIENT_REGISTRATION_MAX_PENDING", "2")];
    let server = Server::start(engine, &env).await;
    let asked = json!({"client_name": "Tool", "redirect_uris": ["https://tool.example/cb"]});
    let mut at_once = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let (mut http, asked) = (server.http().await, asked.clone());
        at_once.spawn(async move { register(&mut http, &asked).await });
    }
    let answers = at_once.join_all().await;
    let (made, refused): (Vec<_>, Vec<_>) = answers.iter().partition(|one| one.status == 201);
    assert_eq!((made.len(), refused.len()), (2, 2), "{answers:?}");
    for answer in refused {
        let told = (answer.status, answer.error());
        assert_eq!(told, (429, "temporarily_unavailable".to_owned()));
    }
    // Who is approved waits no longer.
    approve(&server, &made[0].text("client_id")).await;
    let mut http = server.http().await;
    assert_eq!(register(&mut http, &asked).await.status, 201);
}

#[tokio::test(flavor = "multi_thread")]
async fn registrations_that_wait_are_bounded_on_sqlite() {
    registrations_that_wait_are_bounded(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn registrations_that_wait_are_bounded_on_postgres() {
    registrations_that_wait_are_bounded(Engine::Postgres).await;
}
