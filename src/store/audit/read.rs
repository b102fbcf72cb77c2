//! Pages of the trail, newest first, at a bounded cost however long the trail is.
//!
//! One filter leads: it has an index in the order of the trail, or so few rows that they can be sorted. The others are
//! looked for in a window of [`WINDOW`] rows of it; a page that is not full when the window ends says so and where to go
//! on. What leads is decided here and not by the planner, which knows nothing of limits.
use super::{RECORD, record};
use crate::{
    domain::audit::{AuditFilter, AuditPage, AuditRecord, Cursor, Place},
    store::{
        Store, StoreError,
        sql::{Row, Sql, Value},
    },
};

/// Rows that one page may look at.
const WINDOW: usize = 10_000;
/// A value with fewer rows than this leads although its index is in no order.
const FEW: i64 = 2_000;

/// The filter that leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lead {
    Resource,
    Actor,
    Ip,
    Failed,
    Severity,
    ResourceType,
    Type,
    Time,
}

/// Conditions with their values.
#[derive(Clone, Default)]
struct Conditions {
    texts: Vec<String>,
    values: Vec<Value>,
}

impl Conditions {
    /// The placeholder of a value.
    fn bind(&mut self, value: Value) -> String {
        self.values.push(value);
        format!("${}", self.values.len())
    }

    fn equal(&mut self, column: &'static str, value: &str) {
        let place = self.bind(Value::Text(value.to_owned()));
        self.texts.push(format!("{column} = {place}"));
    }

    fn fixed(&mut self, text: &str) {
        self.texts.push(text.to_owned());
    }

    /// `WHERE …`, or nothing.
    fn clause(&self) -> String {
        if self.texts.is_empty() {
            String::new()
        } else {
            format!("WHERE {}", self.texts.join(" AND "))
        }
    }
}

const DESCENDING: &str = "ORDER BY event_time DESC, id DESC";
const ASCENDING: &str = "ORDER BY event_time, id";

impl Store {
    /// One page of the trail.
    ///
    /// # Errors
    /// As the database.
    pub async fn audit_page(
        &self,
        filter: &AuditFilter,
        cursor: &Cursor,
        size: usize,
    ) -> Result<AuditPage, StoreError> {
        let lead = self.lead(filter).await?;
        let page = self.page(filter, lead, cursor, size).await?;
        let is_short = page.records.len() < size && page.looked_until.is_none();
        if is_short && matches!(cursor, Cursor::NewerThan(_)) {
            // The way back to the newest ends with a full page.
            return self.page(filter, lead, &Cursor::Newest, size).await;
        }
        Ok(page)
    }

    /// The newest records.
    ///
    /// # Errors
    /// As the database.
    pub async fn audit_newest(&self, many: usize) -> Result<Vec<AuditRecord>, StoreError> {
        let all = AuditFilter::default();
        let page = self.audit_page(&all, &Cursor::Newest, many).await?;
        Ok(page.records)
    }

    /// The events that the trail has, each found by one look into an index.
    ///
    /// # Errors
    /// As the database.
    pub async fn audit_event_types(&self) -> Result<Vec<String>, StoreError> {
        let leap = Sql::new(
            "WITH RECURSIVE found (event_type) AS (SELECT min(event_type) FROM audit_logs UNION ALL \
             SELECT (SELECT min(event_type) FROM audit_logs WHERE event_type > found.event_type) FROM found \
             WHERE found.event_type IS NOT NULL) \
             SELECT event_type FROM found WHERE event_type IS NOT NULL LIMIT 200",
        );
        let rows = self.read_all(leap).await?;
        rows.iter().map(|row| row.text("event_type")).collect()
    }

    /// Records by their number in the order of the trail: for pages with a number, whose cost grows with it.
    ///
    /// # Errors
    /// As the database.
    pub async fn audit_slice(
        &self,
        filter: &AuditFilter,
        offset: u64,
        size: usize,
    ) -> Result<Vec<AuditRecord>, StoreError> {
        let mut all = Conditions::default();
        leading(&mut all, filter, Lead::Time);
        trailing(&mut all, filter, Lead::Time);
        let offset = all.bind(Value::Int(i64::try_from(offset).unwrap_or(i64::MAX)));
        let text = format!(
            "SELECT {RECORD} FROM audit_logs WHERE id IN \
             (SELECT id FROM audit_logs {} {DESCENDING} LIMIT {size} OFFSET {offset}) {DESCENDING}",
            all.clause()
        );
        let rows = self.read_all(Sql::built(text).values(all.values)).await?;
        rows.iter().map(record).collect()
    }

    /// How many records there are, one by one.
    ///
    /// # Errors
    /// As the database.
    pub(super) async fn audit_count_one_by_one(
        &self,
        filter: &AuditFilter,
    ) -> Result<i64, StoreError> {
        let mut all = Conditions::default();
        leading(&mut all, filter, Lead::Time);
        trailing(&mut all, filter, Lead::Time);
        let text = format!("SELECT count(*) AS rows FROM audit_logs {}", all.clause());
        let row = self.read_one(Sql::built(text).values(all.values)).await?;
        row.map_or(Ok(0), |row| row.int("rows"))
    }

