//! Taking a consent back: by the person who gave it, or by an administrator for them.
use super::{FlowError, Ground};
use crate::{
    domain::{
        audit::{Actor, AuditEvent, EventType, Origin, ResourceType},
        ids::UserId,
    },
    store::consents::RevokeConsent,
};

pub use crate::store::consents::Withdrawal;

/// Withdraws the consent of this public id, and everything that stands on it. Who did it is whom the trail names. One
/// that was withdrawn before stays so, and is not told twice.
///
/// # Errors
/// As the store.
pub async fn withdraw(
    ground: &Ground,
    (user_id, uuid): (&UserId, &str),
    by: Actor,
    origin: &Origin,
) -> Result<Withdrawal, FlowError> {
    let Some(consent) = ground.store.consent_by_uuid(user_id, uuid).await? else {
        return Ok(Withdrawal::Unknown);
    };
    let at = ground.now();
    let event = AuditEvent::new(
        EventType::UserAuthorizationRevoked,
        "Consent to a client withdrawn",
    )
    .by(by)
    .on(ResourceType::Authorization, uuid, "")
    .with("client_id", consent.client_id.as_str())
    .with("scopes", consent.scopes.to_string())
    .with("user_id", user_id.as_str())
    .from(origin);
    let audit = ground.rows(at, vec![event])?;
    ground
        .commit(RevokeConsent {
            user_id: user_id.clone(),
            uuid: uuid.to_owned(),
            at,
            audit,
        })
        .await
}
