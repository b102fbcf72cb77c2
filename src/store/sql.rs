//! One statement for both engines: a fixed text with `$1…`, values that know how each engine stores them, and rows that
//! read back what either stored.
use super::{
    StoreError,
    timestamp::{Stored, ZERO},
};
use crate::domain::time::Timestamp;
use sqlx::{
    AssertSqlSafe, Decode, Encode, Executor, Postgres, Row as _, Sqlite, Type,
    encode::IsNull,
    error::BoxDynError,
    postgres::{PgArgumentBuffer, PgArguments, PgRow, PgTypeInfo, PgValueRef, types::Oid},
    query::Query,
    sqlite::{SqliteArguments, SqliteRow},
};
use std::{
    borrow::Cow,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
};

/// A value to bind.
#[derive(Clone, Debug)]
pub enum Value {
    /// Text.
    Text(String),
    /// Text or NULL.
    MaybeText(Option<String>),
    /// A number.
    Int(i64),
    /// A number or NULL.
    MaybeInt(Option<i64>),
    /// True or false.
    Flag(bool),
    /// A time.
    Time(Timestamp),
    /// A time or NULL.
    MaybeTime(Option<Timestamp>),
    /// JSON text or NULL: a BLOB in SQLite, `json` in Postgres.
    Json(Option<String>),
    /// Bytes.
    Bytes(Vec<u8>),
}

/// A list of strings as the Go server writes it: compact, `<`, `>` and `&` escaped, never NULL.
pub fn list(values: &[String]) -> Value {
    let text = serde_json::Value::from(values.to_vec()).to_string();
    let text = text
        .replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('&', "\\u0026");
    Value::Json(Some(text))
}

/// A statement with its values.
#[derive(Clone, Debug)]
pub struct Sql {
    text: Cow<'static, str>,
    values: Vec<Value>,
}

impl Sql {
    /// A fixed text.
    pub fn new(text: &'static str) -> Self {
        Self {
            text: Cow::Borrowed(text),
            values: Vec::new(),
        }
    }

    /// A text that was put together from fixed pieces. Values never go into it.
    pub fn built(text: String) -> Self {
        Self {
            text: Cow::Owned(text),
            values: Vec::new(),
        }
    }

    /// Binds the next value.
    #[must_use]
    pub fn bind(mut self, value: Value) -> Self {
        self.values.push(value);
        self
    }

    /// Binds text.
    #[must_use]
    pub fn text(self, value: impl Into<String>) -> Self {
        self.bind(Value::Text(value.into()))
    }

    /// Binds a number.
    #[must_use]
    pub fn int(self, value: i64) -> Self {
        self.bind(Value::Int(value))
    }

    /// Binds a time.
    #[must_use]
    pub fn time(self, value: Timestamp) -> Self {
        self.bind(Value::Time(value))
    }

    /// Binds all.
    #[must_use]
    pub fn values(mut self, values: Vec<Value>) -> Self {
        self.values.extend(values);
        self
    }

    fn for_sqlite(self) -> Query<'static, Sqlite, SqliteArguments> {
        let mut query = sqlx::query(AssertSqlSafe(self.text));
        for value in self.values {
            query = match value {
                Value::Text(v) => query.bind(v),
                Value::MaybeText(v) => query.bind(v),
                Value::Int(v) => query.bind(v),
                Value::MaybeInt(v) => query.bind(v),
                Value::Flag(v) => query.bind(v),
                Value::Time(v) => query.bind(Stored(v)),
                Value::MaybeTime(v) => query.bind(v.map(Stored)),
                Value::Json(v) => query.bind(v.map(String::into_bytes)),
                Value::Bytes(v) => query.bind(v),
            };
        }
        query
    }

    fn for_postgres(self) -> Query<'static, Postgres, PgArguments> {
        let mut query = sqlx::query(AssertSqlSafe(self.text));
        for value in self.values {
            query = match value {
                Value::Text(v) => query.bind(v),
                Value::MaybeText(v) => query.bind(v),
                Value::Int(v) => query.bind(v),
                Value::MaybeInt(v) => query.bind(v),
                Value::Flag(v) => query.bind(v),
                Value::Time(v) => query.bind(Stored(v)),
                Value::MaybeTime(v) => query.bind(v.map(Stored)),
                Value::Json(v) => query.bind(v.map(Json)),
                Value::Bytes(v) => query.bind(v),
            };
        }
        query
    }

    /// Runs it; how many rows it changed.
    pub async fn run_on_sqlite<'e>(
        self,
        on: impl Executor<'e, Database = Sqlite>,
    ) -> Result<u64, StoreError> {
        let text = self.text.clone();
        let done = self.for_sqlite().execute(on).await;
        Ok(told(&text, done)?.rows_affected())
    }

    /// Runs it; how many rows it changed.
    pub async fn run_on_postgres<'e>(
        self,
        on: impl Executor<'e, Database = Postgres>,
    ) -> Result<u64, StoreError> {
        let text = self.text.clone();
        let done = self.for_postgres().execute(on).await;
        Ok(told(&text, done)?.rows_affected())
    }

    /// The first row.
    pub async fn one_on_sqlite<'e>(
        self,
        on: impl Executor<'e, Database = Sqlite>,
    ) -> Result<Option<Row>, StoreError> {
        let text = self.text.clone();
        let found = self.for_sqlite().fetch_optional(on).await;
        Ok(told(&text, found)?.map(Row::Lite))
    }

    /// The first row.
    pub async fn one_on_postgres<'e>(
        self,
        on: impl Executor<'e, Database = Postgres>,
    ) -> Result<Option<Row>, StoreError> {
        let text = self.text.clone();
        let found = self.for_postgres().fetch_optional(on).await;
        Ok(told(&text, found)?.map(Row::Pg))
    }

    /// All rows.
    pub async fn all_on_sqlite<'e>(
        self,
        on: impl Executor<'e, Database = Sqlite>,
    ) -> Result<Vec<Row>, StoreError> {
        let text = self.text.clone();
        let found = self.for_sqlite().fetch_all(on).await;
        Ok(told(&text, found)?.into_iter().map(Row::Lite).collect())
    }

    /// All rows.
    pub async fn all_on_postgres<'e>(
        self,
        on: impl Executor<'e, Database = Postgres>,
    ) -> Result<Vec<Row>, StoreError> {
        let text = self.text.clone();
        let found = self.for_postgres().fetch_all(on).await;
        Ok(told(&text, found)?.into_iter().map(Row::Pg).collect())
    }
}

