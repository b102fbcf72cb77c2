//! Pages for people: translates forms to flows and outcomes to views.
//!
//! `guard` decides who gets to a handler, `list` reads what a long list is asked for, `look` in which
//! language and colours pages are drawn.
use super::{
    oauth::origin,
    request::Request,
    respond::{self, Response},
    session::{Guest, Seen, Sessions, Ticket, csrf_token},
};
pub use crate::flows::pending::Pending;
use crate::{
    domain::session::SessionEnd,
    flows::{FlowError, device::DeviceDeps, login::LoginDeps, noticed},
    pages::{ErrorPage, Look, Pages, Place, Shell, TooManyRequestsPage, View, focus_first_fault},
};
use look::{lang_of, look_of};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

pub mod account;
pub mod admin;
pub mod apps;
pub mod authorize;
pub mod device;
pub mod end_session;
pub mod explain;
pub mod guard;
pub mod home;
pub mod list;
pub mod login;
pub mod look;
pub mod registered;
pub mod way;

/// The longest that a refusal waits to be told who is there.
const LOOK: Duration = Duration::from_millis(500);

/// What pages need.
#[derive(Clone)]
pub struct WebDeps {
    /// Draws.
    pub pages: Arc<Pages>,
    /// Cookies.
    pub sessions: Sessions,
    /// Signing in and out.
    pub login: LoginDeps,
    /// The device grant's page.
    pub device: DeviceDeps,
    /// Days that "stay signed in" lasts; `None` hides the box.
    pub remember_me_days: Option<u32>,
    /// Paths that can be read.
    pub readable: Readable,
    /// Clients that wait for approval.
    pub pending: Pending,
}

/// Tells whether a path answers a GET; known once all routes are.
#[derive(Clone, Default)]
pub struct Readable(Arc<OnceLock<Paths>>);

struct Paths {
    read: matchit::Router<()>,
    /// Those to which people send forms.
    sent: matchit::Router<()>,
}

impl Readable {
    /// Learns the patterns of all paths that answer a GET, and of those that answer a POST.
    pub fn learn<'p>(
        &self,
        read: impl Iterator<Item = &'p str>,
        sent: impl Iterator<Item = &'p str>,
    ) {
        let of_people = |path: &&str| !path.starts_with("/oauth/");
        let paths = Paths {
            read: table(read),
            sent: table(sent.filter(of_people)),
        };
        let _ = self.0.set(paths);
    }

    /// An address that can be read. A page that answered a POST has none of its own, so the nearest one above it is taken.
    pub fn nearest(&self, address: &str) -> String {
        let mut path = address.split(['?', '#']).next().unwrap_or_default();
        if self.holds(path) {
            return address.split('#').next().unwrap_or_default().to_owned();
        }
        while let Some((above, _)) = path.rsplit_once('/') {
            if self.holds(above) {
                return above.to_owned();
            }
            path = above;
        }
        "/".to_owned()
    }

    /// The page of the form that is sent to `path`, when it has one of its own: `…/new` where a list is, `…/edit` where one
    /// thing is.
    fn form_for(&self, path: &str) -> Option<String> {
        ["new", "edit"]
            .map(|name| format!("{path}/{name}"))
            .into_iter()
            .find(|page| self.holds(page))
    }

    /// Whether the path answers a GET.
    pub fn holds(&self, path: &str) -> bool {
        self.0
            .get()
            .is_some_and(|paths| paths.read.at(path).is_ok())
    }

    /// Whether people send forms to the path and read nothing there.
    fn takes_forms_alone(&self, path: &str) -> bool {
        let takes = |paths: &Paths| paths.sent.at(path).is_ok() && paths.read.at(path).is_err();
        self.0.get().is_some_and(takes)
    }
}

fn table<'p>(patterns: impl Iterator<Item = &'p str>) -> matchit::Router<()> {
    let mut table = matchit::Router::new();
    for pattern in patterns {
        // Patterns that collide end the start elsewhere.
        let _ = table.insert(pattern, ());
    }
    table
}

impl WebDeps {
    /// The page with its status, in the language of the request.
    pub fn draw(&self, request: &Request, status: u16, view: &impl View) -> Response {
        let address = self.page_of(request);
        draw(&self.pages, look_of(request), status, view, &address)
    }

