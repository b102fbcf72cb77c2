//! Takes away what is over: sessions, codes, families, and tokens when the operator wants it. In small pieces, so that
//! nobody waits behind it, and in one process of many.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::domain::paging::Cursor;
use crate::domain::time::{Clock, Timestamp};
use crate::store::sweep::{DropFamilies, PIECE, Sweep, Swept, TakeLease};
use crate::store::{Store, StoreError};

use super::supervisor::Spec;
use super::ticking::{self, Ticking};
use super::vitals::Vitals;

/// The first tick of a sweeper comes soon after the start, so that a start is not slowed down.
const SOON: Duration = Duration::from_secs(2);
/// The longest that one tick works, so that a shutdown waits no longer. What is left is for the next, which comes at once.
pub(super) const TURN: Duration = Duration::from_millis(500);
/// How long a lease lasts; each turn of a long sweep renews it.
const LEASE: Duration = Duration::from_secs(60);
/// Device codes are kept so long after their end that a device is told `expired_token`, not `invalid_grant`.
const CODE_GRACE: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(86_400);
/// Pieces of families that one round looks at; the next one goes on from there.
const FAMILIES: usize = 20;

/// What the operator set.
#[derive(Clone)]
pub struct Settings {
    /// `ENABLE_EXPIRED_TOKEN_CLEANUP`.
    pub expired_tokens: bool,
    /// `EXPIRED_TOKEN_CLEANUP_INTERVAL`.
    pub every: Duration,
    /// Who this process is among its siblings.
    pub holder: String,
    /// Time.
    pub clock: Arc<dyn Clock>,
}

/// The place in the tree.
pub fn spec(vitals: &Arc<Vitals>, settings: Settings, store: Store) -> Spec {
    ticking::spec(vitals, Upkeep { settings, store })
}

/// What is known when the next tick is set.
#[derive(Default)]
pub(super) enum Ticks {
    /// None was there yet.
    #[default]
    None,
    /// The last one left nothing behind.
    Done,
    /// The last one had to stop in the middle.
    Left,
}

impl Ticks {
    /// The pause before the next tick.
    pub fn pause(&self, every: Duration) -> Duration {
        match self {
            Self::None => SOON.min(every),
            Self::Done => every.max(SOON),
            Self::Left => Duration::ZERO,
        }
    }

    /// A tick is over; `left` when it had to stop in the middle.
    pub fn over(&mut self, left: bool) {
        *self = if left { Self::Left } else { Self::Done };
    }
}

/// Sweeps piece by piece, for one turn.
pub(super) struct Broom<'a> {
    store: &'a Store,
    holder: &'a str,
    now: Timestamp,
    began: Instant,
}

/// What one turn took away.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Taken {
    pub rows: u64,
    /// The turn was over before everything was gone.
    pub left: bool,
}

impl<'a> Broom<'a> {
    /// The turn begins.
    pub fn new(store: &'a Store, holder: &'a str, now: Timestamp) -> Self {
        Self {
            store,
            holder,
            now,
            began: Instant::now(),
        }
    }

    /// Whether the turn is over.
    pub fn is_tired(&self) -> bool {
        self.began.elapsed() > TURN
    }

    /// Whether this process is the one to do it.
    pub async fn is_mine(&self, name: &'static str) -> bool {
        let lease = TakeLease {
            name,
            holder: self.holder.to_owned(),
            now: self.now,
            until: self.now + LEASE,
        };
        match self.store.commit(lease).await {
            Ok(mine) => mine,
            Err(error) => {
                tracing::warn!(name, %error, "a lease could not be taken");
                false
            }
        }
    }

    /// Sweeps what is before the moment, one piece at least. A failure ends this sweep; the one after the usual pause goes
    /// on.
    pub async fn sweep(&self, what: Swept, before: Timestamp) -> Taken {
        let mut rows = 0;
        loop {
            match self.store.commit(Sweep { what, before }).await {
                Ok(swept) => {
                    rows += swept;
                    if swept < PIECE {
                        return Taken { rows, left: false };
                    }
                }
                Err(error) => {
                    tracing::warn!(?what, %error, "a sweep was cut short");
                    return Taken { rows, left: false };
                }
            }
            if self.is_tired() {
                return Taken { rows, left: true };
            }
            tokio::task::yield_now().await;
        }
    }
}

struct Upkeep {
    settings: Settings,
    store: Store,
}

/// What one incarnation remembers.
#[derive(Default)]
struct Memory {
    ticks: Ticks,
    /// Families up to here were looked at.
    families: Option<Cursor>,
}

impl Upkeep {
    /// Sweeps for a turn; tells whether something is left.
    async fn turn(&self, families: &mut Option<Cursor>) -> bool {
        let now = self.settings.clock.now();
        let broom = Broom::new(&self.store, &self.settings.holder, now);
        if !broom.is_mine("upkeep").await {
            return false;
        }
        let tokens = self.settings.expired_tokens.then_some((Swept::Tokens, now));
        let always = [
            (Swept::DeviceCodes, now - CODE_GRACE),
            (Swept::AuthorizationCodes, now - DAY),
            (Swept::Assertions, now),
            (Swept::Sessions, now),
            (Swept::Invalidations, now - CODE_GRACE),
            (Swept::LoginFailures, now - DAY * 30),
            (Swept::SigningKeys, now),
            (Swept::Traces, now - DAY),
            (Swept::Endings, now - DAY),
        ];
        for (what, before) in tokens.into_iter().chain(always) {
            if broom.sweep(what, before).await.left {
                return true;
            }
        }
        if let Err(error) = self.families(families, now - DAY).await {
            tracing::warn!(%error, "families without tokens could not be taken away; they will be");
        }
        false
    }

    /// Takes families away that no token is left of: some in every round, for a turn at most, and all of them in turn.
    async fn families(
        &self,
        from: &mut Option<Cursor>,
        before: Timestamp,
    ) -> Result<(), StoreError> {
        let began = Instant::now();
        for _ in 0..FAMILIES {
            let looked = self.store.look_at_families(from.as_ref(), before).await?;
            if !looked.empty.is_empty() {
                self.store
                    .commit(DropFamilies { ids: looked.empty })
                    .await?;
            }
            *from = looked.reached;
            if from.is_none() || began.elapsed() > TURN {
                break;
            }
            tokio::task::yield_now().await;
        }
        Ok(())
    }
}

impl Ticking for Upkeep {
    type State = Memory;

    fn pause(&self, memory: &Memory) -> Option<Duration> {
        Some(memory.ticks.pause(self.settings.every))
    }

    async fn tick(&self, memory: &mut Memory) {
        let left = self.turn(&mut memory.families).await;
        memory.ticks.over(left);
    }
}

#[cfg(test)]
mod tests;
