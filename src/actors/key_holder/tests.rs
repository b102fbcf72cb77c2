use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst};

use tokio::sync::Notify;

use super::super::lifecycle::Readiness;
use super::super::supervisor::Branch;
use super::super::testing::{clock, root, until, vitals};
use super::super::tree::Tree;
use super::*;

/// A key source that yields 1, 2, 3, …, and fails or panics when told to.
#[derive(Clone, Default)]
struct Source {
    loads: Arc<AtomicU64>,
    mood: Arc<AtomicUsize>,
    go: Arc<Notify>,
}

const FINE: usize = 0;
const FAIL: usize = 1;
const PANIC: usize = 2;
const SLOW: usize = 3;

impl Source {
    fn settings(&self, reload_every: Option<Duration>, readiness: &Readiness) -> Settings<u64> {
        let source = self.clone();
        let load: Load<u64> = Arc::new(move || {
            let source = source.clone();
            Box::pin(async move {
                let number = source.loads.fetch_add(1, SeqCst) + 1;
                match source.mood.load(SeqCst) {
                    FAIL => return Err("JWT_PRIVATE_KEY_PATH: no such file".to_owned()),
                    PANIC => panic!("a key that cannot be"),
                    SLOW => source.go.notified().await,
                    _ => {}
                }
                Ok(number)
            })
        });
        Settings {
            load,
            reload_every,
            out_of_date: Arc::new(|_| None),
            show: Arc::new(|number| {
                vec![ShownKey {
                    kid: Some(number.to_string()),
                    algorithm: "ES256",
                    signs: true,
                }]
            }),
            readiness: readiness.clone(),
            clock: clock(),
        }
    }
}

const PATIENCE: Duration = Duration::from_secs(5);

async fn holder(
    source: &Source,
    every: Option<Duration>,
) -> (KeyHolder<u64>, Branch, Readiness, Arc<Vitals>) {
    let readiness = Readiness::default();
    let vitals = vitals("root/key_holder", 3, 30);
    let settings = source.settings(every, &readiness);
    let (handle, spec) = KeyHolder::open(&vitals, settings).await.unwrap();
    (handle, root().child(spec), readiness, vitals)
}

#[tokio::test(start_paused = true)]
async fn a_handle_always_has_a_set_and_a_reload_publishes_the_next() {
    let (keys, root, _, _) = holder(&Source::default(), None).await;
    assert_eq!(*keys.current(), 1, "before the tree has started");
    let tree = Tree::start(root).await.unwrap();
    let old = keys.current();
    assert_eq!(keys.reload(PATIENCE).await, Ok(Ok(())));
    assert_eq!((*old, *keys.current()), (1, 2));
    let expected = Status {
        loaded_at: "2026-11-23T12:00:00Z".into(),
        loads: 2,
        error: None,
        keys: vec![ShownKey {
            kid: Some("2".into()),
            algorithm: "ES256",
            signs: true,
        }],
    };
    assert_eq!(*keys.status(), expected);
    tree.end().await;
    assert_eq!(*keys.current(), 2, "readable to the very end");
}

#[tokio::test]
async fn a_process_without_keys_does_not_start() {
    let source = Source::default();
    source.mood.store(FAIL, SeqCst);
    let settings = source.settings(None, &Readiness::default());
    let opened = KeyHolder::open(&vitals("root/key_holder", 3, 30), settings).await;
    assert_eq!(
        opened.err().as_deref(),
        Some("JWT_PRIVATE_KEY_PATH: no such file")
    );
}

#[tokio::test(start_paused = true)]
async fn a_set_that_cannot_be_loaded_leaves_the_present_one_and_is_noted() {
    let source = Source::default();
    let (keys, root, readiness, vitals) = holder(&source, None).await;
    let tree = Tree::start(root).await.unwrap();
    source.mood.store(FAIL, SeqCst);
    let error = "JWT_PRIVATE_KEY_PATH: no such file".to_owned();
    assert_eq!(keys.reload(PATIENCE).await, Ok(Err(error.clone())));
    assert_eq!(*keys.current(), 1);
    assert_eq!(readiness.verdict().degraded.get("keys"), Some(&error));
    assert_eq!(keys.status().error, Some(error));
    let detail = vitals.detail().unwrap();
    assert_eq!(detail["loads"], 1);
    assert_eq!(detail["keys"][0]["kid"], "1");
    source.mood.store(FINE, SeqCst);
    assert_eq!(keys.reload(PATIENCE).await, Ok(Ok(())));
    assert_eq!(*keys.current(), 3);
    assert!(readiness.verdict().degraded.is_empty());
    assert_eq!(vitals.restarts(), 0);
    tree.end().await;
}

