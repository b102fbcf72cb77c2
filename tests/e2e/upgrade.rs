//! F-18: two servers share a database while each is stopped and started again in turn, as an upgrade does it. Whatever was
//! begun on one ends on the other, and nobody notices.
//!
//! `TEST_OTHER_BUILD` names the program of another release: then every start changes from one to the other, so that flows
//! go from the old to the new and back. Without it both are this build.
use crate::{
    app::{self, Ask},
    http::Answer,
    support::{Engine, Http, Server, field, soak},
};
use std::{
    ops::{Deref, DerefMut},
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

/// What stands before the servers: it sends nobody to one that is being stopped.
struct Balancer {
    ports: [u16; 2],
    up: [AtomicBool; 2],
    /// Connections that somebody may still ask something on.
    lent: [AtomicUsize; 2],
    client_id: String,
    stop: AtomicBool,
    flows: AtomicUsize,
}

/// A connection to a server that is not stopped before this is given back.
struct Lent<'a> {
    http: Http,
    _back: Back<'a>,
}

struct Back<'a>(&'a AtomicUsize);

impl Drop for Back<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, SeqCst);
    }
}

impl Deref for Lent<'_> {
    type Target = Http;

    fn deref(&self) -> &Http {
        &self.http
    }
}

impl DerefMut for Lent<'_> {
    fn deref_mut(&mut self) -> &mut Http {
        &mut self.http
    }
}

