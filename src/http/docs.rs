//! The guides at `/docs`: public, in the language of their address, the same bytes for everybody who is not signed in.
use super::{
    document::Document,
    request::Request,
    respond::{self, Response},
    router::{Route, Routes},
    session::{Guest, Seen},
    web::{
        WebDeps,
        look::{LANGUAGE, in_theme, lang_of},
    },
};
use crate::pages::{GUIDES, Guides, Lang, Look, PageError, Place, Shell, guide_code, once};
use ::http::Method;
use std::{
    collections::HashMap,
    sync::{Arc, OnceLock},
};

/// The cookie in which the Go server remembered the language of the guides.
const OLD_COOKIE: &str = "docs_lang";

/// What the guides need.
#[derive(Clone)]
pub struct DocsDeps {
    web: WebDeps,
    guides: Arc<Guides>,
    /// The pages of people who are not signed in, each drawn when it is first asked for.
    public: Arc<HashMap<(Look, &'static str), OnceLock<Document>>>,
}

impl DocsDeps {
    /// Draws nothing yet.
    #[must_use]
    pub fn new(web: &WebDeps, base_url: &str, has_viewer: bool) -> Self {
        let each = |look| GUIDES.map(|slug| ((look, slug), OnceLock::new()));
        Self {
            web: web.clone(),
            guides: Arc::new(Guides::new(base_url).with_viewer(has_viewer)),
            public: Arc::new(Look::all().flat_map(each).collect()),
        }
    }

    fn public(&self, look: Look, slug: &'static str) -> Result<Option<&Document>, PageError> {
        let Some(cell) = self.public.get(&(look, slug)) else {
            return Ok(None);
        };
        let draw = || {
            let guide = self.guides.draw(&self.web.pages, look, slug, None)?;
            Ok(Document::page(guide))
        };
        once(cell, draw).map(Some)
    }
}

/// Adds the routes.
pub fn routes(deps: &DocsDeps, routes: Routes) -> Routes {
    let (one, two) = (deps.clone(), deps.clone());
    routes
        .on(
            Method::GET,
            "/docs",
            Route::new(|request| async move { to(detected(&request), GUIDES[0]) }),
        )
        .on(
            Method::GET,
            "/docs/{lang}",
            Route::new(move |request| short(one.clone(), request)),
        )
        .on(
            Method::GET,
            "/docs/{lang}/{slug}",
            Route::new(move |request| guide(two.clone(), request)),
        )
}

fn to(lang: Lang, slug: &str) -> Response {
    respond::redirect(302, &format!("/docs/{}/{slug}", guide_code(lang)))
}

/// The language of somebody who did not name one.
fn detected(request: &Request) -> Lang {
    match request.raw_cookie(OLD_COOKIE).and_then(Lang::of_range) {
        Some(lang) if request.raw_cookie(LANGUAGE).is_none() => lang,
        _ => lang_of(request),
    }
}

/// `GET /docs/{lang}`: a language or a guide.
async fn short(_deps: DocsDeps, request: Request) -> Response {
    let name = request.param("lang").unwrap_or_default();
    if let Some(lang) = Lang::of_range(name) {
        return to(lang, GUIDES[0]);
    }
    match slug_of(name) {
        Some(slug) => to(detected(&request), slug),
        None => respond::redirect(302, "/docs"),
    }
}

fn slug_of(name: &str) -> Option<&'static str> {
    GUIDES
        .into_iter()
        .find(|slug| slug.eq_ignore_ascii_case(name))
}

/// `GET /docs/{lang}/{slug}`.
async fn guide(deps: DocsDeps, request: Request) -> Response {
    let (asked_lang, asked_slug) = (
        request.param("lang").unwrap_or_default(),
        request.param("slug").unwrap_or_default(),
    );
    let Some(lang) = Lang::of_range(asked_lang) else {
        return respond::redirect(302, "/docs");
    };
    let Some(slug) = slug_of(asked_slug) else {
        return to(lang, GUIDES[0]);
    };
    if (asked_lang, asked_slug) != (guide_code(lang), slug) {
        let canonical = format!("/docs/{}/{slug}", guide_code(lang));
        return respond::redirect(301, &canonical);
    }
    let look = in_theme(&request, lang);
    // Guides are there when the database is not: then everybody is a stranger.
    if let Ok(Seen::Somebody(guest)) = deps.web.sessions.see(&request).await {
        return match deps.guides.draw(
            &deps.web.pages,
            look,
            slug,
            Some(shell(&deps.web, &guest).await),
        ) {
            Ok(html) => respond::html(200, html),
            Err(error) => respond::not_drawn(&error),
        };
    }
    match deps.public(look, slug) {
        Ok(Some(document)) => respond::vary(respond::as_page(document.answer(&request)), "Cookie"),
        Ok(None) => respond::redirect(302, "/docs"),
        Err(error) => respond::not_drawn(&error),
    }
}

/// As around every other page.
pub async fn shell(web: &WebDeps, guest: &Guest) -> Shell {
    Shell {
        here: Place::Docs,
        ..web.shell_for(guest).await
    }
}
