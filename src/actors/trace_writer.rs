//! Decision traces on their way to the database: refusals are noted in memory, and once a second what is new is written.
//!
//! Lives here: the reference that a refusal is given, and the counting of those that say the same. Noting never waits and
//! never fails a request. Must not live here: what a trace says (`domain::trace`), and how long it is kept (`store`).

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;

use crate::domain::time::{Clock, Entropy, Timestamp, random};
use crate::domain::trace::{Check, Decision, ErrorRef, Operation};
use crate::store::traces::{PIECE, RecordTraces, TraceRow};
use crate::store::{Store, StoreError};

use super::lifecycle::Step;
use super::supervisor::Spec;
use super::ticking::{self, Ticking};
use super::vitals::Vitals;

/// How long refusals that say the same share one reference.
const WINDOW: Duration = Duration::from_secs(600);
/// How often what is new is written.
const EVERY: Duration = Duration::from_secs(1);
/// Refusals of one window that are told apart; beyond it clients are counted together.
const KINDS: usize = 4096;
/// Names of clients that nobody knows that are told apart in one window, so that whoever makes names up pushes no trace out.
const STRANGERS: usize = 64;

/// What the writer needs.
#[derive(Clone)]
pub struct Settings {
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// References.
    pub entropy: Arc<dyn Entropy>,
}

/// The handle.
#[derive(Clone)]
pub struct TraceWriter {
    noted: Arc<Mutex<Noted>>,
    settings: Settings,
}

/// What was noted: the reference, and whether this is the first refusal that has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// For the client.
    pub reference: ErrorRef,
    /// Nobody has it yet.
    pub is_new: bool,
}

/// Whose refusal, of what, by which check.
type Kind = (String, Operation, Check);

#[derive(Default)]
struct Noted {
    open: HashMap<Kind, Entry>,
    strangers: usize,
    /// Entries whose window ended before they were written.
    closed: Vec<Entry>,
}

struct Entry {
    reference: ErrorRef,
    decision: Decision,
    is_stranger: bool,
    unwritten: i64,
    first_at: Timestamp,
    last_at: Timestamp,
}

impl TraceWriter {
    /// Prepares the handle and the writer's place in the tree.
    pub fn new(vitals: &Arc<Vitals>, settings: Settings, store: Store) -> (Self, Spec) {
        let handle = Self {
            noted: Arc::default(),
            settings,
        };
        let figures = Arc::new(Figures::default());
        let told = Arc::clone(&figures);
        vitals.watch_detail(move || told.detail());
        let writer = Writer {
            noted: Arc::clone(&handle.noted),
            clock: Arc::clone(&handle.settings.clock),
            store,
            figures,
        };
        let spec = ticking::spec(vitals, writer).stopped_in(Step::Audit);
        (handle, spec)
    }

    /// Notes a refusal. `None` when no reference could be drawn.
    pub fn note(&self, mut decision: Decision) -> Option<Note> {
        let now = self.settings.clock.now();
        let is_stranger = decision.is_by_a_stranger();
        let mut noted = lock(&self.noted);
        let kind = noted.kind(&decision, is_stranger);
        decision.client_id.clone_from(&kind.0);
        if let Some(entry) = noted.open.get_mut(&kind)
            && now - entry.first_at < WINDOW
        {
            entry.unwritten += 1;
            entry.last_at = now;
            entry.decision = decision;
            return Some(Note {
                reference: entry.reference.clone(),
                is_new: false,
            });
        }
        let reference = ErrorRef::draw(&random(&*self.settings.entropy).ok()?);
        noted.begin(
            kind,
            Entry {
                reference: reference.clone(),
                decision,
                is_stranger,
                unwritten: 1,
                first_at: now,
                last_at: now,
            },
        );
        Some(Note {
            reference,
            is_new: true,
        })
    }
}

