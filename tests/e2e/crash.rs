//! `kill -9` and SIGTERM under load: whatever was acknowledged is there afterwards.
use crate::{
    hooks,
    support::{Engine, Http, Server, soak},
};
use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering},
};
use std::time::Duration;

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
}

const CLIENTS: usize = 8;

/// Clients that start devices and redeem approved codes until told to stop or cut off.
async fn load(
    server: &Server,
    codes: Vec<String>,
    told: &Arc<Mutex<Told>>,
    stop: &Arc<AtomicBool>,
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
            while !stop.load(Ordering::Relaxed) {
                let code = codes.lock().unwrap().pop();
                let answer = match &code {
                    Some(code) => http.try_poll(&id, code).await,
                    None => {
                        http.try_post("/oauth/device/code", &[("client_id", &id)])
                            .await
                    }
                };
                let Ok(answer) = answer else {
                    told.lock().unwrap().unanswered += 1;
                    return;
                };
                let mut told = told.lock().unwrap();
                match (answer.status, code) {
                    (200, Some(code)) => told.redeemed.push((code, answer.text("access_token"))),
                    (200, None) => told.codes.push(answer.text("device_code")),
                    _ => told.failures.push(format!("{answer:?}")),
                }
                if answer.header("connection").as_deref() == Some("close") {
                    return;
                }
            }
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
    let began = std::time::Instant::now();
    loop {
        let count = {
            let told = told.lock().unwrap();
            told.redeemed.len() + told.codes.len() + told.failures.len()
        };
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
    let mut server = Server::start(engine, &[]).await;
    let (mut codes, mut redeemed) = (0, 0);
    for cycle in 0..cycles {
        let approved = server.approved_codes(40).await;
        codes += approved.len();
        let (told, stop) = (
            Arc::new(Mutex::new(Told::default())),
            Arc::new(AtomicBool::new(false)),
        );
        let clients = load(&server, approved, &told, &stop).await;
        // After another number of answers in every cycle: among the redemptions at first, later among the new codes.
        let answers = 1 + (cycle * 7) % 60;
        until_told(&told, answers).await;
        server.signal("KILL");
        server.ended().await;
        for client in clients {
            client.await.unwrap();
        }
        server.launch().await;
        let told = std::mem::take(&mut *told.lock().unwrap());
        assert_eq!(told.failures, Vec::<String>::new());
        check(&server, &told).await;
        codes += told.codes.len();
        redeemed += told.redeemed.len();
        audited(&server, codes, redeemed).await;
    }
    println!(
        "{cycles} x kill -9 on {engine:?}: {codes} codes and {redeemed} redemptions acknowledged, none lost"
    );
    assert!(redeemed > cycles);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost_by_kill_9_on_sqlite() {
    kills(Engine::Sqlite, soak(30)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost_by_kill_9_on_postgres() {
    kills(Engine::Postgres, soak(10)).await;
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
        let clients = load(&server, approved.clone(), &told, &stop).await;
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

async fn stops(engine: Engine, cycles: usize) {
    let mut server = Server::start(engine, &[]).await;
    let (mut codes, mut redeemed) = (0, 0);
    for cycle in 0..cycles {
        let approved = server.approved_codes(40).await;
        codes += approved.len();
        let (told, stop) = (
            Arc::new(Mutex::new(Told::default())),
            Arc::new(AtomicBool::new(false)),
        );
        let clients = load(&server, approved, &told, &stop).await;
        until_told(&told, 1 + (cycle * 7) % 60).await;
        server.signal("TERM");
        let status = server.ended().await;
        assert_eq!(status.code(), Some(0), "{}", server.log());
        for client in clients {
            client.await.unwrap();
        }
        server.launch().await;
        let told = std::mem::take(&mut *told.lock().unwrap());
        assert_eq!(told.failures, Vec::<String>::new());
        check(&server, &told).await;
        codes += told.codes.len();
        redeemed += told.redeemed.len();
        // In order means exactly: one row for each answer, not one more.
        assert_eq!(
            server
                .count("SELECT count(*) FROM audit_logs WHERE event_type = 'ACCESS_TOKEN_ISSUED'")
                .await,
            redeemed as i64
        );
        audited(&server, codes, redeemed).await;
    }
    println!(
        "{cycles} x SIGTERM on {engine:?}: {codes} codes and {redeemed} redemptions, every one answered and audited"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn every_request_in_flight_is_answered_at_sigterm_on_sqlite() {
    stops(Engine::Sqlite, soak(20)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_request_in_flight_is_answered_at_sigterm_on_postgres() {
    stops(Engine::Postgres, soak(20)).await;
}

/// Peers that send a redemption whole and hang up without waiting for its answer: each code is redeemed as a whole, by
/// them or by whoever asks afterwards, and never in part.
async fn hang_ups(engine: Engine, peers: usize) {
    use tokio::io::AsyncWriteExt as _;
    let mut server = Server::start(engine, &[]).await;
    let codes = server.approved_codes(peers).await;
    for code in &codes {
        let form = [
            ("grant_type", crate::support::DEVICE_GRANT),
            ("client_id", &server.client_id),
            ("device_code", code),
        ];
        let body = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(form)
            .finish();
        let length = body.len();
        let request = format!(
            "POST /oauth/token HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-www-form-urlencoded\r\n\
             content-length: {length}\r\n\r\n{body}"
        );
        let mut peer = tokio::net::TcpStream::connect(("127.0.0.1", server.port))
            .await
            .unwrap();
        peer.write_all(request.as_bytes()).await.unwrap();
    }
    let (mut http, mut gone) = (server.http().await, 0);
    for code in &codes {
        let answer = http.poll(&server.client_id, code).await;
        if answer.status != 200 {
            assert_eq!(answer.error(), "invalid_grant");
            gone += 1;
        }
    }
    server.signal("TERM");
    assert_eq!(server.ended().await.code(), Some(0), "{}", server.log());
    println!("{peers} peers hung up on {engine:?}: {gone} of their redemptions were committed");
    let peers = i64::try_from(peers).unwrap();
    for (query, expected) in [
        ("SELECT count(*) FROM device_codes", 0),
        ("SELECT count(*) FROM token_families", peers),
        ("SELECT count(*) FROM access_tokens", 2 * peers),
        (
            "SELECT count(*) FROM audit_logs WHERE event_type = 'ACCESS_TOKEN_ISSUED'",
            peers,
        ),
    ] {
        assert_eq!(server.count(query).await, expected, "{query}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_hangs_up_never_cuts_a_commit_on_sqlite() {
    hang_ups(Engine::Sqlite, 1000).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_hangs_up_never_cuts_a_commit_on_postgres() {
    hang_ups(Engine::Postgres, 300).await;
}
