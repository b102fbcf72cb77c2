//! The rooms of a running server, wired: handles first, then the flows that hold them, then the tree that serves them.
use super::{StartFailure, keys::Loader, settings};
use crate::{
    actors::{
        Branch, Intensity, KeyHolder, PasswordHasher, Readiness, Spec, Tree, Vitals,
        audit_writer::{self, AuditWriter},
        cache_invalidator::{self, CacheInvalidator},
        database_watch,
        device_code_poller::{self, DeviceCodePoller},
        http_listener, key_holder, password_hasher, retention_sweeper,
        store_writer::StoreWriter,
        supervisor::Jitter,
        upkeep,
    },
    cache::{Cached, VerifiedSecrets},
    config::Config,
    domain::{
        audit::{AuditEvent, EventType, Severity},
        client::Client,
        time::random,
    },
    flows::{
        Ground,
        client_auth::{ClientAuth, Failures},
        clients::Clients,
        device::{DeviceDeps, DeviceRules},
        inspect::InspectDeps,
        issue::TokenRules,
        login::{LoginDeps, LoginRules},
        machine::MachineDeps,
        polling::PollDeps,
        refresh::RefreshDeps,
        revoke::RevokeDeps,
    },
    http::{
        limits::Limiter,
        oauth::{self, discovery::Metadata, token::TokenDeps},
        ops::{Files, OpsDeps},
        router::{self, Router},
        routes::{self, Everything, Limits},
        server,
        session::{CookieRules, Sessions},
        web::WebDeps,
    },
    jose::KeySet,
    pages::Pages,
    passwords::{self, HashAlgorithm},
    seal::{SealKey, SealingRing},
    store::Driver,
};
use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// Clients that are remembered.
const CLIENTS: u64 = 10_000;
/// Codes whose pace is remembered.
const PACES: usize = 100_000;

/// Handles and the places of their actors in the tree.
pub struct House {
    pub ground: Ground,
    pub readiness: Readiness,
    algorithm: HashAlgorithm,
    keys: KeyHolder<KeySet>,
    hasher: PasswordHasher,
    poller: DeviceCodePoller,
    audit: AuditWriter,
    clients: Cached<Client>,
    verified: VerifiedSecrets,
    specs: Specs,
}

struct Specs {
    keys: Spec,
    store_writer: Option<Spec>,
    audit_writer: Spec,
    retention_sweeper: Spec,
    poller: Spec,
    invalidator: Spec,
    hasher: Spec,
    upkeep: Spec,
    database_watch: Spec,
}

fn vitals(path: &'static str, limit: u32, window_s: u64) -> Arc<Vitals> {
    let intensity = Intensity {
        limit,
        window: Duration::from_secs(window_s),
    };
    Vitals::new(path, intensity, Arc::new(time::OffsetDateTime::now_utc))
}

impl House {
    /// Makes the handles.
    pub async fn build(
        config: &Config,
        ground: Ground,
        algorithm: HashAlgorithm,
    ) -> Result<Self, StartFailure> {
        let readiness = Readiness::default();
        let store_writer = (ground.store.driver() == Driver::Sqlite).then(|| {
            let (sink, spec) =
                StoreWriter::new(&vitals("root/store_writer", 5, 30), ground.store.clone());
            (sink, spec)
        });
        let (keys, keys_spec) = keys(config, &ground, &readiness).await?;
        let (hasher, hasher_spec) = hasher(algorithm, &ground);
        let (audit, audit_spec) = AuditWriter::new(
            &vitals("root/audit/audit_writer", 5, 30),
            audit_writer::Settings {
                enabled: config.audit.enabled,
                capacity: config.audit.buffer_size,
                clock: Arc::clone(&ground.clock),
                entropy: Arc::clone(&ground.entropy),
            },
            ground.store.clone(),
        );
        let (poller, poller_spec) = DeviceCodePoller::new(
            &vitals("root/device_code_poller", 10, 60),
            device_code_poller::Settings {
                capacity: 4096,
                remembered: PACES,
                clock: Arc::clone(&ground.clock),
            },
            ground.store.clone(),
        );
        let clients = Cached::new(CLIENTS, config.caches.client.ttl);
        let key =
            random(&*ground.entropy).map_err(|error| StartFailure::Other(error.to_string()))?;
        let verified = VerifiedSecrets::new(&key);
        let invalidator = invalidator(&ground, &clients, &verified);
        let specs = Specs {
            keys: keys_spec,
            audit_writer: audit_spec,
            retention_sweeper: retention(config, &ground),
            poller: poller_spec,
            invalidator,
            hasher: hasher_spec,
            upkeep: upkeep(config, &ground),
            database_watch: database_watch::spec(
                &vitals("root/database_watch", 20, 3600),
                readiness.clone(),
                ground.store.clone(),
            ),
            store_writer: store_writer.map(|(sink, spec)| {
                ground.store.submit_through(Arc::new(sink));
                spec
            }),
        };
        Ok(Self {
            ground,
            readiness,
            algorithm,
            keys,
            hasher,
            poller,
            audit,
            clients,
            verified,
            specs,
        })
    }

