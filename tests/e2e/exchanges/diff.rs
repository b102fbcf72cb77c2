//! Compares an answer with a recorded one: values of that run are filled in, and what varies is only compared in kind.
use crate::support::Answer;
use serde_json::{Map, Value};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fmt,
};

/// One difference.
#[derive(Debug)]
pub struct Difference {
    pub what: String,
    /// `status`, `header NAME` or a path into the body.
    pub part: String,
    pub was: String,
    pub is: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "[{}] {}: {} -> {}",
            self.what, self.part, self.was, self.is
        )
    }
}

/// `{name}` and its value in this run.
#[derive(Default)]
pub struct Substitutions(HashMap<String, String>);

impl Substitutions {
    pub fn set(&mut self, name: &str, value: &str) {
        self.0.insert(format!("{{{name}}}"), value.to_owned());
    }

    pub fn get(&self, name: &str) -> &str {
        &self.0[&format!("{{{name}}}")]
    }

    /// A recorded value as it would be in this run.
    pub fn fill(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => {
                Value::String(self.0.iter().fold(text.clone(), |text, (name, value)| {
                    text.replace(name, value)
                }))
            }
            Value::Array(items) => items.iter().map(|item| self.fill(item)).collect(),
            Value::Object(members) => Value::Object(
                members
                    .iter()
                    .map(|(k, v)| (k.clone(), self.fill(v)))
                    .collect(),
            ),
            other => other.clone(),
        }
    }

    /// A value of this run with the names back in, for people.
    fn named(&self, text: &str) -> String {
        let mut pairs: Vec<_> = self.0.iter().filter(|(_, value)| value.len() > 8).collect();
        pairs.sort_by_key(|(name, value)| (usize::MAX - value.len(), (*name).clone()));
        pairs
            .into_iter()
            .fold(text.to_owned(), |text, (name, value)| {
                text.replace(value.as_str(), name)
            })
    }
}

/// Headers that mean something even where the recording has none.
const TELLING: [&str; 5] = [
    "location",
    "www-authenticate",
    "cache-control",
    "retry-after",
    "set-cookie",
];

pub fn answers(
    what: &str,
    expected: &Value,
    answer: &Answer,
    values: &Substitutions,
    into: &mut Vec<Difference>,
) {
    let mut tell = |part: &str, was: String, is: String| {
        into.push(Difference {
            what: what.to_owned(),
            part: part.to_owned(),
            was: values.named(&was),
            is: values.named(&is),
        });
    };
    if expected["status"] != answer.status {
        tell(
            "status",
            expected["status"].to_string(),
            answer.status.to_string(),
        );
    }
    let headers = expected["headers"].as_object().unwrap();
    let names: BTreeSet<&str> = headers.keys().map(String::as_str).chain(TELLING).collect();
    let absent = || "absent".to_owned();
    for name in names {
        let was = headers.get(name).and_then(Value::as_str);
        let is = answer.header(name);
        match (was, is) {
            (Some(was), Some(is)) if matches(was, &is) => {}
            (Some(was), Some(is)) if name == "location" && was.contains('?') => {
                addresses(was, &is, &mut tell);
            }
            (None, None) => {}
            (was, is) => tell(
                &format!("header {name}"),
                was.map_or_else(absent, str::to_owned),
                is.unwrap_or_else(absent),
            ),
        }
    }
    match &expected["body"] {
        Value::String(kind) => {
            let alike = match kind.as_str() {
                "<html>" => {
                    answer.body.starts_with("<!DOCTYPE html>")
                        || answer.body.starts_with("<!doctype html>")
                }
                // Prose, or nothing: the Go server adds a link to its redirections.
                "<text>" => true,
                other => other == answer.body,
            };
            if !alike {
                tell(
                    "body",
                    kind.clone(),
                    answer.body.chars().take(200).collect(),
                );
            }
        }
        body => match serde_json::from_str(&answer.body) {
            Ok(actual) => self::values(what, "body", body, &actual, values, into),
            Err(_) => tell(
                "body",
                "JSON".to_owned(),
                answer.body.chars().take(60).collect(),
            ),
        },
    }
}

/// Compares addresses parameter by parameter.
fn addresses(was: &str, is: &str, tell: &mut impl FnMut(&str, String, String)) {
    let parts = |address: &str| -> (String, BTreeMap<String, String>) {
        let (path, query) = address.split_once('?').unwrap_or((address, ""));
        let pairs = url::form_urlencoded::parse(query.as_bytes()).into_owned();
        (path.to_owned(), pairs.collect())
    };
    let ((was_path, was), (is_path, is)) = (parts(was), parts(is));
    if was_path != is_path {
        tell("header location", was_path, is_path);
    }
    let names: BTreeSet<&String> = was.keys().chain(is.keys()).collect();
    for name in names {
        let (was, is) = (was.get(name), is.get(name));
        if !matches!((was, is), (Some(was), Some(is)) if matches(was, is)) {
            let shown = |text: Option<&String>| text.map_or("absent", String::as_str).to_owned();
            tell(&format!("location {name}"), shown(was), shown(is));
        }
    }
}

