//! The machine's clock and randomness, for everybody who takes them as parameters. Nothing else reads them.
use crate::domain::time::{Clock, Entropy, EntropyFailure, Timestamp};
use ring::rand::{SecureRandom as _, SystemRandom};

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct HostClock;

impl Clock for HostClock {
    fn now(&self) -> Timestamp {
        Timestamp::now_utc()
    }
}

/// The operating system's randomness.
#[derive(Debug)]
pub struct HostEntropy(SystemRandom);

impl Default for HostEntropy {
    fn default() -> Self {
        Self(SystemRandom::new())
    }
}

impl Entropy for HostEntropy {
    fn fill(&self, out: &mut [u8]) -> Result<(), EntropyFailure> {
        self.0.fill(out).map_err(|_| EntropyFailure)
    }
}
