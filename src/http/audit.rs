//! The audit trail for administrators: as a page, as JSON, as counts, and as a file.
use super::{
    oauth::origin,
    request::Request,
    respond::{self, Response},
    router::{Access, Route, Routes},
    session::{Guest, Seen},
    web::{WebDeps, guard},
};
use crate::{
    domain::audit::Actor,
    flows::{
        FlowError,
        audit::{AuditDeps, Reader},
        noticed,
    },
};
use ::http::Method;
use serde_json::json;

mod csv;
mod export;
mod json;
mod page;
mod query;

/// What the audit trail's routes need.
#[derive(Clone)]
pub struct AuditWeb {
    /// Pages, and who is signed in.
    pub web: WebDeps,
    /// Reading.
    pub audit: AuditDeps,
}

/// Adds the routes.
pub fn routes(deps: &AuditWeb, routes: Routes) -> Routes {
    let export = deps.clone();
    routes
        .on(
            Method::GET,
            "/admin/audit",
            guard::admin(&deps.web, deps, page::show),
        )
        .on(Method::GET, "/admin/audit/api", reading(deps, json::list))
        .on(
            Method::GET,
            "/admin/audit/api/stats",
            reading(deps, json::stats),
        )
        .on(
            Method::GET,
            "/admin/audit/export",
            Route::new(move |request| export::csv(export.clone(), request)).only_for(Access::Admin),
        )
}

/// An answer to a program of an administrator.
fn reading<F, Fut>(deps: &AuditWeb, handler: F) -> Route
where
    F: Fn(AuditWeb, Reader, Request) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = Response> + Send + 'static,
{
    let deps = deps.clone();
    let route = Route::new(move |request| {
        let (deps, handler) = (deps.clone(), handler.clone());
        async move {
            match deps.reader(&request).await {
                Ok(reader) => handler(deps, reader, request).await,
                Err(answer) => answer,
            }
        }
    });
    route.only_for(Access::Admin)
}

impl AuditWeb {
    /// On the ground that pages stand on.
    pub fn new(web: &WebDeps) -> Self {
        let ground = web.login.ground.clone();
        Self {
            web: web.clone(),
            audit: AuditDeps { ground },
        }
    }

    /// The administrator who asks, or what to tell somebody else.
    async fn reader(&self, request: &Request) -> Result<Reader, Response> {
        match self.web.sessions.see(request).await {
            Ok(Seen::Somebody(guest)) if guest.user.may_administer() => Ok(reader(&guest, request)),
            Ok(Seen::Somebody(guest)) if guest.user.must_change_password => Err(refusal(
                403,
                "forbidden",
                "the password that an administrator chose has to be changed first",
            )),
            Ok(Seen::Somebody(guest)) => {
                noticed::no_administrator(&self.web.login.audit, &guest.user, &origin(request));
                Err(refusal(
                    403,
                    "forbidden",
                    "only administrators may read the audit trail",
                ))
            }
            Ok(Seen::Nobody(_)) if request.wants_html() => Err(to_login(request)),
            Ok(Seen::Nobody(_)) => Err(refusal(
                401,
                "unauthorized",
                "sign in as an administrator first",
            )),
            Err(error) => Err(failure(&error)),
        }
    }

    /// The same for a browser, which is answered with pages.
    async fn person(&self, request: &Request) -> Result<Reader, Response> {
        let guest = self.web.guest(request).await?;
        if guest.user.may_administer() {
            return Ok(reader(&guest, request));
        }
        Err(self.web.admins_only(request, &guest).await)
    }
}

/// To the sign-in page and back here afterwards.
fn to_login(request: &Request) -> Response {
    let whole = request.path_and_query();
    let back: String = url::form_urlencoded::byte_serialize(whole.as_bytes()).collect();
    respond::redirect(302, &format!("/login?redirect={back}"))
}

fn reader(guest: &Guest, request: &Request) -> Reader {
    Reader {
        actor: Actor::from(&guest.user),
        origin: origin(request),
    }
}

fn refusal(status: u16, error: &str, why: &str) -> Response {
    let body = json!({"error": error, "error_description": why});
    respond::no_store(respond::json(status, &body))
}

fn failure(error: &FlowError) -> Response {
    super::oauth::refuse(error, "Admin")
}
