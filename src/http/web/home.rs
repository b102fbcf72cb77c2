//! The start, and the page of the design system.
use super::{
    WebDeps,
    guard::{Answer, Visit},
};
use crate::{
    http::{
        request::Request,
        respond::{self, Response},
    },
    pages::{ComponentsPage, Place},
};
use std::sync::Arc;

/// `GET /`, `GET /account`.
pub async fn root(_request: Request) -> Response {
    respond::redirect(302, "/account/sessions")
}

/// `GET /docs/components`: the design system, for those who build pages.
pub async fn components(_deps: WebDeps, visit: Arc<Visit>) -> Answer {
    Ok(visit.draw(200, &ComponentsPage::new(visit.shell(Place::Docs))))
}
