//! What waits for the audit writer while the database cannot take it.
use crate::{
    hooks,
    machine::{self, Machine, SECRET, basic},
    support::{Answer, Engine, Http, Server, until},
};
use serde_json::Value;
use std::any::Any;

pub const MACHINE: Machine = Machine {
    id: "machine",
    kind: "confidential",
    flow: true,
    more: &[],
};

/// How often somebody looked at a token, as the trail says.
pub async fn looks(server: &Server) -> u64 {
    let details =
        "SELECT CAST(details AS text) FROM audit_logs WHERE event_type = 'TOKEN_INTROSPECTED'";
    let details = server.texts(details).await;
    let count = |details: &String| {
        let details: Value = serde_json::from_str(details).unwrap();
        details["count"].as_u64().unwrap()
    };
    details.iter().map(count).sum()
}

/// Introspects from an address.
async fn look(http: &mut Http, address: &str, token: &str) -> Answer {
    let basic = basic("machine", SECRET);
    let headers = [
        ("authorization", basic.as_str()),
        ("x-forwarded-for", address),
    ];
    http.post_with("/oauth/introspect", &headers, &[("token", token)])
        .await
}

/// Somebody who lets nobody write until they are dropped.
async fn standing_still(server: &Server) -> Box<dyn Any> {
    match server.engine {
        Engine::Sqlite => Box::new(server.connect_sqlite("BEGIN IMMEDIATE").await),
        Engine::Postgres => {
            let lock = "BEGIN; LOCK TABLE audit_logs IN EXCLUSIVE MODE";
            Box::new(server.connect_postgres(lock).await)
        }
    }
}

/// The audit writer as the server tells of it.
pub async fn writer(http: &mut Http) -> Value {
    let report = http.get("/actors", &[]).await.json();
    let tree = report["tree"].as_array().unwrap();
    let writer = tree.iter().find(|actor| actor["name"] == "audit_writer");
    writer.unwrap().clone()
}

async fn ready(engine: Engine, env: &[(&str, &str)]) -> (Server, Http, String) {
    let mut server = Server::prepared(engine, env).await;
    if engine == Engine::Sqlite {
        let dsn = format!("file:{}?_busy_timeout=300", server.dsn());
        server.set("DATABASE_DSN", &dsn);
    }
    server.launch().await;
    MACHINE.register(&server).await;
    let mut http = server.http().await;
    let token = machine::token(&mut http, "machine", &[]).await;
    (server, http, token.text("access_token"))
}

