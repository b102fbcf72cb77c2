//! Connection strings: a path or a `file:` URI for SQLite, a URL or libpq keywords for Postgres.
use super::open::STATEMENTS;
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use std::time::Duration;

/// What a SQLite connection string says. Options of the Go server's driver that do not apply here are passed over.
#[derive(Debug, PartialEq, Eq)]
pub struct SqliteFile {
    /// Path of the file.
    pub path: String,
    /// `_busy_timeout` in milliseconds, five seconds by default.
    pub busy_timeout: Duration,
}

/// Reads a SQLite connection string.
pub fn sqlite(dsn: &str) -> SqliteFile {
    let bare = dsn.strip_prefix("file:").unwrap_or(dsn);
    let (path, query) = bare.split_once('?').unwrap_or((bare, ""));
    let path = match path.strip_prefix("//") {
        // file:///var/lib/x and file://localhost/var/lib/x
        Some(rest) if dsn.starts_with("file:") => rest
            .find('/')
            .map_or(rest, |at| rest.get(at..).unwrap_or(rest)),
        _ => path,
    };
    let decoded = percent_encoding::percent_decode_str(path)
        .decode_utf8_lossy()
        .into_owned();
    let busy = url::form_urlencoded::parse(query.as_bytes())
        .find(|(name, _)| matches!(&**name, "_busy_timeout" | "_timeout"))
        .and_then(|(_, value)| value.parse().ok());
    SqliteFile {
        path: if dsn.starts_with("file:") {
            decoded
        } else {
            path.to_owned()
        },
        busy_timeout: busy.map_or(Duration::from_secs(5), Duration::from_millis),
    }
}

/// Reads a Postgres connection string.
///
/// # Errors
/// A sentence that names what is wrong and never shows a value.
pub fn postgres(dsn: &str) -> Result<PgConnectOptions, String> {
    if dsn.starts_with("postgres://") || dsn.starts_with("postgresql://") {
        return url(dsn).ok_or_else(|| "DATABASE_DSN is not a valid postgres URL".to_owned());
    }
    let options = PgConnectOptions::new_without_pgpass();
    let mut options = options.statement_cache_capacity(STATEMENTS);
    for (keyword, value) in keywords(dsn)? {
        options = apply(options, &keyword, &value)?;
    }
    Ok(options)
}

/// Settings of the session that may stand in a connection string by themselves.
const SESSION: [&str; 4] = [
    "search_path",
    "statement_timeout",
    "lock_timeout",
    "idle_in_transaction_session_timeout",
];

/// How many prepared statements a connection keeps, as this driver and the Go server's name it. One at least: without a place for
/// it the driver prepares a statement anew for each question, and never closes it.
const CAPACITY: [&str; 2] = ["statement-cache-capacity", "statement_cache_capacity"];

/// The form of a URL. sqlx knows settings of the session only as `options`; the Go server's driver takes them so, too.
fn url(dsn: &str) -> Option<PgConnectOptions> {
    let mut url = url::Url::parse(dsn).ok()?;
    let (session, others): (Vec<_>, Vec<_>) = url
        .query_pairs()
        .into_owned()
        .partition(|(name, _)| SESSION.contains(&name.as_str()));
    let (capacity, others): (Vec<_>, Vec<_>) = others
        .into_iter()
        .partition(|(name, _)| CAPACITY.contains(&name.as_str()));
    let capacity = match capacity.last() {
        Some((_, value)) => value.parse::<usize>().ok()?.max(1),
        None => STATEMENTS,
    };
    let options: PgConnectOptions = if session.is_empty() {
        dsn.parse().ok()?
    } else {
        url.query_pairs_mut().clear().extend_pairs(others);
        let options: PgConnectOptions = url.as_str().parse().ok()?;
        options.options(session)
    };
    Some(options.statement_cache_capacity(capacity))
}

fn apply(
    options: PgConnectOptions,
    keyword: &str,
    value: &str,
) -> Result<PgConnectOptions, String> {
    Ok(match keyword {
        "host" if value.starts_with('/') => options.socket(value),
        "host" | "hostaddr" => options.host(value),
        "port" => options.port(
            value
                .parse()
                .map_err(|_| "port in DATABASE_DSN is not a port number".to_owned())?,
        ),
        "user" => options.username(value),
        "password" => options.password(value),
        "dbname" | "database" => options.database(value),
        "application_name" | "fallback_application_name" => options.application_name(value),
        "sslmode" => {
            let mode = value.parse::<PgSslMode>();
            options.ssl_mode(
                mode.map_err(|_| "sslmode in DATABASE_DSN is not one that libpq knows".to_owned())?,
            )
        }
        "sslrootcert" => options.ssl_root_cert(value),
        "sslcert" => options.ssl_client_cert(value),
        "sslkey" => options.ssl_client_key(value),
        _ if CAPACITY.contains(&keyword) => options.statement_cache_capacity(
            value
                .parse::<usize>()
                .map_err(|_| format!("{keyword} in DATABASE_DSN is not a number"))?
                .max(1),
        ),
        "TimeZone" => options.options([("timezone", value)]),
        // Bounded by DB_INIT_TIMEOUT here.
        "connect_timeout" => options,
        "timezone" => options.options([(keyword, value)]),
        _ if SESSION.contains(&keyword) => options.options([(keyword, value)]),
        other => {
            tracing::warn!(
                keyword = other,
                "a keyword of DATABASE_DSN is not known and was passed over"
            );
            options
        }
    })
}

