//! What the trail says about clients.
use super::Capacity;
use crate::domain::{
    audit::{AuditEvent, EventType, ResourceType, Severity},
    client::{Client, ClientStatus},
    ids::ClientId,
    registration::{Registration, Widened},
    time::Timestamp,
    user::User,
};

/// So many characters of a description are written down.
const DESCRIPTION: usize = 500;

/// `CLIENT_CREATED`, by whoever registered it.
pub fn created(client_id: &ClientId, made: &Registration) -> AuditEvent {
    AuditEvent::new(EventType::ClientCreated, "Client was registered")
        .on(ResourceType::Client, client_id.as_str(), made.name.as_str())
        .with("client_name", made.name.as_str())
        .with("grant_types", made.grant_types())
        .with("scopes", made.scopes.to_string())
        .with("token_profile", made.token_profile)
}

/// `CLIENT_UPDATED`: what it is now, what it was where that matters, and at WARNING when its tokens live differently.
pub fn updated(
    now: &Client,
    then: &Registration,
    status: ClientStatus,
    capacity: Capacity,
    widened: &[Widened],
) -> AuditEvent {
    let words = match capacity {
        Capacity::Administrator => "Client was changed",
        Capacity::Owner => "Client was changed by its owner",
    };
    let mut event = about(
        AuditEvent::new(EventType::ClientUpdated, words),
        now,
        &then.name,
    )
    .with("status", status.as_str())
    .with("grant_types", then.grant_types())
    .with("scopes", then.scopes.to_string())
    .with("token_profile", then.token_profile);
    let profile = effective_profile(now);
    if profile != then.token_profile {
        event = event.with("previous_token_profile", profile);
    }
    if profile != then.token_profile || now.machine_token_ttl != then.machine_token_ttl {
        event = event.at(Severity::Warning);
    }
    for (name, old, new) in changes(now, then) {
        event = event.with(&format!("previous_{name}"), old).with(name, new);
    }
    if status != now.status {
        event = event.with("previous_status", now.status.as_str());
    }
    if widened.is_empty() {
        event
    } else {
        let names: Vec<&str> = widened.iter().map(|what| what.name()).collect();
        event.with("needs_approval_for", names)
    }
}

fn effective_profile(client: &Client) -> &'static str {
    match client.token_profile.trim() {
        "short" => "short",
        "long" => "long",
        _ => "standard",
    }
}

type Difference = (&'static str, serde_json::Value, serde_json::Value);

/// What differs and would else be seen nowhere.
fn changes(now: &Client, then: &Registration) -> Vec<Difference> {
    let ttl = |ttl: Option<std::time::Duration>| ttl.map(|ttl| ttl.as_secs()).into();
    let method =
        |method: Option<crate::domain::client::AuthMethod>| method.map(|m| m.as_str()).into();
    let kind = |kind: crate::domain::client::ClientType| kind.as_str().into();
    let all: [Difference; 10] = [
        ("client_type", kind(now.client_type), kind(then.client_type)),
        (
            "redirect_uris",
            now.redirect_uris.clone().into(),
            then.redirect_uris.clone().into(),
        ),
        (
            "post_logout_redirect_uris",
            now.post_logout_redirect_uris.clone().into(),
            then.post_logout_redirect_uris.clone().into(),
        ),
        (
            "allowed_resources",
            now.allowed_resources.clone().into(),
            then.allowed_resources.clone().into(),
        ),
        (
            "project",
            now.project.clone().into(),
            then.project.clone().into(),
        ),
        (
            "service_account",
            now.service_account.clone().into(),
            then.service_account.clone().into(),
        ),
        (
            "machine_token_ttl",
            ttl(now.machine_token_ttl),
            ttl(then.machine_token_ttl),
        ),
        (
            "token_endpoint_auth_method",
            method(now.auth_method),
            method(then.auth_method),
        ),
        ("jwks", now.jwks.clone().into(), then.jwks.clone().into()),
        (
            "id_token_signed_response_alg",
            now.id_token_alg.clone().into(),
            then.id_token_alg.clone().into(),
        ),
    ];
    let mut changed: Vec<Difference> = all.into_iter().filter(|(_, old, new)| old != new).collect();
    if now.description != then.description {
        changed.push((
            "description",
            fitted(&now.description).into(),
            fitted(&then.description).into(),
        ));
    }
    if now.name != then.name {
        // The name of now stands as the resource and the detail already.
        changed.push((
            "client_name",
            now.name.clone().into(),
            then.name.clone().into(),
        ));
    }
    changed
}

/// As much of a description as tells what it says.
fn fitted(text: &str) -> String {
    let mut characters = text.chars();
    let head: String = characters.by_ref().take(DESCRIPTION).collect();
    match characters.next() {
        Some(_) => head + "…",
        None => head,
    }
}

fn about(event: AuditEvent, client: &Client, name: &str) -> AuditEvent {
    event
        .on(ResourceType::Client, client.client_id.as_str(), name)
        .with("client_name", name)
}

/// `CLIENT_UPDATED`, by an administrator who gives it to somebody else.
pub fn given(client: &Client, owner: &User, previous: Option<&User>) -> AuditEvent {
    let event = AuditEvent::new(
        EventType::ClientUpdated,
        "Client was given to another owner",
    )
    .at(Severity::Warning);
    let before = previous.map_or("", |user| user.username.as_str());
    about(event, client, &client.name)
        .with("owner", owner.username.as_str())
        .with("owner_id", owner.id.as_str())
        .with("previous_owner", before)
        .with("previous_owner_id", client.owner.as_str())
}

/// `CLIENT_APPROVED`.
pub fn approved(client: &Client) -> AuditEvent {
    let event = AuditEvent::new(EventType::ClientApproved, "Client was approved");
    about(event, client, &client.name)
}

/// `CLIENT_REJECTED`.
pub fn rejected(client: &Client, reason: &str) -> AuditEvent {
    let event = AuditEvent::new(EventType::ClientRejected, "Client was rejected");
    let event = about(event, client, &client.name);
    if reason.is_empty() {
        event
    } else {
        event.with("reason", reason)
    }
}

/// `CLIENT_DELETED`.
pub fn deleted(client: &Client, capacity: Capacity) -> AuditEvent {
    let words = match capacity {
        Capacity::Administrator => "Client was deleted",
        Capacity::Owner => "Client was deleted by its owner",
    };
    let event = AuditEvent::new(EventType::ClientDeleted, words).at(Severity::Warning);
    about(event, client, &client.name)
}

/// `CLIENT_SECRET_REGENERATED`.
pub fn secret_regenerated(client: &Client, previous_until: Option<Timestamp>) -> AuditEvent {
    let event = AuditEvent::new(
        EventType::ClientSecretRegenerated,
        "Client was given another secret",
    )
    .at(Severity::Warning);
    let event = about(event, client, &client.name);
    match previous_until {
        Some(until) => event.with("previous_secret_valid_until", until.unix_timestamp()),
        None => event,
    }
}

/// `CLIENT_TOKENS_REVOKED_ALL`; the transaction adds `revoked_count`.
pub fn tokens_revoked(client: &Client) -> AuditEvent {
    AuditEvent::new(
        EventType::ClientTokensRevokedAll,
        "All tokens of a client were revoked",
    )
    .at(Severity::Critical)
    .on(
        ResourceType::Client,
        client.client_id.as_str(),
        client.name.as_str(),
    )
    .with("client_id", client.client_id.as_str())
}