    /// Starts the tree; when this returns, requests are served.
    pub async fn start(
        self,
        config: &Config,
        listener: TcpListener,
        tls: Option<TlsAcceptor>,
    ) -> Result<Arc<Tree>, StartFailure> {
        let running: Arc<OnceLock<Arc<Tree>>> = Arc::default();
        let router = self.router(config, &running)?;
        let settings = server::Settings {
            max_connections: config.server.max_connections,
            ..Default::default()
        };
        let listener = Arc::new(listener);
        let listener =
            http_listener::spec(&vitals("root/edge/http_listener", 3, 30), move |stop| {
                server::serve(
                    Arc::clone(&listener),
                    tls.clone(),
                    router.clone(),
                    settings.clone(),
                    stop,
                )
            });
        let tree = self.specs.grow(listener, &self.ground);
        let tree = Tree::start(tree)
            .await
            .map_err(|error| StartFailure::Other(error.to_string()))?;
        let tree = Arc::new(tree);
        let _ = running.set(Arc::clone(&tree));
        Ok(tree)
    }

    fn router(
        &self,
        config: &Config,
        tree: &Arc<OnceLock<Arc<Tree>>>,
    ) -> Result<Router, StartFailure> {
        let everything = self.everything(config, tree)?;
        let clock = Arc::clone(&self.ground.clock);
        let audit = self.audit.clone();
        let settings = router::Settings {
            trusted_proxies: config.server.trusted_proxies.clone(),
            https: config.server.is_https(),
            cors: settings::cors(config),
            body_deadline: Duration::from_secs(30),
            refuse: routes::refusals(&everything.web),
            on_limited: Arc::new(move |request, limit| {
                audit.note(
                    AuditEvent::new(
                        EventType::RateLimitExceeded,
                        "Too many requests from one address",
                    )
                    .at(Severity::Warning)
                    .with("endpoint", request.path())
                    .with("requests_per_minute", limit)
                    .failed("Too many requests")
                    .from(&oauth::origin(request)),
                );
            }),
            millis: Arc::new(move || {
                let now = clock.now();
                now.unix_timestamp() * 1000 + i64::from(now.millisecond())
            }),
        };
        routes::routes(&everything)
            .build(settings)
            .map_err(|error| StartFailure::Other(error.to_string()))
    }

