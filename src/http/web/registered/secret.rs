//! Secrets of clients: replacing one, and the page that shows a new one once.
use super::{RegisteredDeps, Side, both::found, editor, named, refused, version};
use crate::{
    domain::{
        client::{Client, ClientStatus},
        secret::Secret,
    },
    flows::registry::{RegistryError, Replacement, regenerate_secret},
    http::{
        handover::Handed,
        web::guard::{Answer, Visit},
    },
    pages::{ClientSecretPage, FormSelect, RegeneratePage, Words},
};
use std::{sync::Arc, time::Duration};

/// How long an old secret may count yet, in seconds.
const OVERLAPS: [(&str, &str, u64); 4] = [
    ("0", "clients.overlap_none", 0),
    ("3600", "clients.overlap_hour", 3_600),
    ("86400", "clients.overlap_day", 86_400),
    ("604800", "clients.overlap_week", 604_800),
];

/// Asks before a secret is replaced.
pub async fn ask((side, deps): (Side, RegisteredDeps), visit: Arc<Visit>) -> Answer {
    let client = match found((side, &deps), &visit).await {
        Ok(client) => client,
        Err(error) => return refused(&visit, side, error),
    };
    let base = format!("{}/{}", side.base(), client.client_id);
    if !client.is_confidential() {
        return Ok(visit.to(&format!("{base}?error=no_secret")));
    }
    let page = RegeneratePage {
        shell: visit.shell(side.place()),
        base,
        client_id: client.client_id.as_str().to_owned(),
        version: client.version.to_string(),
        name: client.name.clone(),
        overlaps: FormSelect::of(&OVERLAPS.map(|(value, label, _)| (value, label)), "86400")
            .choices,
    };
    Ok(visit.draw(200, &page))
}

/// Replaces a secret. A form that names no overlap ends the old one at once, as it always was; one that names another than
/// those offered changes nothing.
pub async fn replace((side, deps): (Side, RegisteredDeps), visit: Arc<Visit>) -> Answer {
    let asked = visit.form.get("overlap").unwrap_or("0");
    let base = format!("{}/{}", side.base(), visit.param("id"));
    let Some((_, _, seconds)) = OVERLAPS.iter().find(|(value, _, _)| *value == asked) else {
        return Ok(visit.to(&format!("{base}?error=no_such_overlap")));
    };
    let wish = Replacement {
        overlap: Some(Duration::from_secs(*seconds)).filter(|overlap| !overlap.is_zero()),
        version: version(&visit.form),
        capacity: side.capacity(),
    };
    match regenerate_secret(&deps.registry, &editor(&visit), &named(&visit), wish).await {
        Ok(secret) => hand_over(&visit, &base, secret, false),
        Err(RegistryError::WrongState) => Ok(visit.to(&format!("{base}?error=no_secret"))),
        // Perhaps by the same form, sent twice: then its secret is on the way to that page.
        Err(RegistryError::Stale) => Ok(visit.to(&format!("{base}/secret?error=secret_stale"))),
        Err(error) => refused(&visit, side, error),
    }
}

/// To the page that shows the secret of the client at `base`.
pub fn hand_over(visit: &Visit, base: &str, secret: Secret, is_new: bool) -> Answer {
    visit.hand_over(&format!("{base}/secret"), &Handed { secret, is_new })
}

/// Shows a new secret. Whoever comes without one, or a second time, is told on the client's page.
pub async fn show((side, deps): (Side, RegisteredDeps), visit: Arc<Visit>) -> Answer {
    let client = match found((side, &deps), &visit).await {
        Ok(client) => client,
        Err(error) => return refused(&visit, side, error),
    };
    if let Some(handed) = visit.handed() {
        return Ok(visit.draw_once(&page(&visit, (side, &deps), &client, &handed)));
    }
    let outcome = if visit.query("error") == Some("secret_stale") {
        "error=secret_stale"
    } else if client.needs_secret() {
        "warning=secret_shown"
    } else {
        "success=made"
    };
    Ok(visit.to(&format!("{}/{}?{outcome}", side.base(), client.client_id)))
}

fn page(
    visit: &Visit,
    (side, deps): (Side, &RegisteredDeps),
    client: &Client,
    handed: &Handed,
) -> ClientSecretPage {
    ClientSecretPage {
        shell: visit.shell(side.place()),
        is_new: handed.is_new,
        is_pending: handed.is_new && client.status == ClientStatus::Pending,
        base: format!("{}/{}", side.base(), client.client_id),
        client_id: client.client_id.as_str().to_owned(),
        name: client.name.clone(),
        secret: crate::pages::Secret {
            label: Words::of("clients.secret"),
            value: handed.secret.expose().to_owned(),
        },
        previous_secret_until: super::previous_until(client, deps.registry.ground.now()),
    }
}
