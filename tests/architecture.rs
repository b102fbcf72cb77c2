//! The house keeps its order: which room names which library, which room looks into which, and how long a file is.
//!
//! The rooms are those of docs/architecture.md; whom each may name stands in the tables below and nowhere else. A new room or
//! library that matters gets a line here.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that fails ends in a panic"
)]
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// Libraries that belong to few rooms. `app` wires everything and may name what it hands over.
const LIBRARIES: &[(&str, &[&str])] = &[
    ("ractor", &["actors"]),
    ("sqlx", &["store"]),
    ("warp", &["http"]),
    ("hyper", &["http"]),
    ("hyper_util", &["http", "outbound"]),
    ("matchit", &["http"]),
    ("multer", &["http"]),
    ("flate2", &["http"]),
    ("cookie", &["http"]),
    ("tokio_rustls", &["http", "app"]),
    ("rustls", &["http", "app", "outbound"]),
    ("reqwest", &["outbound"]),
    ("handlebars", &["pages"]),
    ("rust_embed", &["pages"]),
    ("pulldown_cmark", &["pages"]),
    ("biscuit", &["jose"]),
    ("p256", &["jose"]),
    ("crypto_bigint", &["jose"]),
    ("crypto_primes", &["jose"]),
    ("ring", &["jose", "seal", "domain", "cache", "host", "http"]),
    ("fred", &["cache"]),
    ("moka", &["cache"]),
    ("argon2", &["passwords"]),
    ("bcrypt", &["passwords"]),
    ("tracing_subscriber", &["telemetry"]),
    ("sd_notify", &["app"]),
];

/// Which rooms a room may look into, besides itself. Rooms that are not here (`app`, `main`, `cli`) wire the others.
const ROOMS: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("faults", &[]),
    ("config", &["domain"]),
    ("seal", &["domain"]),
    ("jose", &["domain"]),
    ("passwords", &["domain"]),
    ("cache", &["domain"]),
    ("host", &["domain"]),
    ("telemetry", &["domain"]),
    ("outbound", &["domain"]),
    ("store", &["domain", "faults"]),
    (
        "actors",
        &["domain", "store", "cache", "jose", "outbound", "faults"],
    ),
    (
        "flows",
        &[
            "domain",
            "store",
            "cache",
            "jose",
            "seal",
            "passwords",
            "actors",
            "outbound",
            "faults",
        ],
    ),
    ("pages", &["domain"]),
    (
        "http",
        &["domain", "flows", "pages", "actors", "jose", "seal"],
    ),
];

/// Texts that belong to one room each.
const TEXTS: &[(&str, &[&str])] = &[
    ("std::env::var", &["config", "cli", "main", "faults"]),
    ("SystemTime::now", &["host"]),
    ("OffsetDateTime::now_utc", &["host", "app"]),
    // Others get what a flow gives them.
    ("ground.store", &["flows", "app"]),
];

const LONGEST_FILE: usize = 450;

/// One source file with what the rules ask about.
struct Source {
    room: String,
    path: String,
    /// Without comments, texts and what is there for tests only.
    code: String,
    lines: usize,
}

impl Source {
    fn new(path: &str, text: &str) -> Self {
        let code = without_tests(&bare(text));
        let room = path.split('/').next().unwrap_or_default();
        Self {
            room: room.trim_end_matches(".rs").to_owned(),
            path: path.to_owned(),
            lines: code.lines().count(),
            code,
        }
    }

    fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let is_within = |rooms: &[&str]| rooms.contains(&self.room.as_str());
        for (library, rooms) in LIBRARIES {
            if !is_within(rooms) && names(&self.code, library) {
                faults.push(format!("{}: names the library {library}", self.path));
            }
        }
        let squeezed: String = self.code.split_whitespace().collect();
        for (text, rooms) in TEXTS {
            if !is_within(rooms) && squeezed.contains(text) {
                faults.push(format!("{}: calls {text}", self.path));
            }
        }
        if let Some((_, open)) = ROOMS.iter().find(|(room, _)| *room == self.room) {
            for other in rooms_named(&self.code) {
                if other != self.room && !open.contains(&other.as_str()) {
                    faults.push(format!("{}: looks into the room {other}", self.path));
                }
            }
        }
        if self.lines > LONGEST_FILE {
            let lines = self.lines;
            faults.push(format!(
                "{}: {lines} lines without its tests, {LONGEST_FILE} are the limit",
                self.path
            ));
        }
        if self.path.ends_with("mod.rs") {
            faults.push(format!("{}: a room is a file beside its folder", self.path));
        }
        faults
    }
}

/// The code without comments, texts and characters; every line stays a line.
fn bare(text: &str) -> String {
    let code: Vec<char> = text.chars().collect();
    let (mut out, mut at) = (String::new(), 0);
    while let Some(rest) = code.get(at..).filter(|rest| !rest.is_empty()) {
        match silent(rest, !out.ends_with(is_word)) {
            Some(length) => {
                let silent = rest.iter().take(length);
                out.extend(silent.filter(|c| **c == '\n'));
                at += length;
            }
            None => {
                out.extend(rest.first());
                at += 1;
            }
        }
    }
    out
}

