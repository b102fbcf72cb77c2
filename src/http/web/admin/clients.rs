//! `/admin/clients`: every client. What ends something asks first, and tells what it will end.
use crate::{
    domain::{
        client::{Client, ClientStatus},
        registration::MAX_REASON,
    },
    flows::browse,
    flows::registry::{Capacity, Given, RegistryError, approve, delete, give, reject, revoke_all},
    http::{
        respond::Response,
        router::Routes,
        web::{
            WebDeps,
            admin::work::WORK,
            guard::{self, Answer, Visit},
            list::{Listing, PAGED},
            registered::{
                RegisteredDeps, Side, about, both, detail_page, editor,
                facts::{holdings, what_ends, what_goes},
                named, refused, secret, version,
            },
        },
    },
    pages::{
        ApprovePage, ClientAuthorizationsPage, ClientOwnerPage, ConfirmPage, ConsentRow, Fact,
        FormInput, Place, RejectPage, When, Words,
    },
};
use ::http::Method;
use std::sync::Arc;

/// So much of a name that was typed is shown again.
const OWNER: usize = 64;
const ALL: Capacity = Capacity::Administrator;

/// Its routes.
pub fn routes(web: &WebDeps, deps: &RegisteredDeps, routes: Routes) -> Routes {
    use guard::{admin, admin_with};
    let scopes: &[&str] = &["scopes"];
    let all = &(Side::Admin, deps.clone());
    routes
        .on(Method::GET, "/admin/clients", admin(web, all, both::list))
        .on(
            Method::POST,
            "/admin/clients",
            admin_with(web, all, scopes, both::make),
        )
        .on(
            Method::GET,
            "/admin/clients/new",
            admin(web, all, both::blank),
        )
        .on(Method::GET, "/admin/clients/{id}", admin(web, deps, show))
        .on(
            Method::POST,
            "/admin/clients/{id}",
            admin_with(web, all, scopes, both::change),
        )
        .on(
            Method::GET,
            "/admin/clients/{id}/edit",
            admin(web, all, both::edit),
        )
        .on(
            Method::GET,
            "/admin/clients/{id}/authorizations",
            admin(web, deps, authorizations),
        )
        .on(
            Method::GET,
            "/admin/clients/{id}/owner",
            admin(web, deps, ask_owner),
        )
        .on(
            Method::POST,
            "/admin/clients/{id}/owner",
            admin(web, deps, given),
        )
        .on(
            Method::GET,
            "/admin/clients/{id}/approve",
            admin(web, deps, ask_approve),
        )
        .on(
            Method::POST,
            "/admin/clients/{id}/approve",
            admin(web, deps, approved),
        )
        .on(
            Method::GET,
            "/admin/clients/{id}/reject",
            admin(web, deps, ask_reject),
        )
        .on(
            Method::POST,
            "/admin/clients/{id}/reject",
            admin(web, deps, rejected),
        )
        .on(
            Method::GET,
            "/admin/clients/{id}/regenerate-secret",
            admin(web, all, secret::ask),
        )
        .on(
            Method::POST,
            "/admin/clients/{id}/regenerate-secret",
            admin(web, all, secret::replace),
        )
        .on(
            Method::GET,
            "/admin/clients/{id}/secret",
            admin(web, all, secret::show),
        )
        .on(
            Method::GET,
            "/admin/clients/{id}/revoke-all",
            admin(web, deps, ask_revoke),
        )
        .on(
            Method::POST,
            "/admin/clients/{id}/revoke-all",
            admin(web, deps, revoked),
        )
        .on(
            Method::GET,
            "/admin/clients/{id}/delete",
            admin(web, deps, ask_delete),
        )
        .on(
            Method::POST,
            "/admin/clients/{id}/delete",
            admin(web, deps, deleted),
        )
}

async fn client(deps: &RegisteredDeps, visit: &Visit) -> Result<Client, RegistryError> {
    both::found((Side::Admin, deps), visit).await
}

async fn show(deps: RegisteredDeps, visit: Arc<Visit>) -> Answer {
    let client = match client(&deps, &visit).await {
        Ok(client) => client,
        Err(error) => return refused(&visit, Side::Admin, error),
    };
    let mut more = holdings(both::held(&deps, &client).await?);
    more.push(Fact::new("clients.owner", owner(&deps, &client).await?));
    let page = detail_page(&visit, (Side::Admin, &deps), &client, more);
    Ok(visit.draw(200, &page))
}

async fn owner(deps: &RegisteredDeps, client: &Client) -> Result<Words, crate::flows::FlowError> {
    if client.owner.is_empty() {
        return Ok(Words::of("clients.owner_self"));
    }
    let id = crate::domain::ids::UserId::new(client.owner.as_str());
    let found = browse::person(&deps.registry.ground, &id).await?;
    Ok(found.map_or(Words::of("clients.owner_gone"), |user| {
        Words::from(user.username)
    }))
}

