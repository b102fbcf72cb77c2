//! A transaction as units see it. Rows that nobody in the same batch can be waiting for are held back and inserted
//! together, many to a statement.
use super::{
    StoreError,
    audit::audit_values,
    devices::device_values,
    sql::{Row, Sql, Value, placeholders},
    tokens::token_values,
};
use crate::domain::{audit::AuditRow, device::DeviceCode, token::Token};
use sqlx::{PgConnection, SqliteConnection};

pub(super) enum Connection<'c> {
    Lite(&'c mut SqliteConnection),
    Pg(&'c mut PgConnection),
}

/// A transaction.
pub struct Tx<'c> {
    pub(super) connection: Connection<'c>,
    held: Held,
}

/// Rows that wait to be inserted.
#[derive(Default)]
struct Held {
    devices: Vec<Vec<Value>>,
    tokens: Vec<Vec<Value>>,
    audit: Vec<Vec<Value>>,
}

const DEVICES: (&str, usize) = (
    "INSERT INTO device_codes (device_code_hash, device_code_salt, device_code_id, user_code, client_id, scopes, resource, \
     expires_at, \"interval\", user_id, authorized, authorized_at, created_at, updated_at, requester_ip, \
     requester_user_agent) VALUES ",
    16,
);
const TOKENS: (&str, usize) = (
    "INSERT INTO access_tokens (id, token_hash, token_type, token_category, status, user_id, client_id, scopes, \
     expires_at, created_at, last_used_at, parent_token_id, token_family_id, authorization_id, resource) VALUES ",
    15,
);
const AUDIT: (&str, usize) = (
    "INSERT INTO audit_logs (id, event_type, event_time, severity, actor_user_id, actor_username, actor_ip, \
     resource_type, resource_id, resource_name, action, details, success, error_message, user_agent, request_path, \
     request_method, created_at, actor_kind) VALUES ",
    19,
);

impl<'c> Tx<'c> {
    pub(super) fn new(connection: Connection<'c>) -> Self {
        Self {
            connection,
            held: Held::default(),
        }
    }

    /// Whether rows are locked against other writers, as only Postgres needs.
    pub(super) fn locks(&self) -> bool {
        matches!(self.connection, Connection::Pg(_))
    }

    /// Runs a statement; how many rows it changed.
    pub async fn run(&mut self, statement: Sql) -> Result<u64, StoreError> {
        match &mut self.connection {
            Connection::Lite(connection) => statement.run_on_sqlite(&mut **connection).await,
            Connection::Pg(connection) => statement.run_on_postgres(&mut **connection).await,
        }
    }

    /// The first row.
    pub async fn one(&mut self, statement: Sql) -> Result<Option<Row>, StoreError> {
        match &mut self.connection {
            Connection::Lite(connection) => statement.one_on_sqlite(&mut **connection).await,
            Connection::Pg(connection) => statement.one_on_postgres(&mut **connection).await,
        }
    }

    /// All rows.
    pub async fn all(&mut self, statement: Sql) -> Result<Vec<Row>, StoreError> {
        match &mut self.connection {
            Connection::Lite(connection) => statement.all_on_sqlite(&mut **connection).await,
            Connection::Pg(connection) => statement.all_on_postgres(&mut **connection).await,
        }
    }

    /// Holds a new device code back.
    pub(super) fn insert_device(&mut self, code: &DeviceCode) {
        self.held.devices.push(device_values(code));
    }

    /// Holds a new token back. Whoever changes tokens by anything but their own id must [`Tx::settle`] first.
    pub(super) fn insert_token(&mut self, token: &Token) {
        self.held.tokens.push(token_values(token));
    }

    /// Holds audit rows back.
    pub(super) fn insert_audit(&mut self, rows: &[AuditRow]) {
        self.held.audit.extend(rows.iter().map(audit_values));
    }

    /// Inserts what was held back.
    pub(super) async fn settle(&mut self) -> Result<(), StoreError> {
        let held = std::mem::take(&mut self.held);
        self.insert_many(DEVICES, held.devices).await?;
        self.insert_many(TOKENS, held.tokens).await?;
        self.insert_many(AUDIT, held.audit).await
    }

    /// In pieces of a power of two, so that only a handful of texts are ever prepared.
    async fn insert_many(
        &mut self,
        (head, columns): (&'static str, usize),
        mut rows: Vec<Vec<Value>>,
    ) -> Result<(), StoreError> {
        while !rows.is_empty() {
            let most = rows.len().min(64);
            let size = 1 << most.ilog2();
            let piece: Vec<Value> = rows.drain(..size).flatten().collect();
            self.run(Sql::built(format!("{head}{}", placeholders(size, columns))).values(piece))
                .await?;
        }
        Ok(())
    }
}
