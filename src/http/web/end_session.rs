//! `/oauth/end_session`: a client asks to sign a person out (OpenID Connect RP-Initiated Logout 1.0).
use super::{
    WebDeps,
    authorize::{Sealing, text_of},
};
use crate::{
    domain::{
        end_session::{EndParams, EndRefusal, EndVerdict},
        redirect,
    },
    flows::{
        end_session::{EndSessionDeps, consider},
        login::sign_out,
    },
    http::{
        form::Form,
        oauth::origin,
        request::Request,
        respond::{self, Response},
        router::{Route, Routes},
        session::{CSRF_FIELD, Guest, Seen, csrf_holds, csrf_token},
    },
    pages::{EndSessionPage, ErrorPage},
};
use ::http::Method;
use std::time::Duration;

const PATH: &str = "/oauth/end_session";
const SIGNED_OUT: &str = "/login?signed_out=1";
/// How long the page that asks can be answered.
const LIFE: Duration = Duration::from_secs(3600);

/// What the handlers need.
#[derive(Clone)]
pub struct EndSessionWeb {
    /// Pages and sessions.
    pub web: WebDeps,
    /// Judges.
    pub flow: EndSessionDeps,
}

/// The routes of this file.
pub fn routes(deps: &EndSessionWeb, routes: Routes) -> Routes {
    let (page, submit) = (deps.clone(), deps.clone());
    routes
        .on(
            Method::GET,
            PATH,
            Route::new(move |request| begin(page.clone(), request)),
        )
        .on(
            Method::POST,
            PATH,
            Route::new(move |request| confirmed(submit.clone(), request)),
        )
}

/// `GET /oauth/end_session`.
async fn begin(deps: EndSessionWeb, request: Request) -> Response {
    let Ok(pairs) = request.query_pairs() else {
        return deps.web.unreadable(&request, 400).await;
    };
    let params = EndParams::read(&pairs);
    let guest = match deps.web.sessions.see(&request).await {
        Ok(Seen::Somebody(guest)) => Some(guest),
        Ok(Seen::Nobody(_)) => None,
        Err(error) => return deps.web.fault(&request, &error).await,
    };
    let visitor = guest.as_ref().map(|guest| &guest.user.id);
    let (verdict, client_name) = match consider(&deps.flow, &params, visitor).await {
        Ok(judged) => judged,
        Err(error) => return deps.web.fault(&request, &error).await,
    };
    match (verdict, guest) {
        (EndVerdict::Refused(refusal), guest) => deps.refuse(&request, refusal, guest.is_some()),
        (EndVerdict::End(target), Some(guest)) => deps.end(&request, &guest, target).await,
        (EndVerdict::Confirm(target), Some(guest)) => {
            deps.ask(&request, &guest, client_name, target).await
        }
        (EndVerdict::Nobody(target) | EndVerdict::End(target) | EndVerdict::Confirm(target), _) => {
            respond::redirect(302, target.as_deref().unwrap_or(SIGNED_OUT))
        }
    }
}

/// `POST /oauth/end_session`: the page's form; or a client's request as a form, which goes on as a GET, because a post from
/// another site carries no session.
async fn confirmed(deps: EndSessionWeb, mut request: Request) -> Response {
    let form: Form = match request.form(&[]).await {
        Ok(form) => form,
        Err(error) => return deps.web.unreadable(&request, error.status()).await,
    };
    if form.get(CSRF_FIELD).is_none() {
        return respond::redirect(303, &format!("{PATH}?{}", text_of(form.all_pairs())));
    }
    let guest = match deps.web.sessions.see(&request).await {
        Ok(Seen::Somebody(guest)) => guest,
        Ok(Seen::Nobody(_)) => return respond::redirect(302, SIGNED_OUT),
        Err(error) => return deps.web.fault(&request, &error).await,
    };
    if !csrf_holds(&guest.id, form.get(CSRF_FIELD), &request) {
        return deps.web.form_old(&request).await;
    }
    let sealed = form.get("sealed").unwrap_or_default();
    let target = deps.sealing().open(&place(&guest), sealed, LIFE);
    deps.end(&request, &guest, target.map(|(_, target)| target))
        .await
}

fn place(guest: &Guest) -> String {
    format!("after signing out of {}", guest.session.hash)
}

impl EndSessionWeb {
    fn sealing(&self) -> Sealing<'_> {
        Sealing {
            sessions: &self.web.sessions,
            now: self.flow.ground.now(),
        }
    }

    async fn end(&self, request: &Request, guest: &Guest, target: Option<String>) -> Response {
        let login = &self.web.login;
        match sign_out(login, &guest.session, &guest.user, &origin(request)).await {
            Ok(()) => {
                let target = target.as_deref().unwrap_or(SIGNED_OUT);
                self.web.sessions.take(respond::redirect(302, target))
            }
            Err(error) => self.web.fault(request, &error).await,
        }
    }

    async fn ask(
        &self,
        request: &Request,
        guest: &Guest,
        client_name: Option<String>,
        target: Option<String>,
    ) -> Response {
        let sealed = match &target {
            Some(target) => self.sealing().seal(&place(guest), target),
            None => Ok(String::new()),
        };
        let sealed = match sealed {
            Ok(sealed) => sealed,
            Err(error) => return self.web.fault(request, &error).await,
        };
        let page = EndSessionPage {
            client_name,
            sealed,
            username: guest.user.username.clone(),
            csrf_token: csrf_token(&guest.id),
        };
        let response = self.web.draw_for(request, 200, guest, &page);
        match target.and_then(|target| redirect::policy_source(&target)) {
            Some(source) => respond::form_leads_to(response, &source),
            None => response,
        }
    }

    fn refuse(&self, request: &Request, refusal: EndRefusal, signed_in: bool) -> Response {
        let why = match refusal {
            EndRefusal::Repeated => "a parameter came more than once",
            EndRefusal::Clients => "client_id and id_token_hint name different clients",
            EndRefusal::Address => "post_logout_redirect_uri is not registered for the client",
        };
        tracing::info!(why, "signing out by way of a client was refused");
        let page = ErrorPage::refused(refusal.as_str(), why).signed_in(signed_in);
        self.web.draw(request, 400, &page)
    }
}
