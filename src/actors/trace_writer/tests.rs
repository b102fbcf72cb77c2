use super::*;
use crate::actors::testing::vitals;
use crate::domain::oauth_error::ErrorCode;
use crate::domain::time::EntropyFailure;
use crate::domain::time::doubles::SetClock;
use crate::domain::trace::Trail;
use crate::store::{Driver, Settings as StoreSettings};

/// Bytes that make no reference twice.
#[derive(Default)]
struct NeverTwice(AtomicU64);

impl Entropy for NeverTwice {
    fn fill(&self, out: &mut [u8]) -> Result<(), EntropyFailure> {
        let number = self.0.fetch_add(1, Relaxed);
        for (n, byte) in out.iter_mut().enumerate() {
            *byte = u8::try_from(number >> (5 * n).min(60) & 31).unwrap();
        }
        Ok(())
    }
}

struct Stage {
    _directory: tempfile::TempDir,
    clock: Arc<SetClock>,
    store: Store,
    handle: TraceWriter,
    writer: Writer,
}

impl Stage {
    fn at(&self, unix: i64) {
        *self.clock.0.lock().unwrap() = Timestamp::from_unix_timestamp(unix).unwrap();
    }
}

async fn stage() -> Stage {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.db");
    let store = Store::open(&StoreSettings::new(Driver::Sqlite, path.to_str().unwrap()))
        .await
        .unwrap();
    store.prepare().await.unwrap();
    let clock = Arc::new(SetClock::at(1000));
    let settings = Settings {
        clock: Arc::clone(&clock) as Arc<dyn Clock>,
        entropy: Arc::new(NeverTwice::default()),
    };
    let (handle, _) =
        TraceWriter::new(&vitals("root/trace_writer", 5, 30), settings, store.clone());
    let writer = Writer {
        noted: Arc::clone(&handle.noted),
        clock: Arc::clone(&clock) as Arc<dyn Clock>,
        store: store.clone(),
        figures: Arc::default(),
    };
    Stage {
        _directory: directory,
        clock,
        store,
        handle,
        writer,
    }
}

fn refused(client: &str, code: ErrorCode) -> Decision {
    let mut trail = Trail::default();
    trail.pass(Check::Request);
    if code != ErrorCode::UnknownClient {
        trail.pass(Check::Client);
    }
    Decision::new(Operation::Refresh, client, &code.because("no"), trail)
}

#[tokio::test]
async fn refusals_that_say_the_same_share_a_reference_and_are_counted() {
    let stage = stage().await;
    let first = stage
        .handle
        .note(refused("a", ErrorCode::InvalidGrant))
        .unwrap();
    let again = stage
        .handle
        .note(refused("a", ErrorCode::InvalidGrant))
        .unwrap();
    assert_eq!((first.is_new, again.is_new), (true, false));
    assert_eq!(first.reference, again.reference);
    let other = stage
        .handle
        .note(refused("b", ErrorCode::InvalidGrant))
        .unwrap();
    let scope = stage
        .handle
        .note(refused("a", ErrorCode::InvalidScope))
        .unwrap();
    assert_ne!(other.reference, first.reference);
    assert_ne!(scope.reference, first.reference);
    stage.writer.write().await;
    let row = stage.store.trace(&first.reference).await.unwrap().unwrap();
    assert_eq!(
        (row.times, row.check.as_str(), row.client_id.as_str()),
        (2, "credential", "a")
    );
    assert_eq!(row.trace.steps.len(), Operation::Refresh.checks().len());
    // Written already: only what came since is added.
    stage.at(1100);
    stage
        .handle
        .note(refused("a", ErrorCode::InvalidGrant))
        .unwrap();
    stage.writer.write().await;
    stage.writer.write().await;
    let row = stage.store.trace(&first.reference).await.unwrap().unwrap();
    assert_eq!(row.times, 3);
    assert_eq!(
        (row.first_at.unix_timestamp(), row.last_at.unix_timestamp()),
        (1000, 1100)
    );
    // Another window, another reference.
    stage.at(1600);
    let later = stage
        .handle
        .note(refused("a", ErrorCode::InvalidGrant))
        .unwrap();
    assert_ne!(later.reference, first.reference);
    stage.writer.write().await;
    assert_eq!(stage.store.latest_traces(50).await.unwrap().len(), 4);
}

#[tokio::test]
async fn names_that_are_made_up_fill_neither_memory_nor_table() {
    let stage = stage().await;
    for n in 0..1000 {
        stage
            .handle
            .note(refused(&format!("made-up-{n}"), ErrorCode::UnknownClient))
            .unwrap();
    }
    let known = stage
        .handle
        .note(refused("known", ErrorCode::InvalidGrant))
        .unwrap();
    stage.writer.write().await;
    let rows = stage.store.latest_traces(5000).await.unwrap();
    assert_eq!(rows.len(), STRANGERS + 2);
    assert_eq!(rows.iter().map(|row| row.times).sum::<i64>(), 1001);
    assert!(stage.store.trace(&known.reference).await.unwrap().is_some());
    // The next window tells sixty-four apart again, and nothing of the old one is held.
    stage.at(5000);
    stage.writer.write().await;
    let noted = lock(&stage.handle.noted);
    assert_eq!(
        (noted.open.len(), noted.strangers, noted.closed.len()),
        (0, 0, 0)
    );
}

#[tokio::test]
async fn the_table_never_has_more_than_ten_thousand_rows() {
    let stage = stage().await;
    let row = |n: u32| TraceRow {
        reference: ErrorRef::draw(&std::array::from_fn(|i| {
            u8::try_from((n >> (5 * u32::try_from(i.min(5)).unwrap())) & 31).unwrap()
        })),
        client_id: String::new(),
        operation: String::new(),
        check: String::new(),
        error: String::new(),
        trace: crate::domain::trace::Trace::default(),
        times: 1,
        first_at: Timestamp::from_unix_timestamp(i64::from(n)).unwrap(),
        last_at: Timestamp::from_unix_timestamp(i64::from(n)).unwrap(),
    };
    let rows: Vec<TraceRow> = (0..10_100).map(row).collect();
    for piece in rows.chunks(PIECE) {
        stage
            .store
            .commit(RecordTraces {
                rows: piece.to_vec(),
            })
            .await
            .unwrap();
    }
    assert_eq!(
        stage.store.latest_traces(20_000).await.unwrap().len(),
        10_000
    );
    assert!(
        stage
            .store
            .trace(&rows[99].reference)
            .await
            .unwrap()
            .is_none()
    );
    assert!(
        stage
            .store
            .trace(&rows[100].reference)
            .await
            .unwrap()
            .is_some()
    );
}

#[tokio::test]
async fn what_could_not_be_written_is_counted_again() {
    let stage = stage().await;
    let note = stage
        .handle
        .note(refused("a", ErrorCode::InvalidGrant))
        .unwrap();
    let rows = lock(&stage.handle.noted).take(stage.clock.now());
    lock(&stage.handle.noted).put_back(&rows);
    stage
        .handle
        .note(refused("a", ErrorCode::InvalidGrant))
        .unwrap();
    stage.writer.write().await;
    assert_eq!(
        stage
            .store
            .trace(&note.reference)
            .await
            .unwrap()
            .unwrap()
            .times,
        2
    );
}
