//! Bodies of answers: whole, or made while they are sent.
//!
//! A streamed body is bounded: the maker waits until the peer has taken what was made. It ends well only when the maker
//! says so; a maker that fails, panics or is stopped cuts the connection, so that half an answer never looks like all of
//! it. A peer that leaves or stops reading is told to the maker by its next piece.
use bytes::Bytes;
use futures_util::Stream;
use std::{
    ops::Deref,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};
use tokio::sync::mpsc;

/// How long a peer may take for one piece.
const PATIENCE: Duration = Duration::from_secs(60);
/// Pieces that may wait for the peer.
const WAITING: usize = 2;

/// The body of an answer.
#[derive(Debug)]
pub enum Body {
    /// All of it.
    Whole(Bytes),
    /// Piece by piece.
    Streamed(Pieces),
}

impl Body {
    /// A body that is made while it is sent, and the end that makes it.
    pub fn streamed() -> (Feeder, Self) {
        let (sender, receiver) = mpsc::channel(WAITING);
        (Feeder(sender), Self::Streamed(Pieces(Some(receiver))))
    }

    /// How long it is, when that is known.
    pub fn length(&self) -> Option<usize> {
        match self {
            Self::Whole(bytes) => Some(bytes.len()),
            Self::Streamed(_) => None,
        }
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        Self::Whole(bytes)
    }
}

/// The bytes of a whole body; none of one that is streamed.
impl Deref for Body {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Whole(bytes) => bytes,
            Self::Streamed(_) => &[],
        }
    }
}

#[derive(Debug)]
enum Piece {
    Bytes(Bytes),
    End,
}

/// Makes a streamed body.
#[derive(Debug)]
pub struct Feeder(mpsc::Sender<Piece>);

/// Nobody takes the body any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the peer left or stopped reading")]
pub struct Gone;

impl Feeder {
    /// Hands over the next piece; waits while the peer is slow.
    ///
    /// # Errors
    /// [`Gone`]; there is no use in making more.
    pub async fn send(&self, bytes: impl Into<Bytes>) -> Result<(), Gone> {
        self.hand(Piece::Bytes(bytes.into())).await
    }

    /// Says that this was all.
    ///
    /// # Errors
    /// [`Gone`].
    pub async fn end(self) -> Result<(), Gone> {
        self.hand(Piece::End).await
    }

    async fn hand(&self, piece: Piece) -> Result<(), Gone> {
        match self.0.send_timeout(piece, PATIENCE).await {
            Ok(()) => Ok(()),
            Err(_) => Err(Gone),
        }
    }
}

/// What the connection reads of a streamed body.
#[derive(Debug)]
pub struct Pieces(Option<mpsc::Receiver<Piece>>);

/// The maker gave up: the connection is cut, so that the peer sees that something is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the answer could not be finished")]
pub struct Unfinished;

impl Stream for Pieces {
    type Item = Result<Bytes, Unfinished>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(receiver) = &mut self.0 else {
            return Poll::Ready(None);
        };
        let piece = std::task::ready!(receiver.poll_recv(context));
        if let Some(Piece::Bytes(bytes)) = piece {
            return Poll::Ready(Some(Ok(bytes)));
        }
        self.0 = None;
        Poll::Ready(piece.is_none().then_some(Err(Unfinished)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::StreamExt as _;

    fn pieces(body: Body) -> Pieces {
        match body {
            Body::Streamed(pieces) => pieces,
            Body::Whole(_) => panic!("whole"),
        }
    }

    #[tokio::test]
    async fn a_body_ends_well_only_when_its_maker_says_so() {
        let (feeder, body) = Body::streamed();
        feeder.send("a").await.unwrap();
        feeder.end().await.unwrap();
        let all: Vec<_> = pieces(body).collect().await;
        assert_eq!(all, [Ok(Bytes::from("a"))]);
        let (feeder, body) = Body::streamed();
        feeder.send("a").await.unwrap();
        drop(feeder);
        let all: Vec<_> = pieces(body).collect().await;
        assert_eq!(all, [Ok(Bytes::from("a")), Err(Unfinished)]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_leaves_or_sleeps_stops_the_maker() {
        let (feeder, body) = Body::streamed();
        drop(body);
        assert_eq!(feeder.send("a").await, Err(Gone));
        let (feeder, _asleep) = Body::streamed();
        for _ in 0..WAITING {
            feeder.send("a").await.unwrap();
        }
        assert_eq!(feeder.send("b").await, Err(Gone));
    }
}
