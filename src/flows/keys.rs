//! The signing keys in the hands of an operator: what there is, the next one, and the end of one.
//!
//! Whatever happens here happens in the database; every process reads it there within a second, whether a command or
//! a page began it. Must not live here: which files a process finds (`app`), and the rules of the schedule (`domain`).
use super::{FlowError, Ground};
use crate::{
    domain::{
        audit::{Actor, AuditEvent, EventType, Origin, ResourceType, Severity},
        key_schedule::{self, KeyRecord, KeyState},
        secret::Secret,
        time::{Timestamp, random},
    },
    jose::{Algorithm, KeyError, PublicKey, SigningKey},
    seal::{SealError, SealingRing},
    store::keys::{ActivateKey, AddKey, AddWhen, Added, RetireKey, Retired, SealAnew},
};
use std::{sync::Arc, time::Duration};
use time::format_description::well_known::Rfc3339;
use zeroize::Zeroizing;

/// What the operator set about keys.
#[derive(Clone, Debug)]
pub struct KeyRules {
    /// The algorithms with key pairs that are in use, the default one first.
    pub algorithms: Vec<Algorithm>,
    /// `JWT_KEY_SOURCE=database`.
    pub generated: bool,
    /// Keys sign ID tokens alone, because access tokens are signed with a secret.
    pub for_id_tokens: bool,
    /// `JWT_KEY_PUBLISH_BEFORE_USE`.
    pub publish_before_use: Duration,
    /// The longest that a token lives.
    pub longest_life: Duration,
}

/// What these flows need.
#[derive(Clone)]
pub struct KeysDeps {
    /// Common ground.
    pub ground: Ground,
    /// Settings.
    pub rules: Arc<KeyRules>,
    /// Seals private halves; none without `ENCRYPTION_KEY`.
    pub sealing: Option<Arc<SealingRing>>,
}

/// A key as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyEntry {
    /// Key id.
    pub kid: String,
    /// Its algorithm.
    pub algorithm: String,
    /// Where it is in its life.
    pub state: KeyState,
    /// Whether its private half is in the database.
    pub sealed: bool,
    /// Since when it has been published.
    pub published_at: Timestamp,
    /// From when on it may sign.
    pub activate_at: Timestamp,
    /// When it was taken out of service.
    pub retired_at: Option<Timestamp>,
    /// When its last token expires.
    pub not_after: Timestamp,
}

/// Who does something, and from where.
#[derive(Clone, Debug, Default)]
pub struct By {
    /// Who.
    pub actor: Actor,
    /// From where.
    pub origin: Origin,
}

impl KeyRules {
    /// Whether keys are made here and kept in the database.
    pub fn are_made(&self) -> bool {
        self.generated || self.for_id_tokens
    }

    /// What goes on record about a key.
    pub fn record(&self, public: &PublicKey, now: Timestamp, activate_at: Timestamp) -> KeyRecord {
        KeyRecord {
            kid: public.kid().to_owned(),
            algorithm: public.algorithm().to_string(),
            spki: public.spki().to_vec(),
            published_at: now,
            activate_at,
            retired_at: None,
            held_at: now,
            not_after: key_schedule::end_of_tokens(activate_at.max(now), self.longest_life),
            sealed: None,
            for_id_tokens: self.for_id_tokens,
        }
    }
}

/// `SIGNING_KEY_ADDED`.
pub fn added(record: &KeyRecord, source: &'static str, by: By) -> AuditEvent {
    told(
        EventType::SigningKeyAdded,
        "Signing key published",
        record,
        by,
    )
    .with("source", source)
}

fn told(kind: EventType, words: &'static str, record: &KeyRecord, by: By) -> AuditEvent {
    AuditEvent::new(kind, words)
        .at(Severity::Warning)
        .by(by.actor)
        .from(&by.origin)
        .on(ResourceType::SigningKey, "", record.kid.as_str())
        .with("kid", record.kid.as_str())
        .with("algorithm", record.algorithm.as_str())
        .with("activate_at", rfc3339(record.activate_at))
}

