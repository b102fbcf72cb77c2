//! The rooms of a running server, wired: handles first, then the flows that hold them, then the tree that serves them.
use super::{StartFailure, keys, settings};
use crate::{
    actors::{
        KeyHolder, PasswordHasher, Readiness, Tree,
        audit_writer::{self, AuditWriter},
        database_watch,
        device_code_poller::{self, DeviceCodePoller},
        store_writer::StoreWriter,
        trace_writer::TraceWriter,
    },
    cache::{Cached, Failures, VerifiedSecrets},
    config::Config,
    domain::{
        audit::{AuditEvent, EventType, Severity},
        client::Client,
        time::random,
    },
    flows::{
        Ground,
        account::AccountDeps,
        client_auth::ClientAuth,
        clients::Clients,
        device::DeviceDeps,
        inspect::InspectDeps,
        login::{LoginDeps, LoginRules},
        machine::MachineDeps,
        polling::PollDeps,
        refresh::RefreshDeps,
        revoke::RevokeDeps,
    },
    http::{
        docs::DocsDeps,
        oauth::{
            self, device::CodeDeps, discovery::Metadata, refusals::Refusals,
            revoke::RevocationDeps, token::TokenDeps,
        },
        openapi::OpenApiDeps,
        ops::{Files, OpsDeps},
        router::{self, RouteError, Routes},
        routes::{self, Everything, Limits},
        session::{CookieRules, Sessions},
        web::{Readable, WebDeps},
    },
    jose::KeySet,
    pages::Pages,
    passwords::HashAlgorithm,
    seal::{SealKey, SealingRing},
    store::Driver,
};
use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

mod admin;
mod parts;
mod rules;
use parts::{Memories, Specs, vitals};
pub(super) use rules::password_policy;
mod machines;
mod people;

/// Clients that are remembered.
const CLIENTS: u64 = 10_000;
/// Codes whose pace is remembered.
const PACES: usize = 100_000;
/// Connections open at a time to `METRICS_ADDR`.
const WATCHERS: usize = 100;

/// Where requests come in, bound before anything is served.
pub struct Doors {
    /// `SERVER_ADDR`.
    pub public: TcpListener,
    /// `METRICS_ADDR`.
    pub metrics: Option<TcpListener>,
    /// TLS of both.
    pub tls: Option<TlsAcceptor>,
}

/// Handles and the places of their actors in the tree.
pub struct House {
    pub ground: Ground,
    pub readiness: Readiness,
    algorithm: HashAlgorithm,
    pub keys: KeyHolder<KeySet>,
    hasher: PasswordHasher,
    poller: DeviceCodePoller,
    pub audit: AuditWriter,
    traces: TraceWriter,
    clients: Cached<Client>,
    pending: Cached<u64>,
    verified: VerifiedSecrets,
    limits: Limits,
    specs: Specs,
}

impl House {
    /// Makes the handles.
    pub async fn build(
        config: &Config,
        ground: Ground,
        algorithm: HashAlgorithm,
        key_files: Arc<keys::Files>,
    ) -> Result<Self, StartFailure> {
        let readiness = Readiness::default();
        let store_writer = (ground.store.driver() == Driver::Sqlite).then(|| {
            let (sink, spec) =
                StoreWriter::new(&vitals("root/store_writer", 5, 30), ground.store.clone());
            (sink, spec)
        });
        let (keys, keys_spec) = parts::keys(config, &ground, key_files, &readiness).await?;
        let (hasher, hasher_spec) = parts::hasher(algorithm, &ground);
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
        let (traces, trace_spec) = parts::traces(&ground);
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
        let pending = Cached::new(1, config.caches.client_count.ttl);
        let key =
            random(&*ground.entropy).map_err(|error| StartFailure::Other(error.to_string()))?;
        let verified = VerifiedSecrets::new(&key);
        let limits = rules::limits(config);
        let memories = Memories {
            clients: clients.clone(),
            pending: pending.clone(),
            verified: verified.clone(),
            keys: keys.clone(),
        };
        let [invalidator, outbox_watch] = parts::invalidator(&ground, memories);
        let specs = Specs {
            limit_sweeper: parts::limit_sweeper(config, &ground, &limits),
            keys: keys_spec,
            audit_writer: audit_spec,
            trace_writer: trace_spec,
            retention_sweeper: parts::retention(config, &ground, &audit),
            audit_counter: parts::audit_counter(config, &ground),
            poller: poller_spec,
            invalidator,
            outbox_watch,
            hasher: hasher_spec,
            upkeep: parts::upkeep(config, &ground),
            token_ender: parts::token_ender(config, &ground),
            database_watch: database_watch::spec(
                &vitals("root/database_watch", 20, 3600),
                readiness.clone(),
                ground.store.clone(),
                Arc::clone(&ground.clock),
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
            traces,
            clients,
            pending,
            verified,
            limits,
            specs,
        })
    }

