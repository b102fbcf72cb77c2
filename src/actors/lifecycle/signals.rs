//! The signals of the process. SIGINT and SIGTERM ask it to stop; SIGTSTP (Ctrl+Z) is swallowed, because a suspended
//! daemon looks dead to everyone.
//!
//! The handlers are installed once and stay, so no later signal finds the default action, which would kill the process
//! while it stops. Must not live here: what stopping means.

use std::fmt;
use std::io;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};

/// A signal that asks the process to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// SIGINT: Ctrl+C.
    Interrupt,
    /// SIGTERM: the service manager.
    Terminate,
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Signal::Interrupt => "SIGINT",
            Signal::Terminate => "SIGTERM",
        })
    }
}

/// Whether the process has been asked to stop.
#[derive(Clone)]
pub struct Signals(watch::Receiver<Option<Signal>>);

#[derive(Debug, Clone, Copy)]
pub(crate) enum Received {
    Stop(Signal),
    Suspend,
}

impl Signals {
    /// Installs the handlers. Call once, as early as possible: before this, signals have their default action.
    ///
    /// # Errors
    /// If the operating system refuses a handler.
    pub fn install() -> io::Result<Self> {
        let (sender, receiver) = mpsc::channel(4);
        let kinds = [
            (SignalKind::interrupt(), Received::Stop(Signal::Interrupt)),
            (SignalKind::terminate(), Received::Stop(Signal::Terminate)),
            (SignalKind::from_raw(SIGTSTP), Received::Suspend),
        ];
        for (kind, meaning) in kinds {
            let mut arriving = signal(kind)?;
            let sender = sender.clone();
            tokio::spawn(async move {
                while arriving.recv().await.is_some() && sender.send(meaning).await.is_ok() {}
            });
        }
        Ok(Self::from_stream(receiver))
    }

    pub(crate) fn from_stream(mut arriving: mpsc::Receiver<Received>) -> Self {
        let (first, asked) = watch::channel(None);
        tokio::spawn(async move {
            while let Some(received) = arriving.recv().await {
                heed(&first, received);
            }
        });
        Self(asked)
    }

    /// Waits until the process is asked to stop; at once if it has been.
    pub async fn stop_asked(&self) -> Signal {
        let mut asked = self.0.clone();
        let first = asked.wait_for(Option::is_some).await;
        match first.ok().and_then(|signal| *signal) {
            Some(signal) => signal,
            // The listener is gone with the runtime: nobody will ask any more.
            None => std::future::pending().await,
        }
    }
}

/// SIGTSTP, the same number on every Unix that tokio supports but MIPS and SPARC Linux.
#[cfg(target_os = "linux")]
const SIGTSTP: i32 = 20;
#[cfg(not(target_os = "linux"))]
const SIGTSTP: i32 = 18;

fn heed(first: &watch::Sender<Option<Signal>>, received: Received) {
    match received {
        Received::Suspend => tracing::info!("SIGTSTP ignored: the server cannot be suspended"),
        Received::Stop(signal) => {
            let is_first = first.send_if_modified(|asked| {
                let is_first = asked.is_none();
                asked.get_or_insert(signal);
                is_first
            });
            if !is_first {
                tracing::info!(%signal, "already stopping, signal ignored");
            }
        }
    }
}
