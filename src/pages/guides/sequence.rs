//! Drawings of who sends what to whom, as SVG in the colours of the page: readable without a script and without another
//! host, and told to screen readers as a list.
//!
//! `participants: A, B`, then lines of `A -> B: what` (a request) and `A --> B: what` (an answer).

use std::fmt::Write as _;

use handlebars::html_escape;

const CHARACTER: usize = 7;
const WIDE_CHARACTER: usize = 13;
const MARGIN: usize = 12;
const ROW: usize = 44;
const HEAD: usize = 34;
const NARROWEST: usize = 150;

struct Step<'s> {
    from: usize,
    to: usize,
    words: &'s str,
    is_answer: bool,
}

/// Draws it. What cannot be read as a step is left out.
pub fn draw(out: &mut String, source: &str) {
    let mut lines = source.lines();
    let names: Vec<&str> = lines
        .next()
        .and_then(|line| line.split_once(':'))
        .map(|(_, names)| names.split(',').map(str::trim).collect())
        .unwrap_or_default();
    let steps: Vec<Step<'_>> = lines.filter_map(|line| step(line, &names)).collect();
    let gap = gap(&names, &steps);
    let width = MARGIN * 2 + gap * names.len();
    let height = HEAD + ROW * (steps.len() + 1);
    let x = |column: usize| MARGIN + gap / 2 + gap * column;
    let said: Vec<String> = steps.iter().map(|step| said(step, &names)).collect();
    let _ = writeln!(
        out,
        "<div class=\"sequence-box\" tabindex=\"0\"><svg class=\"sequence\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
         height=\"{height}\" role=\"img\" aria-label=\"{}\">",
        html_escape(&said.join(" "))
    );
    for (column, name) in names.iter().enumerate() {
        let (at, box_width) = (x(column), gap - MARGIN * 2);
        let _ = writeln!(
            out,
            "<line class=\"sequence-life\" x1=\"{at}\" y1=\"{HEAD}\" x2=\"{at}\" y2=\"{height}\"/>\
             <rect class=\"sequence-name\" x=\"{}\" y=\"1\" width=\"{box_width}\" height=\"{}\" rx=\"6\"/>\
             <text x=\"{at}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
            at - box_width / 2,
            HEAD - 6,
            HEAD / 2 + 3,
            html_escape(name)
        );
    }
    for (row, step) in steps.iter().enumerate() {
        arrow(out, x(step.from), x(step.to), HEAD + ROW * (row + 1), step);
    }
    out.push_str("</svg></div>\n");
}

fn arrow(out: &mut String, from: usize, to: usize, y: usize, step: &Step<'_>) {
    let class = if step.is_answer {
        "sequence-answer"
    } else {
        "sequence-request"
    };
    let (tip, back) = if to > from {
        (to - 2, to - 10)
    } else {
        (to + 2, to + 10)
    };
    let _ = writeln!(
        out,
        "<line class=\"{class}\" x1=\"{from}\" y1=\"{y}\" x2=\"{tip}\" y2=\"{y}\"/>\
         <path class=\"sequence-tip\" d=\"M{back} {} L{tip} {y} L{back} {}\"/>\
         <text x=\"{}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
        y - 5,
        y + 5,
        usize::midpoint(from, to),
        y - 8,
        html_escape(step.words)
    );
}

fn step<'s>(line: &'s str, names: &[&str]) -> Option<Step<'s>> {
    let (who, words) = line.split_once(':')?;
    let (from, to) = who.split_once("->")?;
    let column = |name: &str| names.iter().position(|known| *known == name.trim());
    Some(Step {
        from: column(from.trim_end_matches('-'))?,
        to: column(to)?,
        words: words.trim(),
        is_answer: from.ends_with('-'),
    })
}

fn said(step: &Step<'_>, names: &[&str]) -> String {
    let name = |column: usize| names.get(column).copied().unwrap_or_default();
    format!("{} → {}: {}.", name(step.from), name(step.to), step.words)
}

/// The distance between two columns: room for the longest words between neighbours, and for the names.
fn gap(names: &[&str], steps: &[Step<'_>]) -> usize {
    let steps = steps.iter().map(|step| {
        let columns = step.from.abs_diff(step.to).max(1);
        (width_of(step.words) + 24).div_ceil(columns)
    });
    let names = names.iter().map(|name| width_of(name) + MARGIN * 4);
    steps.chain(names).max().unwrap_or_default().max(NARROWEST)
}

fn width_of(text: &str) -> usize {
    text.chars()
        .map(|c| {
            if c.is_ascii() {
                CHARACTER
            } else {
                WIDE_CHARACTER
            }
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_become_arrows_and_sentences() {
        let mut out = String::new();
        draw(
            &mut out,
            "participants: A & B, C\nA & B -> C: ask <me>\nC --> A & B: told\nnonsense\n",
        );
        assert!(out.contains("aria-label=\"A &amp; B → C: ask &lt;me&gt;. C → A &amp; B: told.\""));
        assert_eq!(out.matches("class=\"sequence-request\"").count(), 1);
        assert_eq!(out.matches("class=\"sequence-answer\"").count(), 1);
    }
}
