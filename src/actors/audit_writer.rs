//! The audit trail's writer: events that belong to no other change wait here in a bounded buffer and are committed
//! together. Nothing is dropped: who finds the buffer full waits, and what is only counted is counted exactly.
//!
//! Must not live here: which events there are and what is masked (`domain::audit`), and rows of a state change, which
//! are part of that change's own transaction.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;

use crate::domain::audit::{Actor, AuditEvent, AuditRow};
use crate::domain::ids::row_id;
use crate::domain::time::{Clock, Entropy, random};
use crate::store::{Store, StoreError, audit::RecordAudit};

use super::handle::{AskError, Failure};
use super::inbox::{Asked, Inbox, Queued};
use super::round::{self, Rounds};
use super::supervisor::Spec;
use super::vitals::Vitals;

/// Rows in one transaction.
const ROWS: usize = 256;
/// How often a database that does not answer is asked again while callers wait.
const TRIES: u32 = 4;
/// The pause before the second try; it doubles.
const PAUSE: Duration = Duration::from_millis(100);
/// How long a counted event may wait before its row is written.
const COUNTED_EVERY: Duration = Duration::from_secs(1);
/// Kinds of counted events from one address that are told apart; beyond it addresses are counted together.
const KINDS: usize = 10_000;

/// What the operator set, and what the writer needs.
#[derive(Clone)]
pub struct Settings {
    /// `ENABLE_AUDIT_LOGGING`.
    pub enabled: bool,
    /// `AUDIT_LOG_BUFFER_SIZE`.
    pub capacity: usize,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Ids of rows.
    pub entropy: Arc<dyn Entropy>,
}

/// The rows are not known to be durable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the audit trail cannot be written: {0}")]
pub struct AuditError(String);

impl From<AskError> for AuditError {
    fn from(error: AskError) -> Self {
        Self(error.to_string())
    }
}

type Question = Asked<Vec<AuditRow>, Result<(), AuditError>>;

/// The handle.
#[derive(Clone)]
pub struct AuditWriter {
    inbox: Inbox<Question>,
    counted: Arc<Mutex<Counted>>,
    enabled: bool,
}

