//! Registering clients and changing them: by administrators, and by people for themselves. Dynamic registration judges
//! by the same rules and commits the same units.
use super::{FlowError, Ground, client_secret::new_client_secret};
use crate::{
    domain::{
        audit::{Actor, AuditEvent, Origin},
        client::{Client, ClientStatus},
        ids::{ClientId, UserId},
        registration::{
            Draft, Fault, Field, Problem, Reach, Rules, Widened, judge, needs_approval,
        },
        scope::ScopeSet,
        secret::Secret,
        submission::Submission,
        user::User,
    },
    store::clients::{
        ApproveClient, Changed, InsertClient, Inserted, ReplaceSecret, Room, UpdateClient,
    },
};
use std::{sync::Arc, time::Duration};

mod ending;
pub mod events;
mod giving;
pub use ending::{Ended, delete, reject, revoke_all};
pub use giving::{Given, give};

/// What is asked for when nothing is named.
pub const DEFAULT_SCOPES: &str = "email profile";

/// What the registry needs.
#[derive(Clone)]
pub struct RegistryDeps {
    /// Common ground.
    pub ground: Ground,
    /// The operator's rules.
    pub rules: Arc<RegistryRules>,
}

/// What the operator set about clients.
#[derive(Clone, Debug)]
pub struct RegistryRules {
    /// `STRICT_REDIRECT_URIS`.
    pub strict_redirect_uris: bool,
    /// `JWT_EXPIRATION_MAX`.
    pub max_machine_ttl: Duration,
    /// Algorithms of ID tokens.
    pub id_token_algs: Vec<String>,
    /// How many clients one person may have registered; `None` for no bound.
    pub apps_per_user: Option<u32>,
}

impl RegistryRules {
    /// The rules for a draft.
    pub fn of(&self, self_service: bool) -> Rules {
        Rules {
            strict_redirect_uris: self.strict_redirect_uris,
            self_service,
            kept_scopes: ScopeSet::default(),
            max_machine_ttl: self.max_machine_ttl,
            id_token_algs: self.id_token_algs.clone(),
        }
    }
}

/// Who does it, and whence.
#[derive(Clone, Debug)]
pub struct Editor {
    /// Who.
    pub user: User,
    /// Whence.
    pub origin: Origin,
}

impl Editor {
    /// As the trail names them.
    pub fn actor(&self) -> Actor {
        Actor::from(&self.user)
    }

    /// What they did.
    pub(super) fn did(&self, event: AuditEvent) -> AuditEvent {
        event.by(self.actor()).from(&self.origin)
    }
}

/// In which capacity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Capacity {
    /// For everybody: nothing needs approval.
    Administrator,
    /// For themselves.
    Owner,
}

/// Why nothing was done.
#[derive(Debug)]
pub enum RegistryError {
    /// The draft has faults.
    Faults(Vec<Fault>),
    /// There is no such client.
    Unknown,
    /// It is somebody else's.
    Foreign,
    /// It changed since it was looked at.
    Stale,
    /// Its state does not allow it.
    WrongState,
    /// The person has registered as many as they may.
    TooMany(u32),
    /// The same form made this client before.
    Already(ClientId),
    /// Something else.
    Flow(FlowError),
}

impl<E: Into<FlowError>> From<E> for RegistryError {
    fn from(error: E) -> Self {
        Self::Flow(error.into())
    }
}

/// A client that was made.
pub struct Created {
    /// Its id.
    pub client_id: ClientId,
    /// Shown once; public clients have none.
    pub secret: Option<Secret>,
}

/// The client, if the person may see it in this capacity.
///
/// # Errors
/// [`RegistryError::Unknown`] and [`RegistryError::Foreign`].
pub async fn find(
    deps: &RegistryDeps,
    client_id: &ClientId,
    (user_id, capacity): (&UserId, Capacity),
) -> Result<Client, RegistryError> {
    let client = deps
        .ground
        .store
        .client(client_id)
        .await?
        .ok_or(RegistryError::Unknown)?;
    match capacity {
        Capacity::Owner if client.owner != user_id.as_str() => Err(RegistryError::Foreign),
        Capacity::Owner | Capacity::Administrator => Ok(client),
    }
}

