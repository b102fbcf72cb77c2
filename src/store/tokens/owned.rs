//! A person's own tokens: listed with the application and the device they went to, and ended all at once.
use crate::{
    domain::{
        audit::AuditRow,
        ids::UserId,
        paging::{Cursor, Leaf, Slice},
        time::Timestamp,
        token::{Token, TokenCategory},
    },
    store::{
        Store, StoreError, Tx, Unit,
        endings::{All, Ended, end_all},
        listing::Draft,
        rows::{self, TOKEN},
        sql::Sql,
        tokens::{listing::stretch, state::InState},
    },
};
use futures_util::{FutureExt as _, future::BoxFuture};

/// Which of a person's tokens.
#[derive(Clone, Debug, Default)]
pub struct OwnTokenQuery {
    /// A part of the client's name or of the scopes, or the whole id of a sign-in; empty for all.
    pub search: String,
    /// Only these.
    pub state: Option<InState>,
    /// Only these.
    pub category: Option<TokenCategory>,
}

/// A token with what its person knows about it.
#[derive(Clone, Debug)]
pub struct OwnToken {
    /// The token.
    pub token: Token,
    /// The client's name; empty for one that is gone.
    pub client_name: String,
    /// `device_code`, `authorization_code`, …; empty for tokens of before.
    pub grant: String,
    /// The address that its grant was redeemed from; may be empty.
    pub ip: String,
    /// The program that redeemed it; may be empty.
    pub user_agent: String,
    /// When it was redeemed; `None` when nobody wrote it down.
    pub signed_in_at: Option<Timestamp>,
    /// Somebody else switched it off, so its person cannot switch it on.
    pub disabled_by_other: bool,
}

impl Store {
    /// A page of a person's tokens, the newest first. A search looks at a stretch of them.
    ///
    /// # Errors
    /// As the database.
    pub async fn own_tokens(
        &self,
        user_id: &UserId,
        query: &OwnTokenQuery,
        slice: &Slice,
    ) -> Result<Leaf<OwnToken>, StoreError> {
        let is_narrowed =
            !query.search.is_empty() || query.state.is_some() || query.category.is_some();
        let mut draft = Draft::new(self.driver());
        draft.add(&format!("SELECT {TOKEN}{MORE} FROM ("));
        let rows = if is_narrowed { WALK } else { slice.limit() };
        stretch(&mut draft, Some(user_id), slice, rows);
        draft.add(") AS t");
        draft.add(NAMES);
        draft.add(ROOT);
        draft.add(" WHERE 1 = 1");
        if let Some(state) = query.state {
            draft.add(" AND ");
            state.add_to(&mut draft, "t.");
        }
        if let Some(category) = query.category {
            draft.add(" AND t.token_category = ");
            draft.text(category.as_str());
        }
        if !query.search.is_empty() {
            let pattern = pattern(&query.search);
            draft.add(" AND (lower(c.client_name) LIKE lower(");
            draft.text(&pattern);
            draft.add(") ESCAPE '\\' OR lower(t.scopes) LIKE lower(");
            draft.text(&pattern);
            draft.add(") ESCAPE '\\' OR ");
            draft.add(ROOT);
            draft.add(" = ");
            draft.text(&query.search);
            draft.add(")");
        }
        draft.ordered(("t.created_at", "t.id"), slice);
        let found = self.read_all(draft.done()).await?;
        let found: Vec<OwnToken> = found
            .iter()
            .map(|row| own(row, user_id))
            .collect::<Result<_, _>>()?;
        let is_full = found.len() > slice.size;
        let end = if is_narrowed && !is_full {
            self.end_of_stretch(Some(user_id), slice, WALK).await?
        } else {
            None
        };
        Ok(Leaf::of_stretch(found, slice, end, |line: &OwnToken| {
            Cursor {
                at: line.token.created_at,
                id: line.token.id.as_str().to_owned(),
            }
        }))
    }

    /// A person's token of this id. Somebody else's is not found.
    ///
    /// # Errors
    /// As the database.
    pub async fn own_token(
        &self,
        user_id: &UserId,
        id: &str,
    ) -> Result<Option<OwnToken>, StoreError> {
        if id.contains('\0') {
            return Ok(None);
        }
        let mut draft = Draft::new(self.driver());
        draft.add(&format!("SELECT {TOKEN}{MORE} FROM access_tokens t"));
        draft.add(NAMES);
        draft.add(ROOT);
        draft.add(" WHERE t.id = ");
        draft.text(id);
        draft.add(" AND t.user_id = ");
        draft.text(user_id.as_str());
        let row = self.read_one(draft.done()).await?;
        row.as_ref().map(|row| own(row, user_id)).transpose()
    }
}

/// So many of a person's tokens one search looks at; where it finds no full page, the next goes on from there.
const WALK: i64 = 5_000;

/// The columns that [`own`] reads beside those of the token.
const MORE: &str = ", t.disabled_by, c.client_name, f.grant_name, f.ip, f.user_agent, f.created_at AS signed_in_at";
/// Where they come from; [`ROOT`] follows.
const NAMES: &str = " LEFT JOIN oauth_applications c ON c.client_id = t.client_id LEFT JOIN token_families f ON f.id = ";
/// A row without a family is its own root, or the child of one ([`Token::family_root`]).
pub(super) const ROOT: &str =
    "coalesce(nullif(t.token_family_id, ''), nullif(t.parent_token_id, ''), t.id)";

fn own(row: &crate::store::sql::Row, user_id: &UserId) -> Result<OwnToken, StoreError> {
    let disabled_by = row.maybe_text("disabled_by")?;
    Ok(OwnToken {
        token: rows::token(row)?,
        client_name: row.text("client_name")?,
        grant: row.text("grant_name")?,
        ip: row.text("ip")?,
        user_agent: row.text("user_agent")?,
        signed_in_at: row.maybe_time("signed_in_at")?,
        disabled_by_other: disabled_by.is_some_and(|by| !by.is_empty() && by != user_id.as_str()),
    })
}

/// The text anywhere, with nothing in it that `LIKE` would take for more. The database lowers it, as it lowers the column:
/// what is a capital beyond A to Z depends on it.
fn pattern(search: &str) -> String {
    let mut pattern = String::from("%");
    for c in search.chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}

/// Ends everything that clients hold for a person; their browsers stay signed in.
pub struct EndOwnTokens {
    /// Whose.
    pub user_id: UserId,
    /// Now.
    pub at: Timestamp,
    /// Rows of the trail; each gets the detail `revoked_count`.
    pub audit: Vec<AuditRow>,
}

impl Unit for EndOwnTokens {
    type Answer = Ended;

    fn run<'c>(&'c self, tx: &'c mut Tx<'_>) -> BoxFuture<'c, Result<Ended, StoreError>> {
        async move {
            // The person's row first: an issuance under way holds it, and is either seen below or comes after the mark.
            let person = Sql::new("UPDATE users SET is_active = is_active WHERE id = $1");
            tx.run(person.text(self.user_id.as_str())).await?;
            let ended = end_all(tx, All::GrantsOf(&self.user_id), self.at).await?;
            tx.insert_audit(&ended.told(&self.audit));
            Ok(ended)
        }
        .boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::pattern;

    #[test]
    fn a_search_finds_what_was_typed_and_nothing_more() {
        assert_eq!(pattern("AuthGate"), "%AuthGate%");
        assert_eq!(pattern("100%_\\"), "%100\\%\\_\\\\%");
    }
}
