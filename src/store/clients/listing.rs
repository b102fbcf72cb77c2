//! Lists of clients.
use crate::{
    domain::{
        client::{Client, ClientStatus},
        ids::{ClientId, UserId},
        paging::{Cursor, Found, Leaf, Slice},
        time::Timestamp,
    },
    store::{
        Store, StoreError,
        listing::{
            Draft,
            searched::{Condition, Lead, Searched},
        },
        rows::{self, CLIENT},
        sql::Sql,
    },
};

/// Which clients.
#[derive(Clone, Debug, Default)]
pub struct ClientQuery {
    /// The beginning of a name or an id; empty for all.
    pub search: String,
    /// Only these.
    pub status: Option<ClientStatus>,
    /// Only this person's.
    pub owner: Option<UserId>,
}

/// A client with the name of its owner.
#[derive(Clone, Debug)]
pub struct ClientLine {
    /// The client.
    pub client: Client,
    /// Empty when nobody owns it, or nobody any more.
    pub owner_name: String,
}

/// What else a client's page tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClientHoldings {
    /// Tokens that count; at most [`HOLDINGS_CAP`] are counted.
    pub tokens: u64,
    /// Consents in force; at most [`HOLDINGS_CAP`] are counted.
    pub consents: u64,
}

/// So many of a client's or a person's are counted; a page says "more than" then.
pub const HOLDINGS_CAP: u64 = 1_001;

impl Store {
    /// A page of clients.
    ///
    /// # Errors
    /// As the database.
    pub async fn clients_page(
        &self,
        query: &ClientQuery,
        slice: &Slice,
    ) -> Result<Found<ClientLine>, StoreError> {
        let searched = searched(query);
        let lead = self.search_lead(&searched).await?;
        let mut draft = Draft::new(self.driver());
        draft.add(&format!("SELECT {CLIENT}, u.username AS owner_name FROM "));
        if matches!(lead, Lead::List) {
            draft.add("oauth_applications c");
        } else {
            draft.add("(");
            searched.keys(&mut draft, &lead);
            draft.add(") AS m CROSS JOIN oauth_applications c");
        }
        draft.add(" LEFT JOIN users u ON u.id = c.user_id WHERE ");
        if matches!(lead, Lead::List) {
            draft.add("1 = 1");
        } else {
            draft.add("c.client_id = m.client_id");
            searched.beside(&mut draft, &lead);
        }
        if let Some(status) = query.status {
            draft.add(" AND c.status = ");
            draft.text(status.as_str());
        }
        if let Some(owner) = &query.owner {
            draft.add(" AND c.user_id = ");
            draft.text(owner.as_str());
        }
        draft.beyond("c.created_at, c.client_id", slice);
        draft.ordered(("c.created_at", "c.client_id"), slice);
        let found = self.read_all(draft.done()).await?;
        let lines: Vec<ClientLine> = found
            .iter()
            .map(|row| {
                Ok(ClientLine {
                    client: rows::client(row)?,
                    owner_name: row.text("owner_name")?,
                })
            })
            .collect::<Result<_, StoreError>>()?;
        let leaf = Leaf::cut(lines, slice, |line| Cursor {
            at: line.client.created_at,
            id: line.client.client_id.as_str().to_owned(),
        });
        Ok(Found {
            leaf,
            is_cut: lead.is_cut(),
        })
    }

    /// How much was given to a client, as far as it is worth counting.
    ///
    /// # Errors
    /// As the database.
    pub async fn client_holdings(
        &self,
        client_id: &ClientId,
        now: Timestamp,
    ) -> Result<ClientHoldings, StoreError> {
        let cap = i64::try_from(HOLDINGS_CAP).unwrap_or(i64::MAX);
        let count = Sql::new(
            "SELECT (SELECT count(*) FROM (SELECT 1 FROM access_tokens WHERE client_id = $1 AND status = 'active' \
             AND expires_at > $2 LIMIT $3) AS t) AS tokens, \
             (SELECT count(*) FROM (SELECT 1 FROM user_authorizations a LEFT JOIN oauth_applications c \
             ON c.client_id = a.client_id WHERE a.client_id = $1 AND a.is_active AND coalesce(a.granted_at > c.tokens_end_at, true) \
             LIMIT $3) AS a) AS consents",
        )
        .text(client_id.as_str())
        .time(now)
        .int(cap);
        let Some(row) = self.read_one(count).await? else {
            return Ok(ClientHoldings::default());
        };
        let n = |column| row.int(column).map(|n| u64::try_from(n).unwrap_or(0));
        Ok(ClientHoldings {
            tokens: n("tokens")?,
            consents: n("consents")?,
        })
    }
}

/// Clients by the beginning of their names.
pub(in crate::store) fn by_name(term: &str) -> Searched<'_> {
    Searched {
        table: "oauth_applications",
        key: "client_id",
        names: &["client_name"],
        term,
        filters: Vec::new(),
    }
}

/// With the filters that may admit few. A person's own come first: they are fewest.
fn searched(query: &ClientQuery) -> Searched<'_> {
    let mut searched = by_name(&query.search);
    if let Some(owner) = &query.owner {
        searched
            .filters
            .push(Condition::Is("user_id", owner.as_str()));
    }
    if let Some(status) = query.status {
        searched
            .filters
            .push(Condition::Is("status", status.as_str()));
    }
    searched
}
