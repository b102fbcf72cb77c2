use super::*;
use proptest::prelude::*;

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

/// What is too long is refused before it costs anything, and what is there already is read in linear time.
#[test]
fn many_scopes_cost_little() {
    let many: Vec<String> = (0..200_000).map(|n| format!("s{n}")).collect();
    let text = many.join(" ");
    assert_eq!(ScopeSet::parse(&text), Err(InvalidScope));
    let began = std::time::Instant::now();
    assert_eq!(ScopeSet::stored(&text).iter().count(), many.len());
    assert!(began.elapsed() < std::time::Duration::from_secs(5));
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

proptest! {
    /// Whatever is asked for, nothing is granted that is not registered, and nothing twice.
    #[test]
    fn nothing_is_granted_beyond_what_is_registered(asked in "\\PC{0,60}", registered in "[a-c ]{0,12}") {
        let registered = ScopeSet::stored(&registered);
        if let Ok(asked) = ScopeSet::parse(&asked) {
            let granted = asked.narrowed_to(&registered);
            prop_assert!(granted.is_subset(&asked));
            let open = |scope| registered.contains(scope) || matches!(scope, "openid" | "offline_access");
            prop_assert!(granted.iter().all(open));
            let once: std::collections::BTreeSet<&str> = granted.iter().collect();
            prop_assert_eq!(once.len(), granted.iter().count());
        }
    }

    /// A scope that was read is written so that it is read the same.
    #[test]
    fn what_is_written_is_read_again(text in "[a-z: ]{0,40}") {
        let scopes = ScopeSet::stored(&text);
        prop_assert_eq!(ScopeSet::stored(&scopes.to_string()), scopes);
    }

    /// TK-05: each narrowing leaves a part of what there was; no order of narrowings brings anything back.
    #[test]
    fn scope_lattice(granted in "[a-e ]{0,12}", first in "[a-e ]{0,12}", second in "[a-e ]{0,12}") {
        let [granted, first, second] = [granted, first, second].map(|text| ScopeSet::stored(&text));
        let once = first.narrowed_to(&granted);
        let twice = second.narrowed_to(&once);
        prop_assert!(once.is_subset(&granted) && twice.is_subset(&once) && twice.is_subset(&granted));
        prop_assert_eq!(&once.narrowed_to(&granted), &once);
        prop_assert_eq!(&twice.narrowed_to(&granted), &twice);
    }
}
