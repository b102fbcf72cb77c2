//! `/admin/work`: what takes longer than a request, and how far it is.
use crate::{
    flows::{
        Ground,
        browse::{self, Ending, Holder},
    },
    http::{
        router::Routes,
        web::{
            WebDeps,
            guard::{self, Answer, Visit},
        },
    },
    pages::{Badge, Place, Tone, When, Words, WorkPage, WorkRow},
};
use ::http::Method;
use std::sync::Arc;

/// Its address.
pub const WORK: &str = "/admin/work";

/// Its route.
pub fn routes(web: &WebDeps, ground: &Ground, routes: Routes) -> Routes {
    routes.on(Method::GET, WORK, guard::admin(web, ground, page))
}

async fn page(ground: Ground, visit: Arc<Visit>) -> Answer {
    let (endings, now) = (browse::endings(&ground).await?, ground.now());
    let row = |ending: &Ending| {
        let (kind, list) = match ending.holder {
            Holder::Client => ("work.client", "/admin/clients"),
            Holder::Person => ("work.user", "/admin/users"),
        };
        let done = ending.ended + ending.others;
        let ended = Words::grouped(done);
        WorkRow {
            kind: Words::of(kind),
            id: ending.key.clone(),
            name: ending.name.clone(),
            href: if ending.name.is_empty() {
                String::new()
            } else {
                format!("{list}/{}", ending.key)
            },
            since: When::new(ending.started_at, now),
            marked: match ending.total {
                Some(total) => Words::of("work.of")
                    .with("ended", ended)
                    .with("total", Words::grouped(total)),
                None => Words::of("work.so_far").with("ended", ended),
            },
            ended: done,
            total: ending.total.unwrap_or_default(),
            state: match ending.finished_at {
                Some(_) => Badge::new(Tone::Success, "work.done"),
                None => Badge::new(Tone::Info, "work.under_way"),
            },
        }
    };
    let page = WorkPage {
        shell: visit.shell(Place::Dashboard),
        rows: endings.iter().map(row).collect(),
        goes_on: endings.iter().any(|ending| ending.finished_at.is_none()),
        followed: visit.query("follow").is_some(),
    };
    Ok(visit.draw(200, &page))
}
