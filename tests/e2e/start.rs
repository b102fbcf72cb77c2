//! The start: what is judged before anything is opened, a database that keeps it waiting, and the first administrator.
use crate::{
    hooks,
    support::{Engine, PASSWORD, Server, free_port, port_of, through},
};
use std::time::{Duration, Instant};
use tokio::net::{TcpListener, TcpStream};

/// Passes on what comes to `port`, each connection only after `pause`.
async fn pass(port: u16, target: u16, pause: Duration) {
    let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
    while let Ok((mut near, _)) = listener.accept().await {
        tokio::spawn(async move {
            tokio::time::sleep(pause).await;
            let mut far = TcpStream::connect(("127.0.0.1", target)).await.unwrap();
            let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
        });
    }
}

/// A server whose database answers on another port, by way of which it is to be reached.
async fn behind() -> (Server, u16, u16) {
    let mut server = Server::prepared(Engine::Postgres, &[]).await;
    let (target, port) = (port_of(server.dsn()), free_port());
    let dsn = through(server.dsn(), port);
    server.set("DATABASE_DSN", &dsn);
    (server, port, target)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_takes_long_to_let_us_in_is_waited_for() {
    let (mut server, port, target) = behind().await;
    tokio::spawn(pass(port, target, Duration::from_secs(4)));
    server.launch().await;
    server.signal("TERM");
    assert_eq!(server.ended().await.code(), Some(0), "{}", server.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_comes_up_later_is_waited_for_and_the_reason_is_told() {
    let (mut server, port, target) = behind().await;
    server.spawn();
    let began = Instant::now();
    let is_told = |log: &str| log.contains("cannot be reached yet");
    while began.elapsed() < Duration::from_secs(5) || !is_told(&server.log()) {
        assert!(!server.has_ended(), "{}", server.log());
        assert!(
            began.elapsed() < Duration::from_secs(120),
            "nothing is told"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let log = server.log();
    assert!(log.contains("refused"), "{log}");
    tokio::spawn(pass(port, target, Duration::ZERO));
    server.until_ready().await;
    server.signal("TERM");
    assert_eq!(server.ended().await.code(), Some(0), "{}", server.log());
}

/// Above what a request waits for a connection, too.
#[tokio::test(flavor = "multi_thread")]
async fn a_silent_database_is_waited_for_until_db_init_timeout() {
    // Accepts and stays silent.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut server = Server::prepared_on(
        Engine::Postgres,
        format!("postgres://x@127.0.0.1:{port}/x?sslmode=disable"),
        &[("DB_INIT_TIMEOUT", "5s")],
    );
    let began = Instant::now();
    server.spawn();
    assert_eq!(server.ended().await.code(), Some(1));
    assert!(
        began.elapsed() >= Duration::from_secs(5),
        "{}",
        server.log()
    );
    let words = "failed to initialize database: context deadline exceeded";
    assert!(server.log().contains(words), "{}", server.log());
}

/// Waiting does not help against a wrong name.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_refuses_us_ends_the_start_at_once() {
    let mut server = Server::prepared(Engine::Postgres, &[("DB_INIT_TIMEOUT", "1h")]).await;
    let (head, _) = server.dsn().rsplit_once('/').unwrap();
    let dsn = format!("{head}/nowhere");
    server.set("DATABASE_DSN", &dsn);
    server.spawn();
    let ended = tokio::time::timeout(Duration::from_secs(30), server.ended());
    assert_eq!(ended.await.expect("still waiting").code(), Some(1));
    assert!(
        server.log().contains("\"nowhere\" does not exist"),
        "{}",
        server.log()
    );
}

/// Files with credentials that this server wrote.
fn credentials(server: &Server) -> Vec<String> {
    let files = std::fs::read_dir(server.directory.path()).unwrap();
    files
        .map(|file| file.unwrap().path())
        .filter(|path| path.to_string_lossy().contains("authgate-credentials"))
        .map(|path| std::fs::read_to_string(path).unwrap())
        .collect()
}

async fn admin_gets_in(server: &Server, password: &str) {
    let mut http = server.http().await;
    let answer = http.sign_in_with(password).await;
    assert_eq!(answer.status, 302, "{answer:?}");
}

fn drawn(credentials: &str) -> &str {
    let mut lines = credentials.lines();
    lines
        .find_map(|line| line.strip_prefix("Admin Password: "))
        .expect("the file tells no password")
}

const DRAWN: [(&str, &str); 1] = [("DEFAULT_ADMIN_PASSWORD", "")];

#[tokio::test(flavor = "multi_thread")]
async fn two_servers_that_meet_a_new_database_make_one_administrator() {
    for round in 0..20 {
        let mut one = Server::prepared(Engine::Postgres, &DRAWN).await;
        let mut other = Server::prepared_on(Engine::Postgres, one.dsn().to_owned(), &DRAWN);
        one.spawn();
        other.spawn();
        one.until_ready().await;
        other.until_ready().await;
        let written = [credentials(&one), credentials(&other)].concat();
        assert_eq!(written.len(), 1, "round {round}: {written:?}");
        for (table, count) in [("users", 1), ("oauth_applications", 1)] {
            let rows = one.count(&format!("SELECT count(*) FROM {table}")).await;
            assert_eq!(rows, count, "round {round}: {table}");
        }
        admin_gets_in(&other, drawn(&written[0])).await;
    }
}

/// The rows are there and nobody was told so, or the process is gone: either way the file opens the door.
#[tokio::test(flavor = "multi_thread")]
async fn a_drawn_password_outlives_whatever_happens_to_its_commit() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        for place in ["store.begun", "store.settled", "store.committed"] {
            let mut server = hooks::prepared(engine, &DRAWN).await;
            let fault = format!("panic.{place}");
            hooks::arm(&server, &fault);
            server.launch().await;
            assert!(!hooks::is_armed(&server, &fault), "{engine:?} {place}");
            let written = credentials(&server);
            assert_eq!(written.len(), 1, "{engine:?} {place}");
            assert_eq!(server.count("SELECT count(*) FROM users").await, 1);
            admin_gets_in(&server, drawn(&written[0])).await;
        }
        let mut server = hooks::prepared(engine, &DRAWN).await;
        hooks::arm(&server, "abort.store.committed");
        server.spawn();
        server.ended().await;
        server.launch().await;
        let written = credentials(&server);
        assert_eq!(written.len(), 1, "{engine:?}");
        admin_gets_in(&server, drawn(&written[0])).await;
    }
}

/// As in a container whose file system is read-only.
#[tokio::test(flavor = "multi_thread")]
async fn a_working_directory_that_cannot_be_written_matters_only_to_a_drawn_password() {
    let mut server = Server::prepared(Engine::Postgres, &DRAWN).await;
    server.prelude = "cd /proc".to_owned();
    server.spawn();
    assert_eq!(server.ended().await.code(), Some(1));
    let log = server.log();
    assert!(log.contains("set DEFAULT_ADMIN_PASSWORD, or make"), "{log}");
    assert_eq!(server.count("SELECT count(*) FROM users").await, 0);

    server.set("DEFAULT_ADMIN_PASSWORD", PASSWORD);
    server.launch().await;
    let log = server.log();
    assert!(log.contains("could not be written"), "{log}");
    let id = server
        .texts("SELECT client_id FROM oauth_applications")
        .await;
    assert!(log.contains(&id[0]), "{log}");
    admin_gets_in(&server, PASSWORD).await;
}

/// What lies in the working directory.
fn left_behind(server: &Server) -> Vec<String> {
    let files = std::fs::read_dir(server.directory.path()).unwrap();
    files
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect()
}

fn fixture(name: &str) -> String {
    format!("{}/tests/fixtures/keys/{name}", env!("CARGO_MANIFEST_DIR"))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_of_what_settings_point_to_is_told_with_those_of_the_settings() {
    let keys = tempfile::tempdir().unwrap();
    for name in ["a.pem", "b.key"] {
        std::fs::write(keys.path().join(name), "rubbish").unwrap();
    }
    let mut server = Server::prepared_on(
        Engine::Postgres,
        "host=x password=hunter2 sslmode=maybe".to_owned(),
        &[
            ("JWT_SIGNING_ALGORITHM", "RS256"),
            ("JWT_PRIVATE_KEY_DIR", keys.path().to_str().unwrap()),
            ("JWT_PRIVATE_KEY_PATH", "/nope.pem"),
            ("TLS_CERT_FILE", "/nope.crt"),
            ("TLS_KEY_FILE", "/nope.key"),
            ("JWT_EXPIRATION", "tomorrow"),
        ],
    );
    let beside = [
        "a.pem",
        "b.key",
        "/nope.pem",
        "/nope.crt",
        "/nope.key",
        "sslmode",
    ];
    for settings in ["\"tomorrow\"", ""] {
        for command in ["check-config", "server"] {
            let (code, out, complaint) = server.cli(&[command]).await;
            assert_eq!((code, out.as_str()), (1, ""), "{command}: {complaint}");
            assert!(complaint.contains(settings), "{command}: {complaint}");
            for name in beside {
                assert!(complaint.contains(name), "{command}, {name}: {complaint}");
            }
            // The two files of TLS share a line.
            let lines = complaint.lines();
            let told = lines.filter(|line| line.starts_with("Invalid configuration: "));
            let count = beside.len() - 1 + usize::from(!settings.is_empty());
            assert_eq!(told.count(), count, "{command}: {complaint}");
            assert!(!complaint.contains("hunter2"));
        }
        server.set("JWT_EXPIRATION", "1h");
    }
    assert!(left_behind(&server).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_no_good_leaves_nothing_behind() {
    let mut server = Server::prepared(Engine::Sqlite, &DRAWN).await;
    for (algorithm, key, fault) in [
        ("RS256", "rsa1024.pkcs1.pem", "2048"),
        ("ES256", "p384.pkcs8.pem", "P-256"),
        ("ES256", "rsa2048.pkcs8.pem", "ES256"),
        ("RS256", "p256.pkcs8.pem", "RS256"),
        ("RS256", "README.md", "no PEM block"),
    ] {
        server.set("JWT_SIGNING_ALGORITHM", algorithm);
        server.set("JWT_PRIVATE_KEY_PATH", &fixture(key));
        for command in ["check-config", "server"] {
            let (code, _, complaint) = server.cli(&[command]).await;
            assert_eq!(code, 1, "{command}, {key}");
            for words in ["Invalid configuration: Failed to load JWT", fault] {
                assert!(complaint.contains(words), "{command}, {key}: {complaint}");
            }
        }
    }
    assert!(left_behind(&server).is_empty());

    server.set("JWT_PRIVATE_KEY_PEM", "rubbish");
    let (code, _, complaint) = server.cli(&["check-config"]).await;
    assert_eq!(code, 1);
    let words = "Invalid configuration: Failed to parse JWT_PRIVATE_KEY_PEM: ";
    assert!(complaint.contains(words), "{complaint}");
    server.set("JWT_PRIVATE_KEY_PEM", "");
    for (algorithm, key) in [("RS256", "rsa2048.pkcs1.pem"), ("ES256", "p256.sec1.pem")] {
        server.set("JWT_SIGNING_ALGORITHM", algorithm);
        server.set("JWT_PRIVATE_KEY_PATH", &fixture(key));
        let (code, _, complaint) = server.cli(&["check-config"]).await;
        assert_eq!(code, 0, "{complaint}");
    }
    assert!(left_behind(&server).is_empty());
}
