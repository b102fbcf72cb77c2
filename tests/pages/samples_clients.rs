//! Views of clients, with plausible values.
use super::{admin_shell, ago, asked, last, shell};
use authgate::http::web::{
    list::{Listing, PAGED},
    registered,
};
use authgate::pages::{
    AboutClient, Alert, ApprovePage, AppsPage, Badge, ClientAuthorizationsPage, ClientChange,
    ClientFormPage, ClientOwnerPage, ClientPage, ClientRow, ClientSecretPage, ClientsPage,
    ConsentRow, Fact, FormInput, FormSelect, Pager, Place, RegeneratePage, RejectPage, ScopeChoice,
    ScopeLine, Secret, Tone, Words, scope_words,
};

const ID: &str = "3f6c2f6e-7a52-4a51-9d2e-0d4a6f6c1f9b";

fn words(keys: &[&'static str]) -> Vec<Words> {
    keys.iter().map(|key| Words::of(*key)).collect()
}

fn row(name: &str, base: &str, status: Badge, seconds: i64) -> ClientRow {
    let id = format!("{seconds:08x}-7a52-4a51-9d2e-0d4a6f6c1f9b");
    ClientRow {
        name: name.into(),
        description: "Signs people in from the terminal".into(),
        href: format!("{base}/{id}"),
        client_id: id,
        kind: Words::of("clients.confidential"),
        grants: words(&["clients.device_code", "clients.authorization_code"]),
        is_pending: status.tone == Tone::Warning,
        status,
        created: ago(seconds),
        owner: Words::from("maria.lindqvist"),
    }
}

fn whole(base: &str) -> Listing {
    asked(base, &[], &registered::LIST)
}

pub fn list() -> ClientsPage {
    let base = "/admin/clients";
    let status = |tone, key| Badge::new(tone, key);
    ClientsPage {
        shell: admin_shell(Place::Clients),
        is_admin: true,
        base: base.into(),
        filter: whole(base).form(),
        is_narrowed: false,
        cut: None,
        rows: vec![
            row(
                "Fleet Deploy Assistant",
                base,
                status(Tone::Warning, "clients.pending"),
                3_000,
            ),
            row(
                "AuthGate CLI",
                base,
                status(Tone::Success, "clients.active"),
                900_000,
            ),
            row(
                "a-name-without-any-blank-that-is-much-longer-than-its-column-can-be",
                base,
                status(Tone::Neutral, "clients.inactive"),
                90_000_000,
            ),
        ],
        pager: last(&whole(base)),
    }
}

pub fn apps_empty() -> AppsPage {
    AppsPage(ClientsPage {
        shell: shell(Place::Apps),
        is_admin: false,
        base: "/apps".into(),
        filter: whole("/apps").form(),
        is_narrowed: false,
        cut: None,
        rows: vec![],
        pager: Pager::default(),
    })
}

pub fn apps() -> AppsPage {
    let AppsPage(page) = apps_empty();
    AppsPage(ClientsPage {
        rows: vec![row(
            "Notebook",
            "/apps",
            Badge::new(Tone::Warning, "clients.pending"),
            60,
        )],
        ..page
    })
}

pub fn form() -> ClientFormPage {
    ClientFormPage {
        shell: admin_shell(Place::Clients),
        is_admin: true,
        is_new: false,
        is_approved: true,
        message: None,
        action: format!("/admin/clients/{ID}"),
        cancel: format!("/admin/clients/{ID}"),
        heading: "Fleet Deploy Assistant".into(),
        version: "3".into(),
        submission: String::new(),
        name: FormInput::of("Fleet Deploy Assistant"),
        description: FormInput::of("Rolls out new versions"),
        client_type: FormSelect::of(
            &[
                ("public", "clients.public"),
                ("confidential", "clients.confidential"),
            ],
            "confidential",
        ),
        device_flow: true,
        auth_code_flow: true,
        client_credentials_flow: false,
        grant_errors: vec![],
        redirect_uris: FormInput::of("https://fleet.example/callback\nhttp://127.0.0.1:8912/cb"),
        post_logout_redirect_uris: FormInput::default(),
        scopes: FormInput::of("openid email profile"),
        scope_choices: ["openid", "email", "profile", "offline_access"]
            .map(|name| ScopeChoice {
                name: name.into(),
                words: scope_words(name),
                is_chosen: name != "openid",
            })
            .into(),
        allowed_resources: FormInput::of("https://api.example/fleet"),
        token_profile: FormSelect::of(
            &[
                ("short", "clients.profile_short"),
                ("standard", "clients.profile_standard"),
                ("long", "clients.profile_long"),
            ],
            "standard",
        ),
        machine_token_ttl: FormInput::of("30m"),
        project: FormInput::of("fleet"),
        service_account: FormInput::default(),
        auth_method: FormSelect::of(&[("", "client_form.any_method")], ""),
        jwks: FormInput::default(),
        id_token_alg: FormSelect::of(&[("", "client_form.server_choice")], ""),
        status: FormSelect::of(
            &[
                ("pending", "clients.pending"),
                ("active", "clients.active"),
                ("inactive", "clients.inactive"),
            ],
            "active",
        ),
    }
}

pub fn form_refused() -> ClientFormPage {
    let entry = |why: &'static str| {
        Words::of("problems.entry")
            .with("entry", "https://fleet.example/*")
            .with("why", Words::of(why))
    };
    ClientFormPage {
        message: Some(Alert::error(Words::of("client_form.faults"))),
        name: FormInput::of("").wrong(words(&["problems.required"])),
        grant_errors: words(&["problems.no_grant"]),
        redirect_uris: FormInput::of("https://fleet.example/*")
            .wrong(vec![entry("problems.uri_wildcard")]),
        machine_token_ttl: FormInput::of("soon").wrong(words(&["problems.duration"])),
        ..form()
    }
}

