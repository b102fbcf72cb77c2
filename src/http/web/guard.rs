//! Who gets to a page: the one place that asks (SS-11). A handler behind one of these wrappers gets a [`Visit`]: the
//! request, the person, and unless it only reads the form, whose token was checked already.
//!
//! | wrapper | lets in | others |
//! |---|---|---|
//! | [`person`] | who is signed in | to the sign-in page and back |
//! | [`admin`] | administrators | 403 |
//!
//! The audit trail's answers to programs ask the same rule (`User::may_administer`) and say no in JSON.
use super::WebDeps;
use crate::{
    domain::{
        audit::{Actor, Origin},
        submission::Submission,
    },
    flows::{FlowError, audit::Reader, noticed},
    http::{
        form::Form,
        handover::Handed,
        oauth::origin,
        request::Request,
        respond::{self, Response},
        router::{Access, Route},
        session::{CSRF_FIELD, Guest, csrf_holds, csrf_token},
    },
    pages::{Alert, ErrorPage, Lang, Place, Shell, View, Words},
};
use std::sync::Arc;

/// What a page's handler answers; a fault becomes the page of that fault.
pub type Answer = Result<Response, FlowError>;

/// A person who asks for a page or sends a form.
pub struct Visit {
    /// Draws.
    pub web: WebDeps,
    /// The request; its body was read.
    pub request: Request,
    /// Who.
    pub guest: Box<Guest>,
    /// The language that pages are drawn in.
    pub lang: Lang,
    /// The form that was sent; empty for who only reads.
    pub form: Form,
    /// Clients that wait for approval, for administrators.
    pending: u64,
    query: Vec<(String, String)>,
}

/// What a wrapper asks for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Needs {
    Person,
    Admin,
}

/// A page, or a form, for everybody who is signed in.
pub fn person<D, F, Fut>(web: &WebDeps, deps: &D, handler: F) -> Route
where
    D: Clone + Send + Sync + 'static,
    F: Fn(D, Arc<Visit>) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Answer> + Send + 'static,
{
    guarded(web, deps, Needs::Person, &[], handler)
}

/// A form in which the named fields may come more than once.
pub fn person_with<D, F, Fut>(
    web: &WebDeps,
    deps: &D,
    repeatable: &'static [&'static str],
    handler: F,
) -> Route
where
    D: Clone + Send + Sync + 'static,
    F: Fn(D, Arc<Visit>) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Answer> + Send + 'static,
{
    guarded(web, deps, Needs::Person, repeatable, handler)
}

/// A page, or a form, for administrators.
pub fn admin<D, F, Fut>(web: &WebDeps, deps: &D, handler: F) -> Route
where
    D: Clone + Send + Sync + 'static,
    F: Fn(D, Arc<Visit>) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Answer> + Send + 'static,
{
    guarded(web, deps, Needs::Admin, &[], handler)
}

/// A form for administrators in which the named fields may come more than once.
pub fn admin_with<D, F, Fut>(
    web: &WebDeps,
    deps: &D,
    repeatable: &'static [&'static str],
    handler: F,
) -> Route
where
    D: Clone + Send + Sync + 'static,
    F: Fn(D, Arc<Visit>) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Answer> + Send + 'static,
{
    guarded(web, deps, Needs::Admin, repeatable, handler)
}

fn guarded<D, F, Fut>(
    web: &WebDeps,
    deps: &D,
    needs: Needs,
    repeatable: &'static [&'static str],
    handler: F,
) -> Route
where
    D: Clone + Send + Sync + 'static,
    F: Fn(D, Arc<Visit>) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Answer> + Send + 'static,
{
    let (web, deps, handler) = (web.clone(), deps.clone(), Arc::new(handler));
    let access = match needs {
        Needs::Person => Access::Person,
        Needs::Admin => Access::Admin,
    };
    let route = Route::new(move |request| {
        let (web, deps, handler) = (web.clone(), deps.clone(), Arc::clone(&handler));
        async move {
            let visit = match enter(web, request, needs, repeatable).await {
                Ok(visit) => Arc::new(visit),
                Err(answer) => return answer,
            };
            match handler(deps, Arc::clone(&visit)).await {
                Ok(response) => response,
                Err(error) => visit.fault(&error),
            }
        }
    });
    route.only_for(access)
}

/// Who is there comes before what they say: a stranger's form is not even looked at.
async fn enter(
    web: WebDeps,
    mut request: Request,
    needs: Needs,
    repeatable: &[&str],
) -> Result<Visit, Response> {
    let guest = web.guest(&request).await?;
    let is_reading = request.is_reading();
    let form = if is_reading {
        Ok(Form::default())
    } else {
        request.form(repeatable).await
    };
    let visit = Visit {
        lang: super::lang_of(&request),
        query: request.query_pairs().unwrap_or_default(),
        pending: web.pending_for(&guest).await,
        web,
        guest,
        form: Form::default(),
        request,
    };
    if needs == Needs::Admin && !visit.guest.user.may_administer() {
        return Err(visit.not_an_administrator());
    }
    match form {
        Ok(form) => {
            if !is_reading && !csrf_holds(&visit.guest.id, form.get(CSRF_FIELD), &visit.request) {
                noticed::old_form(&visit.web.login.audit, &visit.guest.user, &visit.origin());
                return Err(visit.error(&ErrorPage::named(403, "form_old")));
            }
            Ok(Visit { form, ..visit })
        }
        Err(error) => Err(visit.error(&ErrorPage::named(error.status(), "unreadable"))),
    }
}

