//! `sessions` and `login_failures`.
use super::{
    Store, StoreError, Tx, Unit,
    keyed::{ByKeys, Keyed, Lookups},
    lookup::Lookup,
    rows::{self, SESSION, USER},
    sql::{Row, Sql, Value},
    tx::later,
};
use crate::domain::{audit::AuditRow, session::Session, time::Timestamp, user::User};
use futures_util::{FutureExt as _, future::BoxFuture};
use std::sync::{Arc, LazyLock};

pub mod owned;

/// Wrong passwords in a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LoginFailures {
    /// How many.
    pub count: u32,
}

/// Somebody who is signed in.
#[derive(Clone)]
pub(super) struct Signed(Session, User);

impl Keyed for Signed {
    const KEY: &'static str = "id_hash";

    fn by_keys() -> &'static ByKeys {
        static STATEMENT: LazyLock<ByKeys> = LazyLock::new(|| {
            ByKeys::new(&format!(
                "SELECT {USER}, {SESSION} FROM sessions s JOIN users u ON u.id = s.user_id WHERE s.id_hash IN"
            ))
        });
        &STATEMENT
    }

    fn lookup(lookups: &Lookups) -> &Arc<Lookup<Self>> {
        &lookups.sessions
    }

    fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self(rows::session(row)?, rows::user(row)?))
    }
}

impl Store {
    /// The session with this hash and its person.
    ///
    /// # Errors
    /// As the database.
    pub async fn session(&self, hash: &str) -> Result<Option<(Session, User)>, StoreError> {
        let found: Option<Signed> = self.find(hash).await?;
        Ok(found.map(|Signed(session, person)| (session, person)))
    }

    /// How often somebody failed to sign in to the account, since it last came off.
    ///
    /// # Errors
    /// As the database.
    pub async fn login_failures(&self, account: &str) -> Result<LoginFailures, StoreError> {
        let found = self.read_one(failures_of(account)).await?;
        Ok(LoginFailures {
            count: number(found, "failures")?,
        })
    }
}

/// Begins a session, if the person still stands as when their password was compared; the session that the browser had
/// ends, and failures are forgotten. The answer tells whether it began.
pub struct StartSession {
    /// The session.
    pub session: Session,
    /// The hash that the password was compared with. Comparing takes long enough for somebody to replace it meanwhile,
    /// and then no session may begin with the old password.
    pub password_hash: String,
    /// Hash of the one that this browser had. Of the same person it fades: forms and requests of other tabs still carry it.
    /// Of another person it ends at once.
    pub previous: Option<String>,
    /// When a fading session is over.
    pub fades_at: Timestamp,
    /// Whose failures are forgotten.
    pub account: String,
    /// Rows of the trail.
    pub audit: Vec<AuditRow>,
}

impl Unit for StartSession {
    type Answer = bool;

    fn run<'c>(&'c self, tx: &'c mut Tx<'_>) -> BoxFuture<'c, Result<bool, StoreError>> {
        async move {
            let Some(mark) = self.stands(tx).await? else {
                return Ok(false);
            };
            tx.run(insert(&self.session, mark)).await?;
            if let Some(previous) = &self.previous {
                tx.run(self.fade(previous)).await?;
                tx.run(self.end_of_another(previous)).await?;
            }
            let forget = Sql::new("DELETE FROM login_failures WHERE account = $1")
                .text(self.account.as_str());
            tx.run(forget).await?;
            tx.insert_audit(&self.audit);
            Ok(true)
        }
        .boxed()
    }
}

impl StartSession {
    /// Nothing for a person who does not stand any more, else up to when all of the person's sessions ended, if ever.
    /// Whoever ends them changes the person's row first: so it comes before and is seen here, or waits and ends this
    /// session too.
    async fn stands(&self, tx: &mut Tx<'_>) -> Result<Option<Option<Timestamp>>, StoreError> {
        let find = if tx.locks() {
            "SELECT sessions_end_at FROM users WHERE id = $1 AND password_hash = $2 AND is_active FOR SHARE"
        } else {
            "SELECT sessions_end_at FROM users WHERE id = $1 AND password_hash = $2 AND is_active"
        };
        let find = Sql::new(find)
            .text(self.session.user_id.as_str())
            .text(self.password_hash.as_str());
        let row = tx.one(find).await?;
        row.map(|row| row.maybe_time("sessions_end_at")).transpose()
    }

