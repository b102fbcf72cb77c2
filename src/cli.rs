//! The command line: what was asked for, and the words for what was not understood. It runs nothing itself.
use crate::domain::{audit::rfc3339, time::Timestamp};
use std::fmt;

mod keys;
pub use keys::KeysCommand;

/// What was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// `authgate server`
    Server,
    /// `authgate check-config`
    CheckConfig,
    /// `authgate migrate`
    Migrate,
    /// `authgate hash-password`
    HashPassword {
        /// `--algorithm bcrypt` instead of Argon2id.
        bcrypt: bool,
    },
    /// `authgate generate-secrets`
    GenerateSecrets,
    /// `authgate explain REF`
    Explain(String),
    /// `authgate reset-password USERNAME`
    ResetPassword {
        /// Whose.
        username: String,
        /// `--password-stdin`: the new one comes by standard input, instead of one that is drawn.
        typed: bool,
    },
    /// `authgate keys …`
    Keys(KeysCommand),
    /// `-v`
    Version,
    /// `-h`
    Help,
}

/// What was not understood. The exit codes are those that scripts know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Misuse {
    /// No command at all: exit code 1.
    Nothing,
    /// A command that does not exist: exit code 1.
    Command(String),
    /// A flag that does not exist: exit code 2.
    Flag(String),
    /// An argument that the command does not take: exit code 2.
    Argument(&'static str, String),
    /// An argument that the command needs: exit code 2.
    Needs(&'static str, &'static str),
}

impl Misuse {
    /// The exit code.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Nothing | Self::Command(_) => 1,
            Self::Flag(_) | Self::Argument(..) | Self::Needs(..) => 2,
        }
    }
}

impl fmt::Display for Misuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => f.write_str("A command is missing"),
            Self::Command(name) => write!(f, "Unknown command: {name}"),
            Self::Flag(flag) => write!(f, "flag provided but not defined: -{flag}"),
            Self::Argument(command, argument) => write!(f, "{command} does not take {argument:?}"),
            Self::Needs(command, what) => write!(f, "{command} needs {what}"),
        }
    }
}

/// Reads the arguments after the program's name. Flags have one dash or two, as they always had.
///
/// # Errors
/// [`Misuse`].
pub fn parse(arguments: &[String]) -> Result<Command, Misuse> {
    let Some((first, rest)) = arguments.split_first() else {
        return Err(Misuse::Nothing);
    };
    if let Some(flag) = first.strip_prefix('-').filter(|flag| !flag.is_empty()) {
        let flag = flag.strip_prefix('-').unwrap_or(flag);
        return match flag {
            "v" | "version" => Ok(Command::Version),
            "h" | "help" => Ok(Command::Help),
            other => Err(Misuse::Flag(other.to_owned())),
        };
    }
    let alone = |name: &'static str, command: Command| match rest.first() {
        None => Ok(command),
        Some(help) if matches!(help.as_str(), "-h" | "--help" | "-help") => Ok(Command::Help),
        Some(argument) => Err(Misuse::Argument(name, argument.clone())),
    };
    match first.as_str() {
        // Further arguments of `server` were always passed over, and start scripts rely on it.
        "server"
            if rest
                .iter()
                .any(|a| matches!(a.as_str(), "-h" | "--help" | "-help")) =>
        {
            Ok(Command::Help)
        }
        "server" => Ok(Command::Server),
        "check-config" => alone("check-config", Command::CheckConfig),
        "migrate" => alone("migrate", Command::Migrate),
        "generate-secrets" => alone("generate-secrets", Command::GenerateSecrets),
        "hash-password" => hash_password(rest),
        "explain" => explain(rest),
        "reset-password" => reset_password(rest),
        "keys" => keys::parse(rest),
        other => Err(Misuse::Command(other.to_owned())),
    }
}

fn hash_password(rest: &[String]) -> Result<Command, Misuse> {
    let rest: Vec<&str> = rest.iter().map(String::as_str).collect();
    match rest.as_slice() {
        []
        | ["--algorithm=argon2id" | "-algorithm=argon2id"]
        | ["--algorithm" | "-algorithm", "argon2id"] => Ok(Command::HashPassword { bcrypt: false }),
        ["--algorithm=bcrypt" | "-algorithm=bcrypt"] | ["--algorithm" | "-algorithm", "bcrypt"] => {
            Ok(Command::HashPassword { bcrypt: true })
        }
        ["-h" | "--help" | "-help", ..] => Ok(Command::Help),
        ["--algorithm" | "-algorithm"] => Err(Misuse::Needs(
            "hash-password --algorithm",
            "argon2id or bcrypt",
        )),
        // The word that is wrong is the value.
        ["--algorithm" | "-algorithm", other, ..] | [other, ..] => {
            Err(Misuse::Argument("hash-password", (*other).to_owned()))
        }
    }
}

