//! The static files that the pages need, embedded in the program: stylesheet, favicon, mark.
//!
//! Never here: caching headers or status codes; the caller turns [`Asset`] into an answer.

use std::borrow::Cow;

use bytes::Bytes;
use rust_embed::{EmbeddedFile, RustEmbed};

#[derive(RustEmbed)]
#[folder = "static/"]
struct Files;

const STYLESHEET: &str = "authgate.css";

/// One static file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asset {
    pub bytes: Bytes,
    pub content_type: &'static str,
    /// The path changes whenever the content does: it may be cached for good.
    pub immutable: bool,
}

/// Path of the stylesheet. It carries the first eight hex digits of the content's SHA-256.
#[must_use]
pub fn stylesheet_href() -> String {
    Files::get(STYLESHEET).map_or_else(String::new, |file| hashed_href(&file))
}

/// The file at a request path, byte for byte: no listing, no normalisation. A stylesheet path with an
/// outdated hash is unknown, so that nobody caches the new content under the old name.
#[must_use]
pub fn asset(path: &str) -> Option<Asset> {
    let (name, content_type) = match path {
        "/favicon.ico" => ("favicon.ico", "image/x-icon"),
        "/static/mark.svg" => ("mark.svg", "image/svg+xml"),
        _ => return stylesheet(path),
    };
    Files::get(name).map(|file| Asset {
        bytes: bytes_of(file),
        content_type,
        immutable: false,
    })
}

fn stylesheet(path: &str) -> Option<Asset> {
    if !path.starts_with("/static/dist/") {
        return None;
    }
    let file = Files::get(STYLESHEET)?;
    (path == hashed_href(&file)).then(|| Asset {
        bytes: bytes_of(file),
        content_type: "text/css; charset=utf-8",
        immutable: true,
    })
}

fn hashed_href(file: &EmbeddedFile) -> String {
    let [a, b, c, d, ..] = file.metadata.sha256_hash();
    format!("/static/dist/authgate-{a:02x}{b:02x}{c:02x}{d:02x}.css")
}

fn bytes_of(file: EmbeddedFile) -> Bytes {
    match file.data {
        Cow::Borrowed(data) => Bytes::from_static(data),
        Cow::Owned(data) => Bytes::from(data),
    }
}
