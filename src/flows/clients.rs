//! Looking clients up. Rows are remembered for `CLIENT_CACHE_TTL`, and forgotten when they change (`Store::tell`, and the
//! outbox for what changes elsewhere); what is issued is always judged on the row itself.
use crate::{
    cache::Cached,
    domain::{client::Client, ids::ClientId},
    store::{Store, StoreError},
};
use std::sync::Arc;

/// Clients by id, through a bounded memory.
#[derive(Clone)]
pub struct Clients {
    store: Store,
    remembered: Cached<Client>,
}

impl Clients {
    /// Reads from `store`, remembers in `remembered`.
    pub fn new(store: Store, remembered: Cached<Client>) -> Self {
        Self { store, remembered }
    }

    /// The client, if there is one. Absence is not remembered, so a client made a moment ago is found.
    ///
    /// # Errors
    /// As the store.
    pub async fn find(&self, client_id: &ClientId) -> Result<Option<Arc<Client>>, StoreError> {
        if let Some(client) = self.remembered.get(client_id.as_str()) {
            return Ok(Some(client));
        }
        let lease = self.remembered.lease();
        let found = self.store.client(client_id).await?.map(Arc::new);
        if let Some(client) = &found {
            self.remembered
                .put(lease, client_id.as_str(), Arc::clone(client));
        }
        Ok(found)
    }
}
