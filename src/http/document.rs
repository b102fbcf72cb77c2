//! Documents: what changes only with the process or a key. Kept as bytes, sent as they are or compressed.
//!
//! Only what holds no secret and nothing of a request may be a document (docs/decisions/0017).
use super::{
    encoding::{Encoding, chosen},
    request::Request,
    respond::{self, HTML, JSON, Response, text, with_type},
};
use ::http::{HeaderValue, header};
use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use std::{
    io::Write as _,
    sync::{Arc, OnceLock},
};

/// Below this (bytes) compression saves no packet.
const WORTH_IT: usize = 860;

/// A document: rendered once, compressed once, when somebody first asks for that.
#[derive(Clone, Debug)]
pub struct Document {
    body: Bytes,
    gzip: Arc<OnceLock<Bytes>>,
    brotli: Option<Bytes>,
    content_type: HeaderValue,
    digest: String,
    cache_control: HeaderValue,
}

impl Document {
    /// A JSON document that may be cached for an hour.
    pub fn json(body: impl Into<Bytes>) -> Self {
        Self::new(
            body.into(),
            JSON,
            HeaderValue::from_static("public, max-age=3600"),
        )
    }

    /// A page that is the same for everybody who is not signed in, which may be cached for five minutes.
    pub fn page(html: String) -> Self {
        Self::new(
            html.into(),
            HTML,
            HeaderValue::from_static("public, max-age=300"),
        )
    }

    /// Any document.
    pub fn new(body: Bytes, content_type: HeaderValue, cache_control: HeaderValue) -> Self {
        let digest = crate::domain::digest::sha256_base64url(&body);
        Self {
            digest: digest.get(..16).unwrap_or(&digest).to_owned(),
            body,
            gzip: Arc::default(),
            brotli: None,
            content_type,
            cache_control,
        }
    }

    /// With what the build has compressed already.
    #[must_use]
    pub fn with_brotli(mut self, brotli: Option<Bytes>) -> Self {
        self.brotli = brotli;
        self
    }

    /// The answer: coded as the reader likes it, 304 for those who have it already, 406 for those who take no coding of it.
    /// Ranges are not served; a `Range` is ignored, as RFC 9110 §14.2 allows.
    pub fn answer(&self, request: &Request) -> Response {
        let accept = request.list("accept-encoding");
        self.coded(accept.as_deref(), request.header("if-none-match"))
    }

    fn coded(&self, accept: Option<&str>, if_none_match: Option<&str>) -> Response {
        let there = self.codings();
        let varies = there.len() > 1;
        let response = match chosen(accept, there) {
            None => text(406, "this is sent plain, gzip or br"),
            Some(encoding) => self.in_encoding(encoding, if_none_match),
        };
        if varies {
            respond::vary(response, "Accept-Encoding")
        } else {
            response
        }
    }

    /// What there is, the smallest first.
    fn codings(&self) -> &'static [Encoding] {
        match (&self.brotli, self.body.len()) {
            (_, ..WORTH_IT) => &[Encoding::Identity],
            (Some(_), _) => &[Encoding::Br, Encoding::Gzip, Encoding::Identity],
            (None, _) => &[Encoding::Gzip, Encoding::Identity],
        }
    }

    fn in_encoding(&self, encoding: Encoding, if_none_match: Option<&str>) -> Response {
        let tag = match encoding.name() {
            Some(name) => format!("\"{}-{name}\"", self.digest),
            None => format!("\"{}\"", self.digest),
        };
        let mut response = if if_none_match.is_some_and(|tags| holds(tags, &tag)) {
            respond::empty(304)
        } else {
            let fresh = with_type(200, self.content_type.clone(), self.bytes(encoding));
            match encoding.name() {
                Some(name) => respond::put(fresh, header::CONTENT_ENCODING, name),
                None => fresh,
            }
        };
        let caching = self.cache_control.clone();
        response
            .headers_mut()
            .insert(header::CACHE_CONTROL, caching);
        respond::put(response, header::ETAG, &tag)
    }

    fn bytes(&self, encoding: Encoding) -> Bytes {
        match (encoding, &self.brotli) {
            (Encoding::Br, Some(brotli)) => brotli.clone(),
            (Encoding::Gzip, _) => self.gzip.get_or_init(|| gzip(&self.body)).clone(),
            (Encoding::Br, None) | (Encoding::Identity, _) => self.body.clone(),
        }
    }
}

