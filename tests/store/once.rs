//! Rooms give back what they were given, and what may happen once is refused the second time.
use crate::world::*;
use authgate::{
    domain::{
        client::{Client, SecretHashes},
        user::Role,
    },
    store::{
        assertions::UseAssertion,
        clients::{Changed, GiveClient, ReplaceSecret},
        codes::{InsertCode, RedeemCode},
        devices::{Decision, DenyDeviceCode, typed::Typed},
        issued::Redemption,
        keys::{ActivateKey, AddKey, AddWhen, Added},
        seed::Sown,
        sessions::{EndSession, RecordLoginFailure},
        sweep::TakeLease,
        tokens::Refreshed,
        traces::RecordTraces,
        users::ReplacePasswordHash,
    },
};

#[tokio::test]
async fn every_room_gives_back_what_it_was_given() {
    on_both(async |world| {
        let store = &world.store;
        let zoe = user("zoe", Role::User);
        same(&store.user(&zoe.id).await.unwrap(), &Some(&zoe));
        same(&store.user_by_username("zoe").await.unwrap(), &Some(&zoe));
        let client = store.client(&ClientId::new("app")).await.unwrap().unwrap();
        assert_eq!(client.description, "A \"client\"");
        assert_eq!(client.redirect_uris, ["https://a.example/cb"]);
        assert!(client.is_active() && client.device_flow && !client.client_credentials_flow);

        let mut asked = device("d", at(600));
        store.commit(insert(&asked)).await.unwrap();
        let found = world.device("d").await;
        asked.row_id = found.row_id;
        same(&found, &asked);
        let Ok(Typed::Found(typed)) = store.commit(typed(&asked.user_code)).await else {
            panic!("the typed code is not found");
        };
        same(&typed, &asked);

        let mut given = code("c");
        let unit = InsertCode {
            code: given.clone(),
            consent: Some(consent("c")),
            audit: Vec::new(),
        };
        assert_eq!(store.commit(unit).await, Ok(Ok(())));
        let found = store.authorization_code("c").await.unwrap().unwrap().code;
        given.row_id = found.row_id;
        same(&found, &given);
        let kept = store
            .consent(&zoe.id, &client.client_id)
            .await
            .unwrap()
            .unwrap();
        assert_eq!((kept.uuid.as_str(), kept.is_active), ("consent-c", true));
        assert_eq!(kept.granted_at, at(1));

        let issued = world.signed_in("r").await;
        let refresh = token_with(store, "hash of r").await;
        same(&refresh, &issued.refresh);
        let access = token_with(store, "hash of r-a").await;
        same(&access, &Some(issued.access));
        same(
            &store.family(&issued.family.id).await.unwrap(),
            &Some(issued.family),
        );
        assert!(token_with(store, "hash of nobody").await.is_none());

        let opened = session("s", at(1000));
        store.commit(start(opened.clone())).await.unwrap();
        let (found, person) = store.session("s").await.unwrap().unwrap();
        same(&found, &opened);
        same(&person, &zoe);

        let added = AddKey {
            key: key("k", at(500)),
            when: AddWhen::Found,
            at: at(0),
            audit: Vec::new(),
        };
        assert_eq!(store.commit(added).await, Ok(Added::Done));
        assert_eq!(store.signing_keys().await.unwrap(), [key("k", at(500))]);

        let told = trace("t", at(5));
        store
            .commit(RecordTraces {
                rows: vec![told.clone()],
            })
            .await
            .unwrap();
        assert_eq!(store.trace(&told.reference).await.unwrap(), Some(told));
    })
    .await;
}

async fn token_with(store: &Store, hash: &str) -> Option<Token> {
    let known = store.known_token(hash).await.unwrap();
    known.map(|known| known.token)
}

