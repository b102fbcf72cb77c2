//! `registration_tokens`: who manages a registration (RFC 7592).
use super::{
    Store, StoreError,
    rows::{self, CLIENT},
    sql::Sql,
};
use crate::domain::{client::Client, ids::ClientId};

impl Store {
    /// The client, if the token with this hash manages its registration.
    ///
    /// # Errors
    /// As the database.
    pub async fn managed_client(
        &self,
        client_id: &ClientId,
        token_hash: &str,
    ) -> Result<Option<Client>, StoreError> {
        let find = Sql::built(format!(
            "SELECT {CLIENT} FROM registration_tokens t JOIN oauth_applications c ON c.client_id = t.client_id \
             WHERE t.token_hash = $1 AND t.client_id = $2"
        ))
        .text(token_hash)
        .text(client_id.as_str());
        self.read_one(find)
            .await?
            .as_ref()
            .map(rows::client)
            .transpose()
    }
}
