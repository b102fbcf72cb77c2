//! Endpoints that only clients call, and only about themselves or their tokens.
use super::{introspect, register};
use crate::{
    flows::register::RegisterDeps,
    http::{
        limits::Limiter,
        router::{OAUTH_BODY, Route, Routes},
        routes::with,
    },
};
use ::http::Method;
use std::sync::Arc;

/// What these endpoints need.
pub struct MachineEndpoints {
    /// Introspection.
    pub introspect: introspect::IntrospectionDeps,
    /// `INTROSPECT_RATE_LIMIT`.
    pub introspect_limit: Option<Arc<Limiter>>,
    /// Dynamic registration.
    pub register: RegisterDeps,
    /// `DYNAMIC_CLIENT_REGISTRATION_RATE_LIMIT`.
    pub register_limit: Option<Arc<Limiter>>,
    /// The same number, counted by itself.
    pub manage_limit: Option<Arc<Limiter>>,
}

/// Their routes.
pub fn routes(all: &MachineEndpoints, routes: Routes) -> Routes {
    const REGISTRATION: &str = "/oauth/register/{client_id}";
    let limited = |route: Route| route.capped(OAUTH_BODY).limited(all.manage_limit.clone());
    routes
        .on(
            Method::POST,
            "/oauth/introspect",
            with(&all.introspect, introspect::introspection)
                .capped(OAUTH_BODY)
                .limited(all.introspect_limit.clone()),
        )
        .on(
            Method::POST,
            "/oauth/register",
            with(&all.register, register::registration)
                .capped(OAUTH_BODY)
                .limited(all.register_limit.clone()),
        )
        .on(
            Method::GET,
            REGISTRATION,
            limited(with(&all.register, register::read)),
        )
        .on(
            Method::PUT,
            REGISTRATION,
            limited(with(&all.register, register::replace)),
        )
        .on(
            Method::DELETE,
            REGISTRATION,
            limited(with(&all.register, register::remove)),
        )
}
