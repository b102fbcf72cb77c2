//! Finds the handler for a request and puts on every answer what every answer carries.
use super::{
    body::Body,
    client_address::client_address,
    cors::{CorsRules, Passage, is_preflight},
    limits::Limiter,
    request::{Chunks, Head, Request},
    respond::{self, Response},
};
use ::http::{HeaderValue, Method, header};
use bytes::Bytes;
use futures_util::{FutureExt as _, future::BoxFuture};
use ipnet::IpNet;
use std::{
    collections::HashMap, net::IpAddr, panic::AssertUnwindSafe, sync::Arc, time::Duration,
    time::Instant,
};

mod marks;
use marks::with_limit;

/// Answers a request.
pub type Handler = Arc<dyn Fn(Request) -> BoxFuture<'static, Response> + Send + Sync>;
/// Draws a refusal for a person or a program.
pub type Refuse =
    Arc<dyn for<'r> Fn(&'r Request, Refusal) -> BoxFuture<'r, Response> + Send + Sync>;
/// Told of the first refusal in a window, for the audit trail.
pub type OnLimited = Arc<dyn Fn(&Request, i64) + Send + Sync>;
/// Unix milliseconds.
pub type Millis = Arc<dyn Fn() -> i64 + Send + Sync>;

/// Bytes of a form that a browser sends.
pub const PAGE_BODY: usize = 1 << 20;
/// Bytes of a form that a client sends.
pub const OAUTH_BODY: usize = 64 << 10;

/// Why the router answers in the place of a handler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// 404: no such path, or not by this method.
    NotFound,
    /// 429.
    TooMany {
        /// Seconds.
        retry_after: u64,
    },
    /// 500: the handler panicked.
    Panicked,
}

/// What the router needs to know.
#[derive(Clone)]
pub struct Settings {
    /// Who may name a client in `X-Forwarded-For`.
    pub trusted_proxies: Vec<IpNet>,
    /// Whether `BASE_URL` is https, which brings HSTS.
    pub https: bool,
    /// `None` when switched off.
    pub cors: Option<CorsRules>,
    /// How long a body may take.
    pub body_deadline: Duration,
    /// Draws refusals.
    pub refuse: Refuse,
    /// Told of rate limits.
    pub on_limited: OnLimited,
    /// The clock of the rate limits.
    pub millis: Millis,
}

/// Whom a route lets in; told in the log at start, so that tests can ask each route about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Everybody, or those whom the handler itself identifies.
    Public,
    /// People who are signed in.
    Person,
    /// Administrators.
    Admin,
}

/// One method of one path.
pub struct Route {
    access: Access,
    handler: Handler,
    body_limit: usize,
    limiter: Option<Arc<Limiter>>,
}

impl Route {
    /// A route for pages.
    pub fn new<F, Fut>(handler: F) -> Self
    where
        F: Fn(Request) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Response> + Send + 'static,
    {
        Self {
            access: Access::Public,
            handler: Arc::new(move |request| handler(request).boxed()),
            body_limit: PAGE_BODY,
            limiter: None,
        }
    }

    /// For these alone; the handler is what asks.
    #[must_use]
    pub(super) fn only_for(mut self, access: Access) -> Self {
        self.access = access;
        self
    }

    /// With a cap on the body, in bytes.
    #[must_use]
    pub fn capped(mut self, bytes: usize) -> Self {
        self.body_limit = bytes;
        self
    }

    /// Only where a parameter of the path has this value; elsewhere there is nothing.
    #[must_use]
    pub fn at(mut self, param: &'static str, value: &str) -> Self {
        let (inner, value) = (self.handler, value.to_owned());
        self.handler = Arc::new(move |request| {
            if request.param(param) == Some(&value) {
                inner(request)
            } else {
                async { respond::not_found() }.boxed()
            }
        });
        self
    }

    /// With a rate limit.
    #[must_use]
    pub fn limited(mut self, limiter: Option<Arc<Limiter>>) -> Self {
        self.limiter = limiter;
        self
    }
}

/// Browsers are sent there; no script of another site reads them, and forms of other sites may lead there.
const IS_A_PAGE: [&str; 2] = ["/oauth/authorize", "/oauth/end_session"];

#[derive(Default)]
struct Entry {
    pattern: String,
    routes: HashMap<Method, Route>,
}

impl Entry {
    /// The route for a method; a HEAD is a GET without its body.
    fn find(&self, method: &Method) -> Option<&Route> {
        let method = if method == Method::HEAD {
            &Method::GET
        } else {
            method
        };
        self.routes.get(method)
    }

