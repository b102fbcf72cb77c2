//! `/account/authorizations`: what a person allowed, and how they take it back.
use crate::{
    domain::consent::ConsentOfPerson,
    flows::{
        FlowError,
        account::AccountDeps,
        browse,
        consents::{Withdrawal, withdraw},
    },
    http::web::{
        form_encoded,
        guard::{Answer, Visit},
        list::{Listing, PAGED},
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
    let oneself = &visit.guest.user.id;
    let mut listing = Listing::of(&visit, &PAGED);
    let mut leaf = browse::consents(ground, oneself, &listing.slice).await?;
    if let Some(first) = listing.first_instead(&leaf) {
        leaf = browse::consents(ground, oneself, &first.slice).await?;
        listing = first;
    }
    let row = |of: &ConsentOfPerson| AuthorizationRow {
        client_name: of.client_name.clone(),
        client_id: of.consent.client_id.to_string(),
        scopes: of.consent.scopes.iter().map(ScopeLine::of).collect(),
        resources: of.consent.resource.clone(),
        granted: When::new(of.consent.granted_at, now),
        revoke: format!("{LIST}/{}/revoke", form_encoded(&of.consent.uuid)),
    };
    let page = AuthorizationsPage {
        shell: visit.shell(Place::Account),
        rows: leaf.rows.iter().map(row).collect(),
        pager: listing.pager(&leaf, None),
    };
    Ok(visit.draw(200, &page))
}

/// `GET /account/authorizations/{uuid}/revoke`.
pub async fn ask(deps: AccountDeps, visit: Arc<Visit>) -> Answer {
    let (oneself, uuid) = (&visit.guest.user.id, visit.param("uuid"));
    let found = browse::consent(&deps.login.ground, oneself, uuid).await?;
    let in_force = found.filter(|(consent, _)| consent.is_active);
    let Some((consent, client)) = in_force else {
        return Ok(visit.to(&format!("{LIST}?error=not_found")));
    };
    let name = client.map_or_else(
        || Words::of("account.tokens.client_gone"),
        |client| Words::from(client.name),
    );
    let page = ConfirmPage {
        shell: visit.shell(Place::Account),
        title: Words::of("account.authorizations.revoke_heading"),
        lead: Words::of("account.authorizations.revoke_lead"),
        facts: vec![
            Fact::new("account.tokens.app", name),
            Fact::new("account.tokens.scopes", consent.scopes.to_string()),
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
