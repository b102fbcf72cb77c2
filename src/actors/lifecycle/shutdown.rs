//! The ordered shutdown: each step with a deadline of its own that begins when the step does.
//!
//! A step that runs out of time is reported in the words operators know from their alerts, and the next one still runs.
//! Must not live here: how a part stops (those futures are injected), and signals.

use std::future::Future;
use std::time::Duration;

use futures_util::future::{BoxFuture, join_all};
use tokio::time::Instant;

/// The error that every step reports which ran out of time.
const OUT_OF_TIME: &str = "context deadline exceeded";

/// The steps of a shutdown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// Readiness is gone, requests are still served, so that balancers notice.
    Delay,
    /// Stop accepting; requests in flight may finish.
    Http,
    /// What is restartable, and commits that outlived their request.
    Work,
    /// Audit records that wait.
    Audit,
    /// What keeps memory in step with the database.
    Caches,
    /// The connections to Redis.
    Redis,
    /// store_writer, then the database.
    Database,
}

/// The order of the shutdown.
pub const SHUTDOWN_ORDER: [Step; 7] = [
    Step::Delay,
    Step::Http,
    Step::Work,
    Step::Audit,
    Step::Caches,
    Step::Redis,
    Step::Database,
];

impl Step {
    /// The variable that sets the step's time; `None` where it is fixed.
    pub fn variable(self) -> Option<&'static str> {
        match self {
            Step::Delay => Some("SHUTDOWN_DELAY"),
            Step::Http => Some("SERVER_SHUTDOWN_TIMEOUT"),
            Step::Work => None,
            Step::Audit => Some("AUDIT_SHUTDOWN_TIMEOUT"),
            Step::Caches => Some("CACHE_CLOSE_TIMEOUT"),
            Step::Redis => Some("REDIS_CLOSE_TIMEOUT"),
            Step::Database => Some("DB_CLOSE_TIMEOUT"),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Step::Delay => "delay",
            Step::Http => "http",
            Step::Work => "work",
            Step::Audit => "audit",
            Step::Caches => "caches",
            Step::Redis => "redis",
            Step::Database => "database",
        }
    }

    /// The log line for `part` when it failed with `error`.
    fn complaint(self, part: &str, error: &str) -> String {
        match self {
            Step::Http => format!("Server forced to shutdown: {error}"),
            Step::Delay | Step::Work => format!("{part} did not stop: {error}"),
            Step::Audit => format!("Error shutting down audit service: {error}"),
            Step::Caches | Step::Redis => format!("{part} did not close: {error}"),
            Step::Database => format!("Error closing database: {error}"),
        }
    }

    /// The log line for `part` when it ran out of time.
    fn ran_out(self, part: &str) -> String {
        match self {
            Step::Delay | Step::Http | Step::Work => self.complaint(part, OUT_OF_TIME),
            Step::Audit => {
                let error = format!("audit service shutdown timeout: {OUT_OF_TIME}");
                self.complaint(part, &error)
            }
            Step::Caches => format!("{part} close timed out: {OUT_OF_TIME}"),
            Step::Redis => format!("Redis close timeout exceeded: {OUT_OF_TIME}"),
            Step::Database => {
                let error = format!("database close timeout: {OUT_OF_TIME}");
                self.complaint(part, &error)
            }
        }
    }
}

/// How long each step may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budgets {
    /// `SHUTDOWN_DELAY`.
    pub delay: Duration,
    /// `SERVER_SHUTDOWN_TIMEOUT`.
    pub http: Duration,
    /// Fixed, see [`Budgets::WORK`].
    pub work: Duration,
    /// `AUDIT_SHUTDOWN_TIMEOUT`.
    pub audit: Duration,
    /// `CACHE_CLOSE_TIMEOUT`.
    pub caches: Duration,
    /// `REDIS_CLOSE_TIMEOUT`.
    pub redis: Duration,
    /// `DB_CLOSE_TIMEOUT`.
    pub database: Duration,
}

