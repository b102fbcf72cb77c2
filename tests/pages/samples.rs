//! One plausible view of every kind, under the name of the file it is drawn to.

use authgate::pages::{
    DeviceConfirmPage, DeviceDonePage, DeviceMessage, DevicePage, ErrorPage, HomePage,
    LoginMessage, LoginPage, LogoutPage, ProviderButton, ScopeLine, SessionLine,
    TooManyRequestsPage,
};

const CSRF: &str = "pG0b8mYtq2r9hUv3XzJ7wNf5KcD1sLaEoT6iRyQ4uBk=";

pub fn login() -> LoginPage {
    LoginPage {
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

pub fn logout() -> LogoutPage {
    LogoutPage {
        csrf_token: CSRF.into(),
        username: "maria.lindqvist".into(),
    }
}

pub fn device() -> DevicePage {
    DevicePage {
        user_code: String::new(),
        csrf_token: CSRF.into(),
        message: None,
        username: "maria.lindqvist".into(),
    }
}

pub fn device_refused() -> DevicePage {
    DevicePage {
        user_code: "wdjb-mjhx".into(),
        message: Some(DeviceMessage::UnknownCode),
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
        requested_ago: "40 seconds ago".into(),
        csrf_token: CSRF.into(),
        username: "maria.lindqvist".into(),
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
        requested_ago: "6 minutes ago".into(),
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
    }
}

pub fn device_denied() -> DeviceDonePage {
    DeviceDonePage {
        approved: false,
        ..device_approved()
    }
}

pub fn error() -> ErrorPage {
    ErrorPage {
        status: 500,
        title: "This did not work".into(),
        message: "A fault on our side stopped your request. Nothing was changed. Please try again."
            .into(),
        report_id: Some("7f3c9a1e5b20".into()),
        signed_in: true,
    }
}

pub fn error_signed_out() -> ErrorPage {
    ErrorPage {
        status: 403,
        title: "This form is no longer valid".into(),
        message: "Open the page again and send the form from there.".into(),
        report_id: None,
        signed_in: false,
    }
}

pub fn too_many_requests() -> TooManyRequestsPage {
    TooManyRequestsPage { retry_after_s: 42 }
}

pub fn home() -> HomePage {
    HomePage {
        username: "maria.lindqvist".into(),
        csrf_token: CSRF.into(),
        sessions: vec![
            SessionLine {
                agent: "Firefox on Linux".into(),
                address: "203.0.113.24".into(),
                last_seen: "active now".into(),
                is_current: true,
            },
            SessionLine {
                agent: "Safari on iPhone".into(),
                address: "2001:db8:85a3::8a2e:370:7334".into(),
                last_seen: "active 3 hours ago".into(),
                is_current: false,
            },
        ],
    }
}
