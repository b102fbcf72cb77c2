//! `GET` and `POST /oauth/userinfo` (OpenID Connect Core 1.0 §5.3): the bearer's token comes in the header or, by POST, in the
//! form (RFC 6750 §2).
use super::{check_query, refuse};
use crate::{
    flows::userinfo::{Userinfo, UserinfoDeps, userinfo},
    http::{
        request::Request,
        respond::{self, Response},
        router::{OAUTH_BODY, Route, Routes},
    },
};
use ::http::Method;
use serde_json::{Map, Value, json};

const PATH: &str = "/oauth/userinfo";

/// The routes of this file.
pub fn routes(deps: &UserinfoDeps, routes: Routes) -> Routes {
    let route = || {
        let deps = deps.clone();
        Route::new(move |request| answer(deps.clone(), request)).capped(OAUTH_BODY)
    };
    routes
        .on(Method::GET, PATH, route())
        .on(Method::POST, PATH, route())
}

async fn answer(deps: UserinfoDeps, mut request: Request) -> Response {
    let token = match token(&mut request).await {
        Ok(Some(token)) => token,
        // RFC 6750 §3.1: without any token there is nothing to say about one.
        Ok(None) => return bearer_error(401, "invalid_token", "Bearer realm=\"authgate\""),
        Err(Twice) => {
            let challenge = "Bearer realm=\"authgate\", error=\"invalid_request\"";
            return bearer_error(400, "invalid_request", challenge);
        }
    };
    match userinfo(&deps, &token).await {
        Ok(Userinfo::Claims(claims)) => respond::no_store(respond::json(200, &sorted(claims))),
        Ok(Userinfo::Invalid) => {
            let challenge = "Bearer realm=\"authgate\", error=\"invalid_token\"";
            bearer_error(401, "invalid_token", challenge)
        }
        Ok(Userinfo::InsufficientScope) => {
            let challenge =
                "Bearer realm=\"authgate\", error=\"insufficient_scope\", scope=\"openid\"";
            bearer_error(403, "insufficient_scope", challenge)
        }
        Err(error) => refuse(&error, "authgate"),
    }
}

/// The token comes in two ways, in the URL, or in a body that cannot be read.
struct Twice;

async fn token(request: &mut Request) -> Result<Option<String>, Twice> {
    check_query(request).map_err(|_| Twice)?;
    let header = request.bearer().map(str::to_owned);
    let form = if request.method() == Method::POST {
        let is_form = |kind: &str| kind.starts_with("application/x-www-form-urlencoded");
        if request.header("content-type").is_some_and(is_form) {
            let form = request.form(&[]).await.map_err(|_| Twice)?;
            form.get("access_token").map(str::to_owned)
        } else {
            None
        }
    } else {
        None
    };
    match (header, form) {
        (Some(_), Some(_)) => Err(Twice),
        (header, form) => Ok(header.or(form).filter(|token| !token.is_empty())),
    }
}

/// Members in alphabetical order, as they always were.
fn sorted(claims: Map<String, Value>) -> std::collections::BTreeMap<String, Value> {
    claims.into_iter().collect()
}

fn bearer_error(status: u16, error: &'static str, challenge: &str) -> Response {
    let words = match error {
        "invalid_request" => "the access token must come once, in the header or in the form",
        "insufficient_scope" => "the access token lacks the scope openid",
        _ => "the access token is missing, invalid, expired or revoked",
    };
    let body = json!({"error": error, "error_description": words});
    respond::challenge(respond::no_store(respond::json(status, &body)), challenge)
}
