//! The bounded pool in which passwords are hashed and checked.
//!
//! A hash costs tens of milliseconds of one core on purpose. So there are fewer of them at a time than cores, a queue
//! that refuses at once when it is full, and no client address may fill more than its share of that queue: a flood of
//! logins cannot take the token endpoint down, nor lock the other users out. A login of an unknown user costs the same
//! hash as one with a wrong password. Must not live here: the algorithms, which are injected.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

use super::handle::{AskError, Failure};
use super::inbox::{Asked, Inbox, Queued};
use super::round::{self, Rounds};
use super::supervisor::Spec;
use super::vitals::Vitals;
use super::vitals::histogram::Histogram;

/// Whether a password belongs to a stored hash. An `Err` says why the stored hash cannot be used.
pub type Verify = Arc<dyn Fn(&str, &[u8]) -> Result<bool, String> + Send + Sync>;

/// Makes a hash to store, with a salt of its own.
pub type Hash = Arc<dyn Fn(&[u8]) -> Result<String, String> + Send + Sync>;

/// The algorithms. Both run on a blocking thread.
#[derive(Clone)]
pub struct PasswordWork {
    /// Of every scheme that may be stored.
    pub verify: Verify,
    /// Of the scheme that is stored now.
    pub hash: Hash,
    /// A hash of nobody's password, at the cost of the hashes that are stored: unknown users are checked against it.
    pub decoy: String,
}

/// The size of the pool.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// Hashes at the same time.
    pub workers: usize,
    /// Passwords that may wait.
    pub queue: usize,
    /// How many of those may come from one address (one /64 of IPv6).
    pub per_address: usize,
    /// The longest that a caller waits for its answer.
    pub patience: Duration,
}

impl Settings {
    /// Half of the cores, 64 waiting, at most half of them from one address, five seconds.
    pub fn for_cores(cores: usize) -> Self {
        Self {
            workers: (cores / 2).max(1),
            queue: 64,
            per_address: 32,
            patience: Duration::from_secs(5),
        }
    }
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HashError {
    /// The queue, or this address's share of it, is full, or the answer took too long. Try again later.
    #[error("too many passwords are being checked")]
    Busy,
    /// The process is being stopped.
    #[error("the server is stopping")]
    Stopping,
    /// The pool was started again while it had the password in hand. Nothing is known about it.
    #[error("the check of the password was cut short")]
    Lost,
    /// The algorithm failed; the text says how and holds no password.
    #[error("{0}")]
    Failed(String),
}

impl From<AskError> for HashError {
    fn from(error: AskError) -> Self {
        match error {
            AskError::Full | AskError::Late => HashError::Busy,
            AskError::Closed => HashError::Stopping,
            AskError::Lost => HashError::Lost,
        }
    }
}

type Password = Zeroizing<Vec<u8>>;

enum Task {
    Verify(Option<String>, Password),
    Hash(Password),
}

enum Answer {
    Matches(bool),
    Hashed(String),
}

struct Job {
    task: Task,
    _share: Share,
}

type Question = Asked<Job, Result<Answer, String>>;

/// The handle.
#[derive(Clone)]
pub struct PasswordHasher {
    inbox: Inbox<Question>,
    shares: Arc<Shares>,
    pool: Arc<Pool>,
    patience: Duration,
}

impl PasswordHasher {
    /// Prepares the pool's handle and its place in the tree.
    pub fn new(vitals: &Arc<Vitals>, settings: Settings, work: PasswordWork) -> (Self, Spec) {
        let workers = settings.workers.max(1);
        let pool = Arc::new(Pool {
            work,
            size: u32::try_from(workers).unwrap_or(u32::MAX),
            free: Arc::new(Semaphore::new(workers)),
            calls: AtomicU64::new(0),
            times: Histogram::default(),
        });
        let handle = Self {
            inbox: Inbox::of_questions(vitals, settings.queue),
            shares: Arc::new(Shares {
                most: settings.per_address.max(1),
                taken: Mutex::default(),
            }),
            pool: Arc::clone(&pool),
            patience: settings.patience,
        };
        let told = Arc::clone(&pool);
        vitals.watch_detail(move || told.detail());
        let spec = round::spec(Dispatch { pool }, &handle.inbox);
        (handle, spec)
    }

    /// Whether `password` belongs to the `stored` hash. For an unknown user pass `None`: the answer is false, at the
    /// same cost.
    ///
    /// # Errors
    /// [`HashError`]; never a false "yes".
    pub async fn verify(
        &self,
        from: IpAddr,
        stored: Option<String>,
        password: Password,
    ) -> Result<bool, HashError> {
        match self.ask(from, Task::Verify(stored, password)).await? {
            Answer::Matches(matches) => Ok(matches),
            Answer::Hashed(_) => Err(HashError::Failed("a hash instead of a verdict".into())),
        }
    }

