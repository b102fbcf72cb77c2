//! From the first signal to the exit code.
use crate::support::{Engine, Http, PASSWORD, Server, free_port, until};
use std::{
    os::unix::net::UnixDatagram,
    process::Stdio,
    time::{Duration, Instant},
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// A port that accepts and stays silent, as a database behind a broken firewall.
fn silent_port() -> (std::net::TcpListener, u16) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

async fn run(mut command: std::process::Command) -> (Option<i32>, String) {
    let child = command.stderr(Stdio::piped()).spawn().unwrap();
    let output = tokio::task::spawn_blocking(move || child.wait_with_output().unwrap())
        .await
        .unwrap();
    (
        output.status.code(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clean_stop_is_exit_code_0_on_both_engines() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let mut server = Server::start(engine, &[]).await;
        server.signal("TERM");
        assert_eq!(server.ended().await.code(), Some(0), "{}", server.log());
        server.launch().await;
        server.signal("INT");
        assert_eq!(server.ended().await.code(), Some(0), "{}", server.log());
    }
}

/// Nobody works on while the database closes: every actor that the report shows is stopped in its step.
#[tokio::test(flavor = "multi_thread")]
async fn a_stop_reaches_every_actor() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let mut server = Server::start(engine, &[("LOG_FORMAT", "json")]).await;
        let mut http = server.http().await;
        let report = http.get("/actors", &[]).await;
        assert_eq!(report.status, 200, "{report:?}");
        let report = report.json();
        let places = report["tree"].as_array().unwrap();
        let paths = places.iter().map(|place| place["path"].as_str().unwrap());
        let paths: Vec<&str> = paths.collect();
        server.signal("TERM");
        assert_eq!(server.ended().await.code(), Some(0), "{}", server.log());
        let log = server.log();
        let is_leaf = |path: &&&str| {
            !paths
                .iter()
                .any(|other| other.starts_with(&format!("{path}/")))
        };
        let leaves: Vec<&&str> = paths.iter().filter(is_leaf).collect();
        assert!(leaves.len() > 12, "{paths:?}");
        for path in leaves {
            let name = path.rsplit('/').next().unwrap();
            // The one writer goes with the database.
            let part = if name == "store_writer" {
                "database"
            } else {
                name
            };
            let told = log
                .lines()
                .any(|line| line.contains("\"stopped\"") && line.contains(&format!("\"{part}\"")));
            assert!(told, "{path}: {log}");
        }
    }
}

