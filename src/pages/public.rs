//! The views of the first pages: sign-in and out, connecting a device, errors, the start page.
//! Each field is what the template of the same name shows or sends back; text is plain, never markup.
//!
//! Never here: where the values come from, and what the forms' answers mean.

use serde::{Serialize, Serializer};

use super::words::{
    as_local_href, as_local_href_option, as_tame, as_tame_option, as_wait, scope_words,
};
use super::{Alert, Blanks, Place, Secret, Shell, View, When, Words};

/// `GET /login`, and `POST /login` when it failed. Sends `redirect`, `csrf_token`, `username`, `password`
/// and, when ticked, `remember_me=1`.
#[derive(Debug, Clone, Serialize)]
pub struct LoginPage {
    /// Where the form is sent: a path of this host, with a query that finds the page again.
    pub action: String,
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
    const TITLE: &'static str = "login.title";

    fn blanks(&self) -> Option<Blanks<'_>> {
        let is_plain =
            self.username.is_empty() && self.message.is_none() && self.providers.is_empty();
        is_plain.then(|| Blanks {
            kind: self.remember_me_days.unwrap_or(0),
            texts: vec![
                ("/action", &self.action),
                ("/redirect", &self.redirect),
                ("/csrf_token", &self.csrf_token),
            ],
        })
    }
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
    /// A form came without a session that still counts.
    NotSent,
    BadCredentials,
    Unavailable,
    TooManyAttempts {
        retry_after_s: u64,
    },
    SignedOut,
    /// The page of a password was read before.
    PasswordShown,
}

impl Serialize for LoginMessage {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match *self {
            Self::SessionTimeout => Alert::info(Words::of("login.session_timeout")),
            Self::SessionInvalid => Alert::warning(Words::of("login.session_invalid")),
            Self::NotSent => Alert::warning(Words::of("login.not_sent")),
            Self::BadCredentials => Alert::error(Words::of("login.bad_credentials")).about_fields(),
            Self::Unavailable => Alert::error(Words::of("login.unavailable")),
            Self::TooManyAttempts { retry_after_s } => Alert::error(
                Words::of("login.too_many_attempts").with("wait", Words::wait(retry_after_s)),
            ),
            Self::SignedOut => Alert::success(Words::of("login.signed_out")),
            Self::PasswordShown => Alert::warning(Words::of("login.password_shown")),
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
    const TITLE: &'static str = "logout.title";
}

/// `GET /login/password`: the password of somebody who reset their own, shown this once.
#[derive(Debug, Clone, Serialize)]
pub struct OwnPasswordPage {
    pub password: Secret,
}

impl View for OwnPasswordPage {
    const TEMPLATE: &'static str = "public/own_password";
    const TITLE: &'static str = "users.password_title";
}

/// `GET /device`, and `POST /device/verify` when the code was refused. Sends `user_code` and `csrf_token`.
#[derive(Debug, Clone, Serialize)]
pub struct DevicePage {
    /// What was typed or came with the link; empty at first.
    pub user_code: String,
    pub message: Option<DeviceMessage>,
    /// The sign-in page and back here, in the place of the form, where only that helps.
    #[serde(serialize_with = "as_local_href_option")]
    pub sign_in: Option<String>,
    pub shell: Shell,
}

impl View for DevicePage {
    const TEMPLATE: &'static str = "public/device";
    const TITLE: &'static str = "device.title";

    fn blanks(&self) -> Option<Blanks<'_>> {
        let shell = &self.shell;
        let is_plain = self.message.is_none()
            && self.sign_in.is_none()
            && shell.flash.is_none()
            && shell.pending == 0
            && shell.here == Place::Account;
        is_plain.then(|| Blanks {
            kind: u32::from(shell.is_admin),
            texts: vec![
                ("/user_code", &self.user_code),
                ("/shell/name", &shell.name),
                ("/shell/csrf_token", &shell.csrf_token),
            ],
        })
    }
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
    TooManyToday,
    SignInAgain,
}

