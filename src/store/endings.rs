//! Ending everything that a client or a person was given, however many tokens that is.
//!
//! One statement on the parent ends it: `tokens_end_at` says that nothing made up to that moment counts, and whoever looks
//! a token up or issues one reads the mark with the row that it reads anyway. The rows themselves, which the lists show
//! and the Go server reads, follow in steps of [`STEP`]: the first with the mark, the others by and by. What is left to do
//! stands in `token_endings`, so a restart loses nothing.
use super::{
    Store, StoreError, Tx, Unit,
    outbox::note,
    sql::{Row, Sql, Value},
};
use crate::domain::{audit::AuditRow, paging::Cursor, time::Timestamp};
use futures_util::{FutureExt as _, future::BoxFuture};

/// Rows that one step looks at: a commit of a few milliseconds.
pub const STEP: u64 = 1_000;

/// Whose tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holder {
    /// Those that a client was given.
    Client,
    /// Those that speak for a person.
    Person,
}

impl Holder {
    fn as_str(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Person => "user",
        }
    }

    fn stored(text: &str) -> Self {
        match text {
            "user" => Self::Person,
            _ => Self::Client,
        }
    }
}

/// What ended with the mark.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ended {
    /// Rows of tokens that say so already.
    pub tokens: u64,
    /// Whether others follow.
    pub goes_on: bool,
}

impl Ended {
    /// The row of the trail with the number in it.
    pub(super) fn told(self, audit: &[AuditRow]) -> Vec<AuditRow> {
        let tell = |row: &AuditRow| {
            let row = row.clone().with_detail("revoked_count", self.tokens);
            if self.goes_on {
                row.with_detail("goes_on", 1)
            } else {
                row
            }
        };
        audit.iter().map(tell).collect()
    }
}

/// Ends everything that was given up to now. The parent's row must have been changed before in the same transaction, or be
/// gone: an issuance under way holds it, so its tokens are either seen here or made after the mark.
pub(super) async fn end_all(
    tx: &mut Tx<'_>,
    (holder, key): (Holder, &str),
    at: Timestamp,
) -> Result<Ended, StoreError> {
    tx.settle().await?;
    let mark = latest(tx, holder, key, at).await?.max(at);
    let set = match holder {
        Holder::Client => "UPDATE oauth_applications SET tokens_end_at = $2 WHERE client_id = $1",
        Holder::Person => "UPDATE users SET tokens_end_at = $2 WHERE id = $1",
    };
    tx.run(Sql::new(set).text(key).time(mark)).await?;
    let work = Work {
        holder,
        key: key.to_owned(),
        mark,
        reached: None,
    };
    let step = step(tx, &work).await?;
    note(tx, holder.as_str(), key, at).await?;
    if let Some(reached) = &step.reached {
        let keep = Sql::new(
            "INSERT INTO token_endings (holder, holder_id, mark, started_at, ended, reached_at, reached_id) \
             VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (holder, holder_id) DO UPDATE SET \
             mark = excluded.mark, started_at = excluded.started_at, ended = excluded.ended, total = NULL, \
             reached_at = excluded.reached_at, reached_id = excluded.reached_id, finished_at = NULL",
        )
        .text(holder.as_str())
        .text(key)
        .time(mark)
        .time(at)
        .int(number(step.tokens))
        .time(reached.at)
        .text(reached.id.as_str());
        tx.run(keep).await?;
    }
    Ok(Ended {
        tokens: step.tokens,
        goes_on: step.reached.is_some(),
    })
}

/// The latest moment that a token claims to be made at: clocks of servers differ, and what is committed by now ends.
async fn latest(
    tx: &mut Tx<'_>,
    holder: Holder,
    key: &str,
    at: Timestamp,
) -> Result<Timestamp, StoreError> {
    // Few rows are later than now, and the index over the time knows them.
    let find = match holder {
        Holder::Client => {
            "SELECT max(created_at) AS latest FROM (SELECT created_at, client_id FROM access_tokens WHERE created_at > $1 \
             ORDER BY created_at DESC LIMIT 10000) AS later WHERE client_id = $2"
        }
        Holder::Person => {
            "SELECT max(created_at) AS latest FROM (SELECT created_at, user_id FROM access_tokens WHERE created_at > $1 \
             ORDER BY created_at DESC LIMIT 10000) AS later WHERE user_id = $2"
        }
    };
    let row = tx.one(Sql::new(find).time(at).text(key)).await?;
    row.map_or(Ok(at), |row| Ok(row.maybe_time("latest")?.unwrap_or(at)))
}

