//! A person without a mouse signs in, allows a device, and allows an app.
use crate::{
    app::{self, Ask, parameter},
    support::{Engine, PASSWORD, Server},
};
use std::{io::Write as _, process::Command};

#[tokio::test(flavor = "multi_thread")]
async fn a_person_allows_a_device_and_an_app_by_keyboard_alone() {
    let Ok(tools) = std::env::var("TEST_PAGE_CHECKS") else {
        // Past the capture of the test runner, so that nobody takes it for a pass.
        let words = "skipped: TEST_PAGE_CHECKS is not set, scripts/clients found no Node.js\n";
        let _ = std::io::stderr().write_all(words.as_bytes());
        return;
    };
    let server = Server::start(Engine::Sqlite, &[]).await;
    let back = format!("http://127.0.0.1:{}/cb", crate::support::free_port());
    app::register(&server, "app", "public", &[&back]).await;
    let mut device = server.http().await;
    let form = [("client_id", server.client_id.as_str())];
    let codes = device.post("/oauth/device/code", &form).await;
    let base = format!("http://127.0.0.1:{}", server.port);
    let ask = Ask::of("app").with("redirect_uri", &back).path();
    let mut person = Command::new("timeout");
    person
        .args(["60", "node", &format!("{tools}/keyboard.mjs")])
        .env("ASK", format!("{base}{ask}"))
        .env("BASE", base)
        .env("USERNAME", "admin")
        .env("PASSWORD", PASSWORD)
        .env("USER_CODE", codes.text("user_code"));
    let output = tokio::task::spawn_blocking(move || person.output().unwrap())
        .await
        .unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{complaint}");
    let url = String::from_utf8_lossy(&output.stdout);
    let url = url::Url::parse(url.trim()).unwrap();
    assert!(url.as_str().starts_with(&back), "{url}");
    let code = parameter(&url, "code").unwrap();
    let same = [("redirect_uri", back.as_str())];
    let tokens = app::exchange(&mut device, "app", &code, &same).await;
    assert_eq!(tokens.status, 200, "{tokens:?}");
    let tokens = device
        .poll(&server.client_id, &codes.text("device_code"))
        .await;
    assert_eq!(tokens.status, 200, "{tokens:?}");
}
