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
    timestamp::ZERO,
};
use crate::domain::{
    ids::UserId,
    paging::{Counted, Cursor, Found, Leaf, Slice},
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
    pub tokens: Counted,
    /// Linked logins.
    pub connections: Counted,
    /// Consents in force.
    pub consents: Counted,
    /// Clients of theirs.
    pub clients: Counted,
    /// Browsers that are signed in.
    pub sessions: Counted,
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
        // All browsers that an ending left are newer than it, and next to each other in the index.
        let rest = Sql::new(
            "SELECT (SELECT count(*) FROM (SELECT 1 FROM oauth_connections WHERE user_id = $1 LIMIT $2) AS l) AS connections, \
             (SELECT count(*) FROM (SELECT 1 FROM user_authorizations a LEFT JOIN oauth_applications c \
             ON c.client_id = a.client_id WHERE a.user_id = $1 AND a.is_active \
             AND coalesce(a.granted_at > c.tokens_end_at, true) LIMIT $2) AS a) AS consents, \
             (SELECT count(*) FROM (SELECT 1 FROM oauth_applications WHERE user_id = $1 LIMIT $2) AS c) AS clients, \
             s.seen, s.live FROM (SELECT count(*) AS seen, count(CASE WHEN revoked_at IS NULL AND expires_at > $3 THEN 1 END) AS live FROM \
             (SELECT s.revoked_at, s.expires_at FROM users u JOIN sessions s ON s.user_id = u.id WHERE u.id = $1 \
             AND s.auth_time > coalesce(u.sessions_end_at, $4) ORDER BY s.auth_time DESC LIMIT $2) AS newest) AS s",
        )
        .text(id.as_str())
        .int(HOLDINGS_CAP)
        .time(now)
        .time(ZERO);
        let (tokens, rest) = tokio::join!(self.live_tokens_of_person(id, now), self.read_one(rest));
        let Some(rest) = rest? else {
            return Ok(UserHoldings::default());
        };
        let n = |column| rest.int(column).map(|n| Counted::among(n, n, HOLDINGS_CAP));
        Ok(UserHoldings {
            tokens: tokens?,
            connections: n("connections")?,
            consents: n("consents")?,
            clients: n("clients")?,
            sessions: Counted::among(rest.int("live")?, rest.int("seen")?, HOLDINGS_CAP),
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