    fn fade(&self, previous: &str) -> Sql {
        Sql::new(
            "UPDATE sessions SET expires_at = $3 WHERE id_hash = $1 AND user_id = $2 AND expires_at > $3",
        )
        .text(previous)
        .text(self.session.user_id.as_str())
        .time(self.fades_at)
    }

    fn end_of_another(&self, previous: &str) -> Sql {
        Sql::new(
            "UPDATE sessions SET revoked_at = $3 WHERE id_hash = $1 AND user_id <> $2 AND revoked_at IS NULL",
        )
        .text(previous)
        .text(self.session.user_id.as_str())
        .time(self.session.auth_time)
    }
}

/// A new session is later than the mark, even by a clock that is behind.
fn insert(s: &Session, mark: Option<Timestamp>) -> Sql {
    Sql::new(
        "INSERT INTO sessions (id_hash, user_id, auth_time, last_seen_at, expires_at, remember_me, fingerprint, \
         ip, user_agent, code_misses) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0)",
    )
    .text(s.hash.as_str())
    .text(s.user_id.as_str())
    .time(later(s.auth_time, mark))
    .time(s.last_seen_at)
    .time(s.expires_at)
    .bind(Value::Flag(s.remember_me))
    .text(s.fingerprint.as_str())
    .text(s.ip.as_str())
    .text(s.user_agent.replace('\0', "\u{fffd}"))
}

fn end(hash: &str, at: Timestamp) -> Sql {
    Sql::new("UPDATE sessions SET revoked_at = $2 WHERE id_hash = $1 AND revoked_at IS NULL")
        .text(hash)
        .time(at)
}

/// Ends a session.
pub struct EndSession {
    /// Which.
    pub hash: String,
    /// Now.
    pub at: Timestamp,
    /// Rows of the trail.
    pub audit: Vec<AuditRow>,
}

impl Unit for EndSession {
    type Answer = ();

    fn run<'c>(&'c self, tx: &'c mut Tx<'_>) -> BoxFuture<'c, Result<(), StoreError>> {
        async move {
            if tx.run(end(&self.hash, self.at)).await? == 1 {
                tx.insert_audit(&self.audit);
            }
            Ok(())
        }
        .boxed()
    }
}

/// Notes that a session is in use.
pub struct TouchSession {
    /// Which.
    pub hash: String,
    /// Now.
    pub at: Timestamp,
}

impl Unit for TouchSession {
    type Answer = ();

    fn run<'c>(&'c self, tx: &'c mut Tx<'_>) -> BoxFuture<'c, Result<(), StoreError>> {
        async move {
            let touch = Sql::new(
                "UPDATE sessions SET last_seen_at = $2 WHERE id_hash = $1 AND last_seen_at < $2",
            );
            tx.run(touch.text(self.hash.as_str()).time(self.at))
                .await
                .map(|_| ())
        }
        .boxed()
    }
}

pub(super) fn failures_of(account: &str) -> Sql {
    Sql::new("SELECT failures FROM login_failures WHERE account = $1").text(account)
}

/// A count; 0 when there is no row.
pub(super) fn number(row: Option<Row>, column: &'static str) -> Result<u32, StoreError> {
    let count = row.map_or(Ok(0), |row| row.int(column))?;
    Ok(u32::try_from(count).unwrap_or(u32::MAX))
}

/// One more against this account.
pub(super) fn count_failure(account: &str, at: Timestamp) -> Sql {
    Sql::new(
        "INSERT INTO login_failures (account, failures, last_failed_at) VALUES ($1, 1, $2) \
         ON CONFLICT (account) DO UPDATE SET failures = login_failures.failures + 1, \
         last_failed_at = excluded.last_failed_at RETURNING failures",
    )
    .text(account)
    .time(at)
}

/// Counts a failed login against an account. Tells how many there are now.
pub struct RecordLoginFailure {
    /// Digest of the name.
    pub account: String,
    /// Now.
    pub at: Timestamp,
    /// Rows of the trail.
    pub audit: Vec<AuditRow>,
}

impl Unit for RecordLoginFailure {
    type Answer = u32;

    fn run<'c>(&'c self, tx: &'c mut Tx<'_>) -> BoxFuture<'c, Result<u32, StoreError>> {
        async move {
            let row = tx.one(count_failure(&self.account, self.at)).await?;
            tx.insert_audit(&self.audit);
            number(row, "failures")
        }
        .boxed()
    }
}
