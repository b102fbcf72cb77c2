//! `signing_keys`: what is on record about every key that signs, signed, or will. The row decides when a key is first
//! used, for all processes and wherever the private half lies.
use super::{
    Store, StoreError, Tx, Unit,
    outbox::{Remembered, note},
    rows::{self, KEY_RECORD},
    sql::{Sql, Value},
};
use crate::domain::{
    audit::AuditRow,
    key_schedule::{self, KeyRecord, KeyState},
    time::Timestamp,
};
use futures_util::{FutureExt as _, future::BoxFuture};

/// More keys than anybody makes; the latest count.
fn all() -> Sql {
    Sql::built(format!(
        "SELECT {KEY_RECORD} FROM signing_keys ORDER BY published_at DESC, kid LIMIT 500"
    ))
}

impl Store {
    /// All keys on record, the latest first.
    ///
    /// # Errors
    /// As the database.
    pub async fn signing_keys(&self) -> Result<Vec<KeyRecord>, StoreError> {
        let all = self.read_all(all()).await?;
        all.iter().map(rows::key_record).collect()
    }
}

/// Two processes that add or retire keys do it one after the other. SQLite has one writer anyway.
async fn in_turn(tx: &mut Tx<'_>) -> Result<Vec<KeyRecord>, StoreError> {
    if tx.locks() {
        tx.run(Sql::new(
            "LOCK TABLE signing_keys IN SHARE ROW EXCLUSIVE MODE",
        ))
        .await?;
    }
    let all = tx.all(all()).await?;
    all.iter().map(rows::key_record).collect()
}

/// When a new key is put on record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddWhen {
    /// Always: a file that was found.
    Found,
    /// Unless a key of its algorithm waits for its time already.
    NoneWaits,
    /// Unless a key of its algorithm is due or waits: what a first start makes.
    NoneIsThere,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Added {
    /// It is on record.
    Done,
    /// This key of the same algorithm is there already, so that it was not needed.
    NotNeeded(String),
    /// Its kid is on record.
    Known,
}

/// Puts a key on record. One that is over and comes back is published anew.
pub struct AddKey {
    /// The key.
    pub key: KeyRecord,
    /// When.
    pub when: AddWhen,
    /// Now.
    pub at: Timestamp,
    /// Rows of the trail.
    pub audit: Vec<AuditRow>,
}

impl Unit for AddKey {
    type Answer = Added;

    fn run<'c>(&'c self, tx: &'c mut Tx<'_>) -> BoxFuture<'c, Result<Added, StoreError>> {
        async move {
            let known = in_turn(tx).await?;
            let siblings = known
                .iter()
                .filter(|other| other.is_sibling(&self.key) && other.is_at_hand(self.at));
            let mut in_the_way = siblings.filter(|other| match self.when {
                AddWhen::Found => false,
                AddWhen::NoneWaits => other.is_next(self.at),
                AddWhen::NoneIsThere => other.is_next(self.at) || other.is_due(self.at),
            });
            if let Some(other) = in_the_way.next() {
                return Ok(Added::NotNeeded(other.kid.clone()));
            }
            if tx.run(insert(&self.key, self.at)).await? == 0 {
                return Ok(Added::Known);
            }
            tx.insert_audit(&self.audit);
            note(tx, Remembered::SigningKeys, &self.key.kid, self.at);
            Ok(Added::Done)
        }
        .boxed()
    }
}

fn insert(key: &KeyRecord, at: Timestamp) -> Sql {
    Sql::new(
        "INSERT INTO signing_keys (kid, algorithm, spki, published_at, activate_at, held_at, not_after, sealed, \
         purpose) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $10) ON CONFLICT (kid) DO UPDATE SET published_at = excluded.published_at, \
         activate_at = excluded.activate_at, held_at = excluded.held_at, not_after = excluded.not_after, \
         sealed = excluded.sealed WHERE signing_keys.spki = excluded.spki AND signing_keys.retired_at IS NULL \
         AND signing_keys.not_after <= $9",
    )
    .text(key.kid.as_str())
    .text(key.algorithm.as_str())
    .bind(Value::Bytes(key.spki.clone()))
    .time(key.published_at)
    .time(key.activate_at)
    .time(key.held_at)
    .time(key.not_after)
    .bind(Value::MaybeText(key.sealed.clone()))
    .time(at)
    .bind(Value::MaybeText(
        key.for_id_tokens.then(|| rows::FOR_ID_TOKENS.to_owned()),
    ))
}

/// Tells that this process holds keys, and moves the end of those that it signs with further out.
pub struct TellHeld {
    /// Keys at hand.
    pub held: Vec<String>,
    /// Keys that sign.
    pub signing: Vec<String>,
    /// Now.
    pub at: Timestamp,
    /// The new end.
    pub not_after: Timestamp,
}

