//! The audit trail: what an event says, what is masked, what fits its column.
//!
//! Events become rows only through [`AuditEvent::into_row`], so no unmasked or oversized row can exist.
use super::{ids::ClientId, ids::UserId, time::Timestamp, user::User};
use serde_json::{Map, Value};

mod events;
mod search;
pub use events::{EventType, ResourceType, Severity};
pub use search::{
    AuditFilter, AuditPage, AuditRecord, AuditStats, Cursor, Place, from_rfc3339, rfc3339,
};

/// Where a request came from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// Client address.
    pub ip: String,
    /// `User-Agent` as sent.
    pub user_agent: String,
    /// Path without the query.
    pub path: String,
    /// HTTP method.
    pub method: String,
}

/// Who did it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Actor {
    /// Nobody who is known.
    #[default]
    Anonymous,
    /// A name that was typed and belongs to nobody, or not yet.
    Claimed(String),
    /// A person.
    User {
        /// Who.
        id: UserId,
        /// Under which name.
        username: String,
    },
    /// A client for itself. Only its bare id fits the column that the Go server knows; `actor_kind` tells the kind.
    Client(ClientId),
}

impl From<&User> for Actor {
    fn from(user: &User) -> Self {
        Self::User {
            id: user.id.clone(),
            username: user.username.clone(),
        }
    }
}

/// What it was done to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    /// Of which kind.
    pub kind: ResourceType,
    /// Its id.
    pub id: String,
    /// Its name, may be empty.
    pub name: String,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditEvent {
    /// What.
    pub event_type: EventType,
    /// How bad.
    pub severity: Severity,
    /// Our own short words for it.
    pub action: &'static str,
    /// Who.
    pub actor: Actor,
    /// To what.
    pub resource: Option<Resource>,
    /// More, by name. Masked on the way to the row.
    pub details: Map<String, Value>,
    /// Whether it came off.
    pub success: bool,
    /// Why not.
    pub error_message: String,
    /// From where.
    pub origin: Origin,
}

/// A row of `audit_logs`, masked and fitted.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditRow {
    /// UUID.
    pub id: String,
    /// `event_time` and `created_at`.
    pub at: Timestamp,
    /// `event_type`, 50.
    pub event_type: &'static str,
    /// `severity`, 20.
    pub severity: &'static str,
    /// `actor_user_id`, 36.
    pub actor_user_id: String,
    /// `actor_kind`: `user`, `client` or NULL.
    pub actor_kind: Option<&'static str>,
    /// `actor_username`, 100.
    pub actor_username: String,
    /// `actor_ip`, 45.
    pub actor_ip: String,
    /// `resource_type`, 50.
    pub resource_type: &'static str,
    /// `resource_id`, 36.
    pub resource_id: String,
    /// `resource_name`, 255.
    pub resource_name: String,
    /// `action`, 255.
    pub action: &'static str,
    /// `details`: JSON text or NULL.
    pub details: Option<String>,
    /// `success`.
    pub success: bool,
    /// `error_message`.
    pub error_message: String,
    /// `user_agent`, 500.
    pub user_agent: String,
    /// `request_path`, 500.
    pub request_path: String,
    /// `request_method`, 10.
    pub request_method: String,
}

impl AuditEvent {
    /// An event that came off, at INFO, by nobody, from nowhere: the rest is put on with the methods below.
    pub fn new(event_type: EventType, action: &'static str) -> Self {
        Self {
            event_type,
            severity: Severity::Info,
            action,
            actor: Actor::Anonymous,
            resource: None,
            details: Map::new(),
            success: true,
            error_message: String::new(),
            origin: Origin::default(),
        }
    }

    /// Sets who.
    #[must_use]
    pub fn by(mut self, actor: Actor) -> Self {
        self.actor = actor;
        self
    }

    /// Sets from where.
    #[must_use]
    pub fn from(mut self, origin: &Origin) -> Self {
        self.origin = origin.clone();
        self
    }

    /// Sets to what.
    #[must_use]
    pub fn on(
        mut self,
        kind: ResourceType,
        id: impl Into<String>,
        name: impl Into<String>,
    ) -> Self {
        self.resource = Some(Resource {
            kind,
            id: id.into(),
            name: name.into(),
        });
        self
    }

