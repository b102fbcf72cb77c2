//! Endpoints that only clients call, and only about themselves or their tokens.
use super::introspect;
use crate::{
    flows::introspect::IntrospectDeps,
    http::{
        limits::Limiter,
        router::{OAUTH_BODY, Routes},
        routes::with,
    },
};
use ::http::Method;
use std::sync::Arc;

/// What these endpoints need.
pub struct MachineEndpoints {
    /// Introspection.
    pub introspect: IntrospectDeps,
    /// `INTROSPECT_RATE_LIMIT`.
    pub introspect_limit: Option<Arc<Limiter>>,
}

/// Their routes.
pub fn routes(all: &MachineEndpoints, routes: Routes) -> Routes {
    routes.on(
        Method::POST,
        "/oauth/introspect",
        with(&all.introspect, introspect::introspection)
            .capped(OAUTH_BODY)
            .limited(all.introspect_limit.clone()),
    )
}
