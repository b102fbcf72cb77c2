//! Lists of people and of clients that are searched by the beginning of a name and narrowed by filters.
//!
//! Half of all names may begin so, and next to none of those may pass a filter. A search goes by the names that begin so,
//! or by everything that one filter admits, whichever is few enough to be looked through. Where neither is, it looks at the
//! first names and says that there are more. What leads is decided here: the planner knows nothing of limits, and SQLite
//! nothing of how many rows a filter admits.
use super::Draft;
use crate::store::{Store, StoreError, sql::Value};

/// So many names of one column a search looks at.
pub const SEARCH_CAP: i64 = 1_000;
/// A filter that admits no more rows than this may lead.
const FEW: i64 = 3_000;

/// A condition that one index answers.
pub enum Condition<'a> {
    /// A fixed text.
    Fixed(&'static str),
    /// A column is this.
    Is(&'static str, &'a str),
    /// A name begins so; in the order of names.
    Begins(&'static str, &'a str),
}

impl Condition<'_> {
    fn add(&self, draft: &mut Draft) {
        match self {
            Self::Fixed(text) => draft.add(text),
            Self::Is(column, value) => {
                draft.add(&format!("{column} = "));
                draft.text(value);
            }
            // In order: or else Postgres may read all names that begin so before it takes the first.
            Self::Begins(column, term) => {
                draft.begins_with_lower(column, term);
                draft.by_lower(column);
            }
        }
    }
}

/// What is searched, and for what.
pub struct Searched<'a> {
    /// The table.
    pub table: &'static str,
    /// Its key, which a term may give in whole.
    pub key: &'static str,
    /// Columns with an index over `lower(…)`.
    pub names: &'static [&'static str],
    /// The beginning of a name, or a whole key; empty for everything.
    pub term: &'a str,
    /// Filters that are asked for as well and may lead.
    pub filters: Vec<Condition<'a>>,
}

/// What a search goes by.
pub enum Lead<'a> {
    /// By the list in its own order.
    List,
    /// By the names that begin so: all of them, or the first.
    Names { is_cut: bool },
    /// By everything that a filter admits.
    Filter(&'a Condition<'a>),
}

impl Lead<'_> {
    /// Whether there are names that nobody looks at.
    pub fn is_cut(&self) -> bool {
        matches!(self, Self::Names { is_cut: true })
    }
}

impl Searched<'_> {
    /// The keys to look at, as a select; where a filter leads, with the names.
    pub fn keys(&self, draft: &mut Draft, lead: &Lead<'_>) {
        let Self { table, key, .. } = self;
        match lead {
            Lead::List => draft.add(&format!("SELECT {key} FROM {table}")),
            Lead::Names { .. } => {
                draft.add(&format!("SELECT DISTINCT {key} FROM ("));
                self.named(draft, SEARCH_CAP);
                draft.add(") AS named");
            }
            Lead::Filter(filter) => {
                let names = self.names.join(", ");
                draft.add(&format!("SELECT {key}, {names} FROM {table} WHERE "));
                filter.add(draft);
                draft.add(" LIMIT ");
                draft.bind(Value::Int(FEW));
            }
        }
    }

    /// ` AND (…)` for the term where a filter leads. It asks the rows that [`Self::keys`] gave under the name of `m`: asked
    /// of the table, Postgres would read all names that begin so.
    pub fn beside(&self, draft: &mut Draft, lead: &Lead<'_>) {
        if self.term.is_empty() || !matches!(lead, Lead::Filter(_)) {
            return;
        }
        draft.add(&format!(" AND (m.{} = ", self.key));
        draft.text(self.term);
        for column in self.names {
            draft.add(" OR ");
            draft.begins_with_lower(&format!("m.{column}"), self.term);
        }
        draft.add(")");
    }

    /// Keys that the term may mean, the first `cap` of each column in the order of names, and whether it is all of the
    /// name (`is_exact`). A key may come more than once.
    pub fn named(&self, draft: &mut Draft, cap: i64) {
        let Self { table, key, .. } = self;
        for (at, column) in self.names.iter().enumerate() {
            draft.add(&format!(
                "SELECT {key}, is_exact FROM (SELECT {key}, lower({column}) = lower("
            ));
            draft.text(self.term);
            draft.add(&format!(") AS is_exact FROM {table} WHERE "));
            Condition::Begins(column, self.term).add(draft);
            draft.add(" LIMIT ");
            draft.bind(Value::Int(cap));
            draft.add(&format!(") AS m{at} UNION ALL "));
        }
        draft.add(&format!(
            "SELECT {key}, 1 = 1 AS is_exact FROM {table} WHERE {key} = "
        ));
        draft.text(self.term);
    }
}

impl Store {
    /// What a search goes by.
    pub(in crate::store) async fn search_lead<'a>(
        &self,
        searched: &'a Searched<'a>,
    ) -> Result<Lead<'a>, StoreError> {
        let Searched { table, term, .. } = *searched;
        let is_search = !term.is_empty();
        // A filter by itself has an index in the order of the list.
        if !is_search && searched.filters.len() < 2 {
            return Ok(Lead::List);
        }
        let begins = |column: &&'static str| Condition::Begins(column, term);
        let names: Vec<Condition<'_>> = searched.names.iter().map(begins).collect();
        if is_search && self.are_few(table, &names, SEARCH_CAP).await? {
            return Ok(Lead::Names { is_cut: false });
        }
        for filter in &searched.filters {
            if self
                .are_few(table, std::slice::from_ref(filter), FEW)
                .await?
            {
                return Ok(Lead::Filter(filter));
            }
        }
        Ok(if is_search {
            Lead::Names { is_cut: true }
        } else {
            Lead::List
        })
    }

    /// Whether each of the conditions has at most `cap` rows.
    async fn are_few(
        &self,
        table: &str,
        conditions: &[Condition<'_>],
        cap: i64,
    ) -> Result<bool, StoreError> {
        let mut draft = Draft::new(self.driver());
        draft.add("SELECT 1 = 1");
        for (at, condition) in conditions.iter().enumerate() {
            draft.add(&format!(
                " AND (SELECT count(*) FROM (SELECT 1 FROM {table} WHERE "
            ));
            condition.add(&mut draft);
            draft.add(" LIMIT ");
            draft.bind(Value::Int(cap + 1));
            draft.add(&format!(") AS m{at}) <= "));
            draft.bind(Value::Int(cap));
        }
        draft.add(" AS are_few");
        let row = self.read_one(draft.done()).await?;
        row.map_or(Ok(false), |row| row.flag("are_few"))
    }
}
