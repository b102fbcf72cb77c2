//! The store by itself: one suite, run on SQLite and on PostgreSQL.
//!
//! PostgreSQL comes from `TEST_POSTGRES_URL`; `make test` sets it. Each test has a database of its own on each engine.
use authgate::{
    domain::{
        audit::{AuditEvent, AuditRow, EventType},
        code::AuthorizationCode,
        device::{DeviceCode, UserCode},
        eligibility::Refusal,
        ids::{ClientId, FamilyId, TokenId, UserId},
        key_schedule::KeyRecord,
        paging::{Cursor, Edge, Leaf, Slice},
        scope::ScopeSet,
        session::Session,
        time::Timestamp,
        token::{Family, Subject, Token, TokenCategory, TokenStatus},
        trace::{ErrorRef, Trace},
        user::{Role, User},
    },
    store::{
        Driver, QueuedUnit, Settings, Store, StoreError, Tx, Unit, UnitSink,
        assertions::UseAssertion,
        audit::RecordAudit,
        clients::{NewClient, SeedClient},
        codes::{InsertCode, RedeemCode},
        consents::{NewConsent, RevokeConsent, Withdrawal},
        devices::{
            ApproveDeviceCode, Decision, DenyDeviceCode, InsertDeviceCode, Issued,
            RedeemDeviceCode, Redemption,
        },
        keys::{ActivateKey, AddKey, AddWhen, Added},
        sessions::{EndSession, RecordLoginFailure, StartSession},
        sweep::{DropFamilies, PIECE, Sweep, Swept, TakeLease},
        tokens::{
            RefreshFixed, Refreshed, RevokeFamily, RotateRefreshToken, listing::TokenQuery,
            owned::OwnTokenQuery,
        },
        traces::{RecordTraces, TraceRow},
        users::{
            ReplacePasswordHash, SeedAdmin,
            changing::{InsertUser, UserChanged},
            ending::{DisableUser, ResetPassword},
            listing::UserQuery,
        },
    },
};
use futures_util::{FutureExt as _, future::BoxFuture};
use sqlx::{AssertSqlSafe, Connection as _, Row as _};
use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
};
use time::{Duration, macros::datetime};

/// With microseconds, which both engines keep.
const BEGIN: Timestamp = datetime!(2026-11-20 08:00:00.123456 UTC);

fn at(seconds: i64) -> Timestamp {
    BEGIN + Duration::seconds(seconds)
}

/// One engine with a fresh database that has an administrator, a person and a client.
struct World {
    store: Store,
    driver: Driver,
    dsn: String,
    _directory: tempfile::TempDir,
}

async fn fresh_database() -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let url = std::env::var("TEST_POSTGRES_URL")
        .expect("TEST_POSTGRES_URL is not set: run the tests by `make test`");
    let name = format!(
        "store_{}_{}",
        std::process::id(),
        NUMBER.fetch_add(1, Relaxed)
    );
    let mut admin = sqlx::PgConnection::connect(&url).await.unwrap();
    let create = AssertSqlSafe(format!("CREATE DATABASE {name}"));
    sqlx::raw_sql(create).execute(&mut admin).await.unwrap();
    let (head, _) = url.rsplit_once('/').unwrap();
    format!("{head}/{name}")
}

async fn on_both(test: impl AsyncFn(&World)) {
    for driver in [Driver::Sqlite, Driver::Postgres] {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("x.db");
        let dsn = match driver {
            Driver::Sqlite => format!("{}?_busy_timeout=200", file.to_str().unwrap()),
            Driver::Postgres => fresh_database().await,
        };
        let store = Store::open(&Settings::new(driver, &dsn)).await.unwrap();
        store.prepare(BEGIN).await.unwrap();
        let world = World {
            store,
            driver,
            dsn,
            _directory: directory,
        };
        world.settle_in().await;
        test(&world).await;
        world.store.close().await.unwrap();
    }
}

