//! The vital signs of one actor: what it is called, whether it runs, how full its queue is, how fast it works.
//!
//! Written by the actor, its inbox and its supervisor; read by the tree's report and metrics. The counters are
//! lock-free, because they are touched for every message. Must not live here: rendering (see `tree`).

use std::sync::atomic::{AtomicU8, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use arc_swap::{ArcSwap, ArcSwapOption};
use time::OffsetDateTime;
use tokio::time::Instant;

pub mod histogram;
use histogram::Histogram;

/// Tells the wall-clock time; injected so that reports are exact in tests.
pub type WallClock = Arc<dyn Fn() -> OffsetDateTime + Send + Sync>;

/// How many restarts within which time are a nuisance; one more is a failure of the parent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Intensity {
    /// Restarts that are allowed within `window`.
    pub limit: u32,
    /// The sliding window.
    pub window: Duration,
}

/// Where an actor is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Not started yet, or starting.
    Starting,
    /// Serving.
    Running,
    /// It failed and waits for its next start.
    Restarting,
    /// Asked to finish what it has.
    Stopping,
    /// Ended in order.
    Stopped,
    /// Failed too often; nobody will start it again.
    GaveUp,
}

impl State {
    const ALL: [State; 6] = [
        State::Starting,
        State::Running,
        State::Restarting,
        State::Stopping,
        State::Stopped,
        State::GaveUp,
    ];
}

/// Why an actor had to be restarted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Its code panicked.
    Panic,
    /// It reported an error, at start or at work, or ended when it should not.
    Error,
    /// It was killed.
    Killed,
}

impl Reason {
    /// All reasons, in the order in which they are counted.
    pub const ALL: [Reason; 3] = [Reason::Panic, Reason::Error, Reason::Killed];

    /// The value of the metric label `reason`.
    pub fn label(self) -> &'static str {
        match self {
            Reason::Panic => "panic",
            Reason::Error => "error",
            Reason::Killed => "killed",
        }
    }
}

/// The latest restart of an actor.
#[derive(Debug, Clone)]
pub struct LastRestart {
    /// When it failed.
    pub at: OffsetDateTime,
    /// How it failed.
    pub reason: Reason,
    /// The panic's or error's text.
    pub text: String,
}

type Probe<T> = OnceLock<Box<dyn Fn() -> T + Send + Sync>>;

/// The vital signs of one actor. They belong to its place in the tree and outlive its restarts.
pub struct Vitals {
    path: &'static str,
    intensity: Intensity,
    clock: WallClock,
    born: Instant,
    state: AtomicU8,
    since: ArcSwap<OffsetDateTime>,
    restarts: [AtomicU64; 3],
    recent: ArcSwap<Vec<Instant>>,
    last: ArcSwapOption<LastRestart>,
    capacity: AtomicUsize,
    depth: AtomicUsize,
    high_water: AtomicUsize,
    shed: AtomicU64,
    expired: AtomicU64,
    handled: AtomicU64,
    errors: AtomicU64,
    busy_since: AtomicU64,
    progress: AtomicU64,
    /// How long items waited in the queue.
    pub queue_time: Histogram,
    /// How long one round took.
    pub handle_time: Histogram,
    oldest: Probe<Option<Duration>>,
    detail: Probe<serde_json::Value>,
}

impl Vitals {
    /// The vitals of the actor at `path`, such as `root/audit/audit_writer`; its last part is the actor's name.
    pub fn new(path: &'static str, intensity: Intensity, clock: WallClock) -> Arc<Self> {
        let now = clock();
        Arc::new(Self {
            path,
            intensity,
            clock,
            born: Instant::now(),
            state: AtomicU8::new(0),
            since: ArcSwap::from_pointee(now),
            restarts: [const { AtomicU64::new(0) }; 3],
            recent: ArcSwap::from_pointee(Vec::new()),
            last: ArcSwapOption::empty(),
            capacity: AtomicUsize::new(0),
            depth: AtomicUsize::new(0),
            high_water: AtomicUsize::new(0),
            shed: AtomicU64::new(0),
            expired: AtomicU64::new(0),
            handled: AtomicU64::new(0),
            errors: AtomicU64::new(0),
            busy_since: AtomicU64::new(0),
            progress: AtomicU64::new(0),
            queue_time: Histogram::default(),
            handle_time: Histogram::default(),
            oldest: OnceLock::new(),
            detail: OnceLock::new(),
        })
    }

