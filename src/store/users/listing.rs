//! The list of people: by key, by filters that have an index, and by the beginning of a name or address.
use super::super::{
    Store, StoreError,
    clients::listing::HOLDINGS_CAP,
    listing::{
        Draft,
        searched::{Condition, Lead, Searched},
    },
    rows::{self, USER},
    sql::Sql,
};
use crate::domain::{
    ids::UserId,
    paging::{Cursor, Found, Leaf, Slice},
    time::Timestamp,
    user::{Role, User},
};

/// Which people.
#[derive(Clone, Debug, Default)]
pub struct UserQuery {
    /// The beginning of a username, an address or a full name, or a whole id; empty for everybody.
    pub search: String,
    /// Only these.
    pub role: Option<Role>,
    /// Only these.
    pub is_active: Option<bool>,
    /// `local` or `http_api`.
    pub auth_source: Option<&'static str>,
}

/// What else a person's page tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UserHoldings {
    /// Tokens that count.
    pub tokens: u64,
    /// Linked logins.
    pub connections: u64,
    /// Consents in force.
    pub consents: u64,
    /// Clients of theirs.
    pub clients: u64,
    /// Browsers that are signed in.
    pub sessions: u64,
}

impl Store {
    /// A page of people.
    ///
    /// # Errors
    /// As the database.
    pub async fn users_page(
        &self,
        query: &UserQuery,
        slice: &Slice,
    ) -> Result<Found<User>, StoreError> {
        let searched = searched(query);
        let lead = self.search_lead(&searched).await?;
        let mut draft = Draft::new(self.driver());
        draft.add(&format!("SELECT {USER} FROM "));
        if matches!(lead, Lead::List) {
            draft.add("users u WHERE 1 = 1");
        } else {
            draft.add("(");
            searched.keys(&mut draft, &lead);
            // These are few, so they lead and the people follow.
            draft.add(") AS m CROSS JOIN users u WHERE u.id = m.id");
            searched.beside(&mut draft, &lead);
        }
        if let Some(role) = query.role {
            // The text stands in the statement, so that the index over administrators alone can be used.
            draft.add(match role {
                Role::Admin => " AND u.role = 'admin'",
                Role::User => " AND u.role = 'user'",
            });
        }
        match query.is_active {
            Some(true) => draft.add(" AND u.is_active"),
            Some(false) => draft.add(" AND NOT u.is_active"),
            None => {}
        }
        if let Some(source) = query.auth_source {
            draft.add(" AND u.auth_source = ");
            draft.text(source);
        }
        draft.beyond("u.created_at, u.id", slice);
        draft.ordered(("u.created_at", "u.id"), slice);
        let found = self.read_all(draft.done()).await?;
        let users: Vec<User> = found.iter().map(rows::user).collect::<Result<_, _>>()?;
        let leaf = Leaf::cut(users, slice, |user| Cursor {
            at: user.created_at,
            id: user.id.as_str().to_owned(),
        });
        Ok(Found {
            leaf,
            is_cut: lead.is_cut(),
        })
    }

    /// How much a person holds, as far as it is worth counting.
    ///
    /// # Errors
    /// As the database.
    pub async fn user_holdings(
        &self,
        id: &UserId,
        now: Timestamp,
    ) -> Result<UserHoldings, StoreError> {
        let count = Sql::new(
            "SELECT (SELECT count(*) FROM (SELECT 1 FROM access_tokens WHERE user_id = $1 AND status = 'active' \
             AND expires_at > $2 LIMIT $3) AS t) AS tokens, \
             (SELECT count(*) FROM oauth_connections WHERE user_id = $1) AS connections, \
             (SELECT count(*) FROM (SELECT 1 FROM user_authorizations a LEFT JOIN oauth_applications c \
             ON c.client_id = a.client_id WHERE a.user_id = $1 AND a.is_active \
             AND coalesce(a.granted_at > c.tokens_end_at, true) LIMIT $3) AS a) AS consents, \
             (SELECT count(*) FROM (SELECT 1 FROM oauth_applications WHERE user_id = $1 LIMIT $3) AS c) AS clients, \
             (SELECT count(*) FROM (SELECT 1 FROM sessions s JOIN users u ON u.id = s.user_id WHERE s.user_id = $1 \
             AND s.revoked_at IS NULL AND s.expires_at > $2 AND coalesce(s.auth_time > u.sessions_end_at, true) \
             LIMIT $3) AS s) AS sessions",
        )
        .text(id.as_str())
        .time(now)
        .int(i64::try_from(HOLDINGS_CAP).unwrap_or(i64::MAX));
        let Some(row) = self.read_one(count).await? else {
            return Ok(UserHoldings::default());
        };
        let n = |column| row.int(column).map(|n| u64::try_from(n).unwrap_or(0));
        Ok(UserHoldings {
            tokens: n("tokens")?,
            connections: n("connections")?,
            consents: n("consents")?,
            clients: n("clients")?,
            sessions: n("sessions")?,
        })
    }
}

/// People by the beginning of what they are called.
pub(in crate::store) fn by_name(term: &str) -> Searched<'_> {
    Searched {
        table: "users",
        key: "id",
        names: &["username", "email", "full_name"],
        term,
        filters: Vec::new(),
    }
}

/// With the filters that may admit few.
fn searched(query: &UserQuery) -> Searched<'_> {
    let mut searched = by_name(&query.search);
    if query.role == Some(Role::Admin) {
        searched.filters.push(Condition::Fixed("role = 'admin'"));
    }
    if query.is_active == Some(false) {
        searched.filters.push(Condition::Fixed("NOT is_active"));
    }
    if let Some(source) = query.auth_source {
        searched.filters.push(Condition::Is("auth_source", source));
    }
    searched
}