fn rfc3339(at: Timestamp) -> String {
    at.format(&Rfc3339).unwrap_or_default()
}

/// All keys on record, the latest first.
///
/// # Errors
/// As the database.
pub async fn list(deps: &KeysDeps) -> Result<Vec<KeyEntry>, FlowError> {
    let records = deps.ground.store.signing_keys().await?;
    let now = deps.ground.now();
    Ok(key_schedule::states(&records, now)
        .into_iter()
        .map(|(record, state)| entry(record, state))
        .collect())
}

fn entry(record: &KeyRecord, state: KeyState) -> KeyEntry {
    KeyEntry {
        kid: record.kid.clone(),
        algorithm: record.algorithm.clone(),
        state,
        sealed: record.sealed.is_some(),
        published_at: record.published_at,
        activate_at: record.activate_at,
        retired_at: record.retired_at,
        not_after: record.not_after,
    }
}

/// The wish for another key.
#[derive(Clone, Debug, Default)]
pub struct Rotate {
    /// For which algorithm; the default one unless `pem` says otherwise.
    pub algorithm: Option<Algorithm>,
    /// A private key to be kept in the database, instead of one that is made.
    pub pem: Option<Secret>,
    /// Without waiting until everybody's copy of the key set has it.
    pub at_once: bool,
    /// Who wishes it.
    pub by: By,
}

/// What came of it.
#[derive(Debug)]
pub enum Rotation {
    /// A new key is published.
    Added(KeyEntry),
    /// The key that was waiting signs from now on.
    Activated(KeyEntry),
    /// A key waits for its time already.
    Waits(KeyEntry),
    /// None of it.
    Refused(RotateRefusal),
}

/// Why there is no other key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RotateRefusal {
    /// There are no key pairs.
    #[error(
        "HS256 has no key pair: its secret is changed by JWT_SECRET and JWT_SECRET_PREVIOUS, with several servers in three rounds (operations.md)"
    )]
    NoPairs,
    /// Nothing would sign with it.
    #[error("{0} is not in use: see JWT_SIGNING_ALGORITHM and JWT_ADDITIONAL_ALGORITHMS")]
    NotInUse(Algorithm),
    /// Keys come from files.
    #[error(
        "keys come from files: replace the file of JWT_PRIVATE_KEY_PATH or add one to JWT_PRIVATE_KEY_DIR, and the \
         server publishes it and switches when its time has come (with JWT_KEY_SOURCE=database it makes keys itself)"
    )]
    Files,
    /// The PEM is no good.
    #[error("{0}")]
    BadKey(KeyError),
    /// It is on record.
    #[error("the key {0} is on record already")]
    Known(String),
}

/// Publishes the next key, which signs when its time has come; or, at once, lets the one that waits sign.
///
/// # Errors
/// As the database; [`FlowError::Internal`] when the key cannot be sealed.
pub async fn rotate(deps: &KeysDeps, order: Rotate) -> Result<Rotation, FlowError> {
    let now = deps.ground.now();
    let (algorithm, pem) = match wanted(&deps.rules, &order) {
        Ok(wanted) => wanted,
        Err(refusal) => return Ok(Rotation::Refused(refusal)),
    };
    let records = deps.ground.store.signing_keys().await?;
    let is_of = |key: &KeyRecord| {
        key.algorithm == algorithm.as_str() && key.for_id_tokens == deps.rules.for_id_tokens
    };
    let waiting = records
        .iter()
        .filter(|key| is_of(key) && key.is_next(now) && key.is_at_hand(now))
        .min_by_key(|key| key.activate_at);
    match (waiting, order.at_once && pem.is_none()) {
        (Some(next), true) => return activate(deps, next, order.by, now).await,
        (Some(next), false) => return Ok(Rotation::Waits(entry(next, KeyState::Next))),
        (None, _) => {}
    }
    let pem = match (pem, deps.rules.are_made()) {
        (Some(pem), _) => pem,
        (None, false) => return Ok(Rotation::Refused(RotateRefusal::Files)),
        (None, true) => generated(algorithm).await?,
    };
    let has_another = records
        .iter()
        .any(|key| is_of(key) && key.is_due(now) && key.is_at_hand(now));
    let activate_at = if order.at_once || !has_another {
        now
    } else {
        key_schedule::first_use(now, deps.rules.publish_before_use)
    };
    keep(deps, &pem, activate_at, AddWhen::NoneWaits, order.by).await
}

