//! The file that tells the first credentials: made anew, readable by its owner only, on disk before anything rests on it.
use std::{
    fs::{File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

/// A file that was written.
#[derive(Debug)]
pub struct CredentialsFile {
    /// Where.
    pub path: PathBuf,
}

/// Names that are tried: a file of an earlier start is never overwritten, and never a reason to lose a password.
const NAMES: u32 = 100;

impl CredentialsFile {
    /// Writes `text` to `authgate-credentials.txt` in `directory`, or to `authgate-credentials.2.txt` and so on when the
    /// name is taken. Returns after the file and its directory entry are on disk.
    ///
    /// # Errors
    /// As the file system.
    pub fn write(directory: &Path, text: &str) -> io::Result<Self> {
        for number in 1..=NAMES {
            let name = match number {
                1 => "authgate-credentials.txt".to_owned(),
                _ => format!("authgate-credentials.{number}.txt"),
            };
            let path = directory.join(name);
            match Self::create(&path, text) {
                Ok(()) => {
                    let file = Self { path };
                    let on_disk = File::open(directory).and_then(|entry| entry.sync_all());
                    return match on_disk {
                        Ok(()) => Ok(file),
                        Err(error) => {
                            file.remove();
                            Err(error)
                        }
                    };
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Err(io::Error::other(
            "a hundred credentials files lie there already",
        ))
    }

    fn create(path: &Path, text: &str) -> io::Result<()> {
        // `create_new` follows no symbolic link and overwrites nothing.
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)?;
        let written = file
            .set_permissions(std::fs::Permissions::from_mode(0o600))
            .and_then(|()| file.write_all(text.as_bytes()))
            .and_then(|()| file.sync_all());
        if written.is_err() {
            let _ = std::fs::remove_file(path);
        }
        written
    }

    /// Takes the file away again, when what it tells did not come true.
    pub fn remove(&self) {
        if let Err(error) = std::fs::remove_file(&self.path) {
            tracing::warn!(path = %self.path.display(), %error, "a credentials file that opens nothing was left behind");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_existing_file_is_kept_and_the_next_name_is_taken() {
        let directory = tempfile::tempdir().unwrap();
        let first = CredentialsFile::write(directory.path(), "one").unwrap();
        let second = CredentialsFile::write(directory.path(), "two").unwrap();
        assert_eq!(std::fs::read_to_string(&first.path).unwrap(), "one");
        assert_eq!(std::fs::read_to_string(&second.path).unwrap(), "two");
        assert_eq!(
            second.path.file_name().unwrap(),
            "authgate-credentials.2.txt"
        );
        let mode = std::fs::metadata(&first.path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        second.remove();
        assert!(!second.path.exists());
    }
}
