//! The one supervisor: starts its children in order, starts them again when they fail, and fails itself when one of
//! them fails too often.
//!
//! Each child has its own restart budget, so that a sweeper that flaps does not use up the listener's. A nested
//! supervisor that fails is its parent's child like any other; the root, which has no parent, reports [`Escalated`] and
//! leaves the rest of the tree running for an orderly shutdown. Actors are never named globally: two trees may live in
//! one process. Must not live here: what children do, and the order of shutdown, of which a
//! child only names its step.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use ractor::{Actor, ActorCell, ActorProcessingErr, ActorRef, SpawnErr, SupervisionEvent};
use tokio::sync::{oneshot, watch};

use super::handle::{Crash, Slot};
use super::lifecycle::Step;
use super::vitals::{Reason, State as Life, Vitals};
use child::{Child, Phase, classify};

mod backoff;
mod branch;
mod child;
pub use backoff::{Backoff, Jitter};
pub use branch::Branch;
pub(crate) use branch::Place;

/// Starts one incarnation under the given supervisor.
pub(crate) type Start =
    Arc<dyn Fn(ActorCell) -> BoxFuture<'static, Result<ActorCell, SpawnErr>> + Send + Sync>;
type Stop = Arc<dyn Fn(&ActorCell) + Send + Sync>;

/// When a child that ended is started again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Restart {
    /// However it ended.
    Always,
    /// Only when it failed; an orderly end is its own decision.
    OnFailure,
}

/// One child: how it starts, how it is asked to stop, when it is restarted.
#[derive(Clone)]
pub struct Spec {
    vitals: Arc<Vitals>,
    restart: Restart,
    backoff: Backoff,
    step: Step,
    start: Start,
    stop: Stop,
}

impl Spec {
    /// A child that is asked to stop by draining its mailbox, in the step of restartable work.
    pub(crate) fn new(vitals: &Arc<Vitals>, restart: Restart, start: Start) -> Self {
        Self {
            vitals: Arc::clone(vitals),
            restart,
            backoff: Backoff::default(),
            step: Step::Work,
            start,
            stop: Arc::new(|actor| {
                let _ = actor.drain();
            }),
        }
    }

    /// Asks it to stop in another way. The actor must then end by itself.
    pub(crate) fn stopped_by(mut self, stop: impl Fn(&ActorCell) + Send + Sync + 'static) -> Self {
        self.stop = Arc::new(stop);
        self
    }

    /// Stops in this step of the shutdown.
    pub(crate) fn stopped_in(mut self, step: Step) -> Self {
        self.step = step;
        self
    }

    /// The vitals of the child's place.
    pub fn vitals(&self) -> &Arc<Vitals> {
        &self.vitals
    }
}

/// The root gave up on a child: the process must end with an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Escalated {
    /// Path of the actor that failed too often.
    pub actor: String,
    /// What it failed of.
    pub reason: String,
}

