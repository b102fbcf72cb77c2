//! Where apps and devices are signed in for a person. A sign-in is what one grant led to, so it has one app on one device,
//! and it goes on as long as any of its tokens counts or could be switched on again.
use super::{AccountDeps, Oneself, events};
use crate::{
    domain::{
        ids::{ClientId, FamilyId},
        paging::{Cursor, Leaf, Slice},
        time::Timestamp,
        token::{Token, TokenCategory, TokenState},
    },
    flows::{FlowError, refresh::adopted},
    store::tokens::{
        owned::OwnToken,
        signed_in::{EndSignIn, Held},
    },
};
use std::collections::HashMap;
use time::Duration;

/// An app that is signed in on a device.
#[derive(Clone, Debug)]
pub struct SignIn {
    /// The root of its tokens.
    pub id: FamilyId,
    /// The app.
    pub client_id: ClientId,
    /// Its name; empty for one that is gone.
    pub client_name: String,
    /// By which grant; empty when nobody wrote it down.
    pub grant: String,
    /// The address that the grant was redeemed from; may be empty.
    pub ip: String,
    /// The program that redeemed it; may be empty.
    pub user_agent: String,
    /// When it began.
    pub began_at: Timestamp,
    /// When the app last got a token.
    pub renewed_at: Timestamp,
    /// When it ends, unless it is renewed.
    pub ends_at: Timestamp,
    /// Whether any of its tokens counts; the others are switched off.
    pub is_active: bool,
    /// Its tokens that are not over, the newest first.
    pub tokens: Vec<OwnToken>,
}

impl SignIn {
    /// How many tokens it has that are not over.
    pub fn held(&self) -> u64 {
        number(self.tokens.len())
    }
}

