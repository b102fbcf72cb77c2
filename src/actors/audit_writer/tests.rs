use super::*;
use crate::actors::Tree;
use crate::actors::testing::{root, until, vitals};
use crate::domain::audit::{EventType, Origin};
use crate::domain::time::doubles::{CountingEntropy, SetClock};
use crate::store::{Driver, Settings as StoreSettings};

async fn store() -> (tempfile::TempDir, Store) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.db");
    let store = Store::open(&StoreSettings::new(Driver::Sqlite, path.to_str().unwrap()))
        .await
        .unwrap();
    store.prepare().await.unwrap();
    (directory, store)
}

fn settings(enabled: bool) -> Settings {
    Settings {
        enabled,
        capacity: 4,
        clock: Arc::new(SetClock::at(1000)),
        entropy: Arc::new(CountingEntropy::default()),
    }
}

fn hit(ip: &str) -> AuditEvent {
    AuditEvent::new(EventType::RateLimitExceeded, "x")
        .with("endpoint", "/login")
        .from(&Origin {
            ip: ip.to_owned(),
            path: "/login".to_owned(),
            ..Origin::default()
        })
}

/// Everything that is still to be written: address, path, details.
fn waiting(writer: &AuditWriter) -> Vec<(String, String, String)> {
    let rows = writer.buffer.leavings().into_iter();
    let mut rows: Vec<_> = rows
        .map(|row| (row.actor_ip, row.request_path, row.details.unwrap()))
        .collect();
    rows.sort();
    rows
}

#[tokio::test]
async fn counted_events_are_one_row_with_their_number() {
    let (_directory, store) = store().await;
    let vitals = vitals("root/audit_writer", 5, 30);
    let (writer, spec) = AuditWriter::new(&vitals, settings(true), store.clone());
    let tree = Tree::start(root().child(spec)).await.unwrap();
    for _ in 0..1000 {
        writer.note(hit("192.0.2.1")).await.unwrap();
    }
    writer.count(hit("192.0.2.2"));
    tree.stop("audit_writer").await;
    let mut details = store.audit_details().await.unwrap();
    details.sort();
    let since = "1970-01-01T00:16:40Z";
    let row = |count: u32| format!(r#"{{"endpoint":"/login","count":{count},"since":"{since}"}}"#);
    assert_eq!(details, [row(1), row(1000)]);
    assert_eq!(writer.note(hit("192.0.2.1")).await, Err(NoRoom::Closed));
}

#[tokio::test]
async fn a_full_buffer_is_written_at_once_and_whoever_waited_goes_on() {
    let (_directory, store) = store().await;
    let vitals = vitals("root/audit_writer", 5, 30);
    let (writer, spec) = AuditWriter::new(&vitals, settings(true), store.clone());
    let tree = Tree::start(root().child(spec)).await.unwrap();
    let callers: Vec<_> = (0..200)
        .map(|n| {
            let writer = writer.clone();
            tokio::spawn(async move { writer.note(hit(&n.to_string())).await })
        })
        .collect();
    for caller in callers {
        caller.await.unwrap().unwrap();
    }
    assert_eq!(vitals.high_water(), 4);
    tree.stop("audit_writer").await;
    assert_eq!(store.audit_count().await.unwrap(), 200);
    assert_eq!((vitals.depth(), vitals.shed()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn without_room_nobody_waits_for_ever_and_no_count_is_lost() {
    let vitals = vitals("root/audit_writer", 5, 30);
    let buffer = Buffer::new(&vitals, 2, Arc::new(SetClock::at(1000)));
    for ip in ["a", "b", "b"] {
        assert_eq!(buffer.enter(hit(ip)), None);
    }
    let full = buffer.enter(hit("c")).unwrap();
    assert_eq!(vitals.depth(), 2);
    // Nobody makes room: the pause is over at once, for time stands.
    assert_eq!(buffer.enter_later(full.clone()).await, Err(NoRoom::Full));
    assert_eq!((buffer.callers(), vitals.shed()), (0, 1));

    let later = Arc::clone(&buffer);
    let caller = tokio::spawn(async move { later.enter_later(full).await });
    until("waiting", || buffer.callers() == 1).await;
    let entropy = CountingEntropy::default();
    buffer.seal(&entropy).unwrap();
    assert!(
        buffer.enter(hit("a")).is_some(),
        "a row under way stays as it is"
    );
    assert_eq!(buffer.next(1).len(), 1);
    buffer.done(1);
    caller.await.unwrap().unwrap();
    // What is under way is dealt with before more is made ready.
    buffer.seal(&entropy).unwrap();
    assert_eq!((buffer.next(9).len(), vitals.depth()), (1, 2));
    buffer.done(1);
    buffer.seal(&entropy).unwrap();
    assert_eq!(buffer.next(9)[0].actor_ip, "c");
    buffer.done(1);
    assert!(buffer.is_empty() && vitals.depth() == 0);
}

#[tokio::test]
async fn a_flood_of_refusals_is_counted_together_and_exactly() {
    let (_directory, store) = store().await;
    let vitals = vitals("root/audit_writer", 5, 30);
    let (writer, _spec) = AuditWriter::new(&vitals, settings(true), store);
    for n in 0..1000 {
        writer.count(hit(&n.to_string()));
    }
    writer.count(hit("0"));
    assert_eq!(vitals.depth(), 4);
    let rows = waiting(&writer);
    assert_eq!(rows.len(), 5);
    let (ip, path, details) = &rows[0];
    assert_eq!((ip.as_str(), path.as_str()), ("", ""));
    assert_eq!(details, r#"{"count":996,"since":"1970-01-01T00:16:40Z"}"#);
    assert!(rows[1].2.contains(r#""count":2,"#), "{rows:?}");
}

#[tokio::test]
async fn switched_off_it_writes_nothing() {
    let (_directory, store) = store().await;
    let vitals = vitals("root/audit_writer", 5, 30);
    let (writer, spec) = AuditWriter::new(&vitals, settings(false), store.clone());
    let tree = Tree::start(root().child(spec)).await.unwrap();
    writer.note(hit("192.0.2.1")).await.unwrap();
    writer.count(hit("192.0.2.1"));
    tree.stop("audit_writer").await;
    assert_eq!(store.audit_count().await.unwrap(), 0);
}
