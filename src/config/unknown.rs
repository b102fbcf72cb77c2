//! Names that nobody reads: most are slips of the pen, and a setting that is silently ignored is the worst kind.
use super::reader::Reader;
use std::collections::BTreeSet;

/// How many slips a hint forgives.
const NEAR: usize = 2;

/// Tells unknown names in the `.env` file (errors with `strict`), and names in the environment that look like ours.
/// It must come last, when every known name has been read.
pub(super) fn check(r: &mut Reader<'_>, strict: bool) {
    let sources = r.sources();
    let known = r.names().clone();
    for name in sources.dotenv.entries.keys() {
        if known.contains(name) {
            continue;
        }
        let hint = match nearest(name, &known) {
            Some(near) => format!("; did you mean {near}?"),
            None => String::new(),
        };
        let message = format!("{name} is not a setting of AuthGate{hint}");
        if strict {
            r.error(name, message);
        } else {
            r.warn(name, message);
        }
    }
    for name in sources
        .environment
        .keys()
        .filter(|name| !known.contains(*name))
    {
        if let Some(near) = nearest(name, &known) {
            r.warn(
                name,
                format_args!(
                    "{name} in the environment is not a setting of AuthGate; did you mean {near}?"
                ),
            );
        }
    }
}

/// The known name that takes the fewest changes, at most [`NEAR`].
fn nearest<'a>(name: &str, known: &'a BTreeSet<String>) -> Option<&'a String> {
    known
        .iter()
        .filter(|candidate| candidate.len().abs_diff(name.len()) <= NEAR)
        .map(|candidate| (distance(name, candidate), candidate))
        .filter(|(distance, _)| *distance <= NEAR)
        .min()
        .map(|(_, candidate)| candidate)
}

/// The edit distance of Levenshtein: insertions, deletions and replacements.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut next = vec![i + 1];
        let mut left = i + 1;
        for (to, pair) in b.chars().zip(row.windows(2)) {
            let [diagonal, above] = pair else {
                continue;
            };
            let replaced = diagonal + usize::from(from != to);
            left = replaced.min(above + 1).min(left + 1);
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::{distance, nearest};

    #[test]
    fn counts_changes() {
        for (a, b, expected) in [
            ("", "", 0),
            ("a", "", 1),
            ("", "ab", 2),
            ("JWT_SECRET", "JWT_SECRT", 1),
            ("JWT_SECRET", "JTW_SECRET", 2),
            ("kitten", "sitting", 3),
        ] {
            assert_eq!(distance(a, b), expected, "{a} {b}");
        }
    }

    #[test]
    fn the_nearest_wins_and_the_far_are_no_hint() {
        let known = ["GITHUB_SCOPES", "GITLAB_SCOPES"].map(str::to_owned).into();
        assert_eq!(nearest("GITLB_SCOPES", &known).unwrap(), "GITLAB_SCOPES");
        assert_eq!(nearest("PATH", &known), None);
    }
}
