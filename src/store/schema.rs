//! The schema: adopted as the Go server left it, or made the same; then our own tables and columns beside it.
//!
//! Every step is safe to repeat and is repeated at every start, because the Go server may have run in between.
use super::{Engine, StoreError, timestamp};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, PgPool, Row as _, SqliteConnection};
use std::collections::HashSet;

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

/// Columns that we add to tables of the Go server, and to older tables of our own: table, name, type in SQLite, type in
/// Postgres. All may be NULL.
const ADDED: &[(&str, &str, &str, &str)] = &[
    ("device_codes", "denied_at", "datetime", "timestamptz"),
    ("device_codes", "auth_time", "datetime", "timestamptz"),
    ("device_codes", "requester_ip", "text", "text"),
    ("device_codes", "requester_user_agent", "text", "text"),
    ("audit_logs", "actor_kind", "text", "text"),
    ("authorization_codes", "issued_family_id", "text", "text"),
    (
        "authorization_codes",
        "auth_time",
        "datetime",
        "timestamptz",
    ),
    (
        "authorization_codes",
        "failed_attempts",
        "integer",
        "bigint",
    ),
    (
        "oauth_applications",
        "post_logout_redirect_uris",
        "json",
        "json",
    ),
    ("oauth_applications", "fast_secret_hash", "text", "text"),
    ("oauth_applications", "fast_secret_of", "text", "text"),
    (
        "oauth_applications",
        "machine_token_ttl",
        "integer",
        "bigint",
    ),
    (
        "oauth_applications",
        "token_endpoint_auth_method",
        "text",
        "text",
    ),
    ("oauth_applications", "jwks", "text", "text"),
    (
        "oauth_applications",
        "id_token_signed_response_alg",
        "text",
        "text",
    ),
    (
        "oauth_applications",
        "registration_metadata",
        "text",
        "text",
    ),
    ("oauth_applications", "previous_secret", "text", "text"),
    ("oauth_applications", "previous_secret_of", "text", "text"),
    (
        "oauth_applications",
        "previous_secret_until",
        "datetime",
        "timestamptz",
    ),
    ("oauth_applications", "status_reason", "text", "text"),
    ("oauth_applications", "row_version", "integer", "bigint"),
    (
        "oauth_applications",
        "tokens_end_at",
        "datetime",
        "timestamptz",
    ),
    ("users", "must_change_password", "numeric", "boolean"),
    ("users", "tokens_end_at", "datetime", "timestamptz"),
    ("access_tokens", "disabled_by", "text", "text"),
    ("token_families", "ip", "text", "text"),
    ("token_families", "user_agent", "text", "text"),
    ("decision_traces", "operation", "text", "text"),
    ("decision_traces", "failed_check", "text", "text"),
    ("decision_traces", "error", "text", "text"),
    ("decision_traces", "times", "integer", "bigint"),
    ("decision_traces", "last_seen_at", "datetime", "timestamptz"),
    ("signing_keys", "purpose", "text", "text"),
];

/// Time columns of the Go server, whose text must end in `+00:00` before text order is time order.
const TIMES: [(&str, &[&str]); 8] = [
    ("users", &["created_at", "updated_at"]),
    ("oauth_applications", &["created_at", "updated_at"]),
    (
        "device_codes",
        &["expires_at", "authorized_at", "created_at", "updated_at"],
    ),
    (
        "access_tokens",
        &["expires_at", "created_at", "last_used_at"],
    ),
    (
        "oauth_connections",
        &["token_expiry", "last_used_at", "created_at", "updated_at"],
    ),
    ("audit_logs", &["event_time", "created_at"]),
    (
        "authorization_codes",
        &["expires_at", "used_at", "created_at"],
    ),
    (
        "user_authorizations",
        &["granted_at", "revoked_at", "created_at", "updated_at"],
    ),
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
    let mut tx = connection.begin_with("BEGIN IMMEDIATE").await?;
    let known: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'users'",
    )
    .fetch_one(&mut *tx)
    .await?;
    for script in SQLITE {
        sqlx::raw_sql(script).execute(&mut *tx).await?;
    }
    for &(table, column, kind, _) in ADDED {
        let has: i64 =
            sqlx::query_scalar("SELECT count(*) FROM pragma_table_info($1) WHERE name = $2")
                .bind(table)
                .bind(column)
                .fetch_one(&mut *tx)
                .await?;
        if has == 0 {
            let text = format!("ALTER TABLE `{table}` ADD COLUMN `{column}` {kind}");
            sqlx::raw_sql(AssertSqlSafe(text)).execute(&mut *tx).await?;
        }
    }
    for (table, columns) in TIMES {
        for column in columns {
            to_utc(&mut tx, table, column).await?;
        }
    }
    tx.commit().await?;
    Ok(if known == 0 {
        Adoption::Fresh
    } else {
        Adoption::Adopted
    })
}

