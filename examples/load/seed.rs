//! Fills a database as years of use would: people, clients, grants with their tokens, browsers and the audit trail, spread
//! over two months, with every status mixed in. The same seed makes the same rows. One client and one person are spent:
//! they have thousands of tokens, and most of those are over though nobody revoked them.
//!
//! The database makes the rows itself, one statement a table, without the indexes of the table; they are made anew at the
//! end. The server must not run meanwhile.
use crate::Outcome;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, Row as _, SqliteConnection};
use std::time::{SystemTime, UNIX_EPOCH};

/// How much there shall be.
#[derive(Clone, Copy)]
pub struct Sizes {
    /// Tokens, half of them refresh tokens.
    pub tokens: u64,
    /// Rows of the audit trail.
    pub audit: u64,
    /// People, and as many clients, consents and browsers.
    pub users: u64,
    /// Of a hundred grants, so many are of the client that the first start made.
    pub of_first_client: u64,
}

impl Sizes {
    /// Everything in proportion to the tokens.
    pub fn of(tokens: u64) -> Self {
        Self {
            tokens,
            audit: tokens,
            users: (tokens / 10).max(10),
            of_first_client: 25,
        }
    }
}

const SPAN: u64 = 60 * 86_400;
/// The name of the person who is spent, and the beginning of the client's.
pub const SPENT: &str = "spent";
/// Which row of people and of clients is theirs.
const SPENT_ROW: &str = "CAST(1 AS bigint)";
const TABLES: &str = "'users','oauth_applications','user_authorizations','access_tokens','token_families','sessions','audit_logs'";

/// Fills the database. The schema and the first administrator must be there.
pub async fn fill(dsn: &str, sizes: Sizes, seed: u64) -> Outcome<()> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let words = Words {
        postgres: dsn.starts_with("postgres"),
        seed: seed % 1_000_003,
        now,
    };
    if words.postgres {
        let mut connection = PgConnection::connect(dsn).await?;
        let find = format!(
            "SELECT indexname::text AS name, indexdef AS text FROM pg_indexes WHERE tablename IN ({TABLES}) \
             AND schemaname = current_schema() AND indexname NOT LIKE '%\\_pkey'"
        );
        let found = sqlx::query(AssertSqlSafe(find))
            .fetch_all(&mut connection)
            .await?;
        let mut script = vec!["SET maintenance_work_mem = '512MB'".to_owned()];
        script.extend(
            found
                .iter()
                .map(|row| format!("DROP INDEX \"{}\"", row.get::<String, _>("name"))),
        );
        script.extend(words.rows(sizes));
        script.extend(found.iter().map(|row| row.get::<String, _>("text")));
        script.push("VACUUM ANALYZE".to_owned());
        for statement in script {
            sqlx::raw_sql(AssertSqlSafe(statement))
                .execute(&mut connection)
                .await?;
        }
        return Ok(connection.close().await?);
    }
    let mut connection = SqliteConnection::connect(dsn).await?;
    let find = format!(
        "SELECT name, sql AS text FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL AND tbl_name IN ({TABLES})"
    );
    let found = sqlx::query(AssertSqlSafe(find))
        .fetch_all(&mut connection)
        .await?;
    let mut script: Vec<String> = [
        "PRAGMA journal_mode = DELETE",
        "PRAGMA synchronous = OFF",
        "PRAGMA cache_size = -400000",
        "BEGIN",
    ]
    .map(str::to_owned)
    .into();
    script.extend(
        found
            .iter()
            .map(|row| format!("DROP INDEX \"{}\"", row.get::<String, _>("name"))),
    );
    script.extend(words.rows(sizes));
    script.extend(found.iter().map(|row| row.get::<String, _>("text")));
    script.extend(
        [
            "COMMIT",
            "PRAGMA synchronous = FULL",
            "PRAGMA journal_mode = WAL",
        ]
        .map(str::to_owned),
    );
    for statement in script {
        sqlx::raw_sql(AssertSqlSafe(statement))
            .execute(&mut connection)
            .await?;
    }
    Ok(connection.close().await?)
}

/// Pieces of SQL, as each engine spells them.
struct Words {
    postgres: bool,
    seed: u64,
    now: u64,
}

impl Words {
    fn hex(&self, value: &str, width: usize) -> String {
        if self.postgres {
            format!("lpad(to_hex({value}), {width}, '0')")
        } else {
            format!("printf('%0{width}x', {value})")
        }
    }

