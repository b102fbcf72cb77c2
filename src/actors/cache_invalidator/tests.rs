use super::*;
use crate::actors::testing::{root, until, vitals};
use crate::actors::{Tree, outbox_watch};
use crate::domain::key_schedule::KeyRecord;
use crate::domain::time::Timestamp;
use crate::store::keys::{AddKey, AddWhen};
use crate::store::{Driver, Settings as StoreSettings, outbox::Remembered};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Found by looking, and found because somebody rang: then nobody looks by himself for as long as the test lasts.
#[tokio::test]
async fn a_change_made_by_another_process_is_forgotten_here_once() {
    forgotten_once(Duration::from_millis(50), false).await;
    forgotten_once(Duration::from_secs(3600), true).await;
}

async fn forgotten_once(look: Duration, rung: bool) {
    let directory = tempfile::tempdir().unwrap();
    let settings = StoreSettings::new(
        Driver::Sqlite,
        directory.path().join("x.db").to_str().unwrap(),
    );
    let ours = Store::open(&settings).await.unwrap();
    ours.prepare().await.unwrap();
    let theirs = Store::open(&settings).await.unwrap();
    let (seen, cleared) = (
        Arc::new(Mutex::new(Vec::new())),
        Arc::new(AtomicUsize::new(0)),
    );
    let (noted, counted) = (Arc::clone(&seen), Arc::clone(&cleared));
    let (bell, spec) = spec(
        &vitals("root/cache_invalidator", 5, 30),
        Settings {
            evict: Arc::new(move |change| {
                noted
                    .lock()
                    .unwrap()
                    .push((change.kind, change.key.clone()))
            }),
            clear: Arc::new(move || {
                counted.fetch_add(1, Ordering::Relaxed);
            }),
            look,
        },
        ours.clone(),
    );
    let mut root = root().child(spec);
    if rung {
        let vitals = vitals("root/outbox_watch", 5, 30);
        root = root.child(outbox_watch::spec(&vitals, ours, bell));
    }
    let _tree = Tree::start(root).await.unwrap();
    assert_eq!(cleared.load(Ordering::Relaxed), 1);
    for name in ["f", "g"] {
        let now = Timestamp::UNIX_EPOCH;
        let key = KeyRecord {
            kid: name.to_owned(),
            algorithm: "ES256".to_owned(),
            spki: Vec::new(),
            published_at: now,
            activate_at: now,
            retired_at: None,
            held_at: now,
            not_after: now,
            sealed: None,
            for_id_tokens: false,
        };
        let add = AddKey {
            key,
            when: AddWhen::Found,
            at: now,
            audit: vec![],
        };
        theirs.commit(add).await.unwrap();
    }
    until("both changes are seen", || seen.lock().unwrap().len() >= 2).await;
    // Looked at once more, it is not told again.
    tokio::time::sleep(Duration::from_millis(300)).await;
    let key = |kid: &str| (Some(Remembered::SigningKeys), kid.to_owned());
    assert_eq!(*seen.lock().unwrap(), [key("f"), key("g")]);
    assert_eq!(cleared.load(Ordering::Relaxed), 1);
}

/// What was reached ten seconds ago is settled: until then everything above it is read again, however much that is.
#[tokio::test(start_paused = true)]
async fn what_becomes_visible_late_is_read_however_much_came_before_it() {
    let mut reached = Reached::at(5_000);
    assert_eq!(reached.settled(), 4_000);
    reached.seen.extend([4_001, 9_999]);
    for second in 1..10 {
        tokio::time::advance(Duration::from_secs(1)).await;
        reached.note(9_000 + second);
        assert_eq!(reached.settled(), 4_000, "{second}");
    }
    tokio::time::advance(Duration::from_secs(2)).await;
    reached.note(9_009);
    assert_eq!(reached.settled(), 9_001);
    assert_eq!(reached.seen, HashSet::from([9_999]));
    // Nobody changes anything: nothing is left to be read again.
    tokio::time::advance(OVERLAP).await;
    reached.note(9_009);
    assert_eq!((reached.settled(), reached.marks.len()), (9_009, 2));
}