/// How long the comment, the text or the character is that begins here.
fn silent(code: &[char], starts_word: bool) -> Option<usize> {
    // To the end of `end`, or beyond that of the code.
    let to = |from: usize, end: &[char]| {
        let rest = code.get(from..).unwrap_or_default();
        let found = rest.windows(end.len()).position(|part| part == end);
        found.map_or(code.len() + 1, |found| from + found + end.len())
    };
    let is_byte = starts_word && code.first() == Some(&'b');
    let begin = usize::from(is_byte);
    match code.get(begin..)? {
        ['/', '/', ..] => Some(to(2, &['\n']) - 1),
        ['/', '*', ..] => Some(to(2, &['*', '/'])),
        ['r', raw @ ..] if starts_word => {
            let hashes = raw.iter().take_while(|c| **c == '#').count();
            let mut end = vec!['"'];
            end.extend(raw.iter().take(hashes));
            let is_text = raw.get(hashes) == Some(&'"');
            is_text.then(|| to(begin + hashes + 2, &end))
        }
        ['"', text @ ..] => {
            let mut length = 0;
            while text.get(length).is_some_and(|c| *c != '"') {
                length += if text.get(length) == Some(&'\\') {
                    2
                } else {
                    1
                };
            }
            Some(begin + length + 2)
        }
        ['\'', '\\', ..] => Some(to(begin + 3, &['\''])),
        ['\'', _, '\'', ..] => Some(begin + 3),
        _ => None,
    }
}

/// The code without what is compiled for tests only.
fn without_tests(code: &str) -> String {
    let (mut out, mut rest) = (String::new(), code);
    while let Some((before, after)) = rest.split_once("#[cfg(test)]") {
        out.push_str(before);
        rest = after.get(item(after)..).unwrap_or_default();
    }
    out + rest
}

/// How long the item is that begins here: to its semicolon, or to the end of its braces.
fn item(code: &str) -> usize {
    let head = code.split(['{', ';']).next().unwrap_or_default();
    let is_import = head.split_whitespace().any(|word| word == "use");
    let mut depth = 0;
    for (at, c) in code.char_indices() {
        match c {
            '{' | '(' | '[' => depth += 1,
            '}' | ')' | ']' => depth -= 1,
            _ => {}
        }
        if depth == 0 && (c == ';' || (c == '}' && !is_import)) {
            return at + 1;
        }
    }
    code.len()
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// Whether `library::` or `use library` stands in the code as a path of its own, not as the end of another.
fn names(code: &str, library: &str) -> bool {
    let starts_path = |at: usize| {
        let before = code.get(..at).unwrap_or_default();
        let is_rooted = before.ends_with("::") && !before.trim_end_matches("::").ends_with(is_word);
        is_rooted || !before.ends_with(|c: char| is_word(c) || c == ':')
    };
    let ends_word = |at: usize| {
        let after = code.get(at + library.len()..).unwrap_or_default();
        let is_imported = code.get(..at).unwrap_or_default().ends_with("use ");
        after.starts_with("::") || (is_imported && after.starts_with([';', ' ']))
    };
    code.match_indices(library)
        .any(|(at, _)| starts_path(at) && ends_word(at))
}

/// First segments after `crate::`, those of a tree included.
fn rooms_named(code: &str) -> BTreeSet<String> {
    let mut rooms = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = code.get(at + "crate::".len()..).unwrap_or_default();
        match rest.strip_prefix('{') {
            Some(tree) => branches(tree, &mut rooms),
            None => drop(rooms.insert(rest.chars().take_while(|c| is_word(*c)).collect())),
        }
    }
    rooms.remove("");
    rooms
}

/// The first word of each branch of `{a::…, b::{…}}`.
fn branches(tree: &str, rooms: &mut BTreeSet<String>) {
    let (mut depth, mut word, mut is_fresh) = (0, String::new(), true);
    for c in tree.chars() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                rooms.insert(std::mem::take(&mut word));
                is_fresh = true;
            }
            c if depth == 0 && is_fresh && is_word(c) => word.push(c),
            c if c.is_whitespace() => {}
            _ => is_fresh = false,
        }
    }
    rooms.insert(word);
}

fn sources(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            if path.file_name().is_some_and(|name| name != "tests") {
                sources(&path, found);
            }
        } else if path.extension().is_some_and(|kind| kind == "rs")
            && path
                .file_stem()
                .is_some_and(|name| name != "tests" && name != "testing")
        {
            found.push(path);
        }
    }
}

#[test]
fn every_file_keeps_to_its_room() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut paths = Vec::new();
    sources(&root, &mut paths);
    assert!(paths.len() > 100, "the sources were not found");
    let faults: Vec<String> = paths
        .iter()
        .flat_map(|path| {
            let name = path.strip_prefix(&root).unwrap().to_str().unwrap();
            Source::new(name, &fs::read_to_string(path).unwrap()).faults()
        })
        .collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// Checks that cannot fail check nothing.
