//! Client authentication (RFC 6749 §2.3, §3.2.1): one rule for every endpoint that a client talks to.
use super::{FlowError, Ground, clients::Clients};
use crate::{
    actors::password_hasher::PasswordHasher,
    cache::{Failures, VerifiedSecrets},
    domain::{
        audit::{Actor, AuditEvent, EventType, Origin, ResourceType, Severity},
        client::{AuthMethod, Client},
        digest::sha256_hex,
        ids::ClientId,
        oauth_error::{ErrorCode, OauthError},
        secret::{Secret, same},
        trace::{Check, Trail},
    },
    store::audit::RecordAudit,
};
use std::{net::IpAddr, sync::Arc};

mod assertion;

/// How a client says who it is.
#[derive(Clone, Debug)]
pub struct ClientCredentials {
    /// `client_id`, from the header or the body.
    pub client_id: ClientId,
    /// The secret, if one came.
    pub secret: Option<Secret>,
    /// Whether it came by the header.
    pub in_header: bool,
    /// A JWT that the client signed, if one came. It never comes beside a secret.
    pub assertion: Option<Secret>,
    /// Whether the same secret came by the header and in the body, which RFC 6749 §2.3 forbids.
    pub is_doubled: bool,
}

impl ClientCredentials {
    /// A name without any proof.
    pub fn unproven(client_id: ClientId) -> Self {
        Self {
            client_id,
            secret: None,
            in_header: false,
            assertion: None,
            is_doubled: false,
        }
    }

    /// Whether nothing is shown that could prove the name.
    pub fn are_unproven(&self) -> bool {
        self.secret.is_none() && self.assertion.is_none()
    }

