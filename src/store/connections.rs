//! `oauth_connections`: logins at other providers that lead to a person.
use super::{
    Store, StoreError, Tx, Unit,
    sql::{Row, Sql},
};
use crate::domain::{audit::AuditRow, ids::UserId, time::Timestamp};
use futures_util::{FutureExt as _, future::BoxFuture};

/// A linked login. The provider's tokens stay in the database.
#[derive(Clone, Debug)]
pub struct LinkedLogin {
    /// UUID.
    pub id: String,
    /// `github`, `gitea`, …
    pub provider: String,
    /// What the provider calls the person.
    pub username: String,
    /// What the provider says is their address.
    pub email: String,
    /// The last sign-in that way.
    pub last_used_at: Option<Timestamp>,
    /// When it was linked.
    pub created_at: Timestamp,
}

impl Store {
    /// The logins that are linked to a person, the newest first.
    ///
    /// # Errors
    /// As the database.
    pub async fn linked_logins(&self, user_id: &UserId) -> Result<Vec<LinkedLogin>, StoreError> {
        let find = Sql::new(
            "SELECT id, provider, provider_username, provider_email, last_used_at, created_at FROM oauth_connections \
             WHERE user_id = $1 ORDER BY created_at DESC, id LIMIT 100",
        )
        .text(user_id.as_str());
        self.read_all(find).await?.iter().map(linked).collect()
    }
}

fn linked(row: &Row) -> Result<LinkedLogin, StoreError> {
    Ok(LinkedLogin {
        id: row.text("id")?,
        provider: row.text("provider")?,
        username: row.text("provider_username")?,
        email: row.text("provider_email")?,
        last_used_at: row.maybe_time("last_used_at")?,
        created_at: row.time("created_at")?,
    })
}

/// Takes a linked login away. Tells whether it was there.
pub struct UnlinkLogin {
    /// Whose.
    pub user_id: UserId,
    /// Which.
    pub id: String,
    /// Rows of the trail.
    pub audit: Vec<AuditRow>,
}

impl Unit for UnlinkLogin {
    type Answer = bool;

    fn run<'c>(&'c self, tx: &'c mut Tx<'_>) -> BoxFuture<'c, Result<bool, StoreError>> {
        async move {
            let delete = Sql::new("DELETE FROM oauth_connections WHERE id = $1 AND user_id = $2")
                .text(self.id.as_str())
                .text(self.user_id.as_str());
            let was_there = tx.run(delete).await? == 1;
            if was_there {
                tx.insert_audit(&self.audit);
            }
            Ok(was_there)
        }
        .boxed()
    }
}

/// What became of a person's own wish to unlink a login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unlinked {
    /// It is gone.
    Done,
    /// It is the only way in: without it the person could not sign in any more.
    OnlyWayIn,
    /// They have no such login.
    Unknown,
}

/// Takes a linked login away by the person's own wish, unless it is their only way in.
pub struct UnlinkOwnLogin {
    /// Whose.
    pub user_id: UserId,
    /// Which.
    pub id: String,
    /// Now.
    pub at: Timestamp,
    /// Rows of the trail.
    pub audit: Vec<AuditRow>,
}

impl Unit for UnlinkOwnLogin {
    type Answer = Unlinked;

    fn run<'c>(&'c self, tx: &'c mut Tx<'_>) -> BoxFuture<'c, Result<Unlinked, StoreError>> {
        async move {
            // The person's row first: of two that unlink the last two logins at once, the second sees the first.
            let person = "UPDATE users SET updated_at = $2 WHERE id = $1";
            tx.run(Sql::new(person).text(self.user_id.as_str()).time(self.at))
                .await?;
            let find = "SELECT id FROM oauth_connections WHERE id = $1 AND user_id = $2";
            let find = Sql::new(find)
                .text(self.id.as_str())
                .text(self.user_id.as_str());
            if tx.one(find).await?.is_none() {
                return Ok(Unlinked::Unknown);
            }
            let delete = Sql::new(
                "DELETE FROM oauth_connections WHERE id = $1 AND user_id = $2 AND (\
                 (SELECT count(*) FROM oauth_connections WHERE user_id = $2) > 1 \
                 OR EXISTS (SELECT 1 FROM users WHERE id = $2 AND (password_hash <> '' \
                 OR coalesce(auth_source, 'local') NOT IN ('local', ''))))",
            )
            .text(self.id.as_str())
            .text(self.user_id.as_str());
            if tx.run(delete).await? == 0 {
                return Ok(Unlinked::OnlyWayIn);
            }
            tx.insert_audit(&self.audit);
            Ok(Unlinked::Done)
        }
        .boxed()
    }
}
