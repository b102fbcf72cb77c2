//! `GET /oauth/tokeninfo`: what a bearer's access token is worth.
use super::refuse;
use crate::{
    flows::inspect::{InspectDeps, LiveToken, bearer},
    http::{
        request::Request,
        respond::{self, Response},
    },
};
use serde_json::{Map, Value, json};

/// Answers for the token in `Authorization`. A bare token without a scheme is taken too, as it always was.
pub async fn tokeninfo(deps: InspectDeps, request: Request) -> Response {
    let Some(token) = request
        .header("authorization")
        .map(|header| request.bearer().unwrap_or(header))
        .filter(|token| !token.is_empty())
    else {
        return unauthorized("missing_token", "Bearer realm=\"authgate\"");
    };
    match bearer(&deps, token).await {
        Ok(Some(live)) => respond::no_store(respond::json(200, &answer(live))),
        Ok(None) => unauthorized(
            "invalid_token",
            "Bearer realm=\"authgate\", error=\"invalid_token\"",
        ),
        Err(error) => refuse(&error, "authgate"),
    }
}

fn unauthorized(error: &'static str, challenge: &str) -> Response {
    let body = json!({"error": error, "error_description": "the access token is missing, invalid, expired or revoked"});
    respond::challenge(respond::no_store(respond::json(401, &body)), challenge)
}

/// Members in alphabetical order; values come from the token itself.
fn answer(live: LiveToken) -> Map<String, Value> {
    let mut body = Map::new();
    let subject_type = live.subject_type();
    let mut claims = live.claims;
    let mut take = |name: &str| claims.remove(name);
    body.insert("active".to_owned(), true.into());
    if let Some(audience) = take("aud") {
        body.insert("aud".to_owned(), audience);
    }
    for name in ["client_id", "exp", "iss", "scope"] {
        body.insert(name.to_owned(), take(name).unwrap_or_default());
    }
    body.insert("subject_type".to_owned(), subject_type.into());
    body.insert("user_id".to_owned(), take("user_id").unwrap_or_default());
    body
}
