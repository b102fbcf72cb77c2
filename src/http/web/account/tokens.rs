//! `/account/sessions`: tokens, grouped by app and device. The path is as old as the server; browsers are elsewhere.
use super::oneself;
use crate::{
    domain::{
        time::Timestamp,
        token::{TokenCategory, TokenStatus},
    },
    flows::account::{self, AccountDeps, Deed, LiveTokens, Outcome, OwnToken, OwnTokenQuery},
    http::web::{
        form_encoded,
        guard::{Answer, Visit},
        list::Listing,
    },
    pages::{
        Alert, Badge, ConfirmPage, Fact, Place, Switch, TokenGroup, TokenRow, TokensPage, Tone,
        When, Words, agent_words,
    },
};
use std::sync::Arc;

const LIST: &str = "/account/sessions";
const STATUS: &[&str] = &["", "active", "disabled", "revoked"];
const CATEGORY: &[&str] = &["", "access", "refresh"];

/// `GET /account/sessions`.
pub async fn list(deps: AccountDeps, visit: Arc<Visit>) -> Answer {
    let listing = Listing::of(&visit, 20, &[("status", STATUS), ("category", CATEGORY)]);
    let query = OwnTokenQuery {
        search: listing.search.clone(),
        status: Some(listing.filter("status"))
            .filter(|status| !status.is_empty())
            .map(TokenStatus::stored),
        category: TokenCategory::stored(listing.filter("category")),
    };
    let own = account::tokens(&deps, &oneself(&visit), (&query, &listing.slice)).await?;
    let now = deps.login.ground.now();
    let tabs = vec![
        listing.tabs(
            "status",
            "account.tokens.status",
            &[
                ("", "list.all"),
                ("active", "account.tokens.active"),
                ("disabled", "account.tokens.disabled"),
                ("revoked", "account.tokens.revoked"),
            ],
        ),
        listing.tabs(
            "category",
            "account.tokens.category",
            &[
                ("", "list.all"),
                ("access", "account.tokens.access"),
                ("refresh", "account.tokens.refresh"),
            ],
        ),
    ];
    let page = TokensPage {
        shell: visit.shell(Place::Account),
        live: in_force(own.live),
        has_live: own.live.count > 0 || !own.live.is_all,
        ending: own.ending.map(|ending| {
            let ended = Words::grouped(ending.ended);
            Alert::info(Words::of("account.tokens.ending").with("ended", ended))
        }),
        filter: listing.form("account.tokens.search", tabs),
        goes_on: own.leaf.rows.is_empty() && own.leaf.older.is_some(),
        groups: groups(&own.leaf.rows, now, &listing.query()),
        pager: listing.pager(&own.leaf, None),
    };
    Ok(visit.draw(200, &page))
}

fn in_force(live: LiveTokens) -> Words {
    if live.is_all {
        Words::count("account.tokens.live", live.count)
    } else {
        Words::of("account.tokens.live_at_least").with("n", Words::grouped(live.count))
    }
}

/// Neighbours that came from one grant stand together.
fn groups(tokens: &[OwnToken], now: Timestamp, back: &str) -> Vec<TokenGroup> {
    let same = |a: &OwnToken, b: &OwnToken| {
        a.token.client_id == b.token.client_id && a.token.family == b.token.family
    };
    tokens
        .chunk_by(same)
        .filter_map(|tokens| {
            let first = tokens.first()?;
            Some(TokenGroup {
                client_name: first.client_name.clone(),
                client_id: first.token.client_id.to_string(),
                grant: Words::of(match first.grant.as_str() {
                    "device_code" => "account.tokens.grant.device",
                    "authorization_code" => "account.tokens.grant.code",
                    _ => "account.tokens.grant.other",
                }),
                agent: Some(&first.user_agent)
                    .filter(|agent| !agent.is_empty())
                    .map(|agent| agent_words(agent)),
                ip: first.ip.clone(),
                tokens: tokens.iter().map(|own| row(own, now, back)).collect(),
            })
        })
        .collect()
}

