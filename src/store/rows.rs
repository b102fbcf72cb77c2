//! Rows to domain types, and beside each reader the columns that it reads.
//!
//! Every statement that gives such rows names those columns. With `*` a statement that was prepared would break as soon as
//! a newer release gave its table another column: Postgres refuses it, and our driver for SQLite loses its connection.
//! Where a table is joined to others, its list names it by the letter that all statements give it.
use super::{StoreError, sql::Row};
use crate::domain::{
    client::{AuthMethod, Client, ClientStatus, ClientType, PreviousSecret, binding},
    code::AuthorizationCode,
    consent::Consent,
    device::{DeviceCode, UserCode},
    eligibility::outlives,
    ids::{ClientId, FamilyId, TokenId, UserId},
    key_schedule::KeyRecord,
    registration::Reach,
    scope::ScopeSet,
    session::Session,
    time::Timestamp,
    token::{Subject, Token, TokenCategory, TokenStatus},
    user::{Role, User},
};
use std::time::Duration;

/// `signing_keys.purpose` of a key that signs ID tokens only.
pub const FOR_ID_TOKENS: &str = "id_token";

/// The columns that [`client`] reads, of `oauth_applications c`. Those that the rows of persons and tokens have, too, have
/// another name.
pub const CLIENT: &str = "c.id AS c_id, c.client_id AS c_client_id, c.client_secret, c.fast_secret_hash, c.fast_secret_of, \
     c.client_name, c.description, c.user_id AS c_user_id, c.scopes AS c_scopes, c.redirect_uris, \
     c.post_logout_redirect_uris, c.allowed_resources, c.client_type, c.enable_device_flow, c.enable_auth_code_flow, \
     c.enable_client_credentials_flow, c.status AS c_status, c.token_profile, c.project, c.service_account, \
     c.machine_token_ttl, c.token_endpoint_auth_method, c.jwks, c.id_token_signed_response_alg, c.previous_secret, \
     c.previous_secret_until, c.previous_secret_of, c.registration_metadata, c.status_reason, c.approved_as, c.created_by, c.row_version, \
     c.created_at AS c_created_at, c.updated_at AS c_updated_at";

/// The client of a row that is another's in the first place, if there is one.
pub fn joined_client(row: &Row) -> Result<Option<Client>, StoreError> {
    let found = row.maybe_text("c_client_id")?;
    found.map(|_| client(row)).transpose()
}

/// A row of `oauth_applications`.
pub fn client(row: &Row) -> Result<Client, StoreError> {
    Ok(Client {
        application_id: row.int("c_id")?,
        client_id: ClientId::new(row.text("c_client_id")?),
        secret_hash: row.text("client_secret")?,
        fast_secret_hash: fast_secret(row)?,
        name: row.text("client_name")?,
        description: row.text("description")?,
        owner: row.text("c_user_id")?,
        scopes: ScopeSet::stored(&row.text("c_scopes")?),
        redirect_uris: row.list("redirect_uris")?,
        post_logout_redirect_uris: row.list("post_logout_redirect_uris")?,
        allowed_resources: row.list("allowed_resources")?,
        client_type: ClientType::stored(&row.text("client_type")?),
        device_flow: row.flag("enable_device_flow")?,
        auth_code_flow: row.flag("enable_auth_code_flow")?,
        client_credentials_flow: row.flag("enable_client_credentials_flow")?,
        status: ClientStatus::stored(&row.text("c_status")?),
        token_profile: row.text("token_profile")?,
        project: row.text("project")?,
        service_account: row.text("service_account")?,
        machine_token_ttl: row
            .maybe_int("machine_token_ttl")?
            .and_then(|seconds| u64::try_from(seconds).ok())
            .filter(|seconds| *seconds > 0)
            .map(Duration::from_secs),
        auth_method: row
            .maybe_text("token_endpoint_auth_method")?
            .and_then(|text| AuthMethod::parse(&text)),
        jwks: row.maybe_text("jwks")?,
        id_token_alg: row.maybe_text("id_token_signed_response_alg")?,
        previous_secret: previous_secret(row)?,
        metadata: row
            .maybe_text("registration_metadata")?
            .and_then(|text| serde_json::from_str(&text).ok())
            .unwrap_or_default(),
        status_reason: row.text("status_reason")?,
        approved: approved(row)?,
        created_by: row.text("created_by")?,
        version: row.int("row_version")?,
        created_at: row.time("c_created_at")?,
        updated_at: row.time("c_updated_at")?,
    })
}

/// The Go server approves and rejects without a look at it: it counts only while the client waits.
fn approved(row: &Row) -> Result<Option<Box<Reach>>, StoreError> {
    let kept = row.maybe_text("approved_as")?;
    let Some(kept) = kept.filter(|kept| !kept.is_empty()) else {
        return Ok(None);
    };
    let waits = ClientStatus::stored(&row.text("c_status")?) == ClientStatus::Pending;
    // One that cannot be read says that there was an approval; everything is new then.
    Ok(waits.then(|| serde_json::from_str(&kept).unwrap_or_default()))
}

