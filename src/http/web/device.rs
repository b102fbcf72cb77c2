//! `/device`: a person types the code that a device shows, looks at who asks, and decides. Always two steps.
use super::{
    authorize::Sealing,
    form_encoded,
    guard::{Answer, Visit},
    way::sign_in_anew,
};
use crate::{
    flows::device::{
        Choice, CodeRefusal, DeviceDeps, PageError, Presented, decide, present, present_again,
    },
    http::{
        respond::{self, Response},
        session::{CSRF_FIELD, csrf_token_of_question, was_asked},
    },
    pages::{
        DeviceConfirmPage, DeviceDonePage, DeviceMessage, DevicePage, Place, ScopeLine, Shell, When,
    },
};
use std::{sync::Arc, time::Duration};

const PAGE: &str = "/device";
const VERIFY: &str = "/device/verify";
const DONE: &str = "/device/done";
/// The parameter that tells the second page which code was typed, and the last one what was decided.
const SEALED: &str = "sealed";
const APPROVED: &str = "approved";
/// How long the second page can be read again.
const TYPED_LIFE: Duration = Duration::from_secs(3_600);
/// How long the last page can be read again.
const DONE_LIFE: Duration = Duration::from_secs(86_400);

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

/// `GET /device`: the form, filled in when the link carries a code. It changes nothing and tells nothing about the code. To
/// whoever typed one that was found, the second page.
pub async fn page(deps: DeviceDeps, visit: Arc<Visit>) -> Answer {
    let sealed = visit.query(SEALED).unwrap_or_default();
    let opened = sealing(&deps, &visit).open(&typed_place(&visit), sealed, TYPED_LIFE);
    if let Some((_, code)) = opened {
        return match present_again(&deps, &visit.guest.session, &code).await {
            Ok(presented) => Ok(confirm(&deps, &visit, &presented)),
            Err(PageError::Refused(refusal)) => Ok(enter(&visit, 400, code, Some(words(refusal)))),
            Err(PageError::Flow(error)) => Err(error),
        };
    }
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

/// `POST /device/verify`: the first step leads to who asks, the second (`confirmed=true`) takes the answer.
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
    let answers = visit.form.get("confirmed") == Some("true");
    let id = &visit.guest.id;
    // Without a look at the question there is no answer, whoever made the form (DV-03).
    if !answers || !was_asked(id, visit.form.get(CSRF_FIELD), &question(&presented)) {
        let code = presented.code.user_code.to_string();
        let sealed = sealing(deps, visit).seal(&typed_place(visit), &code)?;
        return Ok(respond::redirect(303, &sealed_at(PAGE, &sealed)));
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
    let done = done_text(choice, &presented.client.name);
    let sealed = sealing(deps, visit).seal(&done_place(visit), &done)?;
    Ok(respond::redirect(303, &sealed_at(DONE, &sealed)))
}

fn sealed_at(page: &str, sealed: &str) -> String {
    format!("{page}?{SEALED}={}", form_encoded(sealed))
}

/// What the confirm page asks.
fn question(presented: &Presented) -> String {
    format!("device {}", presented.code.user_code)
}

fn sealing<'a>(deps: &DeviceDeps, visit: &'a Visit) -> Sealing<'a> {
    Sealing {
        sessions: &visit.web.sessions,
        now: deps.ground.now(),
    }
}

/// A code that was found is shown to the person who typed it, after another sign-in too; the address of the question has
/// it sealed. Nobody can be led to the question without the code.
fn typed_place(visit: &Visit) -> String {
    format!("device code typed by {}", visit.guest.user.id)
}

/// What was decided is told in the session that decided it, and on no page that somebody else made up.
fn done_place(visit: &Visit) -> String {
    format!("device decided in {}", visit.guest.session.hash)
}

fn done_text(choice: Choice, client_name: &str) -> String {
    let word = match choice {
        Choice::Approve => APPROVED,
        Choice::Deny => "denied",
    };
    format!("{word} {client_name}")
}

/// `GET /device/done`: what was decided. Reading it again does nothing again.
pub async fn done(deps: DeviceDeps, visit: Arc<Visit>) -> Answer {
    let sealed = visit.query(SEALED).unwrap_or_default();
    let opened = sealing(&deps, &visit).open(&done_place(&visit), sealed, DONE_LIFE);
    let Some((_, text)) = opened else {
        return Ok(visit.to(PAGE));
    };
    let (word, client_name) = text.split_once(' ').unwrap_or_default();
    let page = DeviceDonePage {
        client_name: client_name.to_owned(),
        approved: word == APPROVED,
        shell: visit.shell(Place::Account),
    };
    Ok(visit.draw(200, &page))
}

fn confirm(deps: &DeviceDeps, visit: &Visit, presented: &Presented) -> Response {
    let (code, now) = (&presented.code, deps.ground.now());
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
        action: visit.request.query_at(VERIFY),
        other_account: sign_in_anew(&with_code(&code.user_code.to_string())),
        shell: Shell {
            csrf_token: csrf_token_of_question(&visit.guest.id, &question(presented)),
            ..visit.shell(Place::Account)
        },
    };
    visit.draw(200, &page)
}

fn words(refusal: CodeRefusal) -> DeviceMessage {
    match refusal {
        CodeRefusal::Missing => DeviceMessage::MissingCode,
        CodeRefusal::Unknown => DeviceMessage::UnknownCode,
        CodeRefusal::Expired => DeviceMessage::Expired,
        CodeRefusal::Decided => DeviceMessage::AlreadyUsed,
        CodeRefusal::Client => DeviceMessage::ClientInactive,
        CodeRefusal::TooManyMisses => DeviceMessage::TooManyMisses,
        CodeRefusal::TooManyToday => DeviceMessage::TooManyToday,
        CodeRefusal::LoginTooOld | CodeRefusal::Person => DeviceMessage::SignInAgain,
    }
}