impl World {
    async fn settle_in(&self) {
        let admin = SeedAdmin {
            user: user("admin", Role::Admin),
            audit: Vec::new(),
        };
        assert_eq!(self.store.commit(admin).await, Ok(true));
        let zoe = InsertUser {
            user: user("zoe", Role::User),
            actor: UserId::new("admin"),
            audit: Vec::new(),
        };
        assert_eq!(self.store.commit(zoe).await, Ok(UserChanged::Done));
        assert_eq!(self.store.commit(seed_client()).await, Ok(true));
    }

    /// SQL of another program.
    async fn sql(&self, statement: &str) {
        let statement = AssertSqlSafe(statement.to_owned());
        match self.driver {
            Driver::Sqlite => {
                let path = self.dsn.split('?').next().unwrap();
                let mut db = sqlx::SqliteConnection::connect(path).await.unwrap();
                sqlx::raw_sql(statement).execute(&mut db).await.unwrap();
            }
            Driver::Postgres => {
                let mut db = sqlx::PgConnection::connect(&self.dsn).await.unwrap();
                sqlx::raw_sql(statement).execute(&mut db).await.unwrap();
            }
        }
    }

    async fn count(&self, query: &str) -> i64 {
        let query = AssertSqlSafe(query.to_owned());
        match self.driver {
            Driver::Sqlite => {
                let path = self.dsn.split('?').next().unwrap();
                let mut db = sqlx::SqliteConnection::connect(path).await.unwrap();
                sqlx::query_scalar(query).fetch_one(&mut db).await.unwrap()
            }
            Driver::Postgres => {
                let mut db = sqlx::PgConnection::connect(&self.dsn).await.unwrap();
                sqlx::query_scalar(query).fetch_one(&mut db).await.unwrap()
            }
        }
    }

    /// A device code that zoe approved.
    async fn approved(&self, name: &str) -> DeviceCode {
        let code = device(name, at(600));
        self.store.commit(insert(&code)).await.unwrap();
        let waiting = self.device(name).await;
        let done = self.store.commit(approve(waiting.row_id, name)).await;
        assert!(matches!(done, Ok(Decision::Done { .. })), "{done:?}");
        self.device(name).await
    }

    async fn device(&self, name: &str) -> DeviceCode {
        let mut found = self.store.device_codes(&[name.to_owned()]).await.unwrap();
        found.remove(0)
    }

    /// Tokens of zoe: `name` is the family and its refresh token.
    async fn signed_in(&self, name: &str) -> Issued {
        let code = self.approved(name).await;
        let issued = issued(name, at(0));
        let redeem = redeem(&code, &issued);
        assert_eq!(self.store.commit(redeem).await, Ok(Redemption::Done));
        issued
    }
}

fn user(name: &str, role: Role) -> User {
    User {
        id: UserId::new(name),
        username: name.to_owned(),
        email: format!("{name}@example.com"),
        password_hash: "hash".to_owned(),
        role,
        full_name: "Zoë O'Neil".to_owned(),
        avatar_url: String::new(),
        is_active: true,
        email_verified: role == Role::User,
        auth_source: "local".to_owned(),
        must_change_password: false,
        created_at: at(0),
        updated_at: at(0),
    }
}

fn seed_client() -> SeedClient {
    SeedClient {
        client: NewClient {
            client_id: "app".to_owned(),
            secret_hash: "hash".to_owned(),
            name: "The App".to_owned(),
            description: "A \"client\"".to_owned(),
            owner: "zoe".to_owned(),
            scopes: "email read".to_owned(),
            grant_types: "device_code".to_owned(),
            redirect_uris: vec!["https://a.example/cb".to_owned()],
            device_flow: true,
            auth_code_flow: true,
            created_at: at(0),
        },
        audit: Vec::new(),
    }
}

fn scopes() -> ScopeSet {
    ScopeSet::stored("email read")
}

