//! Taking away what is over, a thousand rows at a time, and the lease that lets one process do it.
use super::{
    Store, StoreError, Tx, Unit,
    sql::{Sql, Value, placeholders},
    timestamp::ZERO,
};
use crate::domain::{paging::Cursor, time::Timestamp};
use futures_util::{FutureExt as _, future::BoxFuture};

/// What is swept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Swept {
    /// Access and refresh tokens past their end.
    Tokens,
    /// Device codes past their end.
    DeviceCodes,
    /// Authorization codes past their end.
    AuthorizationCodes,
    /// Client assertions that would be refused for their age anyway.
    Assertions,
    /// Sessions past their end.
    Sessions,
    /// Invalidations that everybody has read.
    Invalidations,
    /// Accounts that nobody failed to sign in to for a while.
    LoginFailures,
    /// Audit rows past their retention.
    Audit,
    /// Private halves of keys whose last token is over.
    SigningKeys,
    /// Decision traces past their day.
    Traces,
    /// Endings whose last row was written off before the moment.
    Endings,
}

impl Swept {
    fn statement(self) -> &'static str {
        match self {
            Self::Tokens => {
                "DELETE FROM access_tokens WHERE id IN \
                 (SELECT id FROM access_tokens WHERE expires_at < $1 ORDER BY expires_at LIMIT $2)"
            }
            Self::DeviceCodes => {
                "DELETE FROM device_codes WHERE id IN \
                 (SELECT id FROM device_codes WHERE expires_at < $1 ORDER BY expires_at LIMIT $2)"
            }
            Self::AuthorizationCodes => {
                "DELETE FROM authorization_codes WHERE id IN \
                 (SELECT id FROM authorization_codes WHERE expires_at < $1 ORDER BY expires_at LIMIT $2)"
            }
            Self::Assertions => {
                "DELETE FROM client_assertion_jtis WHERE jti_hash IN \
                 (SELECT jti_hash FROM client_assertion_jtis WHERE expires_at < $1 ORDER BY expires_at LIMIT $2)"
            }
            Self::Sessions => {
                "DELETE FROM sessions WHERE id_hash IN \
                 (SELECT id_hash FROM sessions WHERE expires_at < $1 ORDER BY expires_at LIMIT $2)"
            }
            Self::Invalidations => {
                "DELETE FROM invalidations WHERE id IN \
                 (SELECT id FROM invalidations WHERE created_at < $1 ORDER BY created_at LIMIT $2)"
            }
            Self::LoginFailures => {
                "DELETE FROM login_failures WHERE account IN \
                 (SELECT account FROM login_failures WHERE last_failed_at < $1 ORDER BY last_failed_at LIMIT $2)"
            }
            Self::Audit => {
                "DELETE FROM audit_logs WHERE id IN \
                 (SELECT id FROM audit_logs WHERE created_at < $1 ORDER BY created_at LIMIT $2)"
            }
            Self::SigningKeys => {
                "UPDATE signing_keys SET sealed = NULL WHERE kid IN \
                 (SELECT kid FROM signing_keys WHERE not_after < $1 AND sealed IS NOT NULL ORDER BY not_after LIMIT $2)"
            }
            Self::Endings => {
                "DELETE FROM token_endings WHERE finished_at < $1 AND (holder, holder_id) IN \
                 (SELECT holder, holder_id FROM token_endings WHERE finished_at < $1 LIMIT $2)"
            }
            Self::Traces => {
                "DELETE FROM decision_traces WHERE id IN \
                 (SELECT id FROM decision_traces WHERE created_at < $1 ORDER BY created_at LIMIT $2)"
            }
        }
    }
}

/// Rows in one piece.
pub const PIECE: u64 = 1000;

/// Takes one piece away. Tells how many rows; fewer than [`PIECE`] means that nothing is left.
pub struct Sweep {
    /// What.
    pub what: Swept,
    /// Everything before this moment.
    pub before: Timestamp,
}

