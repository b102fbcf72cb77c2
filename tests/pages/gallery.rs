//! Every sample, drawn, under the name of its file. Used by the tests and by `examples/draw_pages.rs`.

#[path = "audit_samples.rs"]
mod audit_samples;

use super::{account, samples};
use authgate::pages::{GUIDES, Guides, Lang, PageError, Pages, Place, View};
use serde::Serialize;
use serde_json::Value;
use std::marker::PhantomData;

/// The name of a file, and the page.
pub type Drawn = Vec<(String, String)>;

/// Draws one view in one language.
struct Gallery<'a> {
    pages: &'a Pages,
    lang: Lang,
    /// Stands in the place of every text but those of some fields.
    poison: Option<(&'a str, &'a [&'a str])>,
    drawn: Drawn,
}

impl Gallery<'_> {
    fn hang<V: View>(mut self, name: &'static str, view: &V) -> Result<Self, PageError> {
        let page = match self.poison {
            None => self.pages.render(self.lang, view)?,
            Some((poison, spared)) => {
                let mut value = serde_json::to_value(view).expect("a view is JSON");
                poisoned(&mut value, poison, spared);
                let view = Poisoned::<V>(value, PhantomData);
                self.pages.render(self.lang, &view)?
            }
        };
        self.drawn.push((name.to_owned(), page));
        Ok(self)
    }
}

/// A view of which every text was replaced.
#[derive(Serialize)]
#[serde(transparent)]
struct Poisoned<V>(Value, #[serde(skip)] PhantomData<V>);

impl<V: View> View for Poisoned<V> {
    const TEMPLATE: &'static str = V::TEMPLATE;
    const TITLE: &'static str = V::TITLE;
}

const BASE_URL: &str = "https://auth.example.com";

/// The guides that stand for all among the samples.
const SEEN: [&str; 2] = ["device-flow", "security"];

fn guide_name(slug: &str) -> String {
    format!("guide_{}", slug.replace('-', "_"))
}

/// What the server itself writes: phrases, numbers, times, choices.
const OURS: [&str; 15] = [
    "say",
    "n",
    "wait",
    "iso",
    "utc",
    "away",
    "sizes",
    "selects",
    "tabs",
    "figure",
    "tone",
    "lifetime",
    "queue",
    "path",
    "reference",
];

/// Replaces all texts but those of the spared fields.
fn poisoned(value: &mut Value, poison: &str, spared: &[&str]) {
    match value {
        Value::String(text) => poison.clone_into(text),
        Value::Array(all) => all
            .iter_mut()
            .for_each(|value| poisoned(value, poison, spared)),
        Value::Object(fields) => {
            for (name, value) in fields {
                if !spared.contains(&name.as_str()) {
                    poisoned(value, poison, spared);
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

pub fn draw_all(pages: &Pages, lang: Lang) -> Result<Drawn, PageError> {
    hang_all(Gallery {
        pages,
        lang,
        poison: None,
        drawn: Vec::new(),
    })
}

/// All pages, and every guide.
#[allow(
    dead_code,
    reason = "some of those who share this file look at the samples alone"
)]
pub fn draw_everything(pages: &Pages, lang: Lang) -> Result<Drawn, PageError> {
    let mut drawn = draw_all(pages, lang)?;
    let guides = Guides::new(BASE_URL);
    for slug in GUIDES.into_iter().filter(|slug| !SEEN.contains(slug)) {
        drawn.push((guide_name(slug), guides.draw(pages, lang, slug, None)?));
    }
    Ok(drawn)
}

/// All pages with the same text in the place of every text. Used by the tests alone.
#[allow(
    dead_code,
    reason = "the example that draws pages for people shares this file"
)]
pub fn draw_poisoned(pages: &Pages, lang: Lang, poison: &str) -> Result<Drawn, PageError> {
    draw_with(pages, lang, poison, &["say"])
}

/// All pages with the same text wherever people and clients may choose one.
#[allow(
    dead_code,
    reason = "the example that draws pages for people shares this file"
)]
pub fn draw_stretched(pages: &Pages, lang: Lang, text: &str) -> Result<Drawn, PageError> {
    draw_with(pages, lang, text, &OURS)
}

fn draw_with(pages: &Pages, lang: Lang, text: &str, spared: &[&str]) -> Result<Drawn, PageError> {
    hang_all(Gallery {
        pages,
        lang,
        poison: Some((text, spared)),
        drawn: Vec::new(),
    })
}