pub fn app_form() -> ClientFormPage {
    ClientFormPage {
        shell: shell(Place::Apps),
        is_admin: false,
        is_new: true,
        is_approved: false,
        action: "/apps".into(),
        cancel: "/apps".into(),
        heading: String::new(),
        version: String::new(),
        submission: "0d5a1b9e-7f1c-4c55-9f0e-3b0f6d1f7a11".into(),
        ..form()
    }
}

pub fn app_edit() -> ClientFormPage {
    ClientFormPage {
        is_new: false,
        is_approved: true,
        heading: "Notebook".into(),
        ..app_form()
    }
}

pub fn detail() -> ClientPage {
    ClientPage {
        shell: admin_shell(Place::Clients),
        is_admin: true,
        base: format!("/admin/clients/{ID}"),
        version: "3".into(),
        name: "Fleet Deploy Assistant".into(),
        status: Badge::new(Tone::Warning, "clients.pending"),
        standing: Some(Alert::warning(Words::of("clients.standing_pending"))),
        about: about(),
        has_secret: true,
        is_pending: true,
        can_delete: true,
    }
}

fn about() -> AboutClient {
    AboutClient {
        client_id: ID.into(),
        description: "Rolls out new versions\nand takes them back.".into(),
        changes: None,
        facts: vec![
            Fact::new("clients.type", Words::of("clients.confidential")),
            Fact::new("clients.project", "fleet"),
            Fact::new("clients.tokens", 1_234),
        ],
        grants: words(&["clients.device_code", "clients.client_credentials"]),
        scopes: ["openid", "fleet:deploy"].map(ScopeLine::of).into(),
        redirect_uris: vec!["https://fleet.example/callback".into()],
        post_logout_redirect_uris: vec![],
        resources: vec!["https://api.example/fleet".into()],
        said: vec![],
        created: ago(900_000),
        updated: ago(3_000),
        previous_secret_until: Some(ago(-80_000)),
    }
}

/// A program that registered itself, was approved, and asks for more.
pub fn approve() -> ApprovePage {
    let said = |name: &str, value: &str| Fact {
        name: Words::from(name),
        value: Words::from(value),
    };
    let change = |what, now: &[&str], before: Option<&str>| ClientChange {
        what: Words::of(what),
        now: now.iter().map(|value| Words::from(*value)).collect(),
        before: before.map(Words::from),
    };
    ApprovePage {
        shell: admin_shell(Place::Clients),
        base: format!("/admin/clients/{ID}"),
        version: "3".into(),
        name: "Fleet Deploy Assistant".into(),
        about: AboutClient {
            changes: Some(vec![
                change(
                    "clients.redirect_uris",
                    &["https://fleet.example/callback"],
                    None,
                ),
                change("clients.project", &["fleet"], Some("payroll")),
            ]),
            facts: vec![
                Fact::new("clients.type", Words::of("clients.confidential")),
                Fact::new("clients.keys", 2),
                Fact::new("clients.owner", Words::of("clients.owner_self")),
                Fact::new("clients.tokens", 1_234),
                Fact::new("clients.consents", 57),
            ],
            post_logout_redirect_uris: vec!["https://fleet.example/bye".into()],
            said: vec![
                said("contacts", "dev@fleet.example, ops@fleet.example"),
                said("logo_uri", "https://fleet.example/logo.png"),
                said("software_id", "fleet-deploy"),
            ],
            previous_secret_until: None,
            ..about()
        },
    }
}

