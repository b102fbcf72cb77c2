//! Relying parties that are not ours: programs written with other people's libraries, which `scripts/clients` prepares where
//! their toolchains are. Each signs in, refreshes, looks at its tokens, revokes them, and registers a client of its own.
use crate::{
    go::{self, Adopted},
    support::{Engine, Server},
};
use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    process::{Command, Stdio},
    sync::Arc,
};

/// Runs what the variable names; says so when it is not there.
async fn run(variable: &str, go: Adopted) {
    let Ok(command) = std::env::var(variable) else {
        // Past the capture of the test runner, so that nobody takes it for a pass.
        let words = format!("skipped: {variable} is not set, scripts/clients found no toolchain\n");
        let _ = std::io::stderr().write_all(words.as_bytes());
        return;
    };
    let go = Arc::new(go);
    let theirs = Arc::clone(&go);
    let (said, complaint) = tokio::task::spawn_blocking(move || talk(&command, &theirs))
        .await
        .unwrap();
    assert_eq!(
        said.last().map(String::as_str),
        Some("DONE"),
        "{variable}: {said:?}\n{complaint}\n{}",
        go.server.log()
    );
}

/// What the program says, line by line, and what it complains about.
fn talk(command: &str, go: &Adopted) -> (Vec<String>, String) {
    let (id, secret) = go.client("confidential");
    let mut program = Command::new("timeout")
        .arg("120")
        .args(command.split(' '))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("BASE", format!("http://127.0.0.1:{}", go.server.port))
        .env("CLIENT_ID", id)
        .env("CLIENT_SECRET", secret)
        .env("USERNAME", "admin")
        .env("PASSWORD", go::text(&go.facts["admin"]["password"]))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = program.stdin.take().unwrap();
    let mut said = Vec::new();
    for line in BufReader::new(program.stdout.take().unwrap())
        .lines()
        .map_while(Result::ok)
    {
        if let Some(client_id) = line.strip_prefix("APPROVE ") {
            tokio::runtime::Handle::current().block_on(approve(&go.server, client_id));
            input.write_all(b"approved\n").unwrap();
        }
        said.push(line);
    }
    let mut complaint = String::new();
    let _ = program
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut complaint);
    let _ = program.wait();
    (said, complaint)
}

/// What an administrator does with a client that registered itself.
async fn approve(server: &Server, client_id: &str) {
    assert!(
        client_id
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '-')
    );
    let approve = format!(
        "UPDATE oauth_applications SET status = 'active' WHERE client_id = '{client_id}' AND status = 'pending'"
    );
    server.sql(&approve, &approve).await;
}

/// A server on a database of the Go server, whose clients have been registered there.
async fn server(engine: Engine, more: &[(&str, &str)]) -> Adopted {
    let mut env = vec![("ENABLE_DYNAMIC_CLIENT_REGISTRATION", "true")];
    env.extend(more);
    Adopted::at_home(engine, &env).await
}

/// Everything signed with a key of a file.
const RS256: [(&str, &str); 3] = [
    ("JWT_SIGNING_ALGORITHM", "RS256"),
    (
        "JWT_PRIVATE_KEY_PATH",
        concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/fixtures/keys/rsa2048.pkcs8.pem"
        ),
    ),
    ("ENABLE_TOKEN_ROTATION", "true"),
];

// Two run against what nobody configured: access tokens by HS256, ID tokens by a key that the server made.

#[tokio::test(flavor = "multi_thread")]
async fn a_web_application_with_authlib_signs_in() {
    run("TEST_CLIENT_AUTHLIB", server(Engine::Sqlite, &[]).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_web_application_with_openid_client_signs_in() {
    run(
        "TEST_CLIENT_OPENID_CLIENT",
        server(Engine::Postgres, &RS256).await,
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_web_application_with_go_oidc_signs_in() {
    run(
        "TEST_CLIENT_GO_OIDC",
        server(Engine::Postgres, &RS256).await,
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_web_application_with_the_openidconnect_crate_signs_in() {
    let rotating = [("ENABLE_TOKEN_ROTATION", "true")];
    run(
        "TEST_CLIENT_OPENIDCONNECT",
        server(Engine::Sqlite, &rotating).await,
    )
    .await;
}
