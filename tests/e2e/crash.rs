//! `kill -9` and SIGTERM under load: whatever was acknowledged is there afterwards.
use crate::{
    hooks,
    support::{Answer, Engine, Http, Server, soak, until},
};
use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering},
};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// What clients were told.
#[derive(Default)]
pub struct Told {
    pub codes: Vec<String>,
    pub redeemed: Vec<(String, String)>,
    /// Errors other than a connection that was refused or closed before the answer began.
    pub failures: Vec<String>,
    /// Requests that were sent whole and got no answer.
    pub unanswered: usize,
    /// Requests that were asked to come again.
    pub refused: usize,
    /// Codes that may have been redeemed: whoever asked was not told.
    pub unsure: Vec<String>,
    pub signed_in: usize,
    /// The longest that somebody waited for an answer.
    pub longest: Duration,
    /// Grants that went on from a redemption.
    grants: Vec<Grant>,
}

/// What a device did with a grant after it was redeemed, as far as it was told.
struct Grant {
    code: String,
    /// Access and refresh token, of the redemption and of the rotation that was answered.
    tokens: Vec<(String, String)>,
    is_revoked: bool,
    /// The last request about it was not answered: it may have happened.
    is_unsure: bool,
}

impl Grant {
    fn of(code: String, answer: &Answer) -> Self {
        Self {
            code,
            tokens: vec![tokens(answer)],
            is_revoked: false,
            is_unsure: false,
        }
    }

    /// Rotates, and ends every second grant; whether anything is left to be done.
    async fn go_on(&mut self, http: &mut Http, id: &str, ends: bool) -> std::io::Result<Answer> {
        let (_, refresh) = self.tokens.last().unwrap();
        let form = [("token", refresh.as_str()), ("client_id", id)];
        let answer = match self.tokens.len() {
            1 => http.try_refresh(id, refresh).await,
            _ if ends => http.try_post("/oauth/revoke", &form).await,
            _ => http.try_refresh(id, refresh).await,
        };
        self.is_unsure = answer.is_err();
        let answer = answer?;
        if answer.status == 200 && answer.body.contains("access_token") {
            self.tokens.push(tokens(&answer));
        } else {
            self.is_revoked = answer.status == 200;
        }
        Ok(answer)
    }

    fn is_done(&self) -> bool {
        self.is_revoked || self.tokens.len() > 2
    }

    /// A new process knows what the one before said about it.
    async fn check(&self, http: &mut Http, id: &str) {
        let ((access, refresh), former) = self.tokens.split_last().unwrap();
        if !self.is_unsure {
            let status = if self.is_revoked { 401 } else { 200 };
            assert_eq!(http.tokeninfo(access).await, status, "an answer is lost");
        }
        // Of a revoked grant nothing is left; of another each token but the last is spent, and a replay ends the rest.
        let gone = former.iter().map(|(_, refresh)| refresh);
        for refresh in gone.chain(self.is_revoked.then_some(refresh)) {
            let again = http.refresh(id, refresh).await;
            assert_eq!(again.error(), "invalid_grant", "a spent token came back");
        }
        let again = http.poll(id, &self.code).await;
        assert_eq!(again.error(), "invalid_grant", "a consumed code came back");
    }
}

fn tokens(answer: &Answer) -> (String, String) {
    (answer.text("access_token"), answer.text("refresh_token"))
}

impl Told {
    fn rotations(&self) -> usize {
        self.grants.iter().map(|grant| grant.tokens.len() - 1).sum()
    }

    fn revocations(&self) -> usize {
        self.grants.iter().filter(|grant| grant.is_revoked).count()
    }

    fn answers(&self) -> usize {
        let of_grants = self.grants.len() + self.rotations() + self.revocations();
        self.redeemed.len() + self.codes.len() + self.failures.len() + of_grants
    }
}

const CLIENTS: usize = 8;
const ROTATION: (&str, &str) = ("ENABLE_TOKEN_ROTATION", "true");

