//! Work that takes longer than all else that a request does: an RSA signature is half a millisecond of a core, the hash of
//! a new secret fifty. So much is done at a time and no more, and the thread that does it hands its other tasks to another
//! first, so that no health check waits behind a queue of signatures.
//!
//! Must not live here: what is done, and the passwords of people who sign in, which have a pool of their own that refuses
//! when it is full.

use std::sync::Arc;

use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::Semaphore;

/// The turns; clones share them.
#[derive(Clone)]
pub struct Turns(Arc<Semaphore>);

impl Turns {
    /// So many at a time.
    pub fn new(cores: usize) -> Self {
        Self(Arc::new(Semaphore::new(cores.max(1))))
    }

    /// One for each core of this machine.
    pub fn of_host() -> Self {
        Self::new(cores())
    }

    /// One for every second core of this machine, as passwords have it.
    pub fn of_half_the_host() -> Self {
        Self::new(cores() / 2)
    }

    /// Does the work when its turn has come, in order of arrival. A caller who gives up before has cost nothing.
    pub async fn take<R>(&self, work: impl FnOnce() -> R) -> R {
        // Nobody closes the semaphore; if it were closed the work would still have to be done.
        let _turn = self.0.acquire().await;
        match Handle::current().runtime_flavor() {
            RuntimeFlavor::MultiThread => tokio::task::block_in_place(work),
            // Nobody else is there to take the other tasks over.
            _ => work(),
        }
    }
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
    use std::time::Duration;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn no_more_than_one_for_each_core_and_others_go_on() {
        let turns = Turns::new(2);
        let (now, most) = <(Arc<AtomicUsize>, Arc<AtomicUsize>)>::default();
        let work: Vec<_> = (0..12)
            .map(|_| {
                let (turns, now, most) = (turns.clone(), Arc::clone(&now), Arc::clone(&most));
                tokio::spawn(async move {
                    turns
                        .take(|| {
                            most.fetch_max(now.fetch_add(1, SeqCst) + 1, SeqCst);
                            std::thread::sleep(Duration::from_millis(20));
                            now.fetch_sub(1, SeqCst);
                        })
                        .await;
                })
            })
            .collect();
        // Both workers are busy with it, and a task that only looks gets its turn all the same.
        let mut looks = 0;
        while !work.iter().all(tokio::task::JoinHandle::is_finished) {
            tokio::spawn(async {}).await.unwrap();
            looks += 1;
        }
        assert_eq!(most.load(SeqCst), 2);
        assert!(looks > 12, "{looks}");
    }

    #[tokio::test]
    async fn a_runtime_with_one_thread_does_it_in_place() {
        assert_eq!(Turns::of_host().take(|| 7).await, 7);
    }
}
