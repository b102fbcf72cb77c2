//! Asks the database every second whether it answers, so that no health check has to.

use std::sync::Arc;
use std::time::Duration;

use crate::store::Store;

use super::handle::Failure;
use super::inbox::{Inbox, Queued};
use super::lifecycle::{Condition, Readiness};
use super::round::{self, Rounds};
use super::supervisor::Spec;
use super::vitals::Vitals;

/// The name under which the condition is noted.
pub const DATABASE: &str = "database";
const EVERY: Duration = Duration::from_secs(1);
/// A database that takes longer does not answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// The place in the tree.
pub fn spec(vitals: &Arc<Vitals>, readiness: Readiness, store: Store) -> Spec {
    let inbox = Inbox::<()>::new(vitals, 1);
    round::spec(Watch { readiness, store }, &inbox)
}

struct Watch {
    readiness: Readiness,
    store: Store,
}

impl Rounds for Watch {
    type Item = ();
    type State = ();
    const MOST: usize = 1;

    async fn open(&self) -> Result<(), Failure> {
        Ok(())
    }

    async fn serve(&self, (): &mut (), _: Vec<Queued<()>>) -> Result<(), Failure> {
        Ok(())
    }

    fn pause(&self, (): &()) -> Option<Duration> {
        Some(EVERY)
    }

    async fn tick(&self, (): &mut ()) -> Result<(), Failure> {
        let condition = match tokio::time::timeout(PATIENCE, self.store.ping()).await {
            Ok(Ok(())) => Condition::Well,
            // The text is not shown to everybody, and may name hosts: it goes to the log.
            Ok(Err(error)) => Condition::Failing(error.to_string()),
            Err(_) => Condition::Failing("no answer within two seconds".to_owned()),
        };
        self.readiness.note(DATABASE, condition);
        Ok(())
    }
}
