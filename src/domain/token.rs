//! Token records, families, and what may be done with a refresh token.
use super::{
    ids::{ClientId, FamilyId, TokenId, UserId},
    scope::ScopeSet,
    time::Timestamp,
    trace::{Check, Trail},
};
use std::{fmt, time::Duration};

/// A row of `access_tokens`, which holds access and refresh tokens.
#[derive(Clone, Debug)]
pub struct Token {
    /// UUID.
    pub id: TokenId,
    /// [`sha256_hex`](super::digest::sha256_hex) of the whole JWT.
    pub hash: String,
    /// Access or refresh.
    pub category: TokenCategory,
    /// Only an active one counts.
    pub status: TokenStatus,
    /// For whom it speaks.
    pub subject: Subject,
    /// To whom it was issued.
    pub client_id: ClientId,
    /// Granted scopes.
    pub scopes: ScopeSet,
    /// Judged with sub-second precision.
    pub expires_at: Timestamp,
    /// Issue time.
    pub created_at: Timestamp,
    /// Last refresh with it, in fixed mode; at most once a minute.
    pub last_used_at: Option<Timestamp>,
    /// The refresh token that it came from.
    pub parent: Option<TokenId>,
    /// `None` on rows that the Go server wrote in fixed mode.
    pub family: Option<FamilyId>,
    /// The consent it stands on.
    pub authorization_id: Option<i64>,
    /// Access: the audience signed. Refresh: what was granted at first.
    pub resource: Vec<String>,
}

/// A row of `token_families`: all tokens that one grant led to live and die with it.
#[derive(Clone, Debug)]
pub struct Family {
    /// The id of the first refresh token.
    pub id: FamilyId,
    /// Whose.
    pub subject: Subject,
    /// Whose.
    pub client_id: ClientId,
    /// The consent it stands on.
    pub authorization_id: Option<i64>,
    /// `device_code`, `authorization_code` or `refresh_token` (adopted on a first refresh).
    pub grant: &'static str,
    /// When the person signed in.
    pub auth_time: Option<Timestamp>,
    /// What was granted.
    pub scopes: ScopeSet,
    /// When the grant was redeemed.
    pub created_at: Timestamp,
    /// No refresh goes beyond it.
    pub absolute_end: Option<Timestamp>,
    /// The address it was redeemed from; empty when nobody wrote it down.
    pub ip: String,
    /// The program that redeemed it.
    pub user_agent: String,
}

impl Family {
    /// The family of a token whose family row is not on record: the Go server keeps none. It is as old as the token.
    pub fn adopted(token: &Token) -> Self {
        Self {
            id: token.family_root(),
            subject: token.subject.clone(),
            client_id: token.client_id.clone(),
            authorization_id: token.authorization_id,
            grant: "refresh_token",
            auth_time: None,
            scopes: token.scopes.clone(),
            created_at: token.created_at,
            absolute_end: None,
            ip: String::new(),
            user_agent: String::new(),
        }
    }
}

/// What kind of token a row holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenCategory {
    /// Opens APIs.
    Access,
    /// Gets new access tokens.
    Refresh,
}

/// Life of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenStatus {
    /// Counts.
    Active,
    /// Switched off for a while.
    Disabled,
    /// Gone for good.
    Revoked,
}

/// How a token stands at a moment: its row knows nothing of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenState {
    /// Counts.
    Active,
    /// Would count if it were switched on.
    Disabled,
    /// Its time is over, whether it was switched off or not.
    Expired,
    /// Gone for good.
    Revoked,
}

impl TokenCategory {
    /// The column's text, and the `type` claim.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Access => "access",
            Self::Refresh => "refresh",
        }
    }

    /// Reads the column; `None` for a text that nobody writes.
    pub fn stored(text: &str) -> Option<Self> {
        match text {
            "access" => Some(Self::Access),
            "refresh" => Some(Self::Refresh),
            _ => None,
        }
    }
}

