//! Lists of clients.
use crate::{
    domain::{
        client::{Client, ClientStatus},
        ids::{ClientId, UserId},
        paging::{Counted, Cursor, Found, Leaf, Slice},
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
    /// Tokens that count.
    pub tokens: Counted,
    /// Consents in force.
    pub consents: Counted,
}

/// So many rows of a client or a person are looked at to count what they hold beside tokens.
pub(in crate::store) const HOLDINGS_CAP: i64 = 1_000;

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
        // What ends all consents is a moment: those given later come first, and behind one that ended are no others.
        let consents = Sql::new(
            "SELECT live AS seen, live FROM (SELECT count(CASE WHEN coalesce(granted_at > tokens_end_at, true) THEN 1 END) AS live \
             FROM (SELECT a.granted_at, c.tokens_end_at FROM user_authorizations a LEFT JOIN oauth_applications c \
             ON c.client_id = a.client_id WHERE a.client_id = $1 AND a.is_active ORDER BY a.granted_at DESC LIMIT $2) AS newest) AS counted",
        )
        .text(client_id.as_str())
        .int(HOLDINGS_CAP);
        let (tokens, consents) = tokio::join!(
            self.live_tokens_of_client(client_id, now),
            self.counted(consents, HOLDINGS_CAP)
        );
        Ok(ClientHoldings {
            tokens: tokens?,
            consents: consents?,
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