    /// Numbers below 2^31 in an order that looks like none; different ones for different values.
    fn mixed(&self, value: &str, odd: u64) -> String {
        format!("((({value}) * {odd} + {}) % 2147483648)", self.seed * 7919)
    }

    /// An id of the kind that has no order.
    fn id(&self, kind: u64, value: &str) -> String {
        let (head, tail) = (
            self.hex(&self.mixed(value, 1_103_515_245), 8),
            self.hex(value, 12),
        );
        format!("{head} || '-{kind:04x}-4000-8000-' || {tail}")
    }

    /// An id that follows time.
    fn ordered_id(&self, kind: u64, value: &str, seconds: &str) -> String {
        let head = self.hex(&format!("({seconds}) * 1000 / 65536"), 8);
        let middle = self.hex(&format!("({seconds}) * 1000 % 65536"), 4);
        format!(
            "{head} || '-' || {middle} || '-7{kind:03x}-8000-' || {}",
            self.hex(value, 12)
        )
    }

    fn hash(&self, value: &str) -> String {
        [
            1_103_515_245,
            69_069,
            1_664_525,
            22_695_477,
            134_775_813,
            214_013,
            16_807,
            48_271,
        ]
        .map(|odd| self.hex(&self.mixed(value, odd | 1), 8))
        .join(" || ")
    }

    fn at(&self, seconds: &str) -> String {
        if self.postgres {
            format!("to_timestamp({seconds})")
        } else {
            format!("datetime({seconds}, 'unixepoch') || '+00:00'")
        }
    }

    fn json(&self, text: &str) -> String {
        if self.postgres {
            format!("'{text}'::json")
        } else {
            format!("CAST('{text}' AS BLOB)")
        }
    }

    /// `count` rows of `table`: columns with their expressions over `i`.
    fn insert(&self, table: &str, count: u64, columns: &[(&str, String)]) -> String {
        let names: Vec<&str> = columns.iter().map(|(name, _)| *name).collect();
        let values: Vec<&str> = columns.iter().map(|(_, value)| value.as_str()).collect();
        format!(
            "INSERT INTO {table} ({}) WITH RECURSIVE n(i) AS (SELECT CAST(0 AS bigint) UNION ALL \
             SELECT i + 1 FROM n WHERE i + 1 < {count}) SELECT {} FROM n",
            names.join(", "),
            values.join(", ")
        )
    }

    /// When the row `value` of `count` was made.
    fn made(&self, value: &str, count: u64) -> String {
        format!("({} + ({value}) * {SPAN} / {count})", self.now - SPAN)
    }

    fn rows(&self, sizes: Sizes) -> Vec<String> {
        let grants = (sizes.tokens / 2).max(1);
        vec![
            self.users(sizes),
            self.clients(sizes),
            self.consents(sizes),
            self.sessions(sizes),
            self.families(sizes, grants),
            self.tokens(sizes, grants),
            self.audit(sizes),
        ]
    }

    fn users(&self, sizes: Sizes) -> String {
        let made = self.at(&self.made("i", sizes.users));
        self.insert(
            "users",
            sizes.users,
            &[
                ("id", self.id(1, "i")),
                (
                    "username",
                    format!(
                        "CASE WHEN i = {SPENT_ROW} THEN '{SPENT}' ELSE 'person' || {} END",
                        self.hex("i", 6)
                    ),
                ),
                (
                    "email",
                    format!("'person' || {} || '@example.org'", self.hex("i", 6)),
                ),
                ("password_hash", "''".to_owned()),
                (
                    "role",
                    "CASE WHEN i % 5000 = 7 THEN 'admin' ELSE 'user' END".to_owned(),
                ),
                (
                    "full_name",
                    format!("'Name ' || {}", self.hex(&self.mixed("i", 69_069), 8)),
                ),
                ("is_active", "i % 50 <> 3".to_owned()),
                ("email_verified", "i % 3 = 0".to_owned()),
                ("auth_source", "'local'".to_owned()),
                ("created_at", made.clone()),
                ("updated_at", made),
            ],
        )
    }

