//! Typed readers over the [`Sources`]. Each notes the name that it was asked for, so the set of names is complete
//! by construction, and each collects its faults instead of ending the start at the first.
//!
//! Must not live here: the name, the default or the limits of any particular variable.
use super::dotenv::FILE;
use super::duration::Span;
use super::sources::Sources;
use std::collections::BTreeSet;
use std::fmt::Display;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

mod secret;

/// Reads variables and collects what is wrong with them.
pub struct Reader<'a> {
    sources: &'a Sources,
    names: BTreeSet<String>,
    errors: Vec<String>,
    warnings: Vec<String>,
}

impl<'a> Reader<'a> {
    /// A reader that has told the faults of the `.env` file already.
    pub fn new(sources: &'a Sources) -> Self {
        Self {
            sources,
            names: BTreeSet::new(),
            errors: sources.dotenv.problems.clone(),
            warnings: sources.dotenv.warnings.clone(),
        }
    }

    /// Every name that was asked for.
    pub fn names(&self) -> &BTreeSet<String> {
        &self.names
    }

    /// What it reads from.
    pub fn sources(&self) -> &'a Sources {
        self.sources
    }

    /// The errors and the warnings, in the order of their discovery.
    pub fn finish(self) -> (Vec<String>, Vec<String>) {
        (self.errors, self.warnings)
    }

    /// How many errors there are so far.
    pub fn error_count(&self) -> usize {
        self.errors.len()
    }

    /// Notes an error; `message` names the variable, and the line is added if its value comes from the file.
    pub fn error(&mut self, name: &str, message: impl Display) {
        let place = self.place(name);
        self.errors.push(format!("{message}{place}"));
    }

    /// Notes a warning, in the same form.
    pub fn warn(&mut self, name: &str, message: impl Display) {
        let place = self.place(name);
        self.warnings.push(format!("{message}{place}"));
    }

    /// The text of a variable; nothing when it is unset or empty.
    pub fn raw(&mut self, name: &str) -> Option<&'a str> {
        let is_first = self.names.insert(name.to_owned());
        if self.sources.undecodable.contains(name) {
            if is_first {
                self.error(name, format_args!("{name} is not UTF-8"));
            }
            return None;
        }
        self.peek(name)
    }

    /// A text with a default.
    pub fn text(&mut self, name: &str, default: &str) -> String {
        self.raw(name).unwrap_or(default).to_owned()
    }

    /// A text that may be absent.
    pub fn optional(&mut self, name: &str) -> Option<String> {
        self.raw(name).map(str::to_owned)
    }

    /// A path that may be absent.
    pub fn path(&mut self, name: &str) -> Option<PathBuf> {
        self.raw(name).map(PathBuf::from)
    }

    /// One of `choices`, spelled exactly; `message` tells a text that is none of them.
    pub fn choice<T: Copy>(
        &mut self,
        name: &str,
        choices: &[(&str, T)],
        default: T,
        message: impl FnOnce(&str) -> String,
    ) -> T {
        let Some(text) = self.raw(name) else {
            return default;
        };
        match choices.iter().find(|(spelling, _)| *spelling == text) {
            Some((_, value)) => *value,
            None => {
                self.error(name, message(text));
                default
            }
        }
    }

    /// `true`, `1`, `yes`, `on`, `t` or `false`, `0`, `no`, `off`, `f`, in any case.
    pub fn boolean(&mut self, name: &str, default: bool) -> bool {
        let Some(text) = self.raw(name) else {
            return default;
        };
        truth(text).unwrap_or_else(|| {
            self.error(
                name,
                format_args!("{name}: {text:?} is neither true nor false"),
            );
            default
        })
    }

    /// A decimal number with an optional sign.
    pub fn integer(&mut self, name: &str, default: i64) -> i64 {
        let Some(text) = self.raw(name) else {
            return default;
        };
        text.trim().parse().unwrap_or_else(|_| {
            self.error(name, format_args!("{name}: {text:?} is not a whole number"));
            default
        })
    }

    /// A number within the range of its type and at least `least`.
    pub fn at_least<T>(&mut self, name: &str, default: T, least: T) -> T
    where
        T: TryFrom<i64> + Copy + PartialOrd + Display,
    {
        if self.raw(name).is_none() {
            return default;
        }
        let before = self.errors.len();
        let number = self.integer(name, 0);
        if self.errors.len() > before {
            return default;
        }
        match T::try_from(number) {
            Ok(value) if value >= least => value,
            _ => {
                let why = format!("{name} is out of range (got {number}, the least is {least})");
                self.error(name, why);
                default
            }
        }
    }

    /// A duration with its sign, for a caller that judges it.
    pub fn span(&mut self, name: &str, default: Duration) -> Span {
        let Some(text) = self.raw(name) else {
            return default.into();
        };
        Span::parse(text).unwrap_or_else(|why| {
            self.error(name, format_args!("{name}: {why}"));
            default.into()
        })
    }

    /// A duration above zero.
    pub fn positive(&mut self, name: &str, default: Duration) -> Duration {
        let span = self.span(name, default);
        span.positive().unwrap_or_else(|| {
            self.error(
                name,
                format_args!("{name} must be a positive duration (got {span})"),
            );
            default
        })
    }

    /// A duration of zero or more.
    pub fn duration(&mut self, name: &str, default: Duration) -> Duration {
        let span = self.span(name, default);
        span.not_negative().unwrap_or_else(|| {
            self.error(
                name,
                format_args!("{name} must be non-negative (got {span})"),
            );
            default
        })
    }

    /// A duration that is switched off by zero or less.
    pub fn optional_duration(&mut self, name: &str, default: Duration) -> Option<Duration> {
        self.span(name, default).positive()
    }

    /// A comma-separated list: entries are trimmed and empty ones dropped; a list of nothing is the default.
    pub fn list(&mut self, name: &str, default: &[&str]) -> Vec<String> {
        let text = self.raw(name).unwrap_or_default();
        let entries: Vec<String> = text
            .split(',')
            .map(str::trim)
            .filter(|entry| !entry.is_empty())
            .map(str::to_owned)
            .collect();
        if entries.is_empty() {
            return default.iter().copied().map(str::to_owned).collect();
        }
        entries
    }

    /// A list whose entries have a type; `what` names it in an error.
    pub fn parsed_list<T: FromStr>(&mut self, name: &str, what: &str) -> Vec<T> {
        let mut values = Vec::new();
        for entry in self.list(name, &[]) {
            match entry.parse() {
                Ok(value) => values.push(value),
                Err(_) => self.error(name, format_args!("{name}: {entry:?} is not {what}")),
            }
        }
        values
    }

    fn peek(&self, name: &str) -> Option<&'a str> {
        let text = match self.sources.environment.get(name) {
            Some(text) => text,
            None => &self.sources.dotenv.entries.get(name)?.value,
        };
        (!text.is_empty()).then_some(text)
    }

    /// ` (.env:12)` for a value that comes from the file.
    fn place(&self, name: &str) -> String {
        if self.sources.environment.contains_key(name) {
            return String::new();
        }
        match self.sources.dotenv.entries.get(name) {
            Some(entry) => format!(" ({FILE}:{})", entry.line),
            None => String::new(),
        }
    }
}

/// The truth value of a text, if it has one.
pub fn truth(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" | "t" => Some(true),
        "false" | "0" | "no" | "off" | "f" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
