//! `device_codes`.
use super::{
    Concern, Store, StoreError, Tx, Unit,
    consents::{NewConsent, upsert_consent},
    issued::{Issued, Redemption},
    keyed::ByKeys,
    lookup::MOST,
    rows::{self, DEVICE},
    sql::{Sql, Value, list},
    standing::{self, Standing},
    timestamp::ZERO,
};
use crate::domain::{
    audit::AuditRow,
    device::DeviceCode,
    eligibility::{Grant, Refusal},
    ids::{ClientId, UserId},
    time::Timestamp,
};
use crate::faults;
use futures_util::{FutureExt as _, future::BoxFuture};
use std::sync::LazyLock;

pub mod typed;

impl Store {
    /// The codes with these hashes, in any order, in one question.
    ///
    /// # Errors
    /// As the database.
    pub async fn device_codes(&self, hashes: &[String]) -> Result<Vec<DeviceCode>, StoreError> {
        static STATEMENT: LazyLock<ByKeys> = LazyLock::new(|| {
            ByKeys::new(&format!(
                "SELECT {DEVICE} FROM device_codes WHERE device_code_hash IN"
            ))
        });
        let mut found = Vec::with_capacity(hashes.len());
        for keys in hashes.chunks(MOST) {
            let rows = self.read_all(STATEMENT.ask(self.driver(), keys)).await?;
            for row in &rows {
                found.push(rows::device(row)?);
            }
        }
        Ok(found)
    }

    /// Codes of the Go server that end in these eight characters.
    ///
    /// # Errors
    /// As the database.
    pub async fn salted_device_codes(&self, suffix: &str) -> Result<Vec<DeviceCode>, StoreError> {
        let find = Sql::built(format!(
            "SELECT {DEVICE} FROM device_codes WHERE device_code_id = $1 AND device_code_salt <> '' LIMIT 10"
        ))
        .text(suffix);
        self.read_all(find)
            .await?
            .iter()
            .map(rows::device)
            .collect()
    }
}

pub(super) fn device_values(code: &DeviceCode) -> Vec<Value> {
    vec![
        Value::Text(code.hash.clone()),
        Value::Text(code.salt.clone()),
        Value::Text(code.suffix.clone()),
        Value::Text(code.user_code.as_str().to_owned()),
        Value::Text(code.client_id.as_str().to_owned()),
        Value::Text(code.scopes.to_string()),
        list(&code.resource),
        Value::Time(code.expires_at),
        Value::Int(i64::from(code.interval)),
        Value::Text(String::new()),
        Value::Flag(false),
        Value::Time(ZERO),
        Value::Time(code.created_at),
        Value::Time(code.created_at),
        Value::MaybeText(code.requester_ip.clone()),
        Value::MaybeText(code.requester_user_agent.clone()),
    ]
}

/// Stores a new code. [`StoreError::Conflict`] when its user code is taken.
pub struct InsertDeviceCode {
    /// The code.
    pub code: DeviceCode,
    /// Rows of the trail.
    pub audit: Vec<AuditRow>,
}

impl Unit for InsertDeviceCode {
    type Answer = ();

    fn run<'c>(&'c self, tx: &'c mut Tx<'_>) -> BoxFuture<'c, Result<(), StoreError>> {
        async move {
            tx.insert_device(&self.code);
            tx.insert_audit(&self.audit);
            Ok(())
        }
        .boxed()
    }
}

/// What became of a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It counts.
    Done {
        /// The consent, of an approval.
        authorization_id: Option<i64>,
    },
    /// Somebody was faster.
    AlreadyDecided,
    /// Too late.
    Expired,
    /// The person or the client may no longer.
    Refused(Refusal),
}

/// Approves a code, once, and writes the consent.
pub struct ApproveDeviceCode {
    /// Which.
    pub row_id: i64,
    /// Who.
    pub user_id: UserId,
    /// When that person signed in.
    pub auth_time: Timestamp,
    /// Now.
    pub now: Timestamp,
    /// The consent.
    pub consent: NewConsent,
    /// Rows of the trail.
    pub audit: Vec<AuditRow>,
}

impl Unit for ApproveDeviceCode {
    type Answer = Decision;

