//! In which language and colours a request is answered, and the switches at the foot of every page. Neither choice is worth
//! a token; that a page of another server made it is told by the browser (Fetch Metadata), and refused.
use super::WebDeps;
use crate::{
    http::{
        form::Form,
        request::Request,
        respond::{self, Response},
    },
    pages::{ErrorPage, Lang, Look, Theme, guide_code},
};
use cookie::{Cookie, SameSite};

/// The cookie that remembers a language.
pub const LANGUAGE: &str = "lang";
/// The cookie that remembers a theme.
const THEME: &str = "theme";

/// The language of the answer. Looks at two headers and picks a table; nothing is parsed twice or stored.
pub fn lang_of(request: &Request) -> Lang {
    Lang::negotiate(
        request.raw_cookie(LANGUAGE),
        request.header("accept-language"),
    )
}

/// The look of the answer.
pub fn look_of(request: &Request) -> Look {
    in_theme(request, lang_of(request))
}

/// A language that was chosen otherwise, in the colours of the reader.
pub fn in_theme(request: &Request, lang: Lang) -> Look {
    let theme = request.raw_cookie(THEME).and_then(Theme::of_name);
    Look {
        lang,
        theme: theme.unwrap_or_default(),
    }
}

/// `POST /language`: remembers `lang`.
pub async fn choose_language(deps: WebDeps, mut request: Request) -> Response {
    let form = match form_of(&deps, &mut request).await {
        Ok(form) => form,
        Err(refusal) => return refusal,
    };
    let Some(lang) = form.get("lang").and_then(Lang::of_tag) else {
        return deps.unreadable(&request, 400).await;
    };
    let back = in_language(back(&deps, &request, &form), lang);
    remembered(&deps, &back, (LANGUAGE, lang.tag()))
}

/// `POST /theme`: remembers `theme`.
pub async fn choose_theme(deps: WebDeps, mut request: Request) -> Response {
    let form = match form_of(&deps, &mut request).await {
        Ok(form) => form,
        Err(refusal) => return refusal,
    };
    let Some(theme) = form.get("theme").and_then(Theme::of_name) else {
        return deps.unreadable(&request, 400).await;
    };
    remembered(&deps, &back(&deps, &request, &form), (THEME, theme.name()))
}

async fn form_of(deps: &WebDeps, request: &mut Request) -> Result<Form, Response> {
    if request.is_cross_site() {
        let page = ErrorPage::named(403, "foreign");
        return Err(deps.error(request, page).await);
    }
    match request.form(&[]).await {
        Ok(form) => Ok(form),
        Err(error) => Err(deps.unreadable(request, error.status()).await),
    }
}

/// Where the form was: the page told it, or else the browser.
fn back(deps: &WebDeps, request: &Request, form: &Form) -> String {
    let told = form.get("back").filter(|address| is_local(address));
    match told {
        Some(address) => deps.readable.nearest(address),
        None => deps.page_of_form(request),
    }
}

fn remembered(deps: &WebDeps, back: &str, (name, value): (&'static str, &'static str)) -> Response {
    let mut cookie = Cookie::new(name, value);
    cookie.set_path("/");
    cookie.set_http_only(true);
    cookie.set_same_site(SameSite::Lax);
    cookie.set_secure(deps.sessions.rules.secure);
    cookie.set_max_age(cookie::time::Duration::days(365));
    respond::set_cookie(respond::redirect(303, back), &cookie.to_string())
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
