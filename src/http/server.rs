//! The accept loop: connections in a budget, deadlines on everything, and a drain with an end.
//!
//! warp is the service behind it; its own server waits for open connections for ever and has no deadline for headers.
use super::{body::Body, request::Head, router::Router};
use futures_util::StreamExt as _;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
    service::TowerToHyperService,
};
use std::{io, net::SocketAddr, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::{sleep, timeout},
};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use warp::{Filter as _, Reply as _};

mod crowd;
mod door;
mod pulse;
use crowd::{Crowd, Guest};
pub use door::{Door, bind};
use pulse::{Heard, InWork, Late, Patience, Pulse};

/// Limits of the edge.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `MAX_CONNECTIONS`: when all places are taken, those who rest longest are asked to end; more wait in the backlog
    /// of the kernel.
    pub max_connections: usize,
    /// Who rested less than this is not asked to make room, since its first or next request may be on the way. So long
    /// may the head of that request take when it is asked.
    pub spare: Duration,
    /// How long a request's headers may take, and the first request of HTTP/1.1.
    pub header_deadline: Duration,
    /// How long a TLS handshake may take.
    pub handshake_deadline: Duration,
    /// How long a connection may rest, no request being served.
    pub rest: Duration,
    /// How long one that was asked to end has to take its last answer.
    pub farewell: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            max_connections: 10_000,
            spare: Duration::from_millis(500),
            header_deadline: Duration::from_secs(10),
            handshake_deadline: Duration::from_secs(5),
            rest: Duration::from_secs(75),
            farewell: Duration::from_secs(10),
        }
    }
}

/// Before the accept loop tries again what did not work.
const PAUSE: Duration = Duration::from_millis(100);

/// Serves until `stop`; then the door is closed for good, connections that are idle are closed, and requests in flight
/// may finish. Returns when the last has. Dropping the future cuts what is left, and the door stays open.
pub async fn serve(
    door: Door,
    tls: Option<TlsAcceptor>,
    router: Router,
    settings: Settings,
    stop: CancellationToken,
) {
    let Some(listener) = door.listener() else {
        return;
    };
    let mut crowd = Crowd::new(settings.max_connections, settings.spare);
    'accepting: loop {
        let accepted = tokio::select! {
            biased;
            () = stop.cancelled() => break,
            () = crowd.left() => continue,
            accepted = listener.accept() => accepted,
        };
        let (tcp, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                pause_after(&error).await;
                continue;
            }
        };
        // One stands at the door until there is a place: else nobody would know that it is wanted.
        while crowd.is_full() {
            crowd.make_room();
            tokio::select! {
                biased;
                () = stop.cancelled() => break 'accepting,
                () = crowd.left() => {}
                () = sleep(PAUSE) => {}
            }
        }
        let guest = Guest {
            pulse: Arc::new(Pulse::new()),
            leave: stop.child_token(),
        };
        let connection = Connection {
            router: router.clone(),
            settings: settings.clone(),
            peer,
            guest: guest.clone(),
        };
        crowd.admit(guest, connection.run(tcp, tls.clone()));
    }
    drop(listener);
    door.close();
    tracing::info!(open = crowd.len(), "no connection is accepted any more");
    crowd.all_left().await;
}

/// A peer that went away is no reason to wait; a machine out of file descriptors is.
async fn pause_after(error: &io::Error) {
    let harmless = matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset
    );
    if !harmless {
        tracing::warn!(%error, "a connection could not be accepted");
        sleep(PAUSE).await;
    }
}

struct Connection {
    router: Router,
    settings: Settings,
    peer: SocketAddr,
    guest: Guest,
}

impl Connection {
    async fn run(self, tcp: TcpStream, tls: Option<TlsAcceptor>) {
        let _ = tcp.set_nodelay(true);
        let Some(tls) = tls else {
            return self.drive(tcp, false).await;
        };
        let handshake = timeout(self.settings.handshake_deadline, tls.accept(tcp));
        let handshake = self.guest.leave.run_until_cancelled(handshake).await;
        if let Some(Ok(Ok(stream))) = handshake {
            let (_, session) = stream.get_ref();
            let is_h2 = session.alpn_protocol() == Some(b"h2");
            self.drive(stream, is_h2).await;
        }
    }

