use super::*;
use std::collections::HashSet;

fn decision(operation: Operation, check: Check) -> Decision {
    let error = ErrorCode::InvalidGrant
        .because("no")
        .failing(check)
        .noting("a\nb");
    Decision::new(operation, "client", &error)
}

#[test]
fn a_trace_tells_what_passed_what_failed_and_what_was_not_asked() {
    let trace = decision(Operation::Token, Check::Request).trace();
    let told: Vec<_> = trace
        .steps
        .iter()
        .map(|s| (s.check.as_str(), s.outcome))
        .collect();
    assert_eq!(
        told,
        [
            ("request", Outcome::Failed),
            ("grant_type", Outcome::NotReached)
        ]
    );
    assert_eq!(trace.note, "ab");
    let trace = decision(Operation::Token, Check::GrantType).trace();
    assert_eq!(trace.steps[0].outcome, Outcome::Passed);
    assert_eq!(trace.steps[1].outcome, Outcome::Failed);
}

#[test]
fn a_check_that_an_operation_does_not_list_claims_nothing_about_the_others() {
    let trace = decision(Operation::Token, Check::CodeVerifier).trace();
    assert_eq!(trace.steps.len(), 1);
}

#[test]
fn whoever_is_not_known_yet_is_a_stranger() {
    assert!(decision(Operation::Refresh, Check::Client).is_by_a_stranger());
    assert!(decision(Operation::Refresh, Check::Request).is_by_a_stranger());
    assert!(!decision(Operation::Refresh, Check::ClientAuthentication).is_by_a_stranger());
    assert!(decision(Operation::Token, Check::GrantType).is_by_a_stranger());
}

#[test]
fn names_are_told_apart_and_no_operation_asks_twice() {
    let names: HashSet<_> = Check::ALL.iter().map(|check| check.as_str()).collect();
    assert_eq!(names.len(), Check::ALL.len());
    for operation in Operation::ALL {
        let asked: HashSet<_> = operation.checks().iter().collect();
        assert_eq!(asked.len(), operation.checks().len(), "{operation:?}");
    }
    for check in Check::ALL {
        assert_eq!(Check::named(check.as_str()), Some(check));
    }
}

#[test]
fn a_reference_survives_being_read_out() {
    let reference = ErrorRef::draw(&[0, 1, 2, 3, 255, 31, 32, 17, 18, 19, 20, 21]);
    assert_eq!(reference.to_string(), "0123-ZZ0H-JKMN");
    assert_eq!(ErrorRef::parse(" o123-zz0h-jkmn"), Some(reference.clone()));
    assert_eq!(ErrorRef::parse("0I23ZZ0HJKMN"), Some(reference));
    for wrong in [
        "",
        "0123",
        "0123-ZZ0H-JKMN-P",
        "0123-ZZ0H-JKM\u{e9}",
        "0123-ZZ0H-JKM'",
    ] {
        assert_eq!(ErrorRef::parse(wrong), None, "{wrong}");
    }
}
