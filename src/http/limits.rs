//! Rate limits: so many requests from one address in a minute that begins with the first of them.
//!
//! Counters live in this process and are bounded; a shared counter would be another [`Limiter`] behind the same question.
use std::{
    collections::HashMap,
    hash::{BuildHasher as _, RandomState},
    net::{IpAddr, Ipv6Addr},
    sync::{Mutex, PoisonError},
};

/// Length of a window.
const WINDOW_MS: i64 = 60_000;
/// Of two requests at the same time, the later one may begin the window for both.
const RACE_MS: i64 = 1_000;
const SHARDS: usize = 64;
/// Addresses in one shard before the expired ones are swept; a flood of fresh addresses beyond it starts the shard anew.
const MAX_IN_SHARD: usize = 4096;

/// The limit of one endpoint.
pub struct Limiter {
    limit: i64,
    hasher: RandomState,
    shards: Vec<Mutex<HashMap<IpAddr, Window>>>,
}

struct Window {
    count: i64,
    ends_ms: i64,
    told: bool,
}

impl Window {
    fn new(now_ms: i64) -> Self {
        Self {
            count: 0,
            ends_ms: now_ms + WINDOW_MS,
            told: false,
        }
    }

    /// A window that ends later than one that begins now is over as well: the clock was set back.
    fn is_open(&self, now_ms: i64) -> bool {
        (now_ms + 1..=now_ms + WINDOW_MS + RACE_MS).contains(&self.ends_ms)
    }
}

/// What the limit says to one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Whether it may go on.
    pub allowed: bool,
    /// `X-RateLimit-Limit`.
    pub limit: i64,
    /// `X-RateLimit-Remaining`.
    pub remaining: i64,
    /// `X-RateLimit-Reset`, Unix seconds.
    pub reset: i64,
    /// `Retry-After`, seconds.
    pub retry_after: u64,
    /// The first refusal of this window: worth a line in the audit trail, unlike those that follow.
    pub is_first_refusal: bool,
}

impl Limiter {
    /// `limit` requests a minute; 0 and less refuse everything.
    pub fn new(limit: i64) -> Self {
        let shards = (0..SHARDS).map(|_| Mutex::default()).collect();
        Self {
            limit: limit.max(0),
            hasher: RandomState::new(),
            shards,
        }
    }

    /// Requests a minute.
    pub fn limit(&self) -> i64 {
        self.limit
    }

    /// Drops the windows that are over.
    pub fn sweep(&self, now_ms: i64) {
        for shard in &self.shards {
            let mut windows = shard.lock().unwrap_or_else(PoisonError::into_inner);
            windows.retain(|_, window| window.is_open(now_ms));
            if windows.is_empty() {
                windows.shrink_to_fit();
            }
        }
    }

    /// Counts a request at `now_ms`, Unix milliseconds.
    pub fn count(&self, address: IpAddr, now_ms: i64) -> Verdict {
        let key = network(address);
        let at = usize::try_from(self.hasher.hash_one(key)).unwrap_or_default() % SHARDS;
        let Some(shard) = self.shards.get(at) else {
            return self.verdict(self.limit + 1, now_ms + WINDOW_MS, now_ms, false);
        };
        let mut windows = shard.lock().unwrap_or_else(PoisonError::into_inner);
        if windows.len() >= MAX_IN_SHARD && !windows.contains_key(&key) {
            windows.retain(|_, window| window.is_open(now_ms));
            if windows.len() >= MAX_IN_SHARD {
                windows.clear();
            }
        }
        let window = windows.entry(key).or_insert_with(|| Window::new(now_ms));
        if !window.is_open(now_ms) {
            *window = Window::new(now_ms);
        }
        window.count = window.count.saturating_add(1);
        let first = window.count > self.limit
            && !std::mem::replace(&mut window.told, window.count > self.limit);
        self.verdict(window.count, window.ends_ms, now_ms, first)
    }

    fn verdict(&self, count: i64, ends_ms: i64, now_ms: i64, is_first_refusal: bool) -> Verdict {
        Verdict {
            allowed: count <= self.limit,
            limit: self.limit,
            remaining: (self.limit - count).max(0),
            reset: (ends_ms + 999) / 1000,
            retry_after: u64::try_from((ends_ms - now_ms + 999) / 1000)
                .unwrap_or(1)
                .max(1),
            is_first_refusal,
        }
    }
}

/// One customer of IPv6 has a /64, and every address in it counts as one.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << 64))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(n: u32) -> IpAddr {
        IpAddr::V4(n.into())
    }

    fn held(limiter: &Limiter) -> usize {
        let shards = limiter.shards.iter();
        shards.map(|shard| shard.lock().unwrap().len()).sum()
    }

    #[test]
    fn a_window_begins_with_its_first_request() {
        let limiter = Limiter::new(2);
        let at = |ms| limiter.count(ip(1), ms);
        assert_eq!((at(500).remaining, at(600).remaining), (1, 0));
        let refused = at(700);
        assert!(!refused.allowed && refused.is_first_refusal);
        assert_eq!((refused.reset, refused.retry_after), (61, 60));
        assert!(!at(60_499).allowed && !at(60_499).is_first_refusal);
        assert!(at(60_500).allowed);
        assert!(limiter.count(ip(2), 700).allowed);
    }

    #[test]
    fn a_clock_that_is_set_back_begins_every_window_anew() {
        let limiter = Limiter::new(2);
        let hour = 3_600_000;
        for n in 1..=2 {
            for _ in 0..3 {
                limiter.count(ip(n), hour);
            }
        }
        let again = limiter.count(ip(1), 0);
        assert!(again.allowed);
        assert_eq!((again.remaining, again.reset), (1, 60));
        limiter.sweep(0);
        assert_eq!(held(&limiter), 1, "the window of an hour ahead is over");
        // By less than a minute: no window becomes longer than one.
        assert!(limiter.count(ip(3), 50_000).retry_after <= 60);
        assert!(limiter.count(ip(3), 20_000).retry_after <= 60);
        // A request that looked at the clock before the one that began the window is counted in it.
        assert_eq!(limiter.count(ip(3), 19_999).remaining, 0);
    }

    #[test]
    fn zero_refuses_everything() {
        assert!(!Limiter::new(0).count(ip(1), 0).allowed);
        assert!(!Limiter::new(-5).count(ip(1), 0).allowed);
    }

    #[test]
    fn one_ipv6_network_is_one_client() {
        let limiter = Limiter::new(1);
        assert!(limiter.count("2001:db8::1".parse().unwrap(), 0).allowed);
        assert!(!limiter.count("2001:db8::2".parse().unwrap(), 0).allowed);
        assert!(limiter.count("2001:db8:0:1::1".parse().unwrap(), 0).allowed);
    }

    #[test]
    fn a_sweep_drops_what_is_over_and_nothing_else() {
        let limiter = Limiter::new(1);
        limiter.count(ip(1), 0);
        limiter.count(ip(2), 1000);
        limiter.sweep(60_000);
        assert_eq!(held(&limiter), 1);
        assert!(!limiter.count(ip(2), 60_000).allowed);
    }

    #[test]
    fn a_flood_of_addresses_is_bounded() {
        let limiter = Limiter::new(1);
        for n in 0..1_000_000 {
            limiter.count(ip(n), 0);
        }
        assert!(held(&limiter) <= SHARDS * MAX_IN_SHARD);
    }
}