fn row(own: &OwnToken, now: Timestamp, back: &str) -> TokenRow {
    let token = &own.token;
    let is_over = token.expires_at <= now;
    let id = form_encoded(token.id.as_str());
    let badge = match token.status {
        TokenStatus::Revoked => Badge::new(Tone::Error, "account.tokens.revoked"),
        TokenStatus::Active | TokenStatus::Disabled if is_over => {
            Badge::new(Tone::Neutral, "account.tokens.expired")
        }
        TokenStatus::Active => Badge::new(Tone::Success, "account.tokens.active"),
        TokenStatus::Disabled => Badge::new(Tone::Warning, "account.tokens.disabled"),
    };
    let switch = |deed: &str, label: &'static str| Switch {
        action: format!("{LIST}/{id}/{deed}"),
        label: Words::of(label),
        back: back.to_owned(),
    };
    let switch = match token.status {
        _ if is_over => None,
        TokenStatus::Active => Some(switch("disable", "account.tokens.disable")),
        TokenStatus::Disabled if !own.disabled_by_other => {
            Some(switch("enable", "account.tokens.enable"))
        }
        TokenStatus::Disabled | TokenStatus::Revoked => None,
    };
    let is_alive = token.status != TokenStatus::Revoked && !is_over;
    TokenRow {
        category: category(token.category),
        badge,
        scopes: token.scopes.iter().map(str::to_owned).collect(),
        created: When::new(token.created_at, now),
        expires: When::new(token.expires_at, now),
        used: token.last_used_at.map(|at| When::new(at, now)),
        revoke: is_alive.then(|| format!("{LIST}/{id}/revoke?back={}", form_encoded(back))),
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
    let back = visit.back_query();
    let page = ConfirmPage {
        shell: visit.shell(Place::Account),
        title: Words::of("account.tokens.revoke_heading"),
        lead: Words::of("account.tokens.revoke_lead"),
        facts: vec![
            Fact::new("account.tokens.app", own.client_name),
            Fact::new("account.tokens.kind", category(own.token.category)),
            Fact::new("account.tokens.scopes", own.token.scopes.to_string()),
        ],
        consequences: vec![Words::of(after)],
        action: visit.request.path().to_owned(),
        hidden: vec![crate::pages::Hidden {
            name: "back".to_owned(),
            value: back.to_owned(),
        }],
        button: Words::of("account.tokens.revoke"),
        is_danger: true,
        cancel: format!("{LIST}?{back}").trim_end_matches('?').to_owned(),
    };
    Ok(visit.draw(200, &page))
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

/// `GET /account/sessions/revoke-all`.
pub async fn ask_all(deps: AccountDeps, visit: Arc<Visit>) -> Answer {
    let ground = &deps.login.ground;
    let live = ground
        .store
        .own_live_tokens(&visit.guest.user.id, ground.now())
        .await?;
    let page = ConfirmPage {
        shell: visit.shell(Place::Account),
        title: Words::of("account.tokens.all_heading"),
        lead: Words::of("account.tokens.all_lead"),
        facts: vec![Fact::new("account.tokens.all_in_force", at_least(live))],
        consequences: vec![
            Words::of("account.tokens.all_after"),
            Words::of("account.tokens.all_browsers"),
        ],
        action: visit.request.path().to_owned(),
        hidden: Vec::new(),
        button: Words::of("account.tokens.revoke_all"),
        is_danger: true,
        cancel: LIST.to_owned(),
    };
    Ok(visit.draw(200, &page))
}

fn at_least(live: LiveTokens) -> Words {
    if live.is_all {
        Words::from(live.count)
    } else {
        Words::of("account.tokens.at_least").with("n", Words::grouped(live.count))
    }
}

/// `POST /account/sessions/revoke-all`.
pub async fn revoke_all(deps: AccountDeps, visit: Arc<Visit>) -> Answer {
    let ended = account::end_all(&deps, &oneself(&visit)).await?;
    let outcome = if ended.goes_on {
        "success=ending_all".to_owned()
    } else {
        format!("success=revoked_all&n={}", ended.tokens)
    };
    Ok(visit.to(&format!("{LIST}?{outcome}")))
}
