//! How many user codes may be guessed (RFC 8628 §5.1). What is counted, and where, is the store's.
//!
//! A person's guesses count by session and by day (UTC), wherever they come from. When all people together were wrong too often
//! in an hour, somebody guesses with many accounts: then each has one wrong code a day, and whoever types a right one
//! first does not notice.

/// A person may be wrong so many times as often a day as in one session: signing in again gives no endless guesses.
const SESSIONS_A_DAY: u32 = 4;
/// All people together may be wrong so many times as often an hour as one in one session.
const SESSIONS_AN_HOUR: u32 = 100;

/// Wrong user codes so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Misses {
    /// In this session.
    pub session: u32,
    /// By this person today.
    pub today: u32,
    /// By everybody in this hour.
    pub everyone: u32,
}

/// Why no code may be tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spent {
    /// Not in this session any more.
    Session,
    /// Not by this person before tomorrow.
    Today,
}

impl Misses {
    /// Whether one more code may be tried, when a session may be wrong so many times; 0 bounds nothing.
    ///
    /// # Errors
    /// [`Spent`].
    pub fn allow(self, in_session: u32) -> Result<(), Spent> {
        if in_session == 0 {
            return Ok(());
        }
        let is_attack = self.everyone >= in_session.saturating_mul(SESSIONS_AN_HOUR);
        let a_day = match is_attack {
            true => 1,
            false => in_session.saturating_mul(SESSIONS_A_DAY),
        };
        if self.today >= a_day {
            return Err(Spent::Today);
        }
        if self.session >= in_session {
            return Err(Spent::Session);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
