//! Secrets that this server made have a fast hash beside bcrypt, which counts only while bcrypt is of the same secret: the Go
//! server, which does not know of it, may replace the secret.
use crate::{
    http::Answer,
    support::{Engine, Http, Server},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::json;

async fn introspected(http: &mut Http, id: &str, secret: &str) -> Answer {
    let basic = format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")));
    let headers = [("authorization", basic.as_str())];
    let form = [("token", "x")];
    http.post_with("/oauth/introspect", &headers, &form).await
}

/// How many slow hashes were computed or compared.
async fn slow_ones(http: &mut Http) -> u64 {
    let report = http.get("/actors", &[]).await.json();
    let mut tree = report["tree"].as_array().unwrap().iter();
    let hasher = tree.find(|actor| actor["path"] == "root/password_hasher");
    hasher.unwrap()["work"]["handled"].as_u64().unwrap()
}

async fn fast_hashes(engine: Engine) {
    let on = ("ENABLE_DYNAMIC_CLIENT_REGISTRATION", "true");
    let mut server = Server::start(engine, &[on, ("CLIENT_CACHE_TTL", "1s")]).await;
    let mut http = server.http().await;
    let body = json!({
        "client_name": "API", "redirect_uris": ["https://api.example/cb"],
        "token_endpoint_auth_method": "client_secret_basic",
    })
    .to_string();
    let request = format!(
        "POST /oauth/register HTTP/1.1\r\nhost: test\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let made = http.try_send(request.as_bytes()).await.unwrap();
    let (id, secret) = (made.text("client_id"), made.text("client_secret"));
    let approve =
        format!("UPDATE oauth_applications SET status = 'active' WHERE client_id = '{id}'");
    server.sql(&approve, &approve).await;

    // The first call after a start, right or wrong, costs no bcrypt.
    server.signal("TERM");
    server.ended().await;
    server.launch().await;
    let mut http = server.http().await;
    assert_eq!(introspected(&mut http, &id, &secret).await.status, 200);
    assert_eq!(introspected(&mut http, &id, "another").await.status, 401);
    assert_eq!(slow_ones(&mut http).await, 0);
    // bcrypt is there for the way back, of the same secret.
    let column = format!("SELECT client_secret FROM oauth_applications WHERE client_id = '{id}'");
    let [bcrypt] = &server.texts(&column).await[..] else {
        panic!("one client");
    };
    assert!(bcrypt::verify(&secret, bcrypt).unwrap());

    // The Go server gives it another secret, and leaves our columns alone.
    let other = bcrypt::hash("theirs", 4).unwrap();
    let replace =
        format!("UPDATE oauth_applications SET client_secret = '{other}' WHERE client_id = '{id}'");
    server.signal("TERM");
    server.ended().await;
    server.sql(&replace, &replace).await;
    server.launch().await;
    let mut http = server.http().await;
    assert_eq!(introspected(&mut http, &id, &secret).await.status, 401);
    assert_eq!(introspected(&mut http, &id, "theirs").await.status, 200);
    assert_eq!(slow_ones(&mut http).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn fast_secret_counts_only_with_its_bcrypt_on_sqlite() {
    fast_hashes(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fast_secret_counts_only_with_its_bcrypt_on_postgres() {
    fast_hashes(Engine::Postgres).await;
}