    /// Starts the tree; when this returns, requests are served.
    pub async fn start(self, config: &Config, doors: Doors) -> Result<Arc<Tree>, StartFailure> {
        let running: Arc<OnceLock<Arc<Tree>>> = Arc::default();
        let everything = self.everything(config, &running)?;
        let settings = self.router_settings(config, &everything);
        let wrong = |error: RouteError| StartFailure::Other(error.to_string());
        let mut edge = Vec::new();
        if let Some(listener) = doors.metrics {
            let ops = OpsDeps {
                apart: true,
                ..everything.ops.clone()
            };
            let router = routes::watched(&ops, Routes::new())
                .build(settings.clone())
                .map_err(wrong)?;
            let vitals = vitals("root/edge/metrics_listener", 3, 30);
            let served = (listener, doors.tls.clone(), router);
            edge.push(parts::listener(&vitals, served, WATCHERS));
        }
        let router = routes::routes(&everything).build(settings).map_err(wrong)?;
        let vitals = vitals("root/edge/http_listener", 3, 30);
        let served = (doors.public, doors.tls, router);
        edge.push(parts::listener(
            &vitals,
            served,
            config.server.max_connections,
        ));
        let tree = self.specs.grow(edge, &self.ground);
        let tree = Tree::start(tree)
            .await
            .map_err(|error| StartFailure::Other(error.to_string()))?;
        let tree = Arc::new(tree);
        let _ = running.set(Arc::clone(&tree));
        Ok(tree)
    }

    fn router_settings(&self, config: &Config, everything: &Everything) -> router::Settings {
        let clock = Arc::clone(&self.ground.clock);
        let audit = self.audit.clone();
        router::Settings {
            trusted_proxies: config.server.trusted_proxies.clone(),
            https: config.server.is_https(),
            cors: settings::cors(config),
            body_deadline: Duration::from_secs(30),
            refuse: routes::refusals(&everything.web),
            on_limited: Arc::new(move |request, limit| {
                audit.count(
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
            millis: Arc::new(move || parts::millis(&*clock)),
        }
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
            audit: self.audit.clone(),
        };
        let sessions = self.sessions(config, &login)?;
        let rules = Arc::new(rules::token_rules(config));
        let device = DeviceDeps {
            ground: self.ground.clone(),
            auth: auth.clone(),
            rules: Arc::new(rules::device_rules(config)),
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
            readable: Readable::default(),
            pending: self.pending(),
        };
        let ground = &self.ground;
        let refusals = Refusals {
            traces: self.traces.clone(),
            base_url: config.server.base_url.as_str().into(),
        };
        let docs = DocsDeps::new(&web, &config.server.base_url, config.server.swagger);
        let account = AccountDeps {
            login: web.login.clone(),
            policy: Arc::new(rules::password_policy(config, self.algorithm)),
        };
        Ok(Everything {
            docs,
            openapi: OpenApiDeps {
                web: web.clone(),
                base_url: config.server.base_url.clone(),
                registration: config.oauth.registration,
                viewer: config.server.swagger,
            },
            account,
            token: TokenDeps {
                code: self.code(&auth, &rules),
                poll: PollDeps {
                    ground: ground.clone(),
                    auth: auth.clone(),
                    poller: self.poller.clone(),
                    keys: self.keys.clone(),
                    rules: Arc::clone(&rules),
                    enabled: config.device.enabled,
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
                refusals: refusals.clone(),
            },
            inspect: InspectDeps {
                ground: ground.clone(),
                keys: self.keys.clone(),
            },
            machines: self.machines(config, &auth, &refusals),
            people: self.people(config, &web, &refusals, &auth.clients),
            admin: self.admin(config, tree)?,
            revoke: RevocationDeps {
                revoke: RevokeDeps {
                    ground: ground.clone(),
                    auth,
                },
                refusals: refusals.clone(),
            },
            metadata: Metadata {
                issuer: config.server.base_url.clone(),
                registration: config.oauth.registration,
                device_flow: config.device.enabled,
                refresh_tokens: config.oauth.refresh_tokens,
            },
            keys: self.keys.clone(),
            ops: OpsDeps {
                readiness: self.readiness.clone(),
                tree: Arc::clone(tree),
                sessions,
                token: config.metrics.token.clone(),
                files: Arc::new(Files::new(config.server.static_cache_max_age)),
                apart: false,
            },
            limits: self.limits.clone(),
            web,
            device: CodeDeps { device, refusals },
        })
    }

    fn client_auth(&self, config: &Config) -> ClientAuth {
        ClientAuth {
            ground: self.ground.clone(),
            clients: Clients::new(self.ground.store.clone(), self.clients.clone()),
            hasher: self.hasher.clone(),
            verified: self.verified.clone(),
            failures: Failures::default(),
            silences: Failures::default(),
            legacy: config.oauth.legacy_client_auth,
            strict_methods: config.oauth.strict_client_auth_methods,
            issuer: config.server.base_url.as_str().into(),
        }
    }

    fn login_rules(&self, config: &Config) -> LoginRules {
        let session = &config.session;
        LoginRules {
            idle: session.idle_timeout,
            longest: session.longest(),
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
