//! What the units of one batch are judged by, read for all of them together (SQLite).
//!
//! The writer of SQLite is alone: a row that was read inside its transaction stays as it was read until the transaction
//! itself changes it. So what is on hand here is as good as reading it again. A statement that might change such rows
//! makes all of it forgotten (see [`Tx::run`]); the next unit reads for itself.
//!
//! Postgres has other writers: there each unit reads for itself and locks what it reads.
use super::{
    StoreError, Tx,
    codes::CodeStanding,
    sql::{Row, Sql, Value, pieces},
    standing::{self, Facts},
};
use crate::domain::{
    ids::{ClientId, FamilyId, TokenId, UserId},
    time::Timestamp,
    token::TokenStatus,
};
use std::collections::{HashMap, HashSet};

/// Whose standing an issuance is judged by.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Parents {
    /// The client.
    pub client: ClientId,
    /// The person, unless it is for the client itself.
    pub user: Option<UserId>,
    /// The family, if it is on record already or may be.
    pub family: Option<FamilyId>,
}

/// Rows that a unit is judged by.
#[derive(Clone, Debug, Default)]
pub struct Concern {
    /// The parents of what it issues.
    pub parents: Option<Parents>,
    /// The token that it uses up, touches or takes away.
    pub token: Option<TokenId>,
    /// The row of the authorization code that it uses up.
    pub code: Option<i64>,
}

impl Concern {
    /// An issuance to a client, for a person or for itself.
    pub fn issuance(client: &ClientId, user: Option<&UserId>, family: Option<&FamilyId>) -> Self {
        let parents = Parents {
            client: client.clone(),
            user: user.cloned(),
            family: family.cloned(),
        };
        Self {
            parents: Some(parents),
            ..Self::default()
        }
    }

    /// It changes this token.
    #[must_use]
    pub fn with_token(self, id: &TokenId) -> Self {
        Self {
            token: Some(id.clone()),
            ..self
        }
    }

    /// It uses this authorization code up.
    #[must_use]
    pub fn with_code(self, row_id: i64) -> Self {
        Self {
            code: Some(row_id),
            ..self
        }
    }
}

/// A token, as it stands within the transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TokenStanding {
    pub status: TokenStatus,
    pub expires_at: Timestamp,
}

/// What is on hand.
#[derive(Default)]
pub(super) struct Foreseen {
    pub parents: HashMap<Parents, Facts>,
    /// `None` for a token that is not there.
    pub tokens: HashMap<TokenId, Option<TokenStanding>>,
    /// `None` for a code that is used or not there.
    pub codes: HashMap<i64, Option<CodeStanding>>,
}

impl Foreseen {
    /// Whether the family is known to be on record.
    pub fn has_family(&self, id: &FamilyId) -> bool {
        self.parents
            .iter()
            .any(|(parents, facts)| facts.has_family && parents.family.as_ref() == Some(id))
    }
}

impl Tx<'_> {
    /// Reads what all of these are about.
    pub(super) async fn foresee(&mut self, concerns: Vec<Concern>) -> Result<(), StoreError> {
        let (mut parents, mut tokens, mut codes) = (HashSet::new(), HashSet::new(), HashSet::new());
        for concern in concerns {
            parents.extend(concern.parents);
            tokens.extend(concern.token);
            codes.extend(concern.code);
        }
        let parents: Vec<Parents> = parents.into_iter().collect();
        let tokens: Vec<TokenId> = tokens.into_iter().collect();
        for piece in pieces(&parents) {
            let found = read_parents(self, piece).await?;
            self.foreseen.parents.extend(found);
        }
        for piece in pieces(&tokens) {
            self.foresee_tokens(piece).await?;
        }
        let codes: Vec<i64> = codes.into_iter().collect();
        for piece in pieces(&codes) {
            self.foresee_codes(piece).await?;
        }
        Ok(())
    }

    async fn foresee_tokens(&mut self, ids: &[TokenId]) -> Result<(), StoreError> {
        let text = format!(
            "SELECT id, status, expires_at FROM access_tokens WHERE id IN ({})",
            vec!["?"; ids.len()].join(",")
        );
        let find = Sql::built(text).values(ids.iter().map(text_of).collect());
        let rows = self.look(find).await?;
        self.foreseen
            .tokens
            .extend(ids.iter().map(|id| (id.clone(), None)));
        for row in rows {
            let standing = TokenStanding {
                status: TokenStatus::stored(&row.text("status")?),
                expires_at: row.time("expires_at")?,
            };
            let id = TokenId::new(row.text("id")?);
            self.foreseen.tokens.insert(id, Some(standing));
        }
        Ok(())
    }
}

fn text_of(id: &TokenId) -> Value {
    Value::Text(id.as_str().to_owned())
}

/// How these stand: one reading for all.
pub(super) async fn read_parents(
    tx: &mut Tx<'_>,
    all: &[Parents],
) -> Result<Vec<(Parents, Facts)>, StoreError> {
    let places: Vec<String> = (0..all.len()).map(|at| format!("({at},?,?,?)")).collect();
    let text = format!(
        "SELECT v.column1 AS place, c.client_id AS found, c.client_type, c.status, c.enable_device_flow, \
         c.enable_auth_code_flow, c.enable_client_credentials_flow, c.tokens_end_at AS client_mark, \
         u.tokens_end_at AS user_mark, u.is_active AS user_active, \
         a.is_active, a.granted_at, f.id AS family, f.revoked_at \
         FROM (VALUES {}) AS v \
         LEFT JOIN oauth_applications c ON c.client_id = v.column2 \
         LEFT JOIN users u ON u.id = v.column3 \
         LEFT JOIN user_authorizations a ON a.user_id = v.column3 AND a.application_id = c.id \
         LEFT JOIN token_families f ON f.id = v.column4",
        places.join(",")
    );
    let values = all.iter().flat_map(|parents| {
        [
            Value::Text(parents.client.as_str().to_owned()),
            Value::MaybeText(parents.user.as_ref().map(|id| id.as_str().to_owned())),
            Value::MaybeText(parents.family.as_ref().map(|id| id.as_str().to_owned())),
        ]
    });
    let rows = tx.look(Sql::built(text).values(values.collect())).await?;
    rows.iter().map(|row| placed(row, all)).collect()
}

fn placed(row: &Row, all: &[Parents]) -> Result<(Parents, Facts), StoreError> {
    let parents = usize::try_from(row.int("place")?)
        .ok()
        .and_then(|place| all.get(place))
        .ok_or_else(|| StoreError::Bug("a join gave a row that was not asked for".to_owned()))?;
    let facts = standing::joined(row, parents.user.is_some())?;
    Ok((parents.clone(), facts))
}
