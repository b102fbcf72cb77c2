//! `/admin/users`: people. Nobody does anything to themselves here, and somebody is always left to administer.
use super::people_words::{fault_words, policy_words};
use crate::{
    domain::{
        account::{AccountDraft, AccountField},
        submission,
        user::{Role, User},
    },
    flows::browse::{self, UserHoldings, UserQuery},
    flows::{
        FlowError,
        counting::Counting,
        people::{self, PeopleDeps, PeopleError, is_local},
    },
    http::{
        router::Routes,
        web::{
            WebDeps,
            guard::{self, Answer, Visit},
            list::{Choosing, Listing, Shape},
            registered::editor,
        },
    },
    pages::{
        Alert, Badge, Fact, FormInput, FormSelect, Holding, Place, Tone, UserFormPage, UserPage,
        UserRow, UsersPage, When, Words,
    },
};
use ::http::Method;
use std::sync::Arc;

mod asking;
mod browsers;
mod linked;
mod password;

/// Its routes.
pub fn routes(web: &WebDeps, (deps, counting): (&PeopleDeps, &Counting), routes: Routes) -> Routes {
    use guard::admin;
    let routes = routes
        .on(Method::GET, "/admin/users", admin(web, counting, list))
        .on(Method::GET, "/admin/users/{id}", admin(web, deps, show))
        .on(Method::POST, "/admin/users/{id}", admin(web, deps, change))
        .on(
            Method::GET,
            "/admin/users/{id}/edit",
            admin(web, deps, edit),
        )
        .on(
            Method::POST,
            "/admin/users/{id}/enable",
            admin(web, deps, enable),
        )
        .on(
            Method::POST,
            "/admin/users/{id}/disable",
            admin(web, deps, disable),
        )
        .on(
            Method::POST,
            "/admin/users/{id}/delete",
            admin(web, deps, delete),
        );
    let routes = password::routes(web, deps, asking::routes(web, deps, routes));
    browsers::routes(web, deps, linked::routes(web, deps, routes))
}

/// What the list can be asked for.
pub const LIST: Shape = Shape {
    size: 10,
    hint: "users.search",
    filters: &[
        Choosing {
            name: "role",
            label: "users.role",
            values: &[
                ("", "list.all"),
                ("admin", "users.admin"),
                ("user", "users.user"),
            ],
        },
        Choosing {
            name: "status",
            label: "users.status",
            values: &[
                ("", "list.all"),
                ("active", "users.active"),
                ("disabled", "users.disabled"),
            ],
        },
        Choosing {
            name: "auth_source",
            label: "users.source",
            values: &[
                ("", "list.all"),
                ("local", "users.local"),
                ("http_api", "users.external"),
            ],
        },
    ],
};

async fn list(counting: Counting, visit: Arc<Visit>) -> Answer {
    let listing = Listing::of(&visit, &LIST);
    let query = UserQuery {
        search: listing.search.clone(),
        role: match listing.filter("role") {
            "admin" => Some(Role::Admin),
            "user" => Some(Role::User),
            _ => None,
        },
        is_active: match listing.filter("status") {
            "active" => Some(true),
            "disabled" => Some(false),
            _ => None,
        },
        auth_source: Some(listing.filter("auth_source")).filter(|source| !source.is_empty()),
    };
    let ground = counting.ground();
    let found = browse::people(ground, &query, &listing.slice).await?;
    let total = listing.total(&counting, |all| Some(all.users)).await;
    let now = ground.now();
    let row = |user: &User| UserRow {
        username: user.username.clone(),
        full_name: user.full_name.clone(),
        email: user.email.clone(),
        href: format!("/admin/users/{}", user.id),
        role: role(user),
        status: status(user),
        source: Words::of(if is_local(user) {
            "users.local"
        } else {
            "users.external"
        }),
        created: When::new(user.created_at, now),
    };
    let page = UsersPage {
        shell: visit.shell(Place::Users),
        filter: listing.form(),
        is_narrowed: listing.is_narrowed(),
        cut: Listing::cut(&found),
        rows: found.leaf.rows.iter().map(row).collect(),
        pager: listing.pager(&found.leaf, total),
    };
    Ok(visit.draw(200, &page))
}

fn role(user: &User) -> Badge {
    match user.role {
        Role::Admin => Badge::new(Tone::Info, "users.admin"),
        Role::User => Badge::new(Tone::Neutral, "users.user"),
    }
}