fn device(name: &str, until: Timestamp) -> DeviceCode {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let letters = b"BCDFGHJKMNPQRSTVWXYZ";
    let mut number = NUMBER.fetch_add(1, Relaxed) as usize;
    let mut letter = || {
        let drawn = letters[number % letters.len()];
        number /= letters.len();
        char::from(drawn)
    };
    let typed: String = (0..8).map(|_| letter()).collect();
    DeviceCode {
        row_id: 0,
        hash: name.to_owned(),
        salt: String::new(),
        suffix: "12345678".to_owned(),
        user_code: UserCode::typed(&typed).unwrap(),
        client_id: ClientId::new("app"),
        scopes: scopes(),
        resource: vec!["https://api.example".to_owned()],
        expires_at: until,
        interval: 5,
        approved_by: None,
        approved_at: None,
        denied_at: None,
        auth_time: None,
        created_at: at(0),
        requester_ip: Some("192.0.2.1".to_owned()),
        requester_user_agent: None,
    }
}

fn insert(code: &DeviceCode) -> InsertDeviceCode {
    InsertDeviceCode {
        code: code.clone(),
        audit: vec![row(&code.hash, at(0))],
    }
}

fn consent(name: &str) -> NewConsent {
    NewConsent {
        uuid: format!("consent-{name}"),
        user_id: UserId::new("zoe"),
        application_id: 1,
        client_id: ClientId::new("app"),
        scopes: scopes(),
        resource: Vec::new(),
        granted_at: at(1),
    }
}

fn approve(row_id: i64, name: &str) -> ApproveDeviceCode {
    ApproveDeviceCode {
        row_id,
        user_id: UserId::new("zoe"),
        auth_time: at(0),
        now: at(1),
        consent: consent(name),
        audit: Vec::new(),
    }
}

fn row(id: &str, at: Timestamp) -> AuditRow {
    AuditEvent::new(EventType::Logout, "Somebody signed out").into_row(id.to_owned(), at)
}

fn token(name: &str, family: &str, category: TokenCategory, created: Timestamp) -> Token {
    Token {
        id: TokenId::new(name),
        hash: format!("hash of {name}"),
        category,
        status: TokenStatus::Active,
        subject: Subject::User(UserId::new("zoe")),
        client_id: ClientId::new("app"),
        scopes: scopes(),
        expires_at: created + Duration::seconds(3600),
        created_at: created,
        last_used_at: None,
        parent: (name != family).then(|| TokenId::new(family)),
        family: Some(FamilyId::new(family)),
        authorization_id: None,
        resource: vec!["https://api.example".to_owned()],
    }
}

fn issued(name: &str, created: Timestamp) -> Issued {
    let family = Family {
        id: FamilyId::new(name),
        subject: Subject::User(UserId::new("zoe")),
        client_id: ClientId::new("app"),
        authorization_id: None,
        grant: "device_code",
        auth_time: Some(at(0)),
        scopes: scopes(),
        created_at: created,
        absolute_end: Some(at(100_000)),
        ip: "192.0.2.1".to_owned(),
        user_agent: "curl".to_owned(),
    };
    let access = token(&format!("{name}-a"), name, TokenCategory::Access, created);
    let refresh = token(name, name, TokenCategory::Refresh, created);
    Issued {
        family,
        access,
        refresh: Some(refresh),
    }
}

fn redeem(code: &DeviceCode, issued: &Issued) -> RedeemDeviceCode {
    RedeemDeviceCode {
        row_id: code.row_id,
        client_id: ClientId::new("app"),
        user_id: UserId::new("zoe"),
        now: at(2),
        issued: issued.clone(),
        audit: vec![row(&format!("redeemed {}", code.hash), at(2))],
    }
}

fn code(name: &str) -> AuthorizationCode {
    AuthorizationCode {
        row_id: 0,
        uuid: format!("uuid-{name}"),
        hash: name.to_owned(),
        prefix: "abcdefgh".to_owned(),
        application_id: 1,
        client_id: ClientId::new("app"),
        user_id: UserId::new("zoe"),
        redirect_uri: "https://a.example/cb".to_owned(),
        scopes: scopes(),
        code_challenge: "challenge".to_owned(),
        nonce: "n".to_owned(),
        resource: vec!["https://api.example".to_owned()],
        expires_at: at(60),
        used_at: None,
        created_at: at(0),
        auth_time: Some(at(-5)),
        issued_family: None,
    }
}