/// Events of which only the number matters, by type, path, and address with the client.
type Counted = HashMap<(&'static str, String, String), (AuditEvent, u64)>;

impl AuditWriter {
    /// Prepares the handle and the writer's place in the tree.
    pub fn new(vitals: &Arc<Vitals>, settings: Settings, store: Store) -> (Self, Spec) {
        // Not `of_questions`: rows are written even when the one who asked has gone.
        let handle = Self {
            inbox: Inbox::new(vitals, settings.capacity.max(1)),
            counted: Arc::default(),
            enabled: settings.enabled,
        };
        let figures = Arc::new(Figures::default());
        let told = Arc::clone(&figures);
        vitals.watch_detail(move || told.detail());
        let counted = Arc::clone(&handle.counted);
        let writer = Writer {
            settings,
            store,
            counted,
            figures,
        };
        let spec = round::spec(writer, &handle.inbox);
        (handle, spec)
    }

    /// Writes rows; returns when they are durable. Waits for room in the buffer.
    ///
    /// # Errors
    /// [`AuditError`] when they could not be written in good time.
    pub async fn record(&self, rows: Vec<AuditRow>) -> Result<(), AuditError> {
        if !self.enabled || rows.is_empty() {
            return Ok(());
        }
        self.inbox.ask(rows).await?
    }

    /// Counts an event of the read-only class. It never waits; equal events of one second become one row with a count.
    pub fn note(&self, event: AuditEvent) {
        if !self.enabled {
            return;
        }
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        let kind = event.event_type.as_str();
        let who = match &event.actor {
            Actor::Client(id) => format!("{} {id}", event.origin.ip),
            Actor::Anonymous | Actor::Claimed(_) | Actor::User { .. } => event.origin.ip.clone(),
        };
        let key = (kind, event.origin.path.clone(), who);
        let key = if counted.len() < KINDS || counted.contains_key(&key) {
            key
        } else {
            (kind, String::new(), String::new())
        };
        counted.entry(key).or_insert((event, 0)).1 += 1;
    }
}

#[derive(Default)]
struct Figures {
    rows: AtomicU64,
    commits: AtomicU64,
    dead_letters: AtomicU64,
}

#[derive(Serialize)]
struct Detail {
    rows: u64,
    commits: u64,
    dead_letters: u64,
}

impl Figures {
    fn detail(&self) -> Detail {
        Detail {
            rows: self.rows.load(Relaxed),
            commits: self.commits.load(Relaxed),
            dead_letters: self.dead_letters.load(Relaxed),
        }
    }
}

struct Writer {
    settings: Settings,
    store: Store,
    counted: Arc<Mutex<Counted>>,
    figures: Arc<Figures>,
}

impl Rounds for Writer {
    type Item = Question;
    type State = ();
    const MOST: usize = ROWS;

    async fn open(&self) -> Result<(), Failure> {
        Ok(())
    }

    async fn serve(&self, (): &mut (), batch: Vec<Queued<Question>>) -> Result<(), Failure> {
        let (rows, callers): (Vec<_>, Vec<_>) = batch
            .into_iter()
            .map(|queued| queued.into_item().split())
            .unzip();
        let outcome = self.write(rows.into_iter().flatten().collect()).await;
        for caller in callers {
            let _ = caller.send(outcome.clone());
        }
        Ok(())
    }

    fn pause(&self, (): &()) -> Option<Duration> {
        self.settings.enabled.then_some(COUNTED_EVERY)
    }

    async fn tick(&self, (): &mut ()) -> Result<(), Failure> {
        self.write_counted().await;
        Ok(())
    }

    async fn close(&self, (): &mut ()) {
        self.write_counted().await;
    }
}

impl Writer {
    async fn write_counted(&self) {
        let counted =
            std::mem::take(&mut *self.counted.lock().unwrap_or_else(PoisonError::into_inner));
        let now = self.settings.clock.now();
        let mut rows = Vec::with_capacity(counted.len());
        for (key, (event, count)) in counted {
            match random(&*self.settings.entropy) {
                Ok(bytes) => {
                    rows.push(event.with("count", count).into_row(row_id(now, bytes), now))
                }
                // Counted again at the next tick.
                Err(_) => {
                    let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
                    counted.entry(key).or_insert((event, 0)).1 += count;
                }
            }
        }
        if !rows.is_empty() && self.write(rows).await.is_err() {
            tracing::error!("counted audit events could not be written");
        }
    }

    /// Writes in pieces of [`ROWS`].
    async fn write(&self, mut rows: Vec<AuditRow>) -> Result<(), AuditError> {
        while !rows.is_empty() {
            let rest = rows.split_off(rows.len().min(ROWS));
            self.write_piece(rows).await?;
            rows = rest;
        }
        Ok(())
    }

    /// Halves a piece that the database refuses until the one bad row is found; it is told in full to the log.
    async fn write_piece(&self, rows: Vec<AuditRow>) -> Result<(), AuditError> {
        let mut pieces = vec![rows];
        while let Some(mut piece) = pieces.pop() {
            match self.commit(piece.clone()).await {
                Ok(()) => {
                    self.figures.commits.fetch_add(1, Relaxed);
                    self.figures.rows.fetch_add(piece.len() as u64, Relaxed);
                }
                Err(StoreError::Unavailable(why)) => return Err(AuditError(why)),
                Err(error) if piece.len() > 1 => {
                    tracing::warn!(%error, rows = piece.len(), "an audit batch was refused and is split");
                    let half = piece.split_off(piece.len() / 2);
                    pieces.push(half);
                    pieces.push(piece);
                }
                Err(error) => {
                    self.figures.dead_letters.fetch_add(1, Relaxed);
                    tracing::error!(target: "audit.dead_letter", %error, row = ?piece.first(), "an audit row was refused");
                }
            }
        }
        Ok(())
    }

    async fn commit(&self, rows: Vec<AuditRow>) -> Result<(), StoreError> {
        let mut pause = PAUSE;
        for _ in 1..TRIES {
            match self.store.commit(RecordAudit { rows: rows.clone() }).await {
                Err(StoreError::Unavailable(why)) => {
                    tracing::warn!(why, "the audit trail waits for the database")
                }
                outcome => return outcome,
            }
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
        self.store.commit(RecordAudit { rows }).await
    }
}

#[cfg(test)]
mod tests;
