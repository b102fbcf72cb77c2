//! The first start: an administrator and a client for command-line tools, when there are none.
//!
//! The order matters: a generated password is safe on disk before the row that needs it exists, and the rows are guarded,
//! so that of many servers that start at once exactly one seeds.
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
        clients::{NewClient, SeedClient},
        users::SeedAdmin,
    },
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use std::path::{Path, PathBuf};

pub mod credentials_file;
use credentials_file::CredentialsFile;

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
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Seeded {
    /// Whether the administrator was.
    pub admin: bool,
    /// Id of the client that was made.
    pub client_id: Option<String>,
    /// Where the credentials were written.
    pub file: Option<PathBuf>,
}

/// Makes what is missing.
///
/// # Errors
/// Any failure: the start must stop, because a server that nobody can sign in to is of no use.
pub async fn seed(ground: &Ground, rules: &SeedRules) -> Result<Seeded, FlowError> {
    let counts = ground.store.counts().await?;
    let admin = if counts.users == 0 {
        Some(new_admin(ground, rules).await?)
    } else {
        None
    };
    let client = if counts.clients == 0 {
        let owner = match &admin {
            Some(admin) => Some(admin.user.id.clone()),
            None => ground
                .store
                .user_by_username("admin")
                .await?
                .map(|user| user.id),
        };
        Some(new_client(ground, owner).await?)
    } else {
        None
    };
    let file = write_credentials(&rules.directory, admin.as_ref(), client.as_ref())?;
    let seeded = commit(ground, admin, client).await;
    match (&seeded, &file) {
        // Somebody else seeded in the same moment: what we wrote down opens nothing.
        (Ok(done), Some(file)) if !done.admin && done.client_id.is_none() => file.remove(),
        (Err(_), Some(file)) => file.remove(),
        _ => {}
    }
    let mut seeded = seeded?;
    if seeded.admin || seeded.client_id.is_some() {
        seeded.file = file.map(|file| file.path);
    }
    Ok(seeded)
}

struct Admin {
    user: User,
    /// Only when it was drawn here: nobody else knows it.
    generated: Option<Secret>,
}

struct SeedableClient {
    client: NewClient,
    secret: Secret,
}

async fn new_admin(ground: &Ground, rules: &SeedRules) -> Result<Admin, FlowError> {
    let (password, generated) = match &rules.admin_password {
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
    Ok(Admin { user, generated })
}

async fn new_client(ground: &Ground, owner: Option<UserId>) -> Result<SeedableClient, FlowError> {
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
    Ok(SeedableClient { client, secret })
}

fn write_credentials(
    directory: &Path,
    admin: Option<&Admin>,
    client: Option<&SeedableClient>,
) -> Result<Option<CredentialsFile>, FlowError> {
    let mut text = String::new();
    if let Some((admin, password)) = admin.and_then(|a| a.generated.as_ref().map(|p| (a, p))) {
        text += &format!(
            "Admin Username: {}\nAdmin Password: {}\n\n",
            admin.user.username,
            password.expose()
        );
    }
    if let Some(client) = client {
        text += &format!(
            "Client ID: {}\nClient Secret: {}\n",
            client.client.client_id,
            client.secret.expose()
        );
    }
    if text.is_empty() {
        return Ok(None);
    }
    CredentialsFile::write(directory, &text).map(Some).map_err(|error| {
        FlowError::Internal(format!(
            "the generated credentials could not be written to {}: {error} (set DEFAULT_ADMIN_PASSWORD and make the working directory writable)",
            directory.display()
        ))
    })
}

async fn commit(
    ground: &Ground,
    admin: Option<Admin>,
    client: Option<SeedableClient>,
) -> Result<Seeded, FlowError> {
    let now = ground.now();
    let mut seeded = Seeded::default();
    if let Some(Admin { user, .. }) = admin {
        let event = AuditEvent::new(EventType::UserCreated, "First administrator was made")
            .on(ResourceType::User, user.id.as_str(), user.username.as_str())
            .with("username", user.username.as_str())
            .with("email", user.email.as_str())
            .with("role", user.role.as_str());
        let audit = ground.rows(now, vec![event])?;
        seeded.admin = ground.commit(SeedAdmin { user, audit }).await?;
    }
    if let Some(SeedableClient { client, .. }) = client {
        let event = AuditEvent::new(EventType::ClientCreated, "First client was made")
            .on(
                ResourceType::Client,
                client.client_id.as_str(),
                client.name.as_str(),
            )
            .with("client_name", client.name.as_str())
            .with("grant_types", client.grant_types.as_str())
            .with("scopes", client.scopes.as_str())
            .with("token_profile", "standard");
        let audit = ground.rows(now, vec![event])?;
        let client_id = client.client_id.clone();
        if ground.commit(SeedClient { client, audit }).await? {
            seeded.client_id = Some(client_id);
        }
    }
    Ok(seeded)
}
