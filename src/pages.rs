//! Draws HTML. A page is a typed view (a struct that implements [`View`]) and a template of the same name
//! under `templates/`; [`Pages`] holds all of them, compiled once, when a page is first drawn in a language.
//!
//! Never here: HTTP, the store, decisions. What a page says is fixed by its view and its template alone.

mod account;
mod admin;
mod agent;
mod api;
mod assets;
mod audit;
mod clients;
mod components;
mod consent;
mod explain;
mod guides;
mod inputs;
mod lang;
mod mould;
mod parts;
mod people;
mod phrases;
mod public;
mod shell;
mod theme;
mod words;

use std::sync::{Arc, OnceLock};

use handlebars::Handlebars;
use rust_embed::RustEmbed;
use serde::Serialize;

pub use account::{
    AppGroup, AuthorizationRow, AuthorizationsPage, BrowserRow, BrowsersPage, LinkedRow, NameForm,
    PasswordForm, ProfilePage, SignInRow, SignInsPage, Switch, TokenRow, TokensPage,
};
pub use admin::{
    ActivityRow, ActorRow, AllTokensPage, AnyTokenRow, Counter, DashboardPage, KeyRow, KeysPage,
    WaitingRow, WorkPage, WorkRow,
};
pub use agent::agent_words;
pub use api::{ApiAnswer, ApiField, ApiGroup, ApiOperation, ApiPage, Piece, prose};
pub use assets::{Asset, asset, asset_paths, script_href, stylesheet_href};
pub use audit::{AuditLine, AuditPage, Input, Like, Select};
pub use clients::{
    AboutClient, ApprovePage, AppsPage, ClientAuthorizationsPage, ClientChange, ClientFormPage,
    ClientOwnerPage, ClientPage, ClientRow, ClientSecretPage, ClientsPage, ConsentRow,
    RegeneratePage, RejectPage, ScopeChoice,
};
pub use components::ComponentsPage;
pub use consent::{ConsentPage, EndSessionPage, life_words};
pub use explain::{CheckLine, ExplainPage, Explained, RefusalLine};
pub use guides::{GuidePage, Guides, SLUGS as GUIDES, code as guide_code};
pub use inputs::{FormInput, FormSelect};
pub use lang::Lang;
pub use mould::Blanks;
pub use parts::{
    Alert, Badge, Choice, ConfirmPage, Fact, Filter, Hidden, Pager, Secret, Tab, Tabs, Tone, When,
};
pub use people::{
    ConnectionRow, ConnectionsPage, Holding, UserAuthorizationsPage, UserBrowsersPage,
    UserFormPage, UserPage, UserPasswordPage, UserRow, UsersPage,
};
pub use public::{
    DeviceConfirmPage, DeviceDonePage, DeviceMessage, DevicePage, ErrorPage, LoginMessage,
    LoginPage, LogoutPage, OwnPasswordPage, ProviderButton, ScopeLine, TooManyRequestsPage,
};
pub use shell::{Place, Shell};
pub use theme::{Look, Theme};
pub use words::{Words, scope_words, tame};

use mould::{Mould, Moulds};
use phrases::{Phrases, Say};

#[derive(RustEmbed)]
#[folder = "templates/"]
#[include = "*.hbs"]
struct Templates;

/// The frame around every page; rendered once for each look, with [`CUTS`] where the title, the page and its address go.
const DOCUMENT: &str = "layouts/document";
/// Characters that no template contains and that escaping leaves alone.
const CUTS: [&str; 3] = ["\u{1}", "\u{2}", "\u{4}"];
/// Room for most pages (bytes), so that drawing one seldom grows its buffer.
const PAGE_CAPACITY: usize = 8 * 1024;

/// What one page shows. Every value is escaped when it is drawn; none of them is markup.
pub trait View: Serialize {
    /// Name of the template: its path under `templates/` without the extension.
    const TEMPLATE: &'static str;
    /// Key of what the browser's tab says before the product's name. Plain words, nothing to escape.
    const TITLE: &'static str;

    /// What the tab says in its place, where that depends on what is shown. It is escaped.
    fn title(&self) -> Option<&str> {
        None
    }

    /// The texts in which alone this page differs from others of its kind, if that is so.
    fn blanks(&self) -> Option<Blanks<'_>> {
        None
    }
}

