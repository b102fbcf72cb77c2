//! The wire: translates between HTTP and the flows. Decides nothing about grants, speaks no SQL, draws no markup.
//!
//! `server` accepts and drains connections, `router` finds the handler, the rest reads requests and writes answers;
//! `oauth`, `web` and `ops` hold the handlers, `routes` is the one list of what is served.
pub mod audit;
pub mod body;
pub mod client_address;
pub mod client_credentials;
pub mod cors;
pub mod docs;
pub mod document;
pub mod encoding;
pub mod form;
pub mod handover;
pub mod limits;
pub mod oauth;
pub mod openapi;
pub mod ops;
pub mod request;
pub mod respond;
pub mod router;
pub mod routes;
pub mod server;
pub mod session;
pub mod tls;
pub mod web;
