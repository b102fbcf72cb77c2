//! `/admin`: how things stand, at a glance.
use crate::{
    actors::{Tree, lifecycle::Readiness, vitals::State},
    domain::{audit::AuditRecord, time::Timestamp},
    flows::browse::{self, Counters},
    flows::counting::Counting,
    http::{
        router::Routes,
        web::{
            WebDeps,
            guard::{self, Answer, Visit},
        },
    },
    pages::{
        ActivityRow, ActorRow, Alert, Badge, Counter, DashboardPage, Pages, Place, Tone,
        WaitingRow, When, Words,
    },
};
use ::http::Method;
use std::sync::{Arc, OnceLock};

/// What the dashboard needs.
#[derive(Clone)]
pub struct DashboardDeps {
    /// Figures, remembered.
    pub counting: Counting,
    /// Whether this process is well.
    pub readiness: Readiness,
    /// The running tree, once it runs.
    pub tree: Arc<OnceLock<Arc<Tree>>>,
}

/// So many records and so many clients that wait are shown.
const SHOWN: usize = 10;

/// Its route.
pub fn routes(web: &WebDeps, deps: &DashboardDeps, routes: Routes) -> Routes {
    routes.on(Method::GET, "/admin", guard::admin(web, deps, page))
}

async fn page(deps: DashboardDeps, visit: Arc<Visit>) -> Answer {
    let ground = deps.counting.ground();
    let now = ground.now();
    let (counted, latest) = tokio::join!(deps.counting.counters(), browse::latest(ground, SHOWN));
    let ((counters, at), latest) = (counted?, latest?);
    let mut troubles = troubles(&visit.web.pages, &deps.readiness);
    if latest.endings {
        troubles.push(Alert::info(Words::of("dashboard.endings")));
    }
    let page = DashboardPage {
        shell: visit.shell(Place::Dashboard),
        version: version(),
        counters: figures(&counters),
        counted: When::new(at, now),
        troubles,
        waiting: latest
            .waiting
            .iter()
            .map(|line| WaitingRow {
                name: line.client.name.clone(),
                owner: line.owner_name.clone(),
                href: format!("/admin/clients/{}", line.client.client_id),
                since: When::new(line.client.created_at, now),
                is_again: line.client.approved.is_some(),
            })
            .collect(),
        activity: latest
            .activity
            .iter()
            .map(|record| happened(&visit.web.pages, record, now))
            .collect(),
        actors: deps.tree.get().map(|tree| actors(tree)).unwrap_or_default(),
    };
    Ok(visit.draw(200, &page))
}

/// As `authgate -v` tells it, with the beginning of the commit where that is known.
fn version() -> String {
    let (version, commit) = (env!("CARGO_PKG_VERSION"), env!("AUTHGATE_COMMIT"));
    match commit.get(..12) {
        Some(short) => format!("{version} ({short})"),
        None => version.to_owned(),
    }
}

/// The figures on top.
pub fn figures(counters: &Counters) -> Vec<Counter> {
    let counter = |figure: u64, name, note, href: &str| Counter {
        figure: Words::from(figure),
        name: Words::of(name),
        note,
        href: href.to_owned(),
    };
    vec![
        counter(
            counters.users,
            "dashboard.users",
            Words::of("dashboard.users_note")
                .with("admins", counters.admins)
                .with("disabled", counters.disabled),
            "/admin/users",
        ),
        counter(
            counters.clients,
            "dashboard.clients",
            Words::of("dashboard.clients_note").with("active", counters.active_clients),
            "/admin/clients",
        ),
        counter(
            counters.access_tokens,
            "dashboard.access",
            Words::of("dashboard.access_note").with("n", counters.refresh_tokens),
            "/admin/tokens?status=active&category=access",
        ),
        counter(
            counters.pending_clients,
            "dashboard.pending",
            Words::of("dashboard.pending_note"),
            "/admin/clients?status=pending",
        ),
    ]
}

fn troubles(pages: &Pages, readiness: &Readiness) -> Vec<Alert> {
    let verdict = readiness.verdict();
    let say = |key: &'static str, what: &str| {
        Words::of(key).with("what", pages.named("dashboard.part.", what))
    };
    let failing = verdict.failing.iter();
    let degraded = verdict.degraded.iter();
    failing
        .map(|(what, why)| Alert::error(say("dashboard.failing", what)).said(why))
        .chain(
            degraded.map(|(what, why)| Alert::warning(say("dashboard.degraded", what)).said(why)),
        )
        .collect()
}

fn happened(pages: &Pages, record: &AuditRecord, now: Timestamp) -> ActivityRow {
    let either = |first: &str, second: &str| {
        if first.is_empty() {
            second.to_owned()
        } else {
            first.to_owned()
        }
    };
    ActivityRow {
        at: When::new(record.at, now),
        event: pages.named("audit.events.", &record.event_type),
        who: either(&record.actor_username, &record.actor_user_id),
        what: either(&record.resource_name, &record.resource_id),
        outcome: if record.success {
            Badge::new(Tone::Success, "dashboard.ok")
        } else {
            Badge::new(Tone::Error, "dashboard.failed")
        },
    }
}

fn actors(tree: &Tree) -> Vec<ActorRow> {
    let report = tree.report("", false);
    report
        .tree
        .iter()
        .map(|actor| ActorRow {
            path: actor.path.to_owned(),
            state: state(actor.state),
            restarts: actor.restarts.total,
            queue: actor
                .mailbox
                .as_ref()
                .map(|mailbox| format!("{} / {}", mailbox.depth, mailbox.capacity))
                .unwrap_or_default(),
            handled: actor.work.handled,
        })
        .collect()
}

fn state(state: State) -> Badge {
    match state {
        State::Starting => Badge::new(Tone::Info, "dashboard.state_starting"),
        State::Running => Badge::new(Tone::Success, "dashboard.state_running"),
        State::Restarting => Badge::new(Tone::Warning, "dashboard.state_restarting"),
        State::Stopping => Badge::new(Tone::Info, "dashboard.state_stopping"),
        State::Stopped => Badge::new(Tone::Neutral, "dashboard.state_stopped"),
        State::GaveUp => Badge::new(Tone::Error, "dashboard.state_gave_up"),
    }
}
