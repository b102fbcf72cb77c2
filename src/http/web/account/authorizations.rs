//! `/account/authorizations`: what a person allowed, and how they take it back.
use crate::{
    flows::{
        FlowError,
        account::AccountDeps,
        browse,
        consents::{Withdrawal, withdraw},
    },
    http::web::{
        form_encoded,
        guard::{Answer, Visit},
    },
    pages::{
        AuthorizationRow, AuthorizationsPage, ConfirmPage, Fact, Place, ScopeLine, When, Words,
    },
};
use std::sync::Arc;

const LIST: &str = "/account/authorizations";

/// `GET /account/authorizations`.
pub async fn list(deps: AccountDeps, visit: Arc<Visit>) -> Answer {
    let ground = &deps.login.ground;
    let now = ground.now();
    let rows = browse::consents(ground, &visit.guest.user.id)
        .await?
        .into_iter()
        .map(|of| AuthorizationRow {
            client_name: of.client_name,
            client_id: of.consent.client_id.to_string(),
            scopes: of.consent.scopes.iter().map(ScopeLine::of).collect(),
            resources: of.consent.resource.clone(),
            granted: When::new(of.consent.granted_at, now),
            revoke: format!("{LIST}/{}/revoke", form_encoded(&of.consent.uuid)),
        })
        .collect();
    let page = AuthorizationsPage {
        shell: visit.shell(Place::Account),
        rows,
    };
    Ok(visit.draw(200, &page))
}

/// `GET /account/authorizations/{uuid}/revoke`.
pub async fn ask(deps: AccountDeps, visit: Arc<Visit>) -> Answer {
    let found = browse::consents(&deps.login.ground, &visit.guest.user.id).await?;
    let uuid = visit.param("uuid");
    let Some(of) = found.into_iter().find(|of| of.consent.uuid == uuid) else {
        return Ok(visit.to(&format!("{LIST}?error=not_found")));
    };
    let page = ConfirmPage {
        shell: visit.shell(Place::Account),
        title: Words::of("account.authorizations.revoke_heading"),
        lead: Words::of("account.authorizations.revoke_lead"),
        facts: vec![
            Fact::new("account.tokens.app", of.client_name),
            Fact::new("account.tokens.scopes", of.consent.scopes.to_string()),
        ],
        consequences: vec![
            Words::of("account.authorizations.after_tokens"),
            Words::of("account.authorizations.after_asked"),
        ],
        action: visit.request.path().to_owned(),
        hidden: Vec::new(),
        button: Words::of("account.authorizations.revoke"),
        is_danger: true,
        cancel: LIST.to_owned(),
    };
    Ok(visit.draw(200, &page))
}

/// `POST /account/authorizations/{uuid}/revoke`.
pub async fn revoke(deps: AccountDeps, visit: Arc<Visit>) -> Answer {
    let who = (&visit.guest.user.id, visit.param("uuid"));
    let outcome = withdraw(&deps.login.ground, who, visit.actor(), &visit.origin()).await;
    Ok(visit.to(&match outcome {
        Ok(Withdrawal::Done { .. } | Withdrawal::Already) => format!("{LIST}?success=revoked"),
        Ok(Withdrawal::Unknown) => format!("{LIST}?error=not_found"),
        Err(FlowError::Internal(why)) => {
            tracing::error!(why, "a consent could not be withdrawn");
            format!("{LIST}?error=server_error")
        }
        Err(error) => return Err(error),
    }))
}
