//! What waits for the audit writer: for each kind of event one row, with how often it happened, in so many places as the
//! operator gave. The first event of a row takes a place, which is free again when the row is durable.
//!
//! Must not live here: writing, and which events come this way.

use std::collections::{HashMap, VecDeque, hash_map::Entry};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Map;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};

use crate::actors::vitals::Vitals;
use crate::domain::audit::{Actor, AuditEvent, AuditRow, Origin, rfc3339};
use crate::domain::ids::row_id;
use crate::domain::time::{Clock, Entropy, EntropyFailure, Timestamp, random};

/// How long somebody waits for room.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// The event was not taken in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoRoom {
    /// The buffer stayed full for as long as a caller waits.
    #[error("the audit trail has no room")]
    Full,
    /// The writer is being shut down.
    #[error("the audit trail is closed")]
    Closed,
}

/// Events that become one row: their type, path, and address with the client or the person.
type Kind = (&'static str, String, String);

/// Events of one kind.
struct Counted {
    event: AuditEvent,
    count: u64,
    /// When the first of them happened.
    at: Timestamp,
    since: Instant,
    has_place: bool,
}

/// What has its id, so that to write it twice adds nothing.
struct Row {
    row: AuditRow,
    since: Instant,
    has_place: bool,
}

#[derive(Default)]
struct Waiting {
    counted: HashMap<Kind, Counted>,
    rows: VecDeque<Row>,
}

pub(super) struct Buffer {
    vitals: Arc<Vitals>,
    clock: Arc<dyn Clock>,
    places: Semaphore,
    waiting: Mutex<Waiting>,
    /// Those who wait for room.
    callers: AtomicU64,
    /// The writer was told that there is no room, and has not made any since.
    hurried: AtomicBool,
}

impl Buffer {
    /// Room for `capacity` rows, whose figures go to `vitals`.
    pub fn new(vitals: &Arc<Vitals>, capacity: usize, clock: Arc<dyn Clock>) -> Arc<Self> {
        let capacity = capacity.clamp(1, Semaphore::MAX_PERMITS);
        vitals.set_capacity(capacity);
        let buffer = Arc::new(Self {
            vitals: Arc::clone(vitals),
            clock,
            places: Semaphore::new(capacity),
            waiting: Mutex::default(),
            callers: AtomicU64::new(0),
            hurried: AtomicBool::new(false),
        });
        let weak = Arc::downgrade(&buffer);
        vitals.watch_oldest(move || weak.upgrade()?.oldest());
        buffer
    }

    /// Counts an event: to a row that waits, or to a new one if there is room. Without room the event comes back.
    pub fn enter(&self, event: AuditEvent) -> Option<AuditEvent> {
        let kind = kind(&event);
        let mut waiting = self.lock();
        if self.places.is_closed() {
            return Some(event);
        }
        if let Some(counted) = waiting.counted.get_mut(&kind) {
            counted.count += 1;
            return None;
        }
        let Ok(place) = self.places.try_acquire() else {
            return Some(event);
        };
        place.forget();
        waiting.counted.insert(kind, self.first(event, true));
        None
    }

    /// As [`Buffer::enter`], waiting for room.
    pub async fn enter_later(&self, event: AuditEvent) -> Result<(), NoRoom> {
        let _caller = Caller::new(&self.callers);
        let place = match timeout(PATIENCE, self.places.acquire()).await {
            Ok(place) => place.map_err(|_| NoRoom::Closed)?,
            Err(_) => {
                self.vitals.count_shed();
                return Err(NoRoom::Full);
            }
        };
        let mut waiting = self.lock();
        if self.places.is_closed() {
            return Err(NoRoom::Closed);
        }
        match waiting.counted.entry(kind(&event)) {
            // Somebody else who waited began it; the place is given back.
            Entry::Occupied(mut counted) => counted.get_mut().count += 1,
            Entry::Vacant(vacant) => {
                place.forget();
                vacant.insert(self.first(event, true));
            }
        }
        Ok(())
    }

    /// Counts an event for which there is no room together with all others of its type: one row, which has no place, and
    /// tells neither address nor path.
    pub fn enter_beyond(&self, event: AuditEvent) {
        let kind = (event.event_type.as_str(), String::new(), String::new());
        match self.lock().counted.entry(kind) {
            Entry::Occupied(mut counted) => counted.get_mut().count += 1,
            Entry::Vacant(vacant) => {
                let event = AuditEvent {
                    actor: Actor::Anonymous,
                    origin: Origin::default(),
                    details: Map::new(),
                    ..event
                };
                vacant.insert(self.first(event, false));
            }
        }
    }

    fn first(&self, event: AuditEvent, has_place: bool) -> Counted {
        if has_place {
            self.vitals.arrived();
        }
        Counted {
            event,
            count: 1,
            at: self.clock.now(),
            since: Instant::now(),
            has_place,
        }
    }

    /// Makes rows of what was counted. While some are still to be written there are no more: what comes meanwhile is
    /// counted.
    pub fn seal(&self, entropy: &dyn Entropy) -> Result<(), EntropyFailure> {
        let many = {
            let waiting = self.lock();
            if waiting.rows.is_empty() {
                waiting.counted.len()
            } else {
                0
            }
        };
        let drawn = (0..many).map(|_| random(entropy));
        let drawn: Vec<[u8; 10]> = drawn.collect::<Result<_, _>>()?;
        let now = self.clock.now();
        let taken: Vec<Counted> = {
            let mut waiting = self.lock();
            let taken = waiting.counted.extract_if(|_, _| true).take(many);
            taken.map(|(_, counted)| counted).collect()
        };
        let rows = taken.into_iter().zip(drawn).map(|(counted, drawn)| Row {
            since: counted.since,
            has_place: counted.has_place,
            row: counted.into_row(row_id(now, drawn), now),
        });
        let rows: Vec<Row> = rows.collect();
        self.lock().rows.extend(rows);
        Ok(())
    }

    /// The next rows to be written, as of now.
    pub fn next(&self, most: usize) -> Vec<AuditRow> {
        let at = self.clock.now();
        let waiting = self.lock();
        let rows = waiting.rows.iter().take(most);
        rows.map(|row| AuditRow {
            at,
            ..row.row.clone()
        })
        .collect()
    }

    /// The next so many rows are dealt with; their places are free.
    pub fn done(&self, many: usize) {
        let mut waiting = self.lock();
        let many = many.min(waiting.rows.len());
        let mut places = 0;
        for row in waiting.rows.drain(..many) {
            self.vitals.queue_time.observe(row.since.elapsed());
            if row.has_place {
                self.vitals.left();
                places += 1;
            }
        }
        self.places.add_permits(places);
    }

    /// Whether the writer is to be told that there is no room: once until it has made some.
    pub fn hurry(&self) -> bool {
        !self.hurried.swap(true, Relaxed)
    }

    /// Everything was written: whoever finds no room may hurry the writer again.
    pub fn settle(&self) {
        self.hurried.store(false, Relaxed);
    }

    /// Takes nothing in any more; what waits is still to be written.
    pub fn close(&self) {
        self.places.close();
    }

    /// Every place is taken.
    pub fn is_full(&self) -> bool {
        self.places.available_permits() == 0
    }

    /// Nothing is to be written.
    pub fn is_empty(&self) -> bool {
        let waiting = self.lock();
        waiting.counted.is_empty() && waiting.rows.is_empty()
    }

    /// How many wait for room.
    pub fn callers(&self) -> u64 {
        self.callers.load(Relaxed)
    }

    /// Takes out what will not be written any more.
    pub fn leavings(&self) -> Vec<AuditRow> {
        let now = self.clock.now();
        let waiting = std::mem::take(&mut *self.lock());
        let rows = waiting.rows.into_iter().map(|row| row.row);
        let counted = waiting.counted.into_values();
        rows.chain(counted.map(|counted| counted.into_row(String::new(), now)))
            .collect()
    }

    fn oldest(&self) -> Option<Duration> {
        let waiting = self.lock();
        let rows = waiting.rows.front().map(|row| row.since);
        let oldest = rows.or_else(|| waiting.counted.values().map(|c| c.since).min());
        oldest.map(|since| since.elapsed())
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        // What is counted is consistent between any two statements above.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counted {
    fn into_row(self, id: String, now: Timestamp) -> AuditRow {
        let event = self.event.with("count", self.count);
        event.with("since", rfc3339(self.at)).into_row(id, now)
    }
}

fn kind(event: &AuditEvent) -> Kind {
    let who = match &event.actor {
        Actor::Client(id) => format!("{} {id}", event.origin.ip),
        Actor::User { id, .. } => format!("{} {id}", event.origin.ip),
        Actor::Anonymous | Actor::Claimed(_) => event.origin.ip.clone(),
    };
    (event.event_type.as_str(), event.origin.path.clone(), who)
}

/// Counts somebody who waits, until they do not.
struct Caller<'a>(&'a AtomicU64);

impl<'a> Caller<'a> {
    fn new(callers: &'a AtomicU64) -> Self {
        callers.fetch_add(1, Relaxed);
        Self(callers)
    }
}

impl Drop for Caller<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}