/// What may happen once is refused the second time, and then nothing of it is there twice.
#[tokio::test]
async fn guarded_statements_refuse_the_second_time() {
    on_both(async |world| {
        let store = &world.store;
        // The same again is what was made; anything else comes too late.
        assert_eq!(store.commit(seed()).await, Ok(Sown::Done));
        let mut other = seed();
        other.admin = Some(user("other", Role::Admin));
        assert_eq!(store.commit(other.clone()).await, Ok(Sown::Overtaken));
        other.admin = None;
        other.client.as_mut().unwrap().client_id = "other".to_owned();
        assert_eq!(store.commit(other).await, Ok(Sown::Overtaken));

        let approved = world.approved("d").await;
        let again = store.commit(approve(approved.row_id, "d2")).await;
        assert_eq!(again, Ok(Decision::AlreadyDecided));
        let deny = DenyDeviceCode {
            row_id: approved.row_id,
            now: at(2),
            audit: Vec::new(),
        };
        assert_eq!(store.commit(deny).await, Ok(Decision::AlreadyDecided));
        let brings = issued("d", at(2));
        for expected in [Redemption::Done, Redemption::Gone] {
            assert_eq!(store.commit(redeem(&approved, &brings)).await, Ok(expected));
        }
        let insert = InsertCode {
            code: code("c"),
            consent: None,
            audit: Vec::new(),
        };
        assert_eq!(store.commit(insert).await, Ok(Ok(())));
        let row_id = store
            .authorization_code("c")
            .await
            .unwrap()
            .unwrap()
            .code
            .row_id;
        for expected in [Redemption::Done, Redemption::Gone] {
            let redeem = RedeemCode {
                row_id,
                client_id: ClientId::new("app"),
                user_id: UserId::new("zoe"),
                now: at(2),
                issued: issued("c", at(2)),
                audit: Vec::new(),
            };
            assert_eq!(store.commit(redeem).await, Ok(expected));
        }
        for (n, expected) in [Refreshed::Done, Refreshed::AlreadyUsed]
            .into_iter()
            .enumerate()
        {
            assert_eq!(store.commit(rotate(&brings, n)).await, Ok(expected));
        }
        assert_eq!(world.count("SELECT count(*) FROM access_tokens").await, 6);
        assert_eq!(world.count("SELECT count(*) FROM token_families").await, 2);
        let audited = "SELECT count(*) FROM audit_logs WHERE id LIKE 'redeemed%'";
        assert_eq!(world.count(audited).await, 1);

        for expected in [true, false] {
            let assertion = UseAssertion {
                client_id: ClientId::new("app"),
                jti: "once".to_owned(),
                until: at(60),
                now: at(0),
            };
            assert_eq!(store.commit(assertion).await, Ok(expected));
            let hash = ReplacePasswordHash {
                user_id: UserId::new("zoe"),
                old: "hash".to_owned(),
                new: "better".to_owned(),
                at: at(1),
            };
            assert_eq!(store.commit(hash).await, Ok(expected));
        }
        for (holder, now, expected) in [
            ("a", 0, true),
            ("b", 1, false),
            ("a", 2, true),
            ("b", 100, true),
        ] {
            let lease = TakeLease {
                name: "upkeep",
                holder: holder.to_owned(),
                now: at(now),
                until: at(now + 60),
            };
            assert_eq!(store.commit(lease).await, Ok(expected), "{holder} at {now}");
        }
        for (when, expected) in [
            (AddWhen::Found, Added::Done),
            (AddWhen::Found, Added::Known),
        ] {
            let key = AddKey {
                key: key("k", at(500)),
                when,
                at: at(0),
                audit: Vec::new(),
            };
            assert_eq!(store.commit(key).await, Ok(expected));
        }
        let waits = AddKey {
            key: key("k2", at(500)),
            when: AddWhen::NoneWaits,
            at: at(0),
            audit: Vec::new(),
        };
        assert_eq!(
            store.commit(waits).await,
            Ok(Added::NotNeeded("k".to_owned()))
        );
    })
    .await;
}

/// Sessions end once; a key begins at once when it is told to.
#[tokio::test]
async fn sessions_and_keys_change_by_their_own_units() {
    on_both(async |world| {
        world
            .store
            .commit(start(session("s", at(1000))))
            .await
            .unwrap();
        let end = EndSession {
            hash: "s".to_owned(),
            at: at(5),
            audit: Vec::new(),
        };
        world.store.commit(end).await.unwrap();
        let ended = world.store.session("s").await.unwrap();
        assert!(ended.is_none_or(|(session, _)| session.revoked_at == Some(at(5))));
        let add = AddKey {
            key: key("k", at(500)),
            when: AddWhen::NoneIsThere,
            at: at(0),
            audit: Vec::new(),
        };
        assert_eq!(world.store.commit(add).await, Ok(Added::Done));
        for (kid, expected) in [("k", true), ("nobody", false)] {
            let activate = ActivateKey {
                kid: kid.to_owned(),
                at: at(3),
                audit: Vec::new(),
            };
            assert_eq!(world.store.commit(activate).await, Ok(expected), "{kid}");
        }
        assert_eq!(
            world.store.signing_keys().await.unwrap()[0].activate_at,
            at(3)
        );
        for (n, expected) in [(1, 1), (2, 2), (3, 3)] {
            let failure = RecordLoginFailure {
                account: "zoe".to_owned(),
                at: at(n),
                audit: Vec::new(),
            };
            assert_eq!(world.store.commit(failure).await, Ok(expected));
        }
        // A sign-in forgets them.
        world
            .store
            .commit(start(session("s2", at(1000))))
            .await
            .unwrap();
        assert_eq!(world.store.login_failures("zoe").await.unwrap().count, 0);
    })
    .await;
}

/// Whoever looked at a client before it was given away leaves with no secret of it.
#[tokio::test]
async fn a_former_owner_replaces_no_secret() {
    on_both(async |world| {
        let (store, id) = (&world.store, ClientId::new("app"));
        let looked = store.client(&id).await.unwrap().unwrap();
        let replace = |seen: &Client| ReplaceSecret {
            client_id: id.clone(),
            version: seen.version,
            old_hash: seen.secret_hash.clone(),
            new: SecretHashes {
                slow: "slow".to_owned(),
                fast: "fast".to_owned(),
            },
            previous_until: None,
            at: at(20),
            audit: Vec::new(),
        };
        let give = GiveClient {
            client_id: id.clone(),
            version: looked.version,
            owner: UserId::new("admin"),
            at: at(10),
            audit: Vec::new(),
        };
        assert_eq!(store.commit(give).await, Ok(Changed::Done));
        assert_eq!(store.commit(replace(&looked)).await, Ok(Changed::Stale));
        let given = store.client(&id).await.unwrap().unwrap();
        assert_eq!(given.secret_hash, looked.secret_hash);
        assert_eq!(store.commit(replace(&given)).await, Ok(Changed::Done));
    })
    .await;
}
