use super::*;
use crate::actors::Tree;
use crate::actors::testing::{root, vitals};
use crate::domain::audit::{EventType, Origin};
use crate::domain::time::Timestamp;
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

fn row(id: &str) -> AuditRow {
    AuditEvent::new(EventType::Logout, "x").into_row(id.to_owned(), Timestamp::UNIX_EPOCH)
}

async fn ids(store: &Store) -> Vec<String> {
    let mut ids = store.audit_ids().await.unwrap();
    ids.sort();
    ids
}

#[tokio::test]
async fn one_bad_row_takes_nobody_with_it() {
    let (_directory, store) = store().await;
    let (writer, spec) = AuditWriter::new(
        &vitals("root/audit_writer", 5, 30),
        settings(true),
        store.clone(),
    );
    let tree = Tree::start(root().child(spec)).await.unwrap();
    writer.record(vec![row("a")]).await.unwrap();
    // The second "a" violates the primary key.
    writer
        .record(vec![row("b"), row("a"), row("c"), row("d")])
        .await
        .unwrap();
    assert_eq!(ids(&store).await, ["a", "b", "c", "d"]);
    let report = serde_json::to_value(tree.report("pod", false)).unwrap();
    let detail = &report["tree"][1]["detail"];
    assert_eq!(
        (detail["rows"].as_u64(), detail["dead_letters"].as_u64()),
        (Some(4), Some(1))
    );
}

#[tokio::test]
async fn more_than_the_buffer_holds_waits_and_is_written_by_the_drain() {
    let (_directory, store) = store().await;
    let (writer, spec) = AuditWriter::new(
        &vitals("root/audit_writer", 5, 30),
        settings(true),
        store.clone(),
    );
    let tree = Tree::start(root().child(spec)).await.unwrap();
    let callers: Vec<_> = (0..50)
        .map(|n| {
            let writer = writer.clone();
            tokio::spawn(async move { writer.record(vec![row(&format!("r{n}"))]).await })
        })
        .collect();
    for caller in callers {
        caller.await.unwrap().unwrap();
    }
    writer.note(AuditEvent::new(EventType::RateLimitExceeded, "x"));
    tree.stop("audit_writer").await;
    assert_eq!(store.audit_count().await.unwrap(), 51);
    assert!(writer.record(vec![row("late")]).await.is_err());
}

#[tokio::test]
async fn counted_events_are_one_row_with_their_number() {
    let (_directory, store) = store().await;
    let (writer, spec) = AuditWriter::new(
        &vitals("root/audit_writer", 5, 30),
        settings(true),
        store.clone(),
    );
    let tree = Tree::start(root().child(spec)).await.unwrap();
    let hit = |ip: &str| {
        AuditEvent::new(EventType::RateLimitExceeded, "x").from(&Origin {
            ip: ip.to_owned(),
            path: "/login".to_owned(),
            ..Origin::default()
        })
    };
    for _ in 0..1000 {
        writer.note(hit("192.0.2.1"));
    }
    writer.note(hit("192.0.2.2"));
    tree.stop("audit_writer").await;
    let mut details = store.audit_details().await.unwrap();
    details.sort();
    assert_eq!(details, [r#"{"count":1000}"#, r#"{"count":1}"#]);
}

#[tokio::test]
async fn a_flood_of_addresses_is_counted_together_and_exactly() {
    let (_directory, store) = store().await;
    let (writer, _spec) =
        AuditWriter::new(&vitals("root/audit_writer", 5, 30), settings(true), store);
    for n in 0..(KINDS + 500) {
        let origin = Origin {
            ip: n.to_string(),
            ..Origin::default()
        };
        writer.note(AuditEvent::new(EventType::RateLimitExceeded, "x").from(&origin));
    }
    let counted = writer.counted.lock().unwrap();
    assert_eq!(counted.len(), KINDS + 1);
    assert_eq!(
        counted.values().map(|(_, count)| count).sum::<u64>(),
        KINDS as u64 + 500
    );
}

#[tokio::test]
async fn switched_off_it_writes_nothing() {
    let (_directory, store) = store().await;
    let (writer, spec) = AuditWriter::new(
        &vitals("root/audit_writer", 5, 30),
        settings(false),
        store.clone(),
    );
    let tree = Tree::start(root().child(spec)).await.unwrap();
    writer.record(vec![row("a")]).await.unwrap();
    writer.note(AuditEvent::new(EventType::RateLimitExceeded, "x"));
    tree.stop("audit_writer").await;
    assert_eq!(store.audit_count().await.unwrap(), 0);
}
