//! One plausible view of every kind, under the name of the file it is drawn to.

#[path = "samples_admin.rs"]
pub mod admin;
#[path = "samples_clients.rs"]
pub mod clients;

use authgate::pages::{
    Alert, Badge, CheckLine, ComponentsPage, ConfirmPage, ConsentPage, DeviceConfirmPage,
    DeviceDonePage, DeviceMessage, DevicePage, EndSessionPage, ErrorPage, ExplainPage, Explained,
    Fact, Hidden, LoginMessage, LoginPage, LogoutPage, OwnPasswordPage, Pager, Place,
    ProviderButton, RefusalLine, ScopeLine, Secret, Shell, Tone, TooManyRequestsPage, When, Words,
    life_words,
};
use authgate::{
    domain::paging::{Cursor, Leaf},
    http::web::list::{Listing, PAGED, Shape},
};
use time::{Duration, OffsetDateTime, macros::datetime};

const CSRF: &str = "pG0b8mYtq2r9hUv3XzJ7wNf5KcD1sLaEoT6iRyQ4uBk=";

/// The moment of every picture.
pub const NOW: OffsetDateTime = datetime!(2026-11-24 14:30 UTC);

/// How something looked that happened `seconds` before [`NOW`].
pub fn ago(seconds: i64) -> When {
    When::new(NOW - Duration::seconds(seconds), NOW)
}

/// What a list was asked for, read as the handlers read it.
pub fn asked(path: &str, query: &[(&str, &str)], shape: &'static Shape) -> Listing {
    let value = |name: &str| query.iter().find(|(known, _)| *known == name);
    Listing::asked(path, |name| value(name).map(|(_, value)| *value), shape)
}

/// The links of the last page of a list.
pub fn last(listing: &Listing) -> Pager {
    let place = Cursor {
        at: NOW,
        id: "3f6c2f6e".into(),
    };
    let leaf = Leaf::<()> {
        rows: vec![],
        newer: Some(place),
        older: None,
    };
    listing.pager(&leaf, None)
}

/// The links of a list that has one page.
pub fn only(path: &str) -> Pager {
    let leaf = Leaf::<()> {
        rows: vec![],
        newer: None,
        older: None,
    };
    asked(path, &[], &PAGED).pager(&leaf, None)
}

pub fn shell(here: Place) -> Shell {
    Shell {
        name: "Maria Lindqvist".into(),
        csrf_token: CSRF.into(),
        is_admin: false,
        here,
        pending: 0,
        flash: None,
    }
}

pub fn admin_shell(here: Place) -> Shell {
    Shell {
        is_admin: true,
        pending: 2,
        ..shell(here)
    }
}

pub fn confirm() -> ConfirmPage {
    ConfirmPage {
        shell: shell(Place::Account),
        title: Words::of("account.sign_ins.end_heading"),
        lead: Words::of("account.sign_ins.end_lead"),
        facts: vec![
            Fact::new("account.tokens.app", "AuthGate CLI"),
            Fact::new("account.sign_ins.device", "authgate-cli/2.4.1"),
            Fact::new("account.browsers.address", "203.0.113.24"),
            Fact::new("account.sign_ins.began", ago(800_000).words()),
        ],
        consequences: vec![
            Words::count("account.sign_ins.after", 2),
            Words::of("account.sign_ins.elsewhere"),
        ],
        action: "/account/sign-ins/1/end".into(),
        hidden: vec![Hidden {
            name: "back".into(),
            value: "search=cli".into(),
        }],
        button: Words::of("account.sign_ins.end"),
        is_danger: true,
        cancel: "/account/sessions?search=cli".into(),
    }
}

pub fn login() -> LoginPage {
    LoginPage {
        action: String::from("/login?redirect=%2Fdevice%3Fuser_code%3DWDJB-MJHT"),
        redirect: String::from("/device?user_code=WDJB-MJHT"),
        username: String::new(),
        csrf_token: CSRF.into(),
        message: None,
        remember_me_days: Some(30),
        providers: Vec::new(),
    }
}

pub fn login_refused() -> LoginPage {
    LoginPage {
        username: "maria.lindqvist".into(),
        message: Some(LoginMessage::BadCredentials),
        ..login()
    }
}

