//! A person's own sessions: where they are signed in, and how they end what they do not know.
use super::insert;
use crate::{
    domain::{
        audit::AuditRow,
        ids::UserId,
        paging::{Cursor, Leaf, Slice},
        session::Session,
        time::Timestamp,
    },
    store::{
        Store, StoreError, Tx, Unit,
        endings::{All, Ended, end_all},
        listing::Draft,
        rows::{self, SESSION},
        sql::{Sql, Value},
    },
};
use futures_util::{FutureExt as _, future::BoxFuture};
use std::time::Duration;

/// Letters of the hash by which a page names a session.
pub const NAME: usize = 32;

/// The column by which sessions of the same moment are told apart, in links too: never the whole hash.
const NAMED: &str = "substr(s.id_hash, 1, 32)";

/// A person's sessions that count.
#[derive(Clone, Debug)]
pub struct Living<'a> {
    /// Whose.
    pub user_id: &'a UserId,
    /// Now.
    pub now: Timestamp,
    /// For how long one may rest that its person did not ask to keep; `None` for as long as it lasts.
    pub idle: Option<Duration>,
}

impl Living<'_> {
    /// `… FROM sessions s JOIN users u … WHERE …`, which goes on with another condition or an order.
    fn select(&self, mut draft: Draft, columns: &str) -> Draft {
        draft.add(&format!(
            "SELECT {columns} FROM sessions s JOIN users u ON u.id = s.user_id \
             WHERE s.revoked_at IS NULL AND coalesce(s.auth_time > u.sessions_end_at, true) AND s.user_id = "
        ));
        draft.text(self.user_id.as_str());
        draft.add(" AND s.expires_at > ");
        draft.bind(Value::Time(self.now));
        let rested = self.idle.and_then(|idle| {
            let idle = idle.try_into().ok()?;
            self.now.checked_sub(idle)
        });
        if let Some(rested) = rested {
            draft.add(" AND (s.remember_me OR s.last_seen_at >= ");
            draft.bind(Value::Time(rested));
            draft.add(")");
        }
        draft
    }
}

impl Store {
    /// A page of a person's sessions that count, the last used first.
    ///
    /// # Errors
    /// As the database.
    pub async fn sessions_page(
        &self,
        living: &Living<'_>,
        slice: &Slice,
    ) -> Result<Leaf<Session>, StoreError> {
        let mut draft = living.select(Draft::new(self.driver()), SESSION);
        draft.beyond(&format!("s.last_seen_at, {NAMED}"), slice);
        draft.ordered(("s.last_seen_at", NAMED), slice);
        let found = self.read_all(draft.done()).await?;
        let found: Result<Vec<Session>, StoreError> = found.iter().map(rows::session).collect();
        let place = |session: &Session| Cursor {
            at: session.last_seen_at,
            id: session.hash.chars().take(NAME).collect(),
        };
        Ok(Leaf::cut(found?, slice, place))
    }

    /// The session of a person that a page calls by this name, if it counts.
    ///
    /// # Errors
    /// As the database.
    pub async fn session_named(
        &self,
        living: &Living<'_>,
        name: &str,
    ) -> Result<Option<Session>, StoreError> {
        let mut draft = living.select(Draft::new(self.driver()), SESSION);
        draft.add(&format!(" AND {NAMED} = "));
        draft.text(name);
        let found = self.read_one(draft.done()).await?;
        found.as_ref().map(rows::session).transpose()
    }

    /// How many sessions of a person count besides the one of this hash.
    ///
    /// # Errors
    /// As the database.
    pub async fn sessions_besides(
        &self,
        living: &Living<'_>,
        kept: &str,
    ) -> Result<u64, StoreError> {
        let mut draft = living.select(Draft::new(self.driver()), "count(*) AS n");
        draft.add(" AND s.id_hash <> ");
        draft.text(kept);
        let found = self.read_one(draft.done()).await?;
        let n = found.map_or(Ok(0), |row| row.int("n"))?;
        Ok(u64::try_from(n).unwrap_or_default())
    }
}

