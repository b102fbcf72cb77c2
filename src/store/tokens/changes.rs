//! Changes to one token by its id: used up, touched, taken away. Each counts only for a token that stands as it must.
//!
//! Alone, that is one guarded statement. In a batch on SQLite the tokens of all units were read inside the transaction
//! ([`Tx::foresee`]); the first unit to change one finds it as it was, the next finds it changed, and the changes are
//! written together. The statement that writes them has the same guard, and a count that is not as expected fails the
//! batch: then each unit is run alone.
use super::super::{
    StoreError, Tx,
    foreseen::TokenStanding,
    sql::{Sql, Value, nameless, pieces},
    tx::as_expected,
};
use crate::domain::{ids::TokenId, time::Timestamp, token::TokenStatus};
use std::collections::HashMap;

/// Changes that are held back.
#[derive(Default)]
pub(in crate::store) struct Changes {
    spent: Vec<(TokenId, Timestamp)>,
    touched: HashMap<TokenId, Timestamp>,
    removed: Vec<TokenId>,
}

impl Tx<'_> {
    /// Uses a token up; false when it does not count any more.
    pub(super) async fn spend(&mut self, id: &TokenId, now: Timestamp) -> Result<bool, StoreError> {
        let Some(standing) = self.foreseen.tokens.get_mut(id) else {
            let spend = "UPDATE access_tokens SET status = 'revoked', last_used_at = $2 \
                         WHERE id = $1 AND status = 'active' AND expires_at > $2";
            let spend = Sql::new(spend).text(id.as_str()).time(now);
            return Ok(self.change(spend).await? == 1);
        };
        let Some(token) = standing.as_mut().filter(|token| counts(token, now)) else {
            return Ok(false);
        };
        token.status = TokenStatus::Revoked;
        self.held.changes.spent.push((id.clone(), now));
        Ok(true)
    }

    /// Whether a token counts; with `touch` its `last_used_at` is written.
    pub(super) async fn use_again(
        &mut self,
        id: &TokenId,
        touch: bool,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        if let Some(standing) = self.foreseen.tokens.get(id) {
            let alive = standing.as_ref().is_some_and(|token| counts(token, now));
            if alive && touch {
                self.held.changes.touched.insert(id.clone(), now);
            }
            return Ok(alive);
        }
        if touch {
            let touch = "UPDATE access_tokens SET last_used_at = $2 \
                         WHERE id = $1 AND status = 'active' AND expires_at > $2";
            let touch = Sql::new(touch).text(id.as_str()).time(now);
            return Ok(self.change(touch).await? == 1);
        }
        let look = if self.locks() {
            "SELECT id FROM access_tokens WHERE id = $1 AND status = 'active' AND expires_at > $2 FOR SHARE"
        } else {
            "SELECT id FROM access_tokens WHERE id = $1 AND status = 'active' AND expires_at > $2"
        };
        let found = self.look(Sql::new(look).text(id.as_str()).time(now));
        Ok(!found.await?.is_empty())
    }

    /// Takes a token away; false when it is not there any more.
    pub(super) async fn remove(&mut self, id: &TokenId) -> Result<bool, StoreError> {
        let Some(standing) = self.foreseen.tokens.get_mut(id) else {
            let remove = Sql::new("DELETE FROM access_tokens WHERE id = $1").text(id.as_str());
            return Ok(self.change(remove).await? == 1);
        };
        if standing.take().is_none() {
            return Ok(false);
        }
        self.held.changes.removed.push(id.clone());
        Ok(true)
    }

    /// Writes what was held back.
    pub(in crate::store) async fn write_changes(
        &mut self,
        changes: Changes,
    ) -> Result<(), StoreError> {
        let touched: Vec<_> = changes.touched.into_iter().collect();
        self.write_used("last_used_at = v.column2", &touched)
            .await?;
        self.write_used(
            "status = 'revoked', last_used_at = v.column2",
            &changes.spent,
        )
        .await?;
        for piece in pieces(&changes.removed) {
            let places = vec!["?"; piece.len()].join(",");
            let text = format!("DELETE FROM access_tokens WHERE id IN ({places})");
            let ids = piece.iter().map(text_of).collect();
            let removed = self.change(Sql::built(text).values(ids)).await?;
            as_expected(removed, piece.len())?;
        }
        Ok(())
    }

    async fn write_used(
        &mut self,
        sets: &'static str,
        used: &[(TokenId, Timestamp)],
    ) -> Result<(), StoreError> {
        for piece in pieces(used) {
            let text = format!(
                "UPDATE access_tokens SET {sets} FROM (VALUES {}) AS v \
                 WHERE id = v.column1 AND status = 'active' AND expires_at > v.column2",
                nameless(piece.len(), 2)
            );
            let values = piece
                .iter()
                .flat_map(|(id, at)| [text_of(id), Value::Time(*at)])
                .collect();
            let written = self.change(Sql::built(text).values(values)).await?;
            as_expected(written, piece.len())?;
        }
        Ok(())
    }
}

fn counts(token: &TokenStanding, now: Timestamp) -> bool {
    token.status == TokenStatus::Active && token.expires_at > now
}

fn text_of(id: &TokenId) -> Value {
    Value::Text(id.as_str().to_owned())
}