pub fn login_providers() -> LoginPage {
    LoginPage {
        message: Some(LoginMessage::SessionTimeout),
        remember_me_days: Some(1),
        providers: vec![
            ProviderButton {
                label: "GitHub".into(),
                href: "/auth/login/github?redirect=%2Fdevice".into(),
            },
            ProviderButton {
                label: "Microsoft".into(),
                href: "/auth/login/microsoft?redirect=%2Fdevice".into(),
            },
        ],
        ..login()
    }
}

pub fn own_password() -> OwnPasswordPage {
    OwnPasswordPage {
        password: Secret {
            label: Words::of("users.password"),
            value: "nKx4oR7vQe2yUj8ZbW3a".into(),
        },
    }
}

pub fn logout() -> LogoutPage {
    LogoutPage {
        csrf_token: CSRF.into(),
        username: "maria.lindqvist".into(),
    }
}

pub fn device() -> DevicePage {
    DevicePage {
        user_code: String::new(),
        message: None,
        sign_in: None,
        shell: shell(Place::Account),
    }
}

pub fn device_refused() -> DevicePage {
    DevicePage {
        user_code: "wdjb-mjhx".into(),
        message: Some(DeviceMessage::UnknownCode),
        ..device()
    }
}

pub fn device_sign_in_again() -> DevicePage {
    DevicePage {
        user_code: "WDJB-MJHT".into(),
        message: Some(DeviceMessage::SignInAgain),
        sign_in: Some("/login?redirect=%2Fdevice%3Fuser_code%3DWDJB-MJHT&prompt=login".into()),
        ..device()
    }
}

pub fn device_confirm() -> DeviceConfirmPage {
    DeviceConfirmPage {
        user_code: "WDJB-MJHT".into(),
        client_name: "AuthGate CLI".into(),
        client_verified: true,
        scopes: ["openid", "email", "offline_access"]
            .map(ScopeLine::of)
            .into(),
        resources: Vec::new(),
        requester_ip: Some("203.0.113.24".into()),
        requester_user_agent: Some("authgate-cli/2.4.1 (linux; x86_64)".into()),
        requested: ago(40),
        action: "/device/verify?sealed=v1.6kVw0y3nLZ4t".into(),
        other_account: "/login?redirect=%2Fdevice%3Fuser_code%3DWDJB-MJHT&prompt=login".into(),
        shell: shell(Place::Account),
    }
}

pub fn device_confirm_unverified() -> DeviceConfirmPage {
    DeviceConfirmPage {
        client_name: "Fleet Deploy Assistant".into(),
        client_verified: false,
        scopes: ["profile", "write", "orders:refund"]
            .map(ScopeLine::of)
            .into(),
        resources: vec![
            "https://orders.example.com/api".into(),
            "https://billing.example.com/".into(),
        ],
        requested: ago(370),
        ..device_confirm()
    }
}

pub fn device_confirm_bare() -> DeviceConfirmPage {
    DeviceConfirmPage {
        scopes: Vec::new(),
        requester_ip: None,
        requester_user_agent: None,
        ..device_confirm()
    }
}

pub fn device_approved() -> DeviceDonePage {
    DeviceDonePage {
        client_name: "AuthGate CLI".into(),
        approved: true,
        shell: shell(Place::Account),
    }
}

pub fn device_denied() -> DeviceDonePage {
    DeviceDonePage {
        approved: false,
        ..device_approved()
    }
}

pub fn consent() -> ConsentPage {
    let fields = [
        ("client_id", "0b7d1c2e-5f0a-4f0e-9a53-5b1d6a1f9c11"),
        ("redirect_uri", "https://wiki.example.com/oauth/callback"),
        ("scope", "openid profile email"),
        ("state", "af0ifjsldkj"),
        ("nonce", "n-0S6_WzA2Mj"),
        (
            "code_challenge",
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
        ),
        ("code_challenge_method", "S256"),
        ("sealed", "AZ0xv2bQ"),
    ];
    ConsentPage {
        client_name: "Team Wiki".into(),
        client_verified: true,
        description: Some("Notes and pages of the whole team".into()),
        scopes: ["openid", "profile", "email"].map(ScopeLine::of).into(),
        resources: Vec::new(),
        access_life: life_words(std::time::Duration::from_secs(36_000)),
        refresh_life: Some(life_words(std::time::Duration::from_secs(2_592_000))),
        host: "wiki.example.com".into(),
        other_account: "/login?redirect=%2Foauth%2Fauthorize&prompt=login".into(),
        fields: fields
            .map(|(name, value)| Hidden {
                name: name.into(),
                value: value.into(),
            })
            .into(),
        shell: shell(Place::Elsewhere),
    }
}

