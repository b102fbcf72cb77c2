//! Plain futures that the tree owns: a long-running one under a supervisor, and short ones that must not be cut.
//!
//! Lives here: [`spec`] for something like an accept loop, and [`Commits`] for work that must reach its end even when
//! the request that began it is gone. Must not live here: what the futures do.

use std::any::Any;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use ractor::{Actor, ActorProcessingErr, ActorRef};
use tokio::sync::oneshot;
use tokio::task::AbortHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::handle::{Crash, Failure};
use super::supervisor::{Restart, Spec, Start};
use super::vitals::Vitals;
use crate::faults;

/// Makes the future of one incarnation. It must end soon after the token is cancelled.
pub type Run =
    Arc<dyn Fn(CancellationToken) -> BoxFuture<'static, Result<(), Failure>> + Send + Sync>;

/// The place in the tree for the futures that `run` makes: started again when one fails or panics, cancelled at
/// shutdown, aborted when killed. One that ends well is not started again.
pub fn spec(vitals: &Arc<Vitals>, run: Run) -> Spec {
    let stop = CancellationToken::new();
    let stopping = stop.clone();
    let name = vitals.name();
    let start: Start = Arc::new(move |supervisor| {
        let task = Task {
            name,
            run: Arc::clone(&run),
            stop: stop.clone(),
        };
        Box::pin(async move {
            let (actor, _) = Actor::spawn_linked(None, task, (), supervisor).await?;
            Ok(actor.get_cell())
        })
    });
    Spec::new(vitals, Restart::OnFailure, start).stopped_by(move |_| stopping.cancel())
}

struct Task {
    name: &'static str,
    run: Run,
    stop: CancellationToken,
}

enum End {
    Well,
    Failed(String),
    Panicked(String),
}

/// Aborts the future when its actor ends in any way.
struct Running(Option<AbortHandle>);

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(task) = &self.0 {
            task.abort();
        }
    }
}

impl Actor for Task {
    type Msg = End;
    type State = Running;
    type Arguments = ();

    async fn pre_start(&self, _me: ActorRef<End>, (): ()) -> Result<Running, ActorProcessingErr> {
        Ok(Running(None))
    }

    async fn post_start(
        &self,
        me: ActorRef<End>,
        running: &mut Running,
    ) -> Result<(), ActorProcessingErr> {
        let future = (self.run)(self.stop.child_token());
        let future = faults::among(self.name, future);
        let task = tokio::spawn(async move {
            let end = match AssertUnwindSafe(future).catch_unwind().await {
                Ok(Ok(())) => End::Well,
                Ok(Err(failure)) => End::Failed(failure.to_string()),
                Err(panic) => End::Panicked(panic_text(&*panic)),
            };
            let _ = me.cast(end);
        });
        running.0 = Some(task.abort_handle());
        Ok(())
    }

    async fn handle(
        &self,
        me: ActorRef<End>,
        end: End,
        _running: &mut Running,
    ) -> Result<(), ActorProcessingErr> {
        match end {
            End::Well => me.stop(None),
            End::Failed(text) => return Err(Box::new(Crash(text))),
            // Not a `Crash`, so that the supervisor counts it as what it is.
            End::Panicked(text) => return Err(text.into()),
        }
        Ok(())
    }
}

/// What a panic said.
pub(crate) fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without text".to_owned())
}

/// The work ended without a result: it panicked, or the process is at its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the work ended without a result")]
pub struct Unfinished;

/// Runs work that must reach its end. The caller only waits for the result: when it goes away, the work goes on, so a
/// peer that hangs up never cuts a commit in half.
#[derive(Clone, Default)]
pub struct Commits(TaskTracker);

impl Commits {
    /// No work in flight.
    pub fn new() -> Self {
        Self::default()
    }

    /// Begins `work` at once, in a task of its own. The returned future only waits.
    pub fn run<F>(&self, work: F) -> Commit<F::Output>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        let (done, result) = oneshot::channel();
        self.0.spawn(async move {
            match AssertUnwindSafe(work).catch_unwind().await {
                Ok(output) => drop(done.send(output)),
                Err(panic) => {
                    let text = panic_text(&*panic);
                    tracing::error!(%text, "a unit of work panicked");
                }
            }
        });
        Commit(result)
    }

    /// Units of work in flight.
    pub fn in_flight(&self) -> usize {
        self.0.len()
    }

    /// Waits until no work is in flight. Called after the last request has ended; work that begins later is still
    /// run, and waited for if it begins before this returns.
    pub async fn finished(&self) {
        self.0.close();
        self.0.wait().await;
    }
}

/// Waits for the result of one unit of work; dropping it changes nothing for the work.
pub struct Commit<T>(oneshot::Receiver<T>);

impl<T> Future for Commit<T> {
    type Output = Result<T, Unfinished>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(cx).map_err(|_| Unfinished)
    }
}

#[cfg(test)]
mod tests;
