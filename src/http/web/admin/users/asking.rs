//! Asks before something about a person ends, and tells what it will end.
use super::{refused, told};
use crate::{
    domain::{paging::Counted, user::User},
    flows::browse::{self, UserHoldings},
    flows::people::{self, PeopleDeps, PeopleError, is_local},
    http::{
        router::Routes,
        web::{
            WebDeps,
            guard::{self, Answer, Visit},
        },
    },
    pages::{ConfirmPage, Fact, Place, Words},
};
use ::http::Method;
use std::sync::Arc;

/// Its routes.
pub fn routes(web: &WebDeps, deps: &PeopleDeps, routes: Routes) -> Routes {
    use guard::admin;
    routes
        .on(
            Method::GET,
            "/admin/users/{id}/disable",
            admin(web, deps, disable),
        )
        .on(
            Method::GET,
            "/admin/users/{id}/delete",
            admin(web, deps, delete),
        )
        .on(
            Method::GET,
            "/admin/users/{id}/reset-password",
            admin(web, deps, reset),
        )
}

fn confirm(visit: &Visit, user: &User, action: &str) -> ConfirmPage {
    ConfirmPage {
        shell: visit.shell(Place::Users),
        title: Words::of("confirm.page"),
        lead: Words::from(user.username.as_str()),
        facts: vec![Fact::new("users.email", user.email.as_str())],
        consequences: vec![],
        action: format!("/admin/users/{}/{action}", user.id),
        hidden: vec![],
        button: Words::of("users.delete"),
        is_danger: true,
        cancel: format!("/admin/users/{}", user.id),
    }
}

/// The person and what they hold, when it can be done to them at all.
async fn target(deps: &PeopleDeps, visit: &Visit) -> Result<(User, UserHoldings), PeopleError> {
    let user = people::find(deps, visit.param("id")).await?;
    let held = browse::holdings(&deps.ground, &user.id).await?;
    Ok((user, held))
}

/// The same, for what nobody does to themselves.
async fn another(deps: &PeopleDeps, visit: &Visit) -> Result<(User, UserHoldings), PeopleError> {
    let found = target(deps, visit).await?;
    if found.0.id == visit.guest.user.id {
        return Err(PeopleError::Oneself);
    }
    Ok(found)
}

fn n(key: &'static str, n: Counted) -> Words {
    Words::of(key).with("n", Words::counted(n))
}

async fn disable(deps: PeopleDeps, visit: Arc<Visit>) -> Answer {
    let (user, held) = match another(&deps, &visit).await {
        Ok((user, _)) if !user.is_active => {
            return told(&deps, &visit, PeopleError::AlreadySo).await;
        }
        Ok(target) => target,
        Err(error) => return told(&deps, &visit, error).await,
    };
    let page = ConfirmPage {
        title: Words::of("users.disable_title"),
        consequences: vec![
            n("users.ends_sessions", held.sessions),
            n("users.ends_tokens", held.tokens),
            Words::of("users.ends_codes"),
            Words::of("users.consents_stay"),
        ],
        button: Words::of("users.disable"),
        ..confirm(&visit, &user, "disable")
    };
    Ok(visit.draw(200, &page))
}

async fn delete(deps: PeopleDeps, visit: Arc<Visit>) -> Answer {
    let (user, held) = match another(&deps, &visit).await {
        Ok(target) => target,
        Err(error) => return told(&deps, &visit, error).await,
    };
    let page = ConfirmPage {
        title: Words::of("users.delete_title"),
        consequences: vec![
            n("users.ends_sessions", held.sessions),
            n("users.ends_tokens", held.tokens),
            n("users.ends_consents", held.consents),
            n("users.ends_connections", held.connections),
            n("users.hands_over", held.clients),
            Words::of("users.is_final"),
        ],
        ..confirm(&visit, &user, "delete")
    };
    Ok(visit.draw(200, &page))
}

async fn reset(deps: PeopleDeps, visit: Arc<Visit>) -> Answer {
    let (user, held) = match target(&deps, &visit).await {
        Ok(target) => target,
        Err(error) => return refused(&visit, error),
    };
    if !is_local(&user) {
        return told(&deps, &visit, PeopleError::NotLocal).await;
    }
    let mut consequences = vec![
        Words::of("users.new_password"),
        n("users.ends_sessions", held.sessions),
        n("users.ends_tokens", held.tokens),
        Words::of("users.ends_codes"),
        Words::of("users.unlocks"),
    ];
    if user.id == visit.guest.user.id {
        consequences.push(Words::of("users.own_password"));
    }
    let page = ConfirmPage {
        title: Words::of("users.reset_title"),
        consequences,
        button: Words::of("users.reset_button"),
        ..confirm(&visit, &user, "reset-password")
    };
    Ok(visit.draw(200, &page))
}
