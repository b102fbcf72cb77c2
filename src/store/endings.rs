//! Ending everything that a client or a person was given, however much that is.
//!
//! One statement on the parent ends it: `tokens_end_at` says that nothing made up to that moment counts, neither tokens nor
//! codes nor, of a client, consents; `sessions_end_at` says it of a person's sessions. Whoever looks one of them up or
//! issues one reads the mark with the row that it reads anyway. The rows themselves, which the lists show and the Go server
//! reads, follow in steps of [`STEP`]: the first with the mark, the others by and by. What is left to do stands in
//! `token_endings`, so a restart loses nothing.
use super::{
    Store, StoreError, Tx, Unit,
    outbox::{Remembered, note},
    sql::{Row, Sql, Value},
};
use crate::domain::{
    audit::AuditRow,
    ids::{ClientId, UserId},
    paging::Cursor,
    time::Timestamp,
};
use following::{Work, others, step};
use futures_util::{FutureExt as _, future::BoxFuture};

mod following;

/// Rows of a kind that one step changes: a commit of a few milliseconds.
pub const STEP: u64 = 1_000;

/// Who was given what ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holder {
    /// A client.
    Client,
    /// A person, in whose name it was given.
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

/// What ends.
#[derive(Clone, Copy, Debug)]
pub(super) enum All<'a> {
    /// What a client was given: consents, codes, tokens.
    OfClient(&'a ClientId),
    /// What was given in a person's name, codes and tokens. Their browsers stay signed in.
    GrantsOf(&'a UserId),
    /// That and the person's sessions.
    Of(&'a UserId),
}

impl<'a> All<'a> {
    fn holder(self) -> (Holder, &'a str) {
        match self {
            Self::OfClient(id) => (Holder::Client, id.as_str()),
            Self::GrantsOf(id) | Self::Of(id) => (Holder::Person, id.as_str()),
        }
    }

    fn mark(self) -> &'static str {
        match self {
            Self::OfClient(_) => {
                "UPDATE oauth_applications SET tokens_end_at = $2 WHERE client_id = $1"
            }
            Self::GrantsOf(_) => "UPDATE users SET tokens_end_at = $2 WHERE id = $1",
            Self::Of(_) => {
                "UPDATE users SET tokens_end_at = $2, sessions_end_at = $2 WHERE id = $1"
            }
        }
    }

    /// Finds the latest moment that anything of it claims to be made at. Few rows are later than now, and indexes over
    /// the times know them.
    fn latest(self) -> String {
        let (of, own) = match self {
            Self::OfClient(_) => (
                "client_id",
                "SELECT granted_at AS made FROM user_authorizations WHERE client_id = $2 AND is_active AND granted_at > $1 \
                 ORDER BY granted_at DESC LIMIT 1",
            ),
            Self::GrantsOf(_) => ("user_id", ""),
            Self::Of(_) => (
                "user_id",
                "SELECT auth_time AS made FROM sessions WHERE user_id = $2 AND auth_time > $1 ORDER BY auth_time DESC LIMIT 1",
            ),
        };
        let later = |time: &str, rows: &str| {
            format!(
                "SELECT {time} AS made FROM (SELECT {time}, {of} FROM {rows} {time} > $1 ORDER BY {time} DESC LIMIT 10000) \
                 AS later WHERE {of} = $2"
            )
        };
        let mut each = vec![
            later("created_at", "access_tokens WHERE"),
            later("created_at", "authorization_codes WHERE"),
            later("authorized_at", "device_codes WHERE authorized AND"),
        ];
        if !own.is_empty() {
            each.push(format!("SELECT made FROM ({own}) AS own"));
        }
        format!(
            "SELECT max(made) AS latest FROM ({}) AS each_of_them",
            each.join(" UNION ALL ")
        )
    }
}

/// Ends everything that was given up to now. The parent's row must have been changed before in the same transaction, or be
/// gone: an issuance under way holds it, so what it issues is either seen here or made after the mark.
pub(super) async fn end_all(
    tx: &mut Tx<'_>,
    all: All<'_>,
    at: Timestamp,
) -> Result<Ended, StoreError> {
    let (holder, key) = all.holder();
    // Clocks of servers differ, and what is committed by now ends.
    let latest = Sql::built(all.latest()).time(at).text(key);
    let latest = tx.one(latest).await?.map(|row| row.maybe_time("latest"));
    let mark = latest
        .transpose()?
        .flatten()
        .map_or(at, |latest| latest.max(at));
    tx.run(Sql::new(all.mark()).text(key).time(mark)).await?;
    let work = Work {
        holder,
        key: key.to_owned(),
        mark,
        reached: None,
    };
    let step = step(tx, &work).await?;
    if holder == Holder::Client {
        note(tx, Remembered::Client, key, at);
    }
    if step.goes_on {
        let keep = Sql::new(
            "INSERT INTO token_endings (holder, holder_id, mark, started_at, ended, others, reached_at, reached_id) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (holder, holder_id) DO UPDATE SET \
             mark = excluded.mark, started_at = excluded.started_at, ended = excluded.ended, others = excluded.others, \
             total = NULL, reached_at = excluded.reached_at, reached_id = excluded.reached_id, finished_at = NULL",
        )
        .text(holder.as_str())
        .text(key)
        .time(mark)
        .time(at)
        .int(number(step.tokens))
        .int(number(step.others))
        .time(step.reached.at)
        .text(step.reached.id.as_str());
        tx.run(keep).await?;
    }
    Ok(Ended {
        tokens: step.tokens,
        goes_on: step.goes_on,
    })
}

/// Rows that follow a mark by and by.
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
    /// Everything made up to then.
    mark: Timestamp,
    /// Tokens that are done.
    pub ended: u64,
    /// Other rows that are.
    pub others: u64,
    /// Rows that there are; `None` until they are counted.
    pub total: Option<u64>,
    /// When the last was done.
    pub finished_at: Option<Timestamp>,
}

