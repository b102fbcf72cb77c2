//! How many clients wait for approval: a badge on every page of an administrator, remembered for `CLIENT_COUNT_CACHE_TTL`
//! and forgotten whenever a client changes, here or elsewhere.
use crate::{cache::Cached, store::Store};
use std::sync::Arc;

const KEY: &str = "pending";

/// The number, remembered.
#[derive(Clone)]
pub struct Pending {
    store: Store,
    remembered: Cached<u64>,
}

impl Pending {
    /// Counts in `store`, remembers in `remembered`.
    pub fn new(store: Store, remembered: Cached<u64>) -> Self {
        Self { store, remembered }
    }

    /// The number. A badge is no reason for a page to fail, so a database that cannot say shows none.
    pub async fn count(&self) -> u64 {
        if let Some(count) = self.remembered.get(KEY) {
            return *count;
        }
        let lease = self.remembered.lease();
        match self.store.pending_clients().await {
            Ok(count) => {
                self.remembered.put(lease, KEY, Arc::new(count));
                count
            }
            Err(error) => {
                tracing::warn!(%error, "clients that wait were not counted");
                0
            }
        }
    }
}
