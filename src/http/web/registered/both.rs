//! What administrators and owners do alike: the list, the form, the change. A [`Side`] tells whose pages
//! they are; what only one of them does is in `admin/clients.rs` and `apps.rs`.
use super::{
    LIST, RegisteredDeps, Side, draft, editor,
    form::{self, Filled},
    list_page, named, refused,
    secret::hand_over,
    status_filter, version,
};
use crate::{
    domain::{client::Client, registration::Draft, submission},
    flows::FlowError,
    flows::browse::{self, ClientHoldings, ClientQuery},
    flows::registry::{Edit, RegistryError, create, find, update},
    http::web::{
        guard::{Answer, Visit},
        list::Listing,
    },
    pages::{Alert, AppsPage, Words},
};
use std::sync::Arc;

/// What these handlers need: whose pages, and what all of them need.
type On = (Side, RegisteredDeps);

/// The client that the path names, if it is the person's to see.
pub async fn found(
    (side, deps): (Side, &RegisteredDeps),
    visit: &Visit,
) -> Result<Client, RegistryError> {
    let reader = (&visit.guest.user.id, side.capacity());
    find(&deps.registry, &named(visit), reader).await
}

/// What was given to the client and still counts.
pub async fn held(deps: &RegisteredDeps, client: &Client) -> Result<ClientHoldings, FlowError> {
    browse::holdings_of(&deps.registry.ground, client).await
}

pub async fn list((side, deps): On, visit: Arc<Visit>) -> Answer {
    let listing = Listing::of(&visit, &LIST);
    let query = ClientQuery {
        search: listing.search.clone(),
        status: status_filter(&listing),
        owner: match side {
            Side::Admin => None,
            Side::Owner => Some(visit.guest.user.id.clone()),
        },
    };
    let ground = &deps.registry.ground;
    let total = async {
        match side {
            Side::Admin => Ok(listing.total(&deps.counting, |all| Some(all.clients)).await),
            Side::Owner if listing.is_narrowed() => Ok(None),
            Side::Owner => browse::clients_of(ground, &visit.guest.user.id)
                .await
                .map(|own| Some(Words::count("list.total", own))),
        }
    };
    let found = browse::clients(ground, &query, &listing.slice);
    let (found, total) = tokio::try_join!(found, total)?;
    let page = list_page(&visit, side, (&listing, &found, total), ground.now());
    Ok(match side {
        Side::Admin => visit.draw(200, &page),
        Side::Owner => visit.draw(200, &AppsPage(page)),
    })
}

pub async fn blank((side, deps): On, visit: Arc<Visit>) -> Answer {
    let draft = form::blank();
    let submission = deps.registry.ground.uuid()?;
    let filled = Filled {
        submission: &submission,
        ..Filled::of(None, &draft)
    };
    Ok(visit.draw(200, &form::page(&visit, (side, &deps), filled)))
}

pub async fn make((side, deps): On, visit: Arc<Visit>) -> Answer {
    let draft = draft(&visit.form);
    let by = editor(&visit);
    let faults;
    let wish = (draft.clone(), visit.submission());
    let done = create(&deps.registry, &by, wish, side.capacity()).await;
    let filled = match done {
        Ok(created) => {
            let page = format!("{}/{}", side.base(), created.client_id);
            return match created.secret {
                Some(secret) => hand_over(&visit, &page, secret, true),
                None => Ok(visit.to(&format!("{page}?success=made"))),
            };
        }
        // The same form, sent twice: whichever answer the browser shows leads to the one client.
        Err(RegistryError::Already(client_id)) => {
            return Ok(visit.to(&format!("{}/{client_id}/secret", side.base())));
        }
        Err(RegistryError::Faults(all)) => {
            faults = all;
            Filled::refused(None, &draft, &faults)
        }
        Err(RegistryError::TooMany(most)) => {
            let words = Words::of("apps.too_many").with("n", u64::from(most));
            Filled {
                message: Some(Alert::error(words)),
                ..Filled::of(None, &draft)
            }
        }
        Err(error) => return refused(&visit, side, error),
    };
    let filled = Filled {
        submission: visit.form.get(submission::FIELD).unwrap_or_default(),
        ..filled
    };
    Ok(visit.draw(400, &form::page(&visit, (side, &deps), filled)))
}

pub async fn edit(on: On, visit: Arc<Visit>) -> Answer {
    let client = match found((on.0, &on.1), &visit).await {
        Ok(client) => client,
        Err(error) => return refused(&visit, on.0, error),
    };
    let draft = Draft::from(&client);
    let filled = Filled::of(Some(&client), &draft);
    Ok(visit.draw(200, &form::page(&visit, (on.0, &on.1), filled)))
}

pub async fn change(on: On, visit: Arc<Visit>) -> Answer {
    let client = match found((on.0, &on.1), &visit).await {
        Ok(client) => client,
        Err(error) => return refused(&visit, on.0, error),
    };
    let (side, deps) = on;
    let draft = draft(&visit.form);
    let status = match side {
        Side::Admin => visit.form.get("status").unwrap_or_default(),
        Side::Owner => "",
    };
    let edit = Edit {
        draft: draft.clone(),
        version: version(&visit.form),
        status: status.to_owned(),
    };
    let wish = (edit, side.capacity());
    let done = update(&deps.registry, &editor(&visit), &client.client_id, wish).await;
    let faults;
    let (code, filled) = match done {
        Ok(edited) => {
            let needs_approval = side == Side::Owner && !edited.widened.is_empty();
            let outcome = if needs_approval {
                "warning=needs_approval"
            } else {
                "success=updated"
            };
            let base = side.base();
            return Ok(visit.to(&format!("{base}/{}?{outcome}", client.client_id)));
        }
        Err(RegistryError::Faults(all)) => {
            faults = all;
            (400, Filled::refused(Some(&client), &draft, &faults))
        }
        Err(RegistryError::Stale) => {
            let mut filled = Filled::of(Some(&client), &draft);
            filled.message = Some(Alert::warning(Words::of("client_form.stale")));
            (409, filled)
        }
        Err(error) => return refused(&visit, side, error),
    };
    let filled = Filled { status, ..filled };
    Ok(visit.draw(code, &form::page(&visit, (side, &deps), filled)))
}
