//! Loading keys: private halves from files and from the database, everything else from the rows that all processes
//! share. A row decides from when on a key signs, so that a new one is published before anybody meets it.
use crate::{
    actors::lifecycle::Readiness,
    config::{Config, jwt},
    domain::{
        key_schedule::{self, KeyRecord},
        secret::Secret,
        time::Timestamp,
    },
    flows::{
        Ground,
        keys::{self as flow, By, KeyRules, KeysDeps},
    },
    jose::{Algorithm, KeySet, PublicKey, Roster, SigningKey},
    store::keys::{AddKey, AddWhen, TellHeld},
};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

pub mod command;
mod files;
mod sealing;
pub use files::Files;
use files::named_apart;

/// Loads sets of keys, and puts on record what it finds.
pub struct Loader {
    deps: KeysDeps,
    files: Arc<Files>,
    secret: Secret,
    former_secret: Option<Secret>,
    /// All algorithms in use, the default one first.
    in_use: Vec<Algorithm>,
    id_token: Algorithm,
    /// The keys that sign, which stay at hand when their file is gone.
    signing: Mutex<Hand>,
    /// Where keys that cannot be opened are noted.
    readiness: Readiness,
}

const SECOND: Duration = Duration::from_secs(1);

/// Private keys by their kid.
type Hand = BTreeMap<String, Arc<SigningKey>>;

/// What flows on keys need.
///
/// # Errors
/// When the key that seals cannot be prepared.
pub fn deps(config: &Config, ground: &Ground) -> Result<KeysDeps, String> {
    let algorithms = in_use(config);
    let sealing = sealing::ring(config)?.map(Arc::new);
    Ok(KeysDeps {
        ground: ground.clone(),
        rules: Arc::new(KeyRules {
            algorithms: algorithms.into_iter().filter(has_pair).collect(),
            generated: config.jwt.generated,
            for_id_tokens: config.jwt.own_id_token_key,
            publish_before_use: config.jwt.publish_before_use,
            longest_life: config.lifetimes.longest(config.lifetime_caps),
        }),
        sealing,
    })
}

fn has_pair(algorithm: &Algorithm) -> bool {
    *algorithm != Algorithm::Hs256
}

fn in_use(config: &Config) -> Vec<Algorithm> {
    let additional = config.jwt.additional.iter().copied();
    let own = config.jwt.own_id_token_key.then_some(Algorithm::Rs256);
    std::iter::once(config.jwt.algorithm)
        .chain(additional)
        .map(algorithm)
        .chain(own)
        .collect()
}

fn algorithm(configured: jwt::Algorithm) -> Algorithm {
    match configured {
        jwt::Algorithm::Hs256 => Algorithm::Hs256,
        jwt::Algorithm::Rs256 => Algorithm::Rs256,
        jwt::Algorithm::Es256 => Algorithm::Es256,
    }
}

/// Private keys of the operator. A key for ID tokens alone is never one of them.
pub fn files(config: &Config) -> Arc<Files> {
    let in_files = match config.jwt.own_id_token_key {
        true => Vec::new(),
        false => in_use(config).into_iter().filter(has_pair).collect(),
    };
    Arc::new(Files::new(config.jwt.clone(), in_files))
}

/// How often keys are looked at: often enough that a key is known everywhere long before it signs.
pub fn look_every(config: &Config) -> Duration {
    let publish = config.jwt.publish_before_use;
    (publish / 10).clamp(Duration::from_secs(1), Duration::from_secs(30))
}

impl Loader {
    /// As configured, with the private keys of these files.
    pub fn new(
        config: &Config,
        deps: KeysDeps,
        files: Arc<Files>,
        readiness: Readiness,
    ) -> Arc<Self> {
        Arc::new(Self {
            files,
            deps,
            secret: config.jwt.secret.clone(),
            former_secret: config.jwt.former_secret.clone(),
            in_use: in_use(config),
            id_token: algorithm(config.jwt.id_token),
            signing: Mutex::default(),
            readiness,
        })
    }

    /// Loads the whole set.
    pub async fn load(&self) -> Result<KeySet, String> {
        let files = Arc::clone(&self.files);
        let found = tokio::task::spawn_blocking(move || files.read())
            .await
            .map_err(|error| error.to_string())?
            .map_err(|errors| errors.join("; "))?;
        let records = self.records().await?;
        let found = named_apart(found, &records);
        let hand = self.hand(&found, &records);
        let mut changed = self.register(&found, &hand, &records).await?;
        changed |= self.generate(&hand, &records).await?;
        let (records, hand) = if changed {
            let records = self.records().await?;
            let hand = self.hand(&found, &records);
            (records, hand)
        } else {
            (records, hand)
        };
        let now = self.deps.ground.now();
        let mut signing = Hand::new();
        let mut keys = Vec::new();
        for algorithm in &self.in_use {
            let key = self.choose(*algorithm, &hand, &records, now)?;
            if let Some(public) = key.public_key() {
                signing.insert(public.kid().to_owned(), Arc::clone(&key));
            }
            keys.push(key);
        }
        self.tell(&hand, &signing, &records, now).await?;
        flow::seal_anew(&self.deps, &records)
            .await
            .map_err(|error| format!("a private key could not be sealed anew: {error:?}"))?;
        self.note(signing);
        self.set(keys, &records, now)
    }