/// Ends one session of a person, or all but one. Tells how many.
pub struct EndOwnSessions {
    /// Whose.
    pub user_id: UserId,
    /// The first letters of the hash of the one to end; `None` for all.
    pub name: Option<String>,
    /// The one that stays.
    pub kept: String,
    /// Now.
    pub at: Timestamp,
    /// Rows of the trail; each gets the detail `session_count`.
    pub audit: Vec<AuditRow>,
}

impl Unit for EndOwnSessions {
    type Answer = u64;

    fn run<'c>(&'c self, tx: &'c mut Tx<'_>) -> BoxFuture<'c, Result<u64, StoreError>> {
        async move {
            let which = (&self.user_id, self.name.as_deref(), self.kept.as_str());
            end_sessions(tx, which, self.at, &self.audit).await
        }
        .boxed()
    }
}

/// Ends the session of a person that begins with this name, or all, but never the one that is kept. Tells how many; the
/// rows of the trail get the detail `session_count`, and are not written for none.
pub(in crate::store) async fn end_sessions(
    tx: &mut Tx<'_>,
    (user_id, name, kept): (&UserId, Option<&str>, &str),
    at: Timestamp,
    audit: &[AuditRow],
) -> Result<u64, StoreError> {
    let end = Sql::new(
        "UPDATE sessions SET revoked_at = $2 WHERE user_id = $1 AND revoked_at IS NULL AND id_hash <> $3 \
         AND ($4 = '' OR substr(id_hash, 1, 32) = $4)",
    )
    .text(user_id.as_str())
    .time(at)
    .text(kept)
    .text(name.unwrap_or_default());
    let ended = tx.run(end).await?;
    if ended > 0 {
        let tell = |row: &AuditRow| row.clone().with_detail("session_count", ended);
        let audit: Vec<AuditRow> = audit.iter().map(tell).collect();
        tx.insert_audit(&audit);
    }
    Ok(ended)
}

/// Gives a person another password, by their own wish. Every session ends, the one in which it was done goes on under a
/// new name, and failures to sign in are forgotten.
pub struct ChangePassword {
    /// Whose.
    pub user_id: UserId,
    /// The hash that was compared: when the row has another one by now, nothing is done.
    pub old: String,
    /// The new one.
    pub new: String,
    /// The session that goes on.
    pub session: Session,
    /// Digest of the name under which failures are counted.
    pub account: String,
    /// Whether apps and devices are signed out as well.
    pub end_tokens: bool,
    /// Now.
    pub at: Timestamp,
    /// Rows of the trail; each gets the detail `revoked_count`.
    pub audit: Vec<AuditRow>,
}

impl Unit for ChangePassword {
    type Answer = bool;

    fn run<'c>(&'c self, tx: &'c mut Tx<'_>) -> BoxFuture<'c, Result<bool, StoreError>> {
        async move {
            let change = Sql::new(
                "UPDATE users SET password_hash = $2, must_change_password = $3, updated_at = $4 \
                 WHERE id = $1 AND password_hash = $5 RETURNING sessions_end_at",
            )
            .text(self.user_id.as_str())
            .text(self.new.as_str())
            .bind(Value::Flag(false))
            .time(self.at)
            .text(self.old.as_str());
            let Some(row) = tx.one(change).await? else {
                return Ok(false);
            };
            let mark = row.maybe_time("sessions_end_at")?;
            let end =
                "UPDATE sessions SET revoked_at = $2 WHERE user_id = $1 AND revoked_at IS NULL";
            tx.run(Sql::new(end).text(self.user_id.as_str()).time(self.at))
                .await?;
            tx.run(insert(&self.session, mark)).await?;
            let forget = Sql::new("DELETE FROM login_failures WHERE account = $1");
            tx.run(forget.text(self.account.as_str())).await?;
            let ended = if self.end_tokens {
                end_all(tx, All::GrantsOf(&self.user_id), self.at).await?
            } else {
                Ended::default()
            };
            tx.insert_audit(&ended.told(&self.audit));
            Ok(true)
        }
        .boxed()
    }
}
