//! A request as handlers see it. The body is read on demand, capped and under a deadline.
use super::form::{Form, FormError};
use ::http::{HeaderMap, Method, Uri};
use bytes::{Buf as _, Bytes, BytesMut};
use cookie::Cookie;
use futures_util::{StreamExt as _, stream::BoxStream};
use std::{
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::sync::{Semaphore, SemaphorePermit};

/// Up to here a body is read at once; a longer one waits for room.
const SMALL: usize = 16 << 10;
/// Room for all longer bodies of this process together, in kilobytes: ten thousand peers with a megabyte each would
/// otherwise be ten gigabytes.
static ROOM: Semaphore = Semaphore::const_new(64 << 10);

/// Chunks of a body.
pub type Chunks = BoxStream<'static, Result<Bytes, warp::Error>>;

/// What came in before the body.
#[derive(Debug)]
pub struct Head {
    /// Method.
    pub method: Method,
    /// Path and query.
    pub uri: Uri,
    /// Headers.
    pub headers: HeaderMap,
    /// The other end of the connection.
    pub peer: SocketAddr,
}

/// A request.
pub struct Request {
    head: Arc<Head>,
    client_address: IpAddr,
    params: Vec<(String, String)>,
    /// Behind a lock only so that handlers may share a reference to the request; it is taken by `&mut`.
    body: Mutex<Option<Chunks>>,
    limit: usize,
    deadline: Duration,
    /// What a long body takes up, until the request is over.
    room: Option<SemaphorePermit<'static>>,
}

/// Why a body was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// Longer than the route takes.
    #[error("the body is too large")]
    TooLarge,
    /// It did not come in time.
    #[error("the body did not arrive in time")]
    Deadline,
    /// The connection broke, or the body was read before.
    #[error("the body could not be read")]
    Broken,
}

impl Request {
    /// Puts a request together. `limit` is in bytes.
    pub fn new(
        head: Arc<Head>,
        client_address: IpAddr,
        body: Chunks,
        limit: usize,
        deadline: Duration,
    ) -> Self {
        Self {
            head,
            client_address,
            params: Vec::new(),
            body: Mutex::new(Some(body)),
            limit,
            deadline,
            room: None,
        }
    }

    /// With the parameters of the matched path.
    #[must_use]
    pub fn with_params(mut self, params: Vec<(String, String)>) -> Self {
        self.params = params;
        self
    }

    /// With another cap on the body, in bytes.
    #[must_use]
    pub(super) fn capped(mut self, bytes: usize) -> Self {
        self.limit = bytes;
        self
    }

    /// The same request without its body, for those who only look at it.
    pub(super) fn shape(&self) -> Self {
        Self {
            head: Arc::clone(&self.head),
            client_address: self.client_address,
            params: Vec::new(),
            body: Mutex::new(None),
            limit: self.limit,
            deadline: self.deadline,
            room: None,
        }
    }

    /// Method.
    pub fn method(&self) -> &Method {
        &self.head.method
    }

    /// Whether it only reads: a GET or a HEAD.
    pub fn is_reading(&self) -> bool {
        matches!(*self.method(), Method::GET | Method::HEAD)
    }

    /// Path without the query.
    pub fn path(&self) -> &str {
        self.head.uri.path()
    }

    /// Path with the query.
    pub fn path_and_query(&self) -> String {
        self.head
            .uri
            .path_and_query()
            .map_or_else(|| "/".to_owned(), ToString::to_string)
    }

    /// Another path with the query of this one.
    pub fn query_at(&self, path: &str) -> String {
        match self.head.uri.query() {
            Some(query) => format!("{path}?{query}"),
            None => path.to_owned(),
        }
    }

    /// A parameter of the path, decoded.
    pub fn param(&self, name: &str) -> Option<&str> {
        self.params
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// The client, behind proxies that are trusted.
    pub fn client_address(&self) -> IpAddr {
        self.client_address
    }

    /// The other end of the connection.
    pub fn peer(&self) -> SocketAddr {
        self.head.peer
    }

    /// A header, if it is there once and readable.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut all = self.head.headers.get_all(name).iter();
        let first = all.next()?;
        if all.next().is_some() {
            return None;
        }
        first.to_str().ok()
    }