fn session(hash: &str, until: Timestamp) -> Session {
    Session {
        hash: hash.to_owned(),
        user_id: UserId::new("zoe"),
        auth_time: at(0),
        last_seen_at: at(0),
        expires_at: until,
        remember_me: true,
        fingerprint: "f".to_owned(),
        ip: "192.0.2.1".to_owned(),
        user_agent: "Firefox".to_owned(),
        revoked_at: None,
        code_misses: 0,
    }
}

fn start(session: Session) -> StartSession {
    StartSession {
        session,
        previous: None,
        fades_at: at(30),
        account: "zoe".to_owned(),
        audit: Vec::new(),
    }
}

fn key(kid: &str, not_after: Timestamp) -> KeyRecord {
    KeyRecord {
        kid: kid.to_owned(),
        algorithm: "ES256".to_owned(),
        spki: vec![1, 2, 255],
        published_at: at(0),
        activate_at: at(10),
        retired_at: None,
        held_at: at(0),
        not_after,
        sealed: Some("sealed".to_owned()),
        for_id_tokens: false,
    }
}

/// Compares by what is shown, which is every field.
#[track_caller]
fn same(found: &impl std::fmt::Debug, expected: &impl std::fmt::Debug) {
    assert_eq!(format!("{found:?}"), format!("{expected:?}"));
}

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
        let typed = store
            .device_code_by_user_code(&asked.user_code)
            .await
            .unwrap();
        same(&typed, &Some(&asked));

        let mut given = code("c");
        let unit = InsertCode {
            code: given.clone(),
            consent: Some(consent("c")),
            audit: Vec::new(),
        };
        assert_eq!(store.commit(unit).await, Ok(Ok(())));
        let found = store.authorization_code("c").await.unwrap().unwrap();
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

fn trace(name: &str, when: Timestamp) -> TraceRow {
    let mut seed = [0; 12];
    seed[..name.len()].copy_from_slice(name.as_bytes());
    TraceRow {
        reference: ErrorRef::draw(&seed),
        client_id: name.to_owned(),
        operation: "token".to_owned(),
        check: "client".to_owned(),
        error: "invalid_client".to_owned(),
        trace: Trace::default(),
        times: 1,
        first_at: when,
        last_at: when,
    }
}

