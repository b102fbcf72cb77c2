use super::*;
use crate::{
    domain::{
        audit::{AuditFilter, AuditStats, Cursor},
        time::Timestamp,
    },
    store::{
        Driver, Settings,
        sweep::{Sweep, Swept},
    },
};
use time::{Duration, macros::datetime};

const BEGIN: Timestamp = datetime!(2026-11-20 00:00 UTC);
const EVENTS: i64 = 12_500;

/// One event every ten seconds; every third shares its time with the one before. A hundred failed, in the first hours.
struct Fill;

impl Unit for Fill {
    type Answer = ();

    fn run<'c>(&'c self, tx: &'c mut Tx<'_>) -> BoxFuture<'c, Result<(), StoreError>> {
        async move {
            let insert = Sql::new(
                "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < $1), \
                 m AS (SELECT i, strftime('%Y-%m-%d %H:%M:%S', '2026-11-20', \
                 (10 * (i - CASE WHEN i % 3 = 2 THEN 1 ELSE 0 END)) || ' seconds') || '+00:00' AS at FROM n) \
                 INSERT INTO audit_logs (id, event_type, event_time, severity, actor_user_id, actor_kind, actor_username, \
                 actor_ip, resource_type, resource_id, resource_name, action, details, success, created_at) \
                 SELECT printf('%05d', (i * 7919) % 12500), CASE WHEN i % 2 = 0 THEN 'EVEN' ELSE 'ODD' END, at, \
                 CASE WHEN i < 100 THEN 'WARNING' ELSE 'INFO' END, 'c' || (i % 4), CASE WHEN i % 4 = 1 THEN 'client' END, \
                 'Zoe_' || (i % 5), '192.0.2.1', CASE WHEN i < 50 THEN 'CLIENT' ELSE 'TOKEN' END, 'r' || i, 'App 100%', \
                 'Something', NULL, i >= 100, at FROM m",
            );
            tx.run(insert.int(EVENTS)).await?;
            Ok(())
        }
        .boxed()
    }
}

async fn filled() -> (tempfile::TempDir, Store) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.db");
    let store = Store::open(&Settings::new(Driver::Sqlite, path.to_str().unwrap()))
        .await
        .unwrap();
    store.prepare().await.unwrap();
    store.commit(Fill).await.unwrap();
    (directory, store)
}

/// All that matches, page by page, and how many pages that took.
async fn walk(store: &Store, filter: &AuditFilter, size: usize) -> (Vec<String>, usize) {
    let (mut ids, mut pages) = (Vec::new(), 0);
    let mut cursor = Cursor::Newest;
    loop {
        let page = store.audit_page(filter, &cursor, size).await.unwrap();
        pages += 1;
        ids.extend(page.records.iter().map(|record| record.id.clone()));
        match page.older {
            Some(place) => cursor = Cursor::OlderThan(place),
            None => return (ids, pages),
        }
    }
}

