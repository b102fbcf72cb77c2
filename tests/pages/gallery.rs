//! Every sample, drawn, under the name of its file. Used by the tests and by `examples/draw_pages.rs`.

#[path = "audit_samples.rs"]
mod audit_samples;

use super::samples;
use authgate::pages::{Guides, Lang, PageError, Pages, Place, View};

pub type Drawn = Vec<(&'static str, String)>;

/// Draws one view in one language.
struct Gallery<'a> {
    pages: &'a Pages,
    lang: Lang,
    drawn: Drawn,
}

impl Gallery<'_> {
    fn hang(mut self, name: &'static str, view: &impl View) -> Result<Self, PageError> {
        self.drawn.push((name, self.pages.render(self.lang, view)?));
        Ok(self)
    }
}

pub fn draw_all(pages: &Pages, lang: Lang) -> Result<Drawn, PageError> {
    let gallery = Gallery {
        pages,
        lang,
        drawn: Vec::new(),
    };
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
        .hang("home", &samples::home())?
        .hang("confirm", &samples::confirm())?
        .hang("components", &samples::components())?
        .hang("error_inside", &samples::error_inside())?
        .hang("audit", &audit_samples::audit())?
        .hang("audit_empty", &audit_samples::audit_empty())?;
    let guides = Guides::new(pages, "https://auth.example.com")?;
    let mut drawn = gallery.drawn;
    for slug in ["device-flow", "security"] {
        drawn.push((slug, guides.draw(pages, lang, slug, None)?));
    }
    drawn.push(("api", pages.render(lang, &audit_samples::api(lang))?));
    let shell = Some(samples::shell(Place::Docs));
    drawn.push(("guide_inside", guides.draw(pages, lang, "mcp", shell)?));
    Ok(drawn)
}
