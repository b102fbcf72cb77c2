//! What hangs on a person: logins at other providers, and consents to clients.
use super::refused;
use crate::{
    flows::browse::{self, Withdrawal},
    flows::{
        consents::withdraw,
        people::{self, PeopleDeps},
    },
    http::{
        router::Routes,
        web::{
            WebDeps,
            guard::{self, Answer, Visit},
            list::{Listing, PAGED},
            registered::editor,
        },
    },
    pages::{
        ConfirmPage, ConnectionRow, ConnectionsPage, ConsentRow, Fact, Place,
        UserAuthorizationsPage, When, Words,
    },
};
use ::http::Method;
use std::sync::Arc;

/// Its routes.
pub fn routes(web: &WebDeps, deps: &PeopleDeps, routes: Routes) -> Routes {
    use guard::admin;
    let unlink = "/admin/users/{id}/connections/{conn_id}/delete";
    let revoke = "/admin/users/{id}/authorizations/{uuid}/revoke";
    routes
        .on(
            Method::GET,
            "/admin/users/{id}/connections",
            admin(web, deps, connections),
        )
        .on(Method::GET, unlink, admin(web, deps, ask_unlink))
        .on(Method::POST, unlink, admin(web, deps, unlinked))
        .on(
            Method::GET,
            "/admin/users/{id}/authorizations",
            admin(web, deps, authorizations),
        )
        .on(Method::GET, revoke, admin(web, deps, ask_revoke))
        .on(Method::POST, revoke, admin(web, deps, revoked))
}

async fn connections(deps: PeopleDeps, visit: Arc<Visit>) -> Answer {
    let (user, linked) = match people::connections(&deps, visit.param("id")).await {
        Ok(found) => found,
        Err(error) => return refused(&visit, error),
    };
    let now = deps.ground.now();
    let row = |login: &crate::flows::browse::LinkedLogin| ConnectionRow {
        provider: login.provider.clone(),
        username: login.username.clone(),
        email: login.email.clone(),
        used: login.last_used_at.map(|at| When::new(at, now)),
        linked: When::new(login.created_at, now),
        unlink: format!("/admin/users/{}/connections/{}/delete", user.id, login.id),
    };
    let page = ConnectionsPage {
        shell: visit.shell(Place::Users),
        id: user.id.as_str().to_owned(),
        username: user.username.clone(),
        rows: linked.iter().map(row).collect(),
    };
    Ok(visit.draw(200, &page))
}

async fn ask_unlink(deps: PeopleDeps, visit: Arc<Visit>) -> Answer {
    let (user, linked) = match people::connections(&deps, visit.param("id")).await {
        Ok(found) => found,
        Err(error) => return refused(&visit, error),
    };
    let Some(login) = linked
        .iter()
        .find(|login| login.id == visit.param("conn_id"))
    else {
        return Ok(visit.not_found());
    };
    let mut consequences = vec![Words::of("users.unlink_stays")];
    if user.password_hash.is_empty() && linked.len() == 1 {
        consequences.push(Words::of("users.unlink_last"));
    }
    let list = format!("/admin/users/{}/connections", user.id);
    let page = ConfirmPage {
        shell: visit.shell(Place::Users),
        title: Words::of("users.unlink_title"),
        lead: Words::from(user.username.as_str()),
        facts: vec![
            Fact::new("users.provider", login.provider.as_str()),
            Fact::new("users.there", login.username.as_str()),
        ],
        consequences,
        action: format!("{list}/{}/delete", login.id),
        hidden: vec![],
        button: Words::of("users.unlink"),
        is_danger: true,
        cancel: list,
    };
    Ok(visit.draw(200, &page))
}

async fn unlinked(deps: PeopleDeps, visit: Arc<Visit>) -> Answer {
    let which = (visit.param("id"), visit.param("conn_id"));
    match people::unlink(&deps, &editor(&visit), which).await {
        Ok(()) => Ok(visit.to(&format!(
            "/admin/users/{}/connections?success=unlinked",
            which.0
        ))),
        Err(error) => refused(&visit, error),
    }
}

async fn authorizations(deps: PeopleDeps, visit: Arc<Visit>) -> Answer {
    let user = match people::find(&deps, visit.param("id")).await {
        Ok(user) => user,
        Err(error) => return refused(&visit, error),
    };
    let now = deps.ground.now();
    let mut listing = Listing::of(&visit, &PAGED);
    let mut leaf = browse::consents(&deps.ground, &user.id, &listing.slice).await?;
    if let Some(first) = listing.first_instead(&leaf) {
        leaf = browse::consents(&deps.ground, &user.id, &first.slice).await?;
        listing = first;
    }
    let row = |line: &crate::domain::consent::ConsentOfPerson| ConsentRow {
        name: line.client_name.clone(),
        note: line.consent.client_id.as_str().to_owned(),
        href: format!("/admin/clients/{}", line.consent.client_id),
        scopes: line.consent.scopes.iter().map(str::to_owned).collect(),
        resources: line.consent.resource.clone(),
        granted: When::new(line.consent.granted_at, now),
        revoke: format!(
            "/admin/users/{}/authorizations/{}/revoke",
            user.id, line.consent.uuid
        ),
    };
    let page = UserAuthorizationsPage {
        shell: visit.shell(Place::Users),
        id: user.id.as_str().to_owned(),
        username: user.username.clone(),
        rows: leaf.rows.iter().map(row).collect(),
        pager: listing.pager(&leaf, None),
    };
    Ok(visit.draw(200, &page))
}

async fn ask_revoke(deps: PeopleDeps, visit: Arc<Visit>) -> Answer {
    let user = match people::find(&deps, visit.param("id")).await {
        Ok(user) => user,
        Err(error) => return refused(&visit, error),
    };
    let Some((consent, client)) =
        browse::consent(&deps.ground, &user.id, visit.param("uuid")).await?
    else {
        return Ok(visit.not_found());
    };
    let list = format!("/admin/users/{}/authorizations", user.id);
    let name = client.map_or_else(
        || consent.client_id.as_str().to_owned(),
        |client| client.name,
    );
    let page = ConfirmPage {
        shell: visit.shell(Place::Users),
        title: Words::of("users.revoke_title"),
        lead: Words::from(user.username.as_str()),
        facts: vec![
            Fact::new("clients.name", name),
            Fact::new("clients.scopes", consent.scopes.to_string()),
        ],
        consequences: vec![Words::of("users.revoke_words")],
        action: format!("{list}/{}/revoke", consent.uuid),
        hidden: vec![],
        button: Words::of("users.revoke_button"),
        is_danger: true,
        cancel: list,
    };
    Ok(visit.draw(200, &page))
}

async fn revoked(deps: PeopleDeps, visit: Arc<Visit>) -> Answer {
    let user = match people::find(&deps, visit.param("id")).await {
        Ok(user) => user,
        Err(error) => return refused(&visit, error),
    };
    let which = (&user.id, visit.param("uuid"));
    let outcome = withdraw(&deps.ground, which, visit.actor(), &visit.origin()).await?;
    match outcome {
        Withdrawal::Done { .. } | Withdrawal::Already => Ok(visit.to(&format!(
            "/admin/users/{}/authorizations?success=revoked",
            user.id
        ))),
        Withdrawal::Unknown => Ok(visit.not_found()),
    }
}
