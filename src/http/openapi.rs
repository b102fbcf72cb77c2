//! The OpenAPI document of the endpoints for programs, and a page that shows it.
//!
//! The document is written by hand (`docs/openapi.json`); what this server does not serve is taken out of it.
use super::{
    docs::shell,
    document::Document,
    request::Request,
    respond::{self, Response},
    router::{Route, Routes},
    session::Seen,
    web::{WebDeps, look::look_of},
};
use crate::pages::{Look, PageError, Shell, once};
use ::http::Method;
use serde_json::Value;
use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, OnceLock},
};

mod reading;

const SOURCE: &str = include_str!("../../docs/openapi.json");
const PATH: &str = "/openapi.json";
const VIEWER: &str = "/swagger/index.html";
const REGISTRATION: &str = "/oauth/register";

/// What the document needs to know.
#[derive(Clone)]
pub struct OpenApiDeps {
    /// Draws the page, and knows who is there.
    pub web: WebDeps,
    /// `BASE_URL`.
    pub base_url: String,
    /// `ENABLE_DYNAMIC_CLIENT_REGISTRATION`: its routes answer either way.
    pub registration: bool,
    /// `ENABLE_SWAGGER`: whether there is a page.
    pub viewer: bool,
}

/// What is served, each made when it is first asked for.
struct Shelf {
    deps: OpenApiDeps,
    served: HashSet<(Method, String)>,
    source: OnceLock<Value>,
    json: OnceLock<Document>,
    /// The pages of people who are not signed in.
    pages: HashMap<Look, OnceLock<Document>>,
}

/// Adds the document, and where it is wanted the page, to all other routes.
pub fn routes(deps: &OpenApiDeps, routes: Routes) -> Routes {
    let of = |method: Method| {
        let paths = routes.answering(method.clone());
        paths.map(move |path| (method.clone(), path.to_owned()))
    };
    let mut served: HashSet<_> = [Method::GET, Method::POST, Method::PUT, Method::DELETE]
        .into_iter()
        .flat_map(of)
        .filter(|(_, path)| deps.registration || !path.starts_with(REGISTRATION))
        .collect();
    served.insert((Method::GET, PATH.to_owned()));
    let shelf = Arc::new(Shelf {
        deps: deps.clone(),
        served,
        source: OnceLock::new(),
        json: OnceLock::new(),
        pages: Look::all().map(|look| (look, OnceLock::new())).collect(),
    });
    let json = |routes: Routes, path: &'static str| {
        let shelf = Arc::clone(&shelf);
        routes.on(
            Method::GET,
            path,
            Route::new(move |request: Request| {
                let answer = shelf.json().answer(&request);
                async move { answer }
            }),
        )
    };
    let routes = json(routes, PATH);
    if !deps.viewer {
        return routes;
    }
    json(routes, "/swagger/doc.json")
        .on(
            Method::GET,
            "/swagger",
            Route::new(|_| async { respond::redirect(302, VIEWER) }),
        )
        .on(
            Method::GET,
            VIEWER,
            Route::new(move |request: Request| {
                let shelf = Arc::clone(&shelf);
                async move { shelf.viewer(&request).await }
            }),
        )
}

impl Shelf {
    fn source(&self) -> &Value {
        self.source.get_or_init(|| {
            document(&self.deps.base_url, |method, path| {
                self.served.contains(&(method, path.to_owned()))
            })
        })
    }

    fn json(&self) -> &Document {
        self.json
            .get_or_init(|| Document::json(self.source().to_string()))
    }

    async fn viewer(&self, request: &Request) -> Response {
        let look = look_of(request);
        // It is there when the database is not: then everybody is a stranger.
        if let Ok(Seen::Somebody(guest)) = self.deps.web.sessions.see(request).await {
            let shell = shell(&self.deps.web, &guest).await;
            return match self.draw(look, Some(shell)) {
                Ok(html) => respond::html(200, html),
                Err(error) => respond::not_drawn(&error),
            };
        }
        let Some(cell) = self.pages.get(&look) else {
            return respond::empty(404);
        };
        match once(cell, || self.draw(look, None).map(Document::page)) {
            Ok(page) => shown(page.answer(request)),
            Err(error) => respond::not_drawn(&error),
        }
    }

    fn draw(&self, look: Look, shell: Option<Shell>) -> Result<String, PageError> {
        let mut page = reading::page(look.lang, &self.deps.base_url, self.source());
        page.shell = shell;
        self.deps.web.pages.render_at(look, &page, VIEWER)
    }
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

fn shown(answer: Response) -> Response {
    let answer = respond::vary(respond::as_page(answer), "Cookie");
    respond::vary(answer, "Accept-Language")
}