/// Rows that are to follow a mark.
#[derive(Clone, Debug)]
struct Work {
    holder: Holder,
    key: String,
    mark: Timestamp,
    /// The last row that was looked at.
    reached: Option<Cursor>,
}

struct Step {
    tokens: u64,
    /// Where the next one goes on; `None` when nothing is left.
    reached: Option<Cursor>,
}

async fn step(tx: &mut Tx<'_>, work: &Work) -> Result<Step, StoreError> {
    match work.holder {
        Holder::Client => step_of_client(tx, work).await,
        Holder::Person => step_of_person(tx, work).await,
    }
}

/// The index over client and status gives what is left; nothing need be remembered.
async fn step_of_client(tx: &mut Tx<'_>, work: &Work) -> Result<Step, StoreError> {
    // What is switched off could be switched on again.
    let end = Sql::new(
        "UPDATE access_tokens SET status = 'revoked' WHERE id IN \
         (SELECT id FROM access_tokens WHERE client_id = $1 AND status IN ('active', 'disabled') AND created_at <= $2 \
         LIMIT $3)",
    )
    .text(work.key.as_str())
    .time(work.mark)
    .int(number(STEP));
    let tokens = tx.run(end).await?;
    // Fewer than a step does not mean the last: others revoke, too.
    let left = Sql::new(
        "SELECT id FROM access_tokens WHERE client_id = $1 AND status IN ('active', 'disabled') AND created_at <= $2 LIMIT 1",
    )
    .text(work.key.as_str())
    .time(work.mark);
    let goes_on = tokens > 0 && tx.one(left).await?.is_some();
    let reached = goes_on.then(|| Cursor {
        at: work.mark,
        id: String::new(),
    });
    Ok(Step { tokens, reached })
}

