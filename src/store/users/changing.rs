//! What administrators do to people. Every rule that two of them could break together is part of the statement: the row
//! must still be as it was looked at, and somebody must be left to administer.
use super::super::{
    StoreError, Tx, Unit,
    sql::{Sql, Value},
};
use crate::domain::{
    account::Account,
    audit::AuditRow,
    ids::UserId,
    time::Timestamp,
    user::{Role, User},
};
use futures_util::{FutureExt as _, future::BoxFuture};

/// What became of a change to a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserChanged {
    /// It was made.
    Done,
    /// The person is not any more as the caller saw them; nothing was changed.
    Stale,
    /// There is no such person.
    Gone,
    /// Nobody would be left to administer.
    LastAdmin,
    /// Who asked is no administrator any more.
    NotAdmin,
    /// The row to be made is there already.
    Already,
    /// Somebody else has this address.
    EmailTaken,
    /// Somebody else has this name.
    UsernameTaken,
}

/// Administrators who can sign in. On Postgres their rows are locked, always in the same order, so that two who take each
/// other's rights away come one after the other.
async fn active_admins(tx: &mut Tx<'_>) -> Result<Vec<String>, StoreError> {
    let text = if tx.locks() {
        "SELECT id FROM users WHERE role = 'admin' AND is_active ORDER BY id FOR UPDATE"
    } else {
        "SELECT id FROM users WHERE role = 'admin' AND is_active"
    };
    let rows = tx.all(Sql::new(text)).await?;
    rows.iter().map(|row| row.text("id")).collect()
}

/// Whether `actor` may take an administrator's rights from `target`.
async fn may(
    tx: &mut Tx<'_>,
    actor: &UserId,
    (target, ends_admin): (&UserId, bool),
) -> Result<Option<UserChanged>, StoreError> {
    let admins = active_admins(tx).await?;
    if !admins.iter().any(|id| id == actor.as_str()) {
        return Ok(Some(UserChanged::NotAdmin));
    }
    let last = admins.iter().all(|id| id == target.as_str());
    Ok((ends_admin && last).then_some(UserChanged::LastAdmin))
}

async fn has_email(tx: &mut Tx<'_>, email: &str, but: &UserId) -> Result<bool, StoreError> {
    let find = Sql::new("SELECT id FROM users WHERE lower(email) = lower($1) AND id <> $2 LIMIT 1")
        .text(email)
        .text(but.as_str());
    Ok(tx.one(find).await?.is_some())
}

/// Why a guarded statement found no row.
async fn why_not(tx: &mut Tx<'_>, id: &UserId) -> Result<UserChanged, StoreError> {
    let find = Sql::new("SELECT id FROM users WHERE id = $1").text(id.as_str());
    Ok(match tx.one(find).await? {
        Some(_) => UserChanged::Stale,
        None => UserChanged::Gone,
    })
}

/// A new person.
pub struct InsertUser {
    /// The row.
    pub user: User,
    /// Who asked.
    pub actor: UserId,
    /// Rows of the trail.
    pub audit: Vec<AuditRow>,
}

impl Unit for InsertUser {
    type Answer = UserChanged;

    fn run<'c>(&'c self, tx: &'c mut Tx<'_>) -> BoxFuture<'c, Result<UserChanged, StoreError>> {
        async move {
            let u = &self.user;
            if let Some(refused) = may(tx, &self.actor, (&u.id, false)).await? {
                return Ok(refused);
            }
            let named = Sql::new("SELECT id FROM users WHERE lower(username) = lower($1) LIMIT 1");
            if let Some(namesake) = tx.one(named.text(u.username.as_str())).await? {
                return Ok(if namesake.text("id")? == u.id.as_str() {
                    UserChanged::Already
                } else {
                    UserChanged::UsernameTaken
                });
            }
            if has_email(tx, &u.email, &u.id).await? {
                return Ok(UserChanged::EmailTaken);
            }
            tx.run(super::insert(u)).await?;
            tx.insert_audit(&self.audit);
            Ok(UserChanged::Done)
        }
        .boxed()
    }
}

/// Another address, name or role. What the editor saw must still be so.
pub struct UpdateUser {
    /// As it was looked at.
    pub seen: User,
    /// As it shall be; the username is not looked at.
    pub account: Account,
    /// Who asked.
    pub actor: UserId,
    /// Now.
    pub at: Timestamp,
    /// Rows of the trail.
    pub audit: Vec<AuditRow>,
}

impl Unit for UpdateUser {
    type Answer = UserChanged;

    fn run<'c>(&'c self, tx: &'c mut Tx<'_>) -> BoxFuture<'c, Result<UserChanged, StoreError>> {
        async move {
            let (seen, new) = (&self.seen, &self.account);
            let demotes = seen.role == Role::Admin && new.role == Role::User && seen.is_active;
            if let Some(refused) = may(tx, &self.actor, (&seen.id, demotes)).await? {
                return Ok(refused);
            }
            let moved = new.email != seen.email;
            if moved && has_email(tx, &new.email, &seen.id).await? {
                return Ok(UserChanged::EmailTaken);
            }
            let update = Sql::new(
                "UPDATE users SET email = $2, full_name = $3, role = $4, email_verified = $5, updated_at = $6 \
                 WHERE id = $1 AND email = $7 AND coalesce(full_name, '') = $8 AND role = $9 AND is_active = $10",
            )
            .text(seen.id.as_str())
            .text(new.email.as_str())
            .text(new.full_name.as_str())
            .text(new.role.as_str())
            // An address that nobody has vouched for yet.
            .bind(Value::Flag(seen.email_verified && !moved))
            .time(self.at)
            .text(seen.email.as_str())
            .text(seen.full_name.as_str())
            .text(seen.role.as_str())
            .bind(Value::Flag(seen.is_active));
            if tx.run(update).await? == 0 {
                return why_not(tx, &seen.id).await;
            }
            tx.insert_audit(&self.audit);
            Ok(UserChanged::Done)
        }
        .boxed()
    }
}

/// Switches a person on again. What was ended stays ended.
pub struct EnableUser {
    /// Who.
    pub user_id: UserId,
    /// Who asked.
    pub actor: UserId,
    /// Now.
    pub at: Timestamp,
    /// Rows of the trail.
    pub audit: Vec<AuditRow>,
}

impl Unit for EnableUser {
    type Answer = UserChanged;

    fn run<'c>(&'c self, tx: &'c mut Tx<'_>) -> BoxFuture<'c, Result<UserChanged, StoreError>> {
        async move {
            if let Some(refused) = may(tx, &self.actor, (&self.user_id, false)).await? {
                return Ok(refused);
            }
            let enable = Sql::new(
                "UPDATE users SET is_active = $2, updated_at = $3 WHERE id = $1 AND NOT is_active",
            )
            .text(self.user_id.as_str())
            .bind(Value::Flag(true))
            .time(self.at);
            if tx.run(enable).await? == 0 {
                return why_not(tx, &self.user_id).await;
            }
            tx.insert_audit(&self.audit);
            Ok(UserChanged::Done)
        }
        .boxed()
    }
}

/// Whether the actor may end a person, and whether somebody is left to administer then.
pub(super) async fn may_end(
    tx: &mut Tx<'_>,
    actor: &UserId,
    target: &UserId,
) -> Result<Option<UserChanged>, StoreError> {
    may(tx, actor, (target, true)).await
}

pub(super) async fn not_found(tx: &mut Tx<'_>, id: &UserId) -> Result<UserChanged, StoreError> {
    why_not(tx, id).await
}