async fn whoever_finds_no_room_waits(engine: Engine) {
    let env = [
        ("AUDIT_LOG_BUFFER_SIZE", "2"),
        ("TRUSTED_PROXIES", "127.0.0.1"),
    ];
    let (mut server, mut http, token) = ready(engine, &env).await;
    let still = standing_still(&server).await;
    for address in ["192.0.2.1", "192.0.2.2"] {
        assert_eq!(
            look(&mut http, address, &token).await.json()["active"],
            true
        );
    }
    let told = writer(&mut http).await;
    assert_eq!(
        (&told["mailbox"]["depth"], &told["mailbox"]["capacity"]),
        (&2.into(), &2.into())
    );

    // Whoever waits too long is asked to come again, and was told nothing of the token.
    let refused = look(&mut server.http().await, "192.0.2.3", &token).await;
    assert_eq!(refused.status, 503, "{refused:?}");
    assert!(refused.header("retry-after").is_some(), "{refused:?}");
    assert_eq!(writer(&mut http).await["mailbox"]["shed"], 1);

    let (mut caller, own) = (server.http().await, token.clone());
    let waiting = tokio::spawn(async move {
        loop {
            let answer = look(&mut caller, "192.0.2.4", &own).await;
            if answer.status != 503 {
                return answer;
            }
        }
    });
    until("somebody waits", async || {
        writer(&mut http).await["detail"]["callers"] == 1
    })
    .await;
    assert_eq!(looks(&server).await, 0);
    drop(still);
    assert_eq!(waiting.await.unwrap().json()["active"], true);
    until("all is written", async || looks(&server).await == 3).await;
    until("nothing waits", async || {
        writer(&mut http).await["mailbox"]["depth"] == 0
    })
    .await;
    let detail = &writer(&mut http).await["detail"];
    assert_eq!(
        (&detail["callers"], &detail["dead_letters"]),
        (&0.into(), &0.into())
    );
    server.signal("TERM");
    assert_eq!(server.ended().await.code(), Some(0), "{}", server.log());
    assert_eq!(looks(&server).await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_finds_no_room_in_the_trail_waits_on_sqlite() {
    whoever_finds_no_room_waits(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_finds_no_room_in_the_trail_waits_on_postgres() {
    whoever_finds_no_room_waits(Engine::Postgres).await;
}

/// A stop waits for the database as long as the step may take; what it does not take until then is told in full.
#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_written_at_the_end_is_told() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let env = [("AUDIT_SHUTDOWN_TIMEOUT", "1s"), ("DB_CLOSE_TIMEOUT", "1s")];
        let (mut server, mut http, token) = ready(engine, &env).await;
        let still = standing_still(&server).await;
        for _ in 0..3 {
            assert_eq!(look(&mut http, "x", &token).await.status, 200);
        }
        server.signal("TERM");
        assert_eq!(server.ended().await.code(), Some(1), "{}", server.log());
        drop(still);
        let log = server.log();
        assert!(
            log.contains("audit service shutdown timeout: context deadline exceeded"),
            "{log}"
        );
        let told = log
            .lines()
            .find(|line| line.contains("was not written before the end"));
        let told = told.unwrap_or_else(|| panic!("{log}"));
        for part in ["TOKEN_INTROSPECTED", "machine", "count"] {
            assert!(told.contains(part), "{told}");
        }
        assert_eq!(looks(&server).await, 0);
    }
}

/// The writer dies after its commit and before it knows: it writes again, and the row is there once.
#[tokio::test(flavor = "multi_thread")]
async fn a_writer_that_dies_after_its_commit_counts_nothing_twice() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let server = hooks::start(engine, &[]).await;
        MACHINE.register(&server).await;
        let mut http = server.http().await;
        let token = machine::token(&mut http, "machine", &[])
            .await
            .text("access_token");
        hooks::arm(&server, "panic.audit_writer.committed");
        for _ in 0..5 {
            assert_eq!(look(&mut http, "x", &token).await.status, 200);
        }
        hooks::struck(&server, "panic.audit_writer.committed").await;
        until("it is back", async || {
            let writer = writer(&mut http).await;
            writer["restarts"]["total"] == 1 && writer["mailbox"]["depth"] == 0
        })
        .await;
        assert_eq!(looks(&server).await, 5, "{}", server.log());
    }
}

/// `ENABLE_AUDIT_LOGGING=false` switches off what belongs to a change, too, and nothing else.
#[tokio::test(flavor = "multi_thread")]
async fn switched_off_nothing_at_all_is_written() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let server = Server::start(engine, &[("ENABLE_AUDIT_LOGGING", "false")]).await;
        MACHINE.register(&server).await;
        let (mut tool, mut person) = (server.http().await, server.http().await);
        assert_eq!(person.sign_in_with("wrong").await.status, 401);
        person.sign_in().await;
        let form = [("client_id", server.client_id.as_str())];
        let started = tool.post("/oauth/device/code", &form).await;
        let done = person.decide(&started.text("user_code"), "approve").await;
        assert_eq!(done.status, 200);
        let tokens = tool
            .poll(&server.client_id, &started.text("device_code"))
            .await;
        let refresh = tokens.text("refresh_token");
        let next = tool.refresh(&server.client_id, &refresh).await;
        assert_eq!(next.status, 200, "{next:?}");
        let seen = look(&mut tool, "192.0.2.1", &next.text("access_token")).await;
        assert_eq!(seen.json()["active"], true);
        let gone = [form[0], ("token", refresh.as_str())];
        assert_eq!(tool.post("/oauth/revoke", &gone).await.status, 200);
        assert_eq!(person.get("/admin/audit", &[]).await.status, 200);
        // Whatever waits is written at the end.
        server.signal("TERM");
        let mut server = server;
        assert!(server.ended().await.success());
        assert_eq!(server.count("SELECT count(*) FROM audit_logs").await, 0);
    }
}
