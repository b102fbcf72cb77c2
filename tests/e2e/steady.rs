//! F-23: requests of every kind at a steady rate, for long. What the server holds stays the same: memory, open files,
//! queues; and what is over leaves the database.
//!
//! A few seconds by default, so many minutes with `SOAK_MINUTES`: `make soak`.
use crate::{
    app::{self, Ask},
    machine::{self, Machine},
    memory::resident_mb,
    support::{Engine, Http, PASSWORD, Server, field},
};
use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

/// Who asks, and how often each takes a turn: some thirty requests a second.
const PEOPLE: usize = 2;
const TURN: Duration = Duration::from_millis(200);
/// Turns from one sign-in to the next.
const CYCLE: usize = 16;

/// In a long run everything is over soon; in a short one nothing before it is used, however slow the machine is.
const BRIEF: [(&str, &str); 4] = [
    ("JWT_EXPIRATION", "30s"),
    ("JWT_EXPIRATION_JITTER", "1s"),
    ("REFRESH_TOKEN_EXPIRATION", "30s"),
    ("SESSION_ABSOLUTE_TIMEOUT", "60s"),
];
/// What is over is swept soon.
const SWEEPS: [(&str, &str); 5] = [
    ("ENABLE_TOKEN_ROTATION", "true"),
    ("ENABLE_EXPIRED_TOKEN_CLEANUP", "true"),
    ("EXPIRED_TOKEN_CLEANUP_INTERVAL", "2s"),
    ("AUDIT_LOG_RETENTION", "5s"),
    ("AUDIT_LOG_CLEANUP_INTERVAL", "2s"),
];

/// Tables that are swept while a long test runs, with the column that says when.
const SWEPT: [(&str, &str); 3] = [
    ("access_tokens", "expires_at"),
    ("sessions", "expires_at"),
    ("audit_logs", "created_at"),
];
/// Tables that are swept hours or days later, with the column that says so.
const LATER: [(&str, &str); 7] = [
    ("device_codes", "expires_at"),
    ("authorization_codes", "expires_at"),
    ("client_assertion_jtis", "expires_at"),
    ("invalidations", "created_at"),
    ("decision_traces", "created_at"),
    ("login_failures", "last_failed_at"),
    ("token_families", "created_at"),
];

fn length() -> Duration {
    let minutes = std::env::var("SOAK_MINUTES").ok();
    let minutes = minutes.and_then(|minutes| minutes.parse::<u64>().ok());
    minutes.map_or(Duration::from_secs(5), |minutes| {
        Duration::from_secs(60 * minutes)
    })
}

/// One person with an app, a device and a service.
struct Person {
    http: Http,
    id: String,
    requests: Arc<AtomicUsize>,
}

impl Person {
    async fn turn(&mut self, number: usize) {
        let done = match number % CYCLE {
            0 => self.sign_in(PASSWORD, 302).await,
            8 => self.sign_in("wrong", 401).await,
            n if n % 3 == 0 => self.app().await,
            n if n % 3 == 1 => self.service().await,
            5 | 11 => self.device().await,
            _ => self.look_around().await,
        };
        self.requests.fetch_add(done, Relaxed);
    }

    async fn sign_in(&mut self, password: &str, status: u16) -> usize {
        let before = self.http.cookie.take();
        let page = self.http.get("/login", &[]).await;
        let csrf = field(&page.body, "csrf_token");
        let form = [
            ("username", "admin"),
            ("password", password),
            ("csrf_token", &csrf),
        ];
        let answer = self.http.post("/login", &form).await;
        assert_eq!(answer.status, status, "{answer:?}");
        if status != 302 {
            self.http.cookie = before;
        }
        2
    }

