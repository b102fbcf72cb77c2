//! The one list of what is served.
use super::{
    audit::{self, AuditWeb},
    docs::{self, DocsDeps},
    document::Document,
    limits::Limiter,
    oauth::{
        self, device::CodeDeps, discovery::Metadata, machines::MachineEndpoints,
        people::PeopleEndpoints, token::TokenDeps,
    },
    openapi::{self, OpenApiDeps},
    ops::{self, OpsDeps},
    request::Request,
    respond::{self, Response},
    router::{OAUTH_BODY, Refusal, Refuse, Route, Routes},
    web::{self, WebDeps, explain::ExplainWeb, guard},
};
use crate::{
    actors::key_holder::KeyHolder,
    flows::{FlowError, account::AccountDeps, inspect::InspectDeps},
    jose::KeySet,
};
use ::http::Method;
use arc_swap::ArcSwapOption;
use futures_util::FutureExt as _;
use serde_json::json;
use std::sync::Arc;

/// Limits of the endpoints that have one; `None` where limits are switched off.
#[derive(Clone, Default)]
pub struct Limits {
    /// `LOGIN_RATE_LIMIT`.
    pub login: Option<Arc<Limiter>>,
    /// `DEVICE_CODE_RATE_LIMIT`.
    pub device_code: Option<Arc<Limiter>>,
    /// `TOKEN_RATE_LIMIT`.
    pub token: Option<Arc<Limiter>>,
    /// `DEVICE_VERIFY_RATE_LIMIT`.
    pub device_verify: Option<Arc<Limiter>>,
    /// `INTROSPECT_RATE_LIMIT`.
    pub introspect: Option<Arc<Limiter>>,
    /// `DYNAMIC_CLIENT_REGISTRATION_RATE_LIMIT`.
    pub registration: Option<Arc<Limiter>>,
    /// The same number for what is done with a registration later, counted by itself.
    pub management: Option<Arc<Limiter>>,
}

impl Limits {
    /// All that are switched on, for whoever sweeps them.
    pub fn all(&self) -> Vec<Arc<Limiter>> {
        let Self {
            login,
            device_code,
            token,
            device_verify,
            introspect,
            registration,
            management,
        } = self;
        let of_people = [login, device_verify];
        let of_clients = [device_code, token, introspect, registration, management];
        let all = of_people.into_iter().chain(of_clients);
        all.flatten().map(Arc::clone).collect()
    }
}

/// What all routes need.
pub struct Everything {
    /// Pages.
    pub web: WebDeps,
    /// What people do with what is theirs.
    pub account: AccountDeps,
    /// Device authorization.
    pub device: CodeDeps,
    /// The token endpoint.
    pub token: TokenDeps,
    /// Looking at tokens.
    pub inspect: InspectDeps,
    /// Revocation.
    pub revoke: oauth::revoke::RevocationDeps,
    /// Pages about clients, people and tokens.
    pub admin: web::admin::AdminDeps,
    /// What only clients call.
    pub machines: MachineEndpoints,
    /// Sign-in by way of a client.
    pub people: PeopleEndpoints,
    /// Discovery.
    pub metadata: Metadata,
    /// The JWK set.
    pub keys: KeyHolder<KeySet>,
    /// Guides.
    pub docs: DocsDeps,
    /// The description of the endpoints.
    pub openapi: OpenApiDeps,
    /// Operations.
    pub ops: OpsDeps,
    /// Limits.
    pub limits: Limits,
}

/// A handler with what it needs.
pub(super) fn with<D, F, Fut>(deps: &D, handler: F) -> Route
where
    D: Clone + Send + Sync + 'static,
    F: Fn(D, Request) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Response> + Send + 'static,
{
    let deps = deps.clone();
    Route::new(move |request| handler(deps.clone(), request))
}

/// Everything that is served.
pub fn routes(all: &Everything) -> Routes {
    let routes = machines(all, Routes::new());
    let routes = documents(all, routes);
    let routes = oauth::machines::routes(&all.machines, &all.limits, routes);
    let routes = oauth::people::routes(&all.people, routes);
    let routes = people(all, routes);
    let explain = ExplainWeb {
        web: all.web.clone(),
        ground: all.web.login.ground.clone(),
    };
    let routes = web::explain::routes(&explain, routes);
    let routes = web::account::routes(&all.web, &all.account, routes);
    let routes = web::admin::routes(&all.web, &all.admin, routes);
    let routes = audit::routes(&AuditWeb::new(&all.web), routes);
    let routes = docs::routes(&all.docs, routes);
    let routes = operators(all, routes);
    let routes = openapi::routes(&all.openapi, routes);
    let (read, sent) = (Method::GET, Method::POST);
    all.web
        .readable
        .learn(routes.answering(read), routes.answering(sent));
    routes
}

fn machines(all: &Everything, routes: Routes) -> Routes {
    let limits = &all.limits;
    routes
        .on(
            Method::POST,
            "/oauth/device/code",
            with(&all.device, oauth::device::code)
                .capped(OAUTH_BODY)
                .limited(limits.device_code.clone()),
        )
        .on(
            Method::POST,
            "/oauth/token",
            with(&all.token, oauth::token::token)
                .capped(OAUTH_BODY)
                .limited(limits.token.clone()),
        )
        .on(
            Method::GET,
            "/oauth/tokeninfo",
            with(&all.inspect, oauth::tokeninfo::tokeninfo),
        )
        .on(
            Method::POST,
            "/oauth/revoke",
            with(&all.revoke, oauth::revoke::revocation).capped(OAUTH_BODY),
        )
        .on(
            Method::GET,
            "/.well-known/jwks.json",
            by_keys(&all.keys, |keys| Document::json(keys.jwks().clone())),
        )
        .on(
            Method::GET,
            "/oauth/jwks",
            by_keys(&all.keys, |keys| {
                Document::json(keys.id_token_jwks().clone())
            }),
        )
}

