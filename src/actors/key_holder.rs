//! Owns the key material: loads it, loads it again when told or when it is time, and publishes each set as a whole.
//!
//! The holder is owner, not worker: one actor that signed would serialise all signing, so it hands out an immutable
//! snapshot that whoever signs reads without a lock and uses on its own core. A set that cannot be loaded never takes
//! the place of one that could. Must not live here: parsing keys and signing (`jose`).

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use futures_util::future::BoxFuture;
use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::time::Instant;

use super::handle::{AskError, Failure};
use super::inbox::{Asked, Inbox, Queued};
use super::lifecycle::{Condition, Readiness, Step};
use super::round::{self, Rounds};
use super::supervisor::Spec;
use super::vitals::{Vitals, WallClock};

/// Loads a complete set of keys. The error names what is wrong and holds no key material.
pub type Load<K> = Arc<dyn Fn() -> BoxFuture<'static, Result<K, String>> + Send + Sync>;

/// Time from now until a set is out of date; nothing when it already is, or never will be.
pub type OutOfDate<K> = Arc<dyn Fn(&K) -> Option<Duration> + Send + Sync>;

/// What a set holds, for whoever runs the server: public values only.
pub type Show<K> = Arc<dyn Fn(&K) -> Vec<ShownKey> + Send + Sync>;

/// One key of the present set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ShownKey {
    /// Its id; none for a shared secret.
    pub kid: Option<String>,
    /// Its algorithm.
    pub algorithm: &'static str,
    /// Whether it signs; if not, it only verifies.
    pub signs: bool,
}

/// What the holder needs.
pub struct Settings<K> {
    /// Loads a set.
    pub load: Load<K>,
    /// Time between two loads; `None` to load only when told.
    pub reload_every: Option<Duration>,
    /// Time until a set is out of date, if that is known: it is loaded again at that moment.
    pub out_of_date: OutOfDate<K>,
    /// Tells what a set holds.
    pub show: Show<K>,
    /// Where failed loads are noted, as `keys`.
    pub readiness: Readiness,
    /// Tells when a set was loaded.
    pub clock: WallClock,
}

/// How the holder is doing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Status {
    /// When the present set was loaded (RFC 3339).
    pub loaded_at: String,
    /// Sets published since the process began, the first included.
    pub loads: u64,
    /// Why the latest load failed, if it did.
    pub error: Option<String>,
    /// The keys of the present set, those that sign first.
    pub keys: Vec<ShownKey>,
}

type Order = Asked<(), Result<(), String>>;

/// The most questions that may wait; one load answers all of them.
const CAPACITY: usize = 64;
/// How often the holder looks whether it is time to load.
const LOOK: Duration = Duration::from_secs(1);

/// The handle.
pub struct KeyHolder<K> {
    present: Arc<ArcSwap<K>>,
    status: Arc<ArcSwap<Status>>,
    inbox: Inbox<Order>,
}

impl<K> Clone for KeyHolder<K> {
    fn clone(&self) -> Self {
        Self {
            present: Arc::clone(&self.present),
            status: Arc::clone(&self.status),
            inbox: self.inbox.clone(),
        }
    }
}

