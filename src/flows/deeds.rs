//! What the trail says of deeds that people do to what is theirs and administrators to what is others': one set of
//! details for each event, whoever did it. Who, and whence, is added by those who know.
use super::single_tokens::Deed;
use crate::{
    domain::{
        audit::{AuditEvent, EventType, ResourceType, Severity},
        token::Token,
        user::{Role, User},
    },
    store::connections::LinkedLogin,
};

/// A token was revoked, or switched off or on.
pub(super) fn token(token: &Token, deed: Deed) -> AuditEvent {
    let (kind, words) = match deed {
        Deed::Revoke => (EventType::TokenRevoked, "Token was revoked"),
        Deed::Disable => (EventType::TokenDisabled, "Token was switched off"),
        Deed::Enable => (EventType::TokenEnabled, "Token was switched on"),
    };
    AuditEvent::new(kind, words)
        .on(ResourceType::Token, token.id.as_str(), "")
        .with("token_category", token.category.as_str())
        .with("client_id", token.client_id.as_str())
        .with("token_user_id", token.subject.to_string())
}

/// A person was changed: what is now, and what was where it differs.
pub(super) fn updated(seen: &User, (email, full_name, role): (&str, &str, Role)) -> AuditEvent {
    let event = AuditEvent::new(EventType::UserUpdated, "User was changed")
        .on(ResourceType::User, seen.id.as_str(), seen.username.as_str())
        .with("email", email)
        .with("full_name", full_name)
        .with("role", role.as_str());
    [
        ("previous_email", seen.email.as_str(), email),
        ("previous_full_name", seen.full_name.as_str(), full_name),
    ]
    .into_iter()
    .filter(|(_, old, new)| old != new)
    .fold(event, |event, (name, old, _)| event.with(name, old))
}

/// A linked login was removed.
pub(super) fn unlinked(user: &User, login: &LinkedLogin) -> AuditEvent {
    let name = format!("{}:{}", login.provider, login.username);
    AuditEvent::new(
        EventType::OauthConnectionDeleted,
        "Linked login was removed",
    )
    .at(Severity::Warning)
    .on(ResourceType::User, user.id.as_str(), name)
    .with("provider", login.provider.as_str())
    .with("provider_username", login.username.as_str())
    .with("connection_id", login.id.as_str())
}