    /// The actor's name: unique in the tree.
    pub fn name(&self) -> &'static str {
        self.path.rsplit('/').next().unwrap_or(self.path)
    }

    /// The actor's place in the tree, from `root` on.
    pub fn path(&self) -> &'static str {
        self.path
    }

    /// How often it may be restarted before its parent fails.
    pub fn intensity(&self) -> Intensity {
        self.intensity
    }

    /// Where it is in its life.
    pub fn state(&self) -> State {
        let now = usize::from(self.state.load(Relaxed));
        State::ALL.get(now).copied().unwrap_or(State::Starting)
    }

    /// Since when it is there.
    pub fn since(&self) -> OffsetDateTime {
        **self.since.load()
    }

    pub(crate) fn enter(&self, state: State) {
        let index = State::ALL.iter().position(|s| *s == state).unwrap_or(0);
        let index = u8::try_from(index).unwrap_or(0);
        if self.state.swap(index, Relaxed) != index {
            self.since.store(Arc::new((self.clock)()));
        }
    }

    /// Counts one failure that leads to a restart (or to giving up).
    pub(crate) fn failed(&self, reason: Reason, text: &str) {
        let counted = Reason::ALL.iter().zip(&self.restarts);
        for (_, count) in counted.filter(|(r, _)| **r == reason) {
            count.fetch_add(1, Relaxed);
        }
        let now = Instant::now();
        let mut recent = self.within_window(now);
        recent.push(now);
        self.recent.store(Arc::new(recent));
        self.last.store(Some(Arc::new(LastRestart {
            at: (self.clock)(),
            reason,
            text: text.to_owned(),
        })));
    }

    fn within_window(&self, now: Instant) -> Vec<Instant> {
        let window = self.intensity.window;
        let recent = self.recent.load();
        let fresh = recent.iter().filter(|t| now.duration_since(**t) <= window);
        fresh.copied().collect()
    }

    /// Failures counted since the process began, by reason.
    pub fn restarts_by(&self, reason: Reason) -> u64 {
        let mut counted = Reason::ALL.iter().zip(&self.restarts);
        let found = counted.find(|(r, _)| **r == reason);
        found.map_or(0, |(_, count)| count.load(Relaxed))
    }

    /// Failures counted since the process began.
    pub fn restarts(&self) -> u64 {
        self.restarts.iter().map(|count| count.load(Relaxed)).sum()
    }

    /// Failures within the sliding window that ends now.
    pub fn restarts_in_window(&self) -> u32 {
        u32::try_from(self.within_window(Instant::now()).len()).unwrap_or(u32::MAX)
    }

    /// The latest failure.
    pub fn last_restart(&self) -> Option<Arc<LastRestart>> {
        self.last.load_full()
    }

    pub(crate) fn set_capacity(&self, capacity: usize) {
        self.capacity.store(capacity, Relaxed);
    }

    pub(crate) fn arrived(&self) {
        let depth = self.depth.fetch_add(1, Relaxed) + 1;
        self.high_water.fetch_max(depth, Relaxed);
    }

    pub(crate) fn left(&self) {
        self.depth.fetch_sub(1, Relaxed);
    }

    pub(crate) fn count_shed(&self) {
        self.shed.fetch_add(1, Relaxed);
    }

    pub(crate) fn count_expired(&self) {
        self.expired.fetch_add(1, Relaxed);
    }

    /// Items in the queue and in hand.
    pub fn depth(&self) -> usize {
        self.depth.load(Relaxed)
    }

    /// The most items the queue may hold; 0 for an actor without a queue.
    pub fn capacity(&self) -> usize {
        self.capacity.load(Relaxed)
    }

    /// The greatest depth ever seen.
    pub fn high_water(&self) -> usize {
        self.high_water.load(Relaxed)
    }

    /// Items refused because the queue was full.
    pub fn shed(&self) -> u64 {
        self.shed.load(Relaxed)
    }

    /// Items that nobody waited for any more when their turn came.
    pub fn expired(&self) -> u64 {
        self.expired.load(Relaxed)
    }

    /// Items served.
    pub fn handled(&self) -> u64 {
        self.handled.load(Relaxed)
    }

    /// Items that were in hand when a round failed.
    pub fn errors(&self) -> u64 {
        self.errors.load(Relaxed)
    }

    /// Begins a round over `items`; unless [`Work::done`] is called the round counts as failed.
    pub(crate) fn begin(self: &Arc<Self>, items: usize) -> Work {
        let started = Instant::now();
        // 0 means idle, so a round that begins in the first microsecond counts from 1.
        let since = micros(started.duration_since(self.born)).max(1);
        self.busy_since.store(since, Relaxed);
        Work {
            vitals: Arc::clone(self),
            items: items as u64,
            started,
            done: false,
        }
    }

    /// For how long the round in hand has been going on.
    pub fn in_flight(&self) -> Option<Duration> {
        let since = self.busy_since.load(Relaxed);
        (since != 0).then(|| self.elapsed_since(since))
    }

    /// Time since a round last ended, or since the beginning.
    pub fn last_progress(&self) -> Duration {
        self.elapsed_since(self.progress.load(Relaxed))
    }

    fn elapsed_since(&self, at: u64) -> Duration {
        self.born
            .elapsed()
            .saturating_sub(Duration::from_micros(at))
    }

    /// Tells the report how to find the age of the oldest item that waits.
    pub(crate) fn watch_oldest(
        &self,
        probe: impl Fn() -> Option<Duration> + Send + Sync + 'static,
    ) {
        let _ = self.oldest.set(Box::new(probe));
    }

    /// Age of the oldest item that waits.
    pub fn oldest(&self) -> Option<Duration> {
        self.oldest.get().and_then(|probe| probe())
    }

    /// Tells the report how to read what only this kind of actor has to tell.
    pub(crate) fn watch_detail<D: serde::Serialize>(
        &self,
        probe: impl Fn() -> D + Send + Sync + 'static,
    ) {
        let as_json = move || serde_json::to_value(probe()).unwrap_or_default();
        let _ = self.detail.set(Box::new(as_json));
    }

    /// What only this kind of actor has to tell.
    pub fn detail(&self) -> Option<serde_json::Value> {
        self.detail.get().map(|probe| probe())
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// A round in progress. Dropped by a panic it counts its items as failed.
pub(crate) struct Work {
    vitals: Arc<Vitals>,
    items: u64,
    started: Instant,
    done: bool,
}

impl Work {
    /// The round ended well.
    pub fn done(mut self) {
        self.done = true;
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        let v = &self.vitals;
        let count = if self.done { &v.handled } else { &v.errors };
        count.fetch_add(self.items, Relaxed);
        v.handle_time.observe(self.started.elapsed());
        v.progress.store(micros(v.born.elapsed()), Relaxed);
        v.busy_since.store(0, Relaxed);
    }
}
