//! From the first signal to the exit code: what ends the process, in which order its parts are stopped, and what the
//! operator is told.
//!
//! Lives here: the wait for an end, and cancelling a start. Signals, the readiness latch and the ordered shutdown have a
//! file each. Must not live here: how any part stops (those futures are injected).

use std::future::Future;

use tokio::sync::watch;

use super::supervisor::Escalated;

pub mod readiness;
pub mod shutdown;
pub mod signals;

pub use readiness::{Condition, Phase, Readiness};
pub use shutdown::{Budgets, SHUTDOWN_ORDER, Shutdown, Step};
pub use signals::{Signal, Signals};

/// Exit code of a process that stopped in order.
pub const EXIT_CLEAN: u8 = 0;
/// Exit code when a step of the shutdown failed or ran out of time, and when the start was cancelled.
pub const EXIT_INCOMPLETE: u8 = 1;
/// Exit code when the tree could not heal itself (`EX_SOFTWARE` of sysexits.h).
pub const EXIT_ESCALATED: u8 = 70;

/// The start was cancelled by a signal before it was complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0} received while starting: start cancelled")]
pub struct Cancelled(pub Signal);

/// Runs `start` until it is complete or a signal arrives, whichever is first. A cancelled start is dropped where it
/// stands, connecting included.
///
/// # Errors
/// [`Cancelled`], for which the exit code is [`EXIT_INCOMPLETE`].
pub async fn start_unless_stopped<F: Future>(
    signals: &Signals,
    start: F,
) -> Result<F::Output, Cancelled> {
    tokio::select! {
        biased;
        signal = signals.stop_asked() => Err(Cancelled(signal)),
        started = start => Ok(started),
    }
}

/// How the process ended.
#[derive(Debug)]
pub struct Ending {
    /// The signal, unless the tree ended itself.
    pub signal: Option<Signal>,
    /// Set when an actor failed too often, before or during the shutdown.
    pub escalated: Option<Escalated>,
    /// What became of each part, in the order in which they were stopped.
    pub stopped: Vec<shutdown::Stopped>,
}

impl Ending {
    /// The exit code of the process.
    pub fn exit_code(&self) -> u8 {
        if self.escalated.is_some() {
            EXIT_ESCALATED
        } else if self.stopped.iter().all(shutdown::Stopped::is_clean) {
            EXIT_CLEAN
        } else {
            EXIT_INCOMPLETE
        }
    }
}

/// Waits for a signal or an escalation, then stops everything in order. A further signal changes nothing.
pub async fn run(
    signals: &Signals,
    mut escalated: watch::Receiver<Option<Escalated>>,
    readiness: &Readiness,
    shutdown: Shutdown,
) -> Ending {
    let signal = tokio::select! {
        signal = signals.stop_asked() => Some(signal),
        () = until_escalated(&mut escalated) => None,
    };
    readiness.drain();
    match &signal {
        Some(signal) => tracing::info!(%signal, pid = std::process::id(), "stopping"),
        None => tracing::error!("an actor could not be kept alive, stopping"),
    }
    let stopped = shutdown.run().await;
    let ending = Ending {
        signal,
        escalated: escalated.borrow().clone(),
        stopped,
    };
    tracing::info!(exit_code = ending.exit_code(), "stopped");
    ending
}

async fn until_escalated(escalated: &mut watch::Receiver<Option<Escalated>>) {
    if escalated.wait_for(Option::is_some).await.is_err() {
        // The tree was ended in order: nothing will escalate any more.
        std::future::pending::<()>().await;
    }
}

#[cfg(test)]
mod tests;