    fn everything(
        &self,
        config: &Config,
        tree: &Arc<OnceLock<Arc<Tree>>>,
    ) -> Result<Everything, StartFailure> {
        let auth = self.client_auth(config);
        let login = LoginDeps {
            ground: self.ground.clone(),
            hasher: self.hasher.clone(),
            rules: Arc::new(self.login_rules(config)),
        };
        let sessions = self.sessions(config, &login)?;
        let rules = Arc::new(token_rules(config));
        let device = DeviceDeps {
            ground: self.ground.clone(),
            auth: auth.clone(),
            rules: Arc::new(device_rules(config)),
        };
        let pages = Arc::new(Pages::new().map_err(|error| StartFailure::Other(error.to_string()))?);
        let days = |life: Duration| {
            u32::try_from(life.as_secs().div_ceil(86_400))
                .unwrap_or(1)
                .max(1)
        };
        let web = WebDeps {
            pages,
            sessions: sessions.clone(),
            login,
            device: device.clone(),
            remember_me_days: config.session.remember_me.map(days),
        };
        let ground = &self.ground;
        Ok(Everything {
            token: TokenDeps {
                poll: PollDeps {
                    ground: ground.clone(),
                    auth: auth.clone(),
                    poller: self.poller.clone(),
                    keys: self.keys.clone(),
                    rules: Arc::clone(&rules),
                },
                refresh: RefreshDeps {
                    ground: ground.clone(),
                    auth: auth.clone(),
                    keys: self.keys.clone(),
                    rules: Arc::clone(&rules),
                },
                machine: MachineDeps {
                    ground: ground.clone(),
                    auth: auth.clone(),
                    keys: self.keys.clone(),
                    rules,
                },
                extra_claims: Arc::new(config.claims.rules.clone()),
            },
            inspect: InspectDeps {
                ground: ground.clone(),
                keys: self.keys.clone(),
            },
            revoke: RevokeDeps {
                ground: ground.clone(),
                auth,
            },
            metadata: Metadata {
                issuer: config.server.base_url.clone(),
                algorithm: self.keys.current().active().algorithm(),
                registration: config.oauth.registration,
            },
            keys: self.keys.clone(),
            ops: OpsDeps {
                readiness: self.readiness.clone(),
                tree: Arc::clone(tree),
                sessions,
                token: config.metrics.token.clone(),
                files: Arc::new(Files::new(config.server.static_cache_max_age)),
            },
            limits: limits(config),
            web,
            device,
        })
    }

    fn client_auth(&self, config: &Config) -> ClientAuth {
        ClientAuth {
            ground: self.ground.clone(),
            clients: Clients::new(self.ground.store.clone(), self.clients.clone()),
            hasher: self.hasher.clone(),
            verified: self.verified.clone(),
            failures: Failures::default(),
            legacy: config.oauth.legacy_client_auth,
        }
    }

    fn login_rules(&self, config: &Config) -> LoginRules {
        let session = &config.session;
        LoginRules {
            idle: session.idle_timeout,
            absolute: session
                .absolute_timeout
                .unwrap_or(Duration::from_secs(10 * 365 * 86_400)),
            remember_me: session.remember_me,
            fingerprint: session.fingerprint,
            fingerprint_ip: session.fingerprint_ip,
            algorithm: self.algorithm,
            max_failures: config.login.max_failures,
        }
    }

    fn sessions(&self, config: &Config, login: &LoginDeps) -> Result<Sessions, StartFailure> {
        let key = SealKey::from_secret("session cookie", config.session.secret.expose().as_bytes())
            .map_err(|error| StartFailure::Other(format!("SESSION_SECRET: {error}")))?;
        let seconds = |life: Option<Duration>| {
            life.map_or(0, |life| i64::try_from(life.as_secs()).unwrap_or(0))
        };
        Ok(Sessions {
            ring: Arc::new(SealingRing::new(key, Vec::new())),
            rules: Arc::new(CookieRules {
                secure: config.server.is_exposed(),
                max_age: seconds(config.session.max_age),
                remember_me_max_age: seconds(config.session.remember_me),
            }),
            entropy: Arc::clone(&self.ground.entropy),
            login: login.clone(),
        })
    }
}

async fn keys(
    config: &Config,
    ground: &Ground,
    readiness: &Readiness,
) -> Result<(KeyHolder<KeySet>, Spec), StartFailure> {
    let loader = Loader::new(config, ground.store.clone(), Arc::clone(&ground.clock));
    let settings = key_holder::Settings {
        load: Arc::new(move || {
            let loader = Arc::clone(&loader);
            Box::pin(async move { loader.load().await })
        }),
        // Keys of other servers on this database become known, and ended ones are forgotten.
        reload_every: Some(Duration::from_secs(600)),
        readiness: readiness.clone(),
        clock: Arc::new(time::OffsetDateTime::now_utc),
    };
    KeyHolder::open(&vitals("root/key_holder", 3, 30), settings)
        .await
        .map_err(StartFailure::Key)
}

