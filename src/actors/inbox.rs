//! A bounded queue in front of an actor. A mailbox is a batch: callers put items here and the actor, woken once, takes
//! all that waits.
//!
//! The queue belongs to the handle, not to the actor, so what waits survives a crash and is served by the next
//! incarnation. The permit that bounds it travels inside each item. Must not live here: what the items mean.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ractor::ActorRef;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::time::Instant;

use super::handle::{AskError, Slot};
use super::vitals::Vitals;

/// What an actor of this house is told through ractor's own mailbox. At most one `Wake` is on its way at a time.
pub(crate) enum Nudge {
    /// Something waits in the inbox.
    Wake,
    /// The pause between two ticks is over.
    Tick,
    /// Somebody cannot wait for the pause to be over.
    Now,
}

/// Why an item was not taken in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// No room, and the caller did not want to wait for it.
    Full,
    /// The actor is being shut down.
    Closed,
}

impl From<Refusal> for AskError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Full => AskError::Full,
            Refusal::Closed => AskError::Closed,
        }
    }
}

/// An item that was not taken in, given back to its owner.
#[derive(Debug)]
pub struct Refused<T> {
    /// The item.
    pub item: T,
    /// Why it was refused.
    pub why: Refusal,
}

/// One place in the queue; held from the moment an item is taken in until it has been dealt with.
struct Place {
    vitals: Arc<Vitals>,
    _permit: OwnedSemaphorePermit,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.vitals.left();
    }
}

/// An item in the hands of the actor. Its place in the queue is free again when this is dropped.
pub struct Queued<T> {
    /// The item.
    pub item: T,
    place: Place,
    since: Instant,
    until: Option<Instant>,
}

impl<T> Queued<T> {
    /// The item alone; its place in the queue becomes free now.
    pub fn into_item(self) -> T {
        drop(self.place);
        self.item
    }
}

struct Line<T> {
    waiting: VecDeque<Queued<T>>,
    closed: bool,
}

struct Inner<T> {
    line: Mutex<Line<T>>,
    places: Arc<Semaphore>,
    wake_sent: AtomicBool,
    slot: Slot<Nudge>,
    vitals: Arc<Vitals>,
    is_stale: fn(&T) -> bool,
}

/// The queue, as callers and the actor share it.
pub struct Inbox<T>(Arc<Inner<T>>);

impl<T> Clone for Inbox<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T: Send + 'static> Inbox<T> {
    /// A queue for at most `capacity` items whose figures go to `vitals`.
    pub fn new(vitals: &Arc<Vitals>, capacity: usize) -> Self {
        Self::with(vitals, capacity, |_| false)
    }

    /// No queue, for an actor that takes nothing in.
    pub(crate) fn none(vitals: &Arc<Vitals>) -> Self {
        Self::bare(vitals, 0, |_| false)
    }

    fn with(vitals: &Arc<Vitals>, capacity: usize, is_stale: fn(&T) -> bool) -> Self {
        let capacity = capacity.clamp(1, Semaphore::MAX_PERMITS);
        vitals.set_capacity(capacity);
        let inbox = Self::bare(vitals, capacity, is_stale);
        let weak = Arc::downgrade(&inbox.0);
        vitals.watch_oldest(move || {
            let inner = weak.upgrade()?;
            let line = lock(&inner.line);
            line.waiting.front().map(|queued| queued.since.elapsed())
        });
        inbox
    }

    fn bare(vitals: &Arc<Vitals>, capacity: usize, is_stale: fn(&T) -> bool) -> Self {
        let line = Line {
            waiting: VecDeque::new(),
            closed: false,
        };
        Self(Arc::new(Inner {
            line: Mutex::new(line),
            places: Arc::new(Semaphore::new(capacity)),
            wake_sent: AtomicBool::new(false),
            slot: Slot::default(),
            vitals: Arc::clone(vitals),
            is_stale,
        }))
    }

    /// Whose queue this is.
    pub fn vitals(&self) -> &Arc<Vitals> {
        &self.0.vitals
    }

    /// Puts `item` in line, waiting for room if there is none.
    ///
    /// # Errors
    /// [`Refusal::Closed`] once the actor is being shut down.
    pub async fn push(&self, item: T) -> Result<(), Refused<T>> {
        match Arc::clone(&self.0.places).acquire_owned().await {
            Ok(permit) => self.enqueue(item, permit, None),
            Err(_) => Err(Refused {
                item,
                why: Refusal::Closed,
            }),
        }
    }

    /// Puts `item` in line if there is room now.
    ///
    /// # Errors
    /// [`Refusal::Full`] is counted as shed; [`Refusal::Closed`] once the actor is being shut down.
    pub fn try_push(&self, item: T) -> Result<(), Refused<T>> {
        self.try_push_until(item, None)
    }

    fn try_push_until(&self, item: T, until: Option<Instant>) -> Result<(), Refused<T>> {
        use tokio::sync::TryAcquireError::{Closed, NoPermits};
        match Arc::clone(&self.0.places).try_acquire_owned() {
            Ok(permit) => self.enqueue(item, permit, until),
            Err(NoPermits) => {
                self.0.vitals.count_shed();
                let why = Refusal::Full;
                Err(Refused { item, why })
            }
            Err(Closed) => {
                let why = Refusal::Closed;
                Err(Refused { item, why })
            }
        }
    }

    fn enqueue(
        &self,
        item: T,
        permit: OwnedSemaphorePermit,
        until: Option<Instant>,
    ) -> Result<(), Refused<T>> {
        let inner = &*self.0;
        {
            let mut line = lock(&inner.line);
            if line.closed {
                let why = Refusal::Closed;
                return Err(Refused { item, why });
            }
            inner.vitals.arrived();
            let vitals = Arc::clone(&inner.vitals);
            line.waiting.push_back(Queued {
                item,
                place: Place {
                    vitals,
                    _permit: permit,
                },
                since: Instant::now(),
                until,
            });
        }
        self.wake();
        Ok(())
    }

    /// Tells the actor that something waits, unless it has been told already.
    fn wake(&self) {
        if !self.0.wake_sent.swap(true, SeqCst) {
            self.0.slot.cast(Nudge::Wake);
        }
    }

    /// Leads the queue to a new incarnation, and wakes it: a `Wake` that went to the previous one is lost.
    pub(crate) fn attach(&self, actor: ActorRef<Nudge>) {
        self.0.slot.publish(actor);
        self.0.wake_sent.store(true, SeqCst);
        self.0.slot.cast(Nudge::Wake);
    }

    /// The actor has seen the `Wake`; whoever comes from now on sends a new one.
    pub(crate) fn awake(&self) {
        self.0.wake_sent.store(false, SeqCst);
    }

    /// Sends another `Wake` if items are still waiting.
    pub(crate) fn wake_if_waiting(&self) {
        if !lock(&self.0.line).waiting.is_empty() {
            self.wake();
        }
    }

    /// Has the actor tick now, beside the ticks that its pauses bring.
    pub(crate) fn hasten(&self) {
        self.0.slot.cast(Nudge::Now);
    }

    /// Takes up to `most` items in order of arrival. Items whose caller has given up are dropped and counted.
    pub fn take(&self, most: usize) -> Vec<Queued<T>> {
        let inner = &*self.0;
        let now = Instant::now();
        let mut batch = Vec::new();
        let mut stale = Vec::new();
        {
            let mut line = lock(&inner.line);
            while batch.len() < most {
                let Some(queued) = line.waiting.pop_front() else {
                    break;
                };
                let late = queued.until.is_some_and(|until| until <= now);
                if late || (inner.is_stale)(&queued.item) {
                    stale.push(queued);
                } else {
                    inner.vitals.queue_time.observe(now - queued.since);
                    batch.push(queued);
                }
            }
        }
        for _ in stale {
            inner.vitals.count_expired();
        }
        batch
    }

    /// Refuses new items from now on; those in line will still be served.
    pub fn close(&self) {
        lock(&self.0.line).closed = true;
        self.0.places.close();
    }
}

