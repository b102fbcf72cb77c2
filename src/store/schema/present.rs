//! What a database has already: one reading, without a lock.
use super::{Adoption, StoreError};
use sqlx::{PgConnection, SqliteConnection};
use std::collections::HashSet;

/// Tables, indexes and columns.
pub(super) struct Present {
    relations: HashSet<String>,
    columns: HashSet<String>,
}

impl Present {
    pub async fn on_sqlite(connection: &mut SqliteConnection) -> Result<Self, StoreError> {
        let names: Vec<(String, Option<String>)> = sqlx::query_as(
            "SELECT m.name, c.name FROM sqlite_master m LEFT JOIN pragma_table_info(m.name) c ON m.type = 'table' \
             WHERE m.type IN ('table', 'index')",
        )
        .fetch_all(connection)
        .await?;
        Ok(Self::of(names))
    }

    pub async fn on_postgres(connection: &mut PgConnection) -> Result<Self, StoreError> {
        let names: Vec<(String, Option<String>)> = sqlx::query_as(
            "SELECT r.relname::text, a.attname::text FROM pg_class r LEFT JOIN pg_attribute a \
             ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped AND r.relkind IN ('r', 'p') \
             WHERE r.relnamespace = current_schema()::regnamespace AND r.relkind IN ('r', 'i', 'p', 'I')",
        )
        .fetch_all(connection)
        .await?;
        Ok(Self::of(names))
    }

    fn of(names: Vec<(String, Option<String>)>) -> Self {
        let columns = names
            .iter()
            .filter_map(|(table, column)| Some(format!("{table}.{}", column.as_ref()?)))
            .collect();
        Self {
            relations: names.into_iter().map(|(relation, _)| relation).collect(),
            columns,
        }
    }

    pub fn has_relation(&self, name: &str) -> bool {
        self.relations.contains(name)
    }

    pub fn has_column(&self, table: &str, column: &str) -> bool {
        self.columns.contains(&format!("{table}.{column}"))
    }

    pub fn adoption(&self) -> Adoption {
        if self.has_relation("users") {
            Adoption::Adopted
        } else {
            Adoption::Fresh
        }
    }
}
