-- Our own tables. They refer to no table of the Go server by a foreign key.

-- Browser sessions: the cookie carries the id, the row its SHA-256.
CREATE TABLE IF NOT EXISTS sessions (
    id_hash text PRIMARY KEY,
    user_id text NOT NULL,
    auth_time datetime NOT NULL,
    last_seen_at datetime NOT NULL,
    expires_at datetime NOT NULL,
    remember_me numeric NOT NULL,
    fingerprint text NOT NULL,
    ip text NOT NULL,
    user_agent text NOT NULL,
    code_misses integer NOT NULL,
    revoked_at datetime
);
CREATE INDEX IF NOT EXISTS idx_sessions_user_auth ON sessions (user_id, auth_time);
CREATE INDEX IF NOT EXISTS idx_sessions_expires_at ON sessions (expires_at);

-- Every grant that was redeemed, with what all its tokens share.
CREATE TABLE IF NOT EXISTS token_families (
    id text PRIMARY KEY,
    user_id text NOT NULL,
    client_id text NOT NULL,
    authorization_id integer,
    grant_name text NOT NULL,
    auth_time datetime,
    nonce text,
    scopes text NOT NULL,
    created_at datetime NOT NULL,
    absolute_end datetime,
    revoked_at datetime,
    ip text,
    user_agent text
);
CREATE INDEX IF NOT EXISTS idx_token_families_user_id ON token_families (user_id);
CREATE INDEX IF NOT EXISTS idx_token_families_client_id ON token_families (client_id);
CREATE INDEX IF NOT EXISTS idx_token_families_created_at ON token_families (created_at);

-- What was changed and may be remembered elsewhere. Append-only; every process reads what is new.
CREATE TABLE IF NOT EXISTS invalidations (
    id integer PRIMARY KEY AUTOINCREMENT,
    kind text NOT NULL,
    key text NOT NULL,
    created_at datetime NOT NULL
);
CREATE INDEX IF NOT EXISTS idx_invalidations_created_at ON invalidations (created_at);

-- Why requests were refused: what a reference in an error answer leads to. `subject` is the client.
CREATE TABLE IF NOT EXISTS decision_traces (
    id text PRIMARY KEY,
    subject text NOT NULL,
    trace text NOT NULL,
    created_at datetime NOT NULL,
    operation text,
    failed_check text,
    error text,
    times integer,
    last_seen_at datetime
);
CREATE INDEX IF NOT EXISTS idx_decision_traces_created_at ON decision_traces (created_at);

-- Keys that sign, signed, or will. Kept for good, so that an old file is never taken for a new key; the sealed private
-- half of a key that lives here goes when its last token is over.
CREATE TABLE IF NOT EXISTS signing_keys (
    kid text PRIMARY KEY,
    algorithm text NOT NULL,
    spki blob NOT NULL,
    published_at datetime NOT NULL,
    activate_at datetime NOT NULL,
    retired_at datetime,
    held_at datetime NOT NULL,
    not_after datetime NOT NULL,
    sealed text,
    purpose text
);

-- Client assertions that were used (RFC 7523 section 3).
CREATE TABLE IF NOT EXISTS client_assertion_jtis (
    jti_hash text PRIMARY KEY,
    client_id text NOT NULL,
    expires_at datetime NOT NULL
);
CREATE INDEX IF NOT EXISTS idx_client_assertion_jtis_expires_at ON client_assertion_jtis (expires_at);

-- Tokens that manage a registration (RFC 7592).
CREATE TABLE IF NOT EXISTS registration_tokens (
    token_hash text PRIMARY KEY,
    client_id text NOT NULL,
    created_at datetime NOT NULL
);
CREATE INDEX IF NOT EXISTS idx_registration_tokens_client_id ON registration_tokens (client_id);

-- Wrong passwords in a row, by a digest of the name that was typed.
CREATE TABLE IF NOT EXISTS login_failures (
    account text PRIMARY KEY,
    failures integer NOT NULL,
    last_failed_at datetime NOT NULL
);
CREATE INDEX IF NOT EXISTS idx_login_failures_last_failed_at ON login_failures (last_failed_at);

