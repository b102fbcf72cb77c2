//! Whatever may happen once happens once, whoever tries at the same time. On PostgreSQL two servers are asked.
use crate::{
    app::{self, Ask},
    client_auth, hooks,
    support::{Engine, Http, Server, soak},
};
use std::sync::Arc;
use tokio::sync::Barrier;

/// Of each kind, raced one after the other.
const CODES: usize = 500;
const AT_ONCE: usize = 8;

#[derive(Clone, Copy)]
enum Race {
    Redeem,
    Exchange,
    Rotate,
}

/// The servers that are asked: on PostgreSQL a second one on the same database.
async fn pods(server: Server) -> Vec<Server> {
    let mut pods = vec![server];
    if pods[0].engine == Engine::Postgres {
        pods.push(pods[0].beside().await);
    }
    pods
}

/// Sends the same request for every item from eight connections at once, which the servers share; how often each came
/// off.
async fn race(pods: &[Server], what: Race, items: Vec<String>) -> Vec<usize> {
    let (items, barrier) = (Arc::new(items), Arc::new(Barrier::new(AT_ONCE)));
    let mut racers = Vec::new();
    for server in pods.iter().cycle().take(AT_ONCE) {
        let (items, barrier) = (Arc::clone(&items), Arc::clone(&barrier));
        let (mut http, client_id) = (server.http().await, server.client_id.clone());
        racers.push(tokio::spawn(async move {
            let mut came_off = Vec::with_capacity(items.len());
            for item in items.iter() {
                barrier.wait().await;
                let answer = match what {
                    Race::Redeem => http.poll(&client_id, item).await,
                    Race::Exchange => app::exchange(&mut http, "public", item, &[]).await,
                    Race::Rotate => http.refresh(&client_id, item).await,
                };
                assert!(answer.status < 500, "{answer:?}");
                came_off.push(answer.status == 200);
            }
            came_off
        }));
    }
    let mut totals = vec![0; items.len()];
    for racer in racers {
        for (total, came_off) in totals.iter_mut().zip(racer.await.unwrap()) {
            *total += usize::from(came_off);
        }
    }
    totals
}

fn assert_once(what: &str, pods: &[Server], totals: &[usize]) {
    let wrong = totals.iter().filter(|total| **total != 1).count();
    println!(
        "{what} on {} server(s) with {:?}: {} x {AT_ONCE}, {wrong} of them not exactly one",
        pods.len(),
        pods[0].engine,
        totals.len()
    );
    assert_eq!(wrong, 0, "every {what} must come off exactly one time");
}

