//! The first rows of a new installation: an administrator and a client, made together or not at all.
use super::{
    Store, StoreError, Tx, Unit,
    sql::{Row, Sql, Value, list},
    users,
};
use crate::domain::{audit::AuditRow, time::Timestamp, user::User};
use futures_util::{FutureExt as _, future::BoxFuture};

/// What a database has none of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lacks {
    /// People.
    pub people: bool,
    /// Clients.
    pub clients: bool,
}

fn lacks() -> Sql {
    Sql::new(
        "SELECT NOT EXISTS (SELECT 1 FROM users) AS people, \
         NOT EXISTS (SELECT 1 FROM oauth_applications) AS clients",
    )
}

impl Lacks {
    fn of(row: Option<Row>) -> Result<Self, StoreError> {
        let row = row.ok_or_else(|| StoreError::Bug("a question gave no row".to_owned()))?;
        Ok(Self {
            people: row.flag("people")?,
            clients: row.flag("clients")?,
        })
    }
}

impl Store {
    /// Whether there is nobody yet, and no client.
    ///
    /// # Errors
    /// As the database.
    pub async fn lacks(&self) -> Result<Lacks, StoreError> {
        Lacks::of(self.read_one(lacks()).await?)
    }
}

/// A public client to be made.
#[derive(Clone, Debug)]
pub struct NewClient {
    /// UUID.
    pub client_id: String,
    /// bcrypt.
    pub secret_hash: String,
    /// Shown to people.
    pub name: String,
    /// Shown to people.
    pub description: String,
    /// User id of the owner.
    pub owner: String,
    /// Separated by blanks.
    pub scopes: String,
    /// Separated by blanks; for people, the flags decide.
    pub grant_types: String,
    /// Redirection endpoints.
    pub redirect_uris: Vec<String>,
    /// Device grant.
    pub device_flow: bool,
    /// Code grant.
    pub auth_code_flow: bool,
    /// Now.
    pub created_at: Timestamp,
}

/// What became of a [`Seed`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sown {
    /// Every row of it is there, be it from an earlier attempt whose outcome nobody knew.
    Done,
    /// The database does not lack just this any more, and none of it was made.
    Overtaken,
}

/// Makes the first person and the first client, if the database still lacks exactly what is given.
#[derive(Clone)]
pub struct Seed {
    /// The administrator, where there is nobody.
    pub admin: Option<User>,
    /// The client, where there is none.
    pub client: Option<NewClient>,
    /// Rows of the trail.
    pub audit: Vec<AuditRow>,
}

impl Unit for Seed {
    type Answer = Sown;

    fn run<'c>(&'c self, tx: &'c mut Tx<'_>) -> BoxFuture<'c, Result<Sown, StoreError>> {
        async move {
            if tx.locks() {
                // Of servers that start at once each sees what the one before has made, and an attempt in doubt is over.
                // The number is "seed" in ASCII; nothing else takes this lock.
                let lock = "SELECT pg_advisory_xact_lock(1936024932) IS NULL AS taken";
                tx.one(Sql::new(lock)).await?;
            }
            if self.is_there(tx).await? {
                return Ok(Sown::Done);
            }
            let mine = Lacks {
                people: self.admin.is_some(),
                clients: self.client.is_some(),
            };
            if Lacks::of(tx.one(lacks()).await?)? != mine {
                return Ok(Sown::Overtaken);
            }
            if let Some(admin) = &self.admin {
                tx.run(users::insert(admin)).await?;
            }
            if let Some(client) = &self.client {
                tx.run(insert_client(client)).await?;
            }
            tx.insert_audit(&self.audit);
            Ok(Sown::Done)
        }
        .boxed()
    }
}

impl Seed {
    /// One row tells: they are made together.
    async fn is_there(&self, tx: &mut Tx<'_>) -> Result<bool, StoreError> {
        let find = match (&self.admin, &self.client) {
            (Some(admin), _) => {
                Sql::new("SELECT id FROM users WHERE id = $1").text(admin.id.as_str())
            }
            (None, Some(client)) => {
                let find = "SELECT client_id FROM oauth_applications WHERE client_id = $1";
                Sql::new(find).text(client.client_id.as_str())
            }
            (None, None) => return Ok(true),
        };
        Ok(tx.one(find).await?.is_some())
    }
}

fn insert_client(c: &NewClient) -> Sql {
    Sql::new(
        "INSERT INTO oauth_applications (client_id, client_secret, client_name, description, user_id, scopes, \
         grant_types, redirect_uris, allowed_resources, client_type, enable_device_flow, enable_auth_code_flow, \
         enable_client_credentials_flow, status, token_profile, project, service_account, created_by, \
         created_at, updated_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'public', $10, $11, $12, 'active', 'standard', '', '', $5, $13, $13)",
    )
    .text(c.client_id.as_str())
    .text(c.secret_hash.as_str())
    .text(c.name.as_str())
    .text(c.description.as_str())
    .text(c.owner.as_str())
    .text(c.scopes.as_str())
    .text(c.grant_types.as_str())
    .bind(list(&c.redirect_uris))
    .bind(list(&[]))
    .bind(Value::Flag(c.device_flow))
    .bind(Value::Flag(c.auth_code_flow))
    .bind(Value::Flag(false))
    .time(c.created_at)
}
