//! Drops the counters of rate limits whose minute is over, every `RATE_LIMIT_CLEANUP_INTERVAL`.
//!
//! A limit is right without it; this only gives memory back. Must not live here: counting.

use std::sync::Arc;
use std::time::Duration;

use super::handle::Failure;
use super::inbox::{Inbox, Queued};
use super::round::{self, Rounds};
use super::supervisor::Spec;
use super::vitals::Vitals;

/// Drops what is over.
pub type Sweep = Arc<dyn Fn() + Send + Sync>;

/// The place in the tree.
pub fn spec(vitals: &Arc<Vitals>, every: Duration, sweep: Sweep) -> Spec {
    let inbox = Inbox::<()>::new(vitals, 1);
    round::spec(Sweeper { every, sweep }, &inbox)
}

struct Sweeper {
    every: Duration,
    sweep: Sweep,
}

impl Rounds for Sweeper {
    type Item = ();
    type State = ();
    const MOST: usize = 1;

    async fn open(&self) -> Result<(), Failure> {
        Ok(())
    }

    async fn serve(&self, (): &mut (), _: Vec<Queued<()>>) -> Result<(), Failure> {
        Ok(())
    }

    fn pause(&self, (): &()) -> Option<Duration> {
        Some(self.every)
    }

    async fn tick(&self, (): &mut ()) -> Result<(), Failure> {
        (self.sweep)();
        Ok(())
    }
}
