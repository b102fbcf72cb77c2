use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::super::testing::{root, until, vitals};
use super::super::tree::Tree;
use super::super::vitals::{Reason, State};
use super::*;

/// A future that ends as the script says: one entry per incarnation, then it waits for its cancellation.
fn scripted(script: Vec<&'static str>) -> (Run, Arc<AtomicUsize>) {
    let starts = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&starts);
    let run: Run = Arc::new(move |stop| {
        let turn = counted.fetch_add(1, SeqCst);
        let end = script.get(turn).copied();
        Box::pin(async move {
            match end {
                Some("panic") => panic!("accept loop lost its head"),
                Some("fail") => Err("address in use".into()),
                Some(_) => Ok(()),
                None => {
                    stop.cancelled().await;
                    Ok(())
                }
            }
        })
    });
    (run, starts)
}

#[tokio::test(start_paused = true)]
async fn a_future_that_fails_or_panics_is_started_again_and_ends_when_cancelled() {
    let (run, starts) = scripted(vec!["fail", "panic"]);
    let vitals = vitals("root/http_listener", 5, 60);
    let began = Instant::now();
    let tree = Tree::start(root().child(spec(&vitals, run))).await.unwrap();
    // 50 ms after the failure, 100 ms after the panic.
    for (at, expected) in [(49, 1), (51, 2), (149, 2), (151, 3)] {
        tokio::time::sleep_until(began + Duration::from_millis(at)).await;
        assert_eq!(starts.load(SeqCst), expected, "at {at} ms");
    }
    let by = Reason::ALL.map(|reason| vitals.restarts_by(reason));
    assert_eq!(by, [1, 1, 0]);
    let last = vitals.last_restart().unwrap();
    assert_eq!(last.text, "accept loop lost its head");
    tree.stop("http_listener").await;
    assert_eq!(vitals.state(), State::Stopped);
    assert_eq!(starts.load(SeqCst), 3);
}

#[tokio::test(start_paused = true)]
async fn a_future_that_ends_well_is_not_started_again() {
    let (run, starts) = scripted(vec!["well"]);
    let vitals = vitals("root/once", 5, 60);
    let tree = Tree::start(root().child(spec(&vitals, run))).await.unwrap();
    until("it is over", || vitals.state() == State::Stopped).await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!((starts.load(SeqCst), vitals.restarts()), (1, 0));
    tree.stop("once").await;
    tree.end().await;
}

struct OnDrop(Arc<AtomicUsize>);

impl Drop for OnDrop {
    fn drop(&mut self) {
        self.0.fetch_add(1, SeqCst);
    }
}

#[tokio::test(start_paused = true)]
async fn a_future_that_ignores_its_cancellation_is_aborted() {
    let dropped = Arc::new(AtomicUsize::new(0));
    let witness = Arc::clone(&dropped);
    let run: Run = Arc::new(move |_| {
        let witness = OnDrop(Arc::clone(&witness));
        Box::pin(async move {
            std::future::pending::<()>().await;
            drop(witness);
            Ok(())
        })
    });
    let vitals = vitals("root/deaf", 5, 60);
    let tree = Tree::start(root().child(spec(&vitals, run))).await.unwrap();
    let stop = tokio::time::timeout(Duration::from_secs(1), tree.stop("deaf"));
    assert!(stop.await.is_err());
    until("it is aborted", || dropped.load(SeqCst) == 1).await;
    until("it is over", || vitals.state() == State::Stopped).await;
    tree.end().await;
}

#[tokio::test]
async fn a_peer_that_hangs_up_never_cuts_a_commit() {
    let commits = Commits::new();
    let begun = Arc::new(AtomicUsize::new(0));
    let whole = Arc::new(AtomicUsize::new(0));
    let go = Arc::new(Notify::new());
    let (mut kept, mut results) = (Vec::new(), 0);
    for number in 0..1_000usize {
        let (begun, whole, go) = (Arc::clone(&begun), Arc::clone(&whole), Arc::clone(&go));
        let commit = commits.run(async move {
            begun.fetch_add(1, SeqCst);
            go.notified().await;
            whole.fetch_add(1, SeqCst);
            number
        });
        match number % 3 {
            0 => kept.push((number, commit)),
            1 => drop(commit),
            // A handler that is dropped in the middle of its wait.
            _ => {
                let handler = tokio::spawn(commit);
                tokio::task::yield_now().await;
                handler.abort();
                let _ = handler.await;
            }
        }
    }
    until("all have begun", || begun.load(SeqCst) == 1_000).await;
    assert_eq!((whole.load(SeqCst), commits.in_flight()), (0, 1_000));
    go.notify_waiters();
    commits.finished().await;
    assert_eq!((whole.load(SeqCst), commits.in_flight()), (1_000, 0));
    for (number, commit) in kept {
        assert_eq!(commit.await, Ok(number));
        results += 1;
    }
    assert_eq!(results, 334);
}

#[tokio::test]
async fn a_commit_that_panics_tells_its_caller_and_nobody_else() {
    let commits = Commits::new();
    let bad = commits.run(async { panic!("a unit that cannot be") });
    let good = commits.run(async { 1 });
    assert_eq!(bad.await, Err::<(), _>(Unfinished));
    assert_eq!(good.await, Ok(1));
    commits.finished().await;
}
