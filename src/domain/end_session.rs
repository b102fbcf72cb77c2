//! Signing out by way of a client (OpenID Connect RP-Initiated Logout 1.0): when it happens at once, when the person is
//! asked, and where they may be sent afterwards.
use super::{client::Client, ids::UserId, redirect};

/// What the request says.
#[derive(Clone, Debug, Default)]
pub struct EndParams {
    /// `id_token_hint`.
    pub id_token_hint: String,
    /// `client_id`.
    pub client_id: String,
    /// `post_logout_redirect_uri`.
    pub post_logout_redirect_uri: String,
    /// `state`.
    pub state: String,
    /// Whether a parameter came more than once (RFC 6749 §3.1), of whatever name.
    pub repeats: bool,
}

impl EndParams {
    /// Sorts pairs by name; those that nobody knows are passed over.
    pub fn read(pairs: &[(String, String)]) -> Self {
        let field = |name: &str| {
            let found = pairs.iter().find(|(key, _)| key == name);
            found.map(|(_, value)| value.clone()).unwrap_or_default()
        };
        let mut names: Vec<&str> = pairs.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        Self {
            id_token_hint: field("id_token_hint"),
            client_id: field("client_id"),
            post_logout_redirect_uri: field("post_logout_redirect_uri"),
            state: field("state"),
            repeats: names.windows(2).any(|two| two.first() == two.last()),
        }
    }
}

/// What `id_token_hint` turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HintState<'a> {
    /// None came.
    Absent,
    /// Not one of our ID tokens: it proves nothing, and nobody is sent anywhere because of it.
    Invalid,
    /// An ID token of ours about this person.
    About(&'a UserId),
}

/// What happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EndVerdict {
    /// A page says why not; nobody is sent anywhere.
    Refused(EndRefusal),
    /// The person is asked first, because a link anywhere could lead here.
    Confirm(Option<String>),
    /// The session ends now; then the person goes there, or sees the sign-in page.
    End(Option<String>),
    /// Nobody is signed in.
    Nobody(Option<String>),
}

/// Why not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndRefusal {
    /// A parameter came more than once.
    Repeated,
    /// `client_id` and the hint name different clients.
    Clients,
    /// `post_logout_redirect_uri` is not registered for the client, or no client is named.
    Address,
}

impl EndRefusal {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Repeated, Self::Clients, Self::Address];

    /// A name that does not change: for the words of a page.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Repeated => "repeated",
            Self::Clients => "clients_differ",
            Self::Address => "address",
        }
    }
}

/// Judges. `client` is the one that `client_id` or else the hint names, if it exists and is active.
pub fn judge(
    params: &EndParams,
    client: Option<&Client>,
    hint: HintState<'_>,
    hinted_client: Option<&str>,
    visitor: Option<&UserId>,
) -> EndVerdict {
    if params.repeats {
        return EndVerdict::Refused(EndRefusal::Repeated);
    }
    let named = params.client_id.as_str();
    if !named.is_empty() && hinted_client.is_some_and(|hinted| hinted != named) {
        return EndVerdict::Refused(EndRefusal::Clients);
    }
    let target = match (params.post_logout_redirect_uri.as_str(), hint) {
        ("", _) | (_, HintState::Invalid) => None,
        (uri, _) if client.is_some_and(|client| is_registered(client, uri)) => {
            Some(with_state(uri, &params.state))
        }
        _ => return EndVerdict::Refused(EndRefusal::Address),
    };
    match (visitor, hint) {
        (None, _) => EndVerdict::Nobody(target),
        (Some(visitor), HintState::About(hinted)) if visitor == hinted => EndVerdict::End(target),
        (Some(_), _) => EndVerdict::Confirm(target),
    }
}

/// Byte for byte, whatever kind of client it is.
fn is_registered(client: &Client, uri: &str) -> bool {
    client.is_active() && redirect::is_registered(&client.post_logout_redirect_uris, uri, false)
}

fn with_state(uri: &str, state: &str) -> String {
    if state.is_empty() {
        uri.to_owned()
    } else {
        redirect::with_parameters(uri, &[("state", state)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::client::doubles;

    #[test]
    fn whatever_comes_twice_is_seen() {
        let read = |names: &[&str]| {
            let pairs = names
                .iter()
                .map(|name| ((*name).to_owned(), "v".to_owned()));
            EndParams::read(&pairs.collect::<Vec<_>>())
        };
        assert!(!read(&["client_id", "state", "ui_locales"]).repeats);
        assert_eq!(read(&["state"]).state, "v");
        for name in ["client_id", "state", "ui_locales", "nobody_knows_it"] {
            assert!(
                read(&[name, "post_logout_redirect_uri", name]).repeats,
                "{name}"
            );
        }
    }

    #[test]
    fn end_session_table() {
        let (alice, bob) = (UserId::new("alice"), UserId::new("bob"));
        let client = Client {
            post_logout_redirect_uris: vec!["https://app.example/bye".into()],
            ..doubles::client()
        };
        let params = |uri: &str| EndParams {
            post_logout_redirect_uri: uri.into(),
            state: "s".into(),
            ..EndParams::default()
        };
        let back = || Some("https://app.example/bye?state=s".to_owned());
        let bye = params("https://app.example/bye");
        let about = HintState::About(&alice);
        let judged = |hint, visitor| judge(&bye, Some(&client), hint, None, visitor);
        assert_eq!(judged(about, Some(&alice)), EndVerdict::End(back()));
        assert_eq!(judged(about, Some(&bob)), EndVerdict::Confirm(back()));
        assert_eq!(judged(about, None), EndVerdict::Nobody(back()));
        assert_eq!(
            judged(HintState::Absent, Some(&alice)),
            EndVerdict::Confirm(back())
        );
        assert_eq!(
            judged(HintState::Invalid, Some(&alice)),
            EndVerdict::Confirm(None)
        );
        let refused = EndVerdict::Refused(EndRefusal::Address);
        for uri in [
            "https://app.example/bye/",
            "https://evil.example",
            "https://app.example/cb",
        ] {
            assert_eq!(
                judge(&params(uri), Some(&client), about, None, Some(&alice)),
                refused,
                "{uri}"
            );
        }
        assert_eq!(judge(&bye, None, about, None, Some(&alice)), refused);
        assert_eq!(
            judge(&params(""), None, HintState::Absent, None, Some(&alice)),
            EndVerdict::Confirm(None)
        );
        let twice = EndParams {
            repeats: true,
            ..bye.clone()
        };
        assert_eq!(
            judge(&twice, Some(&client), about, None, Some(&alice)),
            EndVerdict::Refused(EndRefusal::Repeated)
        );
        let other = EndParams {
            client_id: "other".into(),
            ..bye.clone()
        };
        assert_eq!(
            judge(&other, Some(&client), about, Some("c"), Some(&alice)),
            EndVerdict::Refused(EndRefusal::Clients)
        );
    }
}
