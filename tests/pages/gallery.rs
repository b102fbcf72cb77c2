//! Every sample, drawn, under the name of its file. Used by the tests and by `examples/draw_pages.rs`.

#[path = "audit_samples.rs"]
mod audit_samples;

use super::{account, samples};
use authgate::pages::{Guides, Lang, PageError, Pages, Place, View};
use serde::Serialize;
use serde_json::Value;
use std::marker::PhantomData;

pub type Drawn = Vec<(&'static str, String)>;

/// Draws one view in one language.
struct Gallery<'a> {
    pages: &'a Pages,
    lang: Lang,
    /// Stands in the place of every text.
    poison: Option<&'a str>,
    drawn: Drawn,
}

impl Gallery<'_> {
    fn hang<V: View>(mut self, name: &'static str, view: &V) -> Result<Self, PageError> {
        let page = match self.poison {
            None => self.pages.render(self.lang, view)?,
            Some(poison) => {
                let mut value = serde_json::to_value(view).expect("a view is JSON");
                poisoned(&mut value, poison);
                let view = Poisoned::<V>(value, PhantomData);
                self.pages.render(self.lang, &view)?
            }
        };
        self.drawn.push((name, page));
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

/// Replaces all texts but the names of phrases.
fn poisoned(value: &mut Value, poison: &str) {
    match value {
        Value::String(text) => poison.clone_into(text),
        Value::Array(all) => all.iter_mut().for_each(|value| poisoned(value, poison)),
        Value::Object(fields) => {
            for (name, value) in fields {
                if name != "say" {
                    poisoned(value, poison);
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

/// All pages with the same text in the place of every text. Used by the tests alone.
#[allow(
    dead_code,
    reason = "the example that draws pages for people shares this file"
)]
pub fn draw_poisoned(pages: &Pages, lang: Lang, poison: &str) -> Result<Drawn, PageError> {
    hang_all(Gallery {
        pages,
        lang,
        poison: Some(poison),
        drawn: Vec::new(),
    })
}

fn hang_all(gallery: Gallery<'_>) -> Result<Drawn, PageError> {
    let gallery = gallery
        .hang("login", &samples::login())?
        .hang("login_refused", &samples::login_refused())?
        .hang("login_providers", &samples::login_providers())?
        .hang("logout", &samples::logout())?
        .hang("explain", &samples::explain())?
        .hang("explain_latest", &samples::explain_latest())?
        .hang("device", &samples::device())?
        .hang("device_refused", &samples::device_refused())?
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
        .hang("error_signed_out", &samples::error_signed_out())?
        .hang("too_many_requests", &samples::too_many_requests())?
        .hang("account_tokens", &account::tokens())?
        .hang("account_tokens_empty", &account::tokens_empty())?
        .hang("account_browsers", &account::browsers())?
        .hang("account_authorizations", &account::authorizations())?
        .hang(
            "account_authorizations_empty",
            &account::authorizations_empty(),
        )?
        .hang("account_profile", &account::profile())?
        .hang("account_profile_refused", &account::profile_refused())?
        .hang("account_profile_elsewhere", &account::profile_elsewhere())?
        .hang("confirm", &samples::confirm())?
        .hang("components", &samples::components())?
        .hang("error_inside", &samples::error_inside())?
        .hang("audit", &audit_samples::audit())?
        .hang("audit_empty", &audit_samples::audit_empty())?;
    let (pages, lang) = (gallery.pages, gallery.lang);
    let mut drawn = gallery.drawn;
    if gallery.poison.is_some() {
        return Ok(drawn);
    }
    let guides = Guides::new(pages, "https://auth.example.com")?;
    for slug in ["device-flow", "security"] {
        drawn.push((slug, guides.draw(pages, lang, slug, None)?));
    }
    drawn.push(("api", pages.render(lang, &audit_samples::api(lang))?));
    let shell = Some(samples::shell(Place::Docs));
    drawn.push(("guide_inside", guides.draw(pages, lang, "mcp", shell)?));
    Ok(drawn)
}
