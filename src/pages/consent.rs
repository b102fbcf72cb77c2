//! The pages of a sign-in by way of a client: what a client asks for, and signing out because a client asks.
//!
//! Never here: where the values come from, and what the forms' answers mean.

use std::time::Duration;

use serde::Serialize;

use super::words::{as_local_href, as_tame, as_tame_option};
use super::{Hidden, ScopeLine, Shell, View, Words};

/// `GET /oauth/authorize`: what is asked, by whom, for how long, and where the answer goes. Sends `csrf_token`, the
/// parameters of the request in `fields`, and `action`, which is `approve` or `deny`.
#[derive(Debug, Clone, Serialize)]
pub struct ConsentPage {
    #[serde(serialize_with = "as_tame")]
    pub client_name: String,
    /// `false` marks the app as one that nobody here has checked.
    pub client_verified: bool,
    /// What its owner says about it; `None` for nothing.
    #[serde(serialize_with = "as_tame_option")]
    pub description: Option<String>,
    pub scopes: Vec<ScopeLine>,
    /// Resource indicators (RFC 8707); empty when the request names none.
    pub resources: Vec<String>,
    /// How long it can act with one token.
    pub access_life: Words,
    /// How long it can go on without asking again; `None` when it cannot.
    pub refresh_life: Option<Words>,
    /// Where the browser is sent with the answer: a host, or the scheme of an app on this device.
    #[serde(serialize_with = "as_tame")]
    pub host: String,
    /// The sign-in page, and back to this question.
    #[serde(serialize_with = "as_local_href")]
    pub other_account: String,
    pub fields: Vec<Hidden>,
    pub shell: Shell,
}

impl View for ConsentPage {
    const TEMPLATE: &'static str = "public/consent";
    const TITLE: &'static str = "consent.title";
}

/// `GET /oauth/end_session` without proof that the person wants it: asks. Sends `csrf_token` and `sealed`.
#[derive(Debug, Clone, Serialize)]
pub struct EndSessionPage {
    /// Who sent the person here; `None` when nobody says so.
    #[serde(serialize_with = "as_tame_option")]
    pub client_name: Option<String>,
    /// Where the person goes afterwards, sealed; empty for the sign-in page.
    pub sealed: String,
    pub username: String,
    pub csrf_token: String,
}

impl View for EndSessionPage {
    const TEMPLATE: &'static str = "public/end_session";
    const TITLE: &'static str = "logout.title";
}

/// A lifetime in the largest unit that fits.
#[must_use]
pub fn life_words(life: Duration) -> Words {
    const DAY: u64 = 86_400;
    let seconds = life.as_secs();
    if seconds >= 2 * DAY {
        Words::count("consent.days", seconds.div_ceil(DAY))
    } else {
        Words::wait(seconds)
    }
}
