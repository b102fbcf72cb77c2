//! The start: a database that keeps it waiting.
use crate::support::{Engine, Server, free_port};
use std::time::{Duration, Instant};
use tokio::net::{TcpListener, TcpStream};

fn port_of(dsn: &str) -> u16 {
    url::Url::parse(dsn).unwrap().port().unwrap()
}

fn through(dsn: &str, port: u16) -> String {
    dsn.replace(&format!(":{}/", port_of(dsn)), &format!(":{port}/"))
}

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
    while began.elapsed() < Duration::from_secs(5) || server.log().is_empty() {
        assert!(!server.has_ended(), "{}", server.log());
        assert!(began.elapsed() < Duration::from_secs(20), "nothing is told");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let log = server.log();
    assert!(log.contains("cannot be reached yet"), "{log}");
    assert!(log.contains("refused"), "{log}");
    tokio::spawn(pass(port, target, Duration::ZERO));
    let mut http = loop {
        assert!(!server.has_ended(), "{}", server.log());
        match crate::support::Http::try_new(server.port).await {
            Ok(http) => break http,
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
        assert!(began.elapsed() < Duration::from_secs(60), "never up");
    };
    assert_eq!(http.get("/livez", &[]).await.status, 200);
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
