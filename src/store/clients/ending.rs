//! What ends a client or everything that it was given: rejection, revoking all, deletion.
//!
//! The client's row is changed first: an issuance that is under way holds it, so it either comes before and its tokens
//! are found, or comes after and is judged anew. Many tokens are ended in pieces, so that nobody waits for all of them.
use super::{Changed, told};
use crate::{
    domain::{audit::AuditRow, ids::ClientId, time::Timestamp},
    store::{
        StoreError, Tx, Unit,
        outbox::note,
        sql::{Sql, Value},
    },
};
use futures_util::{FutureExt as _, future::BoxFuture};

/// So many tokens, and so many families, are ended by one piece.
pub const PIECE: u64 = 5_000;

/// What one piece ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    /// So many tokens.
    pub tokens: u64,
    /// Whether some may be left.
    pub more: bool,
}

/// Ends a piece of a client's tokens and families.
pub struct EndTokensPiece {
    /// Whose.
    pub client_id: ClientId,
    /// Now.
    pub at: Timestamp,
}

impl Unit for EndTokensPiece {
    type Answer = Piece;

    fn run<'c>(&'c self, tx: &'c mut Tx<'_>) -> BoxFuture<'c, Result<Piece, StoreError>> {
        end_piece(tx, &self.client_id, self.at).boxed()
    }
}

async fn end_piece(
    tx: &mut Tx<'_>,
    client_id: &ClientId,
    at: Timestamp,
) -> Result<Piece, StoreError> {
    tx.settle().await?;
    let most = i64::try_from(PIECE).unwrap_or(i64::MAX);
    let families = Sql::new(
        "UPDATE token_families SET revoked_at = $2 WHERE id IN \
         (SELECT id FROM token_families WHERE client_id = $1 AND revoked_at IS NULL LIMIT $3)",
    )
    .text(client_id.as_str())
    .time(at)
    .int(most);
    let families = tx.run(families).await?;
    // What is switched off could be switched on again.
    let tokens = Sql::new(
        "UPDATE access_tokens SET status = 'revoked' WHERE id IN \
         (SELECT id FROM access_tokens WHERE client_id = $1 AND status IN ('active', 'disabled') LIMIT $2)",
    )
    .text(client_id.as_str())
    .int(most);
    let tokens = tx.run(tokens).await?;
    if families > 0 || tokens > 0 {
        note(tx, "client", client_id.as_str(), at).await?;
    }
    Ok(Piece {
        tokens,
        more: families == PIECE || tokens == PIECE,
    })
}

/// Withdraws what people consented to.
async fn end_consents(
    tx: &mut Tx<'_>,
    client_id: &ClientId,
    at: Timestamp,
) -> Result<u64, StoreError> {
    let end = Sql::new(
        "UPDATE user_authorizations SET is_active = $3, revoked_at = $2, updated_at = $2 \
         WHERE client_id = $1 AND is_active = $4",
    )
    .text(client_id.as_str())
    .time(at)
    .bind(Value::Flag(false))
    .bind(Value::Flag(true));
    tx.run(end).await
}

/// Codes that could still be turned into tokens.
async fn end_codes(tx: &mut Tx<'_>, client_id: &ClientId) -> Result<(), StoreError> {
    for text in [
        "DELETE FROM device_codes WHERE client_id = $1",
        "DELETE FROM authorization_codes WHERE client_id = $1 AND used_at IS NULL",
    ] {
        tx.run(Sql::new(text).text(client_id.as_str())).await?;
    }
    Ok(())
}

/// The last piece of revoking all, with the row of the trail: consents, codes in flight, and the tokens that are left.
pub struct RevokeAll {
    /// Whose.
    pub client_id: ClientId,
    /// How many tokens earlier pieces ended.
    pub before: u64,
    /// Now.
    pub at: Timestamp,
    /// Rows of the trail; each gets the detail `revoked_count`.
    pub audit: Vec<AuditRow>,
}