/// What a supervisor is told.
pub(crate) enum Order {
    Respawn(&'static str),
    /// Let the child finish; the answer comes when it has ended.
    Stop(&'static str, oneshot::Sender<()>),
    Kill(&'static str),
    Ping(oneshot::Sender<()>),
}

/// Where the root reports that it gave up.
pub(crate) type Alarm = watch::Sender<Option<Escalated>>;

struct Supervisor {
    vitals: Arc<Vitals>,
    children: Arc<[Spec]>,
    jitter: Jitter,
    /// Only the root has one; another supervisor fails towards its parent instead.
    alarm: Option<Alarm>,
}

impl Supervisor {
    /// A child failed, at work or at its start. Plans its next start, or gives it up.
    fn failed(
        &self,
        me: &ActorRef<Order>,
        child: &mut Child,
        (reason, text): (Reason, String),
    ) -> Result<(), ActorProcessingErr> {
        child.spec.vitals.failed(reason, &text);
        let path = child.spec.vitals.path();
        let (label, name) = (reason.label(), child.spec.vitals.name());
        child.actor = None;
        let Some(pause) = child.pause_after_failure(&self.jitter) else {
            child.over(Life::GaveUp);
            tracing::error!(actor = path, reason = label, %text, "actor failed too often, giving up");
            return self.give_up(path, text);
        };
        child.phase = Phase::Down;
        child.spec.vitals.enter(Life::Restarting);
        tracing::warn!(actor = path, reason = label, %text, ?pause, "actor failed, restarting");
        me.send_after(pause, move || Order::Respawn(name));
        Ok(())
    }

    fn give_up(&self, path: &str, reason: String) -> Result<(), ActorProcessingErr> {
        match &self.alarm {
            Some(alarm) => {
                let actor = path.to_owned();
                // The first to fail is the cause; later ones are likely its consequences.
                alarm.send_if_modified(|said| {
                    let is_first = said.is_none();
                    said.get_or_insert(Escalated { actor, reason });
                    is_first
                });
                Ok(())
            }
            None => Err(Box::new(Crash(format!("gave up on {path}: {reason}")))),
        }
    }

    fn ended(
        &self,
        me: &ActorRef<Order>,
        child: &mut Child,
        failure: Option<(Reason, String)>,
    ) -> Result<(), ActorProcessingErr> {
        let unwanted = || (Reason::Error, "it ended unasked".to_owned());
        let failure = match failure {
            None if child.stopping || child.spec.restart == Restart::OnFailure => None,
            None => Some(unwanted()),
            // Somebody ran out of patience with it: it shall not come back.
            Some((Reason::Killed, _)) if child.stopping => None,
            failure => failure,
        };
        match failure {
            None => {
                child.over(Life::Stopped);
                Ok(())
            }
            Some(failure) => self.failed(me, child, failure),
        }
    }
}

/// The child called `name`, unless it is over.
fn alive<'a>(children: &'a mut [Child], name: &str) -> Option<&'a mut Child> {
    let is_it = |c: &&mut Child| c.spec.vitals.name() == name && c.phase != Phase::Over;
    children.iter_mut().find(is_it)
}

impl Actor for Supervisor {
    type Msg = Order;
    type State = Vec<Child>;
    type Arguments = ();

    async fn pre_start(
        &self,
        me: ActorRef<Order>,
        (): (),
    ) -> Result<Vec<Child>, ActorProcessingErr> {
        let mut children: Vec<Child> = self.children.iter().cloned().map(Child::new).collect();
        for child in &mut children {
            if let Err((_, text)) = child.start(me.get_cell()).await {
                let path = child.spec.vitals.path();
                return Err(Box::new(Crash(format!("{path} did not start: {text}"))));
            }
        }
        self.vitals.enter(Life::Running);
        Ok(children)
    }

    async fn handle(
        &self,
        me: ActorRef<Order>,
        order: Order,
        children: &mut Vec<Child>,
    ) -> Result<(), ActorProcessingErr> {
        match order {
            Order::Respawn(name) => match alive(children, name) {
                Some(child) if child.phase == Phase::Down => {
                    match child.start(me.get_cell()).await {
                        Ok(()) => Ok(()),
                        Err(failure) => self.failed(&me, child, failure),
                    }
                }
                Some(_) | None => Ok(()),
            },
            Order::Stop(name, done) => {
                match alive(children, name) {
                    Some(child) => child.stop(done),
                    None => drop(done.send(())),
                }
                Ok(())
            }
            Order::Kill(name) => {
                if let Some(child) = alive(children, name) {
                    child.kill();
                }
                Ok(())
            }
            Order::Ping(pong) => {
                let _ = pong.send(());
                Ok(())
            }
        }
    }

    async fn handle_supervisor_evt(
        &self,
        me: ActorRef<Order>,
        event: SupervisionEvent,
        children: &mut Vec<Child>,
    ) -> Result<(), ActorProcessingErr> {
        let (who, failure) = match event {
            SupervisionEvent::ActorFailed(who, error) => (who, Some(classify(&error))),
            SupervisionEvent::ActorTerminated(who, _, reason) => {
                let cut = matches!(reason.as_deref(), Some("killed" | "actor_task_cancelled"));
                let text = || "it was killed".to_owned();
                (who, cut.then(|| (Reason::Killed, text())))
            }
            SupervisionEvent::ActorStarted(_) | SupervisionEvent::ProcessGroupChanged(_) => {
                return Ok(());
            }
        };
        let is_it = |child: &&mut Child| {
            let actor = child.actor.as_ref();
            actor.is_some_and(|actor| actor.get_id() == who.get_id())
        };
        match children.iter_mut().find(is_it) {
            Some(child) => self.ended(&me, child, failure),
            None => Ok(()),
        }
    }
}

/// Leads orders to a supervisor, which may itself be restarted.
pub(crate) type Orders = Slot<Order>;

#[cfg(test)]
mod tests;
