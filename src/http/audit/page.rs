//! The trail as a page: the same questions as the API, with links that ask them.
use super::{
    AuditWeb,
    query::{self, Paging, Query, Reading, Wrong},
};
use crate::{
    domain::{
        audit::{AuditFilter, AuditPage as Found, AuditRecord, Cursor, EventType, Severity},
        time::Timestamp,
    },
    flows::audit::{self, Overview},
    http::web::guard::{Answer, Visit},
    pages::{
        Alert, AuditLine, AuditPage, Badge, Choice, Fact, Input, Like, Pager, Place, Select, Tone,
        When, Words,
    },
};
use std::sync::Arc;
use time::macros::format_description;

const PATH: &str = "/admin/audit";
const SIZES: [usize; 3] = [20, 50, 100];

/// `GET /admin/audit`.
pub async fn show(deps: AuditWeb, visit: Arc<Visit>) -> Answer {
    let Reading { query, wrong } = query::look(&visit.request);
    if let Some(first) = wrong.first() {
        let alert = Alert::error(complaint(first.field));
        let overview = audit::overview(&deps.audit, &AuditFilter::default()).await?;
        let sheet = Sheet {
            wrong,
            ..Sheet::new(&visit, query, overview)
        };
        let page = AuditPage {
            alert: Some(alert),
            is_narrowed: true,
            ..sheet.page(Found::default())
        };
        return Ok(visit.draw(400, &page));
    }
    let cursor = match &query.paging {
        Paging::Key(cursor) => cursor.clone(),
        Paging::Number(_) => Cursor::Newest,
    };
    let reader = visit.reader();
    let found = audit::page(&deps.audit, &reader, &query.filter, &cursor, query.size).await?;
    let overview = audit::overview(&deps.audit, &query.filter).await?;
    Ok(visit.draw(200, &Sheet::new(&visit, query, overview).page(found)))
}

/// Names the filter as the page does.
fn complaint(field: &str) -> Words {
    let label = match field {
        "search" => "audit.search",
        "event_type" => "audit.event",
        "severity" => "audit.severity",
        "success" => "audit.outcome",
        "start_time" => "audit.from",
        "end_time" => "audit.until",
        "actor_user_id" => "audit.actor_id",
        "actor_ip" => "audit.ip",
        "resource_type" => "audit.resource_type",
        "resource_id" => "audit.resource_id",
        _ => return Words::of("audit.wrong_address"),
    };
    Words::of("audit.wrong").with("field", Words::of(label))
}

/// What a page is made of.
struct Sheet<'v> {
    visit: &'v Visit,
    query: Query,
    /// What of the query was not understood.
    wrong: Vec<Wrong>,
    overview: Overview,
    now: Timestamp,
}

impl<'v> Sheet<'v> {
    fn new(visit: &'v Visit, query: Query, overview: Overview) -> Self {
        Self {
            now: visit.web.login.ground.now(),
            visit,
            query,
            wrong: Vec::new(),
            overview,
        }
    }

    fn page(&self, found: Found) -> AuditPage {
        let filter = &self.query.filter;
        let link = |cursor: Cursor| self.href(PATH, Some(("cursor", &cursor.print())));
        let looked = found
            .looked_until
            .map(|at| Words::of("audit.looked").with("time", said_time(at)));
        let inputs = self.inputs();
        AuditPage {
            shell: self.visit.shell(Place::Audit),
            alert: None,
            export: self.href("/admin/audit/export", None),
            export_count: match self.overview.total.filter(|_| self.wrong.is_empty()) {
                Some(total) => Words::count("audit.export_count", total),
                None => Words::of("audit.export_uncounted"),
            },
            exports: format!("{PATH}?event_type={}", EventType::AuditLogExported.as_str()),
            search: match self.typed("search") {
                Some(typed) => typed.to_owned(),
                None => filter.search.clone().unwrap_or_default(),
            },
            is_search_wrong: self.typed("search").is_some(),
            selects: self.selects(),
            sizes: SIZES.iter().map(|size| self.size(*size)).collect(),
            is_narrowed: *filter != AuditFilter::default(),
            is_open: inputs.iter().any(|input| !input.value.is_empty()),
            inputs,
            rows: found
                .records
                .iter()
                .map(|record| self.line(record))
                .collect(),
            looked,
            pager: Pager {
                first: found.newer.as_ref().map(|_| self.href(PATH, None)),
                newer: found.newer.map(|place| link(Cursor::NewerThan(place))),
                older: found.older.map(|place| link(Cursor::OlderThan(place))),
                count: self
                    .overview
                    .total
                    .map(|total| Words::count("list.total", total)),
            },
        }
    }

