//! F-20: every actor panics while requests run. Requests go on, the actor comes back, its figures tell, and nothing that
//! was acknowledged is lost. Whoever panics again and again takes the process with it.
use crate::{
    crash::{Told, audited, check},
    hooks,
    support::{Engine, Http, PASSWORD, Server, field},
};
use serde_json::Value;
use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};
use tokio::task::JoinHandle;

/// Requests that run while actors panic.
struct Load {
    told: Arc<Mutex<Told>>,
    stop: Arc<AtomicBool>,
    clients: Vec<JoinHandle<()>>,
}

/// What one of the clients does.
#[derive(Clone, Copy)]
enum Client {
    /// Redeems approved codes, and starts devices when there are none left.
    Device,
    /// Signs in, with a wrong password every other time.
    Person,
    /// Is refused, and looks at tokens.
    Stranger,
}

/// One request; what it acknowledged goes to `told`. An error means that the connection broke.
async fn ask(
    client: Client,
    http: &mut Http,
    id: &str,
    codes: &Mutex<Vec<String>>,
    told: &Mutex<Told>,
    round: usize,
) -> std::io::Result<()> {
    let (answer, code) = match client {
        Client::Device => {
            let code = codes.lock().unwrap().pop();
            let answer = match &code {
                Some(code) => http.try_poll(id, code).await?,
                None => {
                    http.try_post("/oauth/device/code", &[("client_id", id)])
                        .await?
                }
            };
            (answer, code)
        }
        Client::Person => {
            let page = http
                .try_send(b"GET /login HTTP/1.1\r\nhost: test\r\n\r\n")
                .await?;
            let csrf = field(&page.body, "csrf_token");
            let password = if round.is_multiple_of(2) {
                PASSWORD
            } else {
                "wrong"
            };
            let form = [
                ("username", "admin"),
                ("password", password),
                ("csrf_token", &csrf),
            ];
            let answer = http.try_post("/login", &form).await?;
            http.cookie = None;
            (answer, None)
        }
        Client::Stranger => {
            let form = [
                ("client_id", id),
                ("grant_type", "refresh_token"),
                ("refresh_token", "no"),
            ];
            let path = if round.is_multiple_of(2) {
                "/oauth/token"
            } else {
                "/oauth/device/code"
            };
            (http.try_post(path, &form).await?, None)
        }
    };
    let mut told = told.lock().unwrap();
    match (client, answer.status, code) {
        (Client::Device, 200, Some(code)) => {
            told.redeemed.push((code, answer.text("access_token")));
        }
        (Client::Device | Client::Stranger, 200, None) => {
            told.codes.push(answer.text("device_code"));
        }
        (Client::Person, 302, _) => {}
        // Refused with a reason, or asked to come again: never a fault, never silence.
        (_, 400 | 401, None) => {}
        (_, 503, _) if answer.header("retry-after").is_some() => told.unanswered += 1,
        _ => told.failures.push(format!("{answer:?}")),
    }
    Ok(())
}

impl Load {
    fn begin(server: &Server, codes: Vec<String>) -> Self {
        let told = Arc::new(Mutex::new(Told::default()));
        let stop = Arc::new(AtomicBool::new(false));
        let codes = Arc::new(Mutex::new(codes));
        let kinds = [
            Client::Device,
            Client::Device,
            Client::Device,
            Client::Person,
            Client::Stranger,
        ];
        let clients = kinds.map(|kind| {
            let (told, stop, codes) = (Arc::clone(&told), Arc::clone(&stop), Arc::clone(&codes));
            let (port, id) = (server.port, server.client_id.clone());
            tokio::spawn(async move {
                let mut round = 0;
                while !stop.load(Relaxed) {
                    // While the listener is away connections are refused: whoever comes tries again.
                    let Ok(mut http) = Http::try_new(port).await else {
                        tokio::time::sleep(Duration::from_millis(5)).await;
                        continue;
                    };
                    while !stop.load(Relaxed) {
                        round += 1;
                        if ask(kind, &mut http, &id, &codes, &told, round)
                            .await
                            .is_err()
                        {
                            told.lock().unwrap().unanswered += 1;
                            break;
                        }
                    }
                }
            })
        });
        let clients = clients.into();
        Self {
            told,
            stop,
            clients,
        }
    }

    async fn end(self) -> Told {
        self.stop.store(true, Relaxed);
        for client in self.clients {
            client.await.unwrap();
        }
        std::mem::take(&mut *self.told.lock().unwrap())
    }
}

