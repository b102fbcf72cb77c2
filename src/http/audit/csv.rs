//! The trail as lines of CSV (RFC 4180), made so that no spreadsheet takes a cell for a formula.
use crate::domain::audit::{AuditRecord, rfc3339};
use std::fmt::Write as _;

/// The first line. The first ten columns are those that scripts know.
pub const HEAD: &str = "Event Time,Event Type,Severity,Actor Username,Actor IP,Resource Type,Resource Name,Action,Success,\
Error Message,Event ID,Actor ID,Resource ID,Details,User Agent,Request Method,Request Path\r\n";

/// Appends the line of a record.
pub fn write(out: &mut String, record: &AuditRecord) {
    let seconds = record.at.replace_nanosecond(0).unwrap_or(record.at);
    let (time, actor) = (rfc3339(seconds), record.actor());
    let cells = [
        time.as_str(),
        &record.event_type,
        &record.severity,
        &record.actor_username,
        &record.actor_ip,
        &record.resource_type,
        &record.resource_name,
        &record.action,
        if record.success { "Yes" } else { "No" },
        &record.error_message,
        &record.id,
        &actor,
        &record.resource_id,
        record.details.as_deref().unwrap_or_default(),
        &record.user_agent,
        &record.request_method,
        &record.request_path,
    ];
    for (n, text) in cells.into_iter().enumerate() {
        if n > 0 {
            out.push(',');
        }
        cell(out, text);
    }
    out.push_str("\r\n");
}

/// A cell that would begin a formula begins with an apostrophe instead. Spreadsheets look past blanks and invisible
/// characters, and some take the wide forms of the signs for the signs.
fn cell(out: &mut String, text: &str) {
    let first = text.chars().find(|c| !is_passed_over(*c));
    let is_formula = first
        .is_some_and(|c| matches!(c, '=' | '+' | '-' | '@' | '＝' | '＋' | '－' | '＠'))
        || text.starts_with(['\t', '\r', '\n']);
    let needs_quotes = is_formula || text.contains(['"', ',', '\r', '\n', ';', '\t']);
    if !needs_quotes {
        out.push_str(text);
        return;
    }
    let mark = if is_formula { "'" } else { "" };
    // A NUL ends the cell for some readers.
    let _ = write!(
        out,
        "\"{mark}{}\"",
        text.replace('"', "\"\"").replace('\0', "\u{fffd}")
    );
}

fn is_passed_over(c: char) -> bool {
    c.is_whitespace()
        || c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{feff}' | '"' | '\'')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> String {
        let mut out = String::new();
        cell(&mut out, text);
        out
    }

    #[test]
    fn no_cell_is_a_formula() {
        for hostile in [
            "=HYPERLINK(\"http://x\")",
            "+1+1",
            "-2+3",
            "@SUM(A1)",
            "\t=1",
            "\r=1",
            "\n=1",
            "  =1",
            "\u{feff}=1",
            "\u{200b}=1",
            "＝1",
            "\"=1",
        ] {
            assert!(one(hostile).starts_with("\"'"), "{hostile:?}");
        }
    }

    #[test]
    fn cells_are_quoted_when_they_must_be() {
        assert_eq!(one("plain text"), "plain text");
        assert_eq!(one("a,b"), "\"a,b\"");
        assert_eq!(one("say \"hi\""), "\"say \"\"hi\"\"\"");
        assert_eq!(one("two\nlines"), "\"two\nlines\"");
        assert_eq!(one(""), "");
        assert_eq!(one("{\"a\":1}"), "\"{\"\"a\"\":1}\"");
    }
}
