//! Drops the counters of rate limits whose minute is over, every `RATE_LIMIT_CLEANUP_INTERVAL`.
//!
//! A limit is right without it; this only gives memory back. Must not live here: counting.

use std::sync::Arc;
use std::time::Duration;

use super::supervisor::Spec;
use super::ticking::{self, Ticking};
use super::vitals::Vitals;

/// Drops what is over.
pub type Sweep = Arc<dyn Fn() + Send + Sync>;

/// The place in the tree.
pub fn spec(vitals: &Arc<Vitals>, every: Duration, sweep: Sweep) -> Spec {
    ticking::spec(vitals, Sweeper { every, sweep })
}

struct Sweeper {
    every: Duration,
    sweep: Sweep,
}

impl Ticking for Sweeper {
    type State = ();

    fn pause(&self, (): &()) -> Option<Duration> {
        Some(self.every)
    }

    async fn tick(&self, (): &mut ()) {
        (self.sweep)();
    }
}
