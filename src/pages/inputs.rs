//! What a form was filled in with, and what is wrong with each field; drawn by `partials/input` and `partials/area`.
use serde::Serialize;

use super::{Choice, Words};

/// One field of a form.
#[derive(Debug, Clone, Default, Serialize)]
pub struct FormInput {
    pub value: String,
    /// One sentence each.
    pub errors: Vec<Words>,
}

impl FormInput {
    /// A field without faults.
    #[must_use]
    pub fn of(value: impl Into<String>) -> Self {
        Self {
            value: value.into(),
            errors: Vec::new(),
        }
    }

    /// With what is wrong with it.
    #[must_use]
    pub fn wrong(mut self, errors: Vec<Words>) -> Self {
        self.errors = errors;
        self
    }
}

/// A field that chooses.
#[derive(Debug, Clone, Default, Serialize)]
pub struct FormSelect {
    pub choices: Vec<Choice>,
    /// One sentence each.
    pub errors: Vec<Words>,
}

impl FormSelect {
    /// Choices by value and phrase, one of them chosen.
    #[must_use]
    pub fn of(choices: &[(&str, &'static str)], chosen: &str) -> Self {
        Self {
            choices: choices
                .iter()
                .map(|(value, label)| Choice {
                    value: (*value).to_owned(),
                    label: Words::of(*label),
                    is_chosen: *value == chosen,
                })
                .collect(),
            errors: Vec::new(),
        }
    }

    /// With what is wrong with it.
    #[must_use]
    pub fn wrong(mut self, errors: Vec<Words>) -> Self {
        self.errors = errors;
        self
    }
}
