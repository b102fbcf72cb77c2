//! The command line as people and scripts meet it: what goes where, and the exit codes.
use crate::support::{Engine, Http, PASSWORD, Server};
use std::{
    io::Write as _,
    process::{Command, Output, Stdio},
};

fn run(arguments: &[&str], env: &[(&str, &str)], input: &str) -> Output {
    let room = tempfile::tempdir().unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_authgate"))
        .args(arguments)
        .current_dir(room.path())
        .env_clear()
        .envs(env.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that reads nothing may be gone already.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn answers_go_to_standard_output_and_complaints_to_standard_error() {
    for (arguments, code, out, complaint) in [
        (&["-v"][..], 0, "AuthGate version ", ""),
        (&["--version"], 0, "AuthGate version ", ""),
        (&["-h"], 0, "Usage: ", ""),
        (&["--help"], 0, "Usage: ", ""),
        (&["server", "--help"], 0, "Usage: ", ""),
        (&[], 1, "", "Usage: "),
        (&["foo"], 1, "", "foo"),
        (&["check-config", "more"], 2, "", "more"),
        (&["--bogus"], 2, "", "flag provided but not defined: -bogus"),
        (
            &["keys"],
            2,
            "",
            "keys needs one of list, rotate and retire",
        ),
    ] {
        let output = run(arguments, &[], "");
        assert_eq!(output.status.code(), Some(code), "{arguments:?}");
        assert!(text(&output.stdout).contains(out), "{arguments:?}");
        assert!(text(&output.stderr).contains(complaint), "{arguments:?}");
        assert_eq!(output.stdout.is_empty(), code != 0, "{arguments:?}");
    }
}

/// One figure for how long a stop may take, wherever it is told.
#[test]
fn the_unit_waits_for_as_long_as_a_stop_may_take() {
    let unit = include_str!("../../deploy/systemd/authgate.service");
    let told = unit
        .lines()
        .find_map(|line| line.strip_prefix("TimeoutStopSec="));
    let seconds = told.unwrap().strip_suffix('s').unwrap();
    let sentence = |seconds: &str| format!("A stop takes at most {seconds} s:");
    let checked = run(&["check-config"], &[], "");
    let said = text(&checked.stdout);
    assert!(
        said.contains(&sentence(seconds)),
        "{said} {}",
        text(&checked.stderr)
    );
    let longer = run(&["check-config"], &[("SHUTDOWN_DELAY", "8s")], "");
    let seconds = (seconds.parse::<u64>().unwrap() + 8).to_string();
    assert!(text(&longer.stdout).contains(&sentence(&seconds)));
}

#[test]
fn fresh_secrets_are_good_enough_for_production_and_the_published_ones_are_not() {
    let env = [
        ("ENVIRONMENT", "production"),
        ("BASE_URL", "https://login.example.com"),
    ];
    let refused = run(&["check-config"], &env, "");
    assert_eq!(refused.status.code(), Some(1));
    let complaint = text(&refused.stderr);
    for name in ["JWT_SECRET", "SESSION_SECRET"] {
        assert!(
            complaint.contains(&format!("Invalid configuration: {name}")),
            "{complaint}"
        );
    }
    let generated = text(&run(&["generate-secrets"], &[], "").stdout);
    let secrets: Vec<(&str, &str)> = generated
        .lines()
        .map(|line| line.split_once('=').unwrap())
        .collect();
    assert_eq!(secrets.len(), 3);
    let accepted = run(&["check-config"], &[&env[..], &secrets].concat(), "");
    assert_eq!(
        accepted.status.code(),
        Some(0),
        "{}",
        text(&accepted.stderr)
    );
    assert_ne!(generated, text(&run(&["generate-secrets"], &[], "").stdout));
}

#[test]
fn systemd_hands_secrets_over_as_credentials() {
    let credentials = tempfile::tempdir().unwrap();
    for name in ["JWT_SECRET", "SESSION_SECRET"] {
        std::fs::write(
            credentials.path().join(name),
            format!("{}\n", "x".repeat(40)),
        )
        .unwrap();
    }
    let directory = credentials.path().to_str().unwrap();
    let env = [
        ("ENVIRONMENT", "production"),
        ("CREDENTIALS_DIRECTORY", directory),
    ];
    let output = run(&["check-config"], &env, "");
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let twice = run(
        &["check-config"],
        &[&env[..], &[("JWT_SECRET", "y")]].concat(),
        "",
    );
    assert!(text(&twice.stderr).contains("JWT_SECRET is set more than once"));
    assert!(!text(&twice.stderr).contains("xxxx"));
}

#[test]
fn passwords_are_hashed_from_standard_input() {
    for (arguments, prefix) in [
        (&["hash-password"][..], "$argon2id$"),
        (&["hash-password", "--algorithm", "bcrypt"], "$2"),
    ] {
        let output = run(arguments, &[], &format!("{PASSWORD}\n"));
        assert_eq!(output.status.code(), Some(0));
        assert!(text(&output.stdout).starts_with(prefix), "{output:?}");
    }
    assert_eq!(run(&["hash-password"], &[], "\n").status.code(), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn migrate_makes_the_schema_and_can_be_repeated() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let server = Server::prepared(engine, &[]).await;
        for _ in 0..2 {
            let output = server.tool().arg("migrate").output().unwrap();
            assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        }
        assert_eq!(server.count("SELECT count(*) FROM users").await, 0);
        assert_eq!(server.count("SELECT count(*) FROM token_families").await, 0);
    }
}

/// Whoever is in the wrong directory is told so, and leaves nothing behind there.
#[test]
fn commands_on_a_database_make_none() {
    for arguments in [
        &["keys", "list"][..],
        &["explain", "7K2M-9QWX-4T0B"],
        &["reset-password", "admin"],
    ] {
        let room = tempfile::tempdir().unwrap();
        let file = room.path().join("oauth.db");
        let env = [("DATABASE_PATH", file.to_str().unwrap())];
        let output = run(arguments, &env, "");
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        let told = text(&output.stderr);
        assert!(told.contains("there is no database file"), "{told}");
        assert!(!file.exists(), "{arguments:?}");
    }
}

async fn signs_in(server: &Server, password: &str) -> Option<Http> {
    let mut http = server.http().await;
    let answer = http.sign_in_with(password).await;
    (answer.status == 302).then_some(http)
}

/// The command beside the server: exit code, what it said and what it complained about.
fn reset(server: &Server, arguments: &[&str], input: &str) -> (Option<i32>, String, String) {
    let mut command = server.tool();
    command.arg("reset-password").args(arguments);
    command.stdin(Stdio::piped());
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    (
        output.status.code(),
        text(&output.stdout),
        text(&output.stderr),
    )
}

/// A database that this server made is no less its own at the second start.
#[tokio::test(flavor = "multi_thread")]
async fn passwords_of_a_fresh_database_stay_in_argon2id() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let mut server = Server::start(engine, &[]).await;
        server.signal("TERM");
        server.ended().await;
        server.launch().await;
        assert!(signs_in(&server, PASSWORD).await.is_some());
        let hashes = "SELECT password_hash FROM users";
        let before = server.texts(hashes).await;
        assert!(before[0].starts_with("$argon2id$"), "{before:?}");
        let (code, _, told) = reset(&server, &["admin"], "");
        assert_eq!(code, Some(0), "{told}");
        let after = server.texts(hashes).await;
        assert!(after[0].starts_with("$argon2id$"), "{after:?}");
        assert_ne!(before, after);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_the_machine_gets_back_in() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let server = Server::start(engine, &[]).await;
        let mut before = signs_in(&server, PASSWORD).await.unwrap();
        let code = server.approved_codes(1).await.remove(0);
        let token = before
            .poll(&server.client_id, &code)
            .await
            .text("access_token");
        assert_eq!(before.get("/account/sessions", &[]).await.status, 200);

        let (code, drawn, told) = reset(&server, &["admin"], "");
        assert_eq!(code, Some(0), "{told}");
        // The password and nothing else.
        let drawn = drawn.strip_suffix('\n').unwrap();
        assert_eq!((drawn.len(), drawn.lines().count()), (20, 1), "{drawn}");
        assert!(
            told.contains("\"admin\"") && !told.contains(drawn),
            "{told}"
        );
        assert_eq!(before.get("/account/sessions", &[]).await.status, 302);
        assert_eq!(before.tokeninfo(&token).await, 401);
        assert!(signs_in(&server, PASSWORD).await.is_none());
        let mut http = signs_in(&server, drawn).await.unwrap();
        // It opens the page where it must be changed, and no other.
        let answer = http.get("/admin", &[]).await;
        assert_eq!(answer.status, 302);
        assert!(
            answer
                .header("location")
                .unwrap()
                .starts_with("/account/profile")
        );

        let chosen = "another horse, another battery";
        let (code, said, told) = reset(
            &server,
            &["admin", "--password-stdin"],
            &format!("{chosen}\n"),
        );
        assert_eq!((code, said.as_str()), (Some(0), ""), "{told}");
        assert!(signs_in(&server, chosen).await.is_some());
        for (arguments, input, complaint) in [
            (&["nobody"][..], "", "nobody called \"nobody\""),
            (&["admin", "--password-stdin"], "short\n", "at least 15"),
            (&["admin", "--password-stdin"], "", "empty"),
        ] {
            let (code, said, told) = reset(&server, arguments, input);
            assert_eq!((code, said.as_str()), (Some(1), ""), "{arguments:?}");
            assert!(told.contains(complaint), "{arguments:?}: {told}");
        }
        let trail = "SELECT count(*) FROM audit_logs WHERE event_type = 'USER_PASSWORD_RESET' \
                     AND actor_username = 'command line' AND severity = 'WARNING'";
        assert_eq!(server.count(trail).await, 2);
    }
}
