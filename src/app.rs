//! Assembly: the one place that knows every room. It opens them in order, wires them together, and hands the end of the
//! process to the lifecycle. No rule of any room lives here.
use crate::{
    actors::{
        KeyHolder, Signals, Tree,
        audit_writer::AuditWriter,
        lifecycle::{self, Condition, SHUTDOWN_ORDER, Shutdown, Step},
    },
    config::Config,
    domain::time::{Clock, Entropy},
    flows::{
        self, Ground,
        explain::Explanation,
        seed::{self, SeedRules, Seeded},
    },
    host::{HostClock, HostEntropy},
    http::{server, tls::Certificate},
    jose::KeySet,
    passwords::HashAlgorithm,
    store::{Adoption, Store, StoreError},
};
use std::{process::ExitCode, sync::Arc, time::Duration};

mod beside;
mod house;
pub mod keys;
mod material;
mod notify;
pub mod people;
mod settings;
use material::Material;
pub use material::check;

/// Why the server did not start. The texts are those that operators know.
#[derive(Debug, thiserror::Error)]
pub enum StartFailure {
    /// Settings, or what they point to: every fault.
    #[error("{}", lines(.0))]
    Configuration(Vec<String>),
    /// The database.
    #[error("Failed to start server: failed to initialize database: {0}")]
    Database(String),
    /// The first administrator and client.
    #[error("Failed to start server: failed to seed data: {0}")]
    Seed(String),
    /// The signing key.
    #[error("{0}")]
    Key(String),
    /// The address.
    #[error("Failed to start server: {0}")]
    Edge(String),
    /// A command beside the server cannot do its work.
    #[error("{0}")]
    Command(String),
    /// Anything else.
    #[error("Failed to start server: {0}")]
    Other(String),
    /// A signal came first.
    #[error("{0}")]
    Cancelled(#[from] lifecycle::Cancelled),
}

fn lines(faults: &[String]) -> String {
    let lines = faults
        .iter()
        .map(|fault| format!("Invalid configuration: {fault}\n"));
    lines.collect()
}

/// Runs the server until it is told to stop.
///
/// # Errors
/// [`StartFailure`] when it did not start.
pub async fn run(config: Config) -> Result<ExitCode, StartFailure> {
    let signals = Signals::install().map_err(|error| StartFailure::Other(error.to_string()))?;
    // Only fails when a provider is installed already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let running = lifecycle::start_unless_stopped(&signals, start(&config)).await??;
    running.readiness.ready();
    notify::ready();
    let watchdog = notify::watchdog(Arc::clone(&running.tree));
    let reloads = reloads(&signals, &running);
    let audit = running.audit.clone();
    let ending = lifecycle::run(
        &signals,
        running.tree.escalated(),
        &running.readiness.clone(),
        running.shutdown(&config),
    )
    .await;
    audit.tell_rest();
    watchdog.abort();
    reloads.abort();
    Ok(ExitCode::from(ending.exit_code()))
}

/// What lies in files is loaded again with every SIGHUP.
fn reloads(signals: &Signals, running: &Running) -> tokio::task::JoinHandle<()> {
    const TLS: &str = "tls";
    let mut asked = signals.reloads();
    let (keys, readiness) = (running.keys.clone(), running.readiness.clone());
    let certificate = running.certificate.clone();
    tokio::spawn(async move {
        while asked.changed().await.is_ok() {
            keys.nudge();
            let Some(certificate) = &certificate else {
                continue;
            };
            let condition = match certificate.reload() {
                Ok(()) => Condition::Well,
                Err(error) => Condition::Degraded(format!("the old certificate stays: {error}")),
            };
            readiness.note(TLS, condition);
        }
    })
}

/// Creates or adopts the schema, and nothing else.
///
/// # Errors
/// [`StartFailure::Database`].
pub async fn migrate(config: &Config) -> Result<Adoption, StartFailure> {
    let (store, adoption) = open(config).await?;
    store
        .close()
        .await
        .map_err(|error| StartFailure::Database(error.to_string()))?;
    Ok(adoption)
}

/// Explains a refusal by the reference that the client was given. It reads the database beside a running server.
///
/// # Errors
/// [`StartFailure`] when the database cannot be read or knows no such reference.
pub async fn explain(config: &Config, reference: &str) -> Result<Explanation, StartFailure> {
    let ground = beside::ground(config).await?;
    let explained = flows::explain::explain(&ground, reference).await;
    beside::leave(&ground).await?;
    explained.map_err(|error| StartFailure::Command(error.to_string()))
}

/// How long whoever stops the server should wait for it: what its steps may take, and five seconds.
pub fn longest_stop(config: &Config) -> Duration {
    settings::budgets(config).total() + Duration::from_secs(5)
}

/// A server that runs.
struct Running {
    store: Store,
    tree: Arc<Tree>,
    keys: KeyHolder<KeySet>,
    audit: AuditWriter,
    certificate: Option<Arc<Certificate>>,
    commits: crate::actors::Commits,
    readiness: crate::actors::Readiness,
}

async fn start(config: &Config) -> Result<Running, StartFailure> {
    let clock: Arc<dyn Clock> = Arc::new(HostClock);
    let entropy: Arc<dyn Entropy> = Arc::new(HostEntropy::default());
    let material = Material::read(config).map_err(StartFailure::Configuration)?;
    let (store, _) = open(config).await?;
    let ground = Ground {
        store: store.clone(),
        commits: crate::actors::Commits::new(),
        turns: crate::actors::Turns::of_host(),
        hashing: crate::actors::Turns::of_half_the_host(),
        audited: config.audit.enabled,
        clock,
        entropy,
    };
    let algorithm = settings::password_algorithm(config, &store)
        .await
        .map_err(|error| StartFailure::Database(error.to_string()))?;
    sow(config, &ground, algorithm).await?;
    let house = house::House::build(config, ground, algorithm, material.key_files).await?;
    let bind = |addr| {
        let address = settings::address(addr);
        server::bind(&address).map_err(|error| StartFailure::Edge(error.to_string()))
    };
    let metrics_addr = config.metrics.addr.as_ref();
    let doors = house::Doors {
        public: bind(&config.server.addr)?,
        metrics: metrics_addr.map(bind).transpose()?,
        tls: material.tls,
    };
    tracing::info!(
        address = %settings::address(&config.server.addr),
        metrics_address = metrics_addr.map(|addr| display(settings::address(addr))),
        scheme = if doors.tls.is_some() { "https" } else { "http" },
        verification_uri = format!("{}/device", config.server.base_url),
        database = ?config.database.driver,
        auth_mode = ?config.login.mode,
        signing = %house.keys.current().active().algorithm(),
        "listening"
    );
    let (commits, readiness) = (house.ground.commits.clone(), house.readiness.clone());
    let (keys, audit) = (house.keys.clone(), house.audit.clone());
    let tree = house.start(config, doors).await?;
    Ok(Running {
        store,
        tree,
        keys,
        audit,
        certificate: material.certificate,
        commits,
        readiness,
    })
}

/// Connects and prepares the schema, both within `DB_INIT_TIMEOUT`.
async fn open(config: &Config) -> Result<(Store, Adoption), StartFailure> {
    let opening = async {
        let store = Store::open(&settings::store(config)).await?;
        let adoption = store.prepare().await?;
        Ok::<_, StoreError>((store, adoption))
    };
    match tokio::time::timeout(config.timeouts.db_init, opening).await {
        Ok(Ok(opened)) => Ok(opened),
        Ok(Err(StoreError::Unavailable(why))) => Err(StartFailure::Database(why)),
        Ok(Err(error)) => Err(StartFailure::Database(error.to_string())),
        Err(_) => Err(StartFailure::Database(
            "context deadline exceeded".to_owned(),
        )),
    }
}

async fn sow(
    config: &Config,
    ground: &Ground,
    algorithm: HashAlgorithm,
) -> Result<(), StartFailure> {
    // Where the working directory is gone the file cannot be written, which matters on a first start only.
    let directory = std::env::current_dir().unwrap_or_else(|_| ".".into());
    let rules = SeedRules {
        admin_password: config.login.default_admin_password.clone(),
        algorithm,
        directory,
    };
    let Seeded {
        admin,
        client_id,
        file,
        unwritten,
    } = seed::seed(ground, &rules)
        .await
        .map_err(|error| match error {
            crate::flows::FlowError::Internal(why) | crate::flows::FlowError::Unavailable(why) => {
                StartFailure::Seed(why)
            }
            crate::flows::FlowError::Protocol(error) => {
                StartFailure::Seed(error.description.into_owned())
            }
        })?;
    if admin {
        tracing::info!("the administrator \"admin\" was made");
    }
    if let Some(client_id) = client_id {
        tracing::info!(client_id, "the client \"AuthGate CLI\" was made");
    }
    if let Some(error) = unwritten {
        tracing::warn!(%error, "authgate-credentials.txt could not be written; nobody needs it to sign in");
    }
    if let Some(file) = file {
        tracing::info!(file = %file.display(), "generated credentials were written");
    }
    Ok(())
}

impl Running {
    fn shutdown(self, config: &Config) -> Shutdown {
        let mut shutdown = Shutdown::new(settings::budgets(config));
        shutdown.add(Step::Delay, "systemd", async {
            notify::stopping();
            Ok(())
        });
        for step in SHUTDOWN_ORDER {
            // Who writes for others goes with the database, below.
            let names = self.tree.stopped_in(step).into_iter();
            for name in names.filter(|_| step != Step::Database) {
                let tree = Arc::clone(&self.tree);
                shutdown.add(step, name, async move {
                    tree.stop(name).await;
                    Ok(())
                });
            }
        }
        let commits = self.commits.clone();
        shutdown.add(Step::Work, "commits", async move {
            commits.finished().await;
            Ok(())
        });
        let (tree, store) = (Arc::clone(&self.tree), self.store);
        shutdown.add(Step::Database, "database", async move {
            for name in tree.stopped_in(Step::Database) {
                tree.stop(name).await;
            }
            let closed = store.close().await.map_err(|error| error.to_string());
            tree.end().await;
            closed
        });
        shutdown
    }
}
