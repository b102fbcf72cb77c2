//! `oauth_applications`: reading, making and changing. What ends a client or its tokens is in [`ending`].
use super::{
    Store, StoreError, Tx, Unit,
    keyed::{ByKeys, Keyed, Lookups},
    lookup::Lookup,
    outbox::{Remembered, note},
    rows::{self, CLIENT},
    sql::{Row, Sql, Value, list},
};
use crate::domain::{
    audit::AuditRow,
    client::{AuthMethod, Client, ClientStatus, SecretHashes},
    ids::{ClientId, UserId},
    registration::{Reach, Registration},
    time::Timestamp,
};
use futures_util::{FutureExt as _, future::BoxFuture};
use std::sync::{Arc, LazyLock};

pub mod ending;
pub mod listing;

/// What became of a change to one client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Changed {
    /// It was made.
    Done,
    /// The client is not any more as the caller saw it; nothing was changed.
    Stale,
    /// There is no such client.
    Gone,
}

impl Store {
    /// How many clients that nobody owns wait for approval, as a look before the transaction, in which it is decided.
    ///
    /// # Errors
    /// As the database.
    pub async fn registrations_waiting(&self) -> Result<i64, StoreError> {
        let row = self.read_one(Sql::new(WAITING)).await?;
        row.map_or(Ok(0), |row| row.int("waiting"))
    }

    /// The client with this id.
    ///
    /// # Errors
    /// As the database.
    pub async fn client(&self, client_id: &ClientId) -> Result<Option<Client>, StoreError> {
        let key = client_id.as_str();
        if key.contains('\0') {
            return Ok(None);
        }
        self.find(key).await
    }
}

impl Keyed for Client {
    const KEY: &'static str = "c_client_id";

    fn by_keys() -> &'static ByKeys {
        static STATEMENT: LazyLock<ByKeys> = LazyLock::new(|| {
            ByKeys::new(&format!(
                "SELECT {CLIENT} FROM oauth_applications c WHERE c.client_id IN"
            ))
        });
        &STATEMENT
    }

    fn lookup(lookups: &Lookups) -> &Arc<Lookup<Self>> {
        &lookups.clients
    }

    fn read(row: &Row) -> Result<Self, StoreError> {
        rows::client(row)
    }
}

/// How many clients there may be before a new one is turned away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Room {
    /// No bound.
    Unbounded,
    /// The owner must have fewer than so many already.
    OwnedBelow(u32),
    /// Fewer than so many that registered themselves may wait for approval.
    WaitingBelow(u32),
}

/// What became of a client to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inserted {
    /// It was made.
    Done,
    /// There is no room for one more.
    NoRoom,
    /// The row is there already.
    Already,
}

/// A client to be made.
pub struct InsertClient {
    /// UUID.
    pub client_id: ClientId,
    /// The hashes of the secret. Public clients have one that nobody knows: the column must not be empty.
    pub hashes: SecretHashes,
    /// User id of the owner; empty for dynamic registration.
    pub owner: String,
    /// Pending or active.
    pub status: ClientStatus,
    /// What it is.
    pub registration: Registration,
    /// SHA-256 of the token that manages the registration (RFC 7592), if it has one.
    pub management_token: Option<String>,
    /// Whether there must be room for it.
    pub room: Room,
    /// Now.
    pub at: Timestamp,
    /// Rows of the trail.
    pub audit: Vec<AuditRow>,
}

const INSERT: &str = "INSERT INTO oauth_applications (client_id, client_secret, user_id, created_by, status, client_name, \
     description, client_type, scopes, grant_types, redirect_uris, allowed_resources, enable_device_flow, \
     enable_auth_code_flow, enable_client_credentials_flow, token_profile, project, service_account, machine_token_ttl, \
     token_endpoint_auth_method, jwks, id_token_signed_response_alg, post_logout_redirect_uris, registration_metadata, \
     row_version, created_at, updated_at, fast_secret_hash, fast_secret_of) \
     VALUES ($1, $2, $3, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, \
     $23, 1, $24, $24, $25, $26) ON CONFLICT (client_id) DO NOTHING";

impl Unit for InsertClient {
    type Answer = Inserted;

