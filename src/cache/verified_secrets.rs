//! Client secrets that were verified a moment ago, so that a bcrypt compare is not paid on every request.
//!
//! Kept is neither the secret nor a digest that could be tried out elsewhere: an HMAC under a key that this process drew
//! and that dies with it, over the secret and the stored hash it was verified against. A changed hash makes it worthless.
use crate::domain::secret::Secret;
use ring::hmac;
use std::{sync::Arc, time::Duration};
use tokio::sync::{Mutex, MutexGuard};

/// How long a verification counts.
const LIFE: Duration = Duration::from_secs(300);
/// At most so many clients.
const CAPACITY: u64 = 10_000;
/// Slow compares that may run side by side.
const TURNS: usize = 64;

/// Verified secrets by client id.
#[derive(Clone)]
pub struct VerifiedSecrets {
    key: Arc<hmac::Key>,
    /// The latest two, because secrets overlap while they are replaced.
    tags: moka::sync::Cache<Box<str>, [[u8; 32]; 2]>,
    turns: Arc<[Mutex<()>; TURNS]>,
}

impl VerifiedSecrets {
    /// Under a key that nobody else knows.
    pub fn new(key: &[u8; 32]) -> Self {
        Self {
            key: Arc::new(hmac::Key::new(hmac::HMAC_SHA256, key)),
            tags: moka::sync::Cache::builder()
                .max_capacity(CAPACITY)
                .time_to_live(LIFE)
                .build(),
            turns: Arc::new([const { Mutex::const_new(()) }; TURNS]),
        }
    }

    /// Whether exactly this secret was verified against exactly this hash.
    pub fn knows(&self, client_id: &str, stored_hash: &str, secret: &Secret) -> bool {
        self.tags.get(client_id).is_some_and(|tags| {
            let message = message(client_id, stored_hash, secret);
            tags.iter()
                .any(|tag| hmac::verify(&self.key, &message, tag).is_ok())
        })
    }

    /// To be called after the slow compare said yes.
    pub fn remember(&self, client_id: &str, stored_hash: &str, secret: &Secret) {
        let tag = hmac::sign(&self.key, &message(client_id, stored_hash, secret));
        if let Ok(tag) = <[u8; 32]>::try_from(tag.as_ref()) {
            let latest = self.tags.get(client_id).map_or(tag, |[latest, _]| latest);
            self.tags.insert(client_id.into(), [tag, latest]);
        }
    }

    /// Whoever shows the same secret at the same moment takes turns: the first pays for the slow compare, the others look
    /// again and find it known. Who else shares a turn depends on a key that nobody outside knows.
    pub async fn turn(&self, client_id: &str, secret: &Secret) -> MutexGuard<'_, ()> {
        let tag = hmac::sign(&self.key, &message(client_id, "", secret));
        let drawn = tag.as_ref().first().copied().unwrap_or_default();
        let [first, ..] = &*self.turns;
        let turn = self.turns.get(usize::from(drawn) % TURNS).unwrap_or(first);
        turn.lock().await
    }

    /// Forgets a client.
    pub fn evict(&self, client_id: &str) {
        self.tags.invalidate(client_id);
    }
}

/// Lengths stand before the parts, so that no two triples make the same message.
fn message(client_id: &str, stored_hash: &str, secret: &Secret) -> zeroize::Zeroizing<Vec<u8>> {
    let mut out = zeroize::Zeroizing::new(Vec::with_capacity(256));
    for part in [client_id, stored_hash, secret.expose()] {
        out.extend_from_slice(&(part.len() as u64).to_be_bytes());
        out.extend_from_slice(part.as_bytes());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_counts_for_one_client_and_one_hash() {
        let known = VerifiedSecrets::new(&[7; 32]);
        let secret = Secret::new("s");
        known.remember("c", "h", &secret);
        assert!(known.knows("c", "h", &secret));
        assert!(!known.knows("c", "h2", &secret));
        assert!(!known.knows("d", "h", &secret));
        assert!(!known.knows("c", "h", &Secret::new("t")));
        known.remember("c", "h2", &Secret::new("t"));
        assert!(known.knows("c", "h", &secret) && known.knows("c", "h2", &Secret::new("t")));
        known.evict("c");
        assert!(!known.knows("c", "h", &secret));
        assert!(!known.knows("c", "h2", &Secret::new("t")));
    }
}
