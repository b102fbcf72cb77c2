//! `/docs/components`: the design system, drawn. Its values are fixed, so that the page looks the same every day.
//!
//! Never here: anything that a real page shows.

use serde::Serialize;
use time::{Duration, macros::datetime};

use super::{
    Alert, Badge, Choice, Fact, Filter, Pager, ScopeLine, Secret, Shell, Tab, Tabs, Tone, View,
    When, Words,
};

/// Names of tokens in the stylesheet, each with a class of the same name.
const COLOURS: [&str; 12] = [
    "paper",
    "surface",
    "sunken",
    "line",
    "line-strong",
    "ink",
    "ink-soft",
    "accent",
    "danger",
    "warning",
    "success",
    "info",
];
const TEXTS: [&str; 5] = [
    "text-title",
    "text-field",
    "text-body",
    "text-note",
    "text-small",
];
const SPACES: [&str; 8] = [
    "space-1", "space-2", "space-3", "space-4", "space-5", "space-6", "space-7", "space-8",
];

/// Every component once.
#[derive(Debug, Clone, Serialize)]
pub struct ComponentsPage {
    shell: Shell,
    alerts: Vec<Alert>,
    badges: Vec<Badge>,
    filter: Filter,
    rows: Vec<Row>,
    pager: Pager,
    facts: Vec<Fact>,
    secret: Secret,
    scopes: Vec<ScopeLine>,
    resources: Vec<String>,
    code: &'static str,
    sample: &'static str,
    colours: [&'static str; 12],
    texts: [&'static str; 5],
    spaces: [&'static str; 8],
}

#[derive(Debug, Clone, Serialize)]
struct Row {
    name: String,
    id: String,
    badge: Badge,
    when: When,
}

impl View for ComponentsPage {
    const TEMPLATE: &'static str = "shared/components";
    const TITLE: &'static str = "components.title";
}

impl ComponentsPage {
    /// The page in its frame.
    #[must_use]
    pub fn new(shell: Shell) -> Self {
        let here = "/docs/components";
        let tab = |key: &'static str, is_current| Tab {
            label: Words::of(key),
            href: here.to_owned(),
            is_current,
        };
        let rows: Vec<Row> = [
            (Tone::Success, "Fleet Deploy Assistant", 40),
            (Tone::Warning, "AuthGate CLI", 7_200),
            (
                Tone::Neutral,
                "a-name-without-any-blank-that-is-much-longer-than-its-column",
                900_000,
            ),
        ]
        .into_iter()
        .map(row)
        .collect();
        Self {
            shell,
            alerts: vec![
                Alert::success(Words::of("components.alert")),
                Alert::info(Words::of("components.alert")),
                Alert::warning(Words::of("components.alert")),
                Alert::error(Words::of("components.alert")),
            ],
            badges: [
                Tone::Success,
                Tone::Info,
                Tone::Warning,
                Tone::Error,
                Tone::Neutral,
            ]
            .map(|tone| Badge::new(tone, "components.badge"))
            .into(),
            filter: Filter {
                action: here.to_owned(),
                search: "fleet".to_owned(),
                hint: Words::of("components.name"),
                sizes: vec![Choice {
                    value: "20".to_owned(),
                    label: Words::from("20"),
                    is_chosen: true,
                }],
                hidden: Vec::new(),
                is_narrowed: true,
                whole: here.to_owned(),
                tabs: vec![Tabs {
                    label: Words::of("components.state"),
                    tabs: vec![
                        tab("list.all", true),
                        tab("components.here", false),
                        tab("components.there", false),
                    ],
                }],
            },
            pager: Pager {
                first: Some(here.to_owned()),
                newer: Some(here.to_owned()),
                older: Some(here.to_owned()),
                count: Some(Words::count("list.total", 1_234)),
            },
            facts: vec![
                Fact::new("components.name", "Fleet Deploy Assistant"),
                Fact::new("components.state", Words::of("components.badge")),
            ],
            secret: Secret {
                label: Words::of("components.secret"),
                value: "ago_s3cr3ts3cr3ts3cr3ts3cr3ts3cr3ts3cr3ts3cr3ts3cr3t".to_owned(),
            },
            rows,
            scopes: ["openid", "email", "orders:refund"]
                .map(ScopeLine::of)
                .into(),
            resources: vec!["https://orders.example.com/api".to_owned()],
            code: "WDJB-MJHT",
            sample: "curl -s https://auth.example.com/health",
            colours: COLOURS,
            texts: TEXTS,
            spaces: SPACES,
        }
    }
}

fn row((tone, name, seconds): (Tone, &str, i64)) -> Row {
    let now = datetime!(2026-11-24 14:30 UTC);
    Row {
        name: name.to_owned(),
        id: format!("{seconds}"),
        badge: Badge::new(tone, "components.badge"),
        when: When::new(now - Duration::seconds(seconds), now),
    }
}