fn hang_all(gallery: Gallery<'_>) -> Result<Drawn, PageError> {
    let gallery = gallery
        .hang("login", &samples::login())?
        .hang("login_refused", &samples::login_refused())?
        .hang("login_providers", &samples::login_providers())?
        .hang("logout", &samples::logout())?
        .hang("own_password", &samples::own_password())?
        .hang("explain", &samples::explain())?
        .hang("explain_latest", &samples::explain_latest())?
        .hang("device", &samples::device())?
        .hang("device_refused", &samples::device_refused())?
        .hang("device_sign_in_again", &samples::device_sign_in_again())?
        .hang("device_confirm", &samples::device_confirm())?
        .hang(
            "device_confirm_unverified",
            &samples::device_confirm_unverified(),
        )?
        .hang("device_confirm_bare", &samples::device_confirm_bare())?
        .hang("device_approved", &samples::device_approved())?
        .hang("device_denied", &samples::device_denied())?
        .hang("consent", &samples::consent())?
        .hang("consent_unverified", &samples::consent_unverified())?
        .hang("end_session", &samples::end_session())?
        .hang("error", &samples::error())?
        .hang("error_refused", &samples::error_refused())?
        .hang("error_signed_out", &samples::error_signed_out())?
        .hang("too_many_requests", &samples::too_many_requests())?
        .hang(
            "too_many_requests_inside",
            &samples::too_many_requests_inside(),
        )?
        .hang("account_sign_ins", &account::sign_ins())?
        .hang("account_sign_ins_empty", &account::sign_ins_empty())?
        .hang("account_tokens_ending", &account::tokens_ending())?
        .hang("account_tokens", &account::tokens())?
        .hang("account_tokens_empty", &account::tokens_empty())?
        .hang("account_browsers", &account::browsers())?
        .hang("account_authorizations", &account::authorizations())?
        .hang(
            "account_authorizations_empty",
            &account::authorizations_empty(),
        )?
        .hang("account_profile", &account::profile())?
        .hang("account_profile_misnamed", &account::profile_misnamed())?
        .hang("account_profile_refused", &account::profile_refused())?
        .hang("account_profile_elsewhere", &account::profile_elsewhere())?
        .hang("confirm", &samples::confirm())?
        .hang("components", &samples::components())?
        .hang("error_inside", &samples::error_inside())?
        .hang("audit", &audit_samples::audit())?
        .hang("audit_last", &audit_samples::audit_last())?
        .hang("audit_empty", &audit_samples::audit_empty())?
        .hang("audit_wrong", &audit_samples::audit_wrong())?;
    let (pages, lang) = (gallery.pages, gallery.lang);
    let poisoned = gallery.poison.is_some();
    let mut drawn = of_admins(of_clients(gallery)?)?.drawn;
    if poisoned {
        return Ok(drawn);
    }
    let guides = Guides::new(BASE_URL);
    for slug in SEEN {
        drawn.push((guide_name(slug), guides.draw(pages, lang, slug, None)?));
    }
    drawn.push((
        "api".to_owned(),
        pages.render(lang, &audit_samples::api(lang))?,
    ));
    let shell = Some(samples::shell(Place::Docs));
    drawn.push((
        "guide_inside".to_owned(),
        guides.draw(pages, lang, "mcp", shell)?,
    ));
    Ok(drawn)
}

fn of_clients(gallery: Gallery<'_>) -> Result<Gallery<'_>, PageError> {
    use samples::clients;
    gallery
        .hang("clients", &clients::list())?
        .hang("client_form", &clients::form())?
        .hang("client_form_refused", &clients::form_refused())?
        .hang("client", &clients::detail())?
        .hang("client_secret", &clients::secret())?
        .hang("client_regenerate", &clients::regenerate())?
        .hang("client_approve", &clients::approve())?
        .hang("client_reject", &clients::reject())?
        .hang("client_owner", &clients::owner())?
        .hang("client_authorizations", &clients::authorizations())?
        .hang("apps", &clients::apps())?
        .hang("apps_empty", &clients::apps_empty())?
        .hang("app_form", &clients::app_form())?
        .hang("app_edit", &clients::app_edit())?
        .hang("app_in_use", &clients::app_in_use())?
        .hang("app", &clients::app_detail())
}

fn of_admins(gallery: Gallery<'_>) -> Result<Gallery<'_>, PageError> {
    use samples::admin;
    gallery
        .hang("users", &admin::users())?
        .hang("users_none", &admin::users_none())?
        .hang("users_cut", &admin::users_cut())?
        .hang("user_form", &admin::user_form())?
        .hang("user_edit", &admin::user_edit())?
        .hang("user", &admin::user_page())?
        .hang("user_off", &admin::user_page_off())?
        .hang("user_own", &admin::user_page_own())?
        .hang("user_password", &admin::user_password())?
        .hang("user_connections", &admin::connections())?
        .hang("user_connections_none", &admin::connections_none())?
        .hang("user_browsers", &admin::browsers())?
        .hang("user_browsers_own", &admin::browsers_own())?
        .hang("user_browsers_none", &admin::browsers_none())?
        .hang("user_authorizations", &admin::authorizations())?
        .hang("user_authorizations_none", &admin::authorizations_none())?
        .hang("tokens", &admin::tokens())?
        .hang("tokens_none", &admin::tokens_none())?
        .hang("tokens_go_on", &admin::tokens_go_on())?
        .hang("tokens_cut", &admin::tokens_cut())?
        .hang("tokens_empty", &admin::tokens_empty())?
        .hang("dashboard", &admin::dashboard())?
        .hang("dashboard_quiet", &admin::dashboard_quiet())?
        .hang("work", &admin::work())?
        .hang("work_none", &admin::work_none())?
        .hang("keys", &admin::keys())?
        .hang("keys_none", &admin::keys_none())
}