    /// The most telling filter that is set.
    async fn lead(&self, filter: &AuditFilter) -> Result<Lead, StoreError> {
        let some = |value: &Option<String>| value.iter().cloned().collect();
        let values: [(Lead, &str, Vec<String>); 3] = [
            (Lead::Resource, "resource_id", some(&filter.resource_id)),
            (Lead::Actor, "actor_user_id", actors(filter)),
            (Lead::Ip, "actor_ip", some(&filter.ip)),
        ];
        for (lead, column, values) in values {
            if !values.is_empty() && self.is_rare(column, values).await? {
                return Ok(lead);
            }
        }
        let is_telling = |severity: &str| severity != "INFO";
        Ok(if filter.severity.as_deref().is_some_and(is_telling) {
            Lead::Severity
        } else if filter.success == Some(false) {
            Lead::Failed
        } else if filter.event_type.is_some() {
            Lead::Type
        } else if matches!(filter.resource_type.as_deref(), Some("USER" | "CLIENT")) {
            Lead::ResourceType
        } else {
            Lead::Time
        })
    }

    async fn is_rare(&self, column: &'static str, values: Vec<String>) -> Result<bool, StoreError> {
        let places: Vec<String> = (1..=values.len()).map(|n| format!("${n}")).collect();
        let text = format!(
            "SELECT count(*) AS rows FROM (SELECT 1 FROM audit_logs WHERE {column} IN ({}) LIMIT {FEW}) AS seen",
            places.join(",")
        );
        let values = values.into_iter().map(Value::Text).collect();
        let row = self.read_one(Sql::built(text).values(values)).await?;
        Ok(row.map_or(Ok(0), |row| row.int("rows"))? < FEW)
    }

    async fn page(
        &self,
        filter: &AuditFilter,
        lead: Lead,
        cursor: &Cursor,
        size: usize,
    ) -> Result<AuditPage, StoreError> {
        let mut window = Conditions::default();
        leading(&mut window, filter, lead);
        beyond(&mut window, cursor);
        let order = match cursor {
            Cursor::Newest | Cursor::OlderThan(_) => DESCENDING,
            Cursor::NewerThan(_) => ASCENDING,
        };
        let mut rest = Conditions {
            texts: Vec::new(),
            values: window.values.clone(),
        };
        trailing(&mut rest, filter, lead);
        let inside = window.clause();
        let text = if rest.texts.is_empty() {
            format!(
                "SELECT {RECORD} FROM audit_logs {inside} {order} LIMIT {}",
                size + 1
            )
        } else {
            format!(
                "SELECT {RECORD} FROM (SELECT {RECORD} FROM audit_logs {inside} {order} LIMIT {WINDOW}) AS seen {} {order} \
                 LIMIT {}",
                rest.clause(),
                size + 1
            )
        };
        let rows = self.read_all(Sql::built(text).values(rest.values)).await?;
        let records: Vec<AuditRecord> = rows.iter().map(record).collect::<Result<_, _>>()?;
        let given_up = if rest.texts.is_empty() || records.len() > size {
            None
        } else {
            // Asked like the page itself: SQLite would sort the whole trail for a bare OFFSET.
            let back = match cursor {
                Cursor::Newest | Cursor::OlderThan(_) => ASCENDING,
                Cursor::NewerThan(_) => DESCENDING,
            };
            let text = format!(
                "SELECT event_time, id, count(*) OVER () AS rows FROM \
                 (SELECT event_time, id FROM audit_logs {inside} {order} LIMIT {WINDOW}) AS seen {back} LIMIT 1"
            );
            let row = self
                .read_one(Sql::built(text).values(window.values))
                .await?;
            let whole = i64::try_from(WINDOW).unwrap_or(i64::MAX);
            let row = match row {
                Some(row) if row.int("rows")? == whole => Some(row),
                Some(_) | None => None,
            };
            row.as_ref().map(place).transpose()?
        };
        Ok(assemble(records, cursor, size, given_up))
    }
}

fn place(row: &Row) -> Result<Place, StoreError> {
    Ok(Place {
        at: row.time("event_time")?,
        id: row.text("id")?,
    })
}

fn assemble(
    mut records: Vec<AuditRecord>,
    cursor: &Cursor,
    size: usize,
    given_up: Option<Place>,
) -> AuditPage {
    let goes_on = records.len() > size;
    records.truncate(size);
    let looked_until = given_up.as_ref().map(|place| place.at);
    let last = records.last().map(AuditRecord::place);
    let ahead = if goes_on { last } else { given_up };
    let behind = |records: &[AuditRecord], place: &Place| {
        Some(
            records
                .first()
                .map_or_else(|| place.clone(), AuditRecord::place),
        )
    };
    match cursor {
        Cursor::Newest => AuditPage {
            records,
            older: ahead,
            newer: None,
            looked_until,
        },
        Cursor::OlderThan(place) => AuditPage {
            newer: behind(&records, place),
            records,
            older: ahead,
            looked_until,
        },
        Cursor::NewerThan(place) => {
            let older = behind(&records, place);
            records.reverse();
            AuditPage {
                records,
                older,
                newer: ahead,
                looked_until,
            }
        }
    }
}

