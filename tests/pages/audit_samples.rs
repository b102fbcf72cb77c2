//! Plausible views of the audit trail and of the description of the endpoints.

use super::super::samples::{admin_shell, ago};
use authgate::pages::{
    Alert, ApiAnswer, ApiField, ApiGroup, ApiOperation, ApiPage, AuditLine, AuditPage, Badge,
    Choice, Fact, Input, Lang, Like, Pager, Place, Select, Tone, Words, prose,
};

fn choices(values: &[&str], names: &'static str, chosen: &str) -> Vec<Choice> {
    let choice = |value: &&str| Choice {
        value: (*value).to_owned(),
        label: if value.is_empty() {
            Words::of("audit.any")
        } else {
            Words::of(format!("{names}{value}"))
        },
        is_chosen: *value == chosen,
    };
    values.iter().map(choice).collect()
}

fn like(name: &str, value: &str, label: &str) -> Like {
    Like {
        label: label.into(),
        href: Some(format!("/admin/audit?{name}={value}")),
    }
}

fn audit_line(
    seconds: i64,
    (event, action): (&str, &str),
    severity: Option<Badge>,
    success: bool,
) -> AuditLine {
    AuditLine {
        when: ago(seconds),
        event: Words::of(format!("audit.events.{event}")),
        severity,
        action: action.into(),
        actor: like("actor_user_id", "u1", "maria.lindqvist"),
        resource: Some(like("resource_id", "r1", "Fleet Deploy Assistant")),
        kind: Some(Words::of("audit.resources.CLIENT")),
        ip: Some(like("actor_ip", "203.0.113.77", "203.0.113.77")),
        outcome: if success {
            Badge::new(Tone::Success, "audit.outcomes.true")
        } else {
            Badge::new(Tone::Error, "audit.outcomes.false")
        },
        reason: (!success).then(|| "Invalid credentials".to_owned()),
        facts: vec![
            Fact::new("audit.event", event),
            Fact::new("audit.id", "0d9b9c1e-5a40-4c7e-9a49-0a5ad1a3f0d5"),
            Fact::new("audit.request", "POST /oauth/token"),
            Fact::new("audit.agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"),
        ],
        recorded: Some("{\n  \"client_id\": \"5700669a-49d1-4d80-85e5-ca811d982b42\",\n  \"scopes\": \"email profile\"\n}".into()),
    }
}

pub fn audit() -> AuditPage {
    let input = |name, label, kind| Input {
        name,
        label: Words::of(label),
        kind,
        value: String::new(),
        step: kind != "text",
        is_wrong: false,
    };
    let select = |name, label, names, values: &[&str], chosen: &str| Select {
        name,
        label: Words::of(label),
        choices: choices(values, names, chosen),
    };
    AuditPage {
        shell: admin_shell(Place::Audit),
        alert: None,
        export: "/admin/audit/export?search=deploy".into(),
        export_count: Words::of("audit.export_uncounted"),
        exports: "/admin/audit?event_type=AUDIT_LOG_EXPORTED".into(),
        search: "deploy".into(),
        is_search_wrong: false,
        selects: vec![
            select(
                "event_type",
                "audit.event",
                "audit.events.",
                &["", "TOKEN_REFRESHED", "CLIENT_SECRET_REGENERATED"],
                "",
            ),
            select(
                "severity",
                "audit.severity",
                "audit.severities.",
                &["", "INFO", "WARNING", "ERROR", "CRITICAL"],
                "",
            ),
            select(
                "success",
                "audit.outcome",
                "audit.outcomes.",
                &["", "true", "false"],
                "",
            ),
        ],
        inputs: vec![
            input("start_time", "audit.from", "datetime-local"),
            input("end_time", "audit.until", "datetime-local"),
            input("actor_user_id", "audit.actor_id", "text"),
            input("actor_ip", "audit.ip", "text"),
            input("resource_type", "audit.resource_type", "text"),
            input("resource_id", "audit.resource_id", "text"),
        ],
        sizes: ["20", "50", "100"]
            .into_iter()
            .map(|size| Choice {
                value: size.to_owned(),
                label: size.into(),
                is_chosen: size == "20",
            })
            .collect(),
        is_narrowed: true,
        is_open: false,
        rows: vec![
            audit_line(
                40,
                ("ACCESS_TOKEN_ISSUED", "Access token issued for a device"),
                None,
                true,
            ),
            audit_line(
                90,
                ("AUTHENTICATION_FAILURE", "Sign-in was refused"),
                Some(Badge::new(Tone::Warning, "audit.severities.WARNING")),
                false,
            ),
            AuditLine {
                actor: Like {
                    label: Words::of("audit.nobody"),
                    href: None,
                },
                resource: None,
                kind: None,
                recorded: None,
                ..audit_line(
                    4_000,
                    ("SUSPICIOUS_ACTIVITY", "A deployed token came back"),
                    Some(Badge::new(Tone::Error, "audit.severities.CRITICAL")),
                    true,
                )
            },
            AuditLine {
                actor: like(
                    "actor_user_id",
                    "client:x",
                    "client:5700669a-49d1-4d80-85e5-ca811d982b42",
                ),
                ..audit_line(
                    90_000,
                    (
                        "CLIENT_CREDENTIALS_TOKEN_ISSUED",
                        "Token issued for a machine",
                    ),
                    None,
                    true,
                )
            },
        ],
        looked: Some(Words::of("audit.looked").with("time", "2026-11-20 08:15 UTC")),
        pager: Pager {
            first: None,
            newer: None,
            older: Some("/admin/audit?search=deploy&cursor=o.1.a".into()),
            count: None,
        },
    }
}

