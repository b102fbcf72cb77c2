use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use super::signals::Received;
use super::*;

const INT: Received = Received::Stop(Signal::Interrupt);
const TERM: Received = Received::Stop(Signal::Terminate);

fn signals() -> (mpsc::Sender<Received>, Signals) {
    let (sender, receiver) = mpsc::channel(4);
    (sender, Signals::from_stream(receiver))
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn budgets() -> Budgets {
    Budgets {
        delay: seconds(3),
        http: seconds(5),
        work: seconds(2),
        audit: seconds(10),
        caches: seconds(4),
        redis: seconds(6),
        database: seconds(7),
    }
}

type Diary = Arc<Mutex<Vec<(String, u64)>>>;

/// A part that notes when it was asked to stop and ends after `takes` seconds, or never.
fn part(shutdown: &mut Shutdown, diary: &Diary, (step, name): (Step, &str), takes: Option<u64>) {
    let (diary, noted, began) = (Arc::clone(diary), name.to_owned(), Instant::now());
    shutdown.add(step, name, async move {
        let at = began.elapsed().as_secs();
        diary.lock().unwrap().push((noted, at));
        match takes {
            Some(takes) => tokio::time::sleep(seconds(takes)).await,
            None => std::future::pending().await,
        }
        Ok(())
    });
}

const PARTS: [(Step, &str); 10] = [
    // Declared in another order than they are stopped in.
    (Step::Database, "database"),
    (Step::Redis, "rate limits"),
    (Step::Caches, "user cache"),
    (Step::Caches, "token cache"),
    (Step::Audit, "audit_writer"),
    (Step::Work, "password_hasher"),
    (Step::Work, "upkeep"),
    (Step::Work, "device_code_poller"),
    (Step::Work, "commits"),
    (Step::Http, "http_listener"),
];

fn names(diary: &Diary) -> Vec<(String, u64)> {
    diary.lock().unwrap().clone()
}

fn at(expected: &[(&str, u64)]) -> Vec<(String, u64)> {
    let owned = expected.iter().map(|(name, at)| ((*name).to_owned(), *at));
    owned.collect()
}

#[tokio::test(start_paused = true)]
async fn everything_stops_in_order_and_the_exit_code_is_zero() {
    let diary = Diary::default();
    let mut shutdown = Shutdown::new(budgets());
    for named in PARTS {
        part(&mut shutdown, &diary, named, Some(1));
    }
    let stopped = shutdown.run().await;
    let order = [
        ("http_listener", 3),
        ("password_hasher", 4),
        ("upkeep", 4),
        ("device_code_poller", 4),
        ("commits", 4),
        ("audit_writer", 5),
        ("user cache", 6),
        ("token cache", 6),
        ("rate limits", 7),
        ("database", 8),
    ];
    assert_eq!(names(&diary), at(&order));
    assert!(
        stopped
            .iter()
            .all(|part| part.is_clean() && part.took == seconds(1))
    );
    let ending = Ending {
        signal: Some(Signal::Terminate),
        escalated: None,
        stopped,
    };
    assert_eq!(ending.exit_code(), 0);
}

#[tokio::test(start_paused = true)]
async fn each_step_that_runs_out_is_reported_and_the_next_begins_with_its_whole_budget() {
    let diary = Diary::default();
    let mut shutdown = Shutdown::new(budgets());
    for named in PARTS {
        part(&mut shutdown, &diary, named, None);
    }
    let stopped = shutdown.run().await;
    let begun = [
        ("http_listener", 3),
        ("password_hasher", 8),
        ("upkeep", 8),
        ("device_code_poller", 8),
        ("commits", 8),
        ("audit_writer", 10),
        ("user cache", 20),
        ("token cache", 20),
        ("rate limits", 24),
        ("database", 30),
    ];
    assert_eq!(names(&diary), at(&begun));
    let complaints: Vec<&str> = stopped
        .iter()
        .filter_map(|s| s.complaint.as_deref())
        .collect();
    let expected = [
        "Server forced to shutdown: context deadline exceeded",
        "password_hasher did not stop: context deadline exceeded",
        "upkeep did not stop: context deadline exceeded",
        "device_code_poller did not stop: context deadline exceeded",
        "commits did not stop: context deadline exceeded",
        "Error shutting down audit service: audit service shutdown timeout: context deadline exceeded",
        "user cache close timed out: context deadline exceeded",
        "token cache close timed out: context deadline exceeded",
        "Redis close timeout exceeded: context deadline exceeded",
        "Error closing database: database close timeout: context deadline exceeded",
    ];
    assert_eq!(complaints, expected);
    assert_eq!(budgets().total(), seconds(37));
    let ending = Ending {
        signal: Some(Signal::Terminate),
        escalated: None,
        stopped,
    };
    assert_eq!(ending.exit_code(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_part_that_fails_is_reported_with_its_error() {
    let mut shutdown = Shutdown::new(budgets());
    shutdown.add(Step::Database, "database", async {
        Err("disk is gone".into())
    });
    let stopped = shutdown.run().await;
    let complaint = stopped.first().and_then(|s| s.complaint.as_deref());
    assert_eq!(complaint, Some("Error closing database: disk is gone"));
}

#[test]
fn the_order_and_its_variables_are_what_the_guide_says() {
    let variables: Vec<Option<&str>> = SHUTDOWN_ORDER.iter().map(|s| s.variable()).collect();
    let expected = [
        Some("SHUTDOWN_DELAY"),
        Some("SERVER_SHUTDOWN_TIMEOUT"),
        None,
        Some("AUDIT_SHUTDOWN_TIMEOUT"),
        Some("CACHE_CLOSE_TIMEOUT"),
        Some("REDIS_CLOSE_TIMEOUT"),
        Some("DB_CLOSE_TIMEOUT"),
    ];
    assert_eq!(variables, expected);
    let defaults = SHUTDOWN_ORDER.map(|step| Budgets::default().of(step).as_secs());
    assert_eq!(defaults, [0, 5, 2, 10, 5, 5, 5]);
    assert!(SHUTDOWN_ORDER.is_sorted());
}

#[tokio::test(start_paused = true)]
async fn a_signal_drains_and_a_further_one_changes_nothing() {
    let (send, signals) = signals();
    let readiness = Readiness::default();
    readiness.ready();
    let diary = Diary::default();
    let mut shutdown = Shutdown::new(budgets());
    part(
        &mut shutdown,
        &diary,
        (Step::Http, "http_listener"),
        Some(4),
    );
    part(&mut shutdown, &diary, (Step::Database, "database"), Some(1));
    let (_alarm, escalated) = watch::channel(None);
    let began = Instant::now();
    let running = tokio::spawn({
        let readiness = readiness.clone();
        async move { run(&signals, escalated, &readiness, shutdown).await }
    });
    tokio::time::sleep(seconds(60)).await;
    assert_eq!(readiness.phase(), Phase::Ready);
    // Ctrl+Z does not even begin a shutdown.
    send.send(Received::Suspend).await.unwrap();
    tokio::time::sleep(seconds(1)).await;
    assert!(!running.is_finished());
    assert_eq!(readiness.phase(), Phase::Ready);
    send.send(INT).await.unwrap();
    tokio::time::sleep(seconds(1)).await;
    assert_eq!(
        readiness.phase(),
        Phase::Draining,
        "from the first moment on"
    );
    for signal in [TERM, INT, TERM] {
        send.send(signal).await.unwrap();
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    readiness.ready();
    assert_eq!(readiness.phase(), Phase::Draining, "there is no way back");
    let ending = running.await.unwrap();
    assert_eq!(began.elapsed(), seconds(61 + 3 + 4 + 1));
    assert_eq!(ending.signal, Some(Signal::Interrupt), "the first counts");
    assert_eq!(ending.exit_code(), 0);
}

#[tokio::test(start_paused = true)]
async fn an_escalation_stops_everything_in_order_and_exits_with_70() {
    let (_send, signals) = signals();
    let readiness = Readiness::default();
    readiness.ready();
    let diary = Diary::default();
    let mut shutdown = Shutdown::new(budgets());
    part(
        &mut shutdown,
        &diary,
        (Step::Http, "http_listener"),
        Some(1),
    );
    part(&mut shutdown, &diary, (Step::Database, "database"), Some(1));
    let (alarm, escalated) = watch::channel(None);
    let cause = Escalated {
        actor: "root/key_holder".into(),
        reason: "no keys".into(),
    };
    alarm.send_replace(Some(cause.clone()));
    let ending = run(&signals, escalated, &readiness, shutdown).await;
    assert_eq!(ending.signal, None);
    assert_eq!(ending.escalated, Some(cause));
    assert_eq!(ending.exit_code(), 70);
    assert_eq!(names(&diary), at(&[("http_listener", 3), ("database", 4)]));
    assert_eq!(readiness.phase(), Phase::Draining);
}

#[tokio::test(start_paused = true)]
async fn a_tree_that_was_ended_in_order_is_no_escalation() {
    let (send, signals) = signals();
    let (alarm, escalated) = watch::channel(None);
    drop(alarm);
    let readiness = Readiness::default();
    let running = run(&signals, escalated, &readiness, Shutdown::new(budgets()));
    let running = tokio::time::timeout(seconds(60), running);
    tokio::spawn(async move {
        tokio::time::sleep(seconds(30)).await;
        send.send(TERM).await.unwrap();
        std::future::pending::<()>().await;
    });
    let ending = running.await.unwrap();
    assert_eq!(
        (ending.signal, ending.exit_code()),
        (Some(Signal::Terminate), 0)
    );
}

#[tokio::test(start_paused = true)]
async fn a_signal_cancels_the_start_where_it_stands() {
    let (send, signals) = signals();
    let connecting = std::future::pending::<()>();
    let starting = tokio::spawn(async move { start_unless_stopped(&signals, connecting).await });
    tokio::time::sleep(seconds(2)).await;
    assert!(!starting.is_finished());
    send.send(INT).await.unwrap();
    let cancelled = starting.await.unwrap().unwrap_err();
    assert_eq!(cancelled, Cancelled(Signal::Interrupt));
    let text = "SIGINT received while starting: start cancelled";
    assert_eq!(cancelled.to_string(), text);
}

#[tokio::test(start_paused = true)]
async fn a_start_that_is_complete_goes_on() {
    let (_send, signals) = signals();
    assert_eq!(start_unless_stopped(&signals, async { 7 }).await, Ok(7));
}

#[test]
fn readiness_tells_what_is_degraded_and_what_fails() {
    let readiness = Readiness::default();
    assert!(!readiness.verdict().ready, "starting");
    readiness.ready();
    readiness.note("redis", Condition::Degraded("memory only".into()));
    let verdict = serde_json::to_value(readiness.verdict()).unwrap();
    let expected = serde_json::json!({
        "ready": true, "phase": "ready", "degraded": {"redis": "memory only"}, "failing": {}
    });
    assert_eq!(verdict, expected);
    readiness.note("database", Condition::Failing("no answer".into()));
    assert!(!readiness.verdict().ready);
    readiness.note("database", Condition::Well);
    readiness.note("redis", Condition::Well);
    let verdict = readiness.verdict();
    assert!(verdict.ready && verdict.degraded.is_empty() && verdict.failing.is_empty());
    readiness.drain();
    assert!(!readiness.verdict().ready);
}
