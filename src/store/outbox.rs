//! `invalidations`: what was changed and may be remembered elsewhere. Written in the same transaction as the change,
//! read by every process.
use super::{
    Store, StoreError, Tx,
    sql::{Sql, Value},
};
use crate::domain::time::Timestamp;
use std::sync::OnceLock;

mod wakes;
pub(super) use wakes::ANNOUNCE;
pub use wakes::Wakes;

/// What processes remember for a while and must be told of. Nobody is told of other changes: people, tokens and their
/// families, consents and sessions are read from the database whenever they count. A release that is to remember more
/// comes after one that tells of it, for during an upgrade both run on one database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remembered {
    /// A client, by its `client_id`.
    Client,
    /// The signing keys; the key of the note is a `kid`.
    SigningKeys,
}

impl Remembered {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::SigningKeys => "signing_keys",
        }
    }

    fn of(kind: &str) -> Option<Self> {
        [Self::Client, Self::SigningKeys]
            .into_iter()
            .find(|known| known.as_str() == kind)
    }
}

/// Something that may be remembered and has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalidation {
    /// Grows with every change; two that commit at the same time may become visible out of order.
    pub id: i64,
    /// What it is; `None` for what only another release remembers.
    pub kind: Option<Remembered>,
    /// Which.
    pub key: String,
}

/// Hears what a transaction of this process changed.
type Ear = Box<dyn Fn(Remembered, &str) + Send + Sync>;

/// Who remembers in this process.
#[derive(Default)]
pub(super) struct Listener(OnceLock<Ear>);

impl Listener {
    /// Tells of the notes when what this gives is dropped: to be held over a commit. One whose outcome is not known is
    /// told of as well, for to forget too much costs a look.
    pub(super) fn after_commit(&self, notes: Vec<Note>) -> impl Drop + '_ {
        Telling {
            listener: self,
            notes,
        }
    }
}

/// What was noted.
pub(super) type Note = (Remembered, String);

struct Telling<'l> {
    listener: &'l Listener,
    notes: Vec<Note>,
}

impl Drop for Telling<'_> {
    fn drop(&mut self) {
        if let Some(ear) = self.listener.0.get() {
            self.notes.iter().for_each(|(kind, key)| ear(*kind, key));
        }
    }
}

/// Tells everybody who may remember it, with the change itself: this process when it is committed, others by the outbox.
pub(super) fn note(tx: &mut Tx<'_>, kind: Remembered, key: &str, at: Timestamp) {
    tx.noted.push((kind, key.to_owned()));
    tx.insert_note(vec![
        Value::Text(kind.as_str().to_owned()),
        Value::Text(key.to_owned()),
        Value::Time(at),
    ]);
}

impl Store {
    /// From now on `ear` hears what transactions of this process changed that may be remembered, before whoever asked for
    /// the change is answered. To be called once.
    pub fn tell(&self, ear: impl Fn(Remembered, &str) + Send + Sync + 'static) {
        let _ = self.0.listener.0.set(Box::new(ear));
    }

    /// Changes with a greater id, oldest first, at most a thousand.
    ///
    /// # Errors
    /// As the database.
    pub async fn invalidations_after(&self, id: i64) -> Result<Vec<Invalidation>, StoreError> {
        let find = Sql::new(
            "SELECT id, kind, key FROM invalidations WHERE id > $1 ORDER BY id LIMIT 1000",
        )
        .int(id);
        self.read_all(find)
            .await?
            .iter()
            .map(|row| {
                Ok(Invalidation {
                    id: row.int("id")?,
                    kind: Remembered::of(&row.text("kind")?),
                    key: row.text("key")?,
                })
            })
            .collect()
    }

    /// The greatest id there is.
    ///
    /// # Errors
    /// As the database.
    pub async fn last_invalidation(&self) -> Result<i64, StoreError> {
        let find = Sql::new("SELECT max(id) AS last FROM invalidations");
        self.read_one(find)
            .await?
            .map_or(Ok(0), |row| row.int("last"))
    }
}
