use super::*;
use std::collections::HashSet;

fn decision(operation: Operation, check: Check, passed: &[Check]) -> Decision {
    let error = ErrorCode::InvalidGrant
        .because("no")
        .failing(check)
        .noting("a\nb");
    let mut trail = Trail::default();
    trail.pass_all(passed);
    Decision::new(operation, "client", &error, trail)
}

fn told(decision: &Decision) -> Vec<(String, Outcome)> {
    let steps = decision.trace().steps;
    steps.into_iter().map(|s| (s.check, s.outcome)).collect()
}

fn step(check: Check, outcome: Outcome) -> (String, Outcome) {
    (check.as_str().to_owned(), outcome)
}

#[test]
fn a_trace_tells_what_passed_what_failed_and_what_was_not_asked() {
    let at_once = decision(Operation::Token, Check::Request, &[]);
    let expected = [
        step(Check::Request, Outcome::Failed),
        step(Check::GrantType, Outcome::NotReached),
    ];
    assert_eq!(told(&at_once), expected);
    assert_eq!(at_once.trace().note, "ab");
    let later = decision(Operation::Token, Check::GrantType, &[Check::Request]);
    let expected = [
        step(Check::Request, Outcome::Passed),
        step(Check::GrantType, Outcome::Failed),
    ];
    assert_eq!(told(&later), expected);
}

#[test]
fn what_passed_stands_in_the_order_in_which_it_did_and_nothing_is_made_up() {
    // Not the order of the table, and one check that the table has before the failed one was never asked.
    let passed = [Check::GrantType, Check::Request, Check::Client];
    let odd = decision(Operation::ClientCredentials, Check::Scope, &passed);
    let steps = told(&odd);
    assert_eq!(
        steps[..4],
        [
            step(Check::GrantType, Outcome::Passed),
            step(Check::Request, Outcome::Passed),
            step(Check::Client, Outcome::Passed),
            step(Check::Scope, Outcome::Failed),
        ]
    );
    assert!(steps.contains(&step(Check::Grant, Outcome::NotReached)));
    assert_eq!(steps.len(), Operation::ClientCredentials.checks().len());
}

#[test]
fn a_check_that_passes_in_its_first_part_and_fails_in_its_second_failed() {
    let passed = [Check::Request, Check::ExtraClaims, Check::Client];
    let steps = told(&decision(Operation::Refresh, Check::ExtraClaims, &passed));
    assert_eq!(
        steps[..3],
        [
            step(Check::Request, Outcome::Passed),
            step(Check::Client, Outcome::Passed),
            step(Check::ExtraClaims, Outcome::Failed),
        ]
    );
}

#[test]
fn a_trail_has_room_for_every_operation_and_records_once() {
    for operation in Operation::ALL {
        let mut trail = Trail::default();
        for _ in 0..2 {
            trail.pass_all(operation.checks());
        }
        assert!(trail.passed().eq(operation.checks().iter().copied()));
    }
}

#[test]
fn whoever_is_not_known_yet_is_a_stranger() {
    let known = [Check::Request, Check::Client];
    for (check, passed, is_stranger) in [
        (Check::Client, &[][..], true),
        (Check::Request, &[], true),
        (Check::ClientAuthentication, &known, false),
        (Check::Client, &known, true),
    ] {
        let decision = decision(Operation::Refresh, check, passed);
        assert_eq!(decision.is_by_a_stranger(), is_stranger, "{check:?}");
    }
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
