//! What one request has passed so far.
use super::Check;

/// More checks than any operation has.
const MOST: usize = 24;

/// The checks that a request passed, in the order in which it did. It lives on the stack of whoever answers the request, and
/// recording is one byte written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trail {
    passed: [Option<Check>; MOST],
}

impl Trail {
    /// Records that a check was passed. One that is asked in two parts counts where its first part did.
    pub fn pass(&mut self, check: Check) {
        if self.has_passed(check) {
            return;
        }
        if let Some(free) = self.passed.iter_mut().find(|place| place.is_none()) {
            *free = Some(check);
        }
    }

    /// Records several, in this order.
    pub fn pass_all(&mut self, checks: &[Check]) {
        checks.iter().for_each(|check| self.pass(*check));
    }

    /// In the order in which they were passed.
    pub fn passed(&self) -> impl Iterator<Item = Check> {
        self.passed.iter().map_while(|place| *place)
    }

    /// Whether it was passed.
    pub fn has_passed(&self, check: Check) -> bool {
        self.passed().any(|passed| passed == check)
    }
}
