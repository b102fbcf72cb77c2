//! Views of people, tokens, keys and the dashboard, with plausible values.
use super::{NOW, admin_shell, ago, asked, clients, last, only};
use crate::account;
use authgate::domain::{
    ids::UserId,
    paging::{Counted, Found, Leaf},
    user::{Role, User},
};
use authgate::http::web::{
    admin::{dashboard, tokens as all_tokens, users as people},
    list::{Listing, PAGED},
};
use authgate::pages::{
    ActivityRow, ActorRow, Alert, AllTokensPage, AnyTokenRow, Badge, BrowserRow, ConnectionRow,
    ConnectionsPage, DashboardPage, FormInput, FormSelect, KeyRow, KeysPage, Pager, Place, Secret,
    Shell, Tone, UserAuthorizationsPage, UserBrowsersPage, UserFormPage, UserPage,
    UserPasswordPage, UserRow, UsersPage, WaitingRow, Words, WorkPage, WorkRow,
};
use authgate::store::{counters::Counters, users::listing::UserHoldings};

const ID: &str = "4f8d7f3e-10aa-4bb5-9d2e-0d4a6f6c1f9b";

fn user(name: &str, role: Badge, status: Badge) -> UserRow {
    UserRow {
        username: name.into(),
        full_name: "Maria Lindqvist".into(),
        email: format!("{name}@corp.example"),
        href: format!(
            "/admin/users/{:08x}-10aa-4bb5-9d2e-0d4a6f6c1f9b",
            name.len()
        ),
        role,
        status,
        source: Words::of("users.local"),
        created: ago(900_000),
    }
}

fn everybody() -> Listing {
    asked("/admin/users", &[], &people::LIST)
}

pub fn users() -> UsersPage {
    UsersPage {
        shell: admin_shell(Place::Users),
        filter: everybody().form(),
        is_narrowed: false,
        cut: None,
        rows: vec![
            user(
                "maria.lindqvist",
                Badge::new(Tone::Info, "users.admin"),
                Badge::new(Tone::Success, "users.active"),
            ),
            user(
                "a-name-that-is-much-longer-than-its-column-can-ever-be-12345678",
                Badge::new(Tone::Neutral, "users.user"),
                Badge::new(Tone::Error, "users.disabled"),
            ),
        ],
        pager: last(&everybody()),
    }
}

pub fn users_none() -> UsersPage {
    let query = [("search", "lindquist"), ("role", "admin")];
    let listing = asked("/admin/users", &query, &people::LIST);
    UsersPage {
        rows: vec![],
        filter: listing.form(),
        is_narrowed: listing.is_narrowed(),
        pager: Pager::default(),
        ..users()
    }
}

pub fn users_cut() -> UsersPage {
    UsersPage {
        cut: Listing::cut(&Found {
            leaf: Leaf::<()> {
                rows: vec![],
                newer: None,
                older: None,
            },
            is_cut: true,
        }),
        ..users_none()
    }
}

pub fn user_form() -> UserFormPage {
    UserFormPage {
        shell: admin_shell(Place::Users),
        is_new: true,
        is_oneself: false,
        message: Some(Alert::error(Words::of("users.faults"))),
        action: "/admin/users".into(),
        cancel: "/admin/users".into(),
        heading: String::new(),
        version: String::new(),
        submission: "0d5a1b9e-7f1c-4c55-9f0e-3b0f6d1f7a11".into(),
        username: FormInput::of("bob smith").wrong(vec![Words::of("problems.username")]),
        email: FormInput::of("bob").wrong(vec![Words::of("problems.email")]),
        full_name: FormInput::of("Bob Smith"),
        role: FormSelect::of(&[("user", "users.user"), ("admin", "users.admin")], "user"),
        password: FormInput::default().wrong(vec![Words::of("problems.password_common")]),
    }
}

pub fn user_edit() -> UserFormPage {
    UserFormPage {
        is_new: false,
        is_oneself: true,
        message: None,
        action: format!("/admin/users/{ID}"),
        cancel: format!("/admin/users/{ID}"),
        heading: "maria.lindqvist".into(),
        version: "abc".into(),
        ..user_form()
    }
}

