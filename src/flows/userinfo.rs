//! Who a bearer's access token speaks for (OpenID Connect Core 1.0 §5.3).
use super::{
    FlowError,
    inspect::{InspectDeps, bearer_person},
};
use crate::domain::id_token;
use serde_json::{Map, Value};

/// What userinfo needs.
#[derive(Clone)]
pub struct UserinfoDeps {
    /// Looks at tokens.
    pub inspect: InspectDeps,
    /// `BASE_URL` without trailing slashes.
    pub issuer: String,
    /// `USERINFO_REQUIRE_OPENID`: a token without `openid` tells nothing.
    pub needs_openid: bool,
}

/// What a bearer gets.
#[derive(Debug)]
pub enum Userinfo {
    /// Claims about the person.
    Claims(Map<String, Value>),
    /// The token does not count, or speaks for no person.
    Invalid,
    /// The token lacks `openid` and needs it.
    InsufficientScope,
}

/// The claims that the token's scopes open.
///
/// # Errors
/// [`FlowError::Unavailable`] when the database cannot say.
pub async fn userinfo(deps: &UserinfoDeps, jwt: &str) -> Result<Userinfo, FlowError> {
    let Some((user, scopes)) = bearer_person(&deps.inspect, jwt).await? else {
        return Ok(Userinfo::Invalid);
    };
    if deps.needs_openid && !scopes.contains("openid") {
        return Ok(Userinfo::InsufficientScope);
    }
    let mut claims = id_token::person(&user, &scopes);
    claims.insert("iss".to_owned(), deps.issuer.as_str().into());
    claims.insert("sub".to_owned(), user.id.as_str().into());
    Ok(Userinfo::Claims(claims))
}
