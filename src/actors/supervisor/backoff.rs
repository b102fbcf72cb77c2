//! How long to wait before a failed child is started again: doubling, capped, spread.
//!
//! Must not live here: the restart budget, and any source of randomness (it is injected).

use std::sync::Arc;
use std::time::Duration;

/// A source of numbers in `[0, 1)`, so that many pods do not restart in step.
pub type Jitter = Arc<dyn Fn() -> f64 + Send + Sync>;

/// The pauses between restarts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Backoff {
    /// Pause after the first failure; each further one in a row doubles it.
    pub first: Duration,
    /// The longest pause, before it is spread.
    pub cap: Duration,
    /// Share by which a pause may be shorter or longer: 0.2 is ±20 %.
    pub spread: f64,
    /// After so long without a failure the pauses begin at `first` again.
    pub reset_after: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            first: Duration::from_millis(50),
            cap: Duration::from_secs(5),
            spread: 0.2,
            reset_after: Duration::from_secs(60),
        }
    }
}

impl Backoff {
    /// The pause after the `failures`-th failure in a row (from 1), spread by `jitter` in `[0, 1)`.
    pub fn pause(&self, failures: u32, jitter: f64) -> Duration {
        let doublings = failures.saturating_sub(1).min(31);
        let pause = self.first.saturating_mul(1 << doublings).min(self.cap);
        let jitter = jitter.clamp(0.0, 1.0);
        pause.mul_f64(1.0 - self.spread + 2.0 * self.spread * jitter)
    }
}