fn explain(rest: &[String]) -> Result<Command, Misuse> {
    match rest {
        [] => Err(Misuse::Needs("explain", "the reference of an error")),
        [help, ..] if matches!(help.as_str(), "-h" | "--help" | "-help") => Ok(Command::Help),
        [reference] => Ok(Command::Explain(reference.clone())),
        [_, more, ..] => Err(Misuse::Argument("explain", more.clone())),
    }
}

fn reset_password(rest: &[String]) -> Result<Command, Misuse> {
    const NAME: &str = "reset-password";
    let (mut username, mut typed) = (None, false);
    for word in rest {
        match word.as_str() {
            "-h" | "--help" | "-help" => return Ok(Command::Help),
            "--password-stdin" | "-password-stdin" => typed = true,
            flag if flag.starts_with('-') => return Err(Misuse::Argument(NAME, word.clone())),
            name if username.is_none() => username = Some(name.to_owned()),
            _ => return Err(Misuse::Argument(NAME, word.clone())),
        }
    }
    username
        .map(|username| Command::ResetPassword { username, typed })
        .ok_or(Misuse::Needs(NAME, "USERNAME"))
}

/// The usage, for the program called `name`.
pub fn usage(name: &str) -> String {
    format!(
        "Usage: {name} [OPTIONS] COMMAND

Issues and manages OAuth 2.0 and OpenID Connect tokens.

Commands:
  server              Start the OAuth server
  check-config        Read the configuration, tell every error and warning, start nothing
  migrate             Create or upgrade the database, start nothing
  hash-password       Read a password from standard input, print its hash (--algorithm argon2id|bcrypt)
  generate-secrets    Print fresh secrets as lines for a .env file
  explain REF         Tell why a request was refused, by the reference in its error_uri
  reset-password NAME Give NAME a new password, print it and end their sessions (--password-stdin: read it instead)
  keys list           Show the signing keys and when they are used (--json)
  keys rotate         Publish the next signing key (--algorithm ES256|RS256, --from FILE, --now)
  keys retire KID     Take a signing key out of service (--now: its tokens end at once)

Options:
  -v, --version    Show version information
  -h, --help       Show this help message
"
    )
}

/// What `-v` prints.
pub fn version() -> String {
    Stamp {
        commit: env!("AUTHGATE_COMMIT"),
        built: env!("AUTHGATE_BUILD_TIME"),
        compiler: env!("AUTHGATE_COMPILER"),
    }
    .told()
}

/// What `build.rs` knew; empty for what it did not.
struct Stamp {
    commit: &'static str,
    /// Seconds since 1970.
    built: &'static str,
    compiler: &'static str,
}

