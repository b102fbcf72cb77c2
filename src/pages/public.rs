//! The views of the first pages: sign-in and out, connecting a device, errors, the start page.
//! Each field is what the template of the same name shows or sends back; text is plain, never markup.
//!
//! Never here: where the values come from, and what the forms' answers mean.

use serde::{Serialize, Serializer};

use super::View;
use super::words::{
    Alert, as_local_href, as_tame, as_tame_option, as_wait, scope_words, wait_words,
};

/// `GET /login`, and `POST /login` when it failed. Sends `redirect`, `csrf_token`, `username`, `password`
/// and, when ticked, `remember_me=1`.
#[derive(Debug, Clone, Serialize)]
pub struct LoginPage {
    /// Where to go afterwards; empty for the default.
    pub redirect: String,
    /// What was typed before; empty at first.
    pub username: String,
    pub csrf_token: String,
    pub message: Option<LoginMessage>,
    /// Days that the browser is remembered for; `None` hides the box.
    pub remember_me_days: Option<u32>,
    /// Shown in this order.
    pub providers: Vec<ProviderButton>,
}

impl View for LoginPage {
    const TEMPLATE: &'static str = "public/login";
    const TITLE: &'static str = "Sign in";
}

/// A way to sign in elsewhere.
#[derive(Debug, Clone, Serialize)]
pub struct ProviderButton {
    /// The provider's name alone, for example `GitHub`.
    pub label: String,
    /// A path on this host. Any other address is drawn as `/`.
    #[serde(serialize_with = "as_local_href")]
    pub href: String,
}

/// Why the sign-in page is shown (again).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoginMessage {
    SessionTimeout,
    SessionInvalid,
    BadCredentials,
    Unavailable,
    TooManyAttempts { retry_after_s: u64 },
    SignedOut,
}

impl Serialize for LoginMessage {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match *self {
            Self::SessionTimeout => Alert::info(
                "You were signed out because nothing happened for a while. Sign in to go on.",
            ),
            Self::SessionInvalid => Alert::warning(
                "Your browser or network changed, so we ended the session. Sign in again.",
            ),
            Self::BadCredentials => {
                Alert::error("That username and password do not match an active account.")
                    .about_fields()
            }
            Self::Unavailable => {
                Alert::error("We cannot check passwords at the moment. Please try again shortly.")
            }
            Self::TooManyAttempts { retry_after_s } => Alert::error(format!(
                "Too many attempts from your network. Try again in {}.",
                wait_words(retry_after_s)
            )),
            Self::SignedOut => Alert::success("You are signed out."),
        }
        .serialize(to)
    }
}

/// `GET /logout`: asks. `POST /logout` with `csrf_token` does it.
#[derive(Debug, Clone, Serialize)]
pub struct LogoutPage {
    pub csrf_token: String,
    pub username: String,
}

impl View for LogoutPage {
    const TEMPLATE: &'static str = "public/logout";
    const TITLE: &'static str = "Sign out";
}

/// `GET /device`, and `POST /device/verify` when the code was refused. Sends `user_code` and `csrf_token`.
#[derive(Debug, Clone, Serialize)]
pub struct DevicePage {
    /// What was typed or came with the link; empty at first.
    pub user_code: String,
    pub csrf_token: String,
    pub message: Option<DeviceMessage>,
    pub username: String,
}

impl View for DevicePage {
    const TEMPLATE: &'static str = "public/device";
    const TITLE: &'static str = "Connect a device";
}

/// Why the code is asked for again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeviceMessage {
    MissingCode,
    UnknownCode,
    Expired,
    AlreadyUsed,
    ClientInactive,
    TooManyMisses,
    SignInAgain,
}

