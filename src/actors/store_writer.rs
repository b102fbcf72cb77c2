//! SQLite only: the queue in front of the one connection that writes.
//!
//! Whatever waits is committed together, with one fsync for all. A unit that is in line is done even when its caller
//! has gone. Must not live here: transactions and SQL (`store`).

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde::Serialize;

use crate::store::{QueuedUnit, Store, UnitSink};

use super::handle::Failure;
use super::inbox::{Inbox, Queued};
use super::lifecycle::Step;
use super::round::{self, Rounds};
use super::supervisor::Spec;
use super::vitals::Vitals;

/// Units that may wait. Who comes later waits for room.
const CAPACITY: usize = 1024;

/// The handle, to be given to [`Store::submit_through`].
#[derive(Clone)]
pub struct StoreWriter {
    inbox: Inbox<QueuedUnit>,
}

impl StoreWriter {
    /// Prepares the handle and the writer's place in the tree.
    pub fn new(vitals: &Arc<Vitals>, store: Store) -> (Self, Spec) {
        let inbox = Inbox::new(vitals, CAPACITY);
        let figures = Arc::new(Figures::default());
        let told = Arc::clone(&figures);
        vitals.watch_detail(move || told.detail());
        let spec = round::spec(Writer { store, figures }, &inbox).stopped_in(Step::Database);
        (Self { inbox }, spec)
    }
}

impl UnitSink for StoreWriter {
    fn submit(&self, unit: QueuedUnit) -> BoxFuture<'static, ()> {
        let inbox = self.inbox.clone();
        async move {
            // A unit that is refused answers its caller when it is dropped.
            drop(inbox.push(unit).await);
        }
        .boxed()
    }
}

#[derive(Default)]
struct Figures {
    commits: AtomicU64,
    units: AtomicU64,
    largest: AtomicU64,
}

#[derive(Serialize)]
struct Detail {
    commits: u64,
    units: u64,
    largest_batch: u64,
}

impl Figures {
    fn detail(&self) -> Detail {
        Detail {
            commits: self.commits.load(Relaxed),
            units: self.units.load(Relaxed),
            largest_batch: self.largest.load(Relaxed),
        }
    }
}

struct Writer {
    store: Store,
    figures: Arc<Figures>,
}

impl Rounds for Writer {
    type Item = QueuedUnit;
    type State = ();
    const MOST: usize = 256;

    async fn open(&self) -> Result<(), Failure> {
        Ok(())
    }

    async fn serve(&self, (): &mut (), batch: Vec<Queued<QueuedUnit>>) -> Result<(), Failure> {
        let many = batch.len() as u64;
        let units = batch.into_iter().map(Queued::into_item).collect();
        self.store.commit_batch(units).await;
        self.figures.commits.fetch_add(1, Relaxed);
        self.figures.units.fetch_add(many, Relaxed);
        self.figures.largest.fetch_max(many, Relaxed);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
