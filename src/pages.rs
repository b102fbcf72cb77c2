//! Draws HTML. A page is a typed view (a struct that implements [`View`]) and a template of the same name
//! under `templates/`; [`Pages`] holds all of them, compiled once.
//!
//! Never here: HTTP, the store, decisions. What a page says is fixed by its view and its template alone.

mod assets;
mod public;
mod words;

use handlebars::Handlebars;
use rust_embed::RustEmbed;
use serde::Serialize;

pub use assets::{Asset, asset, stylesheet_href};
pub use public::{
    DeviceConfirmPage, DeviceDonePage, DeviceMessage, DevicePage, ErrorPage, HomePage,
    LoginMessage, LoginPage, LogoutPage, ProviderButton, ScopeLine, SessionLine,
    TooManyRequestsPage,
};
pub use words::scope_words;

#[derive(RustEmbed)]
#[folder = "templates/"]
#[include = "*.hbs"]
struct Templates;

/// The frame around every page; rendered once, with [`CUTS`] where the title and the page go.
const DOCUMENT: &str = "layouts/document";
/// Characters that no template contains and that escaping leaves alone.
const CUTS: [&str; 2] = ["\u{1}", "\u{2}"];
/// Room for most pages (bytes), so that drawing one seldom grows its buffer.
const PAGE_CAPACITY: usize = 6 * 1024;

/// What one page shows. Every value is escaped when it is drawn; none of them is markup.
pub trait View: Serialize {
    /// Name of the template: its path under `templates/` without the extension.
    const TEMPLATE: &'static str;
    /// What the browser's tab says before the product's name. Plain words, nothing to escape.
    const TITLE: &'static str;
}

/// A page could not be drawn. None of these can happen with the templates and views as tested.
#[derive(Debug, thiserror::Error)]
pub enum PageError {
    /// A template does not compile.
    #[error("template does not compile: {0}")]
    Template(#[from] Box<handlebars::TemplateError>),
    /// A template asks for a value that its view does not have, or for a partial that does not exist.
    #[error("page {template} cannot be drawn: {source}")]
    Render {
        template: &'static str,
        source: Box<handlebars::RenderError>,
    },
    /// The document frame does not show title and page exactly once and in this order.
    #[error("the document frame has no place for the title or the page")]
    Frame,
    /// The drawn bytes are not UTF-8.
    #[error("page {0} is not UTF-8")]
    Encoding(&'static str),
}

/// All templates, compiled, and the document frame, already drawn up to the two gaps.
pub struct Pages {
    templates: Handlebars<'static>,
    before_title: String,
    before_page: String,
    after_page: String,
}

impl Pages {
    /// Compiles every embedded template. Called once, at start.
    ///
    /// # Errors
    /// [`PageError::Template`] or [`PageError::Frame`] when the program was built with broken templates.
    pub fn new() -> Result<Self, PageError> {
        let mut templates = Handlebars::new();
        templates.set_strict_mode(true);
        templates.set_prevent_indent(true);
        templates
            .register_embed_templates_with_extension::<Templates>(".hbs")
            .map_err(Box::new)?;
        let [title, page] = CUTS;
        let frame = serde_json::json!({
            "title": title,
            "page": page,
            "stylesheet": stylesheet_href(),
        });
        let document = templates
            .render(DOCUMENT, &frame)
            .map_err(|source| PageError::Render {
                template: DOCUMENT,
                source: Box::new(source),
            })?;
        let (before_title, rest) = document.split_once(title).ok_or(PageError::Frame)?;
        let (before_page, after_page) = rest.split_once(page).ok_or(PageError::Frame)?;
        Ok(Self {
            before_title: before_title.to_owned(),
            before_page: before_page.to_owned(),
            after_page: after_page.to_owned(),
            templates,
        })
    }

    /// Draws one page as a whole HTML document.
    ///
    /// # Errors
    /// [`PageError::Render`] when template and view disagree; the tests draw every view to exclude that.
    pub fn render<V: View>(&self, view: &V) -> Result<String, PageError> {
        let mut drawn = Vec::with_capacity(PAGE_CAPACITY);
        drawn.extend_from_slice(self.before_title.as_bytes());
        drawn.extend_from_slice(V::TITLE.as_bytes());
        drawn.extend_from_slice(self.before_page.as_bytes());
        self.templates
            .render_to_write(V::TEMPLATE, view, &mut drawn)
            .map_err(|source| PageError::Render {
                template: V::TEMPLATE,
                source: Box::new(source),
            })?;
        drawn.extend_from_slice(self.after_page.as_bytes());
        String::from_utf8(drawn).map_err(|_| PageError::Encoding(V::TEMPLATE))
    }
}
