//! What private keys in the database are sealed with, and how well they open.
use crate::{
    actors::lifecycle::Condition,
    config::Config,
    seal::{SealKey, SealingRing},
};

/// What private keys are sealed with: `ENCRYPTION_KEY`. A key for ID tokens alone, which an operator need not know of,
/// does with the secret that signs access tokens: who has that can write tokens anyway.
pub(super) fn ring(config: &Config) -> Result<Option<SealingRing>, String> {
    const PURPOSE: &str = "signing keys";
    let mut keys = Vec::new();
    if let Some(key) = &config.encryption_key {
        let key = SealKey::from_secret(PURPOSE, key.expose())
            .map_err(|error| format!("ENCRYPTION_KEY: {error}"))?;
        keys.push(key);
    }
    if config.jwt.own_id_token_key {
        let secrets = std::iter::once(&config.jwt.secret).chain(&config.jwt.former_secret);
        for secret in secrets {
            let key = SealKey::from_secret(PURPOSE, secret.expose().as_bytes())
                .map_err(|error| format!("JWT_SECRET: {error}"))?;
            keys.push(key);
        }
    }
    let mut keys = keys.into_iter();
    Ok(keys
        .next()
        .map(|current| SealingRing::new(current, keys.collect())))
}

/// How well keys in the database open. Noted at every load, and told when it changes.
pub(super) fn condition(shut: &[String]) -> Condition {
    if shut.is_empty() {
        return Condition::Well;
    }
    Condition::Degraded(format!(
        "keys in the database that neither ENCRYPTION_KEY nor the secret of tokens opens: {}",
        shut.join(", ")
    ))
}