/// Makes a client; one for each submission.
///
/// # Errors
/// [`RegistryError::Faults`], [`RegistryError::TooMany`], [`RegistryError::Already`].
pub async fn create(
    deps: &RegistryDeps,
    editor: &Editor,
    (mut draft, submission): (Draft, Option<Submission>),
    capacity: Capacity,
) -> Result<Created, RegistryError> {
    if draft.scopes.trim().is_empty() {
        DEFAULT_SCOPES.clone_into(&mut draft.scopes);
    }
    if !draft.device_flow && !draft.auth_code_flow && !draft.client_credentials_flow {
        draft.device_flow = true;
    }
    let (own, status) = match capacity {
        Capacity::Administrator => (false, ClientStatus::Active),
        Capacity::Owner => (true, ClientStatus::Pending),
    };
    if own {
        only_what_owners_set(&mut draft, None);
    }
    let registration = judge(&draft, &deps.rules.of(own)).map_err(RegistryError::Faults)?;
    let (secret, hashes) = new_client_secret(&deps.ground).await?;
    let (client_id, at) = (
        ClientId::new(deps.ground.id_of(submission)?),
        deps.ground.now(),
    );
    let event = events::created(&client_id, &registration)
        .by(editor.actor())
        .from(&editor.origin);
    let most = deps.rules.apps_per_user.filter(|_| own);
    let has_secret = registration.needs_secret();
    let unit = InsertClient {
        client_id: client_id.clone(),
        hashes,
        owner: editor.user.id.as_str().to_owned(),
        status,
        registration,
        management_token: None,
        room: most.map_or(Room::Unbounded, Room::OwnedBelow),
        at,
        audit: deps.ground.rows(at, vec![event])?,
    };
    match deps.ground.commit(unit).await? {
        Inserted::Done => {}
        Inserted::NoRoom => return Err(RegistryError::TooMany(most.unwrap_or_default())),
        Inserted::Already => return Err(RegistryError::Already(client_id)),
    }
    Ok(Created {
        client_id,
        secret: has_secret.then_some(secret),
    })
}

/// Owners set neither resources, lifetimes nor how ID tokens are signed: what an administrator put there stays.
fn only_what_owners_set(draft: &mut Draft, now: Option<&Client>) {
    let kept = now.map(Draft::from).unwrap_or_default();
    draft.allowed_resources = kept.allowed_resources;
    draft.token_profile = kept.token_profile;
    draft.machine_token_ttl = kept.machine_token_ttl;
    draft.auth_method = kept.auth_method;
    draft.jwks = kept.jwks;
    draft.id_token_alg = kept.id_token_alg;
    draft.metadata = kept.metadata;
}

/// What an edit asks for.
pub struct Edit {
    /// What the client shall be.
    pub draft: Draft,
    /// The version that the form was filled in with; `None`: the one there is now.
    pub version: Option<i64>,
    /// `status`, as an administrator sends it; empty leaves it as it is.
    pub status: String,
}

/// What an edit did.
pub struct Edited {
    /// Its status now.
    pub status: ClientStatus,
    /// What needs approval again; empty when nothing does.
    pub widened: Vec<Widened>,
}

/// Changes a client. What an owner adds to an approved client takes the approval away.
///
/// # Errors
/// [`RegistryError::Unknown`], [`RegistryError::Foreign`], [`RegistryError::Faults`], [`RegistryError::Stale`].
pub async fn update(
    deps: &RegistryDeps,
    editor: &Editor,
    client_id: &ClientId,
    (mut edit, capacity): (Edit, Capacity),
) -> Result<Edited, RegistryError> {
    let now = find(deps, client_id, (&editor.user.id, capacity)).await?;
    let own = capacity == Capacity::Owner;
    if own {
        only_what_owners_set(&mut edit.draft, Some(&now));
    } else {
        edit.draft.metadata.clone_from(&now.metadata);
    }
    // Scopes beyond self-service that an administrator gave may stay; only new ones are judged.
    let mut rules = deps.rules.of(own);
    rules.keeps(&now);
    let registration = judge(&edit.draft, &rules);
    let status = match capacity {
        Capacity::Administrator => asked_status(&edit.status, now.status),
        Capacity::Owner => Ok(now.status),
    };
    let (registration, asked) = match (registration, status) {
        (Ok(registration), Ok(status)) => (registration, status),
        (Err(mut faults), Err(fault)) => {
            faults.push(fault);
            return Err(RegistryError::Faults(faults));
        }
        (Err(faults), Ok(_)) => return Err(RegistryError::Faults(faults)),
        (Ok(_), Err(fault)) => return Err(RegistryError::Faults(vec![fault])),
    };
    // Whatever is judged here is judged on the row that was read: what the form names must be that row, or an edit could
    // be judged on one state and land on the next, with the status of the first.
    if edit.version.is_some_and(|seen| seen != now.version) {
        return Err(RegistryError::Stale);
    }
    let widened = match capacity {
        Capacity::Owner => needs_approval(&now, &registration),
        Capacity::Administrator => Vec::new(),
    };
    let status = if widened.is_empty() {
        asked
    } else {
        ClientStatus::Pending
    };
    let event = events::updated(&now, &registration, status, capacity, &widened)
        .by(editor.actor())
        .from(&editor.origin);
    let at = deps.ground.now();
    let unit = UpdateClient {
        client_id: client_id.clone(),
        version: now.version,
        registration,
        status,
        approved: now.is_active().then(|| Reach::from(&now)),
        at,
        audit: deps.ground.rows(at, vec![event])?,
    };
    done(deps.ground.commit(unit).await?, RegistryError::Stale)?;
    Ok(Edited { status, widened })
}

