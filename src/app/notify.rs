//! What systemd is told: ready, alive, stopping. Without systemd nothing happens.
use crate::actors::Tree;
use sd_notify::NotifyState;
use std::{sync::Arc, time::Duration};
use tokio::task::JoinHandle;

/// Serving.
pub fn ready() {
    tell(&[NotifyState::Ready]);
}

/// Asked to stop.
pub fn stopping() {
    tell(&[NotifyState::Stopping]);
}

/// Tells that the process lives for as long as the root of the tree answers.
pub fn watchdog(tree: Arc<Tree>) -> JoinHandle<()> {
    tokio::spawn(async move {
        let Some(limit) = sd_notify::watchdog_enabled() else {
            return;
        };
        let pause = (limit / 3).max(Duration::from_millis(10));
        loop {
            if tree.answers(pause).await {
                tell(&[NotifyState::Watchdog]);
            }
            tokio::time::sleep(pause).await;
        }
    })
}

fn tell(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::warn!(%error, "systemd was not told");
    }
}