/// Somebody, and what they have.
fn somebody() -> (User, UserHoldings) {
    let counted = |count| Counted {
        count,
        is_all: true,
    };
    let user = User {
        id: UserId::new(ID),
        username: "maria.lindqvist".into(),
        email: "maria.lindqvist@corp.example".into(),
        password_hash: String::new(),
        role: Role::Admin,
        full_name: "Maria Lindqvist".into(),
        avatar_url: String::new(),
        is_active: true,
        email_verified: true,
        auth_source: "local".into(),
        must_change_password: true,
        created_at: NOW,
        updated_at: NOW,
    };
    let held = UserHoldings {
        tokens: Counted {
            count: 412,
            is_all: false,
        },
        connections: counted(2),
        consents: counted(3),
        clients: counted(1),
        sessions: counted(2),
    };
    (user, held)
}

pub fn user_page() -> UserPage {
    let (user, held) = somebody();
    UserPage {
        shell: admin_shell(Place::Users),
        id: ID.into(),
        username: "maria.lindqvist".into(),
        status: Badge::new(Tone::Success, "users.active"),
        role: Badge::new(Tone::Info, "users.admin"),
        message: Some(Alert::error(Words::of("users.refused_last_admin"))),
        facts: people::facts(&user, held),
        created: ago(900_000),
        updated: ago(3_000),
        holdings: people::holdings(&user, held),
        is_oneself: false,
        is_active: true,
        is_local: true,
    }
}

pub fn user_page_off() -> UserPage {
    let (user, _) = somebody();
    let user = User {
        is_active: false,
        auth_source: "http_api".into(),
        must_change_password: false,
        ..user
    };
    let held = UserHoldings::default();
    UserPage {
        is_active: false,
        is_local: false,
        message: None,
        facts: people::facts(&user, held),
        holdings: people::holdings(&user, held),
        status: Badge::new(Tone::Error, "users.disabled"),
        ..user_page()
    }
}

pub fn user_page_own() -> UserPage {
    UserPage {
        is_oneself: true,
        message: None,
        ..user_page()
    }
}

pub fn user_password() -> UserPasswordPage {
    UserPasswordPage {
        shell: admin_shell(Place::Users),
        is_new: true,
        id: ID.into(),
        username: "maria.lindqvist".into(),
        password: Secret {
            label: Words::of("users.password"),
            value: "q0Zc5mC2hT9xW1bN4vLs".into(),
        },
    }
}

pub fn connections() -> ConnectionsPage {
    let row = |provider: &str, used| ConnectionRow {
        provider: provider.into(),
        username: "maria-l".into(),
        email: "maria@corp.example".into(),
        used,
        linked: ago(9_000_000),
        unlink: format!("/admin/users/{ID}/connections/{provider}/delete"),
    };
    ConnectionsPage {
        shell: admin_shell(Place::Users),
        id: ID.into(),
        username: "maria.lindqvist".into(),
        rows: vec![row("github", Some(ago(60))), row("gitlab", None)],
    }
}

pub fn connections_none() -> ConnectionsPage {
    ConnectionsPage {
        rows: vec![],
        ..connections()
    }
}

pub fn browsers() -> UserBrowsersPage {
    let list = format!("/admin/users/{ID}/browsers");
    let row = |mut row: BrowserRow| {
        row.end = Some(format!("{list}/0123456789abcdef0123456789abcdef/end"));
        row.is_current = false;
        row
    };
    UserBrowsersPage {
        shell: admin_shell(Place::Users),
        id: ID.into(),
        username: "maria.lindqvist".into(),
        is_oneself: false,
        has_others: true,
        rows: account::browsers().rows.into_iter().map(row).collect(),
        pager: last(&asked(&list, &[], &PAGED)),
    }
}

pub fn browsers_own() -> UserBrowsersPage {
    UserBrowsersPage {
        is_oneself: true,
        rows: account::browsers().rows,
        pager: only(&format!("/admin/users/{ID}/browsers")),
        ..browsers()
    }
}

