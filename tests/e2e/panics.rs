//! F-20: every actor panics while requests run. Requests go on, the actor comes back, its figures tell, and nothing that
//! was acknowledged is lost. Whoever panics again and again takes the process with it.
use crate::{
    crash::{audited, check},
    hooks,
    load::Load,
    support::{Engine, Http, Server},
};
use serde_json::Value;
use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

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
    load.until_more(20).await;
    let told = load.end().await;
    println!(
        "{} actors panicked on {engine:?}: {} codes and {} redemptions acknowledged, {} asked to come again",
        workers.len(),
        told.codes.len(),
        told.redeemed.len(),
        told.unanswered + told.refused
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

/// `/readyz` goes on saying yes while an actor is started again, and tells whoever may know which one it is.
#[tokio::test(flavor = "multi_thread")]
async fn readyz_names_an_actor_that_is_started_again() {
    let server = hooks::start(Engine::Sqlite, &[]).await;
    let mut http = server.http().await;
    let named = async |http: &mut Http| {
        let answer = http.get("/readyz?verbose", &[]).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let degraded = answer.json()["degraded"].clone();
        degraded["limit_sweeper"].as_str().map(str::to_owned)
    };
    // The pause before a start doubles with each failure, so that it is met however slow the machine is.
    for strikes in 1.. {
        assert!(strikes < 8, "it is never named");
        hooks::arm(&server, "panic.limit_sweeper");
        hooks::struck(&server, "panic.limit_sweeper").await;
        if let Some(why) = named(&mut http).await {
            assert!(why.contains("struck at limit_sweeper"), "{why}");
            break;
        }
    }
    let began = Instant::now();
    while named(&mut http).await.is_some() {
        assert!(
            began.elapsed() < Duration::from_secs(30),
            "it never comes back"
        );
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
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
