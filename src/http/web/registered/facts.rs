//! What a client's page tells about it.
use crate::{
    domain::{
        client::{AuthMethod, Client, ClientStatus, ClientType},
        client_metadata,
        lifetimes::Lifetimes,
        registration::{Addition, Reach, Widened, duration_text},
    },
    flows::browse::ClientHoldings,
    pages::{Alert, ClientChange, Fact, Words},
};

/// Facts in the order of the form; what is not set is left out.
pub fn of(client: &Client, lifetimes: &Lifetimes) -> Vec<Fact> {
    let kind = match client.client_type {
        ClientType::Public => "clients.public",
        ClientType::Confidential => "clients.confidential",
    };
    let profile = lifetimes.profile(client);
    let life = Words::of("clients.profile_of")
        .with("name", Words::of(profile_name(&client.token_profile)))
        .with("access", duration_text(profile.access))
        .with("refresh", duration_text(profile.refresh));
    let mut facts = vec![
        Fact::new("clients.type", Words::of(kind)),
        Fact::new("clients.profile", life),
    ];
    if client.client_credentials_flow {
        let machine = match client.machine_token_ttl {
            Some(ttl) => Words::from(duration_text(ttl)),
            None => Words::of("clients.server_default"),
        };
        facts.push(Fact::new("clients.machine_ttl", machine));
    }
    let method = client
        .auth_method
        .map(AuthMethod::as_str)
        .unwrap_or_default();
    for (name, value) in [
        ("clients.project", client.project.as_str()),
        ("clients.service_account", client.service_account.as_str()),
        ("clients.auth_method", method),
        (
            "clients.id_token_alg",
            client.id_token_alg.as_deref().unwrap_or_default(),
        ),
    ] {
        if !value.is_empty() {
            facts.push(Fact::new(name, value));
        }
    }
    let keys = u64::try_from(client.public_keys()).unwrap_or_default();
    if keys > 0 {
        facts.push(Fact::new("clients.keys", keys));
    }
    facts
}

/// What a program said about itself, under the names that it used.
pub fn said(client: &Client) -> Vec<Fact> {
    let fact = |(name, text): (String, String)| Fact {
        name: Words::from(name),
        value: Words::from(text),
    };
    client_metadata::said(client)
        .into_iter()
        .map(fact)
        .collect()
}

/// What is new since somebody approved it. It may have been taken back meanwhile; then it waits all the same.
pub fn changes(client: &Client) -> Option<Vec<ClientChange>> {
    let before = client.approved.as_deref()?;
    let additions = Reach::from(client).additions(before);
    Some(additions.into_iter().map(change).collect())
}

fn change(addition: Addition) -> ClientChange {
    let said = |value: String| match (addition.what, value.as_str()) {
        (Widened::Lifetime, value) => lifetime(value),
        (_, "") => Words::of("clients.nothing"),
        (Widened::Grants, "device_code") => Words::of("clients.device_code"),
        (Widened::Grants, "authorization_code") => Words::of("clients.authorization_code"),
        (Widened::Grants, "client_credentials") => Words::of("clients.client_credentials"),
        (Widened::Authentication, value) => authentication(value),
        (_, _) => Words::from(value),
    };
    ClientChange {
        what: Words::of(match addition.what {
            Widened::Name => "clients.name",
            Widened::Description => "clients.description",
            Widened::RedirectUris => "clients.redirect_uris",
            Widened::PostLogoutRedirectUris => "clients.post_logout",
            Widened::Scopes => "clients.scopes",
            Widened::Resources => "clients.resources",
            Widened::Grants => "clients.grants",
            Widened::Project => "clients.project",
            Widened::ServiceAccount => "clients.service_account",
            Widened::Authentication => "clients.auth_method",
            Widened::Lifetime => "clients.profile",
        }),
        now: addition.now.into_iter().map(said).collect(),
        before: addition.before.map(said),
    }
}

/// A profile, and after it how long machine tokens live.
fn lifetime(value: &str) -> Words {
    let (profile, machine) = value.split_once(' ').unwrap_or((value, ""));
    let profile = Words::of(profile_name(profile));
    if machine.is_empty() {
        return profile;
    }
    Words::of("clients.life_and_machine")
        .with("profile", profile)
        .with("machine", machine)
}

/// A type of client, and after it its way to authenticate.
fn authentication(value: &str) -> Words {
    let (kind, method) = value.split_once(' ').unwrap_or((value, ""));
    let kind = match kind {
        "public" => Words::of("clients.public"),
        "confidential" => Words::of("clients.confidential"),
        other => Words::from(other),
    };
    let method = match AuthMethod::parse(method) {
        None => return kind,
        Some(AuthMethod::None) => Words::of("clients.by_nothing"),
        Some(AuthMethod::ClientSecretBasic) => Words::of("clients.by_basic"),
        Some(AuthMethod::ClientSecretPost) => Words::of("clients.by_post"),
        Some(AuthMethod::PrivateKeyJwt) => Words::of("clients.by_assertion"),
    };
    Words::of("clients.type_and_method")
        .with("type", kind)
        .with("method", method)
}

fn profile_name(profile: &str) -> &'static str {
    match profile.trim() {
        "short" => "clients.profile_short",
        "long" => "clients.profile_long",
        _ => "clients.profile_standard",
    }
}

/// How much it was given.
pub fn holdings(held: ClientHoldings) -> Vec<Fact> {
    vec![
        Fact::new("clients.tokens", Words::counted(held.tokens)),
        Fact::new("clients.consents", Words::counted(held.consents)),
    ]
}

/// What ends with everything that it was given.
pub fn what_ends(held: ClientHoldings) -> Vec<Words> {
    vec![
        Words::of("clients.delete_tokens").with("n", Words::counted(held.tokens)),
        Words::of("clients.delete_consents").with("n", Words::counted(held.consents)),
        Words::of("clients.delete_codes"),
    ]
}

/// What ends with it, when it is deleted.
pub fn what_goes(held: ClientHoldings) -> Vec<Words> {
    let mut all = what_ends(held);
    all.push(Words::of("clients.delete_final"));
    all
}

/// What its status means to whoever looks at it.
pub fn standing(client: &Client) -> Option<Alert> {
    match client.status {
        ClientStatus::Active => None,
        ClientStatus::Pending if client.approved.is_some() => {
            Some(Alert::warning(Words::of("clients.standing_again")))
        }
        ClientStatus::Pending => Some(Alert::warning(Words::of("clients.standing_pending"))),
        ClientStatus::Inactive if client.status_reason.is_empty() => {
            Some(Alert::info(Words::of("clients.standing_inactive")))
        }
        ClientStatus::Inactive => Some(Alert::error(
            Words::of("clients.standing_rejected").with("reason", client.status_reason.as_str()),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lifetimes_and_ways_to_authenticate_are_told_in_words() {
        assert_eq!(lifetime("long"), Words::of("clients.profile_long"));
        assert_eq!(lifetime(""), Words::of("clients.profile_standard"));
        let both = Words::of("clients.life_and_machine")
            .with("profile", Words::of("clients.profile_short"))
            .with("machine", "2h");
        assert_eq!(lifetime("short 2h"), both);
        let public = Words::of("clients.public");
        assert_eq!(authentication("public"), public);
        let by = Words::of("clients.type_and_method")
            .with("type", public)
            .with("method", Words::of("clients.by_nothing"));
        assert_eq!(authentication("public none"), by);
    }
}