impl<K: Send + Sync + 'static> KeyHolder<K> {
    /// Loads the first set, so that a handle always has one, and prepares the actor's place in the tree.
    ///
    /// # Errors
    /// The loader's text: a process without keys must not start.
    pub async fn open(vitals: &Arc<Vitals>, settings: Settings<K>) -> Result<(Self, Spec), String> {
        let first = (settings.load)().await?;
        let status = Status {
            loaded_at: rfc3339((settings.clock)()),
            loads: 1,
            error: None,
            keys: (settings.show)(&first),
        };
        let handle = Self {
            present: Arc::new(ArcSwap::from_pointee(first)),
            status: Arc::new(ArcSwap::from_pointee(status)),
            inbox: Inbox::new(vitals, CAPACITY),
        };
        let told = Arc::clone(&handle.status);
        vitals.watch_detail(move || Status::clone(&told.load()));
        let holder = Holder {
            settings,
            present: Arc::clone(&handle.present),
            status: Arc::clone(&handle.status),
        };
        let spec = round::spec(holder, &handle.inbox).stopped_in(Step::Caches);
        Ok((handle, spec))
    }

    /// The present set. Lock-free; holding it keeps that set alive.
    pub fn current(&self) -> Arc<K> {
        self.present.load_full()
    }

    /// Loads the set again and publishes it. Those who ask at the same time share one load.
    ///
    /// # Errors
    /// Outside, why the holder could not be asked; inside, why the set could not be loaded. The present set stays.
    pub async fn reload(&self, patience: Duration) -> Result<Result<(), String>, AskError> {
        self.inbox.ask_within((), patience).await
    }

    /// Load again soon; nobody waits for it. Many nudges are one load.
    pub fn nudge(&self) {
        // A full inbox means that a load is about to begin.
        drop(self.inbox.tell(()));
    }

    /// How the holder is doing.
    pub fn status(&self) -> Arc<Status> {
        self.status.load_full()
    }
}

struct Holder<K> {
    settings: Settings<K>,
    present: Arc<ArcSwap<K>>,
    status: Arc<ArcSwap<Status>>,
}

impl<K: Send + Sync + 'static> Holder<K> {
    async fn load(&self) -> Result<(), String> {
        let loaded = (self.settings.load)().await;
        let mut status = Status::clone(&self.status.load());
        let outcome = match loaded {
            Ok(keys) => {
                status.keys = (self.settings.show)(&keys);
                self.present.store(Arc::new(keys));
                status.loaded_at = rfc3339((self.settings.clock)());
                status.loads += 1;
                Ok(())
            }
            Err(error) => Err(error),
        };
        if status.error != outcome.clone().err()
            && let Err(error) = &outcome
        {
            tracing::error!(error, "keys cannot be loaded: the present ones stay in use");
        }
        status.error = outcome.clone().err();
        let condition = match &status.error {
            None => Condition::Well,
            Some(error) => Condition::Degraded(error.clone()),
        };
        self.settings.readiness.note("keys", condition);
        self.status.store(Arc::new(status));
        outcome
    }
}

/// When to load again. Looked at every second, because a load between two ticks may have moved it.
struct Due {
    regular: Option<Instant>,
    change: Option<Instant>,
}

impl<K: Send + Sync + 'static> Holder<K> {
    fn due(&self) -> Due {
        let now = Instant::now();
        let change = (self.settings.out_of_date)(&self.present.load());
        Due {
            regular: self.settings.reload_every.map(|every| now + every),
            change: change.map(|until| now + until),
        }
    }
}

impl<K: Send + Sync + 'static> Rounds for Holder<K> {
    type Item = Order;
    type State = Due;
    const MOST: usize = CAPACITY;

    async fn open(&self) -> Result<Due, Failure> {
        Ok(self.due())
    }

    async fn serve(&self, due: &mut Due, batch: Vec<Queued<Order>>) -> Result<(), Failure> {
        let outcome = self.load().await;
        *due = self.due();
        for queued in batch {
            queued.into_item().answer(outcome.clone());
        }
        Ok(())
    }

    fn pause(&self, due: &Due) -> Option<Duration> {
        let next = [due.regular, due.change].into_iter().flatten().min()?;
        Some(LOOK.min(next.saturating_duration_since(Instant::now())))
    }

    async fn tick(&self, due: &mut Due) -> Result<(), Failure> {
        let now = Instant::now();
        if [due.regular, due.change]
            .into_iter()
            .flatten()
            .any(|at| at <= now)
        {
            // Noted as degraded, and tried again when it is due again.
            let _ = self.load().await;
            *due = self.due();
        }
        Ok(())
    }
}

fn rfc3339(at: OffsetDateTime) -> String {
    at.format(&Rfc3339).unwrap_or_default()
}

#[cfg(test)]
mod tests;
