//! Writes off what clients and people had been given when all of it ended, step by step, until the rows say what the mark
//! on their holder says already. In one process of many; what is left to do is in the database.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::domain::audit::{AuditEvent, AuditRow, EventType, ResourceType, Severity};
use crate::domain::ids::row_id;
use crate::domain::time::{Clock, Entropy, random};
use crate::store::endings::{Ending, GoOn, Holder};
use crate::store::{Store, StoreError};

use super::supervisor::Spec;
use super::ticking::{self, Ticking};
use super::upkeep::{Broom, TURN};
use super::vitals::Vitals;

/// How soon work that comes up is begun.
const EVERY: Duration = Duration::from_secs(1);

/// What the worker needs.
#[derive(Clone)]
pub struct Settings {
    /// `ENABLE_AUDIT_LOGGING`.
    pub audited: bool,
    /// Who this process is among its siblings.
    pub holder: String,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Ids of audit rows.
    pub entropy: Arc<dyn Entropy>,
}

/// The place in the tree.
pub fn spec(vitals: &Arc<Vitals>, settings: Settings, store: Store) -> Spec {
    ticking::spec(vitals, TokenEnder { settings, store })
}

struct TokenEnder {
    settings: Settings,
    store: Store,
}

impl TokenEnder {
    /// Works until nothing is left or the turn is over; tells whether something is left.
    async fn turn(&self) -> Result<bool, StoreError> {
        let began = Instant::now();
        while let Some(ending) = self.store.next_ending().await? {
            if !self.broom().is_mine("token_ender").await {
                return Ok(false);
            }
            let total = match ending.total {
                Some(_) => None,
                None => {
                    let left = self.store.ending_left(&ending).await?;
                    Some(ending.ended + ending.others + left)
                }
            };
            if !self.steps(&ending, total, began).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The steps of one ending; tells whether it came to its end within the turn.
    async fn steps(
        &self,
        ending: &Ending,
        mut total: Option<u64>,
        began: Instant,
    ) -> Result<bool, StoreError> {
        loop {
            let step = Instant::now();
            let at = self.settings.clock.now();
            let unit = GoOn {
                holder: ending.holder,
                key: ending.key.clone(),
                total: total.take(),
                at,
                audit: self.last_words(ending, at),
            };
            if !self.store.commit(unit).await? {
                return Ok(true);
            }
            if began.elapsed() > TURN {
                return Ok(false);
            }
            // Whoever waits for the database gets as much of it as this did.
            tokio::time::sleep(step.elapsed()).await;
        }
    }

    fn broom(&self) -> Broom<'_> {
        let now = self.settings.clock.now();
        Broom::new(&self.store, &self.settings.holder, now)
    }

    /// What the trail says when the last row is done.
    fn last_words(&self, ending: &Ending, at: crate::domain::time::Timestamp) -> Vec<AuditRow> {
        if !self.settings.audited {
            return Vec::new();
        }
        let (kind, about) = match ending.holder {
            Holder::Client => (EventType::ClientTokensRevokedAll, ResourceType::Client),
            Holder::Person => (EventType::TokenRevoked, ResourceType::User),
        };
        let event = AuditEvent::new(kind, "Rows of tokens that had ended were written off")
            .at(Severity::Info)
            .on(about, ending.key.as_str(), ending.name.as_str())
            .with("since", ending.started_at.unix_timestamp());
        // Without entropy nothing else works either; the step is what matters.
        let id = random(&*self.settings.entropy).map(|bytes| row_id(at, bytes));
        id.map(|id| vec![event.into_row(id, at)])
            .unwrap_or_default()
    }
}

impl Ticking for TokenEnder {
    /// Whether something is left.
    type State = bool;

    fn pause(&self, goes_on: &bool) -> Option<Duration> {
        Some(if *goes_on { Duration::ZERO } else { EVERY })
    }

    async fn tick(&self, goes_on: &mut bool) {
        *goes_on = match self.turn().await {
            Ok(goes_on) => goes_on,
            Err(error) => {
                tracing::warn!(%error, "rows of what has ended could not be written off; they will be");
                false
            }
        };
    }
}
