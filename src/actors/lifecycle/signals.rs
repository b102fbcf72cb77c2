//! The signals of the process. SIGINT and SIGTERM ask it to stop; SIGHUP asks it to load again what lies in files;
//! SIGTSTP (Ctrl+Z) is swallowed, because a suspended daemon looks dead to everyone.
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

/// What the process has been asked.
#[derive(Clone)]
pub struct Signals {
    stop: watch::Receiver<Option<Signal>>,
    reloads: watch::Receiver<u64>,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Received {
    Stop(Signal),
    Reload,
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
            (SignalKind::hangup(), Received::Reload),
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
        let (first, stop) = watch::channel(None);
        let (count, reloads) = watch::channel(0);
        tokio::spawn(async move {
            while let Some(received) = arriving.recv().await {
                heed(&first, &count, received);
            }
        });
        Self { stop, reloads }
    }

    /// Waits until the process is asked to stop; at once if it has been.
    pub async fn stop_asked(&self) -> Signal {
        let mut asked = self.stop.clone();
        let first = asked.wait_for(Option::is_some).await;
        match first.ok().and_then(|signal| *signal) {
            Some(signal) => signal,
            // The listener is gone with the runtime: nobody will ask any more.
            None => std::future::pending().await,
        }
    }
}

impl Signals {
    /// Counts how often the process has been asked to load its files again.
    pub fn reloads(&self) -> watch::Receiver<u64> {
        self.reloads.clone()
    }
}

/// SIGTSTP, the same number on every Unix that tokio supports but MIPS and SPARC Linux.
#[cfg(target_os = "linux")]
const SIGTSTP: i32 = 20;
#[cfg(not(target_os = "linux"))]
const SIGTSTP: i32 = 18;

fn heed(first: &watch::Sender<Option<Signal>>, reloads: &watch::Sender<u64>, received: Received) {
    match received {
        Received::Reload => {
            tracing::info!("SIGHUP: files are loaded again");
            reloads.send_modify(|count| *count += 1);
        }
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
