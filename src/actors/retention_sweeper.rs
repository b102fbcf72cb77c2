//! Deletes audit rows that are past `AUDIT_LOG_RETENTION`: at the start and every `AUDIT_LOG_CLEANUP_INTERVAL`, in small
//! pieces, and in one process of many.

use std::sync::Arc;
use std::time::Duration;

use crate::domain::time::Clock;
use crate::store::Store;
use crate::store::sweep::Swept;

use super::supervisor::Spec;
use super::ticking::{self, Ticking};
use super::upkeep::{Broom, Ticks};
use super::vitals::Vitals;

/// What the operator set.
#[derive(Clone)]
pub struct Settings {
    /// `AUDIT_LOG_RETENTION`; `None` keeps everything.
    pub retention: Option<Duration>,
    /// `AUDIT_LOG_CLEANUP_INTERVAL`.
    pub every: Duration,
    /// Who this process is among its siblings.
    pub holder: String,
    /// Time.
    pub clock: Arc<dyn Clock>,
}

/// The sweeper's place in the tree.
pub fn spec(vitals: &Arc<Vitals>, settings: Settings, store: Store) -> Spec {
    ticking::spec(vitals, Sweeper { settings, store })
}

struct Sweeper {
    settings: Settings,
    store: Store,
}

/// What one incarnation remembers.
#[derive(Default)]
struct Memory {
    ticks: Ticks,
    /// Rows that the present sweep has deleted.
    rows: u64,
}

impl Ticking for Sweeper {
    type State = Memory;

    fn pause(&self, memory: &Memory) -> Option<Duration> {
        self.settings
            .retention
            .map(|_| memory.ticks.pause(self.settings.every))
    }

    async fn tick(&self, memory: &mut Memory) {
        memory.ticks.over(false);
        let Some(retention) = self.settings.retention else {
            return;
        };
        let now = self.settings.clock.now();
        let broom = Broom::new(&self.store, &self.settings.holder, now);
        if !broom.is_mine("audit_retention").await {
            return;
        }
        let taken = broom.sweep(Swept::Audit, now - retention).await;
        memory.ticks.over(taken.left);
        memory.rows += taken.rows;
        if memory.rows > 0 && !taken.left {
            let rows = std::mem::take(&mut memory.rows);
            tracing::info!(rows, "audit rows past their retention were deleted");
        }
    }
}