    fn run<'c>(&'c self, tx: &'c mut Tx<'_>) -> BoxFuture<'c, Result<Inserted, StoreError>> {
        async move {
            if !self.has_room(tx).await? {
                return Ok(match self.is_there(tx).await? {
                    true => Inserted::Already,
                    false => Inserted::NoRoom,
                });
            }
            let insert = Sql::new(INSERT)
                .text(self.client_id.as_str())
                .text(self.hashes.slow.as_str())
                .text(self.owner.as_str())
                .text(self.status.as_str())
                .values(registration_values(&self.registration))
                .time(self.at)
                .text(self.hashes.fast.as_str())
                .bind(Value::Text(self.hashes.binding()));
            if tx.run(insert).await? == 0 {
                return Ok(Inserted::Already);
            }
            if let Some(hash) = &self.management_token {
                let insert = Sql::new(
                    "INSERT INTO registration_tokens (token_hash, client_id, created_at) VALUES ($1, $2, $3)",
                );
                tx.run(insert.text(hash.as_str()).text(self.client_id.as_str()).time(self.at))
                    .await?;
            }
            note(tx, Remembered::Client, self.client_id.as_str(), self.at);
            tx.insert_audit(&self.audit);
            Ok(Inserted::Done)
        }
        .boxed()
    }
}

impl InsertClient {
    async fn is_there(&self, tx: &mut Tx<'_>) -> Result<bool, StoreError> {
        let find = Sql::new("SELECT client_id FROM oauth_applications WHERE client_id = $1");
        let row = tx.one(find.text(self.client_id.as_str())).await?;
        Ok(row.is_some())
    }

    async fn has_room(&self, tx: &mut Tx<'_>) -> Result<bool, StoreError> {
        Ok(match self.room {
            Room::Unbounded => true,
            Room::OwnedBelow(most) => owned(tx, &self.owner).await? < i64::from(most),
            Room::WaitingBelow(most) => waiting(tx).await? < i64::from(most),
        })
    }
}

/// How many clients that nobody owns wait for approval. Those who register at once do it one after the other, so that they
/// count one another.
async fn waiting(tx: &mut Tx<'_>) -> Result<i64, StoreError> {
    if tx.locks() {
        // The number is "wait" in ASCII; nothing else takes this lock.
        tx.one(Sql::new(
            "SELECT pg_advisory_xact_lock(2002872692) IS NULL AS taken",
        ))
        .await?;
    }
    tx.one(Sql::new(WAITING))
        .await?
        .map_or(Ok(0), |row| row.int("waiting"))
}

const WAITING: &str =
    "SELECT count(*) AS waiting FROM oauth_applications WHERE status = 'pending' AND user_id = ''";

/// How many clients a person has. The person's row is locked, so that two who register at once count one another.
async fn owned(tx: &mut Tx<'_>, owner: &str) -> Result<i64, StoreError> {
    if tx.locks() {
        let lock = Sql::new("SELECT id FROM users WHERE id = $1 FOR UPDATE").text(owner);
        tx.one(lock).await?;
    }
    let count =
        Sql::new("SELECT count(*) AS owned FROM oauth_applications WHERE user_id = $1").text(owner);
    tx.one(count).await?.map_or(Ok(0), |row| row.int("owned"))
}

/// The columns of a registration, in one order for insert and update.
fn registration_values(r: &Registration) -> Vec<Value> {
    let text = |value: &str| Value::Text(value.to_owned());
    let metadata = serde_json::Value::Object(r.metadata.clone()).to_string();
    vec![
        text(&r.name),
        text(&r.description),
        text(r.client_type.as_str()),
        Value::Text(r.scopes.to_string()),
        Value::Text(r.grant_types()),
        list(&r.redirect_uris),
        list(&r.allowed_resources),
        Value::Flag(r.device_flow),
        Value::Flag(r.auth_code_flow),
        Value::Flag(r.client_credentials_flow),
        text(r.token_profile),
        text(&r.project),
        text(&r.service_account),
        Value::MaybeInt(
            r.machine_token_ttl
                .and_then(|ttl| i64::try_from(ttl.as_secs()).ok()),
        ),
        Value::MaybeText(r.auth_method.map(AuthMethod::as_str).map(str::to_owned)),
        Value::MaybeText(r.jwks.clone()),
        Value::MaybeText(r.id_token_alg.clone()),
        list(&r.post_logout_redirect_uris),
        Value::MaybeText((!r.metadata.is_empty()).then_some(metadata)),
    ]
}

