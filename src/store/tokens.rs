//! `access_tokens` (access and refresh) and `token_families`.
use super::{
    Concern, Store, StoreError, Tx, Unit,
    sql::{Row, Sql, Value, list},
    standing::{self, Standing, person},
};
use crate::domain::{
    audit::AuditRow,
    eligibility::{Grant, Refusal},
    ids::{ClientId, FamilyId, TokenId},
    scope::ScopeSet,
    time::Timestamp,
    token::{Family, Subject, Token},
};
use crate::faults;
use futures_util::{FutureExt as _, future::BoxFuture};

pub(super) mod changes;
mod counting;
pub mod listing;
pub mod owned;
pub mod presented;
pub mod signed_in;
pub mod state;
pub mod switching;

impl Store {
    /// The family, if it is on record.
    ///
    /// # Errors
    /// As the database.
    pub async fn family(&self, id: &FamilyId) -> Result<Option<Family>, StoreError> {
        let find = format!("SELECT {FAMILY} FROM token_families f WHERE f.id = $1");
        let find = Sql::built(find).text(id.as_str());
        let row = self.read_one(find).await?;
        row.as_ref().map_or(Ok(None), family)
    }

    /// Whether a refresh token was revoked because another took its place.
    ///
    /// # Errors
    /// As the database.
    pub async fn was_replaced(&self, id: &TokenId) -> Result<bool, StoreError> {
        Ok(self.read_one(replaced(id)).await?.is_some())
    }
}

/// Finds a refresh token that was rotated, by its successor, or that made way for a later one ([`RetryRotation`]
/// (super::retry::RetryRotation)). What was revoked on purpose has neither. The Go server leaves the same trace.
fn replaced(id: &TokenId) -> Sql {
    Sql::new(
        "SELECT t.id FROM access_tokens t WHERE t.id = $1 AND t.status = 'revoked' AND EXISTS \
         (SELECT 1 FROM access_tokens r WHERE r.token_category = 'refresh' AND (r.parent_token_id = t.id \
         OR r.parent_token_id = t.parent_token_id AND t.parent_token_id <> '' AND r.created_at > t.created_at))",
    )
    .text(id.as_str())
}

/// The columns that [`family`] reads.
const FAMILY: &str = "f.id AS f_id, f.user_id AS f_user_id, f.client_id AS f_client_id, \
     f.authorization_id AS f_authorization_id, f.grant_name AS f_grant_name, f.auth_time AS f_auth_time, \
     f.scopes AS f_scopes, f.created_at AS f_created_at, f.absolute_end AS f_absolute_end, \
     f.ip AS f_ip, f.user_agent AS f_user_agent";

fn family(row: &Row) -> Result<Option<Family>, StoreError> {
    let Some(id) = row.maybe_text("f_id")? else {
        return Ok(None);
    };
    Ok(Some(Family {
        id: FamilyId::new(id),
        subject: Subject::stored(&row.text("f_user_id")?),
        client_id: ClientId::new(row.text("f_client_id")?),
        authorization_id: row.maybe_int("f_authorization_id")?,
        grant: match row.text("f_grant_name")?.as_str() {
            "device_code" => "device_code",
            "authorization_code" => "authorization_code",
            _ => "refresh_token",
        },
        auth_time: row.maybe_time("f_auth_time")?,
        scopes: ScopeSet::stored(&row.text("f_scopes")?),
        created_at: row.time("f_created_at")?,
        absolute_end: row.maybe_time("f_absolute_end")?,
        ip: row.text("f_ip")?,
        user_agent: row.text("f_user_agent")?,
    }))
}

pub(super) fn token_values(token: &Token, created_at: Timestamp) -> Vec<Value> {
    let text = |id: Option<&str>| Value::Text(id.unwrap_or_default().to_owned());
    vec![
        Value::Text(token.id.as_str().to_owned()),
        Value::Text(token.hash.clone()),
        Value::Text("Bearer".to_owned()),
        Value::Text(token.category.as_str().to_owned()),
        Value::Text(token.status.as_str().to_owned()),
        Value::Text(token.subject.to_string()),
        Value::Text(token.client_id.as_str().to_owned()),
        Value::Text(token.scopes.to_string()),
        Value::Time(token.expires_at),
        Value::Time(created_at),
        Value::MaybeTime(token.last_used_at),
        text(token.parent.as_ref().map(TokenId::as_str)),
        text(token.family.as_ref().map(FamilyId::as_str)),
        Value::MaybeInt(token.authorization_id),
        list(&token.resource),
    ]
}