/// The actors as the server tells of them; waits while nobody listens.
async fn actors(server: &Server, form: &str) -> String {
    let began = Instant::now();
    let request = format!("GET /actors{form} HTTP/1.1\r\nhost: test\r\n\r\n");
    loop {
        if let Ok(mut http) = Http::try_new(server.port).await
            && let Ok(answer) = http.try_send(request.as_bytes()).await
        {
            assert_eq!(answer.status, 200, "{answer:?}");
            return answer.body;
        }
        assert!(
            began.elapsed() < Duration::from_secs(30),
            "{}",
            server.log()
        );
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn tree(server: &Server) -> Vec<Value> {
    let report: Value = serde_json::from_str(&actors(server, "").await).unwrap();
    report["tree"].as_array().unwrap().clone()
}

fn named(actor: &Value) -> String {
    actor["name"].as_str().unwrap().to_owned()
}

/// The actors that do work: all but those who look after others.
async fn workers(server: &Server) -> BTreeSet<String> {
    let tree = tree(server).await;
    let path = |actor: &Value| actor["path"].as_str().unwrap().to_owned();
    let is_parent = |actor: &Value| {
        let below = format!("{}/", path(actor));
        tree.iter().any(|other| path(other).starts_with(&below))
    };
    tree.iter()
        .filter(|actor| !is_parent(actor))
        .map(named)
        .collect()
}

/// Waits until the actor is at work again after so many restarts.
async fn back(server: &Server, name: &str, restarts: u64) -> Value {
    let began = Instant::now();
    loop {
        let tree = tree(server).await;
        let actor = tree.iter().find(|actor| named(actor) == name).unwrap();
        if actor["restarts"]["total"] == restarts && actor["state"] == "running" {
            return actor.clone();
        }
        assert!(began.elapsed() < Duration::from_secs(30), "{actor}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn everybody_panics(engine: Engine) {
    let server = hooks::start(engine, &[]).await;
    let codes = server.approved_codes(120).await;
    let mut all_codes = codes.len();
    let workers = workers(&server).await;
    assert!(workers.len() > 10, "{workers:?}");
    let load = Load::begin(&server, codes);
    for name in &workers {
        let fault = format!("panic.{name}");
        hooks::arm(&server, &fault);
        hooks::struck(&server, &fault).await;
        let actor = back(&server, name, 1).await;
        let last = &actor["restarts"]["last"];
        assert_eq!(last["reason"], "panic", "{actor}");
        assert_eq!(last["text"], format!("struck at {name}"), "{actor}");
        assert_eq!(
            server.http().await.get("/readyz", &[]).await.status,
            200,
            "{name}"
        );
    }
    // Inside a commit, too: whoever commits dies with the transaction open.
    for point in ["begun", "ran", "settled", "committed"] {
        let fault = format!("panic.store.{point}");
        hooks::arm(&server, &fault);
        hooks::struck(&server, &fault).await;
    }
    let progress = load.told.lock().unwrap().codes.len();
    while load.told.lock().unwrap().codes.len() < progress + 20 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let told = load.end().await;
    println!(
        "{} actors panicked on {engine:?}: {} codes and {} redemptions acknowledged, {} asked to come again",
        workers.len(),
        told.codes.len(),
        told.redeemed.len(),
        told.unanswered
    );
    assert_eq!(told.failures, Vec::<String>::new(), "{}", server.log());
    check(&server, &told).await;
    all_codes += told.codes.len();
    audited(&server, all_codes, told.redeemed.len()).await;
    let figures = actors(&server, "?format=prometheus").await;
    for name in &workers {
        for line in [
            format!("authgate_actor_up{{actor=\"{name}\"}} 1"),
            format!("authgate_actor_restarts_total{{actor=\"{name}\",reason=\"panic\"}} "),
        ] {
            assert!(figures.contains(&line), "{line}\n{figures}");
        }
        assert!(
            !figures.contains(&format!(
                "restarts_total{{actor=\"{name}\",reason=\"panic\"}} 0"
            )),
            "{figures}"
        );
    }
    let mut server = server;
    server.signal("TERM");
    assert_eq!(server.ended().await.code(), Some(0), "{}", server.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn every_actor_panics_under_requests_on_sqlite() {
    everybody_panics(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_actor_panics_under_requests_on_postgres() {
    everybody_panics(Engine::Postgres).await;
}

/// Panics again and again: the actor's own supervisor is started again first, and in the end the process gives up.
#[tokio::test(flavor = "multi_thread")]
async fn an_actor_that_cannot_live_ends_the_process() {
    for (name, parent) in [("key_holder", None), ("http_listener", Some("edge"))] {
        let mut server = hooks::start(Engine::Sqlite, &[]).await;
        let fault = format!("panic.{name}");
        let mut strikes = 0;
        while !server.has_ended() {
            assert!(strikes < 40, "{name} is started again for ever");
            hooks::arm(&server, &fault);
            strikes += 1;
            while hooks::is_armed(&server, &fault) && !server.has_ended() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            if let Some(parent) = parent
                && strikes == 4
            {
                back(&server, parent, 1).await;
            }
        }
        assert_eq!(server.ended().await.code(), Some(70), "{}", server.log());
        let log = server.log();
        assert!(log.contains("actor failed too often, giving up"), "{log}");
        println!("{name}: the process ended after {strikes} panics");
    }
}