    /// A hash of `password` to store.
    ///
    /// # Errors
    /// [`HashError`].
    pub async fn hash(&self, from: IpAddr, password: Password) -> Result<String, HashError> {
        match self.ask(from, Task::Hash(password)).await? {
            Answer::Hashed(hash) => Ok(hash),
            Answer::Matches(_) => Err(HashError::Failed("a verdict instead of a hash".into())),
        }
    }

    /// Hashes calculated since the process began, for verification and for storage.
    pub fn calls(&self) -> u64 {
        self.pool.calls.load(Relaxed)
    }

    async fn ask(&self, from: IpAddr, task: Task) -> Result<Answer, HashError> {
        let Some(share) = Shares::take(&self.shares, from) else {
            self.inbox.vitals().count_shed();
            return Err(HashError::Busy);
        };
        let job = Job {
            task,
            _share: share,
        };
        let answered = self.inbox.try_ask(job, self.patience).await?;
        answered.map_err(HashError::Failed)
    }
}

/// How many places each address holds.
struct Shares {
    most: usize,
    taken: Mutex<HashMap<IpAddr, usize>>,
}

impl Shares {
    fn take(shares: &Arc<Self>, from: IpAddr) -> Option<Share> {
        let of = neighbourhood(from);
        let mut taken = shares.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let count = taken.entry(of).or_insert(0);
        if *count >= shares.most {
            return None;
        }
        *count += 1;
        let shares = Arc::clone(shares);
        Some(Share { shares, of })
    }
}

/// One IPv6 subscriber has a whole /64 to send from.
fn neighbourhood(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let network = v6.to_bits() & !u128::from(u64::MAX);
            IpAddr::V6(Ipv6Addr::from_bits(network))
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

/// One place of one address, given back when the password has been dealt with.
struct Share {
    shares: Arc<Shares>,
    of: IpAddr,
}

impl Drop for Share {
    fn drop(&mut self) {
        let taken = self.shares.taken.lock();
        let mut taken = taken.unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = taken.get_mut(&self.of) {
            *count -= 1;
            if *count == 0 {
                taken.remove(&self.of);
            }
        }
    }
}

/// What all incarnations of the actor share: a restart must not double the number of hashes in progress.
struct Pool {
    work: PasswordWork,
    size: u32,
    free: Arc<Semaphore>,
    calls: AtomicU64,
    times: Histogram,
}

#[derive(Serialize)]
struct Detail {
    calls: u64,
    workers: u32,
    hash_p50_us: u64,
    hash_p99_us: u64,
}

impl Pool {
    fn detail(&self) -> Detail {
        Detail {
            calls: self.calls.load(Relaxed),
            workers: self.size,
            hash_p50_us: self.times.quantile_us(0.5).unwrap_or(0),
            hash_p99_us: self.times.quantile_us(0.99).unwrap_or(0),
        }
    }

    fn run(&self, task: &Task) -> Result<Answer, String> {
        self.calls.fetch_add(1, Relaxed);
        let began = std::time::Instant::now();
        let work = &self.work;
        let answer = match task {
            Task::Verify(Some(stored), password) => {
                (work.verify)(stored, password).map(Answer::Matches)
            }
            Task::Verify(None, password) => {
                (work.verify)(&work.decoy, password).map(|_| Answer::Matches(false))
            }
            Task::Hash(password) => (work.hash)(password).map(Answer::Hashed),
        };
        self.times.observe(began.elapsed());
        answer
    }
}

/// The actor: waits for a free worker, gives it one password, and looks for the next.
struct Dispatch {
    pool: Arc<Pool>,
}

impl Rounds for Dispatch {
    type Item = Question;
    type State = ();
    const MOST: usize = 1;

    async fn open(&self) -> Result<(), Failure> {
        Ok(())
    }

    async fn serve(&self, (): &mut (), batch: Vec<Queued<Question>>) -> Result<(), Failure> {
        for queued in batch {
            let worker = Arc::clone(&self.pool.free).acquire_owned().await?;
            // From here on it is in work, not in line.
            let (job, reply) = queued.into_item().split();
            if reply.is_closed() {
                continue;
            }
            let pool = Arc::clone(&self.pool);
            tokio::task::spawn_blocking(move || {
                let answer = pool.run(&job.task);
                drop(job);
                let _ = reply.send(answer);
                drop(worker);
            });
        }
        Ok(())
    }

    async fn close(&self, (): &mut ()) {
        // All workers free: every password that was taken in has its answer.
        let _ = self.pool.free.acquire_many(self.pool.size).await;
    }
}

#[cfg(test)]
mod tests;
