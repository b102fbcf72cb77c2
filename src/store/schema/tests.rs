use super::*;
use crate::domain::{key_schedule::KeyRecord, time::Timestamp};
use crate::store::{
    Driver, Settings, Store,
    keys::{AddKey, AddWhen, Added},
    timestamp,
};
use sqlx::Row as _;

/// The columns of our own tables that builds in use know and write.
const KNOWN: [(&str, &str); 2] = [
    (
        SQLITE[1],
        include_str!("../../../tests/fixtures/schema/columns.sqlite.txt"),
    ),
    (
        POSTGRES[1],
        include_str!("../../../tests/fixtures/schema/columns.postgres.txt"),
    ),
];
/// Our own tables as the first build had them.
const EARLY: &str = include_str!("../../../tests/fixtures/schema/early_own.sqlite.sql");

struct File {
    room: tempfile::TempDir,
}

impl File {
    fn new() -> Self {
        Self {
            room: tempfile::tempdir().unwrap(),
        }
    }

    fn path(&self) -> String {
        self.room.path().join("oauth.db").display().to_string()
    }

    async fn raw(&self) -> SqliteConnection {
        let options = sqlx::sqlite::SqliteConnectOptions::new()
            .filename(self.path())
            .create_if_missing(true);
        SqliteConnection::connect_with(&options).await.unwrap()
    }

    async fn run(&self, sql: impl Into<String>) {
        let mut db = self.raw().await;
        let sql = AssertSqlSafe(sql.into());
        sqlx::raw_sql(sql).execute(&mut db).await.unwrap();
        db.close().await.unwrap();
    }

    /// As a start does.
    async fn prepared(&self) -> (Store, Adoption) {
        let store = Store::open(&Settings::new(Driver::Sqlite, self.path()))
            .await
            .unwrap();
        let adoption = store.prepare().await.unwrap();
        (store, adoption)
    }

    async fn present(&self) -> Present {
        Present::on_sqlite(&mut self.raw().await).await.unwrap()
    }
}

fn at(text: &str) -> Timestamp {
    timestamp::parse(text).unwrap()
}

#[test]
fn every_statement_is_found_and_what_it_creates_is_known() {
    for text in SQLITE.into_iter().chain(POSTGRES) {
        let all: String = script::statements(text).collect();
        assert_eq!(all.trim_end(), text.trim_end());
        assert_eq!(
            script::statements(text).count(),
            text.matches(" IF NOT EXISTS ").count()
        );
    }
    let text = "-- a; b\nCREATE TABLE IF NOT EXISTS `t` (a text);\n\nCREATE INDEX IF NOT EXISTS i ON t (a);\n";
    let found: Vec<_> = script::statements(text)
        .map(|text| (script::creates(text), script::is_table(text)))
        .collect();
    assert_eq!(found, [(Some("t"), true), (Some("i"), false)]);
}

/// `table.column type …` for every column that a script makes.
fn columns_of(script: &str) -> Vec<String> {
    let tables = script::statements(script).filter(|text| script::is_table(text));
    let mut columns = Vec::new();
    for table in tables {
        let name = script::creates(table).unwrap();
        let lines = table.lines().filter_map(|line| line.strip_prefix("    "));
        let lines = lines.filter(|line| line.starts_with(|c: char| c.is_ascii_lowercase()));
        columns.extend(lines.map(|line| format!("{name}.{}", line.trim_end_matches(','))));
    }
    columns
}

/// F-18: two releases work on one database, so the newer one only adds what the older one need not know. A new column goes
/// into `ADDED` and into the script of its table; the fixtures gain it with the release after.
#[test]
fn the_schema_only_grows() {
    for (script, known) in KNOWN {
        let now = columns_of(script);
        for column in known.lines() {
            assert!(
                now.iter().any(|other| other == column),
                "{column} went or changed"
            );
        }
        let table = |column: &str| column.split('.').next().unwrap_or_default().to_owned();
        for column in &now {
            let is_new = known.lines().all(|other| other != column);
            let has_old_writers = known.lines().any(|other| table(other) == table(column));
            assert!(
                !(is_new && has_old_writers && column.contains("NOT NULL")),
                "{column}: an older build does not write it"
            );
        }
        // It would refuse what an older build writes.
        assert!(!script.contains("UNIQUE INDEX"));
    }
    for added in columns::ADDED {
        for kind in [added.sqlite, added.postgres] {
            let is_bare = kind.chars().all(|c| c.is_ascii_lowercase());
            assert!(is_bare, "{:?}: more than a type", added.name());
        }
    }
    // Two columns were renamed before there was a release. There will be no third.
    assert_eq!(columns::RENAMED.len(), 2);
}

