//! What apps and devices hold for a person, and the end of one sign-in: all tokens that one grant led to.
use super::{
    owned::{MORE, NAMES, OwnToken, own},
    revoke_family,
};
use crate::{
    domain::{
        audit::AuditRow,
        ids::{FamilyId, TokenId, UserId},
        time::Timestamp,
        token::Family,
    },
    store::{
        Store, StoreError, Tx, Unit,
        endings::Ended,
        listing::Draft,
        rows::TOKEN,
        sql::{Sql, Value},
    },
};
use futures_util::{FutureExt as _, future::BoxFuture};

/// So many tokens of a person are looked at: those that last longest, among them every refresh token before any access
/// token of the usual lifetimes.
const HELD: usize = 1_000;

/// What is held for a person.
#[derive(Clone, Debug, Default)]
pub struct Held {
    /// Tokens that count, and those that would if they were switched on.
    pub tokens: Vec<OwnToken>,
    /// Whether these are all.
    pub is_all: bool,
}

impl Store {
    /// What apps and devices hold for a person now, what lasts longest first.
    ///
    /// # Errors
    /// As the database.
    pub async fn held_tokens(&self, user_id: &UserId, now: Timestamp) -> Result<Held, StoreError> {
        let mut tokens = self.held(user_id, None, now).await?;
        let is_all = tokens.len() <= HELD;
        tokens.truncate(HELD);
        Ok(Held { tokens, is_all })
    }

    /// As [`Store::held_tokens`], of one sign-in; and what its app holds that does not tell which it belongs to.
    ///
    /// # Errors
    /// As the database.
    pub async fn held_by_sign_in(
        &self,
        user_id: &UserId,
        id: &FamilyId,
        now: Timestamp,
    ) -> Result<Vec<OwnToken>, StoreError> {
        if id.as_str().contains('\0') {
            return Ok(Vec::new());
        }
        self.held(user_id, Some(id), now).await
    }

    async fn held(
        &self,
        user_id: &UserId,
        id: Option<&FamilyId>,
        now: Timestamp,
    ) -> Result<Vec<OwnToken>, StoreError> {
        let mut draft = Draft::new(self.driver());
        draft.add(&format!(
            "SELECT {TOKEN}{MORE} FROM (SELECT {TOKEN}, t.disabled_by FROM access_tokens t WHERE t.user_id = "
        ));
        draft.text(user_id.as_str());
        // To the letter the condition of the index over what is not revoked.
        draft.add(" AND t.status <> 'revoked' AND t.expires_at > ");
        draft.bind(Value::Time(now));
        if let Some(id) = id {
            for (at, column) in ["token_family_id", "id", "parent_token_id"]
                .into_iter()
                .enumerate()
            {
                draft.add(if at == 0 { " AND (" } else { " OR " });
                draft.add(&format!("t.{column} = "));
                draft.text(id.as_str());
            }
            draft.add(
                " OR (t.token_family_id = '' AND coalesce(t.parent_token_id, '') = '' \
                 AND t.client_id = (SELECT s.client_id FROM access_tokens s WHERE s.id = ",
            );
            draft.text(id.as_str());
            draft.add(")))");
        }
        draft.add(" ORDER BY t.expires_at DESC LIMIT ");
        draft.bind(Value::Int(i64::try_from(HELD + 1).unwrap_or(i64::MAX)));
        draft.add(") AS t");
        draft.add(NAMES);
        // Rows follow the end of a client, a person or a family by and by.
        draft.add(
            " LEFT JOIN users u ON u.id = t.user_id WHERE f.revoked_at IS NULL \
             AND coalesce(t.created_at > u.tokens_end_at, true) AND coalesce(t.created_at > c.tokens_end_at, true) \
             ORDER BY t.expires_at DESC",
        );
        let found = self.read_all(draft.done()).await?;
        found.iter().map(|row| own(row, user_id)).collect()
    }
}

/// Ends a sign-in: its family first, so that no issuance can slip by, then all its tokens, those that are switched off
/// too. Tells how many counted or could have been switched on.
pub struct EndSignIn {
    /// Which.
    pub family: Family,
    /// Tokens of it that do not tell that they are.
    pub joined: Vec<TokenId>,
    /// Now.
    pub at: Timestamp,
    /// Rows of the trail; each gets the detail `revoked_count`. None are written when it was over.
    pub audit: Vec<AuditRow>,
}

impl Unit for EndSignIn {
    type Answer = u64;

    fn run<'c>(&'c self, tx: &'c mut Tx<'_>) -> BoxFuture<'c, Result<u64, StoreError>> {
        async move {
            let mut ended = revoke_family(tx, &self.family, self.at).await?;
            for token_id in &self.joined {
                let revoke = "UPDATE access_tokens SET status = 'revoked' WHERE id = $1 AND status IN ('active', 'disabled')";
                ended += tx.run(Sql::new(revoke).text(token_id.as_str())).await?;
            }
            if ended > 0 {
                let ended = Ended {
                    tokens: ended,
                    goes_on: false,
                };
                tx.insert_audit(&ended.told(&self.audit));
            }
            Ok(ended)
        }
        .boxed()
    }
}
