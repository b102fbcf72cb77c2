//! The client credentials grant (RFC 6749 §4.4): a confidential client gets an access token for itself.
use super::{
    FlowError, Ground,
    client_auth::{ClientAuth, ClientCredentials},
    issue::{self, Holder, Minted, Order, TokenResponse, TokenRules},
    refused,
};
use crate::{
    actors::key_holder::KeyHolder,
    domain::{
        audit::{Actor, AuditEvent, EventType, Origin, ResourceType},
        claims::ExtraClaims,
        client::Client,
        eligibility::{self, ClientStanding, Grant, Owner},
        oauth_error::{ErrorCode, OauthError},
        resource,
        scope::ScopeSet,
        trace::{Check, Trail},
    },
    jose::KeySet,
    store::machine::IssueMachineToken,
};
use std::{net::IpAddr, sync::Arc};

/// What the grant needs.
#[derive(Clone)]
pub struct MachineDeps {
    /// Common ground.
    pub ground: Ground,
    /// Who may ask.
    pub auth: ClientAuth,
    /// Signs.
    pub keys: KeyHolder<KeySet>,
    /// The operator's rules.
    pub rules: Arc<TokenRules>,
}

/// `grant_type=client_credentials`.
pub struct MachineRequest {
    /// Who asks; without credentials nobody does.
    pub credentials: Option<ClientCredentials>,
    /// `scope`, `None` when it was not sent or was empty.
    pub scope: Option<String>,
    /// `resource` values, syntax checked.
    pub resource: Vec<String>,
    /// Caller claims, checked.
    pub extra: ExtraClaims,
    /// Whence.
    pub address: IpAddr,
    /// Whence, for the trail.
    pub origin: Origin,
}

/// Issues an access token to a client for itself. Nothing is told about a client before it has proven who it is.
///
/// # Errors
/// As RFC 6749 §5.2: `invalid_client`, `unauthorized_client`, `invalid_scope`; `invalid_target` of RFC 8707.
pub async fn client_credentials(
    deps: &MachineDeps,
    request: &MachineRequest,
    trail: &mut Trail,
) -> Result<TokenResponse, FlowError> {
    let client = deps
        .auth
        .authenticate_afresh(
            request.credentials.as_ref(),
            request.address,
            &request.origin,
            trail,
        )
        .await?;
    let standing = Some(ClientStanding::from(&*client));
    eligibility::check(Grant::ClientCredentials, standing, Owner::Client).map_err(refused)?;
    trail.pass(Check::Grant);
    resource::check_subset(&request.resource, &client.allowed_resources)?;
    trail.pass(Check::Resource);
    let scopes = granted_scopes(request.scope.as_deref(), &client)?;
    trail.pass(Check::Scope);
    let now = deps.ground.now();
    let order = Order {
        client: &client,
        holder: Holder::Machine,
        scopes: &scopes,
        granted_scopes: &scopes,
        resource: &request.resource,
        granted_resource: &[],
        extra: &request.extra,
        authorization_id: None,
        parent: None,
        family: None,
        absolute_end: None,
        refresh_cap: None,
        with_refresh: false,
        auth_time: None,
        nonce: "",
    };
    let minted =
        issue::prepare(&deps.ground, &deps.keys.current(), &deps.rules, &order, now).await?;
    let unit = IssueMachineToken {
        client_id: client.client_id.clone(),
        access: minted.access.clone(),
        audit: deps
            .ground
            .rows(now, vec![issued(&minted, &client, &request.origin)])?,
    };
    deps.ground.commit(unit).await?.map_err(refused)?;
    Ok(minted.response(now))
}

/// What was asked, all of it registered, or everything that is registered. A machine is nobody who could sign in or be
/// offline, so the scopes of OpenID Connect that say so cannot be asked for.
fn granted_scopes(asked: Option<&str>, client: &Client) -> Result<ScopeSet, OauthError> {
    let Some(asked) = asked else {
        return Ok(client.scopes.clone());
    };
    let wider = || {
        ErrorCode::InvalidScope
            .because("the client may not have this scope")
            .noting(format!("the client may have: {}", client.scopes))
    };
    let asked = ScopeSet::parse(asked).map_err(|_| wider())?;
    let is_for_people = asked.contains("openid") || asked.contains("offline_access");
    if asked.is_empty() || is_for_people || !asked.is_subset(&client.scopes) {
        return Err(wider());
    }
    Ok(asked)
}

fn issued(minted: &Minted, client: &Client, origin: &Origin) -> AuditEvent {
    AuditEvent::new(
        EventType::ClientCredentialsTokenIssued,
        "Access token issued to a client for itself",
    )
    .by(Actor::Client(client.client_id.clone()))
    .on(ResourceType::Token, minted.access.id.as_str(), "")
    .with("client_id", client.client_id.as_str())
    .with("scopes", minted.access.scopes.to_string())
    .with("token_provider", "local")
    .from(origin)
}
