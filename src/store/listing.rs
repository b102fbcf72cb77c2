//! Long lists, read by key: the pieces that their statements are put together from.
//!
//! Values are always bound; what goes into the text are fixed pieces and numbers of placeholders.
use super::{
    Driver,
    sql::{Sql, Value},
};
use crate::domain::paging::{Edge, Slice};

pub mod searched;

/// A statement that grows.
pub struct Draft {
    driver: Driver,
    text: String,
    values: Vec<Value>,
}

impl Draft {
    pub fn new(driver: Driver) -> Self {
        Self {
            driver,
            text: String::new(),
            values: Vec::new(),
        }
    }

    /// Adds a fixed piece.
    pub fn add(&mut self, piece: &str) {
        self.text.push_str(piece);
    }

    /// Adds the placeholder of a value.
    pub fn bind(&mut self, value: Value) {
        self.values.push(value);
        self.text.push('$');
        self.text.push_str(&self.values.len().to_string());
    }

    /// Adds the placeholder of a text.
    pub fn text(&mut self, value: &str) {
        self.bind(Value::Text(value.to_owned()));
    }

    /// `lower(column)` begins with `term`, in an index over it: text order is byte order in SQLite; in Postgres it takes
    /// the operators of `text_pattern_ops`. The database lowers the term, too: SQLite knows A to Z only, Postgres what its
    /// locale knows.
    pub fn begins_with_lower(&mut self, column: &str, term: &str) {
        let (from, to) = match self.driver {
            Driver::Sqlite => (">=", "<"),
            Driver::Postgres => ("~>=~", "~<~"),
        };
        self.add(&format!("lower({column}) {from} lower("));
        self.text(term);
        self.add(&format!(") AND lower({column}) {to} lower("));
        self.text(&format!("{term}\u{10ffff}"));
        self.add(")");
    }

    /// ` ORDER BY lower(column)` in the order of the same index.
    pub fn by_lower(&mut self, column: &str) {
        self.add(&match self.driver {
            Driver::Sqlite => format!(" ORDER BY lower({column})"),
            Driver::Postgres => format!(" ORDER BY lower({column}) USING ~<~"),
        });
    }

    /// The columns, the first two of an index, have these values; rows that came last are about the first.
    ///
    /// It is said as a range and with an order. Of rows that are equal Postgres knows that they have none, and where it
    /// believes that many match it reads the table from its beginning, though they may all be at the end. An index that is
    /// read backwards gives equal keys from the last row to the first.
    pub fn last_of(&mut self, [one, two]: &[&str; 2], [first, second]: &[&str; 2]) {
        for start in [
            format!("({one}, {two}) >= ("),
            format!(" AND ({one}, {two}) <= ("),
        ] {
            self.add(&start);
            self.text(first);
            self.add(", ");
            self.text(second);
            self.add(")");
        }
        self.add(&format!(" ORDER BY {one} DESC, {two} DESC"));
    }

    /// ` AND (at, id) < (…)` for a page that is not the first. The columns are given as one piece: `t.created_at, t.id`.
    pub fn beyond(&mut self, columns: &str, slice: &Slice) {
        let (cursor, than) = match &slice.from {
            Edge::Start => return,
            Edge::After(cursor) => (cursor, "<"),
            Edge::Before(cursor) => (cursor, ">"),
        };
        self.add(&format!(" AND ({columns}) {than} ("));
        self.bind(Value::Time(cursor.at));
        self.add(", ");
        self.text(&cursor.id);
        self.add(")");
    }

    /// ` ORDER BY … LIMIT …`, newest first; backwards for the page before.
    pub fn ordered(&mut self, (at, id): (&str, &str), slice: &Slice) {
        let way = match slice.from {
            Edge::Start | Edge::After(_) => "DESC",
            Edge::Before(_) => "ASC",
        };
        self.add(&format!(" ORDER BY {at} {way}, {id} {way} LIMIT "));
        self.bind(Value::Int(slice.limit()));
    }

    pub fn done(self) -> Sql {
        Sql::built(self.text).values(self.values)
    }
}