pub fn browsers_none() -> UserBrowsersPage {
    UserBrowsersPage {
        has_others: false,
        rows: vec![],
        pager: only(&format!("/admin/users/{ID}/browsers")),
        ..browsers()
    }
}

pub fn authorizations() -> UserAuthorizationsPage {
    UserAuthorizationsPage {
        shell: admin_shell(Place::Users),
        id: ID.into(),
        username: "maria.lindqvist".into(),
        rows: clients::consent_rows(),
        pager: only(&format!("/admin/users/{ID}/authorizations")),
    }
}

pub fn authorizations_none() -> UserAuthorizationsPage {
    UserAuthorizationsPage {
        rows: vec![],
        ..authorizations()
    }
}

/// The tokens of some people and apps.
const NARROWED: [(&str, &str); 1] = [("search", "maria")];

fn narrowed() -> Listing {
    asked("/admin/tokens", &NARROWED, &all_tokens::LIST)
}

pub fn tokens() -> AllTokensPage {
    let row = |n: u8, category, status: Badge| AnyTokenRow {
        id: format!("0199{n}c5e-7a10-7bb5-9d2e-0d4a6f6c1f9b"),
        user: "maria.lindqvist".into(),
        user_href: format!("/admin/users/{ID}"),
        client: "Fleet Deploy Assistant".into(),
        client_href: "/admin/clients/1".into(),
        category: Words::of(category),
        is_active: status.tone == Tone::Success,
        is_disabled: status.tone == Tone::Warning,
        can_end: status.tone != Tone::Error,
        status,
        scopes: vec![
            "openid".into(),
            "offline_access".into(),
            "fleet:deploy".into(),
        ],
        created: ago(4_000),
        expires: ago(-40_000),
    };
    AllTokensPage {
        shell: admin_shell(Place::Tokens),
        filter: narrowed().form(),
        is_narrowed: true,
        cut: None,
        goes_on: false,
        rows: vec![
            row(
                3,
                "tokens.access",
                Badge::new(Tone::Success, "tokens.active"),
            ),
            // Its person is gone.
            AnyTokenRow {
                user: "7d1f0b52-3c1e-4d41-8a55-9b1f6f6c1f9b".into(),
                user_href: String::new(),
                ..row(
                    2,
                    "tokens.refresh",
                    Badge::new(Tone::Warning, "tokens.disabled"),
                )
            },
            row(
                1,
                "tokens.refresh",
                Badge::new(Tone::Error, "tokens.revoked"),
            ),
        ],
        pager: last(&narrowed()),
        back: "?search=maria".into(),
    }
}

pub fn tokens_none() -> AllTokensPage {
    AllTokensPage {
        rows: vec![],
        pager: Pager::default(),
        ..tokens()
    }
}

pub fn tokens_go_on() -> AllTokensPage {
    let older = format!("{}&after=1~x", narrowed().href(None));
    AllTokensPage {
        goes_on: true,
        pager: Pager {
            older: Some(older),
            ..Pager::default()
        },
        ..tokens_none()
    }
}

pub fn tokens_cut() -> AllTokensPage {
    AllTokensPage {
        cut: Some(all_tokens::cut()),
        ..tokens()
    }
}

pub fn tokens_empty() -> AllTokensPage {
    AllTokensPage {
        is_narrowed: false,
        filter: asked("/admin/tokens", &[], &all_tokens::LIST).form(),
        back: String::new(),
        ..tokens_none()
    }
}

const COUNTERS: Counters = Counters {
    users: 100_000,
    admins: 20,
    disabled: 312,
    clients: 42,
    active_clients: 37,
    pending_clients: 2,
    access_tokens: 1_000_000,
    refresh_tokens: 250_000,
    tokens: Some(2_500_000),
};