/// A page could not be drawn. None of these can happen with the templates and views as tested.
#[derive(Debug, thiserror::Error)]
pub enum PageError {
    /// A file of a language is not a flat JSON object of strings.
    #[error("language file {0}: {1}")]
    Phrases(String, String),
    /// A template asks for a phrase that a language does not have.
    #[error("template {0} asks for a phrase that is not there: {1}")]
    Phrase(String, String),
    /// A template does not compile.
    #[error("template does not compile: {0}")]
    Template(#[from] Box<handlebars::TemplateError>),
    /// A template asks for a value that its view does not have, or for a partial that does not exist.
    #[error("page {template} cannot be drawn: {source}")]
    Render {
        template: &'static str,
        source: Box<handlebars::RenderError>,
    },
    /// A guide is not there.
    #[error("there is no guide {0}")]
    Guide(String),
    /// The document frame does not show title, page and address exactly once and in this order.
    #[error("the document frame has no place for the title, the page or its address")]
    Frame,
    /// The drawn bytes are not UTF-8.
    #[error("page {0} is not UTF-8")]
    Encoding(&'static str),
}

/// All templates in all languages.
pub struct Pages([Book; Lang::ALL.len()]);

/// One language. Its templates are compiled when the first page is drawn: a server that only answers programs starts
/// without them and needs no room for them.
struct Book {
    phrases: Arc<Phrases>,
    bound: OnceLock<Bound>,
}

/// The templates of a language, compiled, with a document frame for each theme.
struct Bound {
    phrases: Arc<Phrases>,
    templates: Handlebars<'static>,
    frames: [Frame; Theme::ALL.len()],
}

/// The document frame, already drawn up to the gaps, and the pages that are filled in.
struct Frame {
    moulds: Moulds,
    before_title: String,
    before_page: String,
    before_address: String,
    after_address: String,
}

impl Pages {
    /// Reads the phrases of every language. Called once, at start.
    ///
    /// # Errors
    /// [`PageError`] when the program was built with broken language files.
    pub fn new() -> Result<Self, PageError> {
        let [english, traditional_chinese] = Lang::ALL.map(Book::read);
        Ok(Self([english?, traditional_chinese?]))
    }

    fn book(&self, lang: Lang) -> &Book {
        let [english, traditional_chinese] = &self.0;
        match lang {
            Lang::En => english,
            Lang::ZhHant => traditional_chinese,
        }
    }

    /// Whether there is a phrase of this name.
    #[must_use]
    pub fn has_phrase(&self, key: &str) -> bool {
        self.book(Lang::default()).phrases.get(key).is_some()
    }

    /// What a stored name is called; names without a phrase speak for themselves.
    #[must_use]
    pub fn named(&self, names: &str, value: &str) -> Words {
        let key = format!("{names}{value}");
        if self.has_phrase(&key) {
            Words::of(key)
        } else {
            Words::from(value)
        }
    }

    /// The names of all phrases in a language.
    pub fn phrases(&self, lang: Lang) -> impl Iterator<Item = &str> {
        self.book(lang).phrases.keys()
    }

    /// The fragment of a phrase.
    #[must_use]
    pub fn phrase(&self, lang: Lang, key: &str) -> Option<&str> {
        self.book(lang).phrases.get(key)
    }

    /// Draws one page as a whole HTML document, which has no address to come back to.
    ///
    /// # Errors
    /// As [`Pages::render_at`].
    pub fn render<V: View>(&self, look: impl Into<Look>, view: &V) -> Result<String, PageError> {
        self.render_at(look, view, "")
    }

    /// Draws one page as a whole HTML document, or fills it in. `address` is the path, with its query, that shows it
    /// again.
    ///
    /// # Errors
    /// [`PageError`] when a template is broken or does not suit its view; the tests draw every view to exclude that.
    pub fn render_at<V: View>(
        &self,
        look: impl Into<Look>,
        view: &V,
        address: &str,
    ) -> Result<String, PageError> {
        let Look { lang, theme } = look.into();
        let bound = self.book(lang).bound(lang)?;
        let frame = bound.frame(theme);
        let mut page = match view.blanks() {
            Some(blanks) => bound.filled_in(frame, view, &blanks)?,
            None => bound.drawn(frame, view, view)?,
        };
        page.push_str(&frame.before_address);
        page.push_str(&handlebars::html_escape(address));
        page.push_str(&frame.after_address);
        Ok(page)
    }
}

/// What is in the cell, made first if nothing is. Of several that are made in the same moment one is kept.
///
/// # Errors
/// That of `make`; then the cell stays empty, and the next caller tries again.
pub fn once<T, E>(cell: &OnceLock<T>, make: impl FnOnce() -> Result<T, E>) -> Result<&T, E> {
    if let Some(there) = cell.get() {
        return Ok(there);
    }
    let made = make()?;
    Ok(cell.get_or_init(|| made))
}

impl Book {
    fn read(lang: Lang) -> Result<Self, PageError> {
        Ok(Self {
            phrases: Arc::new(Phrases::read(lang)?),
            bound: OnceLock::new(),
        })
    }

    fn bound(&self, lang: Lang) -> Result<&Bound, PageError> {
        once(&self.bound, || Bound::new(lang, Arc::clone(&self.phrases)))
    }
}

impl Bound {
    fn frame(&self, theme: Theme) -> &Frame {
        let [system, light, dark] = &self.frames;
        match theme {
            Theme::System => system,
            Theme::Light => light,
            Theme::Dark => dark,
        }
    }

    /// A page of this view with these data, up to its foot.
    fn drawn<V: View>(
        &self,
        frame: &Frame,
        view: &V,
        data: &impl Serialize,
    ) -> Result<String, PageError> {
        let mut drawn = Vec::with_capacity(PAGE_CAPACITY);
        drawn.extend_from_slice(frame.before_title.as_bytes());
        match view.title() {
            Some(title) => drawn.extend_from_slice(handlebars::html_escape(title).as_bytes()),
            None => {
                let title = self.phrases.get(V::TITLE).unwrap_or_default();
                drawn.extend_from_slice(title.as_bytes());
            }
        }
        drawn.extend_from_slice(frame.before_page.as_bytes());
        self.templates
            .render_to_write(V::TEMPLATE, data, &mut drawn)
            .map_err(|source| PageError::Render {
                template: V::TEMPLATE,
                source: Box::new(source),
            })?;
        String::from_utf8(drawn).map_err(|_| PageError::Encoding(V::TEMPLATE))
    }

    /// The same from its mould, which is made when it is first asked for.
    fn filled_in<V: View>(
        &self,
        frame: &Frame,
        view: &V,
        blanks: &Blanks,
    ) -> Result<String, PageError> {
        if let Some(mould) = frame.moulds.get(V::TEMPLATE, blanks.kind) {
            return Ok(mould.fill(blanks, PAGE_CAPACITY));
        }
        let data = serde_json::to_value(view).unwrap_or_default();
        let Some(data) = Mould::marked(data, blanks) else {
            return self.drawn(frame, view, view);
        };
        let mould = Mould::of(&self.drawn(frame, view, &data)?);
        let page = mould.fill(blanks, PAGE_CAPACITY);
        frame.moulds.put(V::TEMPLATE, blanks.kind, Arc::new(mould));
        Ok(page)
    }
}

/// The page with the focus in the first field that is marked as wrong, unless it says already where to begin.
#[must_use]
pub fn focus_first_fault(mut page: String) -> String {
    const WRONG: &str = " aria-invalid=\"true\"";
    const FOCUS: &str = " autofocus";
    if let Some(at) = page.find(WRONG)
        && !page.contains(FOCUS)
    {
        page.insert_str(at, FOCUS);
    }
    page
}

impl Bound {
    fn new(lang: Lang, phrases: Arc<Phrases>) -> Result<Self, PageError> {
        let mut templates = Handlebars::new();
        templates.set_strict_mode(true);
        templates.set_prevent_indent(true);
        templates.register_helper("say", Box::new(Say(Arc::clone(&phrases))));
        for path in Templates::iter() {
            let (Some(name), Some(file)) = (path.strip_suffix(".hbs"), Templates::get(&path))
            else {
                continue;
            };
            let source = String::from_utf8_lossy(&file.data);
            templates
                .register_template_string(name, phrases.speak(name, &source)?)
                .map_err(Box::new)?;
        }
        let [system, light, dark] = Theme::ALL.map(|theme| Frame::new(lang, theme, &templates));
        Ok(Self {
            frames: [system?, light?, dark?],
            phrases,
            templates,
        })
    }
}

impl Frame {
    fn new(lang: Lang, theme: Theme, templates: &Handlebars<'_>) -> Result<Self, PageError> {
        let [title, page, address] = CUTS;
        let others: Vec<_> = Lang::ALL
            .into_iter()
            .filter(|other| *other != lang)
            .map(|other| serde_json::json!({"tag": other.tag(), "name": other.name()}))
            .collect();
        let themes = Theme::ALL.map(|other| {
            let label = Words::of(other.phrase());
            serde_json::json!({"name": other.name(), "label": label, "is_chosen": other == theme})
        });
        let frame = serde_json::json!({
            "lang": lang.tag(),
            "theme": theme.mark(),
            "is_light": theme != Theme::Dark,
            "is_dark": theme != Theme::Light,
            "others": others,
            "themes": themes,
            "title": title,
            "page": page,
            "address": address,
            "stylesheet": stylesheet_href(),
            "script": script_href(),
        });
        let document = templates
            .render(DOCUMENT, &frame)
            .map_err(|source| PageError::Render {
                template: DOCUMENT,
                source: Box::new(source),
            })?;
        let (before_title, rest) = document.split_once(title).ok_or(PageError::Frame)?;
        let (before_page, rest) = rest.split_once(page).ok_or(PageError::Frame)?;
        let (before_address, after_address) = rest.split_once(address).ok_or(PageError::Frame)?;
        Ok(Self {
            before_title: before_title.to_owned(),
            before_page: before_page.to_owned(),
            before_address: before_address.to_owned(),
            after_address: after_address.to_owned(),
            moulds: Moulds::default(),
        })
    }
}
