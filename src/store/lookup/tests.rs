use super::*;
use std::{
    sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    time::Duration,
};
use tokio::{sync::Semaphore, task::JoinHandle, time::timeout};

/// A table whose statements see what it holds when they begin, and end when the test lets them.
#[derive(Clone)]
struct Table(Arc<Inner>);

struct Inner {
    rows: Mutex<HashMap<String, u32>>,
    /// Keys of each statement.
    asked: Mutex<Vec<usize>>,
    ends: Semaphore,
    begun: AtomicUsize,
    is_down: AtomicBool,
    panics: AtomicBool,
    lookup: Arc<Lookup<u32>>,
}

const OPEN: usize = 1_000_000;

impl Table {
    fn new(rows: impl IntoIterator<Item = (String, u32)>, ends: usize) -> Self {
        Self(Arc::new(Inner {
            rows: Mutex::new(rows.into_iter().collect()),
            asked: Mutex::default(),
            ends: Semaphore::new(ends),
            begun: AtomicUsize::new(0),
            is_down: AtomicBool::new(false),
            panics: AtomicBool::new(false),
            lookup: Arc::default(),
        }))
    }

    fn set(&self, key: &str, value: u32) {
        self.0.rows.lock().unwrap().insert(key.to_owned(), value);
    }

    async fn statement(self, keys: Vec<String>) -> Rows<u32> {
        let found = {
            let rows = self.0.rows.lock().unwrap();
            let row = |key: &String| Some((key.clone(), *rows.get(key)?));
            keys.iter().filter_map(row).collect::<Vec<_>>()
        };
        self.0.asked.lock().unwrap().push(keys.len());
        self.0.begun.fetch_add(1, SeqCst);
        self.0.ends.acquire().await.unwrap().forget();
        assert!(!self.0.panics.load(SeqCst), "as the test wants it");
        if self.0.is_down.load(SeqCst) {
            return Err(StoreError::Unavailable("down".to_owned()));
        }
        // 13 stands for a row that cannot be read.
        let read = |(key, value)| match value {
            13 => (key, Err(StoreError::Bug("unreadable".to_owned()))),
            value => (key, Ok(value)),
        };
        Ok(found.into_iter().map(read).collect())
    }

    fn find(&self, key: &str) -> JoinHandle<Answer<u32>> {
        let (table, key) = (self.clone(), key.to_owned());
        tokio::spawn(async move {
            let reading = table.clone();
            let read = move |keys| reading.clone().statement(keys);
            table.0.lookup.find(key, read).await
        })
    }

    async fn begun(&self, statements: usize) {
        while self.0.begun.load(SeqCst) < statements {
            tokio::task::yield_now().await;
        }
    }

    /// All lanes under way, each for a key of its own, and `keys` in line behind them.
    async fn crowded(
        &self,
        keys: &[&str],
    ) -> (Vec<JoinHandle<Answer<u32>>>, Vec<JoinHandle<Answer<u32>>>) {
        let mut first = Vec::new();
        for lane in 0..LANES {
            first.push(self.find(&format!("lane {lane}")));
            self.begun(lane + 1).await;
        }
        let behind: Vec<_> = keys.iter().map(|key| self.find(key)).collect();
        while self.0.lookup.line().waiting.len() < keys.len() {
            tokio::task::yield_now().await;
        }
        (first, behind)
    }
}

