//! Counts the audit events of each hour once it is over, and those of the one that runs as it goes, so that totals need no
//! scan: soon after the start and every two minutes, in one process of many.

use std::sync::Arc;
use std::time::Duration;

use crate::domain::time::Clock;
use crate::store::{Store, StoreError};

use super::supervisor::Spec;
use super::ticking::{self, Ticking};
use super::upkeep::{Broom, Ticks};
use super::vitals::Vitals;

const EVERY: Duration = Duration::from_secs(120);

/// What the counter needs.
#[derive(Clone)]
pub struct Settings {
    /// `ENABLE_AUDIT_LOGGING`.
    pub enabled: bool,
    /// Who this process is among its siblings.
    pub holder: String,
    /// Time.
    pub clock: Arc<dyn Clock>,
}

/// The counter's place in the tree.
pub fn spec(vitals: &Arc<Vitals>, settings: Settings, store: Store) -> Spec {
    ticking::spec(vitals, Counter { settings, store })
}

struct Counter {
    settings: Settings,
    store: Store,
}

impl Ticking for Counter {
    type State = Ticks;

    fn pause(&self, ticks: &Ticks) -> Option<Duration> {
        self.settings.enabled.then(|| ticks.pause(EVERY))
    }

    async fn tick(&self, ticks: &mut Ticks) {
        ticks.over(false);
        let now = self.settings.clock.now();
        let broom = Broom::new(&self.store, &self.settings.holder, now);
        if !broom.is_mine("audit_counter").await {
            return;
        }
        loop {
            match self.store.count_audit_hours(now).await {
                Ok(true) if broom.is_tired() => {
                    ticks.over(true);
                    return;
                }
                Ok(true) => tokio::task::yield_now().await,
                Ok(false) => break,
                Err(error) => return told(&error),
            }
        }
        if let Err(error) = self.store.count_recent_audit(now).await {
            told(&error);
        }
    }
}

fn told(error: &StoreError) {
    tracing::warn!(%error, "the audit events of an hour could not be counted; they will be");
}