pub fn app_detail() -> ClientPage {
    ClientPage {
        shell: shell(Place::Apps),
        is_admin: false,
        base: format!("/apps/{ID}"),
        is_pending: false,
        can_delete: true,
        standing: Some(Alert::error(
            Words::of("clients.standing_rejected").with("reason", "The project is not yours."),
        )),
        status: Badge::new(Tone::Neutral, "clients.inactive"),
        ..detail()
    }
}

pub fn app_in_use() -> ClientPage {
    ClientPage {
        can_delete: false,
        standing: None,
        status: Badge::new(Tone::Success, "clients.active"),
        ..app_detail()
    }
}

pub fn secret() -> ClientSecretPage {
    ClientSecretPage {
        shell: shell(Place::Apps),
        is_new: true,
        is_pending: true,
        base: format!("/apps/{ID}"),
        client_id: ID.into(),
        name: "Notebook".into(),
        secret: Secret {
            label: Words::of("clients.secret"),
            value: "ago_s3cr3ts3cr3ts3cr3ts3cr3ts3cr3ts3cr3ts3cr3ts3cr3t".into(),
        },
        previous_secret_until: Some(ago(-86_400)),
    }
}

pub fn regenerate() -> RegeneratePage {
    RegeneratePage {
        shell: admin_shell(Place::Clients),
        base: format!("/admin/clients/{ID}"),
        client_id: ID.into(),
        version: "3".into(),
        name: "Fleet Deploy Assistant".into(),
        overlaps: FormSelect::of(
            &[
                ("0", "clients.overlap_none"),
                ("86400", "clients.overlap_day"),
            ],
            "86400",
        )
        .choices,
    }
}

pub fn reject() -> RejectPage {
    RejectPage {
        shell: admin_shell(Place::Clients),
        client_id: ID.into(),
        name: "Fleet Deploy Assistant".into(),
        facts: vec![Fact::new("clients.owner", "maria.lindqvist")],
        consequences: vec![
            Words::of("clients.delete_tokens").with("n", 1_234),
            Words::of("clients.delete_consents").with("n", 57),
            Words::of("clients.delete_codes"),
            Words::of("clients.reject_words"),
        ],
        reason: FormInput::default(),
    }
}

pub fn owner() -> ClientOwnerPage {
    ClientOwnerPage {
        shell: admin_shell(Place::Clients),
        client_id: ID.into(),
        version: "3".into(),
        name: "Fleet Deploy Assistant".into(),
        facts: vec![
            Fact::new("clients.id", ID),
            Fact::new("clients.owner_now", Words::of("clients.owner_self")),
        ],
        consequences: words(&[
            "clients.owner_may",
            "clients.owner_secret",
            "clients.owner_vouches",
        ]),
        typed: FormInput::of("maria.lindqvits").wrong(words(&["clients.owner_nobody"])),
    }
}

pub fn consent_rows() -> Vec<ConsentRow> {
    vec![ConsentRow {
        name: "maria.lindqvist".into(),
        note: "maria@corp.example".into(),
        href: "/admin/users/4f8d7f3e".into(),
        scopes: vec!["openid".into(), "email".into(), "offline_access".into()],
        resources: vec!["https://api.example/fleet".into()],
        granted: ago(90_000),
        revoke: "/admin/users/4f8d7f3e/authorizations/7b/revoke".into(),
    }]
}

pub fn authorizations() -> ClientAuthorizationsPage {
    ClientAuthorizationsPage {
        shell: admin_shell(Place::Clients),
        client_id: ID.into(),
        name: "Fleet Deploy Assistant".into(),
        rows: consent_rows(),
        pager: last(&asked(
            &format!("/admin/clients/{ID}/authorizations"),
            &[],
            &PAGED,
        )),
    }
}