pub(super) fn family_values(family: &Family, created_at: Timestamp) -> Vec<Value> {
    vec![
        Value::Text(family.id.as_str().to_owned()),
        Value::Text(family.subject.to_string()),
        Value::Text(family.client_id.as_str().to_owned()),
        Value::MaybeInt(family.authorization_id),
        Value::Text(family.grant.to_owned()),
        Value::MaybeTime(family.auth_time),
        Value::Text(family.scopes.to_string()),
        Value::Time(created_at),
        Value::MaybeTime(family.absolute_end),
        Value::Text(family.ip.clone()),
        Value::Text(family.user_agent.replace('\0', "\u{fffd}")),
    ]
}

/// Inserts the family now, unless it is on record, so that there is a row to lock or to end.
async fn insert_family(tx: &mut Tx<'_>, family: &Family) -> Result<(), StoreError> {
    tx.insert_family(family);
    tx.settle().await
}

/// What became of a refresh.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refreshed {
    /// The new tokens count.
    Done,
    /// The refresh token does not count any more.
    Invalid,
    /// Somebody used it in the same moment (rotation mode).
    AlreadyUsed,
    /// Its family is dead.
    FamilyRevoked,
    /// Somebody may no longer.
    Refused(Refusal),
}

/// Family first, then everybody else: a family that is not on record is put there, so that there is a row to lock.
pub(super) async fn enter(
    tx: &mut Tx<'_>,
    family: &Family,
) -> Result<Option<Refreshed>, StoreError> {
    if tx.locks() {
        insert_family(tx, family).await?;
    }
    let who = (&family.client_id, person(&family.subject)?);
    Ok(
        match standing::judge(tx, Grant::continued(family), who, Some(family)).await? {
            Standing::Good => None,
            Standing::FamilyRevoked => Some(Refreshed::FamilyRevoked),
            Standing::Refused(refusal) => Some(Refreshed::Refused(refusal)),
        },
    )
}

fn of_refresh(family: &Family, token: &TokenId) -> Concern {
    Concern::issuance(&family.client_id, family.subject.user(), Some(&family.id)).with_token(token)
}

/// A new access token for a refresh token that stays (fixed mode).
pub struct RefreshFixed {
    /// Which.
    pub refresh_id: TokenId,
    /// Now.
    pub now: Timestamp,
    /// Its family, inserted if it is not on record.
    pub family: Family,
    /// The new access token.
    pub access: Token,
    /// Whether `last_used_at` is written.
    pub touch: bool,
    /// Rows of the trail.
    pub audit: Vec<AuditRow>,
}

impl Unit for RefreshFixed {
    type Answer = Refreshed;

    fn concern(&self) -> Concern {
        of_refresh(&self.family, &self.refresh_id)
    }

    fn run<'c>(&'c self, tx: &'c mut Tx<'_>) -> BoxFuture<'c, Result<Refreshed, StoreError>> {
        async move {
            if let Some(refused) = enter(tx, &self.family).await? {
                return Ok(refused);
            }
            let alive = tx.use_again(&self.refresh_id, self.touch, self.now).await?;
            if !alive {
                return Ok(Refreshed::Invalid);
            }
            tx.insert_family(&self.family);
            tx.insert_token(&self.access);
            tx.insert_audit(&self.audit);
            Ok(Refreshed::Done)
        }
        .boxed()
    }
}

/// New tokens for a refresh token that is spent (rotation mode).
pub struct RotateRefreshToken {
    /// Which.
    pub old_id: TokenId,
    /// Now.
    pub now: Timestamp,
    /// Its family, inserted if it is not on record.
    pub family: Family,
    /// The new access token.
    pub access: Token,
    /// The new refresh token.
    pub refresh: Token,
    /// Rows of the trail.
    pub audit: Vec<AuditRow>,
}

impl Unit for RotateRefreshToken {
    type Answer = Refreshed;

    fn concern(&self) -> Concern {
        of_refresh(&self.family, &self.old_id)
    }

