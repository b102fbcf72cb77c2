//! `POST /oauth/token` (RFC 6749 §3.2): one form, one function per grant.
use super::{REPEATABLE, missing, origin, refuse, unreadable};
use crate::{
    domain::{
        claims::{ExtraClaimRules, ExtraClaims},
        oauth_error::ErrorCode,
        resource,
        secret::Secret,
    },
    flows::{
        FlowError,
        client_auth::ClientCredentials,
        issue::TokenResponse,
        polling::{PollDeps, PollRequest, poll},
        refresh::{RefreshDeps, RefreshRequest, refresh},
    },
    http::{
        client_credentials,
        form::Form,
        request::Request,
        respond::{self, Response},
    },
};
use serde_json::{Map, Value};
use std::sync::Arc;

/// `grant_type` of the device grant (RFC 8628 §3.4). The short form is not taken here.
const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// What the token endpoint needs.
#[derive(Clone)]
pub struct TokenDeps {
    /// The device grant.
    pub poll: PollDeps,
    /// The refresh grant.
    pub refresh: RefreshDeps,
    /// Limits of `extra_claims`.
    pub extra_claims: Arc<ExtraClaimRules>,
}

/// Answers a token request.
pub async fn token(deps: TokenDeps, mut request: Request) -> Response {
    let form = match request.form(REPEATABLE).await {
        Ok(form) => form,
        Err(error) => return unreadable(&error),
    };
    match grant(&deps, &request, &form).await {
        Ok(response) => respond::no_store(respond::json(200, &answer(&response))),
        Err(error) => refuse(&error, "token"),
    }
}

async fn grant(
    deps: &TokenDeps,
    request: &Request,
    form: &Form,
) -> Result<TokenResponse, FlowError> {
    match form.get("grant_type") {
        Some(DEVICE_CODE) => {
            let device_code = required(form, "device_code")?;
            let (credentials, extra, resource) = common(deps, request, form)?;
            let (address, origin) = (request.client_address(), origin(request));
            poll(
                &deps.poll,
                &PollRequest {
                    credentials,
                    device_code,
                    resource,
                    extra,
                    address,
                    origin,
                },
            )
            .await
        }
        Some("refresh_token") => {
            let refresh_token = required(form, "refresh_token")?;
            let (credentials, extra, resource) = common(deps, request, form)?;
            let scope = form
                .get("scope")
                .filter(|scope| !scope.is_empty())
                .map(str::to_owned);
            let (address, origin) = (request.client_address(), origin(request));
            let asked = RefreshRequest {
                credentials,
                refresh_token,
                scope,
                resource,
                extra,
                address,
                origin,
            };
            refresh(&deps.refresh, &asked).await
        }
        _ => Err(ErrorCode::UnsupportedGrantType
            .because("grant_type is missing or not one of this server's")
            .into()),
    }
}

fn required(form: &Form, name: &'static str) -> Result<Secret, FlowError> {
    form.get(name)
        .filter(|value| !value.is_empty())
        .map(Secret::new)
        .ok_or_else(|| missing(name))
}

fn common(
    deps: &TokenDeps,
    request: &Request,
    form: &Form,
) -> Result<(ClientCredentials, ExtraClaims, Vec<String>), FlowError> {
    let credentials =
        client_credentials::read(request, form)?.ok_or_else(|| missing("client_id"))?;
    let extra = deps
        .extra_claims
        .parse(form.get("extra_claims"))
        .map_err(|error| ErrorCode::InvalidRequest.because(error.to_string()))?;
    let resource = form.all("resource");
    resource::check_syntax(&resource)
        .map_err(|error| ErrorCode::InvalidTarget.because(error.to_string()))?;
    Ok((credentials, extra, resource))
}

/// Members in alphabetical order, as they always were.
fn answer(response: &TokenResponse) -> Map<String, Value> {
    let mut body = Map::new();
    body.insert(
        "access_token".to_owned(),
        response.access_token.expose().into(),
    );
    body.insert("expires_in".to_owned(), response.expires_in.into());
    if let Some(refresh_token) = &response.refresh_token {
        body.insert("refresh_token".to_owned(), refresh_token.expose().into());
    }
    body.insert("scope".to_owned(), response.scope.as_str().into());
    body.insert("token_type".to_owned(), "Bearer".into());
    body
}
