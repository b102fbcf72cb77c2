//! How client, person, consent and family stand: read before an issuance to answer well, and again inside it to be sure.
//!
//! On Postgres the second reading locks the rows against change (`FOR SHARE`), so that a revocation, which updates the
//! parent row first, either comes before and is seen or comes after and finds the new tokens.
use super::{
    Store, StoreError, Tx,
    foreseen::{Parents, read_parents},
    rows,
    sql::{Row, Sql},
};
use crate::domain::{
    client::{Client, ClientStatus, ClientType},
    consent::ConsentStanding,
    eligibility::{self, ClientStanding, Grant, Owner, Refusal, outlives},
    ids::{ClientId, UserId},
    time::Timestamp,
    token::{Family, Subject},
    user::User,
};
use crate::faults;

/// Who is concerned by an issuance.
#[derive(Clone, Debug, Default)]
pub struct IssuanceFacts {
    /// The client.
    pub client: Option<Client>,
    /// The person.
    pub user: Option<User>,
    /// The person's consent to the client.
    pub consent: Option<ConsentStanding>,
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
            consent: consent?.as_ref().map(ConsentStanding::from),
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
    } else if faults::unlocked() {
        return Ok(Standing::Good);
    } else {
        alone(tx, client_id, Some(user_id), family).await?
    };
    let has_ended = |family: &Family| !outlives(family.created_at, facts.mark);
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
        alone(tx, client_id, Some(user_id), None).await?
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

/// What is known about the parents of an issuance.
#[derive(Clone, Copy)]
pub(super) struct Facts {
    client: Option<ClientStanding>,
    owner: Owner,
    family_revoked: bool,
    /// The family is on record.
    pub has_family: bool,
    /// Nothing that was made up to then counts.
    mark: Option<Timestamp>,
}

const CLIENT_LOCKED: &str = "SELECT client_type, status, enable_device_flow, enable_auth_code_flow, \
                             enable_client_credentials_flow, tokens_end_at FROM oauth_applications \
                             WHERE client_id = $1 FOR SHARE";

/// The client alone, for what it gets for itself.
pub(super) async fn client(
    tx: &mut Tx<'_>,
    client_id: &ClientId,
) -> Result<Option<ClientStanding>, StoreError> {
    let (standing, mark) = if tx.locks() {
        locked_client(tx, client_id).await?
    } else {
        let facts = alone(tx, client_id, None, None).await?;
        (facts.client, facts.mark)
    };
    tx.issues_after(mark);
    Ok(standing)
}

/// The reading of a parent, which nobody changes from then on until this transaction is over.
fn locking(text: &'static str) -> Sql {
    if faults::unlocked() {
        Sql::built(text.replace(" FOR SHARE", ""))
    } else {
        Sql::new(text)
    }
}

async fn locked_client(
    tx: &mut Tx<'_>,
    client_id: &ClientId,
) -> Result<(Option<ClientStanding>, Option<Timestamp>), StoreError> {
    let find = locking(CLIENT_LOCKED).text(client_id.as_str());
    let Some(row) = tx.one(find).await? else {
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
            locking("SELECT is_active, tokens_end_at FROM users WHERE id = $1 FOR SHARE")
                .text(user_id.as_str()),
        )
        .await?;
    let (client, client_mark) = locked_client(tx, client_id).await?;
    let consent = locking(
        "SELECT is_active, granted_at FROM user_authorizations WHERE user_id = $1 AND client_id = $2 FOR SHARE",
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
            tx.one(locking(find).text(family.id.as_str())).await?
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
            consent: consent
                .map(|row| rows::in_force(&row, client_mark))
                .transpose()?,
        },
        has_family: family.is_some(),
        family_revoked: family
            .map(|row| row.maybe_time("revoked_at"))
            .transpose()?
            .flatten()
            .is_some(),
    })
}

/// Nobody else writes while SQLite's writer runs: what was read for the whole batch counts, else one reading for all.
async fn alone(
    tx: &mut Tx<'_>,
    client: &ClientId,
    user: Option<&UserId>,
    family: Option<&Family>,
) -> Result<Facts, StoreError> {
    let parents = Parents {
        client: client.clone(),
        user: user.cloned(),
        family: family.map(|family| family.id.clone()),
    };
    if let Some(facts) = tx.foreseen.parents.get(&parents) {
        return Ok(*facts);
    }
    let found = read_parents(tx, &[parents]).await?;
    let (_, facts) = found
        .first()
        .ok_or_else(|| StoreError::Bug("a join gave no row".to_owned()))?;
    Ok(*facts)
}

/// The row of a join over all parents.
pub(super) fn joined(row: &Row, of_person: bool) -> Result<Facts, StoreError> {
    let client = match row.maybe_text("found")? {
        Some(_) => Some(client_standing(row)?),
        None => None,
    };
    let client_mark = row.maybe_time("client_mark")?;
    let owner = if of_person {
        let consent = match row.maybe_flag("is_active")? {
            Some(_) => Some(rows::in_force(row, client_mark)?),
            None => None,
        };
        Owner::Person {
            is_active: row.flag("user_active")?,
            consent,
        }
    } else {
        Owner::Client
    };
    Ok(Facts {
        client,
        owner,
        mark: client_mark.max(row.maybe_time("user_mark")?),
        family_revoked: row.maybe_time("revoked_at")?.is_some(),
        has_family: row.maybe_text("family")?.is_some(),
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
