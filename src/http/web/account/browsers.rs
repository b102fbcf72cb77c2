//! `/account/browsers`: where a person is signed in.
use super::oneself;
use crate::{
    domain::{paging::Leaf, session::Session, time::Timestamp},
    flows::account::{self, AccountDeps, SESSION_NAME},
    http::web::{
        guard::{Answer, Visit},
        list::{Listing, PAGED},
    },
    pages::{BrowserRow, BrowsersPage, ConfirmPage, Fact, Place, When, Words, agent_words},
};
use std::sync::Arc;

const LIST: &str = "/account/browsers";

/// What a page calls a session: enough of the hash to name it, too little to be one.
pub fn name(hash: &str) -> &str {
    hash.get(..SESSION_NAME).unwrap_or_default()
}

/// `GET /account/browsers`.
pub async fn list(deps: AccountDeps, visit: Arc<Visit>) -> Answer {
    let now = deps.login.ground.now();
    let oneself = oneself(&visit);
    let mut listing = Listing::of(&visit, &PAGED);
    let mut leaf = account::browsers(&deps, &oneself, &listing.slice).await?;
    if let Some(first) = listing.first_instead(&leaf) {
        leaf = account::browsers(&deps, &oneself, &first.slice).await?;
        listing = first;
    }
    let rows = rows(&leaf.rows, &visit, (LIST, now));
    let page = BrowsersPage {
        shell: visit.shell(Place::Account),
        has_others: has_others(&leaf, &rows),
        rows,
        pager: listing.pager(&leaf, None),
    };
    Ok(visit.draw(200, &page))
}

/// Sessions as a list shows them, with their confirm pages beneath the path of that list. The present one has none.
pub fn rows(found: &[Session], visit: &Visit, (list, now): (&str, Timestamp)) -> Vec<BrowserRow> {
    let current = &visit.guest.session.hash;
    let row = |session: &Session| BrowserRow {
        agent: agent_words(&session.user_agent),
        ip: session.ip.clone(),
        since: When::new(session.auth_time, now),
        last_seen: When::new(session.last_seen_at, now),
        is_current: session.hash == *current,
        is_remembered: session.remember_me,
        end: (session.hash != *current).then(|| format!("{list}/{}/end", name(&session.hash))),
    };
    found.iter().map(row).collect()
}

/// Whether a page of sessions, or one beside it, shows another one than the present.
pub fn has_others(leaf: &Leaf<Session>, rows: &[BrowserRow]) -> bool {
    leaf.newer.is_some() || leaf.older.is_some() || rows.iter().any(|row| !row.is_current)
}

/// `GET /account/browsers/{id}/end`.
pub async fn ask(deps: AccountDeps, visit: Arc<Visit>) -> Answer {
    let now = deps.login.ground.now();
    let wanted = visit.param("id");
    let Some(session) = account::browser(&deps, &oneself(&visit), wanted).await? else {
        return Ok(visit.to(&format!("{LIST}?warning=browser_gone")));
    };
    let seen = When::new(session.last_seen_at, now);
    let page = ConfirmPage {
        shell: visit.shell(Place::Account),
        title: Words::of("account.browsers.end_heading"),
        lead: Words::of("account.browsers.end_lead"),
        facts: vec![
            Fact::new("account.browsers.browser", agent_words(&session.user_agent)),
            Fact::new("account.browsers.address", session.ip),
            Fact::new("account.browsers.last_seen", seen.words()),
        ],
        consequences: vec![Words::of("account.browsers.apps_stay")],
        action: visit.request.path().to_owned(),
        hidden: Vec::new(),
        button: Words::of("account.browsers.end"),
        is_danger: true,
        cancel: LIST.to_owned(),
    };
    Ok(visit.draw(200, &page))
}

/// `POST /account/browsers/{id}/end`.
pub async fn end(deps: AccountDeps, visit: Arc<Visit>) -> Answer {
    let ended = account::end_browser(&deps, &oneself(&visit), visit.param("id")).await?;
    let outcome = if ended {
        "success=browser_ended"
    } else {
        "warning=browser_gone"
    };
    Ok(visit.to(&format!("{LIST}?{outcome}")))
}

/// `GET /account/browsers/end-others`.
pub async fn ask_others(deps: AccountDeps, visit: Arc<Visit>) -> Answer {
    let n = account::other_browsers(&deps, &oneself(&visit)).await?;
    if n == 0 {
        return Ok(visit.to(&format!("{LIST}?warning=no_others")));
    }
    let page = ConfirmPage {
        shell: visit.shell(Place::Account),
        title: Words::of("account.browsers.end_others_heading"),
        lead: Words::of("account.browsers.end_others_lead"),
        facts: Vec::new(),
        consequences: vec![
            Words::count("account.browsers.ends", n),
            Words::of("account.browsers.apps_stay"),
        ],
        action: visit.request.path().to_owned(),
        hidden: Vec::new(),
        button: Words::of("account.browsers.end_others"),
        is_danger: true,
        cancel: LIST.to_owned(),
    };
    Ok(visit.draw(200, &page))
}

/// `POST /account/browsers/end-others`.
pub async fn end_others(deps: AccountDeps, visit: Arc<Visit>) -> Answer {
    let ended = account::end_other_browsers(&deps, &oneself(&visit)).await?;
    if ended == 0 {
        return Ok(visit.to(&format!("{LIST}?warning=no_others")));
    }
    Ok(visit.to(&format!("{LIST}?success=browsers_ended&n={ended}")))
}
