//! A token with what an introspection tells about it: one reading of the row and of those it depends on.
use super::{Store, StoreError, rows, sql::Sql};
use crate::domain::{
    client::ClientStatus,
    token::{Subject, Token},
};

/// A token as it stands.
#[derive(Clone, Debug)]
pub struct Known {
    /// Its row.
    pub token: Token,
    /// The person's name, `None` for machines and for people who are gone.
    pub username: Option<String>,
    /// Whether its client is active and its person, if it speaks for one, exists and is not switched off.
    pub holder_stands: bool,
}

impl Store {
    /// The token with this hash.
    ///
    /// # Errors
    /// As the database.
    pub async fn known_token(&self, hash: &str) -> Result<Option<Known>, StoreError> {
        let find = Sql::new(
            "SELECT t.*, u.username AS holder_name, u.is_active AS holder_active, c.status AS client_status \
             FROM access_tokens t \
             LEFT JOIN users u ON u.id = t.user_id \
             LEFT JOIN oauth_applications c ON c.client_id = t.client_id \
             WHERE t.token_hash = $1",
        )
        .text(hash);
        let Some(row) = self.read_one(find).await? else {
            return Ok(None);
        };
        let token = rows::token(&row)?;
        let client_stands =
            ClientStatus::stored(&row.text("client_status")?) == ClientStatus::Active;
        let person_stands = match token.subject {
            Subject::User(_) => row.flag("holder_active")?,
            Subject::Client(_) => true,
        };
        Ok(Some(Known {
            token,
            username: row.maybe_text("holder_name")?,
            holder_stands: client_stands && person_stands,
        }))
    }
}
