//! Signatures that were found good: an API shows the same token again and again, and checking an RSA or ECDSA signature is
//! most of what that costs. Belongs to one set of keys and ends with it, so a key that no longer counts proves nothing. It
//! knows neither claims nor times: whether a token is in force is asked every time.
use ring::digest::{SHA256, digest};
use std::{
    collections::HashSet,
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Tokens in one generation; there are two at most, of 32 bytes each.
const GENERATION: usize = 8 * 1024;

/// The SHA-256 of a whole token, its signature included.
type Digest = [u8; 32];

/// The tokens whose signatures were good lately.
#[derive(Default)]
pub struct Proven(Mutex<Generations>);

#[derive(Default)]
struct Generations {
    young: HashSet<Digest>,
    old: HashSet<Digest>,
}

impl Proven {
    /// Nothing when the signature of just this token was good before, or `check` finds that it is.
    ///
    /// # Errors
    /// Those of `check`.
    pub fn or_check<E>(&self, token: &str, check: impl FnOnce() -> Result<(), E>) -> Result<(), E> {
        let Ok(token) = Digest::try_from(digest(&SHA256, token.as_bytes()).as_ref()) else {
            return check();
        };
        if self.generations().holds(&token) {
            return Ok(());
        }
        check()?;
        self.generations().add(token);
        Ok(())
    }

    fn generations(&self) -> MutexGuard<'_, Generations> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Generations {
    /// One that is asked for stays when its generation goes.
    fn holds(&mut self, token: &Digest) -> bool {
        if self.young.contains(token) {
            return true;
        }
        let is_old = self.old.contains(token);
        if is_old {
            self.add(*token);
        }
        is_old
    }

    fn add(&mut self, token: Digest) {
        if self.young.len() >= GENERATION {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(token);
    }
}

impl fmt::Debug for Proven {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let held = self.generations();
        f.debug_struct("Proven")
            .field("young", &held.young.len())
            .field("old", &held.old.len())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_good_signature_is_checked_once_and_a_bad_one_each_time() {
        let proven = Proven::default();
        let checks = std::cell::Cell::new(0);
        let check = |token: &str, outcome: Result<(), ()>| {
            proven.or_check(token, || {
                checks.set(checks.get() + 1);
                outcome
            })
        };
        assert_eq!(
            (check("good", Ok(())), check("good", Err(()))),
            (Ok(()), Ok(()))
        );
        assert_eq!(checks.get(), 1);
        assert_eq!(
            (check("bad", Err(())), check("bad", Err(()))),
            (Err(()), Err(()))
        );
        assert_eq!(checks.get(), 3);
    }

    #[test]
    fn what_is_remembered_is_bounded_and_what_is_asked_for_stays() {
        let proven = Proven::default();
        for n in 0..5 * GENERATION {
            proven.or_check(&n.to_string(), || Ok::<_, ()>(())).unwrap();
            proven
                .or_check("often", || if n == 0 { Ok(()) } else { Err(n) })
                .unwrap();
        }
        let held = proven.generations();
        assert!(held.young.len() <= GENERATION && held.old.len() <= GENERATION);
    }
}
