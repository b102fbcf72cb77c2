//! `POST /oauth/introspect` (RFC 7662).
use super::{
    form, origin,
    refusals::{Case, Refusals},
};
use crate::{
    domain::{
        secret::Secret,
        token::TokenCategory,
        trace::{Check, Operation, Trail},
    },
    flows::{
        FlowError,
        introspect::{Active, IntrospectDeps, IntrospectRequest, introspect},
    },
    http::{
        client_credentials,
        form::Form,
        request::Request,
        respond::{self, Response},
    },
};
use bytes::Bytes;
use serde_json::{Map, Value};

/// The whole answer about a token that does not count, whatever the reason (RFC 7662 §2.2).
const INACTIVE: &[u8] = b"{\"active\":false}";

/// What the endpoint needs.
#[derive(Clone)]
pub struct IntrospectionDeps {
    /// Looking at tokens.
    pub introspect: IntrospectDeps,
    /// Keeps traces of what is refused.
    pub refusals: Refusals,
}

/// Tells what the token in the form is worth.
pub async fn introspection(deps: IntrospectionDeps, mut request: Request) -> Response {
    let form = match form(&mut request, &[]).await {
        Ok(form) => form,
        Err(error) => {
            return deps
                .refusals
                .unreadable(Operation::Introspect, &request, &error);
        }
    };
    let mut trail = Trail::default();
    match outcome(&deps.introspect, &request, &form, &mut trail).await {
        Ok(Some(active)) => respond::no_store(respond::json(200, &answer(active))),
        Ok(None) => respond::no_store(respond::json_bytes(200, Bytes::from_static(INACTIVE))),
        Err(error) => {
            let case = Case::of(Operation::Introspect, &request, Some(&form), trail);
            deps.refusals.answer(&case, &error, "authgate")
        }
    }
}

async fn outcome(
    deps: &IntrospectDeps,
    request: &Request,
    form: &Form,
    trail: &mut Trail,
) -> Result<Option<Active>, FlowError> {
    let asked = IntrospectRequest {
        credentials: client_credentials::read(request, form)?,
        token: form
            .get("token")
            .filter(|token| !token.is_empty())
            .map(Secret::new),
        address: request.client_address(),
        origin: origin(request),
    };
    // Who asks is judged before what is asked about.
    if asked.token.is_some() {
        trail.pass(Check::Request);
    }
    introspect(deps, &asked, trail).await
}

/// Members in alphabetical order. Claims of callers and private claims are for those who hold the token. Only an access
/// token has a `token_type` and an audience: nobody may take a refresh token for one (RFC 7662 §2.2).
fn answer(active: Active) -> Map<String, Value> {
    let token = active.token;
    let mut said = active.claims;
    let mut body = Map::new();
    let mut put = |name: &str, value: Value| {
        body.insert(name.to_owned(), value);
    };
    put("active", true.into());
    if token.category == TokenCategory::Access {
        if let Some(audience) = said.remove("aud") {
            put("aud", audience);
        }
        put("token_type", "Bearer".into());
    }
    put("client_id", token.client_id.as_str().into());
    put("exp", token.expires_at.unix_timestamp().into());
    put("iat", token.created_at.unix_timestamp().into());
    put("iss", said.remove("iss").unwrap_or_default());
    put("jti", said.remove("jti").unwrap_or_default());
    put("scope", token.scopes.to_string().into());
    put("sub", token.subject.to_string().into());
    if let Some(username) = active.username {
        put("username", username.into());
    }
    body
}
