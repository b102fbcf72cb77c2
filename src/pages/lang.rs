//! The languages that pages speak, and which of them a browser gets.
//!
//! Never here: words. To add a language: a variant here, and a directory of the same tag under `locales/`.

/// A language.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Lang {
    /// English.
    #[default]
    En,
    /// Traditional Chinese, as it is written in Taiwan.
    ZhHant,
}

impl Lang {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::En, Self::ZhHant];

    /// BCP 47 tag: the `lang` attribute, the cookie's value and the directory's name.
    #[must_use]
    pub fn tag(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::ZhHant => "zh-Hant",
        }
    }

    /// What its readers call it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::En => "English",
            Self::ZhHant => "繁體中文",
        }
    }

    /// The language with exactly this tag.
    #[must_use]
    pub fn of_tag(tag: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|lang| lang.tag() == tag)
    }

    /// The language that somebody who names `range` can read (RFC 4647 basic ranges, with the aliases people's
    /// systems send for Traditional Chinese). Simplified Chinese is another script, so it matches nothing.
    #[must_use]
    pub fn of_range(range: &str) -> Option<Self> {
        let is_or_below = |tag: &str| {
            range
                .get(..tag.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(tag))
                && matches!(range.as_bytes().get(tag.len()), None | Some(b'-' | b'_'))
        };
        if is_or_below("en") {
            return Some(Self::En);
        }
        let traditional = ["zh-hant", "zh-tw", "zh-hk", "zh-mo", "zh_tw", "zh_hk"];
        (range.eq_ignore_ascii_case("zh") || traditional.into_iter().any(is_or_below))
            .then_some(Self::ZhHant)
    }

    /// What was chosen here before, else the first of `Accept-Language` by weight (RFC 9110 §12.5.4), else English.
    #[must_use]
    pub fn negotiate(chosen: Option<&str>, accept: Option<&str>) -> Self {
        if let Some(lang) = chosen.and_then(Self::of_tag) {
            return lang;
        }
        let mut best: Option<(u16, Self)> = None;
        for range in accept.unwrap_or_default().split(',').take(32) {
            let (range, weight) = weighed(range);
            let Some(lang) = Self::of_range(range).filter(|_| weight > 0) else {
                continue;
            };
            if best.is_none_or(|(heaviest, _)| weight > heaviest) {
                best = Some((weight, lang));
            }
        }
        best.map_or(Self::default(), |(_, lang)| lang)
    }
}

/// A range with its weight in thousandths.
fn weighed(item: &str) -> (&str, u16) {
    let mut parts = item.split(';').map(str::trim);
    let range = parts.next().unwrap_or_default();
    let weight = parts
        .find_map(|part| part.strip_prefix("q="))
        .map_or(Some(1.0), |q| q.parse::<f32>().ok())
        .unwrap_or(0.0);
    // The float is clamped to 0..=1 first, so the cast is exact enough and never wraps.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped to 0..=1000"
    )]
    let thousandths = (weight.clamp(0.0, 1.0) * 1000.0) as u16;
    (range, thousandths)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_is_the_chosen_one_then_the_heaviest_known_one_then_english() {
        for (chosen, accept, lang) in [
            (None, None, Lang::En),
            (None, Some(""), Lang::En),
            (None, Some("zh-TW,zh;q=0.9,en;q=0.8"), Lang::ZhHant),
            (None, Some("en-GB,zh-TW;q=0.9"), Lang::En),
            (None, Some("en;q=0.3, zh-hant-hk;q=0.7"), Lang::ZhHant),
            (None, Some("de, fr;q=0.9"), Lang::En),
            (None, Some("zh-CN,zh-Hans;q=0.9"), Lang::En),
            (None, Some("zh"), Lang::ZhHant),
            (None, Some("ZH_TW"), Lang::ZhHant),
            (None, Some("zh-TW;q=0, en;q=0.1"), Lang::En),
            (None, Some("zh-TW;q=rubbish, en"), Lang::En),
            (None, Some("english"), Lang::En),
            (None, Some("繁體"), Lang::En),
            (Some("zh-Hant"), Some("en"), Lang::ZhHant),
            (Some("en"), Some("zh-TW"), Lang::En),
            (Some("klingon"), Some("zh-TW"), Lang::ZhHant),
        ] {
            assert_eq!(
                Lang::negotiate(chosen, accept),
                lang,
                "{chosen:?} {accept:?}"
            );
        }
    }

    #[test]
    fn every_language_is_where_it_says() {
        for lang in Lang::ALL {
            assert_eq!(Lang::of_tag(lang.tag()), Some(lang));
        }
    }
}
