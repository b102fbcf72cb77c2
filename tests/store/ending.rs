//! Whoever may no longer gets nothing, an end reaches what is below it, and what is over is swept away.
use crate::world::*;
use authgate::{
    domain::eligibility::Refusal,
    store::{
        Settings,
        assertions::UseAssertion,
        audit::RecordAudit,
        clients::ending::RevokeAll,
        codes::InsertCode,
        consents::{RevokeConsent, Withdrawal},
        issued::Redemption,
        keys::{AddKey, AddWhen, Added},
        outbox::{Invalidation, Remembered},
        sessions::RecordLoginFailure,
        sweep::{DropFamilies, PIECE, Sweep, Swept},
        tokens::{RefreshFixed, Refreshed, RevokeFamily},
        traces::RecordTraces,
        users::{
            changing::UserChanged,
            ending::{DisableUser, EndSessionsOf, ResetPassword},
        },
    },
};
use std::sync::{Arc, Mutex};

/// Whoever may no longer gets nothing, though everything was in order when it was looked at: the transaction asks again.
#[tokio::test]
async fn standing_is_judged_again_inside_the_transaction() {
    on_both(async |world| {
        let held = world.signed_in("held").await;
        for (n, (off, on, refusal)) in [
            (
                "UPDATE users SET is_active = false WHERE id = 'zoe'",
                "UPDATE users SET is_active = true",
                Refusal::User,
            ),
            (
                "UPDATE users SET id = 'gone' WHERE id = 'zoe'",
                "UPDATE users SET id = 'zoe' WHERE id = 'gone'",
                Refusal::User,
            ),
            (
                "UPDATE oauth_applications SET status = 'inactive'",
                "UPDATE oauth_applications SET status = 'active'",
                Refusal::Client,
            ),
            (
                "UPDATE oauth_applications SET enable_device_flow = false, enable_auth_code_flow = false",
                "UPDATE oauth_applications SET enable_device_flow = true, enable_auth_code_flow = true",
                Refusal::Grant,
            ),
            (
                "UPDATE user_authorizations SET is_active = false",
                "UPDATE user_authorizations SET is_active = true",
                Refusal::Consent,
            ),
        ]
        .into_iter()
        .enumerate()
        {
            let code = world.approved(&format!("d{n}")).await;
            let before = world.count("SELECT count(*) FROM access_tokens").await;
            world.sql(off).await;
            let late = world.store.commit(redeem(&code, &issued(&code.hash, at(2)))).await;
            assert_eq!(late, Ok(Redemption::Refused(refusal)), "{off}");
            let late = world.store.commit(rotate(&held, n)).await;
            assert_eq!(late, Ok(Refreshed::Refused(refusal)), "{off}");
            let fixed = RefreshFixed {
                refresh_id: held.refresh.as_ref().unwrap().id.clone(),
                now: at(3),
                family: held.family.clone(),
                access: token("late", "held", TokenCategory::Access, at(3)),
                touch: true,
                audit: Vec::new(),
            };
            let late = world.store.commit(fixed).await;
            assert_eq!(late, Ok(Refreshed::Refused(refusal)), "{off}");
            assert_eq!(world.count("SELECT count(*) FROM access_tokens").await, before);
            world.sql(on).await;
            // Nothing was used up by the refusal.
            let good = world.store.commit(redeem(&code, &issued(&code.hash, at(2)))).await;
            assert_eq!(good, Ok(Redemption::Done), "{on}");
        }
        // What is switched off could be switched on again, so it ends as well.
        world.sql("UPDATE access_tokens SET status = 'disabled' WHERE token_category = 'access'").await;
        let end = RevokeFamily {
            family: held.family.clone(),
            at: at(4),
            audit: Vec::new(),
        };
        assert_eq!(world.store.commit(end).await, Ok(2));
        let late = world.store.commit(rotate(&held, 9)).await;
        assert_eq!(late, Ok(Refreshed::FamilyRevoked));
    })
    .await;
}