impl Budgets {
    /// Time for work that is restartable or already behind its request: no variable has a say in it.
    pub const WORK: Duration = Duration::from_secs(2);

    /// The time of one step.
    pub fn of(&self, step: Step) -> Duration {
        match step {
            Step::Delay => self.delay,
            Step::Http => self.http,
            Step::Work => self.work,
            Step::Audit => self.audit,
            Step::Caches => self.caches,
            Step::Redis => self.redis,
            Step::Database => self.database,
        }
    }

    /// The longest that a shutdown can take.
    pub fn total(&self) -> Duration {
        SHUTDOWN_ORDER.iter().map(|step| self.of(*step)).sum()
    }
}

impl Default for Budgets {
    fn default() -> Self {
        Self {
            delay: Duration::ZERO,
            http: Duration::from_secs(5),
            work: Self::WORK,
            audit: Duration::from_secs(10),
            caches: Duration::from_secs(5),
            redis: Duration::from_secs(5),
            database: Duration::from_secs(5),
        }
    }
}

/// What became of one part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stopped {
    /// The step it belongs to.
    pub step: Step,
    /// Its name.
    pub part: String,
    /// How long it took, from the beginning of its step.
    pub took: Duration,
    /// The line that was logged when it failed or ran out of time.
    pub complaint: Option<String>,
}

impl Stopped {
    /// It ended in order and in time.
    pub fn is_clean(&self) -> bool {
        self.complaint.is_none()
    }
}

type Stop = BoxFuture<'static, Result<(), String>>;

/// A shutdown as it is prepared at the start.
pub struct Shutdown {
    budgets: Budgets,
    parts: Vec<(Step, String, Stop)>,
}

impl Shutdown {
    /// Nothing to stop yet. Logs the order, so that an operator can compare it with the grace period of the platform.
    pub fn new(budgets: Budgets) -> Self {
        let order = SHUTDOWN_ORDER.map(|step| {
            let (name, budget) = (step.name(), budgets.of(step));
            format!("{name} {budget:?}")
        });
        let (order, total) = (order.join(", "), budgets.total());
        tracing::info!(order, ?total, "shutdown order");
        Self {
            budgets,
            parts: Vec::new(),
        }
    }

    /// `stop` ends `part` during `step`. Parts of one step stop at the same time.
    pub fn add(
        &mut self,
        step: Step,
        part: impl Into<String>,
        stop: impl Future<Output = Result<(), String>> + Send + 'static,
    ) {
        self.parts.push((step, part.into(), Box::pin(stop)));
    }

    /// Runs all steps, whatever becomes of each.
    pub async fn run(mut self) -> Vec<Stopped> {
        let mut stopped = Vec::new();
        for step in SHUTDOWN_ORDER {
            let budget = self.budgets.of(step);
            if step == Step::Delay {
                tokio::time::sleep(budget).await;
            }
            let parts = self.parts.extract_if(.., |(of, _, _)| *of == step);
            let stopping = parts.map(|(_, part, stop)| stop_within(budget, step, part, stop));
            stopped.extend(join_all(stopping).await);
        }
        stopped
    }
}

async fn stop_within(budget: Duration, step: Step, part: String, stop: Stop) -> Stopped {
    tracing::info!(part, ?budget, "stopping");
    let began = Instant::now();
    let complaint = match tokio::time::timeout(budget, stop).await {
        Ok(Ok(())) => None,
        Ok(Err(error)) => Some(step.complaint(&part, &error)),
        Err(_) => Some(step.ran_out(&part)),
    };
    let took = began.elapsed();
    match &complaint {
        None => tracing::info!(part, ?took, "stopped"),
        Some(line) => tracing::error!(part, ?took, "{line}"),
    }
    Stopped {
        step,
        part,
        took,
        complaint,
    }
}
