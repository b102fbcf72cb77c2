-- The tables that the Go server knows, with its types and defaults.

CREATE TABLE IF NOT EXISTS access_tokens (
    id text NOT NULL,
    token_hash text NOT NULL,
    token_type text DEFAULT 'Bearer' NOT NULL,
    token_category text DEFAULT 'access' NOT NULL,
    status text DEFAULT 'active' NOT NULL,
    user_id text NOT NULL,
    client_id text NOT NULL,
    scopes text NOT NULL,
    expires_at timestamptz,
    created_at timestamptz,
    last_used_at timestamptz,
    parent_token_id text,
    token_family_id text DEFAULT '' NOT NULL,
    authorization_id bigint,
    resource json,
    PRIMARY KEY (id)
);
CREATE TABLE IF NOT EXISTS audit_logs (
    id varchar(36) NOT NULL,
    event_type varchar(50) NOT NULL,
    event_time timestamptz NOT NULL,
    severity varchar(20) NOT NULL,
    actor_user_id varchar(36),
    actor_username varchar(100),
    actor_ip varchar(45),
    resource_type varchar(50),
    resource_id varchar(36),
    resource_name varchar(255),
    action varchar(255) NOT NULL,
    details json,
    success boolean NOT NULL,
    error_message text,
    user_agent varchar(500),
    request_path varchar(500),
    request_method varchar(10),
    created_at timestamptz NOT NULL,
    PRIMARY KEY (id)
);
CREATE TABLE IF NOT EXISTS authorization_codes (
    id bigserial,
    uuid varchar(36) NOT NULL,
    code_hash text NOT NULL,
    code_prefix varchar(8) NOT NULL,
    application_id bigint NOT NULL,
    client_id text NOT NULL,
    user_id text NOT NULL,
    redirect_uri text NOT NULL,
    scopes text NOT NULL,
    code_challenge text DEFAULT '',
    code_challenge_method text DEFAULT 'S256',
    nonce text DEFAULT '',
    resource json,
    expires_at timestamptz,
    used_at timestamptz,
    created_at timestamptz,
    PRIMARY KEY (id)
);
CREATE TABLE IF NOT EXISTS device_codes (
    id bigserial,
    device_code_hash text NOT NULL,
    device_code_salt text NOT NULL,
    device_code_id text NOT NULL,
    user_code text NOT NULL,
    client_id text NOT NULL,
    scopes text NOT NULL,
    resource json,
    expires_at timestamptz,
    "interval" bigint,
    user_id text,
    authorized boolean DEFAULT false,
    authorized_at timestamptz,
    created_at timestamptz,
    updated_at timestamptz,
    PRIMARY KEY (id)
);
CREATE TABLE IF NOT EXISTS oauth_applications (
    id bigserial,
    client_id text NOT NULL,
    client_secret text NOT NULL,
    client_name text NOT NULL,
    description text,
    user_id text NOT NULL,
    scopes text NOT NULL,
    grant_types text DEFAULT 'device_code' NOT NULL,
    redirect_uris json,
    allowed_resources json,
    client_type text DEFAULT 'public' NOT NULL,
    enable_device_flow boolean DEFAULT true NOT NULL,
    enable_auth_code_flow boolean DEFAULT false NOT NULL,
    enable_client_credentials_flow boolean DEFAULT false NOT NULL,
    status text DEFAULT 'active' NOT NULL,
    token_profile varchar(20) DEFAULT 'standard' NOT NULL,
    project varchar(64),
    service_account varchar(255),
    created_by text,
    created_at timestamptz,
    updated_at timestamptz,
    PRIMARY KEY (id)
);
CREATE TABLE IF NOT EXISTS oauth_connections (
    id text NOT NULL,
    user_id text NOT NULL,
    provider text NOT NULL,
    provider_user_id text NOT NULL,
    provider_username text,
    provider_email text,
    avatar_url text,
    access_token text,
    refresh_token text,
    token_expiry timestamptz,
    last_used_at timestamptz,
    created_at timestamptz,
    updated_at timestamptz,
    PRIMARY KEY (id)
);
CREATE TABLE IF NOT EXISTS user_authorizations (
    id bigserial,
    uuid varchar(36) NOT NULL,
    user_id text NOT NULL,
    application_id bigint NOT NULL,
    client_id text NOT NULL,
    scopes text NOT NULL,
    resource json,
    granted_at timestamptz,
    revoked_at timestamptz,
    is_active boolean DEFAULT true NOT NULL,
    created_at timestamptz,
    updated_at timestamptz,
    PRIMARY KEY (id)
);
CREATE TABLE IF NOT EXISTS users (
    id text NOT NULL,
    username text NOT NULL,
    email text NOT NULL,
    password_hash text,
    role text DEFAULT 'user' NOT NULL,
    full_name text,
    avatar_url text,
    is_active boolean DEFAULT true NOT NULL,
    email_verified boolean DEFAULT false NOT NULL,
    external_id text,
    auth_source text DEFAULT 'local',
    created_at timestamptz,
    updated_at timestamptz,
    PRIMARY KEY (id)
);
CREATE INDEX IF NOT EXISTS idx_access_tokens_expires_at ON access_tokens (expires_at);
CREATE INDEX IF NOT EXISTS idx_access_tokens_last_used_at ON access_tokens (last_used_at);
CREATE INDEX IF NOT EXISTS idx_access_tokens_parent_token_id ON access_tokens (parent_token_id);
CREATE UNIQUE INDEX IF NOT EXISTS idx_access_tokens_token_hash ON access_tokens (token_hash);
CREATE INDEX IF NOT EXISTS idx_access_tokens_user_id ON access_tokens (user_id);
CREATE INDEX IF NOT EXISTS idx_audit_logs_actor_ip ON audit_logs (actor_ip);
CREATE INDEX IF NOT EXISTS idx_audit_logs_actor_user_id ON audit_logs (actor_user_id);
CREATE INDEX IF NOT EXISTS idx_audit_logs_created_at ON audit_logs (created_at);
CREATE INDEX IF NOT EXISTS idx_audit_logs_event_time ON audit_logs (event_time);
CREATE INDEX IF NOT EXISTS idx_audit_logs_event_type ON audit_logs (event_type);
CREATE INDEX IF NOT EXISTS idx_audit_logs_resource_id ON audit_logs (resource_id);
CREATE INDEX IF NOT EXISTS idx_audit_logs_resource_type ON audit_logs (resource_type);
CREATE INDEX IF NOT EXISTS idx_audit_logs_success ON audit_logs (success);
CREATE INDEX IF NOT EXISTS idx_authorization_codes_application_id ON authorization_codes (application_id);
CREATE INDEX IF NOT EXISTS idx_authorization_codes_client_id ON authorization_codes (client_id);
CREATE UNIQUE INDEX IF NOT EXISTS idx_authorization_codes_code_hash ON authorization_codes (code_hash);
CREATE INDEX IF NOT EXISTS idx_authorization_codes_code_prefix ON authorization_codes (code_prefix);
CREATE INDEX IF NOT EXISTS idx_authorization_codes_expires_at ON authorization_codes (expires_at);
CREATE INDEX IF NOT EXISTS idx_authorization_codes_user_id ON authorization_codes (user_id);
CREATE UNIQUE INDEX IF NOT EXISTS idx_authorization_codes_uuid ON authorization_codes (uuid);
CREATE INDEX IF NOT EXISTS idx_device_codes_client_id ON device_codes (client_id);
CREATE UNIQUE INDEX IF NOT EXISTS idx_device_codes_device_code_hash ON device_codes (device_code_hash);
CREATE INDEX IF NOT EXISTS idx_device_codes_device_code_id ON device_codes (device_code_id);
CREATE INDEX IF NOT EXISTS idx_device_codes_expires_at ON device_codes (expires_at);
CREATE UNIQUE INDEX IF NOT EXISTS idx_device_codes_user_code ON device_codes (user_code);
CREATE UNIQUE INDEX IF NOT EXISTS idx_oauth_applications_client_id ON oauth_applications (client_id);
CREATE UNIQUE INDEX IF NOT EXISTS idx_oauth_provider_user ON oauth_connections (provider, provider_user_id);
CREATE UNIQUE INDEX IF NOT EXISTS idx_oauth_user_provider ON oauth_connections (user_id, provider);
CREATE INDEX IF NOT EXISTS idx_token_auth_status ON access_tokens (authorization_id, status);
CREATE INDEX IF NOT EXISTS idx_token_cat_status_exp ON access_tokens (token_category, status, expires_at);
CREATE INDEX IF NOT EXISTS idx_token_client_status ON access_tokens (client_id, status);
CREATE INDEX IF NOT EXISTS idx_token_family_status ON access_tokens (token_family_id, status);
CREATE UNIQUE INDEX IF NOT EXISTS idx_user_app ON user_authorizations (user_id, application_id);
CREATE INDEX IF NOT EXISTS idx_user_authorizations_client_id ON user_authorizations (client_id);
CREATE UNIQUE INDEX IF NOT EXISTS idx_user_authorizations_uuid ON user_authorizations (uuid);
CREATE UNIQUE INDEX IF NOT EXISTS idx_users_email ON users (email);
CREATE INDEX IF NOT EXISTS idx_users_external_id ON users (external_id);
CREATE UNIQUE INDEX IF NOT EXISTS idx_users_username ON users (username);
