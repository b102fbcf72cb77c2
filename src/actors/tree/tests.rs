use std::time::Duration;

use serde_json::json;

use super::super::lifecycle::SHUTDOWN_ORDER;
use super::super::testing::{Ask, OPEN, puppet, root, steady, until, vitals};
use super::*;

#[tokio::test(start_paused = true)]
async fn the_report_has_the_shape_that_people_and_tests_read() {
    let (strings, spec) = puppet(&vitals("root/audit/audit_writer", 5, 30), 4096, OPEN);
    let audit = Branch::new(&vitals("root/audit", 2, 60), &steady()).child(spec);
    let tree = Tree::start(root().branch(audit)).await.unwrap();
    assert!(strings.inbox.ask(Ask::Panic).await.is_err());
    assert_eq!(strings.inbox.ask(Ask::Echo(1)).await, Ok(1));
    until("counted", || strings.vitals.handled() == 1).await;
    tokio::time::advance(Duration::from_millis(12_340)).await;

    let report = serde_json::to_value(tree.report("a1", false)).unwrap();
    let idle = json!({"handled": 0, "errors": 0, "expired": 0, "p50_us": 0, "p99_us": 0, "in_flight_ms": 0, "last_progress_ms": 12390});
    let never =
        |limit: u32| json!({"total": 0, "window": 0, "limit": limit, "window_s": 60, "last": null});
    let noon = "2026-11-23T12:00:00Z";
    let expected = json!({"pod": "a1", "uptime_s": 12, "draining": false, "tree": [
        {"name": "root", "path": "root", "state": "running", "since": noon, "restarts": never(3), "work": idle},
        {"name": "audit", "path": "root/audit", "state": "running", "since": noon, "restarts": never(2), "work": idle},
        {"name": "audit_writer", "path": "root/audit/audit_writer", "state": "running", "since": noon,
         "restarts": {"total": 1, "window": 1, "limit": 5, "window_s": 30,
                      "last": {"at": noon, "reason": "panic", "text": "as told"}},
         "mailbox": {"depth": 0, "capacity": 4096, "high_water": 1, "shed": 0, "oldest_ms": 0},
         "work": {"handled": 1, "errors": 1, "expired": 0, "p50_us": 50, "p99_us": 50, "in_flight_ms": 0, "last_progress_ms": 12340}},
    ]});
    assert_eq!(report, expected);
    tree.end().await;
}

#[tokio::test(start_paused = true)]
async fn every_actor_is_stopped_in_one_step() {
    let place = |path, step| {
        let (_, spec) = puppet(&vitals(path, 5, 30), 8, OPEN);
        match step {
            Some(step) => spec.stopped_in(step),
            None => spec,
        }
    };
    let edge = Branch::new(&vitals("root/edge", 2, 60), &steady())
        .child(place("root/edge/door", Some(Step::Http)));
    let root = root()
        .child(place("root/keys", Some(Step::Caches)))
        .child(place("root/one", None))
        .branch(edge)
        .child(place("root/two", None));
    let tree = Tree::start(root).await.unwrap();
    let names = SHUTDOWN_ORDER.map(|step| tree.stopped_in(step));
    let expected: [&[&str]; 7] = [&[], &["door"], &["one", "two"], &[], &["keys"], &[], &[]];
    assert_eq!(names, expected);
    tree.end().await;
}

