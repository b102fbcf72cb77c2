//! What administrators and owners look through: lists, single rows and what hangs on them, under the names by which pages
//! know them. Reading alone: nothing is decided here, and who may ask is the guard's.
use super::{FlowError, Ground};
use crate::domain::{
    audit::AuditRecord,
    client::{Client, ClientStatus},
    consent::{Consent, ConsentOfClient, ConsentOfPerson},
    ids::UserId,
    paging::{Edge, Found, Leaf, Slice},
    user::User,
};

pub use crate::store::{
    SEARCH_CAP,
    clients::listing::{ClientHoldings, ClientLine, ClientQuery},
    connections::LinkedLogin,
    consents::Withdrawal,
    counters::Counters,
    endings::{Ending, Holder},
    tokens::{
        listing::{MEANT, TokenLine, TokenQuery},
        state::InState,
    },
    users::listing::{UserHoldings, UserQuery},
};

/// Clients: of everybody, or of one owner.
///
/// # Errors
/// As the store.
pub async fn clients(
    ground: &Ground,
    query: &ClientQuery,
    slice: &Slice,
) -> Result<Found<ClientLine>, FlowError> {
    Ok(ground.store.clients_page(query, slice).await?)
}

/// How many clients a person owns.
///
/// # Errors
/// As the store.
pub async fn clients_of(ground: &Ground, owner: &UserId) -> Result<u64, FlowError> {
    Ok(ground.store.clients_of(owner).await?)
}

/// People.
///
/// # Errors
/// As the store.
pub async fn people(
    ground: &Ground,
    query: &UserQuery,
    slice: &Slice,
) -> Result<Found<User>, FlowError> {
    Ok(ground.store.users_page(query, slice).await?)
}

/// One person.
///
/// # Errors
/// As the store.
pub async fn person(ground: &Ground, id: &UserId) -> Result<Option<User>, FlowError> {
    Ok(ground.store.user(id).await?)
}

/// What a person has by now.
///
/// # Errors
/// As the store.
pub async fn holdings(ground: &Ground, id: &UserId) -> Result<UserHoldings, FlowError> {
    Ok(ground.store.user_holdings(id, ground.now()).await?)
}

/// What a person has allowed.
///
/// # Errors
/// As the store.
pub async fn consents(
    ground: &Ground,
    id: &UserId,
    slice: &Slice,
) -> Result<Leaf<ConsentOfPerson>, FlowError> {
    Ok(ground.store.consents_of_person(id, slice).await?)
}

/// What people allowed a client.
///
/// # Errors
/// As the store.
pub async fn consents_to(
    ground: &Ground,
    client: &Client,
    slice: &Slice,
) -> Result<Leaf<ConsentOfClient>, FlowError> {
    let store = &ground.store;
    Ok(store.consents_of_client(&client.client_id, slice).await?)
}

/// One thing that a person has allowed, and the client, if it is still there.
///
/// # Errors
/// As the store.
pub async fn consent(
    ground: &Ground,
    id: &UserId,
    uuid: &str,
) -> Result<Option<(Consent, Option<Client>)>, FlowError> {
    let Some(consent) = ground.store.consent_by_uuid(id, uuid).await? else {
        return Ok(None);
    };
    let client = ground.store.client(&consent.client_id).await?;
    Ok(Some((consent, client)))
}

/// What was given to a client and still counts.
///
/// # Errors
/// As the store.
pub async fn holdings_of(ground: &Ground, client: &Client) -> Result<ClientHoldings, FlowError> {
    let store = &ground.store;
    let held = store.client_holdings(&client.client_id, ground.now());
    Ok(held.await?)
}

/// Tokens of everybody.
///
/// # Errors
/// As the store.
pub async fn tokens(
    ground: &Ground,
    query: &TokenQuery,
    slice: &Slice,
) -> Result<Found<TokenLine>, FlowError> {
    Ok(ground.store.tokens_page(query, slice).await?)
}

/// One token.
///
/// # Errors
/// As the store.
pub async fn token(ground: &Ground, id: &str) -> Result<Option<TokenLine>, FlowError> {
    Ok(ground.store.token_line(id).await?)
}

/// Whose tokens all ended, with how far their rows have followed.
///
/// # Errors
/// As the store.
pub async fn endings(ground: &Ground) -> Result<Vec<Ending>, FlowError> {
    Ok(ground.store.endings().await?)
}

/// What administrators see first.
pub struct Latest {
    /// What happened last. The Go server leaves no row for who reads the trail; here this look alone leaves none.
    pub activity: Vec<AuditRecord>,
    /// Clients that wait for approval, the newest first.
    pub waiting: Vec<ClientLine>,
    /// Whether rows of tokens that have ended are still to follow.
    pub endings: bool,
}

/// The latest of everything, so many of each.
///
/// # Errors
/// As the store.
pub async fn latest(ground: &Ground, many: usize) -> Result<Latest, FlowError> {
    let newest = Slice {
        size: many,
        from: Edge::Start,
    };
    let pending = ClientQuery {
        status: Some(ClientStatus::Pending),
        ..ClientQuery::default()
    };
    let store = &ground.store;
    let (activity, waiting, ending) = tokio::join!(
        store.audit_newest(many),
        store.clients_page(&pending, &newest),
        store.next_ending()
    );
    Ok(Latest {
        activity: activity?,
        waiting: waiting?.leaf.rows,
        endings: ending?.is_some(),
    })
}
