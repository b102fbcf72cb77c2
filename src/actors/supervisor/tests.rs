use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use tokio::time::Instant;

use super::super::testing::{Ask, OPEN, Strings, puppet, root, steady, until, vitals};
use super::super::tree::Tree;
use super::*;

const MS: fn(u64) -> Duration = Duration::from_millis;

async fn crash(strings: &Strings) {
    let before = strings.vitals.restarts();
    assert!(strings.inbox.ask(Ask::Panic).await.is_err());
    until("the crash is counted", || {
        strings.vitals.restarts() > before
    })
    .await;
}

/// How long the actor is away after one more crash.
async fn away(strings: &Strings) -> Duration {
    crash(strings).await;
    let began = Instant::now();
    assert_eq!(strings.inbox.ask(Ask::Echo(1)).await, Ok(1));
    began.elapsed()
}

#[test]
fn pauses_double_up_to_the_cap_and_are_spread() {
    let backoff = Backoff::default();
    let middle: Vec<Duration> = (1..=9).map(|n| backoff.pause(n, 0.5)).collect();
    let expected = [50, 100, 200, 400, 800, 1600, 3200, 5000, 5000].map(MS);
    assert_eq!(middle, expected);
    assert_eq!(backoff.pause(1, 0.0), MS(40));
    assert_eq!(backoff.pause(1, 1.0), MS(60));
    assert_eq!(backoff.pause(u32::MAX, 0.0), MS(4000));
    assert_eq!(backoff.pause(u32::MAX, 1.0), MS(6000));
}

#[tokio::test(start_paused = true)]
async fn pauses_grow_with_each_crash_and_begin_anew_after_a_stable_minute() {
    let (strings, spec) = puppet(&vitals("root/a", 100, 3600), 8, OPEN);
    let tree = Tree::start(root().child(spec)).await.unwrap();
    for expected in [50, 100, 200, 400, 800, 1600, 3200, 5000, 5000] {
        assert_eq!(away(&strings).await, MS(expected));
    }
    tokio::time::advance(Duration::from_secs(59)).await;
    assert_eq!(away(&strings).await, MS(5000), "59 s are not stable");
    tokio::time::advance(Duration::from_secs(60)).await;
    assert_eq!(away(&strings).await, MS(50), "60 s are");
    tree.end().await;
}

#[tokio::test(start_paused = true)]
async fn the_jitter_is_asked_for_every_pause() {
    let asked = Arc::new(AtomicUsize::new(0));
    let jitter: Jitter = Arc::new({
        let asked = Arc::clone(&asked);
        move || {
            if asked.fetch_add(1, SeqCst) == 0 {
                0.0
            } else {
                1.0
            }
        }
    });
    let (strings, spec) = puppet(&vitals("root/a", 100, 3600), 8, OPEN);
    let root = Branch::new(&vitals("root", 3, 60), &jitter).child(spec);
    let tree = Tree::start(root).await.unwrap();
    assert_eq!(away(&strings).await, MS(40));
    assert_eq!(away(&strings).await, MS(120));
    assert_eq!(asked.load(SeqCst), 2);
    tree.end().await;
}

#[tokio::test(start_paused = true)]
async fn the_window_slides_so_that_rare_crashes_never_escalate() {
    let (strings, spec) = puppet(&vitals("root/a", 2, 30), 8, OPEN);
    let tree = Tree::start(root().child(spec)).await.unwrap();
    for _ in 0..10 {
        away(&strings).await;
        tokio::time::advance(Duration::from_secs(16)).await;
    }
    assert_eq!(*tree.escalated().borrow(), None);
    assert_eq!(strings.vitals.restarts(), 10);
    assert_eq!(strings.vitals.restarts_in_window(), 1);
    // Now three within 30 s, with two allowed.
    away(&strings).await;
    crash(&strings).await;
    let mut escalated = tree.escalated();
    let said = escalated.wait_for(Option::is_some).await.unwrap().clone();
    let expected = Escalated {
        actor: "root/a".into(),
        reason: "as told".into(),
    };
    assert_eq!(said, Some(expected));
    assert_eq!(strings.vitals.state(), Life::GaveUp);
    tree.end().await;
}

#[tokio::test(start_paused = true)]
async fn an_error_and_a_panic_and_a_kill_are_told_apart() {
    let (strings, spec) = puppet(&vitals("root/a", 9, 60), 8, OPEN);
    let tree = Tree::start(root().child(spec)).await.unwrap();
    away(&strings).await;
    assert!(strings.inbox.ask(Ask::Fail).await.is_err());
    assert_eq!(strings.inbox.ask(Ask::Echo(1)).await, Ok(1));
    let v = &strings.vitals;
    let by = Reason::ALL.map(|reason| v.restarts_by(reason));
    assert_eq!(by, [1, 1, 0]);
    let last = v.last_restart().unwrap();
    assert_eq!(last.reason, Reason::Error);
    assert_eq!(last.text, "failed as told");
    tree.end().await;
}

#[tokio::test(start_paused = true)]
async fn an_actor_that_cannot_start_again_is_tried_with_growing_pauses_and_then_given_up() {
    let (strings, spec) = puppet(&vitals("root/a", 5, 30), 8, OPEN);
    let tree = Tree::start(root().child(spec)).await.unwrap();
    strings.fail_from.store(2, SeqCst);
    let began = Instant::now();
    crash(&strings).await;
    let mut escalated = tree.escalated();
    let said = escalated.wait_for(Option::is_some).await.unwrap().clone();
    assert_eq!(said.unwrap().reason, "no start today");
    // One crash and five failed starts; the sixth failure is one too many.
    assert_eq!(began.elapsed(), MS(50 + 100 + 200 + 400 + 800));
    assert_eq!(strings.starts.load(SeqCst), 6);
    assert_eq!(strings.vitals.restarts(), 6);
    tree.end().await;
}

