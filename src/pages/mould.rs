//! Pages that differ from others of their kind in a few texts alone: such a page is drawn once, with marks where the
//! texts go, and from then on only filled in. What comes out is byte for byte what would have been drawn.
//!
//! Never here: which pages are so; that their views say.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use handlebars::html_escape;
use serde_json::Value;

/// What a page says in the blanks of its mould.
pub struct Blanks<'v> {
    /// Tells moulds of one view apart: whatever else a template asks of the view. Few, and never a visitor's choice.
    pub kind: u32,
    /// Where each text stands in the view (RFC 6901), and the text. No template asks whether one of them is empty.
    pub texts: Vec<(&'static str, &'v str)>,
}

/// The texts between the blanks of a page, and which blank comes after each; `None` at the end.
pub(super) struct Mould(Vec<(String, Option<usize>)>);

impl Mould {
    /// Puts a mark in the place of every text; `None` when the view has no text there.
    pub(super) fn marked(mut view: Value, blanks: &Blanks) -> Option<Value> {
        for (n, (pointer, _)) in blanks.texts.iter().enumerate() {
            *view.pointer_mut(pointer)? = Value::String(mark(n)?.to_string());
        }
        Some(view)
    }

    /// Cuts a page that was drawn with marks.
    pub(super) fn of(page: &str) -> Self {
        let mut pieces = Vec::new();
        let mut rest = page;
        while let Some((at, n)) = rest
            .char_indices()
            .find_map(|(at, c)| Some((at, blank(c)?)))
        {
            let (piece, marked) = rest.split_at(at);
            pieces.push((piece.to_owned(), Some(n)));
            rest = marked.get(1..).unwrap_or_default();
        }
        pieces.push((rest.to_owned(), None));
        Self(pieces)
    }

    /// The page with these texts, with room for `capacity` bytes.
    pub(super) fn fill(&self, blanks: &Blanks, capacity: usize) -> String {
        let mut page = String::with_capacity(capacity);
        for (piece, blank) in &self.0 {
            page.push_str(piece);
            if let Some((_, text)) = blank.and_then(|n| blanks.texts.get(n)) {
                page.push_str(&html_escape(text));
            }
        }
        page
    }
}

/// Characters that no template contains and that escaping leaves alone, one for each blank.
const MARKS: [char; 4] = ['\u{1}', '\u{2}', '\u{3}', '\u{4}'];

fn mark(n: usize) -> Option<char> {
    MARKS.get(n).copied()
}

fn blank(c: char) -> Option<usize> {
    MARKS.iter().position(|mark| *mark == c)
}

/// The moulds of one look.
#[derive(Default)]
pub(super) struct Moulds(RwLock<HashMap<(&'static str, u32), Arc<Mould>>>);

impl Moulds {
    pub(super) fn get(&self, template: &'static str, kind: u32) -> Option<Arc<Mould>> {
        let moulds = self.0.read().unwrap_or_else(PoisonError::into_inner);
        moulds.get(&(template, kind)).cloned()
    }

    pub(super) fn put(&self, template: &'static str, kind: u32, mould: Arc<Mould>) {
        let mut moulds = self.0.write().unwrap_or_else(PoisonError::into_inner);
        moulds.insert((template, kind), mould);
    }
}

#[cfg(test)]
mod tests {
    use super::super::{DevicePage, LoginPage, Look, Pages, Place, Shell, View};

    const TEXTS: [&str; 4] = [
        "",
        "plain",
        "\"<&>'` zwölf 十二",
        "{{csrf_token}} \\ / \u{7f}",
    ];

    fn is_filled_in_as_drawn(pages: &Pages, view: &impl View) {
        assert!(view.blanks().is_some());
        for look in Look::all() {
            let book = pages.book(look.lang).bound(look.lang).unwrap();
            let frame = book.frame(look.theme);
            let drawn = book.drawn(frame, view, view).unwrap();
            let foot = [&*frame.before_address, "/here", &*frame.after_address].concat();
            for _ in 0..2 {
                let page = pages.render_at(look, view, "/here").unwrap();
                assert_eq!(page.strip_prefix(&*drawn).unwrap(), foot);
            }
        }
    }

    #[test]
    fn a_page_is_filled_in_as_it_would_be_drawn() {
        let pages = Pages::new().unwrap();
        for (n, text) in TEXTS.iter().enumerate() {
            let other = TEXTS[(n + 1) % TEXTS.len()].to_owned();
            for remember_me_days in [None, Some(1), Some(30)] {
                let login = LoginPage {
                    action: (*text).to_owned(),
                    redirect: (*text).to_owned(),
                    username: String::new(),
                    csrf_token: other.clone(),
                    message: None,
                    remember_me_days,
                    providers: Vec::new(),
                };
                is_filled_in_as_drawn(&pages, &login);
            }
            for is_admin in [false, true] {
                let device = DevicePage {
                    user_code: (*text).to_owned(),
                    message: None,
                    sign_in: None,
                    shell: Shell {
                        name: other.clone(),
                        csrf_token: (*text).to_owned(),
                        is_admin,
                        here: Place::Account,
                        pending: 0,
                        flash: None,
                    },
                };
                is_filled_in_as_drawn(&pages, &device);
            }
        }
    }
}
