//! The `.env` file: one assignment per line, `KEY=value` or `KEY: value`, with quotes, comments and `$NAME`.
//!
//! Lives here: the syntax. Must not: the meaning of a variable, the process environment, the file system.
//! A broken line is an error that names the line and never shows its text, which may be half of a secret.
use std::collections::BTreeMap;

/// The name of the file, as it appears in messages.
pub const FILE: &str = ".env";

/// One assignment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The value with comments, quotes and escapes taken away.
    pub value: String,
    /// The line on which the assignment begins, counted from 1.
    pub line: usize,
}

/// A parsed file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dotenv {
    /// The assignments by name; the last of several wins.
    pub entries: BTreeMap<String, Entry>,
    /// What is wrong, each with file and line.
    pub problems: Vec<String>,
    /// What is legal and probably not meant.
    pub warnings: Vec<String>,
}

impl Dotenv {
    /// Parses the text of a file. Faults do not stop the parse: they are collected in [`Dotenv::problems`].
    pub fn parse(text: &str) -> Self {
        let text = text
            .strip_prefix('\u{feff}')
            .unwrap_or(text)
            .replace("\r\n", "\n");
        let mut dotenv = Self::default();
        let mut scan = Scan {
            rest: &text,
            line: 1,
        };
        while scan.seek_statement() {
            let line = scan.line;
            match scan.assignment() {
                Ok((name, raw)) => dotenv.keep(name, raw, line),
                Err(why) => {
                    dotenv.problems.push(format!("{FILE}:{line}: {why}"));
                    scan.skip_line();
                }
            }
        }
        dotenv
    }

    fn keep(&mut self, name: &str, raw: Raw<'_>, line: usize) {
        let value = match raw {
            Raw::Literal(text) => text.to_owned(),
            Raw::Plain(text) => self.expand(text, line),
            Raw::Double(text) => self.expand(&unescape(text), line),
        };
        self.entries.insert(name.to_owned(), Entry { value, line });
    }

    /// Replaces `$NAME` and `${NAME}` by earlier keys of this file; names are made of `A-Z`, `0-9` and `_`.
    fn expand(&mut self, text: &str, line: usize) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('$') {
            if let Some(before) = before.strip_suffix('\\') {
                out.push_str(before);
                out.push('$');
                rest = after;
                continue;
            }
            out.push_str(before);
            match variable(after) {
                Some((name, tail)) => {
                    match self.entries.get(name) {
                        Some(entry) => out.push_str(&entry.value),
                        None => self.warnings.push(format!(
                            "{FILE}:{line}: a $NAME that no earlier line sets is replaced by nothing; \
                             write \\$ or single quotes for a dollar sign"
                        )),
                    }
                    rest = tail;
                }
                None => {
                    out.push('$');
                    rest = after;
                }
            }
        }
        out.push_str(rest);
        out
    }
}

/// The name at the start of `text`, which follows a dollar sign, and what comes after it.
fn variable(text: &str) -> Option<(&str, &str)> {
    let (braced, body) = match text.strip_prefix('{') {
        Some(body) => (true, body),
        None => (false, text),
    };
    let end = body
        .find(|c: char| !(c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_'))
        .unwrap_or(body.len());
    let (name, tail) = body.split_at(end);
    if name.is_empty() {
        return None;
    }
    if braced {
        return tail.strip_prefix('}').map(|tail| (name, tail));
    }
    Some((name, tail))
}

/// `\n` and `\r` become control characters, another `\x` becomes `x`; `\$` is left for the expansion.
fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('n') => out.push('\n'),
            Some('r') => out.push('\r'),
            Some('$') => out.push_str("\\$"),
            Some(other) => out.push(other),
            None => out.push('\\'),
        }
    }
    out
}

/// A value as it stands in the file.
enum Raw<'a> {
    /// Between single quotes, or empty: nothing in it has a meaning.
    Literal(&'a str),
    /// Between double quotes: escapes and variables.
    Double(&'a str),
    /// Without quotes: variables only.
    Plain(&'a str),
}

/// A blank within a line.
fn blank(c: char) -> bool {
    c != '\n' && c.is_whitespace()
}

/// The text that is still unread.
struct Scan<'a> {
    rest: &'a str,
    line: usize,
}

impl<'a> Scan<'a> {
    /// Steps over `length` bytes, which end at a character boundary.
    fn take(&mut self, length: usize) -> &'a str {
        let (taken, rest) = self
            .rest
            .split_at_checked(length)
            .unwrap_or((self.rest, ""));
        self.line += taken.matches('\n').count();
        self.rest = rest;
        taken
    }

    fn skip_blanks(&mut self) -> bool {
        let before = self.rest.len();
        self.rest = self.rest.trim_start_matches(blank);
        self.rest.len() < before
    }

    fn skip_line(&mut self) -> &'a str {
        self.take(self.rest.find('\n').unwrap_or(self.rest.len()))
    }

    /// Moves to the next statement, over blank lines and comments. False at the end of the file.
    fn seek_statement(&mut self) -> bool {
        loop {
            let body = self.rest.trim_start();
            self.take(self.rest.len() - body.len());
            if !body.starts_with('#') {
                return !body.is_empty();
            }
            self.skip_line();
        }
    }

    fn assignment(&mut self) -> Result<(&'a str, Raw<'a>), String> {
        let name = self.name()?;
        let gap = self.skip_blanks();
        match self.rest.chars().next() {
            Some(quote @ ('"' | '\'')) => Ok((name, self.quoted(quote)?)),
            Some('#') if gap => {
                self.skip_line();
                Ok((name, Raw::Literal("")))
            }
            _ => Ok((name, Raw::Plain(self.unquoted()))),
        }
    }

    /// The name and its separator.
    fn name(&mut self) -> Result<&'a str, String> {
        if let Some(after) = self.rest.strip_prefix("export")
            && after.starts_with(blank)
        {
            self.rest = after.trim_start_matches(blank);
        }
        let end = self.rest.find(['=', ':', '\n']).unwrap_or(self.rest.len());
        let (name, tail) = self.rest.split_at(end);
        if !tail.starts_with(['=', ':']) {
            return Err("there is neither = nor : after the name".to_owned());
        }
        let name = name.trim_end();
        let odd = |c: &char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '.'));
        if let Some(c) = name.chars().find(odd) {
            return Err(format!(
                "a name is made of letters, digits, _ and ., and not of {c:?}"
            ));
        }
        if name.is_empty() {
            return Err("there is no name before the separator".to_owned());
        }
        self.take(end + 1);
        Ok(name)
    }

    /// Up to the next same quote that no backslash precedes; line ends included.
    fn quoted(&mut self, quote: char) -> Result<Raw<'a>, String> {
        let body = self.rest.get(1..).unwrap_or_default();
        let end = body
            .match_indices(quote)
            .map(|(at, _)| at)
            .find(|at| !body.get(..*at).is_some_and(|s| s.ends_with('\\')))
            .ok_or_else(|| format!("the quote {quote} is not closed"))?;
        let value = body.get(..end).unwrap_or_default();
        self.take(end + 2);
        Ok(match quote {
            '"' => Raw::Double(value),
            _ => Raw::Literal(value),
        })
    }

    /// Up to the end of the line, without the comment: only the right-most `#` after a blank begins one.
    fn unquoted(&mut self) -> &'a str {
        let line = self.skip_line();
        let comment = line
            .rmatch_indices('#')
            .map(|(at, _)| line.get(..at).unwrap_or_default())
            .find(|before| before.ends_with(blank));
        comment.unwrap_or(line).trim()
    }
}

#[cfg(test)]
mod tests;
