//! Client authentication (RFC 6749 §2.3, §3.2.1): one rule for every endpoint that a client talks to.
use super::{FlowError, Ground, clients::Clients};
use crate::{
    actors::password_hasher::PasswordHasher,
    cache::{Failures, VerifiedSecrets},
    domain::{
        audit::{Actor, AuditEvent, EventType, Origin, ResourceType, Severity},
        client::Client,
        ids::ClientId,
        oauth_error::{ErrorCode, OauthError},
        secret::Secret,
        trace::Check,
    },
    store::audit::RecordAudit,
};
use std::{net::IpAddr, sync::Arc};

/// How a client says who it is.
#[derive(Clone, Debug)]
pub struct ClientCredentials {
    /// `client_id`, from the header or the body.
    pub client_id: ClientId,
    /// The secret, if one came.
    pub secret: Option<Secret>,
    /// Whether the same secret came by the header and in the body, which RFC 6749 §2.3 forbids.
    pub is_doubled: bool,
}

/// What client authentication needs.
#[derive(Clone)]
pub struct ClientAuth {
    /// Common ground.
    pub ground: Ground,
    /// Where clients are found.
    pub clients: Clients,
    /// Compares slow hashes.
    pub hasher: PasswordHasher,
    /// Remembers secrets that were verified, as keyed digests bound to the stored hash.
    pub verified: VerifiedSecrets,
    /// How often somebody failed.
    pub failures: Failures,
    /// `LEGACY_CLIENT_AUTH`: confidential clients may come without their secret, as they could before.
    pub legacy: bool,
}

impl ClientAuth {
    /// The active client that these credentials belong to. A confidential client must show its secret; a public client
    /// has nothing to show, and a secret that it sends authenticates nothing.
    ///
    /// # Errors
    /// `invalid_client`: with 401 when a secret was wrong or missing, with 400 when there is no such active client.
    pub async fn identify(
        &self,
        credentials: &ClientCredentials,
        address: IpAddr,
        origin: &Origin,
    ) -> Result<Arc<Client>, FlowError> {
        let client = self.named(credentials, address, origin).await?;
        if client.is_confidential() && credentials.secret.is_none() && !self.legacy {
            return Err(self
                .failed(&client, "no client secret", origin)
                .await?
                .into());
        }
        Ok(client)
    }

    /// As [`ClientAuth::identify`], where a confidential client has always had to show its secret: no setting lifts it.
    ///
    /// # Errors
    /// As [`ClientAuth::identify`].
    pub async fn insist(
        &self,
        credentials: &ClientCredentials,
        address: IpAddr,
        origin: &Origin,
    ) -> Result<Arc<Client>, FlowError> {
        let client = self.named(credentials, address, origin).await?;
        if client.is_confidential() && credentials.secret.is_none() {
            return Err(self
                .failed(&client, "no client secret", origin)
                .await?
                .into());
        }
        Ok(client)
    }

    /// The active client of this name. A secret may be left out even by a confidential client, where nothing is handed
    /// out that is of use without it; one that is shown must be right.
    ///
    /// # Errors
    /// As [`ClientAuth::identify`].
    pub async fn named(
        &self,
        credentials: &ClientCredentials,
        address: IpAddr,
        origin: &Origin,
    ) -> Result<Arc<Client>, FlowError> {
        let found = self.clients.find(&credentials.client_id).await?;
        let client = found
            .filter(|client| client.is_active())
            .ok_or_else(unknown)?;
        if client.is_confidential() {
            self.prove(&client, credentials, address, origin).await?;
        }
        Ok(client)
    }

    /// The client that has proven who it is, where nobody else may ask. A public client cannot, except in the old way.
    ///
    /// # Errors
    /// `invalid_client` with 401, whatever the reason.
    pub async fn authenticate(
        &self,
        credentials: Option<&ClientCredentials>,
        address: IpAddr,
        origin: &Origin,
    ) -> Result<Arc<Client>, FlowError> {
        let credentials = credentials.ok_or_else(unauthenticated)?;
        let found = self.clients.find(&credentials.client_id).await?;
        self.proven(found, credentials, address, origin).await
    }

