//! Tokens that clients get for themselves (RFC 6749 §4.4).
use super::{Concern, StoreError, Tx, Unit, standing};
use crate::domain::{
    audit::AuditRow,
    eligibility::{self, Grant, Owner, Refusal},
    ids::ClientId,
    token::Token,
};
use futures_util::{FutureExt as _, future::BoxFuture};

/// Issues an access token to a client for itself, if it still may have one.
pub struct IssueMachineToken {
    /// To whom.
    pub client_id: ClientId,
    /// The token.
    pub access: Token,
    /// Rows of the trail.
    pub audit: Vec<AuditRow>,
}

impl Unit for IssueMachineToken {
    type Answer = Result<(), Refusal>;

    fn concern(&self) -> Concern {
        Concern::issuance(&self.client_id, None, None)
    }

    fn run<'c>(&'c self, tx: &'c mut Tx<'_>) -> BoxFuture<'c, Result<Self::Answer, StoreError>> {
        async move {
            let client = standing::client(tx, &self.client_id).await?;
            let verdict = eligibility::check(Grant::ClientCredentials, client, Owner::Client);
            if verdict.is_ok() {
                tx.insert_token(&self.access);
                tx.insert_audit(&self.audit);
            }
            Ok(verdict)
        }
        .boxed()
    }
}