/// Whether statements that failed are told. The log is the process's, and so is this.
static FAILURES: AtomicBool = AtomicBool::new(false);

/// `DB_LOG_LEVEL`: from now on statements that failed are told, or not.
pub(super) fn tell_failures(told: bool) {
    FAILURES.store(told, Relaxed);
}

/// Tells the text of a statement that failed, never a value: what a database says may quote one, so that its words stay
/// with the request, and only its code is told. A value that is taken already is an answer, not a failure.
fn told<T>(text: &str, outcome: Result<T, sqlx::Error>) -> Result<T, StoreError> {
    outcome.map_err(|error| {
        let database = error.as_database_error();
        let code = database.map(|error| error.code().unwrap_or_default().into_owned());
        let why = StoreError::from(error);
        if FAILURES.load(Relaxed) && why != StoreError::Conflict {
            let code = code.as_deref().unwrap_or("no answer");
            tracing::error!(code, statement = text, "a statement failed");
        }
        why
    })
}

/// `($1, $2), ($3, $4)…` for `rows` rows of `columns` columns.
pub fn placeholders(rows: usize, columns: usize) -> String {
    let row = |r: usize| {
        let cells: Vec<String> = (1..=columns)
            .map(|c| format!("${}", r * columns + c))
            .collect();
        format!("({})", cells.join(","))
    };
    (0..rows).map(row).collect::<Vec<_>>().join(",")
}

/// As [`placeholders`], for SQLite: `(?,?),(?,?)…`.
pub fn nameless(rows: usize, columns: usize) -> String {
    let row = format!("({})", vec!["?"; columns].join(","));
    vec![row.as_str(); rows].join(",")
}

/// How many values or rows one statement takes. Few sizes, so that only a handful of texts are ever prepared; close
/// together, so that a batch of any size needs two or three statements.
const SIZES: [usize; 12] = [64, 48, 32, 24, 16, 12, 8, 6, 4, 3, 2, 1];

/// Cuts into pieces of those sizes.
pub fn pieces<T>(mut all: &[T]) -> impl Iterator<Item = &[T]> {
    std::iter::from_fn(move || {
        let size = SIZES.into_iter().find(|size| *size <= all.len())?;
        let (piece, rest) = all.split_at(size);
        all = rest;
        Some(piece)
    })
}

/// A row of either engine. NULL reads as the empty value.
pub enum Row {
    /// SQLite.
    Lite(SqliteRow),
    /// Postgres.
    Pg(PgRow),
}

impl Row {
    /// Text, NULL as "".
    pub fn text(&self, column: &str) -> Result<String, StoreError> {
        let value: Option<String> = match self {
            Self::Lite(row) => row.try_get_unchecked(column)?,
            Self::Pg(row) => row.try_get(column)?,
        };
        Ok(value.unwrap_or_default())
    }

    /// Text, NULL and "" as `None`.
    pub fn maybe_text(&self, column: &str) -> Result<Option<String>, StoreError> {
        Ok(Some(self.text(column)?).filter(|text| !text.is_empty()))
    }

