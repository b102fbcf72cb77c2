//! Ending a person, or all that was given in their name: switched off, deleted, given a new password.
//!
//! The person's row is changed first: an issuance that is under way holds it, so it either comes before and its tokens
//! are found, or comes after and is refused.
use super::super::{
    StoreError, Tx, Unit,
    endings::{All, end_all},
    outbox::{Remembered, note},
    sessions::owned::end_sessions,
    sql::{Sql, Value},
};
use super::changing::{UserChanged, may_end, not_found};
use crate::domain::{audit::AuditRow, ids::UserId, time::Timestamp};
use futures_util::{FutureExt as _, future::BoxFuture};

/// Switches a person off. Consents stay, so that nobody need be asked again should they come back.
pub struct DisableUser {
    /// Who.
    pub user_id: UserId,
    /// Who asked.
    pub actor: UserId,
    /// Now.
    pub at: Timestamp,
    /// Rows of the trail; each gets the detail `revoked_count`.
    pub audit: Vec<AuditRow>,
}

impl Unit for DisableUser {
    type Answer = UserChanged;

    fn run<'c>(&'c self, tx: &'c mut Tx<'_>) -> BoxFuture<'c, Result<UserChanged, StoreError>> {
        async move {
            if let Some(refused) = may_end(tx, &self.actor, &self.user_id).await? {
                return Ok(refused);
            }
            let disable = Sql::new(
                "UPDATE users SET is_active = $2, updated_at = $3 WHERE id = $1 AND is_active",
            )
            .text(self.user_id.as_str())
            .bind(Value::Flag(false))
            .time(self.at);
            if tx.run(disable).await? == 0 {
                return not_found(tx, &self.user_id).await;
            }
            let ended = end_all(tx, All::Of(&self.user_id), self.at).await?;
            tx.insert_audit(&ended.told(&self.audit));
            Ok(UserChanged::Done)
        }
        .boxed()
    }
}

/// Ends a browser session of a person, or all of them; apps and devices stay signed in. Inside, how many ended.
pub struct EndSessionsOf {
    /// Whose.
    pub user_id: UserId,
    /// Who asked.
    pub actor: UserId,
    /// The first letters of the hash of the one to end; `None` for all.
    pub name: Option<String>,
    /// The one in which it is asked, which stays.
    pub kept: String,
    /// Now.
    pub at: Timestamp,
    /// Rows of the trail; each gets the detail `session_count`.
    pub audit: Vec<AuditRow>,
}

impl Unit for EndSessionsOf {
    type Answer = Result<u64, UserChanged>;

    fn run<'c>(&'c self, tx: &'c mut Tx<'_>) -> BoxFuture<'c, Result<Self::Answer, StoreError>> {
        async move {
            // Signing out takes nobody's rights away.
            if let Some(UserChanged::NotAdmin) = may_end(tx, &self.actor, &self.user_id).await? {
                return Ok(Err(UserChanged::NotAdmin));
            }
            // The person's row first: a session that begins meanwhile holds it, and is either seen below or comes after.
            let person = Sql::new("UPDATE users SET is_active = is_active WHERE id = $1");
            if tx.run(person.text(self.user_id.as_str())).await? == 0 {
                return Ok(Err(UserChanged::Gone));
            }
            let which = (&self.user_id, self.name.as_deref(), self.kept.as_str());
            end_sessions(tx, which, self.at, &self.audit).await.map(Ok)
        }
        .boxed()
    }
}

/// Gives a person a password that they must replace, ends what the old one opened, and unlocks the account.
pub struct ResetPassword {
    /// Who.
    pub user_id: UserId,
    /// The administrator who asked; `None` for the operator of the machine.
    pub actor: Option<UserId>,
    /// The new hash.
    pub hash: String,
    /// Digest of the name under which failures are counted.
    pub account: String,
    /// Now.
    pub at: Timestamp,
    /// Rows of the trail; each gets the detail `revoked_count`.
    pub audit: Vec<AuditRow>,
}

impl Unit for ResetPassword {
    type Answer = UserChanged;

    fn run<'c>(&'c self, tx: &'c mut Tx<'_>) -> BoxFuture<'c, Result<UserChanged, StoreError>> {
        async move {
            // Somebody is left to administer: the person themselves, with the new password.
            if let Some(actor) = &self.actor
                && let Some(UserChanged::NotAdmin) = may_end(tx, actor, &self.user_id).await?
            {
                return Ok(UserChanged::NotAdmin);
            }
            let reset = Sql::new(
                "UPDATE users SET password_hash = $2, must_change_password = $3, updated_at = $4 \
                 WHERE id = $1 AND coalesce(auth_source, 'local') IN ('local', '')",
            )
            .text(self.user_id.as_str())
            .text(self.hash.as_str())
            .bind(Value::Flag(true))
            .time(self.at);
            if tx.run(reset).await? == 0 {
                return not_found(tx, &self.user_id).await;
            }
            let ended = end_all(tx, All::Of(&self.user_id), self.at).await?;
            let unlock = Sql::new("DELETE FROM login_failures WHERE account = $1");
            tx.run(unlock.text(self.account.as_str())).await?;
            tx.insert_audit(&ended.told(&self.audit));
            Ok(UserChanged::Done)
        }
        .boxed()
    }
}

/// Deletes a person with their sessions, linked logins and consents. Their clients go to somebody else.
pub struct DeleteUser {
    /// Who.
    pub user_id: UserId,
    /// Who asked, and gets the clients.
    pub actor: UserId,
    /// Now.
    pub at: Timestamp,
    /// Rows of the trail; each gets the detail `revoked_count`.
    pub audit: Vec<AuditRow>,
}

impl Unit for DeleteUser {
    type Answer = UserChanged;

    fn run<'c>(&'c self, tx: &'c mut Tx<'_>) -> BoxFuture<'c, Result<UserChanged, StoreError>> {
        async move {
            if let Some(refused) = may_end(tx, &self.actor, &self.user_id).await? {
                return Ok(refused);
            }
            let of = |text: &'static str| Sql::new(text).text(self.user_id.as_str());
            if tx.run(of("DELETE FROM users WHERE id = $1")).await? == 0 {
                return Ok(UserChanged::Gone);
            }
            let clients = "SELECT client_id FROM oauth_applications WHERE user_id = $1";
            for row in tx.all(of(clients)).await? {
                note(tx, Remembered::Client, &row.text("client_id")?, self.at);
            }
            let hand_over = "UPDATE oauth_applications SET user_id = $2, updated_at = $3, \
                             row_version = coalesce(row_version, 0) + 1 WHERE user_id = $1";
            tx.run(of(hand_over).text(self.actor.as_str()).time(self.at))
                .await?;
            let ended = end_all(tx, All::Of(&self.user_id), self.at).await?;
            tx.run(of("DELETE FROM oauth_connections WHERE user_id = $1"))
                .await?;
            tx.insert_audit(&ended.told(&self.audit));
            Ok(UserChanged::Done)
        }
        .boxed()
    }
}
