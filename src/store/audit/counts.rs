//! How many events there were. Full hours are counted once and kept; only what they do not cover is counted anew.
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

/// Hours that were counted: from `since` to before `until`.
struct Mark {
    since: Timestamp,
    until: Timestamp,
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
        let Some((low, high)) = self.counted_part(from, until).await? else {
            return self.count_between(from, until, true).await;
        };
        let kept = Sql::new(
            "SELECT event_type, severity, success, CAST(sum(events) AS bigint) AS events FROM audit_hours \
             WHERE hour >= $1 AND hour < $2 GROUP BY event_type, severity, success",
        );
        let rows = self.read_all(kept.time(low).time(high)).await?;
        let mut counts: Vec<Alike> = rows.iter().map(alike).collect::<Result<_, _>>()?;
        counts.extend(self.count_between(from, Some(low), false).await?);
        counts.extend(self.count_between(Some(high), until, true).await?);
        Ok(counts)
    }

    /// The full hours of a period whose counts are kept. The hour of the oldest record is not among them: a part of it
    /// may be past its retention.
    async fn counted_part(
        &self,
        from: Option<Timestamp>,
        until: Option<Timestamp>,
    ) -> Result<Option<(Timestamp, Timestamp)>, StoreError> {
        let (Some(mark), Some(oldest)) = (self.mark().await?, self.oldest().await?) else {
            return Ok(None);
        };
        let mut low = hour_after(oldest).max(mark.since);
        if let Some(from) = from {
            low = low.max(hour_from(from));
        }
        let high = until.map_or(mark.until, |until| mark.until.min(hour_of(until)));
        Ok((low < high).then_some((low, high)))
    }

    async fn mark(&self) -> Result<Option<Mark>, StoreError> {
        let find = Sql::new("SELECT since, until FROM audit_counted WHERE name = 'hours'");
        let row = self.read_one(find).await?;
        row.map(|row| {
            Ok(Mark {
                since: row.time("since")?,
                until: row.time("until")?,
            })
        })
        .transpose()
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
        let mark = self.mark().await?;
        // A trail without a part before `oldest` has nothing there to count.
        let begin = mark.as_ref().map_or(oldest, |mark| mark.until.max(oldest));
        let end = hour_of(now - SETTLED).min(begin + Duration::hours(STEP));
        if begin >= end {
            return Ok(false);
        }
        let mut rows = Vec::new();
        let mut hour = begin;
        while hour < end {
            let next = hour + Duration::hours(1);
            let counts = self.count_between(Some(hour), Some(next), false).await?;
            rows.extend(counts.into_iter().map(|count| (hour, count)));
            hour = next;
        }
        let keep = KeepHours {
            known: mark.map(|mark| mark.until),
            since: begin,
            until: end,
            oldest,
            rows,
        };
        self.commit(keep).await
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
            for piece in self.rows.chunks(64) {
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
                    "INSERT INTO audit_hours (hour, event_type, severity, success, events) VALUES {}",
                    placeholders(piece.len(), 5)
                );
                tx.run(Sql::built(insert).values(values.collect())).await?;
            }
            let forget = Sql::new("DELETE FROM audit_hours WHERE hour < $1");
            tx.run(forget.time(self.oldest)).await?;
            Ok(true)
        }
        .boxed()
    }
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
