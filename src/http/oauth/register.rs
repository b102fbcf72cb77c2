//! `POST /oauth/register` (RFC 7591) and `/oauth/register/{client_id}` (RFC 7592).
use super::{origin, refuse};
use crate::{
    domain::{client_metadata::MetadataFault, ids::ClientId, secret::Secret},
    flows::register::{
        RegisterDeps, RegisterError,
        manage::{self, Manager},
        register,
    },
    http::{
        form::FormError,
        request::Request,
        respond::{self, Response},
    },
};
use serde_json::{Map, Value, json};

/// Registers a client.
pub async fn registration(deps: RegisterDeps, mut request: Request) -> Response {
    let body = match request.body().await {
        Ok(body) => body,
        Err(error) => return super::unreadable(&FormError::from(error)),
    };
    let outcome = register(&deps, request.bearer(), &body, &origin(&request)).await;
    answer(outcome, 201)
}

/// Tells what is registered.
pub async fn read(deps: RegisterDeps, request: Request) -> Response {
    answer(manage::read(&deps, &manager(&request)).await, 200)
}

/// Replaces what is registered.
pub async fn replace(deps: RegisterDeps, mut request: Request) -> Response {
    let body = match request.body().await {
        Ok(body) => body,
        Err(error) => return super::unreadable(&FormError::from(error)),
    };
    answer(manage::replace(&deps, &manager(&request), &body).await, 200)
}

/// Deletes the client.
pub async fn remove(deps: RegisterDeps, request: Request) -> Response {
    match manage::remove(&deps, &manager(&request)).await {
        Ok(()) => respond::no_store(respond::empty(204)),
        Err(error) => refused(&error),
    }
}

fn manager(request: &Request) -> Manager {
    Manager {
        client_id: ClientId::new(request.param("client_id").unwrap_or_default()),
        token: request.bearer().map(Secret::new),
        address: request.client_address(),
        origin: origin(request),
    }
}

fn answer(outcome: Result<Map<String, Value>, RegisterError>, status: u16) -> Response {
    match outcome {
        Ok(told) => respond::no_store(respond::json(status, &told)),
        Err(error) => refused(&error),
    }
}

fn refused(error: &RegisterError) -> Response {
    let (status, code, why) = match error {
        RegisterError::Closed => (
            403,
            "registration_not_supported",
            "dynamic registration is switched off",
        ),
        RegisterError::Unauthorized => (
            401,
            "invalid_token",
            "the bearer token is missing or does not open this registration",
        ),
        RegisterError::Full => (
            429,
            "temporarily_unavailable",
            "too many registrations wait for approval: an administrator has to look at them first",
        ),
        RegisterError::Metadata(MetadataFault::RedirectUri(why)) => {
            (400, "invalid_redirect_uri", why.as_str())
        }
        RegisterError::Metadata(MetadataFault::Metadata(why)) => {
            (400, "invalid_client_metadata", why.as_str())
        }
        RegisterError::Flow(error) => return refuse(error, "authgate"),
    };
    let body = json!({"error": code, "error_description": why});
    let response = respond::no_store(respond::json(status, &body));
    if status == 401 {
        let challenge = "Bearer realm=\"authgate\", error=\"invalid_token\"";
        respond::challenge(response, challenge)
    } else {
        response
    }
}
