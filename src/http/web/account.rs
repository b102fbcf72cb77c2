//! `/account`: what people see and do of what is theirs. Asks before something ends: a path's GET shows what will end, its
//! POST ends it.
use super::{
    WebDeps,
    guard::{Visit, person},
    way::{PASSWORD_PAGE, to_form_on},
};
use crate::{
    flows::account::{AccountDeps, Oneself},
    http::router::{Route, Routes},
};
use ::http::Method;

mod authorizations;
pub(super) mod browsers;
mod profile;
pub mod sign_ins;
pub mod tokens;

/// Puts the account pages on.
pub fn routes(web: &WebDeps, deps: &AccountDeps, routes: Routes) -> Routes {
    let get = Method::GET;
    let post = Method::POST;
    routes
        .on(get.clone(), "/account", Route::new(super::home::root))
        .on(
            get.clone(),
            "/account/sessions",
            person(web, deps, tokens::list),
        )
        .on(
            get.clone(),
            "/account/sessions/revoke-all",
            person(web, deps, sign_ins::ask_all),
        )
        .on(
            post.clone(),
            "/account/sessions/revoke-all",
            person(web, deps, sign_ins::revoke_all),
        )
        .on(
            get.clone(),
            "/account/sessions/{id}/revoke",
            person(web, deps, tokens::ask),
        )
        .on(
            post.clone(),
            "/account/sessions/{id}/revoke",
            person(web, deps, tokens::revoke),
        )
        .on(
            post.clone(),
            "/account/sessions/{id}/disable",
            person(web, deps, tokens::disable),
        )
        .on(
            post.clone(),
            "/account/sessions/{id}/enable",
            person(web, deps, tokens::enable),
        )
        .on(
            get.clone(),
            "/account/sign-ins/{id}/end",
            person(web, deps, sign_ins::ask),
        )
        .on(
            post.clone(),
            "/account/sign-ins/{id}/end",
            person(web, deps, sign_ins::end),
        )
        .on(
            get.clone(),
            "/account/browsers",
            person(web, deps, browsers::list),
        )
        .on(
            get.clone(),
            "/account/browsers/end-others",
            person(web, deps, browsers::ask_others),
        )
        .on(
            post.clone(),
            "/account/browsers/end-others",
            person(web, deps, browsers::end_others),
        )
        .on(
            get.clone(),
            "/account/browsers/{id}/end",
            person(web, deps, browsers::ask),
        )
        .on(
            post.clone(),
            "/account/browsers/{id}/end",
            person(web, deps, browsers::end),
        )
        .on(
            get.clone(),
            "/account/authorizations",
            person(web, deps, authorizations::list),
        )
        .on(
            get.clone(),
            "/account/authorizations/{uuid}/revoke",
            person(web, deps, authorizations::ask),
        )
        .on(
            post.clone(),
            "/account/authorizations/{uuid}/revoke",
            person(web, deps, authorizations::revoke),
        )
        .on(
            get.clone(),
            "/account/profile",
            person(web, deps, profile::page),
        )
        .on(
            post.clone(),
            "/account/profile",
            person(web, deps, profile::rename),
        )
        .on(get.clone(), "/account/password", to_form_on(PASSWORD_PAGE))
        .on(
            post.clone(),
            "/account/password",
            person(web, deps, profile::change_password),
        )
        .on(
            get,
            "/account/connections/{id}/unlink",
            person(web, deps, profile::ask_unlink),
        )
        .on(
            post,
            "/account/connections/{id}/unlink",
            person(web, deps, profile::unlink),
        )
}

fn oneself(visit: &Visit) -> Oneself {
    Oneself {
        user: visit.guest.user.clone(),
        session: visit.guest.session.clone(),
        origin: visit.origin(),
    }
}