    fn size(&self, size: usize) -> Choice {
        Choice {
            value: size.to_string(),
            label: Words::from(size.to_string()),
            is_chosen: size == self.query.size,
        }
    }

    /// The address that asks for the same records, but for one filter.
    fn href(&self, path: &str, changed: Option<(&str, &str)>) -> String {
        let mut pairs = self.query.pairs();
        if let Some((name, value)) = changed {
            pairs.retain(|(known, _)| *known != name);
            pairs.push((name, value.to_owned()));
        }
        let mut text = url::form_urlencoded::Serializer::new(String::new());
        text.extend_pairs(pairs.iter().filter(|(_, value)| !value.is_empty()));
        let text = text.finish();
        if text.is_empty() {
            path.to_owned()
        } else {
            format!("{path}?{text}")
        }
    }

    fn selects(&self) -> Vec<Select> {
        let filter = &self.query.filter;
        let success = filter.success.map(|success| success.to_string());
        let severities = [
            Severity::Info,
            Severity::Warning,
            Severity::Error,
            Severity::Critical,
        ];
        let severities = severities.map(|severity| severity.as_str().to_owned());
        let outcomes = ["true", "false"].map(str::to_owned);
        vec![
            self.select(
                ("event_type", "audit.event", "audit.events."),
                &filter.event_type,
                &self.overview.event_types,
            ),
            self.select(
                ("severity", "audit.severity", "audit.severities."),
                &filter.severity,
                &severities,
            ),
            self.select(
                ("success", "audit.outcome", "audit.outcomes."),
                &success,
                &outcomes,
            ),
        ]
    }

