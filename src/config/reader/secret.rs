//! Secrets: from `NAME`, from the file that `NAME_FILE` points to, or from systemd's credential `NAME`.
//!
//! No message of this file shows any part of a value.
use super::Reader;
use crate::domain::secret::Secret;
use std::io::ErrorKind;
use std::path::Path;

impl Reader<'_> {
    /// A secret from exactly one of its three places. Of a file, one line end at the end is cut.
    pub fn secret(&mut self, name: &str) -> Option<Secret> {
        let file_name = format!("{name}_FILE");
        let direct = self.raw(name).map(Secret::new);
        let from_file = match self.path(&file_name) {
            Some(path) => self.secret_file(&file_name, &path, true),
            None => None,
        };
        let from_credential = match &self.sources().credentials {
            Some(directory) => self.secret_file(name, &directory.join(name), false),
            None => None,
        };
        let found = [&direct, &from_file, &from_credential];
        if found.into_iter().flatten().count() > 1 {
            self.error(
                name,
                format_args!(
                    "{name} is set more than once: use only one of {name}, {file_name} and the credential {name}"
                ),
            );
        }
        direct.or(from_file).or(from_credential)
    }

    /// The text of a file. One that is absent is a fault only if the operator named it.
    fn secret_file(&mut self, name: &str, path: &Path, named: bool) -> Option<Secret> {
        let text = match (self.sources().read_file)(path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound && !named => return None,
            Err(error) => {
                self.error(
                    name,
                    format_args!("{name}: {} cannot be read: {error}", path.display()),
                );
                return None;
            }
        };
        let text = zeroize::Zeroizing::new(text);
        let body = text.strip_suffix('\n').unwrap_or(&text);
        let body = body.strip_suffix('\r').unwrap_or(body);
        if body.is_empty() {
            self.error(name, format_args!("{name}: {} is empty", path.display()));
            return None;
        }
        Some(Secret::new(body))
    }
}
