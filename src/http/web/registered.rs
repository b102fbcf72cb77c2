//! What the pages of administrators and of owners have in common about clients: drafts from forms, views from clients.
use super::{
    guard::Visit,
    list::{Choosing, Listing, Shape},
};
use crate::{
    domain::{
        client::{Client, ClientStatus, ClientType},
        ids::ClientId,
        lifetimes::Lifetimes,
        paging::Found,
        registration::{Draft, split_uris},
        time::Timestamp,
    },
    flows::browse::ClientLine,
    flows::{
        FlowError,
        counting::Counting,
        registry::{Capacity, Editor, RegistryDeps, RegistryError},
    },
    http::{form::Form, respond::Response},
    pages::{
        AboutClient, Badge, ClientPage, ClientRow, ClientsPage, Place, ScopeLine, Tone, When, Words,
    },
};
use std::sync::Arc;

pub mod both;
pub mod facts;
pub mod form;
pub mod problems;
pub mod secret;

/// What these pages need.
#[derive(Clone)]
pub struct RegisteredDeps {
    /// Registers and changes.
    pub registry: RegistryDeps,
    /// What the profiles mean.
    pub lifetimes: Arc<Lifetimes>,
    /// How many of everything there are, remembered.
    pub counting: Counting,
}

/// Whose pages they are.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// `/admin/clients`.
    Admin,
    /// `/apps`.
    Owner,
}

impl Side {
    /// The list's path.
    pub fn base(self) -> &'static str {
        match self {
            Self::Admin => "/admin/clients",
            Self::Owner => "/apps",
        }
    }

    /// What whoever uses them may do.
    pub fn capacity(self) -> Capacity {
        match self {
            Self::Admin => Capacity::Administrator,
            Self::Owner => Capacity::Owner,
        }
    }

    /// Its entry in the navigation.
    pub fn place(self) -> Place {
        match self {
            Self::Admin => Place::Clients,
            Self::Owner => Place::Apps,
        }
    }
}

/// Who does it, from where.
pub fn editor(visit: &Visit) -> Editor {
    Editor {
        user: visit.guest.user.clone(),
        origin: visit.origin(),
    }
}

/// The client that the path names.
pub fn named(visit: &Visit) -> ClientId {
    ClientId::new(visit.param("id"))
}

/// The answer to a refusal that has no page of its own.
pub fn refused(visit: &Visit, side: Side, error: RegistryError) -> Result<Response, FlowError> {
    let base = format!("{}/{}", side.base(), visit.param("id"));
    match error {
        RegistryError::Unknown => Ok(visit.not_found()),
        RegistryError::Foreign => Ok(visit.forbidden()),
        RegistryError::Stale => Ok(visit.to(&format!("{base}?error=stale"))),
        RegistryError::WrongState => Ok(visit.to(&format!("{base}?warning=not_pending"))),
        // Only forms have faults, and they draw them.
        RegistryError::Faults(_) | RegistryError::TooMany(_) | RegistryError::Already(_) => Err(
            FlowError::Internal("a fault of a form where there is no form".to_owned()),
        ),
        RegistryError::Flow(error) => Err(error),
    }
}

/// A client's state in a word.
pub fn status(client: &Client) -> Badge {
    match client.status {
        ClientStatus::Pending if client.approved.is_some() => {
            Badge::new(Tone::Warning, "clients.pending_again")
        }
        ClientStatus::Pending => Badge::new(Tone::Warning, "clients.pending"),
        ClientStatus::Active => Badge::new(Tone::Success, "clients.active"),
        ClientStatus::Inactive => Badge::new(Tone::Neutral, "clients.inactive"),
    }
}

fn kind(client: &Client) -> Words {
    Words::of(match client.client_type {
        ClientType::Public => "clients.public",
        ClientType::Confidential => "clients.confidential",
    })
}

fn grants(client: &Client) -> Vec<Words> {
    [
        (client.device_flow, "clients.device_code"),
        (client.auth_code_flow, "clients.authorization_code"),
        (client.client_credentials_flow, "clients.client_credentials"),
    ]
    .into_iter()
    .filter(|(is_on, _)| *is_on)
    .map(|(_, key)| Words::of(key))
    .collect()
}

fn owner(line: &ClientLine) -> Words {
    if !line.owner_name.is_empty() {
        Words::from(line.owner_name.as_str())
    } else if line.client.owner.is_empty() {
        Words::of("clients.owner_self")
    } else {
        Words::of("clients.owner_gone")
    }
}

