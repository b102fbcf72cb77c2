//! A person's own sessions: where they are signed in, and how they end what they do not know.
use super::insert;
use crate::{
    domain::{audit::AuditRow, ids::UserId, session::Session, time::Timestamp},
    store::{
        Store, StoreError, Tx, Unit,
        endings::{All, Ended, end_all},
        rows::{self, SESSION},
        sql::{Sql, Value},
    },
};
use futures_util::{FutureExt as _, future::BoxFuture};

/// Letters of the hash by which a page names a session.
pub const NAME: usize = 32;

impl Store {
    /// A person's sessions that were not ended and have not run out, the last used first. At most 200.
    ///
    /// # Errors
    /// As the database.
    pub async fn own_sessions(
        &self,
        user_id: &UserId,
        now: Timestamp,
    ) -> Result<Vec<Session>, StoreError> {
        let find = Sql::built(format!(
            "SELECT {SESSION} FROM sessions s JOIN users u ON u.id = s.user_id \
             WHERE s.user_id = $1 AND s.revoked_at IS NULL AND s.expires_at > $2 \
             AND coalesce(s.auth_time > u.sessions_end_at, true) ORDER BY s.last_seen_at DESC LIMIT 200"
        ))
        .text(user_id.as_str())
        .time(now);
        let found = self.read_all(find).await?;
        found.iter().map(rows::session).collect()
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