/// What may happen once is refused the second time, and then nothing of it is there twice.
#[tokio::test]
async fn guarded_statements_refuse_the_second_time() {
    on_both(async |world| {
        let store = &world.store;
        assert_eq!(store.commit(seed_client()).await, Ok(false));
        let admin = SeedAdmin {
            user: user("other", Role::Admin),
            audit: Vec::new(),
        };
        assert_eq!(store.commit(admin).await, Ok(false));

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
        let row_id = store.authorization_code("c").await.unwrap().unwrap().row_id;
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

fn rotate(issued: &Issued, n: usize) -> RotateRefreshToken {
    let family = issued.family.id.as_str();
    RotateRefreshToken {
        old_id: issued.refresh.as_ref().unwrap().id.clone(),
        now: at(3),
        family: issued.family.clone(),
        access: token(
            &format!("{family}-a{n}"),
            family,
            TokenCategory::Access,
            at(3),
        ),
        refresh: token(
            &format!("{family}-r{n}"),
            family,
            TokenCategory::Refresh,
            at(3),
        ),
        audit: Vec::new(),
    }
}

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
            world
                .store
                .commit(start(session(&format!("s{round}"), at(1000))))
                .await
                .unwrap();
            assert_eq!(world.count(alive).await, 4);
            let sessions = "SELECT count(*) FROM sessions WHERE revoked_at IS NULL";
            let (actor, user_id) = (UserId::new("admin"), UserId::new("zoe"));
            let left = match round {
                0 => {
                    let reset = ResetPassword {
                        user_id,
                        actor,
                        hash: "new".to_owned(),
                        account: "zoe".to_owned(),
                        at: at(10),
                        audit: Vec::new(),
                    };
                    assert_eq!(world.store.commit(reset).await, Ok(UserChanged::Done));
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
        let told = world.store.invalidations_after(0).await.unwrap();
        let last = told.last().unwrap().id;
        assert!(told.is_sorted_by_key(|one| one.id), "{told:?}");
        assert_eq!(world.store.last_invalidation().await, Ok(last));
        assert!(
            world
                .store
                .invalidations_after(last)
                .await
                .unwrap()
                .is_empty()
        );
        assert!(
            told.iter()
                .any(|one| one.kind == "user" && one.key == "zoe")
        );
    })
    .await;
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
            async |slice| world.store.users_page(&query, &slice).await,
            |user| user.id.as_str().to_owned(),
            &names("p5 p4 p3 p2 zoe p1 p0 admin"),
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
            async |slice| world.store.tokens_page(&all, &slice).await,
            |line| line.token.id.as_str().to_owned(),
            &expected,
        )
        .await;
        let refresh = TokenQuery {
            category: Some(TokenCategory::Refresh),
            ..TokenQuery::default()
        };
        walked(
            async |slice| world.store.tokens_page(&refresh, &slice).await,
            |line| line.token.id.as_str().to_owned(),
            &names("t3 t2 t1 t0"),
        )
        .await;
        let counted = world.store.counters(at(5)).await.unwrap();
        assert_eq!((counted.users, counted.admins, counted.disabled), (8, 1, 0));
        assert_eq!((counted.access_tokens, counted.refresh_tokens), (4, 4));
        assert_eq!((counted.clients, counted.pending_clients), (1, 0));
        let later = world.store.counters(at(100_000)).await.unwrap();
        assert_eq!((later.access_tokens, later.refresh_tokens), (0, 0));
        let holds = world.store.user_holdings(&zoe, at(5)).await.unwrap();
        assert_eq!(
            (holds.tokens, holds.consents, holds.clients, holds.sessions),
            (8, 1, 1, 0)
        );
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
            store.commit(start(session(name, until))).await.unwrap();
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
            // Two keys that came, and a family that ended.
            (Swept::Invalidations, 3),
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
        // After its tokens; the other still has some.
        let seen = store.look_at_families(None, at(9000)).await.unwrap();
        let families = DropFamilies { ids: seen.empty };
        assert_eq!(store.commit(families).await, Ok(1));
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

/// A unit that writes and then fails, and tells how often it was run.
struct Fails {
    inner: InsertDeviceCode,
    with: Option<StoreError>,
    runs: Arc<AtomicU32>,
}

impl Unit for Fails {
    type Answer = ();

    fn run<'c>(&'c self, tx: &'c mut Tx<'_>) -> BoxFuture<'c, Result<(), StoreError>> {
        async move {
            self.runs.fetch_add(1, Relaxed);
            self.inner.run(tx).await?;
            match &self.with {
                Some(error) => Err(error.clone()),
                None => panic!("a fault of ours"),
            }
        }
        .boxed()
    }
}

/// Holds units until they are committed together.
#[derive(Default)]
struct Held(Mutex<Vec<QueuedUnit>>);

impl UnitSink for Held {
    fn submit(&self, unit: QueuedUnit) -> BoxFuture<'static, ()> {
        self.0.lock().unwrap().push(unit);
        async {}.boxed()
    }
}

