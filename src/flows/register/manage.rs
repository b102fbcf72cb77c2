//! Managing a registration (RFC 7592): read, replace, delete, by whoever holds the registration access token.
//!
//! What an administrator gave stays out of reach: resources, lifetimes of people's tokens, project, service account. Whether a
//! replacement needs approval again is decided by the rule that holds for everybody.
use super::{RegisterDeps, RegisterError, judged, object};
use crate::{
    domain::{
        audit::{Actor, Origin},
        client::{Client, ClientStatus},
        client_metadata::{self, MetadataFault},
        digest::sha256_hex,
        ids::ClientId,
        registration::{Draft, Reach, Registration, needs_approval},
        secret::Secret,
    },
    flows::{
        FlowError,
        registry::{Capacity, events},
    },
    store::clients::{Changed, UpdateClient, ending::DeleteClient},
};
use serde_json::{Map, Value};
use std::net::IpAddr;

/// Who manages which registration, and whence.
pub struct Manager {
    /// From the path.
    pub client_id: ClientId,
    /// The registration access token, if one came.
    pub token: Option<Secret>,
    /// Whence.
    pub address: IpAddr,
    /// Whence, for the trail.
    pub origin: Origin,
}

/// What is registered (RFC 7592 §2.1).
///
/// # Errors
/// [`RegisterError::Unauthorized`] without the token of this registration.
pub async fn read(
    deps: &RegisterDeps,
    manager: &Manager,
) -> Result<Map<String, Value>, RegisterError> {
    let (client, token) = entered(deps, manager).await?;
    Ok(deps.told(&client, token))
}

/// Replaces all metadata (RFC 7592 §2.2).
///
/// # Errors
/// [`RegisterError`].
pub async fn replace(
    deps: &RegisterDeps,
    manager: &Manager,
    body: &[u8],
) -> Result<Map<String, Value>, RegisterError> {
    let (now, token) = entered(deps, manager).await?;
    let asked = object(body)?;
    belongs(deps, manager, &now, &asked).await?;
    let registration = replacement(deps, &now, &asked)?;
    let widened = needs_approval(&now, &registration);
    let status = if widened.is_empty() {
        now.status
    } else {
        ClientStatus::Pending
    };
    let ground = &deps.registry.ground;
    let at = ground.now();
    let event = events::updated(&now, &registration, status, Capacity::Owner, &widened)
        .by(Actor::Client(now.client_id.clone()))
        .from(&manager.origin);
    let unit = UpdateClient {
        client_id: now.client_id.clone(),
        version: now.version,
        registration,
        status,
        approved: now.is_active().then(|| Reach::from(&now)),
        at,
        audit: ground.rows(at, vec![event])?,
    };
    match ground.commit(unit).await? {
        Changed::Done => {}
        Changed::Stale => {
            let why = "the client was changed in the same moment";
            return Err(FlowError::Unavailable(why.to_owned()).into());
        }
        Changed::Gone => return Err(RegisterError::Unauthorized),
    }
    let then = ground.store.client(&now.client_id).await?;
    Ok(deps.told(&then.ok_or(RegisterError::Unauthorized)?, token))
}

/// Deletes the client with all that it was given (RFC 7592 §2.3). Its token opens nothing from then on.
///
/// # Errors
/// [`RegisterError`].
pub async fn remove(deps: &RegisterDeps, manager: &Manager) -> Result<(), RegisterError> {
    let (client, _) = entered(deps, manager).await?;
    let ground = &deps.registry.ground;
    let at = ground.now();
    let event = events::deleted(&client, Capacity::Owner)
        .by(Actor::Client(client.client_id.clone()))
        .from(&manager.origin);
    let unit = DeleteClient {
        client_id: client.client_id.clone(),
        owner: None,
        even_active: true,
        at,
        audit: ground.rows(at, vec![event])?,
    };
    match ground.commit(unit).await? {
        Changed::Done => Ok(()),
        Changed::Stale | Changed::Gone => Err(RegisterError::Unauthorized),
    }
}

/// The client whose registration the token manages.
async fn entered<'m>(
    deps: &RegisterDeps,
    manager: &'m Manager,
) -> Result<(Client, &'m Secret), RegisterError> {
    if !deps.settings.enabled {
        return Err(RegisterError::Closed);
    }
    let token = manager.token.as_ref().ok_or(RegisterError::Unauthorized)?;
    let hash = sha256_hex(token.expose().as_bytes());
    let store = &deps.registry.ground.store;
    let client = store.managed_client(&manager.client_id, &hash).await?;
    Ok((client.ok_or(RegisterError::Unauthorized)?, token))
}

/// RFC 7592 §2.2: the request names the client, and holds nothing that only the server says.
async fn belongs(
    deps: &RegisterDeps,
    manager: &Manager,
    now: &Client,
    asked: &Map<String, Value>,
) -> Result<(), RegisterError> {
    let text = |name: &str| asked.get(name).and_then(Value::as_str);
    if text("client_id") != Some(now.client_id.as_str()) {
        return Err(fault("client_id must be that of the registration"));
    }
    let ours = [
        "registration_access_token",
        "registration_client_uri",
        "client_secret_expires_at",
        "client_id_issued_at",
    ];
    if let Some(name) = ours.into_iter().find(|name| asked.contains_key(*name)) {
        return Err(fault(&format!("{name} must not be sent")));
    }
    if !asked.contains_key("client_secret") {
        return Ok(());
    }
    let secret = text("client_secret").map(Secret::new);
    let right = match secret.filter(|_| now.is_confidential()) {
        Some(secret) => {
            deps.auth
                .is_secret_of(now, &secret, manager.address)
                .await?
        }
        None => false,
    };
    if right {
        Ok(())
    } else {
        Err(fault("client_secret is not that of the registration"))
    }
}

/// The registration that takes the place of the present one.
fn replacement(
    deps: &RegisterDeps,
    now: &Client,
    asked: &Map<String, Value>,
) -> Result<Registration, RegisterError> {
    let given = Draft::from(now);
    let mut draft = Draft {
        allowed_resources: given.allowed_resources,
        token_profile: given.token_profile,
        project: given.project,
        service_account: given.service_account,
        ..client_metadata::draft(asked)?
    };
    if draft.scopes.trim().is_empty() {
        draft.scopes = given.scopes;
    }
    let mut rules = deps.registry.rules.of(true);
    rules.keeps(now);
    let registration = judged(&draft, &rules)?;
    // A secret is shown once, when it is made: who has none cannot come to need one.
    if registration.needs_secret() && !now.needs_secret() {
        return Err(fault(
            "token_endpoint_auth_method cannot change to one with a secret; register again",
        ));
    }
    Ok(registration)
}

fn fault(text: &str) -> RegisterError {
    MetadataFault::Metadata(text.to_owned()).into()
}
