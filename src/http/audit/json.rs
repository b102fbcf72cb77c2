//! The trail as JSON, in the shape that clients know: by page number, or by key with `cursor`.
use super::{
    AuditWeb, failure,
    query::{self, Paging, Query, Wrong},
    refusal,
};
use crate::{
    domain::{
        audit::{AuditPage, AuditRecord, Cursor, Place, rfc3339},
        time::Timestamp,
    },
    flows::audit::{self, Numbered, Reader, Stats},
    http::{
        request::Request,
        respond::{self, Response},
    },
};
use serde::Serialize;
use serde_json::{json, value::RawValue};

#[derive(Serialize)]
struct Record<'a> {
    id: &'a str,
    event_type: &'a str,
    event_time: String,
    severity: &'a str,
    actor_user_id: String,
    actor_username: &'a str,
    actor_ip: &'a str,
    resource_type: &'a str,
    resource_id: &'a str,
    resource_name: &'a str,
    action: &'a str,
    details: Option<Box<RawValue>>,
    success: bool,
    #[serde(skip_serializing_if = "str::is_empty")]
    error_message: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    user_agent: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    request_path: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    request_method: &'a str,
    created_at: String,
}

impl<'a> From<&'a AuditRecord> for Record<'a> {
    fn from(record: &'a AuditRecord) -> Self {
        Self {
            id: &record.id,
            event_type: &record.event_type,
            event_time: rfc3339(record.at),
            severity: &record.severity,
            actor_user_id: record.actor(),
            actor_username: &record.actor_username,
            actor_ip: &record.actor_ip,
            resource_type: &record.resource_type,
            resource_id: &record.resource_id,
            resource_name: &record.resource_name,
            action: &record.action,
            details: details(record),
            success: record.success,
            error_message: &record.error_message,
            user_agent: &record.user_agent,
            request_path: &record.request_path,
            request_method: &record.request_method,
            created_at: rfc3339(record.created_at),
        }
    }
}

/// Details as they are stored. Text that is no JSON, which only a foreign hand could have left there, is told as text.
fn details(record: &AuditRecord) -> Option<Box<RawValue>> {
    let text = record.details.as_ref()?;
    match RawValue::from_string(text.clone()) {
        Ok(raw) => Some(raw),
        Err(_) => serde_json::value::to_raw_value(text).ok(),
    }
}

/// By number. The names are capitalised because they always were.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Pagination {
    total: u64,
    total_pages: u64,
    current_page: u64,
    page_size: usize,
    has_prev: bool,
    has_next: bool,
    prev_page: u64,
    next_page: u64,
}

/// `GET /admin/audit/api`.
pub async fn list(deps: AuditWeb, reader: Reader, request: Request) -> Response {
    let Query {
        filter,
        paging,
        size,
    } = match query::read(&request) {
        Ok(query) => query,
        Err(why) => return refusal(400, "invalid_request", &why.to_string()),
    };
    let answer = match paging {
        Paging::Number(number) => audit::numbered(&deps.audit, &reader, &filter, number, size)
            .await
            .map(|page| by_number(&page, size)),
        Paging::Key(cursor) => audit::page(&deps.audit, &reader, &filter, &cursor, size)
            .await
            .map(|page| by_key(&page, size)),
    };
    match answer {
        Ok(answer) => respond::no_store(answer),
        Err(error) => failure(&error),
    }
}

fn logs(records: &[AuditRecord]) -> Vec<Record<'_>> {
    records.iter().map(Record::from).collect()
}

fn by_number(page: &Numbered, size: usize) -> Response {
    let has_next = page.number < page.pages;
    let pagination = Pagination {
        total: page.total,
        total_pages: page.pages,
        current_page: page.number,
        page_size: size,
        has_prev: page.number > 1,
        has_next,
        prev_page: (page.number - 1).max(1),
        next_page: (page.number + 1).min(page.pages),
    };
    let older = page.records.last().filter(|_| has_next);
    let next = older.map(|record| Cursor::OlderThan(record.place()).print());
    respond::json(
        200,
        &json!({"logs": logs(&page.records), "pagination": pagination, "next_cursor": next}),
    )
}

fn by_key(page: &AuditPage, size: usize) -> Response {
    let print = |place: &Option<Place>, cursor: fn(Place) -> Cursor| {
        place.clone().map(|place| cursor(place).print())
    };
    let body = json!({
        "logs": logs(&page.records),
        "pagination": {
            "PageSize": size,
            "HasPrev": page.newer.is_some(),
            "HasNext": page.older.is_some(),
        },
        "next_cursor": print(&page.older, Cursor::OlderThan),
        "prev_cursor": print(&page.newer, Cursor::NewerThan),
        "searched_until": page.looked_until.map(rfc3339),
    });
    respond::json(200, &body)
}

/// `GET /admin/audit/api/stats`.
pub async fn stats(deps: AuditWeb, reader: Reader, request: Request) -> Response {
    match count(&deps, &reader, &request).await {
        Ok(answer) | Err(answer) => answer,
    }
}

async fn count(deps: &AuditWeb, reader: &Reader, request: &Request) -> Result<Response, Response> {
    let wrong = |why: Wrong| refusal(400, "invalid_request", &why.to_string());
    let filter = query::read(request).map_err(wrong)?.filter;
    let Stats {
        counts,
        from,
        until,
    } = audit::stats(&deps.audit, reader, filter.from, filter.until)
        .await
        .map_err(|error| failure(&error))?;
    // An open end has always been told as the zero time.
    let bound =
        |at: Option<Timestamp>| at.map_or_else(|| "0001-01-01T00:00:00Z".to_owned(), rfc3339);
    let body = json!({
        "stats": {
            "total_events": counts.total,
            "events_by_type": counts.by_type,
            "events_by_severity": counts.by_severity,
            "success_count": counts.success,
            "failure_count": counts.failure,
        },
        "start_time": bound(from),
        "end_time": bound(until),
    });
    Ok(respond::no_store(respond::json(200, &body)))
}
