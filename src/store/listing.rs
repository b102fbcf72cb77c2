//! Long lists, read by key: the pieces that their statements are put together from.
//!
//! Values are always bound; what goes into the text are fixed pieces and numbers of placeholders.
use super::{
    Driver,
    sql::{Sql, Value},
};
use crate::domain::paging::{Edge, Slice};

/// The most rows that a search looks at.
pub const SEARCH_CAP: i64 = 200;

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

    /// `expression` begins with `term`, in an index over it: text order is byte order in SQLite; in Postgres it takes the
    /// operators of `text_pattern_ops`.
    pub fn begins_with(&mut self, expression: &str, term: &str) {
        let (from, to) = match self.driver {
            Driver::Sqlite => (" >= ", " < "),
            Driver::Postgres => (" ~>=~ ", " ~<~ "),
        };
        self.add(expression);
        self.add(from);
        self.text(term);
        self.add(" AND ");
        self.add(expression);
        self.add(to);
        self.text(&format!("{term}\u{10ffff}"));
    }

    /// `lower(column)` begins with `term`, whatever the case of the letters that the database knows how to lower.
    pub fn begins_with_lower(&mut self, column: &str, term: &str) {
        let lower = match self.driver {
            Driver::Sqlite => term.to_ascii_lowercase(),
            Driver::Postgres => term.to_lowercase(),
        };
        self.begins_with(&format!("lower({column})"), &lower);
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
