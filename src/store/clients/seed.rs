//! The first client of a new installation.
use crate::{
    domain::{audit::AuditRow, time::Timestamp},
    store::{
        StoreError, Tx, Unit,
        sql::{Sql, Value, list},
    },
};
use futures_util::{FutureExt as _, future::BoxFuture};

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

/// Makes the first client, if there is none. Tells whether it did.
pub struct SeedClient {
    /// The client.
    pub client: NewClient,
    /// Rows of the trail.
    pub audit: Vec<AuditRow>,
}

impl Unit for SeedClient {
    type Answer = bool;

    fn run<'c>(&'c self, tx: &'c mut Tx<'_>) -> BoxFuture<'c, Result<bool, StoreError>> {
        async move {
            let c = &self.client;
            let insert = Sql::new(
                "INSERT INTO oauth_applications (client_id, client_secret, client_name, description, user_id, scopes, \
                 grant_types, redirect_uris, allowed_resources, client_type, enable_device_flow, enable_auth_code_flow, \
                 enable_client_credentials_flow, status, token_profile, project, service_account, created_by, \
                 created_at, updated_at) \
                 SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, 'public', $10, $11, $12, 'active', 'standard', '', '', $5, \
                 $13, $13 WHERE NOT EXISTS (SELECT 1 FROM oauth_applications)",
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
            .time(c.created_at);
            let made = tx.run(insert).await? == 1;
            if made {
                tx.insert_audit(&self.audit);
            }
            Ok(made)
        }
        .boxed()
    }
}