async fn told(asked: JoinHandle<Answer<u32>>) -> Answer<u32> {
    timeout(Duration::from_secs(20), asked)
        .await
        .expect("nobody may wait for ever")
        .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_lookup_sees_what_was_committed_before_it_began() {
    let table = Table::new([("a".to_owned(), 1)], 0);
    let mut early = vec![table.find("a")];
    table.begun(1).await;
    // The statement for the same key is under way, and has not seen this.
    table.set("a", 2);
    let mut late = vec![table.find("a")];
    table.begun(LANES).await;
    table.set("a", 3);
    let latest = table.find("a");
    while table.0.lookup.line().waiting.is_empty() {
        tokio::task::yield_now().await;
    }
    table.0.ends.add_permits(OPEN);
    assert_eq!(told(early.remove(0)).await, Ok(Some(1)));
    assert_eq!(told(late.remove(0)).await, Ok(Some(2)));
    assert_eq!(told(latest).await, Ok(Some(3)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn keys_that_arrive_meanwhile_share_the_next_statement() {
    let rows = [("a".to_owned(), 1), ("b".to_owned(), 2)];
    let table = Table::new(rows, 0);
    let (_first, behind) = table.crowded(&["a", "b", "none", "a"]).await;
    table.0.ends.add_permits(OPEN);
    let mut answers = Vec::new();
    for asked in behind {
        answers.push(told(asked).await);
    }
    assert_eq!(answers, [Ok(Some(1)), Ok(Some(2)), Ok(None), Ok(Some(1))]);
    // One for each lane, and one for three different keys.
    assert_eq!(*table.0.asked.lock().unwrap(), [1, 1, 3]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_error_reaches_everybody_and_never_means_that_there_is_nothing() {
    let table = Table::new([("a".to_owned(), 1)], 0);
    let (first, behind) = table.crowded(&["a", "a", "none"]).await;
    table.0.is_down.store(true, SeqCst);
    table.0.ends.add_permits(OPEN);
    for asked in first.into_iter().chain(behind) {
        let down = StoreError::Unavailable("down".to_owned());
        assert_eq!(told(asked).await, Err(down));
    }
    table.0.is_down.store(false, SeqCst);
    assert_eq!(told(table.find("a")).await, Ok(Some(1)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_row_that_cannot_be_read_is_the_fault_of_its_key_alone() {
    let rows = [("a".to_owned(), 1), ("b".to_owned(), 13)];
    let table = Table::new(rows, 0);
    let (_first, mut behind) = table.crowded(&["a", "b"]).await;
    table.0.ends.add_permits(OPEN);
    assert_eq!(told(behind.remove(0)).await, Ok(Some(1)));
    let fault = StoreError::Bug("unreadable".to_owned());
    assert_eq!(told(behind.remove(0)).await, Err(fault));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_caller_who_goes_away_harms_nobody() {
    let table = Table::new([("a".to_owned(), 1)], 0);
    let (first, mut behind) = table.crowded(&["a", "a"]).await;
    for leader in first {
        leader.abort();
        assert!(leader.await.unwrap_err().is_cancelled());
    }
    let gone = behind.remove(0);
    gone.abort();
    assert!(gone.await.unwrap_err().is_cancelled());
    table.0.ends.add_permits(OPEN);
    assert_eq!(told(behind.remove(0)).await, Ok(Some(1)));
    assert_eq!(told(table.find("a")).await, Ok(Some(1)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whoever_went_away_is_not_asked_for() {
    let table = Table::new([("b".to_owned(), 2)], 0);
    let (_first, mut behind) = table.crowded(&["a", "b"]).await;
    let gone = behind.remove(0);
    gone.abort();
    assert!(gone.await.unwrap_err().is_cancelled());
    table.0.ends.add_permits(OPEN);
    assert_eq!(told(behind.remove(0)).await, Ok(Some(2)));
    assert_eq!(*table.0.asked.lock().unwrap(), [1, 1, 1]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_panic_leaves_nobody_waiting() {
    let table = Table::new([("a".to_owned(), 1)], 0);
    let (first, behind) = table.crowded(&["a", "none"]).await;
    table.0.panics.store(true, SeqCst);
    table.0.ends.add_permits(OPEN);
    for asked in first.into_iter().chain(behind) {
        assert!(matches!(told(asked).await, Err(StoreError::Unavailable(_))));
    }
    table.0.panics.store(false, SeqCst);
    assert_eq!(told(table.find("a")).await, Ok(Some(1)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_thousand_callers_get_their_own_answers() {
    let rows = (0..1000).step_by(2).map(|n| (format!("key {n}"), n));
    let table = Table::new(rows, OPEN);
    let asked: Vec<_> = (0..1000).map(|n| table.find(&format!("key {n}"))).collect();
    for (n, asked) in (0..).zip(asked) {
        let own = (n % 2 == 0).then_some(n);
        assert_eq!(told(asked).await, Ok(own), "key {n}");
    }
    // Lanes close when nobody waits.
    while table.0.lookup.line().lanes > 0 {
        tokio::task::yield_now().await;
    }
    let asked = table.0.asked.lock().unwrap();
    assert!(asked.iter().all(|keys| (1..=MOST).contains(keys)));
    assert_eq!(asked.iter().sum::<usize>(), 1000);
}
