//! How many tokens count now, of a person or of a client.
//!
//! Rows stay `active` when their time is over. An index tells those of a person apart and none those of a client: a machine
//! may have a million rows and one that counts. So the rows of a client that came last are looked at, and the answer says
//! whether these were all.
use crate::{
    domain::{
        ids::{ClientId, UserId},
        paging::Counted,
        time::Timestamp,
    },
    store::{
        Store, StoreError,
        listing::Draft,
        sql::{Sql, Value},
    },
};

/// So many of a person's tokens that are neither revoked nor over are looked at.
const OF_PERSON: i64 = 1_000;
/// So many of a client's tokens are looked at.
const OF_CLIENT: i64 = 5_000;

impl Store {
    /// How many of a person's tokens count now, as far as a thousand of those that are neither revoked nor over.
    ///
    /// # Errors
    /// As the database.
    pub async fn live_tokens_of_person(
        &self,
        user_id: &UserId,
        now: Timestamp,
    ) -> Result<Counted, StoreError> {
        // To the letter the condition of the index over what is not revoked.
        let count = Sql::new(
            "SELECT count(*) AS seen, count(CASE WHEN status = 'active' THEN 1 END) AS live FROM \
             (SELECT status FROM access_tokens WHERE user_id = $1 AND status <> 'revoked' AND expires_at > $2 \
             ORDER BY expires_at DESC LIMIT $3) AS held",
        )
        .text(user_id.as_str())
        .time(now)
        .int(OF_PERSON);
        self.counted(count, OF_PERSON).await
    }

    /// How many of a client's tokens count now, among some thousands that came last.
    ///
    /// # Errors
    /// As the database.
    pub async fn live_tokens_of_client(
        &self,
        client_id: &ClientId,
        now: Timestamp,
    ) -> Result<Counted, StoreError> {
        let mut draft = Draft::new(self.driver());
        draft.add("SELECT count(*) AS seen, count(CASE WHEN expires_at > ");
        draft.bind(Value::Time(now));
        draft.add(" THEN 1 END) AS live FROM (SELECT expires_at FROM access_tokens WHERE ");
        draft.last_of(&["client_id", "status"], &[client_id.as_str(), "active"]);
        draft.add(" LIMIT ");
        draft.bind(Value::Int(OF_CLIENT));
        draft.add(") AS last");
        self.counted(draft.done(), OF_CLIENT).await
    }

    /// What a statement counted (`live`) among at most `cap` rows (`seen`).
    pub(in crate::store) async fn counted(
        &self,
        statement: Sql,
        cap: i64,
    ) -> Result<Counted, StoreError> {
        let row = self.read_one(statement).await?;
        row.map_or(Ok(Counted::default()), |row| {
            Ok(Counted::among(row.int("live")?, row.int("seen")?, cap))
        })
    }
}
