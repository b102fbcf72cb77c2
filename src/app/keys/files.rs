//! Private keys from where the operator put them: the variable, its file, and the directory. Read again at every look;
//! what has not changed is not parsed again.
use crate::{
    config::jwt::{Jwt, PrivateKey},
    domain::{digest::sha256_hex, key_schedule::KeyRecord},
    jose::{Algorithm, KeyError, PublicKey, SigningKey},
};
use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};
use zeroize::Zeroizing;

/// A file of a directory counts as a key by its name.
const EXTENSIONS: [&str; 2] = ["pem", "key"];

/// Where private keys lie, and those that were read before.
pub struct Files {
    jwt: Jwt,
    in_use: Vec<Algorithm>,
    parsed: Mutex<HashMap<String, Arc<SigningKey>>>,
}

impl Files {
    /// As configured; `in_use` are the algorithms whose keys count, the default one first.
    pub fn new(jwt: Jwt, in_use: Vec<Algorithm>) -> Self {
        Self {
            jwt,
            in_use,
            parsed: Mutex::default(),
        }
    }

    /// All keys that there are: those of the directory by the names of their files, then the one that was named.
    ///
    /// # Errors
    /// What is wrong with each file, without any of its content.
    pub fn read(&self) -> Result<Vec<Arc<SigningKey>>, Vec<String>> {
        if self.in_use.is_empty() {
            return Ok(Vec::new());
        }
        let (mut keys, mut errors) = (Vec::new(), Vec::new());
        let mut seen = HashMap::new();
        let paths = self.directory().unwrap_or_else(|error| {
            errors.push(error);
            Vec::new()
        });
        for path in paths {
            match self.of_directory(&path, &mut seen) {
                Ok(key) if self.in_use.contains(&key.algorithm()) => keys.push(key),
                Ok(_) => {
                    tracing::debug!(path = %path.display(), "the algorithm of this key is not in use");
                }
                Err(error) => errors.push(error),
            }
        }
        match self.named(&mut seen) {
            Ok(key) => keys.extend(key),
            Err(error) => errors.push(error),
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        *self.parsed.lock().unwrap_or_else(PoisonError::into_inner) = seen;
        Ok(keys)
    }

    fn of_directory(
        &self,
        path: &Path,
        seen: &mut HashMap<String, Arc<SigningKey>>,
    ) -> Result<Arc<SigningKey>, String> {
        let prefix = format!("Failed to load JWT private key from {}: ", path.display());
        let pem = read(path, &prefix)?;
        let key = self.parse(&pem, None, seen);
        key.map_err(|error| format!("{prefix}{error}"))
    }

    fn named(
        &self,
        seen: &mut HashMap<String, Arc<SigningKey>>,
    ) -> Result<Option<Arc<SigningKey>>, String> {
        let (pem, prefix) = match &self.jwt.key {
            None => return Ok(None),
            Some(PrivateKey::Inline(pem)) => (
                Zeroizing::new(pem.expose().to_owned()),
                "Failed to parse JWT_PRIVATE_KEY_PEM: ".to_owned(),
            ),
            Some(PrivateKey::File(path)) => {
                let prefix = format!("Failed to load JWT private key from {}: ", path.display());
                (read(path, &prefix)?, prefix)
            }
        };
        let key = self
            .parse(&pem, self.jwt.key_id.as_deref(), seen)
            .and_then(|key| self.fitting(key))
            .map_err(|error| format!("{prefix}{error}"))?;
        Ok(Some(key))
    }

    /// A key that was named has to be of an algorithm in use.
    fn fitting(&self, key: Arc<SigningKey>) -> Result<Arc<SigningKey>, KeyError> {
        match self.in_use.first() {
            Some(default) if !self.in_use.contains(&key.algorithm()) => {
                Err(KeyError::WrongKeyType {
                    algorithm: *default,
                    found: match key.algorithm() {
                        Algorithm::Rs256 => "an RSA",
                        Algorithm::Es256 | Algorithm::Hs256 => "an EC",
                    },
                })
            }
            _ => Ok(key),
        }
    }

    fn parse(
        &self,
        pem: &str,
        key_id: Option<&str>,
        seen: &mut HashMap<String, Arc<SigningKey>>,
    ) -> Result<Arc<SigningKey>, KeyError> {
        let content = format!(
            "{} {}",
            sha256_hex(pem.as_bytes()),
            key_id.unwrap_or_default()
        );
        let known = {
            let parsed = self.parsed.lock().unwrap_or_else(PoisonError::into_inner);
            parsed.get(&content).cloned()
        };
        let key = match known {
            Some(key) => key,
            None => Arc::new(self.parse_anew(pem, key_id)?),
        };
        seen.insert(content, Arc::clone(&key));
        Ok(key)
    }

    /// With one algorithm in use, what is wrong is said with regard to it.
    fn parse_anew(&self, pem: &str, key_id: Option<&str>) -> Result<SigningKey, KeyError> {
        match (self.in_use.as_slice(), key_id) {
            ([only], _) if self.jwt.directory.is_none() => SigningKey::from_pem(*only, pem, key_id),
            _ => SigningKey::from_any_pem(pem, key_id),
        }
    }

    /// The files of the directory by name. Kubernetes mounts hide their machinery behind a dot.
    fn directory(&self) -> Result<Vec<PathBuf>, String> {
        let Some(directory) = &self.jwt.directory else {
            return Ok(Vec::new());
        };
        let told = |error: std::io::Error| {
            format!(
                "Failed to load JWT private keys from {}: {error}",
                directory.display()
            )
        };
        let mut paths = Vec::new();
        for file in fs::read_dir(directory).map_err(told)? {
            let path = file.map_err(told)?.path();
            let extension = path.extension().and_then(|text| text.to_str());
            let hidden = path
                .file_name()
                .is_some_and(|name| name.to_string_lossy().starts_with('.'));
            if extension.is_some_and(|text| EXTENSIONS.contains(&text)) && !hidden && path.is_file()
            {
                paths.push(path);
            }
        }
        paths.sort();
        Ok(paths)
    }
}

fn read(path: &Path, prefix: &str) -> Result<Zeroizing<String>, String> {
    fs::read_to_string(path)
        .map(Zeroizing::new)
        .map_err(|error| format!("{prefix}read key file: {error}"))
}

/// Keys of files under names of their own: a `JWT_KEY_ID` that belongs to another key already would let verifiers take
/// one for the other.
pub fn named_apart(found: Vec<Arc<SigningKey>>, records: &[KeyRecord]) -> Vec<Arc<SigningKey>> {
    let taken = |key: &Arc<SigningKey>| {
        key.public_key().is_some_and(|public| {
            records
                .iter()
                .any(|record| record.kid == public.kid() && record.spki != public.spki())
        })
    };
    let apart = |key: Arc<SigningKey>| {
        if !taken(&key) {
            return key;
        }
        let named = key.named_by_digest();
        let kid = named.public_key().map(PublicKey::kid);
        if !records
            .iter()
            .any(|record| Some(record.kid.as_str()) == kid)
        {
            tracing::warn!(
                kid,
                "JWT_KEY_ID is the name of an earlier key: the new key goes by the digest of its public half"
            );
        }
        Arc::new(named)
    };
    found.into_iter().map(apart).collect()
}
