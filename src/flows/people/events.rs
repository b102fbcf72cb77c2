//! What the trail says about people whom administrators make and change.
use crate::{
    domain::{
        account::Account,
        audit::{Actor, AuditEvent, EventType, Origin, ResourceType, Severity},
        user::User,
    },
    flows::{deeds, registry::Editor},
};

fn about(kind: EventType, words: &'static str, user: &User, editor: &Editor) -> AuditEvent {
    AuditEvent::new(kind, words)
        .on(ResourceType::User, user.id.as_str(), user.username.as_str())
        .by(editor.actor())
        .from(&editor.origin)
}

pub fn created(user: &User, editor: &Editor) -> AuditEvent {
    about(
        EventType::UserCreated,
        "User was made by an administrator",
        user,
        editor,
    )
    .with("username", user.username.as_str())
    .with("email", user.email.as_str())
    .with("role", user.role.as_str())
}

/// What was and what is now; a changed role is told by an event of its own as well.
pub fn updated(seen: &User, now: &Account, editor: &Editor) -> Vec<AuditEvent> {
    let event = editor.did(deeds::updated(seen, (&now.email, &now.full_name, now.role)));
    let mut events = vec![event];
    if seen.role != now.role {
        events.push(
            about(
                EventType::UserRoleChanged,
                "Role of a user was changed",
                seen,
                editor,
            )
            .at(Severity::Warning)
            .with("old_role", seen.role.as_str())
            .with("new_role", now.role.as_str()),
        );
    }
    events
}

pub fn disabled(user: &User, editor: &Editor) -> AuditEvent {
    about(
        EventType::UserDisabled,
        "User was switched off",
        user,
        editor,
    )
    .at(Severity::Warning)
    .with("username", user.username.as_str())
    .with("is_active", false)
}

pub fn enabled(user: &User, editor: &Editor) -> AuditEvent {
    about(
        EventType::UserEnabled,
        "User was switched on again",
        user,
        editor,
    )
    .with("username", user.username.as_str())
    .with("is_active", true)
}

pub fn signed_out(user: &User, name: Option<&str>, editor: &Editor) -> AuditEvent {
    let event = about(
        EventType::SessionsEnded,
        "Sessions of a user were ended by an administrator",
        user,
        editor,
    )
    .at(Severity::Warning);
    match name {
        Some(name) => event.with("session", name),
        None => event,
    }
}

pub fn deleted(user: &User, editor: &Editor) -> AuditEvent {
    about(EventType::UserDeleted, "User was deleted", user, editor)
        .at(Severity::Warning)
        .with("username", user.username.as_str())
        .with("email", user.email.as_str())
        .with("role", user.role.as_str())
        .with("auth_source", user.auth_source.as_str())
}

pub fn password_reset(user: &User, by: Actor, from: &Origin) -> AuditEvent {
    AuditEvent::new(EventType::UserPasswordReset, "Password of a user was reset")
        .on(ResourceType::User, user.id.as_str(), user.username.as_str())
        .by(by)
        .from(from)
        .at(Severity::Warning)
}
