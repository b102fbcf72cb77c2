//! Whether a connection rests: since when none of its requests is being served. Must not live here: what becomes of it.
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::time::{Instant, sleep_until};

/// The requests of one connection.
#[derive(Debug)]
pub(super) struct Pulse(Mutex<State>);

#[derive(Debug)]
struct State {
    in_work: usize,
    last: Instant,
}

impl Pulse {
    pub fn new() -> Self {
        let last = Instant::now();
        Self(Mutex::new(State { in_work: 0, last }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins to count the rest anew.
    pub fn beat(&self) {
        self.state().last = Instant::now();
    }

    /// Waits until nothing was in work for so long.
    pub async fn rested(&self, rest: Duration) {
        loop {
            let now = Instant::now();
            let until = match *self.state() {
                State { in_work: 0, last } => last + rest,
                State { .. } => now + rest,
            };
            if until <= now {
                return;
            }
            sleep_until(until).await;
        }
    }
}

/// One request that is being served, until this is dropped.
#[derive(Debug)]
pub(super) struct InWork(Arc<Pulse>);

impl InWork {
    pub fn new(pulse: &Arc<Pulse>) -> Self {
        pulse.state().in_work += 1;
        Self(Arc::clone(pulse))
    }
}

impl Drop for InWork {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.in_work = state.in_work.saturating_sub(1);
        state.last = Instant::now();
    }
}
