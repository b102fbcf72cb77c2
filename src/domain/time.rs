//! Time and entropy as parameters, so that every answer can be exact in a test.

/// A moment in UTC.
pub type Timestamp = time::OffsetDateTime;

/// Tells what time it is.
pub trait Clock: Send + Sync {
    /// Now, in UTC.
    fn now(&self) -> Timestamp;
}

/// Gives bytes that nobody can guess.
pub trait Entropy: Send + Sync {
    /// Fills `out`, or fails; a failure ends the operation with 503, never with weaker bytes.
    ///
    /// # Errors
    /// When the operating system gives none.
    fn fill(&self, out: &mut [u8]) -> Result<(), EntropyFailure>;
}

/// The source of randomness gave nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the operating system gave no random bytes")]
pub struct EntropyFailure;

/// `N` fresh random bytes.
///
/// # Errors
/// [`EntropyFailure`] when the source has none.
pub fn random<const N: usize>(entropy: &dyn Entropy) -> Result<[u8; N], EntropyFailure> {
    let mut out = [0; N];
    entropy.fill(&mut out)?;
    Ok(out)
}

/// How far two clocks are apart, by what it means for what has an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drift {
    /// Up to half a minute: nobody notices.
    Close,
    /// Up to two minutes: worth a warning.
    Noticeable,
    /// Beyond: whatever is issued would end at the wrong time for somebody.
    Far,
}

impl Drift {
    /// Judges a difference, in either direction.
    pub fn of(ahead: time::Duration) -> Self {
        match ahead.whole_seconds().unsigned_abs() {
            0..=30 => Self::Close,
            31..=120 => Self::Noticeable,
            _ => Self::Far,
        }
    }
}

/// A NumericDate (RFC 7519 §2) in whole seconds since 1970, rounded down, so that nothing ends later than it says. `None`
/// for what is no time.
pub fn numeric_date(value: &serde_json::Value) -> Option<i64> {
    // Beyond 2^53 a float is no longer a time.
    const LIMIT: f64 = 9_007_199_254_740_992.0;
    value.as_i64().or_else(|| {
        let float = value.as_f64().filter(|float| float.abs() < LIMIT)?;
        #[expect(clippy::cast_possible_truncation, reason = "bounded just above")]
        Some(float.floor() as i64)
    })
}

#[cfg(test)]
pub mod doubles {
    //! A clock that is set by hand and entropy that counts.
    use super::{Clock, Entropy, EntropyFailure, Timestamp};
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicU8, Ordering};

    pub struct SetClock(pub Mutex<Timestamp>);
    impl SetClock {
        pub fn at(unix: i64) -> Self {
            Self(Mutex::new(Timestamp::from_unix_timestamp(unix).unwrap()))
        }
    }
    impl Clock for SetClock {
        fn now(&self) -> Timestamp {
            *self.0.lock().unwrap()
        }
    }

    #[derive(Default)]
    pub struct CountingEntropy(pub AtomicU8);
    impl Entropy for CountingEntropy {
        fn fill(&self, out: &mut [u8]) -> Result<(), EntropyFailure> {
            out.fill(self.0.fetch_add(1, Ordering::Relaxed));
            Ok(())
        }
    }
}
