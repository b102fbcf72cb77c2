//! `/account/sessions` as people come to it: the apps and devices that are signed in, each with the tokens that it holds.
use super::{
    oneself,
    tokens::{self, LIST, views},
};
use crate::{
    domain::time::Timestamp,
    flows::account::{self, AccountDeps, Holdings, SignIn, SignIns},
    http::web::{
        form_encoded,
        guard::{Answer, Visit},
        list::Listing,
    },
    pages::{
        AppGroup, Badge, ConfirmPage, Fact, Filter, Place, SignInRow, SignInsPage, Tone, When,
        Words, agent_words,
    },
};
use std::sync::Arc;

/// `GET /account/sessions` without a filter for tokens.
pub async fn list(deps: &AccountDeps, visit: &Visit, listing: &Listing) -> Answer {
    let found = account::sign_ins(deps, &oneself(visit), &listing.search).await?;
    let mut leaf = found.leaf(&listing.slice);
    let first = listing.first_instead(&leaf);
    if let Some(first) = &first {
        leaf = found.leaf(&first.slice);
    }
    let listing = first.as_ref().unwrap_or(listing);
    let now = deps.login.ground.now();
    let page = SignInsPage {
        shell: visit.shell(Place::Account),
        count: in_words(&found),
        has_any: found.count > 0,
        filter: filter(listing),
        apps: by_app(&leaf.rows, now, &listing.query()),
        pager: listing.pager(&leaf, None),
    };
    Ok(visit.draw(200, &page))
}

/// The search form.
pub fn filter(listing: &Listing) -> Filter {
    listing.form_with("account.sign_ins.search", vec![views(listing)])
}

fn in_words(found: &SignIns) -> Words {
    if found.is_all {
        Words::count("account.sign_ins.count", found.count)
    } else {
        Words::of("account.sign_ins.count_at_least").with("n", Words::grouped(found.count))
    }
}

/// Sign-ins of one app stand together, where the latest of them would stand.
fn by_app(found: &[&SignIn], now: Timestamp, back: &str) -> Vec<AppGroup> {
    let mut apps: Vec<AppGroup> = Vec::new();
    for (n, sign_in) in found.iter().enumerate() {
        let client_id = sign_in.client_id.as_str();
        let row = row(sign_in, n, now, back);
        match apps.iter_mut().find(|app| app.client_id == client_id) {
            Some(app) => app.sign_ins.push(row),
            None => apps.push(AppGroup {
                n: apps.len(),
                client_name: sign_in.client_name.clone(),
                client_id: client_id.to_owned(),
                sign_ins: vec![row],
            }),
        }
    }
    apps
}

fn row(sign_in: &SignIn, n: usize, now: Timestamp, back: &str) -> SignInRow {
    SignInRow {
        n,
        agent: agent_words(&sign_in.user_agent),
        ip: sign_in.ip.clone(),
        grant: grant(&sign_in.grant),
        began: When::new(sign_in.began_at, now),
        renewed: When::new(sign_in.renewed_at, now),
        ends: When::new(sign_in.ends_at, now),
        badge: (sign_in.live == 0).then(|| Badge::new(Tone::Warning, "account.tokens.disabled")),
        end: format!(
            "/account/sign-ins/{}/end?back={}",
            form_encoded(sign_in.id.as_str()),
            form_encoded(back)
        ),
        held: Words::count("account.sign_ins.held", sign_in.held),
        tokens: tokens::of_sign_in(&sign_in.id),
    }
}

fn grant(name: &str) -> Words {
    Words::of(match name {
        "device_code" => "account.tokens.grant.device",
        "authorization_code" => "account.tokens.grant.code",
        _ => "account.tokens.grant.other",
    })
}

/// `GET /account/sign-ins/{id}/end`.
pub async fn ask(deps: AccountDeps, visit: Arc<Visit>) -> Answer {
    let Some(sign_in) = account::sign_in(&deps, &oneself(&visit), visit.param("id")).await? else {
        return Ok(visit.back(LIST, "warning=sign_in_gone"));
    };
    let now = deps.login.ground.now();
    let held = sign_in.held;
    let mut facts = vec![
        Fact::new("account.tokens.app", sign_in.client_name),
        Fact::new("account.sign_ins.device", agent_words(&sign_in.user_agent)),
    ];
    if !sign_in.ip.is_empty() {
        facts.push(Fact::new("account.browsers.address", sign_in.ip));
    }
    facts.push(Fact::new(
        "account.sign_ins.began",
        When::new(sign_in.began_at, now).words(),
    ));
    let page = ConfirmPage {
        title: Words::of("account.sign_ins.end_heading"),
        lead: Words::of("account.sign_ins.end_lead"),
        facts,
        consequences: vec![
            Words::count("account.sign_ins.after", held),
            Words::of("account.sign_ins.elsewhere"),
        ],
        button: Words::of("account.sign_ins.end"),
        ..tokens::confirm(&visit)
    };
    Ok(visit.draw(200, &page))
}

/// `POST /account/sign-ins/{id}/end`.
pub async fn end(deps: AccountDeps, visit: Arc<Visit>) -> Answer {
    let ended = account::sign_out(&deps, &oneself(&visit), visit.param("id")).await?;
    let outcome = if ended {
        "success=signed_out"
    } else {
        "warning=sign_in_gone"
    };
    Ok(visit.back(LIST, outcome))
}

/// `GET /account/sessions/revoke-all`.
pub async fn ask_all(deps: AccountDeps, visit: Arc<Visit>) -> Answer {
    let Holdings {
        sign_ins,
        tokens,
        is_all,
    } = account::holdings(&deps, &oneself(&visit)).await?;
    let counted = |n: u64| {
        if is_all {
            Words::from(n)
        } else {
            Words::of("account.tokens.at_least").with("n", Words::grouped(n))
        }
    };
    let page = ConfirmPage {
        title: Words::of("account.tokens.all_heading"),
        lead: Words::of("account.tokens.all_lead"),
        facts: vec![
            Fact::new("account.sign_ins.all", counted(sign_ins)),
            Fact::new("account.tokens.all_in_force", counted(tokens)),
        ],
        consequences: vec![
            Words::of("account.tokens.all_after"),
            Words::of("account.tokens.all_browsers"),
        ],
        button: Words::of("account.tokens.revoke_all"),
        hidden: Vec::new(),
        ..tokens::confirm(&visit)
    };
    Ok(visit.draw(200, &page))
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
