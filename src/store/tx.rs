//! A transaction as units see it. New rows, and changes to single tokens, are held back and written together, many to a
//! statement. Whatever else a unit says to the database comes after them.
use super::{
    StoreError,
    audit::audit_values,
    codes::UsedCode,
    devices::device_values,
    foreseen::Foreseen,
    outbox::{ANNOUNCE, Note},
    sql::{Row, Sql, Value, nameless, pieces, placeholders},
    timestamp::ZERO,
    tokens::{changes::Changes, family_values, token_values},
};
use crate::{
    domain::{
        audit::AuditRow,
        device::DeviceCode,
        time::Timestamp,
        token::{Family, Token},
    },
    faults,
};
use sqlx::{PgConnection, SqliteConnection};
use std::time::Duration;

pub(super) enum Connection<'c> {
    Lite(&'c mut SqliteConnection),
    Pg(&'c mut PgConnection),
}

/// A transaction.
pub struct Tx<'c> {
    pub(super) connection: Connection<'c>,
    /// What was read for all units of a batch.
    pub(super) foreseen: Foreseen,
    pub(super) held: Held,
    /// What was changed that may be remembered.
    pub(super) noted: Vec<Note>,
    /// What is issued counts as made after this moment.
    mark: Option<Timestamp>,
}

/// What waits to be written.
#[derive(Default)]
pub(super) struct Held {
    pub changes: Changes,
    /// Authorization codes that were used.
    pub codes: Vec<UsedCode>,
    families: Vec<Vec<Value>>,
    devices: Vec<Vec<Value>>,
    tokens: Vec<Vec<Value>>,
    audit: Vec<Vec<Value>>,
    /// Rows of the trail that may be on record already.
    counted: Vec<Vec<Value>>,
    notes: Vec<Vec<Value>>,
}

/// The guard of what was held back: a row that did not change fails the batch, and then each unit is run alone.
pub(super) fn as_expected(changed: u64, expected: usize) -> Result<(), StoreError> {
    if u64::try_from(expected) == Ok(changed) || faults::unguarded() {
        return Ok(());
    }
    Err(StoreError::Bug(format!(
        "{changed} rows were changed in place of {expected}"
    )))
}

/// How rows of one table are inserted: the beginning of the statement, the columns, and its end.
struct Many(&'static str, usize, &'static str);

const FAMILIES: Many = Many(
    "INSERT INTO token_families (id, user_id, client_id, authorization_id, grant_name, auth_time, scopes, created_at, \
     absolute_end, ip, user_agent) VALUES ",
    11,
    " ON CONFLICT (id) DO NOTHING",
);
const NOTES: Many = Many(
    "INSERT INTO invalidations (kind, key, created_at) VALUES ",
    3,
    "",
);
const DEVICES: Many = Many(
    "INSERT INTO device_codes (device_code_hash, device_code_salt, device_code_id, user_code, client_id, scopes, resource, \
     expires_at, \"interval\", user_id, authorized, authorized_at, created_at, updated_at, requester_ip, \
     requester_user_agent) VALUES ",
    16,
    "",
);
const TOKENS: Many = Many(
    "INSERT INTO access_tokens (id, token_hash, token_type, token_category, status, user_id, client_id, scopes, \
     expires_at, created_at, last_used_at, parent_token_id, token_family_id, authorization_id, resource) VALUES ",
    15,
    "",
);
const INTO_AUDIT: &str = "INSERT INTO audit_logs (id, event_type, event_time, severity, actor_user_id, actor_username, \
     actor_ip, resource_type, resource_id, resource_name, action, details, success, error_message, user_agent, \
     request_path, request_method, created_at, actor_kind) VALUES ";
const AUDIT: Many = Many(INTO_AUDIT, 19, "");
const COUNTED: Many = Many(INTO_AUDIT, 19, " ON CONFLICT (id) DO NOTHING");

/// The moment, or the first after the mark.
pub(super) fn later(at: Timestamp, mark: Option<Timestamp>) -> Timestamp {
    mark.map_or(at, |mark| at.max(mark + Duration::from_micros(1)))
}

impl<'c> Tx<'c> {
    pub(super) fn new(connection: Connection<'c>) -> Self {
        Self {
            connection,
            foreseen: Foreseen::default(),
            held: Held::default(),
            noted: Vec::new(),
            mark: None,
        }
    }

    /// Whether rows are locked against other writers, as only Postgres needs.
    pub(super) fn locks(&self) -> bool {
        matches!(self.connection, Connection::Pg(_))
    }

    /// Runs a statement; how many rows it changed. What was held back is written before, and what was read for the
    /// batch is not relied on any more.
    pub async fn run(&mut self, statement: Sql) -> Result<u64, StoreError> {
        self.settle().await?;
        self.change(statement).await
    }