async fn device_codes(engine: Engine) {
    let pods = pods(Server::start(engine, &[]).await).await;
    let codes = pods[0].approved_codes(soak(CODES)).await;
    assert_once(
        "device code",
        &pods,
        &race(&pods, Race::Redeem, codes).await,
    );
    assert_eq!(
        pods[0]
            .count("SELECT count(*) FROM access_tokens WHERE token_category = 'refresh'")
            .await,
        soak(CODES) as i64
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_code_is_redeemed_once_on_sqlite() {
    device_codes(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_code_is_redeemed_once_on_postgres() {
    device_codes(Engine::Postgres).await;
}

async fn refresh_tokens(server: &Server, many: usize) -> Vec<String> {
    let codes = server.approved_codes(many).await;
    let mut http: Http = server.http().await;
    let mut tokens = Vec::with_capacity(many);
    for code in codes {
        tokens.push(
            http.poll(&server.client_id, &code)
                .await
                .text("refresh_token"),
        );
    }
    tokens
}

async fn rotations(engine: Engine) {
    let pods = pods(Server::start(engine, &[("ENABLE_TOKEN_ROTATION", "true")]).await).await;
    let tokens = refresh_tokens(&pods[0], soak(CODES)).await;
    assert_once(
        "refresh token",
        &pods,
        &race(&pods, Race::Rotate, tokens).await,
    );
    // Seven of eight were replays: every family is dead, whoever won.
    assert_eq!(
        pods[0]
            .count("SELECT count(*) FROM access_tokens WHERE status = 'active'")
            .await,
        0
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_token_is_rotated_once_on_sqlite() {
    rotations(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_token_is_rotated_once_on_postgres() {
    rotations(Engine::Postgres).await;
}

/// A revocation in the middle of rotations: when both have answered, nothing of the family is alive.
async fn revocations(engine: Engine) {
    const ROUNDS: usize = 300;
    let pods = pods(Server::start(engine, &[("ENABLE_TOKEN_ROTATION", "true")]).await).await;
    let (server, other) = (&pods[0], &pods[pods.len() - 1]);
    let tokens = refresh_tokens(server, soak(ROUNDS)).await;
    let (mut rotating, mut revoking, mut looking) =
        (server.http().await, other.http().await, other.http().await);
    for token in tokens {
        let revoke = [
            ("token", token.as_str()),
            ("client_id", server.client_id.as_str()),
        ];
        let (rotated, revoked) = tokio::join!(
            rotating.refresh(&server.client_id, &token),
            revoking.post("/oauth/revoke", &revoke)
        );
        assert_eq!(revoked.status, 200, "{revoked:?}");
        if rotated.status == 200 {
            assert_eq!(looking.tokeninfo(&rotated.text("access_token")).await, 401);
            assert_eq!(
                looking
                    .refresh(&server.client_id, &rotated.text("refresh_token"))
                    .await
                    .error(),
                "invalid_grant"
            );
        }
    }
    assert_eq!(
        server
            .count("SELECT count(*) FROM access_tokens WHERE status = 'active'")
            .await,
        0
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_outlives_a_revocation_on_sqlite() {
    revocations(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_outlives_a_revocation_on_postgres() {
    revocations(Engine::Postgres).await;
}

/// Codes of a person who allowed each of them.
async fn authorization_codes(server: &Server, many: usize) -> Vec<String> {
    app::register(server, "public", "public", &[app::CALLBACK]).await;
    let mut person = server.http().await;
    person.sign_in().await;
    let ask = Ask::of("public");
    let mut codes = Vec::with_capacity(many);
    for _ in 0..many {
        codes.push(app::code(&mut person, &ask).await);
    }
    codes
}

async fn exchanges(engine: Engine) {
    let pods = pods(Server::start(engine, &[]).await).await;
    let codes = authorization_codes(&pods[0], soak(CODES)).await;
    assert_once(
        "authorization code",
        &pods,
        &race(&pods, Race::Exchange, codes).await,
    );
    // Seven of eight were replays: what the first one got is dead.
    let alive = "SELECT count(*) FROM access_tokens WHERE status = 'active'";
    assert_eq!(pods[0].count(alive).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authorization_code_is_redeemed_once_on_sqlite() {
    exchanges(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authorization_code_is_redeemed_once_on_postgres() {
    exchanges(Engine::Postgres).await;
}

/// RT-05: within the grace everybody is answered, and still one refresh token counts.
async fn retries(engine: Engine) {
    const ROUNDS: usize = 50;
    let env = [
        ("ENABLE_TOKEN_ROTATION", "true"),
        ("REFRESH_RETRY_GRACE", "60s"),
    ];
    let pods = pods(Server::start(engine, &env).await).await;
    let tokens = refresh_tokens(&pods[0], ROUNDS).await;
    let totals = race(&pods, Race::Rotate, tokens).await;
    assert!(totals.iter().all(|total| *total == AT_ONCE), "{totals:?}");
    let alive =
        "SELECT count(*) FROM access_tokens WHERE token_category = 'refresh' AND status = 'active'";
    assert_eq!(pods[0].count(alive).await, ROUNDS as i64);
}

#[tokio::test(flavor = "multi_thread")]
async fn grace_never_branches_on_sqlite() {
    retries(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn grace_never_branches_on_postgres() {
    retries(Engine::Postgres).await;
}

/// A race test that cannot fail shows nothing: without the guards every kind of artefact is seen to come off twice.
#[tokio::test(flavor = "multi_thread")]
async fn without_the_guards_every_race_is_lost() {
    const MANY: usize = 60;
    let env = [("ENABLE_TOKEN_ROTATION", "true")];
    let mut server = hooks::prepared(Engine::Postgres, &env).await;
    hooks::arm(&server, "unguarded");
    server.launch().await;
    server.read_client_id();
    let pods = [server];
    let (devices, tokens) = (
        pods[0].approved_codes(MANY).await,
        refresh_tokens(&pods[0], MANY).await,
    );
    let codes = authorization_codes(&pods[0], MANY).await;
    for (what, totals) in [
        ("device code", race(&pods, Race::Redeem, devices).await),
        (
            "authorization code",
            race(&pods, Race::Exchange, codes).await,
        ),
        ("refresh token", race(&pods, Race::Rotate, tokens).await),
        ("assertion", client_auth::assertion_race(&pods[0]).await),
    ] {
        let doubled = totals.iter().filter(|total| **total > 1).count();
        println!(
            "{what} without its guard: {doubled} of {} came off more than once",
            totals.len()
        );
        assert!(doubled > 0, "the race of the {what} cannot fail");
    }
}
