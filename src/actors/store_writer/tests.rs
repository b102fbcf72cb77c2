use super::*;
use crate::actors::Tree;
use crate::actors::testing::{root, until, vitals};
use crate::domain::audit::{AuditEvent, EventType};
use crate::domain::time::Timestamp;
use crate::store::{Driver, Settings, audit::RecordAudit};

async fn store() -> (tempfile::TempDir, Store) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.db");
    let store = Store::open(&Settings::new(Driver::Sqlite, path.to_str().unwrap()))
        .await
        .unwrap();
    store.prepare().await.unwrap();
    (directory, store)
}

fn unit(id: usize) -> RecordAudit {
    let event = AuditEvent::new(EventType::Logout, "x");
    RecordAudit {
        rows: vec![event.into_row(format!("id-{id}"), Timestamp::UNIX_EPOCH)],
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_units_land_whoever_hangs_up() {
    let (directory, store) = store().await;
    let vitals = vitals("root/store_writer", 5, 30);
    let (writer, spec) = StoreWriter::new(&vitals, store.clone());
    store.submit_through(Arc::new(writer));
    let mut waiting = Vec::new();
    for id in 0..1000 {
        let store = store.clone();
        let task = tokio::spawn(async move { store.commit(unit(id)).await });
        waiting.push(task);
    }
    // All are in line before anything is written, and every third caller goes away.
    until("all are in line", || vitals.depth() == 1000).await;
    for task in waiting.iter().step_by(3) {
        task.abort();
    }
    let tree = Tree::start(root().child(spec)).await.unwrap();
    let mut answered = 0;
    for task in waiting {
        match task.await {
            Ok(done) => {
                done.unwrap();
                answered += 1;
            }
            Err(gone) => assert!(gone.is_cancelled()),
        }
    }
    tree.stop("store_writer").await;
    assert_eq!(answered, 666);
    let late = store.commit(unit(5000)).await.unwrap_err();
    assert!(
        matches!(late, crate::store::StoreError::Unavailable(_)),
        "{late}"
    );
    store.close().await.unwrap();
    let again = Store::open(&Settings::new(
        Driver::Sqlite,
        directory.path().join("x.db").to_str().unwrap(),
    ))
    .await;
    let rows = again.unwrap().audit_count().await.unwrap();
    assert_eq!(rows, 1000);
}
