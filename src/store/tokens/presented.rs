//! Tokens that somebody presents, with those they depend on: one reading for each request, and one statement for all
//! requests of the same moment.
use super::{FAMILY, family};
use crate::{
    domain::{
        client::{Client, ClientStatus},
        eligibility::outlives,
        token::{Family, Subject, Token},
        user::User,
    },
    store::{
        Store, StoreError,
        keyed::{ByKeys, Keyed, Lookups},
        lookup::Lookup,
        rows::{self, CLIENT, HOLDER, TOKEN},
        sql::Row,
    },
};
use std::sync::{Arc, LazyLock};

/// A token as it stands.
#[derive(Clone, Debug)]
pub struct Known {
    /// Its row.
    pub token: Token,
    /// The person's name; `None` for machines and for people who are gone.
    pub username: Option<String>,
    /// Whether its client is active and its person, if it speaks for one, exists and is not switched off, and neither
    /// had everything ended since the token was made.
    pub holder_stands: bool,
}

/// A token that speaks for a person, as both stand.
#[derive(Clone, Debug)]
pub struct Spoken {
    /// The token, its client and its person.
    pub known: Known,
    /// The person, unless they are gone.
    pub person: Option<User>,
}

/// A refresh token as it stands.
#[derive(Clone, Debug)]
pub struct RefreshToken {
    /// Its row.
    pub token: Token,
    /// Its family, if that is on record.
    pub family: Option<Family>,
    /// The client that it was given to, unless that is gone.
    pub client: Option<Client>,
    /// The person it speaks for, unless they are gone.
    pub person: Option<User>,
}

impl Store {
    /// The token with this hash.
    ///
    /// # Errors
    /// As the database.
    pub async fn known_token(&self, hash: &str) -> Result<Option<Known>, StoreError> {
        self.find(hash).await
    }

    /// The token with this hash, and all that is known of its person.
    ///
    /// # Errors
    /// As the database.
    pub async fn spoken_token(&self, hash: &str) -> Result<Option<Spoken>, StoreError> {
        self.find(hash).await
    }

    /// The refresh token with this hash.
    ///
    /// # Errors
    /// As the database.
    pub async fn refresh_token(&self, hash: &str) -> Result<Option<RefreshToken>, StoreError> {
        self.find(hash).await
    }
}

/// How client and person of a token stand.
const STANDING: &str = "u.tokens_end_at AS holder_mark, c.status AS client_status, c.tokens_end_at AS client_mark \
     FROM access_tokens t LEFT JOIN users u ON u.id = t.user_id \
     LEFT JOIN oauth_applications c ON c.client_id = t.client_id WHERE t.token_hash IN";

/// Of a row with `username`, `is_active` and the columns of [`STANDING`].
fn known(row: &Row) -> Result<Known, StoreError> {
    let token = rows::token(row)?;
    let client_stands = ClientStatus::stored(&row.text("client_status")?) == ClientStatus::Active;
    let person_stands = match token.subject {
        Subject::User(_) => row.flag("is_active")?,
        Subject::Client(_) => true,
    };
    let mark = row
        .maybe_time("client_mark")?
        .max(row.maybe_time("holder_mark")?);
    let is_later = outlives(token.created_at, mark);
    Ok(Known {
        token,
        username: row.maybe_text("username")?,
        holder_stands: client_stands && person_stands && is_later,
    })
}

impl Keyed for Known {
    const KEY: &'static str = "token_hash";

    fn by_keys() -> &'static ByKeys {
        static STATEMENT: LazyLock<ByKeys> = LazyLock::new(|| {
            ByKeys::new(&format!(
                "SELECT {TOKEN}, u.username, u.is_active, {STANDING}"
            ))
        });
        &STATEMENT
    }

    fn lookup(lookups: &Lookups) -> &Arc<Lookup<Self>> {
        &lookups.known_tokens
    }

    fn read(row: &Row) -> Result<Self, StoreError> {
        known(row)
    }
}

impl Keyed for Spoken {
    const KEY: &'static str = "token_hash";

    fn by_keys() -> &'static ByKeys {
        static STATEMENT: LazyLock<ByKeys> =
            LazyLock::new(|| ByKeys::new(&format!("SELECT {TOKEN}, {HOLDER}, {STANDING}")));
        &STATEMENT
    }

    fn lookup(lookups: &Lookups) -> &Arc<Lookup<Self>> {
        &lookups.spoken_tokens
    }

    fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            known: known(row)?,
            person: rows::holder(row)?,
        })
    }
}

impl Keyed for RefreshToken {
    const KEY: &'static str = "token_hash";

    fn by_keys() -> &'static ByKeys {
        static STATEMENT: LazyLock<ByKeys> = LazyLock::new(|| {
            ByKeys::new(&format!(
                "SELECT {TOKEN}, {HOLDER}, {CLIENT}, {FAMILY} FROM access_tokens t \
                 LEFT JOIN users u ON u.id = t.user_id \
                 LEFT JOIN oauth_applications c ON c.client_id = t.client_id LEFT JOIN token_families f \
                 ON f.id = coalesce(nullif(t.token_family_id, ''), nullif(t.parent_token_id, ''), t.id) \
                 WHERE t.token_hash IN"
            ))
        });
        &STATEMENT
    }

    fn lookup(lookups: &Lookups) -> &Arc<Lookup<Self>> {
        &lookups.refresh_tokens
    }

    fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            token: rows::token(row)?,
            family: family(row)?,
            client: rows::joined_client(row)?,
            person: rows::holder(row)?,
        })
    }
}