/// Clients that start devices, redeem approved codes, and with `rotation` use and give back what they got, until told to
/// stop or cut off.
async fn load(
    server: &Server,
    codes: Vec<String>,
    told: &Arc<Mutex<Told>>,
    stop: &Arc<AtomicBool>,
    rotation: bool,
) -> Vec<tokio::task::JoinHandle<()>> {
    let codes = Arc::new(Mutex::new(codes));
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        let mut http: Http = server.http().await;
        let (codes, told, stop, id) = (
            Arc::clone(&codes),
            Arc::clone(told),
            Arc::clone(stop),
            server.client_id.clone(),
        );
        clients.push(tokio::spawn(async move {
            let (mut grant, mut round) = (None::<Grant>, 0);
            while !stop.load(Ordering::Relaxed) {
                round += 1;
                let mut code = None;
                let answer = if let Some(grant) = &mut grant {
                    grant.go_on(&mut http, &id, round % 2 == 0).await
                } else {
                    code = codes.lock().unwrap().pop();
                    match &code {
                        Some(code) => http.try_poll(&id, code).await,
                        None => {
                            let form = [("client_id", id.as_str())];
                            http.try_post("/oauth/device/code", &form).await
                        }
                    }
                };
                let mut told = told.lock().unwrap();
                let Ok(answer) = answer else {
                    told.unanswered += 1;
                    told.grants.extend(grant);
                    return;
                };
                match (answer.status, code) {
                    (200, _) if grant.is_some() => {
                        told.grants.extend(grant.take_if(|grant| grant.is_done()));
                    }
                    (200, Some(code)) if rotation => grant = Some(Grant::of(code, &answer)),
                    (200, Some(code)) => told.redeemed.push((code, answer.text("access_token"))),
                    (200, None) => told.codes.push(answer.text("device_code")),
                    _ => told.failures.push(format!("{answer:?}")),
                }
                if answer.header("connection").as_deref() == Some("close") {
                    told.grants.extend(grant);
                    return;
                }
            }
            told.lock().unwrap().grants.extend(grant);
        }));
    }
    clients
}

/// Everything that was acknowledged is in the database that a new process opened.
pub async fn check(server: &Server, told: &Told) {
    let mut http = server.http().await;
    for (code, access_token) in &told.redeemed {
        assert_eq!(
            http.tokeninfo(access_token).await,
            200,
            "an acknowledged token is lost"
        );
        assert_eq!(
            http.poll(&server.client_id, code).await.error(),
            "invalid_grant",
            "a consumed code came back"
        );
    }
    for code in &told.codes {
        assert_eq!(
            http.poll(&server.client_id, code).await.error(),
            "authorization_pending",
            "a code is lost"
        );
    }
    for grant in &told.grants {
        grant.check(&mut http, &server.client_id).await;
    }
}

/// What clients were told of each kind, and how many requests nobody answered.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    codes: usize,
    redeemed: usize,
    rotated: usize,
    revoked: usize,
    unanswered: usize,
}

impl Sums {
    fn add(&mut self, told: &Told) {
        self.codes += told.codes.len();
        self.redeemed += told.redeemed.len() + told.grants.len();
        self.rotated += told.rotations();
        self.revoked += told.revocations();
        self.unanswered += told.unanswered;
    }

    /// The trail has a row for each answer, and none but for requests that nobody answered, `unsure` of them at most.
    async fn audited(&self, server: &Server, unsure: usize) {
        let told = [
            ("DEVICE_CODE_GENERATED", self.codes),
            ("ACCESS_TOKEN_ISSUED", self.redeemed),
            ("TOKEN_REFRESHED", self.rotated),
            ("TOKEN_REVOKED", self.revoked),
        ];
        let mut beyond = 0;
        for (event, times) in told {
            let count = format!("SELECT count(*) FROM audit_logs WHERE event_type = '{event}'");
            let rows = usize::try_from(server.count(&count).await).unwrap();
            assert!(rows >= times, "{event}: {rows} rows for {times} answers");
            beyond += rows - times;
        }
        assert!(beyond <= unsure, "{beyond} rows more than {self:?}");
        audited(server, self.codes, self.redeemed).await;
    }
}

pub async fn audited(server: &Server, codes: usize, redeemed: usize) {
    let count =
        |event: &str| format!("SELECT count(*) FROM audit_logs WHERE event_type = '{event}'");
    let generated = server.count(&count("DEVICE_CODE_GENERATED")).await;
    let issued = server.count(&count("ACCESS_TOKEN_ISSUED")).await;
    assert!(
        generated >= codes as i64,
        "{generated} audit rows for {codes} codes"
    );
    assert!(
        issued >= redeemed as i64,
        "{issued} audit rows for {redeemed} redemptions"
    );
    // And none for what is not there.
    assert_eq!(
        issued,
        server.count("SELECT count(*) FROM token_families").await
    );
}

