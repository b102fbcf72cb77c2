//! `user_authorizations`: what people allowed clients, and how they take it back.
use super::{
    Store, StoreError, Tx, Unit,
    listing::Draft,
    rows::{self, CONSENT},
    sql::{Row, Sql, Value, list},
};
use crate::domain::{
    audit::AuditRow,
    consent::{Consent, ConsentOfClient, ConsentOfPerson},
    ids::{ClientId, UserId},
    paging::{Cursor, Leaf, Slice},
    scope::ScopeSet,
    time::Timestamp,
};
use futures_util::{FutureExt as _, future::BoxFuture};

impl Store {
    /// The person's consent to the client, in force or withdrawn.
    ///
    /// # Errors
    /// As the database.
    pub async fn consent(
        &self,
        user_id: &UserId,
        client_id: &ClientId,
    ) -> Result<Option<Consent>, StoreError> {
        let find = Sql::built(format!(
            "SELECT {CONSENT} FROM user_authorizations a \
             LEFT JOIN oauth_applications c ON c.client_id = a.client_id WHERE a.user_id = $1 AND a.client_id = $2"
        ))
        .text(user_id.as_str())
        .text(client_id.as_str());
        self.read_one(find)
            .await?
            .as_ref()
            .map(rows::consent)
            .transpose()
    }

    /// The person's consent of this public id, in force or withdrawn. Somebody else's is not found.
    ///
    /// # Errors
    /// As the database.
    pub async fn consent_by_uuid(
        &self,
        user_id: &UserId,
        uuid: &str,
    ) -> Result<Option<Consent>, StoreError> {
        if uuid.contains('\0') {
            return Ok(None);
        }
        let find = Sql::built(format!(
            "SELECT {CONSENT} FROM user_authorizations a \
             LEFT JOIN oauth_applications c ON c.client_id = a.client_id WHERE a.uuid = $1 AND a.user_id = $2"
        ))
        .text(uuid)
        .text(user_id.as_str());
        self.read_one(find)
            .await?
            .as_ref()
            .map(rows::consent)
            .transpose()
    }

    /// A page of what a person allowed and has not taken back, the newest first, with the names of the clients.
    ///
    /// # Errors
    /// As the database.
    pub async fn consents_of_person(
        &self,
        user_id: &UserId,
        slice: &Slice,
    ) -> Result<Leaf<ConsentOfPerson>, StoreError> {
        let mut draft = Draft::new(self.driver());
        draft.add(&format!(
            "SELECT {CONSENT}, c.client_name FROM user_authorizations a \
             LEFT JOIN oauth_applications c ON c.client_id = a.client_id \
             WHERE a.is_active AND coalesce(a.granted_at > c.tokens_end_at, true) AND a.user_id = "
        ));
        draft.text(user_id.as_str());
        let line = |row: &Row| {
            Ok(ConsentOfPerson {
                consent: rows::consent(row)?,
                client_name: row.text("client_name")?,
            })
        };
        self.page_of_consents(draft, slice, line, |line| &line.consent)
            .await
    }

    /// A page of those who allowed a client something and have not taken it back, the newest first, with names.
    ///
    /// # Errors
    /// As the database.
    pub async fn consents_of_client(
        &self,
        client_id: &ClientId,
        slice: &Slice,
    ) -> Result<Leaf<ConsentOfClient>, StoreError> {
        let mut draft = Draft::new(self.driver());
        draft.add(&format!(
            "SELECT {CONSENT}, u.username, u.email FROM user_authorizations a \
             LEFT JOIN users u ON u.id = a.user_id LEFT JOIN oauth_applications c ON c.client_id = a.client_id \
             WHERE a.is_active AND coalesce(a.granted_at > c.tokens_end_at, true) AND a.client_id = "
        ));
        draft.text(client_id.as_str());
        let line = |row: &Row| {
            Ok(ConsentOfClient {
                consent: rows::consent(row)?,
                username: row.text("username")?,
                email: row.text("email")?,
            })
        };
        self.page_of_consents(draft, slice, line, |line| &line.consent)
            .await
    }

    /// A page of what the draft finds, the newest first.
    async fn page_of_consents<T>(
        &self,
        mut draft: Draft,
        slice: &Slice,
        line: impl Fn(&Row) -> Result<T, StoreError>,
        consent: impl Fn(&T) -> &Consent,
    ) -> Result<Leaf<T>, StoreError> {
        draft.beyond("a.granted_at, a.uuid", slice);
        draft.ordered(("a.granted_at", "a.uuid"), slice);
        let found = self.read_all(draft.done()).await?;
        let found: Result<Vec<T>, StoreError> = found.iter().map(line).collect();
        Ok(Leaf::cut(found?, slice, |line| Cursor {
            at: consent(line).granted_at,
            id: consent(line).uuid.clone(),
        }))
    }
}

/// A consent to be written.
#[derive(Clone, Debug)]
pub struct NewConsent {
    /// New at every consent.
    pub uuid: String,
    /// Who.
    pub user_id: UserId,
    /// `oauth_applications.id`.
    pub application_id: i64,
    /// To whom.
    pub client_id: ClientId,
    /// What.
    pub scopes: ScopeSet,
    /// Where.
    pub resource: Vec<String>,
    /// Now.
    pub granted_at: Timestamp,
}

