//! What operators and their machines look at: health, readiness, the actors, and the files that pages load.
use super::{
    document::Document,
    request::Request,
    respond::{self, Response},
    session::{Seen, Sessions},
};
use crate::{
    actors::{Tree, database_watch::DATABASE, lifecycle::Readiness},
    domain::secret::{Secret, same},
    pages,
};
use ::http::HeaderValue;
use std::{collections::HashMap, sync::Arc, sync::OnceLock, time::Duration};

/// What operations need.
#[derive(Clone)]
pub struct OpsDeps {
    /// Whether this process should get traffic.
    pub readiness: Readiness,
    /// The running tree, once it runs.
    pub tree: Arc<OnceLock<Arc<Tree>>>,
    /// Who is signed in.
    pub sessions: Sessions,
    /// `METRICS_TOKEN`.
    pub token: Option<Secret>,
    /// What pages load.
    pub files: Arc<Files>,
    /// The request came in by `METRICS_ADDR`: whoever reaches that counts as somebody on this machine.
    pub apart: bool,
}

const HEALTHY: &[u8] = br#"{"database":"connected","status":"healthy"}"#;
const UNHEALTHY: &[u8] = br#"{"database":"disconnected","status":"unhealthy"}"#;

/// `GET /health`: whether the database answered within the last second or so.
pub async fn health(deps: OpsDeps, _request: Request) -> Response {
    if deps.readiness.is_failing(DATABASE) {
        respond::json_bytes(503, bytes::Bytes::from_static(UNHEALTHY))
    } else {
        respond::json_bytes(200, bytes::Bytes::from_static(HEALTHY))
    }
}

/// `GET /livez`: the process answers. It looks at nothing, because a sick database is no reason to be killed.
pub async fn livez(_request: Request) -> Response {
    respond::text(200, "ok")
}

/// `GET /readyz`: whether traffic should come here. With `?verbose` the reasons, for those who may see them.
pub async fn readyz(deps: OpsDeps, request: Request) -> Response {
    let mut verdict = deps.readiness.verdict();
    // An actor that is started again is back before traffic could go elsewhere: it is named, and no more.
    let down = deps.tree.get().map(|tree| tree.down());
    verdict.degraded.extend(down.unwrap_or_default());
    let status = if verdict.ready { 200 } else { 503 };
    let verbose = request
        .query_pairs()
        .is_ok_and(|query| query.iter().any(|(name, _)| name == "verbose"));
    let response = if verbose && may_see(&deps, &request).await {
        respond::json(status, &verdict)
    } else {
        respond::text(status, if verdict.ready { "ready" } else { "not ready" })
    };
    respond::no_store(response)
}

/// `GET /actors`: the supervision tree as JSON, or as Prometheus text with `?format=prometheus`.
pub async fn actors(deps: OpsDeps, request: Request) -> Response {
    if !may_see(&deps, &request).await {
        return respond::challenge(
            respond::json(401, &serde_json::json!({"error": "unauthorized"})),
            "Bearer realm=\"Metrics\"",
        );
    }
    let Some(tree) = deps.tree.get() else {
        return respond::text(503, "starting");
    };
    let query = request.query_pairs().unwrap_or_default();
    let response = if query
        .iter()
        .any(|(name, value)| name == "format" && value == "prometheus")
    {
        respond::text_of_type(
            200,
            "text/plain; version=0.0.4; charset=utf-8",
            tree.prometheus(),
        )
    } else {
        let draining = deps.readiness.phase() == crate::actors::lifecycle::Phase::Draining;
        respond::json(200, &tree.report(&pod(), draining))
    };
    respond::no_store(response)
}

/// The name of this process among its siblings: the host's, which is the pod's in Kubernetes.
fn pod() -> String {
    std::fs::read_to_string("/etc/hostname")
        .unwrap_or_default()
        .trim()
        .to_owned()
}

/// With a token set: its bearer, or an administrator. Without one: whoever asks from this machine or by `METRICS_ADDR`, and
/// administrators.
async fn may_see(deps: &OpsDeps, request: &Request) -> bool {
    if let (Some(token), Some(bearer)) = (&deps.token, request.bearer())
        && same(token.expose().as_bytes(), bearer.as_bytes())
    {
        return true;
    }
    // A proxy on this machine is a local peer too, and speaks for others.
    let came_by_proxy = ["forwarded", "x-forwarded-for", "x-real-ip", "via"]
        .into_iter()
        .any(|name| request.carries(name));
    let is_local = request.peer().ip().to_canonical().is_loopback()
        && request.client_address().is_loopback()
        && !came_by_proxy;
    if deps.token.is_none() && (deps.apart || is_local) {
        return true;
    }
    match deps.sessions.see(request).await {
        Ok(Seen::Somebody(guest)) => guest.user.may_administer(),
        Ok(Seen::Nobody(_)) | Err(_) => false,
    }
}

/// Files that pages load, each with its headers.
pub struct Files {
    by_path: HashMap<String, Document>,
}

impl Files {
    /// All files. `max_age` is `STATIC_CACHE_MAX_AGE`; files whose name carries their digest may be kept for ever.
    pub fn new(max_age: Option<Duration>) -> Self {
        let by_path = pages::asset_paths()
            .into_iter()
            .filter_map(|path| {
                let asset = pages::asset(&path)?;
                let caching = match (asset.immutable, max_age) {
                    (true, _) => "public, max-age=31536000, immutable".to_owned(),
                    (false, Some(age)) => format!("public, max-age={}", age.as_secs()),
                    (false, None) => "no-cache".to_owned(),
                };
                let caching =
                    HeaderValue::from_str(&caching).unwrap_or(HeaderValue::from_static("no-cache"));
                let kind = HeaderValue::from_static(asset.content_type);
                let document = Document::new(asset.bytes, kind, caching).with_brotli(asset.brotli);
                Some((path, document))
            })
            .collect();
        Self { by_path }
    }
}

/// `GET /static/…` and `/favicon.ico`.
pub async fn file(deps: OpsDeps, request: Request) -> Response {
    match deps.files.by_path.get(request.path()) {
        Some(document) => document.answer(&request),
        None => respond::text(404, "404 page not found"),
    }
}
