//! Counts the audit events of each hour once it is over, so that totals need no scan: soon after the start and every ten
//! minutes, in one process of many.

use std::sync::Arc;
use std::time::Duration;

use crate::domain::time::Clock;
use crate::store::Store;

use super::handle::Failure;
use super::inbox::{Inbox, Queued};
use super::round::{self, Rounds};
use super::supervisor::Spec;
use super::upkeep::{Broom, Ticks};
use super::vitals::Vitals;

const EVERY: Duration = Duration::from_secs(600);

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
    let inbox = Inbox::<()>::new(vitals, 1);
    round::spec(Counter { settings, store }, &inbox)
}

struct Counter {
    settings: Settings,
    store: Store,
}

impl Rounds for Counter {
    type Item = ();
    type State = Ticks;
    const MOST: usize = 1;

    async fn open(&self) -> Result<Ticks, Failure> {
        Ok(Ticks::default())
    }

    async fn serve(&self, _: &mut Ticks, _: Vec<Queued<()>>) -> Result<(), Failure> {
        Ok(())
    }

    fn pause(&self, ticks: &Ticks) -> Option<Duration> {
        self.settings.enabled.then(|| ticks.pause(EVERY))
    }

    async fn tick(&self, ticks: &mut Ticks) -> Result<(), Failure> {
        ticks.over(false);
        let now = self.settings.clock.now();
        let broom = Broom::new(&self.store, &self.settings.holder, now);
        if !broom.is_mine("audit_counter").await {
            return Ok(());
        }
        loop {
            match self.store.count_audit_hours(now).await {
                Ok(true) if broom.is_tired() => {
                    ticks.over(true);
                    return Ok(());
                }
                Ok(true) => tokio::task::yield_now().await,
                Ok(false) => return Ok(()),
                Err(error) => {
                    tracing::warn!(%error, "the audit events of an hour could not be counted; they will be");
                    return Ok(());
                }
            }
        }
    }
}
