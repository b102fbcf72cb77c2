//! What tokens say of a grant (RFC 6749 §6, RFC 8707 §2.2): what its client may have still, and of that what it asks for.
//!
//! A client may have lost scopes and resources since, and the Go server granted a device whatever it asked for. What a
//! refresh token keeps is not touched by it: what is given back to the client counts again with the next refresh.
use super::FlowError;
use crate::domain::{
    client::Client,
    oauth_error::{ErrorCode, OauthError},
    resource,
    scope::ScopeSet,
};

/// The scopes of an access token: those that were asked for, or all that are left.
///
/// # Errors
/// `invalid_scope` for more than that, and when nothing is left of a grant that had some.
pub(super) fn scopes(
    asked: Option<&str>,
    granted: &ScopeSet,
    client: &Client,
) -> Result<ScopeSet, OauthError> {
    let refuse = |words: &'static str| {
        let may = &client.scopes;
        let note = format!("granted was: {granted}; the client may have: {may}");
        ErrorCode::InvalidScope.because(words).noting(note)
    };
    let left = granted.narrowed_to(&client.scopes);
    if left.is_empty() && !granted.is_empty() {
        return Err(refuse("the client may no longer have what was granted"));
    }
    let Some(asked) = asked else {
        return Ok(left);
    };
    let wider = || refuse("the scope is wider than what was granted");
    let asked = ScopeSet::parse(asked).map_err(|_| wider())?;
    if asked.is_empty() || !asked.is_subset(&left) {
        return Err(wider());
    }
    Ok(asked)
}

/// The resources of an access token: those that were asked for, or all that are in one of the `allowed` lists still.
/// Empty when the grant named none.
///
/// # Errors
/// `invalid_target` for more than that, and when nothing is left of a grant that named some.
pub(super) fn resources(
    asked: &[String],
    granted: &[String],
    allowed: &[&[String]],
) -> Result<Vec<String>, FlowError> {
    Ok(resource::narrow(asked, granted, allowed)?)
}
