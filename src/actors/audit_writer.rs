//! The audit trail's writer: events that belong to no change and no refusal of their own are counted here, and each
//! second what was counted becomes rows. Nothing is dropped: what cannot be written stays, and what finds no room waits.
//!
//! Must not live here: which events there are and what is masked (`domain::audit`), and rows of a state change, which
//! are part of that change's own transaction.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use serde::Serialize;

use crate::domain::audit::AuditEvent;
use crate::domain::time::{Clock, Entropy};
use crate::faults;
use crate::store::{Store, StoreError, audit::RecordCounted};

use super::lifecycle::Step;
use super::supervisor::Spec;
use super::ticking::{Bell, Ticking};
use super::vitals::Vitals;

mod buffer;
use buffer::Buffer;
pub use buffer::NoRoom;

/// Rows in one transaction.
const ROWS: usize = 256;
/// How long an event may be counted before its row is written.
const EVERY: Duration = Duration::from_secs(1);
/// The pause between two tries of the last writing.
const PAUSE: Duration = Duration::from_millis(200);

/// What the operator set, and what the writer needs.
#[derive(Clone)]
pub struct Settings {
    /// `ENABLE_AUDIT_LOGGING`.
    pub enabled: bool,
    /// `AUDIT_LOG_BUFFER_SIZE`: rows that may wait, from the first event of each until it is durable. At least 1.
    pub capacity: usize,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Ids of rows.
    pub entropy: Arc<dyn Entropy>,
}

/// The handle.
#[derive(Clone)]
pub struct AuditWriter {
    buffer: Arc<Buffer>,
    bell: Bell,
    enabled: bool,
}

impl AuditWriter {
    /// Prepares the handle and the writer's place in the tree.
    pub fn new(vitals: &Arc<Vitals>, settings: Settings, store: Store) -> (Self, Spec) {
        let clock = Arc::clone(&settings.clock);
        let buffer = Buffer::new(vitals, settings.capacity, clock);
        let figures = Arc::new(Figures::default());
        let told = (Arc::clone(&figures), Arc::clone(&buffer));
        vitals.watch_detail(move || told.0.detail(&told.1));
        let bell = Bell::new(vitals);
        let handle = Self {
            buffer: Arc::clone(&buffer),
            bell: bell.clone(),
            enabled: settings.enabled,
        };
        let spec = bell.spec(Writer {
            settings,
            store,
            buffer,
            bell: bell.clone(),
            figures,
        });
        (handle, spec.stopped_in(Step::Audit))
    }

    /// Counts an event. Equal events of about a second are one row; the first of a row waits for room when there is none,
    /// at most five seconds. Whoever gives up waiting has told nothing.
    ///
    /// # Errors
    /// [`NoRoom`]: the event is not counted, so what it tells of must not happen.
    pub async fn note(&self, event: AuditEvent) -> Result<(), NoRoom> {
        if !self.enabled {
            return Ok(());
        }
        match self.buffer.enter(event) {
            None => Ok(()),
            Some(event) => {
                self.hurry();
                self.buffer.enter_later(event).await
            }
        }
    }

    /// Counts a refusal, which is cheap and must stay so: without room it waits for nobody and is counted with all others
    /// of its type, in one row without an address.
    pub fn count(&self, event: AuditEvent) {
        if !self.enabled {
            return;
        }
        if let Some(event) = self.buffer.enter(event) {
            self.hurry();
            self.buffer.enter_beyond(event);
        }
    }

    /// The end of the process: what the database did not take until then is told in full. To be called when the writer has
    /// ended.
    pub fn tell_rest(&self) {
        for row in self.buffer.leavings() {
            tracing::error!(target: "audit.dead_letter", ?row, "an audit row was not written before the end");
        }
    }

    fn hurry(&self) {
        if self.buffer.hurry() {
            self.bell.ring();
        }
    }
}

#[derive(Default)]
struct Figures {
    rows: AtomicU64,
    commits: AtomicU64,
    failures: AtomicU64,
    dead_letters: AtomicU64,
}

#[derive(Serialize)]
struct Detail {
    rows: u64,
    commits: u64,
    failures: u64,
    dead_letters: u64,
    callers: u64,
}

impl Figures {
    fn detail(&self, buffer: &Buffer) -> Detail {
        Detail {
            rows: self.rows.load(Relaxed),
            commits: self.commits.load(Relaxed),
            failures: self.failures.load(Relaxed),
            dead_letters: self.dead_letters.load(Relaxed),
            callers: buffer.callers(),
        }
    }
}

struct Writer {
    settings: Settings,
    store: Store,
    buffer: Arc<Buffer>,
    bell: Bell,
    figures: Arc<Figures>,
}

impl Ticking for Writer {
    type State = ();

    fn pause(&self, (): &()) -> Option<Duration> {
        self.settings.enabled.then_some(EVERY)
    }

    async fn tick(&self, (): &mut ()) {
        // After a failure whoever finds no room waits for the next tick: a database in trouble is not asked more often.
        if self.write_all().await {
            self.buffer.settle();
            if self.buffer.is_full() && self.buffer.hurry() {
                self.bell.ring();
            }
        }
    }

    async fn close(&self, (): &mut ()) {
        self.buffer.close();
        // The step of the shutdown has a deadline of its own.
        while !(self.write_all().await && self.buffer.is_empty()) {
            tokio::time::sleep(PAUSE).await;
        }
    }
}

impl Writer {
    /// Writes what waits; whether all of it was dealt with.
    async fn write_all(&self) -> bool {
        if let Err(error) = self.buffer.seal(&*self.settings.entropy) {
            tracing::warn!(%error, "counted audit events wait for their ids");
            return false;
        }
        let mut most = ROWS;
        loop {
            let rows = self.buffer.next(most);
            let Some(first) = rows.first().cloned() else {
                return true;
            };
            let many = rows.len();
            match self.store.commit(RecordCounted { rows }).await {
                Ok(()) => {
                    faults::strike("audit_writer.committed");
                    self.figures.commits.fetch_add(1, Relaxed);
                    self.figures.rows.fetch_add(many as u64, Relaxed);
                    self.buffer.done(many);
                    most = ROWS.min(most * 2);
                }
                Err(StoreError::Unavailable(why)) => {
                    self.figures.failures.fetch_add(1, Relaxed);
                    tracing::warn!(why, "the audit trail waits for the database");
                    return false;
                }
                // Halved until the one bad row is found, which is told in full.
                Err(error) if many > 1 => {
                    tracing::warn!(%error, rows = many, "an audit batch was refused and is split");
                    most = many / 2;
                }
                Err(error) => {
                    self.figures.dead_letters.fetch_add(1, Relaxed);
                    tracing::error!(target: "audit.dead_letter", %error, row = ?first, "an audit row was refused");
                    self.buffer.done(1);
                    most = ROWS.min(most * 2);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
