//! Lists as people type them.
use std::collections::HashSet;

/// Parts of a text field: one to a line. Commas separate too, but only in front of another scheme, because a URI may
/// hold commas. Each value once, in order.
pub fn split_uris(text: &str) -> Vec<String> {
    let mut out = Distinct::default();
    for line in text.split(['\r', '\n', ' ', '\t']) {
        let mut current = String::new();
        for piece in line.split(',') {
            if current.is_empty() {
                current = piece.to_owned();
            } else if starts_with_scheme(piece) || piece.is_empty() {
                out.push(&current);
                current = piece.to_owned();
            } else {
                current.push(',');
                current.push_str(piece);
            }
        }
        out.push(&current);
    }
    out.list
}

/// A list without repeats, however long it gets: a form may hold a megabyte of lines.
#[derive(Default)]
struct Distinct {
    list: Vec<String>,
    seen: HashSet<String>,
}

impl Distinct {
    fn push(&mut self, value: &str) {
        let value = value.trim();
        if !value.is_empty() && self.seen.insert(value.to_owned()) {
            self.list.push(value.to_owned());
        }
    }
}

/// RFC 3986 §3.1, followed by a colon.
fn starts_with_scheme(text: &str) -> bool {
    text.split_once(':').is_some_and(|(scheme, _)| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
    })
}

/// A length of time as people write it: `90s`, `45m`, `1h30m`, `2d`. `None` for anything else and for nothing.
pub fn duration(text: &str) -> Option<std::time::Duration> {
    let mut seconds: u64 = 0;
    let mut digits = String::new();
    for c in text.trim().chars() {
        if c.is_ascii_digit() {
            digits.push(c);
            continue;
        }
        let unit = match c {
            's' => 1,
            'm' => 60,
            'h' => 3600,
            'd' => 86_400,
            _ => return None,
        };
        let count: u64 = digits.parse().ok()?;
        digits.clear();
        seconds = seconds.checked_add(count.checked_mul(unit)?)?;
    }
    (digits.is_empty() && seconds > 0).then(|| std::time::Duration::from_secs(seconds))
}

/// The same, the other way round: the two greatest units that are needed.
pub fn duration_text(length: std::time::Duration) -> String {
    let mut rest = length.as_secs();
    let mut out = String::new();
    for (unit, size) in [('d', 86_400), ('h', 3600), ('m', 60), ('s', 1)] {
        if rest >= size {
            out.push_str(&format!("{}{unit}", rest / size));
            rest %= size;
        }
    }
    if out.is_empty() { "0s".to_owned() } else { out }
}
