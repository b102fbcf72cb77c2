//! Makes this process forget what was changed, here or elsewhere: reads the outbox that every change writes to, and
//! evicts. What is remembered is never the truth, so the worst that a late eviction costs is its time to live.
//!
//! Must not live here: the caches themselves, and writing the outbox, which the change's own transaction does.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use crate::store::{Store, StoreError, outbox::Invalidation};

use super::handle::Failure;
use super::inbox::{Inbox, Queued};
use super::round::{self, Rounds};
use super::supervisor::Spec;
use super::vitals::Vitals;

const EVERY: Duration = Duration::from_millis(500);
/// Ids are drawn before a transaction commits, so one may become visible after a greater one: so many are read again.
const OVERLAP: i64 = 1000;

/// What is done about a change.
#[derive(Clone)]
pub struct Settings {
    /// Forget this.
    pub evict: Arc<dyn Fn(&Invalidation) + Send + Sync>,
    /// Forget everything: changes may have been missed.
    pub clear: Arc<dyn Fn() + Send + Sync>,
}

/// The handle.
#[derive(Clone)]
pub struct CacheInvalidator {
    inbox: Inbox<()>,
}

impl CacheInvalidator {
    /// Prepares the handle and the place in the tree.
    pub fn new(vitals: &Arc<Vitals>, settings: Settings, store: Store) -> (Self, Spec) {
        let inbox = Inbox::new(vitals, 1);
        let spec = round::spec(Invalidator { settings, store }, &inbox);
        (Self { inbox }, spec)
    }

    /// Look now. Many nudges are one look.
    pub fn nudge(&self) {
        // A full inbox means that a look is under way to begin.
        drop(self.inbox.try_push(()));
    }
}

struct Invalidator {
    settings: Settings,
    store: Store,
}

/// How far the outbox has been read.
struct Reached {
    last: i64,
    seen: HashSet<i64>,
    missed: bool,
}

impl Rounds for Invalidator {
    type Item = ();
    type State = Reached;
    const MOST: usize = 1;

    async fn open(&self) -> Result<Reached, Failure> {
        // Whatever was remembered before a restart of this actor may be out of date.
        (self.settings.clear)();
        let last = self.store.last_invalidation().await?;
        Ok(Reached {
            last,
            seen: HashSet::new(),
            missed: false,
        })
    }

    async fn serve(&self, reached: &mut Reached, _: Vec<Queued<()>>) -> Result<(), Failure> {
        self.look(reached).await;
        Ok(())
    }

    fn pause(&self, _: &Reached) -> Option<Duration> {
        Some(EVERY)
    }

    async fn tick(&self, reached: &mut Reached) -> Result<(), Failure> {
        self.look(reached).await;
        Ok(())
    }
}

impl Invalidator {
    async fn look(&self, reached: &mut Reached) {
        match self.read(reached).await {
            Ok(()) if reached.missed => {
                reached.missed = false;
                (self.settings.clear)();
            }
            Ok(()) => {}
            Err(error) => {
                if !reached.missed {
                    tracing::warn!(%error, "the outbox cannot be read");
                }
                reached.missed = true;
            }
        }
    }

    async fn read(&self, reached: &mut Reached) -> Result<(), StoreError> {
        let from = reached.last - OVERLAP;
        let mut after = from;
        loop {
            let changes = self.store.invalidations_after(after).await?;
            let Some(newest) = changes.last().map(|change| change.id) else {
                break;
            };
            after = newest;
            for change in changes {
                if reached.seen.insert(change.id) {
                    (self.settings.evict)(&change);
                }
            }
        }
        reached.last = reached.last.max(after);
        let horizon = reached.last - OVERLAP;
        reached.seen.retain(|id| *id > horizon);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