#[test]
fn every_kind_of_fault_is_found() {
    let long = "\n".repeat(LONGEST_FILE + 1);
    for (path, text, fault) in [
        ("domain/a.rs", "use sqlx::Row;", "library sqlx"),
        ("flows/a.rs", "fn f() { ::sqlx::query(); }", "library sqlx"),
        ("flows.rs", "use warp;", "library warp"),
        ("http/a.rs", "use crate::store::Store;", "room store"),
        (
            "http/a.rs",
            "use crate::{\n    domain::{ids, store},\n    config::Config,\n};",
            "room config",
        ),
        ("domain/a.rs", "fn f() -> crate::flows::X {}", "room flows"),
        ("pages/a.rs", "std::env::var(NAME)", "calls std::env::var"),
        (
            "flows/a.rs",
            "time::OffsetDateTime::now_utc()",
            "calls OffsetDateTime",
        ),
        (
            "domain/a.rs",
            "#[cfg(test)]\nmod tests;\nuse crate::http;",
            "room http",
        ),
        (
            "domain/a.rs",
            "#[cfg(test)]\nuse crate::{flows, store};\nuse sqlx::Row;",
            "library sqlx",
        ),
        (
            "domain/a.rs",
            "#[cfg(test)]\n#[expect(x)]\nimpl X {\n    fn f() { g('}', \"}\", r#\"}\"\"#); }\n}\nuse crate::http;",
            "room http",
        ),
        (
            "domain/a.rs",
            "f('\"'); use crate::http; // \"",
            "room http",
        ),
        ("domain/a.rs", "f(\"a\nb\"); use crate::http;", "room http"),
        ("flows/a.rs", &long, "lines without its tests"),
        ("flows/a/mod.rs", "", "beside its folder"),
    ] {
        let faults = Source::new(path, text).faults();
        assert!(
            faults.len() == 1 && faults[0].contains(fault),
            "{path} {text:?}: {faults:?}"
        );
    }
    for (path, text) in [
        ("store/a.rs", "use sqlx::Row;"),
        ("flows/a.rs", "// use sqlx::Row; crate::http::x"),
        ("flows/a.rs", "let text = \"crate::http and sqlx::Row\";"),
        ("flows/a.rs", "#[cfg(test)]\nuse crate::http;"),
        (
            "flows/a.rs",
            "#[cfg(test)]\nmod tests {\n    use crate::{http, app};\n}",
        ),
        (
            "flows/a.rs",
            "/* use crate::http; */ fn f<'a>(x: &'a str) -> &'a str { x }",
        ),
        ("flows/a.rs", "let text = \"a \\\" \\\n    crate::http\";"),
        ("flows/a.rs", "my_ring::x(); other::warp::x()"),
        ("app/a.rs", "use crate::{http, store};"),
        (
            "http/a.rs",
            "use crate::http::router; use crate::flows::{device, login};",
        ),
    ] {
        let faults = Source::new(path, text).faults();
        assert!(faults.is_empty(), "{path} {text:?}: {faults:?}");
    }
}

/// Words of SQL that ask for whatever columns there are.
const STARS: [&str; 4] = ["SELECT *", "RETURNING *", "* FROM", ".*"];

/// A newer release may add columns while this one runs; a prepared statement that would give them, too, breaks.
#[test]
fn every_statement_names_its_columns() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store");
    let mut paths = vec![root.with_extension("rs")];
    sources(&root, &mut paths);
    assert!(paths.len() > 40, "the sources were not found");
    for path in paths {
        let text = fs::read_to_string(&path).unwrap();
        for star in STARS {
            assert!(!text.contains(star), "{}: {star}", path.display());
        }
    }
}

#[test]
fn the_map_of_the_house_is_in_the_document() {
    let document = include_str!("../docs/architecture.md");
    for (room, _) in ROOMS {
        let exists = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join(format!("src/{room}.rs"))
            .exists();
        assert!(
            !exists || document.contains(&format!("| `{room}`")),
            "{room}"
        );
    }
}

/// Names in backquotes in the last column of the tables of a document.
fn tests_named(document: &str) -> BTreeSet<&str> {
    let rows = document.lines().filter_map(|line| {
        let cells = line.strip_prefix("| ")?.strip_suffix(" |")?;
        cells.rsplit_once(" | ")
    });
    rows.flat_map(|(_, tests)| tests.split('`').skip(1).step_by(2))
        .collect()
}

#[test]
fn every_rule_names_tests_that_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths = Vec::new();
    for folder in ["src", "tests"] {
        all_sources(&root.join(folder), &mut paths);
    }
    let code: String = paths
        .iter()
        .map(|path| fs::read_to_string(path).unwrap())
        .collect();
    let named = tests_named(include_str!("../docs/security-tests.md"));
    assert!(named.len() > 100, "{}", named.len());
    let absent: Vec<&&str> = named
        .iter()
        .filter(|name| !code.contains(&format!("fn {name}(")))
        .collect();
    assert!(absent.is_empty(), "no such tests: {absent:?}");
    assert_eq!(
        tests_named("| a | b | `one`, `two` and more |\n`three`").len(),
        2
    );
}

fn all_sources(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all_sources(&path, found);
        } else if path.extension().is_some_and(|kind| kind == "rs") {
            found.push(path);
        }
    }
}
