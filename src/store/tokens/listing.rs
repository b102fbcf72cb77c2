//! The list of all tokens, which may be millions.
//!
//! Newest first by the index over `(created_at, id)`. A search that means one person reads that person's own list. Any other
//! search or filter that few rows match is answered from those rows; one that many match is answered by walking the list, so
//! far as one page may cost. Where a walk ends without a full page, the next one goes on from there.
use crate::{
    domain::{
        ids::UserId,
        paging::{Cursor, Found, Leaf, Slice},
        time::Timestamp,
        token::{Token, TokenCategory, TokenStatus},
    },
    store::{
        Store, StoreError, clients,
        listing::Draft,
        rows::{self, TOKEN},
        sql::{Row, Value},
        tokens::state::InState,
        users,
    },
};

/// Up to so many matches are read and put in order; more are found by walking.
const FEW: i64 = 3_000;
/// So many rows one page walks over.
const WALK: i64 = 10_000;
/// So many people, and so many clients, a term may mean here.
pub const MEANT: i64 = 20;

/// Which tokens.
#[derive(Clone, Debug, Default)]
pub struct TokenQuery {
    /// The beginning of a username, an address or a client's name, or the whole id of a token, a person or a client;
    /// empty for all.
    pub search: String,
    /// Only these.
    pub state: Option<InState>,
    /// Only these.
    pub category: Option<TokenCategory>,
}

/// A token with the names that belong to it.
#[derive(Clone, Debug)]
pub struct TokenLine {
    /// The token.
    pub token: Token,
    /// The person's name; empty for machines and for people who are gone.
    pub username: String,
    /// The client's name; empty for one that is gone.
    pub client_name: String,
}

impl TokenQuery {
    fn has_filter(&self) -> bool {
        self.state.is_some() || self.category.is_some()
    }
}

/// Whom and what a search term means.
#[derive(Default)]
struct Meant {
    users: Vec<String>,
    clients: Vec<String>,
    tokens: Vec<String>,
    /// There are more people or clients whom it may mean.
    is_cut: bool,
}

impl Meant {
    fn is_nothing(&self) -> bool {
        self.users.is_empty() && self.clients.is_empty() && self.tokens.is_empty()
    }

    /// The one person whom it means.
    fn person(&self) -> Option<UserId> {
        match self.users.as_slice() {
            [one] if self.clients.is_empty() && self.tokens.is_empty() => {
                Some(UserId::new(one.as_str()))
            }
            _ => None,
        }
    }
}

impl Store {
    /// A page of tokens.
    ///
    /// # Errors
    /// As the database.
    pub async fn tokens_page(
        &self,
        query: &TokenQuery,
        slice: &Slice,
    ) -> Result<Found<TokenLine>, StoreError> {
        let meant = match query.search.as_str() {
            "" => None,
            term => Some(self.meant(term).await?),
        };
        let is_cut = meant.as_ref().is_some_and(|meant| meant.is_cut);
        let leaf = self.tokens_meant(query, meant.as_ref(), slice).await?;
        Ok(Found { leaf, is_cut })
    }

    async fn tokens_meant(
        &self,
        query: &TokenQuery,
        meant: Option<&Meant>,
        slice: &Slice,
    ) -> Result<Leaf<TokenLine>, StoreError> {
        if meant.is_some_and(Meant::is_nothing) {
            return Ok(Leaf::cut(Vec::new(), slice, place));
        }
        if meant.and_then(Meant::person).is_some() {
            return self.walk(query, meant, slice).await;
        }
        let filtered = meant.is_some() || query.has_filter();
        if filtered && !self.is_few(query, meant).await? {
            return self.walk(query, meant, slice).await;
        }
        let mut draft = Draft::new(self.driver());
        draft.add(&format!("SELECT {TOKEN}{MORE} FROM "));
        if filtered {
            // Few columns of many rows are put in order, then the rows of the page are read.
            draft.add("(SELECT m.id FROM (");
            candidates(&mut draft, (query, meant), "UNION");
            draft.add(") AS m WHERE 1 = 1");
            narrowed(&mut draft, "m", query);
            draft.beyond("m.created_at, m.id", slice);
            draft.ordered(("m.created_at", "m.id"), slice);
            draft.add(") AS m CROSS JOIN access_tokens t");
            draft.add(NAMES);
            draft.add(" WHERE t.id = m.id");
        } else {
            draft.add("access_tokens t");
            draft.add(NAMES);
            draft.add(" WHERE 1 = 1");
            draft.beyond("t.created_at, t.id", slice);
        }
        draft.ordered(("t.created_at", "t.id"), slice);
        Ok(Leaf::cut(self.lines(draft).await?, slice, place))
    }