impl Unit for TellHeld {
    type Answer = ();

    fn run<'c>(&'c self, tx: &'c mut Tx<'_>) -> BoxFuture<'c, Result<(), StoreError>> {
        async move {
            for kid in &self.held {
                let told = Sql::new(
                    "UPDATE signing_keys SET held_at = $1 WHERE kid = $2 AND held_at < $1",
                );
                tx.run(told.time(self.at).text(kid.as_str())).await?;
            }
            for kid in &self.signing {
                let moved = Sql::new(
                    "UPDATE signing_keys SET not_after = $1 WHERE kid = $2 AND not_after < $1 \
                     AND retired_at IS NULL",
                );
                tx.run(moved.time(self.not_after).text(kid.as_str()))
                    .await?;
            }
            Ok(())
        }
        .boxed()
    }
}

/// Replaces what a private half is sealed with, unless somebody else did. Tells whether it was done.
pub struct SealAnew {
    /// Which.
    pub kid: String,
    /// The sealed text that was read.
    pub former: String,
    /// The same key, sealed with the current secret.
    pub sealed: String,
}

impl Unit for SealAnew {
    type Answer = bool;

    fn run<'c>(&'c self, tx: &'c mut Tx<'_>) -> BoxFuture<'c, Result<bool, StoreError>> {
        async move {
            let replace =
                Sql::new("UPDATE signing_keys SET sealed = $3 WHERE kid = $1 AND sealed = $2")
                    .text(self.kid.as_str())
                    .text(self.former.as_str())
                    .text(self.sealed.as_str());
            Ok(tx.run(replace).await? == 1)
        }
        .boxed()
    }
}

/// Lets a key that waits sign from now on. Tells whether it was waiting.
pub struct ActivateKey {
    /// Which.
    pub kid: String,
    /// Now.
    pub at: Timestamp,
    /// Rows of the trail.
    pub audit: Vec<AuditRow>,
}

impl Unit for ActivateKey {
    type Answer = bool;

    fn run<'c>(&'c self, tx: &'c mut Tx<'_>) -> BoxFuture<'c, Result<bool, StoreError>> {
        async move {
            let advance = Sql::new(
                "UPDATE signing_keys SET activate_at = $1 WHERE kid = $2 AND activate_at > $1 \
                 AND retired_at IS NULL AND not_after > $1",
            );
            let advanced = tx
                .run(advance.time(self.at).text(self.kid.as_str()))
                .await?
                == 1;
            if advanced {
                tx.insert_audit(&self.audit);
                note(tx, Remembered::SigningKeys, &self.kid, self.at);
            }
            Ok(advanced)
        }
        .boxed()
    }
}

/// What became of a key that should be retired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retired {
    /// It signs no more.
    Done,
    /// There is no such key.
    Unknown,
    /// It was retired or over before.
    Already,
    /// It signs, and no other key of its algorithm is due.
    Only,
}

/// Takes a key out of service.
pub struct RetireKey {
    /// Which.
    pub kid: String,
    /// Now.
    pub at: Timestamp,
    /// Until when its tokens verify.
    pub not_after: Timestamp,
    /// Rows of the trail.
    pub audit: Vec<AuditRow>,
}

impl Unit for RetireKey {
    type Answer = Retired;

    fn run<'c>(&'c self, tx: &'c mut Tx<'_>) -> BoxFuture<'c, Result<Retired, StoreError>> {
        async move {
            let known = in_turn(tx).await?;
            let states = key_schedule::states(&known, self.at);
            let Some((key, state)) = states.iter().find(|(key, _)| key.kid == self.kid) else {
                return Ok(Retired::Unknown);
            };
            // A key that is retired already may still be withdrawn.
            let withdrawn = key.retired_at.is_some() && self.not_after < key.not_after;
            if *state == KeyState::Over || (key.retired_at.is_some() && !withdrawn) {
                return Ok(Retired::Already);
            }
            let mut others = known.iter().filter(|other| {
                other.kid != key.kid
                    && other.is_sibling(key)
                    && other.is_at_hand(self.at)
                    && other.is_due(self.at)
            });
            if *state == KeyState::Active && others.next().is_none() {
                return Ok(Retired::Only);
            }
            let retire = Sql::new(
                "UPDATE signing_keys SET retired_at = $1, not_after = $2, sealed = NULL WHERE kid = $3",
            );
            tx.run(
                retire
                    .time(self.at)
                    .time(self.not_after)
                    .text(self.kid.as_str()),
            )
            .await?;
            tx.insert_audit(&self.audit);
            note(tx, Remembered::SigningKeys, &self.kid, self.at);
            Ok(Retired::Done)
        }
        .boxed()
    }
}