fn filter(set: impl FnOnce(&mut AuditFilter)) -> AuditFilter {
    let mut filter = AuditFilter::default();
    set(&mut filter);
    filter
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

#[tokio::test]
async fn pages_meet_every_record_once_whatever_leads() {
    let (_directory, store) = filled().await;
    let filters = [
        AuditFilter::default(),
        filter(|f| f.event_type = some("EVEN")),
        filter(|f| f.severity = some("WARNING")),
        filter(|f| f.severity = some("INFO")),
        filter(|f| f.success = Some(false)),
        filter(|f| f.success = Some(true)),
        filter(|f| f.resource_type = some("CLIENT")),
        filter(|f| f.resource_type = some("TOKEN")),
        filter(|f| f.resource_id = some("r77")),
        filter(|f| f.actor = some("client:c1")),
        filter(|f| f.actor = some("client:c2")),
        filter(|f| f.actor = some("c1")),
        filter(|f| f.ip = some("192.0.2.1")),
        filter(|f| f.ip = some("192.0.2.2")),
        filter(|f| f.search = some("ZOE_3")),
        filter(|f| f.search = some("%")),
        filter(|f| f.search = some("thing_")),
        filter(|f| {
            f.event_type = some("ODD");
            f.success = Some(false);
            f.from = Some(BEGIN + Duration::seconds(100));
            f.until = Some(BEGIN + Duration::seconds(400));
        }),
    ];
    for filter in filters {
        let expected = store.audit_count_one_by_one(&filter).await.unwrap();
        let (ids, _) = walk(&store, &filter, 100).await;
        let slice = store
            .audit_slice(&filter, 0, usize::try_from(EVENTS).unwrap())
            .await
            .unwrap();
        let all: Vec<String> = slice.into_iter().map(|record| record.id).collect();
        assert_eq!(all.len(), usize::try_from(expected).unwrap(), "{filter:?}");
        assert_eq!(ids, all, "{filter:?}");
    }
}

#[tokio::test]
async fn what_is_asked_for_is_what_comes() {
    let (_directory, store) = filled().await;
    for (filter, expected) in [
        (filter(|f| f.actor = some("client:c1")), EVENTS / 4),
        (filter(|f| f.actor = some("client:c2")), 0),
        (filter(|f| f.search = some("zoe_3")), EVENTS / 5),
        (filter(|f| f.search = some("z_e")), 0),
        (filter(|f| f.search = some("100%")), EVENTS),
        (filter(|f| f.event_type = some("' OR 1=1 --")), 0),
    ] {
        let total = store.audit_total(&filter).await.unwrap();
        assert_eq!(total, expected, "{filter:?}");
    }
}

#[tokio::test]
async fn a_page_forward_is_the_page_one_came_from() {
    let (_directory, store) = filled().await;
    let all = AuditFilter::default();
    let first = store.audit_page(&all, &Cursor::Newest, 7).await.unwrap();
    assert_eq!(first.newer, None);
    let older = Cursor::OlderThan(first.older.clone().unwrap());
    let second = store.audit_page(&all, &older, 7).await.unwrap();
    let third = Cursor::OlderThan(second.older.clone().unwrap());
    let third = store.audit_page(&all, &third, 7).await.unwrap();
    let back = Cursor::NewerThan(third.newer.unwrap());
    let back = store.audit_page(&all, &back, 7).await.unwrap();
    assert_eq!(back.records, second.records);
    let first_again = Cursor::NewerThan(back.newer.unwrap());
    let first_again = store.audit_page(&all, &first_again, 7).await.unwrap();
    assert_eq!(first_again.records, first.records);
    // Fewer than a page are newer than the third record: the newest page comes whole.
    let almost = Cursor::NewerThan(first.records[2].place());
    let almost = store.audit_page(&all, &almost, 7).await.unwrap();
    assert_eq!(almost, first);
}

#[tokio::test]
async fn a_search_that_finds_nothing_near_says_how_far_it_looked() {
    let (_directory, store) = filled().await;
    let rare = filter(|f| {
        f.search = some("Something");
        f.resource_id = None;
        f.ip = some("192.0.2.1");
        f.success = Some(false);
        f.severity = some("INFO");
    });
    // Failures lead; there are a hundred, all of them WARNING.
    let page = store.audit_page(&rare, &Cursor::Newest, 20).await.unwrap();
    assert_eq!(
        (page.records.len(), page.older, page.looked_until),
        (0, None, None)
    );
    let far = filter(|f| {
        f.resource_type = some("CLIENT");
        f.search = some("something");
        f.success = Some(true);
    });
    assert_eq!(walk(&store, &far, 20).await.0.len(), 0);
    let far = filter(|f| f.search = some("no such words"));
    let page = store.audit_page(&far, &Cursor::Newest, 20).await.unwrap();
    assert!(page.records.is_empty() && page.looked_until.is_some());
    assert_eq!(walk(&store, &far, 20).await, (Vec::new(), 2));
}

async fn totals(store: &Store, from: Option<Timestamp>, until: Option<Timestamp>) -> AuditStats {
    let kept = store.audit_stats(from, until).await.unwrap();
    let mut counted = AuditStats::default();
    for event_type in ["EVEN", "ODD"] {
        for severity in ["INFO", "WARNING"] {
            for success in [true, false] {
                let exact = filter(|f| {
                    f.event_type = some(event_type);
                    f.severity = some(severity);
                    f.success = Some(success);
                    f.from = from;
                    f.until = until;
                });
                let events = store.audit_count_one_by_one(&exact).await.unwrap();
                assert_eq!(store.audit_total(&exact).await.unwrap(), events);
                if events > 0 {
                    counted.add(event_type, severity, success, events);
                }
            }
        }
    }
    assert_eq!(kept, counted, "{from:?} {until:?}");
    kept
}

#[tokio::test]
async fn kept_counts_are_the_counts() {
    let (_directory, store) = filled().await;
    let periods = |at: Timestamp| {
        [
            (None, None),
            (Some(at), None),
            (None, Some(at)),
            (Some(BEGIN + Duration::minutes(90)), Some(at)),
            (Some(BEGIN), Some(BEGIN + Duration::hours(3))),
            (Some(at), Some(at)),
        ]
    };
    let at = BEGIN + Duration::seconds(20_010);
    for (from, until) in periods(at) {
        totals(&store, from, until).await;
    }
    // Half of the trail is over, then all of it.
    for now in [BEGIN + Duration::hours(20), BEGIN + Duration::days(30)] {
        while store.count_audit_hours(now).await.unwrap() {}
        for (from, until) in periods(at) {
            totals(&store, from, until).await;
        }
        // The hour that runs, and the minutes of it that were counted; a second count adds nothing.
        for minutes in [12, 12, 31] {
            let now = now + Duration::minutes(minutes);
            store.count_recent_audit(now).await.unwrap();
            for (from, until) in periods(at) {
                totals(&store, from, until).await;
            }
        }
    }
    // What came after the counted hours is counted as well.
    let late = crate::domain::audit::AuditEvent::new(crate::domain::audit::EventType::Logout, "x");
    let row = late.into_row("late".to_owned(), BEGIN + Duration::days(31));
    store.commit(RecordAudit { rows: vec![row] }).await.unwrap();
    assert_eq!(
        store.audit_stats(None, None).await.unwrap().total,
        EVENTS + 1
    );
    // Half an hour is past its retention.
    let before = BEGIN + Duration::minutes(30);
    let swept = Sweep {
        what: Swept::Audit,
        before,
    };
    assert_eq!(store.commit(swept).await.unwrap(), 180);
    assert_eq!(
        store.audit_stats(None, None).await.unwrap().total,
        EVENTS + 1 - 180
    );
}

#[tokio::test]
async fn each_leading_filter_has_its_index() {
    let (_directory, store) = filled().await;
    for (condition, index) in [
        ("event_time <= '2027'", "idx_audit_logs_event_time"),
        (
            "event_type = 'EVEN' AND event_time <= '2027'",
            "idx_audit_logs_type_time",
        ),
        (
            "severity = 'ERROR' AND severity <> 'INFO' AND event_time <= '2027'",
            "idx_audit_logs_severity_time",
        ),
        (
            "NOT success AND event_time <= '2027'",
            "idx_audit_logs_failed_time",
        ),
        ("NOT success", "idx_audit_logs_failed_time"),
        (
            "resource_type = 'USER' AND resource_type IN ('USER', 'CLIENT')",
            "idx_audit_logs_resource_time",
        ),
        ("resource_id = 'r7'", "idx_audit_logs_resource_id"),
        ("actor_ip = '192.0.2.2'", "idx_audit_logs_actor_ip"),
    ] {
        let text = format!(
            "EXPLAIN QUERY PLAN SELECT * FROM audit_logs WHERE {condition} ORDER BY event_time DESC, id DESC LIMIT 21"
        );
        let plan = store.read_all(Sql::built(text)).await.unwrap();
        let plan: Vec<String> = plan.iter().map(|row| row.text("detail").unwrap()).collect();
        assert!(
            plan[0].contains(&format!("USING INDEX {index}")),
            "{condition}: {plan:?}"
        );
    }
}
