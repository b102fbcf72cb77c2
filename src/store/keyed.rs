//! Reading by a list of keys: statements of a few fixed lengths, and what is looked up for many callers at once.
use super::{
    Driver, READ, Store, StoreError,
    codes::PresentedCode,
    in_time,
    lookup::{Lookup, MOST},
    sessions::Signed,
    sql::{Row, Sql},
    tokens::presented::{Known, RefreshToken, Spoken},
};
use crate::domain::client::Client;
use std::sync::Arc;

/// A statement that asks for the rows of any number of keys, at most [`MOST`]. There is a text for each power of two, so
/// that only a handful are ever prepared; what is missing to one is filled up with the first key.
pub(super) struct ByKeys {
    lite: Vec<String>,
    pg: Vec<String>,
}

impl ByKeys {
    /// `head` ends where the list of keys begins.
    pub fn new(head: &str) -> Self {
        let texts = |mark: fn(usize) -> String| {
            let text = |power| {
                let marks: Vec<String> = (1..=1_usize << power).map(mark).collect();
                format!("{head} ({})", marks.join(","))
            };
            (0..=MOST.ilog2()).map(text).collect()
        };
        Self {
            // SQLite looks names of parameters up one by one; those without a name it just counts.
            lite: texts(|_| "?".to_owned()),
            pg: texts(|n| format!("${n}")),
        }
    }

    /// The statement for these keys.
    pub fn ask(&'static self, driver: Driver, keys: &[String]) -> Sql {
        let texts = match driver {
            Driver::Sqlite => &self.lite,
            Driver::Postgres => &self.pg,
        };
        let size = keys.len().next_power_of_two();
        let at = usize::try_from(size.ilog2()).unwrap_or(usize::MAX);
        let text = texts.get(at).map(String::as_str).unwrap_or_default();
        let filler = keys.iter().cycle().skip(keys.len());
        let all = keys.iter().chain(filler).take(size);
        all.fold(Sql::new(text), |sql, key| sql.text(key.as_str()))
    }
}

/// What is looked up for many callers at once, by a key that no engine refuses to compare with: a text with a zero byte
/// would fail all who ask with it.
pub(super) trait Keyed: Clone + Send + Sized + 'static {
    /// The column with the key, by the name that the statement gives it.
    const KEY: &'static str;

    /// The statement.
    fn by_keys() -> &'static ByKeys;

    /// Where callers meet.
    fn lookup(lookups: &Lookups) -> &Arc<Lookup<Self>>;

    /// Reads a row.
    fn read(row: &Row) -> Result<Self, StoreError>;
}

/// One for each kind of row that is looked up for many callers at once.
#[derive(Default)]
pub(super) struct Lookups {
    pub clients: Arc<Lookup<Client>>,
    pub codes: Arc<Lookup<PresentedCode>>,
    pub known_tokens: Arc<Lookup<Known>>,
    pub spoken_tokens: Arc<Lookup<Spoken>>,
    pub refresh_tokens: Arc<Lookup<RefreshToken>>,
    pub sessions: Arc<Lookup<Signed>>,
}

impl Store {
    /// What has this key, together with whatever else is looked up in the same moment.
    pub(super) async fn find<T: Keyed>(&self, key: &str) -> Result<Option<T>, StoreError> {
        let store = self.clone();
        let read = move |keys: Vec<String>| {
            let statement = T::by_keys().ask(store.driver(), &keys);
            let store = store.clone();
            async move {
                let rows = store.read_all(statement).await?;
                let keyed = |row: &Row| Ok((row.text(T::KEY)?, T::read(row)));
                rows.iter().map(keyed).collect()
            }
        };
        // The wait in line counts, too: while the database is away every statement before this one takes its whole time.
        in_time(READ, T::lookup(&self.0.lookups).find(key.to_owned(), read)).await
    }
}
