//! The server as a process: real sockets, real databases, real signals.
//!
//! PostgreSQL comes from `TEST_POSTGRES_URL`; `make test` sets it. Without it these tests fail, they are never skipped.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that fails ends in a panic"
)]
#[path = "e2e/access.rs"]
mod access;
#[path = "e2e/account.rs"]
mod account;
#[path = "e2e/addresses.rs"]
mod addresses;
#[path = "e2e/admin.rs"]
mod admin;
#[path = "e2e/adoption.rs"]
mod adoption;
#[path = "e2e/app.rs"]
mod app;
#[path = "e2e/apps.rs"]
mod apps;
#[path = "e2e/audit.rs"]
mod audit;
#[path = "e2e/authorize.rs"]
mod authorize;
#[path = "e2e/browser.rs"]
mod browser;
#[path = "e2e/catalogue.rs"]
mod catalogue;
#[path = "e2e/chromium.rs"]
mod chromium;
#[path = "e2e/clicks.rs"]
mod clicks;
#[path = "e2e/client_auth.rs"]
mod client_auth;
#[path = "e2e/commands.rs"]
mod commands;
#[path = "e2e/compression.rs"]
mod compression;
#[path = "e2e/conformance.rs"]
mod conformance;
#[path = "e2e/consents.rs"]
mod consents;
#[path = "e2e/crash.rs"]
mod crash;
#[path = "e2e/description.rs"]
mod description;
#[path = "e2e/device.rs"]
mod device;
#[path = "e2e/docs.rs"]
mod docs;
#[path = "e2e/endings.rs"]
mod endings;
#[path = "e2e/exchanges.rs"]
mod exchanges;
#[path = "e2e/fast_secrets.rs"]
mod fast_secrets;
#[path = "e2e/faults.rs"]
mod faults;
#[path = "e2e/first_run.rs"]
mod first_run;
#[path = "e2e/forms.rs"]
mod forms;
#[path = "e2e/fuzz.rs"]
mod fuzz;
#[path = "e2e/given_up.rs"]
mod given_up;
#[path = "e2e/go.rs"]
mod go;
#[path = "e2e/hooks.rs"]
mod hooks;
#[path = "e2e/hostile.rs"]
mod hostile;
#[path = "e2e/http.rs"]
mod http;
#[path = "e2e/id_token_keys.rs"]
mod id_token_keys;
#[path = "e2e/journeys.rs"]
mod journeys;
#[path = "e2e/keyboard.rs"]
mod keyboard;
#[path = "e2e/keys.rs"]
mod keys;
#[path = "e2e/lifecycle.rs"]
mod lifecycle;
#[path = "e2e/lists.rs"]
mod lists;
#[path = "e2e/load.rs"]
mod load;
#[path = "e2e/lookups.rs"]
mod lookups;
#[path = "e2e/machine.rs"]
mod machine;
#[path = "e2e/memory.rs"]
mod memory;
#[path = "e2e/narrowing.rs"]
mod narrowing;
#[path = "e2e/oidc.rs"]
mod oidc;
#[path = "e2e/outages.rs"]
mod outages;
#[path = "e2e/overload.rs"]
mod overload;
#[path = "e2e/panics.rs"]
mod panics;
#[path = "e2e/postgres.rs"]
mod postgres;
#[path = "e2e/races.rs"]
mod races;
#[path = "e2e/registration.rs"]
mod registration;
#[path = "e2e/relying_parties.rs"]
mod relying_parties;
#[path = "e2e/rules.rs"]
mod rules;
#[path = "e2e/samples.rs"]
mod samples;
#[path = "e2e/sessions.rs"]
mod sessions;
#[path = "e2e/shown_once.rs"]
mod shown_once;
#[path = "e2e/sign_ins.rs"]
mod sign_ins;
#[path = "e2e/start.rs"]
mod start;
#[path = "e2e/steady.rs"]
mod steady;
#[path = "e2e/support.rs"]
mod support;
#[path = "e2e/theft.rs"]
mod theft;
#[path = "e2e/traces.rs"]
mod traces;
#[path = "e2e/trail.rs"]
mod trail;
#[path = "e2e/trespass.rs"]
mod trespass;
#[path = "e2e/upgrade.rs"]
mod upgrade;
#[path = "e2e/ways.rs"]
mod ways;
