//! The schema: adopted as the Go server left it, or made the same; then our own tables and columns beside it.
//!
//! Every start looks at what is there, because the Go server or an older build may have run in between, and takes the
//! write lock only if something is missing. Tables first, then columns, then indexes, which may be on those columns.
use super::{Engine, StoreError, pool::Pool};
use present::Present;
use sqlx::{AssertSqlSafe, Connection as _, SqliteConnection};

mod columns;
mod foreign_times;
mod present;
mod script;
#[cfg(test)]
mod tests;

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Adoption {
    /// Nothing: the schema is new.
    Fresh,
    /// A database in use.
    Adopted,
}

const SQLITE: [&str; 2] = [
    include_str!("../../migrations/sqlite/0001_adopted.sql"),
    include_str!("../../migrations/sqlite/0002_own.sql"),
];
const POSTGRES: [&str; 2] = [
    include_str!("../../migrations/postgres/0001_adopted.sql"),
    include_str!("../../migrations/postgres/0002_own.sql"),
];

/// Two servers that start on one Postgres do this one after the other.
const LOCK: i64 = 0x4175_7468_4761_7465;

pub(super) async fn prepare(engine: &Engine) -> Result<Adoption, StoreError> {
    match engine {
        Engine::Lite { writer, .. } => {
            let mut slot = writer.lock().await;
            let connection = slot
                .as_mut()
                .ok_or_else(|| StoreError::Unavailable("closed".to_owned()))?;
            prepare_sqlite(connection).await
        }
        Engine::Pg(pool) => prepare_postgres(pool).await,
    }
}

async fn prepare_sqlite(connection: &mut SqliteConnection) -> Result<Adoption, StoreError> {
    let mut found = Present::on_sqlite(connection).await?;
    let adoption = found.adoption();
    if !sqlite_step(&found).is_empty() {
        let mut tx = connection.begin_with("BEGIN IMMEDIATE").await?;
        // Another process may have been here before the lock was ours.
        found = Present::on_sqlite(&mut tx).await?;
        loop {
            let step = sqlite_step(&found);
            if step.is_empty() {
                break;
            }
            sqlx::raw_sql(AssertSqlSafe(step)).execute(&mut *tx).await?;
            found = Present::on_sqlite(&mut tx).await?;
        }
        tx.commit().await?;
    }
    foreign_times::rewrite(connection).await?;
    Ok(adoption)
}

fn sqlite_step(found: &Present) -> String {
    let scripts = SQLITE
        .into_iter()
        .flat_map(script::statements)
        .map(str::to_owned)
        .chain(foreign_times::indexes());
    next_step(found, scripts, |added| added.sqlite)
}

async fn prepare_postgres(pool: &Pool) -> Result<Adoption, StoreError> {
    let mut connection = pool.acquire().await?;
    let mut tx = connection.begin().await?;
    // Another server may be at it, and tables may be large: only `DB_INIT_TIMEOUT` ends this.
    sqlx::raw_sql("SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0")
        .execute(&mut *tx)
        .await?;
    sqlx::query("SELECT pg_advisory_xact_lock($1)")
        .bind(LOCK)
        .execute(&mut *tx)
        .await?;
    let mut found = Present::on_postgres(&mut tx).await?;
    let adoption = found.adoption();
    loop {
        let statements = POSTGRES.into_iter().flat_map(script::statements);
        let step = next_step(&found, statements.map(str::to_owned), |added| {
            added.postgres
        });
        if step.is_empty() {
            break;
        }
        sqlx::raw_sql(AssertSqlSafe(step)).execute(&mut *tx).await?;
        found = Present::on_postgres(&mut tx).await?;
    }
    tx.commit().await?;
    Ok(adoption)
}

/// What is to be run next: columns that have another name now, else tables that are missing, else columns, else indexes.
/// Empty when nothing is missing. `IF NOT EXISTS` alone would not do: on Postgres it locks a table before it looks, against
/// everybody who writes to it, and a server that starts beside others, or a command, must not.
fn next_step(
    found: &Present,
    scripts: impl Iterator<Item = String>,
    kind: fn(&columns::Added) -> &'static str,
) -> String {
    let renamed = columns::renamed(found);
    if !renamed.is_empty() {
        return renamed;
    }
    let missing: Vec<String> = scripts
        .filter(|text| !script::creates(text).is_some_and(|name| found.has_relation(name)))
        .collect();
    let tables: String = missing
        .iter()
        .filter(|text| script::is_table(text))
        .map(String::as_str)
        .collect();
    if !tables.is_empty() {
        return tables;
    }
    let added = columns::added(found, kind);
    if added.is_empty() {
        missing.concat()
    } else {
        added
    }
}
