//! The rows that follow a mark: which they are, what becomes of them, and one step on the way.
//!
//! A step waits for nobody: a row that somebody else is changing (Postgres) is passed over and comes up again with the next
//! step. Whoever revokes a family or a token meanwhile therefore never waits in a circle with it.
use super::{Holder, STEP, number};
use crate::{
    domain::{paging::Cursor, time::Timestamp},
    store::{StoreError, Tx, sql::Sql, timestamp::ZERO},
};

/// Rows that are to follow a mark.
#[derive(Clone, Debug)]
pub(super) struct Work {
    pub holder: Holder,
    pub key: String,
    pub mark: Timestamp,
    /// The last of a person's tokens that was looked at.
    pub reached: Option<Cursor>,
}

/// What a step did.
pub(super) struct Step {
    /// Tokens that say so now.
    pub tokens: u64,
    /// Other rows that do, or are gone.
    pub others: u64,
    /// Where a person's tokens go on.
    pub reached: Cursor,
    /// Whether anything is left.
    pub goes_on: bool,
}

/// Rows of one table.
pub(super) struct Rows {
    table: &'static str,
    key: &'static str,
    /// `$1` is the holder, `$2` the mark.
    which: &'static str,
    /// The statement up to its condition.
    deed: &'static str,
}

const TOKENS_OF_CLIENT: Rows = Rows {
    table: "access_tokens",
    key: "id",
    // What is switched off could be switched on again.
    which: "client_id = $1 AND status IN ('active', 'disabled') AND created_at <= $2",
    deed: "UPDATE access_tokens SET status = 'revoked'",
};

const OF_CLIENT: &[Rows] = &[
    Rows {
        table: "user_authorizations",
        key: "id",
        which: "client_id = $1 AND is_active AND granted_at <= $2",
        deed: "UPDATE user_authorizations SET is_active = false, revoked_at = $2, updated_at = $2",
    },
    Rows {
        table: "device_codes",
        key: "id",
        // One that was approved after the mark counts, though it was asked for before.
        which: "client_id = $1 AND created_at <= $2 AND (authorized_at IS NULL OR authorized_at <= $2)",
        deed: "DELETE FROM device_codes",
    },
    Rows {
        table: "authorization_codes",
        key: "id",
        which: "client_id = $1 AND used_at IS NULL AND created_at <= $2",
        deed: "DELETE FROM authorization_codes",
    },
];

const OF_PERSON: &[Rows] = &[
    Rows {
        table: "device_codes",
        key: "id",
        which: "user_id = $1 AND authorized AND authorized_at <= $2",
        deed: "DELETE FROM device_codes",
    },
    Rows {
        table: "authorization_codes",
        key: "id",
        which: "user_id = $1 AND used_at IS NULL AND created_at <= $2",
        deed: "DELETE FROM authorization_codes",
    },
    Rows {
        table: "sessions",
        key: "id_hash",
        // Browsers may have been left signed in.
        which: "user_id = $1 AND revoked_at IS NULL AND auth_time <= $2 \
                AND auth_time <= (SELECT sessions_end_at FROM users WHERE id = $1)",
        deed: "UPDATE sessions SET revoked_at = $2",
    },
];

/// Of a person who is gone.
const OF_NOBODY: &[Rows] = &[
    Rows {
        table: "sessions",
        key: "id_hash",
        which: "user_id = $1 AND auth_time <= $2 AND NOT EXISTS (SELECT 1 FROM users WHERE id = $1)",
        deed: "DELETE FROM sessions",
    },
    Rows {
        table: "user_authorizations",
        key: "id",
        which: "user_id = $1 AND is_active AND granted_at <= $2 AND NOT EXISTS (SELECT 1 FROM users WHERE id = $1)",
        deed: "UPDATE user_authorizations SET is_active = false, revoked_at = $2, updated_at = $2",
    },
];

/// All rows beside tokens that follow a mark on such a holder.
pub(super) fn others(holder: Holder) -> impl Iterator<Item = &'static Rows> {
    let (first, second) = match holder {
        Holder::Client => (OF_CLIENT, &[][..]),
        Holder::Person => (OF_PERSON, OF_NOBODY),
    };
    first.iter().chain(second)
}