impl Visit {
    /// The frame of a page, with the message of what was just done: `?success=revoked` says the phrase
    /// `<area>.success.revoked` of the place, or else `flash.success.revoked`. Codes without a phrase say nothing, so a
    /// link can make a page say only what we wrote.
    pub fn shell(&self, here: Place) -> Shell {
        Shell {
            here,
            pending: self.pending,
            flash: self.flash(here),
            ..super::shell_of(&self.guest)
        }
    }

    fn flash(&self, here: Place) -> Option<Alert> {
        ["success", "warning", "error"]
            .into_iter()
            .find_map(|kind| {
                let code = self.query(kind)?;
                let key = [here.area(), Place::Elsewhere.area()]
                    .map(|area| format!("{area}.{kind}.{code}"))
                    .into_iter()
                    .find(|key| self.web.pages.has_phrase(key))?;
                let n = self
                    .query("n")
                    .and_then(|n| n.parse().ok())
                    .unwrap_or(0_u64);
                let words = Words::of(key).with("n", n);
                Some(match kind {
                    "success" => Alert::success(words),
                    "warning" => Alert::warning(words),
                    _ => Alert::error(words),
                })
            })
    }

    /// The token for a form outside of the frame.
    pub fn csrf_token(&self) -> String {
        csrf_token(&self.guest.id)
    }

    /// A field of the query.
    pub fn query(&self, name: &str) -> Option<&str> {
        self.query
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// A parameter of the path; the empty text, which names nothing, when there is none.
    pub fn param(&self, name: &str) -> &str {
        self.request.param(name).unwrap_or_default()
    }

    /// Where the request came from, for the trail.
    pub fn origin(&self) -> Origin {
        origin(&self.request)
    }

    /// Who did it, for the trail.
    pub fn actor(&self) -> Actor {
        Actor::from(&self.guest.user)
    }

    /// Who reads, for the trail of those who read the trail.
    pub fn reader(&self) -> Reader {
        Reader {
            actor: self.actor(),
            origin: self.origin(),
        }
    }

    /// A page, with the cookie's life begun anew.
    pub fn draw(&self, status: u16, view: &impl View) -> Response {
        self.web.draw_for(&self.request, status, &self.guest, view)
    }

    /// The same for the answer to a form, where the request does not tell the address at which its page is read again.
    pub fn draw_at(&self, address: &str, status: u16, view: &impl View) -> Response {
        let place = (status, address);
        self.web.draw_at(&self.request, place, &self.guest, view)
    }

    /// After a form: to a page, which says what was done by the code in `path`.
    pub fn to(&self, path: &str) -> Response {
        respond::redirect(302, path)
    }

    /// After a form that made a secret: to the page at `path`, which shows it once.
    pub fn hand_over(&self, path: &str, handed: &Handed) -> Answer {
        self.web.sessions.hand_over(&self.guest.id, path, handed)
    }

    /// The secret that this page was handed, if it is here to be shown.
    pub fn handed(&self) -> Option<Handed> {
        self.web.sessions.handed(&self.guest.id, &self.request)
    }

    /// The page that shows it, this once.
    pub fn draw_once(&self, view: &impl View) -> Response {
        let response = self.draw(200, view);
        self.web.sessions.shown(response, self.request.path())
    }

    /// Which sending of a form this is, for forms that make something.
    pub fn submission(&self) -> Option<Submission> {
        Submission::of(&self.guest.user.id, self.form.all_pairs())
    }

    /// To a list, with the query that it had: the form or the link carries it as `back`. Only what a query of ours is made
    /// of is taken over.
    pub fn back(&self, path: &str, outcome: &str) -> Response {
        let query = self.back_query();
        let and = if query.is_empty() || outcome.is_empty() {
            ""
        } else {
            "&"
        };
        self.to(format!("{path}?{query}{and}{outcome}").trim_end_matches('?'))
    }

    /// The query to come back to.
    pub fn back_query(&self) -> &str {
        let is_plain = |b: u8| b.is_ascii_alphanumeric() || b"=&%._~+-*:".contains(&b);
        self.form
            .get("back")
            .or_else(|| self.query("back"))
            .filter(|query| query.len() < 2048 && query.bytes().all(is_plain))
            .unwrap_or_default()
    }

    /// An error's page, with the navigation around it.
    pub fn error(&self, page: &ErrorPage) -> Response {
        let page = page.clone().within(self.shell(Place::Elsewhere));
        self.draw(page.status, &page)
    }

    /// 404: it does not exist, or is none of this person's business.
    pub fn not_found(&self) -> Response {
        self.error(&ErrorPage::named(404, "not_found"))
    }

    /// 403: it exists, and belongs to somebody else.
    pub fn forbidden(&self) -> Response {
        self.error(&ErrorPage::named(403, "forbidden"))
    }

    /// A fault's page.
    pub fn fault(&self, error: &FlowError) -> Response {
        let page = super::fault_page(error);
        let response = self.error(&page);
        if page.status == 503 {
            respond::retry_after(response, 5)
        } else {
            response
        }
    }

    fn not_an_administrator(&self) -> Response {
        noticed::no_administrator(&self.web.login.audit, &self.guest.user, &self.origin());
        if self.request.wants_html() {
            return self.error(&ErrorPage::named(403, "admins_only"));
        }
        let body = serde_json::json!({
            "error": "access_denied",
            "error_description": "administrator rights are needed",
        });
        respond::no_store(respond::json(403, &body))
    }
}
