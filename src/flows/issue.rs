//! Preparing tokens: lifetimes, claims, signatures, rows. Shared by every grant; it commits nothing.
use super::{FlowError, Ground, id_token};
use crate::{
    domain::{
        audit::{AuditEvent, EventType, Origin, ResourceType},
        claims::{self, ExtraClaims, TokenClaims},
        client::Client,
        digest::sha256_hex,
        ids::{FamilyId, TokenId, row_id, uuid_v4},
        lifetimes::Lifetimes,
        oauth_error::{ErrorCode, OauthError},
        scope::ScopeSet,
        secret::Secret,
        time::{Timestamp, random},
        token::{Subject, Token, TokenCategory, TokenStatus},
        trace::Check,
        user::User,
    },
    faults,
    jose::{JoseError, KeySet, MediaType},
};
use std::time::Duration;

/// What the operator set about tokens.
#[derive(Clone, Debug)]
pub struct TokenRules {
    /// `BASE_URL` without trailing slashes.
    pub issuer: String,
    /// `JWT_AUDIENCE`.
    pub audience: Vec<String>,
    /// `JWT_PRIVATE_CLAIM_PREFIX`.
    pub prefix: String,
    /// `JWT_DOMAIN`, empty for none.
    pub domain: String,
    /// How long tokens live.
    pub lifetimes: Lifetimes,
    /// `ENABLE_REFRESH_TOKENS`.
    pub refresh_tokens: bool,
    /// `ENABLE_TOKEN_ROTATION`.
    pub rotation: bool,
    /// `REFRESH_RETRY_GRACE`: how long a rotation may be repeated while its successor is unused; zero for never.
    pub retry_grace: Duration,
    /// `ACCESS_TOKEN_TYPE`: the `typ` of access tokens.
    pub access_type: MediaType,
    /// `EXTRA_CLAIMS_PUBLIC_CLIENTS`: whether clients that prove nothing may add claims.
    pub public_extra_claims: bool,
}

impl TokenRules {
    /// Refuses claims of a client that may not add any.
    ///
    /// # Errors
    /// `invalid_request`.
    pub fn check_extra(&self, client: &Client, extra: &ExtraClaims) -> Result<(), OauthError> {
        if extra.is_empty() || client.is_confidential() || self.public_extra_claims {
            return Ok(());
        }
        Err(ErrorCode::InvalidRequest
            .because("a public client may not send extra_claims")
            .failing(Check::ExtraClaims))
    }
}

/// For whom tokens speak.
#[derive(Clone, Copy, Debug)]
pub enum Holder<'a> {
    /// A person.
    Person(&'a User),
    /// The client itself (RFC 6749 §4.4).
    Machine,
}

/// For whom and what tokens are prepared.
pub struct Order<'a> {
    /// To whom.
    pub client: &'a Client,
    /// For whom.
    pub holder: Holder<'a>,
    /// Scopes of the access token.
    pub scopes: &'a ScopeSet,
    /// Scopes of the grant, which a refresh token keeps.
    pub granted_scopes: &'a ScopeSet,
    /// What the access token is for (RFC 8707); empty for `JWT_AUDIENCE`.
    pub resource: &'a [String],
    /// What was granted, which a refresh token keeps; empty for none.
    pub granted_resource: &'a [String],
    /// Caller claims, checked.
    pub extra: &'a ExtraClaims,
    /// The consent.
    pub authorization_id: Option<i64>,
    /// The refresh token that this is made from.
    pub parent: Option<&'a TokenId>,
    /// The family, unless this begins one.
    pub family: Option<&'a FamilyId>,
    /// When the family ends; nothing outlives it.
    pub absolute_end: Option<Timestamp>,
    /// `DEVICE_REFRESH_TOKEN_EXPIRATION` applies.
    pub refresh_cap: Option<Duration>,
    /// Whether a refresh token is made too.
    pub with_refresh: bool,
    /// When the person signed in, for the ID token.
    pub auth_time: Option<Timestamp>,
    /// For the ID token, empty for none.
    pub nonce: &'a str,
}

/// Signed tokens with the rows that make them count.
pub struct Minted {
    /// The access token's row.
    pub access: Token,
    /// The access token itself.
    pub access_token: Secret,
    /// The refresh token with its row.
    pub refresh: Option<(Token, Secret)>,
    /// The ID token, if `openid` was granted. It has no row and cannot be revoked.
    pub id_token: Option<Secret>,
    /// The family they belong to.
    pub family: FamilyId,
}

/// A successful answer of the token endpoint (RFC 6749 §5.1).
pub struct TokenResponse {
    /// The access token.
    pub access_token: Secret,
    /// Whole seconds left.
    pub expires_in: i64,
    /// The refresh token, if one is given.
    pub refresh_token: Option<Secret>,
    /// The ID token, if `openid` was granted.
    pub id_token: Option<Secret>,
    /// What was granted.
    pub scope: String,
}

