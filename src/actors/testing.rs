//! What the tests of this room share: a clock that stands, vitals, an actor that does as it is told.
//!
//! Must not live here: assertions.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use time::OffsetDateTime;
use time::macros::datetime;
use tokio::sync::{Semaphore, mpsc};

use super::handle::Failure;
use super::inbox::{Asked, Inbox, Queued};
use super::round::{self, Rounds};
use super::supervisor::{Branch, Jitter, Spec};
use super::vitals::{Intensity, Vitals, WallClock};

pub(crate) const NOON: OffsetDateTime = datetime!(2026-11-23 12:00 UTC);

pub(crate) fn clock() -> WallClock {
    Arc::new(|| NOON)
}

/// No spread: pauses are exact.
pub(crate) fn steady() -> Jitter {
    Arc::new(|| 0.5)
}

pub(crate) fn vitals(path: &'static str, limit: u32, window_s: u64) -> Arc<Vitals> {
    let window = Duration::from_secs(window_s);
    Vitals::new(path, Intensity { limit, window }, clock())
}

pub(crate) fn root() -> Branch {
    Branch::new(&vitals("root", 3, 60), &steady())
}

/// What the puppet is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ask {
    /// Answer with this number.
    Echo(u64),
    Panic,
    Fail,
}

pub(crate) type PuppetInbox = Inbox<Asked<Ask, u64>>;

/// An actor that tells when it starts and what it serves, and goes no further than the gate allows.
pub(crate) struct Puppet {
    pub starts: Arc<AtomicUsize>,
    /// Starts from this one on fail (counted from 1; 0 for never).
    pub fail_from: Arc<AtomicU32>,
    pub gate: Arc<Semaphore>,
    pub rounds: mpsc::UnboundedSender<usize>,
}

/// The strings of a puppet.
pub(crate) struct Strings {
    pub inbox: PuppetInbox,
    pub vitals: Arc<Vitals>,
    pub starts: Arc<AtomicUsize>,
    pub fail_from: Arc<AtomicU32>,
    pub gate: Arc<Semaphore>,
    pub rounds: mpsc::UnboundedReceiver<usize>,
}

/// An open gate.
pub(crate) const OPEN: usize = 1 << 20;

/// A puppet that is in the tree at the path of `vitals`. With `gate` permits it serves that many rounds.
pub(crate) fn puppet(vitals: &Arc<Vitals>, capacity: usize, gate: usize) -> (Strings, Spec) {
    let inbox = Inbox::new(vitals, capacity);
    let (rounds, seen) = mpsc::unbounded_channel();
    let gate = Arc::new(Semaphore::new(gate));
    let (starts, fail_from) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicU32::new(0)));
    let puppet = Puppet {
        starts: Arc::clone(&starts),
        fail_from: Arc::clone(&fail_from),
        gate: Arc::clone(&gate),
        rounds,
    };
    let spec = round::spec(puppet, &inbox);
    let strings = Strings {
        inbox,
        vitals: Arc::clone(vitals),
        starts,
        fail_from,
        gate,
        rounds: seen,
    };
    (strings, spec)
}

impl Rounds for Puppet {
    type Item = Asked<Ask, u64>;
    type State = ();
    const MOST: usize = 4;

    async fn open(&self) -> Result<(), Failure> {
        let start = self.starts.fetch_add(1, SeqCst) + 1;
        match self.fail_from.load(SeqCst) as usize {
            from if from > 0 && start >= from => Err("no start today".into()),
            _ => Ok(()),
        }
    }

    async fn serve(&self, (): &mut (), batch: Vec<Queued<Self::Item>>) -> Result<(), Failure> {
        let _ = self.rounds.send(batch.len());
        self.gate.acquire().await?.forget();
        for queued in batch {
            match queued.item.question {
                Ask::Echo(number) => queued.into_item().answer(number),
                Ask::Panic => panic!("as told"),
                Ask::Fail => return Err("failed as told".into()),
            }
        }
        Ok(())
    }
}

/// Waits until `truth` holds. Yields only, so that paused time does not run away.
pub(crate) async fn until(what: &str, truth: impl Fn() -> bool) {
    let began = std::time::Instant::now();
    while !truth() {
        let waited = began.elapsed();
        assert!(waited < Duration::from_secs(20), "never came true: {what}");
        tokio::task::yield_now().await;
    }
}
