//! `/apps`: people register clients of their own. They see and change only those; what they add to one that was approved
//! needs approval again.
use super::{
    WebDeps,
    guard::{self, Answer, Visit},
    list::Listing,
    registered::{
        RegisteredDeps, STATUSES, Side, created_page, detail_page, draft, editor,
        form::{self, Filled},
        list_page, named, refused, status_filter, version,
    },
};
use crate::{
    domain::{client::Client, registration::Draft},
    flows::browse::ClientQuery,
    flows::registry::{Capacity, Edit, RegistryError, create, delete, find, update},
    http::router::Routes,
    pages::{Alert, ConfirmPage, Fact, Place, Words},
};
use ::http::Method;
use std::sync::Arc;

/// What belongs to the person.
const OWN: Capacity = Capacity::Owner;

/// Its routes.
pub fn routes(web: &WebDeps, deps: &RegisteredDeps, routes: Routes) -> Routes {
    use guard::{action, action_with, person};
    let scopes: &[&str] = &["scopes"];
    routes
        .on(Method::GET, "/apps", person(web, deps, list))
        .on(Method::POST, "/apps", action_with(web, deps, scopes, make))
        .on(Method::GET, "/apps/new", person(web, deps, blank))
        .on(Method::GET, "/apps/{id}", person(web, deps, show))
        .on(
            Method::POST,
            "/apps/{id}",
            action_with(web, deps, scopes, change),
        )
        .on(Method::GET, "/apps/{id}/edit", person(web, deps, edit))
        .on(
            Method::GET,
            "/apps/{id}/delete",
            person(web, deps, ask_delete),
        )
        .on(Method::POST, "/apps/{id}/delete", action(web, deps, remove))
        .on(
            Method::GET,
            "/apps/{id}/regenerate-secret",
            person(web, deps, ask_regenerate),
        )
        .on(
            Method::POST,
            "/apps/{id}/regenerate-secret",
            action(web, deps, regenerate),
        )
}

async fn own(deps: &RegisteredDeps, visit: &Visit) -> Result<Client, RegistryError> {
    find(&deps.registry, &named(visit), (&visit.guest.user.id, OWN)).await
}

async fn list(deps: RegisteredDeps, visit: Arc<Visit>) -> Answer {
    let listing = Listing::of(&visit, 10, &STATUSES);
    let query = ClientQuery {
        search: listing.search.clone(),
        status: status_filter(&listing),
        owner: Some(visit.guest.user.id.clone()),
    };
    let ground = &deps.registry.ground;
    let leaf = ground.store.clients_page(&query, &listing.slice).await?;
    let page = list_page(&visit, Side::Owner, (&listing, &leaf), ground.now());
    Ok(visit.draw(200, &crate::pages::AppsPage(page)))
}

async fn blank(deps: RegisteredDeps, visit: Arc<Visit>) -> Answer {
    let draft = form::blank();
    let page = form::page(&visit, (Side::Owner, &deps), Filled::of(None, &draft));
    Ok(visit.draw(200, &page))
}

async fn make(deps: RegisteredDeps, visit: Arc<Visit>) -> Answer {
    let draft = draft(&visit.form);
    match create(&deps.registry, &editor(&visit), draft.clone(), OWN).await {
        Ok(created) => {
            deps.changed(&visit);
            Ok(visit.draw(200, &created_page(&visit, Side::Owner, &created)))
        }
        Err(RegistryError::Faults(faults)) => {
            let filled = Filled::refused(None, &draft, &faults);
            Ok(visit.draw(400, &form::page(&visit, (Side::Owner, &deps), filled)))
        }
        Err(RegistryError::TooMany(most)) => {
            let mut filled = Filled::of(None, &draft);
            let words = Words::of("apps.too_many").with("n", u64::from(most));
            filled.message = Some(Alert::error(words));
            Ok(visit.draw(400, &form::page(&visit, (Side::Owner, &deps), filled)))
        }
        Err(error) => refused(&visit, Side::Owner, error),
    }
}