    async fn lines(&self, draft: Draft) -> Result<Vec<TokenLine>, StoreError> {
        let found = self.read_all(draft.done()).await?;
        found
            .iter()
            .map(|row| {
                Ok(TokenLine {
                    token: rows::token(row)?,
                    username: row.text("username")?,
                    client_name: row.text("client_name")?,
                })
            })
            .collect()
    }

    async fn meant(&self, term: &str) -> Result<Meant, StoreError> {
        let mut people = Draft::new(self.driver());
        users::listing::by_name(term).named(&mut people, MEANT + 1);
        let mut apps = Draft::new(self.driver());
        clients::listing::by_name(term).named(&mut apps, MEANT + 1);
        let mut own = Draft::new(self.driver());
        own.add("SELECT id FROM access_tokens WHERE id = ");
        own.text(term);
        let (people, apps, own) = tokio::join!(
            self.read_all(people.done()),
            self.read_all(apps.done()),
            self.read_all(own.done())
        );
        let (users, more_users) = first(&people?, "id")?;
        let (clients, more_clients) = first(&apps?, "client_id")?;
        let own = own?;
        Ok(Meant {
            users,
            clients,
            tokens: own
                .iter()
                .map(|row| row.text("id"))
                .collect::<Result<_, _>>()?,
            is_cut: more_users || more_clients,
        })
    }

    async fn is_few(&self, query: &TokenQuery, meant: Option<&Meant>) -> Result<bool, StoreError> {
        let mut draft = Draft::new(self.driver());
        draft.add("SELECT count(*) AS found FROM (SELECT 1 FROM (");
        candidates(&mut draft, (query, meant), "UNION ALL");
        draft.add(&format!(") AS m LIMIT {}) AS m", FEW + 1));
        let row = self.read_one(draft.done()).await?;
        Ok(row.map_or(Ok(0), |row| row.int("found"))? <= FEW)
    }

    /// What matches in a stretch of the list, or of the list of the one person who is meant.
    async fn walk(
        &self,
        query: &TokenQuery,
        meant: Option<&Meant>,
        slice: &Slice,
    ) -> Result<Leaf<TokenLine>, StoreError> {
        let person = meant.and_then(Meant::person);
        let is_whole = person.is_some() && !query.has_filter();
        let rows = if is_whole { slice.limit() } else { WALK };
        let mut draft = Draft::new(self.driver());
        draft.add(&format!("SELECT {TOKEN}{MORE} FROM ("));
        stretch(&mut draft, person.as_ref(), slice, rows);
        draft.add(") AS t");
        draft.add(NAMES);
        draft.add(" WHERE 1 = 1");
        narrowed(&mut draft, "t", query);
        if let (None, Some(meant)) = (&person, meant) {
            draft.add(" AND (t.user_id IN ");
            list(&mut draft, &meant.users);
            draft.add(" OR t.client_id IN ");
            list(&mut draft, &meant.clients);
            draft.add(" OR t.id IN ");
            list(&mut draft, &meant.tokens);
            draft.add(")");
        }
        draft.ordered(("t.created_at", "t.id"), slice);
        let lines = self.lines(draft).await?;
        let is_full = lines.len() > slice.size;
        let end = if is_full || is_whole {
            None
        } else {
            self.end_of_stretch(person.as_ref(), slice, WALK).await?
        };
        Ok(Leaf::of_stretch(lines, slice, end, place))
    }

    /// The last row of a stretch, when there may be rows beyond it.
    pub(super) async fn end_of_stretch(
        &self,
        owner: Option<&UserId>,
        slice: &Slice,
        rows: i64,
    ) -> Result<Option<Cursor>, StoreError> {
        let mut draft = Draft::new(self.driver());
        draft.add("SELECT t.created_at, t.id FROM (");
        stretch(&mut draft, owner, slice, rows);
        draft.add(") AS t");
        let one = Slice {
            size: 0,
            from: slice.from.clone(),
        };
        draft.ordered(("t.created_at", "t.id"), &one);
        draft.add(" OFFSET ");
        draft.bind(Value::Int(rows - 1));
        let row = self.read_one(draft.done()).await?;
        row.map(|row| {
            Ok(Cursor {
                at: row.time("created_at")?,
                id: row.text("id")?,
            })
        })
        .transpose()
    }

    /// The token of this id with the names that belong to it.
    ///
    /// # Errors
    /// As the database.
    pub async fn token_line(&self, id: &str) -> Result<Option<TokenLine>, StoreError> {
        let mut draft = Draft::new(self.driver());
        draft.add(&format!("SELECT {TOKEN}{MORE} FROM access_tokens t"));
        draft.add(NAMES);
        draft.add(" WHERE t.id = ");
        draft.text(id);
        Ok(self.lines(draft).await?.into_iter().next())
    }
}

