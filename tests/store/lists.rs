//! Lists are paged by key; lists and times in columns are those of the Go server.
use crate::world::*;
use authgate::{
    domain::{
        paging::{Cursor, Edge, Leaf, Slice},
        user::Role,
    },
    store::{
        codes::InsertCode,
        issued::Redemption,
        sessions::owned::{Living, NAME},
        tokens::{
            listing::TokenQuery,
            owned::OwnTokenQuery,
            signed_in::{EndSignIn, SignIn},
            state::InState,
        },
        users::{
            changing::{InsertUser, UserChanged},
            listing::UserQuery,
        },
    },
};
use sqlx::{AssertSqlSafe, Connection as _, Row as _};
use std::{collections::BTreeSet, time::Duration};

/// An empty list, as the column of either engine holds it.
fn no_list(driver: Driver) -> &'static str {
    match driver {
        Driver::Sqlite => "CAST('[]' AS BLOB)",
        Driver::Postgres => "'[]'",
    }
}

/// Every row once, in order, forth and back, though some were made in the same moment.
async fn walked<T>(
    read: impl AsyncFn(Slice) -> Result<Leaf<T>, StoreError>,
    id: impl Fn(&T) -> String,
    expected: &[String],
) {
    let page = async |from| read(Slice { size: 3, from }).await.unwrap();
    let (mut seen, mut from) = (Vec::new(), Edge::Start);
    let mut places: Vec<Cursor> = Vec::new();
    loop {
        let leaf = page(from).await;
        seen.extend(leaf.rows.iter().map(&id));
        places.extend(leaf.newer);
        match leaf.older {
            // As a link carries it.
            Some(place) => from = Edge::After(Cursor::decode(&place.encode()).unwrap()),
            None => break,
        }
    }
    assert_eq!(seen, expected);
    let mut back = Vec::new();
    let mut from = places.pop().map(Edge::Before);
    while let Some(edge) = from.take() {
        let leaf = page(edge).await;
        let mut rows: Vec<String> = leaf.rows.iter().map(&id).collect();
        rows.append(&mut back);
        back = rows;
        from = leaf.newer.map(Edge::Before);
    }
    let last = expected.len() - (expected.len().div_ceil(3) - 1) * 3;
    assert_eq!(back, expected[..expected.len() - last]);
}

