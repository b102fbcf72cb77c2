//! Pages of administrators. Who gets in is decided by the guard, for all of them alike.
use super::{WebDeps, registered::RegisteredDeps};
use crate::{
    flows::{keys::KeysDeps, people::PeopleDeps},
    http::router::Routes,
};

pub mod clients;
pub mod dashboard;
pub mod keys;
mod people_words;
pub mod tokens;
pub mod users;
pub mod work;

/// What they need.
#[derive(Clone)]
pub struct AdminDeps {
    /// Clients.
    pub registered: RegisteredDeps,
    /// People.
    pub people: PeopleDeps,
    /// How things stand.
    pub dashboard: dashboard::DashboardDeps,
    /// Signing keys.
    pub keys: KeysDeps,
}

/// All of them, and people's own apps.
pub fn routes(web: &WebDeps, deps: &AdminDeps, routes: Routes) -> Routes {
    let routes = super::apps::routes(web, &deps.registered, routes);
    let routes = clients::routes(web, &deps.registered, routes);
    let routes = users::routes(web, (&deps.people, &deps.dashboard.counting), routes);
    let routes = tokens::routes(web, &deps.dashboard.counting, routes);
    let routes = work::routes(web, &deps.people.ground, routes);
    let routes = keys::routes(web, &deps.keys, routes);
    dashboard::routes(web, &deps.dashboard, routes)
}
