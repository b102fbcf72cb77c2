//! One language's phrases: the flat JSON files under `locales/<tag>/`, one per area, each `key -> fragment`.
//!
//! A template asks for a phrase in two ways, both answered before it is compiled, so that they cost nothing later:
//! `{{t "area.key"}}` becomes the fragment as it is (it may hold simple markup and `{{value}}`), and the string
//! `"t:area.key"`, as an argument of a partial, becomes a string of plain words. What the program says
//! ([`Words`](super::Words)) is put together when the page is drawn, by the helper `say`.
//!
//! Never here: which language a person gets.

use std::collections::HashMap;

use handlebars::{
    Context, Handlebars, Helper, HelperDef, HelperResult, JsonValue, Output, RenderContext,
    html_escape,
};
use rust_embed::RustEmbed;

use super::{Lang, PageError};

#[derive(RustEmbed)]
#[folder = "locales/"]
#[include = "*.json"]
struct Files;

/// The fragments of one language by `area.key`.
#[derive(Debug)]
pub(super) struct Phrases(HashMap<String, String>);

impl Phrases {
    /// Reads the files of a language.
    pub(super) fn read(lang: Lang) -> Result<Self, PageError> {
        let mut all = HashMap::new();
        for path in Files::iter() {
            let Some(area) = path
                .strip_prefix(lang.tag())
                .and_then(|rest| rest.strip_prefix('/'))
                .and_then(|rest| rest.strip_suffix(".json"))
            else {
                continue;
            };
            let broken = |why: String| PageError::Phrases(path.to_string(), why);
            let file = Files::get(&path).ok_or_else(|| broken("not there".to_owned()))?;
            let entries: HashMap<String, String> =
                serde_json::from_slice(&file.data).map_err(|error| broken(error.to_string()))?;
            for (key, fragment) in entries {
                all.insert(format!("{area}.{key}"), fragment);
            }
        }
        Ok(Self(all))
    }

    /// The fragment of a key.
    pub(super) fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }

    /// All keys.
    pub(super) fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// The source of a template in this language.
    pub(super) fn speak(&self, template: &str, source: &str) -> Result<String, PageError> {
        let spoken = self.replace(template, source, "{{t \"", "\"}}", "")?;
        self.replace(template, &spoken, "\"t:", "\"", "\"")
    }

    fn replace(
        &self,
        template: &str,
        source: &str,
        open: &str,
        close: &str,
        quote: &str,
    ) -> Result<String, PageError> {
        let mut spoken = String::with_capacity(source.len() + source.len() / 4);
        let mut rest = source;
        while let Some((before, from)) = rest.split_once(open) {
            let missing =
                || PageError::Phrase(template.to_owned(), from.chars().take(40).collect());
            let (key, after) = from.split_once(close).ok_or_else(missing)?;
            let fragment = self.get(key).ok_or_else(missing)?;
            for part in [before, quote, fragment, quote] {
                spoken.push_str(part);
            }
            rest = after;
        }
        spoken.push_str(rest);
        Ok(spoken)
    }

    /// Writes what a [`Words`](super::Words) says, with every value escaped.
    fn say(&self, words: &JsonValue, out: &mut dyn Output) -> std::io::Result<()> {
        match words {
            JsonValue::Null => Ok(()),
            JsonValue::String(text) => out.write(&html_escape(text)),
            JsonValue::Object(said) => {
                let key = said
                    .get("say")
                    .and_then(JsonValue::as_str)
                    .unwrap_or_default();
                let Some(fragment) = self.get(key) else {
                    tracing::error!(key, "a page says what no language file has");
                    return out.write(&html_escape(key));
                };
                let mut rest = fragment;
                while let Some((before, from)) = rest.split_once("{{") {
                    let (name, after) = from.split_once("}}").unwrap_or((from, ""));
                    out.write(before)?;
                    if let Some(value) = said.get("with").and_then(|with| with.get(name.trim())) {
                        self.say(value, out)?;
                    }
                    rest = after;
                }
                out.write(rest)
            }
            other @ (JsonValue::Bool(_) | JsonValue::Number(_) | JsonValue::Array(_)) => {
                out.write(&html_escape(&other.to_string()))
            }
        }
    }
}

/// `{{say words}}`.
pub(super) struct Say(pub(super) std::sync::Arc<Phrases>);

impl HelperDef for Say {
    fn call<'reg: 'rc, 'rc>(
        &self,
        helper: &Helper<'rc>,
        _: &'reg Handlebars<'reg>,
        _: &'rc Context,
        _: &mut RenderContext<'reg, 'rc>,
        out: &mut dyn Output,
    ) -> HelperResult {
        match helper.param(0) {
            Some(words) => Ok(self.0.say(words.value(), out)?),
            None => Ok(()),
        }
    }
}