/// A unit that fails, or panics, leaves nothing and takes nobody with it; who shared a transaction with it is run again.
#[tokio::test]
async fn a_unit_that_fails_takes_nobody_with_it() {
    on_both(async |world| {
        let held = Arc::new(Held::default());
        let is_batched = world.driver == Driver::Sqlite;
        if is_batched {
            world.store.submit_through(Arc::<Held>::clone(&held));
        }
        let runs = Arc::new(AtomicU32::new(0));
        let fails = |name: &str, with| Fails {
            inner: insert(&device(name, at(600))),
            with,
            runs: Arc::clone(&runs),
        };
        let committing = async {
            if is_batched {
                while held.0.lock().unwrap().len() < 5 {
                    tokio::task::yield_now().await;
                }
                let units = std::mem::take(&mut *held.0.lock().unwrap());
                world.store.commit_batch(units).await;
            }
        };
        let unavailable = StoreError::Unavailable("later".to_owned());
        let twin = device("good", at(600));
        let (one, conflict, down, two, again, ()) = tokio::join!(
            world.store.commit(insert(&twin)),
            world.store.commit(fails("bad", Some(StoreError::Conflict))),
            world.store.commit(fails("down", Some(unavailable.clone()))),
            world.store.commit(insert(&device("other", at(600)))),
            world.store.commit(RecordAudit {
                rows: vec![row("a", at(0)), row("a", at(0))]
            }),
            committing,
        );
        assert_eq!((one, two), (Ok(()), Ok(())));
        assert_eq!(
            (conflict, down),
            (Err(StoreError::Conflict), Err(unavailable))
        );
        assert_eq!(again, Err(StoreError::Conflict));
        assert_eq!(world.count("SELECT count(*) FROM device_codes").await, 2);
        assert_eq!(world.count("SELECT count(*) FROM audit_logs").await, 2);
        // In a batch with others each ran a second time, alone.
        assert!(runs.load(Relaxed) >= 2, "{runs:?}");
        if is_batched {
            let panicking = fails("panic", None);
            let (answer, ()) = tokio::join!(world.store.commit(panicking), async {
                while held.0.lock().unwrap().is_empty() {
                    tokio::task::yield_now().await;
                }
                let units = std::mem::take(&mut *held.0.lock().unwrap());
                world.store.commit_batch(units).await;
            });
            assert!(matches!(answer, Err(StoreError::Bug(_))), "{answer:?}");
            assert_eq!(world.count("SELECT count(*) FROM device_codes").await, 2);
        }
    })
    .await;
}

/// Somebody else holds what a unit needs: it is told, nothing is left half done, and the next one comes off.
#[tokio::test]
async fn a_unit_that_cannot_get_its_turn_is_told() {
    on_both(async |world| {
        let failure = || RecordLoginFailure {
            account: "zoe".to_owned(),
            at: at(0),
            audit: vec![row("failed", at(0))],
        };
        let told = match world.driver {
            Driver::Sqlite => {
                let path = world.dsn.split('?').next().unwrap();
                let mut other = sqlx::SqliteConnection::connect(path).await.unwrap();
                sqlx::raw_sql("BEGIN IMMEDIATE")
                    .execute(&mut other)
                    .await
                    .unwrap();
                world.store.commit(failure()).await
            }
            Driver::Postgres => {
                // A deadlock in small: the other side never lets go, and the server ends our wait.
                let name = world.dsn.rsplit('/').next().unwrap();
                world
                    .sql(&format!("ALTER DATABASE {name} SET lock_timeout = '200ms'"))
                    .await;
                let store = Store::open(&Settings::new(Driver::Postgres, &world.dsn))
                    .await
                    .unwrap();
                let mut other = sqlx::PgConnection::connect(&world.dsn).await.unwrap();
                sqlx::raw_sql("BEGIN; LOCK TABLE login_failures")
                    .execute(&mut other)
                    .await
                    .unwrap();
                store.commit(failure()).await
            }
        };
        assert!(matches!(told, Err(StoreError::Unavailable(_))), "{told:?}");
        assert_eq!(world.count("SELECT count(*) FROM audit_logs").await, 0);
        assert_eq!(world.store.commit(failure()).await, Ok(1));
        assert_eq!(world.count("SELECT count(*) FROM audit_logs").await, 1);
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