#[tokio::test]
async fn a_database_of_the_first_build_is_upgraded() {
    let file = File::new();
    file.run(format!("{}{EARLY}", SQLITE[0])).await;
    file.run(
        "INSERT INTO signing_keys (kid, algorithm, spki, first_seen_at, last_active_at, not_after) VALUES \
         ('old', 'ES256', x'00', '2026-01-01 00:00:00+00:00', '2026-02-01 00:00:00+00:00', '2026-03-01 00:00:00+00:00')",
    )
    .await;
    let (store, adoption) = file.prepared().await;
    assert_eq!(adoption, Adoption::Adopted);
    let old = KeyRecord {
        kid: "old".to_owned(),
        algorithm: "ES256".to_owned(),
        spki: vec![0],
        published_at: at("2026-01-01"),
        activate_at: at("2026-01-01"),
        retired_at: None,
        held_at: at("2026-02-01"),
        not_after: at("2026-03-01"),
        sealed: None,
        for_id_tokens: false,
    };
    assert_eq!(
        store.signing_keys().await.unwrap(),
        std::slice::from_ref(&old)
    );
    let key = KeyRecord {
        kid: "new".to_owned(),
        published_at: at("2026-02-01"),
        ..old
    };
    let unit = AddKey {
        key,
        when: AddWhen::Found,
        at: at("2026-02-01"),
        audit: Vec::new(),
    };
    assert_eq!(store.commit(unit).await.unwrap(), Added::Done);
    store.close().await.unwrap();
    assert_eq!(sqlite_step(&file.present().await), "");
}

#[tokio::test]
async fn whatever_column_is_missing_is_added() {
    let file = File::new();
    let (store, adoption) = file.prepared().await;
    assert_eq!(adoption, Adoption::Fresh);
    store.close().await.unwrap();
    let complete = file.present().await;
    assert_eq!(sqlite_step(&complete), "");
    for added in columns::ADDED {
        let (table, column) = added.name();
        assert!(complete.has_column(table, column), "{table}.{column}");
        file.run(format!("ALTER TABLE {table} DROP COLUMN {column}"))
            .await;
    }
    file.run("DROP INDEX idx_audit_logs_type_time; DROP TABLE leases")
        .await;
    let (store, adoption) = file.prepared().await;
    assert_eq!(adoption, Adoption::Adopted);
    store.close().await.unwrap();
    assert_eq!(sqlite_step(&file.present().await), "");
}

#[tokio::test]
async fn a_start_that_misses_nothing_waits_for_nobody_who_writes() {
    let file = File::new();
    file.prepared().await.0.close().await.unwrap();
    let mut other = file.raw().await;
    let lock = sqlx::raw_sql("BEGIN IMMEDIATE");
    lock.execute(&mut other).await.unwrap();
    let (store, _) = file.prepared().await;
    let end = sqlx::raw_sql("ROLLBACK");
    end.execute(&mut other).await.unwrap();
    store.close().await.unwrap();
}

#[tokio::test]
async fn times_of_another_zone_are_rewritten_however_many_there_are() {
    let file = File::new();
    file.prepared().await.0.close().await.unwrap();
    file.run(
        "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 2500) \
         INSERT INTO access_tokens (id, token_hash, user_id, client_id, scopes, expires_at, created_at) \
         SELECT n, n, 'u', 'c', '', iif(n % 2, '2026-11-23 12:43:42.5+08:00', '2026-11-23 04:43:42.5+00:00'), \
         iif(n % 3, '2026-11-23 12:43:42', 'yesterday') FROM n",
    )
    .await;
    file.prepared().await.0.close().await.unwrap();
    let mut db = file.raw().await;
    let find = "SELECT DISTINCT expires_at, created_at, last_used_at FROM access_tokens ORDER BY 2";
    let rows = sqlx::query(find).fetch_all(&mut db).await.unwrap();
    let rows: Vec<(String, String, Option<String>)> = rows
        .iter()
        .map(|row| {
            (
                row.get_unchecked(0),
                row.get_unchecked(1),
                row.get_unchecked(2),
            )
        })
        .collect();
    let ends = "2026-11-23 04:43:42.5+00:00";
    let row = |created: &str| (ends.to_owned(), created.to_owned(), None);
    assert_eq!(
        rows,
        [
            row("0001-01-01 00:00:00+00:00"),
            row("2026-11-23 12:43:42+00:00")
        ]
    );
}
