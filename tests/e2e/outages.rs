//! F-07: the server of the database is killed under requests and comes back. Whoever asks in between is asked to come
//! again, nobody waits for ever, and what was acknowledged is there afterwards.
use crate::{
    crash::{audited, check},
    faults::{asks_to_come_again, until_status},
    load::Load,
    postgres::Postgres,
    support::{Engine, Http, Server, soak},
};
use std::time::{Duration, Instant};

/// How often any actor had to be started again.
async fn restarts(http: &mut Http) -> u64 {
    let report = http.get("/actors", &[]).await.json();
    let tree = report["tree"].as_array().unwrap();
    let totals = tree
        .iter()
        .map(|actor| actor["restarts"]["total"].as_u64().unwrap());
    totals.sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_server_that_is_killed_loses_nothing_that_was_acknowledged() {
    let mut postgres = Postgres::start().await;
    let mut server = Server::prepared_on(Engine::Postgres, postgres.dsn("postgres"), &[]);
    server.launch().await;
    server.read_client_id();
    let id = server.client_id.clone();
    let (mut codes, mut redeemed, mut unsure) = (0, 0, 0);
    let mut longest = Duration::ZERO;
    for cycle in 0..soak(2) {
        let approved = server.approved_codes(150).await;
        codes += approved.len();
        let load = Load::begin(&server, approved);
        // Amid redemptions at first, then amid new codes.
        let answers = 20 + (cycle * 157) % 400;
        load.until("answers", |told| {
            told.redeemed.len() + told.codes.len() >= answers
        })
        .await;
        postgres.kill();
        let mut http = server.http().await;
        until_status(&mut http, "/health", 503).await;
        assert_eq!(http.get("/readyz", &[]).await.status, 503);
        asks_to_come_again(&mut http, "/oauth/device/code", &[("client_id", &id)]).await;
        for path in ["/livez", "/.well-known/jwks.json", "/login"] {
            assert_eq!(http.get(path, &[]).await.status, 200, "{path}");
        }
        load.until("refusals", |told| told.refused >= 5).await;

        postgres.come_back().await;
        let back = Instant::now();
        until_status(&mut http, "/readyz", 200).await;
        println!("ready {:?} after the database", back.elapsed());
        load.until_more(20).await;
        let mut told = load.end().await;
        assert_eq!(told.failures, Vec::<String>::new(), "{}", server.log());
        // Whoever was not told asks again, and finds a code that is whole or gone.
        unsure += told.unsure.len();
        for code in std::mem::take(&mut told.unsure) {
            let again = http.poll(&id, &code).await;
            if again.status == 200 {
                told.redeemed.push((code, again.text("access_token")));
            } else {
                assert_eq!(again.error(), "invalid_grant", "{again:?}");
            }
        }
        check(&server, &told).await;
        codes += told.codes.len();
        redeemed += told.redeemed.len();
        longest = longest.max(told.longest);
        audited(&server, codes, redeemed).await;
    }
    println!(
        "{codes} codes and {redeemed} redemptions acknowledged, none lost; {unsure} outcomes were unknown; nobody \
         waited longer than {longest:?}"
    );
    assert!(!server.has_ended());
    assert_eq!(restarts(&mut server.http().await).await, 0);
    server.signal("TERM");
    assert_eq!(server.ended().await.code(), Some(0), "{}", server.log());
}

/// Many who ask for different things at the same time do not wait one after the other for a database that is gone.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_waits_in_line_for_a_database_that_is_gone() {
    const ASKERS: usize = 600;
    let mut postgres = Postgres::start().await;
    let mut server = Server::prepared_on(Engine::Postgres, postgres.dsn("postgres"), &[]);
    server.launch().await;
    server.read_client_id();
    let id = server.client_id.clone();
    let codes = server.approved_codes(ASKERS / 2).await;
    let mut http = server.http().await;
    let mut tokens = Vec::new();
    for code in &codes {
        tokens.push(http.poll(&id, code).await.text("access_token"));
    }
    postgres.kill();
    let mut askers = Vec::new();
    for n in 0..ASKERS {
        let token = tokens[n % tokens.len()].clone();
        let mut http = server.http().await;
        askers.push(tokio::spawn(async move {
            let began = Instant::now();
            (http.tokeninfo(&token).await, began.elapsed())
        }));
    }
    let mut longest = Duration::ZERO;
    for asker in askers {
        let (status, waited) = asker.await.unwrap();
        assert_eq!(status, 503);
        longest = longest.max(waited);
    }
    println!("{ASKERS} asked a database that is gone: the longest waited {longest:?}");
    // Three seconds for a connection or five for an answer, and not once for each piece of the line, which would be half a minute.
    assert!(longest < Duration::from_secs(20), "{longest:?}");
}
