//! Requests of several kinds that run while something fails, and what their senders were told.
use crate::{
    crash::Told,
    support::{Http, PASSWORD, Server, field},
};
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};
use tokio::task::JoinHandle;

/// A request that is answered later than this hangs, however slow the machine is.
const HANGS: Duration = Duration::from_secs(20);

/// Requests that run until they are told to end.
pub struct Load {
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

/// What all clients share.
#[derive(Clone)]
struct Shared {
    client_id: String,
    codes: Arc<Mutex<Vec<String>>>,
    told: Arc<Mutex<Told>>,
}

impl Shared {
    /// One request; what it acknowledged is noted. An error means that the connection broke.
    async fn ask(&self, client: Client, http: &mut Http, round: usize) -> std::io::Result<()> {
        let id = self.client_id.as_str();
        let mut code = None;
        let began = Instant::now();
        let answer = match client {
            Client::Device => {
                code = self.codes.lock().unwrap().pop();
                match &code {
                    Some(code) => in_time(http.try_poll(id, code)).await,
                    None => {
                        in_time(http.try_post("/oauth/device/code", &[("client_id", id)])).await
                    }
                }
            }
            Client::Person => sign_in(http, round).await,
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
                in_time(http.try_post(path, &form)).await
            }
        };
        let mut told = self.told.lock().unwrap();
        told.longest = told.longest.max(began.elapsed());
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => {
                told.unanswered += 1;
                told.unsure.extend(code);
                return Err(error);
            }
        };
        match (client, answer.status, code) {
            (Client::Device, 200, Some(code)) => {
                told.redeemed.push((code, answer.text("access_token")));
            }
            (Client::Device | Client::Stranger, 200, None) => {
                told.codes.push(answer.text("device_code"));
            }
            (Client::Person, 302, _) => told.signed_in += 1,
            // Refused with a reason, or asked to come again: never a fault, never silence.
            (_, 400 | 401, None) => {}
            (_, 503, code) if answer.header("retry-after").is_some() => {
                told.refused += 1;
                told.unsure.extend(code);
            }
            _ => told.failures.push(format!("{answer:?}")),
        }
        Ok(())
    }
}

async fn in_time<T>(answer: impl Future<Output = std::io::Result<T>>) -> std::io::Result<T> {
    tokio::time::timeout(HANGS, answer)
        .await
        .unwrap_or_else(|_| panic!("a request hangs"))
}

async fn sign_in(http: &mut Http, round: usize) -> std::io::Result<crate::http::Answer> {
    http.cookie = None;
    let page = in_time(http.try_send(b"GET /login HTTP/1.1\r\nhost: test\r\n\r\n")).await?;
    if page.status != 200 {
        return Ok(page);
    }
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
    in_time(http.try_post("/login", &form)).await
}

impl Load {
    /// Three devices, a person and a stranger, who come again whenever their connection breaks.
    pub fn begin(server: &Server, codes: Vec<String>) -> Self {
        let shared = Shared {
            client_id: server.client_id.clone(),
            codes: Arc::new(Mutex::new(codes)),
            told: Arc::default(),
        };
        let stop = Arc::new(AtomicBool::new(false));
        let kinds = [
            Client::Device,
            Client::Device,
            Client::Device,
            Client::Person,
            Client::Stranger,
        ];
        let clients = kinds.map(|kind| {
            let (shared, stop, port) = (shared.clone(), Arc::clone(&stop), server.port);
            tokio::spawn(async move {
                let mut round = 0;
                while !stop.load(Relaxed) {
                    // While nobody listens connections are refused: whoever comes tries again.
                    let Ok(mut http) = Http::try_new(port).await else {
                        tokio::time::sleep(Duration::from_millis(5)).await;
                        continue;
                    };
                    while !stop.load(Relaxed) {
                        round += 1;
                        if shared.ask(kind, &mut http, round).await.is_err() {
                            break;
                        }
                    }
                }
            })
        });
        Self {
            told: shared.told,
            stop,
            clients: clients.into(),
        }
    }

    /// Waits until clients were told what `enough` asks for, however slow the machine is.
    pub async fn until(&self, what: &str, enough: impl Fn(&Told) -> bool) {
        let began = Instant::now();
        while !enough(&self.told.lock().unwrap()) {
            assert!(began.elapsed() < Duration::from_secs(60), "never: {what}");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// Waits for so many more device codes.
    pub async fn until_more(&self, codes: usize) {
        let before = self.told.lock().unwrap().codes.len();
        self.until("more codes", |told| told.codes.len() >= before + codes)
            .await;
    }

    /// Ends the requests; what their senders were told.
    pub async fn end(self) -> Told {
        self.stop.store(true, Relaxed);
        for client in self.clients {
            client.await.unwrap();
        }
        std::mem::take(&mut *self.told.lock().unwrap())
    }
}