#[tokio::test]
async fn a_start_that_fails_at_boot_ends_the_boot_and_what_had_started() {
    let (first, one) = puppet(&vitals("root/a", 5, 30), 8, OPEN);
    let (second, two) = puppet(&vitals("root/b", 5, 30), 8, OPEN);
    second.fail_from.store(1, SeqCst);
    let error = Tree::start(root().child(one).child(two))
        .await
        .err()
        .unwrap();
    assert_eq!(error.to_string(), "root/b did not start: no start today");
    assert_eq!(first.starts.load(SeqCst), 1);
    let asked = first.inbox.ask_within(Ask::Echo(1), MS(50)).await;
    assert!(asked.is_err(), "nobody serves any more");
}

#[tokio::test(start_paused = true)]
async fn a_branch_that_fails_too_often_is_restarted_whole_and_then_escalates() {
    let (writer, one) = puppet(&vitals("root/audit/writer", 1, 30), 8, OPEN);
    let (sweeper, two) = puppet(&vitals("root/audit/sweeper", 1, 30), 8, OPEN);
    let (other, three) = puppet(&vitals("root/other", 1, 30), 8, OPEN);
    let audit = vitals("root/audit", 1, 3600);
    let branch = Branch::new(&audit, &steady()).child(one).child(two);
    let tree = Tree::start(root().branch(branch).child(three))
        .await
        .unwrap();

    away(&sweeper).await;
    assert_eq!(writer.starts.load(SeqCst), 1, "a sibling is left alone");
    crash(&sweeper).await;
    until("the branch failed", || audit.restarts() == 1).await;
    // The handles lead to the new incarnations, and the budget below begins anew.
    assert_eq!(writer.inbox.ask(Ask::Echo(7)).await, Ok(7));
    assert_eq!(
        writer.starts.load(SeqCst),
        2,
        "the branch was restarted whole"
    );
    assert_eq!(other.starts.load(SeqCst), 1);
    assert_eq!(audit.last_restart().unwrap().reason, Reason::Error);

    away(&sweeper).await;
    crash(&sweeper).await;
    let mut escalated = tree.escalated();
    let said = escalated.wait_for(Option::is_some).await.unwrap().clone();
    let said = said.unwrap();
    assert_eq!(said.actor, "root/audit");
    assert_eq!(said.reason, "gave up on root/audit/sweeper: as told");
    // The rest of the tree still serves, for an orderly shutdown.
    assert_eq!(other.inbox.ask(Ask::Echo(1)).await, Ok(1));
    // What belonged to the branch is gone, and asking it to stop does not hang.
    tree.stop("writer").await;
    tree.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_handle_taken_once_works_across_restarts() {
    let (strings, spec) = puppet(&vitals("root/a", 100, 3600), 8, OPEN);
    let tree = Tree::start(root().child(spec)).await.unwrap();
    let handle = strings.inbox.clone();
    for number in 0..20 {
        crash(&strings).await;
        assert_eq!(handle.ask(Ask::Echo(number)).await, Ok(number));
    }
    assert_eq!(strings.starts.load(SeqCst), 21);
    tree.end().await;
}

#[tokio::test(start_paused = true)]
async fn an_actor_that_crashes_while_it_is_stopping_comes_back_for_what_waits() {
    let (mut strings, spec) = puppet(&vitals("root/a", 3, 60), 64, 0);
    let tree = Arc::new(Tree::start(root().child(spec)).await.unwrap());
    let ask = |ask: Ask| {
        let inbox = strings.inbox.clone();
        tokio::spawn(async move { inbox.ask(ask).await })
    };
    let in_hand = ask(Ask::Panic);
    assert_eq!(strings.rounds.recv().await, Some(1));
    let waiting: Vec<_> = (0..10).map(|number| ask(Ask::Echo(number))).collect();
    until("in line", || strings.vitals.depth() == 11).await;
    let stopping = tokio::spawn({
        let tree = Arc::clone(&tree);
        async move { tree.stop("a").await }
    });
    until("asked to stop", || strings.vitals.state() == Life::Stopping).await;
    strings.gate.add_permits(OPEN);
    assert!(in_hand.await.unwrap().is_err());
    for (number, asked) in waiting.into_iter().enumerate() {
        assert_eq!(asked.await.unwrap(), Ok(number as u64));
    }
    stopping.await.unwrap();
    assert_eq!(strings.starts.load(SeqCst), 2);
    assert_eq!(strings.vitals.state(), Life::Stopped);
}

#[tokio::test(start_paused = true)]
async fn giving_up_the_wait_for_an_end_kills() {
    let (mut strings, spec) = puppet(&vitals("root/a", 3, 60), 64, 0);
    let tree = Tree::start(root().child(spec)).await.unwrap();
    let inbox = strings.inbox.clone();
    let stuck = tokio::spawn(async move { inbox.ask(Ask::Echo(1)).await });
    strings.rounds.recv().await;
    let stopped = tokio::time::timeout(MS(100), tree.stop("a")).await;
    assert!(stopped.is_err());
    assert!(stuck.await.unwrap().is_err());
    until("it is over", || strings.vitals.state() == Life::Stopped).await;
    assert_eq!(strings.vitals.restarts(), 0, "it does not come back");
    tree.end().await;
}
