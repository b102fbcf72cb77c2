//! The tree as a whole: started at boot, stopped name by name at shutdown, reported to people and to Prometheus.
//!
//! Must not live here: the order of shutdown (see `lifecycle`) and the work of any actor.

use std::sync::Arc;
use std::time::Duration;

use ractor::ActorRef;
use tokio::sync::{oneshot, watch};
use tokio::time::Instant;

use super::lifecycle::Step;
use super::supervisor::{Branch, Escalated, Order, Place};
use super::vitals::{State, Vitals};

pub mod metrics;
pub mod report;
pub use report::Report;

/// The tree did not come up.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct StartError(String);

/// How often [`Tree::stop`] looks for a supervisor that is being restarted.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// The running tree.
pub struct Tree {
    root: ActorRef<Order>,
    root_vitals: Arc<Vitals>,
    places: Vec<Place>,
    escalated: watch::Receiver<Option<Escalated>>,
    began: Instant,
}

impl Tree {
    /// Starts every actor, in the order of declaration, and returns when all have started.
    ///
    /// # Errors
    /// The first actor that did not start, by path, and why. Those before it have been ended.
    pub async fn start(root: Branch) -> Result<Self, StartError> {
        let places = root.places().to_vec();
        let root_vitals = Arc::clone(root.vitals());
        let (alarm, escalated) = watch::channel(None);
        let last_resort = alarm.clone();
        let started = root.start_as_root(alarm).await;
        let (root, handle) = started.map_err(|error| match error {
            ractor::SpawnErr::StartupFailed(error) => StartError(error.to_string()),
            error => StartError(error.to_string()),
        })?;
        // The root itself is not supervised: its unexpected end is an escalation too.
        let vitals = Arc::clone(&root_vitals);
        tokio::spawn(async move {
            let _ = handle.await;
            if vitals.state() != State::Stopped {
                last_resort.send_if_modified(|said| {
                    let is_first = said.is_none();
                    said.get_or_insert_with(|| Escalated {
                        actor: vitals.path().to_owned(),
                        reason: "the root of the tree ended".to_owned(),
                    });
                    is_first
                });
            }
        });
        Ok(Self {
            root,
            root_vitals,
            places,
            escalated,
            began: Instant::now(),
        })
    }

    /// Set once an actor has failed too often for the tree to heal itself.
    pub fn escalated(&self) -> watch::Receiver<Option<Escalated>> {
        self.escalated.clone()
    }

    /// Who is to be stopped in `step`, in the order of their start.
    pub fn stopped_in(&self, step: Step) -> Vec<&'static str> {
        let places = self.places.iter().filter(|p| p.step == Some(step));
        places.map(|place| place.vitals.name()).collect()
    }

    /// Lets the actor called `name` serve what waits for it, refuse what is new, and end. Returns when it has ended;
    /// at once for a name that is not in the tree. Dropping the future before that kills the actor.
    pub async fn stop(&self, name: &str) {
        let Some(place) = self.places.iter().find(|p| p.vitals.name() == name) else {
            return;
        };
        let mut guard = KillUnlessEnded(Some(place));
        loop {
            let (done, ended) = oneshot::channel();
            if place.orders.cast(Order::Stop(place.vitals.name(), done)) && ended.await.is_ok() {
                break;
            }
            // Its supervisor is being restarted, or is gone for good and the child with it.
            if matches!(place.supervisor.state(), State::GaveUp | State::Stopped) {
                break;
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
        guard.0 = None;
    }

    /// Ends what is left of the tree, without draining.
    pub async fn end(&self) {
        self.root_vitals.enter(State::Stopped);
        let _ = self.root.stop_and_wait(None, None).await;
    }

    /// True if the root answers within `patience`: what a watchdog wants to know.
    pub async fn answers(&self, patience: Duration) -> bool {
        let (pong, answer) = oneshot::channel();
        if self.root.cast(Order::Ping(pong)).is_err() {
            return false;
        }
        matches!(tokio::time::timeout(patience, answer).await, Ok(Ok(())))
    }

    /// The actors that are not at work although nobody stopped them, and why.
    pub fn down(&self) -> Vec<(&'static str, String)> {
        let is_down = |place: &&Place| {
            let state = Self::state_of(place);
            matches!(state, State::Restarting | State::GaveUp)
        };
        let why = |place: &Place| {
            // Of a child that is down with its supervisor, the supervisor's failure is the reason.
            let vitals = match place.supervisor.state() {
                State::Restarting | State::GaveUp => &place.supervisor,
                State::Starting | State::Running | State::Stopping | State::Stopped => {
                    &place.vitals
                }
            };
            let text = vitals.last_restart().map(|last| last.text.clone());
            let text = text.unwrap_or_default();
            (
                place.vitals.name(),
                format!("it failed and is started again: {text}"),
            )
        };
        self.places.iter().filter(is_down).map(why).collect()
    }

    /// The state of a place; a child of a supervisor that is down is down as well, whatever it said last.
    fn state_of(place: &Place) -> State {
        match place.supervisor.state() {
            down @ (State::Restarting | State::GaveUp) => down,
            State::Starting | State::Running | State::Stopping | State::Stopped => {
                place.vitals.state()
            }
        }
    }
}

/// Kills the actor of a place when the wait for its end is given up.
struct KillUnlessEnded<'a>(Option<&'a Place>);

impl Drop for KillUnlessEnded<'_> {
    fn drop(&mut self) {
        if let Some(place) = self.0 {
            place.orders.cast(Order::Kill(place.vitals.name()));
        }
    }
}

#[cfg(test)]
mod tests;
