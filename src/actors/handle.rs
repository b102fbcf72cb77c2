//! How others hold an actor: a slot that always leads to its present incarnation, and the ways in which asking can fail.
//!
//! Must not live here: queues (see `inbox`) and anything that knows what a particular actor does.

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use ractor::{ActorRef, Message};

/// Why a round, a task or a start failed. Its text ends up in the log and on the actor page, so it holds no secrets.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Where an actor is found. The supervisor publishes each new incarnation here, so that a handle taken once, at the
/// start, works for as long as the process lives.
pub struct Slot<M: Message>(Arc<ArcSwapOption<ActorRef<M>>>);

impl<M: Message> Clone for Slot<M> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<M: Message> Default for Slot<M> {
    fn default() -> Self {
        Self(Arc::new(ArcSwapOption::empty()))
    }
}

impl<M: Message> Slot<M> {
    /// From now on messages go to `actor`.
    pub fn publish(&self, actor: ActorRef<M>) {
        self.0.store(Some(Arc::new(actor)));
    }

    /// Sends without waiting; false when nobody is there to take the message (not started yet, crashed, draining).
    pub fn cast(&self, message: M) -> bool {
        match &*self.0.load() {
            Some(actor) => actor.cast(message).is_ok(),
            None => false,
        }
    }
}

/// Why a question to an actor has no answer. Whether to ask again is the caller's decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    /// The queue had no room. The actor never saw the question.
    #[error("its queue is full")]
    Full,
    /// The actor is being shut down. It never saw the question.
    #[error("it is shutting down")]
    Closed,
    /// No answer within the caller's patience. The work may still have been done.
    #[error("it did not answer in time")]
    Late,
    /// The actor ended while it had the question in hand. The work may or may not have been done.
    #[error("it ended while it worked on this")]
    Lost,
}

/// The error with which our own actors end themselves; a supervisor tells it from a panic by its type.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Crash(pub String);
