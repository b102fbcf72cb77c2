//! `/account/sessions` with a filter: one's tokens, those that are over too. And what is done to one of them. The path is as
//! old as the server; browsers are elsewhere.
use super::{oneself, sign_ins};
use crate::{
    domain::{
        ids::FamilyId,
        time::Timestamp,
        token::{TokenCategory, TokenState, TokenStatus},
    },
    flows::account::{self, AccountDeps, Deed, InState, Outcome, OwnToken, OwnTokenQuery},
    http::web::{
        form_encoded,
        guard::{Answer, Visit},
        list::{Choosing, Listing, Shape},
    },
    pages::{
        Alert, Badge, ConfirmPage, Fact, Filter, Hidden, Place, Switch, Tab, Tabs, TokenRow,
        TokensPage, Tone, When, Words, agent_words,
    },
};
use std::sync::Arc;

/// The list.
pub const LIST: &str = "/account/sessions";
/// What it can be asked for. Without a status and a category it shows sign-ins.
pub const SHAPE: Shape = Shape {
    size: 10,
    hint: "account.tokens.search",
    filters: &[
        Choosing {
            name: "status",
            label: "account.tokens.status",
            values: &[
                ("", ""),
                (ALL, "list.all"),
                ("active", "account.tokens.active"),
                ("disabled", "account.tokens.disabled"),
                ("revoked", "account.tokens.revoked"),
            ],
        },
        Choosing {
            name: "category",
            label: "account.tokens.category",
            values: &[
                ("", "list.all"),
                ("access", "account.tokens.access"),
                ("refresh", "account.tokens.refresh"),
            ],
        },
    ],
};
/// The status of all tokens.
const ALL: &str = "all";

/// `GET /account/sessions`.
pub async fn list(deps: AccountDeps, visit: Arc<Visit>) -> Answer {
    let listing = Listing::of(&visit, &SHAPE);
    match (listing.filter("status"), listing.filter("category")) {
        ("", "") => sign_ins::list(&deps, &visit, &listing).await,
        ("", _) => tokens(&deps, &visit, &listing.choosing("status", ALL)).await,
        _ => tokens(&deps, &visit, &listing).await,
    }
}

async fn tokens(deps: &AccountDeps, visit: &Visit, listing: &Listing) -> Answer {
    let now = deps.login.ground.now();
    let status = Some(listing.filter("status")).filter(|status| *status != ALL);
    let query = OwnTokenQuery {
        search: listing.search.clone(),
        state: status.map(|status| InState {
            status: TokenStatus::stored(status),
            now,
        }),
        category: TokenCategory::stored(listing.filter("category")),
    };
    let who = oneself(visit);
    let mut own = account::tokens(deps, &who, (&query, &listing.slice)).await?;
    let first = listing.first_instead(&own.leaf);
    if let Some(first) = &first {
        own = account::tokens(deps, &who, (&query, &first.slice)).await?;
    }
    let listing = first.as_ref().unwrap_or(listing);
    let back = listing.query();
    let page = TokensPage {
        shell: visit.shell(Place::Account),
        ending: own.ending.map(|under_way| ending(under_way.ended)),
        filter: filter(listing),
        goes_on: own.leaf.rows.is_empty() && own.leaf.older.is_some(),
        tokens: own
            .leaf
            .rows
            .iter()
            .enumerate()
            .map(|(n, own)| TokenRow {
                row: format!("token-{n}"),
                ..row(own, now, &back)
            })
            .collect(),
        pager: listing.pager(&own.leaf, None),
    };
    Ok(visit.draw(200, &page))
}

/// The tokens of one sign-in.
pub fn of_sign_in(id: &FamilyId) -> String {
    format!("{}&search={}", every_token(), form_encoded(id.as_str()))
}

fn every_token() -> String {
    format!("{LIST}?status={ALL}")
}

/// Said while the rows of what was ended follow.
pub fn ending(ended: u64) -> Alert {
    let ended = Words::grouped(ended);
    Alert::info(Words::of("account.tokens.ending").with("ended", ended))
}

/// The search form. The whole of this view is every token.
pub fn filter(listing: &Listing) -> Filter {
    let mut tabs = vec![views(listing)];
    tabs.extend(listing.tabs());
    let is_narrowed = listing.filter("status") != ALL
        || !listing.filter("category").is_empty()
        || !listing.search.is_empty();
    Filter {
        is_narrowed,
        whole: every_token(),
        ..listing.form_with(SHAPE.hint, tabs)
    }
}

/// From sign-ins to tokens and back; the search goes along.
pub fn views(listing: &Listing) -> Tabs {
    let is_tokens = !listing.filter("status").is_empty();
    let sign_ins = listing.choosing("status", "").choosing("category", "");
    let tab = |label, listing: &Listing, is_current| Tab {
        label: Words::of(label),
        href: listing.href(None),
        is_current,
    };
    Tabs {
        label: Words::of("account.tokens.view"),
        tabs: vec![
            tab("account.sign_ins.tab", &sign_ins, !is_tokens),
            tab(
                "account.tokens.every",
                &sign_ins.choosing("status", ALL),
                is_tokens,
            ),
        ],
    }
}