#[tokio::test]
async fn lists_are_paged_by_key() {
    on_both(async |world| {
        for n in 0..6 {
            let mut person = user(&format!("p{n}"), Role::User);
            // Pairs share a moment.
            person.created_at = at(n / 2);
            let insert = InsertUser {
                user: person,
                actor: UserId::new("admin"),
                audit: Vec::new(),
            };
            assert_eq!(world.store.commit(insert).await, Ok(UserChanged::Done));
        }
        let names = |text: &str| -> Vec<String> { text.split(' ').map(str::to_owned).collect() };
        let query = UserQuery::default();
        walked(
            async |slice| Ok(world.store.users_page(&query, &slice).await?.leaf),
            |user| user.id.as_str().to_owned(),
            &names("p5 p4 p3 p2 zoe p1 p0 admin"),
        )
        .await;
        let list = no_list(world.driver);
        for n in 0..6 {
            world
                .sql(&format!(
                    "INSERT INTO user_authorizations (uuid, user_id, application_id, client_id, scopes, resource, granted_at, \
                     is_active, created_at, updated_at) VALUES ('c{n}', 'p{n}', 1, 'app', 'email', {list}, \
                     '2026-11-20 08:00:0{}+00:00', true, '2026-11-20 08:00:00+00:00', '2026-11-20 08:00:00+00:00')",
                    n / 2
                ))
                .await;
        }
        let app = ClientId::new("app");
        walked(
            async |slice| world.store.consents_of_client(&app, &slice).await,
            |line| format!("{} {}", line.consent.uuid, line.username),
            &["c5 p5", "c4 p4", "c3 p3", "c2 p2", "c1 p1", "c0 p0"].map(str::to_owned),
        )
        .await;
        let one = UserId::new("p0");
        world
            .sql("UPDATE user_authorizations SET user_id = 'p0', application_id = id WHERE uuid LIKE 'c_'")
            .await;
        walked(
            async |slice| world.store.consents_of_person(&one, &slice).await,
            |line| line.consent.uuid.clone(),
            &names("c5 c4 c3 c2 c1 c0"),
        )
        .await;
        for n in 0..4 {
            let name = format!("t{n}");
            let code = world.approved(&name).await;
            let brings = issued(&name, at(n / 2));
            assert_eq!(
                world.store.commit(redeem(&code, &brings)).await,
                Ok(Redemption::Done)
            );
        }
        let expected = names("t3-a t3 t2-a t2 t1-a t1 t0-a t0");
        let own = OwnTokenQuery::default();
        let zoe = UserId::new("zoe");
        walked(
            async |slice| world.store.own_tokens(&zoe, &own, &slice).await,
            |line| line.token.id.as_str().to_owned(),
            &expected,
        )
        .await;
        let all = TokenQuery::default();
        walked(
            async |slice| Ok(world.store.tokens_page(&all, &slice).await?.leaf),
            |line| line.token.id.as_str().to_owned(),
            &expected,
        )
        .await;
        let refresh = TokenQuery {
            category: Some(TokenCategory::Refresh),
            ..TokenQuery::default()
        };
        walked(
            async |slice| Ok(world.store.tokens_page(&refresh, &slice).await?.leaf),
            |line| line.token.id.as_str().to_owned(),
            &names("t3 t2 t1 t0"),
        )
        .await;
        // What has expired is not active, whatever its row says.
        for (now, expected) in [(at(5), "t3 t2 t1 t0"), (at(3_600), "t3 t2")] {
            let state = Some(InState {
                status: TokenStatus::Active,
                now,
            });
            let live = TokenQuery {
                state,
                ..refresh.clone()
            };
            walked(
                async |slice| Ok(world.store.tokens_page(&live, &slice).await?.leaf),
                |line| line.token.id.as_str().to_owned(),
                &names(expected),
            )
            .await;
            let own = OwnTokenQuery {
                state,
                category: Some(TokenCategory::Refresh),
                ..OwnTokenQuery::default()
            };
            let slice = Slice {
                size: 9,
                from: Edge::Start,
            };
            let leaf = world.store.own_tokens(&zoe, &own, &slice).await.unwrap();
            let ids: Vec<&str> = leaf.rows.iter().map(|own| own.token.id.as_str()).collect();
            assert_eq!(ids, names(expected));
        }
        let counted = world.store.counters(at(5)).await.unwrap();
        assert_eq!((counted.users, counted.admins, counted.disabled), (8, 1, 0));
        assert_eq!((counted.access_tokens, counted.refresh_tokens), (4, 4));
        assert_eq!((counted.clients, counted.pending_clients), (1, 0));
        let later = world.store.counters(at(100_000)).await.unwrap();
        assert_eq!((later.access_tokens, later.refresh_tokens), (0, 0));
        let holds = world.store.user_holdings(&zoe, at(5)).await.unwrap();
        let all = [holds.tokens, holds.consents, holds.clients, holds.sessions];
        assert_eq!(all.map(|held| held.count), [8, 1, 1, 0]);
        assert!(all.iter().all(|held| held.is_all));
    })
    .await;
}

