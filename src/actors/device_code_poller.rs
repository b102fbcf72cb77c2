//! The polling side of the device grant: how fast each device may ask, and one question to the database for all that
//! ask at the same time.
//!
//! The state of a code is always read, never remembered, so an approval on any pod is seen by the next poll. What is
//! remembered, for this pod, is when a code was last polled. Must not live here: redeeming (the handler's own unit).

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde::Serialize;
use tokio::sync::Semaphore;

use crate::domain::device::{DeviceCode, DeviceState, pace};
use crate::domain::ids::ClientId;
use crate::domain::time::{Clock, Timestamp};
use crate::store::{Store, StoreError, devices::GrowInterval};

use super::handle::{AskError, Failure};
use super::inbox::{Asked, Inbox, Queued};
use super::round::{self, Rounds};
use super::supervisor::Spec;
use super::vitals::Vitals;

mod recent;
use recent::{LastPoll, Recent};

/// The longest that a poll waits for its answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// Grown intervals that are being written at the same time. One that finds no room stays with this pod.
const GROWING: u32 = 32;

/// The size of the poller.
#[derive(Clone)]
pub struct Settings {
    /// Polls that may wait.
    pub capacity: usize,
    /// Codes whose last poll is remembered.
    pub remembered: usize,
    /// Tells when a poll came.
    pub clock: Arc<dyn Clock>,
}

/// What a poll finds.
#[derive(Debug, Clone)]
pub enum Polled {
    /// The code, as the database has it now; its interval is the one that applies from this poll on.
    Found {
        /// The code.
        code: Box<DeviceCode>,
        /// It is pending, and it was asked for too early (RFC 8628 §3.5).
        slow_down: bool,
    },
    /// There is no such code, or it belongs to another client.
    Unknown,
}

/// Why a poll has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PollError {
    /// The database does not answer, too many polls wait, or the process is being stopped. Try again later.
    #[error("the poll could not be answered: {0}")]
    Unavailable(String),
}

impl From<AskError> for PollError {
    fn from(error: AskError) -> Self {
        Self::Unavailable(format!("the poller: {error}"))
    }
}

struct Poll {
    hash: String,
    client_id: ClientId,
    /// When it came; time in the queue must not make a device look slower or faster than it is.
    at: Timestamp,
}

type Question = Asked<Poll, Result<Polled, PollError>>;
type Read = Arc<
    dyn Fn(Vec<String>) -> BoxFuture<'static, Result<Vec<DeviceCode>, StoreError>> + Send + Sync,
>;
type Grow = Arc<dyn Fn(GrowInterval) -> BoxFuture<'static, Result<(), StoreError>> + Send + Sync>;

/// The handle.
#[derive(Clone)]
pub struct DeviceCodePoller {
    inbox: Inbox<Question>,
    clock: Arc<dyn Clock>,
}

impl DeviceCodePoller {
    /// Prepares the handle and the poller's place in the tree.
    pub fn new(vitals: &Arc<Vitals>, settings: Settings, store: Store) -> (Self, Spec) {
        let reading = store.clone();
        let read: Read = Arc::new(move |hashes| {
            let store = reading.clone();
            async move { store.device_codes(&hashes).await }.boxed()
        });
        let grow: Grow = Arc::new(move |unit| {
            let store = store.clone();
            async move { store.commit(unit).await }.boxed()
        });
        Self::over(vitals, settings, read, grow)
    }

    fn over(vitals: &Arc<Vitals>, settings: Settings, read: Read, grow: Grow) -> (Self, Spec) {
        let handle = Self {
            inbox: Inbox::of_questions(vitals, settings.capacity),
            clock: Arc::clone(&settings.clock),
        };
        let figures = Arc::new(Figures::default());
        let told = Arc::clone(&figures);
        vitals.watch_detail(move || told.detail());
        let poller = Poller {
            settings,
            read,
            grow,
            growing: Arc::new(Semaphore::new(GROWING as usize)),
            figures,
        };
        let spec = round::spec(poller, &handle.inbox);
        (handle, spec)
    }

    /// Polls the code with this hash for `client_id`. Counts towards the pace only when the code is pending and belongs
    /// to that client.
    ///
    /// # Errors
    /// [`PollError::Unavailable`]; the pace is then untouched, or the answer came too late to matter.
    pub async fn poll(&self, hash: String, client_id: ClientId) -> Result<Polled, PollError> {
        let at = self.clock.now();
        let poll = Poll {
            hash,
            client_id,
            at,
        };
        self.inbox.try_ask(poll, PATIENCE).await?
    }
}

