//! How many events there were. Hours that are over are counted once and kept, the one that runs minute by minute; only
//! what these do not cover is counted anew.
use crate::{
    domain::{
        audit::{AuditFilter, AuditStats},
        time::Timestamp,
    },
    store::{
        Store, StoreError, Tx, Unit,
        sql::{Row, Sql, Value, placeholders},
    },
};
use futures_util::{FutureExt as _, future::BoxFuture};
use time::Duration;

/// Hours that are counted in one step.
const STEP: i64 = 24;
/// How long after its end an hour is counted: a transaction that began in it has ended by then.
const SETTLED: Duration = Duration::minutes(10);
/// How long ago an event must be to be counted before its hour is over. What comes later is missed until then.
const RECENT: Duration = Duration::minutes(1);
/// Later than every event.
const NEVER: Timestamp = time::macros::datetime!(9999-01-01 00:00:00 UTC);

const ALIKE: &str = "SELECT event_type, severity, success, count(*) AS events FROM audit_logs";

/// Events that are alike.
#[derive(Clone, Debug)]
struct Alike {
    event_type: String,
    severity: String,
    success: bool,
    events: i64,
}

fn alike(row: &Row) -> Result<Alike, StoreError> {
    Ok(Alike {
        event_type: row.text("event_type")?,
        severity: row.text("severity")?,
        success: row.flag("success")?,
        events: row.int("events")?,
    })
}

/// What was counted: from `since`, where an hour begins, to before `until`.
struct Mark {
    since: Timestamp,
    until: Timestamp,
}

/// How far hours are counted for good.
const HOURS: &str = "hours";
/// How far they are counted for now.
const FOR_NOW: &str = "for now";

fn mark(row: &Row) -> Result<Mark, StoreError> {
    Ok(Mark {
        since: row.time("since")?,
        until: row.time("until")?,
    })
}

/// Counts that are kept of a period.
struct Kept {
    low: Timestamp,
    high: Timestamp,
    counts: Vec<Alike>,
}

impl Store {
    /// How many records match: from the kept counts when they know, else one by one.
    ///
    /// # Errors
    /// As the database.
    pub async fn audit_total(&self, filter: &AuditFilter) -> Result<i64, StoreError> {
        if !filter.is_countable() {
            return self.audit_count_one_by_one(filter).await;
        }
        let counts = self.audit_counts(filter.from, filter.until).await?;
        let wanted =
            |set: &Option<String>, value: &str| set.as_ref().is_none_or(|set| set == value);
        let matching = counts.iter().filter(|count| {
            wanted(&filter.event_type, &count.event_type)
                && wanted(&filter.severity, &count.severity)
                && filter
                    .success
                    .is_none_or(|success| success == count.success)
        });
        Ok(matching.map(|count| count.events).sum())
    }

    /// What happened in a period, counted.
    ///
    /// # Errors
    /// As the database.
    pub async fn audit_stats(
        &self,
        from: Option<Timestamp>,
        until: Option<Timestamp>,
    ) -> Result<AuditStats, StoreError> {
        let mut stats = AuditStats::default();
        for count in self.audit_counts(from, until).await? {
            stats.add(
                &count.event_type,
                &count.severity,
                count.success,
                count.events,
            );
        }
        Ok(stats)
    }

    async fn audit_counts(
        &self,
        from: Option<Timestamp>,
        until: Option<Timestamp>,
    ) -> Result<Vec<Alike>, StoreError> {
        let Some(kept) = self.kept(from, until).await? else {
            return self.count_between(from, until, true).await;
        };
        let mut counts = kept.counts;
        counts.extend(self.count_between(from, Some(kept.low), false).await?);
        counts.extend(self.count_between(Some(kept.high), until, true).await?);
        Ok(counts)
    }

