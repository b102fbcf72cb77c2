//! Passwords that are tried first: an embedded list, and the simple ways people stretch them.
//! Offline and fixed at build time; how the list was made stands in its head.
use std::collections::HashSet;
use std::sync::LazyLock;

const LIST: &str = include_str!("common.txt");
const COMMENT: char = '#';
/// A stretch of the same few characters is common however long it is.
const MAX_TRIVIAL_UNIT: usize = 3;
/// Digits and signs around a common word add nothing unless there are at least this many.
const MIN_STRONG_AFFIX: usize = 6;

/// Read once; some 3,000 short strings out of the program's own text.
static WORDS: LazyLock<HashSet<&'static str>> = LazyLock::new(|| entries().collect());

/// The entries of the list, in its order.
pub fn entries() -> impl Iterator<Item = &'static str> {
    LIST.lines()
        .filter(|line| !line.is_empty() && !line.starts_with(COMMENT))
}

/// Whether lower-case text is in the list, is something from it repeated or with little put
/// around it, runs along the alphabet or the digits, or repeats up to three characters.
pub fn is_common(lower: &str) -> bool {
    is_weak(lower) || is_repetition(lower) || is_decorated(lower)
}

fn is_weak(text: &str) -> bool {
    WORDS.contains(text) || is_run(text)
}

/// `abcdefgh`, `87654321`, `7890123`: every step is the same, digits going round.
fn is_run(text: &str) -> bool {
    let step = |(a, b): (u8, u8)| {
        let around = a.is_ascii_digit() && b.is_ascii_digit();
        let plain = i16::from(b) - i16::from(a);
        match plain {
            -9 if around => 1,
            9 if around => -1,
            other => other,
        }
    };
    let bytes = text.as_bytes();
    let mut steps = bytes
        .iter()
        .copied()
        .zip(bytes.iter().copied().skip(1))
        .map(step);
    text.len() > 2
        && steps
            .next()
            .is_some_and(|first| first.abs() <= 1 && steps.all(|next| next == first))
}

/// `passwordpassword`, `abcabcabcabc`; a cut last repetition counts too.
fn is_repetition(text: &str) -> bool {
    let repeats = |length: usize| {
        text.bytes()
            .zip(text.bytes().skip(length))
            .all(|(a, b)| a == b)
    };
    (1..=text.len() / 2)
        .filter(|length| repeats(*length))
        .filter_map(|length| text.get(..length))
        .any(|unit| unit.chars().count() <= MAX_TRIVIAL_UNIT || is_weak(unit))
}

/// `!!password123`, `monkey-2024`, `12345678!!!`: something weak between digits or signs.
fn is_decorated(text: &str) -> bool {
    is_weak_inside(text, |c| !c.is_alphabetic()) || is_weak_inside(text, |c| !c.is_alphanumeric())
}

fn is_weak_inside(text: &str, decoration: fn(char) -> bool) -> bool {
    let end = text.trim_start_matches(decoration);
    let stem = end.trim_end_matches(decoration);
    if stem == text || !(is_weak(stem) || is_repetition(stem)) {
        return false;
    }
    let added = text.len() - stem.len();
    let suffix = end.get(stem.len()..).unwrap_or_default();
    let only_suffix = added == suffix.len();
    added < MIN_STRONG_AFFIX || (only_suffix && (is_weak(suffix) || is_repetition(suffix)))
}
