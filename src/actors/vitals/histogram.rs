//! A histogram of durations with fixed bounds, lock-free, cheap enough for every message.
//!
//! Must not live here: rendering, and any bound chosen for one particular actor.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// Upper bounds of the buckets in microseconds; what is longer falls into a last bucket without a bound.
pub const BOUNDS_US: [u64; 17] = [
    50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000,
    1_000_000, 2_500_000, 5_000_000, 10_000_000,
];

/// Counts of durations per bucket.
#[derive(Default)]
pub struct Histogram {
    counts: [AtomicU64; BOUNDS_US.len() + 1],
    sum_us: AtomicU64,
}

impl Histogram {
    /// Counts one duration.
    pub fn observe(&self, took: Duration) {
        let us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let bucket = BOUNDS_US.partition_point(|bound| *bound < us);
        if let Some(count) = self.counts.get(bucket) {
            count.fetch_add(1, Relaxed);
        }
        self.sum_us.fetch_add(us, Relaxed);
    }

    /// Durations counted so far.
    pub fn count(&self) -> u64 {
        self.counts.iter().map(|c| c.load(Relaxed)).sum()
    }

    /// Their sum in microseconds.
    pub fn sum_us(&self) -> u64 {
        self.sum_us.load(Relaxed)
    }

    /// Pairs of upper bound (microseconds) and the number of durations at or below it.
    pub fn cumulative(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        let mut below = 0;
        BOUNDS_US.iter().zip(&self.counts).map(move |(bound, c)| {
            below += c.load(Relaxed);
            (*bound, below)
        })
    }

    /// The bound in microseconds below which the share `q` (0 to 1) of all durations lies; `None` when there are none.
    /// Durations above the last bound are reported as the last bound.
    pub fn quantile_us(&self, q: f64) -> Option<u64> {
        let total = self.count();
        if total == 0 {
            return None;
        }
        // Counts stay far below 2^52, so the conversion is exact.
        let rank = (q * total as f64).ceil().max(1.0) as u64;
        let found = self.cumulative().find(|(_, below)| *below >= rank);
        found.map(|(bound, _)| bound).or(BOUNDS_US.last().copied())
    }
}
