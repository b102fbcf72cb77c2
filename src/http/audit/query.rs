//! What a query asks of the trail. Texts are values and never more; what cannot be understood is said so.
use crate::{
    domain::{
        audit::{AuditFilter, Cursor, from_rfc3339, rfc3339},
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

impl Default for Query {
    fn default() -> Self {
        Self {
            filter: AuditFilter::default(),
            paging: Paging::Number(1),
            size: SIZE,
        }
    }
}

impl Query {
    /// What is asked for, by the names of the fields, without where the page begins.
    pub fn pairs(&self) -> Vec<(&'static str, String)> {
        let filter = &self.filter;
        let texts = [
            ("search", &filter.search),
            ("event_type", &filter.event_type),
            ("severity", &filter.severity),
            ("actor_user_id", &filter.actor),
            ("actor_ip", &filter.ip),
            ("resource_type", &filter.resource_type),
            ("resource_id", &filter.resource_id),
        ];
        let mut pairs: Vec<_> = texts
            .into_iter()
            .filter_map(|(name, value)| Some((name, value.clone()?)))
            .collect();
        if let Some(success) = filter.success {
            pairs.push(("success", success.to_string()));
        }
        for (name, at) in [("start_time", filter.from), ("end_time", filter.until)] {
            if let Some(at) = at {
                pairs.push((name, rfc3339(at)));
            }
        }
        if self.size != SIZE {
            pairs.push(("page_size", self.size.to_string()));
        }
        pairs
    }
}

/// Where the page begins.
pub enum Paging {
    /// Page 1 is the newest.
    Number(u64),
    /// By key.
    Key(Cursor),
}

/// A part of the query that cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field} {why}")]
pub struct Wrong {
    /// Which.
    pub field: &'static str,
    /// What it said.
    pub typed: String,
    why: String,
}

fn wrong(field: &'static str, typed: &str, why: impl Into<String>) -> Wrong {
    Wrong {
        field,
        typed: typed.to_owned(),
        why: why.into(),
    }
}

/// A query as far as it can be understood, and the parts of it that cannot.
#[derive(Default)]
pub struct Reading {
    /// Without what is wrong.
    pub query: Query,
    /// In the order of the fields.
    pub wrong: Vec<Wrong>,
}

impl Reading {
    fn strict(self) -> Result<Query, Wrong> {
        match self.wrong.into_iter().next() {
            Some(wrong) => Err(wrong),
            None => Ok(self.query),
        }
    }

    fn keep<T: Default>(&mut self, found: Result<T, Wrong>) -> T {
        found.unwrap_or_else(|wrong| {
            self.wrong.push(wrong);
            T::default()
        })
    }
}

/// Reads the query. `page` and `page_size` that are out of range become the defaults, as clients know it.
///
/// # Errors
/// What is wrong, for the one who asked.
pub fn read(request: &Request) -> Result<Query, Wrong> {
    look(request).strict()
}

/// The same for a page, which shows again what was typed.
pub fn look(request: &Request) -> Reading {
    match request.query_pairs() {
        Ok(pairs) => look_at(&pairs),
        Err(_) => {
            let why = "is not UTF-8 in form encoding, or holds a NUL";
            Reading {
                query: Query::default(),
                wrong: vec![wrong("query", "", why)],
            }
        }
    }
}

fn look_at(pairs: &[(String, String)]) -> Reading {
    let mut reading = Reading::default();
    let get = |name: &str| {
        let found = pairs.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    };
    let text = |name: &'static str| {
        let value = get(name).map(str::trim).filter(|value| !value.is_empty());
        match value {
            Some(value) if value.chars().count() > LONGEST => {
                let why = format!("is longer than {LONGEST} characters");
                Err(wrong(name, value, why))
            }
            value => Ok(value.map(str::to_owned)),
        }
    };
    let filter = AuditFilter {
        event_type: reading.keep(text("event_type")),
        severity: reading.keep(text("severity")),
        actor: reading.keep(text("actor_user_id")),
        ip: reading.keep(text("actor_ip")),
        resource_type: reading.keep(text("resource_type")),
        resource_id: reading.keep(text("resource_id")),
        success: reading.keep(success(get("success").unwrap_or_default())),
        from: reading.keep(moment("start_time", get("start_time"))),
        until: reading.keep(moment("end_time", get("end_time"))),
        search: reading.keep(text("search")),
    };
    let size = get("page_size").and_then(|size| size.parse().ok());
    let paging = match get("cursor") {
        Some(text) => {
            let why = || wrong("cursor", text, "is not one that this server gave out");
            let cursor = Cursor::parse(text).ok_or_else(why);
            reading
                .keep(cursor.map(Some))
                .map_or(Paging::Number(1), Paging::Key)
        }
        None => {
            let number = get("page").and_then(|page| page.parse().ok());
            Paging::Number(number.unwrap_or(1).max(1))
        }
    };
    reading.query = Query {
        filter,
        paging,
        size: size.filter(|size| (1..=100).contains(size)).unwrap_or(SIZE),
    };
    reading
}

fn success(text: &str) -> Result<Option<bool>, Wrong> {
    match text {
        "" => Ok(None),
        "true" => Ok(Some(true)),
        "false" => Ok(Some(false)),
        _ => Err(wrong("success", text, "is neither true nor false")),
    }
}

/// A moment of a period: RFC 3339, or what a browser's field for date and time gives, which is read as UTC.
///
/// # Errors
/// When it is none.
fn moment(name: &'static str, text: Option<&str>) -> Result<Option<Timestamp>, Wrong> {
    let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    // A plus sign that was not escaped arrives as a blank.
    let plain = text.replace(' ', "+");
    let spelled = match plain.len() {
        10 => format!("{plain}T00:00:00Z"),
        16 => format!("{plain}:00Z"),
        19 => format!("{plain}Z"),
        _ => plain,
    };
    let at = from_rfc3339(&spelled).filter(|at| (1..=9999).contains(&at.year()));
    match at {
        Some(at) => Ok(Some(at)),
        None => Err(wrong(name, text, "is not a time as in RFC 3339")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(pairs: &[(&str, &str)]) -> Result<Query, Wrong> {
        let pairs: Vec<_> = pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        look_at(&pairs).strict()
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
            ("end_time", "9999-12-31T23:59:59-23:59"),
            ("search", long.as_str()),
            ("event_type", long.as_str()),
        ] {
            assert_eq!(ask(&[(name, value)]).err().unwrap().field, name);
        }
    }

    #[test]
    fn what_can_be_understood_is_kept() {
        let pairs = [
            ("start_time", "yesterday"),
            ("actor_ip", "192.0.2.7"),
            ("success", "banana"),
        ];
        let pairs = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let reading = look_at(&pairs);
        let wrong = reading.wrong.iter();
        let wrong: Vec<_> = wrong.map(|w| (w.field, w.typed.as_str())).collect();
        assert_eq!(wrong, [("success", "banana"), ("start_time", "yesterday")]);
        assert_eq!(reading.query.filter.ip.as_deref(), Some("192.0.2.7"));
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