fn asked_status(text: &str, now: ClientStatus) -> Result<ClientStatus, Fault> {
    match text.trim() {
        "" => Ok(now),
        "active" => Ok(ClientStatus::Active),
        "inactive" => Ok(ClientStatus::Inactive),
        "pending" => Ok(ClientStatus::Pending),
        other => Err(Fault::about(Field::Status, Problem::UnknownStatus, other)),
    }
}

fn done(changed: Changed, otherwise: RegistryError) -> Result<(), RegistryError> {
    match changed {
        Changed::Done => Ok(()),
        Changed::Stale => Err(otherwise),
        Changed::Gone => Err(RegistryError::Unknown),
    }
}

/// Approves a client that waits, as it was looked at.
///
/// # Errors
/// [`RegistryError::Unknown`]; [`RegistryError::WrongState`] when it does not wait, or not as the approver saw it.
pub async fn approve(
    deps: &RegistryDeps,
    editor: &Editor,
    client_id: &ClientId,
    version: Option<i64>,
) -> Result<(), RegistryError> {
    let client = find(deps, client_id, (&editor.user.id, Capacity::Administrator)).await?;
    let at = deps.ground.now();
    let event = events::approved(&client)
        .by(editor.actor())
        .from(&editor.origin);
    let unit = ApproveClient {
        client_id: client_id.clone(),
        version,
        at,
        audit: deps.ground.rows(at, vec![event])?,
    };
    done(deps.ground.commit(unit).await?, RegistryError::WrongState)
}

/// What the replacement of a secret asks for.
pub struct Replacement {
    /// How long the secret before counts yet.
    pub overlap: Option<Duration>,
    /// The version that the form was filled in with; `None`: the one there is now.
    pub version: Option<i64>,
    /// In which capacity.
    pub capacity: Capacity,
}

/// Gives a client another secret.
///
/// # Errors
/// [`RegistryError::Unknown`], [`RegistryError::Foreign`], [`RegistryError::WrongState`] for a client without a secret,
/// [`RegistryError::Stale`] when it is not any more as it was looked at: a form that is sent twice would otherwise put
/// the secret that nobody has seen yet in the place of the one that still counts.
pub async fn regenerate_secret(
    deps: &RegistryDeps,
    editor: &Editor,
    client_id: &ClientId,
    wish: Replacement,
) -> Result<Secret, RegistryError> {
    let client = find(deps, client_id, (&editor.user.id, wish.capacity)).await?;
    if !client.is_confidential() {
        return Err(RegistryError::WrongState);
    }
    if wish.version.is_some_and(|seen| seen != client.version) {
        return Err(RegistryError::Stale);
    }
    let (secret, new) = new_client_secret(&deps.ground).await?;
    let at = deps.ground.now();
    let previous_until = wish.overlap.map(|overlap| at + overlap);
    let event = events::secret_regenerated(&client, previous_until)
        .by(editor.actor())
        .from(&editor.origin);
    let unit = ReplaceSecret {
        client_id: client_id.clone(),
        version: client.version,
        old_hash: client.secret_hash.clone(),
        new,
        previous_until,
        at,
        audit: deps.ground.rows(at, vec![event])?,
    };
    done(deps.ground.commit(unit).await?, RegistryError::Stale)?;
    Ok(secret)
}
