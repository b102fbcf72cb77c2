use super::*;
use crate::domain::device::{USER_CODE_ALPHABET, USER_CODE_LENGTH};

/// Guesses that were let through, of those that each account makes in turn on one day. Who has spent a session signs in again.
fn let_through(accounts: usize, guesses_each: usize, in_session: u32) -> u32 {
    let mut of = vec![Misses::default(); accounts];
    let mut everyone = 0;
    for n in 0..accounts * guesses_each {
        let Some(misses) = of.get_mut(n % accounts) else {
            continue;
        };
        misses.everyone = everyone;
        match misses.allow(in_session) {
            Ok(()) => {
                misses.session += 1;
                misses.today += 1;
                everyone += 1;
            }
            Err(Spent::Session) => misses.session = 0,
            Err(Spent::Today) => {}
        }
    }
    everyone
}

/// DV-01: a million guesses by one account, from however many addresses, find a code that waits with less than 2^-32; a thousand
/// accounts do no better than the hour's bound and one guess each.
#[test]
fn user_code_bruteforce_budget() {
    let codes = (USER_CODE_ALPHABET.len() as f64).powi(USER_CODE_LENGTH as i32);
    let by_one = let_through(1, 1_000_000, 5);
    assert_eq!(by_one, 20);
    assert!(f64::from(by_one) / codes < 2f64.powi(-32));
    let by_a_thousand = let_through(1_000, 1_000, 5);
    assert!((500..1_500).contains(&by_a_thousand), "{by_a_thousand}");
    assert!(f64::from(by_a_thousand) / codes < 2f64.powi(-29));
    assert_eq!(let_through(1, 1_000_000, 0), 1_000_000, "0 bounds nothing");
}

#[test]
fn what_is_spent_is_told_apart() {
    let misses = |session, today, everyone| Misses {
        session,
        today,
        everyone,
    };
    assert_eq!(misses(4, 19, 0).allow(5), Ok(()));
    assert_eq!(misses(5, 19, 0).allow(5), Err(Spent::Session));
    assert_eq!(misses(5, 20, 0).allow(5), Err(Spent::Today));
    assert_eq!(misses(0, 0, 500).allow(5), Ok(()));
    assert_eq!(misses(1, 1, 500).allow(5), Err(Spent::Today));
}
