//! Samples of the account's pages.

use super::samples::{ago, asked, last, only, shell};
use authgate::http::web::{
    account::{
        sign_ins,
        tokens::{self, LIST, SHAPE},
    },
    list::{Listing, PAGED},
};
use authgate::pages::{
    Alert, AppGroup, AuthorizationRow, AuthorizationsPage, Badge, BrowserRow, BrowsersPage, Fact,
    LinkedRow, NameForm, Pager, PasswordForm, Place, ProfilePage, ScopeLine, Shell, SignInRow,
    SignInsPage, Switch, TokenRow, TokensPage, Tone, Words, agent_words,
};

const CLI: &str = "authgate-cli/2.4.1 (linux; x86_64)";
const LINUX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0";
const IPHONE: &str =
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Mobile Safari/604";

fn sessions(query: &[(&str, &str)]) -> Listing {
    asked(LIST, query, &SHAPE)
}

/// Every token.
const EVERY: [(&str, &str); 1] = [("status", "all")];

fn row(category: &'static str, badge: Badge, age: i64) -> TokenRow {
    TokenRow {
        row: String::new(),
        category: Words::of(category),
        badge,
        client_name: "AuthGate CLI".into(),
        agent: Some(agent_words(CLI)),
        scopes: vec!["email".into(), "profile".into()],
        created: ago(age),
        expires: ago(age - 36_000),
        used: None,
        is_use_noted: category.ends_with("refresh"),
        revoke: Some("/account/sessions/1/revoke?back=".into()),
        switch: Some(Switch {
            action: "/account/sessions/1/disable".into(),
            label: Words::of("account.tokens.disable"),
            back: String::new(),
        }),
        note: None,
    }
}

/// As a list gives them their places.
fn placed(rows: Vec<TokenRow>) -> Vec<TokenRow> {
    let place = |(n, row): (usize, TokenRow)| TokenRow {
        row: format!("token-{n}"),
        ..row
    };
    rows.into_iter().enumerate().map(place).collect()
}

fn active() -> Badge {
    Badge::new(Tone::Success, "account.tokens.active")
}

fn refresh() -> TokenRow {
    TokenRow {
        used: Some(ago(70)),
        expires: ago(-2_500_000),
        ..row("account.tokens.refresh", active(), 4_000)
    }
}

fn stopped() -> TokenRow {
    TokenRow {
        client_name: "Fleet Deploy Assistant".into(),
        agent: None,
        switch: None,
        note: Some(Words::of("account.tokens.by_admin")),
        expires: ago(-2_500_000),
        ..row(
            "account.tokens.refresh",
            Badge::new(Tone::Warning, "account.tokens.disabled"),
            90_000,
        )
    }
}

fn over() -> TokenRow {
    TokenRow {
        client_name: String::new(),
        switch: None,
        revoke: None,
        scopes: Vec::new(),
        ..row(
            "account.tokens.access",
            Badge::new(Tone::Neutral, "account.tokens.expired"),
            90_000,
        )
    }
}

pub fn sign_ins() -> SignInsPage {
    let sign_in = |n: usize, agent: &str, ip: &str, age: i64| SignInRow {
        n,
        agent: agent_words(agent),
        ip: ip.into(),
        grant: Words::of("account.tokens.grant.device"),
        began: ago(age),
        renewed: ago(age / 90),
        ends: ago(-2_500_000),
        badge: None,
        end: "/account/sign-ins/1/end".into(),
        held: Words::count("account.sign_ins.held", 2),
        tokens: "/account/sessions?status=all&search=1".into(),
    };
    let off = SignInRow {
        grant: Words::of("account.tokens.grant.code"),
        badge: Some(Badge::new(Tone::Warning, "account.tokens.disabled")),
        held: Words::count("account.sign_ins.held", 1),
        ..sign_in(2, "", "", 9_000_000)
    };
    let app = |n, name: &str, id: &str, sign_ins| AppGroup {
        n,
        client_name: name.into(),
        client_id: id.into(),
        sign_ins,
    };
    SignInsPage {
        shell: Shell {
            flash: Some(Alert::success(Words::of("account.success.signed_out"))),
            ..shell(Place::Account)
        },
        count: Words::count("account.sign_ins.count", 3),
        has_any: true,
        filter: sign_ins::filter(&sessions(&[])),
        apps: vec![
            app(
                0,
                "AuthGate CLI",
                "5700669a-49d1-4d80-85e5-ca811d982b42",
                vec![
                    sign_in(0, CLI, "203.0.113.24", 800_000),
                    sign_in(1, "curl/8.5.0", "2001:db8:85a3::8a2e:370:7334", 2_000_000),
                ],
            ),
            app(
                1,
                "Fleet Deploy Assistant",
                "9e0ff2a7-6f8a-4a51-9d6c-6d2d3f5a1e07",
                vec![off],
            ),
        ],
        pager: Pager::default(),
    }
}

pub fn sign_ins_empty() -> SignInsPage {
    SignInsPage {
        shell: shell(Place::Account),
        count: Words::count("account.sign_ins.count", 0),
        has_any: false,
        apps: Vec::new(),
        ..sign_ins()
    }
}

