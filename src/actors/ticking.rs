//! An actor that nobody asks: it works when its time has come, or when somebody rings.
//!
//! Lives here: that form, once, over [`Rounds`]. It has no queue, so the report shows none. Must not live here: what any
//! actor does, and when.

use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use super::handle::Failure;
use super::inbox::{Inbox, Queued};
use super::round::{self, Rounds};
use super::supervisor::Spec;
use super::vitals::Vitals;

/// The work of such an actor. As for [`Rounds`], what must survive a restart belongs to the implementing value.
pub trait Ticking: Send + Sync + 'static {
    /// What one incarnation carries from tick to tick.
    type State: Default + Send + 'static;

    /// Begins an incarnation.
    ///
    /// # Errors
    /// As for [`Rounds::open`].
    fn begin(&self, _state: &mut Self::State) -> impl Future<Output = Result<(), Failure>> + Send {
        async { Ok(()) }
    }

    /// Time from now to the next tick; `None` for none. Asked at the start and after every tick.
    fn pause(&self, state: &Self::State) -> Option<Duration>;

    /// Works. What fails is told and tried again at the next tick; only a panic restarts the actor.
    fn tick(&self, state: &mut Self::State) -> impl Future<Output = ()> + Send;

    /// Ends an incarnation in order.
    fn close(&self, _state: &mut Self::State) -> impl Future<Output = ()> + Send {
        async {}
    }
}

/// The place in the tree for `work`.
pub fn spec<T: Ticking>(vitals: &Arc<Vitals>, work: T) -> Spec {
    Bell::new(vitals).spec(work)
}

/// Has an actor tick at once, beside its pauses.
#[derive(Clone)]
pub struct Bell(Inbox<Infallible>);

impl Bell {
    /// The bell of the actor whose vitals these are.
    pub fn new(vitals: &Arc<Vitals>) -> Self {
        Self(Inbox::none(vitals))
    }

    /// The place in the tree for `work`, which hears this bell.
    pub fn spec<T: Ticking>(&self, work: T) -> Spec {
        round::spec(Ticker(work), &self.0)
    }

    /// Rings. One tick for each call; none while the actor is down.
    pub fn ring(&self) {
        self.0.hasten();
    }
}

struct Ticker<T>(T);

impl<T: Ticking> Rounds for Ticker<T> {
    type Item = Infallible;
    type State = T::State;
    const MOST: usize = 1;

    async fn open(&self) -> Result<T::State, Failure> {
        let mut state = T::State::default();
        self.0.begin(&mut state).await?;
        Ok(state)
    }

    async fn serve(&self, _: &mut T::State, _: Vec<Queued<Infallible>>) -> Result<(), Failure> {
        Ok(())
    }

    fn pause(&self, state: &T::State) -> Option<Duration> {
        self.0.pause(state)
    }

    async fn tick(&self, state: &mut T::State) -> Result<(), Failure> {
        self.0.tick(state).await;
        Ok(())
    }

    async fn close(&self, state: &mut T::State) {
        self.0.close(state).await;
    }
}