impl TokenStatus {
    /// The column's text.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Disabled => "disabled",
            Self::Revoked => "revoked",
        }
    }

    /// Reads the column; an unknown text counts as revoked, because an error never means allow.
    pub fn stored(text: &str) -> Self {
        match text {
            "active" => Self::Active,
            "disabled" => Self::Disabled,
            _ => Self::Revoked,
        }
    }
}

/// For whom a token speaks: `access_tokens.user_id` and the `sub` claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A person.
    User(UserId),
    /// A client for itself, written `client:<client_id>`.
    Client(ClientId),
}

impl Subject {
    /// Reads the column or the claim.
    pub fn stored(text: &str) -> Self {
        match text.strip_prefix("client:") {
            Some(id) => Self::Client(ClientId::new(id)),
            None => Self::User(UserId::new(text)),
        }
    }

    /// The person, if it is one.
    pub fn user(&self) -> Option<&UserId> {
        match self {
            Self::User(id) => Some(id),
            Self::Client(_) => None,
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(id) => id.fmt(f),
            Self::Client(id) => write!(f, "client:{id}"),
        }
    }
}

/// What a refresh token that was presented deserves (RFC 6749 §6, RFC 9700 §4.14.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RefreshVerdict {
    /// Go on.
    Usable,
    /// Not a refresh token, expired or switched off.
    Invalid,
    /// Belongs to another client.
    ForeignClient,
    /// Revoked, in rotation mode. If another token took its place it was used before, and the family must die; else
    /// somebody ended it on purpose, and whoever shows it has only not heard of that.
    Revoked,
}

/// Judges a refresh token's row. The client is compared first, so that a stranger who holds an old token cannot end a
/// family.
pub fn judge_refresh(
    token: &Token,
    client_id: &ClientId,
    rotation: bool,
    now: Timestamp,
    trail: &mut Trail,
) -> RefreshVerdict {
    if token.category != TokenCategory::Refresh {
        return RefreshVerdict::Invalid;
    }
    if token.client_id != *client_id {
        return RefreshVerdict::ForeignClient;
    }
    trail.pass(Check::Holder);
    if rotation && token.status == TokenStatus::Revoked {
        return RefreshVerdict::Revoked;
    }
    trail.pass(Check::Reuse);
    match token.status {
        // Disabled is meant to be taken back: it refuses and harms nobody.
        TokenStatus::Revoked | TokenStatus::Disabled => RefreshVerdict::Invalid,
        TokenStatus::Active if token.expires_at <= now => RefreshVerdict::Invalid,
        TokenStatus::Active => {
            trail.pass(Check::Credential);
            RefreshVerdict::Usable
        }
    }
}

/// Whether a refresh token that was used before may be answered again, because the answer may have been lost: it was
/// spent by a rotation no longer ago than the grace. Whether its successor was used is for the transaction to say.
pub fn is_retry(token: &Token, grace: Duration, now: Timestamp) -> bool {
    !grace.is_zero()
        && token.expires_at > now
        && token.last_used_at.is_some_and(|spent| now - spent <= grace)
}

impl Token {
    /// How the row says that it stands.
    pub fn state(&self, now: Timestamp) -> TokenState {
        match self.status {
            TokenStatus::Revoked => TokenState::Revoked,
            TokenStatus::Active | TokenStatus::Disabled if self.expires_at <= now => {
                TokenState::Expired
            }
            TokenStatus::Active => TokenState::Active,
            TokenStatus::Disabled => TokenState::Disabled,
        }
    }

    /// Whether the row says that the token counts.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.state(now) == TokenState::Active
    }

    /// Whether the row says that a bearer of this access token may go on.
    pub fn is_live_access(&self, now: Timestamp) -> bool {
        self.category == TokenCategory::Access && self.is_live(now)
    }

    /// The family's id; rows of the Go server's fixed mode are their own root.
    pub fn family_root(&self) -> FamilyId {
        match (&self.family, &self.parent) {
            (Some(family), _) => family.clone(),
            (None, Some(parent)) => parent.recast(),
            (None, None) => self.id.recast(),
        }
    }
}

#[cfg(test)]
mod tests;