/// Discovery. An issuer with a path is also found where RFC 8414 §3.1 has clients look for it.
fn documents(all: &Everything, routes: Routes) -> Routes {
    let openid = || {
        let metadata = all.metadata.clone();
        by_keys(&all.keys, move |keys| {
            Document::json(metadata.openid_configuration(keys))
        })
    };
    let oauth = || {
        let metadata = all.metadata.clone();
        by_keys(&all.keys, move |keys| {
            Document::json(metadata.oauth_authorization_server(keys))
        })
    };
    let routes = routes
        .on(Method::GET, "/.well-known/openid-configuration", openid())
        .on(
            Method::GET,
            "/.well-known/oauth-authorization-server",
            oauth(),
        );
    match all.metadata.issuer_path() {
        None => routes,
        Some(path) => routes
            .on(
                Method::GET,
                "/.well-known/openid-configuration/{*issuer}",
                openid().at("issuer", &path),
            )
            .on(
                Method::GET,
                "/.well-known/oauth-authorization-server/{*issuer}",
                oauth().at("issuer", &path),
            ),
    }
}

fn people(all: &Everything, routes: Routes) -> Routes {
    let (web, limits) = (&all.web, &all.limits);
    routes
        .on(Method::GET, "/", Route::new(web::home::root))
        .on(Method::GET, "/login", with(web, web::login::page))
        .on(
            Method::POST,
            "/login",
            with(web, web::login::submit).limited(limits.login.clone()),
        )
        .on(
            Method::GET,
            web::login::PASSWORD_PATH,
            with(web, web::login::own_password),
        )
        .on(Method::GET, "/logout", with(web, web::login::ask_logout))
        .on(Method::POST, "/logout", with(web, web::login::logout))
        .on(
            Method::POST,
            "/language",
            with(web, web::look::choose_language),
        )
        .on(Method::POST, "/theme", with(web, web::look::choose_theme))
        .on(
            Method::GET,
            "/device",
            guard::person(web, &all.web.device, web::device::page),
        )
        .on(
            Method::GET,
            "/device/verify",
            web::way::to_form_on("/device"),
        )
        .on(
            Method::POST,
            "/device/verify",
            guard::person(web, &all.web.device, web::device::verify)
                .limited(limits.device_verify.clone()),
        )
        .on(
            Method::GET,
            "/device/done",
            guard::person(web, &all.web.device, web::device::done),
        )
        .on(
            Method::GET,
            "/docs/components",
            guard::admin(web, web, web::home::components),
        )
}

fn operators(all: &Everything, routes: Routes) -> Routes {
    let ops = &all.ops;
    watched(ops, routes)
        .on(Method::GET, "/favicon.ico", with(ops, ops::file))
        .on(Method::GET, "/static/{*path}", with(ops, ops::file))
}

/// What machines watch; by `METRICS_ADDR` nothing else is served.
pub fn watched(ops: &OpsDeps, routes: Routes) -> Routes {
    routes
        .on(Method::GET, "/health", with(ops, ops::health))
        .on(Method::GET, "/livez", Route::new(ops::livez))
        .on(Method::GET, "/readyz", with(ops, ops::readyz))
        .on(Method::GET, "/actors", with(ops, ops::actors))
}

/// Rendered once for each set of keys.
fn by_keys(
    keys: &KeyHolder<KeySet>,
    render: impl Fn(&KeySet) -> Document + Send + Sync + 'static,
) -> Route {
    let keys = keys.clone();
    let rendered: Arc<ArcSwapOption<(Arc<KeySet>, Document)>> = Arc::default();
    Route::new(move |request: Request| {
        let present = keys.current();
        let known = rendered
            .load_full()
            .filter(|known| Arc::ptr_eq(&known.0, &present));
        let known = known.unwrap_or_else(|| {
            let fresh = Arc::new((Arc::clone(&present), render(&present)));
            rendered.store(Some(Arc::clone(&fresh)));
            fresh
        });
        let answer = known.1.answer(&request);
        async move { answer }
    })
}

/// Draws the router's own refusals: a page for people, JSON for programs.
pub fn refusals(web: &WebDeps) -> Refuse {
    let web = web.clone();
    Arc::new(move |request, refusal| {
        let web = web.clone();
        async move { refused(&web, request, refusal).await }.boxed()
    })
}

async fn refused(web: &WebDeps, request: &Request, refusal: Refusal) -> Response {
    match refusal {
        Refusal::NotFound if request.wants_html() => web.nothing_here(request).await,
        Refusal::NotFound => respond::vary(respond::not_found(), "Accept"),
        Refusal::TooMany { retry_after } if request.wants_html() => {
            web.too_many(request, retry_after).await
        }
        Refusal::TooMany { .. } => respond::no_store(respond::json(
            429,
            &json!({"error": "rate_limit_exceeded", "error_description": "too many requests, try again later"}),
        )),
        Refusal::Panicked if request.wants_html() => {
            let error = FlowError::Internal("a handler panicked".to_owned());
            // What panicked may be what would tell who is there.
            web.bare_fault(request, &error)
        }
        Refusal::Panicked => respond::no_store(respond::json(
            500,
            &json!({"error": "server_error", "error_description": "the server failed"}),
        )),
    }
}
