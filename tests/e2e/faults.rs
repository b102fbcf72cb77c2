//! What the server stands on fails: it says so, lies to nobody, and goes on when it can, without a restart.
use crate::{
    machine,
    support::{Engine, Http, Server, port_of, through, until},
    trail::{self, MACHINE, looks},
};
use std::time::{Duration, Instant};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
};

/// How a line between the server and its database behaves.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Line {
    Open,
    /// Connections are closed, also new ones.
    Cut,
    /// Connections stay and nothing passes.
    Silent,
    /// Another server took over: what was open stays silent for good, new connections pass.
    Replaced,
}

/// A line that can be cut.
pub struct Proxy {
    port: u16,
    line: watch::Sender<Line>,
}

impl Proxy {
    /// Between a server that has not been launched and its PostgreSQL.
    pub async fn before(server: &mut Server) -> Self {
        let proxy = Self::to(port_of(server.dsn())).await;
        let dsn = through(server.dsn(), proxy.port);
        server.set("DATABASE_DSN", &dsn);
        proxy
    }

    async fn to(target: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let line = watch::Sender::new(Line::Open);
        let state = line.subscribe();
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                tokio::spawn(Self::pass(near, target, state.clone()));
            }
        });
        Self { port, line }
    }

    async fn pass(mut near: TcpStream, target: u16, mut line: watch::Receiver<Line>) {
        if matches!(*line.borrow_and_update(), Line::Open | Line::Replaced) {
            let mut far = TcpStream::connect(("127.0.0.1", target)).await.unwrap();
            tokio::select! {
                _ = tokio::io::copy_bidirectional(&mut near, &mut far) => return,
                _ = line.changed() => {}
            }
            if *line.borrow_and_update() == Line::Silent {
                let _ = line.changed().await;
                if *line.borrow() == Line::Replaced {
                    std::future::pending::<()>().await;
                }
            }
        } else if *line.borrow() == Line::Silent {
            let _ = line.changed().await;
        }
    }

    pub fn set(&self, line: Line) {
        self.line.send_replace(line);
    }
}