pub fn tokens() -> TokensPage {
    TokensPage {
        shell: Shell {
            flash: Some(Alert::success(Words::of("account.success.revoked"))),
            ..shell(Place::Account)
        },
        ending: None,
        filter: tokens::filter(&sessions(&EVERY)),
        goes_on: false,
        tokens: placed(vec![
            refresh(),
            row("account.tokens.access", active(), 4_000),
            stopped(),
            over(),
        ]),
        pager: last(&sessions(&EVERY)),
    }
}

/// After "Sign all out" of very much: the rows follow.
pub fn tokens_ending() -> TokensPage {
    let revoked = |row: TokenRow| TokenRow {
        badge: Badge::new(Tone::Error, "account.tokens.revoked"),
        switch: None,
        revoke: None,
        ..row
    };
    TokensPage {
        shell: shell(Place::Account),
        ending: Some(tokens::ending(3_000)),
        tokens: placed(vec![
            revoked(refresh()),
            revoked(row("account.tokens.access", active(), 4_000)),
        ]),
        pager: Pager::default(),
        ..tokens()
    }
}

pub fn tokens_empty() -> TokensPage {
    TokensPage {
        shell: shell(Place::Account),
        filter: tokens::filter(&sessions(&[("status", "disabled"), ("search", "wiki")])),
        tokens: Vec::new(),
        pager: Pager::default(),
        ..tokens()
    }
}

pub fn browsers() -> BrowsersPage {
    let current = BrowserRow {
        agent: agent_words(LINUX),
        ip: "203.0.113.24".into(),
        since: ago(7_400),
        last_seen: ago(2),
        is_current: true,
        is_remembered: false,
        end: None,
    };
    let phone = BrowserRow {
        agent: agent_words(IPHONE),
        ip: "2001:db8:85a3::8a2e:370:7334".into(),
        since: ago(900_000),
        last_seen: ago(11_000),
        is_current: false,
        is_remembered: true,
        end: Some("/account/browsers/0123456789abcdef0123456789abcdef/end".into()),
    };
    BrowsersPage {
        shell: shell(Place::Account),
        rows: vec![current, phone],
        has_others: true,
        pager: only("/account/browsers"),
    }
}

pub fn authorizations() -> AuthorizationsPage {
    AuthorizationsPage {
        shell: shell(Place::Account),
        rows: vec![
            AuthorizationRow {
                client_name: "AuthGate CLI".into(),
                client_id: "5700669a-49d1-4d80-85e5-ca811d982b42".into(),
                scopes: ["openid", "email", "orders:refund"]
                    .map(ScopeLine::of)
                    .into(),
                resources: vec!["https://orders.example.com/api".into()],
                granted: ago(900_000),
                revoke: "/account/authorizations/1/revoke".into(),
            },
            AuthorizationRow {
                client_name: String::new(),
                client_id: "9e0ff2a7-6f8a-4a51-9d6c-6d2d3f5a1e07".into(),
                scopes: Vec::new(),
                resources: Vec::new(),
                granted: ago(90_000_000),
                revoke: "/account/authorizations/2/revoke".into(),
            },
        ],
        pager: last(&asked("/account/authorizations", &[], &PAGED)),
    }
}

pub fn authorizations_empty() -> AuthorizationsPage {
    AuthorizationsPage {
        rows: Vec::new(),
        pager: only("/account/authorizations"),
        ..authorizations()
    }
}

pub fn profile() -> ProfilePage {
    ProfilePage {
        shell: shell(Place::Account),
        facts: vec![
            Fact::new("account.profile.username", "maria.lindqvist"),
            Fact::new("account.profile.email", "maria.lindqvist@example.com"),
            Fact::new(
                "account.profile.role",
                Words::of("account.profile.role_user"),
            ),
        ],
        onward: String::new(),
        name: Some(NameForm {
            full_name: "Maria Lindqvist".into(),
            error: None,
        }),
        password: Some(PasswordForm {
            username: "maria.lindqvist".into(),
            rule: Words::of("account.password.rule").with("n", 15_u64),
            must_change: false,
            message: None,
            current_error: None,
            new_error: None,
            repeat_error: None,
        }),
        linked: vec![LinkedRow {
            provider: "GitHub".into(),
            username: "mlindqvist".into(),
            email: "maria@example.com".into(),
            since: ago(20_000_000),
            last_used: Some(ago(100_000)),
            unlink: "/account/connections/1/unlink".into(),
        }],
    }
}

pub fn profile_misnamed() -> ProfilePage {
    ProfilePage {
        name: Some(NameForm {
            full_name: "Maria\u{202e}".into(),
            error: Some(Words::of("account.profile.hidden_character")),
        }),
        ..profile()
    }
}

/// On the way to a device; an administrator chose the password.
pub fn profile_refused() -> ProfilePage {
    ProfilePage {
        onward: "?redirect=%2Fdevice%3Fuser_code%3DWDJB-MJHT".into(),
        password: profile().password.map(|form| PasswordForm {
            must_change: true,
            new_error: Some(Words::of("account.password.too_short").with("n", 15_u64)),
            ..form
        }),
        ..profile()
    }
}

pub fn profile_elsewhere() -> ProfilePage {
    ProfilePage {
        name: None,
        password: None,
        linked: Vec::new(),
        ..profile()
    }
}