fn lock<T>(line: &Mutex<Line<T>>) -> MutexGuard<'_, Line<T>> {
    // The queue is consistent between any two statements above, so a panic elsewhere does not spoil it.
    line.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A question with the way back for its answer.
pub struct Asked<Q, R> {
    /// The question.
    pub question: Q,
    reply: oneshot::Sender<R>,
}

impl<Q, R> Asked<Q, R> {
    /// Answers; the answer is dropped if nobody waits for it any more.
    pub fn answer(self, answer: R) {
        let _ = self.reply.send(answer);
    }

    /// The question, and the way back for its answer.
    pub fn split(self) -> (Q, oneshot::Sender<R>) {
        (self.question, self.reply)
    }

    /// Nobody waits for the answer any more.
    pub fn is_abandoned(&self) -> bool {
        self.reply.is_closed()
    }
}

impl<Q: Send + 'static, R: Send + 'static> Inbox<Asked<Q, R>> {
    /// Like [`Inbox::new`], and questions whose asker has gone are never shown to the actor. For work that must be
    /// done even when its asker goes, use `new`.
    pub fn of_questions(vitals: &Arc<Vitals>, capacity: usize) -> Self {
        Self::with(vitals, capacity, Asked::is_abandoned)
    }

    /// Asks if there is room now, without waiting for the answer.
    ///
    /// # Errors
    /// As [`Inbox::try_push`].
    pub fn tell(&self, question: Q) -> Result<(), Refused<Asked<Q, R>>> {
        let (reply, _) = oneshot::channel();
        self.try_push(Asked { question, reply })
    }

    /// Asks, waiting for room and for the answer.
    ///
    /// # Errors
    /// [`AskError::Closed`] or [`AskError::Lost`].
    pub async fn ask(&self, question: Q) -> Result<R, AskError> {
        let (reply, answer) = oneshot::channel();
        let asked = Asked { question, reply };
        self.push(asked).await.map_err(|refused| refused.why)?;
        answer.await.map_err(|_| AskError::Lost)
    }

    /// Asks if there is room now, then waits at most `patience` for the answer. A question whose patience ended
    /// before its turn is never shown to the actor.
    ///
    /// # Errors
    /// Any [`AskError`].
    pub async fn try_ask(&self, question: Q, patience: Duration) -> Result<R, AskError> {
        let until = Instant::now() + patience;
        let (reply, answer) = oneshot::channel();
        let asked = Asked { question, reply };
        self.try_push_until(asked, Some(until))
            .map_err(|refused| refused.why)?;
        match tokio::time::timeout_at(until, answer).await {
            Ok(answered) => answered.map_err(|_| AskError::Lost),
            Err(_) => Err(AskError::Late),
        }
    }

    /// Asks, waiting at most `patience` for room and answer together.
    ///
    /// # Errors
    /// Any [`AskError`] but `Full`.
    pub async fn ask_within(&self, question: Q, patience: Duration) -> Result<R, AskError> {
        let asking = self.ask(question);
        let answered = tokio::time::timeout(patience, asking).await;
        answered.unwrap_or(Err(AskError::Late))
    }
}

#[cfg(test)]
mod tests;
