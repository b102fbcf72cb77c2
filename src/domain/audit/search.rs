//! Reading the trail: a record as it was stored, which records are asked for, and where a page begins.
use crate::domain::time::Timestamp;
use std::collections::BTreeMap;

/// A record as it is stored, by this server or by the Go server.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditRecord {
    /// UUID.
    pub id: String,
    /// When it happened.
    pub at: Timestamp,
    /// What.
    pub event_type: String,
    /// How bad.
    pub severity: String,
    /// Who: a person's UUID, a client's, or nothing.
    pub actor_user_id: String,
    /// `user`, `client`, or nothing for records of the Go server.
    pub actor_kind: String,
    /// Under which name.
    pub actor_username: String,
    /// From where.
    pub actor_ip: String,
    /// What kind of thing it was done to.
    pub resource_type: String,
    /// Which one.
    pub resource_id: String,
    /// Its name.
    pub resource_name: String,
    /// In words.
    pub action: String,
    /// JSON text.
    pub details: Option<String>,
    /// Whether it came off.
    pub success: bool,
    /// Why not.
    pub error_message: String,
    /// `User-Agent`.
    pub user_agent: String,
    /// Path without the query.
    pub request_path: String,
    /// HTTP method.
    pub request_method: String,
    /// When the row was made.
    pub created_at: Timestamp,
}

impl AuditRecord {
    /// The actor as the API prints it: clients are `client:<uuid>`, which the column has no room for.
    pub fn actor(&self) -> String {
        if self.actor_kind == "client" && !self.actor_user_id.starts_with(CLIENT) {
            format!("{CLIENT}{}", self.actor_user_id)
        } else {
            self.actor_user_id.clone()
        }
    }

    /// Where it stands in the order of the trail.
    pub fn place(&self) -> Place {
        Place {
            at: self.at,
            id: self.id.clone(),
        }
    }
}

const CLIENT: &str = "client:";

/// Which records are asked for. Nothing set means all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Exactly this event.
    pub event_type: Option<String>,
    /// Exactly this severity.
    pub severity: Option<String>,
    /// Exactly this actor; a client as `client:<uuid>` or by its bare id.
    pub actor: Option<String>,
    /// Exactly this address.
    pub ip: Option<String>,
    /// Exactly this kind of resource.
    pub resource_type: Option<String>,
    /// Exactly this resource.
    pub resource_id: Option<String>,
    /// Whether it came off.
    pub success: Option<bool>,
    /// From this moment on.
    pub from: Option<Timestamp>,
    /// Up to this moment.
    pub until: Option<Timestamp>,
    /// Part of the action, of the resource's name or of the actor's name, in any case.
    pub search: Option<String>,
}

impl AuditFilter {
    /// The actor's bare id, and whether only clients are meant.
    pub fn bare_actor(&self) -> Option<(&str, bool)> {
        let actor = self.actor.as_deref()?;
        Some(match actor.strip_prefix(CLIENT) {
            Some(bare) => (bare, true),
            None => (actor, false),
        })
    }

    /// Whether kept counters can answer how many there are.
    pub fn is_countable(&self) -> bool {
        self.actor.is_none()
            && self.ip.is_none()
            && self.resource_type.is_none()
            && self.resource_id.is_none()
            && self.search.is_none()
    }

    /// What is set, by the names of the API, for the trail itself.
    pub fn told(&self) -> serde_json::Map<String, serde_json::Value> {
        let texts = [
            ("event_type", &self.event_type),
            ("severity", &self.severity),
            ("actor_user_id", &self.actor),
            ("actor_ip", &self.ip),
            ("resource_type", &self.resource_type),
            ("resource_id", &self.resource_id),
            ("search", &self.search),
        ];
        let mut told: serde_json::Map<_, _> = texts
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value.clone()?.into())))
            .collect();
        if let Some(success) = self.success {
            told.insert("success".to_owned(), success.into());
        }
        for (name, value) in [("start_time", self.from), ("end_time", self.until)] {
            if let Some(at) = value {
                told.insert(name.to_owned(), rfc3339(at).into());
            }
        }
        told
    }
}

/// RFC 3339 in UTC, with the fraction that the moment has.
pub fn rfc3339(at: Timestamp) -> String {
    at.to_offset(time::UtcOffset::UTC)
        .format(&time::format_description::well_known::Rfc3339)
        .unwrap_or_else(|_| "0001-01-01T00:00:00Z".to_owned())
}