impl Rows {
    /// Ends at most a step of them. Tells how many, and whether any are left.
    async fn end(
        &self,
        tx: &mut Tx<'_>,
        key: &str,
        mark: Timestamp,
    ) -> Result<(u64, bool), StoreError> {
        let Self {
            table,
            key: id,
            which,
            deed,
        } = self;
        let end = Sql::built(format!(
            "WITH due AS (SELECT {id} FROM {table} WHERE {which} LIMIT $3{}) {deed} WHERE {id} IN (SELECT {id} FROM due)",
            passing_over(tx)
        ));
        let ended = tx.run(end.text(key).time(mark).int(number(STEP))).await?;
        // Fewer than a step does not mean the last: rows may have been passed over.
        let left = Sql::built(format!(
            "SELECT 1 AS one FROM {table} WHERE {which} LIMIT 1"
        ));
        let left = tx.one(left.text(key).time(mark)).await?;
        Ok((ended, left.is_some()))
    }

    /// A statement that counts them as `found`.
    pub fn count(&self, key: &str, mark: Timestamp) -> Sql {
        let Self { table, which, .. } = self;
        Sql::built(format!(
            "SELECT count(*) AS found FROM {table} WHERE {which}"
        ))
        .text(key)
        .time(mark)
    }
}

/// How a step takes the rows that it changes.
fn passing_over(tx: &Tx<'_>) -> &'static str {
    if tx.locks() {
        " FOR UPDATE SKIP LOCKED"
    } else {
        ""
    }
}

/// One step: at most [`STEP`] rows of each kind.
pub(super) async fn step(tx: &mut Tx<'_>, work: &Work) -> Result<Step, StoreError> {
    let all = Cursor {
        at: work.mark,
        id: String::new(),
    };
    let (tokens, reached) = match work.holder {
        Holder::Client => {
            let (tokens, left) = TOKENS_OF_CLIENT.end(tx, &work.key, work.mark).await?;
            (tokens, left.then(|| all.clone()))
        }
        Holder::Person => walk(tx, work).await?,
    };
    let mut step = Step {
        tokens,
        others: 0,
        goes_on: reached.is_some(),
        reached: reached.unwrap_or(all),
    };
    for rows in others(work.holder) {
        let (ended, left) = rows.end(tx, &work.key, work.mark).await?;
        step.others += ended;
        step.goes_on |= left;
    }
    Ok(step)
}

/// A person's tokens are walked in the order of their making, whatever their state, for no index knows both. Tells how
/// many ended, and where the next step goes on unless all are done.
async fn walk(tx: &mut Tx<'_>, work: &Work) -> Result<(u64, Option<Cursor>), StoreError> {
    let from = work.reached.clone().unwrap_or(Cursor {
        at: ZERO,
        id: String::new(),
    });
    let find = Sql::new(
        "SELECT created_at, id FROM access_tokens WHERE user_id = $1 AND (created_at, id) > ($2, $3) AND created_at <= $4 \
         ORDER BY created_at, id LIMIT 1 OFFSET $5",
    )
    .text(work.key.as_str())
    .time(from.at)
    .text(from.id.as_str())
    .time(work.mark)
    .int(number(STEP - 1));
    let to = match tx.one(find).await? {
        None => None,
        Some(row) => Some(Cursor {
            at: row.time("created_at")?,
            id: row.text("id")?,
        }),
    };
    let which = match &to {
        None => {
            "user_id = $1 AND status IN ('active', 'disabled') AND (created_at, id) > ($2, $3) AND created_at <= $4"
        }
        Some(_) => {
            "user_id = $1 AND status IN ('active', 'disabled') AND (created_at, id) > ($2, $3) AND (created_at, id) <= ($4, $5)"
        }
    };
    let of_stretch = |text: String| {
        let statement = Sql::built(text)
            .text(work.key.as_str())
            .time(from.at)
            .text(from.id.as_str());
        match &to {
            None => statement.time(work.mark),
            Some(to) => statement.time(to.at).text(to.id.as_str()),
        }
    };
    let end = format!(
        "WITH due AS (SELECT id FROM access_tokens WHERE {which}{}) \
         UPDATE access_tokens SET status = 'revoked' WHERE id IN (SELECT id FROM due)",
        passing_over(tx)
    );
    let tokens = tx.run(of_stretch(end)).await?;
    let left = format!("SELECT id FROM access_tokens WHERE {which} LIMIT 1");
    let is_left = tx.one(of_stretch(left)).await?.is_some();
    // What was passed over comes up again.
    Ok((tokens, if is_left { Some(from) } else { to }))
}
