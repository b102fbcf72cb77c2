//! Reading the audit trail. Whoever looks is written down before they see anything.
use super::{FlowError, Ground};
use crate::{
    domain::{
        audit::{
            Actor, AuditEvent, AuditFilter, AuditPage, AuditRecord, AuditStats, Cursor, EventType,
            Origin,
        },
        oauth_error::ErrorCode,
        time::Timestamp,
    },
    store::audit::RecordAudit,
};
use serde_json::Value;
use time::Duration;

/// Records that a page with a number can reach; the rest is reached by key.
const REACH: u64 = 100_000;
/// Records that an export reads at once.
const PIECE: usize = 500;
/// The period of the counts when none is asked for.
const PERIOD: Duration = Duration::days(30);

/// What reading the trail needs.
#[derive(Clone)]
pub struct AuditDeps {
    /// Common ground.
    pub ground: Ground,
}

/// Who looks.
#[derive(Clone)]
pub struct Reader {
    /// Who.
    pub actor: Actor,
    /// Whence.
    pub origin: Origin,
}

impl AuditDeps {
    /// Writes down who looked at what. When this cannot be made durable, nobody sees anything.
    async fn note(&self, reader: &Reader, event: AuditEvent) -> Result<(), FlowError> {
        let ground = &self.ground;
        let event = event.by(reader.actor.clone()).from(&reader.origin);
        let rows = ground.rows(ground.now(), vec![event])?;
        if rows.is_empty() {
            return Ok(());
        }
        ground.commit(RecordAudit { rows }).await
    }
}

fn viewed(filter: &AuditFilter) -> AuditEvent {
    AuditEvent::new(EventType::AuditLogViewed, "Audit trail read").with("filters", filter.told())
}

/// One page by key.
///
/// # Errors
/// As the database.
pub async fn page(
    deps: &AuditDeps,
    reader: &Reader,
    filter: &AuditFilter,
    cursor: &Cursor,
    size: usize,
) -> Result<AuditPage, FlowError> {
    let page = deps.ground.store.audit_page(filter, cursor, size).await?;
    let event = viewed(filter)
        .with("page_size", size)
        .with("cursor", cursor.print());
    deps.note(reader, event).await?;
    Ok(page)
}

/// What is said around a page.
pub struct Overview {
    /// How many records match, when that costs little.
    pub total: Option<u64>,
    /// The events that the trail has.
    pub event_types: Vec<String>,
}

/// What is said around a page.
///
/// # Errors
/// As the database.
pub async fn overview(deps: &AuditDeps, filter: &AuditFilter) -> Result<Overview, FlowError> {
    let store = &deps.ground.store;
    let total = if filter.is_countable() {
        u64::try_from(store.audit_total(filter).await?).ok()
    } else {
        None
    };
    Ok(Overview {
        total,
        event_types: store.audit_event_types().await?,
    })
}

/// A page by its number.
pub struct Numbered {
    /// The records.
    pub records: Vec<AuditRecord>,
    /// How many match.
    pub total: u64,
    /// The page that this is, which is the last one when a later one was asked for.
    pub number: u64,
    /// How many pages there are.
    pub pages: u64,
}

/// One page by its number.
///
/// # Errors
/// `invalid_request` for a page too far back to be reached so; as the database.
pub async fn numbered(
    deps: &AuditDeps,
    reader: &Reader,
    filter: &AuditFilter,
    number: u64,
    size: usize,
) -> Result<Numbered, FlowError> {
    let store = &deps.ground.store;
    let total = u64::try_from(store.audit_total(filter).await?).unwrap_or(0);
    let per_page = u64::try_from(size).unwrap_or(u64::MAX).max(1);
    let pages = total.div_ceil(per_page);
    let number = number.clamp(1, pages.max(1));
    let offset = (number - 1) * per_page;
    if offset > REACH {
        let why = "this page is too far back to be reached by its number: use cursor, or a period";
        return Err(ErrorCode::InvalidRequest.because(why).into());
    }
    let records = store.audit_slice(filter, offset, size).await?;
    let event = viewed(filter).with("page_size", size).with("page", number);
    deps.note(reader, event).await?;
    Ok(Numbered {
        records,
        total,
        number,
        pages,
    })
}

/// Counts of a period.
pub struct Stats {
    /// The counts.
    pub counts: AuditStats,
    /// From when.
    pub from: Option<Timestamp>,
    /// Until when.
    pub until: Option<Timestamp>,
}

/// Counts a period: the last thirty days when neither end is given.
///
/// # Errors
/// As the database.
pub async fn stats(
    deps: &AuditDeps,
    reader: &Reader,
    from: Option<Timestamp>,
    until: Option<Timestamp>,
) -> Result<Stats, FlowError> {
    let (from, until) = match (from, until) {
        (None, None) => {
            let now = deps.ground.now();
            (Some(now - PERIOD), Some(now))
        }
        given => given,
    };
    let counts = deps.ground.store.audit_stats(from, until).await?;
    let period = AuditFilter {
        from,
        until,
        ..Default::default()
    };
    deps.note(reader, viewed(&period).with("view", "stats"))
        .await?;
    Ok(Stats {
        counts,
        from,
        until,
    })
}

/// The trail on its way out as a file, newest first.
pub struct Export {
    deps: AuditDeps,
    reader: Reader,
    filter: AuditFilter,
    next: Option<Cursor>,
    sent: u64,
}

impl Export {
    /// Begins, which is written down.
    ///
    /// # Errors
    /// As the database.
    pub async fn begin(
        deps: &AuditDeps,
        reader: &Reader,
        filter: AuditFilter,
    ) -> Result<Self, FlowError> {
        let event = exported("Export of the audit trail began", "started", &filter);
        deps.note(reader, event).await?;
        Ok(Self {
            deps: deps.clone(),
            reader: reader.clone(),
            filter,
            next: Some(Cursor::Newest),
            sent: 0,
        })
    }

    /// The next records; `None` after the last.
    ///
    /// # Errors
    /// As the database.
    pub async fn next(&mut self) -> Result<Option<Vec<AuditRecord>>, FlowError> {
        while let Some(cursor) = self.next.take() {
            let store = &self.deps.ground.store;
            let page = store.audit_page(&self.filter, &cursor, PIECE).await?;
            self.next = page.older.map(Cursor::OlderThan);
            if !page.records.is_empty() {
                self.sent += u64::try_from(page.records.len()).unwrap_or(0);
                return Ok(Some(page.records));
            }
        }
        Ok(None)
    }

    /// Ends, which is written down with the number of records that left.
    pub async fn finish(self, is_complete: bool) {
        let event = exported("Export of the audit trail ended", "finished", &self.filter)
            .with("record_count", self.sent)
            .with("complete", is_complete);
        let event = if is_complete {
            event
        } else {
            event.failed("the export was cut short")
        };
        if let Err(error) = self.deps.note(&self.reader, event).await {
            tracing::error!(
                ?error,
                records = self.sent,
                "the end of an export could not be written down"
            );
        }
    }
}

fn exported(action: &'static str, stage: &'static str, filter: &AuditFilter) -> AuditEvent {
    AuditEvent::new(EventType::AuditLogExported, action)
        .with("stage", stage)
        .with("filters", Value::Object(filter.told()))
}