#[tokio::test(start_paused = true)]
async fn those_who_ask_at_the_same_time_share_a_load() {
    let source = Source::default();
    let (keys, root, _, vitals) = holder(&source, None).await;
    let tree = Tree::start(root).await.unwrap();
    source.mood.store(SLOW, SeqCst);
    let ask = || {
        let keys = keys.clone();
        tokio::spawn(async move { keys.reload(PATIENCE).await })
    };
    let first = ask();
    until("the first load is going on", || {
        source.loads.load(SeqCst) == 2
    })
    .await;
    let others: Vec<_> = (0..20).map(|_| ask()).collect();
    until("all are in line", || vitals.depth() == 21).await;
    source.mood.store(FINE, SeqCst);
    source.go.notify_one();
    assert_eq!(first.await.unwrap(), Ok(Ok(())));
    for other in others {
        assert_eq!(other.await.unwrap(), Ok(Ok(())));
    }
    assert_eq!(source.loads.load(SeqCst), 3);
    assert_eq!(
        *keys.current(),
        3,
        "who asks during a load gets a later one"
    );
    tree.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_panic_during_a_load_costs_no_reader_anything() {
    let source = Source::default();
    let (keys, root, _, vitals) = holder(&source, None).await;
    let tree = Tree::start(root).await.unwrap();
    source.mood.store(PANIC, SeqCst);
    assert_eq!(keys.reload(PATIENCE).await, Err(AskError::Lost));
    assert_eq!(*keys.current(), 1);
    source.mood.store(FINE, SeqCst);
    assert_eq!(keys.reload(PATIENCE).await, Ok(Ok(())));
    assert_eq!((*keys.current(), vitals.restarts()), (3, 1));
    tree.end().await;
}

#[tokio::test(start_paused = true)]
async fn keys_are_loaded_again_when_it_is_time() {
    let source = Source::default();
    let (keys, root, readiness, _) = holder(&source, Some(Duration::from_secs(30))).await;
    let tree = Tree::start(root).await.unwrap();
    tokio::time::sleep(Duration::from_secs(31)).await;
    assert_eq!(*keys.current(), 2);
    source.mood.store(FAIL, SeqCst);
    tokio::time::sleep(Duration::from_secs(30)).await;
    assert_eq!(*keys.current(), 2);
    assert!(readiness.verdict().degraded.contains_key("keys"));
    source.mood.store(FINE, SeqCst);
    tokio::time::sleep(Duration::from_secs(30)).await;
    assert_eq!(*keys.current(), 4);
    assert!(readiness.verdict().degraded.is_empty());
    tree.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_set_is_loaded_again_at_the_moment_it_is_out_of_date() {
    let source = Source::default();
    let readiness = Readiness::default();
    let mut settings = source.settings(Some(Duration::from_secs(30)), &readiness);
    settings.out_of_date = Arc::new(|number| (*number == 1).then(|| Duration::from_secs(7)));
    let (keys, spec) = KeyHolder::open(&vitals("root/key_holder", 3, 30), settings)
        .await
        .unwrap();
    let tree = Tree::start(root().child(spec)).await.unwrap();
    tokio::time::sleep(Duration::from_secs(8)).await;
    assert_eq!(*keys.current(), 2);
    tokio::time::sleep(Duration::from_secs(28)).await;
    assert_eq!(*keys.current(), 2);
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(*keys.current(), 3);
    // A nudge waits for nothing.
    keys.nudge();
    until("it was loaded", || *keys.current() == 4).await;
    tree.end().await;
}
