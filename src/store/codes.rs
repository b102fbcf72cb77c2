//! `authorization_codes`: written once, redeemed once.
use super::{
    Concern, Store, StoreError, Tx, Unit,
    consents::{NewConsent, upsert_consent},
    issued::{Issued, Redemption},
    keyed::{ByKeys, Keyed, Lookups},
    lookup::Lookup,
    rows::{self, CODE, HOLDER},
    sql::{Row, Sql, Value, list, nameless, pieces},
    standing::{self, Standing},
    tx::as_expected,
};
use crate::domain::{
    audit::AuditRow,
    code::{AuthorizationCode, MAX_FAILURES},
    consent::ConsentStanding,
    eligibility::{Grant, Refusal, outlives},
    ids::{ClientId, FamilyId, UserId},
    time::Timestamp,
    user::User,
};
use crate::faults;
use futures_util::{FutureExt as _, future::BoxFuture};
use std::sync::{Arc, LazyLock};

/// A code that somebody presents, with those it depends on.
#[derive(Clone, Debug)]
pub struct PresentedCode {
    /// Its row.
    pub code: AuthorizationCode,
    /// Who gave it, unless they are gone.
    pub user: Option<User>,
    /// The person's consent to its client.
    pub consent: Option<ConsentStanding>,
    /// It ended unused with all of its client's or its person's.
    has_ended: bool,
}

impl Store {
    /// The code with this hash; none when it ended unused with all of its client's or its person's.
    ///
    /// # Errors
    /// As the database.
    pub async fn authorization_code(
        &self,
        hash: &str,
    ) -> Result<Option<PresentedCode>, StoreError> {
        let found: Option<PresentedCode> = self.find(hash).await?;
        Ok(found.filter(|presented| !presented.has_ended))
    }
}

impl Keyed for PresentedCode {
    const KEY: &'static str = "code_hash";

    fn by_keys() -> &'static ByKeys {
        static STATEMENT: LazyLock<ByKeys> = LazyLock::new(|| {
            ByKeys::new(&format!(
                "SELECT {CODE}, {HOLDER}, a.id AS authorization_id, a.is_active AS consent_active, a.granted_at, \
                 c.tokens_end_at AS client_mark, u.tokens_end_at AS user_mark \
                 FROM authorization_codes k LEFT JOIN users u ON u.id = k.user_id \
                 LEFT JOIN oauth_applications c ON c.client_id = k.client_id \
                 LEFT JOIN user_authorizations a ON a.user_id = k.user_id AND a.client_id = k.client_id \
                 WHERE k.code_hash IN"
            ))
        });
        &STATEMENT
    }

    fn lookup(lookups: &Lookups) -> &Arc<Lookup<Self>> {
        &lookups.codes
    }

    fn read(row: &Row) -> Result<Self, StoreError> {
        let code = rows::code(row)?;
        let client_mark = row.maybe_time("client_mark")?;
        let mark = client_mark.max(row.maybe_time("user_mark")?);
        let is_active =
            row.flag("consent_active")? && outlives(row.time("granted_at")?, client_mark);
        let consent = row.maybe_int("authorization_id")?;
        Ok(Self {
            has_ended: code.used_at.is_none() && !outlives(code.created_at, mark),
            code,
            user: rows::holder(row)?,
            consent: consent.map(|authorization_id| ConsentStanding {
                authorization_id,
                is_active,
            }),
        })
    }
}

/// Writes a code, with the consent that it stands on when the person was asked just now.
pub struct InsertCode {
    /// The code.
    pub code: AuthorizationCode,
    /// A consent given just now; `None` when one given before counts.
    pub consent: Option<NewConsent>,
    /// Rows of the trail.
    pub audit: Vec<AuditRow>,
}

impl Unit for InsertCode {
    type Answer = Result<(), Refusal>;

