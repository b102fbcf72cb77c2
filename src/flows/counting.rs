//! The dashboard's figures. Counting costs little in a small installation, and then it is done at every visit; where it
//! takes long, the last figures are shown and counted anew behind the reader's back, at most every half minute.
use super::{FlowError, Ground};
use crate::{domain::time::Timestamp, store::counters::Counters};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{sync::watch, time::timeout};

/// Counting that takes no longer is done at every visit.
const QUICK: Duration = Duration::from_millis(5);
/// Figures count for so long, where counting takes long.
const LIFE: Duration = Duration::from_secs(30);
/// A list waits no longer for the number of its rows.
const PATIENCE: Duration = Duration::from_millis(300);

#[derive(Clone, Copy)]
struct Known {
    counters: Counters,
    at: Timestamp,
    took: Duration,
}

/// The figures, remembered.
#[derive(Clone)]
pub struct Counting {
    ground: Ground,
    known: Arc<watch::Sender<Option<Known>>>,
    is_busy: Arc<AtomicBool>,
}

impl Counting {
    /// Counts in the store of `ground`.
    pub fn new(ground: Ground) -> Self {
        Self {
            ground,
            known: Arc::new(watch::Sender::new(None)),
            is_busy: Arc::default(),
        }
    }

    /// What it stands on.
    pub fn ground(&self) -> &Ground {
        &self.ground
    }

    /// The figures, and when they were counted.
    ///
    /// # Errors
    /// As the store, when nothing is known yet.
    pub async fn counters(&self) -> Result<(Counters, Timestamp), FlowError> {
        let known = *self.known.borrow();
        match known {
            Some(known) if known.took > QUICK => {
                if self.ground.now() - known.at > LIFE {
                    self.renew();
                }
                Ok((known.counters, known.at))
            }
            Some(_) | None => {
                let known = self.count().await?;
                Ok((known.counters, known.at))
            }
        }
    }

    /// The figures, for a page that is worth reading without them: none that are old, and not after a long wait.
    pub async fn at_hand(&self) -> Option<Counters> {
        let known = *self.known.borrow();
        let is_fresh = |known: &Known| self.ground.now() - known.at <= LIFE;
        if let Some(known) = known.filter(|known| known.took > QUICK && is_fresh(known)) {
            return Some(known.counters);
        }
        let mut counted = self.known.subscribe();
        self.renew();
        timeout(PATIENCE, counted.changed()).await.ok()?.ok()?;
        let known = *counted.borrow();
        known.map(|known| known.counters)
    }

    async fn count(&self) -> Result<Known, FlowError> {
        let (at, began) = (self.ground.now(), Instant::now());
        let counters = self.ground.store.counters(at).await?;
        let known = Known {
            counters,
            at,
            took: began.elapsed(),
        };
        self.known.send_replace(Some(known));
        Ok(known)
    }

    /// Counts in a task of the tree, one at a time.
    fn renew(&self) {
        if self.is_busy.swap(true, Ordering::SeqCst) {
            return;
        }
        let this = self.clone();
        drop(self.ground.commits.run(async move {
            if let Err(error) = this.count().await {
                tracing::warn!(?error, "the dashboard was not counted");
            }
            this.is_busy.store(false, Ordering::SeqCst);
        }));
    }
}
