use super::*;

#[test]
fn blanks_and_repeats_are_folded() {
    assert_eq!(
        ScopeSet::parse("  email  profile email ")
            .unwrap()
            .to_string(),
        "email profile"
    );
    assert!(ScopeSet::parse(" ").unwrap().is_empty());
}

#[test]
fn characters_outside_the_grammar_are_refused() {
    for bad in ["a\"b", "a\\b", "ä", "a\u{7f}"] {
        assert_eq!(ScopeSet::parse(bad), Err(InvalidScope), "{bad}");
    }
}

#[test]
fn a_request_is_narrowed_to_what_the_client_registered() {
    let registered = ScopeSet::stored("email profile");
    let asked = ScopeSet::stored("admin openid email offline_access write");
    assert_eq!(
        asked.narrowed_to(&registered).to_string(),
        "openid email offline_access"
    );
    assert!(
        ScopeSet::stored("admin")
            .narrowed_to(&registered)
            .is_empty()
    );
}
