//! The actors of the house: their settings, their limits of restarts, and their places in the tree.
use crate::{
    actors::{
        Branch, Intensity, KeyHolder, PasswordHasher, Readiness, Spec, Vitals, audit_counter,
        audit_writer::AuditWriter,
        cache_invalidator, http_listener,
        key_holder::{self, ShownKey},
        limit_sweeper as limit_sweeping, outbox_watch, password_hasher, retention_sweeper,
        supervisor::Jitter,
        token_ender,
        trace_writer::{self, TraceWriter},
        upkeep as sweeping,
    },
    app::{StartFailure, keys},
    cache::{Cached, VerifiedSecrets},
    config::Config,
    domain::{
        client::Client,
        time::{Clock, random},
    },
    flows::Ground,
    http::{router::Router, routes::Limits, server},
    jose::KeySet,
    passwords::{self, HashAlgorithm},
    store::outbox::Remembered,
};
use std::{sync::Arc, time::Duration};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// The places of all actors.
pub struct Specs {
    pub keys: Spec,
    pub store_writer: Option<Spec>,
    pub audit_writer: Spec,
    pub trace_writer: Spec,
    pub retention_sweeper: Spec,
    pub audit_counter: Spec,
    pub poller: Spec,
    pub invalidator: Spec,
    pub outbox_watch: Spec,
    pub limit_sweeper: Spec,
    pub hasher: Spec,
    pub upkeep: Spec,
    pub token_ender: Spec,
    pub database_watch: Spec,
}

pub fn vitals(path: &'static str, limit: u32, window_s: u64) -> Arc<Vitals> {
    let intensity = Intensity {
        limit,
        window: Duration::from_secs(window_s),
    };
    Vitals::new(path, intensity, Arc::new(time::OffsetDateTime::now_utc))
}

pub async fn keys(
    config: &Config,
    ground: &Ground,
    files: Arc<keys::Files>,
    readiness: &Readiness,
) -> Result<(KeyHolder<KeySet>, Spec), StartFailure> {
    let deps = keys::deps(config, ground).map_err(StartFailure::Key)?;
    let loader = keys::Loader::new(config, deps, files, readiness.clone());
    let clock = Arc::clone(&ground.clock);
    let settings = key_holder::Settings {
        load: Arc::new(move || {
            let loader = Arc::clone(&loader);
            Box::pin(async move { loader.load().await })
        }),
        // Keys of other servers on this database become known, changed files are seen, and ended keys are forgotten.
        reload_every: Some(keys::look_every(config)),
        out_of_date: Arc::new(move |set: &KeySet| {
            let until = i128::from(set.changes_at()?) * 1_000_000_000;
            let left = until - clock.now().unix_timestamp_nanos();
            u64::try_from(left)
                .ok()
                .filter(|left| *left > 0)
                .map(Duration::from_nanos)
        }),
        show: Arc::new(shown),
        readiness: readiness.clone(),
        clock: Arc::new(time::OffsetDateTime::now_utc),
    };
    KeyHolder::open(&vitals("root/key_holder", 3, 30), settings)
        .await
        .map_err(StartFailure::Key)
}

fn shown(set: &KeySet) -> Vec<ShownKey> {
    let signing = set.signing().map(|key| ShownKey {
        kid: key.public_key().map(|public| public.kid().to_owned()),
        algorithm: key.algorithm().as_str(),
        signs: true,
    });
    let mut keys: Vec<ShownKey> = signing.collect();
    for public in set.public_keys() {
        if !keys
            .iter()
            .any(|key| key.kid.as_deref() == Some(public.kid()))
        {
            keys.push(ShownKey {
                kid: Some(public.kid().to_owned()),
                algorithm: public.algorithm().as_str(),
                signs: false,
            });
        }
    }
    keys
}

pub fn hasher(algorithm: HashAlgorithm, ground: &Ground) -> (PasswordHasher, Spec) {
    let entropy = Arc::clone(&ground.entropy);
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let work = password_hasher::PasswordWork {
        verify: Arc::new(|stored, password| {
            passwords::verify(stored, password).map_err(|error| error.to_string())
        }),
        hash: Arc::new(move |password| {
            let salt = random(&*entropy).map_err(|error| error.to_string())?;
            passwords::hash(algorithm, password, salt).map_err(|error| error.to_string())
        }),
        decoy: passwords::dummy(algorithm).to_owned(),
    };
    PasswordHasher::new(
        &vitals("root/password_hasher", 10, 60),
        password_hasher::Settings::for_cores(cores),
        work,
    )
}

/// What this process remembers, and must forget when it changes.
#[derive(Clone)]
pub struct Memories {
    pub clients: Cached<Client>,
    pub pending: Cached<u64>,
    pub verified: VerifiedSecrets,
    pub keys: KeyHolder<KeySet>,
}

impl Memories {
    fn forget(&self, kind: Remembered, key: &str) {
        match kind {
            Remembered::Client => {
                self.clients.evict(key);
                self.verified.evict(key);
                self.pending.clear();
            }
            Remembered::SigningKeys => self.keys.nudge(),
        }
    }
}