    /// The token of `Authorization: Bearer`, whose scheme counts in any case (RFC 9110 §11.1). Never empty.
    pub fn bearer(&self) -> Option<&str> {
        let (scheme, token) = self.header("authorization")?.split_once(' ')?;
        let token = token.trim();
        (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
    }

    /// Whether a header came, however often and whatever is in it.
    pub fn carries(&self, name: &str) -> bool {
        self.head.headers.contains_key(name)
    }

    /// A header that is a list, whole, however many lines it was sent in (RFC 9110 §5.3).
    pub fn list(&self, name: &str) -> Option<String> {
        let all = self.head.headers.get_all(name).iter();
        let all: Vec<&str> = all.filter_map(|line| line.to_str().ok()).collect();
        (!all.is_empty()).then(|| all.join(","))
    }

    /// Whether a person's browser would rather have HTML.
    pub fn wants_html(&self) -> bool {
        self.header("accept")
            .is_some_and(|accept| accept.contains("text/html"))
    }

    /// A cookie.
    pub fn cookie(&self, name: &str) -> Option<String> {
        self.head
            .headers
            .get_all("cookie")
            .iter()
            .filter_map(|header| header.to_str().ok())
            .flat_map(|header| Cookie::split_parse(header.to_owned()).filter_map(Result::ok))
            .find(|cookie| cookie.name() == name)
            .map(|cookie| cookie.value().to_owned())
    }

    /// A cookie as it was sent, without decoding: for values that need none.
    pub fn raw_cookie(&self, name: &str) -> Option<&str> {
        self.head
            .headers
            .get_all("cookie")
            .iter()
            .filter_map(|header| header.to_str().ok())
            .flat_map(|header| header.split(';'))
            .find_map(|pair| pair.trim_start().strip_prefix(name)?.strip_prefix('='))
    }

    /// The host that the browser asked for: the header, or what HTTP/2 has in its place.
    pub fn host(&self) -> Option<&str> {
        self.header("host").or_else(|| {
            self.head
                .uri
                .authority()
                .map(::http::uri::Authority::as_str)
        })
    }

    /// Whether the browser says that a page of another site sent this (Fetch Metadata, and `Origin` where that is missing).
    /// Programs say neither.
    pub fn is_cross_site(&self) -> bool {
        match self.header("sec-fetch-site") {
            Some(site) => !matches!(site, "same-origin" | "none"),
            None => self.header("origin").is_some_and(|origin| {
                let host = origin.split_once("://").map(|(_, host)| host);
                host.is_none() || host != self.host()
            }),
        }
    }

    /// The query, decoded.
    ///
    /// # Errors
    /// As [`Form::pairs`].
    pub fn query_pairs(&self) -> Result<Vec<(String, String)>, FormError> {
        Form::pairs(self.head.uri.query().unwrap_or_default().as_bytes())
    }

    /// The body.
    ///
    /// # Errors
    /// [`BodyError`].
    pub async fn body(&mut self) -> Result<Bytes, BodyError> {
        let slot = self.body.get_mut().unwrap_or_else(PoisonError::into_inner);
        let body = slot.take().ok_or(BodyError::Broken)?;
        let collected = collect(body, self.limit, &mut self.room);
        tokio::time::timeout(self.deadline, collected)
            .await
            .map_err(|_| BodyError::Deadline)?
    }

    /// The body as a form, urlencoded or multipart. Only the fields in `repeatable` may come more than once.
    ///
    /// # Errors
    /// [`FormError`].
    pub async fn form(&mut self, repeatable: &[&str]) -> Result<Form, FormError> {
        let body = self.body().await?;
        Form::parse(
            self.header("content-type").unwrap_or_default(),
            body,
            repeatable,
        )
        .await
    }
}

/// Counts while it reads, so that chunked bodies are bounded too.
async fn collect(
    mut chunks: Chunks,
    limit: usize,
    room: &mut Option<SemaphorePermit<'static>>,
) -> Result<Bytes, BodyError> {
    let mut whole = BytesMut::new();
    let mut first: Option<Bytes> = None;
    while let Some(chunk) = chunks.next().await {
        let mut chunk = chunk.map_err(|_| BodyError::Broken)?;
        let held = whole.len() + first.as_ref().map_or(0, Bytes::len);
        if held + chunk.len() > limit {
            return Err(BodyError::TooLarge);
        }
        if held + chunk.len() > SMALL && room.is_none() {
            // All that it may become at once: two who each wait for the other's rest would wait for ever.
            let kilobytes = u32::try_from(limit.div_ceil(1024)).unwrap_or(u32::MAX);
            let taken = ROOM.acquire_many(kilobytes).await;
            *room = Some(taken.map_err(|_| BodyError::Broken)?);
        }
        // Most bodies come in one piece and need no copy.
        if held == 0 {
            first = Some(chunk);
            continue;
        }
        if let Some(first) = first.take() {
            whole.extend_from_slice(&first);
        }
        whole.extend_from_slice(&chunk);
        chunk.advance(chunk.len());
    }
    Ok(first.unwrap_or_else(|| whole.freeze()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ::http::HeaderValue;

    fn asked(uri: &str, headers: &[(&'static str, &'static str)]) -> Request {
        let headers = headers
            .iter()
            .map(|(name, value)| {
                let name = ::http::HeaderName::from_static(name);
                (name, HeaderValue::from_static(value))
            })
            .collect();
        let head = Head {
            method: Method::POST,
            uri: uri.parse().unwrap(),
            headers,
            peer: "127.0.0.1:1".parse().unwrap(),
        };
        let address = head.peer.ip();
        let body = futures_util::stream::empty().boxed();
        Request::new(Arc::new(head), address, body, 0, Duration::ZERO)
    }

    /// The host is in the header over HTTP/1.1, and in the address over HTTP/2.
    #[test]
    fn another_site_is_told_from_this_one_over_both_protocols() {
        let (own, other) = (
            ("origin", "https://a.example"),
            ("origin", "https://b.example"),
        );
        for (uri, host) in [
            ("/x", Some(("host", "a.example"))),
            ("https://a.example/x", None),
        ] {
            let cross = |more: &[(&'static str, &'static str)]| {
                let all: Vec<_> = host.into_iter().chain(more.iter().copied()).collect();
                asked(uri, &all).is_cross_site()
            };
            assert!(!cross(&[]) && !cross(&[own]), "{uri}");
            assert!(cross(&[other]) && cross(&[("origin", "null")]), "{uri}");
            for (site, expected) in [
                ("same-origin", false),
                ("none", false),
                ("same-site", true),
                ("cross-site", true),
            ] {
                assert_eq!(
                    cross(&[own, ("sec-fetch-site", site)]),
                    expected,
                    "{uri} {site}"
                );
            }
        }
    }
}