/// A token in a list.
fn row(own: &OwnToken, now: Timestamp, back: &str) -> TokenRow {
    let token = &own.token;
    let id = form_encoded(token.id.as_str());
    let switch = |deed: &str, label: &'static str| Switch {
        action: format!("{LIST}/{id}/{deed}"),
        label: Words::of(label),
        back: back.to_owned(),
    };
    let (badge, switch) = match token.state(now) {
        TokenState::Active => (
            Badge::new(Tone::Success, "account.tokens.active"),
            Some(switch("disable", "account.tokens.disable")),
        ),
        TokenState::Disabled => (
            Badge::new(Tone::Warning, "account.tokens.disabled"),
            (!own.disabled_by_other).then(|| switch("enable", "account.tokens.enable")),
        ),
        TokenState::Expired => (Badge::new(Tone::Neutral, "account.tokens.expired"), None),
        TokenState::Revoked => (Badge::new(Tone::Error, "account.tokens.revoked"), None),
    };
    let is_held = matches!(token.state(now), TokenState::Active | TokenState::Disabled);
    TokenRow {
        row: String::new(),
        category: category(token.category),
        badge,
        client_name: own.client_name.clone(),
        agent: Some(&own.user_agent)
            .filter(|agent| !agent.is_empty())
            .map(|agent| agent_words(agent)),
        scopes: token.scopes.iter().map(str::to_owned).collect(),
        created: When::new(token.created_at, now),
        expires: When::new(token.expires_at, now),
        used: token.last_used_at.map(|at| When::new(at, now)),
        is_use_noted: token.category == TokenCategory::Refresh,
        revoke: is_held.then(|| format!("{LIST}/{id}/revoke?back={}", form_encoded(back))),
        switch,
        note: (own.disabled_by_other && token.status == TokenStatus::Disabled)
            .then(|| Words::of("account.tokens.by_admin")),
    }
}

fn category(category: TokenCategory) -> Words {
    Words::of(match category {
        TokenCategory::Access => "account.tokens.access",
        TokenCategory::Refresh => "account.tokens.refresh",
    })
}

/// `GET /account/sessions/{id}/revoke`.
pub async fn ask(deps: AccountDeps, visit: Arc<Visit>) -> Answer {
    let Some(own) = account::token(&deps, &oneself(&visit), visit.param("id")).await? else {
        return Ok(visit.forbidden());
    };
    if own.token.status == TokenStatus::Revoked {
        return Ok(visit.back(LIST, "warning=cannot_revoke"));
    }
    let after = match own.token.category {
        TokenCategory::Access => "account.tokens.after_access",
        TokenCategory::Refresh => "account.tokens.after_refresh",
    };
    let page = ConfirmPage {
        title: Words::of("account.tokens.revoke_heading"),
        lead: Words::of("account.tokens.revoke_lead"),
        facts: vec![
            Fact::new("account.tokens.app", own.client_name),
            Fact::new("account.tokens.kind", category(own.token.category)),
            Fact::new("account.tokens.scopes", own.token.scopes.to_string()),
        ],
        consequences: vec![Words::of(after)],
        button: Words::of("account.tokens.revoke"),
        ..confirm(&visit)
    };
    Ok(visit.draw(200, &page))
}

/// Asks before something of one's own ends, and leads back to the list as it was.
pub fn confirm(visit: &Visit) -> ConfirmPage {
    let back = visit.back_query();
    ConfirmPage {
        shell: visit.shell(Place::Account),
        title: Words::of("confirm.page"),
        lead: Words::of("account.tokens.revoke_lead"),
        facts: Vec::new(),
        consequences: Vec::new(),
        action: visit.request.path().to_owned(),
        hidden: vec![Hidden {
            name: "back".to_owned(),
            value: back.to_owned(),
        }],
        button: Words::of("account.tokens.revoke"),
        is_danger: true,
        cancel: format!("{LIST}?{back}").trim_end_matches('?').to_owned(),
    }
}

/// `POST /account/sessions/{id}/revoke`.
pub async fn revoke(deps: AccountDeps, visit: Arc<Visit>) -> Answer {
    let outcomes = ("success=revoked", "warning=cannot_revoke");
    treat(&deps, &visit, Deed::Revoke, outcomes).await
}

/// `POST /account/sessions/{id}/disable`.
pub async fn disable(deps: AccountDeps, visit: Arc<Visit>) -> Answer {
    let outcomes = ("success=disabled", "warning=cannot_disable");
    treat(&deps, &visit, Deed::Disable, outcomes).await
}

/// `POST /account/sessions/{id}/enable`.
pub async fn enable(deps: AccountDeps, visit: Arc<Visit>) -> Answer {
    let outcomes = ("success=enabled", "warning=cannot_enable");
    treat(&deps, &visit, Deed::Enable, outcomes).await
}

async fn treat(
    deps: &AccountDeps,
    visit: &Visit,
    deed: Deed,
    (done, not_done): (&str, &str),
) -> Answer {
    let outcome = account::treat(deps, &oneself(visit), (visit.param("id"), deed)).await?;
    Ok(match outcome {
        Outcome::Done => visit.back(LIST, done),
        Outcome::WrongState => visit.back(LIST, not_done),
        Outcome::Unknown => visit.forbidden(),
    })
}
