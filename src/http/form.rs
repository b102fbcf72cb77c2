//! Forms (RFC 6749 appendix B): strict about repeats and encoding, so that two readers never see two requests.
use super::request::BodyError;
use bytes::Bytes;
use percent_encoding::percent_decode;
use std::convert::Infallible;

/// The most fields in one form.
const MAX_FIELDS: usize = 100;

/// Fields in the order they came.
#[derive(Debug, Default)]
pub struct Form(Vec<(String, String)>);

/// Why a form was not read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FormError {
    /// The body itself.
    #[error(transparent)]
    Body(#[from] BodyError),
    /// Not UTF-8, a broken percent escape, or a NUL, which no parameter may hold (RFC 6749 appendix A) and no database takes.
    #[error("the form is not valid UTF-8 in form encoding, or holds a NUL")]
    Encoding,
    /// RFC 6749 §3.2: parameters must not repeat.
    #[error("{0:?} is given more than once")]
    Repeated(String),
    /// A secret in the query, where it would be logged.
    #[error("secrets belong into the body, not into the URL")]
    InQuery,
    /// More than a hundred.
    #[error("the form has too many fields")]
    TooMany,
}

impl FormError {
    /// The HTTP status.
    pub fn status(&self) -> u16 {
        match self {
            Self::Body(BodyError::TooLarge) => 413,
            Self::Body(BodyError::Deadline) => 408,
            Self::Body(BodyError::Broken)
            | Self::Encoding
            | Self::Repeated(_)
            | Self::InQuery
            | Self::TooMany => 400,
        }
    }
}

impl Form {
    /// Reads a body as its content type says; what is not multipart is read as urlencoded.
    ///
    /// # Errors
    /// [`FormError`].
    pub async fn parse(
        content_type: &str,
        body: Bytes,
        repeatable: &[&str],
    ) -> Result<Self, FormError> {
        let pairs = match multer::parse_boundary(content_type) {
            Ok(boundary) => multipart(boundary, body).await?,
            Err(_) => Self::pairs(&body)?,
        };
        let mut form = Self(Vec::with_capacity(pairs.len()));
        for (name, value) in pairs {
            if !repeatable.contains(&name.as_str()) && form.get(&name).is_some() {
                return Err(FormError::Repeated(name));
            }
            form.0.push((name, value));
        }
        Ok(form)
    }

    /// Reads `name=value&…`.
    ///
    /// # Errors
    /// [`FormError::Encoding`] and [`FormError::TooMany`].
    pub fn pairs(bytes: &[u8]) -> Result<Vec<(String, String)>, FormError> {
        let mut pairs = Vec::new();
        for field in bytes
            .split(|byte| *byte == b'&')
            .filter(|field| !field.is_empty())
        {
            if pairs.len() == MAX_FIELDS {
                return Err(FormError::TooMany);
            }
            let (name, value) = match field.iter().position(|byte| *byte == b'=') {
                Some(at) => (
                    field.get(..at).unwrap_or_default(),
                    field.get(at + 1..).unwrap_or_default(),
                ),
                None => (field, &[][..]),
            };
            pairs.push((decoded(name)?, decoded(value)?));
        }
        Ok(pairs)
    }

    /// One field, for a body that was no form.
    pub fn of(name: &str, value: impl Into<String>) -> Self {
        Self(vec![(name.to_owned(), value.into())])
    }

    /// All fields in the order they came.
    pub fn all_pairs(&self) -> &[(String, String)] {
        &self.0
    }

    /// A field. Empty is not the same as missing.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// All values of a field that may repeat.
    pub fn all(&self, name: &str) -> Vec<String> {
        self.0
            .iter()
            .filter(|(key, _)| key == name)
            .map(|(_, value)| value.clone())
            .collect()
    }
}

fn decoded(text: &[u8]) -> Result<String, FormError> {
    if !text.iter().any(|byte| matches!(byte, b'%' | b'+')) {
        return plain(text.to_vec());
    }
    if has_broken_escape(text) {
        return Err(FormError::Encoding);
    }
    let spaced: Vec<u8> = text
        .iter()
        .map(|byte| if *byte == b'+' { b' ' } else { *byte })
        .collect();
    plain(percent_decode(&spaced).collect())
}

fn plain(bytes: Vec<u8>) -> Result<String, FormError> {
    if bytes.contains(&0) {
        return Err(FormError::Encoding);
    }
    String::from_utf8(bytes).map_err(|_| FormError::Encoding)
}

fn has_broken_escape(text: &[u8]) -> bool {
    text.iter()
        .enumerate()
        .filter(|(_, byte)| **byte == b'%')
        .any(|(at, _)| {
            !text
                .get(at + 1..at + 3)
                .is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
        })
}

/// The body is whole and capped already, so its parts are read from memory.
async fn multipart(boundary: String, body: Bytes) -> Result<Vec<(String, String)>, FormError> {
    let source = futures_util::stream::once(async move { Ok::<_, Infallible>(body) });
    let mut parts = multer::Multipart::new(source, boundary);
    let mut pairs = Vec::new();
    while let Some(part) = parts.next_field().await.map_err(|_| FormError::Encoding)? {
        if pairs.len() == MAX_FIELDS {
            return Err(FormError::TooMany);
        }
        let name = part.name().unwrap_or_default().to_owned();
        let value = part.bytes().await.map_err(|_| FormError::Encoding)?;
        pairs.push((plain(name.into_bytes())?, plain(value.to_vec())?));
    }
    Ok(pairs)
}

#[cfg(test)]
mod tests;
