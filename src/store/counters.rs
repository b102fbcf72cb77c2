//! What the dashboard counts. Each figure comes from an index; together they are still too much work for every visit of a
//! large installation, so whoever asks remembers the answer for a while.
use super::{Store, StoreError, sql::Sql};
use crate::domain::{ids::UserId, time::Timestamp};

/// Figures of the dashboard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// All people, those who are switched off included.
    pub users: u64,
    /// Of them administrators.
    pub admins: u64,
    /// Of them switched off.
    pub disabled: u64,
    /// All clients.
    pub clients: u64,
    /// In use.
    pub active_clients: u64,
    /// Waiting for approval.
    pub pending_clients: u64,
    /// Access tokens that count.
    pub access_tokens: u64,
    /// Refresh tokens that count.
    pub refresh_tokens: u64,
    /// All tokens on record; `None` where the database does not count them in time.
    pub tokens: Option<u64>,
}

impl Store {
    /// Counts.
    ///
    /// # Errors
    /// As the database.
    pub async fn counters(&self, now: Timestamp) -> Result<Counters, StoreError> {
        let count = Sql::new(
            "SELECT (SELECT count(*) FROM users) AS users, \
             (SELECT count(*) FROM users WHERE role = 'admin') AS admins, \
             (SELECT count(*) FROM users WHERE NOT is_active) AS disabled, \
             (SELECT count(*) FROM oauth_applications) AS clients, \
             (SELECT count(*) FROM oauth_applications WHERE status = 'active') AS active_clients, \
             (SELECT count(*) FROM oauth_applications WHERE status = 'pending') AS pending_clients, \
             (SELECT count(*) FROM access_tokens WHERE token_category = 'access' AND status = 'active' \
              AND expires_at > $1) AS access_tokens, \
             (SELECT count(*) FROM access_tokens WHERE token_category = 'refresh' AND status = 'active' \
              AND expires_at > $1) AS refresh_tokens",
        )
        .time(now);
        let Some(row) = self.read_one(count).await? else {
            return Ok(Counters::default());
        };
        let n = |column| row.int(column).map(|n| u64::try_from(n).unwrap_or(0));
        Ok(Counters {
            users: n("users")?,
            admins: n("admins")?,
            disabled: n("disabled")?,
            clients: n("clients")?,
            active_clients: n("active_clients")?,
            pending_clients: n("pending_clients")?,
            access_tokens: n("access_tokens")?,
            refresh_tokens: n("refresh_tokens")?,
            tokens: self.all_tokens().await.ok(),
        })
    }

    /// No condition narrows it, so a large table may take longer than a statement may.
    async fn all_tokens(&self) -> Result<u64, StoreError> {
        let count = Sql::new("SELECT count(*) AS tokens FROM access_tokens");
        let row = self.read_one(count).await?;
        let tokens = row.map_or(Ok(0), |row| row.int("tokens"))?;
        Ok(u64::try_from(tokens).unwrap_or(0))
    }

    /// How many clients a person registered.
    ///
    /// # Errors
    /// As the database.
    pub async fn clients_of(&self, owner: &UserId) -> Result<u64, StoreError> {
        let count = Sql::new("SELECT count(*) AS owned FROM oauth_applications WHERE user_id = $1");
        let row = self.read_one(count.text(owner.as_str())).await?;
        let owned = row.map_or(Ok(0), |row| row.int("owned"))?;
        Ok(u64::try_from(owned).unwrap_or(0))
    }

    /// How many clients wait for approval: shown on every page of an administrator.
    ///
    /// # Errors
    /// As the database.
    pub async fn pending_clients(&self) -> Result<u64, StoreError> {
        let count =
            Sql::new("SELECT count(*) AS pending FROM oauth_applications WHERE status = 'pending'");
        let pending = self
            .read_one(count)
            .await?
            .map_or(Ok(0), |row| row.int("pending"))?;
        Ok(u64::try_from(pending).unwrap_or(0))
    }
}