    async fn drive(
        self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        is_h2: bool,
    ) {
        let Guest { pulse, leave } = self.guest;
        let service = TowerToHyperService::new(Arrival {
            inner: warp::service(filter(self.router)),
            peer: self.peer,
            pulse: Arc::clone(&pulse),
        });
        // Clear text speaks HTTP/1.1; HTTP/2 is agreed on in the TLS handshake. To guess it from the first bytes would be to
        // wait for them without an end.
        let builder = auto::Builder::new(TokioExecutor::new());
        let mut builder = if is_h2 {
            builder.http2_only()
        } else {
            builder.http1_only()
        };
        builder
            .http1()
            .header_read_timeout(None)
            .max_buf_size(64 << 10);
        builder
            .http2()
            .timer(TokioTimer::new())
            .keep_alive_interval(Duration::from_secs(20))
            .max_concurrent_streams(128)
            .max_header_list_size(16 << 10);
        let stream = if is_h2 {
            Heard::by_nobody(stream)
        } else {
            Heard::by(&pulse, stream)
        };
        let connection = builder.serve_connection(TokioIo::new(stream), service);
        let mut connection = std::pin::pin!(connection);
        let mut patience = Patience {
            head: self.settings.header_deadline,
            rest: self.settings.rest,
        };
        let mut asked = false;
        loop {
            tokio::select! {
                biased;
                outcome = connection.as_mut() => {
                    if let Err(error) = outcome {
                        tracing::debug!(%error, "a connection ended early");
                    }
                    return;
                }
                () = leave.cancelled(), if !asked => {}
                late = pulse.late(patience) => if asked || late == Late::Head {
                    tracing::debug!(?late, "a connection is cut");
                    return;
                }
            }
            // Once: asked to end, by the house or by its own rest.
            asked = true;
            patience = Patience {
                head: self.settings.spare,
                rest: self.settings.farewell,
            };
            pulse.beat();
            connection.as_mut().graceful_shutdown();
        }
    }
}

/// The one warp filter: what came in before the body, and the body.
fn filter(
    router: Router,
) -> impl warp::Filter<Extract = (warp::reply::Response,), Error = warp::Rejection>
+ Clone
+ Send
+ Sync
+ 'static {
    warp::ext::get::<Arc<Head>>()
        .and(warp::ext::get::<Arc<InWork>>())
        .and(warp::body::stream())
        .then(move |head: Arc<Head>, in_work: Arc<InWork>, body| {
            let router = router.clone();
            async move {
                let body = futures_util::StreamExt::map(body, |chunk: Result<_, warp::Error>| {
                    chunk.map(|mut chunk| {
                        let length = bytes::Buf::remaining(&chunk);
                        bytes::Buf::copy_to_bytes(&mut chunk, length)
                    })
                });
                let (parts, body) = router.answer(head, body.boxed()).await.into_parts();
                match body {
                    Body::Whole(bytes) => warp::reply::Response::from_parts(parts, bytes.into()),
                    Body::Streamed(pieces) => {
                        // Its maker gives up on a peer that does not read, so it may last.
                        let pieces = futures_util::StreamExt::inspect(pieces, move |_| {
                            let _ = &in_work;
                        });
                        let body = warp::reply::stream(pieces).into_response().into_body();
                        warp::reply::Response::from_parts(parts, body)
                    }
                }
            }
        })
}

/// Hands the request's head over as one extension, so that headers are moved and not copied, with the peer's address,
/// which warp knows only of connections that it accepted itself.
#[derive(Clone)]
struct Arrival<S> {
    inner: S,
    peer: SocketAddr,
    pulse: Arc<Pulse>,
}

impl<S, B> tower_service::Service<::http::Request<B>> for Arrival<S>
where
    S: tower_service::Service<::http::Request<B>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(
        &mut self,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: ::http::Request<B>) -> S::Future {
        let head = Head {
            method: request.method().clone(),
            uri: request.uri().clone(),
            headers: std::mem::take(request.headers_mut()),
            peer: self.peer,
        };
        request.extensions_mut().insert(Arc::new(head));
        let in_work = Arc::new(InWork::new(&self.pulse));
        request.extensions_mut().insert(in_work);
        self.inner.call(request)
    }
}

#[cfg(test)]
mod tests;
