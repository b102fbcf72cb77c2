//! Where a person was going, kept over what comes in between: signing in anew, and a password that must be changed first.
//!
//! The address travels in the query and is judged by `domain::redirect` on its way back. Must not live here: who has to
//! take such a detour.
use super::{WebDeps, form_encoded, login};
use crate::http::{
    request::Request,
    respond::{self, Response},
    router::Route,
};

/// The page on which people change their password.
pub const PASSWORD_PAGE: &str = "/account/profile";
/// The parameter that says where a person is going.
pub const ONWARD: &str = "redirect";

/// A page with where to go from there; nothing is added for going nowhere. A form that may be refused is sent to such an
/// address too: the refusal is a page at that address, and all that a browser keeps of it.
pub fn with_onward(page: &str, onward: &str) -> String {
    if onward.is_empty() {
        return page.to_owned();
    }
    format!("{page}?{ONWARD}={}", form_encoded(onward))
}

/// A page that says what was done: `success=…`, `warning=…`, `error=…`.
pub fn with_outcome(page: &str, outcome: &str) -> String {
    let and = if page.contains('?') { '&' } else { '?' };
    format!("{page}{and}{outcome}")
}

/// To the one page that a password of somebody else's opens, and on to `onward` afterwards. Whoever was going nowhere in
/// particular stays there and reads that the password was changed.
pub fn change_password_first(onward: &str) -> Response {
    let onward = if onward == login::START { "" } else { onward };
    respond::redirect(302, &with_onward(PASSWORD_PAGE, onward))
}

/// The sign-in page for somebody who is signed in: as another person, or anew. Leads to `onward` afterwards.
pub fn sign_in_anew(onward: &str) -> String {
    login::address(onward, true)
}

/// What is read at an address to which only a form is sent: the page of that form, with the query.
pub fn to_form_on(page: &'static str) -> Route {
    Route::new(move |request: Request| {
        let target = request.query_at(page);
        async move { respond::redirect(302, &target) }
    })
}

impl WebDeps {
    /// The address at which a request is made again by reading: its own, or that of the page with the form.
    pub(super) fn page_of(&self, request: &Request) -> String {
        if request.is_reading() {
            request.path_and_query()
        } else {
            self.page_of_form(request)
        }
    }
}
