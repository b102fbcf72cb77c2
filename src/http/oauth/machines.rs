//! Endpoints that only clients call, and only about themselves or their tokens.
use super::{introspect, register};
use crate::{
    flows::register::RegisterDeps,
    http::{
        router::{OAUTH_BODY, Route, Routes},
        routes::{Limits, with},
    },
};
use ::http::Method;

/// What these endpoints need.
pub struct MachineEndpoints {
    /// Introspection.
    pub introspect: introspect::IntrospectionDeps,
    /// Dynamic registration.
    pub register: RegisterDeps,
}

/// Their routes.
pub fn routes(all: &MachineEndpoints, limits: &Limits, routes: Routes) -> Routes {
    const REGISTRATION: &str = "/oauth/register/{client_id}";
    let limited = |route: Route| route.capped(OAUTH_BODY).limited(limits.management.clone());
    routes
        .on(
            Method::POST,
            "/oauth/introspect",
            with(&all.introspect, introspect::introspection)
                .capped(OAUTH_BODY)
                .limited(limits.introspect.clone()),
        )
        .on(
            Method::POST,
            "/oauth/register",
            with(&all.register, register::registration)
                .capped(OAUTH_BODY)
                .limited(limits.registration.clone()),
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