impl Minted {
    /// The answer, with the refresh token that this made.
    pub fn response(self, now: Timestamp) -> TokenResponse {
        TokenResponse {
            expires_in: (self.access.expires_at - now).whole_seconds().max(0),
            scope: self.access.scopes.to_string(),
            access_token: self.access_token,
            refresh_token: self.refresh.map(|(_, secret)| secret),
            id_token: self.id_token,
        }
    }

    /// Rows to insert.
    pub fn rows(&self) -> (Token, Option<Token>) {
        (
            self.access.clone(),
            self.refresh.as_ref().map(|(row, _)| row.clone()),
        )
    }
}

/// Signs tokens and builds their rows; with RSA, when it is this request's turn.
///
/// # Errors
/// `invalid_request` for claims that the client may not add, [`FlowError::Unavailable`] without entropy
/// or a clock to trust, [`FlowError::Internal`] when the key refuses to sign.
pub async fn prepare(
    ground: &Ground,
    keys: &KeySet,
    rules: &TokenRules,
    order: &Order<'_>,
    now: Timestamp,
) -> Result<Minted, FlowError> {
    let with_id_token = order.scopes.contains("openid");
    if keys.signs_slowly(with_id_token) && !faults::unturned() {
        let turn = ground.turns.take(|| mint(ground, keys, rules, order, now));
        turn.await
    } else {
        mint(ground, keys, rules, order, now)
    }
}

fn mint(
    ground: &Ground,
    keys: &KeySet,
    rules: &TokenRules,
    order: &Order<'_>,
    now: Timestamp,
) -> Result<Minted, FlowError> {
    rules.check_extra(order.client, order.extra)?;
    ground.trust_clock()?;
    faults::hold_thread("sign");
    let mut drawn: [u8; 72] = random(&*ground.entropy)?;
    let mut draw = Draw(&mut drawn);
    let access_id = TokenId::new(row_id(now, draw.take()));
    let refresh_id = TokenId::new(row_id(now, draw.take()));
    let family = match order.family {
        Some(family) => family.clone(),
        None if order.with_refresh => refresh_id.recast(),
        None => access_id.recast(),
    };
    let spread = draw.spread();
    let life = match order.holder {
        Holder::Person(_) => rules.lifetimes.access(order.client, spread),
        Holder::Machine => rules.lifetimes.machine(order.client),
    };
    let access_end = within_family(order, now + life);
    let audience = first_filled(&[order.resource, &rules.audience]);
    let access = Part {
        id: access_id,
        category: TokenCategory::Access,
        jti: draw.uuid(),
        expires_at: access_end,
        audience,
        resource: audience,
        scopes: order.scopes,
    };
    let (access, access_token) = sign(keys, rules, order, &family, &access, now)?;
    let refresh = if order.with_refresh {
        let part = Part {
            id: refresh_id,
            category: TokenCategory::Refresh,
            jti: draw.uuid(),
            expires_at: refresh_end(rules, order, now),
            audience: &rules.audience,
            resource: first_filled(&[order.granted_resource, &rules.audience]),
            scopes: order.granted_scopes,
        };
        Some(sign(keys, rules, order, &family, &part, now)?)
    } else {
        None
    };
    let id_token = match order.holder {
        Holder::Person(user) if order.scopes.contains("openid") => {
            let (person, proof) = ((order, user), (&access_token, &*draw.uuid()));
            Some(id_token::sign(keys, rules, person, proof, now)?)
        }
        Holder::Person(_) | Holder::Machine => None,
    };
    Ok(Minted {
        access,
        access_token,
        refresh,
        id_token,
        family,
    })
}

fn refresh_end(rules: &TokenRules, order: &Order<'_>, now: Timestamp) -> Timestamp {
    let life = rules.lifetimes.profile(order.client).refresh;
    within_family(
        order,
        now + order.refresh_cap.map_or(life, |cap| life.min(cap)),
    )
}

/// Nothing outlives its family, access tokens neither.
fn within_family(order: &Order<'_>, end: Timestamp) -> Timestamp {
    order.absolute_end.map_or(end, |last| end.min(last))
}

fn first_filled<'a>(lists: &[&'a [String]]) -> &'a [String] {
    lists
        .iter()
        .find(|list| !list.is_empty())
        .copied()
        .unwrap_or_default()
}

struct Part<'a> {
    id: TokenId,
    category: TokenCategory,
    jti: String,
    expires_at: Timestamp,
    audience: &'a [String],
    resource: &'a [String],
    scopes: &'a ScopeSet,
}

