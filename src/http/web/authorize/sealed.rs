//! Text that goes to a browser and comes back unchanged or not at all: sealed for one place, and for a while.
use crate::{
    domain::{
        digest::sha256_hex,
        time::{Timestamp, random},
    },
    flows::FlowError,
    http::session::Sessions,
};
use std::time::Duration;
use url::form_urlencoded;

/// How long a consent page can be answered.
pub const CONSENT_LIFE: Duration = Duration::from_secs(3600);
/// How long a person may take to sign in before a request that minds it asks again.
pub const TRIP_LIFE: Duration = Duration::from_secs(1800);

/// Seals and opens.
pub struct Sealing<'a> {
    /// Whose key.
    pub sessions: &'a Sessions,
    /// Now.
    pub now: Timestamp,
}

impl Sealing<'_> {
    /// Seals a text with the present moment.
    ///
    /// # Errors
    /// [`FlowError::Unavailable`] without entropy.
    pub fn seal(&self, place: &str, text: &str) -> Result<String, FlowError> {
        let micros = self.now.unix_timestamp_nanos() / 1000;
        let plain = format!("{micros}\n{text}");
        self.sessions
            .ring
            .seal(
                place.as_bytes(),
                plain.as_bytes(),
                random(&*self.sessions.entropy)?,
            )
            .map_err(|error| FlowError::Internal(error.to_string()))
    }

    /// The text and when it was sealed, unless that is too long ago.
    pub fn open(&self, place: &str, sealed: &str, life: Duration) -> Option<(Timestamp, String)> {
        let plain = self.sessions.ring.open(place.as_bytes(), sealed).ok()?;
        let text = String::from_utf8(plain).ok()?;
        let (micros, text) = text.split_once('\n')?;
        let nanos = micros.parse::<i128>().ok()?.checked_mul(1000)?;
        let at = Timestamp::from_unix_timestamp_nanos(nanos).ok()?;
        (self.now - at <= life).then(|| (at, text.to_owned()))
    }
}

/// Pairs as text.
pub fn text_of(pairs: &[(String, String)]) -> String {
    form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .finish()
}

/// Text as pairs.
pub fn pairs_of(text: &str) -> Vec<(String, String)> {
    form_urlencoded::parse(text.as_bytes())
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect()
}

/// Names a request, however a browser spells it.
pub fn digest(pairs: &[(String, String)]) -> String {
    sha256_hex(text_of(pairs).as_bytes())
}