    /// As [`ClientAuth::authenticate`], on the row as it is now: for what is issued by what the row says.
    ///
    /// # Errors
    /// As [`ClientAuth::authenticate`].
    pub async fn authenticate_afresh(
        &self,
        credentials: Option<&ClientCredentials>,
        address: IpAddr,
        origin: &Origin,
    ) -> Result<Arc<Client>, FlowError> {
        let credentials = credentials.ok_or_else(unauthenticated)?;
        let found = self.ground.store.client(&credentials.client_id).await?;
        self.proven(found.map(Arc::new), credentials, address, origin)
            .await
    }

    async fn proven(
        &self,
        found: Option<Arc<Client>>,
        credentials: &ClientCredentials,
        address: IpAddr,
        origin: &Origin,
    ) -> Result<Arc<Client>, FlowError> {
        let client = found
            .filter(|client| client.is_active() && (client.is_confidential() || self.legacy))
            .ok_or_else(|| {
                unauthenticated()
                    .failing(Check::Client)
                    .noting("there is no active confidential client of this name")
            })?;
        if credentials.secret.is_none() {
            return Err(self
                .failed(&client, "no client secret", origin)
                .await?
                .into());
        }
        self.prove(&client, credentials, address, origin).await?;
        Ok(client)
    }

    /// Judges what is shown; nothing shown proves nothing and is no error.
    async fn prove(
        &self,
        client: &Client,
        credentials: &ClientCredentials,
        address: IpAddr,
        origin: &Origin,
    ) -> Result<(), FlowError> {
        if credentials.is_doubled && !self.legacy {
            return Err(ErrorCode::InvalidRequest
                .because("the client authenticates in two ways at once")
                .failing(Check::ClientAuthentication)
                .into());
        }
        match &credentials.secret {
            Some(secret) if !self.is_right(client, secret, address).await? => {
                self.failures.count(&client.client_id, address);
                Err(self
                    .failed(client, "wrong client secret", origin)
                    .await?
                    .into())
            }
            _ => Ok(()),
        }
    }

    async fn is_right(
        &self,
        client: &Client,
        secret: &Secret,
        address: IpAddr,
    ) -> Result<bool, FlowError> {
        if self
            .verified
            .knows(client.client_id.as_str(), &client.secret_hash, secret)
        {
            return Ok(true);
        }
        if self.failures.is_exhausted(&client.client_id, address) {
            return Err(ErrorCode::TooManyFailures
                .because("too many failed attempts for this client, try again later")
                .into());
        }
        let stored = Some(client.secret_hash.clone());
        let right = self
            .hasher
            .verify(address, stored, secret.to_bytes())
            .await?;
        if right {
            self.verified
                .remember(client.client_id.as_str(), &client.secret_hash, secret);
        }
        Ok(right)
    }

    async fn failed(
        &self,
        client: &Client,
        why: &'static str,
        origin: &Origin,
    ) -> Result<OauthError, FlowError> {
        let event = AuditEvent::new(
            EventType::ClientAuthenticationFailure,
            "Client failed to authenticate",
        )
        .at(Severity::Warning)
        .by(Actor::Client(client.client_id.clone()))
        .on(
            ResourceType::Client,
            client.client_id.as_str(),
            client.name.as_str(),
        )
        .failed(why)
        .from(origin);
        let rows = self.ground.rows(self.ground.now(), vec![event])?;
        if !rows.is_empty() {
            self.ground.commit(RecordAudit { rows }).await?;
        }
        Ok(unauthenticated().noting(why))
    }
}

fn unauthenticated() -> OauthError {
    ErrorCode::InvalidClient.because("client authentication failed")
}

fn unknown() -> OauthError {
    ErrorCode::UnknownClient.because("the client is unknown or not active")
}
