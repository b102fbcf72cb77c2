use std::sync::Condvar;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;

use super::super::testing::{root, until, vitals};
use super::super::tree::Tree;
use super::*;

/// Hashing that takes as long as the test wants, and tells how many go on at a time.
#[derive(Default)]
struct Bench {
    now: AtomicUsize,
    most: AtomicUsize,
    open: Mutex<bool>,
    opened: Condvar,
}

impl Bench {
    fn open(&self) {
        *self.open.lock().unwrap() = true;
        self.opened.notify_all();
    }

    fn work(&self) {
        let now = self.now.fetch_add(1, SeqCst) + 1;
        self.most.fetch_max(now, SeqCst);
        let guard = self.open.lock().unwrap();
        drop(self.opened.wait_while(guard, |open| !*open).unwrap());
        self.now.fetch_sub(1, SeqCst);
    }
}

fn work(bench: &Arc<Bench>) -> PasswordWork {
    let (verifying, hashing) = (Arc::clone(bench), Arc::clone(bench));
    PasswordWork {
        verify: Arc::new(move |stored, password| {
            verifying.work();
            match stored {
                "panic" => panic!("a hash that cannot be"),
                "broken" => Err("not a hash".into()),
                stored => Ok(stored.as_bytes() == password),
            }
        }),
        hash: Arc::new(move |password| {
            hashing.work();
            Ok(String::from_utf8_lossy(password).into_owned())
        }),
        decoy: "decoy".into(),
    }
}

const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
const THERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(198, 51, 100, 1));

fn settings() -> Settings {
    Settings {
        workers: 2,
        queue: 8,
        per_address: 6,
        patience: Duration::from_secs(60),
    }
}

struct Pooled {
    hasher: PasswordHasher,
    tree: Arc<Tree>,
    vitals: Arc<Vitals>,
    bench: Arc<Bench>,
}

async fn pool(settings: Settings) -> Pooled {
    let bench = Arc::new(Bench::default());
    let vitals = vitals("root/password_hasher", 10, 60);
    let (hasher, spec) = PasswordHasher::new(&vitals, settings, work(&bench));
    let tree = Arc::new(Tree::start(root().child(spec)).await.unwrap());
    Pooled {
        hasher,
        tree,
        vitals,
        bench,
    }
}

fn password(text: &str) -> Password {
    Zeroizing::new(text.as_bytes().to_vec())
}

impl Pooled {
    fn verify(
        &self,
        from: IpAddr,
        stored: Option<&str>,
    ) -> tokio::task::JoinHandle<Result<bool, HashError>> {
        let (hasher, stored) = (self.hasher.clone(), stored.map(str::to_owned));
        tokio::spawn(async move { hasher.verify(from, stored, password("secret")).await })
    }

    /// Both workers busy and one password in the actor's hand.
    async fn keep_busy(&self) -> Vec<tokio::task::JoinHandle<Result<bool, HashError>>> {
        let busy = (0..3).map(|_| self.verify(THERE, Some("secret"))).collect();
        while self.bench.now.load(SeqCst) < 2 || self.vitals.depth() != 1 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        busy
    }
}

#[test]
fn half_of_the_cores_work_and_one_at_least() {
    let workers = [1, 2, 3, 4, 16].map(|cores| Settings::for_cores(cores).workers);
    assert_eq!(workers, [1, 1, 1, 2, 8]);
    let settings = Settings::for_cores(4);
    assert_eq!((settings.queue, settings.per_address), (64, 32));
}

#[tokio::test]
async fn a_password_is_hashed_and_recognised() {
    let pool = pool(settings()).await;
    pool.bench.open();
    let hash = pool.hasher.hash(HERE, password("secret")).await.unwrap();
    assert_eq!(hash, "secret");
    assert_eq!(pool.verify(HERE, Some(&hash)).await.unwrap(), Ok(true));
    assert_eq!(pool.verify(HERE, Some("other")).await.unwrap(), Ok(false));
    let failed = HashError::Failed("not a hash".into());
    assert_eq!(
        pool.verify(HERE, Some("broken")).await.unwrap(),
        Err(failed)
    );
    assert_eq!(pool.hasher.calls(), 4);
    pool.tree.end().await;
}

#[tokio::test]
async fn an_unknown_user_costs_the_same_hash_and_is_never_let_in() {
    let pool = pool(settings()).await;
    pool.bench.open();
    assert_eq!(pool.verify(HERE, Some("wrong")).await.unwrap(), Ok(false));
    let known = pool.hasher.calls();
    assert_eq!(pool.verify(HERE, None).await.unwrap(), Ok(false));
    assert_eq!(pool.hasher.calls() - known, known);
    let right = pool.hasher.verify(HERE, None, password("decoy")).await;
    assert_eq!(right, Ok(false), "not even with the decoy's password");
    pool.tree.end().await;
}