    fn is_cross_origin(&self) -> bool {
        self.pattern.starts_with("/.well-known/")
            || (self.pattern.starts_with("/oauth/") && !IS_A_PAGE.contains(&self.pattern.as_str()))
    }

    fn allow(&self) -> String {
        let mut methods: Vec<&str> = self.routes.keys().map(Method::as_str).collect();
        if methods.contains(&"GET") {
            methods.push("HEAD");
        }
        methods.push("OPTIONS");
        methods.sort_unstable();
        methods.join(", ")
    }
}

/// A path that cannot be registered.
#[derive(Debug, thiserror::Error)]
#[error("the route {0} cannot be registered: {1}")]
pub struct RouteError(String, String);

/// All routes, while they are put together.
pub struct Routes {
    entries: HashMap<&'static str, HashMap<Method, Route>>,
}

impl Routes {
    /// None yet.
    pub fn new() -> Self {
        Self {
            entries: HashMap::new(),
        }
    }

    /// Adds a route.
    #[must_use]
    pub fn on(mut self, method: Method, path: &'static str, route: Route) -> Self {
        self.entries.entry(path).or_default().insert(method, route);
        self
    }

    /// The patterns of all paths that answer a method.
    pub fn answering(&self, method: Method) -> impl Iterator<Item = &'static str> {
        let routes = self.entries.iter();
        routes
            .filter(move |(_, routes)| routes.contains_key(&method))
            .map(|(path, _)| *path)
    }

    /// Done.
    ///
    /// # Errors
    /// [`RouteError`] when two patterns collide.
    pub fn build(self, settings: Settings) -> Result<Router, RouteError> {
        let mut table = matchit::Router::new();
        for (path, routes) in self.entries {
            for (method, route) in &routes {
                let access = route.access;
                tracing::debug!(target: "authgate::routes", %method, path, ?access);
            }
            let entry = Entry {
                pattern: path.to_owned(),
                routes,
            };
            table
                .insert(path, entry)
                .map_err(|error| RouteError(path.to_owned(), error.to_string()))?;
        }
        Ok(Router(Arc::new(Inner { table, settings })))
    }
}

impl Default for Routes {
    fn default() -> Self {
        Self::new()
    }
}

/// All routes.
#[derive(Clone)]
pub struct Router(Arc<Inner>);

struct Inner {
    table: matchit::Router<Entry>,
    settings: Settings,
}

impl Router {
    /// Answers a request.
    pub async fn answer(&self, head: Arc<Head>, body: Chunks) -> Response {
        let began = Instant::now();
        let inner = &*self.0;
        let address = inner.client_address(&head);
        let request = Request::new(
            Arc::clone(&head),
            address,
            body,
            PAGE_BODY,
            inner.settings.body_deadline,
        );
        let (response, pattern) = inner.dispatch(request).await;
        let mut response = marks::every_answer(response, inner.settings.https);
        if head.method == Method::HEAD {
            if let Some(length) = response.body().length() {
                response
                    .headers_mut()
                    .insert(header::CONTENT_LENGTH, HeaderValue::from(length));
            }
            *response.body_mut() = Body::Whole(Bytes::new());
        }
        told(&head, &response, (pattern, address), began.elapsed());
        response
    }
}

/// The line of the access log. What machines ask for all day is only told at `debug`.
fn told(head: &Head, response: &Response, (route, client): (&str, IpAddr), took: Duration) {
    const PROBES: [&str; 6] = [
        "/health",
        "/livez",
        "/readyz",
        "/metrics",
        "/actors",
        "/favicon.ico",
    ];
    let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
    let (path, status) = (head.uri.path(), response.status().as_u16());
    let is_routine = PROBES.contains(&route)
        || route.starts_with("/static/")
        || route.starts_with("/.well-known/");
    if is_routine && status < 400 {
        tracing::debug!(target: "authgate::access", method = %head.method, path, route, status, micros, %client);
    } else {
        tracing::info!(target: "authgate::access", method = %head.method, path, route, status, micros, %client);
    }
}