async fn authorizations(deps: RegisteredDeps, visit: Arc<Visit>) -> Answer {
    let client = match client(&deps, &visit).await {
        Ok(client) => client,
        Err(error) => return refused(&visit, Side::Admin, error),
    };
    let ground = &deps.registry.ground;
    let now = ground.now();
    let mut listing = Listing::of(&visit, &PAGED);
    let mut leaf = browse::consents_to(ground, &client, &listing.slice).await?;
    if let Some(first) = listing.first_instead(&leaf) {
        leaf = browse::consents_to(ground, &client, &first.slice).await?;
        listing = first;
    }
    let row = |line: &crate::domain::consent::ConsentOfClient| ConsentRow {
        name: line.username.clone(),
        note: line.email.clone(),
        href: format!("/admin/users/{}", line.consent.user_id),
        scopes: line.consent.scopes.iter().map(str::to_owned).collect(),
        resources: line.consent.resource.clone(),
        granted: When::new(line.consent.granted_at, now),
        revoke: format!(
            "/admin/users/{}/authorizations/{}/revoke",
            line.consent.user_id, line.consent.uuid
        ),
    };
    let page = ClientAuthorizationsPage {
        shell: visit.shell(Place::Clients),
        client_id: client.client_id.as_str().to_owned(),
        name: client.name.clone(),
        rows: leaf.rows.iter().map(row).collect(),
        pager: listing.pager(&leaf, None),
    };
    Ok(visit.draw(200, &page))
}

fn confirm(visit: &Visit, client: &Client, action: &str) -> ConfirmPage {
    ConfirmPage {
        shell: visit.shell(Place::Clients),
        title: Words::of("confirm.page"),
        lead: Words::from(client.name.as_str()),
        facts: vec![Fact::new("clients.id", client.client_id.as_str())],
        consequences: vec![],
        action: format!("/admin/clients/{}/{action}", client.client_id),
        hidden: vec![],
        button: Words::of("clients.delete"),
        is_danger: true,
        cancel: format!("/admin/clients/{}", client.client_id),
    }
}

/// The client, if it waits for a decision: nobody is asked what cannot be done.
async fn waiting(deps: &RegisteredDeps, visit: &Visit) -> Result<Client, RegistryError> {
    let client = client(deps, visit).await?;
    match client.status {
        ClientStatus::Pending => Ok(client),
        ClientStatus::Active | ClientStatus::Inactive => Err(RegistryError::WrongState),
    }
}

async fn ask_approve(deps: RegisteredDeps, visit: Arc<Visit>) -> Answer {
    let client = match waiting(&deps, &visit).await {
        Ok(client) => client,
        Err(error) => return refused(&visit, Side::Admin, error),
    };
    let (owner, held) = tokio::try_join!(owner(&deps, &client), both::held(&deps, &client))?;
    let mut more = vec![Fact::new("clients.owner", owner)];
    more.extend(holdings(held));
    let page = ApprovePage {
        shell: visit.shell(Place::Clients),
        base: format!("/admin/clients/{}", client.client_id),
        version: client.version.to_string(),
        name: client.name.clone(),
        about: about(&deps, &client, more),
    };
    Ok(visit.draw(200, &page))
}

async fn approved(deps: RegisteredDeps, visit: Arc<Visit>) -> Answer {
    let seen = version(&visit.form);
    let done = approve(&deps.registry, &editor(&visit), &named(&visit), seen).await;
    finished(&visit, done, "success=approved")
}

/// Back to the client, with what was done; or what was not.
fn finished(
    visit: &Visit,
    done: Result<(), RegistryError>,
    outcome: &str,
) -> Result<Response, crate::flows::FlowError> {
    match done {
        Ok(()) => Ok(visit.to(&format!("/admin/clients/{}?{outcome}", visit.param("id")))),
        Err(error) => refused(visit, Side::Admin, error),
    }
}

async fn ask_reject(deps: RegisteredDeps, visit: Arc<Visit>) -> Answer {
    reject_page(&deps, &visit, 200, FormInput::default()).await
}

async fn reject_page(
    deps: &RegisteredDeps,
    visit: &Visit,
    status: u16,
    reason: FormInput,
) -> Answer {
    let client = match waiting(deps, visit).await {
        Ok(client) => client,
        Err(error) => return refused(visit, Side::Admin, error),
    };
    let mut consequences = what_ends(both::held(deps, &client).await?);
    consequences.push(Words::of("clients.reject_words"));
    let page = RejectPage {
        reason,
        shell: visit.shell(Place::Clients),
        client_id: client.client_id.as_str().to_owned(),
        name: client.name.clone(),
        facts: vec![
            Fact::new("clients.id", client.client_id.as_str()),
            Fact::new("clients.owner", owner(deps, &client).await?),
        ],
        consequences,
    };
    Ok(visit.draw(status, &page))
}

