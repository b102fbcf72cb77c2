//! Dynamic registration (RFC 7591): a program registers itself, and waits for an administrator's approval. What it may do
//! with its registration later is in [`manage`].
use super::{
    FlowError,
    client_auth::ClientAuth,
    client_secret::new_client_secret,
    registry::{RegistryDeps, events},
};
use crate::{
    domain::{
        audit::{AuditEvent, EventType, Origin, ResourceType},
        client::{Client, ClientStatus},
        client_metadata::{self, MetadataFault},
        digest::sha256_hex,
        ids::ClientId,
        registration::{Draft, Registration, Rules, judge},
        secret::{Secret, same},
        time::random,
    },
    jose::ForeignKeys,
    store::clients::{InsertClient, Inserted, Room},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value};
use std::sync::Arc;

pub mod manage;

/// What registering needs.
#[derive(Clone)]
pub struct RegisterDeps {
    /// The registry and its rules.
    pub registry: RegistryDeps,
    /// Compares secrets.
    pub auth: ClientAuth,
    /// What the operator set.
    pub settings: Arc<RegisterSettings>,
}

/// What the operator set about dynamic registration.
#[derive(Clone, Debug)]
pub struct RegisterSettings {
    /// `ENABLE_DYNAMIC_CLIENT_REGISTRATION`.
    pub enabled: bool,
    /// `DYNAMIC_CLIENT_REGISTRATION_TOKEN`: the initial access token, if one is needed.
    pub initial_token: Option<Secret>,
    /// `DYNAMIC_CLIENT_REGISTRATION_MAX_PENDING`: how many may wait for approval; `None` for no bound.
    pub most_waiting: Option<u32>,
    /// `BASE_URL` without trailing slashes.
    pub base_url: String,
}

/// Why nothing was registered.
#[derive(Debug)]
pub enum RegisterError {
    /// Registration is switched off.
    Closed,
    /// The bearer token is missing or wrong.
    Unauthorized,
    /// So many wait for approval that another one would only hide them.
    Full,
    /// RFC 7591 §3.2.2.
    Metadata(MetadataFault),
    /// Something else.
    Flow(FlowError),
}

impl<E: Into<FlowError>> From<E> for RegisterError {
    fn from(error: E) -> Self {
        Self::Flow(error.into())
    }
}

impl From<MetadataFault> for RegisterError {
    fn from(fault: MetadataFault) -> Self {
        Self::Metadata(fault)
    }
}

/// Registers a client. The gates in order: switched on, initial token, JSON, metadata.
///
/// # Errors
/// [`RegisterError`].
pub async fn register(
    deps: &RegisterDeps,
    bearer: Option<&str>,
    body: &[u8],
    origin: &Origin,
) -> Result<Map<String, Value>, RegisterError> {
    deps.enter(bearer)?;
    let mut draft = client_metadata::draft(&object(body)?)?;
    if draft.scopes.trim().is_empty() {
        super::registry::DEFAULT_SCOPES.clone_into(&mut draft.scopes);
    }
    let registration = judged(&draft, &deps.registry.rules.of(true))?;
    let ground = &deps.registry.ground;
    if let Some(most) = deps.settings.most_waiting
        && ground.store.registrations_waiting().await? >= i64::from(most)
    {
        // Who is refused costs no hash.
        return Err(RegisterError::Full);
    }
    let (secret, hashes) = new_client_secret(ground).await?;
    let (client_id, at) = (ClientId::new(ground.uuid()?), ground.now());
    let token = Secret::new(format!(
        "agr_{}",
        URL_SAFE_NO_PAD.encode(random::<32>(&*ground.entropy)?)
    ));
    let trail = vec![
        events::created(&client_id, &registration).from(origin),
        registered(&client_id, &registration, origin),
    ];
    let has_secret = registration.needs_secret();
    let unit = InsertClient {
        client_id: client_id.clone(),
        hashes,
        owner: String::new(),
        status: ClientStatus::Pending,
        registration,
        management_token: Some(sha256_hex(token.expose().as_bytes())),
        room: deps
            .settings
            .most_waiting
            .map_or(Room::Unbounded, Room::WaitingBelow),
        at,
        audit: ground.rows(at, trail)?,
    };
    match ground.commit(unit).await? {
        Inserted::Done => {}
        Inserted::NoRoom => return Err(RegisterError::Full),
        Inserted::Already => {
            return Err(FlowError::Internal("a fresh UUID was taken".to_owned()).into());
        }
    }
    let client = ground.store.client(&client_id).await?;
    let client = client.ok_or_else(|| gone("the client that was just made"))?;
    let mut answer = deps.told(&client, &token);
    if has_secret {
        answer.insert("client_secret".to_owned(), secret.expose().into());
        answer.insert("client_secret_expires_at".to_owned(), 0.into());
    }
    Ok(answer)
}

impl RegisterDeps {
    fn enter(&self, bearer: Option<&str>) -> Result<(), RegisterError> {
        if !self.settings.enabled {
            return Err(RegisterError::Closed);
        }
        let Some(needed) = &self.settings.initial_token else {
            return Ok(());
        };
        let shown = bearer.unwrap_or_default();
        if same(shown.as_bytes(), needed.expose().as_bytes()) {
            Ok(())
        } else {
            Err(RegisterError::Unauthorized)
        }
    }

    /// What a client is told: its metadata, and how it manages them.
    fn told(&self, client: &Client, token: &Secret) -> Map<String, Value> {
        let mut answer = client_metadata::of(client);
        let uri = format!(
            "{}/oauth/register/{}",
            self.settings.base_url, client.client_id
        );
        answer.insert("registration_client_uri".to_owned(), uri.into());
        let token = token.expose().into();
        answer.insert("registration_access_token".to_owned(), token);
        answer
    }
}

fn object(body: &[u8]) -> Result<Map<String, Value>, RegisterError> {
    serde_json::from_slice(body)
        .map_err(|_| MetadataFault::Metadata("the body must be a JSON object".to_owned()).into())
}

/// The draft by the rules of all drafts, and its keys by who will verify with them.
fn judged(draft: &Draft, rules: &Rules) -> Result<Registration, MetadataFault> {
    let registration = judge(draft, rules)?;
    let keys = registration.jwks.as_deref();
    if keys.is_some_and(|keys| ForeignKeys::from_jwks(keys.as_bytes()).is_err()) {
        let why = "jwks holds no RSA key of 2048 bits or more and no P-256 key for signatures";
        return Err(MetadataFault::Metadata(why.to_owned()));
    }
    Ok(registration)
}

fn gone(what: &str) -> FlowError {
    FlowError::Unavailable(format!("{what} is gone"))
}

fn registered(client_id: &ClientId, made: &Registration, origin: &Origin) -> AuditEvent {
    AuditEvent::new(
        EventType::ClientRegistered,
        "Client registered itself and waits for approval",
    )
    .on(ResourceType::Client, client_id.as_str(), made.name.as_str())
    .with("client_name", made.name.as_str())
    .with("grant_types", made.grant_types())
    .with("scopes", made.scopes.to_string())
    .with("client_type", made.client_type.as_str())
    .with("client_uri", made.description.as_str())
    .with("redirect_uris", made.redirect_uris.clone())
    .with("source_ip", origin.ip.as_str())
    .from(origin)
}
