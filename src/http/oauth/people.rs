//! The endpoints of sign-in by way of a client: where people are sent, and where a client asks who they are.
use super::userinfo;
use crate::{
    flows::userinfo::UserinfoDeps,
    http::{
        router::Routes,
        web::{
            authorize::{self, AuthorizeWeb},
            end_session::{self, EndSessionWeb},
        },
    },
};

/// What they need.
pub struct PeopleEndpoints {
    /// `/oauth/authorize`.
    pub authorize: AuthorizeWeb,
    /// `/oauth/end_session`.
    pub end_session: EndSessionWeb,
    /// `/oauth/userinfo`.
    pub userinfo: UserinfoDeps,
}

/// Their routes.
pub fn routes(all: &PeopleEndpoints, routes: Routes) -> Routes {
    let routes = authorize::routes(&all.authorize, routes);
    let routes = end_session::routes(&all.end_session, routes);
    userinfo::routes(&all.userinfo, routes)
}
