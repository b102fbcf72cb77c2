//! The store by itself: one suite, run on SQLite and on PostgreSQL.
//!
//! PostgreSQL comes from `TEST_POSTGRES_URL`; `make test` sets it. Each test has a database of its own on each engine.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that fails ends in a panic"
)]
#[path = "store/columns.rs"]
mod columns;
#[path = "store/counting.rs"]
mod counting;
#[path = "store/ending.rs"]
mod ending;
#[path = "store/failing.rs"]
mod failing;
#[path = "store/following.rs"]
mod following;
#[path = "store/lists.rs"]
mod lists;
#[path = "store/once.rs"]
mod once;
#[path = "store/pool.rs"]
mod pool;
#[path = "store/searches.rs"]
mod searches;
#[path = "store/seeding.rs"]
mod seeding;
#[path = "store/world.rs"]
mod world;
