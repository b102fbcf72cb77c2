//! The list of all tokens, which may be millions.
//!
//! Newest first by the index over `(created_at, id)`. A filter or a search that few rows match is answered from those
//! rows; one that many match is answered by walking the list, so far as one page may cost. Where the walk ends without a
//! full page, the next one goes on from there.
use crate::{
    domain::{
        ids::UserId,
        paging::{Cursor, Leaf, Slice},
        time::Timestamp,
        token::{Token, TokenCategory},
    },
    store::{
        Store, StoreError, clients,
        listing::Draft,
        rows::{self, TOKEN},
        sql::Value,
        tokens::state::InState,
        users,
    },
};

/// Up to so many matches are read and put in order; more are found by walking.
const FEW: i64 = 1_000;
/// So many rows one page walks over.
const WALK: i64 = 10_000;
/// People and clients that a term may mean here.
const MEANT: usize = 20;

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

/// Whom and what a search term means.
#[derive(Default)]
struct Meant {
    users: Vec<String>,
    clients: Vec<String>,
    tokens: Vec<String>,
}

impl Meant {
    fn is_nothing(&self) -> bool {
        self.users.is_empty() && self.clients.is_empty() && self.tokens.is_empty()
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
    ) -> Result<Leaf<TokenLine>, StoreError> {
        let meant = match query.search.as_str() {
            "" => None,
            term => Some(self.meant(term).await?),
        };
        if meant.as_ref().is_some_and(Meant::is_nothing) {
            return Ok(Leaf::cut(Vec::new(), slice, place));
        }
        let filtered = meant.is_some() || query.state.is_some() || query.category.is_some();
        if filtered && !self.is_few(query, meant.as_ref()).await? {
            return self.walk(query, meant.as_ref(), slice).await;
        }
        let mut draft = Draft::new(self.driver());
        draft.add(&format!("SELECT {TOKEN}{MORE} FROM "));
        if filtered {
            draft.add("(");
            candidates(&mut draft, query, meant.as_ref());
            draft.add(") AS m CROSS JOIN access_tokens t");
        } else {
            draft.add("access_tokens t");
        }
        draft.add(NAMES);
        draft.add(if filtered {
            " WHERE t.id = m.id"
        } else {
            " WHERE 1 = 1"
        });
        narrowed(&mut draft, query);
        draft.beyond("t.created_at, t.id", slice);
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
        let list = |rows: Vec<crate::store::sql::Row>, column: &'static str| {
            rows.iter()
                .take(MEANT)
                .map(|row| row.text(column))
                .collect::<Result<Vec<String>, StoreError>>()
        };
        let mut people = Draft::new(self.driver());
        users::listing::matches(&mut people, term);
        let mut apps = Draft::new(self.driver());
        clients::listing::matches(&mut apps, term);
        let mut own = Draft::new(self.driver());
        own.add("SELECT id FROM access_tokens WHERE id = ");
        own.text(term);
        let (people, apps, own) = tokio::join!(
            self.read_all(people.done()),
            self.read_all(apps.done()),
            self.read_all(own.done())
        );
        Ok(Meant {
            users: list(people?, "id")?,
            clients: list(apps?, "client_id")?,
            tokens: list(own?, "id")?,
        })
    }

    async fn is_few(&self, query: &TokenQuery, meant: Option<&Meant>) -> Result<bool, StoreError> {
        let mut draft = Draft::new(self.driver());
        draft.add("SELECT count(*) AS found FROM (");
        candidates(&mut draft, query, meant);
        draft.add(") AS m");
        let row = self.read_one(draft.done()).await?;
        Ok(row.map_or(Ok(0), |row| row.int("found"))? <= FEW)
    }

    async fn walk(
        &self,
        query: &TokenQuery,
        meant: Option<&Meant>,
        slice: &Slice,
    ) -> Result<Leaf<TokenLine>, StoreError> {
        let mut draft = Draft::new(self.driver());
        draft.add(&format!("SELECT {TOKEN}{MORE} FROM ("));
        stretch(&mut draft, None, slice, WALK);
        draft.add(") AS t");
        draft.add(NAMES);
        draft.add(" WHERE 1 = 1");
        narrowed(&mut draft, query);
        if let Some(meant) = meant {
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
        let end = if is_full {
            None
        } else {
            self.end_of_stretch(None, slice, WALK).await?
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

fn narrowed(draft: &mut Draft, query: &TokenQuery) {
    if let Some(state) = query.state {
        draft.add(" AND ");
        state.add_to(draft, "t.");
    }
    if let Some(category) = query.category {
        draft.add(" AND t.token_category = ");
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

/// Ids that may match, each from one index and one more than are few.
fn candidates(draft: &mut Draft, query: &TokenQuery, meant: Option<&Meant>) {
    let mut first = true;
    let mut source = |draft: &mut Draft, condition: &mut dyn FnMut(&mut Draft)| {
        if !std::mem::take(&mut first) {
            draft.add(" UNION ");
        }
        draft.add("SELECT id FROM (SELECT id FROM access_tokens WHERE ");
        condition(draft);
        draft.add(&format!(" LIMIT {}) AS s", FEW + 1));
    };
    if let Some(meant) = meant {
        for (column, values) in [
            ("user_id", &meant.users),
            ("client_id", &meant.clients),
            ("id", &meant.tokens),
        ] {
            for value in values {
                source(draft, &mut |draft| {
                    draft.add(&format!("{column} = "));
                    draft.text(value);
                });
            }
        }
        return;
    }
    let categories = match query.category {
        Some(category) => vec![category],
        None => vec![TokenCategory::Access, TokenCategory::Refresh],
    };
    for category in &categories {
        source(draft, &mut |draft| {
            draft.add("token_category = ");
            draft.text(category.as_str());
            if let Some(state) = query.state {
                draft.add(" AND ");
                state.add_to(draft, "");
            }
        });
    }
}
