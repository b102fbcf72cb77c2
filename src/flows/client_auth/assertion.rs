//! `private_key_jwt` (RFC 7523 §2.2): the client signs, with a key that is registered with it. Keys are never fetched.
use super::ClientAuth;
use crate::{
    domain::{
        assertion::{self, OneUse},
        audit::Origin,
        client::Client,
        secret::Secret,
        time::Timestamp,
    },
    flows::FlowError,
    jose::ForeignKeys,
    store::assertions::UseAssertion,
};
use std::time::Duration;

impl ClientAuth {
    /// Judges an assertion and uses it up. The inner error says for the operator why it proves nothing.
    pub(super) async fn assertion_proves(
        &self,
        client: &Client,
        presented: &Secret,
        origin: &Origin,
    ) -> Result<Result<(), String>, FlowError> {
        let now = self.ground.now();
        let use_once = match self.judge(client, presented, origin, now) {
            Ok(use_once) => use_once,
            Err(why) => return Ok(Err(why)),
        };
        let left = use_once.remember_until.saturating_sub(now.unix_timestamp());
        let unit = UseAssertion {
            client_id: client.client_id.clone(),
            jti: use_once.jti,
            until: now + Duration::from_secs(u64::try_from(left).unwrap_or_default()),
            now,
        };
        Ok(if self.ground.commit(unit).await? {
            Ok(())
        } else {
            Err("the client assertion was used before".to_owned())
        })
    }

    fn judge(
        &self,
        client: &Client,
        presented: &Secret,
        origin: &Origin,
        now: Timestamp,
    ) -> Result<OneUse, String> {
        let jwks = client
            .jwks
            .as_deref()
            .ok_or("the client has no registered keys")?;
        let keys = ForeignKeys::from_jwks(jwks.as_bytes())
            .map_err(|error| format!("the registered keys cannot be used: {error}"))?;
        let claims = keys
            .verify(presented.expose())
            .map_err(|error| format!("the client assertion does not verify: {error}"))?;
        let audiences = [
            self.issuer.to_string(),
            format!("{}/oauth/token", self.issuer),
            format!("{}{}", self.issuer, origin.path.trim_end_matches('/')),
        ];
        assertion::judge(&claims, &client.client_id, &audiences, now.unix_timestamp())
            .map_err(|fault| fault.to_string())
    }
}