/// A new private key, made off the async threads: the primes of RSA take a while.
///
/// # Errors
/// [`FlowError::Unavailable`] without entropy.
pub async fn generated(algorithm: Algorithm) -> Result<Secret, FlowError> {
    tokio::task::spawn_blocking(move || SigningKey::generate(algorithm))
        .await
        .map_err(|error| FlowError::Internal(error.to_string()))?
        .map(|pem| Secret::new(pem.as_str()))
        .map_err(|error| FlowError::Unavailable(error.to_string()))
}

/// Why nobody who brings no key can have another one now, for the page that would ask about it.
pub fn objection(rules: &KeyRules, has_next: bool) -> Option<RotateRefusal> {
    match wanted(rules, &Rotate::default()) {
        Err(refusal) => Some(refusal),
        Ok(_) if !rules.are_made() && !has_next => Some(RotateRefusal::Files),
        Ok(_) => None,
    }
}

/// The algorithm, and the key if one is given.
fn wanted(rules: &KeyRules, order: &Rotate) -> Result<(Algorithm, Option<Secret>), RotateRefusal> {
    let default = rules.algorithms.first().ok_or(RotateRefusal::NoPairs)?;
    let algorithm = match &order.pem {
        None => order.algorithm.unwrap_or(*default),
        Some(_) if !rules.are_made() => return Err(RotateRefusal::Files),
        Some(pem) => {
            let key = match order.algorithm {
                Some(algorithm) => SigningKey::from_pem(algorithm, pem.expose(), None),
                None => SigningKey::from_any_pem(pem.expose(), None),
            };
            key.map_err(RotateRefusal::BadKey)?.algorithm()
        }
    };
    if !rules.algorithms.contains(&algorithm) {
        return Err(RotateRefusal::NotInUse(algorithm));
    }
    Ok((algorithm, order.pem.clone()))
}

async fn activate(
    deps: &KeysDeps,
    next: &KeyRecord,
    by: By,
    now: Timestamp,
) -> Result<Rotation, FlowError> {
    let mut record = next.clone();
    record.activate_at = now;
    let event = told(
        EventType::SigningKeyActivated,
        "Signing key used before its time",
        &record,
        by,
    )
    .with("previous_activate_at", rfc3339(next.activate_at));
    let unit = ActivateKey {
        kid: next.kid.clone(),
        at: now,
        audit: deps.ground.rows(now, vec![event])?,
    };
    // Whoever was faster has done what was wished.
    deps.ground.commit(unit).await?;
    Ok(Rotation::Activated(entry(&record, KeyState::Active)))
}

/// Seals a private key and puts it on record.
///
/// # Errors
/// As [`rotate`].
pub async fn keep(
    deps: &KeysDeps,
    pem: &Secret,
    activate_at: Timestamp,
    when: AddWhen,
    by: By,
) -> Result<Rotation, FlowError> {
    let now = deps.ground.now();
    let key = match SigningKey::from_any_pem(pem.expose(), None) {
        Ok(key) => key,
        Err(error) => return Ok(Rotation::Refused(RotateRefusal::BadKey(error))),
    };
    let public = key
        .public_key()
        .ok_or_else(|| FlowError::Internal("a key pair has no public half".to_owned()))?;
    let mut record = deps.rules.record(public, now, activate_at);
    let ring = deps.sealing.as_ref().ok_or_else(|| {
        FlowError::Internal("ENCRYPTION_KEY is needed to keep keys in the database".to_owned())
    })?;
    record.sealed = Some(sealed(deps, ring, &record.kid, pem.expose().as_bytes())?);
    let unit = AddKey {
        audit: deps
            .ground
            .rows(now, vec![added(&record, "database", by)])?,
        key: record.clone(),
        when,
        at: now,
    };
    Ok(match deps.ground.commit(unit).await? {
        Added::Done if activate_at <= now => Rotation::Added(entry(&record, KeyState::Active)),
        Added::Done => Rotation::Added(entry(&record, KeyState::Next)),
        Added::Known => Rotation::Refused(RotateRefusal::Known(record.kid)),
        Added::NotNeeded(other) => {
            let records = deps.ground.store.signing_keys().await?;
            let there = records.iter().find(|record| record.kid == other);
            Rotation::Waits(entry(there.unwrap_or(&record), KeyState::Next))
        }
    })
}

