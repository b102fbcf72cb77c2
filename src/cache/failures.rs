//! How often somebody may fail to be a client: each failure costs a slow compare and a row of the trail.
//!
//! Counted is the pair of client and network, so that a stranger who fails on purpose never locks the client itself out.
use crate::domain::ids::ClientId;
use std::{
    net::{IpAddr, Ipv6Addr},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

/// Failures in one window.
const MOST: u32 = 10;
/// Begins with the first failure.
const WINDOW: Duration = Duration::from_secs(60);
/// Pairs that are remembered.
const PAIRS: u64 = 100_000;

type Pair = (Box<str>, IpAddr);

/// Failures by client and network, of this process.
#[derive(Clone)]
pub struct Failures(moka::sync::Cache<Pair, Arc<AtomicU32>>);

impl Default for Failures {
    fn default() -> Self {
        let counts = moka::sync::Cache::builder()
            .max_capacity(PAIRS)
            .time_to_live(WINDOW)
            .build();
        Self(counts)
    }
}

impl Failures {
    /// Whether this network has failed too often to try again.
    pub fn is_exhausted(&self, client_id: &ClientId, address: IpAddr) -> bool {
        self.0
            .get(&pair(client_id, address))
            .is_some_and(|count| count.load(Ordering::Relaxed) >= MOST)
    }

    /// Counts one.
    pub fn count(&self, client_id: &ClientId, address: IpAddr) {
        let count = self.0.get_with(pair(client_id, address), Arc::default);
        count.fetch_add(1, Ordering::Relaxed);
    }
}

/// One customer of IPv6 has a /64.
fn pair(client_id: &ClientId, address: IpAddr) -> Pair {
    let network = match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << 64))),
    };
    (client_id.as_str().into(), network)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn client_secret_throttle() {
        let failures = Failures::default();
        let (one, other) = (ClientId::new("a"), ClientId::new("b"));
        let address: IpAddr = "2001:db8::1".parse().unwrap();
        for _ in 0..MOST {
            assert!(!failures.is_exhausted(&one, address));
            failures.count(&one, address);
        }
        assert!(failures.is_exhausted(&one, "2001:db8::2".parse().unwrap()));
        assert!(!failures.is_exhausted(&one, "2001:db8:0:1::1".parse().unwrap()));
        assert!(!failures.is_exhausted(&other, address));
    }
}
