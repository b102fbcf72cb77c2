use super::*;
use crate::domain::audit::{AuditEvent, EventType};
use crate::domain::ids::{ClientId, FamilyId};
use crate::domain::scope::ScopeSet;
use crate::domain::token::{Family, Subject};
use crate::store::tokens::RevokeFamily;
use crate::store::{Driver, Settings as StoreSettings, audit::RecordAudit};

#[tokio::test]
async fn a_sweep_goes_on_until_nothing_is_left_and_only_one_holds_the_lease() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.db");
    let store = Store::open(&StoreSettings::new(Driver::Sqlite, path.to_str().unwrap()))
        .await
        .unwrap();
    store.prepare().await.unwrap();
    let at = |s: i64| Timestamp::from_unix_timestamp(s).unwrap();
    let rows = (0..2500)
        .map(|n| AuditEvent::new(EventType::Logout, "x").into_row(n.to_string(), at(n)))
        .collect();
    store.commit(RecordAudit { rows }).await.unwrap();
    let broom = |holder, now| Broom::new(&store, holder, now);
    assert!(broom("a", at(5000)).is_mine("audit_retention").await);
    assert!(!broom("b", at(5000)).is_mine("audit_retention").await);
    assert!(broom("a", at(5001)).is_mine("audit_retention").await);
    assert!(broom("b", at(5100)).is_mine("audit_retention").await);
    let mut tired = broom("b", at(5100));
    tired.began -= TURN * 2;
    let some = Taken {
        rows: PIECE,
        left: true,
    };
    assert_eq!(tired.sweep(Swept::Audit, at(2400)).await, some);
    // Turn after turn, however long this machine takes for one.
    let mut rows = PIECE;
    loop {
        let taken = broom("b", at(5100)).sweep(Swept::Audit, at(2400)).await;
        rows += taken.rows;
        if !taken.left {
            break;
        }
    }
    assert_eq!(rows, 2400);
    assert_eq!(store.audit_count().await.unwrap(), 100);
    for what in [
        Swept::Tokens,
        Swept::DeviceCodes,
        Swept::AuthorizationCodes,
        Swept::Sessions,
        Swept::Invalidations,
        Swept::LoginFailures,
        Swept::SigningKeys,
    ] {
        assert_eq!(
            store
                .commit(Sweep {
                    what,
                    before: at(1)
                })
                .await,
            Ok(0),
            "{what:?}"
        );
    }
}

#[tokio::test]
async fn families_without_tokens_go_and_the_walk_ends() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.db");
    let store = Store::open(&StoreSettings::new(Driver::Sqlite, path.to_str().unwrap()))
        .await
        .unwrap();
    store.prepare().await.unwrap();
    let at = |s: i64| Timestamp::from_unix_timestamp(s).unwrap();
    for (id, made) in [("old", 10), ("new", 30)] {
        let family = Family {
            id: FamilyId::new(id),
            subject: Subject::stored("somebody"),
            client_id: ClientId::new("client"),
            authorization_id: None,
            grant: "device_code",
            auth_time: None,
            scopes: ScopeSet::default(),
            created_at: at(made),
            absolute_end: None,
            ip: String::new(),
            user_agent: String::new(),
        };
        let end = RevokeFamily {
            family,
            at: at(40),
            audit: Vec::new(),
        };
        store.commit(end).await.unwrap();
    }
    let looked = store.look_at_families(None, at(20)).await.unwrap();
    assert_eq!(looked.empty, ["old"]);
    assert!(looked.reached.is_none());
    let drop = DropFamilies { ids: looked.empty };
    assert_eq!(store.commit(drop).await, Ok(1));
    let looked = store.look_at_families(None, at(50)).await.unwrap();
    assert_eq!(looked.empty, ["new"]);
}

#[test]
fn the_first_tick_comes_soon_and_the_one_after_a_turn_at_once() {
    let mut ticks = Ticks::default();
    assert_eq!(ticks.pause(DAY), SOON);
    ticks.over(true);
    assert_eq!(ticks.pause(DAY), Duration::ZERO);
    ticks.over(false);
    assert_eq!(ticks.pause(DAY), DAY);
}
