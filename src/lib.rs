//! AuthGate issues and manages OAuth 2.0 / OpenID Connect tokens.
pub mod config;
