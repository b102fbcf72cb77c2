//! In which colours pages are drawn, and in which language: all that a reader may choose about how they look.
//!
//! Never here: colours; they are in the stylesheet.
use super::Lang;

/// Light or dark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Theme {
    /// As the reader's system is set.
    #[default]
    System,
    /// Dark letters on light ground.
    Light,
    /// Light letters on dark ground.
    Dark,
}

impl Theme {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::System, Self::Light, Self::Dark];

    /// The cookie's value.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// The theme of this name.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|theme| theme.name() == name)
    }

    /// What the reader is told that it is.
    pub(super) fn phrase(self) -> &'static str {
        match self {
            Self::System => "frame.theme.system",
            Self::Light => "frame.theme.light",
            Self::Dark => "frame.theme.dark",
        }
    }

    /// The value of `data-theme` on the document; the system's has none.
    pub(super) fn mark(self) -> Option<&'static str> {
        match self {
            Self::System => None,
            Self::Light | Self::Dark => Some(self.name()),
        }
    }
}

/// How a page looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Look {
    /// In which language.
    pub lang: Lang,
    /// In which colours.
    pub theme: Theme,
}

impl Look {
    /// All of them.
    pub fn all() -> impl Iterator<Item = Self> {
        let in_language = |lang| Theme::ALL.map(|theme| Self { lang, theme });
        Lang::ALL.into_iter().flat_map(in_language)
    }
}

/// In the colours of the system.
impl From<Lang> for Look {
    fn from(lang: Lang) -> Self {
        Self {
            lang,
            theme: Theme::System,
        }
    }
}
