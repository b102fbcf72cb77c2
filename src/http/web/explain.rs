//! `/admin/explain` for administrators, and the page that `error_uri` leads everybody else to, which tells nothing but
//! the reference itself: whether there is such a refusal is the operator's business.
use super::{
    WebDeps,
    guard::{self, Answer, Visit},
};
use crate::{
    domain::trace::{Check, ErrorRef, Outcome},
    flows::{
        FlowError, Ground,
        explain::{ExplainError, Explanation, TraceRow, explain, latest, moment},
    },
    http::{
        request::Request,
        respond::{self, Response},
        router::{Route, Routes},
        session::Seen,
    },
    pages::{
        Alert, Badge, CheckLine, ErrorPage, ExplainPage, Explained, Fact, Place, RefusalLine, Tone,
        When, Words,
    },
};
use ::http::Method;
use std::sync::Arc;

/// Refusals in the list.
const LATEST: i64 = 50;

/// What the pages need.
#[derive(Clone)]
pub struct ExplainWeb {
    /// Pages and sessions.
    pub web: WebDeps,
    /// Where traces are.
    pub ground: Ground,
}

/// The routes of this file.
pub fn routes(deps: &ExplainWeb, routes: Routes) -> Routes {
    let reported = deps.clone();
    routes
        .on(
            Method::GET,
            "/admin/explain",
            guard::admin(&deps.web, &deps.ground, page),
        )
        .on(
            Method::GET,
            "/oauth/error/{reference}",
            Route::new(move |request| report(reported.clone(), request)),
        )
}

/// `GET /oauth/error/{reference}`.
async fn report(deps: ExplainWeb, request: Request) -> Response {
    let typed = request.param("reference").unwrap_or_default();
    let Some(reference) = ErrorRef::parse(typed) else {
        return deps.web.nothing_here(&request).await;
    };
    let guest = match deps.web.sessions.see(&request).await {
        Ok(Seen::Somebody(guest)) => Some(guest),
        Ok(Seen::Nobody(_)) => None,
        Err(error) => return deps.web.fault(&request, &error).await,
    };
    if guest
        .as_ref()
        .is_some_and(|guest| guest.user.may_administer())
    {
        return respond::redirect(302, &format!("/admin/explain?ref={reference}"));
    }
    let mut page = ErrorPage::named(400, "reported").signed_in(guest.is_some());
    page.report_id = Some(reference.to_string());
    deps.web.draw(&request, 200, &page)
}

/// `GET /admin/explain`.
async fn page(ground: Ground, visit: Arc<Visit>) -> Answer {
    let typed = visit.query("ref").unwrap_or_default().trim().to_owned();
    let (found, alert) = match look(&ground, &typed).await? {
        Looked::Nothing => (None, None),
        Looked::Found(found) => (Some(found), None),
        Looked::Not(key) => (None, Some(Alert::warning(Words::of(key)).about_fields())),
    };
    let latest = if found.is_some() {
        Vec::new()
    } else {
        latest(&ground, LATEST).await?
    };
    let now = ground.now();
    let view = ExplainPage {
        shell: visit.shell(Place::System),
        typed: typed.chars().take(40).collect(),
        alert,
        found: found.map(|found| *found),
        latest: latest.iter().map(|row| line(row, now)).collect(),
    };
    Ok(visit.draw(200, &view))
}

enum Looked {
    /// Nothing was typed.
    Nothing,
    /// Explained.
    Found(Box<Explained>),
    /// The phrase that says why not.
    Not(&'static str),
}

async fn look(ground: &Ground, typed: &str) -> Result<Looked, FlowError> {
    if typed.is_empty() {
        return Ok(Looked::Nothing);
    }
    match explain(ground, typed).await {
        Ok(found) => Ok(Looked::Found(Box::new(told(found)))),
        Err(ExplainError::Malformed) => Ok(Looked::Not("explain.malformed")),
        Err(ExplainError::Unknown) => Ok(Looked::Not("explain.unknown")),
        Err(ExplainError::Store(error)) => Err(error.into()),
    }
}

fn told(found: Explanation) -> Explained {
    let client = match (&found.client_name, found.client_id.as_str()) {
        (_, "") => Words::of("explain.nameless"),
        (Some(name), id) => Words::from(format!("{name} ({id})")),
        (None, id) => Words::from(id.to_owned()),
    };
    let mut facts = vec![
        Fact::new("explain.client", client),
        Fact::new("explain.request", found.operation),
        Fact::new("explain.error", found.error),
        Fact::new("explain.told", found.description),
    ];
    if !found.note.is_empty() {
        facts.push(Fact::new("explain.note", found.note));
    }
    facts.push(Fact::new("explain.first", moment(found.first_at)));
    if found.times > 1 {
        facts.push(Fact::new("explain.last", moment(found.last_at)));
    }
    facts.push(Fact::new("explain.times", found.times.to_string()));
    Explained {
        reference: found.reference.to_string(),
        facts,
        steps: found
            .steps
            .into_iter()
            .map(|step| CheckLine {
                question: question(&step.name),
                name: step.name,
                outcome: match step.outcome {
                    Outcome::Passed => Badge::new(Tone::Success, "explain.passed"),
                    Outcome::Failed => Badge::new(Tone::Error, "explain.failed_here"),
                    Outcome::NotReached => Badge::new(Tone::Neutral, "explain.not_reached"),
                },
            })
            .collect(),
    }
}

/// The phrase of a check; another version of this server may have written one that we do not know.
fn question(name: &str) -> Words {
    match Check::named(name) {
        Some(check) => {
            let prefix = "explain.check.";
            Words::of(format!("{prefix}{}", check.as_str()))
        }
        None => Words::of("explain.unknown_check"),
    }
}

fn line(row: &TraceRow, now: crate::domain::time::Timestamp) -> RefusalLine {
    RefusalLine {
        reference: row.reference.to_string(),
        client: if row.client_id.is_empty() {
            Words::of("explain.nameless")
        } else {
            Words::from(row.client_id.clone())
        },
        question: question(&row.check),
        operation: row.operation.clone(),
        error: row.error.clone(),
        times: row.times,
        when: When::new(row.last_at, now),
    }
}