#[derive(Default)]
struct Figures {
    reads: AtomicU64,
    polls: AtomicU64,
    slowed: AtomicU64,
    remembered: AtomicUsize,
}

#[derive(Serialize)]
struct Detail {
    reads: u64,
    polls: u64,
    slowed: u64,
    remembered: usize,
}

impl Figures {
    fn detail(&self) -> Detail {
        Detail {
            reads: self.reads.load(Relaxed),
            polls: self.polls.load(Relaxed),
            slowed: self.slowed.load(Relaxed),
            remembered: self.remembered.load(Relaxed),
        }
    }
}

struct Poller {
    settings: Settings,
    read: Read,
    grow: Grow,
    growing: Arc<Semaphore>,
    figures: Arc<Figures>,
}

impl Poller {
    fn judge(&self, recent: &mut Recent, poll: &Poll, code: &DeviceCode) -> Polled {
        if code.client_id != poll.client_id {
            return Polled::Unknown;
        }
        let mut code = code.clone();
        if code.state(self.settings.clock.now()) != DeviceState::Pending {
            recent.forget(&code.hash);
            return Polled::Found {
                code: Box::new(code),
                slow_down: false,
            };
        }
        let stored = Duration::from_secs(code.interval.into());
        let last = recent.get(&code.hash);
        let before = last.map_or(stored, |last| last.interval.max(stored));
        // Below zero when the clock was set back: then nothing is known.
        let since = last.and_then(|last| Duration::try_from(poll.at - last.at).ok());
        let pace = pace(since, before);
        let interval = pace.interval;
        recent.note(
            &code.hash,
            LastPoll {
                at: poll.at,
                interval,
            },
        );
        code.interval = u32::try_from(interval.as_secs()).unwrap_or(u32::MAX);
        if interval > before {
            self.keep(&code);
        }
        if pace.slow_down {
            self.figures.slowed.fetch_add(1, Relaxed);
        }
        Polled::Found {
            code: Box::new(code),
            slow_down: pace.slow_down,
        }
    }

    /// Writes a grown interval for other pods and the next start. Nobody waits for it.
    fn keep(&self, code: &DeviceCode) {
        let Ok(permit) = Arc::clone(&self.growing).try_acquire_owned() else {
            return;
        };
        let row_id = code.row_id;
        let interval = code.interval;
        let written = (self.grow)(GrowInterval { row_id, interval });
        tokio::spawn(async move {
            if let Err(error) = written.await {
                tracing::debug!(%error, "a grown polling interval stays with this process");
            }
            drop(permit);
        });
    }
}

impl Rounds for Poller {
    type Item = Question;
    type State = Recent;
    const MOST: usize = 1024;

    async fn open(&self) -> Result<Recent, Failure> {
        Ok(Recent::new(self.settings.remembered))
    }

    async fn serve(
        &self,
        recent: &mut Recent,
        batch: Vec<Queued<Question>>,
    ) -> Result<(), Failure> {
        let hashes: HashSet<&String> = batch.iter().map(|q| &q.item.question.hash).collect();
        let hashes: Vec<String> = hashes.into_iter().cloned().collect();
        self.figures.reads.fetch_add(1, Relaxed);
        self.figures.polls.fetch_add(batch.len() as u64, Relaxed);
        let read = (self.read)(hashes).await;
        if let Err(error) = &read {
            let polls = batch.len();
            tracing::warn!(%error, polls, "polls could not be answered");
        }
        let codes: Result<HashMap<String, DeviceCode>, PollError> = read
            .map(|codes| codes.into_iter().map(|c| (c.hash.clone(), c)).collect())
            .map_err(|error| PollError::Unavailable(error.to_string()));
        for queued in batch {
            let asked = queued.into_item();
            let answer = match &codes {
                Ok(codes) => Ok(match codes.get(&asked.question.hash) {
                    Some(code) => self.judge(recent, &asked.question, code),
                    None => Polled::Unknown,
                }),
                Err(error) => Err(error.clone()),
            };
            asked.answer(answer);
        }
        self.figures.remembered.store(recent.len(), Relaxed);
        Ok(())
    }

    async fn close(&self, _recent: &mut Recent) {
        // All permits free: every grown interval has been written, or has failed to be.
        let _ = self.growing.acquire_many(GROWING).await;
    }
}

#[cfg(test)]
mod tests;
