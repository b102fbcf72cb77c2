//! ID tokens where access tokens are signed with a secret: they have an RSA key of their own, that the server makes, keeps
//! sealed, and publishes where metadata leads, while the key set of access tokens stays as empty as it always was.
use crate::{
    app::{Ask, CALLBACK, code, exchange, register},
    support::{Engine, Server},
};
use authgate::jose::ForeignKeys;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL};
use serde_json::{Value, json};
use std::time::Duration;

fn header(token: &str) -> Value {
    let part = token.split('.').next().unwrap();
    serde_json::from_slice(&BASE64URL.decode(part).unwrap()).unwrap()
}

/// The access and ID tokens of a fresh sign-in, and the keys by which a client verifies.
async fn signed_in(server: &Server) -> (String, String, Value) {
    let (mut tool, mut person) = (server.http().await, server.http().await);
    person.sign_in().await;
    let code = code(&mut person, &Ask::of("public").with("scope", "openid")).await;
    let tokens = exchange(&mut tool, "public", &code, &[]).await;
    let metadata = tool.get("/.well-known/openid-configuration", &[]).await;
    let uri = metadata.text("jwks_uri");
    let path = uri.rsplit_once(&format!(":{}", server.port)).unwrap().1;
    let keys = tool.get(path, &[]).await.json();
    (tokens.text("access_token"), tokens.text("id_token"), keys)
}

fn verifies(keys: &Value, token: &str) -> bool {
    let keys = ForeignKeys::from_jwks(keys.to_string().as_bytes()).unwrap();
    keys.verify(token).is_ok()
}