/// Apps and devices that are signed in are found by what they hold now, however many tokens came after it and are over.
#[tokio::test]
async fn what_is_held_is_found_among_what_is_over() {
    on_both(async |world| {
        let zoe = UserId::new("zoe");
        let held = async |now| {
            let held = world.store.sign_ins(&zoe, now).await.unwrap();
            let of = |sign_in: &SignIn| format!("{} {}/{}", sign_in.id, sign_in.live, sign_in.held);
            let mut of: Vec<String> = held.sign_ins.iter().map(of).collect();
            of.sort();
            (of.join(", "), held.is_all)
        };
        world.signed_in("old").await;
        world.signed_in("off").await;
        world.signed_in("gone").await;
        world.sql("UPDATE access_tokens SET expires_at = '2026-12-20 08:00:00+00:00' WHERE id IN ('old', 'off', 'gone')").await;
        world.sql("UPDATE access_tokens SET status = 'disabled' WHERE id = 'off'").await;
        world.sql("UPDATE access_tokens SET status = 'revoked' WHERE id = 'gone'").await;
        // Ten thousand tokens that came later, and are over by their time alone.
        let list = no_list(world.driver);
        world
            .sql(&format!(
                "INSERT INTO access_tokens (id, token_hash, token_category, status, user_id, client_id, scopes, expires_at, created_at, \
                 token_family_id, resource) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000) \
                 SELECT 'x-' || i, 'x-' || i, 'access', 'active', 'zoe', 'app', 'email', '2026-11-22 08:00:00+00:00', \
                 '2026-11-21 08:00:00+00:00', 'old', {list} FROM n"
            ))
            .await;
        let days = |n: i64| at(n * 86_400);
        assert_eq!(held(days(3)).await, ("off 0/1, old 1/1".into(), true));
        assert_eq!(held(days(60)).await, (String::new(), true));
        // At most a thousand tokens are looked at, those that last longest.
        assert_eq!(held(days(1)).await, ("off 0/1, old 1000/1000".into(), false));
        // Nobody sees another's.
        assert_eq!(world.store.sign_ins(&UserId::new("admin"), days(3)).await.unwrap().sign_ins, []);
        let mine = world.store.sign_ins(&zoe, days(3)).await.unwrap().sign_ins;
        let old = mine.iter().find(|sign_in| sign_in.id.as_str() == "old").unwrap();
        assert_eq!((old.began_at, old.renewed_at, old.renews), (at(0), at(0), true));
        assert_eq!((old.client_name.as_str(), old.grant.as_str()), ("The App", "device_code"));
        // Its end is counted once.
        let end = || EndSignIn {
            family: issued("old", at(0)).family,
            joined: Vec::new(),
            at: days(3),
            audit: vec![row("end", days(3))],
        };
        assert_eq!(world.store.commit(end()).await, Ok(10_002));
        assert_eq!(world.store.commit(end()).await, Ok(0));
        let told = "SELECT count(*) FROM audit_logs WHERE id = 'end'";
        assert_eq!(world.count(told).await, 1);
        assert_eq!(held(days(3)).await, ("off 0/1".into(), true));
        // Rows follow the end of everything by and by; what they hold is over at once.
        world.sql("UPDATE users SET tokens_end_at = '2026-11-22 08:00:00+00:00' WHERE id = 'zoe'").await;
        assert_eq!(held(days(3)).await, (String::new(), true));
    })
    .await;
}

