//! The tree as Prometheus text (exposition format 0.0.4), to be appended to the other metrics.
//!
//! Must not live here: any metric that is not about actors.

use std::fmt::Write;

use super::Tree;
use crate::actors::vitals::histogram::Histogram;
use crate::actors::vitals::{Reason, State, Vitals};

type Read = fn(&Vitals) -> u64;

/// Metrics with one sample per actor: name, type, help, value.
const PLAIN: [(&str, &str, &str, Read); 3] = [
    (
        "authgate_actor_mailbox_depth",
        "gauge",
        "Items waiting for the actor or in its hands.",
        |v| v.depth() as u64,
    ),
    (
        "authgate_actor_mailbox_capacity",
        "gauge",
        "The most items that may wait for the actor; 0 if it has no queue.",
        |v| v.capacity() as u64,
    ),
    (
        "authgate_actor_shed_total",
        "counter",
        "Items refused because the actor's queue was full.",
        Vitals::shed,
    ),
];

/// The outcomes of items: value of the label, count.
const OUTCOMES: [(&str, Read); 4] = [
    ("ok", Vitals::handled),
    ("err", Vitals::errors),
    ("shed", Vitals::shed),
    ("expired", Vitals::expired),
];

impl Tree {
    /// All `authgate_actor_*` metrics, each actor by its name.
    pub fn prometheus(&self) -> String {
        let mut text = String::new();
        let root = (&*self.root_vitals, self.root_vitals.state());
        let below = self.places.iter();
        let below = below.map(|place| (&*place.vitals, Tree::state_of(place)));
        let actors: Vec<(&Vitals, State)> = std::iter::once(root).chain(below).collect();
        // Writing to a String cannot fail.
        let _ = write_all(&mut text, &actors);
        text
    }
}

fn write_all(out: &mut String, actors: &[(&Vitals, State)]) -> std::fmt::Result {
    head(
        out,
        "authgate_actor_up",
        "gauge",
        "1 while the actor serves.",
    )?;
    for (v, state) in actors {
        let up = u8::from(matches!(state, State::Running | State::Stopping));
        writeln!(out, "authgate_actor_up{{actor=\"{}\"}} {up}", v.name())?;
    }
    restarts(out, actors)?;
    for (name, kind, help, read) in PLAIN {
        head(out, name, kind, help)?;
        for (v, _) in actors {
            writeln!(out, "{name}{{actor=\"{}\"}} {}", v.name(), read(v))?;
        }
    }
    messages(out, actors)?;
    let name = "authgate_actor_last_progress_seconds";
    head(
        out,
        name,
        "gauge",
        "Time since the actor last finished a round.",
    )?;
    for (v, _) in actors {
        let age = v.last_progress().as_secs_f64();
        writeln!(out, "{name}{{actor=\"{}\"}} {age}", v.name())?;
    }
    let queue = "How long items waited for the actor.";
    histogram(out, "authgate_actor_queue_seconds", queue, actors, |v| {
        &v.queue_time
    })?;
    let handle = "How long one round of the actor took.";
    histogram(out, "authgate_actor_handle_seconds", handle, actors, |v| {
        &v.handle_time
    })
}

fn head(out: &mut String, name: &str, kind: &str, help: &str) -> std::fmt::Result {
    writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}")
}

fn restarts(out: &mut String, actors: &[(&Vitals, State)]) -> std::fmt::Result {
    let name = "authgate_actor_restarts_total";
    head(
        out,
        name,
        "counter",
        "Failures of the actor that led to a restart.",
    )?;
    for (v, _) in actors {
        for reason in Reason::ALL {
            let (actor, label, count) = (v.name(), reason.label(), v.restarts_by(reason));
            writeln!(
                out,
                "{name}{{actor=\"{actor}\",reason=\"{label}\"}} {count}"
            )?;
        }
    }
    Ok(())
}

fn messages(out: &mut String, actors: &[(&Vitals, State)]) -> std::fmt::Result {
    let name = "authgate_actor_messages_total";
    head(out, name, "counter", "Items by what became of them.")?;
    for (v, _) in actors {
        for (outcome, read) in OUTCOMES {
            let (actor, count) = (v.name(), read(v));
            writeln!(
                out,
                "{name}{{actor=\"{actor}\",outcome=\"{outcome}\"}} {count}"
            )?;
        }
    }
    Ok(())
}

fn histogram(
    out: &mut String,
    name: &str,
    help: &str,
    actors: &[(&Vitals, State)],
    read: fn(&Vitals) -> &Histogram,
) -> std::fmt::Result {
    head(out, name, "histogram", help)?;
    // Supervisors have no queue and no rounds of their own.
    for (v, _) in actors.iter().filter(|(v, _)| v.capacity() > 0) {
        let (actor, times) = (v.name(), read(v));
        let mut all = 0;
        for (bound_us, below) in times.cumulative() {
            let le = bound_us as f64 / 1e6;
            writeln!(
                out,
                "{name}_bucket{{actor=\"{actor}\",le=\"{le}\"}} {below}"
            )?;
            all = below;
        }
        let all = times.count().max(all);
        writeln!(out, "{name}_bucket{{actor=\"{actor}\",le=\"+Inf\"}} {all}")?;
        let sum = times.sum_us() as f64 / 1e6;
        writeln!(out, "{name}_sum{{actor=\"{actor}\"}} {sum}")?;
        writeln!(out, "{name}_count{{actor=\"{actor}\"}} {all}")?;
    }
    Ok(())
}