/// Seals again what a former secret sealed, so that the former secret can be taken away. What does not open is left alone.
///
/// # Errors
/// As the database.
pub async fn seal_anew(deps: &KeysDeps, records: &[KeyRecord]) -> Result<(), FlowError> {
    let Some(ring) = &deps.sealing else {
        return Ok(());
    };
    for record in records {
        let Some(former) = record.sealed.as_ref().filter(|text| ring.is_outdated(text)) else {
            continue;
        };
        let Ok(opened) = opened(ring, &record.kid, former) else {
            continue;
        };
        let unit = SealAnew {
            kid: record.kid.clone(),
            former: former.clone(),
            sealed: sealed(deps, ring, &record.kid, &opened)?,
        };
        if deps.ground.store.commit(unit).await? {
            tracing::info!(
                kid = record.kid,
                "a private key is sealed with the current secret"
            );
        }
    }
    Ok(())
}

fn sealed(deps: &KeysDeps, ring: &SealingRing, kid: &str, pem: &[u8]) -> Result<String, FlowError> {
    let salt = random(&*deps.ground.entropy)?;
    ring.seal(place(kid).as_bytes(), pem, salt)
        .map_err(|error| FlowError::Internal(error.to_string()))
}

fn opened(ring: &SealingRing, kid: &str, sealed: &str) -> Result<Zeroizing<Vec<u8>>, SealError> {
    ring.open(place(kid).as_bytes(), sealed).map(Zeroizing::new)
}

/// The private key of a record that has one.
///
/// # Errors
/// When it was sealed with another key, for another record, or is damaged.
pub fn unseal(ring: &SealingRing, kid: &str, sealed: &str) -> Result<SigningKey, String> {
    let opened = opened(ring, kid, sealed).map_err(|error| error.to_string())?;
    let pem = std::str::from_utf8(&opened).map_err(|error| error.to_string())?;
    SigningKey::from_any_pem(pem, Some(kid)).map_err(|error| error.to_string())
}

/// Where a private half is sealed for: no row's text opens in another row.
fn place(kid: &str) -> String {
    format!("signing_keys.sealed:{kid}")
}

/// Takes a key out of service: it signs no more. Its tokens verify to their end, unless it is withdrawn.
///
/// # Errors
/// As the database.
pub async fn retire(
    deps: &KeysDeps,
    kid: &str,
    withdraw: bool,
    by: By,
) -> Result<Retired, FlowError> {
    let now = deps.ground.now();
    let records = deps.ground.store.signing_keys().await?;
    let Some(record) = records.iter().find(|record| record.kid == kid) else {
        return Ok(Retired::Unknown);
    };
    let not_after = if withdraw {
        now
    } else {
        let end = key_schedule::end_of_tokens(now, deps.rules.longest_life);
        record.not_after.min(end)
    };
    let event = told(
        EventType::SigningKeyRetired,
        "Signing key retired",
        record,
        by,
    )
    .with("withdrawn", withdraw)
    .with("tokens_verify_until", rfc3339(not_after));
    let unit = RetireKey {
        kid: kid.to_owned(),
        at: now,
        not_after,
        audit: deps.ground.rows(now, vec![event])?,
    };
    deps.ground.commit(unit).await
}
