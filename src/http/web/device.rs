//! `/device`: a person types the code that a device shows, looks at who asks, and decides. Always two steps.
use super::{
    form_encoded,
    guard::{Answer, Visit},
    way::sign_in_anew,
};
use crate::{
    domain::time::Timestamp,
    flows::device::{Choice, CodeRefusal, DeviceDeps, PageError, Presented, decide, present},
    http::respond::Response,
    pages::{DeviceConfirmPage, DeviceDonePage, DeviceMessage, DevicePage, Place, ScopeLine, When},
};
use std::sync::Arc;

const PAGE: &str = "/device";

/// The page with a code filled in.
fn with_code(code: &str) -> String {
    if code.is_empty() {
        return PAGE.to_owned();
    }
    format!("{PAGE}?user_code={}", form_encoded(code))
}

/// What was typed, as far as it can be a code.
fn short(typed: &str) -> String {
    typed.chars().take(32).collect()
}

/// `GET /device`: the form, filled in when the link carries a code. It changes nothing and tells nothing about the code.
pub async fn page(_deps: DeviceDeps, visit: Arc<Visit>) -> Answer {
    let code = short(visit.query("user_code").unwrap_or_default());
    Ok(enter(&visit, 200, code, None))
}

fn enter(visit: &Visit, status: u16, code: String, message: Option<DeviceMessage>) -> Response {
    let address = with_code(&code);
    let needs_sign_in = matches!(
        message,
        Some(DeviceMessage::TooManyMisses | DeviceMessage::SignInAgain)
    );
    let page = DevicePage {
        user_code: code,
        message,
        sign_in: needs_sign_in.then(|| sign_in_anew(&address)),
        shell: visit.shell(Place::Account),
    };
    visit.draw_at(&address, status, &page)
}

/// `POST /device/verify`: the first step shows who asks, the second (`confirmed=true`) takes the answer.
pub async fn verify(deps: DeviceDeps, visit: Arc<Visit>) -> Answer {
    let typed = visit.form.get("user_code").unwrap_or_default();
    match step(&deps, &visit, typed).await {
        Ok(response) => Ok(response),
        Err(PageError::Refused(refusal)) => {
            Ok(enter(&visit, 400, short(typed), Some(words(refusal))))
        }
        Err(PageError::Flow(error)) => Err(error),
    }
}

async fn step(deps: &DeviceDeps, visit: &Visit, typed: &str) -> Result<Response, PageError> {
    let presented = present(deps, &visit.guest.session, typed).await?;
    if visit.form.get("confirmed") != Some("true") {
        return Ok(confirm(visit, &presented, deps.ground.now()));
    }
    // A confirmation without a button is an approval, as forms of older pages sent it.
    let choice = match visit.form.get("action") {
        None | Some("approve") => Choice::Approve,
        Some(_) => Choice::Deny,
    };
    decide(
        deps,
        (&visit.guest.session, &visit.guest.user),
        &presented,
        choice,
        &visit.origin(),
    )
    .await?;
    let client_name = presented.client.name.clone();
    Ok(visit.draw(
        200,
        &DeviceDonePage {
            client_name,
            approved: choice == Choice::Approve,
        },
    ))
}

fn confirm(visit: &Visit, presented: &Presented, now: Timestamp) -> Response {
    let code = &presented.code;
    let address = with_code(&code.user_code.to_string());
    let page = DeviceConfirmPage {
        user_code: code.user_code.to_string(),
        client_name: presented.client.name.clone(),
        // Nobody owns a client that registered itself, so nobody here vouched for it.
        client_verified: !presented.client.owner.is_empty(),
        scopes: code.scopes.iter().map(ScopeLine::of).collect(),
        resources: code.resource.clone(),
        requester_ip: code.requester_ip.clone(),
        requester_user_agent: code.requester_user_agent.clone(),
        requested: When::new(now - presented.age, now),
        other_account: sign_in_anew(&address),
        shell: visit.shell(Place::Account),
    };
    visit.draw_at(&address, 200, &page)
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