/// Each way of ending a person or a consent leaves nothing that counts.
#[tokio::test]
async fn an_end_reaches_everything_below_it() {
    on_both(async |world| {
        let alive = "SELECT (SELECT count(*) FROM access_tokens WHERE status = 'active') \
                     + (SELECT count(*) FROM device_codes) \
                     + (SELECT count(*) FROM authorization_codes WHERE used_at IS NULL)";
        for round in 0..3 {
            world.signed_in(&format!("r{round}")).await;
            world.approved(&format!("d{round}")).await;
            let code = InsertCode {
                code: code(&format!("c{round}")),
                consent: Some(consent(&format!("c{round}"))),
                audit: Vec::new(),
            };
            assert_eq!(world.store.commit(code).await, Ok(Ok(())));
            let begin = start(session(&format!("s{round}"), at(1000)));
            assert_eq!(world.store.commit(begin).await, Ok(true));
            assert_eq!(world.count(alive).await, 4);
            let sessions = "SELECT count(*) FROM sessions WHERE revoked_at IS NULL";
            let (actor, user_id) = (UserId::new("admin"), UserId::new("zoe"));
            let left = match round {
                0 => {
                    let reset = ResetPassword {
                        user_id,
                        actor: Some(actor),
                        hash: "new".to_owned(),
                        account: "zoe".to_owned(),
                        at: at(10),
                        audit: Vec::new(),
                    };
                    assert_eq!(world.store.commit(reset).await, Ok(UserChanged::Done));
                    let late = start(session("late", at(1000)));
                    assert_eq!(world.store.commit(late).await, Ok(false));
                    world.sql("UPDATE users SET password_hash = 'hash'").await;
                    0
                }
                1 => {
                    let disable = DisableUser {
                        user_id,
                        actor,
                        at: at(10),
                        audit: Vec::new(),
                    };
                    assert_eq!(world.store.commit(disable).await, Ok(UserChanged::Done));
                    let late = start(session("later", at(1000)));
                    assert_eq!(world.store.commit(late).await, Ok(false));
                    world.sql("UPDATE users SET is_active = true").await;
                    0
                }
                _ => {
                    let end = || RevokeConsent {
                        user_id: UserId::new("zoe"),
                        uuid: "consent-c2".to_owned(),
                        at: at(10),
                        audit: Vec::new(),
                    };
                    assert_eq!(
                        world.store.commit(end()).await,
                        Ok(Withdrawal::Done { tokens: 2 })
                    );
                    assert_eq!(world.store.commit(end()).await, Ok(Withdrawal::Already));
                    1
                }
            };
            assert_eq!(world.count(alive).await, 0, "round {round}");
            assert_eq!(world.count(sessions).await, left, "round {round}");
        }
    })
    .await;
}

/// Whoever remembers something hears of its end, and nobody of what nobody remembers.
#[tokio::test]
async fn the_outbox_tells_of_what_is_remembered() {
    on_both(async |world| {
        let store = &world.store;
        let held = world.signed_in("held").await;
        let end = RevokeFamily {
            family: held.family,
            at: at(10),
            audit: Vec::new(),
        };
        assert_eq!(store.commit(end).await, Ok(2));
        let disable = DisableUser {
            user_id: UserId::new("zoe"),
            actor: UserId::new("admin"),
            at: at(10),
            audit: Vec::new(),
        };
        assert_eq!(store.commit(disable).await, Ok(UserChanged::Done));
        assert_eq!(store.invalidations_after(0).await, Ok(Vec::new()));
        for _ in 0..2 {
            let revoke = RevokeAll {
                client_id: ClientId::new("app"),
                at: at(20),
                audit: Vec::new(),
            };
            assert!(matches!(store.commit(revoke).await, Ok(Some(_))));
        }
        let told = store.invalidations_after(0).await.unwrap();
        let is_app = |one: &Invalidation| one.kind == Some(Remembered::Client) && one.key == "app";
        assert!(told.len() == 2 && told.iter().all(is_app), "{told:?}");
        assert!(told.is_sorted_by_key(|one| one.id), "{told:?}");
        let last = told[1].id;
        assert_eq!(store.last_invalidation().await, Ok(last));
        assert_eq!(store.invalidations_after(last).await, Ok(Vec::new()));
        // What only another release tells of is passed over.
        world
            .sql(
                "INSERT INTO invalidations (kind, key, created_at) \
                 VALUES ('token', 't', '2026-01-01 00:00:00+00:00')",
            )
            .await;
        let foreign = store.invalidations_after(last).await.unwrap();
        assert_eq!((foreign.len(), foreign[0].kind), (1, None));
    })
    .await;
}

