//! Those who are connected, in a budget. When it is full, those who rest longest make room for whoever is at the door, so
//! that a probe is answered however many connections are held. Must not live here: what a connection does.
use super::pulse::Pulse;
use std::{collections::HashMap, future::pending, sync::Arc, time::Duration};
use tokio::{
    task::{Id, JoinSet},
    time::Instant,
};
use tokio_util::sync::CancellationToken;

/// Of those that rest, one in so many makes room at a time, and at least one: looking at all of them costs more than a
/// place.
const SHARE: usize = 64;

/// Dropping it cuts everybody.
pub(super) struct Crowd {
    most: usize,
    spare: Duration,
    tasks: JoinSet<()>,
    guests: HashMap<Id, Guest>,
}

/// What is known of one connection from outside.
#[derive(Clone)]
pub(super) struct Guest {
    pub pulse: Arc<Pulse>,
    /// Cancelled when it is asked to end.
    pub leave: CancellationToken,
}

impl Crowd {
    /// At most so many; whoever rested less than `spare` keeps the place.
    pub fn new(most: usize, spare: Duration) -> Self {
        Self {
            most: most.max(1),
            spare,
            tasks: JoinSet::new(),
            guests: HashMap::new(),
        }
    }

    pub fn len(&self) -> usize {
        self.tasks.len()
    }

    pub fn is_full(&self) -> bool {
        self.len() >= self.most
    }

    /// Drives a connection until it is over.
    pub fn admit(&mut self, guest: Guest, connection: impl Future<Output = ()> + Send + 'static) {
        let id = self.tasks.spawn(connection).id();
        self.guests.insert(id, guest);
    }

    /// Waits until one of them is gone.
    pub async fn left(&mut self) {
        let id = match self.tasks.join_next_with_id().await {
            Some(Ok((id, ()))) => id,
            Some(Err(error)) => error.id(),
            None => return pending().await,
        };
        self.guests.remove(&id);
    }

    /// Waits until all of them are gone.
    pub async fn all_left(mut self) {
        while self.tasks.join_next().await.is_some() {}
    }

    /// Asks those who rest longest to end, unless they were asked before.
    pub fn make_room(&self) {
        let now = Instant::now();
        let mut resting: Vec<(Instant, &CancellationToken)> = self
            .guests
            .values()
            .filter(|guest| !guest.leave.is_cancelled())
            .filter_map(|guest| Some((guest.pulse.rests_since()?, &guest.leave)))
            .filter(|(since, _)| now.saturating_duration_since(*since) >= self.spare)
            .collect();
        let count = resting.len().div_ceil(SHARE);
        if count < resting.len() {
            resting.select_nth_unstable_by_key(count, |(since, _)| *since);
        }
        for (_, leave) in resting.iter().take(count) {
            leave.cancel();
        }
        tracing::debug!(count, "a full house makes room");
    }
}
