//! Whether a connection is late: with the head of a request that it began, or with a request at all. Must not live here:
//! what becomes of it.
use std::{
    future::poll_fn,
    io::{self, IoSlice},
    pin::{Pin, pin},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, sleep_until},
};

/// The requests of one connection.
#[derive(Debug)]
pub(super) struct Pulse(Mutex<State>);

#[derive(Debug)]
struct State {
    in_work: usize,
    /// When the last request was answered.
    last: Instant,
    /// When a head began that is not complete.
    head: Option<Instant>,
}

/// How long a connection may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// For a head, from its first byte on.
    pub head: Duration,
    /// Without a request in work.
    pub rest: Duration,
}

/// What a connection is late with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Late {
    /// A head that it began.
    Head,
    /// Its next request, or with taking the last answer.
    Rest,
}

impl State {
    /// When it will be late unless something happens; never while a request is in work.
    fn due(&self, patience: Patience) -> Option<(Instant, Late)> {
        match (self.in_work, self.head) {
            (0, Some(begun)) => Some((begun + patience.head, Late::Head)),
            (0, None) => Some((self.last + patience.rest, Late::Rest)),
            _ => None,
        }
    }
}

impl Pulse {
    pub fn new() -> Self {
        Self(Mutex::new(State {
            in_work: 0,
            last: Instant::now(),
            head: None,
        }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Since when no request is in work.
    pub fn rests_since(&self) -> Option<Instant> {
        let state = self.state();
        (state.in_work == 0).then_some(state.last)
    }

    /// Begins to count the rest anew.
    pub fn beat(&self) {
        self.state().last = Instant::now();
    }

    /// A head is due from now on, unless one is on its way already or a request is in work.
    pub fn expect_head(&self) {
        let mut state = self.state();
        if state.in_work == 0 {
            state.head.get_or_insert_with(Instant::now);
        }
    }

    /// Waits until the connection is late. To be polled after the connection each time, because that is where heads
    /// begin.
    pub async fn late(&self, patience: Patience) -> Late {
        let mut alarm = pin!(sleep_until(Instant::now() + patience.rest));
        poll_fn(|context| {
            loop {
                let due = self.state().due(patience);
                // Requests do not set the alarm forward. It rings too early, once in a while, and is set again.
                if let Some((due, _)) = due
                    && due < alarm.deadline()
                {
                    alarm.as_mut().reset(due);
                }
                ready!(alarm.as_mut().poll(context));
                let now = Instant::now();
                match due {
                    Some((due, late)) if due <= now => return Poll::Ready(late),
                    Some((due, _)) => alarm.as_mut().reset(due),
                    None => alarm.as_mut().reset(now + patience.rest),
                }
            }
        })
        .await
    }
}

/// One request that is being served, until this is dropped.
#[derive(Debug)]
pub(super) struct InWork(Arc<Pulse>);

impl InWork {
    pub fn new(pulse: &Arc<Pulse>) -> Self {
        let mut state = pulse.state();
        state.in_work += 1;
        state.head = None;
        drop(state);
        Self(Arc::clone(pulse))
    }
}

impl Drop for InWork {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.in_work = state.in_work.saturating_sub(1);
        state.last = Instant::now();
    }
}

/// A stream that tells what arrives.
pub(super) struct Heard<S> {
    stream: S,
    by: Option<Arc<Pulse>>,
}

impl<S> Heard<S> {
    /// HTTP/1.1: the first head is due at once, and another one begins with whatever arrives while no request is in
    /// work. hyper has one deadline for a head that is slow and for a connection that rests, which is not the same.
    pub fn by(pulse: &Arc<Pulse>, stream: S) -> Self {
        pulse.expect_head();
        let by = Some(Arc::clone(pulse));
        Self { stream, by }
    }

    /// HTTP/2, whose frames need not be requests.
    pub fn by_nobody(stream: S) -> Self {
        Self { stream, by: None }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Heard<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        if buffer.filled().len() > before
            && let Some(pulse) = &self.by
        {
            pulse.expect_head();
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Heard<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
