//! Which pages of other origins may read answers. Must not live here: the headers.
use super::reader::Reader;
use std::time::Duration;

/// Cross-origin reading.
#[derive(Clone, Debug)]
pub struct Cors {
    /// `CORS_ENABLED`, default off.
    pub enabled: bool,
    /// `CORS_ALLOWED_ORIGINS`, required when on, in lower case as browsers send them. A lone `*` lets every origin read,
    /// without credentials.
    pub origins: Vec<String>,
    /// `CORS_ALLOWED_METHODS`, default `GET,POST,PUT,DELETE,OPTIONS`, in upper case: browsers compare them so.
    pub methods: Vec<String>,
    /// `CORS_ALLOWED_HEADERS`, default `Origin,Content-Type,Authorization`.
    pub headers: Vec<String>,
    /// `CORS_MAX_AGE`, default 12h: how long a preflight answer counts. Zero or less sends no header.
    pub max_age: Option<Duration>,
}

impl Cors {
    pub(super) fn read(r: &mut Reader<'_>) -> Self {
        let methods = ["GET", "POST", "PUT", "DELETE", "OPTIONS"];
        let headers = ["Origin", "Content-Type", "Authorization"];
        let cors = Self {
            enabled: r.boolean("CORS_ENABLED", false),
            origins: each(r.list("CORS_ALLOWED_ORIGINS", &[]), str::to_ascii_lowercase),
            methods: each(
                r.list("CORS_ALLOWED_METHODS", &methods),
                str::to_ascii_uppercase,
            ),
            headers: r.list("CORS_ALLOWED_HEADERS", &headers),
            max_age: r.optional_duration("CORS_MAX_AGE", Duration::from_secs(43_200)),
        };
        if cors.enabled {
            check_origins(r, &cors.origins);
        }
        cors
    }
}

/// Each entry in the spelling that is compared, and once.
fn each(list: Vec<String>, spelling: fn(&str) -> String) -> Vec<String> {
    let mut entries = Vec::with_capacity(list.len());
    for entry in list {
        let entry = spelling(&entry);
        if !entries.contains(&entry) {
            entries.push(entry);
        }
    }
    entries
}

fn check_origins(r: &mut Reader<'_>, origins: &[String]) {
    const NAME: &str = "CORS_ALLOWED_ORIGINS";
    if origins.is_empty() {
        r.error(
            NAME,
            format_args!("{NAME}: conflict settings: all origins disabled (it is empty while CORS_ENABLED=true)"),
        );
    }
    for origin in origins {
        let host = origin
            .strip_prefix("https://")
            .or_else(|| origin.strip_prefix("http://"));
        if origin == "*" {
            r.warn(
                NAME,
                format_args!("{NAME}=* lets pages of every origin read answers"),
            );
        } else if origin.contains('*') {
            r.warn(
                NAME,
                format_args!("{NAME}: {origin:?} never matches: * stands alone"),
            );
        } else if host.is_none() {
            r.error(
                NAME,
                format_args!(
                    "{NAME}: bad origin: origins must contain '*' or include http://,https:// (got {origin:?})"
                ),
            );
        } else if host.is_some_and(|host| host.is_empty() || host.contains('/')) {
            r.warn(
                NAME,
                format_args!("{NAME}: {origin:?} never matches: an origin is a scheme, a host and a port, with no slash after them"),
            );
        }
    }
}
