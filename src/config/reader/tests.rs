use super::Reader;
use crate::config::dotenv::Dotenv;
use crate::config::sources::Sources;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);

/// Sources with an environment, a `.env` text and files.
fn sources(env: &[(&str, &str)], dotenv: &str, files: &'static [(&str, &str)]) -> Sources {
    Sources {
        environment: env
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect::<BTreeMap<_, _>>(),
        undecodable: BTreeSet::new(),
        dotenv: Dotenv::parse(dotenv),
        credentials: Some("/run/credentials".into()),
        read_file: Box::new(|path| {
            let found = files.iter().find(|(name, _)| Path::new(name) == path);
            found
                .map(|(_, text)| (*text).to_owned())
                .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "no such file"))
        }),
    }
}

/// The errors of one reading.
fn errors<T>(env: &[(&str, &str)], read: impl Fn(&mut Reader<'_>) -> T) -> Vec<String> {
    let sources = sources(env, "", &[]);
    let mut reader = Reader::new(&sources);
    read(&mut reader);
    reader.finish().0
}

#[test]
fn the_environment_wins_and_empty_means_the_default() {
    let sources = sources(
        &[("A", "env"), ("B", "")],
        "A=file\nB=file\nC=file\nD=",
        &[],
    );
    let mut r = Reader::new(&sources);
    let read: Vec<_> = ["A", "B", "C", "D", "E"]
        .map(|name| r.text(name, "-"))
        .into();
    assert_eq!(read, ["env", "-", "file", "-", "-"]);
    assert_eq!(r.names().len(), 5);
}

#[test]
fn an_error_names_the_line_of_the_file_only_when_the_value_is_from_there() {
    let sources = sources(&[("A", "x")], "# c\nA=y\nB=x\n", &[]);
    let mut r = Reader::new(&sources);
    r.integer("A", 1);
    r.integer("B", 1);
    assert_eq!(
        r.finish().0,
        [
            "A: \"x\" is not a whole number",
            "B: \"x\" is not a whole number (.env:3)"
        ]
    );
}

#[test]
fn booleans_in_every_spelling() {
    for (text, expected) in [
        ("true", true),
        ("TRUE", true),
        ("1", true),
        ("yes", true),
        ("On", true),
        ("t", true),
        ("false", false),
        ("0", false),
        ("NO", false),
        ("off", false),
        ("F", false),
        ("", true),
    ] {
        let sources = sources(&[("A", text)], "", &[]);
        let mut r = Reader::new(&sources);
        assert_eq!(r.boolean("A", true), expected, "{text:?}");
        assert!(r.finish().0.is_empty());
    }
    assert_eq!(
        errors(&[("A", "maybe")], |r| r.boolean("A", true)),
        ["A: \"maybe\" is neither true nor false"]
    );
}

#[test]
fn numbers_have_no_tail_and_keep_their_range() {
    assert_eq!(
        errors(&[("A", "7abc")], |r| r.integer("A", 1)),
        ["A: \"7abc\" is not a whole number"]
    );
    assert_eq!(
        errors(&[("A", "7")], |r| r.at_least("A", 15_u32, 8)),
        ["A is out of range (got 7, the least is 8)"]
    );
    assert_eq!(
        errors(&[("A", "300")], |r| r.at_least("A", 0_u8, 0)),
        ["A is out of range (got 300, the least is 0)"]
    );
    assert_eq!(
        errors(&[("A", "x")], |r| r.at_least("A", 0_u8, 0)),
        ["A: \"x\" is not a whole number"]
    );
}

#[test]
fn durations_by_their_sign() {
    let of = |text: &'static str| {
        let sources = sources(&[("A", text)], "", &[]);
        let mut r = Reader::new(&sources);
        let read = (
            r.positive("A", MINUTE),
            r.duration("A", MINUTE),
            r.optional_duration("A", MINUTE),
        );
        (read, r.finish().0)
    };
    assert_eq!(of("2m").0, (2 * MINUTE, 2 * MINUTE, Some(2 * MINUTE)));
    assert_eq!(
        of("0"),
        (
            (MINUTE, Duration::ZERO, None),
            vec!["A must be a positive duration (got 0s)".to_owned()]
        )
    );
    assert_eq!(
        of("-1h"),
        (
            (MINUTE, MINUTE, None),
            vec![
                "A must be a positive duration (got -1h0m0s)".to_owned(),
                "A must be non-negative (got -1h0m0s)".to_owned()
            ]
        )
    );
    assert_eq!(
        errors(&[("A", "30")], |r| r.span("A", MINUTE)),
        ["A: \"30\" is not a duration: a number lacks its unit (examples: 30s, 5m, 1h30m)"]
    );
}

#[test]
fn lists_are_trimmed_and_typed() {
    let sources = sources(&[("A", " a, ,b ,"), ("B", " , "), ("C", "1,x")], "", &[]);
    let mut r = Reader::new(&sources);
    assert_eq!(r.list("A", &["z"]), ["a", "b"]);
    assert_eq!(r.list("B", &["z"]), ["z"]);
    assert_eq!(r.parsed_list::<u8>("C", "a small number"), [1]);
    assert_eq!(r.finish().0, ["C: \"x\" is not a small number"]);
}

#[test]
fn a_value_that_is_not_utf8_is_an_error_only_for_a_name_that_is_read() {
    let mut sources = sources(&[], "", &[]);
    sources.undecodable = ["A".to_owned(), "PATH".to_owned()].into();
    let mut r = Reader::new(&sources);
    assert_eq!(r.raw("A"), None);
    assert_eq!(r.finish().0, ["A is not UTF-8"]);
}

#[test]
fn secrets_come_from_one_of_three_places() {
    let files = &[
        ("/f/b", "from file\n"),
        ("/f/crlf", "two\n\r\n"),
        ("/run/credentials/C", "from systemd"),
    ];
    let sources = sources(
        &[("A", "direct"), ("B_FILE", "/f/b"), ("D_FILE", "/f/crlf")],
        "",
        files,
    );
    let mut r = Reader::new(&sources);
    let mut read = |name| r.secret(name).map(|s| s.expose().to_owned());
    assert_eq!(read("A").as_deref(), Some("direct"));
    assert_eq!(read("B").as_deref(), Some("from file"));
    assert_eq!(read("C").as_deref(), Some("from systemd"));
    assert_eq!(read("D").as_deref(), Some("two\n"));
    assert_eq!(read("E"), None);
    assert!(r.names().contains("B_FILE"));
    assert_eq!(r.finish().0, Vec::<String>::new());
}

#[test]
fn secret_faults_name_the_place_and_show_nothing() {
    let files = &[
        ("/f/a", "file secret"),
        ("/f/empty", "\n"),
        ("/run/credentials/C", "x"),
    ];
    let env = [
        ("A", "direct secret"),
        ("A_FILE", "/f/a"),
        ("B_FILE", "/f/none"),
        ("C", "y"),
        ("D_FILE", "/f/empty"),
    ];
    let sources = sources(&env, "", files);
    let mut r = Reader::new(&sources);
    for name in ["A", "B", "C", "D"] {
        r.secret(name);
    }
    assert_eq!(
        r.finish().0,
        [
            "A is set more than once: use only one of A, A_FILE and the credential A",
            "B_FILE: /f/none cannot be read: no such file",
            "C is set more than once: use only one of C, C_FILE and the credential C",
            "D_FILE: /f/empty is empty",
        ]
    );
}
