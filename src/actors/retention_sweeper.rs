//! Deletes audit rows that are past `AUDIT_LOG_RETENTION`: at the start and every `AUDIT_LOG_CLEANUP_INTERVAL`, in small
//! pieces, and in one process of many.

use std::sync::Arc;
use std::time::Duration;

use crate::domain::audit::{AuditEvent, EventType, rfc3339};
use crate::domain::time::{Clock, Timestamp};
use crate::store::Store;
use crate::store::sweep::Swept;

use super::audit_writer::AuditWriter;
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
    /// Where it tells that it deleted something.
    pub audit: AuditWriter,
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
    /// They were older than this.
    until: Option<Timestamp>,
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
        memory.until = Some(now - retention);
        if !taken.left {
            self.tell(memory).await;
        }
    }

    async fn close(&self, memory: &mut Memory) {
        self.tell(memory).await;
    }
}

impl Sweeper {
    /// Writes down what is missing from the trail from now on, so that a gap can be told from a deletion by somebody else.
    /// What finds no room is told with the next sweep.
    async fn tell(&self, memory: &mut Memory) {
        let (rows, Some(until)) = (memory.rows, memory.until) else {
            return;
        };
        if rows == 0 {
            return;
        }
        let event = AuditEvent::new(
            EventType::AuditLogPruned,
            "Records past their retention were deleted",
        )
        .with("record_count", rows)
        .with("until", rfc3339(until));
        match self.settings.audit.note(event).await {
            Ok(()) => {
                memory.rows = 0;
                tracing::info!(rows, "audit rows past their retention were deleted");
            }
            Err(why) => tracing::warn!(%why, rows, "deleted audit rows are not told yet"),
        }
    }
}
