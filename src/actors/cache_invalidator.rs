//! Makes this process forget what was changed elsewhere: reads the outbox that every change writes to, when `outbox_watch`
//! rings and twice a second at least, and evicts. What is remembered is never the truth, so the worst that a late eviction
//! costs is its time to live.
//!
//! Must not live here: the caches themselves, writing the outbox, which the change's own transaction does, and what was
//! changed here, of which the store tells at once (`Store::tell`).

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::store::{Store, StoreError, outbox::Invalidation};

use super::handle::Failure;
use super::lifecycle::Step;
use super::supervisor::Spec;
use super::ticking::{Bell, Ticking};
use super::vitals::Vitals;

/// How often the outbox is looked at when nobody rings.
pub const LOOK: Duration = Duration::from_millis(500);
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
    /// [`LOOK`].
    pub look: Duration,
}

/// The place in the tree, and what makes it look at once.
pub fn spec(vitals: &Arc<Vitals>, settings: Settings, store: Store) -> (Bell, Spec) {
    let bell = Bell::new(vitals);
    let spec = bell.spec(Invalidator { settings, store });
    (bell, spec.stopped_in(Step::Caches))
}

struct Invalidator {
    settings: Settings,
    store: Store,
}

/// How far the outbox has been read.
#[derive(Default)]
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

impl Ticking for Invalidator {
    type State = Reached;

    async fn begin(&self, reached: &mut Reached) -> Result<(), Failure> {
        // Whatever was remembered before a restart of this actor may be out of date.
        (self.settings.clear)();
        *reached = Reached::at(self.store.last_invalidation().await?);
        Ok(())
    }

    fn pause(&self, _: &Reached) -> Option<Duration> {
        Some(self.settings.look)
    }

    async fn tick(&self, reached: &mut Reached) {
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
}

impl Invalidator {
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