    async fn app(&mut self) -> usize {
        let code = app::code(&mut self.http, &Ask::of("public")).await;
        let tokens = app::exchange(&mut self.http, "public", &code, &[]).await;
        let access = tokens.text("access_token");
        assert_eq!(self.http.tokeninfo(&access).await, 200);
        let fresh = self
            .http
            .refresh("public", &tokens.text("refresh_token"))
            .await;
        let refresh = fresh.text("refresh_token");
        let form = [("client_id", "public"), ("token", refresh.as_str())];
        assert_eq!(self.http.post("/oauth/revoke", &form).await.status, 200);
        6
    }

    async fn service(&mut self) -> usize {
        let token = machine::token(&mut self.http, "machine", &[]).await;
        let basic = machine::basic("machine", machine::SECRET);
        let looked = self
            .http
            .post_with(
                "/oauth/introspect",
                &[("authorization", &basic)],
                &[("token", &token.text("access_token"))],
            )
            .await;
        assert_eq!(looked.status, 200, "{looked:?}");
        2
    }

    async fn device(&mut self) -> usize {
        let code = self.http.start_device(&self.id).await;
        let early = self.http.poll(&self.id, &code).await;
        assert_eq!(early.error(), "authorization_pending");
        let refused = self.http.refresh(&self.id, "no token").await;
        assert_eq!(refused.error(), "invalid_grant");
        3
    }

    async fn look_around(&mut self) -> usize {
        for path in [
            "/.well-known/jwks.json",
            "/account/profile",
            "/admin",
            "/admin/audit",
        ] {
            let answer = self.http.get(path, &[]).await;
            assert_eq!(answer.status, 200, "{path}: {answer:?}");
        }
        4
    }
}

/// What was seen at one moment.
struct Sample {
    memory_mb: u64,
    files: usize,
    /// How full the fullest queue is, in thousandths.
    fullest: u64,
    rows: BTreeMap<&'static str, i64>,
}

async fn sample(server: &Server, http: &mut Http) -> Sample {
    let report = http.get("/actors", &[]).await.json();
    let boxes = report["tree"].as_array().unwrap().iter();
    let boxes = boxes.filter_map(|actor| {
        let mailbox = &actor["mailbox"];
        let (depth, room) = (mailbox["depth"].as_u64()?, mailbox["capacity"].as_u64()?);
        // An inbox for one is full while its actor works.
        (room > 1).then(|| depth * 1000 / room)
    });
    let mut rows = BTreeMap::new();
    for (table, _) in SWEPT {
        let count = format!("SELECT count(*) FROM {table}");
        rows.insert(table, server.count(&count).await);
    }
    let files = std::fs::read_dir(format!("/proc/{}/fd", server.pid()));
    Sample {
        memory_mb: resident_mb(server),
        files: files.unwrap().count(),
        fullest: boxes.max().unwrap(),
        rows,
    }
}

/// Megabytes an hour, by least squares.
fn slope(samples: &[Sample], every: Duration) -> f64 {
    let count = samples.len() as f64;
    let middle = (count - 1.0) / 2.0;
    let mean = samples.iter().map(|s| s.memory_mb as f64).sum::<f64>() / count;
    let (mut above, mut below) = (0.0, 0.0);
    for (at, sample) in samples.iter().enumerate() {
        let away = at as f64 - middle;
        above += away * (sample.memory_mb as f64 - mean);
        below += away * away;
    }
    above / below * 3600.0 / every.as_secs_f64()
}

fn most<T: Ord + Copy>(samples: &[Sample], of: impl Fn(&Sample) -> T) -> T {
    samples.iter().map(of).max().unwrap()
}