/// However much is left to sweep, a stop waits for one turn of it.
#[tokio::test(flavor = "multi_thread")]
async fn a_stop_in_the_middle_of_a_long_sweep_is_clean() {
    const MANY: u32 = 200_000;
    let rows = "SELECT count(*) FROM audit_logs";
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let mut server = Server::start(engine, &[]).await;
        server.signal("TERM");
        assert_eq!(server.ended().await.code(), Some(0));
        crate::audit::fill(&server, MANY).await;
        server.set("AUDIT_LOG_RETENTION", "24h");
        server.launch().await;
        let began = Instant::now();
        while server.count(rows).await >= i64::from(MANY) - 2000 {
            assert!(
                began.elapsed() < Duration::from_secs(60),
                "{}",
                server.log()
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        server.signal("TERM");
        assert_eq!(server.ended().await.code(), Some(0), "{}", server.log());
        assert!(!server.log().contains("did not stop"), "{}", server.log());
        assert!(server.count(rows).await > 2000, "it was over already");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_does_not_cut_the_shutdown_short() {
    const DELAY: Duration = Duration::from_secs(8);
    let mut server = Server::start(Engine::Sqlite, &[("SHUTDOWN_DELAY", "8s")]).await;
    let mut http = server.http().await;
    let began = Instant::now();
    server.signal("TERM");
    server.signal("TERM");
    server.signal("INT");
    while http.get("/readyz", &[]).await.status != 503 {
        assert!(began.elapsed() < DELAY, "nobody heard the signal");
    }
    assert_eq!(http.get("/health", &[]).await.status, 200);
    assert_eq!(server.ended().await.code(), Some(0));
    assert!(began.elapsed() >= DELAY);
}

/// A balancer sends elsewhere whoever is refused; whoever is taken in and never answered is lost.
#[tokio::test(flavor = "multi_thread")]
async fn new_connections_are_refused_while_requests_in_flight_are_finished() {
    let mut server = Server::start(Engine::Sqlite, &[("SERVER_SHUTDOWN_TIMEOUT", "60s")]).await;
    let mut held = tokio::net::TcpStream::connect(("127.0.0.1", server.port))
        .await
        .unwrap();
    let head = "POST /oauth/token HTTP/1.1\r\nhost: x\r\ncontent-length: 12\r\nexpect: 100-continue\r\n\
                content-type: application/x-www-form-urlencoded\r\n\r\n";
    held.write_all(head.as_bytes()).await.unwrap();
    let mut buffer = [0; 4096];
    let length = held.read(&mut buffer).await.unwrap();
    let said = String::from_utf8_lossy(&buffer[..length]).into_owned();
    assert!(said.starts_with("HTTP/1.1 100"), "{said}");
    server.signal("TERM");
    let began = Instant::now();
    while Http::try_new(server.port).await.is_ok() {
        assert!(
            began.elapsed() < Duration::from_secs(20),
            "connections are still taken in"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    held.write_all(b"grant_type=x").await.unwrap();
    let mut answer = String::new();
    held.read_to_string(&mut answer).await.unwrap();
    assert!(answer.contains("unsupported_grant_type"), "{answer}");
    assert_eq!(server.ended().await.code(), Some(0), "{}", server.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_that_hangs_is_ended_by_ctrl_c() {
    let (listener, port) = silent_port();
    listener.set_nonblocking(true).unwrap();
    let mut server = Server::prepared(Engine::Sqlite, &[]).await;
    server.port = free_port();
    let mut command = server.command();
    command
        .env("DATABASE_DRIVER", "postgres")
        .env(
            "DATABASE_DSN",
            format!("host=127.0.0.1 port={port} user=x dbname=x sslmode=disable"),
        )
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // Signals are listened to before anybody connects.
    let mut connection = None;
    until("it connects", async || {
        connection = listener.accept().ok();
        connection.is_some()
    })
    .await;
    assert!(child.try_wait().unwrap().is_none());
    let pid = child.id().to_string();
    assert!(
        std::process::Command::new("kill")
            .args(["-INT", &pid])
            .status()
            .unwrap()
            .success()
    );
    let status = tokio::task::spawn_blocking(move || child.wait().unwrap());
    let status = tokio::time::timeout(Duration::from_secs(60), status)
        .await
        .expect("still connecting")
        .unwrap();
    assert_eq!(status.code(), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn connecting_is_bounded_by_db_init_timeout() {
    let (_listener, port) = silent_port();
    let server = Server::prepared(Engine::Sqlite, &[("DB_INIT_TIMEOUT", "1s")]).await;
    let mut command = server.command();
    command.env("DATABASE_DRIVER", "postgres").env(
        "DATABASE_DSN",
        format!("host=127.0.0.1 port={port} user=x password=hunter2 dbname=x sslmode=disable"),
    );
    let (code, log) = run(command).await;
    assert_eq!(code, Some(1));
    assert!(
        log.contains("failed to initialize database: context deadline exceeded"),
        "{log}"
    );
    assert!(!log.contains("hunter2"));
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_settings_are_told_all_at_once_and_nothing_is_opened() {
    let server = Server::prepared(Engine::Sqlite, &[]).await;
    let mut command = server.command();
    command
        .env("JWT_SECRET", "short")
        .env("JWT_EXPIRATION", "tomorrow")
        .env("ENABLE_RATE_LIMIT", "maybe");
    let (code, log) = run(command).await;
    assert_eq!(code, Some(1));
    for name in [
        "JWT_SECRET must be at least 32 bytes",
        "JWT_EXPIRATION",
        "ENABLE_RATE_LIMIT",
    ] {
        assert!(log.contains(name), "{name}: {log}");
    }
    assert!(!server.directory.path().join("oauth.db").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_taken_port_ends_the_start() {
    let (_listener, port) = silent_port();
    let mut server = Server::prepared(Engine::Sqlite, &[]).await;
    server.port = port;
    let (code, log) = run(server.command()).await;
    assert_eq!(code, Some(1));
    assert!(
        log.contains(&format!("listen tcp: address 127.0.0.1:{port}")),
        "{log}"
    );
    server.port = free_port();
    server.set("METRICS_ADDR", &format!("127.0.0.1:{port}"));
    let (code, log) = run(server.command()).await;
    assert_eq!(code, Some(1));
    assert!(
        log.contains(&format!("listen tcp: address 127.0.0.1:{port}")),
        "{log}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_credentials_file_costs_no_password() {
    let mut server = Server::prepared(Engine::Sqlite, &[("DEFAULT_ADMIN_PASSWORD", "")]).await;
    let old = server.directory.path().join("authgate-credentials.txt");
    std::fs::write(&old, "keep me").unwrap();
    server.launch().await;
    assert_eq!(std::fs::read_to_string(&old).unwrap(), "keep me");
    let new = std::fs::read_to_string(server.directory.path().join("authgate-credentials.2.txt"))
        .unwrap();
    let password = new
        .lines()
        .find_map(|line| line.strip_prefix("Admin Password: "))
        .unwrap();
    assert_eq!(password.len(), 16);
    assert!(!server.log().contains(password) && !server.log().contains(PASSWORD));
    let mut http: Http = server.http().await;
    let page = http.get("/login", &[]).await;
    let csrf = crate::support::field(&page.body, "csrf_token");
    let form = [
        ("username", "admin"),
        ("password", password),
        ("csrf_token", &csrf),
    ];
    assert_eq!(http.post("/login", &form).await.status, 302);
}

#[tokio::test(flavor = "multi_thread")]
async fn systemd_is_told_ready_alive_and_stopping() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket
        .set_read_timeout(Some(Duration::from_secs(60)))
        .unwrap();
    let env = [
        ("NOTIFY_SOCKET", path.to_str().unwrap()),
        ("WATCHDOG_USEC", "300000"),
    ];
    let mut server = Server::start(Engine::Sqlite, &env).await;
    let heard = tokio::task::spawn_blocking(move || {
        let mut heard = String::new();
        let mut buffer = [0; 256];
        while !heard.contains("WATCHDOG=1") || !heard.contains("READY=1") {
            let length = socket.recv(&mut buffer).expect("systemd was told nothing");
            heard += &String::from_utf8_lossy(&buffer[..length]);
        }
        (socket, heard)
    });
    let (socket, heard) = heard.await.unwrap();
    assert!(heard.starts_with("READY=1"), "{heard}");
    server.signal("TERM");
    let stopping = tokio::task::spawn_blocking(move || {
        let mut buffer = [0; 256];
        loop {
            let length = socket
                .recv(&mut buffer)
                .expect("systemd was not told of the stop");
            if String::from_utf8_lossy(&buffer[..length]).contains("STOPPING=1") {
                return;
            }
        }
    });
    stopping.await.unwrap();
    assert_eq!(server.ended().await.code(), Some(0));
}

/// A self-signed pair for `name`, written over the one that is there.
fn pair(directory: &std::path::Path, name: &str) {
    let made = std::process::Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-days",
            "2",
        ])
        .args([
            "-subj",
            &format!("/CN={name}"),
            "-keyout",
            "key.pem",
            "-out",
            "cert.pem",
        ])
        .current_dir(directory)
        .stderr(Stdio::null())
        .status();
    assert!(made.unwrap().success());
}

/// Whose certificate is shown on `port`; nothing while nobody answers.
fn shown(port: u16) -> String {
    let output = std::process::Command::new("openssl")
        .args(["s_client", "-connect", &format!("127.0.0.1:{port}")])
        .stdin(Stdio::null())
        .output();
    String::from_utf8_lossy(&output.unwrap().stdout).into_owned()
}

async fn until_shown(port: u16, name: &str) {
    let began = Instant::now();
    while !shown(port).contains(name) {
        assert!(
            began.elapsed() < Duration::from_secs(30),
            "{name} is never shown"
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_certificate_is_shown_after_sighup_and_a_broken_one_changes_nothing() {
    let mut server = Server::prepared(Engine::Sqlite, &[]).await;
    let directory = server.directory.path().to_owned();
    pair(&directory, "first.example");
    server.set("TLS_CERT_FILE", "cert.pem");
    server.set("TLS_KEY_FILE", "key.pem");
    server.spawn();
    until_shown(server.port, "first.example").await;
    pair(&directory, "second.example");
    server.signal("HUP");
    until_shown(server.port, "second.example").await;
    std::fs::write(directory.join("cert.pem"), "no certificate").unwrap();
    server.signal("HUP");
    let began = Instant::now();
    while !server.log().contains("the old certificate stays") {
        assert!(
            began.elapsed() < Duration::from_secs(30),
            "{}",
            server.log()
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(shown(server.port).contains("second.example"));
    server.signal("TERM");
    assert_eq!(server.ended().await.code(), Some(0));
}