/// One row for each person and application; its public id changes at every consent. To be called by a unit that was
/// judged, so that the consent is later than what ended before it.
pub(super) async fn upsert_consent(
    tx: &mut Tx<'_>,
    consent: &NewConsent,
) -> Result<i64, StoreError> {
    let upsert = Sql::new(
        "INSERT INTO user_authorizations (uuid, user_id, application_id, client_id, scopes, resource, granted_at, \
         revoked_at, is_active, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, NULL, $8, $7, $7) \
         ON CONFLICT (user_id, application_id) DO UPDATE SET uuid = excluded.uuid, client_id = excluded.client_id, \
         scopes = excluded.scopes, resource = excluded.resource, granted_at = excluded.granted_at, revoked_at = NULL, \
         is_active = excluded.is_active, updated_at = excluded.updated_at RETURNING id",
    )
    .text(consent.uuid.as_str())
    .text(consent.user_id.as_str())
    .int(consent.application_id)
    .text(consent.client_id.as_str())
    .text(consent.scopes.to_string())
    .bind(list(&consent.resource))
    .time(tx.after_mark(consent.granted_at))
    .bind(Value::Flag(true));
    let row = tx
        .one(upsert)
        .await?
        .ok_or_else(|| StoreError::Bug("an upsert gave no row".to_owned()))?;
    row.int("id")
}

/// What a withdrawal brought about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Withdrawal {
    /// It was in force and is not any more.
    Done {
        /// Tokens that counted until then.
        tokens: u64,
    },
    /// It was withdrawn before.
    Already,
    /// No such consent of this person.
    Unknown,
}

/// Withdraws a consent and everything that stands on it: families, access and refresh tokens however often they were
/// refreshed, codes and device codes that wait to be redeemed. All that a client holds for a person descends from the one
/// consent of the two, so rows of the Go server, which forgot to name it, are found as well.
pub struct RevokeConsent {
    /// Whose.
    pub user_id: UserId,
    /// Its public id.
    pub uuid: String,
    /// Now.
    pub at: Timestamp,
    /// Rows of the trail, written when it was in force.
    pub audit: Vec<AuditRow>,
}

impl Unit for RevokeConsent {
    type Answer = Withdrawal;

    fn run<'c>(&'c self, tx: &'c mut Tx<'_>) -> BoxFuture<'c, Result<Withdrawal, StoreError>> {
        async move {
            // The parent first: whoever issues holds it, and is either seen below or sees it withdrawn.
            let end = Sql::new(
                "UPDATE user_authorizations SET is_active = $3, revoked_at = $4, updated_at = $4 \
                 WHERE uuid = $1 AND user_id = $2 AND is_active = $5 AND coalesce(granted_at > (SELECT tokens_end_at \
                 FROM oauth_applications c WHERE c.client_id = user_authorizations.client_id), $5) RETURNING client_id",
            )
            .text(self.uuid.as_str())
            .text(self.user_id.as_str())
            .bind(Value::Flag(false))
            .bind(Value::MaybeTime(Some(self.at)))
            .bind(Value::Flag(true));
            let Some(row) = tx.one(end).await? else {
                return self.why_not(tx).await;
            };
            let client_id = ClientId::new(row.text("client_id")?);
            let tokens = end_descendants(tx, (&self.user_id, &client_id), self.at).await?;
            tx.insert_audit(&self.audit);
            Ok(Withdrawal::Done { tokens })
        }
        .boxed()
    }
}

impl RevokeConsent {
    async fn why_not(&self, tx: &mut Tx<'_>) -> Result<Withdrawal, StoreError> {
        let find = Sql::new("SELECT id FROM user_authorizations WHERE uuid = $1 AND user_id = $2")
            .text(self.uuid.as_str())
            .text(self.user_id.as_str());
        Ok(match tx.one(find).await? {
            Some(_) => Withdrawal::Already,
            None => Withdrawal::Unknown,
        })
    }
}

/// Ends everything that a client holds for a person. Tells how many tokens counted until now. The consent, which issuance
/// locks, must have been updated before in the same transaction.
async fn end_descendants(
    tx: &mut Tx<'_>,
    (user_id, client_id): (&UserId, &ClientId),
    at: Timestamp,
) -> Result<u64, StoreError> {
    let of_both = |text: &'static str| {
        Sql::new(text)
            .text(user_id.as_str())
            .text(client_id.as_str())
    };
    let families = "UPDATE token_families SET revoked_at = $3 WHERE user_id = $1 AND client_id = $2 AND revoked_at IS NULL";
    tx.run(of_both(families).time(at)).await?;
    // A token that is switched off could be switched on again, so it goes as well.
    let tokens = "UPDATE access_tokens SET status = 'revoked' WHERE user_id = $1 AND client_id = $2 \
                  AND status IN ('active', 'disabled')";
    let revoked = tx.run(of_both(tokens)).await?;
    // A code that were marked as used would be told as stolen when its client comes with it.
    for codes in [
        "DELETE FROM authorization_codes WHERE user_id = $1 AND client_id = $2 AND used_at IS NULL",
        "DELETE FROM device_codes WHERE user_id = $1 AND client_id = $2",
    ] {
        tx.run(of_both(codes)).await?;
    }
    Ok(revoked)
}
