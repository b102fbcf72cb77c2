//! The first start: an administrator and a client for command-line tools, when there are none.
//!
//! What is drawn is safe on disk before the rows that need it exist. Both rows are one unit, which makes exactly what was
//! prepared or nothing: the file never tells a password that opens nothing because another server was quicker, and it stays
//! where nobody knows what became of the unit.
use super::{
    FlowError, Ground,
    client_secret::{hashed, new_client_secret},
};
use crate::{
    domain::{
        audit::{AuditEvent, EventType, ResourceType},
        ids::UserId,
        secret::Secret,
        time::random,
        user::{Role, User},
    },
    passwords::HashAlgorithm,
    store::{
        StoreError,
        seed::{NewClient, Seed, Sown},
    },
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use std::{io, path::PathBuf};

pub mod credentials_file;
use credentials_file::CredentialsFile;

/// How often others may be quicker. Whoever is overtaken finds what they made at the next look.
const ROUNDS: u32 = 5;

/// What the first start needs to know.
pub struct SeedRules {
    /// `DEFAULT_ADMIN_PASSWORD`, trimmed; `None` to have one drawn.
    pub admin_password: Option<Secret>,
    /// How the administrator's password is hashed.
    pub algorithm: HashAlgorithm,
    /// Where `authgate-credentials.txt` is written.
    pub directory: PathBuf,
}

/// What was made.
#[derive(Debug, Default)]
pub struct Seeded {
    /// Whether the administrator was.
    pub admin: bool,
    /// Id of the client that was made.
    pub client_id: Option<String>,
    /// Where the credentials were written.
    pub file: Option<PathBuf>,
    /// Why they were not, where nobody needs them to sign in.
    pub unwritten: Option<io::Error>,
}

/// Makes what is missing.
///
/// # Errors
/// Any failure: the start must stop, because a server that nobody can sign in to is of no use. Where nobody knows whether
/// the rows are there, the text names the file that tells their credentials.
pub async fn seed(ground: &Ground, rules: &SeedRules) -> Result<Seeded, FlowError> {
    for _ in 0..ROUNDS {
        let Some(crop) = prepare(ground, rules).await? else {
            return Ok(Seeded::default());
        };
        let (file, unwritten) = write_down(&crop, rules)?;
        match commit(ground, crop.seed.clone()).await {
            Ok(Sown::Done) => {
                return Ok(Seeded {
                    admin: crop.seed.admin.is_some(),
                    client_id: crop.seed.client.map(|client| client.client_id),
                    file: file.map(|file| file.path),
                    unwritten,
                });
            }
            Err(StoreError::Unavailable(why)) => return Err(in_doubt(why, file)),
            // Nothing was made. The Go server takes no lock: of two first administrators the second is a conflict.
            nothing => {
                file.iter().for_each(CredentialsFile::remove);
                if let Err(error @ StoreError::Bug(_)) = nothing {
                    return Err(error.into());
                }
            }
        }
    }
    let why = "other servers make and remove people and clients at the same time";
    Err(FlowError::Unavailable(why.to_owned()))
}

/// What is to be made, and what is to be told about it.
struct Crop {
    seed: Seed,
    credentials: String,
    /// Whether nobody could sign in without the credentials.
    is_needed: bool,
}

/// Everything that the database lacks; `None` when it lacks nothing.
async fn prepare(ground: &Ground, rules: &SeedRules) -> Result<Option<Crop>, FlowError> {
    let lacks = ground.store.lacks().await?;
    if !lacks.people && !lacks.clients {
        return Ok(None);
    }
    let (mut credentials, mut events) = (String::new(), Vec::new());
    let (mut admin, mut client) = (None, None);
    let mut is_needed = false;
    if lacks.people {
        let (user, drawn) = new_admin(ground, rules).await?;
        if let Some(password) = drawn {
            is_needed = true;
            credentials += &format!(
                "Admin Username: {}\nAdmin Password: {}\n\n",
                user.username,
                password.expose()
            );
        }
        events.push(user_created(&user));
        admin = Some(user);
    }
    if lacks.clients {
        let owner = match &admin {
            Some(admin) => Some(admin.id.clone()),
            None => {
                let named = ground.store.user_by_username("admin").await?;
                named.map(|user| user.id)
            }
        };
        let (new, secret) = new_client(ground, owner).await?;
        credentials += &format!(
            "Client ID: {}\nClient Secret: {}\n",
            new.client_id,
            secret.expose()
        );
        events.push(client_created(&new));
        client = Some(new);
    }
    let audit = ground.rows(ground.now(), events)?;
    Ok(Some(Crop {
        seed: Seed {
            admin,
            client,
            audit,
        },
        credentials,
        is_needed,
    }))
}

/// The administrator, and their password when it was drawn here: nobody else knows it.
async fn new_admin(
    ground: &Ground,
    rules: &SeedRules,
) -> Result<(User, Option<Secret>), FlowError> {
    let (password, drawn) = match &rules.admin_password {
        Some(password) => (password.clone(), None),
        None => {
            let drawn = URL_SAFE_NO_PAD.encode(random::<16>(&*ground.entropy)?);
            let password = Secret::new(drawn.get(..16).unwrap_or(&drawn));
            (password.clone(), Some(password))
        }
    };
    let now = ground.now();
    let user = User {
        id: UserId::new(ground.uuid()?),
        username: "admin".to_owned(),
        email: "admin@localhost".to_owned(),
        password_hash: hashed(ground, rules.algorithm, &password).await?,
        role: Role::Admin,
        full_name: "Administrator".to_owned(),
        avatar_url: String::new(),
        is_active: true,
        email_verified: false,
        auth_source: "local".to_owned(),
        must_change_password: false,
        created_at: now,
        updated_at: now,
    };
    Ok((user, drawn))
}

/// The client and its secret.
async fn new_client(
    ground: &Ground,
    owner: Option<UserId>,
) -> Result<(NewClient, Secret), FlowError> {
    let (secret, hashes) = new_client_secret(ground).await?;
    let client = NewClient {
        client_id: ground.uuid()?,
        // A public client proves nothing by it.
        secret_hash: hashes.slow,
        name: "AuthGate CLI".to_owned(),
        description: "Signs people in from command-line tools".to_owned(),
        owner: owner.map(|id| id.to_string()).unwrap_or_default(),
        scopes: "email profile".to_owned(),
        grant_types: "device_code authorization_code".to_owned(),
        redirect_uris: vec!["http://localhost:8888/callback".to_owned()],
        device_flow: true,
        auth_code_flow: true,
        created_at: ground.now(),
    };
    Ok((client, secret))
}

fn user_created(user: &User) -> AuditEvent {
    AuditEvent::new(EventType::UserCreated, "First administrator was made")
        .on(ResourceType::User, user.id.as_str(), user.username.as_str())
        .with("username", user.username.as_str())
        .with("email", user.email.as_str())
        .with("role", user.role.as_str())
}

fn client_created(client: &NewClient) -> AuditEvent {
    AuditEvent::new(EventType::ClientCreated, "First client was made")
        .on(
            ResourceType::Client,
            client.client_id.as_str(),
            client.name.as_str(),
        )
        .with("client_name", client.name.as_str())
        .with("grant_types", client.grant_types.as_str())
        .with("scopes", client.scopes.as_str())
        .with("token_profile", "standard")
}

type Written = (Option<CredentialsFile>, Option<io::Error>);

/// Puts the credentials on disk. That it fails matters only where they are needed: the secret of a public client opens
/// nothing.
fn write_down(crop: &Crop, rules: &SeedRules) -> Result<Written, FlowError> {
    if crop.credentials.is_empty() {
        return Ok((None, None));
    }
    match CredentialsFile::write(&rules.directory, &crop.credentials) {
        Ok(file) => Ok((Some(file), None)),
        Err(error) if !crop.is_needed => Ok((None, Some(error))),
        Err(error) => Err(FlowError::Internal(format!(
            "the generated credentials could not be written to {}: {error} (set DEFAULT_ADMIN_PASSWORD, or make the \
             working directory writable)",
            rules.directory.display()
        ))),
    }
}

/// When nobody knows what became of the unit it is tried again, and then it tells: its rows have their ids already.
async fn commit(ground: &Ground, seed: Seed) -> Result<Sown, StoreError> {
    match ground.try_commit(seed.clone()).await {
        Err(StoreError::Unavailable(_)) => ground.try_commit(seed).await,
        known => known,
    }
}

/// The rows may be there after all, and then the file is all that anybody has of what opens them.
fn in_doubt(why: String, file: Option<CredentialsFile>) -> FlowError {
    FlowError::Unavailable(match file {
        None => why,
        Some(file) => format!(
            "{why}; whether the first administrator and client were stored is not known: what {} tells may open nothing",
            file.path.display()
        ),
    })
}