    /// Adds a detail.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.details.insert(key.to_owned(), value.into());
        self
    }

    /// Sets how bad.
    #[must_use]
    pub fn at(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }

    /// Marks it as failed, for this reason.
    #[must_use]
    pub fn failed(mut self, why: impl Into<String>) -> Self {
        self.success = false;
        self.error_message = why.into();
        self
    }

    /// The row, masked and with every bounded value cut to its column.
    pub fn into_row(self, id: String, at: Timestamp) -> AuditRow {
        let (actor_user_id, actor_kind, actor_username) = match self.actor {
            Actor::Anonymous => (String::new(), None, String::new()),
            Actor::Claimed(name) => (String::new(), None, name),
            Actor::User { id, username } => (id.as_str().to_owned(), Some("user"), username),
            Actor::Client(id) => (id.as_str().to_owned(), Some("client"), String::new()),
        };
        let resource = self
            .resource
            .map(|r| (r.kind.as_str(), r.id, r.name))
            .unwrap_or_default();
        AuditRow {
            id,
            at,
            event_type: self.event_type.as_str(),
            severity: self.severity.as_str(),
            actor_user_id: fit(actor_user_id, 36),
            actor_kind,
            actor_username: fit(actor_username, 100),
            actor_ip: fit(self.origin.ip, 45),
            resource_type: resource.0,
            resource_id: fit(resource.1, 36),
            resource_name: fit(resource.2, 255),
            action: self.action,
            details: (!self.details.is_empty())
                .then(|| Value::Object(mask(self.details)).to_string()),
            success: self.success,
            error_message: fit(self.error_message, 2000),
            user_agent: fit(self.origin.user_agent, 500),
            request_path: fit(self.origin.path, 500),
            request_method: fit(self.origin.method, 10),
        }
    }
}

impl AuditRow {
    /// The row with one more detail, which only the transaction knows: a count, never text.
    #[must_use]
    pub fn with_detail(mut self, key: &str, count: u64) -> Self {
        let details = self
            .details
            .as_deref()
            .map(serde_json::from_str::<Map<String, Value>>);
        let mut details = details.and_then(Result::ok).unwrap_or_default();
        details.insert(key.to_owned(), Value::from(count));
        self.details = Some(Value::Object(details).to_string());
        self
    }
}

/// Cuts to a column: `max` characters, the last three of a long text being dots. NUL, which Postgres refuses, becomes a
/// replacement character.
fn fit(text: String, max: usize) -> String {
    let text = if text.contains('\0') {
        text.replace('\0', "\u{fffd}")
    } else {
        text
    };
    if text.chars().count() <= max {
        return text;
    }
    if max <= 20 {
        return text.chars().take(max).collect();
    }
    let mut cut: String = text.chars().take(max - 3).collect();
    cut.push_str("...");
    cut
}

/// Masks by exact names: secrets vanish, identifiers of codes and tokens are shortened, all else stays readable.
fn mask(details: Map<String, Value>) -> Map<String, Value> {
    details
        .into_iter()
        .map(|(key, value)| {
            let masked = match key.as_str() {
                "password" | "client_secret" | "secret" | "token" | "access_token"
                | "refresh_token" | "id_token" | "code_verifier" | "code" | "device_code" => {
                    Value::from("***REDACTED***")
                }
                "user_code" => shorten(value, 2, 0),
                "token_id"
                | "access_token_id"
                | "refresh_token_id"
                | "new_access_token_id"
                | "new_refresh_token_id"
                | "old_refresh_token_id"
                | "reused_token_id" => shorten(value, 8, 4),
                _ => value,
            };
            (key, masked)
        })
        .collect()
}

fn shorten(value: Value, head: usize, tail: usize) -> Value {
    let Value::String(text) = &value else {
        return value;
    };
    let length = text.chars().count();
    if length <= head + tail {
        return value;
    }
    let start: String = text.chars().take(head).collect();
    let end: String = text.chars().skip(length - tail).collect();
    Value::from(format!("{start}...{end}"))
}

#[cfg(test)]
mod tests;