/// Changes what a client is. Its version guards it: of two who edit the same state the second is told.
pub struct UpdateClient {
    /// Which.
    pub client_id: ClientId,
    /// The version that the editor saw.
    pub version: i64,
    /// What it is from now on.
    pub registration: Registration,
    /// Its status from now on.
    pub status: ClientStatus,
    /// What was approved, of a client that is approved: it is kept where this change takes the approval away.
    pub approved: Option<Reach>,
    /// Now.
    pub at: Timestamp,
    /// Rows of the trail.
    pub audit: Vec<AuditRow>,
}

const UPDATE: &str = "UPDATE oauth_applications SET status = $3, client_name = $4, description = $5, client_type = $6, \
     scopes = $7, grant_types = $8, redirect_uris = $9, allowed_resources = $10, enable_device_flow = $11, \
     enable_auth_code_flow = $12, enable_client_credentials_flow = $13, token_profile = $14, project = $15, \
     service_account = $16, machine_token_ttl = $17, token_endpoint_auth_method = $18, jwks = $19, \
     id_token_signed_response_alg = $20, post_logout_redirect_uris = $21, registration_metadata = $22, \
     approved_as = CASE WHEN $3 <> 'pending' THEN NULL WHEN status = 'pending' THEN approved_as ELSE $24 END, \
     row_version = $2 + 1, updated_at = $23 WHERE client_id = $1 AND coalesce(row_version, 0) = $2";

impl Unit for UpdateClient {
    type Answer = Changed;

    fn run<'c>(&'c self, tx: &'c mut Tx<'_>) -> BoxFuture<'c, Result<Changed, StoreError>> {
        async move {
            let approved = self.approved.as_ref().map(serde_json::to_string);
            let approved = approved
                .transpose()
                .map_err(|error| StoreError::Bug(error.to_string()))?;
            let update = Sql::new(UPDATE)
                .text(self.client_id.as_str())
                .int(self.version)
                .text(self.status.as_str())
                .values(registration_values(&self.registration))
                .time(self.at)
                .bind(Value::MaybeText(approved));
            let changed = tx.run(update).await? == 1;
            told(tx, changed, &self.client_id, self.at, &self.audit).await
        }
        .boxed()
    }
}

/// Notes a change, or finds out why there was none.
async fn told(
    tx: &mut Tx<'_>,
    changed: bool,
    client_id: &ClientId,
    at: Timestamp,
    audit: &[AuditRow],
) -> Result<Changed, StoreError> {
    if changed {
        note(tx, Remembered::Client, client_id.as_str(), at);
        tx.insert_audit(audit);
        return Ok(Changed::Done);
    }
    let find = Sql::new("SELECT client_id FROM oauth_applications WHERE client_id = $1")
        .text(client_id.as_str());
    Ok(match tx.one(find).await? {
        Some(_) => Changed::Stale,
        None => Changed::Gone,
    })
}

/// Gives a client another secret. The old one may count for a while yet, so that all who use it can follow.
pub struct ReplaceSecret {
    /// Which.
    pub client_id: ClientId,
    /// The version that was looked at: by then it may be somebody else's, or have another secret already.
    pub version: i64,
    /// The hash that is replaced.
    pub old_hash: String,
    /// Those of the new one.
    pub new: SecretHashes,
    /// How long the old one counts; `None`: not at all.
    pub previous_until: Option<Timestamp>,
    /// Now.
    pub at: Timestamp,
    /// Rows of the trail.
    pub audit: Vec<AuditRow>,
}

impl Unit for ReplaceSecret {
    type Answer = Changed;

