//! `/account/profile`: name, password, linked logins.
use super::oneself;
use crate::{
    domain::{
        redirect::after_login,
        secret::Secret,
        user::{Role, User},
    },
    flows::{
        account::{
            self, AccountDeps, LinkedLogin, NewPassword, PasswordError, PolicyViolation,
            ProfileError, Unlinked,
        },
        people::is_local,
    },
    http::{
        respond::{self, Response},
        session::Ticket,
        web::{
            authorize::leads_to,
            form_encoded,
            guard::{Answer, Visit},
            way::{ONWARD, PASSWORD_PAGE as PAGE, with_onward, with_outcome},
        },
    },
    pages::{
        Alert, ConfirmPage, Fact, LinkedRow, NameForm, PasswordForm, Place, ProfilePage, When,
        Words,
    },
};
use std::sync::Arc;

/// Where the person was going when they were told to change their password first; nowhere for everybody else.
fn onward(visit: &Visit) -> &str {
    visit
        .query(ONWARD)
        .filter(|_| visit.guest.user.must_change_password)
        .and_then(after_login)
        .unwrap_or_default()
}

/// `GET /account/profile`.
pub async fn page(deps: AccountDeps, visit: Arc<Visit>) -> Answer {
    let user = &visit.guest.user;
    let (name, password) = (name_form(user), password_form(&deps, user));
    show(&deps, &visit, 200, name, password).await
}

async fn show(
    deps: &AccountDeps,
    visit: &Visit,
    status: u16,
    name: Option<NameForm>,
    password: Option<PasswordForm>,
) -> Answer {
    let (now, onward) = (deps.login.ground.now(), onward(visit));
    let linked = account::linked_logins(deps, &oneself(visit)).await?;
    let linked = linked
        .into_iter()
        .map(|login| LinkedRow {
            provider: provider_name(&login.provider),
            unlink: format!("/account/connections/{}/unlink", form_encoded(&login.id)),
            since: When::new(login.created_at, now),
            last_used: login.last_used_at.map(|at| When::new(at, now)),
            username: login.username,
            email: login.email,
        })
        .collect();
    let page = ProfilePage {
        shell: visit.shell(Place::Account),
        facts: facts(&visit.guest.user),
        onward: with_onward("", onward),
        name,
        password,
        linked,
    };
    let response = visit.draw(status, &page);
    // The way goes on as it does after signing in, so this form needs the same leave.
    Ok(match leads_to(&visit.web, onward).await {
        Some(source) => respond::form_leads_to(response, &source),
        None => response,
    })
}

fn facts(user: &User) -> Vec<Fact> {
    let email = if user.email_verified {
        Words::of("account.profile.verified").with("email", user.email.as_str())
    } else {
        Words::from(user.email.as_str())
    };
    let role = match user.role {
        Role::Admin => "account.profile.role_admin",
        Role::User => "account.profile.role_user",
    };
    vec![
        Fact::new("account.profile.username", user.username.as_str()),
        Fact::new("account.profile.email", email),
        Fact::new("account.profile.role", Words::of(role)),
    ]
}

fn name_form(user: &User) -> Option<NameForm> {
    is_local(user).then(|| NameForm {
        full_name: user.full_name.clone(),
        error: None,
    })
}

fn password_form(deps: &AccountDeps, user: &User) -> Option<PasswordForm> {
    let least = u64::try_from(deps.policy.min_length()).unwrap_or_default();
    (is_local(user) && !user.password_hash.is_empty()).then(|| PasswordForm {
        username: user.username.clone(),
        rule: Words::of("account.password.rule").with("n", least),
        must_change: user.must_change_password,
        message: None,
        current_error: None,
        new_error: None,
        repeat_error: None,
    })
}

/// How providers write their own names.
fn provider_name(provider: &str) -> String {
    match provider {
        "github" => "GitHub".to_owned(),
        "gitlab" => "GitLab".to_owned(),
        "gitea" => "Gitea".to_owned(),
        "microsoft" => "Microsoft".to_owned(),
        other => other.to_owned(),
    }
}

/// `POST /account/profile`.
pub async fn rename(deps: AccountDeps, visit: Arc<Visit>) -> Answer {
    let full_name = visit.form.get("full_name").unwrap_or_default();
    let error = match account::rename(&deps, &oneself(&visit), full_name).await {
        Ok(()) => {
            let page = with_onward(PAGE, onward(&visit));
            return Ok(visit.to(&with_outcome(&page, "success=renamed")));
        }
        Err(ProfileError::TooLong(most)) => {
            Words::of("account.profile.too_long").with("n", u64::try_from(most).unwrap_or_default())
        }
        Err(ProfileError::HiddenCharacter) => Words::of("account.profile.hidden_character"),
        Err(ProfileError::NotLocal) => Words::of("account.profile.from_elsewhere"),
        Err(ProfileError::Flow(error)) => return Err(error),
    };
    let user = &visit.guest.user;
    let form = name_form(user).map(|_| NameForm {
        full_name: full_name.chars().take(300).collect(),
        error: Some(error),
    });
    show(&deps, &visit, 400, form, password_form(&deps, user)).await
}

