//! Wakes the cache invalidator when another process has committed something. Nothing rests on it: one that sleeps, or a
//! pooler that swallows announcements, costs what is left of the invalidator's own pause.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::store::{Store, StoreError};

use super::lifecycle::Step;
use super::supervisor::Spec;
use super::task;
use super::ticking::Bell;
use super::vitals::Vitals;

/// From a connection that failed to the next attempt.
const PAUSE: Duration = Duration::from_secs(2);

/// The place in the tree for the one that rings `bell`.
pub fn spec(vitals: &Arc<Vitals>, store: Store, bell: Bell) -> Spec {
    let run = move |stop: CancellationToken| {
        let (store, bell) = (store.clone(), bell.clone());
        let watching = async move {
            stop.run_until_cancelled(watch(&store, &bell)).await;
            Ok(())
        };
        Box::pin(watching) as _
    };
    task::spec(vitals, Arc::new(run)).stopped_in(Step::Caches)
}

async fn watch(store: &Store, bell: &Bell) -> Infallible {
    let mut told = false;
    loop {
        let Err(error) = ring_for_changes(store, bell, &mut told).await;
        // An outage lasts for many attempts, and is told by those that it concerns.
        if !std::mem::replace(&mut told, true) {
            tracing::warn!(%error, "changes of other processes are noticed a little later: nothing announces them");
        }
        sleep(PAUSE).await;
    }
}

async fn ring_for_changes(
    store: &Store,
    bell: &Bell,
    told: &mut bool,
) -> Result<Infallible, StoreError> {
    let mut wakes = store.wakes().await?;
    *told = false;
    loop {
        // The first time for what was committed before anybody listened.
        bell.ring();
        wakes.next().await?;
    }
}