fn hasher(algorithm: HashAlgorithm, ground: &Ground) -> (PasswordHasher, Spec) {
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

fn invalidator(ground: &Ground, clients: &Cached<Client>, verified: &VerifiedSecrets) -> Spec {
    let (clients, verified) = (clients.clone(), verified.clone());
    let all = clients.clone();
    let settings = cache_invalidator::Settings {
        evict: Arc::new(move |change| {
            if change.kind == "client" {
                clients.evict(&change.key);
                verified.evict(&change.key);
            }
        }),
        clear: Arc::new(move || all.clear()),
    };
    let (_, spec) = CacheInvalidator::new(
        &vitals("root/cache_invalidator", 10, 60),
        settings,
        ground.store.clone(),
    );
    spec
}

/// Who this process is when only one of many should work.
fn holder(ground: &Ground) -> String {
    ground
        .uuid()
        .unwrap_or_else(|_| std::process::id().to_string())
}

fn retention(config: &Config, ground: &Ground) -> Spec {
    retention_sweeper::spec(
        &vitals("root/audit/retention_sweeper", 20, 3600),
        retention_sweeper::Settings {
            retention: config.audit.retention.filter(|_| config.audit.enabled),
            every: config.audit.cleanup_interval,
            holder: holder(ground),
            clock: Arc::clone(&ground.clock),
        },
        ground.store.clone(),
    )
}

fn upkeep(config: &Config, ground: &Ground) -> Spec {
    upkeep::spec(
        &vitals("root/upkeep", 20, 3600),
        upkeep::Settings {
            expired_tokens: config.upkeep.expired_tokens,
            every: config.upkeep.interval,
            holder: holder(ground),
            clock: Arc::clone(&ground.clock),
        },
        ground.store.clone(),
    )
}

fn token_rules(config: &Config) -> TokenRules {
    TokenRules {
        issuer: config.server.base_url.clone(),
        audience: config.claims.audience.clone(),
        prefix: config.claims.rules.prefix.clone(),
        domain: config.claims.domain.clone().unwrap_or_default(),
        lifetimes: config.lifetimes.clone(),
        refresh_tokens: config.oauth.refresh_tokens,
        rotation: config.oauth.token_rotation,
        access_type: settings::access_type(config),
        public_extra_claims: config.claims.public_clients,
    }
}

fn device_rules(config: &Config) -> DeviceRules {
    let device = &config.device;
    DeviceRules {
        base_url: config.server.base_url.clone(),
        life: device.code_expiration,
        interval: u32::try_from(device.polling_interval.as_secs())
            .unwrap_or(5)
            .max(1),
        enabled: device.enabled,
        networks: device.allowed_networks.clone(),
        recent_login: device.recent_login,
        max_misses: device.max_code_misses,
    }
}

fn limits(config: &Config) -> Limits {
    let limits = &config.limits;
    let limiter = |per_minute: u32| {
        limits
            .enabled
            .then(|| Arc::new(Limiter::new(i64::from(per_minute))))
    };
    Limits {
        login: limiter(limits.login),
        device_code: limiter(limits.device_code),
        token: limiter(limits.token),
        device_verify: limiter(limits.device_verify),
    }
}

impl Specs {
    /// The tree as it stands in the documents.
    fn grow(self, listener: Spec, ground: &Ground) -> Branch {
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
            .child(self.retention_sweeper);
        let edge = Branch::new(&vitals("root/edge", 3, 60), &jitter).child(listener);
        root.branch(audit)
            .child(self.poller)
            .child(self.invalidator)
            .child(self.hasher)
            .child(self.upkeep)
            .child(self.database_watch)
            .branch(edge)
    }
}