fn status(user: &User) -> Badge {
    if user.is_active {
        Badge::new(Tone::Success, "users.active")
    } else {
        Badge::new(Tone::Error, "users.disabled")
    }
}

/// What a form says; the password apart.
fn draft(visit: &Visit) -> AccountDraft {
    let text = |name: &str| visit.form.get(name).unwrap_or_default().to_owned();
    AccountDraft {
        username: text("username"),
        email: text("email"),
        full_name: text("full_name"),
        role: text("role"),
    }
}

/// The form, for a new person or for one that exists.
fn form(visit: &Visit, user: Option<&User>, draft: &AccountDraft) -> UserFormPage {
    let here = match user {
        Some(user) => format!("/admin/users/{}", user.id),
        None => "/admin/users".to_owned(),
    };
    let chosen = if draft.role == "admin" {
        "admin"
    } else {
        "user"
    };
    UserFormPage {
        shell: visit.shell(Place::Users),
        is_new: user.is_none(),
        is_oneself: user.is_some_and(|user| user.id == visit.guest.user.id),
        message: None,
        action: here.clone(),
        cancel: here,
        heading: user.map(|user| user.username.clone()).unwrap_or_default(),
        version: user.map(people::version).unwrap_or_default(),
        submission: String::new(),
        username: FormInput::of(draft.username.as_str()),
        email: FormInput::of(draft.email.as_str()),
        full_name: FormInput::of(draft.full_name.as_str()),
        role: FormSelect::of(&[("user", "users.user"), ("admin", "users.admin")], chosen),
        password: FormInput::default(),
    }
}

/// The form again, with what is wrong; or the answer to something that no form can mend.
fn refused_form(
    visit: &Visit,
    (user, draft): (Option<&User>, &AccountDraft),
    error: PeopleError,
) -> Answer {
    let mut page = form(visit, user, draft);
    page.submission
        .push_str(visit.form.get(submission::FIELD).unwrap_or_default());
    page.message = Some(Alert::error(Words::of("users.faults")));
    match error {
        PeopleError::Faults(faults) => {
            let of = |field| fault_words(&faults, field);
            page.username = page.username.wrong(of(AccountField::Username));
            page.email = page.email.wrong(of(AccountField::Email));
            page.full_name = page.full_name.wrong(of(AccountField::FullName));
            page.role = page.role.wrong(of(AccountField::Role));
        }
        PeopleError::Password(violation) => {
            page.password = page.password.wrong(vec![policy_words(violation)]);
        }
        PeopleError::Stale => {
            page.message = Some(Alert::warning(Words::of("users.stale")));
            return Ok(visit.draw(409, &page));
        }
        other => return refused(visit, other),
    }
    Ok(visit.draw(400, &page))
}

async fn edit(deps: PeopleDeps, visit: Arc<Visit>) -> Answer {
    let user = match people::find(&deps, visit.param("id")).await {
        Ok(user) => user,
        Err(error) => return refused(&visit, error),
    };
    let draft = AccountDraft {
        username: user.username.clone(),
        email: user.email.clone(),
        full_name: user.full_name.clone(),
        role: user.role.as_str().to_owned(),
    };
    Ok(visit.draw(200, &form(&visit, Some(&user), &draft)))
}

async fn change(deps: PeopleDeps, visit: Arc<Visit>) -> Answer {
    let user = match people::find(&deps, visit.param("id")).await {
        Ok(user) => user,
        Err(error) => return refused(&visit, error),
    };
    let draft = draft(&visit);
    let seen = visit
        .form
        .get("version")
        .filter(|version| !version.is_empty());
    match people::update(&deps, &editor(&visit), user.id.as_str(), (&draft, seen)).await {
        Ok(()) => Ok(visit.to(&format!("/admin/users/{}?success=updated", user.id))),
        Err(error) => refused_form(&visit, (Some(&user), &draft), error),
    }
}

async fn show(deps: PeopleDeps, visit: Arc<Visit>) -> Answer {
    match people::find(&deps, visit.param("id")).await {
        Ok(user) => {
            let page = page(&deps, &visit, &user, None).await?;
            Ok(visit.draw(200, &page))
        }
        Err(error) => refused(&visit, error),
    }
}

