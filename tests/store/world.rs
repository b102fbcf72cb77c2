//! One engine with a fresh database, and the rows that tests put there.
use authgate::{
    domain::{
        audit::{AuditEvent, AuditRow, EventType},
        code::AuthorizationCode,
        device::{DeviceCode, UserCode},
        key_schedule::KeyRecord,
        scope::ScopeSet,
        session::Session,
        trace::{ErrorRef, Trace},
        user::{Role, User},
    },
    store::{
        Settings,
        consents::NewConsent,
        devices::{
            ApproveDeviceCode, Decision, InsertDeviceCode, RedeemDeviceCode, typed::TypeUserCode,
        },
        issued::Redemption,
        seed::{NewClient, Seed, Sown},
        sessions::StartSession,
        tokens::RotateRefreshToken,
        traces::TraceRow,
        users::changing::{InsertUser, UserChanged},
    },
};
pub use authgate::{
    domain::{
        ids::{ClientId, FamilyId, TokenId, UserId},
        time::Timestamp,
        token::{Family, Subject, Token, TokenCategory, TokenStatus},
    },
    store::{Driver, Store, StoreError, issued::Issued},
};
use sqlx::{AssertSqlSafe, Connection as _};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
pub use time::Duration;
use time::macros::datetime;

/// With microseconds, which both engines keep.
pub const BEGIN: Timestamp = datetime!(2026-11-20 08:00:00.123456 UTC);

pub fn at(seconds: i64) -> Timestamp {
    BEGIN + Duration::seconds(seconds)
}

/// One engine with a fresh database that has an administrator, a person and a client.
pub struct World {
    pub store: Store,
    pub driver: Driver,
    pub dsn: String,
    _directory: tempfile::TempDir,
}

/// Waits until something is so.
pub async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let began = std::time::Instant::now();
    while !is_so().await {
        assert!(began.elapsed().as_secs() < 60, "never: {what}");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}

pub async fn fresh_database() -> String {
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

pub async fn on_both(test: impl AsyncFn(&World)) {
    for driver in [Driver::Sqlite, Driver::Postgres] {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("x.db");
        let dsn = match driver {
            Driver::Sqlite => format!("{}?_busy_timeout=200", file.to_str().unwrap()),
            Driver::Postgres => fresh_database().await,
        };
        let store = Store::open(&Settings::new(driver, &dsn)).await.unwrap();
        store.prepare().await.unwrap();
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
        assert_eq!(self.store.commit(seed()).await, Ok(Sown::Done));
        let zoe = InsertUser {
            user: user("zoe", Role::User),
            actor: UserId::new("admin"),
            audit: Vec::new(),
        };
        assert_eq!(self.store.commit(zoe).await, Ok(UserChanged::Done));
    }

    /// SQL of another program.
    pub async fn sql(&self, statement: &str) {
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

    pub async fn count(&self, query: &str) -> i64 {
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

    pub async fn texts(&self, query: &str) -> Vec<String> {
        let query = AssertSqlSafe(query.to_owned());
        match self.driver {
            Driver::Sqlite => {
                let path = self.dsn.split('?').next().unwrap();
                let mut db = sqlx::SqliteConnection::connect(path).await.unwrap();
                sqlx::query_scalar(query).fetch_all(&mut db).await.unwrap()
            }
            Driver::Postgres => {
                let mut db = sqlx::PgConnection::connect(&self.dsn).await.unwrap();
                sqlx::query_scalar(query).fetch_all(&mut db).await.unwrap()
            }
        }
    }

    /// A device code that zoe approved.
    pub async fn approved(&self, name: &str) -> DeviceCode {
        let code = device(name, at(600));
        self.store.commit(insert(&code)).await.unwrap();
        let waiting = self.device(name).await;
        let done = self.store.commit(approve(waiting.row_id, name)).await;
        assert!(matches!(done, Ok(Decision::Done { .. })), "{done:?}");
        self.device(name).await
    }

    pub async fn device(&self, name: &str) -> DeviceCode {
        let mut found = self.store.device_codes(&[name.to_owned()]).await.unwrap();
        found.remove(0)
    }

    /// Tokens of zoe: `name` is the family and its refresh token.
    pub async fn signed_in(&self, name: &str) -> Issued {
        let code = self.approved(name).await;
        let issued = issued(name, at(0));
        let redeem = redeem(&code, &issued);
        assert_eq!(self.store.commit(redeem).await, Ok(Redemption::Done));
        issued
    }
}

pub fn user(name: &str, role: Role) -> User {
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

pub fn seed() -> Seed {
    let client = NewClient {
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
    };
    Seed {
        admin: Some(user("admin", Role::Admin)),
        client: Some(client),
        audit: Vec::new(),
    }
}

pub fn scopes() -> ScopeSet {
    ScopeSet::stored("email read")
}

pub fn device(name: &str, until: Timestamp) -> DeviceCode {
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

pub fn insert(code: &DeviceCode) -> InsertDeviceCode {
    InsertDeviceCode {
        code: code.clone(),
        audit: vec![row(&code.hash, at(0))],
    }
}

pub fn consent(name: &str) -> NewConsent {
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

/// Zoe types a code, and may be wrong as often as she likes.
pub fn typed(user_code: &UserCode) -> TypeUserCode {
    TypeUserCode {
        user_code: Some(user_code.clone()),
        user_id: UserId::new("zoe"),
        session: "s".to_owned(),
        person: "zoe's wrong codes".to_owned(),
        everyone: "all wrong codes".to_owned(),
        max_misses: 0,
        at: at(1),
    }
}

pub fn approve(row_id: i64, name: &str) -> ApproveDeviceCode {
    ApproveDeviceCode {
        row_id,
        user_id: UserId::new("zoe"),
        auth_time: at(0),
        now: at(1),
        consent: consent(name),
        audit: Vec::new(),
    }
}

pub fn row(id: &str, at: Timestamp) -> AuditRow {
    AuditEvent::new(EventType::Logout, "Somebody signed out").into_row(id.to_owned(), at)
}

pub fn token(name: &str, family: &str, category: TokenCategory, created: Timestamp) -> Token {
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

pub fn issued(name: &str, created: Timestamp) -> Issued {
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

pub fn redeem(code: &DeviceCode, issued: &Issued) -> RedeemDeviceCode {
    RedeemDeviceCode {
        row_id: code.row_id,
        client_id: ClientId::new("app"),
        user_id: UserId::new("zoe"),
        now: at(2),
        issued: issued.clone(),
        audit: vec![row(&format!("redeemed {}", code.hash), at(2))],
    }
}

pub fn code(name: &str) -> AuthorizationCode {
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

pub fn session(hash: &str, until: Timestamp) -> Session {
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

pub fn start(session: Session) -> StartSession {
    StartSession {
        session,
        password_hash: "hash".to_owned(),
        previous: None,
        fades_at: at(30),
        account: "zoe".to_owned(),
        audit: Vec::new(),
    }
}

pub fn key(kid: &str, not_after: Timestamp) -> KeyRecord {
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
pub fn same(found: &impl std::fmt::Debug, expected: &impl std::fmt::Debug) {
    assert_eq!(format!("{found:?}"), format!("{expected:?}"));
}

pub fn trace(name: &str, when: Timestamp) -> TraceRow {
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

pub fn rotate(issued: &Issued, n: usize) -> RotateRefreshToken {
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