fn sign(
    keys: &KeySet,
    rules: &TokenRules,
    order: &Order<'_>,
    family: &FamilyId,
    part: &Part<'_>,
    now: Timestamp,
) -> Result<(Token, Secret), FlowError> {
    let (subject, uid) = match order.holder {
        Holder::Person(user) => (Subject::User(user.id.clone()), user.username.as_str()),
        Holder::Machine => (Subject::Client(order.client.client_id.clone()), ""),
    };
    let payload = claims::payload(&TokenClaims {
        issuer: &rules.issuer,
        subject: &subject.to_string(),
        client_id: order.client.client_id.as_str(),
        scope: &part.scopes.to_string(),
        token_type: part.category.as_str(),
        issued_at: now.unix_timestamp(),
        expires_at: part.expires_at.unix_timestamp(),
        jti: &part.jti,
        audience: part.audience,
        prefix: &rules.prefix,
        domain: &rules.domain,
        uid,
        project: &order.client.project,
        service_account: &order.client.service_account,
        extra: order.extra,
    });
    // What our own readers would refuse must not be signed: repeated members, too many levels.
    if !order.extra.is_empty() && !crate::jose::is_readable(&payload) {
        return Err(unreadable_extra().into());
    }
    let typ = match part.category {
        TokenCategory::Access => rules.access_type,
        TokenCategory::Refresh => MediaType::Jwt,
    };
    let jwt = keys.sign_json(typ, &payload).map_err(|error| match error {
        JoseError::TooLarge if !order.extra.is_empty() => unreadable_extra().into(),
        error => FlowError::Internal(error.to_string()),
    })?;
    let row = Token {
        id: part.id.clone(),
        hash: sha256_hex(jwt.as_bytes()),
        category: part.category,
        status: TokenStatus::Active,
        // What a machine gets stands alone, as it always did.
        family: match order.holder {
            Holder::Person(_) => Some(family.clone()),
            Holder::Machine => None,
        },
        subject,
        client_id: order.client.client_id.clone(),
        scopes: part.scopes.clone(),
        expires_at: part.expires_at,
        created_at: now,
        last_used_at: None,
        parent: order.parent.cloned(),
        authorization_id: order.authorization_id,
        resource: part.resource.to_vec(),
    };
    Ok((row, Secret::new(jwt)))
}

fn unreadable_extra() -> OauthError {
    ErrorCode::InvalidRequest
        .because("extra_claims make a token too large, nest too deeply or repeat a member")
}

/// Hands out the random bytes of one issuance piece by piece: two row ids, three UUIDs and a jitter.
struct Draw<'a>(&'a mut [u8]);

impl Draw<'_> {
    fn take<const N: usize>(&mut self) -> [u8; N] {
        let mut out = [0; N];
        let rest = std::mem::take(&mut self.0);
        if let Some((head, tail)) = rest.split_at_mut_checked(N) {
            out.copy_from_slice(head);
            self.0 = tail;
        }
        out
    }

    fn uuid(&mut self) -> String {
        uuid_v4(self.take())
    }

    fn spread(&mut self) -> u32 {
        u32::from_be_bytes(self.take())
    }
}

/// How tokens of a first issuance are told in the audit trail.
pub struct Telling {
    /// Words for the access token.
    pub access: &'static str,
    /// Words for the refresh token.
    pub refresh: &'static str,
    /// Words for the ID token.
    pub id: &'static str,
}

/// `ACCESS_TOKEN_ISSUED`, `REFRESH_TOKEN_ISSUED` and `ID_TOKEN_ISSUED` of a first issuance.
pub fn issued_events(
    minted: &Minted,
    user: &User,
    telling: &Telling,
    origin: &Origin,
) -> Vec<AuditEvent> {
    let event = |kind, words, token: &Token| about(kind, words, token, user, origin);
    let mut access = event(EventType::AccessTokenIssued, telling.access, &minted.access);
    let mut events = Vec::with_capacity(3);
    if let Some((refresh, _)) = &minted.refresh {
        access = access.with("refresh_token_id", refresh.id.as_str());
        events.push(
            event(EventType::RefreshTokenIssued, telling.refresh, refresh)
                .with("access_token_id", minted.access.id.as_str()),
        );
    }
    events.insert(0, access);
    events.extend(id_token_event(minted, user, telling.id, origin));
    events
}

/// `ID_TOKEN_ISSUED`, if one was.
pub fn id_token_event(
    minted: &Minted,
    user: &User,
    words: &'static str,
    origin: &Origin,
) -> Option<AuditEvent> {
    minted.id_token.as_ref()?;
    let access = &minted.access;
    Some(
        about(EventType::IdTokenIssued, words, access, user, origin)
            .with("access_token_id", access.id.as_str()),
    )
}

fn about(
    kind: EventType,
    words: &'static str,
    token: &Token,
    user: &User,
    origin: &Origin,
) -> AuditEvent {
    AuditEvent::new(kind, words)
        .by(user.into())
        .on(ResourceType::Token, token.id.as_str(), "")
        .with("client_id", token.client_id.as_str())
        .with("scopes", token.scopes.to_string())
        .with("token_provider", "local")
        .from(origin)
}
