//! The listening socket: where it is bound, and when it is closed. Must not live here: what comes in by it.
use std::{
    io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::net::{TcpListener, TcpSocket};

/// The listening socket, which an accept loop that fails leaves to the next one. Clones are one door.
#[derive(Clone, Debug)]
pub struct Door(Arc<Mutex<Option<Arc<TcpListener>>>>);

impl Door {
    /// Open.
    pub fn new(listener: TcpListener) -> Self {
        Self(Arc::new(Mutex::new(Some(Arc::new(listener)))))
    }

    fn slot(&self) -> MutexGuard<'_, Option<Arc<TcpListener>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The socket, unless the door is closed.
    pub(super) fn listener(&self) -> Option<Arc<TcpListener>> {
        self.slot().clone()
    }

    /// Closes it for good: whoever comes now is refused at once, and not left in a backlog that nobody will look into.
    pub(super) fn close(&self) {
        *self.slot() = None;
    }
}

/// Binds `SERVER_ADDR`. `:8080` listens on IPv4 and IPv6.
///
/// # Errors
/// With the address in the text.
pub fn bind(address: &str) -> io::Result<TcpListener> {
    let wrong = |error: io::Error| {
        io::Error::new(
            error.kind(),
            format!("listen tcp: address {address}: {error}"),
        )
    };
    let (host, port) = address.rsplit_once(':').ok_or_else(|| {
        io::Error::other(format!(
            "listen tcp: address {address}: missing port in address"
        ))
    })?;
    let port: u16 = port.parse().map_err(|_| {
        io::Error::other(format!(
            "listen tcp: address {address}: the port is not a number up to 65535"
        ))
    })?;
    if host.is_empty() {
        // An IPv6 socket takes IPv4 too; a machine without IPv6 gets IPv4 alone.
        return listen((Ipv6Addr::UNSPECIFIED, port).into())
            .or_else(|_| listen((Ipv4Addr::UNSPECIFIED, port).into()))
            .map_err(wrong);
    }
    use std::net::ToSocketAddrs as _;
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let mut failure = io::Error::other("no such host");
    for candidate in (bare, port).to_socket_addrs().map_err(wrong)? {
        match listen(candidate) {
            Ok(listener) => return Ok(listener),
            Err(error) => failure = error,
        }
    }
    Err(wrong(failure))
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(1024)
}
