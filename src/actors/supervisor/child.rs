//! One child as its supervisor sees it: its present incarnation, its failures, and who waits for its end.
//!
//! Must not live here: the decision what a failure means (see the supervisor).

use std::collections::VecDeque;
use std::time::Duration;

use ractor::{ActorCell, ActorProcessingErr, SpawnErr};
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::{Jitter, Spec};
use crate::actors::handle::Crash;
use crate::actors::vitals::{Reason, State as Life};

/// The longest that the start of one child may take before it counts as failed.
const START_WITHIN: Duration = Duration::from_secs(60);

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    Up,
    /// A `Respawn` is on its way.
    Down,
    Over,
}

pub(super) struct Child {
    pub(super) spec: Spec,
    pub(super) phase: Phase,
    pub(super) actor: Option<ActorCell>,
    pub(super) started: Instant,
    pub(super) failures_in_a_row: u32,
    pub(super) failures: VecDeque<Instant>,
    pub(super) stopping: bool,
    pub(super) waiting: Vec<oneshot::Sender<()>>,
}

impl Child {
    pub(super) fn new(spec: Spec) -> Self {
        Self {
            spec,
            phase: Phase::Down,
            actor: None,
            started: Instant::now(),
            failures_in_a_row: 0,
            failures: VecDeque::new(),
            stopping: false,
            waiting: Vec::new(),
        }
    }

    pub(super) async fn start(&mut self, supervisor: ActorCell) -> Result<(), (Reason, String)> {
        self.spec.vitals.enter(Life::Starting);
        let starting = (self.spec.start)(supervisor);
        let actor = match tokio::time::timeout(START_WITHIN, starting).await {
            Ok(Ok(actor)) => actor,
            Ok(Err(SpawnErr::StartupFailed(error))) => return Err(classify(&error)),
            Ok(Err(error)) => return Err((Reason::Error, error.to_string())),
            Err(_) => return Err((Reason::Error, "its start took too long".to_owned())),
        };
        self.started = Instant::now();
        self.phase = Phase::Up;
        self.spec.vitals.enter(Life::Running);
        self.actor = Some(actor);
        if self.stopping {
            self.ask_to_stop();
        }
        Ok(())
    }

    pub(super) fn ask_to_stop(&self) {
        if let Some(actor) = &self.actor {
            self.spec.vitals.enter(Life::Stopping);
            (self.spec.stop)(actor);
        }
    }

    pub(super) fn stop(&mut self, done: oneshot::Sender<()>) {
        self.waiting.push(done);
        // A child that is down starts once more and stops then: items may wait in its inbox.
        if !self.stopping {
            self.stopping = true;
            self.ask_to_stop();
        }
    }

    pub(super) fn kill(&mut self) {
        self.stopping = true;
        match &self.actor {
            Some(actor) => actor.kill(),
            None => self.over(Life::Stopped),
        }
    }

    pub(super) fn over(&mut self, life: Life) {
        self.phase = Phase::Over;
        self.actor = None;
        self.spec.vitals.enter(life);
        for waiting in self.waiting.drain(..) {
            let _ = waiting.send(());
        }
    }

    /// Counts a failure and returns the pause before the next start, or `None` when the budget is used up.
    pub(super) fn pause_after_failure(&mut self, jitter: &Jitter) -> Option<Duration> {
        let now = Instant::now();
        let backoff = self.spec.backoff;
        let was_up = self.phase == Phase::Up;
        if was_up && now.duration_since(self.started) >= backoff.reset_after {
            self.failures_in_a_row = 0;
        }
        let budget = self.spec.vitals.intensity();
        self.failures.push_back(now);
        let is_old = |at: &Instant| now.duration_since(*at) > budget.window;
        while self.failures.front().is_some_and(is_old) {
            self.failures.pop_front();
        }
        if self.failures.len() > budget.limit as usize {
            return None;
        }
        self.failures_in_a_row = self.failures_in_a_row.saturating_add(1);
        Some(backoff.pause(self.failures_in_a_row, jitter()))
    }
}

pub(super) fn classify(error: &ActorProcessingErr) -> (Reason, String) {
    let reason = if error.downcast_ref::<Crash>().is_some() {
        Reason::Error
    } else {
        Reason::Panic
    };
    (reason, error.to_string())
}
