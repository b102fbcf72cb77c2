//! Loading keys: the one that signs from where the operator put it, and the public halves of its predecessors from the
//! database, so that replacing the key file ends no live token.
use super::longest_life;
use crate::{
    config::{
        Config,
        jwt::{KeySource, PrivateKey},
    },
    domain::{
        secret::Secret,
        time::{Clock, Timestamp},
    },
    jose::{Algorithm, KeySet, PublicKey, SigningKey},
    store::{
        Store,
        keys::{RememberKey, StoredKey},
    },
};
use std::{sync::Arc, time::Duration};

/// Where keys come from.
pub struct Loader {
    source: KeySource,
    key_id: Option<String>,
    store: Store,
    clock: Arc<dyn Clock>,
    longest_life: Duration,
}

impl Loader {
    /// As configured.
    pub fn new(config: &Config, store: Store, clock: Arc<dyn Clock>) -> Arc<Self> {
        Arc::new(Self {
            source: config.jwt.key.clone(),
            key_id: config.jwt.key_id.clone(),
            store,
            clock,
            longest_life: longest_life(config),
        })
    }

    /// Loads the whole set, and puts the key that signs on record.
    pub async fn load(&self) -> Result<KeySet, String> {
        let active = self.active()?;
        let now = self.clock.now();
        let known = self
            .store
            .public_keys(now)
            .await
            .map_err(|error| error.to_string())?;
        let verifying = known.iter().filter_map(published).collect();
        if let Some(public) = active.public_key() {
            self.remember(public, now).await?;
        }
        KeySet::new(active, verifying, now.unix_timestamp()).map_err(|error| error.to_string())
    }

    fn active(&self) -> Result<SigningKey, String> {
        let id = self.key_id.as_deref();
        match &self.source {
            KeySource::Hs256(secret) => SigningKey::from_secret(secret.expose().as_bytes())
                .map_err(|error| error.to_string()),
            KeySource::Rs256(key) => from_pem(Algorithm::Rs256, key, id),
            KeySource::Es256(key) => from_pem(Algorithm::Es256, key, id),
        }
    }

    async fn remember(&self, public: &PublicKey, now: Timestamp) -> Result<(), String> {
        let key = StoredKey {
            kid: public.kid().to_owned(),
            algorithm: public.algorithm().to_string(),
            spki: public.spki().to_vec(),
            not_after: now + self.longest_life,
        };
        self.store
            .commit(RememberKey { key, at: now })
            .await
            .map_err(|error| error.to_string())
    }
}

fn from_pem(
    algorithm: Algorithm,
    key: &PrivateKey,
    id: Option<&str>,
) -> Result<SigningKey, String> {
    let (pem, prefix) = match key {
        PrivateKey::Inline(pem) => (
            pem.clone(),
            "Failed to parse JWT_PRIVATE_KEY_PEM: ".to_owned(),
        ),
        PrivateKey::File(path) => {
            let prefix = format!("Failed to load JWT private key from {}: ", path.display());
            let pem = std::fs::read_to_string(path)
                .map_err(|error| format!("{prefix}read key file: {error}"))?;
            (Secret::new(pem), prefix)
        }
    };
    SigningKey::from_pem(algorithm, pem.expose(), id).map_err(|error| format!("{prefix}{error}"))
}

fn published(key: &StoredKey) -> Option<PublicKey> {
    let algorithm = key.algorithm.parse().ok()?;
    match PublicKey::from_spki(key.kid.clone(), algorithm, &key.spki) {
        Ok(public) => Some(public.with_not_after(key.not_after.unix_timestamp())),
        Err(error) => {
            tracing::warn!(kid = key.kid, %error, "a key on record cannot be read and is left out");
            None
        }
    }
}