    async fn records(&self) -> Result<Vec<KeyRecord>, String> {
        let records = self.deps.ground.store.signing_keys().await;
        records.map_err(|error| error.to_string())
    }

    /// Whether a key signs what keys are for here: ID tokens alone, or everything.
    fn is_ours(&self, record: &KeyRecord) -> bool {
        record.for_id_tokens == self.deps.rules.for_id_tokens
    }

    /// Every private key at hand that has a record: of files, of the database, and those that signed until now.
    fn hand(&self, found: &[Arc<SigningKey>], records: &[KeyRecord]) -> Hand {
        let held = self.signing.lock();
        let mut hand = held.unwrap_or_else(PoisonError::into_inner).clone();
        let mut shut = Vec::new();
        let now = self.deps.ground.now();
        for record in records {
            let wanted = self.is_ours(record) && (record.is_due(now) || record.is_next(now));
            if let (Some(sealed), Some(ring), true) = (&record.sealed, &self.deps.sealing, wanted)
                && !hand.contains_key(&record.kid)
            {
                match flow::unseal(ring, &record.kid, sealed) {
                    Ok(key) => drop(hand.insert(record.kid.clone(), Arc::new(key))),
                    Err(error) => shut.push(format!("{} ({error})", record.kid)),
                }
            }
        }
        self.readiness
            .note("sealed_keys", sealing::condition(&shut));
        for key in found {
            if let Some(public) = key.public_key() {
                hand.insert(public.kid().to_owned(), Arc::clone(key));
            }
        }
        hand.retain(|kid, _| records.iter().any(|record| record.kid == *kid));
        hand
    }

    /// Puts keys of files on record that are not. Where another key of the algorithm is at hand the new one is only
    /// published for now; where there is none it signs at once. Of several the last counts as the newest.
    async fn register(
        &self,
        found: &[Arc<SigningKey>],
        hand: &Hand,
        records: &[KeyRecord],
    ) -> Result<bool, String> {
        let now = self.deps.ground.now();
        let mut changed = false;
        for algorithm in &self.deps.rules.algorithms {
            let of = |record: &&KeyRecord| {
                record.algorithm == algorithm.as_str() && self.is_ours(record)
            };
            let at_hand = records
                .iter()
                .filter(of)
                .filter(|record| hand.contains_key(&record.kid));
            let usable = key_schedule::signs(at_hand, now).is_some();
            let is_new = |public: &PublicKey| match records
                .iter()
                .find(|record| record.kid == public.kid())
            {
                None => true,
                // A file that was forgotten for long is no new key, unless there is nothing else.
                Some(record) => !usable && record.retired_at.is_none() && !record.is_published(now),
            };
            let new: Vec<&PublicKey> = found
                .iter()
                .filter_map(|key| key.public_key())
                .filter(|public| public.algorithm() == *algorithm && is_new(public))
                .collect();
            let first_use = key_schedule::first_use(now, self.deps.rules.publish_before_use);
            for (public, after) in new.iter().zip(0_u32..) {
                let behind = u32::try_from(new.len())
                    .unwrap_or(0)
                    .saturating_sub(after + 1);
                let activate_at = if usable {
                    first_use + SECOND * after
                } else {
                    now - SECOND * behind
                };
                self.add(public, now, activate_at).await?;
                changed = true;
            }
        }
        Ok(changed)
    }

    async fn add(
        &self,
        public: &PublicKey,
        now: Timestamp,
        activate_at: Timestamp,
    ) -> Result<(), String> {
        let key = self.deps.rules.record(public, now, activate_at);
        let event = flow::added(&key, "file", By::default());
        let audit = self.deps.ground.rows(now, vec![event]);
        tracing::info!(
            kid = key.kid,
            algorithm = key.algorithm,
            activate_at = %activate_at,
            "a new signing key is published"
        );
        let unit = AddKey {
            key,
            when: AddWhen::Found,
            at: now,
            audit: audit.map_err(|error| error.to_string())?,
        };
        let added = self.deps.ground.store.commit(unit).await;
        added.map(drop).map_err(|error| error.to_string())
    }