/// What is changed here is forgotten at once; what is changed elsewhere, when the outbox is read. The second of the two
/// has the first read it.
pub fn invalidator(ground: &Ground, memories: Memories) -> [Spec; 2] {
    let (here, elsewhere) = (memories.clone(), memories.clone());
    ground.store.tell(move |kind, key| here.forget(kind, key));
    let settings = cache_invalidator::Settings {
        evict: Arc::new(move |change| {
            if let Some(kind) = change.kind {
                elsewhere.forget(kind, &change.key);
            }
        }),
        clear: Arc::new(move || {
            memories.clients.clear();
            memories.pending.clear();
        }),
        look: cache_invalidator::LOOK,
    };
    let (bell, invalidator) = cache_invalidator::spec(
        &vitals("root/cache_invalidator", 10, 60),
        settings,
        ground.store.clone(),
    );
    let watch = outbox_watch::spec(
        &vitals("root/outbox_watch", 10, 60),
        ground.store.clone(),
        bell,
    );
    [invalidator, watch]
}

pub fn traces(ground: &Ground) -> (TraceWriter, Spec) {
    TraceWriter::new(
        &vitals("root/audit/trace_writer", 20, 3600),
        trace_writer::Settings {
            clock: Arc::clone(&ground.clock),
            entropy: Arc::clone(&ground.entropy),
        },
        ground.store.clone(),
    )
}

/// Who this process is when only one of many should work.
fn holder(ground: &Ground) -> String {
    ground
        .uuid()
        .unwrap_or_else(|_| std::process::id().to_string())
}

pub fn audit_counter(config: &Config, ground: &Ground) -> Spec {
    audit_counter::spec(
        &vitals("root/audit/audit_counter", 20, 3600),
        audit_counter::Settings {
            enabled: config.audit.enabled,
            holder: holder(ground),
            clock: Arc::clone(&ground.clock),
        },
        ground.store.clone(),
    )
}

pub fn retention(config: &Config, ground: &Ground, audit: &AuditWriter) -> Spec {
    retention_sweeper::spec(
        &vitals("root/audit/retention_sweeper", 20, 3600),
        retention_sweeper::Settings {
            retention: config.audit.retention.filter(|_| config.audit.enabled),
            every: config.audit.cleanup_interval,
            audit: audit.clone(),
            holder: holder(ground),
            clock: Arc::clone(&ground.clock),
        },
        ground.store.clone(),
    )
}

pub fn upkeep(config: &Config, ground: &Ground) -> Spec {
    sweeping::spec(
        &vitals("root/upkeep", 20, 3600),
        sweeping::Settings {
            expired_tokens: config.upkeep.expired_tokens,
            every: config.upkeep.interval,
            holder: holder(ground),
            clock: Arc::clone(&ground.clock),
        },
        ground.store.clone(),
    )
}

pub fn token_ender(config: &Config, ground: &Ground) -> Spec {
    token_ender::spec(
        &vitals("root/token_ender", 20, 3600),
        token_ender::Settings {
            audited: config.audit.enabled,
            holder: holder(ground),
            clock: Arc::clone(&ground.clock),
            entropy: Arc::clone(&ground.entropy),
        },
        ground.store.clone(),
    )
}

pub fn limit_sweeper(config: &Config, ground: &Ground, limits: &Limits) -> Spec {
    let (clock, limits) = (Arc::clone(&ground.clock), limits.all());
    limit_sweeping::spec(
        &vitals("root/limit_sweeper", 20, 3600),
        config.limits.cleanup_interval,
        Arc::new(move || {
            let now = millis(&*clock);
            limits.iter().for_each(|limit| limit.sweep(now));
        }),
    )
}

/// An accept loop.
pub fn listener(
    vitals: &Arc<Vitals>,
    (listener, tls, router): (TcpListener, Option<TlsAcceptor>, Router),
    max_connections: usize,
) -> Spec {
    let door = server::Door::new(listener);
    let settings = server::Settings {
        max_connections,
        ..Default::default()
    };
    http_listener::spec(vitals, move |stop| {
        server::serve(
            door.clone(),
            tls.clone(),
            router.clone(),
            settings.clone(),
            stop,
        )
    })
}

/// The time as rate limits count it, in Unix milliseconds.
pub fn millis(clock: &dyn Clock) -> i64 {
    let now = clock.now();
    now.unix_timestamp() * 1000 + i64::from(now.millisecond())
}

impl Specs {
    /// The tree as it stands in the documents.
    pub fn grow(self, listeners: Vec<Spec>, ground: &Ground) -> Branch {
        let entropy = Arc::clone(&ground.entropy);
        let jitter: Jitter = Arc::new(move || {
            let drawn = random::<4>(&*entropy).unwrap_or_default();
            f64::from(u32::from_be_bytes(drawn)) / f64::from(u32::MAX)
        });
        let mut root = Branch::new(&vitals("root", 3, 60), &jitter).child(self.keys);
        if let Some(writer) = self.store_writer {
            root = root.child(writer);
        }
        let audit = Branch::new(&vitals("root/audit", 3, 60), &jitter)
            .child(self.audit_writer)
            .child(self.trace_writer)
            .child(self.retention_sweeper)
            .child(self.audit_counter);
        let edge = Branch::new(&vitals("root/edge", 3, 60), &jitter);
        let edge = listeners.into_iter().fold(edge, Branch::child);
        root.branch(audit)
            .child(self.poller)
            .child(self.invalidator)
            .child(self.outbox_watch)
            .child(self.limit_sweeper)
            .child(self.hasher)
            .child(self.upkeep)
            .child(self.token_ender)
            .child(self.database_watch)
            .branch(edge)
    }
}
