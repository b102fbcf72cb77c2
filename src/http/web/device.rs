//! `/device`: a person types the code that a device shows, looks at who asks, and decides. Always two steps.
use super::WebDeps;
use crate::{
    flows::device::{Choice, CodeRefusal, PageError, Presented, decide, present},
    http::{
        form::Form,
        oauth::origin,
        request::Request,
        respond::Response,
        session::{CSRF_FIELD, Guest, csrf_holds, csrf_token},
    },
    pages::{DeviceConfirmPage, DeviceDonePage, DeviceMessage, DevicePage, ScopeLine},
};
use std::time::Duration;

/// `GET /device`: the form, filled in when the link carries a code. It changes nothing and tells nothing about the code.
pub async fn page(deps: WebDeps, request: Request) -> Response {
    let guest = match deps.guest(&request).await {
        Ok(guest) => guest,
        Err(answer) => return answer,
    };
    let query = request.query_pairs().unwrap_or_default();
    let code = query
        .iter()
        .find(|(name, _)| name == "user_code")
        .map(|(_, code)| code.as_str());
    enter(&deps, &guest, 200, code.unwrap_or_default(), None)
}

fn enter(
    deps: &WebDeps,
    guest: &Guest,
    status: u16,
    code: &str,
    message: Option<DeviceMessage>,
) -> Response {
    let page = DevicePage {
        user_code: code.chars().take(32).collect(),
        csrf_token: csrf_token(&guest.id),
        message,
        username: guest.user.username.clone(),
    };
    deps.draw_for(status, guest, &page)
}

/// `POST /device/verify`: the first step shows who asks, the second (`confirmed=true`) takes the answer.
pub async fn verify(deps: WebDeps, mut request: Request) -> Response {
    let form = match request.form(&[]).await {
        Ok(form) => form,
        Err(error) => return deps.unreadable(error.status(), true),
    };
    let guest = match deps.guest(&request).await {
        Ok(guest) => guest,
        Err(answer) => return answer,
    };
    if !csrf_holds(&guest.id, form.get(CSRF_FIELD), &request) {
        return deps.forbidden(true);
    }
    let typed = form.get("user_code").unwrap_or_default();
    match step(&deps, &guest, &request, &form, typed).await {
        Ok(response) => response,
        Err(PageError::Refused(refusal)) => enter(&deps, &guest, 400, typed, Some(words(refusal))),
        Err(PageError::Flow(error)) => deps.fault(&error, true),
    }
}

async fn step(
    deps: &WebDeps,
    guest: &Guest,
    request: &Request,
    form: &Form,
    typed: &str,
) -> Result<Response, PageError> {
    let presented = present(&deps.device, &guest.session, typed).await?;
    if form.get("confirmed") != Some("true") {
        return Ok(confirm(deps, guest, &presented));
    }
    // A confirmation without a button is an approval, as forms of older pages sent it.
    let choice = match form.get("action") {
        None | Some("approve") => Choice::Approve,
        Some(_) => Choice::Deny,
    };
    decide(
        &deps.device,
        (&guest.session, &guest.user),
        &presented,
        choice,
        &origin(request),
    )
    .await?;
    let client_name = presented.client.name.clone();
    Ok(deps.draw_for(
        200,
        guest,
        &DeviceDonePage {
            client_name,
            approved: choice == Choice::Approve,
        },
    ))
}

fn confirm(deps: &WebDeps, guest: &Guest, presented: &Presented) -> Response {
    let code = &presented.code;
    let page = DeviceConfirmPage {
        user_code: code.user_code.to_string(),
        client_name: presented.client.name.clone(),
        // Nobody owns a client that registered itself, so nobody here vouched for it.
        client_verified: !presented.client.owner.is_empty(),
        scopes: code.scopes.iter().map(ScopeLine::of).collect(),
        resources: code.resource.clone(),
        requester_ip: code.requester_ip.clone(),
        requester_user_agent: code.requester_user_agent.clone(),
        requested_ago: ago(presented.age),
        csrf_token: csrf_token(&guest.id),
        username: guest.user.username.clone(),
    };
    deps.draw_for(200, guest, &page)
}

fn ago(age: Duration) -> String {
    match age.as_secs() {
        0..=1 => "just now".to_owned(),
        seconds @ 2..=119 => format!("{seconds} seconds ago"),
        seconds => format!("{} minutes ago", seconds / 60),
    }
}

fn words(refusal: CodeRefusal) -> DeviceMessage {
    match refusal {
        CodeRefusal::Missing => DeviceMessage::MissingCode,
        CodeRefusal::Unknown => DeviceMessage::UnknownCode,
        CodeRefusal::Expired => DeviceMessage::Expired,
        CodeRefusal::Decided => DeviceMessage::AlreadyUsed,
        CodeRefusal::Client => DeviceMessage::ClientInactive,
        CodeRefusal::TooManyMisses => DeviceMessage::TooManyMisses,
        CodeRefusal::LoginTooOld | CodeRefusal::Person => DeviceMessage::SignInAgain,
    }
}
