//! Tokens of one state in a list: what their rows say, and whether their time is over.
use crate::{
    domain::{time::Timestamp, token::TokenStatus},
    store::{listing::Draft, sql::Value},
};

/// Only these. What has expired neither counts nor can be switched on again, so it is found among all tokens only, unless
/// it was revoked.
#[derive(Clone, Copy, Debug)]
pub struct InState {
    /// What the row says.
    pub status: TokenStatus,
    /// When they are looked at.
    pub now: Timestamp,
}

impl InState {
    /// The condition, on columns that `table` leads: ``, or `t.`.
    pub(super) fn add_to(self, draft: &mut Draft, table: &str) {
        draft.add(&format!("{table}status = "));
        draft.text(self.status.as_str());
        match self.status {
            TokenStatus::Active | TokenStatus::Disabled => {
                draft.add(&format!(" AND {table}expires_at > "));
                draft.bind(Value::Time(self.now));
            }
            TokenStatus::Revoked => {}
        }
    }
}
