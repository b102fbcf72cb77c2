//! What a query asks of the trail. Texts are values and never more; what cannot be understood is said so.
use crate::{
    domain::{
        audit::{AuditFilter, Cursor, from_rfc3339},
        time::Timestamp,
    },
    http::request::Request,
};

/// The longest value, in characters; no column that is compared holds more.
const LONGEST: usize = 255;
/// Records on a page, unless the query says otherwise.
const SIZE: usize = 20;

/// A question.
pub struct Query {
    /// Which records.
    pub filter: AuditFilter,
    /// From which on.
    pub paging: Paging,
    /// How many.
    pub size: usize,
}

/// Where the page begins.
pub enum Paging {
    /// Page 1 is the newest.
    Number(u64),
    /// By key.
    Key(Cursor),
}

/// Reads the query. `page` and `page_size` that are out of range become the defaults, as clients know it.
///
/// # Errors
/// What is wrong, for the one who asked.
pub fn read(request: &Request) -> Result<Query, String> {
    let pairs = request.query_pairs().map_err(|error| error.to_string())?;
    read_pairs(&pairs)
}

fn read_pairs(pairs: &[(String, String)]) -> Result<Query, String> {
    let get = |name: &str| {
        let found = pairs.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    };
    let text = |name: &str| {
        let value = get(name).map(str::trim).filter(|value| !value.is_empty());
        match value {
            Some(value) if value.chars().count() > LONGEST => {
                Err(format!("{name} is longer than {LONGEST} characters"))
            }
            value => Ok(value.map(str::to_owned)),
        }
    };
    let filter = AuditFilter {
        event_type: text("event_type")?,
        severity: text("severity")?,
        actor: text("actor_user_id")?,
        ip: text("actor_ip")?,
        resource_type: text("resource_type")?,
        resource_id: text("resource_id")?,
        success: success(get("success").unwrap_or_default())?,
        from: moment("start_time", get("start_time"))?,
        until: moment("end_time", get("end_time"))?,
        search: text("search")?,
    };
    let size = get("page_size").and_then(|size| size.parse().ok());
    let paging = match get("cursor") {
        Some(text) => {
            Paging::Key(Cursor::parse(text).ok_or("cursor is not one that this server gave out")?)
        }
        None => {
            let number = get("page").and_then(|page| page.parse().ok());
            Paging::Number(number.unwrap_or(1).max(1))
        }
    };
    Ok(Query {
        filter,
        paging,
        size: size.filter(|size| (1..=100).contains(size)).unwrap_or(SIZE),
    })
}

fn success(text: &str) -> Result<Option<bool>, String> {
    match text {
        "" => Ok(None),
        "true" => Ok(Some(true)),
        "false" => Ok(Some(false)),
        _ => Err("success is neither true nor false".to_owned()),
    }
}

/// A moment of a period: RFC 3339, or what a browser's field for date and time gives, which is read as UTC.
///
/// # Errors
/// When it is none.
pub fn moment(name: &str, text: Option<&str>) -> Result<Option<Timestamp>, String> {
    let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    // A plus sign that was not escaped arrives as a blank.
    let text = text.replace(' ', "+");
    let spelled = match text.len() {
        10 => format!("{text}T00:00:00Z"),
        16 => format!("{text}:00Z"),
        19 => format!("{text}Z"),
        _ => text,
    };
    let at = from_rfc3339(&spelled).filter(|at| (1..=9999).contains(&at.year()));
    match at {
        Some(at) => Ok(Some(at)),
        None => Err(format!("{name} is not a time as in RFC 3339")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(pairs: &[(&str, &str)]) -> Result<Query, String> {
        let pairs: Vec<_> = pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        read_pairs(&pairs)
    }

    #[test]
    fn hostile_paging() {
        for size in ["0", "-1", "101", "99999999999999999999", "ten", "", "1e2"] {
            assert_eq!(ask(&[("page_size", size)]).unwrap().size, SIZE, "{size}");
        }
        assert_eq!(ask(&[("page_size", "100")]).unwrap().size, 100);
        for page in ["0", "-3", "two", "", "99999999999999999999"] {
            let query = ask(&[("page", page)]).unwrap();
            assert!(matches!(query.paging, Paging::Number(1)), "{page}");
        }
        for cursor in ["x", "o.1.';--", "o.1"] {
            assert!(ask(&[("cursor", cursor)]).is_err(), "{cursor}");
        }
    }

    #[test]
    fn filters_that_mean_nothing_are_told() {
        let long = "x".repeat(256);
        for (name, value) in [
            ("success", "banana"),
            ("start_time", "yesterday"),
            ("end_time", "2026-13-01T00:00:00Z"),
            ("end_time", "-0001-01-01T00:00:00Z"),
            ("search", long.as_str()),
            ("event_type", long.as_str()),
        ] {
            let error = ask(&[(name, value)]).err().unwrap();
            assert!(error.starts_with(name), "{error}");
        }
    }

    #[test]
    fn times_come_from_programs_and_from_browsers() {
        let at = |text| moment("t", Some(text)).unwrap().unwrap().unix_timestamp();
        assert_eq!(at("2026-11-24T10:00:00Z"), at("2026-11-24T10:00"));
        assert_eq!(
            at("2026-11-24T10:00:00+02:00"),
            at("2026-11-24T10:00:00 02:00")
        );
        assert_eq!(at("2026-11-24T10:00:00.5Z"), at("2026-11-24T10:00:00"));
        assert_eq!(at("2026-11-24"), at("2026-11-24T00:00:00Z"));
        assert_eq!(moment("t", Some(" ")), Ok(None));
    }
}