impl Unit for Sweep {
    type Answer = u64;

    fn run<'c>(&'c self, tx: &'c mut Tx<'_>) -> BoxFuture<'c, Result<u64, StoreError>> {
        async move {
            let limit = i64::try_from(PIECE).unwrap_or(i64::MAX);
            tx.run(Sql::new(self.what.statement()).time(self.before).int(limit))
                .await
        }
        .boxed()
    }
}

/// Families that were looked at.
pub struct Looked {
    /// Those that no token is left of.
    pub empty: Vec<String>,
    /// The last one, when there may be more.
    pub reached: Option<Cursor>,
}

impl Store {
    /// Looks at the next families that were made before the moment, a piece of them. Most have tokens, so they are looked
    /// for beside the writer.
    ///
    /// # Errors
    /// As the database.
    pub async fn look_at_families(
        &self,
        after: Option<&Cursor>,
        before: Timestamp,
    ) -> Result<Looked, StoreError> {
        let look = Sql::new(
            "SELECT f.created_at, f.id, EXISTS (SELECT 1 FROM access_tokens t WHERE t.token_family_id = f.id) AS held FROM \
             (SELECT created_at, id FROM token_families WHERE (created_at, id) > ($1, $2) AND created_at < $3 \
             ORDER BY created_at, id LIMIT $4) AS f ORDER BY f.created_at, f.id",
        )
        .time(after.map_or(ZERO, |after| after.at))
        .text(after.map_or("", |after| after.id.as_str()))
        .time(before)
        .int(i64::try_from(PIECE).unwrap_or(i64::MAX));
        let rows = self.read_all(look).await?;
        let last = rows
            .last()
            .filter(|_| u64::try_from(rows.len()).is_ok_and(|found| found == PIECE));
        let reached = last
            .map(|row| {
                Ok::<_, StoreError>(Cursor {
                    at: row.time("created_at")?,
                    id: row.text("id")?,
                })
            })
            .transpose()?;
        let mut empty = Vec::new();
        for row in &rows {
            if !row.flag("held")? {
                empty.push(row.text("id")?);
            }
        }
        Ok(Looked { empty, reached })
    }
}

/// Takes families away that no token is left of.
pub struct DropFamilies {
    /// Which, at most a piece.
    pub ids: Vec<String>,
}

impl Unit for DropFamilies {
    type Answer = u64;

    fn run<'c>(&'c self, tx: &'c mut Tx<'_>) -> BoxFuture<'c, Result<u64, StoreError>> {
        async move {
            let text = format!(
                "DELETE FROM token_families WHERE id IN {} AND NOT EXISTS \
                 (SELECT 1 FROM access_tokens t WHERE t.token_family_id = token_families.id)",
                placeholders(1, self.ids.len())
            );
            let ids = self.ids.iter().cloned().map(Value::Text).collect();
            tx.run(Sql::built(text).values(ids)).await
        }
        .boxed()
    }
}

/// Takes a lease, or keeps the one that is held. Tells whether `holder` has it now.
pub struct TakeLease {
    /// For what.
    pub name: &'static str,
    /// Who.
    pub holder: String,
    /// Now.
    pub now: Timestamp,
    /// Until when.
    pub until: Timestamp,
}

impl Unit for TakeLease {
    type Answer = bool;

    fn run<'c>(&'c self, tx: &'c mut Tx<'_>) -> BoxFuture<'c, Result<bool, StoreError>> {
        async move {
            let take = Sql::new(
                "INSERT INTO leases (name, holder, until) VALUES ($1, $2, $3) ON CONFLICT (name) DO UPDATE \
                 SET holder = excluded.holder, until = excluded.until \
                 WHERE leases.holder = excluded.holder OR leases.until < $4",
            )
            .text(self.name)
            .text(self.holder.as_str())
            .time(self.until)
            .time(self.now);
            Ok(tx.run(take).await? == 1)
        }
        .boxed()
    }
}
