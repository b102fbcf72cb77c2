use super::*;
use proptest::prelude::*;

/// RFC 7636 appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

#[test]
fn pkce_methods() {
    assert_eq!(challenge(CHALLENGE, "S256", true), Ok(()));
    assert_eq!(challenge("", "", false), Ok(()));
    assert_eq!(challenge("", "", true), Err(ChallengeError::Missing));
    for method in ["plain", "", "s256", "S512", "S256 "] {
        assert_eq!(
            challenge(CHALLENGE, method, false),
            Err(ChallengeError::Method),
            "{method:?}"
        );
    }
    assert_eq!(challenge("", "S256", false), Err(ChallengeError::Alone));
    assert_eq!(challenge("", "plain", false), Err(ChallengeError::Method));
}

#[test]
fn the_example_of_the_rfc_verifies() {
    assert_eq!(verify(CHALLENGE, Some(VERIFIER)), Ok(()));
    assert_eq!(verify(CHALLENGE, None), Err(VerifierError::Missing));
    assert_eq!(verify("", None), Ok(()));
    assert_eq!(verify("", Some(VERIFIER)), Err(VerifierError::Unexpected));
    let other = VERIFIER.replace('d', "e");
    assert_eq!(
        verify(CHALLENGE, Some(&other)),
        Err(VerifierError::Mismatch)
    );
}

proptest! {
    #[test]
    fn pkce_shape(text in "[A-Za-z0-9._~/+= -]{0,140}") {
        let good_challenge = text.len() == 43
            && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c));
        prop_assert_eq!(challenge(&text, "S256", true).is_ok(), good_challenge);
        let unreserved = text.chars().all(|c| c.is_ascii_alphanumeric() || "-._~".contains(c));
        let good_verifier = (43..=128).contains(&text.len()) && unreserved;
        let made = digest::sha256_base64url(text.as_bytes());
        prop_assert_eq!(verify(&made, Some(&text)).is_ok(), good_verifier);
    }
}
