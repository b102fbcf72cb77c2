//! The tree as JSON, for `GET /actors`.
//!
//! Must not live here: HTTP, and HTML (a page may draw the same structs).

use std::time::Duration;

use serde::Serialize;
use time::format_description::well_known::Rfc3339;

use super::Tree;
use crate::actors::vitals::{Reason, State, Vitals};

/// All actors of one process.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Which process this is, as the operator named it.
    pub pod: String,
    /// Whole seconds since the tree came up.
    pub uptime_s: u64,
    /// Whether the process is being shut down.
    pub draining: bool,
    /// The actors, parents before children, in the order of their start.
    pub tree: Vec<Actor>,
}

/// One actor.
#[derive(Debug, Serialize)]
pub struct Actor {
    /// Its name, unique in the tree.
    pub name: &'static str,
    /// Its place, from `root` on.
    pub path: &'static str,
    /// Where it is in its life.
    pub state: State,
    /// Since when (RFC 3339).
    pub since: String,
    /// How often it had to be restarted.
    pub restarts: Restarts,
    /// Its queue; absent for supervisors and plain tasks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mailbox: Option<Mailbox>,
    /// What it has done.
    pub work: Work,
    /// What only this kind of actor has to tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<serde_json::Value>,
}

/// How often an actor had to be restarted.
#[derive(Debug, Serialize)]
pub struct Restarts {
    /// Since the process began.
    pub total: u64,
    /// Within the window that ends now.
    pub window: u32,
    /// How many are allowed within the window.
    pub limit: u32,
    /// Length of the window in seconds.
    pub window_s: u64,
    /// The latest one.
    pub last: Option<LastRestart>,
}

/// The latest restart of an actor.
#[derive(Debug, Serialize)]
pub struct LastRestart {
    /// When (RFC 3339).
    pub at: String,
    /// How the actor failed.
    pub reason: Reason,
    /// The panic's or error's text.
    pub text: String,
}

/// The queue of an actor.
#[derive(Debug, Serialize)]
pub struct Mailbox {
    /// Items waiting and in hand.
    pub depth: usize,
    /// The most it may hold.
    pub capacity: usize,
    /// The greatest depth ever seen.
    pub high_water: usize,
    /// Items refused because it was full.
    pub shed: u64,
    /// Age of the oldest waiting item in milliseconds.
    pub oldest_ms: u64,
}

/// What an actor has done.
#[derive(Debug, Serialize)]
pub struct Work {
    /// Items served.
    pub handled: u64,
    /// Items in hand when a round failed.
    pub errors: u64,
    /// Items whose caller had given up.
    pub expired: u64,
    /// Median time of a round in microseconds (upper bound of its bucket).
    pub p50_us: u64,
    /// 99th percentile of the same.
    pub p99_us: u64,
    /// For how long the round in hand has been going on, in milliseconds.
    pub in_flight_ms: u64,
    /// Time since a round last ended, in milliseconds.
    pub last_progress_ms: u64,
}

impl Tree {
    /// The tree as it is now.
    pub fn report(&self, pod: &str, draining: bool) -> Report {
        let root = actor(&self.root_vitals, self.root_vitals.state());
        let below = self.places.iter();
        let below = below.map(|place| actor(&place.vitals, Tree::state_of(place)));
        Report {
            pod: pod.to_owned(),
            uptime_s: self.began.elapsed().as_secs(),
            draining,
            tree: std::iter::once(root).chain(below).collect(),
        }
    }
}

fn actor(vitals: &Vitals, state: State) -> Actor {
    Actor {
        name: vitals.name(),
        path: vitals.path(),
        state,
        since: rfc3339(vitals.since()),
        restarts: restarts(vitals),
        mailbox: (vitals.capacity() > 0).then(|| mailbox(vitals)),
        work: Work {
            handled: vitals.handled(),
            errors: vitals.errors(),
            expired: vitals.expired(),
            p50_us: vitals.handle_time.quantile_us(0.5).unwrap_or(0),
            p99_us: vitals.handle_time.quantile_us(0.99).unwrap_or(0),
            in_flight_ms: millis(vitals.in_flight().unwrap_or_default()),
            last_progress_ms: millis(vitals.last_progress()),
        },
        detail: vitals.detail(),
    }
}

fn restarts(vitals: &Vitals) -> Restarts {
    let last = vitals.last_restart();
    Restarts {
        total: vitals.restarts(),
        window: vitals.restarts_in_window(),
        limit: vitals.intensity().limit,
        window_s: vitals.intensity().window.as_secs(),
        last: last.map(|last| LastRestart {
            at: rfc3339(last.at),
            reason: last.reason,
            text: last.text.clone(),
        }),
    }
}

fn mailbox(vitals: &Vitals) -> Mailbox {
    Mailbox {
        depth: vitals.depth(),
        capacity: vitals.capacity(),
        high_water: vitals.high_water(),
        shed: vitals.shed(),
        oldest_ms: millis(vitals.oldest().unwrap_or_default()),
    }
}

fn rfc3339(at: time::OffsetDateTime) -> String {
    at.format(&Rfc3339).unwrap_or_default()
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