    fn has_method(&self, method: AuthMethod) -> bool {
        match method {
            AuthMethod::None => self.are_unproven(),
            AuthMethod::ClientSecretBasic => self.secret.is_some() && self.in_header,
            AuthMethod::ClientSecretPost => self.secret.is_some() && !self.in_header,
            AuthMethod::PrivateKeyJwt => self.assertion.is_some(),
        }
    }
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
    /// How often somebody who had to show something showed nothing.
    pub silences: Failures,
    /// `LEGACY_CLIENT_AUTH`: confidential clients may come without their secret, as they could before.
    pub legacy: bool,
    /// `STRICT_CLIENT_AUTH_METHODS`: a registered method is the only one that counts. Without it `private_key_jwt` is
    /// enforced, and the two ways to show a secret stand in for one another.
    pub strict_methods: bool,
    /// `BASE_URL` without trailing slashes: for whom assertions are made.
    pub issuer: Arc<str>,
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
        trail: &mut Trail,
    ) -> Result<Arc<Client>, FlowError> {
        let client = self.found(credentials, address, origin, trail).await?;
        if credentials.are_unproven() && self.must_prove(&client) {
            return Err(self.unshown(&client, address, origin).await?.into());
        }
        trail.pass(Check::ClientAuthentication);
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
        trail: &mut Trail,
    ) -> Result<Arc<Client>, FlowError> {
        let client = self.found(credentials, address, origin, trail).await?;
        if client.is_confidential() && credentials.are_unproven() {
            return Err(self.unshown(&client, address, origin).await?.into());
        }
        trail.pass(Check::ClientAuthentication);
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
        trail: &mut Trail,
    ) -> Result<Arc<Client>, FlowError> {
        let client = self.found(credentials, address, origin, trail).await?;
        trail.pass(Check::ClientAuthentication);
        Ok(client)
    }

    /// The active client of this name, and whatever it shows proven.
    async fn found(
        &self,
        credentials: &ClientCredentials,
        address: IpAddr,
        origin: &Origin,
        trail: &mut Trail,
    ) -> Result<Arc<Client>, FlowError> {
        let found = self.clients.find(&credentials.client_id).await?;
        let client = found
            .filter(|client| client.is_active())
            .ok_or_else(|| unknown(credentials))?;
        trail.pass(Check::Client);
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
        trail: &mut Trail,
    ) -> Result<Arc<Client>, FlowError> {
        let credentials = credentials.ok_or_else(|| unauthenticated().failing(Check::Client))?;
        let found = self.clients.find(&credentials.client_id).await?;
        self.proven(found, credentials, (address, origin), trail)
            .await
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
        trail: &mut Trail,
    ) -> Result<Arc<Client>, FlowError> {
        let credentials = credentials.ok_or_else(|| unauthenticated().failing(Check::Client))?;
        let found = self.ground.store.client(&credentials.client_id).await?;
        self.proven(found.map(Arc::new), credentials, (address, origin), trail)
            .await
    }

    async fn proven(
        &self,
        found: Option<Arc<Client>>,
        credentials: &ClientCredentials,
        (address, origin): (IpAddr, &Origin),
        trail: &mut Trail,
    ) -> Result<Arc<Client>, FlowError> {
        let client = found
            .filter(|client| client.is_active() && (client.is_confidential() || self.legacy))
            .ok_or_else(|| {
                unauthenticated()
                    .failing(Check::Client)
                    .noting("there is no active confidential client of this name")
            })?;
        trail.pass(Check::Client);
        if credentials.are_unproven() {
            return Err(self.unshown(&client, address, origin).await?.into());
        }
        self.prove(&client, credentials, address, origin).await?;
        trail.pass(Check::ClientAuthentication);
        Ok(client)
    }

    /// Whether nothing is told to this client before it has proven who it is. No setting lifts it from one that signs:
    /// the old way does not know such clients.
    fn must_prove(&self, client: &Client) -> bool {
        client.is_confidential()
            && (!self.legacy || client.auth_method == Some(AuthMethod::PrivateKeyJwt))
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
        if credentials.are_unproven() {
            return Ok(());
        }
        let why = match (&credentials.secret, &credentials.assertion) {
            _ if !self.takes(client, credentials) => {
                Some("not the registered method of authentication".to_owned())
            }
            (_, Some(assertion)) => self
                .assertion_proves(client, assertion, origin)
                .await?
                .err(),
            (Some(secret), None) if !self.is_right(client, secret, address).await? => {
                Some("wrong client secret".to_owned())
            }
            (Some(_) | None, None) => None,
        };
        let Some(why) = why else {
            return Ok(());
        };
        // A good assertion is never turned away; of the bad ones only so many are worth a row of the trail.
        if self.failures.is_exhausted(&client.client_id, address) {
            return Err(too_many().into());
        }
        self.failures.count(&client.client_id, address);
        Err(self.failed(client, why, origin).await?.into())
    }

    fn takes(&self, client: &Client, credentials: &ClientCredentials) -> bool {
        match client.auth_method {
            Some(AuthMethod::PrivateKeyJwt) => credentials.assertion.is_some(),
            Some(method) if self.strict_methods => credentials.has_method(method),
            Some(
                AuthMethod::None | AuthMethod::ClientSecretBasic | AuthMethod::ClientSecretPost,
            )
            | None => credentials.assertion.is_none(),
        }
    }

    /// Whether a secret is one of the client's, where it is named for another reason than to authenticate.
    ///
    /// # Errors
    /// As [`ClientAuth::identify`] when it was tried too often.
    pub async fn is_secret_of(
        &self,
        client: &Client,
        secret: &Secret,
        address: IpAddr,
    ) -> Result<bool, FlowError> {
        let right = self.is_right(client, secret, address).await?;
        if !right {
            self.failures.count(&client.client_id, address);
        }
        Ok(right)
    }

    async fn is_right(
        &self,
        client: &Client,
        secret: &Secret,
        address: IpAddr,
    ) -> Result<bool, FlowError> {
        let now = self.ground.now();
        let previous = client.previous_secret.as_ref();
        let previous = previous.filter(|previous| previous.until > now);
        let mut current = Some(&client.secret_hash);
        if let Some(fast) = &client.fast_secret_hash {
            let shown = sha256_hex(secret.expose().as_bytes());
            if same(shown.as_bytes(), fast.as_bytes()) {
                return Ok(true);
            }
            // Both hashes are of one secret, and this is another.
            current = None;
        }
        let hashes = [current, previous.map(|p| &p.hash)];
        let hashes: Vec<&String> = hashes
            .into_iter()
            .flatten()
            .filter(|hash| !hash.is_empty())
            .collect();
        let id = client.client_id.as_str();
        let is_known = || {
            hashes
                .iter()
                .any(|hash| self.verified.knows(id, hash, secret))
        };
        if is_known() {
            return Ok(true);
        }
        let _turn = self.verified.turn(id, secret).await;
        if is_known() {
            return Ok(true);
        }
        if self.failures.is_exhausted(&client.client_id, address) {
            return Err(too_many().into());
        }
        for hash in &hashes {
            let stored = Some((*hash).clone());
            if self
                .hasher
                .verify(address, stored, secret.to_bytes())
                .await?
            {
                self.verified.remember(id, hash, secret);
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Nothing was shown where something must be. It costs no comparison, so it locks nobody out; but anybody can do it,
    /// at endpoints without a limit too, and only so many are worth a row of the trail.
    async fn unshown(
        &self,
        client: &Client,
        address: IpAddr,
        origin: &Origin,
    ) -> Result<OauthError, FlowError> {
        const WHY: &str = "no client secret";
        if self.silences.is_exhausted(&client.client_id, address) {
            return Ok(unauthenticated().noting(WHY));
        }
        self.silences.count(&client.client_id, address);
        self.failed(client, WHY, origin).await
    }

    async fn failed(
        &self,
        client: &Client,
        why: impl Into<String>,
        origin: &Origin,
    ) -> Result<OauthError, FlowError> {
        let why = why.into();
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
        .failed(why.as_str())
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

fn too_many() -> OauthError {
    ErrorCode::TooManyFailures.because("too many failed attempts for this client, try again later")
}

/// Who tried to prove something has failed at that (RFC 6749 §5.2: 401); who only named a client has named none.
fn unknown(credentials: &ClientCredentials) -> OauthError {
    if credentials.are_unproven() {
        ErrorCode::UnknownClient.because("the client is unknown or not active")
    } else {
        unauthenticated().failing(Check::Client)
    }
}
