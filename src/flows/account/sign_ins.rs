//! Where apps and devices are signed in for a person. A sign-in is what one grant led to, so it has one app on one device,
//! and it goes on as long as any of its tokens counts or could be switched on again.
use super::{AccountDeps, Oneself, events};
use crate::{
    domain::{
        paging::{Cursor, Leaf, Slice},
        token::{Family, Subject},
    },
    flows::FlowError,
    store::tokens::signed_in::{EndSignIn, Held},
};
use time::Duration;

pub use crate::store::tokens::signed_in::SignIn;

/// One's sign-ins, as the list shows them.
pub struct SignIns {
    /// Those that the search finds, the newest first.
    found: Vec<SignIn>,
    /// How many there are, found by the search or not.
    pub count: u64,
    /// Whether there can be no others.
    pub is_all: bool,
}

/// What ends when all apps and devices are signed out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holdings {
    /// How many sign-ins.
    pub sign_ins: u64,
    /// How many tokens that count.
    pub tokens: u64,
    /// Whether there can be no others.
    pub is_all: bool,
}

impl SignIns {
    /// A page of them.
    pub fn leaf(&self, slice: &Slice) -> Leaf<&SignIn> {
        Leaf::of_all(self.found.iter().collect(), slice, |sign_in| Cursor {
            at: sign_in.began_at,
            id: sign_in.id.as_str().to_owned(),
        })
    }
}

/// One's sign-ins. The search is for a part of what is known of the app, its scopes or its device.
///
/// # Errors
/// As the store.
pub async fn sign_ins(
    deps: &AccountDeps,
    oneself: &Oneself,
    search: &str,
) -> Result<SignIns, FlowError> {
    let Held {
        sign_ins: mut found,
        is_all,
    } = held(deps, oneself).await?;
    let count = number(found.len());
    if !search.is_empty() {
        let term = search.to_lowercase();
        found.retain(|sign_in| matches(sign_in, &term));
    }
    Ok(SignIns {
        found,
        count,
        is_all,
    })
}

/// What one's apps and devices hold.
///
/// # Errors
/// As the store.
pub async fn holdings(deps: &AccountDeps, oneself: &Oneself) -> Result<Holdings, FlowError> {
    let Held { sign_ins, is_all } = held(deps, oneself).await?;
    let live: u64 = sign_ins.iter().map(|sign_in| sign_in.live).sum();
    // Of those that were looked at the last only tells that there are more.
    let more = u64::from(!is_all);
    Ok(Holdings {
        sign_ins: number(sign_ins.len()),
        tokens: live.saturating_sub(more),
        is_all,
    })
}

/// One of one's sign-ins, unless it is over.
///
/// # Errors
/// As the store.
pub async fn sign_in(
    deps: &AccountDeps,
    oneself: &Oneself,
    id: &str,
) -> Result<Option<SignIn>, FlowError> {
    let all = held(deps, oneself).await?.sign_ins;
    Ok(all.into_iter().find(|sign_in| sign_in.id.as_str() == id))
}

/// Signs an app out on one device. Tells whether it was signed in.
///
/// # Errors
/// As the store.
pub async fn sign_out(deps: &AccountDeps, oneself: &Oneself, id: &str) -> Result<bool, FlowError> {
    let Some(sign_in) = sign_in(deps, oneself, id).await? else {
        return Ok(false);
    };
    let ground = deps.ground();
    let at = ground.now();
    let unit = EndSignIn {
        family: family(&sign_in, oneself),
        joined: sign_in.joined.clone(),
        at,
        audit: ground.rows(at, vec![events::signed_out(&sign_in, oneself)])?,
    };
    Ok(ground.commit(unit).await? > 0)
}

async fn held(deps: &AccountDeps, oneself: &Oneself) -> Result<Held, FlowError> {
    let ground = deps.ground();
    let found = ground
        .store
        .sign_ins(&oneself.user.id, ground.now())
        .await?;
    Ok(Held {
        sign_ins: joined(found.sign_ins),
        ..found
    })
}

/// So far apart are at most the rows that one answer of the Go server left.
const ONE_ANSWER: Duration = Duration::SECOND;

/// The Go server in fixed mode wrote into the access token that came with a refresh token nothing of where it comes from. It
/// belongs to the sign-in of the same app for the same scopes and consent that began in the same moment.
fn joined(all: Vec<SignIn>) -> Vec<SignIn> {
    let (lone, mut told): (Vec<SignIn>, Vec<SignIn>) = all
        .into_iter()
        .partition(|sign_in| sign_in.lone.is_some() && !sign_in.renews);
    let mut alone = Vec::new();
    for one in lone {
        let apart = |other: &&mut SignIn| (other.began_at - one.began_at).abs();
        let fits = |other: &&mut SignIn| {
            other.renews
                && apart(other) <= ONE_ANSWER
                && other.client_id == one.client_id
                && other.scopes == one.scopes
                && other.authorization_id == one.authorization_id
        };
        match told.iter_mut().filter(fits).min_by_key(apart) {
            Some(with) => {
                with.live += one.live;
                with.held += one.held;
                with.renewed_at = with.renewed_at.max(one.renewed_at);
                with.ends_at = with.ends_at.max(one.ends_at);
                with.joined.extend(one.lone);
            }
            None => alone.push(one),
        }
    }
    told.extend(alone);
    told.sort_by(|a, b| (b.began_at, b.id.as_str()).cmp(&(a.began_at, a.id.as_str())));
    told
}

/// Its family, should none be on record: the Go server keeps none.
fn family(sign_in: &SignIn, oneself: &Oneself) -> Family {
    Family {
        id: sign_in.id.clone(),
        subject: Subject::User(oneself.user.id.clone()),
        client_id: sign_in.client_id.clone(),
        authorization_id: sign_in.authorization_id,
        grant: "refresh_token",
        auth_time: None,
        scopes: sign_in.scopes.clone(),
        created_at: sign_in.began_at,
        absolute_end: None,
        ip: String::new(),
        user_agent: String::new(),
    }
}

fn matches(sign_in: &SignIn, term: &str) -> bool {
    let has = |text: &str| text.to_lowercase().contains(term);
    let about = [
        sign_in.client_name.as_str(),
        sign_in.client_id.as_str(),
        sign_in.ip.as_str(),
        sign_in.user_agent.as_str(),
    ];
    about.into_iter().any(has) || has(&sign_in.scopes.to_string())
}

fn number(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