    /// What is kept of a period. The hour of the oldest record is not among it: a part of it may be past its retention.
    async fn kept(
        &self,
        from: Option<Timestamp>,
        until: Option<Timestamp>,
    ) -> Result<Option<Kept>, StoreError> {
        let Some(oldest) = self.oldest().await? else {
            return Ok(None);
        };
        let mut low = hour_after(oldest);
        if let Some(from) = from {
            low = low.max(hour_from(from));
        }
        let high = until.map_or(NEVER, hour_of);
        // By one statement: what is counted and how far it is counted move on together.
        let find = Sql::new(
            "SELECT m.since, m.until, h.event_type, h.severity, h.success, CAST(sum(h.events) AS bigint) AS events \
             FROM (SELECT since, until FROM audit_counted ORDER BY until DESC LIMIT 1) AS m \
             LEFT JOIN audit_hours h ON h.hour >= m.since AND h.hour < m.until AND h.hour >= $1 AND h.hour < $2 \
             GROUP BY m.since, m.until, h.event_type, h.severity, h.success",
        );
        let rows = self.read_all(find.time(low).time(high)).await?;
        let Some(mark) = rows.first().map(mark).transpose()? else {
            return Ok(None);
        };
        let (low, high) = (low.max(mark.since), high.min(mark.until));
        if low >= high {
            return Ok(None);
        }
        let mut counts = Vec::new();
        for row in &rows {
            if row.maybe_text("event_type")?.is_some() {
                counts.push(alike(row)?);
            }
        }
        Ok(Some(Kept { low, high, counts }))
    }

    async fn mark(&self, name: &str) -> Result<Option<Mark>, StoreError> {
        let find = Sql::new("SELECT since, until FROM audit_counted WHERE name = $1");
        let row = self.read_one(find.text(name)).await?;
        row.as_ref().map(mark).transpose()
    }

    async fn oldest(&self) -> Result<Option<Timestamp>, StoreError> {
        let find = Sql::new("SELECT min(event_time) AS oldest FROM audit_logs");
        match self.read_one(find).await? {
            Some(row) => row.maybe_time("oldest"),
            None => Ok(None),
        }
    }

    async fn count_between(
        &self,
        from: Option<Timestamp>,
        until: Option<Timestamp>,
        with_end: bool,
    ) -> Result<Vec<Alike>, StoreError> {
        let mut values = Vec::new();
        let mut conditions = Vec::new();
        let end = if with_end { "<=" } else { "<" };
        for (sign, bound) in [(">=", from), (end, until)] {
            if let Some(at) = bound {
                values.push(Value::Time(at));
                conditions.push(format!("event_time {sign} ${}", values.len()));
            }
        }
        let clause = if conditions.is_empty() {
            String::new()
        } else {
            format!("WHERE {}", conditions.join(" AND "))
        };
        let text = format!("{ALIKE} {clause} GROUP BY event_type, severity, success");
        let rows = self.read_all(Sql::built(text).values(values)).await?;
        rows.iter().map(alike).collect()
    }

    /// Counts the next hours that are over. Tells whether there may be more to count.
    ///
    /// # Errors
    /// As the database.
    pub async fn count_audit_hours(&self, now: Timestamp) -> Result<bool, StoreError> {
        let Some(oldest) = self.oldest().await?.map(hour_of) else {
            return Ok(false);
        };
        let mark = self.mark(HOURS).await?;
        // A trail without a part before `oldest` has nothing there to count.
        let begin = mark.as_ref().map_or(oldest, |mark| mark.until.max(oldest));
        let end = hour_of(now - SETTLED).min(begin + Duration::hours(STEP));
        if begin >= end {
            return Ok(false);
        }
        let keep = KeepHours {
            known: mark.map(|mark| mark.until),
            since: begin,
            until: end,
            oldest,
            rows: self.count_by_hours(begin, end).await?,
        };
        self.commit(keep).await
    }

    /// Counts what happened since the last hour that was counted, up to a minute ago. That hour is counted again when it is
    /// over.
    ///
    /// # Errors
    /// As the database.
    pub async fn count_recent_audit(&self, now: Timestamp) -> Result<(), StoreError> {
        let Some(hours) = self.mark(HOURS).await? else {
            return Ok(());
        };
        let known = self.mark(FOR_NOW).await?.map(|mark| mark.until);
        let begin = known.map_or(hours.until, |known| known.max(hours.until));
        let end = now - RECENT;
        if begin >= end {
            return Ok(());
        }
        let rows = self.count_by_hours(begin, end).await?;
        if rows.is_empty() {
            return Ok(());
        }
        let keep = KeepForNow {
            hours,
            known,
            until: end,
            rows,
        };
        self.commit(keep).await
    }

    /// What happened from a moment to before another, by the hours it happened in.
    async fn count_by_hours(
        &self,
        begin: Timestamp,
        end: Timestamp,
    ) -> Result<Vec<(Timestamp, Alike)>, StoreError> {
        let mut rows = Vec::new();
        let mut from = begin;
        while from < end {
            let next = hour_after(from).min(end);
            let counts = self.count_between(Some(from), Some(next), false).await?;
            rows.extend(counts.into_iter().map(|count| (hour_of(from), count)));
            from = next;
        }
        Ok(rows)
    }
}

