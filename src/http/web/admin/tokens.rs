//! `/admin/tokens`: every token on record. After an action one is back on the page that one came from.
use crate::{
    domain::{
        registration::is_hidden,
        token::{Subject, TokenCategory, TokenState, TokenStatus},
    },
    flows::browse::{self, InState, MEANT, TokenLine, TokenQuery},
    flows::{
        Ground,
        counting::Counting,
        single_tokens::{Deed, Outcome, act},
    },
    http::{
        router::Routes,
        web::{
            WebDeps,
            guard::{self, Answer, Visit},
            list::{Choosing, Listing, Shape},
            registered::editor,
        },
    },
    pages::{
        Alert, AllTokensPage, AnyTokenRow, Badge, ConfirmPage, Fact, Place, Tone, When, Words,
    },
};
use ::http::Method;
use std::sync::Arc;

/// Its routes.
pub fn routes(web: &WebDeps, counting: &Counting, routes: Routes) -> Routes {
    use guard::admin;
    let deps = counting.ground();
    routes
        .on(Method::GET, "/admin/tokens", admin(web, counting, list))
        .on(
            Method::GET,
            "/admin/tokens/{id}/revoke",
            admin(web, deps, ask_revoke),
        )
        .on(
            Method::POST,
            "/admin/tokens/{id}/revoke",
            admin(web, deps, revoke),
        )
        .on(
            Method::POST,
            "/admin/tokens/{id}/disable",
            admin(web, deps, disable),
        )
        .on(
            Method::POST,
            "/admin/tokens/{id}/enable",
            admin(web, deps, enable),
        )
}

/// What the list can be asked for.
pub const LIST: Shape = Shape {
    size: 10,
    hint: "tokens.search",
    filters: &[
        Choosing {
            name: "status",
            label: "tokens.status",
            values: &[
                ("", "list.all"),
                ("active", "tokens.active"),
                ("disabled", "tokens.disabled"),
                ("revoked", "tokens.revoked"),
            ],
        },
        Choosing {
            name: "category",
            label: "tokens.category",
            values: &[
                ("", "list.all"),
                ("access", "tokens.access"),
                ("refresh", "tokens.refresh"),
            ],
        },
    ],
};

async fn list(counting: Counting, visit: Arc<Visit>) -> Answer {
    let ground = counting.ground();
    let listing = Listing::of(&visit, &LIST);
    let now = ground.now();
    let query = TokenQuery {
        search: listing.search.clone(),
        state: match listing.filter("status") {
            "" => None,
            status => Some(InState {
                status: TokenStatus::stored(status),
                now,
            }),
        },
        category: TokenCategory::stored(listing.filter("category")),
    };
    let found = browse::tokens(ground, &query, &listing.slice).await?;
    let total = listing.total(&counting, |all| all.tokens).await;
    let leaf = &found.leaf;
    let page = AllTokensPage {
        shell: visit.shell(Place::Tokens),
        filter: listing.form(),
        is_narrowed: listing.is_narrowed(),
        cut: found.is_cut.then(cut),
        goes_on: leaf.rows.is_empty() && leaf.older.is_some(),
        rows: leaf.rows.iter().map(|line| row(line, now)).collect(),
        pager: listing.pager(leaf, total),
        back: back(&visit),
    };
    Ok(visit.draw(200, &page))
}

/// Said when a search means more people and clients than it looks at.
pub fn cut() -> Alert {
    let most = u64::try_from(MEANT).unwrap_or_default();
    Alert::info(Words::of("tokens.cut").with("n", most))
}