/// Whoever remembers something in the process that changes it has heard of it when the change is answered, and hears of
/// nothing that was not changed.
#[tokio::test]
async fn this_process_is_told_before_the_answer() {
    on_both(async |world| {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let ear = Arc::clone(&heard);
        world.store.tell(move |kind, key| {
            ear.lock().unwrap().push((kind, key.to_owned()));
        });
        let revoke = |client| RevokeAll {
            client_id: ClientId::new(client),
            at: at(20),
            audit: Vec::new(),
        };
        let heard = || std::mem::take(&mut *heard.lock().unwrap());
        let app = (Remembered::Client, "app".to_owned());
        assert!(matches!(
            world.store.commit(revoke("app")).await,
            Ok(Some(_))
        ));
        assert_eq!(heard(), std::slice::from_ref(&app));
        assert_eq!(world.store.commit(revoke("nobody")).await, Ok(None));
        assert_eq!(heard(), []);
        let (one, two) = tokio::join!(
            world.store.commit(revoke("app")),
            world.store.commit(revoke("nobody"))
        );
        assert!(matches!((one, two), (Ok(Some(_)), Ok(None))));
        assert_eq!(heard(), [app]);
    })
    .await;
}

/// Each broom takes what is over and leaves what is not.
#[tokio::test]
async fn sweeps_take_what_is_over_and_nothing_else() {
    on_both(async |world| {
        let store = &world.store;
        for (name, until) in [("old", at(10)), ("new", at(5000))] {
            store.commit(insert(&device(name, until))).await.unwrap();
            let mut given = code(name);
            given.expires_at = until;
            let given = InsertCode {
                code: given,
                consent: None,
                audit: Vec::new(),
            };
            assert_eq!(store.commit(given).await, Ok(Ok(())));
            let assertion = UseAssertion {
                client_id: ClientId::new("app"),
                jti: name.to_owned(),
                until,
                now: at(0),
            };
            assert_eq!(store.commit(assertion).await, Ok(true));
            assert_eq!(store.commit(start(session(name, until))).await, Ok(true));
            let failure = RecordLoginFailure {
                account: format!("account {name}"),
                at: until,
                audit: vec![row(&format!("failed {name}"), until)],
            };
            assert_eq!(store.commit(failure).await, Ok(1));
            let key = AddKey {
                key: key(name, until),
                when: AddWhen::Found,
                at: at(0),
                audit: Vec::new(),
            };
            assert_eq!(store.commit(key).await, Ok(Added::Done));
            store
                .commit(RecordTraces {
                    rows: vec![trace(name, until)],
                })
                .await
                .unwrap();
            let code = world.approved(&format!("f-{name}")).await;
            let brings = issued(name, until - Duration::seconds(3600));
            assert_eq!(
                store.commit(redeem(&code, &brings)).await,
                Ok(Redemption::Done)
            );
            let end = RevokeFamily {
                family: brings.family,
                at: until,
                audit: Vec::new(),
            };
            assert_eq!(store.commit(end).await, Ok(2));
        }
        for (what, taken) in [
            (Swept::Tokens, 2),
            (Swept::DeviceCodes, 1),
            (Swept::AuthorizationCodes, 1),
            (Swept::Assertions, 1),
            (Swept::Sessions, 1),
            // Two keys that came; a family that ends is told to nobody.
            (Swept::Invalidations, 2),
            (Swept::LoginFailures, 1),
            (Swept::SigningKeys, 1),
            (Swept::Traces, 1),
        ] {
            let sweep = || Sweep {
                what,
                before: at(1000),
            };
            assert_eq!(store.commit(sweep()).await, Ok(taken), "{what:?}");
            assert_eq!(store.commit(sweep()).await, Ok(0), "{what:?} again");
        }
        // The tokens of the other are still there.
        let looked = store.look_at_families(None, at(1000)).await.unwrap();
        assert_eq!(looked.empty, ["old"]);
        store
            .commit(DropFamilies { ids: looked.empty })
            .await
            .unwrap();
        let families = "SELECT count(*) FROM token_families";
        assert_eq!(world.count(families).await, 1);
        let kept = store.signing_keys().await.unwrap();
        let sealed = kept.iter().filter(|key| key.sealed.is_some());
        assert_eq!(
            (kept.len(), sealed.count()),
            (2, 1),
            "the public half stays"
        );
        // In pieces.
        let many = i64::try_from(PIECE).unwrap() + 5;
        let rows = (0..many)
            .map(|n| row(&format!("audit {n}"), at(-n)))
            .collect();
        store.commit(RecordAudit { rows }).await.unwrap();
        let sweep = || Sweep {
            what: Swept::Audit,
            before: at(1),
        };
        let first = store.commit(sweep()).await.unwrap();
        let rest = store.commit(sweep()).await.unwrap();
        assert_eq!(first, PIECE);
        assert!((5..50).contains(&rest), "{rest}");
        assert_eq!(store.commit(sweep()).await, Ok(0));
    })
    .await;
}

