//! `POST /oauth/device/code` (RFC 8628 §3.1).
use super::{
    REPEATABLE, check_query, missing, origin,
    refusals::{Case, Refusals},
};
use crate::{
    domain::{
        oauth_error::ErrorCode,
        trace::{Check, Operation, Trail},
    },
    flows::{
        FlowError,
        device::{DeviceDeps, StartRequest, Started, start},
    },
    http::{
        client_credentials,
        form::{Form, FormError},
        request::Request,
        respond::{self, Response},
    },
};
use serde::Deserialize;
use serde_json::json;

/// The older JSON form of the request, read whatever its content type says.
#[derive(Deserialize, Default)]
struct JsonRequest {
    #[serde(default)]
    client_id: String,
    #[serde(default)]
    scope: String,
    #[serde(default)]
    resource: Vec<String>,
}

/// What the endpoint needs.
#[derive(Clone)]
pub struct CodeDeps {
    /// The device grant.
    pub device: DeviceDeps,
    /// Keeps traces of what is refused.
    pub refusals: Refusals,
}

/// Starts a device authorization.
pub async fn code(deps: CodeDeps, mut request: Request) -> Response {
    let unreadable = |request: &Request, error: &FormError| {
        deps.refusals
            .unreadable(Operation::DeviceCode, request, error)
    };
    if let Err(error) = check_query(&request) {
        return unreadable(&request, &error);
    }
    let body = match request.body().await {
        Ok(body) => body,
        Err(error) => return unreadable(&request, &FormError::from(error)),
    };
    let content_type = request
        .header("content-type")
        .unwrap_or_default()
        .to_owned();
    let form = match Form::parse(&content_type, body.clone(), REPEATABLE).await {
        Ok(form) if form.get("client_id").is_some() => Some(form),
        // Without a client in a form the body may be JSON; a form that is broken stays broken.
        Ok(form) => (!looks_like_json(&body)).then_some(form),
        Err(_) if looks_like_json(&body) => None,
        Err(error) => return unreadable(&request, &error),
    };
    let asked = match &form {
        Some(form) => from_form(&request, form),
        None => from_json(&request, &body),
    };
    let (mut client_id, mut trail) = (String::new(), Trail::default());
    let outcome = match asked {
        Ok(asked) => {
            asked
                .credentials
                .client_id
                .as_str()
                .clone_into(&mut client_id);
            trail.pass(Check::Request);
            start(&deps.device, &asked, &mut trail).await
        }
        Err(error) => Err(error),
    };
    match outcome {
        Ok(started) => respond::no_store(respond::json(200, &answer(&started))),
        Err(error) => {
            let case = Case {
                operation: Operation::DeviceCode,
                client_id,
                trail,
            };
            deps.refusals.answer(&case, &error, "authgate")
        }
    }
}

fn looks_like_json(body: &[u8]) -> bool {
    body.trim_ascii_start().first() == Some(&b'{')
}

fn from_form(request: &Request, form: &Form) -> Result<StartRequest, FlowError> {
    let credentials =
        client_credentials::read(request, form)?.ok_or_else(|| missing("client_id"))?;
    Ok(StartRequest {
        credentials,
        scope: form
            .get("scope")
            .filter(|scope| !scope.trim().is_empty())
            .map(str::to_owned),
        resource: form.all("resource"),
        address: request.client_address(),
        origin: origin(request),
    })
}

fn from_json(request: &Request, body: &[u8]) -> Result<StartRequest, FlowError> {
    let asked: JsonRequest = serde_json::from_slice(body).map_err(|_| {
        ErrorCode::InvalidRequest
            .because("the body is neither a form nor the JSON of this endpoint")
    })?;
    let texts = [&asked.client_id, &asked.scope];
    if texts
        .into_iter()
        .chain(&asked.resource)
        .any(|text| text.contains('\0'))
    {
        return Err(ErrorCode::InvalidRequest
            .because("a parameter holds a NUL")
            .into());
    }
    if asked.client_id.is_empty() {
        return Err(missing("client_id"));
    }
    // The header counts beside JSON as beside a form.
    let named = Form::of("client_id", asked.client_id);
    let credentials =
        client_credentials::read(request, &named)?.ok_or_else(|| missing("client_id"))?;
    Ok(StartRequest {
        credentials,
        scope: Some(asked.scope).filter(|scope| !scope.trim().is_empty()),
        resource: asked.resource,
        address: request.client_address(),
        origin: origin(request),
    })
}

fn answer(started: &Started) -> serde_json::Value {
    json!({
        "device_code": started.device_code.expose(),
        "expires_in": started.expires_in,
        "interval": started.interval,
        "user_code": started.user_code.to_string(),
        "verification_uri": started.verification_uri,
        "verification_uri_complete": format!("{}?user_code={}", started.verification_uri, started.user_code),
    })
}