impl Serialize for DeviceMessage {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::MissingCode => Alert::error("Enter the code first.").about_fields(),
            Self::UnknownCode => {
                Alert::error("We do not know this code. Compare it with your device and try again.")
                    .about_fields()
            }
            Self::Expired => Alert::error(
                "This code has run out. Start again on your device to get a new one.",
            )
            .about_fields(),
            Self::AlreadyUsed => Alert::error(
                "This code has been answered already. If your device still waits, start again there.",
            )
            .about_fields(),
            Self::ClientInactive => Alert::error(
                "The app behind this code is not allowed to sign people in. Ask your administrator.",
            ),
            Self::TooManyMisses => Alert::error(
                "Too many codes did not match. Sign out and in again before you try another one.",
            ),
            Self::SignInAgain => Alert::warning(
                "Your sign-in is too old to approve a device. Sign out and in again, then enter the code.",
            ),
        }
        .serialize(to)
    }
}

/// The second step: what is asked, by whom, from where (RFC 8628 §5.4). Sends `user_code`, `confirmed=true`,
/// `csrf_token` and `action`, which is `approve` or `deny`.
#[derive(Debug, Clone, Serialize)]
pub struct DeviceConfirmPage {
    /// As the device shows it: `XXXX-XXXX`.
    pub user_code: String,
    #[serde(serialize_with = "as_tame")]
    pub client_name: String,
    /// `false` marks the app as one that nobody here has checked.
    pub client_verified: bool,
    pub scopes: Vec<ScopeLine>,
    /// Resource indicators (RFC 8707); empty when the request names none.
    pub resources: Vec<String>,
    pub requester_ip: Option<String>,
    #[serde(serialize_with = "as_tame_option")]
    pub requester_user_agent: Option<String>,
    /// For example `2 minutes ago`.
    pub requested_ago: String,
    pub csrf_token: String,
    pub username: String,
}

impl View for DeviceConfirmPage {
    const TEMPLATE: &'static str = "public/device_confirm";
    const TITLE: &'static str = "Check the request";
}

/// One permission: its name on the wire and what it means.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ScopeLine {
    pub name: String,
    /// Equal to `name` for a scope without words of its own.
    pub words: String,
}

impl ScopeLine {
    /// The line for a scope, with the words of [`scope_words`].
    #[must_use]
    pub fn of(scope: &str) -> Self {
        Self {
            name: scope.to_owned(),
            words: scope_words(scope).to_owned(),
        }
    }
}

/// The answer was taken.
#[derive(Debug, Clone, Serialize)]
pub struct DeviceDonePage {
    #[serde(serialize_with = "as_tame")]
    pub client_name: String,
    /// `false`: denied.
    pub approved: bool,
}

impl View for DeviceDonePage {
    const TEMPLATE: &'static str = "public/device_done";
    const TITLE: &'static str = "Device request";
}

/// Anything that went wrong and has no page of its own.
#[derive(Debug, Clone, Serialize)]
pub struct ErrorPage {
    /// HTTP status, 400 to 599.
    pub status: u16,
    pub title: String,
    pub message: String,
    /// Finds the matching log line; shown so that a person can pass it on.
    pub report_id: Option<String>,
    /// Decides where the way out leads.
    pub signed_in: bool,
}

impl View for ErrorPage {
    const TEMPLATE: &'static str = "public/error";
    const TITLE: &'static str = "Something went wrong";
}

/// 429 for a browser.
#[derive(Debug, Clone, Serialize)]
pub struct TooManyRequestsPage {
    /// Seconds to wait.
    #[serde(serialize_with = "as_wait")]
    pub retry_after_s: u64,
}

impl View for TooManyRequestsPage {
    const TEMPLATE: &'static str = "public/too_many_requests";
    const TITLE: &'static str = "Too many requests";
}

/// Where a person lands after signing in.
#[derive(Debug, Clone, Serialize)]
pub struct HomePage {
    pub username: String,
    pub csrf_token: String,
    /// The person's browser sessions; empty hides the list.
    pub sessions: Vec<SessionLine>,
}

impl View for HomePage {
    const TEMPLATE: &'static str = "public/home";
    const TITLE: &'static str = "Your account";
}

/// One browser in which the person is signed in.
#[derive(Debug, Clone, Serialize)]
pub struct SessionLine {
    #[serde(serialize_with = "as_tame")]
    pub agent: String,
    /// IP address.
    pub address: String,
    /// For example `active 3 minutes ago`.
    pub last_seen: String,
    pub is_current: bool,
}