/// What revoking all ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RevokedAll {
    /// Tokens, earlier pieces included.
    pub tokens: u64,
    /// Consents.
    pub consents: u64,
}

impl Unit for RevokeAll {
    /// `None`: there is no such client.
    type Answer = Option<RevokedAll>;

    fn run<'c>(&'c self, tx: &'c mut Tx<'_>) -> BoxFuture<'c, Result<Self::Answer, StoreError>> {
        async move {
            let first =
                Sql::new("UPDATE oauth_applications SET updated_at = $2 WHERE client_id = $1")
                    .text(self.client_id.as_str())
                    .time(self.at);
            if tx.run(first).await? == 0 {
                return Ok(None);
            }
            end_codes(tx, &self.client_id).await?;
            let consents = end_consents(tx, &self.client_id, self.at).await?;
            let tokens = self.before + end_piece(tx, &self.client_id, self.at).await?.tokens;
            note(tx, "client", self.client_id.as_str(), self.at).await?;
            let audit: Vec<AuditRow> = self
                .audit
                .iter()
                .map(|row| row.clone().with_detail("revoked_count", tokens))
                .collect();
            tx.insert_audit(&audit);
            Ok(Some(RevokedAll { tokens, consents }))
        }
        .boxed()
    }
}

/// Rejects a client, or switches it off for good: it and everything that it was given ends.
pub struct RejectClient {
    /// Which.
    pub client_id: ClientId,
    /// Told to its owner; empty for none.
    pub reason: String,
    /// Now.
    pub at: Timestamp,
    /// Rows of the trail.
    pub audit: Vec<AuditRow>,
}

impl Unit for RejectClient {
    type Answer = Changed;

    fn run<'c>(&'c self, tx: &'c mut Tx<'_>) -> BoxFuture<'c, Result<Changed, StoreError>> {
        async move {
            let update = Sql::new(
                "UPDATE oauth_applications SET status = 'inactive', status_reason = $2, \
                 row_version = coalesce(row_version, 0) + 1, updated_at = $3 WHERE client_id = $1 AND status = 'pending'",
            )
            .text(self.client_id.as_str())
            .bind(Value::MaybeText(Some(self.reason.clone()).filter(|reason| !reason.is_empty())))
            .time(self.at);
            let changed = tx.run(update).await? == 1;
            if changed {
                end_codes(tx, &self.client_id).await?;
                end_piece(tx, &self.client_id, self.at).await?;
            }
            told(tx, changed, &self.client_id, self.at, &self.audit).await
        }
        .boxed()
    }
}

/// Deletes a client with its codes; consents are withdrawn, and tokens and families end, the first piece of them here.
pub struct DeleteClient {
    /// Which.
    pub client_id: ClientId,
    /// Whose it must be; `None` for anybody's.
    pub owner: Option<String>,
    /// Whether one that is in use may go.
    pub even_active: bool,
    /// Now.
    pub at: Timestamp,
    /// Rows of the trail.
    pub audit: Vec<AuditRow>,
}

impl Unit for DeleteClient {
    type Answer = Changed;

    fn run<'c>(&'c self, tx: &'c mut Tx<'_>) -> BoxFuture<'c, Result<Changed, StoreError>> {
        async move {
            let delete = Sql::new(
                "DELETE FROM oauth_applications WHERE client_id = $1 AND user_id = coalesce($2, user_id) \
                 AND ($3 OR status <> 'active')",
            )
            .text(self.client_id.as_str())
            .bind(Value::MaybeText(self.owner.clone()))
            .bind(Value::Flag(self.even_active));
            let deleted = tx.run(delete).await? == 1;
            if deleted {
                end_codes(tx, &self.client_id).await?;
                end_consents(tx, &self.client_id, self.at).await?;
                end_piece(tx, &self.client_id, self.at).await?;
                let management = Sql::new("DELETE FROM registration_tokens WHERE client_id = $1");
                tx.run(management.text(self.client_id.as_str())).await?;
            }
            told(tx, deleted, &self.client_id, self.at, &self.audit).await
        }
        .boxed()
    }
}
