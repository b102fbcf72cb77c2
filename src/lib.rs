//! AuthGate issues and manages OAuth 2.0 / OpenID Connect tokens.
//!
//! The map of the house, one room per concern:
//!
//! * [`config`]: what the operator set. No other room sees an environment variable.
//! * [`domain`]: the rules, pure. No IO, no clock, no randomness, no async.
//! * [`store`]: truth. The only room that speaks SQL.
//! * [`jose`]: keys and JWTs. [`seal`]: sealed cookies and columns.
//! * [`cache`]: what this process remembers for a while.
//! * [`actors`]: what lives: the supervision tree and its handles.
//! * [`flows`]: one function per use case: load, judge, prepare, commit, tell.
//! * [`pages`]: draws HTML from typed views. [`http`]: translates between the wire and the flows.
//! * [`faults`]: faults that tests ask for; empty in every other build.
//! * [`telemetry`]: logs and metrics. `app`: wires the rooms together. `cli`: the command line.
pub mod actors;
pub mod app;
pub mod cache;
pub mod cli;
pub mod config;
pub mod domain;
pub mod faults;
pub mod flows;
pub mod host;
pub mod http;
pub mod jose;
pub mod pages;
pub mod passwords;
pub mod seal;
pub mod store;
pub mod telemetry;