async fn under_a_secret(engine: Engine) {
    let mut server = Server::start(engine, &[]).await;
    register(&server, "public", "public", &[CALLBACK]).await;
    let mut http = server.http().await;
    for document in ["openid-configuration", "oauth-authorization-server"] {
        let told = http.get(&format!("/.well-known/{document}"), &[]).await;
        assert!(told.text("jwks_uri").ends_with("/oauth/jwks"), "{told:?}");
        if document == "openid-configuration" {
            let algorithms = &told.json()["id_token_signing_alg_values_supported"];
            assert_eq!(*algorithms, json!(["RS256"]));
        }
    }
    // The guide: no key set for tokens under a shared secret.
    let guide = http.get("/.well-known/jwks.json", &[]).await;
    assert_eq!(guide.body, r#"{"keys":[]}"#);

    let (access, first, keys) = signed_in(&server).await;
    assert_eq!(header(&access)["alg"], "HS256");
    assert_eq!(header(&first)["alg"], "RS256");
    assert!(verifies(&keys, &first));
    assert!(!verifies(&keys, &access), "a key for ID tokens alone");
    assert_eq!(http.tokeninfo(&access).await, 200);
    assert_eq!(http.tokeninfo(&first).await, 401);
    // Its public half is told of, and who holds it.
    let actors = http.get("/actors", &[]).await;
    let kid = header(&first)["kid"].as_str().unwrap().to_owned();
    assert!(actors.body.contains(&kid), "{actors:?}");

    // The key outlives the process, and a secret that is changed as it should be.
    for env in [
        [
            ("JWT_SECRET", "j".repeat(40)),
            ("JWT_SECRET_PREVIOUS", String::new()),
        ],
        [
            ("JWT_SECRET", "k".repeat(40)),
            ("JWT_SECRET_PREVIOUS", "j".repeat(40)),
        ],
        // The last step of the manual: the former secret is taken away.
        [
            ("JWT_SECRET", "k".repeat(40)),
            ("JWT_SECRET_PREVIOUS", String::new()),
        ],
    ] {
        server.signal("TERM");
        server.ended().await;
        for (name, value) in &env {
            server.set(name, value);
        }
        server.launch().await;
        let (_, again, keys) = signed_in(&server).await;
        assert_eq!(header(&again)["kid"], kid.as_str());
        assert!(verifies(&keys, &first) && verifies(&keys, &again));
    }
    // Who changes it at once gets another key; what the former one signed verifies still.
    server.signal("TERM");
    server.ended().await;
    server.set("JWT_SECRET", &"l".repeat(40));
    server.set("JWT_KEY_PUBLISH_BEFORE_USE", "10s");
    server.launch().await;
    let (_, other, keys) = signed_in(&server).await;
    assert_ne!(header(&other)["kid"], kid.as_str());
    assert!(verifies(&keys, &first) && verifies(&keys, &other));
    // It is told once, though keys are looked at every second, and stays to be seen.
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    let told = server.log();
    let told = told.lines().filter(|line| line.contains("sealed_keys"));
    assert_eq!(told.filter(|line| line.contains(&kid)).count(), 1);
    let mut http = server.http().await;
    let ready = http.get("/readyz?verbose", &[]).await;
    assert_eq!(ready.status, 200);
    let why = &ready.json()["degraded"]["sealed_keys"];
    assert!(
        why.as_str().is_some_and(|why| why.contains(&kid)),
        "{ready:?}"
    );
    // By hand, the next one is published first.
    let (status, told, complaint) = server.cli(&["keys", "rotate"]).await;
    assert_eq!(
        (status, told.contains("RS256")),
        (0, true),
        "{told}{complaint}"
    );

    // The way back to what the Go server did.
    server.signal("TERM");
    server.ended().await;
    server.set("ID_TOKEN_SIGNING_ALGORITHM", "HS256");
    server.launch().await;
    let (mut tool, mut person) = (server.http().await, server.http().await);
    person.sign_in().await;
    let code = code(&mut person, &Ask::of("public").with("scope", "openid")).await;
    let tokens = exchange(&mut tool, "public", &code, &[]).await;
    assert_eq!(header(&tokens.text("id_token"))["alg"], "HS256");
    let metadata = tool.get("/.well-known/openid-configuration", &[]).await;
    assert!(metadata.json().get("jwks_uri").is_none(), "{metadata:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn id_tokens_verify_under_the_default_configuration_on_sqlite() {
    under_a_secret(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn id_tokens_verify_under_the_default_configuration_on_postgres() {
    under_a_secret(Engine::Postgres).await;
}

/// The manual's three rounds, each of them one server after the other: whatever one of them signs the other takes at every
/// step, and the key for ID tokens stays.
#[tokio::test(flavor = "multi_thread")]
async fn a_secret_is_changed_without_a_gap_on_two_processes() {
    let (old, new) = ("j".repeat(40), "k".repeat(40));
    let mut one = Server::start(Engine::Postgres, &[("JWT_SECRET", &old)]).await;
    register(&one, "public", "public", &[CALLBACK]).await;
    let mut two = one.beside().await;
    let (_, first, _) = signed_in(&one).await;
    let kid = header(&first)["kid"].clone();
    for (round, secret, former) in [(1, &old, &*new), (2, &new, &*old), (3, &new, "")] {
        for turn in 0..2 {
            let server = if turn == 0 { &mut one } else { &mut two };
            server.signal("TERM");
            server.ended().await;
            server.set("JWT_SECRET", secret);
            server.set("JWT_SECRET_PREVIOUS", former);
            server.launch().await;
            for (here, there) in [(&one, &two), (&two, &one)] {
                let (mut tool, mut person) = (here.http().await, here.http().await);
                person.sign_in().await;
                let code = code(&mut person, &Ask::of("public").with("scope", "openid")).await;
                let tokens = exchange(&mut tool, "public", &code, &[]).await;
                assert_eq!(header(&tokens.text("id_token"))["kid"], kid);
                let mut other = there.http().await;
                let at = format!("round {round}, server {turn}");
                let seen = other.tokeninfo(&tokens.text("access_token")).await;
                assert_eq!(seen, 200, "{at}");
                let next = other.refresh("public", &tokens.text("refresh_token")).await;
                assert_eq!(next.status, 200, "{at}: {next:?}");
            }
        }
    }
}
