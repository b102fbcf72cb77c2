//! `users`: looking people up.
use super::{
    Store, StoreError, Tx, Unit,
    rows::{self, USER},
    sql::{Sql, Value},
};
use crate::domain::{ids::UserId, time::Timestamp, user::User};
use futures_util::{FutureExt as _, future::BoxFuture};

pub mod changing;
pub mod ending;
pub mod listing;
pub mod owned;

/// Puts a person on record.
pub(super) fn insert(u: &User) -> Sql {
    Sql::new(
        "INSERT INTO users (id, username, email, password_hash, role, full_name, avatar_url, is_active, \
         email_verified, external_id, auth_source, must_change_password, created_at, updated_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, '', $10, $11, $12, $12)",
    )
    .text(u.id.as_str())
    .text(u.username.as_str())
    .text(u.email.as_str())
    .text(u.password_hash.as_str())
    .text(u.role.as_str())
    .text(u.full_name.as_str())
    .text(u.avatar_url.as_str())
    .bind(Value::Flag(u.is_active))
    .bind(Value::Flag(u.email_verified))
    .text(u.auth_source.as_str())
    .bind(Value::Flag(u.must_change_password))
    .time(u.created_at)
}

impl Store {
    /// The person with this id.
    ///
    /// # Errors
    /// As the database.
    pub async fn user(&self, id: &UserId) -> Result<Option<User>, StoreError> {
        let find =
            Sql::built(format!("SELECT {USER} FROM users u WHERE u.id = $1")).text(id.as_str());
        self.read_one(find)
            .await?
            .as_ref()
            .map(rows::user)
            .transpose()
    }

    /// Whether there are people, and the Go server could read all their passwords.
    ///
    /// # Errors
    /// As the database.
    pub async fn suits_the_go_server(&self) -> Result<bool, StoreError> {
        let somebody = Sql::new("SELECT id FROM users LIMIT 1");
        let beyond = "SELECT id FROM users WHERE password_hash LIKE '$argon2id$%' LIMIT 1";
        Ok(self.read_one(somebody).await?.is_some()
            && self.read_one(Sql::new(beyond)).await?.is_none())
    }

    /// The person with exactly this name.
    ///
    /// # Errors
    /// As the database.
    pub async fn user_by_username(&self, username: &str) -> Result<Option<User>, StoreError> {
        // No column holds NUL, and Postgres refuses to compare with it.
        if username.contains('\0') {
            return Ok(None);
        }
        let find =
            Sql::built(format!("SELECT {USER} FROM users u WHERE u.username = $1")).text(username);
        self.read_one(find)
            .await?
            .as_ref()
            .map(rows::user)
            .transpose()
    }

    /// The person whom somebody means who types this name: blanks around it do not count, and case counts only where the names
    /// of two people differ by nothing else, as on databases that the Go server made.
    ///
    /// # Errors
    /// As the database.
    pub async fn user_meant_by(&self, typed: &str) -> Result<Option<User>, StoreError> {
        if let Some(user) = self.user_by_username(typed).await? {
            return Ok(Some(user));
        }
        let typed = typed.trim();
        if typed.contains('\0') {
            return Ok(None);
        }
        let find = Sql::built(format!(
            "SELECT {USER} FROM users u WHERE lower(u.username) = lower($1) ORDER BY u.username = $1 DESC LIMIT 2"
        ));
        match self.read_all(find.text(typed)).await?.as_slice() {
            [row] => rows::user(row).map(Some),
            [first, _] => Ok(Some(rows::user(first)?).filter(|user| user.username == typed)),
            _ => Ok(None),
        }
    }
}

/// Stores the same password under a stronger hash, unless it was changed in the meantime.
pub struct ReplacePasswordHash {
    /// Whose.
    pub user_id: UserId,
    /// The hash that was verified.
    pub old: String,
    /// The new one.
    pub new: String,
    /// Now.
    pub at: Timestamp,
}

impl Unit for ReplacePasswordHash {
    type Answer = bool;

    fn run<'c>(&'c self, tx: &'c mut Tx<'_>) -> BoxFuture<'c, Result<bool, StoreError>> {
        async move {
            let update = Sql::new(
                "UPDATE users SET password_hash = $1, updated_at = $2 WHERE id = $3 AND password_hash = $4",
            )
            .text(self.new.as_str())
            .time(self.at)
            .text(self.user_id.as_str())
            .text(self.old.as_str());
            Ok(tx.run(update).await? == 1)
        }
        .boxed()
    }
}