#[tokio::test]
async fn no_more_work_at_a_time_than_workers() {
    let pool = pool(settings()).await;
    let busy = pool.keep_busy().await;
    assert_eq!(pool.bench.now.load(SeqCst), 2);
    pool.bench.open();
    for verdict in busy {
        assert_eq!(verdict.await.unwrap(), Ok(true));
    }
    for verdict in (0..4)
        .map(|_| pool.verify(HERE, Some("secret")))
        .collect::<Vec<_>>()
    {
        assert_eq!(verdict.await.unwrap(), Ok(true));
    }
    assert_eq!(pool.bench.most.load(SeqCst), 2);
    pool.tree.end().await;
}

#[tokio::test]
async fn a_full_queue_refuses_at_once() {
    let pool = pool(settings()).await;
    let mut accepted = pool.keep_busy().await;
    let filling = |from| {
        (0..4)
            .map(|_| pool.verify(from, Some("secret")))
            .collect::<Vec<_>>()
    };
    accepted.extend(filling(HERE));
    accepted.extend(filling(IpAddr::from([203, 0, 113, 1])).into_iter().take(3));
    until("it is full", || pool.vitals.depth() == 8).await;
    let refused = pool.verify(IpAddr::from([203, 0, 113, 2]), Some("secret"));
    assert_eq!(refused.await.unwrap(), Err(HashError::Busy));
    assert!(pool.vitals.shed() >= 1);
    pool.bench.open();
    for verdict in accepted {
        assert_eq!(verdict.await.unwrap(), Ok(true));
    }
    pool.tree.end().await;
}

#[tokio::test]
async fn one_address_cannot_fill_the_queue() {
    let pool = pool(settings()).await;
    let busy = pool.keep_busy().await;
    let flood: Vec<_> = (0..20).map(|_| pool.verify(HERE, Some("secret"))).collect();
    until("the flood is refused", || pool.vitals.shed() == 14).await;
    assert_eq!(pool.vitals.depth(), 7, "six of the flood, one in hand");
    let other = pool.verify(IpAddr::from([203, 0, 113, 9]), Some("secret"));
    until("another address still has room", || {
        pool.vitals.depth() == 8
    })
    .await;
    pool.bench.open();
    assert_eq!(other.await.unwrap(), Ok(true));
    let mut served = 0;
    for verdict in flood {
        match verdict.await.unwrap() {
            Ok(matches) => {
                assert!(matches);
                served += 1;
            }
            Err(error) => assert_eq!(error, HashError::Busy),
        }
    }
    assert_eq!(served, 6);
    for verdict in busy {
        assert_eq!(verdict.await.unwrap(), Ok(true));
    }
    assert!(
        pool.hasher.shares.taken.lock().unwrap().is_empty(),
        "shares are given back"
    );
    pool.tree.end().await;
}

#[test]
fn a_subscriber_s_whole_ipv6_network_counts_as_one_address() {
    let near = |text: &str| neighbourhood(text.parse().unwrap()).to_string();
    assert_eq!(near("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
    assert_eq!(near("2001:db8:1:2:ffff::1"), "2001:db8:1:2::");
    assert_eq!(near("2001:db8:1:3::1"), "2001:db8:1:3::");
    assert_eq!(near("::ffff:192.0.2.1"), "192.0.2.1");
    assert_eq!(near("192.0.2.1"), "192.0.2.1");
}

#[tokio::test]
async fn a_panic_in_the_algorithm_costs_one_caller_its_answer() {
    let pool = pool(settings()).await;
    pool.bench.open();
    for _ in 0..5 {
        let lost = pool.verify(HERE, Some("panic")).await.unwrap();
        assert_eq!(lost, Err(HashError::Lost));
    }
    // The workers are still there, and the actor never noticed.
    assert_eq!(pool.verify(HERE, Some("secret")).await.unwrap(), Ok(true));
    assert_eq!(pool.vitals.restarts(), 0);
    assert!(pool.hasher.shares.taken.lock().unwrap().is_empty());
    pool.tree.end().await;
}

#[tokio::test]
async fn stopping_answers_everybody_who_was_let_in() {
    let pool = pool(settings()).await;
    let mut accepted = pool.keep_busy().await;
    accepted.extend((0..4).map(|_| pool.verify(HERE, Some("secret"))));
    until("in line", || pool.vitals.depth() == 5).await;
    let stopping = tokio::spawn({
        let tree = Arc::clone(&pool.tree);
        async move { tree.stop("password_hasher").await }
    });
    let state = || pool.vitals.state();
    until("asked to stop", || {
        state() == super::super::vitals::State::Stopping
    })
    .await;
    assert_eq!(
        pool.verify(HERE, None).await.unwrap(),
        Err(HashError::Stopping)
    );
    pool.bench.open();
    stopping.await.unwrap();
    assert_eq!(pool.bench.now.load(SeqCst), 0, "no worker is left behind");
    for verdict in accepted {
        assert_eq!(verdict.await.unwrap(), Ok(true));
    }
}
