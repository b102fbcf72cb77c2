//! How client, person, consent and family stand: read before an issuance to answer well, and again inside it to be sure.
//!
//! On Postgres the second reading locks the rows against change (`FOR SHARE`), so that a revocation, which updates the
//! parent row first, either comes before and is seen or comes after and finds the new tokens.
use super::{
    Store, StoreError, Tx,
    sql::{Row, Sql},
};
use crate::domain::{
    client::{Client, ClientStatus, ClientType},
    consent::Consent,
    eligibility::{self, ClientStanding, Grant, Owner, Refusal},
    ids::{ClientId, UserId},
    time::Timestamp,
    token::{Family, Subject},
    user::User,
};

/// Who is concerned by an issuance.
#[derive(Clone, Debug, Default)]
pub struct IssuanceFacts {
    /// The client.
    pub client: Option<Client>,
    /// The person.
    pub user: Option<User>,
    /// The person's consent to the client.
    pub consent: Option<Consent>,
}

impl IssuanceFacts {
    /// The owner as eligibility wants to know it.
    pub fn owner(&self) -> Owner {
        Owner::Person {
            is_active: self.user.as_ref().is_some_and(|user| user.is_active),
            consent: self.consent.as_ref().map(|consent| consent.is_active),
        }
    }
}

impl Store {
    /// Client, person and consent, as they are now.
    ///
    /// # Errors
    /// As the database.
    pub async fn issuance_facts(
        &self,
        client_id: &ClientId,
        user_id: &UserId,
    ) -> Result<IssuanceFacts, StoreError> {
        let (client, user, consent) = tokio::join!(
            self.client(client_id),
            self.user(user_id),
            self.consent(user_id, client_id)
        );
        Ok(IssuanceFacts {
            client: client?,
            user: user?,
            consent: consent?,
        })
    }
}

/// What the transaction says about an issuance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// Go on.
    Good,
    /// The family is dead.
    FamilyRevoked,
    /// Somebody may no longer.
    Refused(Refusal),
}

/// Judges inside the transaction.
pub(super) async fn judge(
    tx: &mut Tx<'_>,
    grant: Grant,
    (client_id, user_id): (&ClientId, &UserId),
    family: Option<&Family>,
) -> Result<Standing, StoreError> {
    let facts = if tx.locks() {
        locked(tx, client_id, user_id, family, Consents::Locked).await?
    } else {
        joined(tx, client_id, user_id, family).await?
    };
    let has_ended = |family: &Family| facts.mark.is_some_and(|mark| family.created_at <= mark);
    if facts.family_revoked || family.is_some_and(has_ended) {
        return Ok(Standing::FamilyRevoked);
    }
    tx.issues_after(facts.mark);
    Ok(match eligibility::check(grant, facts.client, facts.owner) {
        Ok(()) => Standing::Good,
        Err(refusal) => Standing::Refused(refusal),
    })
}

/// As [`judge`], for a decision that writes the consent itself: a withdrawn one is given anew and refuses nothing. Its row
/// is not locked here, because two decisions that held it together could not both write it.
pub(super) async fn judge_anew(
    tx: &mut Tx<'_>,
    grant: Grant,
    (client_id, user_id): (&ClientId, &UserId),
) -> Result<Standing, StoreError> {
    let mut facts = if tx.locks() {
        locked(tx, client_id, user_id, None, Consents::Passed).await?
    } else {
        joined(tx, client_id, user_id, None).await?
    };
    if let Owner::Person { consent, .. } = &mut facts.owner {
        *consent = None;
    }
    tx.issues_after(facts.mark);
    Ok(match eligibility::check(grant, facts.client, facts.owner) {
        Ok(()) => Standing::Good,
        Err(refusal) => Standing::Refused(refusal),
    })
}

/// Whether the consent is looked at.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Consents {
    Locked,
    Passed,
}

struct Facts {
    client: Option<ClientStanding>,
    owner: Owner,
    family_revoked: bool,
    /// Nothing that was made up to then counts.
    mark: Option<Timestamp>,
}

const CLIENT: &str = "SELECT client_type, status, enable_device_flow, enable_auth_code_flow, \
                      enable_client_credentials_flow, tokens_end_at FROM oauth_applications WHERE client_id = $1";
const CLIENT_LOCKED: &str = "SELECT client_type, status, enable_device_flow, enable_auth_code_flow, \
                             enable_client_credentials_flow, tokens_end_at FROM oauth_applications \
                             WHERE client_id = $1 FOR SHARE";

/// The client alone, for what it gets for itself.
pub(super) async fn client(
    tx: &mut Tx<'_>,
    client_id: &ClientId,
) -> Result<Option<ClientStanding>, StoreError> {
    let (standing, mark) = client_and_mark(tx, client_id).await?;
    tx.issues_after(mark);
    Ok(standing)
}

