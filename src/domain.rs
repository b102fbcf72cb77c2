//! The rules, pure: no IO, no clock, no randomness, no async. Time and entropy come in as arguments.
//!
//! Reads beside the RFCs. Everybody may import this room; it imports nobody.
pub mod account;
pub mod assertion;
pub mod audit;
pub mod authorize;
pub mod claims;
pub mod client;
pub mod client_metadata;
pub mod code;
pub mod consent;
pub mod device;
pub mod digest;
pub mod eligibility;
pub mod end_session;
pub mod guesses;
pub mod id_token;
pub mod ids;
pub mod introspection;
pub mod key_schedule;
pub mod lifetimes;
pub mod oauth_error;
pub mod paging;
pub mod pkce;
pub mod redirect;
pub mod registration;
pub mod resource;
pub mod scope;
pub mod secret;
pub mod session;
pub mod submission;
pub mod time;
pub mod token;
pub mod trace;
pub mod user;
