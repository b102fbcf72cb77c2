//! The table: each endpoint beside its goal, as a share of the floor of the same run.
use crate::{Arguments, CONNECTIONS, ROWS_PER_COMMIT, generator::Run, server::Start};
use std::fmt::Write as _;

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Floor {
    Server,
    Commit,
    /// Printed only: goals are shares of the two others.
    Issuance,
}

/// Endpoint, its floor, the goal and the aim as shares of that floor.
const GOALS: [(&str, Floor, f64, f64); 15] = [
    ("health", Floor::Server, 0.6, 0.8),
    ("openid-configuration", Floor::Server, 0.6, 0.8),
    ("jwks.json", Floor::Server, 0.6, 0.8),
    ("login page", Floor::Server, 0.25, 0.5),
    ("device page", Floor::Server, f64::NAN, f64::NAN),
    ("tokeninfo", Floor::Server, 0.2, 0.35),
    ("userinfo", Floor::Server, 0.2, 0.35),
    ("introspect", Floor::Server, 0.15, 0.3),
    ("pending poll", Floor::Server, 0.15, 0.25),
    ("device code", Floor::Commit, 0.65, 0.8),
    ("client credentials", Floor::Commit, 0.65, 0.8),
    ("code exchange", Floor::Commit, 0.4, 0.6),
    ("refresh", Floor::Commit, 0.4, 0.6),
    ("refresh, rotation", Floor::Commit, 0.4, 0.6),
    ("revoke", Floor::Commit, 0.65, 0.8),
];

#[derive(Default)]
pub struct Figures {
    endpoints: Vec<(&'static str, Run)>,
    servers: Vec<Run>,
    commits: Vec<Run>,
    issuances: Vec<Run>,
}

impl Figures {
    pub fn endpoint(&mut self, name: &'static str, run: Run) {
        self.endpoints.push((name, run));
    }

    pub fn floor(&mut self, floor: Floor, run: Run) {
        match floor {
            Floor::Server => self.servers.push(run),
            Floor::Commit => self.commits.push(run),
            Floor::Issuance => self.issuances.push(run),
        }
    }

    /// Processor time of an endpoint in µs, the median of its rounds.
    pub fn cpu(&self, name: &str) -> Option<f64> {
        let runs = self.of(name);
        (!runs.is_empty()).then(|| middle(&runs, |run| run.cpu_us))
    }

    fn of(&self, name: &str) -> Vec<&Run> {
        let mine = self.endpoints.iter().filter(|(of, _)| *of == name);
        mine.map(|(_, run)| run).collect()
    }
}

pub fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

fn middle(runs: &[&Run], figure: impl Fn(&Run) -> f64) -> f64 {
    median(&mut runs.iter().map(|run| figure(run)).collect::<Vec<_>>())
}

fn share(value: f64) -> String {
    if value.is_nan() {
        "–".to_owned()
    } else {
        format!("{value:.2}")
    }
}

fn number(value: f64) -> String {
    if value.is_nan() {
        "–".to_owned()
    } else if value < 100.0 {
        format!("{value:.1}")
    } else {
        format!("{value:.0}")
    }
}

pub fn render(arguments: &Arguments, figures: &Figures, start: &Start) -> String {
    let mut text = String::new();
    let _ = writeln!(
        text,
        "{} rounds of {} s, {CONNECTIONS} connections, {}, {}; medians. Server on one core, load on the other.\n",
        arguments.rounds, arguments.seconds, arguments.driver, arguments.alg
    );
    let _ = writeln!(
        text,
        "| endpoint | req/s | p50 µs | p99 µs | CPU µs/req | RSS MB | share of floor | goal | aim | |\n\
         |---|--:|--:|--:|--:|--:|--:|--:|--:|---|"
    );
    let servers: Vec<_> = figures.servers.iter().collect();
    let commits: Vec<_> = figures.commits.iter().collect();
    let issuances: Vec<_> = figures.issuances.iter().collect();
    let mut row = |name: &str, runs: &[&Run], shares: [f64; 3]| {
        let verdict = match shares {
            [_, goal, _] if goal.is_nan() => "",
            [got, _, aim] if got >= aim => "aim",
            [got, goal, _] if got >= goal => "goal",
            _ => "missed",
        };
        let bad: usize = runs.iter().map(|run| run.bad).sum();
        let bad = if bad > 0 {
            format!(" {bad} bad answers")
        } else {
            String::new()
        };
        let [got, goal, aim] = shares.map(share);
        let _ = writeln!(
            text,
            "| {name} | {} | {} | {} | {} | {} | {got} | {goal} | {aim} | {verdict}{bad} |",
            number(middle(runs, |run| run.per_second)),
            number(middle(runs, |run| run.p50_us)),
            number(middle(runs, |run| run.p99_us)),
            number(middle(runs, |run| run.cpu_us)),
            number(middle(runs, |run| run.rss_mb)),
        );
    };
    row("*floor*: bare warp", &servers, [1.0, f64::NAN, f64::NAN]);
    let name = format!("*commit floor*: rows, {ROWS_PER_COMMIT} a commit");
    row(&name, &commits, [1.0, f64::NAN, f64::NAN]);
    if !issuances.is_empty() {
        let name =
            format!("*schema floor*: token and audit row, all indexes, {ROWS_PER_COMMIT} a commit");
        row(&name, &issuances, [f64::NAN; 3]);
    }
    for (name, floor, goal, aim) in GOALS {
        let runs = figures.of(name);
        if runs.is_empty() {
            continue;
        }
        let floor = match floor {
            Floor::Server => middle(&servers, |run| run.per_second),
            Floor::Commit => middle(&commits, |run| run.per_second),
            Floor::Issuance => middle(&issuances, |run| run.per_second),
        };
        let got = middle(&runs, |run| run.per_second) / floor;
        row(name, &runs, [got, goal, aim]);
    }
    let _ = write!(
        text,
        "\nStart on an existing database {} ms (aim 20), on none {} ms; idle {} MB (aim 15); binary {} MB (goal 31, aim 15).",
        number(start.existing_ms),
        number(start.fresh_ms),
        number(start.idle_rss_mb),
        number(start.binary_mb)
    );
    text
}