fn row(line: &TokenLine, now: crate::domain::time::Timestamp) -> AnyTokenRow {
    let token = &line.token;
    let state = token.state(now);
    let (user, user_href) = match &token.subject {
        Subject::User(id) if line.username.is_empty() => (id.to_string(), String::new()),
        Subject::User(id) => (line.username.clone(), format!("/admin/users/{id}")),
        Subject::Client(_) => (token.subject.to_string(), String::new()),
    };
    let client = if line.client_name.is_empty() {
        token.client_id.to_string()
    } else {
        line.client_name.clone()
    };
    AnyTokenRow {
        id: token.id.as_str().to_owned(),
        user,
        user_href,
        client,
        client_href: format!("/admin/clients/{}", token.client_id),
        category: Words::of(match token.category {
            TokenCategory::Access => "tokens.access",
            TokenCategory::Refresh => "tokens.refresh",
        }),
        status: match state {
            TokenState::Active => Badge::new(Tone::Success, "tokens.active"),
            TokenState::Disabled => Badge::new(Tone::Warning, "tokens.disabled"),
            TokenState::Expired => Badge::new(Tone::Neutral, "tokens.expired"),
            TokenState::Revoked => Badge::new(Tone::Error, "tokens.revoked"),
        },
        scopes: token.scopes.iter().map(str::to_owned).collect(),
        created: When::new(token.created_at, now),
        expires: When::new(token.expires_at, now),
        is_active: state == TokenState::Active,
        is_disabled: state == TokenState::Disabled,
        can_end: state != TokenState::Revoked,
    }
}

/// The query of this page without what was just done, to come back to; it begins with `?` or is empty.
fn back(visit: &Visit) -> String {
    let kept = [
        "search",
        "status",
        "category",
        "page_size",
        "after",
        "before",
    ];
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    for name in kept {
        if let Some(value) = visit.query(name).filter(|value| !value.is_empty()) {
            let value: String = value.chars().filter(|c| !is_hidden(*c)).take(200).collect();
            query.append_pair(name, &value);
        }
    }
    match query.finish() {
        empty if empty.is_empty() => empty,
        query => format!("?{query}"),
    }
}

fn done(visit: &Visit, outcome: &str) -> crate::http::respond::Response {
    let back = back(visit);
    let sign = if back.is_empty() { '?' } else { '&' };
    visit.to(&format!("/admin/tokens{back}{sign}{outcome}"))
}

async fn does(
    ground: &Ground,
    visit: &Visit,
    deed: Deed,
    (success, warning): (&str, &str),
) -> Answer {
    let outcome = act(ground, &editor(visit), (visit.param("id"), deed)).await?;
    Ok(match outcome {
        Outcome::Done => done(visit, success),
        Outcome::WrongState => done(visit, warning),
        Outcome::Unknown => visit.not_found(),
    })
}

async fn revoke(ground: Ground, visit: Arc<Visit>) -> Answer {
    let said = ("success=revoked", "warning=cannot_revoke");
    does(&ground, &visit, Deed::Revoke, said).await
}

async fn disable(ground: Ground, visit: Arc<Visit>) -> Answer {
    let said = ("success=disabled", "warning=cannot_disable");
    does(&ground, &visit, Deed::Disable, said).await
}

async fn enable(ground: Ground, visit: Arc<Visit>) -> Answer {
    let said = ("success=enabled", "warning=cannot_enable");
    does(&ground, &visit, Deed::Enable, said).await
}

async fn ask_revoke(ground: Ground, visit: Arc<Visit>) -> Answer {
    let Some(line) = browse::token(&ground, visit.param("id")).await? else {
        return Ok(visit.not_found());
    };
    if line.token.status == TokenStatus::Revoked {
        return Ok(done(&visit, "warning=cannot_revoke"));
    }
    let shown = row(&line, ground.now());
    let back = back(&visit);
    let page = ConfirmPage {
        shell: visit.shell(Place::Tokens),
        title: Words::of("tokens.revoke_title"),
        lead: Words::from(shown.id.as_str()),
        facts: vec![
            Fact::new("tokens.category", shown.category),
            Fact::new("tokens.user", shown.user),
            Fact::new("tokens.client", shown.client),
        ],
        consequences: vec![Words::of(match line.token.category {
            TokenCategory::Access => "tokens.revoke_access",
            TokenCategory::Refresh => "tokens.revoke_refresh",
        })],
        action: format!("/admin/tokens/{}/revoke{back}", shown.id),
        hidden: vec![],
        button: Words::of("tokens.revoke"),
        is_danger: true,
        cancel: format!("/admin/tokens{back}"),
    };
    Ok(visit.draw(200, &page))
}
