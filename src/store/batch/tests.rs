//! Units that share a transaction: each sees what those before it did, whatever was read for all of them beforehand.
use super::*;
use crate::domain::{
    ids::{ClientId, FamilyId, TokenId, UserId},
    scope::ScopeSet,
    time::Timestamp,
    token::{Family, Subject, Token, TokenCategory, TokenStatus},
};
use crate::store::{
    Driver, Settings, Store,
    machine::IssueMachineToken,
    sql::Sql,
    timestamp,
    tokens::{RefreshFixed, Refreshed, RevokeAccessToken, RevokeFamily, RotateRefreshToken},
};

/// Says it to the database.
struct Say(&'static str);

impl Unit for Say {
    type Answer = u64;

    fn run<'c>(&'c self, tx: &'c mut Tx<'_>) -> BoxFuture<'c, Result<u64, StoreError>> {
        tx.run(Sql::new(self.0)).boxed()
    }
}

fn now() -> Timestamp {
    timestamp::parse("2026-06-01 12:00:00").unwrap()
}

async fn store() -> (tempfile::TempDir, Store) {
    let room = tempfile::tempdir().unwrap();
    let path = room.path().join("x.db").display().to_string();
    let store = Store::open(&Settings::new(Driver::Sqlite, path))
        .await
        .unwrap();
    store.prepare().await.unwrap();
    for text in [
        "INSERT INTO users (id, username, email) VALUES ('u', 'u', 'u@example.com')",
        "INSERT INTO oauth_applications (client_id, client_secret, client_name, user_id, scopes, client_type, \
         enable_client_credentials_flow) VALUES ('c', '', 'c', 'u', 'read', 'confidential', true)",
        "INSERT INTO access_tokens (id, token_hash, token_category, user_id, client_id, scopes, expires_at) \
         SELECT value, value, iif(value LIKE 'r%', 'refresh', 'access'), 'u', 'c', 'read', \
         iif(value = 'r-late', '2026-01-01 00:00:00+00:00', '2099-01-01 00:00:00+00:00') \
         FROM json_each('[\"r1\", \"r2\", \"r3\", \"r-late\", \"a1\", \"a2\"]')",
    ] {
        store.commit(Say(text)).await.unwrap();
    }
    (room, store)
}

/// Commits all as one batch.
struct Batch {
    units: Vec<QueuedUnit>,
}

type Promise<A> = oneshot::Receiver<Result<A, StoreError>>;

impl Batch {
    fn add<U: Unit>(&mut self, unit: U) -> Promise<U::Answer> {
        let (queued, answer) = QueuedUnit::new(unit);
        self.units.push(queued);
        answer
    }
}

fn batch() -> Batch {
    Batch { units: Vec::new() }
}

async fn told<A>(answer: Promise<A>) -> A {
    answer.await.unwrap().unwrap()
}

fn token(id: &str, category: TokenCategory) -> Token {
    Token {
        id: TokenId::new(id),
        hash: id.to_owned(),
        category,
        status: TokenStatus::Active,
        subject: Subject::User(UserId::new("u")),
        client_id: ClientId::new("c"),
        scopes: ScopeSet::stored("read"),
        expires_at: timestamp::parse("2099-01-01").unwrap(),
        created_at: now(),
        last_used_at: None,
        parent: None,
        family: Some(FamilyId::new("r1")),
        authorization_id: None,
        resource: Vec::new(),
    }
}

fn family(id: &str) -> Family {
    Family {
        id: FamilyId::new(id),
        subject: Subject::User(UserId::new("u")),
        client_id: ClientId::new("c"),
        authorization_id: None,
        grant: "device_code",
        auth_time: None,
        scopes: ScopeSet::stored("read"),
        created_at: now(),
        absolute_end: None,
        ip: String::new(),
        user_agent: String::new(),
    }
}