/// The last of all records.
pub fn audit_last() -> AuditPage {
    AuditPage {
        export: "/admin/audit/export".into(),
        export_count: Words::count("audit.export_count", 1_234_564),
        exports: "/admin/audit?event_type=AUDIT_LOG_EXPORTED".into(),
        search: String::new(),
        is_narrowed: false,
        looked: None,
        pager: Pager {
            first: Some("/admin/audit".into()),
            newer: Some("/admin/audit?cursor=n.1.a".into()),
            older: None,
            count: Some(Words::count("list.total", 1_234_564)),
        },
        ..audit()
    }
}

/// Nothing matches.
pub fn audit_empty() -> AuditPage {
    AuditPage {
        rows: Vec::new(),
        looked: None,
        pager: Pager::default(),
        ..audit()
    }
}

/// A time that is none, and all that was typed beside it.
pub fn audit_wrong() -> AuditPage {
    let page = audit_empty();
    let typed = |input: Input| match input.name {
        "start_time" => Input {
            kind: "text",
            value: "yesterday".into(),
            step: false,
            is_wrong: true,
            ..input
        },
        "actor_ip" => Input {
            value: "203.0.113.77".into(),
            ..input
        },
        _ => input,
    };
    AuditPage {
        alert: Some(Alert::error(
            Words::of("audit.wrong").with("field", Words::of("audit.from")),
        )),
        export: "/admin/audit/export?search=deploy&actor_ip=203.0.113.77".into(),
        export_count: Words::of("audit.export_uncounted"),
        exports: "/admin/audit?event_type=AUDIT_LOG_EXPORTED".into(),
        inputs: page.inputs.into_iter().map(typed).collect(),
        is_open: true,
        ..audit_empty()
    }
}

pub fn api(lang: Lang) -> ApiPage {
    let operation = ApiOperation {
        id: "token".into(),
        method: "POST".into(),
        path: "/oauth/token".into(),
        summary: prose("Get tokens"),
        description: prose("What is needed depends on `grant_type`."),
        fields: vec![ApiField {
            name: "grant_type".into(),
            place: "body".into(),
            kind: "string".into(),
            is_required: true,
            description: prose("One of those that the `metadata` names."),
        }],
        sample: Some("{\n  \"grant_type\": \"client_credentials\"\n}".into()),
        answers: vec![ApiAnswer {
            status: "200".into(),
            description: prose("Tokens."),
            sample: Some("{\n  \"token_type\": \"Bearer\"\n}".into()),
        }],
    };
    let group = ApiGroup {
        id: "tag-tokens".into(),
        name: "Tokens".into(),
        description: prose("Getting, renewing and ending tokens."),
        operations: vec![operation],
    };
    ApiPage::new(lang, "https://auth.example.com".into(), vec![group])
}
