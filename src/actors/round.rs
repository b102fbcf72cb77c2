//! What an actor of this house does: it takes what waits in its inbox, does one round with it, and may tick.
//!
//! Lives here: the one place where rounds meet ractor. A concrete actor implements [`Rounds`] and never sees a
//! mailbox, a permit or a restart. Must not live here: the decision to restart (see `supervisor`).

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use ractor::{Actor, ActorProcessingErr, ActorRef};
use tracing::{Instrument, Span};

use super::handle::{Crash, Failure};
use super::inbox::{Inbox, Nudge, Queued};
use super::supervisor::{Restart, Spec, Start};
use crate::faults;

/// The work of one actor.
///
/// State lives from one start to the next and must be rebuildable; whatever must survive belongs to the database or to
/// the implementing value itself, which all incarnations share.
pub trait Rounds: Send + Sync + 'static {
    /// What waits in the inbox.
    type Item: Send + 'static;
    /// What one incarnation carries from round to round.
    type State: Send + 'static;

    /// The most items that one round takes.
    const MOST: usize;

    /// Begins an incarnation.
    ///
    /// # Errors
    /// A failure at boot stops the boot; a failure at a restart counts as one more restart.
    fn open(&self) -> impl Future<Output = Result<Self::State, Failure>> + Send;

    /// Serves a batch, which is never empty. Expected failures are answers; an `Err` means "restart me" and loses the
    /// replies of this batch.
    ///
    /// # Errors
    /// When this incarnation cannot go on.
    fn serve(
        &self,
        state: &mut Self::State,
        batch: Vec<Queued<Self::Item>>,
    ) -> impl Future<Output = Result<(), Failure>> + Send;

    /// Time from now to the next tick; `None` for none. Asked at the start and after every tick.
    fn pause(&self, _state: &Self::State) -> Option<Duration> {
        None
    }

    /// Work that comes with time, not with a request.
    ///
    /// # Errors
    /// As for `serve`.
    fn tick(&self, _state: &mut Self::State) -> impl Future<Output = Result<(), Failure>> + Send {
        async { Ok(()) }
    }

    /// Ends an incarnation in order, after the last item has been served.
    fn close(&self, _state: &mut Self::State) -> impl Future<Output = ()> + Send {
        async {}
    }
}

/// The place in the tree for `rounds`, served from `inbox`. Always restarted, until asked to stop.
pub fn spec<R: Rounds>(rounds: R, inbox: &Inbox<R::Item>) -> Spec {
    let rounds = Arc::new(rounds);
    let (starting, stopping) = (inbox.clone(), inbox.clone());
    let start: Start = Arc::new(move |supervisor| {
        let (rounds, inbox) = (Arc::clone(&rounds), starting.clone());
        Box::pin(async move {
            let path = inbox.vitals().path();
            let runner = Runner {
                rounds,
                inbox: inbox.clone(),
                span: tracing::info_span!(parent: None, "actor", path),
            };
            let (actor, _) = Actor::spawn_linked(None, runner, (), supervisor).await?;
            inbox.attach(actor.clone());
            Ok(actor.get_cell())
        })
    });
    Spec::new(inbox.vitals(), Restart::Always, start).stopped_by(move |actor| {
        stopping.close();
        let _ = actor.drain();
    })
}

struct Runner<R: Rounds> {
    rounds: Arc<R>,
    inbox: Inbox<R::Item>,
    /// A batch belongs to many requests, so its log lines name the actor, not the request that happened to wake it.
    span: Span,
}

impl<R: Rounds> Runner<R> {
    /// One round over what waits; false when nothing did.
    async fn round(&self, state: &mut R::State) -> Result<bool, ActorProcessingErr> {
        let batch = self.inbox.take(R::MOST);
        if batch.is_empty() {
            return Ok(false);
        }
        let work = self.inbox.vitals().begin(batch.len());
        faults::strike(self.inbox.vitals().name());
        let serving = self.rounds.serve(state, batch);
        serving.instrument(self.span.clone()).await.map_err(crash)?;
        work.done();
        Ok(true)
    }

    async fn tick(&self, state: &mut R::State) -> Result<(), ActorProcessingErr> {
        let work = self.inbox.vitals().begin(0);
        faults::strike(self.inbox.vitals().name());
        let ticking = self.rounds.tick(state);
        ticking.instrument(self.span.clone()).await.map_err(crash)?;
        work.done();
        Ok(())
    }

    fn arm(&self, me: &ActorRef<Nudge>, state: &R::State) {
        if let Some(pause) = self.rounds.pause(state) {
            me.send_after(pause, || Nudge::Tick);
        }
    }
}

fn crash(failure: Failure) -> ActorProcessingErr {
    Box::new(Crash(failure.to_string()))
}

impl<R: Rounds> Actor for Runner<R> {
    type Msg = Nudge;
    type State = R::State;
    type Arguments = ();

    async fn pre_start(
        &self,
        _me: ActorRef<Nudge>,
        (): (),
    ) -> Result<R::State, ActorProcessingErr> {
        self.rounds.open().await.map_err(crash)
    }

    async fn post_start(
        &self,
        me: ActorRef<Nudge>,
        state: &mut R::State,
    ) -> Result<(), ActorProcessingErr> {
        self.arm(&me, state);
        faults::rouse(self.inbox.vitals().name(), move || {
            me.cast(Nudge::Now).is_ok()
        });
        Ok(())
    }

    async fn handle(
        &self,
        me: ActorRef<Nudge>,
        nudge: Nudge,
        state: &mut R::State,
    ) -> Result<(), ActorProcessingErr> {
        match nudge {
            Nudge::Wake => {
                self.inbox.awake();
                self.round(state).await?;
                // One round per message, so that ticks and signals get their turn under load.
                self.inbox.wake_if_waiting();
            }
            Nudge::Tick => {
                self.tick(state).await?;
                self.arm(&me, state);
            }
            Nudge::Now => self.tick(state).await?,
        }
        Ok(())
    }

    async fn post_stop(
        &self,
        _me: ActorRef<Nudge>,
        state: &mut R::State,
    ) -> Result<(), ActorProcessingErr> {
        self.inbox.close();
        while self.round(state).await? {}
        self.rounds.close(state).await;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