    fn run<'c>(&'c self, tx: &'c mut Tx<'_>) -> BoxFuture<'c, Result<Changed, StoreError>> {
        async move {
            let kept = self.previous_until.map(|_| self.old_hash.clone());
            let update = Sql::new(
                "UPDATE oauth_applications SET client_secret = $3, previous_secret = $4, previous_secret_of = $5, \
                 previous_secret_until = $6, fast_secret_hash = $8, fast_secret_of = $5, \
                 row_version = coalesce(row_version, 0) + 1, updated_at = $7 WHERE client_id = $1 AND client_secret = $2 \
                 AND coalesce(row_version, 0) = $9",
            )
            .text(self.client_id.as_str())
            .text(self.old_hash.as_str())
            .text(self.new.slow.as_str())
            .bind(Value::MaybeText(kept))
            .bind(Value::Text(self.new.binding()))
            .bind(Value::MaybeTime(self.previous_until))
            .time(self.at)
            .text(self.new.fast.as_str())
            .int(self.version);
            let changed = tx.run(update).await? == 1;
            told(tx, changed, &self.client_id, self.at, &self.audit).await
        }
        .boxed()
    }
}

/// Approves a client that waits for it.
pub struct ApproveClient {
    /// Which.
    pub client_id: ClientId,
    /// The version that was looked at: what was changed since then has not been approved.
    pub version: Option<i64>,
    /// Now.
    pub at: Timestamp,
    /// Rows of the trail.
    pub audit: Vec<AuditRow>,
}

impl Unit for ApproveClient {
    type Answer = Changed;

    fn run<'c>(&'c self, tx: &'c mut Tx<'_>) -> BoxFuture<'c, Result<Changed, StoreError>> {
        async move {
            let update = Sql::new(
                "UPDATE oauth_applications SET status = 'active', status_reason = NULL, approved_as = NULL, \
                 row_version = coalesce(row_version, 0) + 1, updated_at = $3 \
                 WHERE client_id = $1 AND status = 'pending' AND coalesce(row_version, 0) = coalesce($2, row_version, 0)",
            )
            .text(self.client_id.as_str())
            .bind(Value::MaybeInt(self.version))
            .time(self.at);
            let changed = tx.run(update).await? == 1;
            told(tx, changed, &self.client_id, self.at, &self.audit).await
        }
        .boxed()
    }
}

/// Gives a client to another person, as it was looked at.
pub struct GiveClient {
    /// Which.
    pub client_id: ClientId,
    /// The version that was looked at.
    pub version: i64,
    /// To whom; somebody who is gone or switched off by then gets nothing.
    pub owner: UserId,
    /// Now.
    pub at: Timestamp,
    /// Rows of the trail.
    pub audit: Vec<AuditRow>,
}

impl Unit for GiveClient {
    type Answer = Changed;

    fn run<'c>(&'c self, tx: &'c mut Tx<'_>) -> BoxFuture<'c, Result<Changed, StoreError>> {
        async move {
            // Held, so that nobody who is being deleted is left with a client.
            let holds = Sql::new(if tx.locks() {
                "SELECT id FROM users WHERE id = $1 AND is_active FOR SHARE"
            } else {
                "SELECT id FROM users WHERE id = $1 AND is_active"
            });
            if tx.one(holds.text(self.owner.as_str())).await?.is_none() {
                return Ok(Changed::Stale);
            }
            let give = Sql::new(
                "UPDATE oauth_applications SET user_id = $2, row_version = coalesce(row_version, 0) + 1, updated_at = $3 \
                 WHERE client_id = $1 AND coalesce(row_version, 0) = $4",
            )
            .text(self.client_id.as_str())
            .text(self.owner.as_str())
            .time(self.at)
            .int(self.version);
            let changed = tx.run(give).await? == 1;
            if changed {
                end_management(tx, &self.client_id).await?;
            }
            told(tx, changed, &self.client_id, self.at, &self.audit).await
        }
        .boxed()
    }
}

/// Whoever registered a client manages it no longer (RFC 7592).
async fn end_management(tx: &mut Tx<'_>, client_id: &ClientId) -> Result<(), StoreError> {
    let end = Sql::new("DELETE FROM registration_tokens WHERE client_id = $1");
    tx.run(end.text(client_id.as_str())).await?;
    Ok(())
}
