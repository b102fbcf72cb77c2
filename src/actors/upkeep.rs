//! Takes away what is over: sessions, codes, families, and tokens when the operator wants it. In small pieces, so that
//! nobody waits behind it, and in one process of many.

use std::sync::Arc;
use std::time::Duration;

use crate::domain::paging::Cursor;
use crate::domain::time::{Clock, Timestamp};
use crate::store::sweep::{DropFamilies, PIECE, Sweep, Swept, TakeLease};
use crate::store::{Store, StoreError};

use super::handle::Failure;
use super::inbox::{Inbox, Queued};
use super::round::{self, Rounds};
use super::supervisor::Spec;
use super::vitals::Vitals;

/// The first tick of a sweeper comes soon after the start, so that a start is not slowed down.
const SOON: Duration = Duration::from_secs(2);
/// How long a lease lasts; a sweep that takes longer renews nothing, and another process may join in harmlessly.
const LEASE: Duration = Duration::from_secs(60);
/// Device codes are kept so long after their end that a device is told `expired_token`, not `invalid_grant`.
const CODE_GRACE: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(86_400);
/// Pieces of families that one tick looks at; the next one goes on from there.
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
    let inbox = Inbox::<()>::new(vitals, 1);
    round::spec(Upkeep { settings, store }, &inbox)
}

/// Whether the first tick is over.
#[derive(Default)]
pub(super) struct Ticks(bool);

impl Ticks {
    /// The pause before the next tick.
    pub fn pause(&self, every: Duration) -> Duration {
        if self.0 {
            every.max(SOON)
        } else {
            SOON.min(every)
        }
    }

    /// A tick is over.
    pub fn done(&mut self) {
        self.0 = true;
    }
}

/// Sweeps piece by piece.
pub(super) struct Broom<'a> {
    pub store: &'a Store,
    pub holder: &'a str,
    pub now: Timestamp,
}

impl Broom<'_> {
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

    /// Sweeps everything before the moment. A failure ends this sweep; the next one goes on.
    pub async fn sweep(&self, what: Swept, before: Timestamp) -> u64 {
        let mut total = 0;
        loop {
            match self.store.commit(Sweep { what, before }).await {
                Ok(swept) => {
                    total += swept;
                    if swept < PIECE {
                        return total;
                    }
                }
                Err(error) => {
                    tracing::warn!(?what, %error, "a sweep was cut short");
                    return total;
                }
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
    /// Takes families away that no token is left of: some at every tick, and all of them in turn.
    async fn families(
        &self,
        from: &mut Option<Cursor>,
        before: Timestamp,
    ) -> Result<(), StoreError> {
        for _ in 0..FAMILIES {
            let looked = self.store.look_at_families(from.as_ref(), before).await?;
            if !looked.empty.is_empty() {
                self.store
                    .commit(DropFamilies { ids: looked.empty })
                    .await?;
            }
            *from = looked.reached;
            if from.is_none() {
                break;
            }
            tokio::task::yield_now().await;
        }
        Ok(())
    }
}

impl Rounds for Upkeep {
    type Item = ();
    type State = Memory;
    const MOST: usize = 1;

    async fn open(&self) -> Result<Memory, Failure> {
        Ok(Memory::default())
    }

    async fn serve(&self, _: &mut Memory, _: Vec<Queued<()>>) -> Result<(), Failure> {
        Ok(())
    }

    fn pause(&self, memory: &Memory) -> Option<Duration> {
        Some(memory.ticks.pause(self.settings.every))
    }

    async fn tick(&self, memory: &mut Memory) -> Result<(), Failure> {
        memory.ticks.done();
        let now = self.settings.clock.now();
        let broom = Broom {
            store: &self.store,
            holder: &self.settings.holder,
            now,
        };
        if !broom.is_mine("upkeep").await {
            return Ok(());
        }
        if self.settings.expired_tokens {
            broom.sweep(Swept::Tokens, now).await;
        }
        for (what, before) in [
            (Swept::DeviceCodes, now - CODE_GRACE),
            (Swept::AuthorizationCodes, now - DAY),
            (Swept::Assertions, now),
            (Swept::Sessions, now),
            (Swept::Invalidations, now - CODE_GRACE),
            (Swept::LoginFailures, now - DAY * 30),
            (Swept::SigningKeys, now),
            (Swept::Traces, now - DAY),
            (Swept::Endings, now - DAY),
        ] {
            broom.sweep(what, before).await;
        }
        if let Err(error) = self.families(&mut memory.families, now - DAY).await {
            tracing::warn!(%error, "families without tokens could not be taken away; they will be");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