    fn run<'c>(&'c self, tx: &'c mut Tx<'_>) -> BoxFuture<'c, Result<Refreshed, StoreError>> {
        async move {
            if let Some(refused) = enter(tx, &self.family).await? {
                return Ok(refused);
            }
            // The guard: of all who try, one finds the row active.
            let spent = tx.spend(&self.old_id, self.now).await?;
            if !spent && !faults::unguarded() {
                return self.why_not(tx).await;
            }
            tx.insert_family(&self.family);
            tx.insert_token(&self.access);
            tx.insert_token(&self.refresh);
            tx.insert_audit(&self.audit);
            Ok(Refreshed::Done)
        }
        .boxed()
    }
}

impl RotateRefreshToken {
    async fn why_not(&self, tx: &mut Tx<'_>) -> Result<Refreshed, StoreError> {
        let used = tx.one(replaced(&self.old_id)).await?;
        Ok(used.map_or(Refreshed::Invalid, |_| Refreshed::AlreadyUsed))
    }
}

/// Ends a family: its row first, so that no issuance can slip by, then its tokens. Tells how many were alive.
pub struct RevokeFamily {
    /// Which.
    pub family: Family,
    /// Now.
    pub at: Timestamp,
    /// Rows of the trail, which gain how many tokens it was.
    pub audit: Vec<AuditRow>,
}

impl Unit for RevokeFamily {
    type Answer = u64;

    fn run<'c>(&'c self, tx: &'c mut Tx<'_>) -> BoxFuture<'c, Result<u64, StoreError>> {
        async move {
            let revoked = revoke_family(tx, &self.family, self.at).await?;
            let counted = |row: &AuditRow| row.clone().with_detail("tokens_revoked", revoked);
            tx.insert_audit(&self.audit.iter().map(counted).collect::<Vec<_>>());
            Ok(revoked)
        }
        .boxed()
    }
}

/// A family and its tokens. One that is switched off goes as well, for it could be switched on again.
async fn revoke_family(tx: &mut Tx<'_>, family: &Family, at: Timestamp) -> Result<u64, StoreError> {
    end_family(tx, family, at).await?;
    let revoke = Sql::new(
        "UPDATE access_tokens SET status = 'revoked' WHERE status IN ('active', 'disabled') \
         AND (token_family_id = $1 OR id = $1 OR parent_token_id = $1)",
    )
    .text(family.id.as_str());
    tx.run(revoke).await
}

async fn end_family(tx: &mut Tx<'_>, family: &Family, at: Timestamp) -> Result<(), StoreError> {
    insert_family(tx, family).await?;
    let end =
        Sql::new("UPDATE token_families SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL")
            .text(family.id.as_str())
            .time(at);
    tx.run(end).await.map(|_| ())
}

/// Takes a refresh token and its family away (RFC 7009 §2.1). The rows go, as they always did: a later try is unknown.
pub struct RevokeRefreshToken {
    /// Its family.
    pub family: Family,
    /// Which.
    pub token_id: TokenId,
    /// Now.
    pub at: Timestamp,
    /// Rows of the trail.
    pub audit: Vec<AuditRow>,
}

impl Unit for RevokeRefreshToken {
    type Answer = ();

    fn run<'c>(&'c self, tx: &'c mut Tx<'_>) -> BoxFuture<'c, Result<(), StoreError>> {
        async move {
            end_family(tx, &self.family, self.at).await?;
            let remove = Sql::new(
                "DELETE FROM access_tokens WHERE id = $2 OR token_family_id = $1 OR id = $1 OR parent_token_id = $1",
            )
            .text(self.family.id.as_str())
            .text(self.token_id.as_str());
            tx.run(remove).await?;
            tx.insert_audit(&self.audit);
            Ok(())
        }
        .boxed()
    }
}

/// Takes an access token away, alone.
pub struct RevokeAccessToken {
    /// Which.
    pub token_id: TokenId,
    /// Rows of the trail.
    pub audit: Vec<AuditRow>,
}

impl Unit for RevokeAccessToken {
    type Answer = ();

    fn concern(&self) -> Concern {
        Concern::default().with_token(&self.token_id)
    }

    fn run<'c>(&'c self, tx: &'c mut Tx<'_>) -> BoxFuture<'c, Result<(), StoreError>> {
        async move {
            // Who comes second finds nothing, and nothing is left to tell.
            if tx.remove(&self.token_id).await? {
                tx.insert_audit(&self.audit);
            }
            Ok(())
        }
        .boxed()
    }
}
