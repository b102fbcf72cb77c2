//! `authgate keys …`: the signing keys, in the database that a server may be using at the same time.
use super::{Command, Misuse};
use std::path::PathBuf;

/// What is to be done with the keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeysCommand {
    /// `keys list`
    List {
        /// For programs.
        json: bool,
    },
    /// `keys rotate`
    Rotate {
        /// `--algorithm ES256`
        algorithm: Option<String>,
        /// `--from FILE`: this private key instead of a new one.
        from: Option<PathBuf>,
        /// `--now`: without publishing it first.
        now: bool,
    },
    /// `keys retire KID`
    Retire {
        /// Which.
        kid: String,
        /// `--now`: its tokens are worth nothing from now on.
        now: bool,
    },
}

const NAME: &str = "keys";

pub(super) fn parse(rest: &[String]) -> Result<Command, Misuse> {
    let words: Vec<&str> = rest.iter().map(String::as_str).collect();
    let help = |word: &&str| matches!(*word, "-h" | "--help" | "-help");
    match words.split_first() {
        None => Err(Misuse::Needs(NAME, "one of list, rotate and retire")),
        _ if words.iter().any(help) => Ok(Command::Help),
        Some((&"list", options)) => list(options),
        Some((&"rotate", options)) => rotate(options),
        Some((&"retire", options)) => retire(options),
        Some((other, _)) => Err(Misuse::Command(format!("{NAME} {other}"))),
    }
}

fn list(options: &[&str]) -> Result<Command, Misuse> {
    match options {
        [] => Ok(Command::Keys(KeysCommand::List { json: false })),
        ["--json" | "-json"] => Ok(Command::Keys(KeysCommand::List { json: true })),
        [other, ..] => Err(Misuse::Argument("keys list", (*other).to_owned())),
    }
}

fn rotate(options: &[&str]) -> Result<Command, Misuse> {
    let (mut algorithm, mut from, mut now) = (None, None, false);
    let mut rest = options.iter();
    while let Some(word) = rest.next() {
        let (flag, mut value) = match word.split_once('=') {
            Some((flag, value)) => (flag, Some(value)),
            None => (*word, None),
        };
        match flag {
            "--now" | "-now" if value.is_none() => now = true,
            "--algorithm" | "-algorithm" | "--from" | "-from" => {
                value = value.or_else(|| rest.next().copied());
                let given = value.ok_or(Misuse::Needs("keys rotate", "a value"))?;
                if flag.ends_with("from") {
                    from = Some(PathBuf::from(given));
                } else {
                    algorithm = Some(given.to_owned());
                }
            }
            other => return Err(Misuse::Argument("keys rotate", other.to_owned())),
        }
    }
    Ok(Command::Keys(KeysCommand::Rotate {
        algorithm,
        from,
        now,
    }))
}

/// A kid may begin with a dash, so only `--now` is a flag.
fn retire(options: &[&str]) -> Result<Command, Misuse> {
    let is_now = |word: &&&str| matches!(**word, "--now" | "-now");
    let now = options.iter().any(|word| is_now(&word));
    let mut kids = options.iter().filter(|word| !is_now(word));
    match (kids.next(), kids.next()) {
        (Some(kid), None) => Ok(Command::Keys(KeysCommand::Retire {
            kid: (*kid).to_owned(),
            now,
        })),
        (_, Some(other)) => Err(Misuse::Argument("keys retire", (*other).to_owned())),
        (None, _) => Err(Misuse::Needs("keys retire", "KID")),
    }
}
