//! `/apps`: people register clients of their own. They see and change only those; what they add to one that was approved
//! needs approval again.
use super::{
    WebDeps,
    guard::{self, Answer, Visit},
    registered::{
        RegisteredDeps, Side, both, detail_page, editor,
        facts::{holdings, what_goes},
        named, refused, secret,
    },
};
use crate::{
    domain::client::ClientStatus,
    flows::registry::{RegistryError, delete},
    http::router::Routes,
    pages::{Alert, ConfirmPage, Fact, Place, Words},
};
use ::http::Method;
use std::sync::Arc;

/// What these handlers need.
type On = (Side, RegisteredDeps);

/// Its routes.
pub fn routes(web: &WebDeps, deps: &RegisteredDeps, routes: Routes) -> Routes {
    use guard::{person, person_with};
    let scopes: &[&str] = &["scopes"];
    let own = &(Side::Owner, deps.clone());
    routes
        .on(Method::GET, "/apps", person(web, own, both::list))
        .on(
            Method::POST,
            "/apps",
            person_with(web, own, scopes, both::make),
        )
        .on(Method::GET, "/apps/new", person(web, own, both::blank))
        .on(Method::GET, "/apps/{id}", person(web, own, show))
        .on(
            Method::POST,
            "/apps/{id}",
            person_with(web, own, scopes, both::change),
        )
        .on(Method::GET, "/apps/{id}/edit", person(web, own, both::edit))
        .on(
            Method::GET,
            "/apps/{id}/delete",
            person(web, own, ask_delete),
        )
        .on(Method::POST, "/apps/{id}/delete", person(web, own, remove))
        .on(
            Method::GET,
            "/apps/{id}/regenerate-secret",
            person(web, own, secret::ask),
        )
        .on(
            Method::POST,
            "/apps/{id}/regenerate-secret",
            person(web, own, secret::replace),
        )
        .on(
            Method::GET,
            "/apps/{id}/secret",
            person(web, own, secret::show),
        )
}

async fn show(on: On, visit: Arc<Visit>) -> Answer {
    let client = match both::found((on.0, &on.1), &visit).await {
        Ok(client) => client,
        Err(error) => return refused(&visit, Side::Owner, error),
    };
    let held = both::held(&on.1, &client).await?;
    let page = detail_page(&visit, (Side::Owner, &on.1), &client, holdings(held));
    Ok(visit.draw(200, &page))
}

async fn ask_delete(on: On, visit: Arc<Visit>) -> Answer {
    let client = match both::found((on.0, &on.1), &visit).await {
        Ok(client) => client,
        Err(error) => return refused(&visit, Side::Owner, error),
    };
    if client.status == ClientStatus::Active {
        return Ok(visit.to(&format!("/apps/{}?error=active", client.client_id)));
    }
    let held = both::held(&on.1, &client).await?;
    let page = ConfirmPage {
        shell: visit.shell(Place::Apps),
        title: Words::of("clients.delete_title"),
        lead: Words::from(client.name.as_str()),
        facts: vec![Fact::new("clients.id", client.client_id.as_str())],
        consequences: what_goes(held),
        action: format!("/apps/{}/delete", client.client_id),
        hidden: vec![],
        button: Words::of("clients.delete"),
        is_danger: true,
        cancel: format!("/apps/{}", client.client_id),
    };
    Ok(visit.draw(200, &page))
}

async fn remove(on: On, visit: Arc<Visit>) -> Answer {
    match delete(
        &on.1.registry,
        &editor(&visit),
        &named(&visit),
        on.0.capacity(),
    )
    .await
    {
        Ok(()) => Ok(visit.to("/apps?success=deleted")),
        Err(RegistryError::WrongState) => match both::found((on.0, &on.1), &visit).await {
            Ok(client) => {
                let held = holdings(both::held(&on.1, &client).await?);
                let mut page = detail_page(&visit, (Side::Owner, &on.1), &client, held);
                page.standing = Some(Alert::error(Words::of("apps.error.active")));
                Ok(visit.draw(400, &page))
            }
            Err(error) => refused(&visit, Side::Owner, error),
        },
        Err(error) => refused(&visit, Side::Owner, error),
    }
}
