//! The static files that the pages need, embedded in the program: stylesheet, script, favicon, mark.
//!
//! Never here: caching headers or status codes; the caller turns [`Asset`] into an answer.

use std::borrow::Cow;

use bytes::Bytes;
use rust_embed::{EmbeddedFile, RustEmbed};

#[derive(RustEmbed)]
#[folder = "static/"]
struct Files;

/// One file of `static/`.
#[derive(Clone, Copy)]
struct Known {
    name: &'static str,
    content_type: &'static str,
    served: Served,
    /// As the build compressed it.
    brotli: &'static [u8],
}

macro_rules! known {
    ($name:literal, $content_type:literal, $served:expr) => {
        Known {
            name: $name,
            content_type: $content_type,
            served: $served,
            brotli: include_bytes!(concat!(env!("OUT_DIR"), "/", $name, ".br")),
        }
    };
}

/// Files of pages carry their digest in the path, so that they may be cached for good; the two icons have the paths that
/// browsers know.
const FILES: [Known; 4] = [
    known!("authgate.css", "text/css; charset=utf-8", Served::ByDigest),
    known!(
        "authgate.js",
        "text/javascript; charset=utf-8",
        Served::ByDigest
    ),
    known!("mark.svg", "image/svg+xml", Served::At("/static/mark.svg")),
    known!("favicon.ico", "image/x-icon", Served::At("/favicon.ico")),
];

#[derive(Clone, Copy)]
enum Served {
    ByDigest,
    At(&'static str),
}

/// One static file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asset {
    pub bytes: Bytes,
    /// The same, compressed; absent where that makes it no smaller.
    pub brotli: Option<Bytes>,
    pub content_type: &'static str,
    /// The path changes whenever the content does: it may be cached for good.
    pub immutable: bool,
}

/// Path of the stylesheet.
#[must_use]
pub fn stylesheet_href() -> String {
    path_of("authgate.css", Served::ByDigest).unwrap_or_default()
}

/// Path of the script.
#[must_use]
pub fn script_href() -> String {
    path_of("authgate.js", Served::ByDigest).unwrap_or_default()
}

/// Where files are served.
#[must_use]
pub fn asset_paths() -> Vec<String> {
    FILES
        .iter()
        .filter_map(|file| path_of(file.name, file.served))
        .collect()
}

/// The file at a request path, byte for byte: no listing, no normalisation. A path with an outdated digest is unknown,
/// so that nobody caches the new content under the old name.
#[must_use]
pub fn asset(path: &str) -> Option<Asset> {
    let known = FILES
        .into_iter()
        .find(|file| path_of(file.name, file.served).is_some_and(|known| known == path))?;
    let bytes = bytes_of(Files::get(known.name)?);
    Some(Asset {
        brotli: (known.brotli.len() < bytes.len()).then(|| Bytes::from_static(known.brotli)),
        bytes,
        content_type: known.content_type,
        immutable: matches!(known.served, Served::ByDigest),
    })
}

/// `/static/dist/<stem>-<eight hex digits of the SHA-256>.<extension>`, or the fixed path.
fn path_of(name: &str, served: Served) -> Option<String> {
    match served {
        Served::At(path) => Some(path.to_owned()),
        Served::ByDigest => {
            let (stem, extension) = name.rsplit_once('.')?;
            let [a, b, c, d, ..] = Files::get(name)?.metadata.sha256_hash();
            Some(format!(
                "/static/dist/{stem}-{a:02x}{b:02x}{c:02x}{d:02x}.{extension}"
            ))
        }
    }
}

fn bytes_of(file: EmbeddedFile) -> Bytes {
    match file.data {
        Cow::Borrowed(data) => Bytes::from_static(data),
        Cow::Owned(data) => Bytes::from(data),
    }
}