/// libpq's keyword form: blanks around `=`, single quotes, backslashes.
fn keywords(dsn: &str) -> Result<Vec<(String, String)>, String> {
    let mut found = Vec::new();
    let mut chars = dsn.chars().peekable();
    loop {
        while chars.next_if(|c| c.is_whitespace()).is_some() {}
        if chars.peek().is_none() {
            return Ok(found);
        }
        let mut keyword = String::new();
        while let Some(c) = chars.next_if(|c| !c.is_whitespace() && *c != '=') {
            keyword.push(c);
        }
        while chars.next_if(|c| c.is_whitespace()).is_some() {}
        if chars.next() != Some('=') {
            return Err("DATABASE_DSN: a keyword has no = after it".to_owned());
        }
        while chars.next_if(|c| c.is_whitespace()).is_some() {}
        found.push((keyword, value(&mut chars)?));
    }
}

fn value(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Result<String, String> {
    let quoted = chars.next_if_eq(&'\'').is_some();
    let mut value = String::new();
    loop {
        match chars.next() {
            None if quoted => return Err("DATABASE_DSN: a quote is not closed".to_owned()),
            None => return Ok(value),
            Some('\'') if quoted => return Ok(value),
            Some(c) if !quoted && c.is_whitespace() => return Ok(value),
            Some('\\') => match chars.next() {
                Some(escaped) => value.push(escaped),
                None => return Err("DATABASE_DSN ends in a backslash".to_owned()),
            },
            Some(c) => value.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sqlite_table() {
        for (dsn, path, ms) in [
            ("oauth.db", "oauth.db", 5000),
            ("/app/data/oauth.db", "/app/data/oauth.db", 5000),
            (
                "file:test.db?_busy_timeout=250&_journal_mode=WAL&_loc=auto",
                "test.db",
                250,
            ),
            ("file:///var/lib/a%20b.db", "/var/lib/a b.db", 5000),
            ("x.db?cache=shared", "x.db", 5000),
        ] {
            let file = SqliteFile {
                path: path.to_owned(),
                busy_timeout: Duration::from_millis(ms),
            };
            assert_eq!(sqlite(dsn), file, "{dsn}");
        }
    }

    /// One at least: what no place is kept for is never closed.
    #[test]
    fn the_string_says_how_many_statements_are_kept() {
        use sqlx::ConnectOptions as _;
        for (dsn, kept) in [
            ("postgres://u@h/db?sslmode=disable", STATEMENTS),
            ("host=h user=u", STATEMENTS),
            ("postgres://u@h/db?statement-cache-capacity=0", 1),
            ("postgres://u@h/db?statement_cache_capacity=7", 7),
            (
                "postgres://u@h/db?lock_timeout=1&statement-cache-capacity=9",
                9,
            ),
            ("host=h user=u statement_cache_capacity=0", 1),
        ] {
            let url = postgres(dsn).unwrap().to_url_lossy();
            let told = url
                .query_pairs()
                .find(|(name, _)| name == "statement-cache-capacity");
            assert_eq!(told.unwrap().1, kept.to_string(), "{dsn}");
        }
        for bad in [
            "postgres://u@h/db?statement_cache_capacity=x",
            "host=h statement_cache_capacity=x",
        ] {
            assert!(postgres(bad).unwrap_err().contains("DATABASE_DSN"), "{bad}");
        }
    }

    #[test]
    fn keyword_table() {
        let options = postgres(
            r"host = 127.0.0.1 user='a b' password='p\'q\\r @/?#' dbname=x port=5433 sslmode=disable TimeZone=Asia/Taipei fancy=1",
        );
        let options = options.unwrap();
        assert_eq!(
            (
                options.get_host(),
                options.get_port(),
                options.get_username()
            ),
            ("127.0.0.1", 5433, "a b")
        );
        assert_eq!(options.get_database(), Some("x"));
        for bad in [
            "host",
            "host=a port=x",
            "user='a",
            "user=a\\",
            "sslmode=maybe",
            "postgres://[broken",
        ] {
            let message = postgres(bad).unwrap_err();
            assert!(message.contains("DATABASE_DSN"), "{bad}: {message}");
        }
        let session = "-c search_path=a -c lock_timeout=0";
        for dsn in [
            "postgres://u:p%40@h:1/db?search_path=a&sslmode=disable&lock_timeout=0",
            "host=h user=u search_path=a lock_timeout=0",
        ] {
            let options = postgres(dsn).unwrap();
            assert_eq!(options.get_options(), Some(session), "{dsn}");
            assert_eq!((options.get_host(), options.get_username()), ("h", "u"));
        }
        assert_eq!(
            postgres("postgres://u:p%40@h:1/db?sslmode=disable")
                .unwrap()
                .get_port(),
            1
        );
    }
}