pub fn consent_unverified() -> ConsentPage {
    ConsentPage {
        client_name: "Fleet Deploy Assistant".into(),
        client_verified: false,
        description: None,
        scopes: ["profile", "write", "orders:refund"]
            .map(ScopeLine::of)
            .into(),
        resources: vec!["https://orders.example.com/api".into()],
        refresh_life: None,
        host: "com.example.deploy:".into(),
        ..consent()
    }
}

pub fn end_session() -> EndSessionPage {
    EndSessionPage {
        client_name: Some("Team Wiki".into()),
        sealed: "AZ0xv2bQ".into(),
        username: "maria.lindqvist".into(),
        csrf_token: CSRF.into(),
    }
}

pub fn error() -> ErrorPage {
    ErrorPage {
        report_id: Some("7f3c9a1e5b20".into()),
        ..ErrorPage::named(500, "internal").signed_in(true)
    }
}

pub fn error_refused() -> ErrorPage {
    ErrorPage {
        report_id: Some("7f3c9a1e5b20".into()),
        ..ErrorPage::refused(
            "redirect_uri",
            "redirect_uri is missing or not registered for this client",
        )
    }
}

pub fn error_signed_out() -> ErrorPage {
    ErrorPage::named(403, "form_old")
}

pub fn error_inside() -> ErrorPage {
    ErrorPage::named(403, "admins_only").within(shell(Place::Elsewhere))
}

pub fn too_many_requests() -> TooManyRequestsPage {
    TooManyRequestsPage {
        retry_after_s: 42,
        back: "/login?redirect=%2Fdevice".into(),
        shell: None,
    }
}

pub fn too_many_requests_inside() -> TooManyRequestsPage {
    TooManyRequestsPage {
        retry_after_s: 42,
        back: "/device".into(),
        shell: Some(shell(Place::Elsewhere)),
    }
}

pub fn components() -> ComponentsPage {
    ComponentsPage::new(admin_shell(Place::Docs))
}

fn check(name: &str, outcome: Badge) -> CheckLine {
    CheckLine {
        name: name.into(),
        question: Words::of(format!("explain.check.{name}")),
        outcome,
    }
}

/// A refusal, looked up.
pub fn explain() -> ExplainPage {
    ExplainPage {
        shell: admin_shell(Place::System),
        typed: "7K2M-9QWX-4T0B".into(),
        alert: None,
        found: Some(Explained {
            reference: "7K2M-9QWX-4T0B".into(),
            facts: vec![
                Fact::new("explain.client", "Build robot"),
                Fact::new("explain.request", "token:refresh_token"),
                Fact::new("explain.error", "invalid_scope"),
                Fact::new("explain.note", "granted was: email profile"),
                Fact::new("explain.times", "12"),
            ],
            steps: vec![
                check("request", Badge::new(Tone::Success, "explain.passed")),
                check("client", Badge::new(Tone::Success, "explain.passed")),
                check("scope", Badge::new(Tone::Error, "explain.failed_here")),
                check("consent", Badge::new(Tone::Neutral, "explain.not_reached")),
            ],
        }),
        latest: Vec::new(),
    }
}

/// The latest refusals, after a reference that nobody knows.
pub fn explain_latest() -> ExplainPage {
    let line = |reference: &str, check: &str, times| RefusalLine {
        reference: reference.into(),
        client: Words::from("5700669a-49d1-4d80-85e5-ca811d982b42".to_owned()),
        question: Words::of(format!("explain.check.{check}")),
        operation: "token:refresh_token".into(),
        error: "invalid_grant".into(),
        times,
        when: ago(90),
    };
    ExplainPage {
        typed: "0000-0000-0000".into(),
        alert: Some(Alert::warning(Words::of("explain.unknown")).about_fields()),
        found: None,
        latest: vec![
            line("7K2M-9QWX-4T0B", "reuse", 1),
            line("Z123-9QWX-4T0B", "client", 731),
        ],
        ..explain()
    }
}
