//! What lists and pages of administrators are asked for and show: the questions and rows of the store, under the names
//! by which pages know them.
pub use crate::store::{
    SEARCH_CAP, StoreError,
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
