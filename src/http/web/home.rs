//! Where a person lands after signing in.
use super::WebDeps;
use crate::{
    http::{
        request::Request,
        respond::{self, Response},
        session::csrf_token,
    },
    pages::HomePage,
};

/// `GET /`.
pub async fn root(_request: Request) -> Response {
    respond::redirect(302, "/account/sessions")
}

/// `GET /account/sessions`.
pub async fn home(deps: WebDeps, request: Request) -> Response {
    let guest = match deps.guest(&request).await {
        Ok(guest) => guest,
        Err(answer) => return answer,
    };
    let page = HomePage {
        username: guest.user.username.clone(),
        csrf_token: csrf_token(&guest.id),
        sessions: Vec::new(),
    };
    deps.draw_for(200, &guest, &page)
}