fn rotate(old: &str, new: &str) -> RotateRefreshToken {
    let successor = |id: &str, category| Token {
        parent: Some(TokenId::new(old)),
        ..token(id, category)
    };
    RotateRefreshToken {
        old_id: TokenId::new(old),
        now: now(),
        family: family(old),
        access: successor(&format!("a-{new}"), TokenCategory::Access),
        refresh: successor(new, TokenCategory::Refresh),
        audit: Vec::new(),
    }
}

fn refresh(id: &str, new: &str) -> RefreshFixed {
    RefreshFixed {
        refresh_id: TokenId::new(id),
        now: now(),
        family: family(id),
        access: Token {
            family: Some(FamilyId::new(id)),
            ..token(new, TokenCategory::Access)
        },
        touch: true,
        audit: Vec::new(),
    }
}

fn machine(id: &str) -> IssueMachineToken {
    IssueMachineToken {
        client_id: ClientId::new("c"),
        access: token(id, TokenCategory::Access),
        audit: Vec::new(),
    }
}

fn revoke_family(id: &str) -> RevokeFamily {
    RevokeFamily {
        family: family(id),
        at: now(),
        audit: Vec::new(),
    }
}

async fn status(store: &Store, id: &str) -> Option<TokenStatus> {
    let known = store.known_token(id).await.unwrap();
    known.map(|known| known.token.status)
}

#[tokio::test]
async fn of_two_that_use_a_token_up_in_one_batch_one_gets_it() {
    let (_room, store) = store().await;
    let mut batch = batch();
    let answers = [
        batch.add(rotate("r1", "n1")),
        batch.add(rotate("r1", "n2")),
        batch.add(rotate("r2", "n3")),
        batch.add(rotate("r-late", "n4")),
        batch.add(rotate("unknown", "n5")),
    ];
    store.commit_batch(batch.units).await;
    let mut outcomes = Vec::new();
    for answer in answers {
        outcomes.push(told(answer).await);
    }
    use Refreshed::{AlreadyUsed, Done, Invalid};
    assert_eq!(outcomes, [Done, AlreadyUsed, Done, Invalid, Invalid]);
    for (id, expected) in [
        ("r1", Some(TokenStatus::Revoked)),
        ("n1", Some(TokenStatus::Active)),
        ("n2", None),
        ("r2", Some(TokenStatus::Revoked)),
        ("n3", Some(TokenStatus::Active)),
        ("r-late", Some(TokenStatus::Active)),
        ("n4", None),
    ] {
        assert_eq!(status(&store, id).await, expected, "{id}");
    }
}

#[tokio::test]
async fn a_revocation_in_the_middle_of_a_batch_takes_what_came_before_and_stops_what_comes_after() {
    let (_room, store) = store().await;
    let mut batch = batch();
    let before = batch.add(rotate("r1", "n1"));
    let other = batch.add(refresh("r2", "x2"));
    let revoked = batch.add(revoke_family("r1"));
    let after = batch.add(RefreshFixed {
        family: family("r1"),
        ..refresh("r3", "x3")
    });
    let still = batch.add(refresh("r2", "x4"));
    store.commit_batch(batch.units).await;
    assert_eq!(told(before).await, Refreshed::Done);
    assert_eq!(told(other).await, Refreshed::Done);
    // Both tokens of the rotation.
    assert_eq!(told(revoked).await, 2);
    assert_eq!(told(after).await, Refreshed::FamilyRevoked);
    assert_eq!(told(still).await, Refreshed::Done);
    assert_eq!(status(&store, "n1").await, Some(TokenStatus::Revoked));
    assert_eq!(status(&store, "x2").await, Some(TokenStatus::Active));
    assert_eq!(status(&store, "x3").await, None);
    let r2 = store.known_token("r2").await.unwrap().unwrap();
    assert_eq!(r2.token.last_used_at, Some(now()));
}

