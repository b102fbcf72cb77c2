//! Where settings come from: the environment, the `.env` file, secret files.
//!
//! Lives here: fetching text. Must not: the type, the default or the meaning of a variable.
use super::dotenv::{Dotenv, FILE};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

/// Reads a secret file as UTF-8 text.
pub type FileReader = Box<dyn Fn(&Path) -> io::Result<String> + Send + Sync>;

/// Everything that settings are read from; tests make their own.
pub struct Sources {
    /// The process environment. It wins over the file; a name that is set to nothing means the default.
    pub environment: BTreeMap<String, String>,
    /// Names in the environment whose value is not UTF-8.
    pub undecodable: BTreeSet<String>,
    /// The parsed `.env` file, empty when there is none.
    pub dotenv: Dotenv,
    /// systemd's credential directory (`LoadCredential=`): one file for each secret.
    pub credentials: Option<PathBuf>,
    /// How secret files are read.
    pub read_file: FileReader,
}

impl Sources {
    /// The sources of this process: its environment and `.env` in its working directory.
    pub fn of_process() -> Self {
        let mut environment = BTreeMap::new();
        let mut undecodable = BTreeSet::new();
        for (name, value) in std::env::vars_os() {
            let Ok(name) = name.into_string() else {
                continue;
            };
            match value.into_string() {
                Ok(value) => drop(environment.insert(name, value)),
                Err(_) => drop(undecodable.insert(name)),
            }
        }
        let credentials = environment
            .get("CREDENTIALS_DIRECTORY")
            .filter(|text| !text.is_empty())
            .map(PathBuf::from);
        Self {
            environment,
            undecodable,
            dotenv: read_dotenv(Path::new(FILE)),
            credentials,
            read_file: Box::new(|path| std::fs::read_to_string(path)),
        }
    }
}

/// A file that is absent says nothing; one that cannot be read is a fault.
fn read_dotenv(path: &Path) -> Dotenv {
    match std::fs::read_to_string(path) {
        Ok(text) => Dotenv::parse(&text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Dotenv::default(),
        Err(error) => Dotenv {
            problems: vec![format!("{FILE}: cannot be read: {error}")],
            ..Dotenv::default()
        },
    }
}

#[cfg(test)]
mod tests;
