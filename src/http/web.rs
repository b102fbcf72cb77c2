//! Pages for people: translates forms to flows and outcomes to views.
use super::{
    request::Request,
    respond::{self, Response},
    session::{Guest, Seen, Sessions, Ticket},
};
use crate::{
    domain::session::SessionEnd,
    flows::{FlowError, device::DeviceDeps, login::LoginDeps},
    pages::{ErrorPage, Pages, TooManyRequestsPage, View},
};
use std::sync::Arc;

pub mod device;
pub mod home;
pub mod login;

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
}

impl WebDeps {
    /// The page with its status.
    pub fn draw(&self, status: u16, view: &impl View) -> Response {
        draw(&self.pages, status, view)
    }

    /// A page for somebody, with the cookie's life begun anew.
    fn draw_for(&self, status: u16, guest: &Guest, view: &impl View) -> Response {
        let ticket = Ticket::SignedIn(guest.id.clone());
        match self
            .sessions
            .put(self.draw(status, view), &ticket, guest.session.remember_me)
        {
            Ok(response) => response,
            Err(error) => self.fault(&error, true),
        }
    }

    /// Who is there, or where to send them.
    async fn guest(&self, request: &Request) -> Result<Box<Guest>, Response> {
        match self.sessions.see(request).await {
            Ok(Seen::Somebody(guest)) => Ok(guest),
            Ok(Seen::Nobody(end)) => Err(self.to_login(request, end)),
            Err(error) => Err(self.fault(&error, false)),
        }
    }

    /// To the sign-in page and back here afterwards. A form that was sent cannot be sent again, so its page is the place
    /// to come back to.
    fn to_login(&self, request: &Request, end: Option<SessionEnd>) -> Response {
        let back = match request.method().as_str() {
            "GET" | "HEAD" => request.path_and_query(),
            _ if request.path().starts_with("/device") => "/device".to_owned(),
            _ => "/account/sessions".to_owned(),
        };
        let mut target = format!("/login?redirect={}", form_encoded(&back));
        match end {
            Some(SessionEnd::Idle) => target.push_str("&error=session_timeout"),
            Some(SessionEnd::Moved) => target.push_str("&error=session_invalid"),
            Some(SessionEnd::Over) | None => {}
        }
        respond::redirect(302, &target)
    }

    fn forbidden(&self, signed_in: bool) -> Response {
        self.draw(
            403,
            &ErrorPage {
                status: 403,
                title: "This form is out of date".to_owned(),
                message: "It was not sent from the page you see, or that page is too old. Go back, reload and try again."
                    .to_owned(),
                report_id: None,
                signed_in,
            },
        )
    }

    fn unreadable(&self, status: u16, signed_in: bool) -> Response {
        self.draw(
            status,
            &ErrorPage {
                status,
                title: "The form could not be read".to_owned(),
                message: "Something in it is malformed or too large. Go back and try again."
                    .to_owned(),
                report_id: None,
                signed_in,
            },
        )
    }

    fn fault(&self, error: &FlowError, signed_in: bool) -> Response {
        fault(&self.pages, error, signed_in)
    }
}

/// Draws a view; when even that fails, the person gets plain words.
pub fn draw(pages: &Pages, status: u16, view: &impl View) -> Response {
    match pages.render(view) {
        Ok(html) => respond::html(status, html),
        Err(error) => {
            tracing::error!(%error, "a page could not be drawn");
            respond::text(500, "The page could not be shown.")
        }
    }
}

/// The page of a fault that is not the person's.
pub fn fault(pages: &Pages, error: &FlowError, signed_in: bool) -> Response {
    let (status, title, message) = match error {
        FlowError::Protocol(error) => (
            400,
            "The request was refused",
            error.description.clone().into_owned(),
        ),
        FlowError::Unavailable(why) => {
            tracing::warn!(why, "a page could not be served");
            (
                503,
                "We are busy or being repaired",
                "Nothing was changed. Please try again in a moment.".to_owned(),
            )
        }
        FlowError::Internal(why) => {
            tracing::error!(why, "a page failed");
            (
                500,
                "Something went wrong",
                "The failure was written down. Please try again later.".to_owned(),
            )
        }
    };
    let page = ErrorPage {
        status,
        title: title.to_owned(),
        message,
        report_id: None,
        signed_in,
    };
    let response = draw(pages, status, &page);
    if status == 503 {
        respond::retry_after(response, 5)
    } else {
        response
    }
}

/// The page of a person who asks too often.
pub fn too_many(pages: &Pages, retry_after_s: u64) -> Response {
    draw(pages, 429, &TooManyRequestsPage { retry_after_s })
}

fn form_encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}
