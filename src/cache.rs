//! What this process remembers for a while. Truth is never here, and no answer that issues a token rests on it.
//!
//! A fill lands only when nothing was evicted since it began: else a row read before a change could be remembered after
//! the change and live on for the whole time to live.
mod failures;
mod verified_secrets;
pub use failures::Failures;
pub use verified_secrets::VerifiedSecrets;

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};
use std::time::Duration;

/// Rows of one kind by key, bounded in number and time.
pub struct Cached<T> {
    rows: moka::sync::Cache<Box<str>, Arc<T>>,
    generation: Arc<AtomicU64>,
}

/// The right to put a row that is about to be read.
#[derive(Clone, Copy, Debug)]
pub struct Lease(u64);

impl<T> Clone for Cached<T> {
    fn clone(&self) -> Self {
        Self {
            rows: self.rows.clone(),
            generation: Arc::clone(&self.generation),
        }
    }
}

impl<T: Send + Sync + 'static> Cached<T> {
    /// At most `capacity` rows, each for at most `ttl`.
    pub fn new(capacity: u64, ttl: Duration) -> Self {
        Self {
            rows: moka::sync::Cache::builder()
                .max_capacity(capacity)
                .time_to_live(ttl)
                .build(),
            generation: Arc::default(),
        }
    }

    /// The row, if it is remembered.
    pub fn get(&self, key: &str) -> Option<Arc<T>> {
        self.rows.get(key)
    }

    /// To be taken before the row is read from the database.
    pub fn lease(&self) -> Lease {
        Lease(self.generation.load(Ordering::SeqCst))
    }

    /// Remembers the row unless something was evicted since the lease was taken.
    pub fn put(&self, lease: Lease, key: &str, row: Arc<T>) {
        if self.generation.load(Ordering::SeqCst) != lease.0 {
            return;
        }
        self.rows.insert(key.into(), row);
        // An eviction between the test and the insert has found nothing to remove: take the row out again.
        if self.generation.load(Ordering::SeqCst) != lease.0 {
            self.rows.invalidate(key);
        }
    }

    /// Forgets one row.
    pub fn evict(&self, key: &str) {
        self.generation.fetch_add(1, Ordering::SeqCst);
        self.rows.invalidate(key);
    }

    /// Forgets everything.
    pub fn clear(&self) {
        self.generation.fetch_add(1, Ordering::SeqCst);
        self.rows.invalidate_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fill_that_began_before_an_eviction_does_not_land() {
        let cache = Cached::new(10, Duration::from_secs(60));
        let lease = cache.lease();
        cache.evict("a");
        cache.put(lease, "a", Arc::new(1));
        assert_eq!(cache.get("a"), None);
        cache.put(cache.lease(), "a", Arc::new(2));
        assert_eq!(cache.get("a").as_deref(), Some(&2));
        cache.clear();
        assert_eq!(cache.get("a"), None);
    }
}