/// Makes everything a hundred days older until it is gone: what a writer brings late grows old as well.
async fn ages(server: &Server) {
    let began = Instant::now();
    for (table, column) in SWEPT.into_iter().chain(LATER) {
        let count = format!("SELECT count(*) FROM {table}");
        while server.count(&count).await > 0 {
            assert!(
                began.elapsed() < Duration::from_secs(120),
                "{table} is never empty"
            );
            older(server, table, column).await;
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

async fn older(server: &Server, table: &str, column: &str) {
    let lite = format!(
        "UPDATE {table} SET {column} = strftime('%Y-%m-%d %H:%M:%S+00:00', 'now', '-100 days')"
    );
    let pg = format!("UPDATE {table} SET {column} = now() - interval '100 days'");
    server.sql(&lite, &pg).await;
}

async fn steady(engine: Engine, length: Duration) {
    let is_long = length >= Duration::from_secs(60);
    let brief: &[_] = if is_long { &BRIEF } else { &[] };
    let mut server = Server::start(engine, &[&SWEEPS, brief].concat()).await;
    app::register(&server, "public", "public", &[app::CALLBACK]).await;
    let service = Machine {
        id: "machine",
        kind: "confidential",
        flow: true,
        more: &[("machine_token_ttl", "60")],
    };
    service.register(&server).await;
    let (stop, requests) = (Arc::new(AtomicBool::new(false)), Arc::default());
    let mut people = Vec::new();
    for _ in 0..PEOPLE {
        let (stop, mut person) = (
            Arc::clone(&stop),
            Person {
                http: server.http().await,
                id: server.client_id.clone(),
                requests: Arc::clone(&requests),
            },
        );
        people.push(tokio::spawn(async move {
            let mut pace = tokio::time::interval(TURN);
            let mut turn = 0;
            while !stop.load(Relaxed) {
                pace.tick().await;
                person.turn(turn).await;
                turn += 1;
            }
        }));
    }
    let every = (length / 100).max(Duration::from_millis(250));
    let (began, mut samples) = (Instant::now(), Vec::new());
    let mut http = server.http().await;
    while began.elapsed() < length || samples.len() < 12 {
        tokio::time::sleep(every).await;
        assert!(
            people.iter().all(|person| !person.is_finished()),
            "{}",
            server.log()
        );
        samples.push(sample(&server, &mut http).await);
    }
    stop.store(true, Relaxed);
    for person in people {
        person.await.unwrap();
    }
    // The first third fills pools and caches.
    let (early, late) = samples.split_at(samples.len() / 3);
    println!(
        "{engine:?}, {:?}, {} requests",
        began.elapsed(),
        requests.load(Relaxed)
    );
    println!("| | first third | afterwards |\n|---|---|---|");
    let line = |what: &str, of: &dyn Fn(&Sample) -> i64| {
        println!("| {what} | {} | {} |", most(early, of), most(late, of));
    };
    line("memory, MB", &|s| s.memory_mb as i64);
    line("open files", &|s| s.files as i64);
    line("fullest queue, thousandths", &|s| s.fullest as i64);
    for (table, _) in SWEPT {
        line(&format!("rows of {table}"), &|s| s.rows[table]);
    }
    assert!(most(late, |s| s.files) <= most(early, |s| s.files) + 16);
    let mut full: Vec<u64> = samples.iter().map(|s| s.fullest).collect();
    full.sort_unstable();
    assert!(full[full.len() * 99 / 100] < 100, "a queue is a tenth full");
    if is_long {
        println!(
            "memory: {:+.1} MB an hour after the first third",
            slope(late, every)
        );
        let memory = |samples| most(samples, |s| s.memory_mb);
        assert!(memory(late) <= memory(early) + 16, "memory grows");
        for (table, _) in SWEPT {
            // A sweep that comes late on a busy machine is no growth, so the middle one counts.
            let mut rows: Vec<i64> = late.iter().map(|s| s.rows[table]).collect();
            rows.sort_unstable();
            let most_early = most(early, |s| s.rows[table]);
            assert!(rows[rows.len() / 2] <= most_early, "{table} grows");
        }
    }
    ages(&server).await;
    server.signal("TERM");
    assert_eq!(server.ended().await.code(), Some(0), "{}", server.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_steady_load_leaves_nothing_behind_on_sqlite() {
    steady(Engine::Sqlite, length()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_steady_load_leaves_nothing_behind_on_postgres() {
    steady(Engine::Postgres, length()).await;
}