/// Administrators sign somebody out in browsers as long as they are administrators; the rest of what is theirs stays.
#[tokio::test]
async fn sessions_end_by_an_administrator_who_still_is_one() {
    on_both(async |world| {
        world.signed_in("r").await;
        let name = |n: usize| format!("{n:032}");
        for n in 0..3 {
            let session = session(&format!("{}{}", name(n), "x".repeat(32)), at(600));
            assert_eq!(world.store.commit(start(session)).await, Ok(true));
        }
        let end = |actor: &str, whom: &str, name: Option<String>, kept: &str| EndSessionsOf {
            user_id: UserId::new(whom),
            actor: UserId::new(actor),
            name,
            kept: kept.to_owned(),
            at: at(5),
            audit: vec![row(&format!("{actor} {whom} {}", kept.len()), at(5))],
        };
        let alive = "SELECT count(*) FROM sessions WHERE revoked_at IS NULL";
        let late = world.store.commit(end("zoe", "zoe", None, "")).await;
        assert_eq!(late, Ok(Err(UserChanged::NotAdmin)));
        let gone = world.store.commit(end("admin", "nobody", None, "")).await;
        assert_eq!(gone, Ok(Err(UserChanged::Gone)));
        assert_eq!(world.count(alive).await, 3);
        let one = || end("admin", "zoe", Some(name(1)), "");
        assert_eq!(world.store.commit(one()).await, Ok(Ok(1)));
        assert_eq!(
            world.store.commit(one()).await,
            Ok(Ok(0)),
            "nor is it told twice"
        );
        let kept = format!("{}{}", name(0), "x".repeat(32));
        let rest = world.store.commit(end("admin", "zoe", None, &kept)).await;
        assert_eq!(rest, Ok(Ok(1)));
        assert_eq!(world.count(alive).await, 1);
        let tokens = "SELECT count(*) FROM access_tokens WHERE status = 'active'";
        assert_eq!(world.count(tokens).await, 2);
        let told = "SELECT count(*) FROM audit_logs WHERE id LIKE 'admin zoe %'";
        assert_eq!(world.count(told).await, 2);
    })
    .await;
}

/// Whoever waits for changes is woken by what another process commits, even where that one has a single connection; and
/// is told when nothing can wake them any longer.
#[tokio::test]
async fn the_outbox_wakes_those_who_wait_for_it() {
    on_both(async |world| {
        let mut ours = Settings::new(world.driver, &world.dsn);
        ours.max_open = 1;
        let ours = Store::open(&ours).await.unwrap();
        let mut wakes = ours.wakes().await.unwrap();
        let mut seen = 0;
        for round in 1..=3 {
            let revoke = RevokeAll {
                client_id: ClientId::new("app"),
                at: at(10 * round),
                audit: Vec::new(),
            };
            assert!(matches!(world.store.commit(revoke).await, Ok(Some(_))));
            let woken = tokio::time::timeout(std::time::Duration::from_secs(20), wakes.next());
            assert_eq!(woken.await, Ok(Ok(())), "round {round}");
            let news = ours.invalidations_after(seen).await.unwrap();
            assert_eq!(news.len(), 1, "round {round}");
            seen = news[0].id;
        }
        if world.driver == Driver::Postgres {
            world
                .sql(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                     WHERE datname = current_database() AND query LIKE 'LISTEN%'",
                )
                .await;
            let woken = tokio::time::timeout(std::time::Duration::from_secs(20), wakes.next());
            assert!(matches!(woken.await, Ok(Err(StoreError::Unavailable(_)))));
        }
    })
    .await;
}