fn lock(noted: &Mutex<Noted>) -> MutexGuard<'_, Noted> {
    noted.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Noted {
    /// With which refusals this one is counted.
    fn kind(&self, decision: &Decision, is_stranger: bool) -> Kind {
        let full = self.open.len() >= KINDS || (is_stranger && self.strangers >= STRANGERS);
        let kind = (
            decision.client_id.clone(),
            decision.operation,
            decision.check,
        );
        if full && !self.open.contains_key(&kind) {
            (String::new(), kind.1, kind.2)
        } else {
            kind
        }
    }

    fn begin(&mut self, kind: Kind, entry: Entry) {
        self.strangers += usize::from(entry.is_stranger);
        if let Some(old) = self.open.insert(kind, entry) {
            self.close(old);
        }
    }

    fn close(&mut self, entry: Entry) {
        self.strangers -= usize::from(entry.is_stranger);
        if entry.unwritten > 0 {
            self.closed.push(entry);
        }
    }

    /// What is to be written, counted as written. Windows that are over are closed first.
    fn take(&mut self, now: Timestamp) -> Vec<TraceRow> {
        let over: Vec<Kind> = self
            .open
            .iter()
            .filter(|(_, entry)| now - entry.first_at >= WINDOW)
            .map(|(kind, _)| kind.clone())
            .collect();
        for kind in over {
            if let Some(entry) = self.open.remove(&kind) {
                self.close(entry);
            }
        }
        let closed = std::mem::take(&mut self.closed);
        let mut rows: Vec<TraceRow> = closed.iter().map(Entry::row).collect();
        for entry in self.open.values_mut().filter(|entry| entry.unwritten > 0) {
            rows.push(entry.row());
            entry.unwritten = 0;
        }
        rows
    }

    /// Counts again what could not be written, as far as its window is still open.
    fn put_back(&mut self, rows: &[TraceRow]) {
        for row in rows {
            if let Some(entry) = self
                .open
                .values_mut()
                .find(|entry| entry.reference == row.reference)
            {
                entry.unwritten += row.times;
            }
        }
    }
}

impl Entry {
    fn row(&self) -> TraceRow {
        TraceRow {
            reference: self.reference.clone(),
            client_id: self.decision.client_id.clone(),
            operation: self.decision.operation.as_str().to_owned(),
            check: self.decision.check.as_str().to_owned(),
            error: self.decision.error.as_str().to_owned(),
            trace: self.decision.trace(),
            times: self.unwritten,
            first_at: self.first_at,
            last_at: self.last_at,
        }
    }
}

#[derive(Default)]
struct Figures {
    rows: AtomicU64,
    refused: AtomicU64,
}

#[derive(Serialize)]
struct Detail {
    rows: u64,
    refused: u64,
}

impl Figures {
    fn detail(&self) -> Detail {
        Detail {
            rows: self.rows.load(Relaxed),
            refused: self.refused.load(Relaxed),
        }
    }
}

struct Writer {
    noted: Arc<Mutex<Noted>>,
    clock: Arc<dyn Clock>,
    store: Store,
    figures: Arc<Figures>,
}

impl Ticking for Writer {
    type State = ();

    fn pause(&self, (): &()) -> Option<Duration> {
        Some(EVERY)
    }

    async fn tick(&self, (): &mut ()) {
        self.write().await;
    }

    async fn close(&self, (): &mut ()) {
        self.write().await;
    }
}

impl Writer {
    async fn write(&self) {
        let rows = lock(&self.noted).take(self.clock.now());
        for piece in rows.chunks(PIECE) {
            let unit = RecordTraces {
                rows: piece.to_vec(),
            };
            match self.store.commit(unit).await {
                Ok(()) => {
                    self.figures.rows.fetch_add(piece.len() as u64, Relaxed);
                }
                Err(StoreError::Unavailable(why)) => {
                    tracing::warn!(why, "decision traces wait for the database");
                    lock(&self.noted).put_back(piece);
                }
                Err(error) => {
                    self.figures.refused.fetch_add(piece.len() as u64, Relaxed);
                    tracing::error!(%error, "decision traces were refused by the database");
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
