//! The OpenAPI document of the endpoints for programs, and a page that shows it.
//!
//! The document is written by hand (`docs/openapi.json`); what this server does not serve is taken out of it at the start.
use super::{
    document::Document,
    request::Request,
    respond::{self, Response},
    router::{Route, Routes},
    web::language::lang_of,
};
use crate::pages::{Lang, PageError, Pages};
use ::http::{HeaderValue, Method};
use serde_json::Value;
use std::{collections::HashMap, sync::Arc};

mod reading;

const SOURCE: &str = include_str!("../../docs/openapi.json");
const PATH: &str = "/openapi.json";
const VIEWER: &str = "/swagger/index.html";
const REGISTRATION: &str = "/oauth/register";

/// What the document needs to know.
#[derive(Clone)]
pub struct OpenApiDeps {
    /// Draws the page.
    pub pages: Arc<Pages>,
    /// `BASE_URL`.
    pub base_url: String,
    /// `ENABLE_DYNAMIC_CLIENT_REGISTRATION`: its route answers either way.
    pub registration: bool,
    /// `ENABLE_SWAGGER`: whether there is a page.
    pub viewer: bool,
}

/// Adds the document, and where it is wanted the page, to all other routes.
///
/// # Errors
/// [`PageError`] when the page cannot be drawn.
pub fn routes(deps: &OpenApiDeps, routes: Routes) -> Result<Routes, PageError> {
    let served = |method: Method, path: &str| {
        let is_on = path != REGISTRATION || deps.registration;
        let is_routed = routes.answering(method.clone()).any(|known| known == path);
        is_on && is_routed || (path == PATH && method == Method::GET)
    };
    let document = document(&deps.base_url, served);
    let json = Document::json(document.to_string());
    let routes_with_json = |routes: Routes, path: &'static str| {
        let json = json.clone();
        routes.on(
            Method::GET,
            path,
            Route::new(move |request: Request| {
                let answer = json.answer(&request);
                async move { answer }
            }),
        )
    };
    if !deps.viewer {
        return Ok(routes_with_json(routes, PATH));
    }
    let viewer = viewer(deps, &document)?;
    let routes = routes_with_json(routes_with_json(routes, PATH), "/swagger/doc.json");
    Ok(routes
        .on(
            Method::GET,
            "/swagger",
            Route::new(|_| async { respond::redirect(302, VIEWER) }),
        )
        .on(Method::GET, VIEWER, viewer))
}

/// The document as this server serves it. A source that cannot be read, which tests exclude, is an empty document.
pub fn document(base_url: &str, served: impl Fn(Method, &str) -> bool) -> Value {
    let mut document: Value = serde_json::from_str(SOURCE).unwrap_or_default();
    document["info"]["version"] = env!("CARGO_PKG_VERSION").into();
    document["servers"] = serde_json::json!([{"url": base_url}]);
    if let Some(paths) = document["paths"].as_object_mut() {
        for (path, item) in paths.iter_mut() {
            if let Some(item) = item.as_object_mut() {
                item.retain(|name, _| method_of(name).is_none_or(|method| served(method, path)));
            }
        }
        paths.retain(|_, item| {
            let methods = item
                .as_object()
                .map(|item| item.keys().filter_map(|name| method_of(name)));
            methods.is_some_and(|mut methods| methods.next().is_some())
        });
    }
    document
}

/// The method that a member of a path stands for.
fn method_of(name: &str) -> Option<Method> {
    match name {
        "get" => Some(Method::GET),
        "post" => Some(Method::POST),
        "put" => Some(Method::PUT),
        "delete" => Some(Method::DELETE),
        _ => None,
    }
}

/// The page, drawn once for each language.
fn viewer(deps: &OpenApiDeps, document: &Value) -> Result<Route, PageError> {
    let mut drawn = HashMap::new();
    for lang in Lang::ALL {
        let page = reading::page(lang, &deps.base_url, document);
        let html = deps.pages.render_at(lang, &page, VIEWER)?;
        let kind = HeaderValue::from_static("text/html; charset=utf-8");
        let caching = HeaderValue::from_static("public, max-age=300");
        drawn.insert(lang.tag(), Document::new(html.into(), kind, caching));
    }
    let drawn = Arc::new(drawn);
    Ok(Route::new(move |request: Request| {
        let answer = drawn
            .get(lang_of(&request).tag())
            .map(|page| page.answer(&request));
        async move { answer.map_or_else(|| respond::empty(404), shown) }
    }))
}

fn shown(answer: Response) -> Response {
    let answer = respond::vary(respond::as_page(answer), "Cookie");
    respond::vary(answer, "Accept-Language")
}
