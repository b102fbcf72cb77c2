//! Looking at tokens while they are revoked: requests of the same moment share a statement, and none sees what was before it.
use crate::support::{Engine, Server};
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering::SeqCst},
};

const TOKENS: usize = 48;
const LOOKERS: usize = 16;

struct World {
    tokens: Vec<String>,
    /// Whether the answer to its revocation has been read.
    revoked: Vec<AtomicBool>,
    over: AtomicBool,
}

async fn world(server: &Server) -> Arc<World> {
    let codes = server.approved_codes(TOKENS).await;
    let mut http = server.http().await;
    let mut tokens = Vec::new();
    for code in codes {
        let answer = http.poll(&server.client_id, &code).await;
        tokens.push(answer.text("access_token"));
    }
    Arc::new(World {
        revoked: tokens.iter().map(|_| AtomicBool::new(false)).collect(),
        tokens,
        over: AtomicBool::new(false),
    })
}

async fn revocations(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let world = world(&server).await;
    let mut lookers = Vec::new();
    for first in 0..LOOKERS {
        let (world, mut http) = (Arc::clone(&world), server.http().await);
        lookers.push(tokio::spawn(async move {
            let mut looks = 0_usize;
            while !world.over.load(SeqCst) {
                let n = (first + looks) % TOKENS;
                let was_revoked = world.revoked[n].load(SeqCst);
                match http.tokeninfo(&world.tokens[n]).await {
                    200 => assert!(!was_revoked, "token {n} counts after its revocation"),
                    // Every other token is never revoked.
                    401 => assert_eq!(n % 2, 0, "token {n} must count"),
                    status => panic!("{status}"),
                }
                looks += 1;
            }
            looks
        }));
    }
    let mut http = server.http().await;
    for n in (0..TOKENS).step_by(2) {
        let form = [
            ("token", world.tokens[n].as_str()),
            ("client_id", &server.client_id),
        ];
        assert_eq!(http.post("/oauth/revoke", &form).await.status, 200);
        world.revoked[n].store(true, SeqCst);
    }
    world.over.store(true, SeqCst);
    let mut looks = 0;
    for looker in lookers {
        looks += looker.await.unwrap();
    }
    println!("{looks} looks on {engine:?}");
    for (n, token) in world.tokens.iter().enumerate() {
        let expected = if n % 2 == 0 { 401 } else { 200 };
        assert_eq!(http.tokeninfo(token).await, expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revocation_is_seen_by_every_look_that_follows_on_sqlite() {
    revocations(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revocation_is_seen_by_every_look_that_follows_on_postgres() {
    revocations(Engine::Postgres).await;
}
