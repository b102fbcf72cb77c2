//! What redeeming a code brings, whichever code it is, and what becomes of the attempt.
use super::Tx;
use crate::domain::{
    audit::AuditRow,
    eligibility::Refusal,
    token::{Family, Token},
};

/// What a redemption brings.
#[derive(Clone, Debug)]
pub struct Issued {
    /// The new family.
    pub family: Family,
    /// Its access token.
    pub access: Token,
    /// Its refresh token.
    pub refresh: Option<Token>,
}

/// What became of a redemption.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Redemption {
    /// The tokens count.
    Done,
    /// Somebody was faster, or the code has just expired.
    Gone,
    /// Somebody may no longer.
    Refused(Refusal),
}

impl Tx<'_> {
    /// Holds back what was issued, and what the trail says of it.
    pub(super) fn issue(&mut self, issued: &Issued, audit: &[AuditRow]) {
        self.insert_family(&issued.family);
        self.insert_token(&issued.access);
        if let Some(refresh) = &issued.refresh {
            self.insert_token(refresh);
        }
        self.insert_audit(audit);
    }
}
