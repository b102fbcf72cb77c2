//! When each code was last polled here, for as many codes as fit: the one that was polled least recently goes first.
//!
//! Losing an entry is harmless: the next poll of that code counts as its first, at the interval of its row.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use crate::domain::time::Timestamp;

/// What is remembered of one code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastPoll {
    /// When it was polled.
    pub at: Timestamp,
    /// The interval that applies since then.
    pub interval: Duration,
}

/// The bounded memory, by hash of the code.
pub struct Recent {
    most: usize,
    turn: u64,
    polls: HashMap<Arc<str>, (u64, LastPoll)>,
    order: BTreeMap<u64, Arc<str>>,
}

impl Recent {
    /// Room for `most` codes, at least one.
    pub fn new(most: usize) -> Self {
        Self {
            most: most.max(1),
            turn: 0,
            polls: HashMap::new(),
            order: BTreeMap::new(),
        }
    }

    /// The last poll of the code.
    pub fn get(&self, hash: &str) -> Option<LastPoll> {
        self.polls.get(hash).map(|(_, poll)| *poll)
    }

    /// Notes a poll.
    pub fn note(&mut self, hash: &str, poll: LastPoll) {
        self.forget(hash);
        self.turn += 1;
        let key: Arc<str> = hash.into();
        self.order.insert(self.turn, Arc::clone(&key));
        self.polls.insert(key, (self.turn, poll));
        if self.polls.len() > self.most
            && let Some((_, oldest)) = self.order.pop_first()
        {
            self.polls.remove(&oldest);
        }
    }

    /// The code will not be polled at a pace any more.
    pub fn forget(&mut self, hash: &str) {
        if let Some((turn, _)) = self.polls.remove(hash) {
            self.order.remove(&turn);
        }
    }

    /// Codes that are remembered.
    pub fn len(&self) -> usize {
        self.polls.len()
    }
}