/// One's sign-ins, as the list shows them.
pub struct SignIns {
    /// A page of them, the newest first.
    pub leaf: Leaf<SignIn>,
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

/// A page of one's sign-ins. The search is for a part of what is known of the app, its scopes or its device.
///
/// # Errors
/// As the store.
pub async fn sign_ins(
    deps: &AccountDeps,
    oneself: &Oneself,
    (search, slice): (&str, &Slice),
) -> Result<SignIns, FlowError> {
    let now = deps.ground().now();
    let Held { tokens, is_all } = held(deps, oneself, now).await?;
    let mut all = grouped(tokens, now);
    let count = number(all.len());
    if !search.is_empty() {
        let term = search.to_lowercase();
        all.retain(|sign_in| matches(sign_in, &term));
    }
    Ok(SignIns {
        leaf: Leaf::of_all(all, slice, |sign_in: &SignIn| Cursor {
            at: sign_in.began_at,
            id: sign_in.id.as_str().to_owned(),
        }),
        count,
        is_all,
    })
}

/// What one's apps and devices hold.
///
/// # Errors
/// As the store.
pub async fn holdings(deps: &AccountDeps, oneself: &Oneself) -> Result<Holdings, FlowError> {
    let now = deps.ground().now();
    let Held { tokens, is_all } = held(deps, oneself, now).await?;
    let live = tokens.iter().filter(|own| own.token.is_live(now)).count();
    Ok(Holdings {
        sign_ins: number(grouped(tokens, now).len()),
        tokens: number(live),
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
    let ground = deps.ground();
    let (id, now) = (FamilyId::new(id), ground.now());
    let tokens = ground
        .store
        .held_by_sign_in(&oneself.user.id, &id, now)
        .await?;
    let found = grouped(tokens, now);
    Ok(found.into_iter().find(|sign_in| sign_in.id == id))
}

/// Signs an app out on one device. Tells whether it was signed in.
///
/// # Errors
/// As the store.
pub async fn sign_out(deps: &AccountDeps, oneself: &Oneself, id: &str) -> Result<bool, FlowError> {
    let Some(sign_in) = sign_in(deps, oneself, id).await? else {
        return Ok(false);
    };
    let is_of_root = |own: &&OwnToken| own.token.family_root() == sign_in.id;
    let Some(own) = sign_in.tokens.iter().find(is_of_root) else {
        return Ok(false);
    };
    let joined = sign_in.tokens.iter().filter(|own| !is_of_root(own));
    let ground = deps.ground();
    let at = ground.now();
    let unit = EndSignIn {
        family: adopted(&own.token),
        joined: joined.map(|own| own.token.id.clone()).collect(),
        at,
        audit: ground.rows(at, vec![events::signed_out(&sign_in, oneself)])?,
    };
    Ok(ground.commit(unit).await? > 0)
}

async fn held(deps: &AccountDeps, oneself: &Oneself, now: Timestamp) -> Result<Held, FlowError> {
    Ok(deps
        .ground()
        .store
        .held_tokens(&oneself.user.id, now)
        .await?)
}

/// Tokens by the grant that they came from, the latest sign-in first.
fn grouped(tokens: Vec<OwnToken>, now: Timestamp) -> Vec<SignIn> {
    let firsts = tokens.iter().map(|own| &own.token).filter(is_first);
    let firsts: Vec<&Token> = firsts.collect();
    let of: Vec<FamilyId> = tokens.iter().map(|own| root(&own.token, &firsts)).collect();
    let mut roots: HashMap<FamilyId, Vec<OwnToken>> = HashMap::new();
    for (own, root) in tokens.into_iter().zip(of) {
        roots.entry(root).or_default().push(own);
    }
    let mut all: Vec<SignIn> = roots
        .into_iter()
        .filter_map(|(id, tokens)| of_root(id, tokens, now))
        .collect();
    all.sort_by(|a, b| (b.began_at, b.id.as_str()).cmp(&(a.began_at, a.id.as_str())));
    all
}

/// So far apart are at most the rows that one answer of the Go server left.
const ONE_ANSWER: Duration = Duration::SECOND;

/// The refresh token that a grant led to at first.
fn is_first(token: &&Token) -> bool {
    token.category == TokenCategory::Refresh && token.family_root().as_str() == token.id.as_str()
}

/// The sign-in of a token. The Go server in fixed mode wrote into the access token that came with a refresh token nothing of
/// where it comes from. It belongs to the one that the same app got for the same scopes and consent in the same moment.
fn root(token: &Token, firsts: &[&Token]) -> FamilyId {
    let is_told = token.family.is_some() || token.parent.is_some();
    if is_told || token.category == TokenCategory::Refresh {
        return token.family_root();
    }
    let apart = |first: &&&Token| (first.created_at - token.created_at).abs();
    let fits = |first: &&&Token| {
        apart(first) <= ONE_ANSWER
            && first.client_id == token.client_id
            && first.scopes == token.scopes
            && first.authorization_id == token.authorization_id
    };
    let with = firsts.iter().filter(fits).min_by_key(apart);
    with.map_or_else(|| token.family_root(), |first| first.family_root())
}

fn of_root(id: FamilyId, mut tokens: Vec<OwnToken>, now: Timestamp) -> Option<SignIn> {
    tokens.sort_by(|a, b| {
        let (a, b) = (&a.token, &b.token);
        (b.created_at, b.id.as_str()).cmp(&(a.created_at, a.id.as_str()))
    });
    let used = |own: &OwnToken| own.token.last_used_at.max(Some(own.token.created_at));
    let (newest, oldest) = (tokens.first()?, tokens.last()?);
    Some(SignIn {
        client_id: newest.token.client_id.clone(),
        client_name: newest.client_name.clone(),
        grant: newest.grant.clone(),
        ip: newest.ip.clone(),
        user_agent: newest.user_agent.clone(),
        began_at: newest.signed_in_at.unwrap_or(oldest.token.created_at),
        renewed_at: tokens.iter().filter_map(used).max()?,
        ends_at: tokens.iter().map(|own| own.token.expires_at).max()?,
        is_active: tokens
            .iter()
            .any(|own| own.token.state(now) == TokenState::Active),
        id,
        tokens,
    })
}

fn matches(sign_in: &SignIn, term: &str) -> bool {
    let has = |text: &str| text.to_lowercase().contains(term);
    let about = [
        sign_in.client_name.as_str(),
        sign_in.client_id.as_str(),
        sign_in.ip.as_str(),
        sign_in.user_agent.as_str(),
    ];
    about.into_iter().any(has)
        || sign_in
            .tokens
            .iter()
            .any(|own| has(&own.token.scopes.to_string()))
}

fn number(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
