//! Reads what the operator set. No other room sees an environment variable.
pub mod dotenv;
pub mod duration;
pub mod reader;
pub mod sources;
