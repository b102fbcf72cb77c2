//! What commands stand on that work on the database, beside a server that may be running or without one.
use super::{StartFailure, settings};
use crate::{
    config::Config,
    flows::Ground,
    host::{HostClock, HostEntropy},
    store::{self, Store},
};
use std::sync::Arc;

/// Opens the database for a command. It is not prepared: that is the server's work, and would hold up one that runs. Nor
/// is a file made: whoever is in the wrong directory shall be told so.
///
/// # Errors
/// [`StartFailure::Command`].
pub async fn ground(config: &Config) -> Result<Ground, StartFailure> {
    let settings = store::Settings {
        create: false,
        ..settings::store(config)
    };
    let store = tokio::time::timeout(config.timeouts.db_init, Store::open(&settings))
        .await
        .map_err(|_| StartFailure::Command("the database does not answer".to_owned()))?
        .map_err(|error| StartFailure::Command(error.to_string()))?;
    Ok(Ground {
        store,
        commits: crate::actors::Commits::new(),
        turns: crate::actors::Turns::of_host(),
        hashing: crate::actors::Turns::of_half_the_host(),
        audited: config.audit.enabled,
        clock: Arc::new(HostClock),
        entropy: Arc::new(HostEntropy::default()),
    })
}

/// Closes it again.
///
/// # Errors
/// [`StartFailure::Command`].
pub async fn leave(ground: &Ground) -> Result<(), StartFailure> {
    let closed = ground.store.close().await;
    closed.map_err(|error| StartFailure::Command(error.to_string()))
}