#[tokio::test(start_paused = true)]
async fn whoever_is_started_again_is_named_with_the_reason() {
    let (strings, spec) = puppet(&vitals("root/audit_writer", 5, 30), 8, OPEN);
    let tree = Tree::start(root().child(spec)).await.unwrap();
    assert_eq!(tree.down(), []);
    assert!(strings.inbox.ask(Ask::Panic).await.is_err());
    until("down", || !tree.down().is_empty()).await;
    let why = "it failed and is started again: as told".to_owned();
    assert_eq!(tree.down(), [("audit_writer", why)]);
    assert_eq!(strings.inbox.ask(Ask::Echo(1)).await, Ok(1));
    assert_eq!(tree.down(), []);
    tree.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_round_in_progress_is_seen() {
    let (mut strings, spec) = puppet(&vitals("root/a", 5, 30), 8, 0);
    let tree = Tree::start(root().child(spec)).await.unwrap();
    let inbox = strings.inbox.clone();
    let asking = tokio::spawn(async move { inbox.ask(Ask::Echo(1)).await });
    strings.rounds.recv().await;
    tokio::time::advance(Duration::from_millis(700)).await;
    assert_eq!(strings.vitals.in_flight(), Some(Duration::from_millis(700)));
    strings.gate.add_permits(1);
    assert_eq!(asking.await.unwrap(), Ok(1));
    until("done", || strings.vitals.in_flight().is_none()).await;
    assert_eq!(strings.vitals.handle_time.sum_us(), 700_000);
    assert_eq!(strings.vitals.handle_time.quantile_us(0.5), Some(1_000_000));
    tree.end().await;
}

#[tokio::test(start_paused = true)]
async fn prometheus_gets_every_metric_with_the_actor_s_name() {
    let (strings, spec) = puppet(&vitals("root/audit_writer", 5, 30), 64, OPEN);
    let tree = Tree::start(root().child(spec)).await.unwrap();
    assert!(strings.inbox.ask(Ask::Panic).await.is_err());
    assert_eq!(strings.inbox.ask(Ask::Echo(1)).await, Ok(1));
    until("counted", || strings.vitals.handled() == 1).await;
    let text = tree.prometheus();
    let lines: Vec<&str> = text.lines().collect();
    for expected in [
        "# TYPE authgate_actor_up gauge",
        "authgate_actor_up{actor=\"root\"} 1",
        "authgate_actor_up{actor=\"audit_writer\"} 1",
        "# TYPE authgate_actor_restarts_total counter",
        "authgate_actor_restarts_total{actor=\"audit_writer\",reason=\"panic\"} 1",
        "authgate_actor_restarts_total{actor=\"audit_writer\",reason=\"error\"} 0",
        "authgate_actor_restarts_total{actor=\"audit_writer\",reason=\"killed\"} 0",
        "authgate_actor_mailbox_depth{actor=\"audit_writer\"} 0",
        "authgate_actor_mailbox_capacity{actor=\"audit_writer\"} 64",
        "authgate_actor_shed_total{actor=\"audit_writer\"} 0",
        "authgate_actor_messages_total{actor=\"audit_writer\",outcome=\"ok\"} 1",
        "authgate_actor_messages_total{actor=\"audit_writer\",outcome=\"err\"} 1",
        "authgate_actor_last_progress_seconds{actor=\"audit_writer\"} 0",
        "authgate_actor_queue_seconds_bucket{actor=\"audit_writer\",le=\"0.00005\"} 1",
        "authgate_actor_queue_seconds_bucket{actor=\"audit_writer\",le=\"10\"} 2",
        "authgate_actor_queue_seconds_bucket{actor=\"audit_writer\",le=\"+Inf\"} 2",
        "authgate_actor_queue_seconds_sum{actor=\"audit_writer\"} 0.05",
        "authgate_actor_queue_seconds_count{actor=\"audit_writer\"} 2",
        "authgate_actor_handle_seconds_count{actor=\"audit_writer\"} 2",
    ] {
        assert!(lines.contains(&expected), "missing {expected} in\n{text}");
    }
    // Each metric is announced once, before its first sample.
    let announced: Vec<&&str> = lines.iter().filter(|l| l.starts_with("# TYPE ")).collect();
    assert_eq!(announced.len(), 9);
    tree.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_branch_that_is_down_takes_its_children_with_it_in_the_report() {
    let (strings, spec) = puppet(&vitals("root/edge/a", 0, 30), 8, OPEN);
    let edge = Branch::new(&vitals("root/edge", 0, 30), &steady()).child(spec);
    let tree = Tree::start(root().branch(edge)).await.unwrap();
    assert!(strings.inbox.ask(Ask::Panic).await.is_err());
    let mut escalated = tree.escalated();
    escalated.wait_for(Option::is_some).await.unwrap();
    let states: Vec<State> = tree.report("", true).tree.iter().map(|a| a.state).collect();
    assert_eq!(states, [State::Running, State::GaveUp, State::GaveUp]);
    assert!(
        tree.prometheus()
            .contains("authgate_actor_up{actor=\"a\"} 0\n")
    );
    tree.end().await;
}

#[tokio::test(start_paused = true)]
async fn the_root_answers_until_it_has_ended() {
    let tree = Tree::start(root()).await.unwrap();
    assert!(tree.answers(Duration::from_secs(1)).await);
    tree.end().await;
    assert!(!tree.answers(Duration::from_secs(1)).await);
    assert_eq!(
        *tree.escalated().borrow(),
        None,
        "an end in order is no alarm"
    );
}

#[tokio::test(start_paused = true)]
async fn the_unexpected_end_of_the_root_is_an_alarm() {
    let tree = Tree::start(root()).await.unwrap();
    tree.root.kill();
    let mut escalated = tree.escalated();
    let said = escalated.wait_for(Option::is_some).await.unwrap().clone();
    assert_eq!(said.unwrap().actor, "root");
}

#[tokio::test]
async fn stopping_a_name_that_is_not_there_returns_at_once() {
    let tree = Tree::start(root()).await.unwrap();
    tree.stop("nobody").await;
    tree.end().await;
}

#[tokio::test]
async fn two_trees_live_in_one_process() {
    let (one, one_spec) = puppet(&vitals("root/a", 5, 30), 8, OPEN);
    let (two, two_spec) = puppet(&vitals("root/a", 5, 30), 8, OPEN);
    let first = Tree::start(root().child(one_spec)).await.unwrap();
    let second = Tree::start(root().child(two_spec)).await.unwrap();
    first.end().await;
    assert_eq!(two.inbox.ask(Ask::Echo(2)).await, Ok(2));
    let patience = Duration::from_millis(20);
    assert!(one.inbox.ask_within(Ask::Echo(1), patience).await.is_err());
    second.end().await;
}

#[test]
fn panics_unwind_in_every_profile() {
    // Supervision rests on it: an aborting panic would end the process.
    let manifest = include_str!("../../../Cargo.toml");
    assert!(!manifest.contains("panic = \"abort\""));
}