    fn run<'c>(&'c self, tx: &'c mut Tx<'_>) -> BoxFuture<'c, Result<Self::Answer, StoreError>> {
        async move {
            let who = (&self.code.client_id, &self.code.user_id);
            let standing = match &self.consent {
                Some(_) => standing::judge_anew(tx, Grant::AuthorizationCode, who).await?,
                None => standing::judge(tx, Grant::AuthorizationCode, who, None).await?,
            };
            if let Standing::Refused(refusal) = standing {
                return Ok(Err(refusal));
            }
            if let Some(consent) = &self.consent {
                upsert_consent(tx, consent).await?;
            }
            insert(tx, &self.code).await?;
            tx.insert_audit(&self.audit);
            Ok(Ok(()))
        }
        .boxed()
    }
}

async fn insert(tx: &mut Tx<'_>, code: &AuthorizationCode) -> Result<(), StoreError> {
    // The method is written even without a challenge: that is how the Go server leaves it.
    let insert = Sql::new(
        "INSERT INTO authorization_codes (uuid, code_hash, code_prefix, application_id, client_id, user_id, \
         redirect_uri, scopes, code_challenge, code_challenge_method, nonce, resource, expires_at, used_at, created_at, \
         auth_time) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'S256', $10, $11, $12, NULL, $13, $14)",
    )
    .text(code.uuid.as_str())
    .text(code.hash.as_str())
    .text(code.prefix.as_str())
    .int(code.application_id)
    .text(code.client_id.as_str())
    .text(code.user_id.as_str())
    .text(code.redirect_uri.as_str())
    .text(code.scopes.to_string())
    .text(code.code_challenge.as_str())
    .text(code.nonce.as_str())
    .bind(list(&code.resource))
    .time(code.expires_at)
    .time(tx.after_mark(code.created_at))
    .bind(Value::MaybeTime(code.auth_time));
    tx.run(insert).await.map(|_| ())
}

/// Redeems a code: it is used, it names the family that it led to, and the tokens are there, or nothing happened.
pub struct RedeemCode {
    /// Which.
    pub row_id: i64,
    /// For whom.
    pub client_id: ClientId,
    /// For whom.
    pub user_id: UserId,
    /// Now.
    pub now: Timestamp,
    /// What it brings.
    pub issued: Issued,
    /// Rows of the trail.
    pub audit: Vec<AuditRow>,
}

impl Unit for RedeemCode {
    type Answer = Redemption;

    fn concern(&self) -> Concern {
        Concern::issuance(&self.client_id, Some(&self.user_id), None).with_code(self.row_id)
    }

    fn run<'c>(&'c self, tx: &'c mut Tx<'_>) -> BoxFuture<'c, Result<Redemption, StoreError>> {
        async move {
            let who = (&self.client_id, &self.user_id);
            if let Standing::Refused(refusal) =
                standing::judge(tx, Grant::AuthorizationCode, who, None).await?
            {
                return Ok(Redemption::Refused(refusal));
            }
            if !self.consume(tx).await? {
                return Ok(Redemption::Gone);
            }
            tx.issue(&self.issued, &self.audit);
            Ok(Redemption::Done)
        }
        .boxed()
    }
}

impl RedeemCode {
    /// The guard: of all who try, one finds the row unused. In a batch on SQLite the row was read inside the transaction;
    /// the first unit finds it as it was, the next finds it used.
    async fn consume(&self, tx: &mut Tx<'_>) -> Result<bool, StoreError> {
        let mark = tx.mark();
        if let Some(standing) = tx.foreseen.codes.get_mut(&self.row_id) {
            let counts = standing
                .as_ref()
                .is_some_and(|code| self.may_use(code) && code.created_at > mark);
            if !counts && !faults::unguarded() {
                return Ok(false);
            }
            *standing = None;
            tx.held.codes.push(UsedCode {
                row_id: self.row_id,
                at: self.now,
                family: self.issued.family.id.clone(),
                mark,
            });
            return Ok(true);
        }
        let consume = Sql::new(
            "UPDATE authorization_codes SET used_at = $4, issued_family_id = $5 \
             WHERE id = $1 AND client_id = $2 AND user_id = $3 AND used_at IS NULL AND expires_at > $4 AND created_at > $6",
        )
        .int(self.row_id)
        .text(self.client_id.as_str())
        .text(self.user_id.as_str())
        .time(self.now)
        .text(self.issued.family.id.as_str())
        .time(mark);
        let consumed = tx.change(consume).await? == 1;
        Ok(consumed || faults::unguarded())
    }