/// `POST /account/password`.
pub async fn change_password(deps: AccountDeps, visit: Arc<Visit>) -> Answer {
    let field = |name: &str| Secret::new(visit.form.get(name).unwrap_or_default());
    let typed = NewPassword {
        current: field("current_password"),
        new: field("new_password"),
        repeated: field("repeat_password"),
        end_tokens: visit.form.get("end_tokens") == Some("1"),
        address: visit.request.client_address(),
    };
    match account::change_password(&deps, &oneself(&visit), &typed).await {
        Ok(session_id) => changed(&visit, session_id),
        Err(PasswordError::Flow(error)) => Err(error),
        Err(error) => {
            let user = &visit.guest.user;
            let form = password_form(&deps, user).map(|form| refused(form, &error));
            show(&deps, &visit, 400, name_form(user), form).await
        }
    }
}

/// The session goes on under its new name, which no other answer may overwrite.
fn changed(visit: &Visit, session_id: Secret) -> Answer {
    let outcome = "success=password";
    let response: Response = visit.to(&match onward(visit) {
        "" => with_outcome(PAGE, outcome),
        // What a client asked for stays as it is.
        asked if asked.starts_with("/oauth/") => asked.to_owned(),
        page => with_outcome(page, outcome),
    });
    let ticket = Ticket::SignedIn(session_id);
    let session = Some(&visit.guest.session);
    visit.web.sessions.put(response, &ticket, session)
}

fn refused(form: PasswordForm, error: &PasswordError) -> PasswordForm {
    let n = |n: &usize| u64::try_from(*n).unwrap_or_default();
    let current = |key: &'static str, form| PasswordForm {
        current_error: Some(Words::of(key)),
        ..form
    };
    let new = |words: Words, form| PasswordForm {
        new_error: Some(words),
        ..form
    };
    match error {
        PasswordError::WrongCurrent => current("account.password.wrong", form),
        PasswordError::Locked => current("account.password.locked", form),
        PasswordError::Differ => PasswordForm {
            repeat_error: Some(Words::of("account.password.differ")),
            ..form
        },
        PasswordError::Same => new(Words::of("account.password.same"), form),
        PasswordError::Policy(violation) => {
            let words = match violation {
                PolicyViolation::TooShort(least) => {
                    Words::of("account.password.too_short").with("n", n(least))
                }
                PolicyViolation::TooLong(most) => {
                    Words::of("account.password.too_long").with("n", n(most))
                }
                PolicyViolation::Common => Words::of("account.password.common"),
                PolicyViolation::Contextual => Words::of("account.password.contextual"),
            };
            new(words, form)
        }
        PasswordError::Stale | PasswordError::NotLocal | PasswordError::Flow(_) => PasswordForm {
            message: Some(Alert::error(Words::of("account.password.stale"))),
            ..form
        },
    }
}

/// `GET /account/connections/{id}/unlink`.
pub async fn ask_unlink(deps: AccountDeps, visit: Arc<Visit>) -> Answer {
    let linked = account::linked_logins(&deps, &oneself(&visit)).await?;
    let user = &visit.guest.user;
    let is_only = linked.len() == 1 && is_local(user) && user.password_hash.is_empty();
    let Some(login) = linked
        .into_iter()
        .find(|login| login.id == visit.param("id"))
    else {
        return Ok(visit.not_found());
    };
    if is_only {
        return Ok(visit.to(&format!("{PAGE}?warning=only_way_in")));
    }
    Ok(visit.draw(200, &confirm_unlink(&visit, login)))
}

fn confirm_unlink(visit: &Visit, login: LinkedLogin) -> ConfirmPage {
    ConfirmPage {
        shell: visit.shell(Place::Account),
        title: Words::of("account.linked.unlink_heading"),
        lead: Words::of("account.linked.unlink_lead"),
        facts: vec![
            Fact::new("account.linked.provider", provider_name(&login.provider)),
            Fact::new("account.linked.account", login.username),
        ],
        consequences: Vec::new(),
        action: visit.request.path().to_owned(),
        hidden: Vec::new(),
        button: Words::of("account.linked.unlink"),
        is_danger: true,
        cancel: PAGE.to_owned(),
    }
}

/// `POST /account/connections/{id}/unlink`.
pub async fn unlink(deps: AccountDeps, visit: Arc<Visit>) -> Answer {
    let outcome = account::unlink(&deps, &oneself(&visit), visit.param("id")).await?;
    Ok(match outcome {
        Unlinked::Done => visit.to(&format!("{PAGE}?success=unlinked")),
        Unlinked::OnlyWayIn => visit.to(&format!("{PAGE}?warning=only_way_in")),
        Unlinked::Unknown => visit.not_found(),
    })
}
