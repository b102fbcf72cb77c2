//! The OpenAPI document is one, and the server answers as it says: held against each other by others' tools, which
//! `scripts/clients` prepares where Python is.
use crate::support::{Engine, Server};
use std::{io::Write as _, process::Command};

const METRICS_TOKEN: &str = "a-token-for-those-who-watch";

#[tokio::test(flavor = "multi_thread")]
async fn the_server_answers_as_its_description_says() {
    let Ok(tools) = std::env::var("TEST_API_CHECKS") else {
        // Past the capture of the test runner, so that nobody takes it for a pass.
        let words = "skipped: TEST_API_CHECKS is not set, scripts/clients found no Python\n";
        let _ = std::io::stderr().write_all(words.as_bytes());
        return;
    };
    let env = [
        ("ENABLE_DYNAMIC_CLIENT_REGISTRATION", "true"),
        ("METRICS_TOKEN", METRICS_TOKEN),
    ];
    let server = Server::start(Engine::Sqlite, &env).await;
    let mut http = server.http().await;
    let code = server.approved_codes(1).await.remove(0);
    let token = http.poll(&server.client_id, &code).await;
    let mut admin = server.http().await;
    admin.sign_in().await;
    let mut check = Command::new("timeout");
    check
        .arg("240")
        .arg(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/clients/api/check.sh"
        ))
        .arg(tools)
        .env("BASE", format!("http://127.0.0.1:{}", server.port))
        .env("METRICS_TOKEN", METRICS_TOKEN)
        .env("COOKIE", admin.cookie.as_deref().unwrap_or_default())
        .env("ACCESS_TOKEN", token.text("access_token"));
    let output = tokio::task::spawn_blocking(move || check.output().unwrap())
        .await
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (said, complaint) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{said}{complaint}");
}
