//! Whether this process should get traffic: a latch from starting over ready to draining, and the conditions that
//! weaken it.
//!
//! Written by those who know a condition; read by `/readyz`. Must not live here: checks themselves, HTTP.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use tokio::sync::watch;

/// Where the process is in its life. It only ever moves forward.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Not everything has started.
    Starting,
    /// Serving.
    Ready,
    /// Asked to stop; still serving what comes.
    Draining,
}

/// How well something is that the process depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// As it should be.
    Well,
    /// It works around something; the text says what. Traffic still comes.
    Degraded(String),
    /// It cannot serve; the text says why. Traffic should go elsewhere.
    Failing(String),
}

/// The latch. Clones share it.
#[derive(Clone)]
pub struct Readiness {
    phase: Arc<watch::Sender<Phase>>,
    conditions: Arc<Mutex<BTreeMap<&'static str, Condition>>>,
}

/// What `/readyz` tells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// Whether traffic should come.
    pub ready: bool,
    /// Where the process is in its life.
    pub phase: Phase,
    /// What works around something, and why.
    pub degraded: BTreeMap<&'static str, String>,
    /// What cannot serve, and why.
    pub failing: BTreeMap<&'static str, String>,
}

impl Default for Readiness {
    fn default() -> Self {
        Self {
            phase: Arc::new(watch::Sender::new(Phase::Starting)),
            conditions: Arc::default(),
        }
    }
}

impl Readiness {
    /// Everything has started. Changes nothing once the process drains.
    pub fn ready(&self) {
        self.advance(Phase::Ready);
    }

    /// The process has been asked to stop.
    pub fn drain(&self) {
        self.advance(Phase::Draining);
    }

    fn advance(&self, to: Phase) {
        self.phase.send_if_modified(|phase| {
            let forward = to > *phase;
            *phase = to.max(*phase);
            forward
        });
    }

    /// Where the process is in its life.
    pub fn phase(&self) -> Phase {
        *self.phase.borrow()
    }

    /// Notes how well `what` is. Logs only changes.
    pub fn note(&self, what: &'static str, condition: Condition) {
        let mut conditions = self.lock();
        let before = conditions.get(what).unwrap_or(&Condition::Well);
        if *before == condition {
            return;
        }
        match &condition {
            Condition::Well => tracing::info!(what, "well again"),
            Condition::Degraded(why) => tracing::warn!(what, why, "degraded"),
            Condition::Failing(why) => tracing::error!(what, why, "failing"),
        }
        if condition == Condition::Well {
            conditions.remove(what);
        } else {
            conditions.insert(what, condition);
        }
    }

    /// Whether `what` is noted as failing.
    pub fn is_failing(&self, what: &str) -> bool {
        matches!(self.lock().get(what), Some(Condition::Failing(_)))
    }

    /// Whether traffic should come, and what is not as it should be.
    pub fn verdict(&self) -> Verdict {
        let phase = self.phase();
        let (mut degraded, mut failing) = (BTreeMap::new(), BTreeMap::new());
        for (what, condition) in &*self.lock() {
            match condition {
                Condition::Well => {}
                Condition::Degraded(why) => drop(degraded.insert(*what, why.clone())),
                Condition::Failing(why) => drop(failing.insert(*what, why.clone())),
            }
        }
        Verdict {
            ready: phase == Phase::Ready && failing.is_empty(),
            phase,
            degraded,
            failing,
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<&'static str, Condition>> {
        // A map of whole values is consistent whenever the lock is free.
        let locked = self.conditions.lock();
        locked.unwrap_or_else(PoisonError::into_inner)
    }
}