-- Which process does the work that only one should do.
CREATE TABLE IF NOT EXISTS leases (
    name text PRIMARY KEY,
    holder text NOT NULL,
    until datetime NOT NULL
);

-- Clients and people for whom all ended, and how far the rows have followed: tokens, and others. `mark`: everything made
-- up to then.
CREATE TABLE IF NOT EXISTS token_endings (
    holder text NOT NULL,
    holder_id text NOT NULL,
    mark datetime NOT NULL,
    started_at datetime NOT NULL,
    ended integer NOT NULL,
    others integer,
    total integer,
    reached_at datetime NOT NULL,
    reached_id text NOT NULL,
    finished_at datetime,
    PRIMARY KEY (holder, holder_id)
);

-- Which clients a person registered.
CREATE INDEX IF NOT EXISTS idx_oauth_applications_user_id ON oauth_applications (user_id);
CREATE INDEX IF NOT EXISTS idx_oauth_applications_created ON oauth_applications (created_at, client_id);
CREATE INDEX IF NOT EXISTS idx_oauth_applications_status ON oauth_applications (status, created_at, client_id);
CREATE INDEX IF NOT EXISTS idx_oauth_applications_name ON oauth_applications (lower(client_name));

-- Lists of people by key, and people by the beginning of what they are called. Administrators and people who are switched
-- off are few.
CREATE INDEX IF NOT EXISTS idx_users_created ON users (created_at, id);
CREATE INDEX IF NOT EXISTS idx_users_admins ON users (created_at, id) WHERE role = 'admin';
CREATE INDEX IF NOT EXISTS idx_users_disabled ON users (created_at, id) WHERE NOT is_active;
CREATE INDEX IF NOT EXISTS idx_users_source ON users (auth_source, created_at, id);
CREATE INDEX IF NOT EXISTS idx_users_lower_username ON users (lower(username));
CREATE INDEX IF NOT EXISTS idx_users_lower_email ON users (lower(email));
CREATE INDEX IF NOT EXISTS idx_users_lower_full_name ON users (lower(full_name));

-- The lists of tokens by key, of all and of one person.
CREATE INDEX IF NOT EXISTS idx_access_tokens_created ON access_tokens (created_at, id);
CREATE INDEX IF NOT EXISTS idx_access_tokens_user_created ON access_tokens (user_id, created_at, id);
-- What a person's apps and devices hold now: few rows, however many are over.
CREATE INDEX IF NOT EXISTS idx_access_tokens_user_held ON access_tokens (user_id, expires_at) WHERE status <> 'revoked';


-- Codes that were given lately. Few are approved and not yet redeemed.
CREATE INDEX IF NOT EXISTS idx_authorization_codes_created ON authorization_codes (created_at);
CREATE INDEX IF NOT EXISTS idx_device_codes_approved ON device_codes (authorized_at) WHERE authorized;

-- Who allowed a client, the latest first.
CREATE INDEX IF NOT EXISTS idx_user_authorizations_granted ON user_authorizations (client_id, granted_at, id) WHERE is_active;


-- What the audit pages filter by, in the order they show it. Most rows are in none of the last three.
CREATE INDEX IF NOT EXISTS idx_audit_logs_type_time ON audit_logs (event_type, event_time);
CREATE INDEX IF NOT EXISTS idx_audit_logs_severity_time ON audit_logs (severity, event_time) WHERE severity <> 'INFO';
CREATE INDEX IF NOT EXISTS idx_audit_logs_failed_time ON audit_logs (event_time) WHERE NOT success;
CREATE INDEX IF NOT EXISTS idx_audit_logs_resource_time ON audit_logs (resource_type, event_time)
    WHERE resource_type IN ('USER', 'CLIENT');

-- How many audit events each hour had, and which hours are counted: from `since` to before `until`.
CREATE TABLE IF NOT EXISTS audit_hours (
    hour datetime NOT NULL,
    event_type text NOT NULL,
    severity text NOT NULL,
    success numeric NOT NULL,
    events integer NOT NULL,
    PRIMARY KEY (hour, event_type, severity, success)
);
CREATE TABLE IF NOT EXISTS audit_counted (
    name text PRIMARY KEY,
    since datetime NOT NULL,
    until datetime NOT NULL
);
