//! Makes this process forget what was changed, here or elsewhere: reads the outbox that every change writes to, and
//! evicts. What is remembered is never the truth, so the worst that a late eviction costs is its time to live.
//!
//! Must not live here: the caches themselves, and writing the outbox, which the change's own transaction does.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::store::{Store, StoreError, outbox::Invalidation};

use super::handle::Failure;
use super::inbox::{Inbox, Queued};
use super::round::{self, Rounds};
use super::supervisor::Spec;
use super::vitals::Vitals;

const EVERY: Duration = Duration::from_millis(500);
/// Ids are drawn before a transaction commits, so one may become visible after a greater one. No commit takes so long, so
/// what was reached before that time is settled.
const OVERLAP: Duration = Duration::from_secs(10);
/// As many ids below the greatest are read in the first moments, when it is not known what was reached before.
const FIRST: i64 = 1000;

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
    /// How far it was at which moment, the last moment last: none but the first is as old as the overlap.
    marks: VecDeque<(Instant, i64)>,
    /// Read, and above the first mark.
    seen: HashSet<i64>,
    missed: bool,
}

impl Reached {
    fn at(last: i64) -> Self {
        Self {
            marks: VecDeque::from([(Instant::now(), last - FIRST)]),
            seen: HashSet::new(),
            missed: false,
        }
    }

    /// Everything up to here is settled.
    fn settled(&self) -> i64 {
        self.marks.front().map_or(0, |(_, id)| *id)
    }

    fn note(&mut self, last: i64) {
        let now = Instant::now();
        let before = self.marks.back().map_or(0, |(_, id)| *id);
        self.marks.push_back((now, before.max(last)));
        let is_old = |mark: &(Instant, i64)| now.duration_since(mark.0) >= OVERLAP;
        while self.marks.get(1).is_some_and(is_old) {
            self.marks.pop_front();
        }
        let settled = self.settled();
        self.seen.retain(|id| *id > settled);
    }
}

impl Rounds for Invalidator {
    type Item = ();
    type State = Reached;
    const MOST: usize = 1;

    async fn open(&self) -> Result<Reached, Failure> {
        // Whatever was remembered before a restart of this actor may be out of date.
        (self.settings.clear)();
        let last = self.store.last_invalidation().await?;
        Ok(Reached::at(last))
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
        let mut after = reached.settled();
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
        reached.note(after);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