/// The fast hash counts while it is bound to the slow one that stands there.
fn fast_secret(row: &Row) -> Result<Option<String>, StoreError> {
    let (hash, of) = (
        row.maybe_text("fast_secret_hash")?,
        row.maybe_text("fast_secret_of")?,
    );
    let Some((hash, of)) = hash.zip(of) else {
        return Ok(None);
    };
    let belongs = of == binding(&row.text("client_secret")?);
    Ok(belongs.then_some(hash))
}

/// The secret before this one: it belongs to the secret that took its place, and a secret made by somebody who does not
/// know of overlaps ends it.
fn previous_secret(row: &Row) -> Result<Option<PreviousSecret>, StoreError> {
    let hash = row.maybe_text("previous_secret")?;
    let Some((hash, until)) = hash.zip(row.maybe_time("previous_secret_until")?) else {
        return Ok(None);
    };
    let belongs = row.text("previous_secret_of")? == binding(&row.text("client_secret")?);
    Ok(belongs.then_some(PreviousSecret { hash, until }))
}

/// What is read of a person whatever else the row is about.
macro_rules! person_columns {
    () => {
        "u.username, u.email, u.password_hash, u.role, u.full_name, u.avatar_url, u.is_active, u.email_verified, \
         u.auth_source, u.must_change_password, u.updated_at"
    };
}

/// The columns that [`user`] reads, of `users u`.
pub const USER: &str = concat!("u.id, u.created_at, ", person_columns!());

pub fn user(row: &Row) -> Result<User, StoreError> {
    person(row, row.text("id")?, "created_at")
}

/// The columns that [`holder`] reads, of a `users u` that is joined.
pub const HOLDER: &str = concat!(
    "u.id AS holder_id, u.created_at AS holder_created_at, ",
    person_columns!()
);

/// The person of a row that is another's in the first place, if there is one.
pub fn holder(row: &Row) -> Result<Option<User>, StoreError> {
    row.maybe_text("holder_id")?
        .map(|id| person(row, id, "holder_created_at"))
        .transpose()
}

fn person(row: &Row, id: String, created_at: &str) -> Result<User, StoreError> {
    Ok(User {
        id: UserId::new(id),
        username: row.text("username")?,
        email: row.text("email")?,
        password_hash: row.text("password_hash")?,
        role: Role::stored(&row.text("role")?),
        full_name: row.text("full_name")?,
        avatar_url: row.text("avatar_url")?,
        is_active: row.flag("is_active")?,
        email_verified: row.flag("email_verified")?,
        auth_source: row.text("auth_source")?,
        must_change_password: row.flag("must_change_password")?,
        created_at: row.time(created_at)?,
        updated_at: row.time("updated_at")?,
    })
}

/// The columns that [`consent`] reads, of `user_authorizations a` with `oauth_applications c` joined.
pub const CONSENT: &str = "a.id, a.uuid, a.user_id, a.client_id, a.scopes, a.resource, a.granted_at, a.is_active, \
     c.tokens_end_at AS client_mark";

pub fn consent(row: &Row) -> Result<Consent, StoreError> {
    Ok(Consent {
        authorization_id: row.int("id")?,
        uuid: row.text("uuid")?,
        user_id: UserId::new(row.text("user_id")?),
        client_id: ClientId::new(row.text("client_id")?),
        scopes: ScopeSet::stored(&row.text("scopes")?),
        resource: row.list("resource")?,
        granted_at: row.time("granted_at")?,
        is_active: in_force(row, row.maybe_time("client_mark")?)?,
    })
}

/// Whether the consent of a row counts: it was not withdrawn, nor did all of its client's end since it was given.
pub fn in_force(row: &Row, client_mark: Option<Timestamp>) -> Result<bool, StoreError> {
    Ok(row.flag("is_active")? && outlives(row.time("granted_at")?, client_mark))
}

/// The columns that [`code`] reads, of `authorization_codes k`.
pub const CODE: &str = "k.id, k.uuid, k.code_hash, k.code_prefix, k.application_id, k.client_id, k.user_id, k.redirect_uri, \
     k.scopes, k.code_challenge, k.nonce, k.resource, k.expires_at, k.used_at, k.created_at, k.auth_time, k.issued_family_id";

pub fn code(row: &Row) -> Result<AuthorizationCode, StoreError> {
    Ok(AuthorizationCode {
        row_id: row.int("id")?,
        uuid: row.text("uuid")?,
        hash: row.text("code_hash")?,
        prefix: row.text("code_prefix")?,
        application_id: row.int("application_id")?,
        client_id: ClientId::new(row.text("client_id")?),
        user_id: UserId::new(row.text("user_id")?),
        redirect_uri: row.text("redirect_uri")?,
        scopes: ScopeSet::stored(&row.text("scopes")?),
        code_challenge: row.text("code_challenge")?,
        nonce: row.text("nonce")?,
        resource: row.list("resource")?,
        expires_at: row.time("expires_at")?,
        used_at: row.maybe_time("used_at")?,
        created_at: row.time("created_at")?,
        auth_time: row.maybe_time("auth_time")?,
        issued_family: row.maybe_text("issued_family_id")?.map(FamilyId::new),
    })
}