pub async fn until_status(http: &mut Http, path: &str, status: u16) {
    let began = Instant::now();
    while http.get(path, &[]).await.status != status {
        assert!(
            began.elapsed() < Duration::from_secs(30),
            "{path} is never {status}"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

pub async fn asks_to_come_again(http: &mut Http, path: &str, form: &[(&str, &str)]) {
    let answer = tokio::time::timeout(Duration::from_secs(20), http.post(path, form))
        .await
        .unwrap_or_else(|_| panic!("{path} hangs"));
    assert_eq!(answer.status, 503, "{path}: {answer:?}");
    assert!(answer.header("retry-after").is_some(), "{path}: {answer:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_cannot_be_reached_is_told_and_comes_back() {
    let mut server = Server::prepared(Engine::Postgres, &[]).await;
    let proxy = Proxy::before(&mut server).await;
    server.launch().await;
    server.read_client_id();
    let id = server.client_id.clone();
    let mut codes = server.approved_codes(2).await;
    let mut http = server.http().await;
    let tokens = http.poll(&id, &codes.remove(0)).await;
    let (access, refresh) = (tokens.text("access_token"), tokens.text("refresh_token"));
    for line in [Line::Cut, Line::Silent] {
        proxy.set(line);
        asks_to_come_again(&mut http, "/oauth/device/code", &[("client_id", &id)]).await;
        // An outage never means that a token is dead, nor that it has been killed.
        assert_eq!(http.tokeninfo(&access).await, 503);
        asks_to_come_again(
            &mut http,
            "/oauth/revoke",
            &[("client_id", &id), ("token", &refresh)],
        )
        .await;
        assert_eq!(http.poll(&id, &codes[0]).await.status, 503);
        until_status(&mut http, "/health", 503).await;
        assert_eq!(http.get("/readyz", &[]).await.status, 503);
        for path in [
            "/livez",
            "/.well-known/jwks.json",
            "/.well-known/openid-configuration",
        ] {
            assert_eq!(http.get(path, &[]).await.status, 200, "{path}");
        }
        proxy.set(Line::Open);
        until_status(&mut http, "/readyz", 200).await;
        assert_eq!(http.tokeninfo(&access).await, 200);
        http.start_device(&id).await;
    }
    assert_eq!(
        http.poll(&id, &codes[0]).await.status,
        200,
        "{}",
        server.log()
    );
    server.signal("TERM");
    assert_eq!(server.ended().await.code(), Some(0), "{}", server.log());
}

/// Waits until the server says this of its database, and that it is ready all the same.
async fn until_degraded(http: &mut Http, why: Option<&str>) {
    let began = Instant::now();
    loop {
        let told = http.get("/readyz?verbose", &[]).await;
        assert_eq!(told.status, 200, "{told:?}");
        if told.json()["degraded"]["database"].as_str() == why {
            return;
        }
        assert!(began.elapsed() < Duration::from_secs(20), "{told:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_stops_what_writes_and_nothing_else() {
    let mut server = Server::prepared(Engine::Sqlite, &[]).await;
    // A write beyond the largest file fails like one on a full disk; the signal that comes with it is not for us.
    server.prelude = "trap '' XFSZ".to_owned();
    server.launch().await;
    server.read_client_id();
    let id = server.client_id.clone();
    let mut codes = server.approved_codes(2).await;
    let mut http = server.http().await;
    let tokens = http.poll(&id, &codes.remove(0)).await;
    let (access, refresh) = (tokens.text("access_token"), tokens.text("refresh_token"));
    let revoke = [("client_id", id.as_str()), ("token", &refresh)];
    MACHINE.register(&server).await;

    server.limit_files("4096");
    asks_to_come_again(&mut http, "/oauth/device/code", &[("client_id", &id)]).await;
    asks_to_come_again(&mut http, "/oauth/revoke", &revoke).await;
    let form = [
        ("grant_type", crate::support::DEVICE_GRANT),
        ("client_id", &id),
        ("device_code", &codes[0]),
    ];
    asks_to_come_again(&mut http, "/oauth/token", &form).await;
    assert_eq!(http.tokeninfo(&access).await, 200);
    for path in ["/health", "/readyz", "/login", "/.well-known/jwks.json"] {
        assert_eq!(http.get(path, &[]).await.status, 200, "{path}");
    }
    until_degraded(&mut http, Some("nothing can be written")).await;
    // What is only counted is counted until it can be written.
    let mut looked = 0;
    until("the trail waits", async || {
        let answer = machine::introspect(&mut http, "machine", &access).await;
        assert_eq!(answer.json()["active"], true, "{answer:?}");
        looked += 1;
        let writer = trail::writer(&mut http).await;
        writer["detail"]["failures"].as_u64().unwrap() > 2
    })
    .await;
    assert_eq!(looks(&server).await, 0);

    server.limit_files("unlimited");
    http.start_device(&id).await;
    until_degraded(&mut http, None).await;
    assert_eq!(http.poll(&id, &codes[0]).await.status, 200);
    assert_eq!(http.poll(&id, &codes[0]).await.error(), "invalid_grant");
    assert_eq!(http.tokeninfo(&access).await, 200);
    assert_eq!(http.post("/oauth/revoke", &revoke).await.status, 200);
    assert_eq!(http.tokeninfo(&access).await, 401);
    server.signal("TERM");
    assert_eq!(server.ended().await.code(), Some(0), "{}", server.log());
    assert_eq!(looks(&server).await, looked);
    let sound = "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check = 'ok'";
    assert_eq!(server.count(sound).await, 1);
}

/// That somebody was here is noted once a minute; while it cannot be noted they are shown what they ask for.
#[tokio::test(flavor = "multi_thread")]
async fn pages_are_shown_while_nothing_can_be_written() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let mut server = Server::prepared(engine, &[]).await;
        server.prelude = "trap '' XFSZ".to_owned();
        server.launch().await;
        server.read_client_id();
        let mut http = server.http().await;
        http.sign_in().await;
        server
            .sql(
                "UPDATE sessions SET last_seen_at = strftime('%Y-%m-%d %H:%M:%S+00:00', 'now', '-2 minutes')",
                "UPDATE sessions SET last_seen_at = now() - interval '2 minutes'",
            )
            .await;
        match engine {
            Engine::Sqlite => server.limit_files("4096"),
            Engine::Postgres => {
                let name = server.dsn().rsplit_once('/').unwrap().1.to_owned();
                let read_only =
                    format!("ALTER DATABASE {name} SET default_transaction_read_only = on");
                server.sql("", &read_only).await;
                // Connections that are open already know nothing of it.
                let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                           WHERE datname = current_database() AND pid <> pg_backend_pid()";
                server.sql("", end).await;
                until_status(&mut http, "/health", 200).await;
            }
        }
        let start = [("client_id", server.client_id.as_str())];
        asks_to_come_again(&mut http, "/oauth/device/code", &start).await;
        for path in ["/account/profile", "/actors", "/account/sessions"] {
            let page = http.get(path, &[]).await;
            assert_eq!(page.status, 200, "{engine:?} {path}: {page:?}");
        }
        server.signal("TERM");
        server.ended().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_another_program_holds_is_waited_for_and_then_told() {
    let mut server = Server::prepared(Engine::Sqlite, &[]).await;
    let dsn = format!("file:{}?_busy_timeout=300", server.dsn());
    server.set("DATABASE_DSN", &dsn);
    server.launch().await;
    server.read_client_id();
    let id = server.client_id.clone();
    let mut http = server.http().await;
    let holder = server.connect_sqlite("BEGIN EXCLUSIVE").await;
    asks_to_come_again(&mut http, "/oauth/device/code", &[("client_id", &id)]).await;
    assert_eq!(http.get("/.well-known/jwks.json", &[]).await.status, 200);
    sqlx::Connection::close(holder).await.unwrap();
    http.start_device(&id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_close_that_takes_too_long_is_told_in_the_guide_s_words() {
    let mut server = Server::start(Engine::Sqlite, &[("DB_CLOSE_TIMEOUT", "200ms")]).await;
    // A reader in the middle of something keeps the log from being folded into the file.
    let reader = server
        .connect_sqlite("BEGIN; SELECT count(*) FROM users")
        .await;
    server.http().await.start_device(&server.client_id).await;
    server.signal("TERM");
    assert_eq!(server.ended().await.code(), Some(1), "{}", server.log());
    let words = "Error closing database: database close timeout: context deadline exceeded";
    assert!(server.log().contains(words), "{}", server.log());
    drop(reader);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_far_from_the_database_s_issues_nothing() {
    let mut server = Server::prepared(Engine::Postgres, &[]).await;
    server.launch().await;
    server.read_client_id();
    let id = server.client_id.clone();
    let code = server.approved_codes(1).await.remove(0);
    server.signal("TERM");
    server.ended().await;
    // A database whose clock is ahead: a function of its own comes before the built-in one.
    let ahead = |seconds: u32| {
        format!(
            "CREATE OR REPLACE FUNCTION public.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS \
             $$ SELECT pg_catalog.clock_timestamp() + interval '{seconds} seconds' $$"
        )
    };
    let url = url::Url::parse(server.dsn()).unwrap();
    let dsn = format!(
        "host=127.0.0.1 port={} user={} dbname={} search_path=public,pg_catalog",
        url.port().unwrap(),
        url.username(),
        url.path().trim_start_matches('/')
    );
    for (seconds, status) in [(600, 503), (60, 200)] {
        server.sql("", &ahead(seconds)).await;
        server.set("DATABASE_DSN", &dsn);
        server.launch().await;
        let mut http = server.http().await;
        let began = Instant::now();
        while !http
            .get("/readyz?verbose", &[])
            .await
            .body
            .contains("clock")
        {
            assert!(
                began.elapsed() < Duration::from_secs(20),
                "the distance is not told"
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert_eq!(http.get("/readyz", &[]).await.status, 200);
        let started = http.post("/oauth/device/code", &[("client_id", &id)]).await;
        assert_eq!(started.status, status, "{started:?}");
        assert_eq!(http.poll(&id, &code).await.status, status);
        server.signal("TERM");
        assert_eq!(server.ended().await.code(), Some(0), "{}", server.log());
    }
}
