//! How far the clock of the database is from ours. Expiry is judged by our clock, on every engine; two processes on one
//! Postgres agree only as far as their clocks do, so each measures itself against the one clock that both can see.
use super::{Engine, Store, StoreError, sql::Sql};
use crate::domain::time::Clock;
use std::sync::atomic::Ordering::Relaxed;
use time::Duration;

impl Store {
    /// Asks the database for the time: how far it is ahead of `clock`. SQLite has no clock of its own, so none.
    ///
    /// # Errors
    /// As the database; what was measured before then stays.
    pub async fn compare_clocks(&self, clock: &dyn Clock) -> Result<Duration, StoreError> {
        if matches!(self.0.engine, Engine::Lite { .. }) {
            return Ok(Duration::ZERO);
        }
        let before = clock.now();
        let row = self
            .read_one(Sql::new("SELECT clock_timestamp() AS at"))
            .await?
            .ok_or_else(|| StoreError::Bug("the database told no time".to_owned()))?;
        let after = clock.now();
        // The answer was made somewhere on the way there and back.
        let there = row.time("at")?;
        let ahead: Duration = there - (before + (after - before) / 2);
        let millis = i64::try_from(ahead.whole_milliseconds()).unwrap_or(i64::MAX);
        self.0.ahead_ms.store(millis, Relaxed);
        Ok(ahead)
    }

    /// What the last comparison found.
    pub fn clock_ahead(&self) -> Duration {
        Duration::milliseconds(self.0.ahead_ms.load(Relaxed))
    }
}
