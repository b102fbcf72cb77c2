//! The form that makes and changes a client, with what was typed and what is wrong with it.
use super::{RegisteredDeps, Side, problems};
use crate::{
    domain::{
        client::{AuthMethod, Client, ClientStatus},
        registration::{Draft, Fault, Field, SELF_SERVICE_SCOPES},
        scope::ScopeSet,
    },
    http::web::guard::Visit,
    pages::{
        Alert, Choice, ClientFormPage, FormInput, FormSelect, ScopeChoice, Words, scope_words,
    },
};

/// What a form is filled in with.
pub struct Filled<'a> {
    /// The client that is edited; `None` for a new one.
    pub client: Option<&'a Client>,
    /// What stands in the fields.
    pub draft: &'a Draft,
    /// What is wrong.
    pub faults: &'a [Fault],
    /// What is said on top.
    pub message: Option<Alert>,
    /// The chosen status; empty for the client's.
    pub status: &'a str,
    /// What tells this form from every other one that makes a client; empty for an edit.
    pub submission: &'a str,
}

impl<'a> Filled<'a> {
    /// As the client is.
    pub fn of(client: Option<&'a Client>, draft: &'a Draft) -> Self {
        Self {
            client,
            draft,
            faults: &[],
            message: None,
            status: "",
            submission: "",
        }
    }

    /// As it was typed, with faults.
    pub fn refused(client: Option<&'a Client>, draft: &'a Draft, faults: &'a [Fault]) -> Self {
        Self {
            faults,
            message: Some(Alert::error(Words::of("client_form.faults"))),
            ..Self::of(client, draft)
        }
    }
}

/// A new client's fields.
pub fn blank() -> Draft {
    Draft {
        client_type: "public".to_owned(),
        device_flow: true,
        scopes: "email profile".to_owned(),
        token_profile: "standard".to_owned(),
        ..Draft::default()
    }
}

/// The page.
pub fn page(
    visit: &Visit,
    (side, deps): (Side, &RegisteredDeps),
    filled: Filled<'_>,
) -> ClientFormPage {
    let Filled {
        client,
        draft,
        faults,
        message,
        status,
        submission,
    } = filled;
    let wrong = |field| problems::of(faults, field);
    let input = |value: &str, field| FormInput::of(value).wrong(wrong(field));
    let lines = |values: &[String], field| FormInput::of(values.join("\n")).wrong(wrong(field));
    let here = match client {
        Some(client) => format!("{}/{}", side.base(), client.client_id),
        None => side.base().to_owned(),
    };
    let status = if status.is_empty() {
        client.map_or("active", |client| client.status.as_str())
    } else {
        status
    };
    ClientFormPage {
        shell: visit.shell(side.place()),
        is_admin: side == Side::Admin,
        is_new: client.is_none(),
        is_approved: client.is_some_and(|client| client.status == ClientStatus::Active),
        message,
        action: here.clone(),
        cancel: here,
        heading: client.map(|client| client.name.clone()).unwrap_or_default(),
        version: client
            .map(|client| client.version.to_string())
            .unwrap_or_default(),
        submission: submission.to_owned(),
        name: input(&draft.name, Field::Name),
        description: input(&draft.description, Field::Description),
        client_type: types(&draft.client_type),
        device_flow: draft.device_flow,
        auth_code_flow: draft.auth_code_flow,
        client_credentials_flow: draft.client_credentials_flow,
        grant_errors: wrong(Field::Grants),
        redirect_uris: lines(&draft.redirect_uris, Field::RedirectUris),
        post_logout_redirect_uris: lines(
            &draft.post_logout_redirect_uris,
            Field::PostLogoutRedirectUris,
        ),
        scopes: input(&draft.scopes, Field::Scopes),
        scope_choices: scope_choices(client, &draft.scopes),
        allowed_resources: lines(&draft.allowed_resources, Field::AllowedResources),
        token_profile: profiles(&draft.token_profile).wrong(wrong(Field::TokenProfile)),
        machine_token_ttl: input(&draft.machine_token_ttl, Field::MachineTokenTtl),
        project: input(&draft.project, Field::Project),
        service_account: input(&draft.service_account, Field::ServiceAccount),
        auth_method: methods(&draft.auth_method).wrong(wrong(Field::AuthMethod)),
        jwks: input(&draft.jwks, Field::Jwks),
        id_token_alg: algorithms(&deps.registry.rules.id_token_algs, &draft.id_token_alg)
            .wrong(wrong(Field::IdTokenAlg)),
        status: statuses(status).wrong(wrong(Field::Status)),
    }
}

fn types(chosen: &str) -> FormSelect {
    let chosen = if chosen == "public" {
        chosen
    } else {
        "confidential"
    };
    FormSelect::of(
        &[
            ("public", "clients.public"),
            ("confidential", "clients.confidential"),
        ],
        chosen,
    )
}

fn profiles(chosen: &str) -> FormSelect {
    let chosen = if chosen.is_empty() {
        "standard"
    } else {
        chosen
    };
    FormSelect::of(
        &[
            ("short", "clients.profile_short"),
            ("standard", "clients.profile_standard"),
            ("long", "clients.profile_long"),
        ],
        chosen,
    )
}

/// All three: a pending client can be saved as one.
fn statuses(chosen: &str) -> FormSelect {
    FormSelect::of(
        &[
            ("pending", "clients.pending"),
            ("active", "clients.active"),
            ("inactive", "clients.inactive"),
        ],
        chosen,
    )
}

fn plain(value: &str, chosen: &str) -> Choice {
    Choice {
        value: value.to_owned(),
        label: Words::from(value),
        is_chosen: value == chosen,
    }
}

fn methods(chosen: &str) -> FormSelect {
    let mut select = FormSelect::of(&[("", "client_form.any_method")], chosen);
    let known = [
        AuthMethod::ClientSecretBasic,
        AuthMethod::ClientSecretPost,
        AuthMethod::PrivateKeyJwt,
        AuthMethod::None,
    ];
    select
        .choices
        .extend(known.map(|method| plain(method.as_str(), chosen)));
    select
}

fn algorithms(known: &[String], chosen: &str) -> FormSelect {
    let mut select = FormSelect::of(&[("", "client_form.server_choice")], chosen);
    select
        .choices
        .extend(known.iter().map(|name| plain(name, chosen)));
    select
}

/// The four that everybody may choose, and those that an administrator gave.
fn scope_choices(client: Option<&Client>, chosen: &str) -> Vec<ScopeChoice> {
    let chosen = ScopeSet::stored(chosen);
    let given: Vec<&str> = client
        .map(|client| client.scopes.iter().collect())
        .unwrap_or_default();
    let more = given
        .into_iter()
        .filter(|scope| !SELF_SERVICE_SCOPES.contains(scope));
    SELF_SERVICE_SCOPES
        .into_iter()
        .chain(more)
        .map(|name| ScopeChoice {
            name: name.to_owned(),
            words: scope_words(name),
            is_chosen: chosen.contains(name),
        })
        .collect()
}
