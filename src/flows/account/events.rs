//! What the trail says when people do to what is theirs what nobody else does to it; see [`deeds`](crate::flows::deeds).
use super::{Oneself, SignIn};
use crate::domain::audit::{AuditEvent, EventType, ResourceType, Severity};

fn about_oneself(kind: EventType, words: &'static str, oneself: &Oneself) -> AuditEvent {
    let user = &oneself.user;
    AuditEvent::new(kind, words)
        .on(ResourceType::User, user.id.as_str(), user.username.as_str())
        .by(oneself.actor())
        .from(&oneself.origin)
}

pub fn signed_out(sign_in: &SignIn, oneself: &Oneself) -> AuditEvent {
    AuditEvent::new(
        EventType::TokenRevoked,
        "Tokens of one sign-in were revoked by their owner",
    )
    .on(
        ResourceType::Token,
        sign_in.id.as_str(),
        sign_in.client_name.as_str(),
    )
    .with("family_id", sign_in.id.as_str())
    .with("client_id", sign_in.client_id.as_str())
    .with("token_user_id", oneself.user.id.as_str())
    .by(oneself.actor())
    .from(&oneself.origin)
}

pub fn all_tokens(oneself: &Oneself) -> AuditEvent {
    about_oneself(
        EventType::TokenRevoked,
        "All tokens were revoked by their owner",
        oneself,
    )
    .at(Severity::Warning)
}

pub fn browsers(oneself: &Oneself, name: Option<&str>) -> AuditEvent {
    let event = about_oneself(
        EventType::SessionsEnded,
        "Sessions in other browsers were ended by their owner",
        oneself,
    );
    match name {
        Some(name) => event.with("session", name),
        None => event,
    }
}

pub fn password_changed(oneself: &Oneself, end_tokens: bool) -> AuditEvent {
    about_oneself(
        EventType::UserPasswordChanged,
        "User changed their password",
        oneself,
    )
    .at(Severity::Warning)
    .with("tokens_ended", end_tokens)
}

pub fn wrong_password(oneself: &Oneself) -> AuditEvent {
    about_oneself(
        EventType::AuthenticationFailure,
        "User failed to confirm their password",
        oneself,
    )
    .at(Severity::Warning)
    .with("auth_source", oneself.user.auth_source.as_str())
    .with("provider", "local")
    .failed("Current password is wrong")
}
