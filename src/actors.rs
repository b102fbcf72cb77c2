//! What lives: the supervision tree and the handles through which the rest of the house speaks to it.
//!
//! Lives here: everything that knows ractor, signals and detached tasks. An actor is an [`inbox::Inbox`] served in
//! rounds ([`round::Rounds`]) under a supervisor ([`supervisor::Branch`]); others hold its typed handle only.
//! Must not live here: rules of the protocol, SQL, HTTP, and any state that is the only copy of something.
pub mod audit_counter;
pub mod audit_writer;
pub mod cache_invalidator;
pub mod database_watch;
pub mod device_code_poller;
pub mod handle;
pub mod http_listener;
pub mod inbox;
pub mod key_holder;
pub mod lifecycle;
pub mod limit_sweeper;
pub mod outbox_watch;
pub mod password_hasher;
pub mod retention_sweeper;
pub mod round;
pub mod store_writer;
pub mod supervisor;
pub mod task;
pub mod ticking;
pub mod token_ender;
pub mod trace_writer;
pub mod tree;
pub mod turns;
pub mod upkeep;
pub mod vitals;

#[cfg(test)]
mod testing;

pub use handle::{AskError, Failure};
pub use inbox::{Asked, Inbox, Refusal, Refused};
pub use key_holder::KeyHolder;
pub use lifecycle::{Readiness, Signals};
pub use password_hasher::PasswordHasher;
pub use supervisor::{Branch, Escalated, Spec};
pub use task::Commits;
pub use tree::Tree;
pub use turns::Turns;
pub use vitals::{Intensity, Vitals, WallClock};