pub fn values(
    what: &str,
    part: &str,
    expected: &Value,
    actual: &Value,
    known: &Substitutions,
    into: &mut Vec<Difference>,
) {
    let mut tell = |was: String, is: String| {
        into.push(Difference {
            what: what.to_owned(),
            part: part.to_owned(),
            was: known.named(&was),
            is: known.named(&is),
        });
    };
    match (expected, actual) {
        (Value::Object(was), Value::Object(is)) => members(what, part, (was, is), known, into),
        (Value::Array(was), Value::Array(is))
            if was.len() == is.len() && was.iter().all(Value::is_object) =>
        {
            for (was, is) in was.iter().zip(is) {
                values(what, part, was, is, known, into);
            }
        }
        (Value::String(was), is) if is_varying(part) && !was.is_empty() && is.is_string() => {}
        (Value::String(was), Value::String(is)) if matches(was, is) => {}
        (Value::String(was), Value::Number(is))
            if was == "<unix time>" && is.as_i64() > Some(1_000_000_000) => {}
        (Value::Number(was), Value::Number(is)) if part.ends_with(".expires_in") => {
            let (was, is) = (was.as_i64().unwrap(), is.as_i64().unwrap());
            // Ten hours and up to half an hour of jitter; everything else is exact, but for the second it took.
            let alike = if was >= 36_000 - 1 {
                (35_999..=37_800).contains(&is)
            } else {
                (was - is).abs() <= 1
            };
            if !alike {
                tell(was.to_string(), is.to_string());
            }
        }
        (was, is) if was == is => {}
        (was, is) => tell(was.to_string(), shown(is)),
    }
}

/// A hash of what varies.
fn is_varying(part: &str) -> bool {
    part.ends_with(".at_hash")
}

fn members(
    what: &str,
    part: &str,
    (was, is): (&Map<String, Value>, &Map<String, Value>),
    known: &Substitutions,
    into: &mut Vec<Difference>,
) {
    let names: BTreeSet<&String> = was.keys().chain(is.keys()).collect();
    for name in names {
        let part = format!("{part}.{name}");
        match (was.get(name), is.get(name)) {
            (Some(was), Some(is)) => values(what, &part, was, is, known, into),
            (Some(was), None) => into.push(Difference {
                what: what.to_owned(),
                part,
                was: known.named(&was.to_string()),
                is: "absent".to_owned(),
            }),
            (None, Some(is)) => into.push(Difference {
                what: what.to_owned(),
                part,
                was: "absent".to_owned(),
                is: known.named(&shown(is)),
            }),
            (None, None) => {}
        }
    }
}

fn shown(value: &Value) -> String {
    value.to_string()
}

/// Whether a text is the recorded one, where `<kind>` stands for anything of a kind.
fn matches(recorded: &str, actual: &str) -> bool {
    let Some((head, rest)) = recorded.split_once('<') else {
        return recorded == actual;
    };
    let Some((kind, tail)) = rest.split_once('>') else {
        return recorded == actual;
    };
    let Some(actual) = actual.strip_prefix(head) else {
        return false;
    };
    let is_kind = |text: &str| is_of_kind(kind, text);
    if tail.is_empty() {
        return is_kind(actual);
    }
    let next = tail.split('<').next().unwrap_or_default();
    actual
        .match_indices(next)
        .any(|(at, _)| is_kind(&actual[..at]) && matches(tail, &actual[at..]))
}

fn is_of_kind(kind: &str, text: &str) -> bool {
    let all = |known: fn(char) -> bool| !text.is_empty() && text.chars().all(known);
    match kind {
        "text" => !text.is_empty(),
        "jwt" => text.split('.').count() == 3,
        "uuid" => text.len() == 36 && all(|c| c.is_ascii_hexdigit() || c == '-'),
        "hex40" => text.len() == 40 && all(|c| c.is_ascii_hexdigit()),
        "user_code" => text.len() == 9 && all(|c| c.is_ascii_alphanumeric() || c == '-'),
        "base64url" => all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')),
        "secret" => text.starts_with("ago_") && text.len() == 56,
        other => panic!("the recording has a kind that is not known here: {other}"),
    }
}