    fn clients(&self, sizes: Sizes) -> String {
        let made = self.at(&self.made("i", sizes.users));
        self.insert("oauth_applications", sizes.users, &[
            ("client_id", self.id(2, "i")),
            ("client_secret", "''".to_owned()),
            ("client_name", format!("CASE WHEN i = {SPENT_ROW} THEN '{SPENT} app' ELSE 'App ' || {} END", self.hex(&self.mixed("i", 1_664_525), 8))),
            ("user_id", format!("CASE WHEN i = {SPENT_ROW} THEN {ADMIN} ELSE {} END", self.id(1, "i"))),
            ("scopes", "'email profile read write'".to_owned()),
            ("grant_types", "'device_code'".to_owned()),
            ("redirect_uris", self.json("[]")),
            ("allowed_resources", self.json("[]")),
            ("client_type", "'public'".to_owned()),
            ("enable_device_flow", "i >= 0".to_owned()),
            ("enable_auth_code_flow", "i < 0".to_owned()),
            ("enable_client_credentials_flow", "i < 0".to_owned()),
            ("status", "CASE WHEN i % 200 = 5 THEN 'pending' WHEN i % 40 = 7 THEN 'inactive' ELSE 'active' END".to_owned()),
            ("token_profile", "'standard'".to_owned()),
            ("created_at", made.clone()),
            ("updated_at", made),
        ])
    }

    fn consents(&self, sizes: Sizes) -> String {
        let made = self.at(&self.made("i", sizes.users));
        let application = "(SELECT id FROM oauth_applications ORDER BY id LIMIT 1)";
        self.insert(
            "user_authorizations",
            sizes.users,
            &[
                ("uuid", self.id(3, "i")),
                ("user_id", self.id(1, "i")),
                ("application_id", application.to_owned()),
                ("client_id", first_client().to_owned()),
                ("scopes", "'email profile'".to_owned()),
                ("resource", self.json("[]")),
                ("granted_at", made.clone()),
                ("is_active", "i % 10 <> 4".to_owned()),
                ("created_at", made.clone()),
                ("updated_at", made),
            ],
        )
    }

    fn sessions(&self, sizes: Sizes) -> String {
        let made = self.made("i", sizes.users);
        self.insert(
            "sessions",
            sizes.users,
            &[
                ("id_hash", self.hash("i")),
                ("user_id", self.id(1, "i")),
                ("auth_time", self.at(&made)),
                ("last_seen_at", self.at(&format!("{made} + 3600"))),
                ("expires_at", self.at(&format!("{made} + 7 * 86400"))),
                ("remember_me", "i % 4 = 0".to_owned()),
                ("fingerprint", "''".to_owned()),
                ("ip", "'203.0.113.7'".to_owned()),
                ("user_agent", "'Mozilla/5.0 (X11; Linux x86_64)'".to_owned()),
                ("code_misses", "0".to_owned()),
            ],
        )
    }

    /// The person of a grant: two of a hundred are the administrator's, who has thousands; as many are of the person who
    /// is spent and has got none for some days.
    fn person(&self, grant: &str, sizes: Sizes) -> String {
        let other = self.id(1, &format!("(({grant}) % {})", sizes.users));
        let (spent, until) = (self.id(1, SPENT_ROW), sizes.tokens / 2 * 92 / 100);
        format!(
            "CASE WHEN ({grant}) % 50 = 1 THEN {ADMIN} WHEN ({grant}) % 50 = 2 AND ({grant}) < {until} THEN {spent} \
             ELSE {other} END"
        )
    }

    /// The client of a grant: one of ten is of the client that is spent.
    fn client(&self, grant: &str, sizes: Sizes) -> String {
        let other = self.id(2, &format!("(({grant}) % {})", sizes.users));
        format!(
            "CASE WHEN ({grant}) % 100 < {} THEN {} WHEN ({grant}) % 100 >= 90 THEN {} ELSE {other} END",
            sizes.of_first_client,
            first_client(),
            self.id(2, SPENT_ROW)
        )
    }

    /// How long the refresh token of a grant lasts: where it is spent, nine of ten are over.
    fn life(grant: &str) -> String {
        format!(
            "CASE WHEN ({grant}) % 100 >= 90 OR ({grant}) % 50 = 2 THEN {} ELSE {SPAN} END",
            SPAN / 10
        )
    }