    /// A value that is asked for stands among the choices even when the trail has none of it.
    fn select(
        &self,
        (name, label, names): (&'static str, &'static str, &'static str),
        chosen: &Option<String>,
        known: &[String],
    ) -> Select {
        let choice = |value: &String| Choice {
            label: self.named(names, value),
            is_chosen: chosen.as_ref() == Some(value),
            value: value.clone(),
        };
        let any = Choice {
            value: String::new(),
            label: Words::of("audit.any"),
            is_chosen: chosen.is_none(),
        };
        let unknown = chosen.iter().filter(|value| !known.contains(value));
        let choices = known.iter().chain(unknown).map(choice);
        Select {
            name,
            label: Words::of(label),
            choices: std::iter::once(any).chain(choices).collect(),
        }
    }

    fn named(&self, names: &str, value: &str) -> Words {
        self.visit.web.pages.named(names, value)
    }

    /// What a field said that was not understood.
    fn typed(&self, field: &str) -> Option<&str> {
        let wrong = self.wrong.iter().find(|wrong| wrong.field == field);
        wrong.map(|wrong| wrong.typed.as_str())
    }

    fn inputs(&self) -> Vec<Input> {
        let filter = &self.query.filter;
        let text = |name, label, value: &Option<String>| Input {
            name,
            label: Words::of(label),
            kind: "text",
            value: value.clone().unwrap_or_default(),
            step: false,
            is_wrong: false,
        };
        let time = |name, label, at: Option<Timestamp>| Input {
            kind: "datetime-local",
            step: true,
            ..text(name, label, &at.map(field_time))
        };
        // A field for times would show nothing of a text that is none.
        let again = |input: Input| match self.typed(input.name) {
            Some(typed) => Input {
                kind: "text",
                value: typed.to_owned(),
                step: false,
                is_wrong: true,
                ..input
            },
            None => input,
        };
        [
            time("start_time", "audit.from", filter.from),
            time("end_time", "audit.until", filter.until),
            text("actor_user_id", "audit.actor_id", &filter.actor),
            text("actor_ip", "audit.ip", &filter.ip),
            text(
                "resource_type",
                "audit.resource_type",
                &filter.resource_type,
            ),
            text("resource_id", "audit.resource_id", &filter.resource_id),
        ]
        .map(again)
        .into()
    }

    fn like(&self, name: &str, value: &str, label: &str) -> Like {
        Like {
            label: Words::from(label),
            href: (!value.is_empty()).then(|| self.href(PATH, Some((name, value)))),
        }
    }

    fn line(&self, record: &AuditRecord) -> AuditLine {
        let actor_id = record.actor();
        let actor = match (record.actor_username.as_str(), actor_id.as_str()) {
            ("", "") => Like {
                label: Words::of("audit.nobody"),
                href: None,
            },
            ("", id) => self.like("actor_user_id", id, id),
            (name, id) => self.like("actor_user_id", id, name),
        };
        let resource_name = [&record.resource_name, &record.resource_id]
            .into_iter()
            .find(|text| !text.is_empty());
        let resource =
            resource_name.map(|name| self.like("resource_id", &record.resource_id, name));
        let ip = (!record.actor_ip.is_empty())
            .then(|| self.like("actor_ip", &record.actor_ip, &record.actor_ip));
        AuditLine {
            when: When::new(record.at, self.now),
            event: self.named("audit.events.", &record.event_type),
            severity: self.severity(&record.severity),
            action: record.action.clone(),
            actor,
            resource,
            kind: (!record.resource_type.is_empty())
                .then(|| self.named("audit.resources.", &record.resource_type)),
            ip,
            outcome: if record.success {
                Badge::new(Tone::Success, "audit.outcomes.true")
            } else {
                Badge::new(Tone::Error, "audit.outcomes.false")
            },
            reason: Some(record.error_message.clone()).filter(|text| !text.is_empty()),
            facts: facts(record, actor_id),
            recorded: record.details.as_deref().map(pretty),
        }
    }

    fn severity(&self, severity: &str) -> Option<Badge> {
        let tone = match severity {
            "" | "INFO" => return None,
            "WARNING" => Tone::Warning,
            "ERROR" | "CRITICAL" => Tone::Error,
            _ => Tone::Neutral,
        };
        Some(Badge {
            tone,
            words: self.named("audit.severities.", severity),
        })
    }
}

/// What the columns leave out.
fn facts(record: &AuditRecord, actor_id: String) -> Vec<Fact> {
    let request = format!("{} {}", record.request_method, record.request_path);
    [
        ("audit.event", record.event_type.clone()),
        ("audit.id", record.id.clone()),
        ("audit.actor_id", actor_id),
        ("audit.resource_id", record.resource_id.clone()),
        ("audit.request", request.trim().to_owned()),
        ("audit.agent", record.user_agent.clone()),
    ]
    .into_iter()
    .filter(|(_, value)| !value.is_empty())
    .map(|(name, value)| Fact::new(name, value))
    .collect()
}

/// JSON with line breaks; text that is none as it is.
fn pretty(text: &str) -> String {
    serde_json::from_str::<serde_json::Value>(text)
        .and_then(|value| serde_json::to_string_pretty(&value))
        .unwrap_or_else(|_| text.to_owned())
}

/// As a browser's field for date and time takes it.
fn field_time(at: Timestamp) -> String {
    at.format(format_description!(
        "[year]-[month]-[day]T[hour]:[minute]:[second]"
    ))
    .unwrap_or_default()
}

/// For people, in UTC.
fn said_time(at: Timestamp) -> String {
    at.format(format_description!(
        "[year]-[month]-[day] [hour]:[minute] UTC"
    ))
    .unwrap_or_default()
}