/// What the index of the leading filter answers, and the period.
fn leading(window: &mut Conditions, filter: &AuditFilter, lead: Lead) {
    match lead {
        Lead::Resource => equal(window, "resource_id", filter.resource_id.as_deref()),
        Lead::Actor => actor(window, filter),
        Lead::Ip => equal(window, "actor_ip", filter.ip.as_deref()),
        Lead::Failed => window.fixed("NOT success"),
        Lead::Severity => {
            equal(window, "severity", filter.severity.as_deref());
            window.fixed("severity <> 'INFO'");
        }
        Lead::ResourceType => {
            equal(window, "resource_type", filter.resource_type.as_deref());
            window.fixed("resource_type IN ('USER', 'CLIENT')");
        }
        Lead::Type => equal(window, "event_type", filter.event_type.as_deref()),
        Lead::Time => {}
    }
    if let Some(from) = filter.from {
        let at = window.bind(Value::Time(from));
        window.texts.push(format!("event_time >= {at}"));
    }
    if let Some(until) = filter.until {
        let at = window.bind(Value::Time(until));
        window.texts.push(format!("event_time <= {at}"));
    }
}

/// Everything else that is asked for.
fn trailing(rest: &mut Conditions, filter: &AuditFilter, lead: Lead) {
    let columns = [
        (Lead::Resource, "resource_id", &filter.resource_id),
        (Lead::Ip, "actor_ip", &filter.ip),
        (Lead::Severity, "severity", &filter.severity),
        (Lead::ResourceType, "resource_type", &filter.resource_type),
        (Lead::Type, "event_type", &filter.event_type),
    ];
    for (own, column, value) in columns {
        if own != lead {
            equal(rest, column, value.as_deref());
        }
    }
    if lead != Lead::Actor {
        actor(rest, filter);
    }
    match filter.success {
        Some(true) => rest.fixed("success"),
        Some(false) if lead != Lead::Failed => rest.fixed("NOT success"),
        Some(false) | None => {}
    }
    if let Some(search) = &filter.search {
        let part = rest.bind(Value::Text(pattern(search)));
        rest.texts.push(format!(
            "(lower(action) LIKE lower({part}) ESCAPE '!' OR lower(resource_name) LIKE lower({part}) ESCAPE '!' \
             OR lower(actor_username) LIKE lower({part}) ESCAPE '!')"
        ));
    }
}

fn equal(conditions: &mut Conditions, column: &'static str, value: Option<&str>) {
    if let Some(value) = value {
        conditions.equal(column, value);
    }
}

/// As what the actor may be stored. A client is stored by its bare id; rows of the Go server on SQLite carry the printed
/// form.
fn actors(filter: &AuditFilter) -> Vec<String> {
    match filter.bare_actor() {
        Some((bare, true)) => vec![bare.to_owned(), format!("client:{bare}")],
        Some((bare, false)) => vec![bare.to_owned()],
        None => Vec::new(),
    }
}

fn actor(conditions: &mut Conditions, filter: &AuditFilter) {
    match actors(filter).as_slice() {
        [] => {}
        [bare] => conditions.equal("actor_user_id", bare),
        [bare, rest @ ..] => {
            let own = conditions.bind(Value::Text(bare.clone()));
            let printed = conditions.bind(Value::Text(rest.concat()));
            conditions.texts.push(format!(
                "((actor_user_id = {own} AND actor_kind = 'client') OR actor_user_id = {printed})"
            ));
        }
    }
}

/// Only what lies beyond the cursor. The first condition is what an index can use.
fn beyond(window: &mut Conditions, cursor: &Cursor) {
    let (place, sign) = match cursor {
        Cursor::Newest => return,
        Cursor::OlderThan(place) => (place, '<'),
        Cursor::NewerThan(place) => (place, '>'),
    };
    let at = window.bind(Value::Time(place.at));
    let id = window.bind(Value::Text(place.id.clone()));
    window.texts.push(format!(
        "event_time {sign}= {at} AND (event_time {sign} {at} OR id {sign} {id})"
    ));
}

/// `LIKE` for a part of a text; nothing in it is a wildcard. The database lowers it, as it lowers the column: what is a
/// capital beyond A to Z depends on it.
fn pattern(search: &str) -> String {
    let mut pattern = String::with_capacity(search.len() + 2);
    pattern.push('%');
    for c in search.chars() {
        if matches!(c, '%' | '_' | '!') {
            pattern.push('!');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}