/// What the Go server reads: lists are BLOBs on SQLite, and times are text of one layout, in UTC, that sorts as time does.
#[tokio::test]
async fn lists_and_times_are_stored_as_the_go_server_reads_them() {
    on_both(async |world| {
        world.signed_in("r").await;
        let code = InsertCode {
            code: code("c"),
            consent: Some(consent("c")),
            audit: Vec::new(),
        };
        assert_eq!(world.store.commit(code).await, Ok(Ok(())));
        world.store.commit(insert(&device("d", at(600)))).await.unwrap();
        if world.driver == Driver::Postgres {
            let exact = "SELECT count(*) FROM device_codes WHERE created_at = '2026-11-20 08:00:00.123456+00'";
            assert_eq!(world.count(exact).await, 1);
            return;
        }
        for (table, column) in [
            ("oauth_applications", "redirect_uris"),
            ("access_tokens", "resource"),
            ("device_codes", "resource"),
            ("authorization_codes", "resource"),
            ("user_authorizations", "resource"),
        ] {
            let (all, blobs) = (
                format!("SELECT count(*) FROM {table}"),
                format!("SELECT count(*) FROM {table} WHERE typeof({column}) = 'blob'"),
            );
            let all = world.count(&all).await;
            assert!(all > 0, "{table}");
            assert_eq!(world.count(&blobs).await, all, "{table}.{column}");
        }
        let path = world.dsn.split('?').next().unwrap();
        let mut db = sqlx::SqliteConnection::connect(path).await.unwrap();
        for (table, columns) in [
            ("users", "created_at updated_at"),
            ("access_tokens", "created_at expires_at"),
            ("device_codes", "created_at expires_at"),
            ("authorization_codes", "created_at expires_at auth_time"),
            ("user_authorizations", "granted_at"),
            ("audit_logs", "event_time created_at"),
            ("token_families", "created_at absolute_end"),
        ] {
            for column in columns.split(' ') {
                let query = format!("SELECT {column} FROM {table} WHERE {column} IS NOT NULL");
                let rows = sqlx::query(AssertSqlSafe(query)).fetch_all(&mut db).await.unwrap();
                let texts: BTreeSet<String> = rows.iter().map(|row| row.get(0)).collect();
                assert!(!texts.is_empty(), "{table}.{column}");
                for text in &texts {
                    let is_go = text.len() > 24 && text.ends_with(".123456+00:00") && &text[10..11] == " ";
                    assert!(is_go, "{table}.{column}: {text}");
                }
            }
        }
    })
    .await;
}

/// Sessions are told apart by the beginning of their hash, which is all that a link says of it, and those that ended, ran
/// out or rested too long are not among them.
#[tokio::test]
async fn sessions_are_paged_by_key() {
    on_both(async |world| {
        let begin = async |hash: &str, seen: i64, remembered: bool| {
            let mut session = session(hash, at(600));
            session.last_seen_at = at(seen);
            session.remember_me = remembered;
            assert_eq!(world.store.commit(start(session)).await, Ok(true));
        };
        let hash = |n: i64| format!("{n:064x}").chars().rev().collect::<String>();
        for n in 1..=7 {
            begin(&hash(n), 100 + n / 2, n % 2 == 0).await;
        }
        begin(&hash(8), 10, false).await;
        begin(&hash(9), 10, true).await;
        begin(&hash(10), 106, true).await;
        world
            .sql(&format!(
                "UPDATE sessions SET revoked_at = last_seen_at WHERE id_hash = '{}'",
                hash(10)
            ))
            .await;
        let zoe = UserId::new("zoe");
        let living = Living {
            user_id: &zoe,
            now: at(160),
            idle: Some(Duration::from_secs(60)),
        };
        let expected: Vec<String> = [7, 6, 5, 4, 3, 2, 1, 9].map(hash).into();
        walked(
            async |slice| world.store.sessions_page(&living, &slice).await,
            |session| session.hash.clone(),
            &expected,
        )
        .await;
        let first = Slice {
            size: 3,
            from: Edge::Start,
        };
        let leaf = world.store.sessions_page(&living, &first).await.unwrap();
        assert_eq!(leaf.older.unwrap().id.len(), NAME, "never the whole hash");
        let named = async |hash: &str| {
            let found = world
                .store
                .session_named(&living, &hash[..NAME])
                .await
                .unwrap();
            found.map(|session| session.hash)
        };
        assert_eq!(named(&hash(9)).await, Some(hash(9)));
        for over in [8, 10] {
            assert_eq!(named(&hash(over)).await, None);
        }
        let besides = world.store.sessions_besides(&living, &hash(7)).await;
        assert_eq!(besides, Ok(7));
        let late = Living {
            now: at(600),
            idle: None,
            ..living
        };
        assert_eq!(world.store.sessions_besides(&late, "").await, Ok(0));
        let lasting = Living {
            idle: None,
            ..living
        };
        assert_eq!(world.store.sessions_besides(&lasting, "").await, Ok(9));
    })
    .await;
}
