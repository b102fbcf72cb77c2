//! The components of the design system that carry values: each is drawn by the partial that is named with it.
//! `/docs/components` renders all of them.
//!
//! Never here: where values come from.

use serde::Serialize;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::{Shell, View, Words, words::as_local_href};

/// What an alert or a badge means; a class of the stylesheet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Tone {
    /// Went well, is in force.
    Success,
    /// Needs a look.
    Warning,
    /// Went wrong, is over.
    Error,
    /// Just so you know.
    Info,
    /// Neither good nor bad.
    Neutral,
}

/// One message on top of a page or card; drawn by `partials/alert`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Alert {
    tone: Tone,
    /// ARIA role: `alert` interrupts a screen reader, `status` waits.
    role: &'static str,
    words: Words,
    /// What a program said about it, in English.
    said: Option<String>,
    /// What was typed is at fault: the fields are marked as invalid.
    about_fields: bool,
}

impl Alert {
    /// Something went wrong.
    #[must_use]
    pub fn error(words: Words) -> Self {
        Self::new(Tone::Error, "alert", words)
    }

    /// Something was not done, or needs a look.
    #[must_use]
    pub fn warning(words: Words) -> Self {
        Self::new(Tone::Warning, "alert", words)
    }

    /// Just so you know.
    #[must_use]
    pub fn info(words: Words) -> Self {
        Self::new(Tone::Info, "status", words)
    }

    /// It was done.
    #[must_use]
    pub fn success(words: Words) -> Self {
        Self::new(Tone::Success, "status", words)
    }

    /// With what a program said about it.
    #[must_use]
    pub fn said(self, said: impl Into<String>) -> Self {
        Self {
            said: Some(said.into()),
            ..self
        }
    }

    /// Marks the fields of the form as wrong.
    #[must_use]
    pub fn about_fields(self) -> Self {
        Self {
            about_fields: true,
            ..self
        }
    }

    fn new(tone: Tone, role: &'static str, words: Words) -> Self {
        Self {
            tone,
            role,
            words,
            said: None,
            about_fields: false,
        }
    }
}

/// One word about a state; drawn by `partials/badge`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Badge {
    pub tone: Tone,
    pub words: Words,
}

impl Badge {
    /// A badge.
    #[must_use]
    pub fn new(tone: Tone, key: &'static str) -> Self {
        Self {
            tone,
            words: Words::of(key),
        }
    }
}

/// A moment: the exact time, which the browser's script puts into the reader's zone, and how far away it is;
/// drawn by `partials/when`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct When {
    /// RFC 3339, for machines.
    iso: String,
    /// For people: to the minute, in UTC.
    utc: String,
    away: Words,
}

impl When {
    /// How `at` looks from `now`.
    #[must_use]
    pub fn new(at: OffsetDateTime, now: OffsetDateTime) -> Self {
        let at = at.to_offset(time::UtcOffset::UTC);
        let whole = at.replace_nanosecond(0).unwrap_or(at);
        Self {
            iso: whole.format(&Rfc3339).unwrap_or_default(),
            utc: format!("{} {:02}:{:02} UTC", at.date(), at.hour(), at.minute()),
            away: away(at, now),
        }
    }
}

impl When {
    /// How far away it is, where no element of its own can stand.
    #[must_use]
    pub fn words(&self) -> Words {
        self.away.clone()
    }
}

fn away(at: OffsetDateTime, now: OffsetDateTime) -> Words {
    let seconds = (now - at).whole_seconds();
    let is_past = seconds >= 0;
    let s = seconds.unsigned_abs();
    let (past, ahead, n) = match s {
        0..=4 => return Words::of("time.now"),
        5..=90 => ("time.seconds_ago", "time.in_seconds", s),
        91..=5_400 => ("time.minutes_ago", "time.in_minutes", s / 60),
        5_401..=129_600 => ("time.hours_ago", "time.in_hours", s / 3_600),
        129_601..=5_184_000 => ("time.days_ago", "time.in_days", s / 86_400),
        5_184_001..=63_072_000 => ("time.months_ago", "time.in_months", s / 2_592_000),
        _ => ("time.years_ago", "time.in_years", s / 31_536_000),
    };
    Words::count(if is_past { past } else { ahead }, n)
}

/// A name and a value; drawn by `partials/fact`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fact {
    pub name: Words,
    pub value: Words,
}

impl Fact {
    /// A fact.
    #[must_use]
    pub fn new(name: &'static str, value: impl Into<Words>) -> Self {
        Self {
            name: Words::of(name),
            value: value.into(),
        }
    }
}

/// A link among siblings, of which one is the place where one is; drawn by `partials/tabs`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Tab {
    pub label: Words,
    #[serde(serialize_with = "as_local_href")]
    pub href: String,
    pub is_current: bool,
}

/// Tabs with a name of their own: "Status: all, active, …".
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Tabs {
    pub label: Words,
    pub tabs: Vec<Tab>,
}

/// A choice of a select box.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Choice {
    pub value: String,
    pub label: Words,
    pub is_chosen: bool,
}

/// The search form on top of a list; drawn by `partials/filter`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Filter {
    /// The list's own path; the form is a GET.
    #[serde(serialize_with = "as_local_href")]
    pub action: String,
    pub search: String,
    /// What the search looks at.
    pub hint: Words,
    pub sizes: Vec<Choice>,
    /// Filters of the tabs, which ride along.
    pub hidden: Vec<Hidden>,
    /// Something is filtered: a way back to the whole list is shown.
    pub is_narrowed: bool,
    /// The whole list.
    #[serde(serialize_with = "as_local_href")]
    pub whole: String,
    pub tabs: Vec<Tabs>,
}

/// A hidden field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Hidden {
    pub name: String,
    pub value: String,
}

/// The way to newer and older rows; drawn by `partials/pager`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Pager {
    /// The first page, where this is another one.
    pub first: Option<String>,
    pub newer: Option<String>,
    pub older: Option<String>,
    /// For example "20 on this page" or "1,234 in total".
    pub count: Option<Words>,
}

/// Asks before something ends: what will end, and what that means. The same path answers GET with this page and POST
/// with the deed, so that a form works without script and a link can never do harm.
#[derive(Debug, Clone, Serialize)]
pub struct ConfirmPage {
    pub shell: Shell,
    pub title: Words,
    pub lead: Words,
    /// What will end.
    pub facts: Vec<Fact>,
    /// What that means, one sentence each.
    pub consequences: Vec<Words>,
    /// Where the form is posted.
    #[serde(serialize_with = "as_local_href")]
    pub action: String,
    pub hidden: Vec<Hidden>,
    pub button: Words,
    /// Draws the button in the colour of danger.
    pub is_danger: bool,
    #[serde(serialize_with = "as_local_href")]
    pub cancel: String,
}

impl View for ConfirmPage {
    const TEMPLATE: &'static str = "shared/confirm";
    const TITLE: &'static str = "confirm.page";
}

/// A secret that is shown this once; drawn by `partials/secret`.
#[derive(Debug, Clone, Serialize)]
pub struct Secret {
    pub label: Words,
    pub value: String,
}
