//! Which language a request is answered in, and the switch at the foot of every page.
use super::WebDeps;
use crate::{
    http::{
        request::Request,
        respond::{self, Response},
    },
    pages::{ErrorPage, Lang, guide_code},
};
use cookie::{Cookie, SameSite};

/// The cookie that remembers a choice.
pub const COOKIE: &str = "lang";

/// The language of the answer. Looks at two headers and picks a table; nothing is parsed twice or stored.
pub fn lang_of(request: &Request) -> Lang {
    Lang::negotiate(
        request.raw_cookie(COOKIE),
        request.header("accept-language"),
    )
}

/// `POST /language`: remembers `lang` and goes back to where the form was: the page told it, or else the browser. The
/// choice is worth no token; that a page of another server made it is told by the browser (Fetch Metadata), and refused.
pub async fn choose(deps: WebDeps, mut request: Request) -> Response {
    if request.is_cross_site() {
        let page = ErrorPage::named(403, "foreign");
        return deps.draw(&request, 403, &page);
    }
    let form = match request.form(&[]).await {
        Ok(form) => form,
        Err(error) => return deps.unreadable(&request, error.status(), false),
    };
    let Some(lang) = form.get("lang").and_then(Lang::of_tag) else {
        return deps.unreadable(&request, 400, false);
    };
    let mut cookie = Cookie::new(COOKIE, lang.tag());
    cookie.set_path("/");
    cookie.set_http_only(true);
    cookie.set_same_site(SameSite::Lax);
    cookie.set_secure(deps.sessions.rules.secure);
    cookie.set_max_age(cookie::time::Duration::days(365));
    let told = form.get("back").filter(|address| is_local(address));
    let back = match told {
        Some(address) => deps.readable.nearest(address),
        None => deps.page_of_form(&request),
    };
    let back = in_language(back, lang);
    respond::set_cookie(respond::redirect(303, &back), &cookie.to_string())
}

/// Guides carry their language in the address.
fn in_language(path: String, lang: Lang) -> String {
    match path
        .strip_prefix("/docs/")
        .and_then(|rest| rest.split_once('/'))
    {
        Some((code, slug)) if Lang::of_range(code).is_some() => {
            format!("/docs/{}/{slug}", guide_code(lang))
        }
        _ => path,
    }
}

/// Whether an address that a form brought stays on this server, however a browser reads it.
fn is_local(address: &str) -> bool {
    address.starts_with('/')
        && !address.starts_with("//")
        && !address.contains(|c: char| c == '\\' || c.is_control())
}
