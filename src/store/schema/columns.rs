//! Columns that tables gained after they were made: those of the Go server by us, our own by newer builds of us.
use super::present::Present;

/// A column that we add. It may be NULL.
pub(super) struct Added {
    table: &'static str,
    column: &'static str,
    /// Its type in SQLite.
    pub sqlite: &'static str,
    /// Its type in Postgres.
    pub postgres: &'static str,
}

impl Added {
    const fn new(
        table: &'static str,
        column: &'static str,
        sqlite: &'static str,
        postgres: &'static str,
    ) -> Self {
        Self {
            table,
            column,
            sqlite,
            postgres,
        }
    }

    /// Its table and its name.
    #[cfg(test)]
    pub fn name(&self) -> (&'static str, &'static str) {
        (self.table, self.column)
    }
}

/// All of them.
pub(super) const ADDED: &[Added] = &[
    Added::new("device_codes", "denied_at", "datetime", "timestamptz"),
    Added::new("device_codes", "auth_time", "datetime", "timestamptz"),
    Added::new("device_codes", "requester_ip", "text", "text"),
    Added::new("device_codes", "requester_user_agent", "text", "text"),
    Added::new("audit_logs", "actor_kind", "text", "text"),
    Added::new("authorization_codes", "issued_family_id", "text", "text"),
    Added::new(
        "authorization_codes",
        "auth_time",
        "datetime",
        "timestamptz",
    ),
    Added::new(
        "authorization_codes",
        "failed_attempts",
        "integer",
        "bigint",
    ),
    Added::new(
        "oauth_applications",
        "post_logout_redirect_uris",
        "json",
        "json",
    ),
    Added::new("oauth_applications", "fast_secret_hash", "text", "text"),
    Added::new("oauth_applications", "fast_secret_of", "text", "text"),
    Added::new(
        "oauth_applications",
        "machine_token_ttl",
        "integer",
        "bigint",
    ),
    Added::new(
        "oauth_applications",
        "token_endpoint_auth_method",
        "text",
        "text",
    ),
    Added::new("oauth_applications", "jwks", "text", "text"),
    Added::new(
        "oauth_applications",
        "id_token_signed_response_alg",
        "text",
        "text",
    ),
    Added::new(
        "oauth_applications",
        "registration_metadata",
        "text",
        "text",
    ),
    Added::new("oauth_applications", "previous_secret", "text", "text"),
    Added::new("oauth_applications", "previous_secret_of", "text", "text"),
    Added::new(
        "oauth_applications",
        "previous_secret_until",
        "datetime",
        "timestamptz",
    ),
    Added::new("oauth_applications", "status_reason", "text", "text"),
    Added::new("oauth_applications", "approved_as", "text", "text"),
    Added::new("oauth_applications", "row_version", "integer", "bigint"),
    Added::new(
        "oauth_applications",
        "tokens_end_at",
        "datetime",
        "timestamptz",
    ),
    Added::new("users", "must_change_password", "numeric", "boolean"),
    Added::new("users", "tokens_end_at", "datetime", "timestamptz"),
    Added::new("users", "sessions_end_at", "datetime", "timestamptz"),
    Added::new("token_endings", "others", "integer", "bigint"),
    Added::new("access_tokens", "disabled_by", "text", "text"),
    Added::new("token_families", "ip", "text", "text"),
    Added::new("token_families", "user_agent", "text", "text"),
    Added::new("decision_traces", "operation", "text", "text"),
    Added::new("decision_traces", "failed_check", "text", "text"),
    Added::new("decision_traces", "error", "text", "text"),
    Added::new("decision_traces", "times", "integer", "bigint"),
    Added::new("decision_traces", "last_seen_at", "datetime", "timestamptz"),
    Added::new("signing_keys", "activate_at", "datetime", "timestamptz"),
    Added::new("signing_keys", "retired_at", "datetime", "timestamptz"),
    Added::new("signing_keys", "sealed", "text", "text"),
    Added::new("signing_keys", "purpose", "text", "text"),
];

/// Columns of our own that had another name before there was a release: table, name then, name now. No more of them: a
/// server of the release before may be at work on the same database.
pub(super) const RENAMED: [(&str, &str, &str); 2] = [
    ("signing_keys", "first_seen_at", "published_at"),
    ("signing_keys", "last_active_at", "held_at"),
];

/// What an added column holds in rows that were there before it, where NULL would say something else.
const FILLED: [(&str, &str, &str); 1] = [("signing_keys", "activate_at", "published_at")];

/// Statements that give columns their present name.
pub(super) fn renamed(found: &Present) -> String {
    RENAMED
        .iter()
        .filter(|(table, then, _)| found.has_column(table, then))
        .map(|(table, then, now)| format!("ALTER TABLE {table} RENAME COLUMN {then} TO {now};\n"))
        .collect()
}

/// Statements that add the columns that are missing, and fill them where need be.
pub(super) fn added(found: &Present, kind: fn(&Added) -> &'static str) -> String {
    let mut text = String::new();
    let missing = ADDED
        .iter()
        .filter(|added| !found.has_column(added.table, added.column));
    for added in missing {
        let Added { table, column, .. } = added;
        text += &format!("ALTER TABLE {table} ADD COLUMN {column} {};\n", kind(added));
        let filled = FILLED
            .iter()
            .filter(|(of, name, _)| (of, name) == (table, column));
        for (_, _, with) in filled {
            text += &format!("UPDATE {table} SET {column} = {with};\n");
        }
    }
    text
}