impl Stamp {
    fn told(&self) -> String {
        let built = self.built.parse().ok();
        let built = built.and_then(|seconds| Timestamp::from_unix_timestamp(seconds).ok());
        let built = built.map(rfc3339).unwrap_or_default();
        let commit: String = self.commit.chars().take(7).collect();
        let platform = format!("{}/{}", std::env::consts::OS, std::env::consts::ARCH);
        let mut text = format!("AuthGate version {}\n", env!("CARGO_PKG_VERSION"));
        for (name, value) in [
            ("Git commit", &*commit),
            ("Build time", &built),
            ("Compiler", self.compiler),
            ("Built for", &platform),
        ] {
            if !value.is_empty() {
                text += &format!("{name}: {value}\n");
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stamp_tells_what_is_known() {
        let platform = format!("{}/{}", std::env::consts::OS, std::env::consts::ARCH);
        let version = env!("CARGO_PKG_VERSION");
        let told = |commit, built, compiler| {
            let stamp = Stamp {
                commit,
                built,
                compiler,
            };
            stamp.told()
        };
        assert_eq!(
            told("", "", ""),
            format!("AuthGate version {version}\nBuilt for: {platform}\n")
        );
        assert_eq!(
            told("0123456789abcdef", "1700000000", "rustc 1.95.0"),
            format!(
                "AuthGate version {version}\nGit commit: 0123456\nBuild time: 2023-11-14T22:13:20Z\n\
                 Compiler: rustc 1.95.0\nBuilt for: {platform}\n"
            )
        );
        assert!(!told("", "soon", "").contains("Build time"));
    }

    #[test]
    fn arguments_table() {
        let parse = |text: &str| {
            parse(
                &text
                    .split_whitespace()
                    .map(str::to_owned)
                    .collect::<Vec<_>>(),
            )
        };
        for (text, expected) in [
            ("server", Ok(Command::Server)),
            ("server whatever", Ok(Command::Server)),
            ("server --help", Ok(Command::Help)),
            ("-v", Ok(Command::Version)),
            ("--version", Ok(Command::Version)),
            ("-version", Ok(Command::Version)),
            ("-help server", Ok(Command::Help)),
            ("check-config", Ok(Command::CheckConfig)),
            (
                "check-config x",
                Err(Misuse::Argument("check-config", "x".into())),
            ),
            (
                "hash-password --algorithm bcrypt",
                Ok(Command::HashPassword { bcrypt: true }),
            ),
            ("hash-password", Ok(Command::HashPassword { bcrypt: false })),
            (
                "hash-password --algorithm md5",
                Err(Misuse::Argument("hash-password", "md5".into())),
            ),
            (
                "hash-password --algorithm",
                Err(Misuse::Needs(
                    "hash-password --algorithm",
                    "argon2id or bcrypt",
                )),
            ),
            (
                "explain 7K2M-9QWX-4T0B",
                Ok(Command::Explain("7K2M-9QWX-4T0B".into())),
            ),
            (
                "explain",
                Err(Misuse::Needs("explain", "the reference of an error")),
            ),
            ("explain a b", Err(Misuse::Argument("explain", "b".into()))),
            (
                "reset-password admin",
                Ok(Command::ResetPassword {
                    username: "admin".into(),
                    typed: false,
                }),
            ),
            (
                "reset-password --password-stdin admin",
                Ok(Command::ResetPassword {
                    username: "admin".into(),
                    typed: true,
                }),
            ),
            (
                "reset-password",
                Err(Misuse::Needs("reset-password", "USERNAME")),
            ),
            (
                "reset-password admin secret",
                Err(Misuse::Argument("reset-password", "secret".into())),
            ),
            (
                "reset-password --password admin",
                Err(Misuse::Argument("reset-password", "--password".into())),
            ),
            (
                "keys",
                Err(Misuse::Needs("keys", "one of list, rotate and retire")),
            ),
            ("keys x", Err(Misuse::Command("keys x".into()))),
            (
                "keys list",
                Ok(Command::Keys(KeysCommand::List { json: false })),
            ),
            (
                "keys list --json",
                Ok(Command::Keys(KeysCommand::List { json: true })),
            ),
            ("keys list --help", Ok(Command::Help)),
            (
                "keys rotate --from=rsa.pem --algorithm RS256 --now",
                Ok(Command::Keys(KeysCommand::Rotate {
                    algorithm: Some("RS256".into()),
                    from: Some("rsa.pem".into()),
                    now: true,
                })),
            ),
            (
                "keys rotate --from",
                Err(Misuse::Needs("keys rotate", "a value")),
            ),
            (
                "keys rotate x",
                Err(Misuse::Argument("keys rotate", "x".into())),
            ),
            (
                "keys retire --now -k1",
                Ok(Command::Keys(KeysCommand::Retire {
                    kid: "-k1".into(),
                    now: true,
                })),
            ),
            (
                "keys retire --now",
                Err(Misuse::Needs("keys retire", "KID")),
            ),
            (
                "keys retire a b",
                Err(Misuse::Argument("keys retire", "b".into())),
            ),
            ("foo", Err(Misuse::Command("foo".into()))),
            ("--bogus", Err(Misuse::Flag("bogus".into()))),
            ("", Err(Misuse::Nothing)),
        ] {
            assert_eq!(parse(text), expected, "{text}");
        }
        assert_eq!(
            Misuse::Flag("bogus".into()).to_string(),
            "flag provided but not defined: -bogus"
        );
        assert_eq!(
            (
                Misuse::Nothing.exit_code(),
                Misuse::Flag(String::new()).exit_code()
            ),
            (1, 2)
        );
    }
}
