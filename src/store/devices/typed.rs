//! A user code as a person types it: looked up and, when there is none, counted, as one unit. Guesses that come side by side
//! are judged one after the other.
use crate::{
    domain::{
        device::{DeviceCode, UserCode},
        guesses::{Misses, Spent},
        ids::UserId,
        time::Timestamp,
    },
    store::{
        Store, StoreError, Tx, Unit,
        rows::{self, DEVICE},
        sessions::{count_failure, failures_of, number},
        sql::Sql,
    },
};
use futures_util::{FutureExt as _, future::BoxFuture};

/// Looks a typed code up, if this session may be wrong once more.
pub struct TypeUserCode {
    /// The code; `None` for what cannot be one, which counts as a wrong one.
    pub user_code: Option<UserCode>,
    /// Whose session.
    pub user_id: UserId,
    /// Which session.
    pub session: String,
    /// Under which this person's wrong codes of today are counted.
    pub person: String,
    /// Under which everybody's wrong codes of this hour are counted.
    pub everyone: String,
    /// So many wrong codes end a session; 0 bounds nothing.
    pub max_misses: u32,
    /// Now.
    pub at: Timestamp,
}

/// What became of a typed code.
pub enum Typed {
    /// There is such a code.
    Found(Box<DeviceCode>),
    /// There is none.
    Missed,
    /// It was not looked up.
    Refused(Spent),
}

impl Unit for TypeUserCode {
    type Answer = Typed;

    fn run<'c>(&'c self, tx: &'c mut Tx<'_>) -> BoxFuture<'c, Result<Typed, StoreError>> {
        async move {
            if self.max_misses > 0
                && let Err(spent) = self.misses(tx).await?.allow(self.max_misses)
            {
                return Ok(Typed::Refused(spent));
            }
            if let Some(code) = self.find(tx).await? {
                return Ok(Typed::Found(Box::new(code)));
            }
            for account in [&self.person, &self.everyone] {
                tx.one(count_failure(account, self.at)).await?;
            }
            let missed =
                Sql::new("UPDATE sessions SET code_misses = code_misses + 1 WHERE id_hash = $1");
            tx.run(missed.text(self.session.as_str())).await?;
            Ok(Typed::Missed)
        }
        .boxed()
    }
}

impl TypeUserCode {
    /// Holds the person's row until the unit ends, so that no other guess of theirs is judged by the same count.
    async fn misses(&self, tx: &mut Tx<'_>) -> Result<Misses, StoreError> {
        if tx.locks() {
            let lock = Sql::new("SELECT id FROM users WHERE id = $1 FOR NO KEY UPDATE");
            tx.one(lock.text(self.user_id.as_str())).await?;
        }
        let session = Sql::new("SELECT code_misses FROM sessions WHERE id_hash = $1");
        let session = tx.one(session.text(self.session.as_str())).await?;
        Ok(Misses {
            session: number(session, "code_misses")?,
            today: number(tx.one(failures_of(&self.person)).await?, "failures")?,
            everyone: number(tx.one(failures_of(&self.everyone)).await?, "failures")?,
        })
    }

    async fn find(&self, tx: &mut Tx<'_>) -> Result<Option<DeviceCode>, StoreError> {
        let Some(user_code) = &self.user_code else {
            return Ok(None);
        };
        let row = tx.one(by_user_code(user_code)).await?;
        row.as_ref().map(rows::device).transpose()
    }
}

impl Store {
    /// The request with this code, for somebody who has found it before: no guess, so nothing is counted.
    ///
    /// # Errors
    /// As the database.
    pub async fn device_known(
        &self,
        user_code: &UserCode,
    ) -> Result<Option<DeviceCode>, StoreError> {
        let row = self.read_one(by_user_code(user_code)).await?;
        row.as_ref().map(rows::device).transpose()
    }
}

fn by_user_code(user_code: &UserCode) -> Sql {
    Sql::built(format!(
        "SELECT {DEVICE} FROM device_codes WHERE user_code = $1"
    ))
    .text(user_code.as_str())
}