/// A list's page.
pub fn list_page(
    visit: &Visit,
    side: Side,
    (listing, found, total): (&Listing, &Found<ClientLine>, Option<Words>),
    now: Timestamp,
) -> ClientsPage {
    let row = |line: &ClientLine| ClientRow {
        name: line.client.name.clone(),
        description: line.client.description.clone(),
        client_id: line.client.client_id.as_str().to_owned(),
        href: format!("{}/{}", side.base(), line.client.client_id),
        kind: kind(&line.client),
        grants: grants(&line.client),
        status: status(&line.client),
        created: When::new(line.client.created_at, now),
        owner: owner(line),
        is_pending: line.client.status == ClientStatus::Pending,
    };
    ClientsPage {
        shell: visit.shell(side.place()),
        is_admin: side == Side::Admin,
        base: side.base().to_owned(),
        filter: listing.form(),
        is_narrowed: listing.is_narrowed(),
        cut: Listing::cut(found),
        rows: found.leaf.rows.iter().map(row).collect(),
        pager: listing.pager(&found.leaf, total),
    }
}

/// What both lists can be asked for.
pub const LIST: Shape = Shape {
    size: 10,
    hint: "clients.search",
    filters: &[Choosing {
        name: "status",
        label: "clients.status",
        values: &[
            ("", "list.all"),
            ("pending", "clients.pending"),
            ("active", "clients.active"),
            ("inactive", "clients.inactive"),
        ],
    }],
};

/// The filter as the store wants it.
pub fn status_filter(listing: &Listing) -> Option<ClientStatus> {
    match listing.filter("status") {
        "pending" => Some(ClientStatus::Pending),
        "active" => Some(ClientStatus::Active),
        "inactive" => Some(ClientStatus::Inactive),
        _ => None,
    }
}

/// A client's page.
pub fn detail_page(
    visit: &Visit,
    (side, deps): (Side, &RegisteredDeps),
    client: &Client,
    more: Vec<crate::pages::Fact>,
) -> ClientPage {
    ClientPage {
        shell: visit.shell(side.place()),
        is_admin: side == Side::Admin,
        base: format!("{}/{}", side.base(), client.client_id),
        version: client.version.to_string(),
        name: client.name.clone(),
        status: status(client),
        standing: facts::standing(client),
        about: about(deps, client, more),
        has_secret: client.is_confidential(),
        is_pending: client.status == ClientStatus::Pending,
        can_delete: side == Side::Admin || client.status != ClientStatus::Active,
    }
}

/// All that is known about a client.
pub fn about(deps: &RegisteredDeps, client: &Client, more: Vec<crate::pages::Fact>) -> AboutClient {
    let now = deps.registry.ground.now();
    let mut told = facts::of(client, &deps.lifetimes);
    told.extend(more);
    AboutClient {
        client_id: client.client_id.as_str().to_owned(),
        description: client.description.clone(),
        changes: facts::changes(client),
        facts: told,
        grants: grants(client),
        scopes: client.scopes.iter().map(ScopeLine::of).collect(),
        redirect_uris: client.redirect_uris.clone(),
        post_logout_redirect_uris: client.post_logout_redirect_uris.clone(),
        resources: client.allowed_resources.clone(),
        said: facts::said(client),
        created: When::new(client.created_at, now),
        updated: When::new(client.updated_at, now),
        previous_secret_until: previous_until(client, now),
    }
}

/// Until when the secret before the one of today counts.
pub fn previous_until(client: &Client, now: Timestamp) -> Option<When> {
    let previous = client.previous_secret.as_ref();
    previous
        .filter(|secret| secret.until > now)
        .map(|secret| When::new(secret.until, now))
}

/// What a form says that a client shall be.
pub fn draft(form: &Form) -> Draft {
    let text = |name: &str| form.get(name).unwrap_or_default().to_owned();
    let is_on = |name: &str| form.get(name) == Some("true");
    Draft {
        name: text("client_name"),
        description: text("description"),
        client_type: text("client_type"),
        device_flow: is_on("enable_device_flow"),
        auth_code_flow: is_on("enable_auth_code_flow"),
        client_credentials_flow: is_on("enable_client_credentials_flow"),
        redirect_uris: split_uris(&text("redirect_uris")),
        post_logout_redirect_uris: split_uris(&text("post_logout_redirect_uris")),
        // Boxes send one field each, a text field all at once.
        scopes: form.all("scopes").join(" "),
        allowed_resources: split_uris(&text("allowed_resources")),
        token_profile: text("token_profile"),
        machine_token_ttl: text("machine_token_ttl"),
        project: text("project"),
        service_account: text("service_account"),
        auth_method: text("token_endpoint_auth_method"),
        jwks: text("jwks"),
        id_token_alg: text("id_token_signed_response_alg"),
        metadata: serde_json::Map::new(),
    }
}

/// The version that a form was filled in with; one that cannot be read is that of no client.
pub fn version(form: &Form) -> Option<i64> {
    form.get("version")
        .filter(|text| !text.is_empty())
        .map(|text| text.parse().unwrap_or(-1))
}
