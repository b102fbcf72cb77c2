//! What people do with what is theirs: tokens, browsers, password, name, linked logins. Their consents are in
//! [`super::consents`].
use super::{Ground, login::LoginDeps};
use crate::{
    domain::{
        audit::{Actor, AuditEvent, Origin},
        session::Session,
        user::User,
    },
    passwords::PasswordPolicy,
};
use std::sync::Arc;

mod browsers;
mod events;
mod password;
mod profile;
mod sign_ins;
mod tokens;

pub use crate::{
    passwords::PolicyViolation,
    store::{
        connections::{LinkedLogin, Unlinked},
        sessions::owned::NAME as SESSION_NAME,
        tokens::{
            owned::{OwnToken, OwnTokenQuery},
            state::InState,
        },
    },
};
pub use browsers::{
    browser, browsers, end_browser, end_other_browsers, is_name as is_session_name, other_browsers,
};
pub use password::{NewPassword, PasswordError, change_password};
pub use profile::{ProfileError, linked_logins, rename, unlink};
pub use sign_ins::{Holdings, SignIn, SignIns, holdings, sign_in, sign_ins, sign_out};
pub use tokens::{Deed, Outcome, end_all, token, tokens, treat};

/// What it needs.
#[derive(Clone)]
pub struct AccountDeps {
    /// Common ground, the hasher and the rules of sessions.
    pub login: LoginDeps,
    /// What a new password must be.
    pub policy: Arc<PasswordPolicy>,
}

impl AccountDeps {
    fn ground(&self) -> &Ground {
        &self.login.ground
    }
}

/// Somebody who acts on what is theirs.
#[derive(Clone, Debug)]
pub struct Oneself {
    /// Who.
    pub user: User,
    /// In which session.
    pub session: Session,
    /// Whence.
    pub origin: Origin,
}

impl Oneself {
    fn actor(&self) -> Actor {
        Actor::from(&self.user)
    }

    fn did(&self, event: AuditEvent) -> AuditEvent {
        event.by(self.actor()).from(&self.origin)
    }
}