/// Reads RFC 3339. A moment that has no year of four digits in UTC is none.
pub fn from_rfc3339(text: &str) -> Option<Timestamp> {
    let at = Timestamp::parse(text, &time::format_description::well_known::Rfc3339).ok()?;
    at.checked_to_offset(time::UtcOffset::UTC)
}

/// A place in the order of the trail: newest first, equal times by id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Time of the record that stands there.
    pub at: Timestamp,
    /// Its id.
    pub id: String,
}

/// Where a page begins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Cursor {
    /// At the newest record.
    #[default]
    Newest,
    /// Behind this place, going back in time.
    OlderThan(Place),
    /// Before this place, going forward in time.
    NewerThan(Place),
}

impl Cursor {
    /// Reads what [`Cursor::print`] wrote; empty text is the newest record.
    pub fn parse(text: &str) -> Option<Self> {
        if text.is_empty() {
            return Some(Self::Newest);
        }
        let mut parts = text.splitn(3, '.');
        let (kind, nanos, id) = (parts.next()?, parts.next()?, parts.next()?);
        let is_id = (1..=36).contains(&id.len())
            && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        let at = Timestamp::from_unix_timestamp_nanos(nanos.parse().ok()?).ok()?;
        // Go's times end with the year 9999; years before 1 have no text.
        if !is_id || !(1..=9999).contains(&at.year()) {
            return None;
        }
        let place = Place {
            at,
            id: id.to_owned(),
        };
        match kind {
            "o" => Some(Self::OlderThan(place)),
            "n" => Some(Self::NewerThan(place)),
            _ => None,
        }
    }

    /// Text for a query.
    pub fn print(&self) -> String {
        let text = |kind, place: &Place| {
            format!("{kind}.{}.{}", place.at.unix_timestamp_nanos(), place.id)
        };
        match self {
            Self::Newest => String::new(),
            Self::OlderThan(place) => text('o', place),
            Self::NewerThan(place) => text('n', place),
        }
    }
}

/// One page of the trail, newest first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AuditPage {
    /// The records.
    pub records: Vec<AuditRecord>,
    /// Where the older ones begin.
    pub older: Option<Place>,
    /// Where the newer ones begin.
    pub newer: Option<Place>,
    /// Set when the page was given up before it was full, because too many records were looked at: up to this moment.
    pub looked_until: Option<Timestamp>,
}

/// How many events there were.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditStats {
    /// All.
    pub total: i64,
    /// By event.
    pub by_type: BTreeMap<String, i64>,
    /// By severity.
    pub by_severity: BTreeMap<String, i64>,
    /// That came off.
    pub success: i64,
    /// That did not.
    pub failure: i64,
}

impl AuditStats {
    /// Adds events that are alike.
    pub fn add(&mut self, event_type: &str, severity: &str, success: bool, events: i64) {
        self.total += events;
        *self.by_type.entry(event_type.to_owned()).or_default() += events;
        *self.by_severity.entry(severity.to_owned()).or_default() += events;
        if success {
            self.success += events;
        } else {
            self.failure += events;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn a_cursor_is_read_back_and_nothing_else_is() {
        let place = Place {
            at: datetime!(2026-11-24 10:00:00.123456789 UTC),
            id: "4f0c5a4e-0000-4000-8000-000000000001".to_owned(),
        };
        for cursor in [
            Cursor::Newest,
            Cursor::OlderThan(place.clone()),
            Cursor::NewerThan(place),
        ] {
            assert_eq!(Cursor::parse(&cursor.print()), Some(cursor));
        }
        for hostile in [
            "x",
            "o.1",
            "o.x.y",
            "q.1.a",
            "o.1.' OR 1=1 --",
            "o.99999999999999999999999999999999.a",
            "o.-99999999999999999999.a",
            "o.1.",
        ] {
            assert_eq!(Cursor::parse(hostile), None, "{hostile}");
        }
    }

    #[test]
    fn a_client_is_printed_with_its_kind() {
        let filter = AuditFilter {
            actor: Some("client:abc".to_owned()),
            ..Default::default()
        };
        assert_eq!(filter.bare_actor(), Some(("abc", true)));
        assert_eq!(filter.told()["actor_user_id"], "client:abc");
    }
}
