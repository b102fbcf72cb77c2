//! `/login` and `/logout`.
use super::{
    WebDeps, authorize,
    way::{ONWARD, with_onward},
};
use crate::{
    domain::{redirect::after_login, secret::Secret},
    flows::{
        FlowError,
        login::{LoginRequest, sign_in, sign_out},
    },
    http::{
        form::Form,
        oauth::origin,
        request::Request,
        respond::{self, Response},
        session::{CSRF_FIELD, Seen, Ticket, csrf_holds, csrf_token},
    },
    pages::{self, LoginMessage, LoginPage, LogoutPage, OwnPasswordPage, Words},
};

/// Where a person goes who did not say.
pub(super) const START: &str = "/account/sessions";
const PATH: &str = "/login";
/// Where those read their new password who reset it themselves.
pub const PASSWORD_PATH: &str = "/login/password";

/// The sign-in page, and from there to `onward`. `anew`: also for somebody who is signed in already.
pub(super) fn address(onward: &str, anew: bool) -> String {
    let mut address = with_onward(PATH, onward);
    if anew {
        address.push(if onward.is_empty() { '?' } else { '&' });
        address.push_str("prompt=login");
    }
    address
}

/// `GET /login`.
pub async fn page(deps: WebDeps, request: Request) -> Response {
    let query = request.query_pairs().unwrap_or_default();
    let field = |name: &str| {
        query
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    };
    let redirect = field(ONWARD).and_then(after_login).unwrap_or_default();
    // Only a cookie that claims a session costs a look at the database.
    match deps.sessions.see(&request).await {
        // A client that wants a fresh sign-in gets the form; everybody else is signed in already.
        Ok(Seen::Somebody(_)) if is_anew(&request) => {}
        Ok(Seen::Somebody(_)) => {
            return respond::redirect(302, if redirect.is_empty() { START } else { redirect });
        }
        Ok(Seen::Nobody(_)) => {}
        Err(error) => return deps.fault(&request, &error).await,
    }
    let message = match field("error") {
        Some("session_timeout") => Some(LoginMessage::SessionTimeout),
        Some("session_invalid") => Some(LoginMessage::SessionInvalid),
        Some("not_sent") => Some(LoginMessage::NotSent),
        _ if field("warning") == Some("password_shown") => Some(LoginMessage::PasswordShown),
        _ if field("signed_out").is_some() => Some(LoginMessage::SignedOut),
        _ => None,
    };
    let username = field("login_hint").unwrap_or_default();
    show(&deps, &request, 200, redirect, username, message).await
}

/// Whether somebody who is signed in shall sign in all the same.
fn is_anew(request: &Request) -> bool {
    let query = request.query_pairs().unwrap_or_default();
    query.contains(&("prompt".to_owned(), "login".to_owned()))
}

async fn show(
    deps: &WebDeps,
    request: &Request,
    status: u16,
    redirect: &str,
    username: &str,
    message: Option<LoginMessage>,
) -> Response {
    // A session that is still there, or that nobody can say anything about now, stays until somebody signs in: a link to
    // this page must not end it.
    let known = deps.sessions.ticket(request);
    let (ticket, session) = match (deps.sessions.see(request).await, known) {
        (Ok(Seen::Somebody(guest)), _) => (Ok(Ticket::SignedIn(guest.id)), Some(guest.session)),
        (Err(_), Some(ticket)) | (_, Some(ticket @ Ticket::Anonymous(_))) => (Ok(ticket), None),
        (_, None | Some(Ticket::SignedIn(_))) => (deps.sessions.anonymous(), None),
    };
    let ticket = match ticket {
        Ok(ticket) => ticket,
        Err(error) => return deps.fault(request, &error.into()).await,
    };
    let page = LoginPage {
        action: address(redirect, is_anew(request)),
        redirect: redirect.to_owned(),
        username: username.chars().take(255).collect(),
        csrf_token: csrf_token(ticket.id()),
        message,
        remember_me_days: deps.remember_me_days,
        providers: Vec::new(),
    };
    let mut response = deps.draw(request, status, &page);
    if let Some(source) = authorize::leads_to(deps, redirect).await {
        response = respond::form_leads_to(response, &source);
    }
    match deps.sessions.put(response, &ticket, session.as_ref()) {
        Ok(response) => response,
        Err(error) => deps.fault(request, &error).await,
    }
}

