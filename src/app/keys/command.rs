//! `authgate keys …`: the flows on keys, run beside a server or without one, with words for the terminal.
use super::{
    deps,
    flow::{self, By, KeyEntry, KeysDeps, Rotate, Rotation},
};
use crate::{
    app::{StartFailure, beside},
    cli::KeysCommand,
    config::Config,
    domain::{audit::Actor, key_schedule::KeyState, secret::Secret, time::Timestamp},
    flows::FlowError,
    jose::Algorithm,
    store::keys::Retired,
};
use std::path::Path;
use time::format_description::well_known::Rfc3339;

/// Runs the command. Inside, its words, or those for what it refused.
///
/// # Errors
/// When the database cannot be opened.
pub async fn run(
    config: &Config,
    command: KeysCommand,
) -> Result<Result<String, String>, StartFailure> {
    let ground = beside::ground(config).await?;
    let deps = deps(config, &ground).map_err(StartFailure::Key)?;
    let told = match command {
        KeysCommand::List { json } => list(&deps, json).await,
        KeysCommand::Rotate {
            algorithm,
            from,
            now,
        } => rotate(&deps, algorithm.as_deref(), from.as_deref(), now).await,
        KeysCommand::Retire { kid, now } => retire(&deps, &kid, now).await,
    };
    beside::leave(&ground).await?;
    Ok(told)
}

fn by() -> By {
    By {
        actor: Actor::Claimed("command line".to_owned()),
        ..By::default()
    }
}

fn failed(error: FlowError) -> String {
    match error {
        FlowError::Protocol(error) => error.description.into_owned(),
        FlowError::Internal(why) if why.contains("signing_keys") => {
            format!("{why} (has this database been used by the server, or `authgate migrate`?)")
        }
        FlowError::Unavailable(why) | FlowError::Internal(why) => why,
    }
}

fn second(at: Timestamp) -> String {
    let at = at.replace_nanosecond(0).unwrap_or(at);
    at.format(&Rfc3339).unwrap_or_default()
}

async fn list(deps: &KeysDeps, json: bool) -> Result<String, String> {
    let keys = flow::list(deps).await.map_err(failed)?;
    if json {
        let keys: Vec<_> = keys.iter().map(as_json).collect();
        return Ok(format!("{}\n", serde_json::json!({ "keys": keys })));
    }
    if keys.is_empty() {
        return Ok("There are no signing keys on record yet.\n".to_owned());
    }
    let mut text = format!(
        "{:<9} {:<5} {:<43} {:<20} {:<20} {}\n",
        "STATE", "ALG", "KID", "SIGNS FROM", "VERIFIES UNTIL", "PRIVATE KEY"
    );
    for key in keys {
        let place = match (key.sealed, key.state) {
            (true, _) => "database",
            (false, KeyState::Over) => "",
            (false, KeyState::Next | KeyState::Active | KeyState::Previous) => "file",
        };
        let retired = if key.retired_at.is_some() {
            " (retired)"
        } else {
            ""
        };
        text += &format!(
            "{:<9} {:<5} {:<43} {:<20} {:<20} {place}{retired}\n",
            key.state.as_str(),
            key.algorithm,
            key.kid,
            second(key.activate_at),
            second(key.not_after),
        );
    }
    Ok(text)
}

fn as_json(key: &KeyEntry) -> serde_json::Value {
    serde_json::json!({
        "kid": key.kid,
        "algorithm": key.algorithm,
        "state": key.state.as_str(),
        "in_database": key.sealed,
        "published_at": second(key.published_at),
        "activate_at": second(key.activate_at),
        "retired_at": key.retired_at.map(second),
        "not_after": second(key.not_after),
    })
}

async fn rotate(
    deps: &KeysDeps,
    algorithm: Option<&str>,
    from: Option<&Path>,
    now: bool,
) -> Result<String, String> {
    let algorithm = algorithm
        .map(|name| {
            name.parse::<Algorithm>()
                .map_err(|error| format!("{name:?}: {error}"))
        })
        .transpose()?;
    let pem = from
        .map(|path| {
            let read = std::fs::read_to_string(path);
            read.map(Secret::new)
                .map_err(|error| format!("{}: {error}", path.display()))
        })
        .transpose()?;
    let order = Rotate {
        algorithm,
        pem,
        at_once: now,
        by: by(),
    };
    match flow::rotate(deps, order).await.map_err(failed)? {
        Rotation::Added(key) if now => Ok(format!(
            "The key {} ({}) signs from now on. Resource servers that keep an older copy of the key set will not know \
             it until they fetch it again.\n",
            key.kid, key.algorithm
        )),
        Rotation::Added(key) => Ok(format!(
            "The key {} ({}) is published. It signs from {} on.\n",
            key.kid,
            key.algorithm,
            second(key.activate_at)
        )),
        Rotation::Activated(key) => Ok(format!(
            "The key {} ({}), which was published at {}, signs from now on.\n",
            key.kid,
            key.algorithm,
            second(key.published_at)
        )),
        Rotation::Waits(key) => Err(format!(
            "The key {} ({}) is published already and signs from {} on. To use it at once: authgate keys rotate --now",
            key.kid,
            key.algorithm,
            second(key.activate_at)
        )),
        Rotation::Refused(refusal) => Err(refusal.to_string()),
    }
}

async fn retire(deps: &KeysDeps, kid: &str, now: bool) -> Result<String, String> {
    match flow::retire(deps, kid, now, by()).await.map_err(failed)? {
        Retired::Done if now => Ok(format!(
            "The key {kid} is withdrawn: this server accepts its tokens no longer. Resource servers that keep a copy \
             of the key set may, for up to an hour.\n"
        )),
        Retired::Done => Ok(format!(
            "The key {kid} signs no more. It stays published until its last token has expired.\n"
        )),
        Retired::Unknown => Err(format!("There is no key {kid}.")),
        Retired::Already => Err(format!(
            "The key {kid} is out of service already (to end its tokens too: --now)."
        )),
        Retired::Only => Err(format!(
            "The key {kid} is the only one of its algorithm that signs. First: authgate keys rotate --now, or another \
             key file."
        )),
    }
}
