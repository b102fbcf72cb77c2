//! Where a person is signed in, and how an administrator signs them out there.
use super::refused;
use crate::{
    domain::{session::Session, user::User},
    flows::people::{self, Browsers, PeopleDeps},
    http::{
        router::Routes,
        web::{
            WebDeps,
            account::browsers::{has_others, rows},
            guard::{self, Answer, Visit},
            list::{Listing, PAGED},
            registered::editor,
        },
    },
    pages::{ConfirmPage, Fact, Place, UserBrowsersPage, When, Words, agent_words},
};
use ::http::Method;
use std::sync::Arc;

/// Its routes.
pub fn routes(web: &WebDeps, deps: &PeopleDeps, routes: Routes) -> Routes {
    use guard::admin;
    let all = "/admin/users/{id}/browsers/end-all";
    let one = "/admin/users/{id}/browsers/{session}/end";
    routes
        .on(
            Method::GET,
            "/admin/users/{id}/browsers",
            admin(web, deps, list),
        )
        .on(Method::GET, all, admin(web, deps, ask_all))
        .on(Method::POST, all, admin(web, deps, end_all))
        .on(Method::GET, one, admin(web, deps, ask))
        .on(Method::POST, one, admin(web, deps, end))
}

fn list_of(user: &User) -> String {
    format!("/admin/users/{}/browsers", user.id)
}

/// Whether the present session is among them: administrators see themselves here, too.
fn is_current(visit: &Visit, session: &Session) -> bool {
    session.hash == visit.guest.session.hash
}

async fn list(deps: PeopleDeps, visit: Arc<Visit>) -> Answer {
    let user = match people::find(&deps, visit.param("id")).await {
        Ok(user) => user,
        Err(error) => return refused(&visit, error),
    };
    let mut listing = Listing::of(&visit, &PAGED);
    let mut leaf = people::browsers(&deps, &user, &listing.slice).await?;
    if let Some(first) = listing.first_instead(&leaf) {
        leaf = people::browsers(&deps, &user, &first.slice).await?;
        listing = first;
    }
    let list = list_of(&user);
    let rows = rows(&leaf.rows, &visit, (&list, deps.ground.now()));
    let page = UserBrowsersPage {
        shell: visit.shell(Place::Users),
        id: user.id.as_str().to_owned(),
        username: user.username,
        is_oneself: user.id == visit.guest.user.id,
        has_others: has_others(&leaf, &rows),
        rows,
        pager: listing.pager(&leaf, None),
    };
    Ok(visit.draw(200, &page))
}

async fn ask(deps: PeopleDeps, visit: Arc<Visit>) -> Answer {
    let user = match people::find(&deps, visit.param("id")).await {
        Ok(user) => user,
        Err(error) => return refused(&visit, error),
    };
    let list = list_of(&user);
    let found = people::browser(&deps, &user, visit.param("session")).await?;
    let Some(session) = found.filter(|session| !is_current(&visit, session)) else {
        return Ok(visit.to(&format!("{list}?warning=browser_gone")));
    };
    let seen = When::new(session.last_seen_at, deps.ground.now());
    let page = ConfirmPage {
        title: Words::of("account.browsers.end_heading"),
        facts: vec![
            Fact::new("account.browsers.browser", agent_words(&session.user_agent)),
            Fact::new("account.browsers.address", session.ip),
            Fact::new("account.browsers.last_seen", seen.words()),
        ],
        consequences: vec![
            Words::of("account.browsers.end_lead"),
            Words::of("users.apps_stay"),
        ],
        ..confirm(&visit, &user)
    };
    Ok(visit.draw(200, &page))
}

async fn ask_all(deps: PeopleDeps, visit: Arc<Visit>) -> Answer {
    let user = match people::find(&deps, visit.param("id")).await {
        Ok(user) => user,
        Err(error) => return refused(&visit, error),
    };
    let n = people::other_browsers(&deps, &user, &visit.guest.session.hash).await?;
    if n == 0 {
        return Ok(visit.to(&format!("{}?warning=no_browsers", list_of(&user))));
    }
    let mut consequences = vec![
        Words::of("users.ends_browsers").with("n", n.to_string()),
        Words::of("users.apps_stay"),
    ];
    if user.id == visit.guest.user.id {
        consequences.push(Words::of("account.browsers.end_others_lead"));
    }
    let page = ConfirmPage {
        title: Words::of("users.end_browsers_title"),
        facts: vec![Fact::new("users.email", user.email.as_str())],
        consequences,
        button: Words::of("users.end_browsers"),
        ..confirm(&visit, &user)
    };
    Ok(visit.draw(200, &page))
}

fn confirm(visit: &Visit, user: &User) -> ConfirmPage {
    ConfirmPage {
        shell: visit.shell(Place::Users),
        title: Words::of("confirm.page"),
        lead: Words::from(user.username.as_str()),
        facts: vec![],
        consequences: vec![],
        action: visit.request.path().to_owned(),
        hidden: vec![],
        button: Words::of("account.browsers.end"),
        is_danger: true,
        cancel: list_of(user),
    }
}

async fn end(deps: PeopleDeps, visit: Arc<Visit>) -> Answer {
    let which = Browsers::Named(visit.param("session"));
    ended(&deps, &visit, which).await
}

async fn end_all(deps: PeopleDeps, visit: Arc<Visit>) -> Answer {
    ended(&deps, &visit, Browsers::All).await
}

async fn ended(deps: &PeopleDeps, visit: &Visit, which: Browsers<'_>) -> Answer {
    let id = visit.param("id");
    let kept = visit.guest.session.hash.as_str();
    let outcome = match people::end_browsers(deps, &editor(visit), (id, which), kept).await {
        Err(error) => return refused(visit, error),
        Ok(0) if matches!(which, Browsers::All) => "warning=no_browsers".to_owned(),
        Ok(0) => "warning=browser_gone".to_owned(),
        Ok(n) => format!("success=browsers_ended&n={n}"),
    };
    Ok(visit.to(&format!("/admin/users/{id}/browsers?{outcome}")))
}