pub fn dashboard() -> DashboardPage {
    let happened = |event: &str, what: &str, outcome| ActivityRow {
        at: ago(120),
        event: Words::of(format!("audit.events.{event}")),
        who: "maria.lindqvist".into(),
        what: what.into(),
        outcome,
    };
    let actor = |path: &str, state| ActorRow {
        path: path.into(),
        state,
        restarts: 0,
        queue: "0 / 64".into(),
        handled: 12_345,
    };
    let waiting = |name: &str, id: u8, age| WaitingRow {
        name: name.into(),
        owner: "bob".into(),
        href: format!("/admin/clients/{id}"),
        since: ago(age),
        is_again: id == 2,
    };
    let trouble =
        Words::of("dashboard.degraded").with("what", Words::of("dashboard.part.database"));
    DashboardPage {
        shell: admin_shell(Place::Dashboard),
        version: "1.4.0 (6f9faaa0c2d1)".into(),
        counters: dashboard::figures(&COUNTERS),
        counted: ago(12),
        troubles: vec![Alert::warning(trouble)],
        waiting: vec![
            waiting("Notebook", 1, 5_000),
            waiting("Fleet Deploy Assistant", 2, 90_000),
        ],
        activity: vec![
            happened(
                "CLIENT_APPROVED",
                "AuthGate CLI",
                Badge::new(Tone::Success, "dashboard.ok"),
            ),
            happened(
                "AUTHENTICATION_FAILURE",
                "maria.lindqvist",
                Badge::new(Tone::Error, "dashboard.failed"),
            ),
        ],
        actors: vec![
            actor("root", Badge::new(Tone::Success, "dashboard.state_running")),
            actor(
                "root/audit/audit_writer",
                Badge::new(Tone::Warning, "dashboard.state_restarting"),
            ),
        ],
    }
}

pub fn dashboard_quiet() -> DashboardPage {
    let counters = Counters {
        pending_clients: 0,
        ..COUNTERS
    };
    DashboardPage {
        shell: Shell {
            pending: 0,
            ..admin_shell(Place::Dashboard)
        },
        counters: dashboard::figures(&counters),
        troubles: vec![],
        waiting: vec![],
        activity: vec![],
        ..dashboard()
    }
}

pub fn keys() -> KeysPage {
    let row = |state, source| KeyRow {
        kid: "Zk1q8m0S4cHn2VtXb7yJd3eLr5uPw9gA6fKiOoQxNsE".into(),
        algorithm: "ES256".into(),
        state,
        source: Words::of(source),
        published: ago(900_000),
        activates: ago(800_000),
        ends: ago(-9_000_000),
    };
    KeysPage {
        shell: admin_shell(Place::System),
        rows: vec![
            row(Badge::new(Tone::Info, "system.next"), "system.in_database"),
            row(
                Badge::new(Tone::Success, "system.active"),
                "system.elsewhere",
            ),
        ],
        message: Some(
            Alert::error(Words::of("system.refused.bad_key")).said("the PEM holds no private key"),
        ),
        can_rotate: true,
        has_next: true,
    }
}

pub fn work() -> WorkPage {
    let row = |kind: &'static str, name: &str, total, state| WorkRow {
        kind: Words::of(kind),
        id: "5700669a-49d1-4d80-85e5-ca811d982b42".into(),
        name: name.into(),
        href: if name.is_empty() {
            String::new()
        } else {
            "/admin/clients/5700669a-49d1-4d80-85e5-ca811d982b42".into()
        },
        since: ago(90),
        marked: Words::of("work.of")
            .with("ended", Words::grouped(412_000))
            .with("total", Words::grouped(1_000_000)),
        ended: 412_000,
        total,
        state,
    };
    WorkPage {
        shell: admin_shell(Place::Dashboard),
        rows: vec![
            row(
                "work.client",
                "Build agents",
                1_000_000,
                Badge::new(Tone::Info, "work.under_way"),
            ),
            row("work.user", "", 0, Badge::new(Tone::Success, "work.done")),
        ],
        goes_on: true,
        followed: false,
    }
}

pub fn work_none() -> WorkPage {
    WorkPage {
        rows: vec![],
        goes_on: false,
        followed: false,
        ..work()
    }
}

pub fn keys_none() -> KeysPage {
    KeysPage {
        rows: vec![],
        message: None,
        has_next: false,
        ..keys()
    }
}