/// Keeps the counts of hours, unless somebody else did meanwhile.
struct KeepHours {
    known: Option<Timestamp>,
    since: Timestamp,
    until: Timestamp,
    oldest: Timestamp,
    rows: Vec<(Timestamp, Alike)>,
}

impl Unit for KeepHours {
    type Answer = bool;

    fn run<'c>(&'c self, tx: &'c mut Tx<'_>) -> BoxFuture<'c, Result<bool, StoreError>> {
        async move {
            let moved = match self.known {
                Some(known) => {
                    let moved = Sql::new(
                        "UPDATE audit_counted SET until = $1 WHERE name = 'hours' AND until = $2",
                    );
                    tx.run(moved.time(self.until).time(known)).await?
                }
                None => {
                    let begun = Sql::new(
                        "INSERT INTO audit_counted (name, since, until) VALUES ('hours', $1, $2) ON CONFLICT DO NOTHING",
                    );
                    tx.run(begun.time(self.since).time(self.until)).await?
                }
            };
            if moved == 0 {
                return Ok(false);
            }
            let anew = Sql::new("DELETE FROM audit_hours WHERE hour >= $1 AND hour < $2");
            tx.run(anew.time(self.since).time(self.until)).await?;
            add(tx, &self.rows).await?;
            let forget = Sql::new("DELETE FROM audit_hours WHERE hour < $1");
            tx.run(forget.time(self.oldest)).await?;
            Ok(true)
        }
        .boxed()
    }
}

/// Adds to the counts what happened since they were last added to, unless somebody else did meanwhile.
struct KeepForNow {
    hours: Mark,
    known: Option<Timestamp>,
    until: Timestamp,
    rows: Vec<(Timestamp, Alike)>,
}

impl Unit for KeepForNow {
    type Answer = ();

    fn run<'c>(&'c self, tx: &'c mut Tx<'_>) -> BoxFuture<'c, Result<(), StoreError>> {
        async move {
            // Held, so that no hour is counted for good meanwhile.
            let holds = Sql::new(if tx.locks() {
                "SELECT until FROM audit_counted WHERE name = $1 AND until = $2 FOR UPDATE"
            } else {
                "SELECT until FROM audit_counted WHERE name = $1 AND until = $2"
            });
            let holds = holds.text(HOURS).time(self.hours.until);
            if tx.one(holds).await?.is_none() {
                return Ok(());
            }
            let moved = match self.known {
                Some(known) => {
                    let moved = Sql::new(
                        "UPDATE audit_counted SET since = $1, until = $2 WHERE name = $3 AND until = $4",
                    );
                    let moved = moved.time(self.hours.since).time(self.until);
                    tx.run(moved.text(FOR_NOW).time(known)).await?
                }
                None => {
                    let begun = Sql::new(
                        "INSERT INTO audit_counted (name, since, until) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
                    );
                    let begun = begun.text(FOR_NOW).time(self.hours.since);
                    tx.run(begun.time(self.until)).await?
                }
            };
            if moved > 0 {
                add(tx, &self.rows).await?;
            }
            Ok(())
        }
        .boxed()
    }
}

async fn add(tx: &mut Tx<'_>, rows: &[(Timestamp, Alike)]) -> Result<(), StoreError> {
    for piece in rows.chunks(64) {
        let values = piece.iter().flat_map(|(hour, count)| {
            [
                Value::Time(*hour),
                Value::Text(count.event_type.clone()),
                Value::Text(count.severity.clone()),
                Value::Flag(count.success),
                Value::Int(count.events),
            ]
        });
        let insert = format!(
            "INSERT INTO audit_hours (hour, event_type, severity, success, events) VALUES {} \
             ON CONFLICT (hour, event_type, severity, success) DO UPDATE SET events = audit_hours.events + excluded.events",
            placeholders(piece.len(), 5)
        );
        tx.run(Sql::built(insert).values(values.collect())).await?;
    }
    Ok(())
}

/// The hour that a moment is in.
fn hour_of(at: Timestamp) -> Timestamp {
    at.replace_time(time::Time::from_hms(at.hour(), 0, 0).unwrap_or(time::Time::MIDNIGHT))
}

/// The first full hour that does not begin before a moment.
fn hour_from(at: Timestamp) -> Timestamp {
    let hour = hour_of(at);
    if hour == at { hour } else { hour_after(at) }
}

fn hour_after(at: Timestamp) -> Timestamp {
    hour_of(at).saturating_add(Duration::hours(1))
}