    fn run<'c>(&'c self, tx: &'c mut Tx<'_>) -> BoxFuture<'c, Result<Decision, StoreError>> {
        async move {
            let who = (&self.consent.client_id, &self.user_id);
            if let Standing::Refused(refusal) = standing::judge_anew(tx, Grant::DeviceCode, who).await? {
                return Ok(Decision::Refused(refusal));
            }
            let approve = Sql::new(
                "UPDATE device_codes SET authorized = $1, authorized_at = $7, user_id = $3, auth_time = $4, \
                 updated_at = $2 WHERE id = $5 AND authorized = $6 AND denied_at IS NULL AND expires_at > $2",
            )
            .bind(Value::Flag(true))
            .time(self.now)
            .text(self.user_id.as_str())
            .time(self.auth_time)
            .int(self.row_id)
            .bind(Value::Flag(false))
            .time(tx.after_mark(self.now));
            if tx.run(approve).await? == 0 {
                return undecided(tx, self.row_id, self.now).await;
            }
            let authorization_id = Some(upsert_consent(tx, &self.consent).await?);
            tx.insert_audit(&self.audit);
            Ok(Decision::Done { authorization_id })
        }
        .boxed()
    }
}

/// Denies a code, once.
pub struct DenyDeviceCode {
    /// Which.
    pub row_id: i64,
    /// Now.
    pub now: Timestamp,
    /// Rows of the trail.
    pub audit: Vec<AuditRow>,
}

impl Unit for DenyDeviceCode {
    type Answer = Decision;

    fn run<'c>(&'c self, tx: &'c mut Tx<'_>) -> BoxFuture<'c, Result<Decision, StoreError>> {
        async move {
            let deny = Sql::new(
                "UPDATE device_codes SET denied_at = $1, updated_at = $1 \
                 WHERE id = $2 AND authorized = $3 AND denied_at IS NULL AND expires_at > $1",
            )
            .time(self.now)
            .int(self.row_id)
            .bind(Value::Flag(false));
            if tx.run(deny).await? == 0 {
                return undecided(tx, self.row_id, self.now).await;
            }
            tx.insert_audit(&self.audit);
            Ok(Decision::Done {
                authorization_id: None,
            })
        }
        .boxed()
    }
}

async fn undecided(tx: &mut Tx<'_>, row_id: i64, now: Timestamp) -> Result<Decision, StoreError> {
    let row = tx
        .one(Sql::new("SELECT expires_at FROM device_codes WHERE id = $1").int(row_id))
        .await?;
    let expired = row
        .map(|row| row.time("expires_at"))
        .transpose()?
        .is_some_and(|at| at <= now);
    Ok(if expired {
        Decision::Expired
    } else {
        Decision::AlreadyDecided
    })
}

/// Redeems an approved code: it is gone, and the tokens are there, or neither.
pub struct RedeemDeviceCode {
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

impl Unit for RedeemDeviceCode {
    type Answer = Redemption;

    fn concern(&self) -> Concern {
        Concern::issuance(&self.client_id, Some(&self.user_id), None)
    }

    fn run<'c>(&'c self, tx: &'c mut Tx<'_>) -> BoxFuture<'c, Result<Redemption, StoreError>> {
        async move {
            let who = (&self.client_id, &self.user_id);
            if let Standing::Refused(refusal) =
                standing::judge(tx, Grant::DeviceCode, who, None).await?
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

impl RedeemDeviceCode {
    /// The guard: of all who try, one finds the row.
    async fn consume(&self, tx: &mut Tx<'_>) -> Result<bool, StoreError> {
        let consume = Sql::new(
            "DELETE FROM device_codes WHERE id = $1 AND client_id = $2 AND user_id = $3 AND authorized = $4 \
             AND denied_at IS NULL AND expires_at > $5 AND authorized_at > $6",
        )
        .int(self.row_id)
        .text(self.client_id.as_str())
        .text(self.user_id.as_str())
        .bind(Value::Flag(true))
        .time(self.now)
        .time(tx.mark());
        let consumed = tx.change(consume).await? == 1;
        Ok(consumed || faults::unguarded())
    }
}

/// Keeps an interval that grew, for other servers and the next start.
pub struct GrowInterval {
    /// Which code.
    pub row_id: i64,
    /// Seconds.
    pub interval: u32,
}

impl Unit for GrowInterval {
    type Answer = ();

    fn run<'c>(&'c self, tx: &'c mut Tx<'_>) -> BoxFuture<'c, Result<(), StoreError>> {
        async move {
            let grow = Sql::new(
                "UPDATE device_codes SET \"interval\" = $1 WHERE id = $2 AND \"interval\" < $1",
            )
            .int(i64::from(self.interval))
            .int(self.row_id);
            tx.run(grow).await.map(|_| ())
        }
        .boxed()
    }
}