    /// A page for somebody, with the cookie's life begun anew.
    fn draw_for(
        &self,
        request: &Request,
        status: u16,
        guest: &Guest,
        view: &impl View,
    ) -> Response {
        self.draw_at(request, (status, &self.page_of(request)), guest, view)
    }

    /// The same for a page that is read at an address which the request does not tell.
    fn draw_at(
        &self,
        request: &Request,
        (status, address): (u16, &str),
        guest: &Guest,
        view: &impl View,
    ) -> Response {
        let ticket = Ticket::SignedIn(guest.id.clone());
        let response = draw(&self.pages, look_of(request), status, view, address);
        match self.sessions.put(response, &ticket, Some(&guest.session)) {
            Ok(response) => response,
            Err(error) => self.bare_fault(request, &error),
        }
    }

    /// How many clients wait for approval, for those who may approve.
    pub async fn pending_for(&self, guest: &Guest) -> u64 {
        if guest.user.may_administer() {
            self.pending.count().await
        } else {
            0
        }
    }

    /// Who is there, or where to send them.
    pub async fn guest(&self, request: &Request) -> Result<Box<Guest>, Response> {
        match self.sessions.see(request).await {
            Ok(Seen::Somebody(guest)) if must_change_first(&guest, request) => {
                Err(way::change_password_first(&self.page_of(request)))
            }
            Ok(Seen::Somebody(guest)) => Ok(guest),
            Ok(Seen::Nobody(end)) => Err(self.to_login(request, end)),
            Err(error) => Err(self.fault(request, &error).await),
        }
    }

    /// To the sign-in page and back here afterwards. A form that was sent cannot be sent again, so its page is the place
    /// to come back to, and the person is told that nothing was saved.
    fn to_login(&self, request: &Request, end: Option<SessionEnd>) -> Response {
        let is_form = !request.is_reading();
        let mut target = login::address(&self.page_of(request), false);
        match end {
            _ if is_form => target.push_str("&error=not_sent"),
            Some(SessionEnd::Idle) => target.push_str("&error=session_timeout"),
            Some(SessionEnd::Moved) => target.push_str("&error=session_invalid"),
            Some(SessionEnd::Over) | None => {}
        }
        respond::redirect(302, &target)
    }

    /// The page that a form was on, as the browser tells it; else the place that the form was sent to. A form that was
    /// refused before stands where it was sent to, which has no form when it is read: that is beside it.
    fn page_of_form(&self, request: &Request) -> String {
        let is_ours = |url: &url::Url| {
            let authority = match (url.host_str(), url.port()) {
                (Some(host), Some(port)) => format!("{host}:{port}"),
                (Some(host), None) => host.to_owned(),
                (None, _) => return false,
            };
            request.host() == Some(authority.as_str())
        };
        let url = request
            .header("referer")
            .and_then(|referer| url::Url::parse(referer).ok())
            .filter(is_ours);
        let own = request.path_and_query();
        let Some(url) = url else {
            return self.readable.nearest(&own);
        };
        let told = &url[url::Position::BeforePath..];
        if url.path() != request.path() {
            return self.readable.nearest(told);
        }
        let same = if own.contains('?') { &own } else { told };
        self.readable
            .form_for(request.path())
            .unwrap_or_else(|| self.readable.nearest(same))
    }

    /// The page of somebody whose form did not bring the token of their session.
    async fn form_old(&self, request: &Request) -> Response {
        let guest = self.somebody(request).await;
        let shell = match &guest {
            Some(guest) => {
                noticed::old_form(&self.login.audit, &guest.user, &origin(request));
                Some(self.shell_for(guest).await)
            }
            None => None,
        };
        let page = ErrorPage::named(403, "form_old").within(shell);
        self.draw(request, 403, &page)
    }

    async fn unreadable(&self, request: &Request, status: u16) -> Response {
        self.error(request, ErrorPage::named(status, "unreadable"))
            .await
    }

    /// An error's page, with the navigation around it for whoever is signed in.
    async fn error(&self, request: &Request, page: ErrorPage) -> Response {
        let page = page.within(self.shell(request).await);
        self.draw(request, page.status, &page)
    }

    /// A person at an address where nothing is. Where only a form is sent to, as the address bar says after a refusal, the
    /// page above it is shown.
    pub async fn nothing_here(&self, request: &Request) -> Response {
        if request.is_reading() && self.readable.takes_forms_alone(request.path()) {
            return respond::redirect(302, &self.readable.nearest(request.path()));
        }
        self.error(request, ErrorPage::named(404, "not_found"))
            .await
    }