/// A reason that is too long is told, not cut.
async fn rejected(deps: RegisteredDeps, visit: Arc<Visit>) -> Answer {
    let reason = visit.form.get("reason").unwrap_or_default().trim();
    if reason.chars().count() > MAX_REASON {
        let most = u64::try_from(MAX_REASON).unwrap_or_default();
        let fault = Words::of("problems.too_long").with("n", most);
        let typed = FormInput::of(reason).wrong(vec![fault]);
        return reject_page(&deps, &visit, 400, typed).await;
    }
    let done = reject(&deps.registry, &editor(&visit), &named(&visit), reason).await;
    finished(&visit, done, "success=rejected")
}

async fn ask_owner(deps: RegisteredDeps, visit: Arc<Visit>) -> Answer {
    owner_page(&deps, &visit, 200, FormInput::default()).await
}

async fn owner_page(deps: &RegisteredDeps, visit: &Visit, status: u16, typed: FormInput) -> Answer {
    let client = match client(deps, visit).await {
        Ok(client) => client,
        Err(error) => return refused(visit, Side::Admin, error),
    };
    let mut consequences = vec![
        Words::of("clients.owner_may"),
        Words::of("clients.owner_secret"),
    ];
    if client.owner.is_empty() {
        consequences.push(Words::of("clients.owner_vouches"));
    }
    let page = ClientOwnerPage {
        typed,
        shell: visit.shell(Place::Clients),
        client_id: client.client_id.as_str().to_owned(),
        version: client.version.to_string(),
        name: client.name.clone(),
        facts: vec![
            Fact::new("clients.id", client.client_id.as_str()),
            Fact::new("clients.owner_now", owner(deps, &client).await?),
        ],
        consequences,
    };
    Ok(visit.draw(status, &page))
}

async fn given(deps: RegisteredDeps, visit: Arc<Visit>) -> Answer {
    let typed = visit.form.get("owner").unwrap_or_default();
    let wish = (typed, version(&visit.form));
    let why = match give(&deps.registry, &editor(&visit), &named(&visit), wish).await {
        Ok(Given::Done) => return finished(&visit, Ok(()), "success=given"),
        Err(error) => return refused(&visit, Side::Admin, error),
        Ok(Given::Nobody) => "clients.owner_nobody",
        Ok(Given::Disabled) => "clients.owner_disabled",
        Ok(Given::Already) => "clients.owner_already",
    };
    let shown: String = typed.chars().take(OWNER).collect();
    let typed = FormInput::of(&shown).wrong(vec![Words::of(why)]);
    owner_page(&deps, &visit, 400, typed).await
}

async fn ask_revoke(deps: RegisteredDeps, visit: Arc<Visit>) -> Answer {
    let client = match client(&deps, &visit).await {
        Ok(client) => client,
        Err(error) => return refused(&visit, Side::Admin, error),
    };
    let mut consequences = what_ends(both::held(&deps, &client).await?);
    consequences.extend(["clients.revoke_again", "clients.revoke_stays"].map(Words::of));
    let page = ConfirmPage {
        title: Words::of("clients.revoke_title"),
        consequences,
        button: Words::of("clients.revoke_all"),
        ..confirm(&visit, &client, "revoke-all")
    };
    Ok(visit.draw(200, &page))
}

async fn revoked(deps: RegisteredDeps, visit: Arc<Visit>) -> Answer {
    match revoke_all(&deps.registry, &editor(&visit), &named(&visit)).await {
        Ok(ended) if ended.goes_on => Ok(visit.to(WORK)),
        Ok(ended) => {
            let path = format!("/admin/clients/{}", visit.param("id"));
            Ok(visit.to(&format!("{path}?success=tokens_revoked&n={}", ended.tokens)))
        }
        Err(error) => refused(&visit, Side::Admin, error),
    }
}

async fn ask_delete(deps: RegisteredDeps, visit: Arc<Visit>) -> Answer {
    let client = match client(&deps, &visit).await {
        Ok(client) => client,
        Err(error) => return refused(&visit, Side::Admin, error),
    };
    let held = both::held(&deps, &client).await?;
    let page = ConfirmPage {
        title: Words::of("clients.delete_title"),
        consequences: what_goes(held),
        ..confirm(&visit, &client, "delete")
    };
    Ok(visit.draw(200, &page))
}

async fn deleted(deps: RegisteredDeps, visit: Arc<Visit>) -> Answer {
    match delete(&deps.registry, &editor(&visit), &named(&visit), ALL).await {
        Ok(()) => Ok(visit.to("/admin/clients?success=deleted")),
        Err(error) => refused(&visit, Side::Admin, error),
    }
}
