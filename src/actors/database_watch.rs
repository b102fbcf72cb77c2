//! Asks the database every second whether it answers, so that no health check has to, and every minute for its time.
//! Connections that nobody needs are closed on the way.

use std::sync::Arc;
use std::time::Duration;

use crate::domain::time::{Clock, Drift};
use crate::store::Store;

use super::lifecycle::{Condition, Readiness};
use super::supervisor::Spec;
use super::ticking::{self, Ticking};
use super::vitals::Vitals;

/// The name under which the condition is noted.
pub const DATABASE: &str = "database";
/// The name under which the distance between the clocks is noted.
const CLOCK: &str = "clock";
const EVERY: Duration = Duration::from_secs(1);
/// Ticks from one comparison of the clocks to the next.
const COMPARE: u32 = 60;
/// Ticks for which a connection must have been spare.
const SPARE: u32 = 10;
/// A database that takes longer does not answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// The place in the tree.
pub fn spec(
    vitals: &Arc<Vitals>,
    readiness: Readiness,
    store: Store,
    clock: Arc<dyn Clock>,
) -> Spec {
    let watch = Watch {
        readiness,
        store,
        clock,
    };
    ticking::spec(vitals, watch)
}

struct Watch {
    readiness: Readiness,
    store: Store,
    clock: Arc<dyn Clock>,
}

/// Ticks so far.
#[derive(Default)]
struct Ticks(u32);

impl Watch {
    async fn compare(&self) {
        let compared = self.store.compare_clocks(&*self.clock);
        // An outage is told by the ping; what was measured before stays.
        if let Ok(Ok(ahead)) = tokio::time::timeout(PATIENCE, compared).await {
            self.readiness.note(CLOCK, condition(ahead));
        }
    }
}

fn condition(ahead: time::Duration) -> Condition {
    let apart = ahead.whole_seconds().unsigned_abs();
    match Drift::of(ahead) {
        Drift::Close => Condition::Well,
        Drift::Noticeable => {
            Condition::Degraded(format!("this machine and the database are {apart} s apart"))
        }
        Drift::Far => Condition::Degraded(format!(
            "this machine and the database are {apart} s apart: nothing is issued"
        )),
    }
}

impl Ticking for Watch {
    type State = Ticks;

    fn pause(&self, _: &Ticks) -> Option<Duration> {
        Some(EVERY)
    }

    async fn tick(&self, ticks: &mut Ticks) {
        let condition = match tokio::time::timeout(PATIENCE, self.store.ping()).await {
            Ok(Ok(())) if self.store.refuses_for() > Some(PATIENCE) => {
                Condition::Degraded("nothing can be written".to_owned())
            }
            Ok(Ok(())) => Condition::Well,
            // The text is not shown to everybody, and may name hosts: it goes to the log.
            Ok(Err(error)) => Condition::Failing(error.to_string()),
            // Too much work is no reason to send everybody elsewhere, where there may be as much.
            Err(_) if self.store.committed_within(PATIENCE) => {
                Condition::Degraded("no connection was free within two seconds".to_owned())
            }
            Err(_) => Condition::Failing("no answer within two seconds".to_owned()),
        };
        self.readiness.note(DATABASE, condition);
        if ticks.0.is_multiple_of(COMPARE) {
            self.compare().await;
        }
        if ticks.0.is_multiple_of(SPARE) {
            self.store.close_spare();
        }
        ticks.0 = ticks.0.wrapping_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_distance_is_told_in_words() {
        let told = |seconds| condition(time::Duration::seconds(seconds));
        assert_eq!(told(-30), Condition::Well);
        assert!(matches!(told(31), Condition::Degraded(why) if why.ends_with("31 s apart")));
        assert!(
            matches!(told(-600), Condition::Degraded(why) if why.ends_with("600 s apart: nothing is issued"))
        );
    }
}