/// The keys that a term may mean, those whose whole name it is before others, and whether there are more.
fn first(rows: &[Row], key: &str) -> Result<(Vec<String>, bool), StoreError> {
    let mut keys: Vec<String> = Vec::new();
    for is_exact in [true, false] {
        for row in rows {
            let found = row.text(key)?;
            if row.flag("is_exact")? == is_exact && !keys.contains(&found) {
                keys.push(found);
            }
        }
    }
    let most = usize::try_from(MEANT).unwrap_or_default();
    let is_cut = keys.len() > most;
    keys.truncate(most);
    Ok((keys, is_cut))
}

/// So many rows of the list of all tokens, or of one person's, from the edge of the page on.
pub(super) fn stretch(draft: &mut Draft, owner: Option<&UserId>, slice: &Slice, rows: i64) {
    draft.add(&format!(
        "SELECT {TOKEN}, t.disabled_by FROM access_tokens t WHERE "
    ));
    match owner {
        Some(owner) => {
            draft.add("t.user_id = ");
            draft.text(owner.as_str());
        }
        None => draft.add("1 = 1"),
    }
    draft.beyond("t.created_at, t.id", slice);
    let rows = Slice {
        size: usize::try_from(rows - 1).unwrap_or_default(),
        from: slice.from.clone(),
    };
    draft.ordered(("t.created_at", "t.id"), &rows);
}

/// The columns of a [`TokenLine`] beside those of the token.
const MORE: &str = ", u.username, c.client_name";
const NAMES: &str = " LEFT JOIN users u ON u.id = t.user_id LEFT JOIN oauth_applications c ON c.client_id = t.client_id";

fn place(line: &TokenLine) -> Cursor {
    let at: Timestamp = line.token.created_at;
    Cursor {
        at,
        id: line.token.id.as_str().to_owned(),
    }
}

fn narrowed(draft: &mut Draft, alias: &str, query: &TokenQuery) {
    if let Some(state) = query.state {
        draft.add(" AND ");
        state.add_to(draft, &format!("{alias}."));
    }
    if let Some(category) = query.category {
        draft.add(&format!(" AND {alias}.token_category = "));
        draft.text(category.as_str());
    }
}

/// `(…)` of values; of none, a value that no row has.
fn list(draft: &mut Draft, values: &[String]) {
    draft.add("(''");
    for value in values {
        draft.add(", ");
        draft.text(value);
    }
    draft.add(")");
}

/// Rows that may match, each kind from one index, with what they are put in order and narrowed by.
fn candidates(draft: &mut Draft, (query, meant): (&TokenQuery, Option<&Meant>), union: &str) {
    let mut first = true;
    let mut source = |draft: &mut Draft, condition: &dyn Fn(&mut Draft)| {
        if !std::mem::take(&mut first) {
            draft.add(&format!(" {union} "));
        }
        const ROW: &str = "id, created_at, status, token_category, expires_at";
        draft.add(&format!(
            "SELECT {ROW} FROM (SELECT {ROW} FROM access_tokens WHERE "
        ));
        condition(draft);
        draft.add(&format!(" LIMIT {}) AS s", FEW + 1));
    };
    let statuses = match query.state {
        Some(state) => vec![state.status],
        None => vec![
            TokenStatus::Active,
            TokenStatus::Disabled,
            TokenStatus::Revoked,
        ],
    };
    if let Some(meant) = meant {
        for user in &meant.users {
            source(draft, &|draft| {
                draft.add("user_id = ");
                draft.text(user);
                draft.add(" ORDER BY created_at DESC, id DESC");
            });
        }
        for client in &meant.clients {
            for status in &statuses {
                let values = [client.as_str(), status.as_str()];
                source(draft, &|draft| {
                    draft.last_of(&["client_id", "status"], &values)
                });
            }
        }
        for token in &meant.tokens {
            source(draft, &|draft| {
                draft.add("id = ");
                draft.text(token);
            });
        }
        return;
    }
    let categories = match query.category {
        Some(category) => vec![category],
        None => vec![TokenCategory::Access, TokenCategory::Refresh],
    };
    for category in &categories {
        for status in &statuses {
            let values = [category.as_str(), status.as_str()];
            source(draft, &|draft| match query.state {
                Some(state) if state.status != TokenStatus::Revoked => {
                    unexpired(draft, &values, state.now);
                }
                _ => draft.last_of(&["token_category", "status"], &values),
            });
        }
    }
}

/// Tokens of this category and status that are not over, the last to expire first. It is said as [`Draft::last_of`] says it.
fn unexpired(draft: &mut Draft, [category, status]: &[&str; 2], now: Timestamp) {
    draft.add("(token_category, status, expires_at) > (");
    draft.text(category);
    draft.add(", ");
    draft.text(status);
    draft.add(", ");
    draft.bind(Value::Time(now));
    draft.add(") AND (token_category, status) <= (");
    draft.text(category);
    draft.add(", ");
    draft.text(status);
    draft.add(") ORDER BY token_category DESC, status DESC, expires_at DESC");
}
