//! `POST /oauth/token` (RFC 6749 §3.2): one form, one function per grant.
use super::{
    REPEATABLE, form, missing, origin,
    refusals::{Case, Refusals},
};
use crate::{
    domain::{
        claims::{ExtraClaimRules, ExtraClaims},
        oauth_error::ErrorCode,
        resource,
        secret::Secret,
        trace::{Check, Operation, Trail},
    },
    flows::{
        FlowError,
        client_auth::ClientCredentials,
        code::{CodeDeps, CodeRequest, redeem},
        issue::TokenResponse,
        machine::{self, MachineDeps, MachineRequest},
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
    /// The authorization code grant.
    pub code: CodeDeps,
    /// The refresh grant.
    pub refresh: RefreshDeps,
    /// The client credentials grant.
    pub machine: MachineDeps,
    /// Limits of `extra_claims`.
    pub extra_claims: Arc<ExtraClaimRules>,
    /// Keeps traces of what is refused.
    pub refusals: Refusals,
}

/// Answers a token request.
pub async fn token(deps: TokenDeps, mut request: Request) -> Response {
    let form = match form(&mut request, REPEATABLE).await {
        Ok(form) => form,
        Err(error) => return deps.refusals.unreadable(Operation::Token, &request, &error),
    };
    let mut trail = Trail::default();
    match grant(&deps, &request, &form, &mut trail).await {
        Ok(response) => respond::no_store(respond::json(200, &answer(&response))),
        Err(error) => {
            let case = Case::of(operation(&form), &request, Some(&form), trail);
            deps.refusals.answer(&case, &error, realm(case.operation))
        }
    }
}

/// The realm is that of the Go server, which named it by the grant.
fn realm(operation: Operation) -> &'static str {
    match operation {
        Operation::ClientCredentials => "authgate",
        _ => "token",
    }
}

/// What is asked for, for the trace of a refusal.
fn operation(form: &Form) -> Operation {
    match form.get("grant_type") {
        Some(DEVICE_CODE) => Operation::DevicePoll,
        Some("authorization_code") => Operation::CodeExchange,
        Some("refresh_token") => Operation::Refresh,
        Some("client_credentials") => Operation::ClientCredentials,
        _ => Operation::Token,
    }
}

async fn grant(
    deps: &TokenDeps,
    request: &Request,
    form: &Form,
    trail: &mut Trail,
) -> Result<TokenResponse, FlowError> {
    trail.pass(Check::Request);
    if operation(form) != Operation::Token {
        trail.pass(Check::GrantType);
    }
    match form.get("grant_type") {
        Some(DEVICE_CODE) => {
            let device_code = required(form, "device_code")?;
            let (credentials, extra, resource) = common(deps, request, form, trail)?;
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
                trail,
            )
            .await
        }
        Some("authorization_code") => {
            let code = required(form, "code")?;
            let redirect_uri = required(form, "redirect_uri")?.expose().to_owned();
            let (credentials, extra, resource) = common(deps, request, form, trail)?;
            let (address, origin) = (request.client_address(), origin(request));
            let asked = CodeRequest {
                credentials,
                code,
                redirect_uri,
                verifier: form
                    .get("code_verifier")
                    .filter(|verifier| !verifier.is_empty())
                    .map(Secret::new),
                resource,
                extra,
                address,
                origin,
            };
            redeem(&deps.code, &asked, trail).await
        }
        Some("refresh_token") => {
            let refresh_token = required(form, "refresh_token")?;
            let (credentials, extra, resource) = common(deps, request, form, trail)?;
            let scope = scope(form);
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
            refresh(&deps.refresh, &asked, trail).await
        }
        Some("client_credentials") => {
            let (extra, resource) = extras(deps, form, trail)?;
            let asked = MachineRequest {
                credentials: client_credentials::read(request, form)?,
                scope: scope(form),
                resource,
                extra,
                address: request.client_address(),
                origin: origin(request),
            };
            machine::client_credentials(&deps.machine, &asked, trail).await
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
    trail: &mut Trail,
) -> Result<(ClientCredentials, ExtraClaims, Vec<String>), FlowError> {
    let credentials =
        client_credentials::read(request, form)?.ok_or_else(|| missing("client_id"))?;
    let (extra, resource) = extras(deps, form, trail)?;
    Ok((credentials, extra, resource))
}

fn scope(form: &Form) -> Option<String> {
    form.get("scope")
        .filter(|scope| !scope.is_empty())
        .map(str::to_owned)
}

/// What may come with every grant.
fn extras(
    deps: &TokenDeps,
    form: &Form,
    trail: &mut Trail,
) -> Result<(ExtraClaims, Vec<String>), FlowError> {
    let extra = deps
        .extra_claims
        .parse(form.get("extra_claims"))
        .map_err(|error| {
            ErrorCode::InvalidRequest
                .because(error.to_string())
                .failing(Check::ExtraClaims)
        })?;
    trail.pass(Check::ExtraClaims);
    let resource = form.all("resource");
    resource::check_syntax(&resource)?;
    trail.pass(Check::ResourceSyntax);
    Ok((extra, resource))
}

/// Members in alphabetical order, as they always were.
fn answer(response: &TokenResponse) -> Map<String, Value> {
    let mut body = Map::new();
    body.insert(
        "access_token".to_owned(),
        response.access_token.expose().into(),
    );
    body.insert("expires_in".to_owned(), response.expires_in.into());
    if let Some(id_token) = &response.id_token {
        body.insert("id_token".to_owned(), id_token.expose().into());
    }
    if let Some(refresh_token) = &response.refresh_token {
        body.insert("refresh_token".to_owned(), refresh_token.expose().into());
    }
    body.insert("scope".to_owned(), response.scope.as_str().into());
    body.insert("token_type".to_owned(), "Bearer".into());
    body
}
