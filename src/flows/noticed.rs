//! What is refused to people at the door, told in the trail: a session that came from elsewhere, a form without its token,
//! administration without the role. Each costs next to nothing to try, so it is counted: equal ones of about a second are
//! one row, and only people who are signed in leave any.
//!
//! Must not live here: the judgements themselves.
use crate::{
    actors::audit_writer::AuditWriter,
    domain::{
        audit::{AuditEvent, EventType, Origin, ResourceType, Severity},
        session::Session,
        user::User,
    },
    store::sessions::owned::NAME,
};

/// A session that was shown by another browser, or from another address, than it began with: a copied cookie looks so.
pub fn moved(audit: &AuditWriter, (session, user): (&Session, &User), origin: &Origin) {
    let event = AuditEvent::new(
        EventType::SessionRefused,
        "Session came from another browser or address",
    )
    .by(user.into())
    .on(ResourceType::User, user.id.as_str(), user.username.as_str())
    .with("session", session.hash.get(..NAME).unwrap_or_default())
    .with("session_ip", session.ip.as_str())
    .with("session_user_agent", session.user_agent.as_str());
    // Any address asks who is there, those included where nothing is, so none is told.
    count(
        audit,
        event,
        (origin, String::new()),
        "another browser or address",
    );
}

/// A form of somebody who is signed in that did not bring the token of their session. Forms of strangers leave no row.
pub fn old_form(audit: &AuditWriter, user: &User, origin: &Origin) {
    let event = AuditEvent::new(
        EventType::FormRefused,
        "Form without the token of its session",
    );
    tell(audit, event.by(user.into()), origin, "no valid token");
}

/// A person without the role.
pub fn no_administrator(audit: &AuditWriter, user: &User, origin: &Origin) {
    let event = AuditEvent::new(
        EventType::AccessRefused,
        "Administration was asked for without the role",
    );
    tell(audit, event.by(user.into()), origin, "not an administrator");
}

fn tell(audit: &AuditWriter, event: AuditEvent, origin: &Origin, why: &'static str) {
    // Whoever tries many ids makes no more rows than whoever tries one.
    let area = area(&origin.path);
    let event = event.with("endpoint", area.as_str());
    count(audit, event, (origin, area), why);
}

/// Counts a refusal as one that came to `path`.
fn count(
    audit: &AuditWriter,
    event: AuditEvent,
    (origin, path): (&Origin, String),
    why: &'static str,
) {
    let origin = Origin {
        path,
        ..origin.clone()
    };
    audit.count(event.at(Severity::Warning).failed(why).from(&origin));
}

/// The first two parts of a path.
fn area(path: &str) -> String {
    path.split('/').take(3).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::area;

    #[test]
    fn ids_in_paths_make_no_rows_of_their_own() {
        for (path, told) in [
            ("/admin", "/admin"),
            ("/admin/users/1/delete", "/admin/users"),
            ("/logout", "/logout"),
            ("/account/password", "/account/password"),
            ("", ""),
        ] {
            assert_eq!(area(path), told);
        }
    }
}