/// A person's rows are walked in the order of their making, whatever their state.
async fn step_of_person(tx: &mut Tx<'_>, work: &Work) -> Result<Step, StoreError> {
    let from = work.reached.clone().unwrap_or(Cursor {
        at: super::timestamp::ZERO,
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
    let reached = match tx.one(find).await? {
        None => None,
        Some(row) => Some(Cursor {
            at: row.time("created_at")?,
            id: row.text("id")?,
        }),
    };
    let end = match &reached {
        None => Sql::new(
            "UPDATE access_tokens SET status = 'revoked' WHERE user_id = $1 AND status IN ('active', 'disabled') \
             AND (created_at, id) > ($2, $3) AND created_at <= $4",
        ),
        Some(_) => Sql::new(
            "UPDATE access_tokens SET status = 'revoked' WHERE user_id = $1 AND status IN ('active', 'disabled') \
             AND (created_at, id) > ($2, $3) AND (created_at, id) <= ($4, $5)",
        ),
    };
    let end = end
        .text(work.key.as_str())
        .time(from.at)
        .text(from.id.as_str());
    let end = match &reached {
        None => end.time(work.mark),
        Some(to) => end.time(to.at).text(to.id.as_str()),
    };
    let tokens = tx.run(end).await?;
    Ok(Step { tokens, reached })
}

/// Tokens that are written off by and by.
#[derive(Clone, Debug)]
pub struct Ending {
    /// Whose.
    pub holder: Holder,
    /// The id of the client or the person.
    pub key: String,
    /// Their name; empty for who is gone.
    pub name: String,
    /// Since when.
    pub started_at: Timestamp,
    /// Rows that are done.
    pub ended: u64,
    /// Rows that there are; `None` until they are counted.
    pub total: Option<u64>,
    /// When the last was done.
    pub finished_at: Option<Timestamp>,
}

const ENDINGS: &str = "SELECT e.*, coalesce(c.client_name, u.username) AS name FROM token_endings e \
                       LEFT JOIN oauth_applications c ON e.holder = 'client' AND c.client_id = e.holder_id \
                       LEFT JOIN users u ON e.holder = 'user' AND u.id = e.holder_id";

impl Store {
    /// What is under way, and what was done within the last day. At most 100.
    ///
    /// # Errors
    /// As the database.
    pub async fn endings(&self) -> Result<Vec<Ending>, StoreError> {
        let find = Sql::built(format!("{ENDINGS} ORDER BY e.started_at DESC LIMIT 100"));
        self.read_all(find).await?.iter().map(ending).collect()
    }

    /// What is under way for this client or person.
    ///
    /// # Errors
    /// As the database.
    pub async fn ending(&self, holder: Holder, key: &str) -> Result<Option<Ending>, StoreError> {
        let find = Sql::built(format!(
            "{ENDINGS} WHERE e.holder = $1 AND e.holder_id = $2 AND e.finished_at IS NULL"
        ))
        .text(holder.as_str())
        .text(key);
        self.read_one(find).await?.as_ref().map(ending).transpose()
    }

    /// The oldest that is under way.
    ///
    /// # Errors
    /// As the database.
    pub async fn next_ending(&self) -> Result<Option<Ending>, StoreError> {
        let find = Sql::built(format!(
            "{ENDINGS} WHERE e.finished_at IS NULL ORDER BY e.started_at LIMIT 1"
        ));
        self.read_one(find).await?.as_ref().map(ending).transpose()
    }

    /// Rows that an ending has yet to do.
    ///
    /// # Errors
    /// As the database.
    pub async fn ending_left(&self, ending: &Ending) -> Result<u64, StoreError> {
        let count = match ending.holder {
            Holder::Client => {
                "SELECT count(*) AS found FROM access_tokens WHERE client_id = $1 AND status IN ('active', 'disabled')"
            }
            Holder::Person => {
                "SELECT count(*) AS found FROM access_tokens WHERE user_id = $1 AND status IN ('active', 'disabled')"
            }
        };
        let row = self
            .read_one(Sql::new(count).text(ending.key.as_str()))
            .await?;
        row.map_or(Ok(0), |row| unsigned(&row, "found"))
    }
}

fn ending(row: &Row) -> Result<Ending, StoreError> {
    Ok(Ending {
        holder: Holder::stored(&row.text("holder")?),
        key: row.text("holder_id")?,
        name: row.text("name")?,
        started_at: row.time("started_at")?,
        ended: unsigned(row, "ended")?,
        total: row
            .maybe_int("total")?
            .map(|total| u64::try_from(total).unwrap_or_default()),
        finished_at: row.maybe_time("finished_at")?,
    })
}

fn unsigned(row: &Row, column: &str) -> Result<u64, StoreError> {
    Ok(u64::try_from(row.int(column)?).unwrap_or_default())
}

fn number(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// The next step of an ending.
pub struct GoOn {
    /// Whose tokens.
    pub holder: Holder,
    /// The id of the client or the person.
    pub key: String,
    /// How many there are in all, when that was counted just now.
    pub total: Option<u64>,
    /// Now.
    pub at: Timestamp,
    /// Rows of the trail, written with the last step; each gets the detail `revoked_count`.
    pub audit: Vec<AuditRow>,
}

impl Unit for GoOn {
    /// How many rows this step ended; `None` when nothing is under way.
    type Answer = Option<u64>;

    fn run<'c>(&'c self, tx: &'c mut Tx<'_>) -> BoxFuture<'c, Result<Option<u64>, StoreError>> {
        async move {
            tx.settle().await?;
            let find = if tx.locks() {
                "SELECT * FROM token_endings WHERE holder = $1 AND holder_id = $2 AND finished_at IS NULL FOR UPDATE"
            } else {
                "SELECT * FROM token_endings WHERE holder = $1 AND holder_id = $2 AND finished_at IS NULL"
            };
            let find = Sql::new(find).text(self.holder.as_str()).text(self.key.as_str());
            let Some(row) = tx.one(find).await? else {
                return Ok(None);
            };
            let work = Work {
                holder: self.holder,
                key: self.key.clone(),
                mark: row.time("mark")?,
                reached: Some(Cursor {
                    at: row.time("reached_at")?,
                    id: row.text("reached_id")?,
                }),
            };
            let step = step(tx, &work).await?;
            let ended = unsigned(&row, "ended")? + step.tokens;
            let finished = step.reached.is_none().then_some(self.at);
            let reached = step.reached.unwrap_or(Cursor {
                at: work.mark,
                id: String::new(),
            });
            let keep = Sql::new(
                "UPDATE token_endings SET ended = $3, total = coalesce($4, total), reached_at = $5, reached_id = $6, \
                 finished_at = $7 WHERE holder = $1 AND holder_id = $2",
            )
            .text(self.holder.as_str())
            .text(self.key.as_str())
            .int(number(ended))
            .bind(Value::MaybeInt(self.total.map(number)))
            .time(reached.at)
            .text(reached.id)
            .bind(Value::MaybeTime(finished));
            tx.run(keep).await?;
            if finished.is_some() {
                let all = Ended {
                    tokens: ended,
                    goes_on: false,
                };
                tx.insert_audit(&all.told(&self.audit));
            }
            Ok(Some(step.tokens))
        }
        .boxed()
    }
}
