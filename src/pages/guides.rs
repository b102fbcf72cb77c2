//! The guides: Markdown that we wrote, turned into pages once, when somebody first reads one in a language.
//!
//! Their markup is ours and is put into its page after that was drawn; nothing of a request ever gets into it.

use std::{fmt::Write as _, sync::OnceLock};

use handlebars::html_escape;
use rust_embed::RustEmbed;
use serde::Serialize;

use super::{Lang, Look, PageError, Pages, Shell, View, once};

mod markdown;
mod sequence;

#[derive(RustEmbed)]
#[folder = "docs/guides/"]
#[include = "*.md"]
struct Sources;

/// The guides in the order of their list. The names are addresses, so they never change.
pub const SLUGS: [&str; 13] = [
    "getting-started",
    "architecture",
    "device-flow",
    "auth-code-flow",
    "client-credentials",
    "oidc",
    "jwt-verification",
    "tokens",
    "errors",
    "rate-limits",
    "security",
    "mcp",
    "operations",
];

/// Where the address of this server stands in a guide.
const BASE_URL: &str = "{{base_url}}";
/// Where the guide goes in its drawn page: a character that no template holds and that escaping leaves alone.
const CUT: &str = "\u{3}";

/// A part of an address for a language, as it always was.
#[must_use]
pub fn code(lang: Lang) -> &'static str {
    match lang {
        Lang::En => "en",
        Lang::ZhHant => "zh-TW",
    }
}

/// One guide in one language.
struct Guide {
    slug: &'static str,
    title: String,
    html: String,
    sections: Vec<Section>,
}

/// A heading to jump to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Section {
    id: String,
    title: String,
}

/// All guides in all languages.
pub struct Guides {
    base_url: String,
    has_viewer: bool,
    read: [OnceLock<Vec<Guide>>; Lang::ALL.len()],
}

/// A link in the list of guides.
#[derive(Debug, Clone, Serialize)]
struct Entry {
    href: String,
    title: String,
    is_here: bool,
}

/// A guide with what stands around it.
#[derive(Debug, Clone, Serialize)]
pub struct GuidePage {
    shell: Option<Shell>,
    /// There is a page that shows the OpenAPI document.
    has_viewer: bool,
    title: String,
    body: &'static str,
    guides: Vec<Entry>,
    sections: Vec<Section>,
    before: Option<Entry>,
    after: Option<Entry>,
    /// The same guide in another language.
    other: Entry,
    other_lang: &'static str,
}

impl View for GuidePage {
    const TEMPLATE: &'static str = "docs/guide";
    const TITLE: &'static str = "nav.docs";

    fn title(&self) -> Option<&str> {
        Some(&self.title)
    }
}

impl Guides {
    /// None is read yet; all will have the address of this server in their samples.
    #[must_use]
    pub fn new(base_url: &str) -> Self {
        Self {
            base_url: base_url.to_owned(),
            has_viewer: false,
            read: Default::default(),
        }
    }

    /// The same with a link to the page that shows the OpenAPI document, if there is one.
    #[must_use]
    pub fn with_viewer(self, has_viewer: bool) -> Self {
        Self { has_viewer, ..self }
    }

    fn of(&self, pages: &Pages, lang: Lang) -> Result<&[Guide], PageError> {
        let [english, traditional_chinese] = &self.read;
        let cell = match lang {
            Lang::En => english,
            Lang::ZhHant => traditional_chinese,
        };
        let guide = |slug| Guide::read(pages, lang, slug, &self.base_url);
        once(cell, || SLUGS.into_iter().map(guide).collect()).map(Vec::as_slice)
    }

    /// The page of a guide, in the frame of whoever is signed in.
    ///
    /// # Errors
    /// [`PageError`] for an unknown guide, for one that the program was built without, and as [`Pages::render`].
    pub fn draw(
        &self,
        pages: &Pages,
        look: impl Into<Look>,
        slug: &str,
        shell: Option<Shell>,
    ) -> Result<String, PageError> {
        let look = look.into();
        let lang = look.lang;
        let guides = self.of(pages, lang)?;
        let missing = || PageError::Guide(slug.to_owned());
        let at = guides
            .iter()
            .position(|guide| guide.slug == slug)
            .ok_or_else(missing)?;
        let guide = guides.get(at).ok_or_else(missing)?;
        let other = match lang {
            Lang::En => Lang::ZhHant,
            Lang::ZhHant => Lang::En,
        };
        let page = GuidePage {
            shell,
            has_viewer: self.has_viewer,
            title: guide.title.clone(),
            body: CUT,
            guides: guides.iter().map(|g| g.entry(lang, slug)).collect(),
            sections: guide.sections.clone(),
            before: at
                .checked_sub(1)
                .and_then(|before| guides.get(before))
                .map(|g| g.entry(lang, slug)),
            after: guides.get(at + 1).map(|g| g.entry(lang, slug)),
            other: Entry {
                href: format!("/docs/{}/{}", code(other), guide.slug),
                // In the words of those who look for it; the switch at the foot, named after the language, keeps the choice.
                title: pages
                    .phrase(other, "docs.this_one")
                    .unwrap_or_default()
                    .to_owned(),
                is_here: false,
            },
            other_lang: other.tag(),
        };
        let address = guide.entry(lang, slug).href;
        let drawn = pages.render_at(look, &page, &address)?;
        Ok(drawn.replacen(CUT, &guide.html, 1))
    }
}

impl Guide {
    fn read(
        pages: &Pages,
        lang: Lang,
        slug: &'static str,
        base_url: &str,
    ) -> Result<Self, PageError> {
        let missing = || PageError::Guide(slug.to_owned());
        let file = Sources::get(&format!("{}/{slug}.md", lang.tag())).ok_or_else(missing)?;
        let source = String::from_utf8_lossy(&file.data).replace(BASE_URL, base_url);
        let phrase = |key| pages.phrase(lang, key).unwrap_or_default();
        let copy = format!(
            "data-done=\"{}\" hidden>{}</button>",
            html_escape(phrase("parts.copied")),
            html_escape(phrase("parts.copy"))
        );
        let rendered = markdown::render(&source, &copy);
        Ok(Self {
            slug,
            title: rendered.title,
            html: rendered.html,
            sections: rendered.sections,
        })
    }

    fn entry(&self, lang: Lang, here: &str) -> Entry {
        Entry {
            href: format!("/docs/{}/{}", code(lang), self.slug),
            title: self.title.clone(),
            is_here: self.slug == here,
        }
    }
}

/// Where a sample stands.
struct Place<'a> {
    /// The heading above it.
    beneath: &'a str,
    /// Which it is.
    n: usize,
}

/// A block of text for machines, with a button that copies it and is described by heading and first line.
fn sample(out: &mut String, language: &str, text: &str, (place, copy): (Place<'_>, &str)) {
    let Place { beneath, n } = place;
    let text = text.trim_end();
    let (first, rest) = text.split_at(text.find('\n').unwrap_or(text.len()));
    let _ = writeln!(
        out,
        "<div class=\"sample-box\"><pre class=\"sample\" data-language=\"{}\" tabindex=\"0\"><code><span id=\"sample-{n}\">{}</span>{}</code></pre>\
         <button class=\"button quiet small copy\" type=\"button\" aria-describedby=\"{beneath} sample-{n}\" data-copy=\"{}\" {copy}</div>",
        html_escape(language),
        html_escape(first),
        html_escape(rest),
        html_escape(text),
    );
}