/// Waits until clients were told so much, however slow the machine is.
async fn until_told(told: &Mutex<Told>, answers: usize) {
    let began = Instant::now();
    loop {
        let count = told.lock().unwrap().answers();
        if count >= answers {
            return;
        }
        assert!(
            began.elapsed() < Duration::from_secs(60),
            "{count} of {answers} answers"
        );
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

async fn kills(engine: Engine, cycles: usize) {
    let mut server = Server::start(engine, &[ROTATION]).await;
    let mut sums = Sums::default();
    for cycle in 0..cycles {
        let approved = server.approved_codes(30).await;
        sums.codes += approved.len();
        let (told, stop) = (
            Arc::new(Mutex::new(Told::default())),
            Arc::new(AtomicBool::new(false)),
        );
        let clients = load(&server, approved, &told, &stop, true).await;
        // After another number of answers in every cycle: among the grants at first, later among the new codes.
        until_told(&told, 1 + (cycle * 7) % 90).await;
        server.signal("KILL");
        server.ended().await;
        for client in clients {
            client.await.unwrap();
        }
        server.launch().await;
        let told = std::mem::take(&mut *told.lock().unwrap());
        assert_eq!(told.failures, Vec::<String>::new());
        check(&server, &told).await;
        sums.add(&told);
        sums.audited(&server, sums.unanswered).await;
    }
    println!("{cycles} x kill -9 on {engine:?}: {sums:?}, no answer lost");
    assert!(sums.redeemed > cycles && sums.rotated > cycles && sums.revoked > cycles / 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost_by_kill_9_on_sqlite() {
    kills(Engine::Sqlite, soak(30)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost_by_kill_9_on_postgres() {
    kills(Engine::Postgres, soak(30)).await;
}

/// F-05: the process dies between two statements of a commit, which `kill -9` hits by luck only.
async fn dies_inside_a_commit(engine: Engine) {
    let mut server = hooks::start(engine, &[]).await;
    let (mut codes, mut redeemed) = (0, 0);
    for point in ["begun", "ran", "settled", "committed"] {
        let approved = server.approved_codes(40).await;
        codes += approved.len();
        let (told, stop) = (
            Arc::new(Mutex::new(Told::default())),
            Arc::new(AtomicBool::new(false)),
        );
        let clients = load(&server, approved.clone(), &told, &stop, false).await;
        until_told(&told, 5).await;
        hooks::arm(&server, &format!("abort.store.{point}"));
        assert!(!server.ended().await.success(), "{point}");
        for client in clients {
            client.await.unwrap();
        }
        server.launch().await;
        let told = std::mem::take(&mut *told.lock().unwrap());
        assert_eq!(told.failures, Vec::<String>::new());
        check(&server, &told).await;
        // Whoever was not answered tries again, and finds a code that is whole or gone.
        let mut http = server.http().await;
        for code in &approved {
            let again = http.poll(&server.client_id, code).await;
            assert!(
                again.status == 200 || again.error() == "invalid_grant",
                "{point}: {again:?}"
            );
        }
        codes += told.codes.len();
        redeemed += approved.len();
        audited(&server, codes, redeemed).await;
        let (families, tokens) = (
            server.count("SELECT count(*) FROM token_families").await,
            server.count("SELECT count(*) FROM access_tokens").await,
        );
        assert_eq!(
            (families, tokens),
            (redeemed as i64, 2 * redeemed as i64),
            "{point}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_is_whole_or_not_at_all_on_sqlite() {
    dies_inside_a_commit(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_is_whole_or_not_at_all_on_postgres() {
    dies_inside_a_commit(Engine::Postgres).await;
}

/// A redemption whose body is not there yet, but which the server has begun to read.
struct Begun {
    stream: tokio::net::TcpStream,
    rest: String,
}

impl Begun {
    async fn of(server: &Server, code: &str) -> Self {
        let request = redemption(server, code);
        let (head, rest) = request.split_once("\r\n\r\n").unwrap();
        let head = format!("{head}\r\nexpect: 100-continue\r\n\r\n");
        let mut stream = connected(server, &head).await;
        // It is told to go on when somebody waits for the body.
        let mut told = [0; 25];
        stream.read_exact(&mut told).await.unwrap();
        assert_eq!(told, *b"HTTP/1.1 100 Continue\r\n\r\n");
        let rest = rest.to_owned();
        Self { stream, rest }
    }

    async fn end(mut self) {
        self.stream.write_all(self.rest.as_bytes()).await.unwrap();
        let mut answer = String::new();
        self.stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
}

async fn stops(engine: Engine, cycles: usize) {
    let mut server = Server::start(engine, &[ROTATION]).await;
    let mut sums = Sums::default();
    for cycle in 0..cycles {
        let mut approved = server.approved_codes(30).await;
        sums.codes += approved.len();
        let mut begun = Vec::new();
        for code in approved.drain(..3) {
            begun.push(Begun::of(&server, &code).await);
        }
        let (told, stop) = (
            Arc::new(Mutex::new(Told::default())),
            Arc::new(AtomicBool::new(false)),
        );
        let clients = load(&server, approved, &told, &stop, true).await;
        until_told(&told, 1 + (cycle * 7) % 90).await;
        server.signal("TERM");
        // What was in flight is waited for, though its peer is slow.
        tokio::time::sleep(Duration::from_millis(100)).await;
        for one in begun {
            one.end().await;
            sums.redeemed += 1;
        }
        let status = server.ended().await;
        assert_eq!(status.code(), Some(0), "{}", server.log());
        for client in clients {
            client.await.unwrap();
        }
        server.launch().await;
        let told = std::mem::take(&mut *told.lock().unwrap());
        assert_eq!(told.failures, Vec::<String>::new());
        check(&server, &told).await;
        sums.add(&told);
        // Who was not answered had sent a request on a connection that was just being closed, and nobody took it up: the
        // trail has one row for each answer and not one more.
        sums.audited(&server, 0).await;
    }
    println!("{cycles} x SIGTERM on {engine:?}: {sums:?}, every one answered and audited");
    assert!(sums.rotated > cycles && sums.revoked > cycles / 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_request_in_flight_is_answered_at_sigterm_on_sqlite() {
    stops(Engine::Sqlite, soak(20)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_request_in_flight_is_answered_at_sigterm_on_postgres() {
    stops(Engine::Postgres, soak(20)).await;
}

/// Peers that send a redemption whole and hang up while its commit is under way; how many of the codes are redeemed when
/// nobody has asked again.
async fn hang_ups(server: &Server, peers: usize, patience: Duration) -> i64 {
    let codes = server.approved_codes(peers).await;
    let mut redeemed = 0;
    // As many as a database has room for, however slow it is: nobody is to be refused.
    for some in codes.chunks(50) {
        hooks::arm(server, "hold.commit");
        let mut callers = Vec::new();
        for code in some {
            callers.push(connected(server, &redemption(server, code)).await);
        }
        let waiting = || async { hooks::held(server, "commit") >= some.len() };
        until("all commits have begun", waiting).await;
        // Some may be of the server itself.
        tokio::time::sleep(Duration::from_millis(100)).await;
        drop(callers);
        // The server is told by each of these connections that nobody waits any more.
        tokio::time::sleep(Duration::from_millis(100)).await;
        hooks::disarm(server, "hold.commit");
        redeemed = settled(server, redeemed + some.len() as i64, patience).await;
    }
    let left = peers as i64 - redeemed;
    for (query, expected) in [
        ("SELECT count(*) FROM device_codes", left),
        ("SELECT count(*) FROM access_tokens", 2 * redeemed),
        (
            "SELECT count(*) FROM audit_logs WHERE event_type = 'ACCESS_TOKEN_ISSUED'",
            redeemed,
        ),
    ] {
        assert_eq!(server.count(query).await, expected, "{query}");
    }
    redeemed
}

/// How many grants there are when all have come, or none has come for a while.
async fn settled(server: &Server, all: i64, patience: Duration) -> i64 {
    let (mut before, mut since) = (-1, Instant::now());
    loop {
        let now = server.count("SELECT count(*) FROM token_families").await;
        if now != before {
            (before, since) = (now, Instant::now());
        }
        if now == all || since.elapsed() > patience {
            return now;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// The redemption of a code, head and body.
fn redemption(server: &Server, code: &str) -> String {
    let form = [
        ("grant_type", crate::support::DEVICE_GRANT),
        ("client_id", &server.client_id),
        ("device_code", code),
    ];
    let body = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(form)
        .finish();
    let length = body.len();
    format!(
        "POST /oauth/token HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-www-form-urlencoded\r\n\
         content-length: {length}\r\n\r\n{body}"
    )
}

/// A connection over which this was sent.
async fn connected(server: &Server, request: &str) -> tokio::net::TcpStream {
    let address = ("127.0.0.1", server.port);
    let mut peer = tokio::net::TcpStream::connect(address).await.unwrap();
    peer.write_all(request.as_bytes()).await.unwrap();
    peer
}

async fn no_commit_is_cut(engine: Engine) {
    let server = hooks::start(engine, &[]).await;
    assert_eq!(
        hang_ups(&server, 1_000, Duration::from_secs(60)).await,
        1_000
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_hangs_up_never_cuts_a_commit_on_sqlite() {
    no_commit_is_cut(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_hangs_up_never_cuts_a_commit_on_postgres() {
    no_commit_is_cut(Engine::Postgres).await;
}

/// A commit that belonged to its request would end with it.
#[tokio::test(flavor = "multi_thread")]
async fn a_commit_without_an_owner_is_cut() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let mut server = hooks::prepared(engine, &[]).await;
        hooks::arm(&server, "unowned");
        server.launch().await;
        server.read_client_id();
        let redeemed = hang_ups(&server, 100, Duration::from_secs(3)).await;
        assert!(redeemed < 100, "{engine:?}: nothing was cut");
    }
}