async fn client_and_mark(
    tx: &mut Tx<'_>,
    client_id: &ClientId,
) -> Result<(Option<ClientStanding>, Option<Timestamp>), StoreError> {
    let find = if tx.locks() { CLIENT_LOCKED } else { CLIENT };
    let Some(row) = tx.one(Sql::new(find).text(client_id.as_str())).await? else {
        return Ok((None, None));
    };
    Ok((
        Some(client_standing(&row)?),
        row.maybe_time("tokens_end_at")?,
    ))
}

async fn locked(
    tx: &mut Tx<'_>,
    client_id: &ClientId,
    user_id: &UserId,
    family: Option<&Family>,
    consents: Consents,
) -> Result<Facts, StoreError> {
    // Always in this order, so that two transactions never wait for each other.
    let user = tx
        .one(
            Sql::new("SELECT is_active, tokens_end_at FROM users WHERE id = $1 FOR SHARE")
                .text(user_id.as_str()),
        )
        .await?;
    let (client, client_mark) = client_and_mark(tx, client_id).await?;
    let consent = Sql::new(
        "SELECT is_active FROM user_authorizations WHERE user_id = $1 AND client_id = $2 FOR SHARE",
    )
    .text(user_id.as_str())
    .text(client_id.as_str());
    let consent = match consents {
        Consents::Locked => tx.one(consent).await?,
        Consents::Passed => None,
    };
    let family = match family {
        Some(family) => {
            let find = "SELECT revoked_at FROM token_families WHERE id = $1 FOR SHARE";
            tx.one(Sql::new(find).text(family.id.as_str())).await?
        }
        None => None,
    };
    let user_mark = user
        .as_ref()
        .map(|row| row.maybe_time("tokens_end_at"))
        .transpose()?
        .flatten();
    Ok(Facts {
        client,
        mark: client_mark.max(user_mark),
        owner: Owner::Person {
            is_active: user
                .map(|row| row.flag("is_active"))
                .transpose()?
                .unwrap_or(false),
            consent: consent.map(|row| row.flag("is_active")).transpose()?,
        },
        family_revoked: family
            .map(|row| row.maybe_time("revoked_at"))
            .transpose()?
            .flatten()
            .is_some(),
    })
}

/// One reading for all: nobody else writes while SQLite's writer runs.
async fn joined(
    tx: &mut Tx<'_>,
    client_id: &ClientId,
    user_id: &UserId,
    family: Option<&Family>,
) -> Result<Facts, StoreError> {
    let find = Sql::new(
        "SELECT c.client_id AS found, c.client_type, c.status, c.enable_device_flow, c.enable_auth_code_flow, \
         c.enable_client_credentials_flow, c.tokens_end_at AS client_mark, u.tokens_end_at AS user_mark, u.is_active AS user_active, a.is_active AS consent_active, f.revoked_at \
         FROM (SELECT 1) AS one \
         LEFT JOIN oauth_applications c ON c.client_id = $1 \
         LEFT JOIN users u ON u.id = $2 \
         LEFT JOIN user_authorizations a ON a.user_id = $2 AND a.application_id = c.id \
         LEFT JOIN token_families f ON f.id = $3",
    )
    .text(client_id.as_str())
    .text(user_id.as_str())
    .text(family.map(|family| family.id.as_str()).unwrap_or_default());
    let row = tx
        .one(find)
        .await?
        .ok_or_else(|| StoreError::Bug("a join gave no row".to_owned()))?;
    let client = match row.maybe_text("found")? {
        Some(_) => Some(client_standing(&row)?),
        None => None,
    };
    Ok(Facts {
        client,
        mark: row
            .maybe_time("client_mark")?
            .max(row.maybe_time("user_mark")?),
        owner: Owner::Person {
            is_active: row.flag("user_active")?,
            consent: row.maybe_flag("consent_active")?,
        },
        family_revoked: row.maybe_time("revoked_at")?.is_some(),
    })
}

fn client_standing(row: &Row) -> Result<ClientStanding, StoreError> {
    Ok(ClientStanding {
        is_active: ClientStatus::stored(&row.text("status")?) == ClientStatus::Active,
        is_confidential: ClientType::stored(&row.text("client_type")?) == ClientType::Confidential,
        device_flow: row.flag("enable_device_flow")?,
        auth_code_flow: row.flag("enable_auth_code_flow")?,
        client_credentials_flow: row.flag("enable_client_credentials_flow")?,
    })
}

/// The person of a token that speaks for one.
pub(super) fn person(subject: &Subject) -> Result<&UserId, StoreError> {
    subject
        .user()
        .ok_or_else(|| StoreError::Bug("a token without a person in a grant for people".to_owned()))
}