impl Serialize for DeviceMessage {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::MissingCode => Alert::error(Words::of("device.missing_code")).about_fields(),
            Self::UnknownCode => Alert::error(Words::of("device.unknown_code")).about_fields(),
            Self::Expired => Alert::error(Words::of("device.expired")).about_fields(),
            Self::AlreadyUsed => Alert::error(Words::of("device.already_used")).about_fields(),
            Self::ClientInactive => Alert::error(Words::of("device.client_inactive")),
            Self::TooManyMisses => Alert::error(Words::of("device.too_many_misses")),
            Self::TooManyToday => Alert::error(Words::of("device.too_many_today")),
            Self::SignInAgain => Alert::warning(Words::of("device.sign_in_again")),
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
    pub requested: When,
    /// Where the answer is posted.
    #[serde(serialize_with = "as_local_href")]
    pub action: String,
    /// The sign-in page, and back to this code.
    #[serde(serialize_with = "as_local_href")]
    pub other_account: String,
    pub shell: Shell,
}

impl View for DeviceConfirmPage {
    const TEMPLATE: &'static str = "public/device_confirm";
    const TITLE: &'static str = "device.confirm_title";
}

/// One permission: its name on the wire and what it means.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ScopeLine {
    pub name: String,
    /// `None` for a scope without words of its own.
    pub words: Option<Words>,
}

impl ScopeLine {
    /// The line for a scope, with the words of [`scope_words`].
    #[must_use]
    pub fn of(scope: &str) -> Self {
        Self {
            name: scope.to_owned(),
            words: scope_words(scope),
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
    pub shell: Shell,
}

impl View for DeviceDonePage {
    const TEMPLATE: &'static str = "public/device_done";
    const TITLE: &'static str = "device.done_title";
}

/// Anything that went wrong and has no page of its own.
#[derive(Debug, Clone, Serialize)]
pub struct ErrorPage {
    /// HTTP status, 400 to 599.
    pub status: u16,
    pub title: Words,
    pub message: Words,
    /// What the protocol says, in English, for whoever looks after the app.
    pub said: Option<String>,
    /// Finds the matching log line; shown so that a person can pass it on.
    pub report_id: Option<String>,
    /// Decides where the way out leads.
    pub signed_in: bool,
    /// The navigation, where it is known who asks.
    pub shell: Option<Shell>,
}

impl ErrorPage {
    /// The page of the phrases `errors.<name>.title` and `errors.<name>.message`.
    #[must_use]
    pub fn named(status: u16, name: &str) -> Self {
        Self {
            status,
            title: Words::of(format!("errors.{name}.title")),
            message: Words::of(format!("errors.{name}.message")),
            said: None,
            report_id: None,
            signed_in: false,
            shell: None,
        }
    }

    /// The page of a refusal: `errors.why.<reason>`, and beneath it what the protocol says.
    #[must_use]
    pub fn refused(reason: &str, said: impl Into<String>) -> Self {
        let prefix = "errors.why.";
        Self {
            message: Words::of(format!("{prefix}{reason}")),
            said: Some(said.into()),
            ..Self::named(400, "refused")
        }
    }

    /// For somebody who is signed in.
    #[must_use]
    pub fn signed_in(mut self, signed_in: bool) -> Self {
        self.signed_in = signed_in;
        self
    }

    /// With the navigation around it.
    #[must_use]
    pub fn within(mut self, shell: impl Into<Option<Shell>>) -> Self {
        self.shell = shell.into();
        self.signed_in |= self.shell.is_some();
        self
    }
}

impl View for ErrorPage {
    const TEMPLATE: &'static str = "public/error";
    const TITLE: &'static str = "errors.page";
}

/// 429 for a browser.
#[derive(Debug, Clone, Serialize)]
pub struct TooManyRequestsPage {
    /// Seconds to wait.
    #[serde(serialize_with = "as_wait")]
    pub retry_after_s: u64,
    /// The page from which the last request came.
    #[serde(serialize_with = "as_local_href")]
    pub back: String,
    /// For somebody who is signed in.
    pub shell: Option<Shell>,
}

impl View for TooManyRequestsPage {
    const TEMPLATE: &'static str = "public/too_many_requests";
    const TITLE: &'static str = "errors.too_many.title";
}