    fn families(&self, sizes: Sizes, grants: u64) -> String {
        let made = self.made("i", grants);
        self.insert(
            "token_families",
            grants,
            &[
                ("id", self.ordered_id(4, "i", &made)),
                ("user_id", self.person("i", sizes)),
                ("client_id", self.client("i", sizes)),
                ("grant_name", "'device_code'".to_owned()),
                ("scopes", "'email profile'".to_owned()),
                ("created_at", self.at(&made)),
                (
                    "revoked_at",
                    format!(
                        "CASE WHEN i % 7 = 0 THEN {} END",
                        self.at(&format!("{made} + 60"))
                    ),
                ),
                ("ip", "'203.0.113.7'".to_owned()),
                ("user_agent", "'authgate-cli/1.0'".to_owned()),
            ],
        )
    }

    /// Two for each grant: an access token and a refresh token.
    fn tokens(&self, sizes: Sizes, grants: u64) -> String {
        let grant = "(i / 2)";
        let made = self.made(grant, grants);
        let is_refresh = "i % 2 = 1";
        self.insert("access_tokens", sizes.tokens, &[
            ("id", self.ordered_id(5, "i", &made)),
            ("token_hash", self.hash("i")),
            ("token_category", format!("CASE WHEN {is_refresh} THEN 'refresh' ELSE 'access' END")),
            ("status", "CASE WHEN (i / 2) % 7 = 0 THEN 'revoked' WHEN i % 101 = 5 THEN 'disabled' ELSE 'active' END".to_owned()),
            ("user_id", self.person(grant, sizes)),
            ("client_id", self.client(grant, sizes)),
            ("scopes", "'email profile'".to_owned()),
            ("expires_at", self.at(&format!("{made} + CASE WHEN {is_refresh} THEN {} ELSE 36000 END", Self::life(grant)))),
            ("created_at", self.at(&made)),
            ("parent_token_id", "''".to_owned()),
            ("token_family_id", self.ordered_id(4, grant, &made)),
            ("resource", self.json("[]")),
        ])
    }

    fn audit(&self, sizes: Sizes) -> String {
        let made = self.made("i", sizes.audit);
        let kind = "CASE WHEN i % 100 < 40 THEN 'ACCESS_TOKEN_ISSUED' WHEN i % 100 < 60 THEN 'TOKEN_REFRESHED' \
                    WHEN i % 100 < 75 THEN 'TOKEN_INTROSPECTED' WHEN i % 100 < 85 THEN 'DEVICE_CODE_GENERATED' \
                    WHEN i % 100 < 93 THEN 'AUTHENTICATION_SUCCESS' WHEN i % 100 < 96 THEN 'AUTHENTICATION_FAILURE' \
                    WHEN i % 100 < 98 THEN 'TOKEN_REVOKED' ELSE 'USER_AUTHORIZATION_GRANTED' END";
        let failed = "(i % 100 BETWEEN 93 AND 95)";
        self.insert(
            "audit_logs",
            sizes.audit,
            &[
                ("id", self.ordered_id(6, "i", &made)),
                ("event_type", kind.to_owned()),
                ("event_time", self.at(&made)),
                (
                    "severity",
                    format!("CASE WHEN {failed} THEN 'WARNING' ELSE 'INFO' END"),
                ),
                (
                    "actor_user_id",
                    self.id(1, &format!("(i % {})", sizes.users)),
                ),
                (
                    "actor_username",
                    format!(
                        "'person' || {}",
                        self.hex(&format!("(i % {})", sizes.users), 6)
                    ),
                ),
                ("actor_ip", "'203.0.113.' || (i % 250)".to_owned()),
                (
                    "resource_type",
                    "CASE WHEN i % 100 < 85 THEN 'TOKEN' ELSE 'USER' END".to_owned(),
                ),
                ("resource_id", self.id(1, &format!("(i % {})", sizes.users))),
                ("resource_name", "''".to_owned()),
                ("action", "'something was done'".to_owned()),
                (
                    "details",
                    self.json(r#"{"client_name":"App","scopes":"email profile"}"#),
                ),
                ("success", format!("NOT {failed}")),
                ("error_message", "''".to_owned()),
                ("user_agent", "'authgate-cli/1.0'".to_owned()),
                ("request_path", "'/oauth/token'".to_owned()),
                ("request_method", "'POST'".to_owned()),
                ("created_at", self.at(&made)),
            ],
        )
    }
}

const ADMIN: &str = "(SELECT id FROM users WHERE role = 'admin' AND username = 'admin')";

fn first_client() -> &'static str {
    "(SELECT client_id FROM oauth_applications ORDER BY id LIMIT 1)"
}
