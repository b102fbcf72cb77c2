//! The endpoints for programs, as a page: what the OpenAPI document says, for people.
//!
//! Never here: reading that document.

use serde::Serialize;

use super::{Lang, Shell, View};

/// Words, of which some are names for machines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Piece {
    pub text: String,
    pub is_code: bool,
}

/// Splits a description at its backticks.
#[must_use]
pub fn prose(text: &str) -> Vec<Piece> {
    text.split('`')
        .enumerate()
        .filter(|(_, piece)| !piece.is_empty())
        .map(|(at, piece)| Piece {
            text: piece.to_owned(),
            is_code: at % 2 == 1,
        })
        .collect()
}

/// All endpoints. Their descriptions are in English, as the document is.
#[derive(Debug, Clone, Serialize)]
pub struct ApiPage {
    /// Of whoever is signed in.
    pub shell: Option<Shell>,
    pub groups: Vec<ApiGroup>,
    /// The address that the samples are for.
    pub server: String,
    other: &'static str,
    other_lang: &'static str,
}

impl ApiPage {
    /// The page in a language.
    #[must_use]
    pub fn new(lang: Lang, server: String, groups: Vec<ApiGroup>) -> Self {
        let other = match lang {
            Lang::En => Lang::ZhHant,
            Lang::ZhHant => Lang::En,
        };
        Self {
            shell: None,
            groups,
            server,
            other: other.name(),
            other_lang: other.tag(),
        }
    }
}

impl View for ApiPage {
    const TEMPLATE: &'static str = "docs/api";
    const TITLE: &'static str = "api.title";
}

/// Endpoints that belong together.
#[derive(Debug, Clone, Serialize)]
pub struct ApiGroup {
    /// For links.
    pub id: String,
    pub name: String,
    pub description: Vec<Piece>,
    pub operations: Vec<ApiOperation>,
}

/// One endpoint.
#[derive(Debug, Clone, Serialize)]
pub struct ApiOperation {
    /// For links.
    pub id: String,
    pub method: String,
    pub path: String,
    pub summary: Vec<Piece>,
    pub description: Vec<Piece>,
    pub fields: Vec<ApiField>,
    pub sample: Option<String>,
    pub answers: Vec<ApiAnswer>,
}

/// Something that is sent.
#[derive(Debug, Clone, Serialize)]
pub struct ApiField {
    pub name: String,
    /// `path`, `query`, `body`.
    pub place: String,
    pub kind: String,
    pub is_required: bool,
    pub description: Vec<Piece>,
}

/// What may come back.
#[derive(Debug, Clone, Serialize)]
pub struct ApiAnswer {
    pub status: String,
    pub description: Vec<Piece>,
    pub sample: Option<String>,
}
