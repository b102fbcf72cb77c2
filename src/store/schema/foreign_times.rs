//! Times that were written in another zone than UTC (SQLite). Their text does not sort as time, so that expired rows would
//! count as live; they are rewritten before anybody is served.
//!
//! Each table has an index of just those rows. Whoever writes keeps it, the Go server too, and it is empty as a rule: a
//! start looks at eight empty indexes, however many rows there are, and holds no lock while it looks.
use super::{super::timestamp, StoreError};
use sqlx::{AssertSqlSafe, Connection as _, Row as _, SqliteConnection};

/// Time columns of the Go server.
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

/// Rows of one transaction: others who write wait no longer than that.
const PIECE: usize = 1000;

/// What is to be true of a row that is rewritten. The index and the search must say it in the same words.
fn is_foreign(columns: &[&str]) -> String {
    let each: Vec<String> = columns
        .iter()
        .map(|column| format!("substr({column}, -6) <> '+00:00'"))
        .collect();
    each.join(" OR ")
}

/// Statements that make the indexes.
pub(super) fn indexes() -> impl Iterator<Item = String> {
    TIMES.into_iter().map(|(table, columns)| {
        format!(
            "CREATE INDEX IF NOT EXISTS idx_{table}_foreign_times ON {table} (created_at) WHERE {};\n",
            is_foreign(columns)
        )
    })
}

/// Rewrites what a server in another zone left behind.
pub(super) async fn rewrite(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    let any: Vec<String> = TIMES
        .into_iter()
        .map(|(table, columns)| {
            let foreign = is_foreign(columns);
            format!(
                "SELECT '{table}' WHERE EXISTS \
                 (SELECT 1 FROM {table} INDEXED BY idx_{table}_foreign_times WHERE {foreign})"
            )
        })
        .collect();
    let tables: Vec<String> = sqlx::query_scalar(AssertSqlSafe(any.join(" UNION ALL ")))
        .fetch_all(&mut *connection)
        .await?;
    for (table, columns) in TIMES {
        if tables.iter().any(|found| found == table) {
            while rewrite_some(connection, table, columns).await? == PIECE {}
        }
    }
    Ok(())
}

/// One piece of a table; how many rows that were.
async fn rewrite_some(
    connection: &mut SqliteConnection,
    table: &str,
    columns: &[&str],
) -> Result<usize, StoreError> {
    let mut tx = connection.begin_with("BEGIN IMMEDIATE").await?;
    let find = format!(
        "SELECT rowid, {} FROM {table} INDEXED BY idx_{table}_foreign_times WHERE {} LIMIT {PIECE}",
        columns.join(", "),
        is_foreign(columns)
    );
    let sets: Vec<String> = columns.iter().map(|c| format!("{c} = ?")).collect();
    let update = format!("UPDATE {table} SET {} WHERE rowid = ?", sets.join(", "));
    let rows = sqlx::query(AssertSqlSafe(find)).fetch_all(&mut *tx).await?;
    for row in &rows {
        let mut change = sqlx::query(AssertSqlSafe(update.clone()));
        for place in 1..=columns.len() {
            let text: Option<String> = row.try_get_unchecked(place)?;
            change = change.bind(text.map(|text| in_utc(&text)));
        }
        let rowid: i64 = row.try_get_unchecked(0)?;
        change.bind(rowid).execute(&mut *tx).await?;
    }
    tx.commit().await?;
    Ok(rows.len())
}

/// What cannot be read counts as the zero time, as the Go server's driver has it.
fn in_utc(text: &str) -> String {
    if text.ends_with("+00:00") {
        text.to_owned()
    } else {
        timestamp::text(timestamp::parse(text).unwrap_or(timestamp::ZERO))
    }
}