    /// Runs a statement that changes at most one row of its own, by which no other unit is judged: a code that is used up.
    pub(super) async fn change(&mut self, statement: Sql) -> Result<u64, StoreError> {
        match &mut self.connection {
            Connection::Lite(connection) => statement.run_on_sqlite(&mut **connection).await,
            Connection::Pg(connection) => statement.run_on_postgres(&mut **connection).await,
        }
    }

    /// The first row. As [`Tx::run`], for the statement may change rows and tell of them.
    pub async fn one(&mut self, statement: Sql) -> Result<Option<Row>, StoreError> {
        self.settle().await?;
        match &mut self.connection {
            Connection::Lite(connection) => statement.one_on_sqlite(&mut **connection).await,
            Connection::Pg(connection) => statement.one_on_postgres(&mut **connection).await,
        }
    }

    /// All rows. As [`Tx::run`].
    pub async fn all(&mut self, statement: Sql) -> Result<Vec<Row>, StoreError> {
        self.settle().await?;
        self.look(statement).await
    }

    /// All rows that a statement finds which changes none, whatever is held back.
    pub(super) async fn look(&mut self, statement: Sql) -> Result<Vec<Row>, StoreError> {
        match &mut self.connection {
            Connection::Lite(connection) => statement.all_on_sqlite(&mut **connection).await,
            Connection::Pg(connection) => statement.all_on_postgres(&mut **connection).await,
        }
    }

    /// Holds a new device code back.
    pub(super) fn insert_device(&mut self, code: &DeviceCode) {
        self.held.devices.push(device_values(code));
    }

    /// Holds a new token back.
    pub(super) fn insert_token(&mut self, token: &Token) {
        let created_at = self.after_mark(token.created_at);
        self.held.tokens.push(token_values(token, created_at));
    }

    /// From now on this unit issues for somebody for whom all up to `mark` has ended: what it inserts is later, even if
    /// it was made before, or by a clock that is behind.
    pub(super) fn issues_after(&mut self, mark: Option<Timestamp>) {
        self.mark = mark;
    }

    /// The moment, or the first after the mark.
    pub(super) fn after_mark(&self, at: Timestamp) -> Timestamp {
        later(at, self.mark)
    }

    /// What this unit uses up must have been given later.
    pub(super) fn mark(&self) -> Timestamp {
        self.mark.unwrap_or(ZERO)
    }

    /// Holds audit rows back.
    pub(super) fn insert_audit(&mut self, rows: &[AuditRow]) {
        self.held.audit.extend(rows.iter().map(audit_values));
    }

    /// Holds audit rows back; those that are on record already stay as they are.
    pub(super) fn insert_audit_once(&mut self, rows: &[AuditRow]) {
        self.held.counted.extend(rows.iter().map(audit_values));
    }

    /// Holds a family back; one that is on record already stays as it is.
    pub(super) fn insert_family(&mut self, family: &Family) {
        if self.foreseen.has_family(&family.id) {
            return;
        }
        let created_at = self.after_mark(family.created_at);
        self.held.families.push(family_values(family, created_at));
    }

    /// Holds back what readers of the outbox are to be told.
    pub(super) fn insert_note(&mut self, note: Vec<Value>) {
        self.held.notes.push(note);
    }

    /// Writes what was held back, and forgets what was read for the batch.
    pub(super) async fn settle(&mut self) -> Result<(), StoreError> {
        self.foreseen = Foreseen::default();
        let held = std::mem::take(&mut self.held);
        self.write_changes(held.changes).await?;
        self.write_codes(&held.codes).await?;
        self.insert_many(FAMILIES, held.families).await?;
        self.insert_many(DEVICES, held.devices).await?;
        self.insert_many(TOKENS, held.tokens).await?;
        self.insert_many(AUDIT, held.audit).await?;
        self.insert_many(COUNTED, held.counted).await?;
        if held.notes.is_empty() {
            return Ok(());
        }
        self.insert_many(NOTES, held.notes).await?;
        if self.locks() {
            self.change(Sql::new(ANNOUNCE)).await?;
        }
        Ok(())
    }

    async fn insert_many(
        &mut self,
        Many(head, columns, tail): Many,
        rows: Vec<Vec<Value>>,
    ) -> Result<(), StoreError> {
        let sizes: Vec<usize> = pieces(&rows).map(<[_]>::len).collect();
        let mut rows = rows.into_iter();
        for size in sizes {
            let piece = rows.by_ref().take(size).flatten().collect();
            let cells = match &self.connection {
                // SQLite looks names of parameters up one by one; those without a name it just counts.
                Connection::Lite(_) => nameless(size, columns),
                Connection::Pg(_) => placeholders(size, columns),
            };
            self.change(Sql::built(format!("{head}{cells}{tail}")).values(piece))
                .await?;
        }
        Ok(())
    }
}
