//! Resource indicators (RFC 8707 §2): syntax and narrowing. Comparison is by exact text.
use super::{
    oauth_error::{ErrorCode, OauthError},
    trace::Check,
};

/// The most `resource` values that one request may carry.
pub const MAX_RESOURCES: usize = 10;
/// The most bytes of one value.
pub const MAX_RESOURCE_BYTES: usize = 1024;

/// Why a set of resource indicators is refused (`invalid_target`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ResourceError {
    /// More than [`MAX_RESOURCES`].
    #[error("at most 10 resource values are accepted")]
    TooMany,
    /// Not an absolute http or https URI without a fragment, or too long.
    #[error("resource must be an absolute http or https URI without a fragment")]
    Malformed,
    /// Not among what is allowed.
    #[error("the requested resource is not allowed")]
    NotAllowed,
}

impl From<ResourceError> for OauthError {
    fn from(error: ResourceError) -> Self {
        let check = match error {
            ResourceError::TooMany | ResourceError::Malformed => Check::ResourceSyntax,
            ResourceError::NotAllowed => Check::Resource,
        };
        ErrorCode::InvalidTarget
            .because(error.to_string())
            .failing(check)
    }
}

/// Checks the syntax of each value.
///
/// # Errors
/// [`ResourceError::TooMany`] or [`ResourceError::Malformed`].
pub fn check_syntax(values: &[String]) -> Result<(), ResourceError> {
    if values.len() > MAX_RESOURCES {
        return Err(ResourceError::TooMany);
    }
    if values.iter().all(|value| is_resource(value)) {
        Ok(())
    } else {
        Err(ResourceError::Malformed)
    }
}

fn is_resource(value: &str) -> bool {
    if value.is_empty() || value.len() > MAX_RESOURCE_BYTES || value.contains('#') {
        return false;
    }
    let absolute = value.starts_with("http://") || value.starts_with("https://");
    absolute
        && url::Url::parse(value)
            .is_ok_and(|url| url.host_str().is_some_and(|host| !host.is_empty()))
}

/// Every value of `asked` must be in `allowed`; an empty `allowed` refuses all.
///
/// # Errors
/// [`ResourceError::NotAllowed`].
pub fn check_subset(asked: &[String], allowed: &[String]) -> Result<(), ResourceError> {
    if asked.iter().all(|value| allowed.contains(value)) {
        Ok(())
    } else {
        Err(ResourceError::NotAllowed)
    }
}

/// What a token is for: those `granted` values that are in one of the `allowed` lists still, and of them those that were
/// `asked` for, if any were. Empty when none were granted.
///
/// # Errors
/// [`ResourceError::NotAllowed`] for more than that, and when nothing is left of a grant that had some.
pub fn narrow(
    asked: &[String],
    granted: &[String],
    allowed: &[&[String]],
) -> Result<Vec<String>, ResourceError> {
    let is_allowed = |value: &&String| allowed.iter().any(|list| list.contains(value));
    let left: Vec<String> = granted.iter().filter(is_allowed).cloned().collect();
    if left.is_empty() && !granted.is_empty() {
        return Err(ResourceError::NotAllowed);
    }
    check_subset(asked, &left)?;
    Ok(if asked.is_empty() {
        left
    } else {
        asked.to_vec()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Whatever is taken can stand in `aud`: it has a host, and no fragment that another reader would cut off.
        #[test]
        fn any_text_is_judged(values in proptest::collection::vec("\\PC{0,40}|https?://[a-z:/#@.]{0,20}", 0..12)) {
            if check_syntax(&values).is_ok() {
                prop_assert!(values.len() <= MAX_RESOURCES);
                for value in &values {
                    let url = url::Url::parse(value).unwrap();
                    prop_assert!(matches!(url.scheme(), "http" | "https") && url.has_host());
                    prop_assert!(!value.contains('#'));
                }
            }
        }

        #[test]
        fn narrowing_never_widens(asked in proptest::collection::vec("[ab]{1,2}", 0..4), allowed in proptest::collection::vec("[ab]{1,2}", 0..4)) {
            let within = asked.iter().all(|value| allowed.contains(value));
            prop_assert_eq!(check_subset(&asked, &allowed).is_ok(), within);
        }

        /// TK-05: neither more than was granted nor more than the client may have; and never an empty list, which would
        /// stand for any audience, in the place of one that had values.
        #[test]
        fn a_token_is_for_what_is_left(
            asked in proptest::collection::vec("[a-c]", 0..3),
            granted in proptest::collection::vec("[a-c]", 0..3),
            own in proptest::collection::vec("[a-c]", 0..3),
            common in proptest::collection::vec("[a-c]", 0..2),
        ) {
            let open = |value: &String| granted.contains(value) && (own.contains(value) || common.contains(value));
            match narrow(&asked, &granted, &[&own, &common]) {
                Ok(token) => {
                    prop_assert!(token.iter().all(open));
                    prop_assert_eq!(token.is_empty(), granted.is_empty());
                    prop_assert!(asked.is_empty() || token == asked);
                }
                Err(error) => {
                    prop_assert_eq!(error, ResourceError::NotAllowed);
                    prop_assert!(!asked.iter().all(open) || !granted.iter().any(open));
                }
            }
        }
    }

    #[test]
    fn syntax_table() {
        let long = format!("https://api.example/{}", "a".repeat(1100));
        for (value, good) in [
            ("https://api.example", true),
            ("http://127.0.0.1:8080/x?y=1", true),
            ("https://:80", false),
            ("api.example", false),
            ("urn:x", false),
            ("https://a/#f", false),
            ("", false),
            (long.as_str(), false),
        ] {
            assert_eq!(check_syntax(&[value.to_owned()]).is_ok(), good, "{value}");
        }
        assert_eq!(
            check_syntax(&vec!["https://a".to_owned(); 11]),
            Err(ResourceError::TooMany)
        );
    }

    #[test]
    fn nothing_allowed_refuses_all_but_an_empty_request() {
        assert_eq!(
            check_subset(&["https://a".into()], &[]),
            Err(ResourceError::NotAllowed)
        );
        assert_eq!(check_subset(&[], &[]), Ok(()));
    }
}