async fn show(deps: RegisteredDeps, visit: Arc<Visit>) -> Answer {
    let client = match own(&deps, &visit).await {
        Ok(client) => client,
        Err(error) => return refused(&visit, Side::Owner, error),
    };
    let ground = &deps.registry.ground;
    let held = ground
        .store
        .client_holdings(&client.client_id, ground.now())
        .await?;
    let more = super::registered::facts::holdings(held);
    let page = detail_page(&visit, (Side::Owner, &deps), &client, more);
    Ok(visit.draw(200, &page))
}

async fn edit(deps: RegisteredDeps, visit: Arc<Visit>) -> Answer {
    let client = match own(&deps, &visit).await {
        Ok(client) => client,
        Err(error) => return refused(&visit, Side::Owner, error),
    };
    let draft = Draft::from(&client);
    let page = form::page(
        &visit,
        (Side::Owner, &deps),
        Filled::of(Some(&client), &draft),
    );
    Ok(visit.draw(200, &page))
}

async fn change(deps: RegisteredDeps, visit: Arc<Visit>) -> Answer {
    let client = match own(&deps, &visit).await {
        Ok(client) => client,
        Err(error) => return refused(&visit, Side::Owner, error),
    };
    let draft = draft(&visit.form);
    let edit = Edit {
        draft: draft.clone(),
        version: version(&visit.form),
        status: String::new(),
    };
    let done = update(
        &deps.registry,
        &editor(&visit),
        &client.client_id,
        (edit, OWN),
    )
    .await;
    let page =
        |status, filled| Ok(visit.draw(status, &form::page(&visit, (Side::Owner, &deps), filled)));
    match done {
        Ok(edited) => {
            deps.changed(&visit);
            let outcome = if edited.widened.is_empty() {
                "success=updated"
            } else {
                "warning=needs_approval"
            };
            Ok(visit.to(&format!("/apps/{}?{outcome}", client.client_id)))
        }
        Err(RegistryError::Faults(faults)) => {
            page(400, Filled::refused(Some(&client), &draft, &faults))
        }
        Err(RegistryError::Stale) => {
            let mut filled = Filled::of(Some(&client), &draft);
            filled.message = Some(Alert::warning(Words::of("client_form.stale")));
            page(409, filled)
        }
        Err(error) => refused(&visit, Side::Owner, error),
    }
}

async fn ask_delete(deps: RegisteredDeps, visit: Arc<Visit>) -> Answer {
    let client = match own(&deps, &visit).await {
        Ok(client) => client,
        Err(error) => return refused(&visit, Side::Owner, error),
    };
    let page = ConfirmPage {
        shell: visit.shell(Place::Apps),
        title: Words::of("clients.delete_title"),
        lead: Words::from(client.name.as_str()),
        facts: vec![Fact::new("clients.id", client.client_id.as_str())],
        consequences: vec![Words::of("clients.delete_final")],
        action: format!("/apps/{}/delete", client.client_id),
        hidden: vec![],
        button: Words::of("clients.delete"),
        is_danger: true,
        cancel: format!("/apps/{}", client.client_id),
    };
    Ok(visit.draw(200, &page))
}

async fn remove(deps: RegisteredDeps, visit: Arc<Visit>) -> Answer {
    match delete(&deps.registry, &editor(&visit), &named(&visit), OWN).await {
        Ok(()) => {
            deps.changed(&visit);
            Ok(visit.to("/apps?success=deleted"))
        }
        Err(RegistryError::WrongState) => match own(&deps, &visit).await {
            Ok(client) => {
                let mut page = detail_page(&visit, (Side::Owner, &deps), &client, vec![]);
                page.standing = Some(Alert::error(Words::of("apps.error.active")));
                Ok(visit.draw(400, &page))
            }
            Err(error) => refused(&visit, Side::Owner, error),
        },
        Err(error) => refused(&visit, Side::Owner, error),
    }
}

async fn ask_regenerate(deps: RegisteredDeps, visit: Arc<Visit>) -> Answer {
    match own(&deps, &visit).await {
        Ok(client) => Ok(super::registered::ask_regenerate(
            &visit,
            Side::Owner,
            &client,
        )),
        Err(error) => refused(&visit, Side::Owner, error),
    }
}

async fn regenerate(deps: RegisteredDeps, visit: Arc<Visit>) -> Answer {
    super::registered::regenerate(&deps, &visit, (Side::Owner, OWN)).await
}
