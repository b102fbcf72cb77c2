//! What is wrong with a person's form, in the words of the page.
use crate::{
    domain::account::{AccountFault, AccountField},
    flows::people::PolicyViolation,
    pages::Words,
};

/// The faults of one field.
pub fn fault_words(faults: &[(AccountField, AccountFault)], field: AccountField) -> Vec<Words> {
    let of_field = faults.iter().filter(|(found, _)| *found == field);
    of_field.map(|(_, fault)| words(*fault)).collect()
}

fn number(key: &'static str, n: usize) -> Words {
    Words::of(key).with("n", u64::try_from(n).unwrap_or(u64::MAX))
}

fn words(fault: AccountFault) -> Words {
    match fault {
        AccountFault::Required => Words::of("problems.required"),
        AccountFault::TooLong(n) => number("problems.too_long", n),
        AccountFault::BadUsername => Words::of("problems.username"),
        AccountFault::BadEmail => Words::of("problems.email"),
        AccountFault::HiddenCharacter => Words::of("problems.hidden"),
        AccountFault::UnknownRole => Words::of("problems.role"),
        AccountFault::Taken => Words::of("problems.taken"),
        AccountFault::OwnRole => Words::of("problems.own_role"),
        AccountFault::LastAdmin => Words::of("problems.last_admin"),
    }
}

/// Which rule a password breaks.
pub fn policy_words(violation: PolicyViolation) -> Words {
    match violation {
        PolicyViolation::TooShort(n) => number("problems.password_short", n),
        PolicyViolation::TooLong(n) => number("problems.password_long", n),
        PolicyViolation::Common => Words::of("problems.password_common"),
        PolicyViolation::Contextual => Words::of("problems.password_context"),
    }
}