    fn may_use(&self, code: &CodeStanding) -> bool {
        code.client_id == self.client_id
            && code.user_id == self.user_id
            && code.expires_at > self.now
    }
}

/// A code that is not used, as it stands within the transaction of a batch.
pub(super) struct CodeStanding {
    client_id: ClientId,
    user_id: UserId,
    created_at: Timestamp,
    expires_at: Timestamp,
}

/// A code that a unit of a batch uses up, when, what it leads to, and what it must be later than.
pub(super) struct UsedCode {
    row_id: i64,
    at: Timestamp,
    family: FamilyId,
    mark: Timestamp,
}

impl Tx<'_> {
    /// Reads these codes for the units of a batch.
    pub(super) async fn foresee_codes(&mut self, ids: &[i64]) -> Result<(), StoreError> {
        let text = format!(
            "SELECT id, client_id, user_id, created_at, expires_at FROM authorization_codes WHERE used_at IS NULL AND id IN ({})",
            vec!["?"; ids.len()].join(",")
        );
        let values = ids.iter().copied().map(Value::Int).collect();
        let rows = self.look(Sql::built(text).values(values)).await?;
        let codes = &mut self.foreseen.codes;
        codes.extend(ids.iter().map(|id| (*id, None)));
        for row in rows {
            let standing = CodeStanding {
                client_id: ClientId::new(row.text("client_id")?),
                user_id: UserId::new(row.text("user_id")?),
                created_at: row.time("created_at")?,
                expires_at: row.time("expires_at")?,
            };
            codes.insert(row.int("id")?, Some(standing));
        }
        Ok(())
    }

    /// Writes which codes the units of a batch used, with the same guard as for one.
    pub(super) async fn write_codes(&mut self, used: &[UsedCode]) -> Result<(), StoreError> {
        for piece in pieces(used) {
            let text = format!(
                "UPDATE authorization_codes SET used_at = v.column2, issued_family_id = v.column3 FROM (VALUES {}) AS v \
                 WHERE id = v.column1 AND used_at IS NULL AND expires_at > v.column2 AND created_at > v.column4",
                nameless(piece.len(), 4)
            );
            let values = piece.iter().flat_map(|code| {
                [
                    Value::Int(code.row_id),
                    Value::Time(code.at),
                    Value::Text(code.family.as_str().to_owned()),
                    Value::Time(code.mark),
                ]
            });
            let written = self
                .change(Sql::built(text).values(values.collect()))
                .await?;
            as_expected(written, piece.len())?;
        }
        Ok(())
    }
}

/// Counts a failed attempt of a code's own client. The last one burns the code, which then was never there: marked as used
/// it would be told as stolen when its client comes with it. Tells whether this was it.
pub struct CountCodeFailure {
    /// Which.
    pub row_id: i64,
    /// Rows of the trail, written when the code is burnt.
    pub audit: Vec<AuditRow>,
}

impl Unit for CountCodeFailure {
    type Answer = bool;

    fn run<'c>(&'c self, tx: &'c mut Tx<'_>) -> BoxFuture<'c, Result<bool, StoreError>> {
        async move {
            let count = Sql::new(
                "UPDATE authorization_codes SET failed_attempts = coalesce(failed_attempts, 0) + 1 \
                 WHERE id = $1 AND used_at IS NULL RETURNING failed_attempts",
            )
            .int(self.row_id);
            let failures = tx
                .one(count)
                .await?
                .map_or(Ok(0), |row| row.int("failed_attempts"))?;
            let burnt = failures >= i64::from(MAX_FAILURES);
            if burnt {
                let burn =
                    Sql::new("DELETE FROM authorization_codes WHERE id = $1").int(self.row_id);
                tx.run(burn).await?;
                tx.insert_audit(&self.audit);
            }
            Ok(burnt)
        }
        .boxed()
    }
}