/// The columns that [`device`] reads, of `device_codes`.
pub const DEVICE: &str = "id, device_code_hash, device_code_salt, device_code_id, user_code, client_id, scopes, resource, \
     expires_at, \"interval\", user_id, authorized, authorized_at, denied_at, auth_time, created_at, requester_ip, \
     requester_user_agent";

pub fn device(row: &Row) -> Result<DeviceCode, StoreError> {
    let authorized = row.flag("authorized")?;
    Ok(DeviceCode {
        row_id: row.int("id")?,
        hash: row.text("device_code_hash")?,
        salt: row.text("device_code_salt")?,
        suffix: row.text("device_code_id")?,
        user_code: UserCode::stored(row.text("user_code")?),
        client_id: ClientId::new(row.text("client_id")?),
        scopes: ScopeSet::stored(&row.text("scopes")?),
        resource: row.list("resource")?,
        expires_at: row.time("expires_at")?,
        interval: u32::try_from(row.int("interval")?).unwrap_or(5).max(1),
        approved_by: row
            .maybe_text("user_id")?
            .filter(|_| authorized)
            .map(UserId::new),
        approved_at: row.maybe_time("authorized_at")?.filter(|_| authorized),
        denied_at: row.maybe_time("denied_at")?,
        auth_time: row.maybe_time("auth_time")?,
        created_at: row.time("created_at")?,
        requester_ip: row.maybe_text("requester_ip")?,
        requester_user_agent: row.maybe_text("requester_user_agent")?,
    })
}

/// The columns that [`token`] reads, of `access_tokens t`.
pub const TOKEN: &str = "t.id, t.token_hash, t.token_category, t.status, t.user_id, t.client_id, t.scopes, t.expires_at, \
     t.created_at, t.last_used_at, t.parent_token_id, t.token_family_id, t.authorization_id, t.resource";

pub fn token(row: &Row) -> Result<Token, StoreError> {
    let category = row.text("token_category")?;
    Ok(Token {
        id: TokenId::new(row.text("id")?),
        hash: row.text("token_hash")?,
        category: TokenCategory::stored(&category)
            .ok_or_else(|| StoreError::Bug(format!("token_category is {category:?}")))?,
        status: TokenStatus::stored(&row.text("status")?),
        subject: Subject::stored(&row.text("user_id")?),
        client_id: ClientId::new(row.text("client_id")?),
        scopes: ScopeSet::stored(&row.text("scopes")?),
        expires_at: row.time("expires_at")?,
        created_at: row.time("created_at")?,
        last_used_at: row.maybe_time("last_used_at")?,
        parent: row.maybe_text("parent_token_id")?.map(TokenId::new),
        family: row.maybe_text("token_family_id")?.map(FamilyId::new),
        authorization_id: row.maybe_int("authorization_id")?,
        resource: row.list("resource")?,
    })
}

/// The columns that [`session`] reads, of `sessions s` with `users u` joined. Those that a person's row has, too, have
/// another name.
pub const SESSION: &str = "s.id_hash, s.user_id AS session_user_id, s.auth_time AS session_auth_time, s.last_seen_at, \
     s.expires_at AS session_expires_at, s.remember_me, s.fingerprint, s.ip, s.user_agent, s.code_misses, \
     s.revoked_at AS session_revoked_at, u.sessions_end_at";

pub fn session(row: &Row) -> Result<Session, StoreError> {
    let auth_time = row.time("session_auth_time")?;
    let ended = row
        .maybe_time("sessions_end_at")?
        .filter(|mark| !outlives(auth_time, Some(*mark)));
    Ok(Session {
        hash: row.text("id_hash")?,
        user_id: UserId::new(row.text("session_user_id")?),
        auth_time,
        last_seen_at: row.time("last_seen_at")?,
        expires_at: row.time("session_expires_at")?,
        remember_me: row.flag("remember_me")?,
        fingerprint: row.text("fingerprint")?,
        ip: row.text("ip")?,
        user_agent: row.text("user_agent")?,
        revoked_at: row.maybe_time("session_revoked_at")?.or(ended),
        code_misses: u32::try_from(row.int("code_misses")?).unwrap_or(u32::MAX),
    })
}

/// The columns that [`key_record`] reads, of `signing_keys`.
pub const KEY_RECORD: &str = "kid, algorithm, spki, published_at, activate_at, retired_at, held_at, not_after, sealed, \
     purpose";

/// A row of `signing_keys`.
pub fn key_record(row: &Row) -> Result<KeyRecord, StoreError> {
    Ok(KeyRecord {
        kid: row.text("kid")?,
        algorithm: row.text("algorithm")?,
        spki: row.bytes("spki")?,
        published_at: row.time("published_at")?,
        activate_at: row.time("activate_at")?,
        retired_at: row.maybe_time("retired_at")?,
        held_at: row.time("held_at")?,
        not_after: row.time("not_after")?,
        sealed: row.maybe_text("sealed")?,
        for_id_tokens: row.maybe_text("purpose")?.as_deref() == Some(FOR_ID_TOKENS),
    })
}