#[tokio::test]
async fn who_is_switched_off_in_the_middle_of_a_batch_gets_nothing_after() {
    let (_room, store) = store().await;
    let mut batch = batch();
    let before = (batch.add(machine("m1")), batch.add(refresh("r1", "x1")));
    let off = batch.add(Say("UPDATE oauth_applications SET status = 'inactive'"));
    let after = (batch.add(machine("m2")), batch.add(refresh("r1", "x2")));
    store.commit_batch(batch.units).await;
    assert_eq!(told(before.0).await, Ok(()));
    assert_eq!(told(before.1).await, Refreshed::Done);
    assert_eq!(told(off).await, 1);
    assert!(told(after.0).await.is_err());
    assert!(matches!(told(after.1).await, Refreshed::Refused(_)));
}

#[tokio::test]
async fn a_token_is_taken_away_once_and_is_of_no_use_after() {
    let (_room, store) = store().await;
    let remove = |id: &str| RevokeAccessToken {
        token_id: TokenId::new(id),
        audit: Vec::new(),
    };
    let mut batch = batch();
    let removed = [
        batch.add(remove("a1")),
        batch.add(remove("a1")),
        batch.add(remove("r1")),
        batch.add(remove("unknown")),
    ];
    let late = batch.add(refresh("r1", "x1"));
    store.commit_batch(batch.units).await;
    for answer in removed {
        told(answer).await;
    }
    assert_eq!(told(late).await, Refreshed::Invalid);
    assert_eq!(status(&store, "a1").await, None);
    assert_eq!(status(&store, "a2").await, Some(TokenStatus::Active));
    // Nobody remembers tokens, so nobody is told.
    assert_eq!(store.invalidations_after(0).await, Ok(Vec::new()));
}

#[tokio::test]
async fn one_that_fails_makes_all_of_them_go_alone() {
    let (_room, store) = store().await;
    let mut batch = batch();
    let first = batch.add(rotate("r1", "n1"));
    let broken = batch.add(Say("no statement"));
    let taken = batch.add(machine("a1"));
    let last = batch.add(rotate("r2", "n2"));
    store.commit_batch(batch.units).await;
    assert_eq!(told(first).await, Refreshed::Done);
    assert!(matches!(broken.await.unwrap(), Err(StoreError::Bug(_))));
    assert!(matches!(taken.await.unwrap(), Err(StoreError::Conflict)));
    assert_eq!(told(last).await, Refreshed::Done);
    assert_eq!(status(&store, "r1").await, Some(TokenStatus::Revoked));
    assert_eq!(status(&store, "r2").await, Some(TokenStatus::Revoked));
}

/// Another program that holds the file is waited for once, and nobody of the batch is served after it was given up.
#[tokio::test]
async fn a_file_that_stays_held_is_told_to_the_whole_batch_at_once() {
    let (room, ours) = store().await;
    let path = room.path().join("x.db").display().to_string();
    let patient = format!("file:{path}?_busy_timeout=100");
    let store = Store::open(&Settings::new(Driver::Sqlite, patient))
        .await
        .unwrap();
    let holder = sqlx::sqlite::SqliteConnectOptions::new().filename(&path);
    let mut holder = sqlx::ConnectOptions::connect(&holder).await.unwrap();
    let mut say = async |text: &'static str| {
        sqlx::raw_sql(text).execute(&mut holder).await.unwrap();
    };
    say("BEGIN IMMEDIATE").await;
    let mut batch = batch();
    let first = batch.add(machine("m0"));
    let rest = [1, 2, 3, 4].map(|n| batch.add(machine(&format!("m{n}"))));
    let committed = tokio::spawn({
        let store = store.clone();
        async move { store.commit_batch(batch.units).await }
    });
    let told = first.await.unwrap();
    assert!(matches!(told, Err(StoreError::Unavailable(_))), "{told:?}");
    say("COMMIT").await;
    committed.await.unwrap();
    for one in rest {
        let told = one.await.unwrap();
        assert!(matches!(told, Err(StoreError::Unavailable(_))), "{told:?}");
    }
    // The connection is as good as before.
    store.commit(machine("m5")).await.unwrap().unwrap();
    assert_eq!(status(&ours, "m5").await, Some(TokenStatus::Active));
}