async fn page(
    deps: &PeopleDeps,
    visit: &Visit,
    user: &User,
    message: Option<Alert>,
) -> Result<UserPage, FlowError> {
    let now = deps.ground.now();
    let held = browse::holdings(&deps.ground, &user.id).await?;
    Ok(UserPage {
        shell: visit.shell(Place::Users),
        id: user.id.as_str().to_owned(),
        username: user.username.clone(),
        status: status(user),
        role: role(user),
        message,
        facts: facts(user, held),
        created: When::new(user.created_at, now),
        updated: When::new(user.updated_at, now),
        holdings: holdings(user, held),
        is_oneself: user.id == visit.guest.user.id,
        is_active: user.is_active,
        is_local: is_local(user),
    })
}

/// What a person's page tells about them.
pub fn facts(user: &User, held: UserHoldings) -> Vec<Fact> {
    let state = if user.email_verified {
        "users.verified"
    } else {
        "users.not_verified"
    };
    let email = Words::of("users.email_of")
        .with("email", user.email.as_str())
        .with("state", Words::of(state));
    let source = if is_local(user) {
        "users.local"
    } else {
        "users.external"
    };
    let mut facts = vec![
        Fact::new("users.email", email),
        Fact::new("users.source", Words::of(source)),
        Fact::new("users.clients", Words::counted(held.clients)),
    ];
    if !user.full_name.is_empty() {
        facts.insert(0, Fact::new("users.full_name", user.full_name.as_str()));
    }
    if user.must_change_password {
        facts.push(Fact::new(
            "users.password_state",
            Words::of("users.waits_for_change"),
        ));
    }
    facts
}

/// What a person has, and where it is listed.
pub fn holdings(user: &User, held: UserHoldings) -> Vec<Holding> {
    let base = format!("/admin/users/{}", user.id);
    [
        (
            held.tokens,
            "users.tokens",
            format!("/admin/tokens?search={}&status=active", user.id),
        ),
        (held.sessions, "users.sessions", format!("{base}/browsers")),
        (
            held.connections,
            "users.connections",
            format!("{base}/connections"),
        ),
        (
            held.consents,
            "users.authorizations",
            format!("{base}/authorizations"),
        ),
    ]
    .into_iter()
    .map(|(n, name, href)| Holding {
        figure: Words::counted(n),
        name: Words::of(name),
        href,
    })
    .collect()
}

/// The answer to a refusal that has no form: the page of the error, or of the person with the reason.
fn refused(visit: &Visit, error: PeopleError) -> Answer {
    match error {
        PeopleError::Unknown => Ok(visit.not_found()),
        PeopleError::NotAdmin => Ok(visit.forbidden()),
        PeopleError::Flow(error) => Err(error),
        other => Err(FlowError::Internal(format!(
            "{other:?} where nothing can be mended"
        ))),
    }
}

/// Why an action was refused, on the person's page.
async fn told(deps: &PeopleDeps, visit: &Visit, error: PeopleError) -> Answer {
    let words = match error {
        PeopleError::Oneself => "users.refused_oneself",
        PeopleError::LastAdmin => "users.refused_last_admin",
        PeopleError::NotLocal => "users.refused_not_local",
        PeopleError::AlreadySo if visit.request.path().ends_with("/enable") => {
            "users.refused_enabled"
        }
        PeopleError::AlreadySo => "users.refused_disabled",
        PeopleError::Stale => "users.stale",
        other => return refused(visit, other),
    };
    match people::find(deps, visit.param("id")).await {
        Ok(user) => {
            let alert = Alert::error(Words::of(words));
            let page = page(deps, visit, &user, Some(alert)).await?;
            Ok(visit.draw(400, &page))
        }
        Err(error) => refused(visit, error),
    }
}

async fn enable(deps: PeopleDeps, visit: Arc<Visit>) -> Answer {
    let id = visit.param("id");
    match people::enable(&deps, &editor(&visit), id).await {
        Ok(()) => Ok(visit.to(&format!("/admin/users/{id}?success=enabled"))),
        Err(error) => told(&deps, &visit, error).await,
    }
}

async fn disable(deps: PeopleDeps, visit: Arc<Visit>) -> Answer {
    let id = visit.param("id");
    match people::disable(&deps, &editor(&visit), id).await {
        Ok(()) => Ok(visit.to(&format!("/admin/users/{id}?success=disabled"))),
        Err(error) => told(&deps, &visit, error).await,
    }
}

async fn delete(deps: PeopleDeps, visit: Arc<Visit>) -> Answer {
    match people::delete(&deps, &editor(&visit), visit.param("id")).await {
        Ok(_) => Ok(visit.to("/admin/users?success=deleted")),
        Err(error) => told(&deps, &visit, error).await,
    }
}