/// Whether a list of entity tags holds this one, by the weak comparison (RFC 9110 §13.1.2).
fn holds(tags: &str, ours: &str) -> bool {
    tags.trim() == "*"
        || tags
            .split(',')
            .any(|tag| tag.trim().trim_start_matches("W/") == ours)
}

/// Writing to memory cannot fail.
fn gzip(body: &[u8]) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 3), Compression::best());
    let _ = encoder.write_all(body);
    encoder.finish().unwrap_or_default().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ::http::HeaderName;
    use std::io::Read as _;

    fn long() -> Document {
        let text = "<p>The same words, again and again.</p>".repeat(100);
        let html = HeaderValue::from_static("text/html");
        Document::new(text.into(), html, HeaderValue::from_static("no-cache"))
    }

    fn header(response: &Response, name: HeaderName) -> &str {
        let value = response.headers().get(name);
        value.map_or("", |value| value.to_str().unwrap())
    }

    #[test]
    fn a_document_is_not_sent_twice() {
        let document = Document::json("{}");
        let first = document.coded(None, None);
        let tag = header(&first, header::ETAG).to_owned();
        let again = |tags: &str| document.coded(None, Some(tags)).status();
        assert_eq!(again(&format!("\"x\", W/{tag}")), 304);
        assert_eq!(again("*"), 304);
        assert_eq!(again("\"x\""), 200);
    }

    #[test]
    fn each_coding_has_its_own_tag_and_all_say_that_they_vary() {
        let document = long().with_brotli(Some(Bytes::from_static(b"brotli")));
        let mut tags = std::collections::BTreeSet::new();
        for (accept, coding) in [("", ""), ("gzip", "gzip"), ("gzip, br", "br")] {
            let answer = document.coded(Some(accept), None);
            assert_eq!(header(&answer, header::CONTENT_ENCODING), coding);
            assert_eq!(header(&answer, header::VARY), "Accept-Encoding");
            let tag = header(&answer, header::ETAG).to_owned();
            let known = document.coded(Some(accept), Some(&tag));
            assert_eq!((known.status().as_u16(), known.body().len()), (304, 0));
            assert_eq!(header(&known, header::VARY), "Accept-Encoding");
            assert_eq!(header(&known, header::ETAG), tag);
            assert_eq!(header(&known, header::CACHE_CONTROL), "no-cache");
            assert_eq!(header(&known, header::CONTENT_ENCODING), "");
            // Who has it in another coding does not have this one.
            assert_eq!(
                document
                    .coded(Some("x-gzip;q=0.3, br;q=0"), Some(&tag))
                    .status()
                    == 304,
                coding == "gzip"
            );
            assert!(tags.insert(tag));
        }
        let refused = document.coded(Some("identity;q=0"), None);
        assert_eq!(refused.status(), 406);
        assert_eq!(header(&refused, header::VARY), "Accept-Encoding");
    }

    #[test]
    fn what_was_compressed_is_the_same_again() {
        let document = long();
        let answer = document.coded(Some("gzip"), None);
        let mut text = String::new();
        let mut reader = flate2::read::GzDecoder::new(&answer.body()[..]);
        reader.read_to_string(&mut text).unwrap();
        assert_eq!(text.as_bytes(), &document.body[..]);
        assert!(answer.body().len() * 10 < text.len());
    }

    #[test]
    fn what_is_short_is_sent_as_it_is() {
        let answer = Document::json("{}").coded(Some("gzip"), None);
        assert_eq!(header(&answer, header::CONTENT_ENCODING), "");
        assert_eq!(header(&answer, header::VARY), "");
    }
}
