//! What an ID token says, and what userinfo says about the same person (OpenID Connect Core 1.0 §2, §5.1, §5.4).
//!
//! `address` and `phone` bring nothing: no such thing is known about anybody here, and a claim without a value is left out.
use super::{digest::half_sha256_base64url, scope::ScopeSet, user::User};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The standard claims that scopes open; none of them is empty.
pub fn person(user: &User, scopes: &ScopeSet) -> Map<String, Value> {
    let mut claims = Map::new();
    if scopes.contains("profile") {
        let texts = [
            ("name", &user.full_name),
            ("preferred_username", &user.username),
            ("picture", &user.avatar_url),
        ];
        for (name, text) in texts.into_iter().filter(|(_, text)| !text.is_empty()) {
            claims.insert(name.to_owned(), text.as_str().into());
        }
        claims.insert(
            "updated_at".to_owned(),
            user.updated_at.unix_timestamp().into(),
        );
    }
    if scopes.contains("email") && !user.email.is_empty() {
        claims.insert("email".to_owned(), user.email.as_str().into());
        claims.insert("email_verified".to_owned(), user.email_verified.into());
    }
    claims
}

/// What one ID token says.
#[derive(Clone, Debug)]
pub struct IdTokenClaims<'a> {
    /// Issuer, without a trailing slash.
    pub issuer: &'a str,
    /// The person's id.
    pub subject: &'a str,
    /// `aud`.
    pub client_id: &'a str,
    /// `iat`, Unix seconds.
    pub issued_at: i64,
    /// `exp`, Unix seconds.
    pub expires_at: i64,
    /// `jti`.
    pub jti: &'a str,
    /// When the person proved who they are, Unix seconds; left out when nobody knows.
    pub auth_time: Option<i64>,
    /// As the request had it; empty for none.
    pub nonce: &'a str,
    /// The access token that comes with it, for `at_hash`.
    pub access_token: &'a str,
    /// Standard claims.
    pub person: Map<String, Value>,
}

/// The payload as JSON text, names in alphabetical order.
pub fn payload(claims: IdTokenClaims<'_>) -> Vec<u8> {
    let mut members: BTreeMap<String, Value> = claims.person.into_iter().collect();
    let mut put = |name: &str, value: Value| members.insert(name.to_owned(), value);
    put("iss", claims.issuer.into());
    put("sub", claims.subject.into());
    put("aud", claims.client_id.into());
    put("iat", claims.issued_at.into());
    put("exp", claims.expires_at.into());
    put("jti", claims.jti.into());
    let at_hash = half_sha256_base64url(claims.access_token.as_bytes());
    put("at_hash", at_hash.into());
    if let Some(auth_time) = claims.auth_time {
        put("auth_time", auth_time.into());
    }
    if !claims.nonce.is_empty() {
        put("nonce", claims.nonce.into());
    }
    // Text and numbers in a sorted map: there is nothing in it that could not be written.
    serde_json::to_vec(&members).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{ids::UserId, time::Timestamp, user::Role};

    fn alice() -> User {
        User {
            id: UserId::new("u-1"),
            username: "alice".into(),
            email: "alice@example.com".into(),
            password_hash: String::new(),
            role: Role::User,
            full_name: String::new(),
            avatar_url: "https://a.example/p.png".into(),
            is_active: true,
            email_verified: true,
            auth_source: "local".into(),
            must_change_password: false,
            created_at: Timestamp::UNIX_EPOCH,
            updated_at: Timestamp::from_unix_timestamp(7).unwrap(),
        }
    }

    #[test]
    fn scopes_open_claims_and_nothing_empty_is_said() {
        let said = |scopes| Value::from(person(&alice(), &ScopeSet::stored(scopes))).to_string();
        assert_eq!(said("openid address phone"), "{}");
        assert_eq!(
            said("openid profile"),
            r#"{"preferred_username":"alice","picture":"https://a.example/p.png","updated_at":7}"#
        );
        assert_eq!(
            said("email"),
            r#"{"email":"alice@example.com","email_verified":true}"#
        );
    }

    #[test]
    fn an_id_token_says_what_it_must() {
        let claims = IdTokenClaims {
            issuer: "https://id.example",
            subject: "u-1",
            client_id: "c",
            issued_at: 1,
            expires_at: 2,
            jti: "j",
            auth_time: Some(0),
            nonce: "n",
            // OpenID Connect Core 1.0 appendix A.3, with the at_hash it gives.
            access_token: "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y",
            person: Map::new(),
        };
        assert_eq!(
            String::from_utf8(payload(claims)).unwrap(),
            r#"{"at_hash":"77QmUPtjPfzWtF2AnpK9RQ","aud":"c","auth_time":0,"exp":2,"iat":1,"iss":"https://id.example","jti":"j","nonce":"n","sub":"u-1"}"#
        );
    }
}