    /// The page of somebody who is no administrator, where no guard says so.
    pub async fn admins_only(&self, request: &Request, guest: &Guest) -> Response {
        noticed::no_administrator(&self.login.audit, &guest.user, &origin(request));
        let page = ErrorPage::named(403, "admins_only").within(self.shell_for(guest).await);
        self.draw_for(request, 403, guest, &page)
    }

    /// The page of a person who asks too often, and the way back to where they were.
    pub async fn too_many(&self, request: &Request, retry_after_s: u64) -> Response {
        let page = TooManyRequestsPage {
            retry_after_s,
            back: self.page_of(request),
            shell: self.shell(request).await,
        };
        self.draw(request, 429, &page)
    }

    /// The page of a fault that is not the person's.
    pub async fn fault(&self, request: &Request, error: &FlowError) -> Response {
        // What cannot answer now is not asked who is there.
        let shell = match error {
            FlowError::Unavailable(_) => None,
            FlowError::Internal(_) | FlowError::Protocol(_) => self.shell(request).await,
        };
        self.faulty(request, error, shell)
    }

    /// The same without looking who is there.
    pub fn bare_fault(&self, request: &Request, error: &FlowError) -> Response {
        self.faulty(request, error, None)
    }

    fn faulty(&self, request: &Request, error: &FlowError, shell: Option<Shell>) -> Response {
        let has_session = matches!(self.sessions.ticket(request), Some(Ticket::SignedIn(_)));
        let page = fault_page(error).signed_in(has_session).within(shell);
        let response = self.draw(request, page.status, &page);
        if page.status == 503 {
            respond::retry_after(response, 5)
        } else {
            response
        }
    }

    /// The frame for whoever is signed in, on a page that is behind no guard.
    async fn shell(&self, request: &Request) -> Option<Shell> {
        match self.somebody(request).await {
            Some(guest) => Some(self.shell_for(&guest).await),
            None => None,
        }
    }

    /// Whoever is signed in; nobody when that cannot be told now. A refusal waits for no database that stands still.
    async fn somebody(&self, request: &Request) -> Option<Box<Guest>> {
        match tokio::time::timeout(LOOK, self.sessions.see(request)).await {
            Ok(Ok(Seen::Somebody(guest))) => Some(guest),
            Ok(Ok(Seen::Nobody(_)) | Err(_)) | Err(_) => None,
        }
    }

    /// The frame of a page that is not behind a guard, without a message.
    pub async fn shell_for(&self, guest: &Guest) -> Shell {
        Shell {
            pending: self.pending_for(guest).await,
            ..shell_of(guest)
        }
    }
}

/// A password that somebody else chose opens nothing but the page on which it is changed (PW-06).
fn must_change_first(guest: &Guest, request: &Request) -> bool {
    guest.user.must_change_password
        && !matches!(request.path(), way::PASSWORD_PAGE | "/account/password")
}

/// Draws a view; when even that fails, the person gets plain words. Whoever is refused begins where the fault is.
fn draw(pages: &Pages, look: Look, status: u16, view: &impl View, address: &str) -> Response {
    match pages.render_at(look, view, address) {
        Ok(html) if (400..500).contains(&status) => respond::html(status, focus_first_fault(html)),
        Ok(html) => respond::html(status, html),
        Err(error) => respond::not_drawn(&error),
    }
}

/// Says what a fault means to a person, and writes to the log what it means to us.
fn fault_page(error: &FlowError) -> ErrorPage {
    match error {
        FlowError::Protocol(error) => {
            ErrorPage::refused(error.check().as_str(), error.description.as_ref())
        }
        FlowError::Unavailable(why) => {
            tracing::warn!(why, "a page could not be served");
            ErrorPage::named(503, "busy")
        }
        FlowError::Internal(why) => {
            tracing::error!(why, "a page failed");
            ErrorPage::named(500, "internal")
        }
    }
}

/// The frame of a page without a message and a badge.
pub fn shell_of(guest: &Guest) -> Shell {
    let user = &guest.user;
    let name = if user.full_name.is_empty() {
        &user.username
    } else {
        &user.full_name
    };
    Shell {
        name: name.clone(),
        csrf_token: csrf_token(&guest.id),
        is_admin: user.may_administer(),
        here: Place::Elsewhere,
        pending: 0,
        flash: None,
    }
}

fn form_encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}