impl Inner {
    fn client_address(&self, head: &Head) -> std::net::IpAddr {
        // Bytes that are no text stay in the list, as an entry that cannot be read: a list that were passed over because of
        // what a stranger put in front of it would let the stranger's `X-Real-IP` count.
        let header = |name: &str| {
            let all = head.headers.get_all(name).iter();
            let all: Vec<_> = all.map(|v| String::from_utf8_lossy(v.as_bytes())).collect();
            (!all.is_empty()).then(|| all.join(","))
        };
        if self.settings.trusted_proxies.is_empty() {
            return head.peer.ip().to_canonical();
        }
        let (list, real) = (header("x-forwarded-for"), header("x-real-ip"));
        client_address(
            head.peer,
            list.as_deref(),
            real.as_deref(),
            &self.settings.trusted_proxies,
        )
    }

    async fn dispatch(&self, request: Request) -> (Response, &str) {
        let Some((entry, params)) = self.find(request.path()) else {
            return self.unmatched(request).await;
        };
        (
            self.enter(entry, request.with_params(params)).await,
            &entry.pattern,
        )
    }

    fn find(&self, path: &str) -> Option<(&Entry, Vec<(String, String)>)> {
        let hit = self.table.at(path).ok()?;
        let decode = |text: &str| {
            percent_encoding::percent_decode_str(text)
                .decode_utf8_lossy()
                .into_owned()
        };
        let params: Vec<(String, String)> = hit
            .params
            .iter()
            .map(|(name, value)| (name.to_owned(), decode(value)))
            .collect();
        // PostgreSQL can store no NUL, so nothing has a name with one.
        let may_exist = params.iter().all(|(_, value)| !value.contains('\0'));
        may_exist.then_some((hit.value, params))
    }

    /// The other spelling of a trailing slash is redirected for readers and served for senders, whose form would be lost.
    async fn unmatched(&self, request: Request) -> (Response, &str) {
        let path = request.path();
        let other = match path.strip_suffix('/') {
            Some(shorter) if !shorter.is_empty() => shorter.to_owned(),
            _ => format!("{path}/"),
        };
        let Some((entry, params)) = self
            .find(&other)
            .filter(|(entry, _)| entry.find(request.method()).is_some())
        else {
            let response = (self.settings.refuse)(&request, Refusal::NotFound).await;
            return (response, "unknown");
        };
        if request.is_reading() {
            return (
                respond::redirect(301, &request.query_at(&other)),
                &entry.pattern,
            );
        }
        (
            self.enter(entry, request.with_params(params)).await,
            &entry.pattern,
        )
    }

    async fn enter(&self, entry: &Entry, request: Request) -> Response {
        let cors = self
            .settings
            .cors
            .as_ref()
            .filter(|_| entry.is_cross_origin());
        let passage = cors.map_or(Passage::Same, |cors| cors.passage(&request));
        let response = match (&passage, cors) {
            (Passage::Closed, _) => return respond::empty(403),
            (Passage::Open(origin), Some(cors)) if is_preflight(&request) => {
                return cors.preflight(origin);
            }
            _ if *request.method() == Method::OPTIONS && entry.is_cross_origin() => {
                respond::put(respond::empty(200), header::ALLOW, &entry.allow())
            }
            _ => match entry.find(request.method()) {
                Some(route) => self.serve(route, request).await,
                None => (self.settings.refuse)(&request, Refusal::NotFound).await,
            },
        };
        match (passage, cors) {
            (Passage::Open(origin), Some(cors)) => cors.mark(response, &origin),
            // A cache must not give this to scripts of another site, which are told more.
            (_, Some(_)) => respond::vary(response, "Origin"),
            (_, None) => response,
        }
    }

    async fn serve(&self, route: &Route, request: Request) -> Response {
        let verdict = route
            .limiter
            .as_ref()
            .map(|l| l.count(request.client_address(), (self.settings.millis)()));
        if let Some(verdict) = verdict.filter(|verdict| !verdict.allowed) {
            if verdict.is_first_refusal {
                (self.settings.on_limited)(&request, verdict.limit);
            }
            let refusal = Refusal::TooMany {
                retry_after: verdict.retry_after,
            };
            let response = (self.settings.refuse)(&request, refusal).await;
            return with_limit(
                respond::retry_after(response, verdict.retry_after),
                &verdict,
            );
        }
        let request = request.capped(route.body_limit);
        let shape = request.shape();
        let response = match AssertUnwindSafe((route.handler)(request))
            .catch_unwind()
            .await
        {
            Ok(response) => response,
            Err(_) => {
                tracing::error!("a handler panicked");
                (self.settings.refuse)(&shape, Refusal::Panicked).await
            }
        };
        match verdict {
            Some(verdict) => with_limit(response, &verdict),
            None => response,
        }
    }
}

#[cfg(test)]
mod tests;