/// `POST /login`.
pub async fn submit(deps: WebDeps, mut request: Request) -> Response {
    let form = match request.form(&[]).await {
        Ok(form) => form,
        Err(error) => return deps.unreadable(&request, error.status()).await,
    };
    let redirect = form
        .get(ONWARD)
        .and_then(after_login)
        .unwrap_or_default()
        .to_owned();
    let Some(ticket) = deps
        .sessions
        .ticket(&request)
        .filter(|ticket| may_sign_in(ticket, &form, &request))
    else {
        return deps.form_old(&request).await;
    };
    let asked = asked(&deps, &request, &form, &ticket);
    match sign_in(&deps.login, &asked).await {
        Ok(Some(signed_in)) => {
            let target = if redirect.is_empty() {
                START
            } else {
                redirect.as_str()
            };
            let ticket = Ticket::SignedIn(signed_in.session_id);
            let response = respond::redirect(302, target);
            match deps
                .sessions
                .put(response, &ticket, Some(&signed_in.session))
            {
                Ok(response) => response,
                Err(error) => deps.fault(&request, &error).await,
            }
        }
        Ok(None) => {
            let message = Some(LoginMessage::BadCredentials);
            show(&deps, &request, 401, &redirect, &asked.username, message).await
        }
        Err(FlowError::Unavailable(why)) => {
            tracing::warn!(why, "a password could not be checked");
            let message = Some(LoginMessage::Unavailable);
            respond::retry_after(
                show(&deps, &request, 503, &redirect, &asked.username, message).await,
                5,
            )
        }
        Err(error) => deps.fault(&request, &error).await,
    }
}

/// No other site may sign somebody in here. Before a login only the form's token shows where the form comes from. A
/// cookie of a session, which `SameSite=Lax` keeps out of posts from other sites, shows it as well, unless the browser
/// says that the form comes from a neighbour under the same domain: a form that was left open in another tab while the
/// person signed in still works.
fn may_sign_in(ticket: &Ticket, form: &Form, request: &Request) -> bool {
    let has_token = || csrf_holds(ticket.id(), form.get(CSRF_FIELD), request);
    match ticket {
        Ticket::SignedIn(_) => !request.is_cross_site() || has_token(),
        Ticket::Anonymous(_) => has_token(),
    }
}

fn asked(deps: &WebDeps, request: &Request, form: &Form, ticket: &Ticket) -> LoginRequest {
    LoginRequest {
        username: form.get("username").unwrap_or_default().to_owned(),
        password: Secret::new(form.get("password").unwrap_or_default()),
        remember_me: deps.remember_me_days.is_some() && form.get("remember_me") == Some("1"),
        address: request.client_address(),
        origin: origin(request),
        previous: match ticket {
            Ticket::SignedIn(id) => Some(crate::domain::digest::sha256_hex(id.expose().as_bytes())),
            Ticket::Anonymous(_) => None,
        },
    }
}

/// `GET /login/password`: shows, once, the password that an administrator has just given to themselves: it ended their
/// sessions. Everybody else has nothing to read here.
pub async fn own_password(deps: WebDeps, request: Request) -> Response {
    let handed = deps
        .sessions
        .ticket(&request)
        .and_then(|ticket| deps.sessions.handed(ticket.id(), &request));
    let Some(handed) = handed else {
        return respond::redirect(302, &format!("{PATH}?warning=password_shown"));
    };
    let page = OwnPasswordPage {
        password: pages::Secret {
            label: Words::of("users.password"),
            value: handed.secret.expose().to_owned(),
        },
    };
    let response = deps.draw(&request, 200, &page);
    deps.sessions.shown(response, PASSWORD_PATH)
}

/// `GET /logout`: asks, because a link or an image anywhere could lead here.
pub async fn ask_logout(deps: WebDeps, request: Request) -> Response {
    match deps.sessions.see(&request).await {
        Ok(Seen::Somebody(guest)) => {
            let page = LogoutPage {
                csrf_token: csrf_token(&guest.id),
                username: guest.user.username.clone(),
            };
            deps.draw(&request, 200, &page)
        }
        Ok(Seen::Nobody(_)) => respond::redirect(302, "/login"),
        Err(error) => deps.fault(&request, &error).await,
    }
}

/// `POST /logout`.
pub async fn logout(deps: WebDeps, mut request: Request) -> Response {
    let form = match request.form(&[]).await {
        Ok(form) => form,
        Err(error) => return deps.unreadable(&request, error.status()).await,
    };
    let guest = match deps.sessions.see(&request).await {
        Ok(Seen::Somebody(guest)) => guest,
        Ok(Seen::Nobody(_)) => return respond::redirect(302, "/login"),
        Err(error) => return deps.fault(&request, &error).await,
    };
    if !csrf_holds(&guest.id, form.get(CSRF_FIELD), &request) {
        return deps.form_old(&request).await;
    }
    match sign_out(&deps.login, &guest.session, &guest.user, &origin(&request)).await {
        Ok(()) => deps
            .sessions
            .take(respond::redirect(302, "/login?signed_out=1")),
        Err(error) => deps.fault(&request, &error).await,
    }
}