    /// Makes the first key of each algorithm, where keys are made here and there is none.
    async fn generate(&self, hand: &Hand, records: &[KeyRecord]) -> Result<bool, String> {
        let rules = &self.deps.rules;
        let now = self.deps.ground.now();
        let mut made = false;
        for algorithm in rules.algorithms.iter().filter(|_| rules.are_made()) {
            let in_service = records
                .iter()
                .filter(|record| record.algorithm == algorithm.as_str() && self.is_ours(record))
                .filter(|record| record.is_due(now) || record.is_next(now));
            let mut usable = in_service.clone().filter(|record| {
                hand.contains_key(&record.kid)
                    // What another process holds must not be replaced; a key for ID tokens is needed in any case.
                    || (record.is_at_hand(now) && !rules.for_id_tokens)
            });
            if usable.next().is_some() {
                continue;
            }
            let when = match in_service.clone().next() {
                Some(_) => AddWhen::Found,
                None => AddWhen::NoneIsThere,
            };
            let pem = flow::generated(*algorithm)
                .await
                .map_err(|error| format!("a signing key could not be made: {error:?}"))?;
            match flow::keep(&self.deps, &pem, now, when, By::default()).await {
                Ok(_) => made = true,
                Err(error) => return Err(format!("a signing key could not be made: {error:?}")),
            }
        }
        Ok(made)
    }

    fn choose(
        &self,
        algorithm: Algorithm,
        hand: &Hand,
        records: &[KeyRecord],
        now: Timestamp,
    ) -> Result<Arc<SigningKey>, String> {
        if algorithm == Algorithm::Hs256 {
            return SigningKey::from_secret(self.secret.expose().as_bytes())
                .map(Arc::new)
                .map_err(|error| error.to_string());
        }
        let at_hand = records
            .iter()
            .filter(|record| record.algorithm == algorithm.as_str())
            .filter(|record| self.is_ours(record) && hand.contains_key(&record.kid));
        key_schedule::signs(at_hand, now)
            .and_then(|record| hand.get(&record.kid))
            .cloned()
            .ok_or_else(|| {
                format!(
                    "there is no usable private key for {algorithm}: none in JWT_PRIVATE_KEY_PATH, JWT_PRIVATE_KEY_PEM, \
                     JWT_PRIVATE_KEY_DIR or the database that is neither retired nor sealed with another ENCRYPTION_KEY \
                     (with JWT_KEY_SOURCE=database: authgate migrate, then authgate keys rotate --from FILE)"
                )
            })
    }

    /// Tells the rows that this process has these keys and goes on signing with some of them.
    async fn tell(
        &self,
        hand: &Hand,
        signing: &Hand,
        records: &[KeyRecord],
        now: Timestamp,
    ) -> Result<(), String> {
        let life = self.deps.rules.longest_life;
        let late = |record: &&KeyRecord| {
            hand.contains_key(&record.kid)
                && if signing.contains_key(&record.kid) {
                    record.should_be_told(now, life)
                } else {
                    record.held_at + key_schedule::TOLD_EVERY <= now
                }
        };
        let held: Vec<String> = records
            .iter()
            .filter(late)
            .map(|record| record.kid.clone())
            .collect();
        if held.is_empty() {
            return Ok(());
        }
        let unit = TellHeld {
            signing: held
                .iter()
                .filter(|kid| signing.contains_key(*kid))
                .cloned()
                .collect(),
            held,
            at: now,
            not_after: key_schedule::end_of_tokens(now, life),
        };
        let told = self.deps.ground.store.commit(unit).await;
        told.map_err(|error| error.to_string())
    }

    /// Remembers which keys sign, and tells when that has changed.
    fn note(&self, signing: Hand) {
        let mut before = self.signing.lock().unwrap_or_else(PoisonError::into_inner);
        for (kid, key) in &signing {
            if !before.contains_key(kid) {
                tracing::info!(kid, algorithm = %key.algorithm(), "tokens are signed with this key");
            }
        }
        *before = signing;
    }

    fn set(
        &self,
        keys: Vec<Arc<SigningKey>>,
        records: &[KeyRecord],
        now: Timestamp,
    ) -> Result<KeySet, String> {
        let mut keys = keys.into_iter();
        let active = keys
            .next()
            .ok_or_else(|| "no algorithm is in use".to_owned())?;
        let former = self
            .former_secret
            .as_ref()
            .map(|secret| SigningKey::from_secret(secret.expose().as_bytes()).map(Arc::new))
            .transpose();
        let roster = Roster {
            additional: keys.collect(),
            id_token: self.id_token,
            former_secrets: former
                .map_err(|error| error.to_string())?
                .into_iter()
                .collect(),
            verifying: records.iter().filter_map(published).collect(),
            apart: if self.deps.rules.for_id_tokens {
                let apart = records.iter().filter(|record| record.for_id_tokens);
                apart.map(|record| record.kid.clone()).collect()
            } else {
                Vec::new()
            },
            changes_at: key_schedule::next_change(records, now).map(Timestamp::unix_timestamp),
            active,
        };
        KeySet::of(roster, now.unix_timestamp()).map_err(|error| error.to_string())
    }
}

fn published(record: &KeyRecord) -> Option<PublicKey> {
    let algorithm = record.algorithm.parse().ok()?;
    match PublicKey::from_spki(record.kid.clone(), algorithm, &record.spki) {
        Ok(public) => Some(public.with_not_after(record.not_after.unix_timestamp())),
        Err(error) => {
            tracing::warn!(kid = record.kid, %error, "a key on record cannot be read and is left out");
            None
        }
    }
}