    /// A number, NULL as `None`.
    pub fn maybe_int(&self, column: &str) -> Result<Option<i64>, StoreError> {
        Ok(match self {
            Self::Lite(row) => row.try_get_unchecked(column)?,
            Self::Pg(row) => row.try_get(column)?,
        })
    }

    /// A number, NULL as 0.
    pub fn int(&self, column: &str) -> Result<i64, StoreError> {
        Ok(self.maybe_int(column)?.unwrap_or_default())
    }

    /// True or false, NULL as `None`.
    pub fn maybe_flag(&self, column: &str) -> Result<Option<bool>, StoreError> {
        Ok(match self {
            Self::Lite(row) => row.try_get_unchecked(column)?,
            Self::Pg(row) => row.try_get(column)?,
        })
    }

    /// True or false, NULL as false.
    pub fn flag(&self, column: &str) -> Result<bool, StoreError> {
        Ok(self.maybe_flag(column)?.unwrap_or_default())
    }

    /// A time, NULL as Go's zero time.
    pub fn time(&self, column: &str) -> Result<Timestamp, StoreError> {
        let value: Option<Stored> = match self {
            Self::Lite(row) => row.try_get_unchecked(column)?,
            Self::Pg(row) => row.try_get(column)?,
        };
        Ok(value.map_or(ZERO, |stored| stored.0))
    }

    /// A time; NULL and Go's zero time as `None`.
    pub fn maybe_time(&self, column: &str) -> Result<Option<Timestamp>, StoreError> {
        Ok(Some(self.time(column)?).filter(|at| at.year() > 1))
    }

    /// A list of strings, in a BLOB or in text; NULL as empty.
    pub fn list(&self, column: &str) -> Result<Vec<String>, StoreError> {
        let bytes: Option<Vec<u8>> = match self {
            Self::Lite(row) => row.try_get_unchecked(column)?,
            Self::Pg(row) => row
                .try_get::<Option<Json>, _>(column)?
                .map(|json| json.0.into_bytes()),
        };
        match bytes.filter(|bytes| !bytes.is_empty()) {
            None => Ok(Vec::new()),
            Some(bytes) => {
                let list: Option<Vec<String>> =
                    serde_json::from_slice(&bytes).map_err(|error| {
                        StoreError::Bug(format!("column {column} holds no list: {error}"))
                    })?;
                Ok(list.unwrap_or_default())
            }
        }
    }

    /// JSON text, in a BLOB or in text; NULL, an empty value and JSON's null as `None`.
    pub fn json(&self, column: &str) -> Result<Option<String>, StoreError> {
        let text = match self {
            Self::Lite(row) => {
                let bytes: Option<Vec<u8>> = row.try_get_unchecked(column)?;
                bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            }
            Self::Pg(row) => row.try_get::<Option<Json>, _>(column)?.map(|json| json.0),
        };
        Ok(text.filter(|text| !matches!(text.trim(), "" | "null")))
    }

    /// Bytes, NULL as empty.
    pub fn bytes(&self, column: &str) -> Result<Vec<u8>, StoreError> {
        let value: Option<Vec<u8>> = match self {
            Self::Lite(row) => row.try_get_unchecked(column)?,
            Self::Pg(row) => row.try_get(column)?,
        };
        Ok(value.unwrap_or_default())
    }
}

/// Text of a `json` column of Postgres.
struct Json(String);

/// OID of `json` (not `jsonb`).
const JSON_OID: Oid = Oid(114);

impl Type<Postgres> for Json {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(JSON_OID)
    }

    fn compatible(_: &PgTypeInfo) -> bool {
        true
    }
}

impl Encode<'_, Postgres> for Json {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        buffer.extend_from_slice(self.0.as_bytes());
        Ok(IsNull::No)
    }
}

impl<'r> Decode<'r, Postgres> for Json {
    fn decode(value: PgValueRef<'r>) -> Result<Self, BoxDynError> {
        Ok(Self(std::str::from_utf8(value.as_bytes()?)?.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_count_on() {
        assert_eq!(placeholders(2, 3), "($1,$2,$3),($4,$5,$6)");
        assert_eq!(nameless(2, 3), "(?,?,?),(?,?,?)");
    }

    #[test]
    fn a_batch_of_any_size_is_a_few_pieces() {
        for many in 0..=256 {
            let all: Vec<usize> = (0..many).collect();
            let cut: Vec<&[usize]> = pieces(&all).collect();
            assert!(cut.len() <= 3 + many / 64, "{many}: {}", cut.len());
            assert_eq!(cut.concat(), all);
        }
    }

    #[test]
    fn lists_are_escaped_as_go_escapes_them() {
        let Value::Json(Some(text)) = list(&["a<&>b".to_owned()]) else {
            panic!()
        };
        assert_eq!(text, r#"["a\u003c\u0026\u003eb"]"#);
    }
}
