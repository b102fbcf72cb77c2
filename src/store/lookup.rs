//! Looking up by key what many ask for at the same time: one statement for all of them.
//!
//! While a statement is under way, keys that arrive collect; the next one asks for all of them. A key joins only a
//! statement that has not begun, so an answer is never older than its question, and nothing is kept after the answer.
//! On an idle server a key waits for nobody. Must not live here: SQL, and what rows mean.
use super::StoreError;
use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::oneshot;

/// Keys of one statement.
pub(super) const MOST: usize = 64;
/// Statements that may be under way side by side: one that hangs does not hold up all others.
const LANES: usize = 2;

type Answer<A> = Result<Option<A>, StoreError>;
/// What a statement found, by key. A row that cannot be read is the fault of its key alone.
type Rows<A> = Result<Vec<(String, Result<A, StoreError>)>, StoreError>;

/// Those who look for the same kind of thing.
pub(super) struct Lookup<A>(Mutex<Line<A>>);

/// Somebody who waits for an answer.
struct Asker<A> {
    key: String,
    answer: oneshot::Sender<Answer<A>>,
}

struct Line<A> {
    /// Those whom no statement asks for yet.
    waiting: VecDeque<Asker<A>>,
    /// Tasks that take from the line.
    lanes: usize,
}

impl<A> Default for Lookup<A> {
    fn default() -> Self {
        Self(Mutex::new(Line {
            waiting: VecDeque::new(),
            lanes: 0,
        }))
    }
}

impl<A: Clone + Send + 'static> Lookup<A> {
    /// What has this key. `read` runs one statement for all keys that it is given.
    ///
    /// # Errors
    /// As `read`: an error is told to everybody whom the statement asked for, and never means that there is nothing.
    pub async fn find<R, F>(self: &Arc<Self>, key: String, read: R) -> Answer<A>
    where
        R: Fn(Vec<String>) -> F + Send + 'static,
        F: Future<Output = Rows<A>> + Send,
    {
        let (answer, told) = oneshot::channel();
        if self.enter(Asker { key, answer }) {
            // A task of its own: whoever asked first may go away without taking the others along.
            let lookup = Arc::clone(self);
            tokio::spawn(async move { lookup.serve(read).await });
        }
        told.await.unwrap_or_else(|_| {
            let why = "a look-up ended without an answer";
            Err(StoreError::Unavailable(why.to_owned()))
        })
    }

    /// Puts somebody in line. Tells whether a lane was free; it is the caller's to serve then.
    fn enter(&self, asker: Asker<A>) -> bool {
        let mut line = self.line();
        line.waiting.push_back(asker);
        let is_free = line.lanes < LANES;
        line.lanes += usize::from(is_free);
        is_free
    }

    async fn serve<R, F>(&self, read: R)
    where
        R: Fn(Vec<String>) -> F,
        F: Future<Output = Rows<A>>,
    {
        let mut lane = Lane(Some(self));
        loop {
            // Requests that can be read already come along.
            tokio::task::yield_now().await;
            let askers = by_key(lane.next());
            if askers.is_empty() {
                return;
            }
            let rows = read(askers.keys().cloned().collect()).await;
            tell(askers, rows);
        }
    }

    fn line(&self) -> MutexGuard<'_, Line<A>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The right to take from the line.
struct Lane<'l, A: Clone + Send + 'static>(Option<&'l Lookup<A>>);

impl<A: Clone + Send> Lane<'_, A> {
    /// Those who come next. When there is nobody the lane is closed in the same moment, so that whoever enters later
    /// finds it free.
    fn next(&mut self) -> Vec<Asker<A>> {
        let Some(lookup) = self.0 else {
            return Vec::new();
        };
        let mut line = lookup.line();
        // Whoever went away is not asked for, so that a line that stood still is short when it moves again.
        line.waiting.retain(|asker| !asker.answer.is_closed());
        let count = line.waiting.len().min(MOST);
        if count == 0 {
            line.lanes -= 1;
            self.0 = None;
        }
        line.waiting.drain(..count).collect()
    }
}

impl<A: Clone + Send> Drop for Lane<'_, A> {
    /// A lane that is cut leaves nobody waiting whom no other lane will serve: they are told that there is no answer.
    fn drop(&mut self) {
        let Some(lookup) = self.0 else {
            return;
        };
        let mut line = lookup.line();
        line.lanes -= 1;
        if line.lanes == 0 {
            line.waiting.clear();
        }
    }
}

/// Those who wait for one key.
type Askers<A> = Vec<oneshot::Sender<Answer<A>>>;

fn by_key<A>(batch: Vec<Asker<A>>) -> HashMap<String, Askers<A>> {
    let mut askers: HashMap<String, Askers<A>> = HashMap::with_capacity(batch.len());
    for Asker { key, answer } in batch {
        askers.entry(key).or_default().push(answer);
    }
    askers
}

fn tell<A: Clone>(mut askers: HashMap<String, Askers<A>>, rows: Rows<A>) {
    let mut rest: Answer<A> = Ok(None);
    match rows {
        Ok(rows) => {
            for (key, found) in rows {
                tell_all(askers.remove(&key).unwrap_or_default(), found.map(Some));
            }
        }
        Err(error) => rest = Err(error),
    }
    for waiting in askers.into_values() {
        tell_all(waiting, rest.clone());
    }
}

/// Whoever went away harms nobody.
fn tell_all<A: Clone>(mut askers: Askers<A>, answer: Answer<A>) {
    let last = askers.pop();
    for asker in askers {
        drop(asker.send(answer.clone()));
    }
    if let Some(asker) = last {
        drop(asker.send(answer));
    }
}

#[cfg(test)]
mod tests;
