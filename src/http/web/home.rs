//! Where a person lands after signing in.
use super::{
    WebDeps,
    guard::{Answer, Visit},
};
use crate::{
    http::{
        request::Request,
        respond::{self, Response},
    },
    pages::{ComponentsPage, HomePage, Place},
};
use std::sync::Arc;

/// `GET /`.
pub async fn root(_request: Request) -> Response {
    respond::redirect(302, "/account/sessions")
}

/// `GET /account/sessions`.
pub async fn home(_deps: WebDeps, visit: Arc<Visit>) -> Answer {
    let page = HomePage {
        shell: visit.shell(Place::Account),
        sessions: Vec::new(),
    };
    Ok(visit.draw(200, &page))
}

/// `GET /docs/components`: the design system, for those who build pages.
pub async fn components(_deps: WebDeps, visit: Arc<Visit>) -> Answer {
    Ok(visit.draw(200, &ComponentsPage::new(visit.shell(Place::Docs))))
}