const ENDINGS: &str = "SELECT e.holder, e.holder_id, e.started_at, e.mark, e.ended, e.others, e.total, e.finished_at, \
                       coalesce(c.client_name, u.username) AS name FROM token_endings e \
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
        let tokens = match ending.holder {
            Holder::Client => {
                "SELECT count(*) AS found FROM access_tokens WHERE client_id = $1 AND status IN ('active', 'disabled')"
            }
            Holder::Person => {
                "SELECT count(*) AS found FROM access_tokens WHERE user_id = $1 AND status IN ('active', 'disabled')"
            }
        };
        let tokens = Sql::new(tokens).text(ending.key.as_str());
        let others = others(ending.holder).map(|rows| rows.count(&ending.key, ending.mark));
        let mut left = 0;
        for count in std::iter::once(tokens).chain(others) {
            let row = self.read_one(count).await?;
            left += row.map_or(Ok(0), |row| unsigned(&row, "found"))?;
        }
        Ok(left)
    }
}

fn ending(row: &Row) -> Result<Ending, StoreError> {
    Ok(Ending {
        holder: Holder::stored(&row.text("holder")?),
        key: row.text("holder_id")?,
        name: row.text("name")?,
        started_at: row.time("started_at")?,
        mark: row.time("mark")?,
        ended: unsigned(row, "ended")?,
        others: unsigned(row, "others")?,
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
    /// Whose rows.
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
    /// Whether there was anything to do.
    type Answer = bool;

    fn run<'c>(&'c self, tx: &'c mut Tx<'_>) -> BoxFuture<'c, Result<bool, StoreError>> {
        async move {
            let find = if tx.locks() {
                "SELECT mark, ended, others, reached_at, reached_id FROM token_endings \
                 WHERE holder = $1 AND holder_id = $2 AND finished_at IS NULL FOR UPDATE"
            } else {
                "SELECT mark, ended, others, reached_at, reached_id FROM token_endings \
                 WHERE holder = $1 AND holder_id = $2 AND finished_at IS NULL"
            };
            let find = Sql::new(find).text(self.holder.as_str()).text(self.key.as_str());
            let Some(row) = tx.one(find).await? else {
                return Ok(false);
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
            let keep = Sql::new(
                "UPDATE token_endings SET ended = $3, others = $4, total = coalesce($5, total), reached_at = $6, \
                 reached_id = $7, finished_at = $8 WHERE holder = $1 AND holder_id = $2",
            )
            .text(self.holder.as_str())
            .text(self.key.as_str())
            .int(number(ended))
            .int(number(unsigned(&row, "others")? + step.others))
            .bind(Value::MaybeInt(self.total.map(number)))
            .time(step.reached.at)
            .text(step.reached.id)
            .bind(Value::MaybeTime((!step.goes_on).then_some(self.at)));
            tx.run(keep).await?;
            if !step.goes_on {
                let all = Ended {
                    tokens: ended,
                    goes_on: false,
                };
                tx.insert_audit(&all.told(&self.audit));
            }
            Ok(true)
        }
        .boxed()
    }
}
