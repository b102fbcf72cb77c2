//! `/admin/keys`: the signing keys of this installation, and the next one.
use crate::{
    domain::{key_schedule::KeyState, oauth_error::ErrorCode},
    flows::{
        FlowError,
        keys::{By, KeyEntry, KeysDeps, Rotate, RotateRefusal, Rotation, list, objection, rotate},
    },
    http::{
        router::Routes,
        web::{
            WebDeps,
            guard::{self, Answer, Visit},
        },
    },
    pages::{Alert, Badge, ConfirmPage, KeyRow, KeysPage, Place, Tone, When, Words},
};
use ::http::Method;
use std::sync::Arc;

/// Its routes.
pub fn routes(web: &WebDeps, deps: &KeysDeps, routes: Routes) -> Routes {
    use guard::admin;
    routes
        .on(Method::GET, "/admin/keys", admin(web, deps, page))
        .on(Method::GET, "/admin/keys/rotate", admin(web, deps, ask))
        .on(Method::POST, "/admin/keys/rotate", admin(web, deps, turned))
}

async fn page(deps: KeysDeps, visit: Arc<Visit>) -> Answer {
    draw(&deps, &visit, 200, None).await
}

async fn draw(deps: &KeysDeps, visit: &Visit, status: u16, message: Option<Alert>) -> Answer {
    let now = deps.ground.now();
    let keys = list(deps).await?;
    let row = |key: &KeyEntry| KeyRow {
        kid: key.kid.clone(),
        algorithm: key.algorithm.clone(),
        state: match key.state {
            KeyState::Next => Badge::new(Tone::Info, "system.next"),
            KeyState::Active => Badge::new(Tone::Success, "system.active"),
            KeyState::Previous => Badge::new(Tone::Neutral, "system.previous"),
            KeyState::Over => Badge::new(Tone::Error, "system.over"),
        },
        source: Words::of(if key.sealed {
            "system.in_database"
        } else {
            "system.elsewhere"
        }),
        published: When::new(key.published_at, now),
        activates: When::new(key.activate_at, now),
        ends: When::new(key.not_after, now),
    };
    let page = KeysPage {
        shell: visit.shell(Place::System),
        rows: keys.iter().map(row).collect(),
        message,
        can_rotate: deps.rules.are_made(),
        has_next: waits(&keys),
    };
    Ok(visit.draw(status, &page))
}

fn waits(keys: &[KeyEntry]) -> bool {
    keys.iter().any(|key| key.state == KeyState::Next)
}

async fn ask(deps: KeysDeps, visit: Arc<Visit>) -> Answer {
    let has_next = waits(&list(&deps).await?);
    if let Some(why) = objection(&deps.rules, has_next) {
        return draw(&deps, &visit, 400, Some(refusal(why))).await;
    }
    let consequences = if has_next {
        vec![
            Words::of("system.rotate_now"),
            Words::of("system.rotate_old"),
        ]
    } else {
        vec![
            Words::of("system.rotate_first"),
            Words::of("system.rotate_later"),
            Words::of("system.rotate_old"),
        ]
    };
    let page = ConfirmPage {
        shell: visit.shell(Place::System),
        title: Words::of("system.rotate_title"),
        lead: Words::of("system.keys_title"),
        facts: vec![],
        consequences,
        action: "/admin/keys/rotate".to_owned(),
        hidden: vec![crate::pages::Hidden {
            name: "at_once".to_owned(),
            value: has_next.to_string(),
        }],
        button: Words::of(if has_next {
            "system.use_next"
        } else {
            "system.rotate"
        }),
        is_danger: has_next,
        cancel: "/admin/keys".to_owned(),
    };
    Ok(visit.draw(200, &page))
}

/// A form that says otherwise than ours whether the next key signs at once turns nothing.
async fn turned(deps: KeysDeps, visit: Arc<Visit>) -> Answer {
    let at_once = match visit.form.get("at_once") {
        Some("true") => true,
        None | Some("false") => false,
        Some(_) => {
            let error = ErrorCode::InvalidRequest.because("at_once is neither true nor false");
            return Err(FlowError::Protocol(error));
        }
    };
    let order = Rotate {
        at_once,
        by: By {
            actor: visit.actor(),
            origin: visit.origin(),
        },
        ..Rotate::default()
    };
    match rotate(&deps, order).await? {
        Rotation::Added(_) => Ok(visit.to("/admin/keys?success=rotated")),
        Rotation::Activated(_) => Ok(visit.to("/admin/keys?success=activated")),
        Rotation::Waits(_) => Ok(visit.to("/admin/keys?warning=waits")),
        Rotation::Refused(why) => draw(&deps, &visit, 400, Some(refusal(why))).await,
    }
}

fn refusal(why: RotateRefusal) -> Alert {
    match why {
        RotateRefusal::NoPairs => Alert::error(Words::of("system.refused.no_pairs")),
        RotateRefusal::NotInUse(algorithm) => Alert::error(
            Words::of("system.refused.not_in_use").with("algorithm", algorithm.to_string()),
        ),
        RotateRefusal::Files => Alert::error(Words::of("system.refused.files")),
        RotateRefusal::BadKey(error) => {
            Alert::error(Words::of("system.refused.bad_key")).said(error.to_string())
        }
        RotateRefusal::Known(kid) => {
            Alert::error(Words::of("system.refused.known").with("kid", kid))
        }
    }
}
