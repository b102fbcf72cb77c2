//! Passwords that are shown once: of a person who is made, and of one who needs another.
use super::{draft, form, refused, refused_form, told};
use crate::{
    domain::{account::AccountDraft, secret::Secret, user::User},
    flows::people::{self, PeopleDeps, PeopleError, WithPassword},
    http::{
        handover::Handed,
        router::Routes,
        web::{
            WebDeps,
            guard::{self, Answer, Visit},
            login::PASSWORD_PATH,
            registered::editor,
        },
    },
    pages::{Place, UserPasswordPage, Words},
};
use ::http::Method;
use std::sync::Arc;

/// Its routes.
pub fn routes(web: &WebDeps, deps: &PeopleDeps, routes: Routes) -> Routes {
    use guard::admin;
    routes
        .on(Method::POST, "/admin/users", admin(web, deps, make))
        .on(Method::GET, "/admin/users/new", admin(web, deps, blank))
        .on(
            Method::POST,
            "/admin/users/{id}/reset-password",
            admin(web, deps, reset),
        )
        .on(
            Method::GET,
            "/admin/users/{id}/password",
            admin(web, deps, show),
        )
}

async fn blank(deps: PeopleDeps, visit: Arc<Visit>) -> Answer {
    let mut page = form(&visit, None, &AccountDraft::default());
    page.submission = deps.ground.uuid()?;
    Ok(visit.draw(200, &page))
}

async fn make(deps: PeopleDeps, visit: Arc<Visit>) -> Answer {
    let draft = draft(&visit);
    let password = Secret::new(visit.form.get("password").unwrap_or_default());
    let wish = (&draft, &password, visit.submission());
    match people::create(&deps, &editor(&visit), wish).await {
        Ok(made) => hand_over(&visit, made, true),
        // The same form, sent twice: whichever answer the browser shows leads to the one person.
        Err(PeopleError::Already(id)) => Ok(visit.to(&format!("/admin/users/{id}/password"))),
        Err(error) => refused_form(&visit, (None, &draft), error),
    }
}

async fn reset(deps: PeopleDeps, visit: Arc<Visit>) -> Answer {
    match people::reset_password(&deps, &editor(&visit), visit.param("id")).await {
        Ok(made) if made.user.id == visit.guest.user.id => hand_to_oneself(&visit, made),
        Ok(made) => hand_over(&visit, made, false),
        Err(error) => told(&deps, &visit, error).await,
    }
}

/// One's own sessions are over with the old password. So the secret goes along with what a browser carries before anybody
/// signs in, to a page that asks for no more.
fn hand_to_oneself(visit: &Visit, made: WithPassword) -> Answer {
    let sessions = &visit.web.sessions;
    let handed = Handed {
        secret: made.password,
        is_new: false,
    };
    let ticket = sessions.anonymous()?;
    let response = sessions.hand_over(ticket.id(), PASSWORD_PATH, &handed)?;
    sessions.put(response, &ticket, None)
}

fn hand_over(visit: &Visit, made: WithPassword, is_new: bool) -> Answer {
    let handed = Handed {
        secret: made.password,
        is_new,
    };
    visit.hand_over(&format!("/admin/users/{}/password", made.user.id), &handed)
}

/// Shows a password. Whoever comes without one, or a second time, is told on the person's page.
async fn show(deps: PeopleDeps, visit: Arc<Visit>) -> Answer {
    let user = match people::find(&deps, visit.param("id")).await {
        Ok(user) => user,
        Err(error) => return refused(&visit, error),
    };
    Ok(match visit.handed() {
        Some(handed) => visit.draw_once(&page(&visit, &user, &handed)),
        None => visit.to(&format!("/admin/users/{}?warning=password_shown", user.id)),
    })
}

fn page(visit: &Visit, user: &User, handed: &Handed) -> UserPasswordPage {
    UserPasswordPage {
        shell: visit.shell(Place::Users),
        is_new: handed.is_new,
        id: user.id.as_str().to_owned(),
        username: user.username.clone(),
        password: crate::pages::Secret {
            label: Words::of("users.password"),
            value: handed.secret.expose().to_owned(),
        },
    }
}