impl Balancer {
    /// A connection to this server, or to the other one while it is away.
    async fn to(&self, wish: usize, cookie: Option<&String>) -> Lent<'_> {
        let began = Instant::now();
        loop {
            for at in [wish % 2, (wish + 1) % 2] {
                self.lent[at].fetch_add(1, SeqCst);
                let back = Back(&self.lent[at]);
                if self.up[at].load(SeqCst)
                    && let Ok(mut http) = Http::try_new(self.ports[at]).await
                {
                    http.cookie = cookie.cloned();
                    return Lent { http, _back: back };
                }
            }
            assert!(
                began.elapsed() < Duration::from_secs(120),
                "nobody is there"
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Sends nobody there any more, and waits until all who are there have gone.
    async fn is_left(&self, at: usize) {
        self.up[at].store(false, SeqCst);
        let began = Instant::now();
        while self.lent[at].load(SeqCst) > 0 {
            assert!(began.elapsed() < Duration::from_secs(120), "somebody stays");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// A device that starts on one server is confirmed on the other, and its tokens live on both.
    async fn device(&self, at: usize, cookie: &String) {
        let id = self.client_id.as_str();
        let form = [("client_id", id), ("scope", "openid email")];
        let started = self
            .to(at, None)
            .await
            .post("/oauth/device/code", &form)
            .await;
        let (device, user) = (started.text("device_code"), started.text("user_code"));
        let early = self.to(at + 1, None).await.poll(id, &device).await;
        assert_eq!(early.error(), "authorization_pending");
        self.confirm((at, cookie), &user).await;
        let code = device.as_str();
        // The pace of a device is everybody's: the next poll comes five seconds after the first.
        let began = Instant::now();
        let tokens = loop {
            let answer = self.to(at + 1, None).await.poll(id, code).await;
            if answer.status == 200 {
                break answer;
            }
            assert_eq!(answer.error(), "slow_down", "{answer:?}");
            assert!(began.elapsed() < Duration::from_secs(60));
            tokio::time::sleep(Duration::from_secs(6)).await;
        };
        self.live_and_end(at, &tokens, id).await;
    }

    /// The two steps of a person, each on another server.
    async fn confirm(&self, (at, cookie): (usize, &String), user_code: &str) {
        let path = format!("/device?user_code={user_code}");
        let page = self.to(at, Some(cookie)).await.get(&path, &[]).await;
        let csrf = field(&page.body, "csrf_token");
        let form = [("user_code", user_code), ("csrf_token", &csrf)];
        let page = self
            .to(at + 1, Some(cookie))
            .await
            .post("/device/verify", &form)
            .await;
        // The release before answered with the question itself.
        let page = match page.header("location") {
            Some(question) => {
                self.to(at + 1, Some(cookie))
                    .await
                    .get(&question, &[])
                    .await
            }
            None => page,
        };
        assert_eq!(page.status, 200, "{page:?}");
        let (csrf, code) = (
            field(&page.body, "csrf_token"),
            field(&page.body, "user_code"),
        );
        let form = [
            ("user_code", code.as_str()),
            ("csrf_token", &csrf),
            ("confirmed", "true"),
            ("action", "approve"),
        ];
        let done = self
            .to(at, Some(cookie))
            .await
            .post("/device/verify", &form)
            .await;
        assert!(done.status < 400, "{done:?}");
    }

    /// A code that one server gave is redeemed by the other.
    async fn code(&self, at: usize, cookie: &String) {
        let mut person = self.to(at, Some(cookie)).await;
        let code = app::code(&mut person, &Ask::of("public")).await;
        let mut tool = self.to(at + 1, None).await;
        let tokens = app::exchange(&mut tool, "public", &code, &[]).await;
        self.live_and_end(at, &tokens, "public").await;
    }

    /// Tokens are known, refreshed and revoked on servers other than the one that made them.
    async fn live_and_end(&self, at: usize, tokens: &Answer, id: &str) {
        assert_eq!(tokens.status, 200, "{tokens:?}");
        let (access, refresh) = (tokens.text("access_token"), tokens.text("refresh_token"));
        assert_eq!(self.to(at, None).await.tokeninfo(&access).await, 200);
        let fresh = self.to(at, None).await.refresh(id, &refresh).await;
        assert_eq!(fresh.status, 200, "{fresh:?}");
        let (access, refresh) = (fresh.text("access_token"), fresh.text("refresh_token"));
        assert_eq!(self.to(at + 1, None).await.tokeninfo(&access).await, 200);
        let form = [("client_id", id), ("token", refresh.as_str())];
        let revoked = self
            .to(at + 1, None)
            .await
            .post("/oauth/revoke", &form)
            .await;
        assert_eq!(revoked.status, 200, "{revoked:?}");
        assert_eq!(self.to(at, None).await.tokeninfo(&access).await, 401);
        self.flows.fetch_add(1, SeqCst);
    }

    /// Somebody who signs in on one server and goes on on both, until told to stop.
    async fn person(self: Arc<Self>, number: usize) {
        let cookie = {
            let mut http = self.to(number, None).await;
            http.sign_in().await;
            http.cookie.clone().unwrap()
        };
        let mut at = number;
        while !self.stop.load(SeqCst) {
            if number == 0 {
                self.device(at, &cookie).await;
            } else {
                self.code(at, &cookie).await;
            }
            at += 1;
        }
    }

    async fn until_more(&self, flows: usize) {
        let (before, began) = (self.flows.load(SeqCst), Instant::now());
        while self.flows.load(SeqCst) < before + flows {
            assert!(began.elapsed() < Duration::from_secs(120), "no flow ends");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

/// A newer release adds columns while this one runs, and nobody notices.
#[tokio::test(flavor = "multi_thread")]
async fn a_newer_release_may_add_columns_under_a_running_server() {
    let env = [
        ("ENABLE_TOKEN_ROTATION", "true"),
        ("DB_MAX_OPEN_CONNS", "2"),
    ];
    let server = Server::start(Engine::Postgres, &env).await;
    app::register(&server, "public", "public", &[app::CALLBACK]).await;
    let balancer = Arc::new(Balancer {
        ports: [server.port, server.port],
        up: [true, true].map(AtomicBool::new),
        lent: Default::default(),
        client_id: server.client_id.clone(),
        stop: AtomicBool::new(false),
        flows: AtomicUsize::new(0),
    });
    let people: Vec<_> = (0..4)
        .map(|number| tokio::spawn(Arc::clone(&balancer).person(number)))
        .collect();
    balancer.until_more(10).await;
    let tables = "SELECT tablename::text FROM pg_tables WHERE schemaname = 'public'";
    for table in server.texts(tables).await {
        server
            .sql("", &format!("ALTER TABLE {table} ADD COLUMN of_later text"))
            .await;
        balancer.until_more(1).await;
    }
    balancer.until_more(10).await;
    balancer.stop.store(true, SeqCst);
    for person in people {
        person.await.expect("a flow failed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_are_replaced_one_after_the_other_and_no_flow_fails() {
    let this = PathBuf::from(env!("CARGO_BIN_EXE_authgate"));
    let other = std::env::var("TEST_OTHER_BUILD").map_or_else(|_| this.clone(), PathBuf::from);
    // What the guide says about upgrades: traffic goes elsewhere before the listener closes.
    let env = [
        ("ENABLE_TOKEN_ROTATION", "true"),
        ("SHUTDOWN_DELAY", "300ms"),
    ];
    let mut first = Server::prepared(Engine::Postgres, &env).await;
    first.program.clone_from(&other);
    first.launch().await;
    first.read_client_id();
    app::register(&first, "public", "public", &[app::CALLBACK]).await;
    let mut second = first.beside().await;
    second.program.clone_from(&this);
    let balancer = Arc::new(Balancer {
        ports: [first.port, second.port],
        up: [true, true].map(AtomicBool::new),
        lent: Default::default(),
        client_id: first.client_id.clone(),
        stop: AtomicBool::new(false),
        flows: AtomicUsize::new(0),
    });
    let people: Vec<_> = (0..4)
        .map(|number| tokio::spawn(Arc::clone(&balancer).person(number)))
        .collect();
    balancer.until_more(8).await;
    let mut servers = [first, second];
    let rounds = soak(2);
    for round in 0..2 * rounds {
        let (at, server) = (round % 2, &mut servers[round % 2]);
        balancer.is_left(at).await;
        server.signal("TERM");
        assert_eq!(server.ended().await.code(), Some(0), "{}", server.log());
        balancer.until_more(4).await;
        // In the first round the older one becomes the newer one; in the next both go back, and so on.
        let is_newer = (round / 2 + at) % 2 == 0;
        server
            .program
            .clone_from(if is_newer { &this } else { &other });
        server.launch().await;
        balancer.up[at].store(true, SeqCst);
        balancer.until_more(4).await;
    }
    balancer.stop.store(true, SeqCst);
    for person in people {
        person.await.expect("a flow failed");
    }
    let flows = balancer.flows.load(SeqCst);
    println!("{} restarts, {flows} flows, none failed", 2 * rounds);
    // Nothing came off twice, and all of it has ended.
    for event in ["ACCESS_TOKEN_ISSUED", "TOKEN_REFRESHED"] {
        let count = format!("SELECT count(*) FROM audit_logs WHERE event_type = '{event}'");
        assert_eq!(servers[0].count(&count).await, flows as i64, "{event}");
    }
    let alive = "SELECT count(*) FROM access_tokens WHERE status = 'active'";
    assert_eq!(servers[0].count(alive).await, 0);
}
