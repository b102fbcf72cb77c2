//! The accept loop as a child of the tree: started again when it fails, asked to drain at shutdown, cut when its time
//! is over. The loop itself is the `http` room's.

use std::future::Future;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::lifecycle::Step;
use super::supervisor::Spec;
use super::task;
use super::vitals::Vitals;

/// The place in the tree for the loop that `serve` makes. It returns when the last request has been answered after the
/// token was cancelled; dropping it cuts its connections.
pub fn spec<F, Fut>(vitals: &Arc<Vitals>, serve: F) -> Spec
where
    F: Fn(CancellationToken) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    let serve = Arc::new(serve);
    task::spec(
        vitals,
        Arc::new(move |stop: CancellationToken| {
            let loops = Arc::clone(&serve);
            Box::pin(async move {
                loops(stop.clone()).await;
                if stop.is_cancelled() {
                    Ok(())
                } else {
                    Err("the accept loop ended by itself".into())
                }
            })
        }),
    )
    .stopped_in(Step::Http)
}
