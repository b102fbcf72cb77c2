//! A connection to PostgreSQL that was given up on gives its place to another one: neither a row that somebody keeps locked
//! nor a server that was replaced without a word leaves requests without connections.
use crate::{
    faults::{Line, Proxy, until_status},
    support::{Engine, Http, Server},
};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;

/// As many connections as there are requests in each of these tests.
const FEW: (&str, &str) = ("DB_MAX_OPEN_CONNS", "3");

async fn until_known(http: &mut Http, token: &str) {
    let began = Instant::now();
    while http.tokeninfo(token).await != 200 {
        assert!(
            began.elapsed() < Duration::from_secs(30),
            "no connection comes back"
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Polls for each of these codes at the same time.
async fn poll_all(server: &Server, codes: &[String]) -> Vec<JoinHandle<u16>> {
    let mut askers = Vec::new();
    for code in codes {
        let (code, id) = (code.clone(), server.client_id.clone());
        let mut http = server.http().await;
        let poll = async move { http.poll(&id, &code).await.status };
        askers.push(tokio::spawn(poll));
    }
    askers
}

async fn answers(askers: Vec<JoinHandle<u16>>) -> Vec<u16> {
    let mut answers = Vec::new();
    for asker in askers {
        let answer = tokio::time::timeout(Duration::from_secs(30), asker).await;
        answers.push(answer.expect("somebody waits for ever").unwrap());
    }
    answers
}

/// Another program that keeps the row of the client locked.
async fn locked_client(server: &Server) -> PgConnection {
    let mut holder = PgConnection::connect(server.dsn()).await.unwrap();
    let lock = format!(
        "BEGIN; UPDATE oauth_applications SET updated_at = now() WHERE client_id = '{}'",
        server.client_id
    );
    let lock = sqlx::raw_sql(AssertSqlSafe(lock));
    lock.execute(&mut holder).await.unwrap();
    holder
}

/// How many statements wait for a lock.
const WAITING: &str = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
                       AND wait_event_type = 'Lock'";

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_stays_locked_costs_those_who_need_it_and_nobody_else() {
    // With our time-outs, and with those of an operator who wants none.
    for session in ["", "?lock_timeout=0&statement_timeout=0"] {
        let mut server = Server::prepared(Engine::Postgres, &[FEW]).await;
        let dsn = format!("{}{session}", server.dsn());
        server.set("DATABASE_DSN", &dsn);
        server.launch().await;
        server.read_client_id();
        let mut codes = server.approved_codes(4).await;
        let mut http = server.http().await;
        let first = http.poll(&server.client_id, &codes.remove(0)).await;
        let token = first.text("access_token");

        let mut holder = locked_client(&server).await;
        assert_eq!(answers(poll_all(&server, &codes).await).await, [503; 3]);
        until_known(&mut http, &token).await;
        until_status(&mut http, "/health", 200).await;
        http.sign_in().await;
        if session.is_empty() {
            assert_eq!(
                server.count(WAITING).await,
                0,
                "the database waits for nobody"
            );
        }
        let unlock = sqlx::raw_sql("ROLLBACK");
        unlock.execute(&mut holder).await.unwrap();
        assert_eq!(answers(poll_all(&server, &codes).await).await, [200; 3]);
        server.signal("TERM");
        assert_eq!(server.ended().await.code(), Some(0), "{}", server.log());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_was_replaced_without_a_word_is_found_again() {
    let mut server = Server::prepared(Engine::Postgres, &[FEW]).await;
    let proxy = Proxy::before(&mut server).await;
    server.launch().await;
    server.read_client_id();
    let mut codes = server.approved_codes(4).await;
    let mut http = server.http().await;
    let first = http.poll(&server.client_id, &codes.remove(0)).await;
    let token = first.text("access_token");

    // Every connection is in the middle of a statement when the line falls silent.
    let mut holder = locked_client(&server).await;
    let askers = poll_all(&server, &codes).await;
    let began = Instant::now();
    while server.count(WAITING).await < 3 {
        assert!(began.elapsed() < Duration::from_secs(30), "nobody waits");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    proxy.set(Line::Silent);
    assert_eq!(answers(askers).await, [503; 3]);
    let unlock = sqlx::raw_sql("ROLLBACK");
    unlock.execute(&mut holder).await.unwrap();
    proxy.set(Line::Replaced);
    until_known(&mut http, &token).await;
    until_status(&mut http, "/readyz", 200).await;
    assert_eq!(answers(poll_all(&server, &codes).await).await, [200; 3]);
    server.signal("TERM");
    assert_eq!(server.ended().await.code(), Some(0), "{}", server.log());
}
