//! Real signals to a real process: this one. A file of its own, because signals go to the whole process.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that fails ends in a panic"
)]

use std::process::Command;
use std::time::Duration;

use authgate::actors::lifecycle::{
    Budgets, Cancelled, EXIT_CLEAN, Readiness, Shutdown, Signal, Signals, Step, run,
    start_unless_stopped,
};
use tokio::sync::{oneshot, watch};

fn send(signal: &str) {
    let me = std::process::id().to_string();
    let sent = Command::new("kill").args([signal, &me]).status();
    assert!(sent.expect("kill(1) runs").success());
}

/// Without handlers any of these signals would suspend or kill this very test.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn suspend_is_swallowed_the_first_signal_stops_and_further_ones_change_nothing() {
    let signals = Signals::install().expect("handlers");
    send("-TSTP");
    let patience = Duration::from_millis(300);
    let early = tokio::time::timeout(patience, signals.stop_asked()).await;
    assert!(early.is_err(), "SIGTSTP does not stop");

    let (closing, closed) = oneshot::channel();
    let (go, gate) = oneshot::channel::<()>();
    let mut shutdown = Shutdown::new(Budgets::default());
    shutdown.add(Step::Database, "database", async move {
        let _ = closing.send(());
        gate.await.map_err(|error| error.to_string())
    });
    let (_alarm, escalated) = watch::channel(None);
    let running = tokio::spawn({
        let signals = signals.clone();
        async move { run(&signals, escalated, &Readiness::default(), shutdown).await }
    });
    send("-INT");
    closed.await.expect("the shutdown begins");
    for signal in ["-INT", "-TERM", "-TSTP"] {
        send(signal);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(!running.is_finished(), "the step in hand is not cut short");
    go.send(()).expect("the step is still there");
    let ending = running.await.expect("no panic");
    assert_eq!(ending.signal, Some(Signal::Interrupt));
    assert_eq!(ending.exit_code(), EXIT_CLEAN);

    // Whoever starts something after the signal is told so at once.
    let late = start_unless_stopped(&signals, std::future::pending::<()>()).await;
    assert_eq!(late, Err(Cancelled(Signal::Interrupt)));
}