/// Rewrites times that a server in another zone left behind.
async fn to_utc(
    connection: &mut SqliteConnection,
    table: &str,
    column: &str,
) -> Result<(), StoreError> {
    let find = format!(
        "SELECT rowid, `{column}` FROM `{table}` WHERE `{column}` IS NOT NULL AND `{column}` NOT LIKE '%+00:00'"
    );
    let update = format!("UPDATE `{table}` SET `{column}` = $1 WHERE rowid = $2");
    for row in sqlx::query(AssertSqlSafe(find))
        .fetch_all(&mut *connection)
        .await?
    {
        let rowid: i64 = row.try_get_unchecked(0)?;
        let text: String = row.try_get_unchecked(1)?;
        let at = timestamp::parse(&text).unwrap_or(timestamp::ZERO);
        sqlx::query(AssertSqlSafe(update.clone()))
            .bind(timestamp::text(at))
            .bind(rowid)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

async fn prepare_postgres(pool: &PgPool) -> Result<Adoption, StoreError> {
    let mut tx = pool.begin().await?;
    sqlx::query("SELECT pg_advisory_xact_lock($1)")
        .bind(LOCK)
        .execute(&mut *tx)
        .await?;
    let known: bool = sqlx::query_scalar("SELECT to_regclass('users') IS NOT NULL")
        .fetch_one(&mut *tx)
        .await?;
    // What exists already is told as a notice for every object; nobody needs to read that.
    sqlx::query("SET LOCAL client_min_messages = warning")
        .execute(&mut *tx)
        .await?;
    let present = Present::read(&mut tx).await?;
    for statement in POSTGRES.into_iter().flat_map(statements) {
        if !creates(statement).is_some_and(|name| present.relations.contains(name)) {
            sqlx::raw_sql(AssertSqlSafe(statement.to_owned()))
                .execute(&mut *tx)
                .await?;
        }
    }
    for &(table, column, _, kind) in ADDED {
        if !present.columns.contains(&format!("{table}.{column}")) {
            let text = format!("ALTER TABLE {table} ADD COLUMN IF NOT EXISTS {column} {kind}");
            sqlx::raw_sql(AssertSqlSafe(text)).execute(&mut *tx).await?;
        }
    }
    tx.commit().await?;
    Ok(if known {
        Adoption::Adopted
    } else {
        Adoption::Fresh
    })
}

/// What a Postgres database has already. `IF NOT EXISTS` locks a table before it looks, against everybody who writes
/// to it; a server that starts beside others, or a command, must not.
struct Present {
    relations: HashSet<String>,
    columns: HashSet<String>,
}

impl Present {
    async fn read(connection: &mut PgConnection) -> Result<Self, StoreError> {
        let relations: Vec<String> = sqlx::query_scalar(
            "SELECT relname::text FROM pg_class WHERE relnamespace = current_schema()::regnamespace \
             AND relkind IN ('r', 'i', 'p', 'I')",
        )
        .fetch_all(&mut *connection)
        .await?;
        let columns: Vec<String> = sqlx::query_scalar(
            "SELECT table_name::text || '.' || column_name::text FROM information_schema.columns \
             WHERE table_schema = current_schema()",
        )
        .fetch_all(connection)
        .await?;
        Ok(Self {
            relations: relations.into_iter().collect(),
            columns: columns.into_iter().collect(),
        })
    }
}

/// The statements of a script: each ends with a semicolon at the end of a line, outside of `$$`.
fn statements(script: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = script;
    let mut from = 0;
    while let Some(end) = rest.get(from..).and_then(|text| text.find(";\n")) {
        let at = from + end + 1;
        let (statement, after) = rest.split_at(at);
        if statement.matches("$$").count() % 2 == 0 {
            found.push(statement);
            (rest, from) = (after, 0);
        } else {
            from = at;
        }
    }
    found.push(rest);
    found.retain(|text| !text.trim().is_empty());
    found
}

/// The table or index that a statement creates unless it is there.
fn creates(statement: &str) -> Option<&str> {
    let line = statement
        .lines()
        .find(|line| !line.is_empty() && !line.starts_with("--"))?;
    let (head, rest) = line.split_once(" IF NOT EXISTS ")?;
    ["CREATE TABLE", "CREATE INDEX", "CREATE UNIQUE INDEX"]
        .contains(&head)
        .then(|| rest.split([' ', '(']).next())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_statement_is_found_and_what_it_creates_is_known() {
        for script in POSTGRES {
            let all = statements(script);
            assert_eq!(all.concat().trim_end(), script.trim_end());
            for statement in all {
                let name = creates(statement);
                assert_eq!(
                    name.is_some(),
                    statement.contains(" IF NOT EXISTS "),
                    "{statement}"
                );
            }
        }
        let text = "-- a; b\nCREATE TABLE IF NOT EXISTS t (a text);\nCREATE FUNCTION f() AS $$ x;\ny;\n$$;\n";
        let all = statements(text);
        assert_eq!(all.len(), 2);
        assert_eq!(
            all.iter().map(|s| creates(s)).collect::<Vec<_>>(),
            [Some("t"), None]
        );
    }
}
