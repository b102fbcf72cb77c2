//! The first tokens of a grant that a person gave, whichever grant it was: one path, so that no check can stand on one of
//! them and be missing on the other. It judges and prepares; the grant's own unit commits.
use super::{
    FlowError, Ground, found_eligible,
    issue::{self, Holder, Minted, Order, Telling, TokenRules},
    narrowing, refused,
};
use crate::{
    domain::{
        audit::{AuditEvent, AuditRow, Origin},
        claims::ExtraClaims,
        eligibility::{self, ClientStanding, Grant, Refusal},
        ids::{ClientId, UserId},
        scope::ScopeSet,
        time::Timestamp,
        token::{Family, Subject},
        trace::{Check, Trail},
    },
    jose::KeySet,
    store::{issued::Issued, standing::IssuanceFacts},
};
use std::time::Duration;

/// What was granted, and what the token request adds.
pub struct Granted<'a> {
    /// By which grant.
    pub grant: Grant,
    /// Its name on record.
    pub name: &'static str,
    /// To whom.
    pub client_id: &'a ClientId,
    /// By whom.
    pub user_id: &'a UserId,
    /// What. The grant begins here, with what of it the client may have now.
    pub scopes: &'a ScopeSet,
    /// Where, likewise.
    pub resource: &'a [String],
    /// When the person had signed in.
    pub auth_time: Option<Timestamp>,
    /// For the ID token, empty for none.
    pub nonce: &'a str,
    /// `resource` of the token request, a part of what was granted.
    pub asked_resource: &'a [String],
    /// Caller claims, checked.
    pub extra: &'a ExtraClaims,
    /// A cap on the life of the refresh token.
    pub refresh_cap: Option<Duration>,
    /// How it is told.
    pub telling: Telling,
    /// What is told beside it, in the person's name and with the scopes.
    pub event: Option<AuditEvent>,
    /// Whence, for the trail.
    pub origin: &'a Origin,
}

/// Signed tokens, their rows, and the rows of the trail.
pub struct First {
    /// For the answer.
    pub minted: Minted,
    /// For the unit.
    pub issued: Issued,
    /// For the unit.
    pub audit: Vec<AuditRow>,
}

/// Judges client, person and consent as the grant found them, and prepares the tokens.
///
/// # Errors
/// As [`refused`]; `invalid_scope` and `invalid_target` when the client may no longer have what was granted;
/// [`FlowError::Unavailable`] and [`FlowError::Internal`] as [`issue::prepare`].
pub async fn prepare(
    ground: &Ground,
    keys: &KeySet,
    rules: &TokenRules,
    (granted, facts): (Granted<'_>, &IssuanceFacts),
    now: Timestamp,
    trail: &mut Trail,
) -> Result<First, FlowError> {
    let standing = facts.client.as_ref().map(ClientStanding::from);
    found_eligible(
        eligibility::check(granted.grant, standing, facts.owner()),
        trail,
    )?;
    let (Some(client), Some(user)) = (&facts.client, &facts.user) else {
        return Err(refused(Refusal::Client).into());
    };
    let scopes = narrowing::scopes(None, granted.scopes, client)?;
    trail.pass(Check::Scope);
    let allowed: [&[String]; 2] = [&client.allowed_resources, &rules.audience];
    let kept = narrowing::resources(&[], granted.resource, &allowed)?;
    let resource = narrowing::resources(granted.asked_resource, &kept, &allowed)?;
    trail.pass(Check::Resource);
    let authorization_id = facts.consent.as_ref().map(|c| c.authorization_id);
    let absolute_end = rules.lifetimes.family.map(|life| now + life);
    let order = Order {
        client,
        holder: Holder::Person(user),
        scopes: &scopes,
        granted_scopes: &scopes,
        resource: &resource,
        granted_resource: &kept,
        extra: granted.extra,
        authorization_id,
        parent: None,
        family: None,
        absolute_end,
        refresh_cap: granted.refresh_cap,
        with_refresh: rules.refresh_tokens,
        auth_time: granted.auth_time,
        nonce: granted.nonce,
    };
    let minted = issue::prepare(ground, keys, rules, &order, now).await?;
    let family = Family {
        id: minted.family.clone(),
        subject: Subject::User(granted.user_id.clone()),
        client_id: granted.client_id.clone(),
        authorization_id,
        grant: granted.name,
        auth_time: granted.auth_time,
        scopes: scopes.clone(),
        created_at: now,
        absolute_end,
        ip: granted.origin.ip.clone(),
        user_agent: granted.origin.user_agent.chars().take(500).collect(),
    };
    let told = granted
        .event
        .map(|event| event.by(user.into()).with("scopes", scopes.to_string()));
    let mut events: Vec<AuditEvent> = told.into_iter().collect();
    events.extend(issue::issued_events(
        &minted,
        user,
        &granted.telling,
        granted.origin,
    ));
    let audit = ground.rows(now, events)?;
    let (access, refresh) = minted.rows();
    let issued = Issued {
        family,
        access,
        refresh,
    };
    Ok(First {
        minted,
        issued,
        audit,
    })
}
